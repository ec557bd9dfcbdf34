//! Markers in stores of logs: made-up texts that the platform's own job wrote, and whether they are found.
//!
//! Proofbook plants nothing. A job of the platform does, in an environment that is nobody's, and writes down in a register what it
//! planted, when and where. A marker of an `event` must be found. A marker of a `secret` must not, while a text that was written
//! beside it must be: otherwise the log never came, and the absence says nothing. Of the lines that are found only their number
//! and the time of the first are kept.

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::inventory::Reason;
use reqwest::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Found;
use crate::collector::PlannedRequest;
use crate::observed::{Unread, part};
use crate::service::Service;

/// A register of markers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkerRegister {
    /// The markers.
    pub markers: Vec<Marker>,
}

/// A marker.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// Its name.
    pub id: String,
    /// What it stands for.
    pub kind: MarkerKind,
    /// The kind of event, for an `event`: `deploy`, `role-bind`, `secret-read`, or any of your own.
    #[serde(default)]
    pub action: Option<String>,
    /// Where a secret was written, for a `secret`: `build`, `stdout`, `error`, or any of your own.
    #[serde(default)]
    pub output: Option<String>,
    /// When it was written, RFC 3339.
    #[schemars(with = "String")]
    pub planted_at: Timestamp,
    /// The store that is asked: the name of a Loki or an Elasticsearch of this target.
    pub store: String,
    /// Where in it: a stream selector of Loki (`{namespace="canary"}`), or a pattern of indices of Elasticsearch.
    pub within: String,
    /// The text: at least twelve letters, digits, dashes, dots and underscores that stand nowhere else, and no secret of anybody.
    pub text: String,
    /// For a `secret`, a text of the same form that the same output held beside it and that nothing masks.
    #[serde(default)]
    pub beside: Option<String>,
}

/// What a marker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkerKind {
    /// An event of a promised kind: it must be found.
    Event,
    /// Something that is masked where it looks like a secret: it must not be found.
    Secret,
}

/// Where Loki is searched.
pub(super) const SEARCH: &str = "loki/api/v1/query_range";

/// How long before and after its time a marker is looked for.
const BEFORE: SignedDuration = SignedDuration::from_mins(5);
const AFTER: SignedDuration = SignedDuration::from_hours(24);

impl MarkerRegister {
    /// What is wrong with the register, where something is.
    pub(super) fn fault(&self) -> Option<String> {
        let mut known = std::collections::BTreeSet::new();
        self.markers.iter().find_map(|marker| {
            let id = &marker.id;
            if id.trim().is_empty() || !known.insert(id) {
                return Some(format!("the id `{id}` of a marker is empty, or stands there twice"));
            }
            let odd = |text: &str| {
                text.len() < 12 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
            };
            if odd(&marker.text) || marker.beside.as_deref().is_some_and(odd) {
                return Some(format!("a text of the marker {id} is shorter than twelve letters, digits, `-`, `.` and `_`, or has others"));
            }
            match (marker.kind, &marker.beside, &marker.action) {
                (MarkerKind::Secret, None, _) => Some(format!("the marker {id} of a secret names no text `beside` it that must be found")),
                (MarkerKind::Event, _, None) => Some(format!("the marker {id} of an event does not say of which `action`")),
                _ => None,
            }
        })
    }
}

impl Marker {
    fn span(&self) -> (Timestamp, Timestamp) {
        let from = self.planted_at.checked_sub(BEFORE).unwrap_or(Timestamp::MIN);
        (from, self.planted_at.checked_add(AFTER).unwrap_or(Timestamp::MAX))
    }

    fn record(&self, service: &Service, product: &str, text: Result<Hits, Unread>, beside: Option<Result<Hits, Unread>>) -> Found {
        let mut content = json!({
            "store": service.name,
            "product": product,
            "marks": self.kind,
            "planted_at": self.planted_at.to_string(),
            "text": part(text.map(|hits| hits.to_json())),
        });
        if let Some(beside) = beside {
            content["beside"] = part(beside.map(|hits| hits.to_json()));
        }
        for (member, value) in [("action", &self.action), ("output", &self.output)] {
            if let Some(value) = value {
                content[member] = value.clone().into();
            }
        }
        Found::new("Marker", self.id.clone(), content)
    }
}

/// How often a text was found, and when first.
#[derive(Clone, Debug, Default)]
struct Hits {
    found: u64,
    first: Option<Timestamp>,
}

impl Hits {
    fn to_json(&self) -> Json {
        let mut told = json!({"found": self.found});
        if let Some(first) = self.first {
            told["first_at"] = first.to_string().into();
        }
        told
    }
}

/// The markers of one store, asked one after the other: each is a search over a day.
pub(super) async fn read(service: &Service, product: &'static str, markers: &[Marker]) -> Vec<Found> {
    let mut found = Vec::new();
    for marker in markers {
        let text = search(service, product, marker, &marker.text).await;
        let beside = match &marker.beside {
            Some(beside) => Some(search(service, product, marker, beside).await),
            None => None,
        };
        found.push(marker.record(service, product, text, beside));
    }
    found
}

/// The requests for the markers of one store.
pub(super) fn plan<'p>(service: &'p Service, product: &'static str, markers: &'p [Marker]) -> impl Iterator<Item = PlannedRequest> + 'p {
    let texts = markers.iter().flat_map(|marker| std::iter::once(&marker.text).chain(&marker.beside).map(move |text| (marker, text)));
    texts.map(move |(marker, text)| {
        let (path, query) = question(product, marker, text);
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        service.planned(&path, &query, &format!("whether the marker {} is in the logs", marker.id))
    })
}

async fn search(service: &Service, product: &str, marker: &Marker, text: &str) -> Result<Hits, Unread> {
    let (path, query) = question(product, marker, text);
    let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    // The answer holds lines of logs: what a fault of it says could repeat them.
    let answer = service.request(Method::GET, &path, &query, None).await?.ok()?;
    let told = answer.json().map_err(|_| Unread::new(Reason::ParseError, "the answer to a search is no JSON"))?;
    match product {
        "loki" => of_loki(&told),
        _ => of_elasticsearch(&told),
    }
}

fn question(product: &str, marker: &Marker, text: &str) -> (String, Vec<(&'static str, String)>) {
    let (from, to) = marker.span();
    if product == "loki" {
        let query = vec![
            ("query", format!("{} |= `{text}`", marker.within)),
            ("start", from.as_nanosecond().to_string()),
            ("end", to.as_nanosecond().to_string()),
            ("limit", "1000".to_owned()),
            ("direction", "forward".to_owned()),
        ];
        return (SEARCH.to_owned(), query);
    }
    let query = vec![
        ("q", format!("\"{text}\" AND @timestamp:[{from} TO {to}]")),
        ("size", "1".to_owned()),
        ("sort", "@timestamp:asc".to_owned()),
        ("_source", "false".to_owned()),
        ("track_total_hits", "true".to_owned()),
        ("allow_no_indices", "false".to_owned()),
    ];
    (format!("{}/_search", marker.within), query)
}

fn of_loki(told: &Json) -> Result<Hits, Unread> {
    let result = told["data"]["result"].as_array().filter(|_| told["status"] == "success" && told["data"]["resultType"] == "streams");
    let result = result.ok_or_else(|| Unread::new(Reason::ParseError, "the answer to a search is no list of streams"))?;
    let lines = result.iter().flat_map(|stream| stream["values"].as_array().into_iter().flatten());
    let mut hits = Hits::default();
    for line in lines {
        let at = line[0].as_str().and_then(|at| at.parse().ok()).and_then(|at| Timestamp::from_nanosecond(at).ok());
        let at = at.ok_or_else(|| Unread::new(Reason::ParseError, "a line of the answer has no time"))?;
        hits.found += 1;
        hits.first = Some(hits.first.map_or(at, |first| first.min(at)));
    }
    Ok(hits)
}

fn of_elasticsearch(told: &Json) -> Result<Hits, Unread> {
    // What some shards did not tell may be what is looked for.
    if told["timed_out"] == true || told["_shards"]["failed"].as_u64() != Some(0) {
        return Err(Unread::new(Reason::IncompleteList, "not all shards answered the search"));
    }
    let found =
        told["hits"]["total"]["value"].as_u64().ok_or_else(|| Unread::new(Reason::ParseError, "the answer tells no number of hits"))?;
    let first = told["hits"]["hits"][0]["sort"][0].as_i64().and_then(|at| Timestamp::from_millisecond(at).ok());
    Ok(Hits { found, first })
}
