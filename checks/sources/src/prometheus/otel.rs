//! The configuration of an OpenTelemetry collector, out of a file: which pipelines it has, and where they lead.
//!
//! Settings of receivers and exporters are not kept, only their kinds: they hold addresses and keys.

use proofbook_checks::inventory::{Actor, Assurance, Reason, Target};
use proofbook_checks::resource::Source;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{Found, Read};
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::text::{hex, yaml};
use crate::wanted::Asked;

/// The kinds of records that a configuration gives.
pub(super) const KINDS: &[&str] = &["Pipeline"];

#[derive(Debug)]
pub(super) struct OtelConfig {
    pub target: String,
    pub name: String,
    pub text: Vec<u8>,
}

impl OtelConfig {
    pub(super) fn plan(&self, asked: &Asked<'_>) -> Vec<PlannedRequest> {
        let planned = PlannedRequest {
            source: Source::Prometheus,
            target: self.label(),
            method: "read".to_owned(),
            query: format!("the configuration of {}", self.name),
            reason: "where telemetry goes".to_owned(),
        };
        if asked.kind("Pipeline") { vec![planned] } else { Vec::new() }
    }

    pub(super) fn read(&self) -> Read {
        let text = std::str::from_utf8(&self.text).map_err(|_| Unread::new(Reason::ParseError, "the file is no UTF-8"));
        let config = text.and_then(|text| yaml("the configuration of the collector", text));
        let found = config.and_then(|config| self.pipelines(&config));
        let found = found.unwrap_or_else(|unread| vec![Found::new("Pipeline", self.name.clone(), unread.to_json())]);
        let target = Target {
            source: Source::Prometheus,
            name: self.label(),
            identity: format!("sha256:{}", hex(&Sha256::digest(&self.text))),
            version: String::new(),
            actor: Actor { identity: "as-supplied".to_owned(), auth: "none".to_owned(), rights_sha256: None },
            clock_offset_ms: None,
            assurance: Assurance::AsSupplied,
        };
        Read { found, target, requests: Vec::new() }
    }

    fn label(&self) -> String {
        format!("{}/{}", self.target, self.name)
    }

    fn pipelines(&self, config: &Json) -> Result<Vec<Found>, Unread> {
        let pipelines = config["service"]["pipelines"].as_object();
        let pipelines = pipelines.ok_or_else(|| Unread::new(Reason::ParseError, "the file has no service.pipelines"))?;
        let pipeline = |(name, told): (&String, &Json)| {
            let kinds = |part: &str| -> Vec<String> {
                let names = told[part].as_array().into_iter().flatten().filter_map(Json::as_str);
                names.map(|name| kind(name).to_owned()).collect()
            };
            // A component that is used without being declared keeps the collector from starting.
            let undeclared: Vec<&str> = ["receivers", "processors", "exporters"]
                .into_iter()
                .flat_map(|part| {
                    let names = told[part].as_array().into_iter().flatten().filter_map(Json::as_str);
                    let connectors = &config["connectors"];
                    names.filter(move |name| config[part].get(*name).is_none() && connectors.get(*name).is_none())
                })
                .collect();
            let content = json!({
                "collector": self.name,
                "signal": kind(name),
                "receivers": kinds("receivers"),
                "processors": kinds("processors"),
                "exporters": kinds("exporters"),
                "undeclared": undeclared,
            });
            Found::new("Pipeline", format!("{}/{name}", self.name), content)
        };
        Ok(pipelines.iter().map(pipeline).collect())
    }
}

// `otlphttp/loki` is an `otlphttp`.
fn kind(name: &str) -> &str {
    name.split_once('/').map_or(name, |(kind, _)| kind)
}
