//! Audit events of the API server out of a Loki, in place of files: every line of a query over some days, read to its end.
//!
//! Loki gives at most a number of lines at a time and says nothing where it cut. So a day is asked page by page, each from the time of
//! the last line on, until a page is not full; a page that is full of one moment cannot be passed, and then the trail is not whole.
//! Lines are counted as those of a file are, and none is kept.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proofbook_checks::inventory::{Reason, Request, Target};
use proofbook_checks::resource::Source;
use proofbook_controls::yaml::Spanned;
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::trail::{Counted, Staff, Trail};
use crate::clock::our_clock;
use crate::collector::PlannedRequest;
use crate::observed::Unread;
use crate::service::{Access, Service};
use crate::settings::{SettingsError, Setup};
use crate::text::hex;

pub(super) const SEARCH: &str = "loki/api/v1/query_range";

/// How many lines are asked for at a time: as many as Loki allows where nobody set its limit.
const PAGE: usize = 5000;

/// How many pages a day may have.
const PAGES: usize = 2000;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Audit events in a Loki.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditStream {
    /// A name for it.
    pub name: Spanned<String>,
    /// Where the Loki is: what stands before `/loki/api/v1`.
    pub url: Spanned<String>,
    /// Who asks.
    #[serde(default)]
    pub access: Access,
    /// The tenant, for the header `X-Scope-OrgID`.
    #[serde(default)]
    pub tenant: Option<Spanned<String>>,
    /// The query, which yields the events as they were written, one a line: `{job="audit"}`.
    pub query: Spanned<String>,
    /// The days back from now that are read; 31 where nothing is said.
    #[serde(default)]
    pub days: Option<u16>,
}

/// A query that can be made.
#[derive(Debug)]
pub(super) struct Stream {
    service: Service,
    query: String,
    days: u16,
}

/// What came of a query.
pub(super) struct Streamed {
    pub name: String,
    pub trail: Result<Trail, Unread>,
    pub requests: Vec<Request>,
    pub target: Target,
}

impl AuditStream {
    pub(super) fn open(&self, target: &str, setup: &Setup<'_>) -> Result<Stream, SettingsError> {
        let fault = |given: &Spanned<String>, detail: &str| SettingsError { target: setup.place(given), detail: detail.to_owned() };
        let name = &self.name.value;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(fault(&self.name, "a name has letters, digits, dashes, dots and underscores only"));
        }
        let query = self.query.value.trim();
        if !query.starts_with('{') {
            return Err(fault(&self.query, "expected a query for lines, which starts with a selector of streams: `{job=\"audit\"}`"));
        }
        let mut service = Service::open(Source::File, target, name, &self.url, &self.access, setup)?;
        if let Some(tenant) = &self.tenant {
            let value = HeaderValue::from_str(&tenant.value).map_err(|_| fault(tenant, "the tenant cannot stand in a header"))?;
            service.headers_mut().insert(HeaderName::from_static("x-scope-orgid"), value);
        }
        Ok(Stream { service, query: query.to_owned(), days: self.days.unwrap_or(31).max(1) })
    }
}

impl Stream {
    pub(super) fn plan(&self) -> PlannedRequest {
        let query = [("query", self.query.as_str()), ("start", "{from}"), ("end", "{to}"), ("limit", "5000"), ("direction", "forward")];
        let reason = format!("audit events of the API server of {} days, page by page", self.days);
        self.service.planned(SEARCH, &query, &reason)
    }

    pub(super) async fn read(&self, staff: &Staff) -> Streamed {
        let name = format!("loki/{}", self.service.name);
        let trail = self.trail(&name, staff).await.map_err(|unread| Unread::new(unread.reason, format!("{name}: {}", unread.detail)));
        Streamed { name, trail, requests: self.service.requests(), target: self.service.met("") }
    }

    async fn trail(&self, name: &str, staff: &Staff) -> Result<Trail, Unread> {
        let until = Timestamp::try_from(our_clock()).map_err(|_| Unread::new(Reason::RuleError, "this machine has no time"))?;
        let mut lines = Lines { counted: Counted::default(), digest: Sha256::new(), bytes: 0, edge: None, at_edge: BTreeSet::new() };
        // A day at a time: Loki refuses longer ranges where its own limit says so.
        for day in (0..self.days).rev() {
            let to = until - DAY * i32::from(day);
            self.day(to - DAY, to, &mut lines, staff).await?;
        }
        let sha256 = hex(&lines.digest.finalize());
        Ok(Trail { records: lines.counted.records(name, &sha256), sha256, bytes: lines.bytes })
    }

    async fn day(&self, from: Timestamp, to: Timestamp, lines: &mut Lines, staff: &Staff) -> Result<(), Unread> {
        let mut start = from;
        for _ in 0..PAGES {
            let page = self.page(start, to).await?;
            let full = page.len() >= PAGE;
            for (at, line) in &page {
                lines.take(*at, line, staff)?;
            }
            match page.last() {
                Some((last, _)) if full && *last > start => start = *last,
                Some(_) if full => {
                    return Err(Unread::new(
                        Reason::IncompleteList,
                        format!("more than {PAGE} events have the time {start}: what follows them is not told"),
                    ));
                }
                _ => return Ok(()),
            }
        }
        Err(Unread::new(Reason::IncompleteList, format!("the day from {from} on has more events than {PAGES} pages hold")))
    }

    // The lines of one page in the order of their times, from `start` on and before `end`.
    async fn page(&self, start: Timestamp, end: Timestamp) -> Result<Vec<(Timestamp, String)>, Unread> {
        let (from, to, limit) = (start.as_nanosecond().to_string(), end.as_nanosecond().to_string(), PAGE.to_string());
        let query = [("query", self.query.as_str()), ("start", &from), ("end", &to), ("limit", &limit), ("direction", "forward")];
        // The answer holds events: what a fault of it says could repeat them.
        let answer = self.service.request(Method::GET, SEARCH, &query, None).await?.ok()?;
        let told = answer.json().map_err(|_| Unread::new(Reason::ParseError, "the answer to a query is no JSON"))?;
        let streams = told["data"]["result"].as_array().filter(|_| told["status"] == "success" && told["data"]["resultType"] == "streams");
        let streams = streams.ok_or_else(|| Unread::new(Reason::ParseError, "the answer to a query is no list of streams"))?;
        if told["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()) {
            return Err(Unread::new(Reason::IncompleteList, "Loki answers with a warning, so the answer may not be whole"));
        }
        let mut page = Vec::new();
        for value in streams.iter().flat_map(|stream| stream["values"].as_array().into_iter().flatten()) {
            page.push(entry(value).ok_or_else(|| Unread::new(Reason::ParseError, "a line of the answer has no time or no text"))?);
        }
        page.sort();
        Ok(page)
    }
}

fn entry(value: &Json) -> Option<(Timestamp, String)> {
    let at = Timestamp::from_nanosecond(value[0].as_str()?.parse().ok()?).ok()?;
    Some((at, value[1].as_str()?.to_owned()))
}

/// The lines so far.
struct Lines {
    counted: Counted,
    digest: Sha256,
    bytes: u64,
    /// The time of the last line, and the lines that have it: the next page tells them again.
    edge: Option<Timestamp>,
    at_edge: BTreeSet<[u8; 32]>,
}

impl Lines {
    fn take(&mut self, at: Timestamp, line: &str, staff: &Staff) -> Result<(), Unread> {
        if self.edge != Some(at) {
            self.edge = Some(at);
            self.at_edge.clear();
        }
        if !self.at_edge.insert(Sha256::digest(line).into()) {
            return Ok(());
        }
        self.digest.update(line);
        self.digest.update(b"\n");
        self.bytes += line.len() as u64;
        // One line that cannot be read may be the one that matters.
        self.counted.line(line, staff).map_err(|what| Unread::new(Reason::ParseError, format!("a line of {at} {what}")))
    }
}
