//! One resource, listed page by page at one resource version.
//!
//! A page streams through the splitter: each object is projected as soon as it is complete, and only the projection is
//! kept. `resourceVersion=0` is never asked for, since the server then ignores the page size and answers from its cache.
//! When a continue token has expired (410) the server offers one that goes on inconsistently; that one is never used, the
//! list begins anew.

use http::StatusCode;
use proofbook_checks::inventory::{Completeness, Listing, Reason, Request};
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde::Deserialize;
use serde::de::DeserializeSeed;

use super::api::{Api, Ask, Sink, Trouble};
use crate::sharing::Sharing;
use crate::sorter::{ObjectType, identity};
use crate::splitter::{Piece, Place, Splitter};

/// How often a list that changed underway is begun anew.
const STARTS: u32 = 4;

/// What to list.
pub(super) struct Task {
    pub resource: Resource,
    pub projection: Projection,
    pub path: String,
    pub of: ObjectType,
    pub page_size: u32,
}

/// Lists all objects; `advanced` hears how many came with each page.
pub(super) async fn list(api: &Api, task: &Task, log: &mut Vec<Request>, advanced: &(dyn Fn(u64) + Send + Sync)) -> Listing {
    let mut changed = String::new();
    for _ in 0..STARTS {
        match run(api, task, log, advanced).await {
            Ok(Pass::Complete { mut objects, resource_version }) => {
                objects.sort_by_cached_key(identity);
                return Listing { completeness: Completeness::Complete, objects, resource_version };
            }
            Ok(Pass::NotServed) => return Listing::without_objects(Completeness::NotServed),
            Ok(Pass::Changed(why)) => changed = why,
            Err(trouble) => return Listing::failed(trouble.reason, trouble.detail),
        }
    }
    Listing::failed(Reason::IncompleteList, format!("{changed} ({STARTS} times)"))
}

/// How one pass over all pages ended.
enum Pass {
    Complete {
        objects: Vec<Value>,
        resource_version: Option<String>,
    },
    NotServed,
    /// What was listed is no longer one state.
    Changed(String),
}

async fn run(api: &Api, task: &Task, log: &mut Vec<Request>, advanced: &(dyn Fn(u64) + Send + Sync)) -> Result<Pass, Trouble> {
    let mut objects = Vec::new();
    let mut sharing = Sharing::default();
    let mut version: Option<String> = None;
    let mut token: Option<String> = None;
    for number in 1_u32.. {
        let first = format!("{}?limit={}", task.path, task.page_size);
        let (path, shown) = match &token {
            None => (first.clone(), first),
            Some(token) => (format!("{first}&continue={}", escape(token)), format!("{first}&continue=(page {number})")),
        };
        let mut page = Page::new(task, &mut sharing);
        let logged = log.len();
        let answer = api.ask(&Ask { method: "LIST", shown, ..Ask::get(&path) }, &mut page, log).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(Pass::NotServed),
            StatusCode::GONE => return Ok(Pass::Changed(format!("the list expired underway: {}", answer.told()))),
            StatusCode::BAD_REQUEST if token.is_some() => return Err(Trouble::new(Reason::IncompleteList, answer.told())),
            _ => return Err(answer.trouble()),
        }
        let metadata = page.head.map(|head| head.metadata).unwrap_or_default();
        let next = metadata.token.filter(|token| !token.is_empty());
        let at = metadata.resource_version.filter(|version| !version.is_empty());
        if let Some(record) = log[logged..].last_mut() {
            record.continue_exhausted = Some(next.is_none());
            record.resource_version.clone_from(&at);
        }
        advanced(page.objects.len() as u64);
        objects.append(&mut page.objects);
        if number == 1 {
            version = at;
        } else if version != at {
            return Ok(Pass::Changed("the pages are of different resource versions".to_owned()));
        }
        if next.is_none() {
            return Ok(Pass::Complete { objects, resource_version: version });
        }
        if next == token {
            return Err(Trouble::new(Reason::IncompleteList, "the server gives the same continue token again and again"));
        }
        token = next;
    }
    Err(Trouble::new(Reason::IncompleteList, "the list does not end"))
}

#[derive(Default, Deserialize)]
struct Head {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
}

/// One page while it streams in.
struct Page<'t> {
    task: &'t Task,
    splitter: Splitter,
    objects: Vec<Value>,
    head: Option<Head>,
    sharing: &'t mut Sharing,
}

impl<'t> Page<'t> {
    fn new(task: &'t Task, sharing: &'t mut Sharing) -> Self {
        Self { task, splitter: Splitter::default(), objects: Vec::new(), head: None, sharing }
    }

    fn object(&mut self, text: &[u8], place: Place) -> Result<(), Trouble> {
        let seed = self.task.projection.seed(&self.task.resource).typed(self.task.of.api_version, self.task.of.kind);
        let mut object = parse(seed, text, place)?;
        self.sharing.share(&mut object);
        self.objects.push(object);
        Ok(())
    }

    fn ended(&mut self, text: &[u8], place: Place) -> Result<(), Trouble> {
        let head: Head = parse(std::marker::PhantomData, text, place)?;
        // A Table or a Status is an answer to something else than was asked.
        let right = head.kind.strip_suffix("List").is_some_and(|kind| kind.is_empty() || kind == self.task.of.kind);
        if !right || self.head.is_some() {
            let detail = format!("the answer is no list of {}", self.task.resource.name);
            return Err(Trouble::new(Reason::ParseError, detail));
        }
        self.head = Some(head);
        Ok(())
    }
}

impl Sink for Page<'_> {
    fn begin(&mut self) {
        self.splitter = Splitter::default();
        self.objects.clear();
        self.head = None;
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut splitter = std::mem::take(&mut self.splitter);
        splitter.push(bytes, |piece, place| match piece {
            Piece::Head(_) => Ok(()),
            Piece::Item(text) => self.object(text, place),
            Piece::Document { text, .. } => self.ended(text, place),
        })?;
        self.splitter = splitter;
        Ok(())
    }

    fn end(&mut self) -> Result<(), Trouble> {
        self.splitter.finish()?;
        if self.head.is_none() {
            return Err(Trouble::new(Reason::ParseError, "the answer is empty"));
        }
        Ok(())
    }

    fn items(&self) -> u64 {
        self.objects.len() as u64
    }
}

fn parse<'de, S: DeserializeSeed<'de>>(seed: S, text: &'de [u8], place: Place) -> Result<S::Value, Trouble> {
    crate::splitter::parse(seed, text, place).map_err(|what| Trouble::new(Reason::ParseError, format!("the answer cannot be read: {what}")))
}

/// Escapes whatever is not unreserved in a URL: a token is opaque.
pub(super) fn escape(token: &str) -> String {
    token
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
