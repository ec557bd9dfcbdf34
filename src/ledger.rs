//! `ledger:` of an environment: the place of its ledger as its owner writes it, and the chain of custody told what happened.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use jiff::Timestamp;
use proofbook_evidence::bundle::manifest::sha256_hex;
use proofbook_evidence::ledger::{Custody, HandedOver, Ledger, Lock, ObjectSettings, Objects, Period};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::clock;
use crate::output::Output;

/// The place of a ledger: a folder or a URL alone, or with how it is reached.
#[derive(Clone, Debug, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Place {
    /// A folder, relative to the workspace, or `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`.
    Plain(String),
    /// The same with how it is reached.
    Settings(PlaceSettings),
}

/// A place with how it is reached. Credentials come from the environment, under the names that the storage's own tools use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceSettings {
    /// `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or a folder.
    url: String,
    /// A server that speaks the protocol, in place of the provider's own.
    #[serde(default)]
    endpoint: Option<String>,
    /// The region of the bucket (S3).
    #[serde(default)]
    region: Option<String>,
    /// Lock every object that is written (S3; the bucket must have been made with object lock).
    #[serde(default)]
    lock: Option<LockSettings>,
    /// How many seconds one request may take; 30 where nothing is said.
    #[serde(default)]
    timeout_seconds: Option<u64>,
    /// For how many seconds requests that fail for a moment are tried again; 60 where nothing is said.
    #[serde(default)]
    retry_seconds: Option<u64>,
    /// Where bundles that were looked at are kept, relative to the workspace; `evidence/.cache` where nothing is said.
    #[serde(default)]
    cache: Option<PathBuf>,
}

/// A lock of every object.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockSettings {
    /// `compliance`, which nobody can lift, or `governance`.
    mode: LockMode,
    /// For how long.
    keep: Period,
}

/// The mode of a lock.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LockMode {
    /// Nobody can lift it.
    Compliance,
    /// Those with a special right can lift it.
    Governance,
}

// By hand: serde's untagged form would not say what is wrong inside.
impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Place;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a folder, a URL such as s3://bucket/prefix, or a map with `url`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Place, E> {
                Ok(Place::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Place, A::Error> {
                PlaceSettings::deserialize(MapAccessDeserializer::new(map)).map(Place::Settings)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Place {
    /// Opens the ledger; its part of the place is `<workspace>/<environment>`.
    pub(crate) fn open(&self, root: &Path, part: &str) -> Result<Ledger> {
        let plain = PlaceSettings {
            url: String::new(),
            endpoint: None,
            region: None,
            lock: None,
            timeout_seconds: None,
            retry_seconds: None,
            cache: None,
        };
        let settings = match self {
            Self::Plain(url) => PlaceSettings { url: url.clone(), ..plain },
            Self::Settings(settings) => settings.clone(),
        };
        if !settings.url.contains("://") {
            return Ok(Ledger::open(&root.join(&settings.url).join(part))?);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().context("starting the runtime")?;
        let lock = settings.lock.map(|lock| Lock {
            mode: match lock.mode {
                LockMode::Compliance => "COMPLIANCE".to_owned(),
                LockMode::Governance => "GOVERNANCE".to_owned(),
            },
            until: lock.keep.after(clock::now()).to_string(),
        });
        let objects = ObjectSettings {
            url: format!("{}/{part}", settings.url.trim_end_matches('/')),
            options: storage_options().collect(),
            endpoint: settings.endpoint,
            region: settings.region,
            lock,
            timeout: Duration::from_secs(settings.timeout_seconds.unwrap_or(30)),
            retry_for: Duration::from_secs(settings.retry_seconds.unwrap_or(60)),
        };
        let cache = root.join(settings.cache.unwrap_or_else(|| PathBuf::from("evidence/.cache"))).join(part);
        Ok(Ledger::remote(Objects::open(&objects, Arc::new(runtime))?, &cache))
    }
}

// What the environment says to the clients of object storage, credentials above all.
fn storage_options() -> impl Iterator<Item = (String, String)> {
    let known = ["AWS_", "GOOGLE_", "AZURE_"];
    let texts = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    texts.filter(move |(name, _)| known.iter().any(|prefix| name.starts_with(prefix)))
}

/// To whom something is handed over, and why; `export`, `build` and `run` share it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Handover {
    /// To whom it is handed over; noted in the custody log.
    #[arg(long, value_name = "WHOM")]
    pub(crate) to: Option<String>,
    /// For what purpose it is handed over; noted in the custody log.
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

/// Who writes, as the environment says it: `PROOFBOOK_ACTOR`, else the account's name.
pub(crate) fn actor() -> String {
    let names = ["PROOFBOOK_ACTOR", "USER", "LOGNAME"].into_iter().filter_map(|name| std::env::var(name).ok());
    names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_else(|| "unknown".to_owned())
}

/// Tells the chain of custody what happened. A ledger that cannot be written stays readable, so the command goes on and says so.
pub(crate) fn tell(ledger: &Ledger, events: Vec<Custody>, output: &Output) {
    let (now, actor) = (clock::now(), actor());
    let told = events.into_iter().try_for_each(|event| ledger.custody().append(now, &actor, event).map(drop));
    if let Err(error) = told {
        output.warn(format_args!("the custody log was not written: {error}"));
    }
}

/// A file that is handed over.
pub(crate) fn handed_over(name: &str, bytes: &[u8]) -> HandedOver {
    HandedOver { name: name.to_owned(), sha256: sha256_hex(bytes), size: bytes.len() as u64 }
}

/// `3 days`, `5 hours`: a span for people, in its largest unit.
pub(crate) fn span(seconds: i64) -> String {
    let (count, unit) = match seconds.abs() {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count.abs() == 1 { "" } else { "s" })
}

/// The span between two times for people.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> String {
    span(to.duration_since(from).as_secs())
}
