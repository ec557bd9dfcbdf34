//! Audit events of the API server: who of the staff entered which namespace, counted while the file is read.
//!
//! A file of events is long and full of names. It is read line by line; kept are counts by namespace, person and class, cut into
//! sessions by an hour without an event. People become `person 1`, `person 2` by their first event; nothing else of them is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use jiff::{SignedDuration, Timestamp};
use proofbook_checks::inventory::Reason;
use proofbook_checks::settings::glob;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::reading::{inside, of_io};
use super::records::Record;
use crate::observed::Unread;
use crate::text::hex;

/// The kinds of records that come out of audit events.
pub(super) const KINDS: &[&str] = &["AuditTrail", "AdminAccess"];

/// An event may be this long, in bytes; bodies of requests make them long.
const LONGEST: u64 = 4 << 20;

/// After this long without an event a session has ended.
const PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Who of those who speak to the API server is staff of the provider.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Staff {
    /// Groups, as patterns.
    #[serde(default)]
    pub groups: Vec<String>,
    /// User names, as patterns.
    #[serde(default)]
    pub users: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    kind: String,
    api_version: String,
    #[serde(default, rename = "auditID")]
    audit_id: String,
    stage: String,
    verb: String,
    user: User,
    #[serde(default)]
    impersonated_user: Option<User>,
    #[serde(default)]
    object_ref: Option<Object>,
    #[serde(default)]
    response_status: Option<Status>,
    request_received_timestamp: Timestamp,
    /// When the request came to this stage: that of a long one, such as a shell, ends with it.
    #[serde(default)]
    stage_timestamp: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Object {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

/// A stretch of one person's events of one class in one namespace.
#[derive(Debug)]
struct Session {
    first: Timestamp,
    last: Timestamp,
    events: u64,
}

type Sessions = BTreeMap<(String, usize, &'static str), Vec<Session>>;

/// What a file or a query of events brought.
#[derive(Debug)]
pub(super) struct Trail {
    pub records: Vec<Record>,
    pub sha256: String,
    pub bytes: u64,
}

/// Reads a file of events, one a line, plain or packed with gzip.
pub(super) fn read(root: &Path, path: &Path, staff: &Staff) -> Result<Trail, Unread> {
    let name = path.display().to_string();
    let file = File::open(inside(root, path)?).map_err(|error| of_io(path, &error))?;
    let mut hashing = Hashing { file, digest: Sha256::new(), bytes: 0 };
    let packed = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
    let counted =
        if packed { count(BufReader::new(MultiGzDecoder::new(&mut hashing)), staff) } else { count(BufReader::new(&mut hashing), staff) };
    let counted = counted.map_err(|unread| Unread::new(unread.reason, format!("{name}: {}", unread.detail)))?;
    // What stands after the packed part belongs to the file's digest too.
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(|error| of_io(path, &error))?;
    let sha256 = hex(&hashing.digest.finalize());
    Ok(Trail { records: counted.records(&name, &sha256), sha256, bytes: hashing.bytes })
}

struct Hashing {
    file: File,
    digest: Sha256,
    bytes: u64,
}

impl std::io::Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.digest.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
    }
}

/// Events, counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    events: u64,
    of_staff: u64,
    refused: u64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    people: BTreeMap<String, usize>,
    seen: BTreeSet<String>,
    sessions: Sessions,
}

fn count(mut reader: impl std::io::BufRead, staff: &Staff) -> Result<Counted, Unread> {
    let mut counted = Counted::default();
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        let fault = |what: &str| Unread::new(Reason::ParseError, format!("line {number} {what}"));
        let read = reader.by_ref().take(LONGEST).read_line(&mut line).map_err(|_| fault("cannot be read, or is no UTF-8"))?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST {
            return Err(fault("is longer than an event can be"));
        }
        if line.trim().is_empty() {
            continue;
        }
        // One line that cannot be read may be the one that matters.
        counted.line(&line, staff).map_err(fault)?;
    }
    Ok(counted)
}

impl Counted {
    /// Adds one line; says what is wrong with it where it is no event.
    pub(super) fn line(&mut self, line: &str, staff: &Staff) -> Result<(), &'static str> {
        let event: Event = serde_json::from_str(line).map_err(|_| "is no audit event; what was cut ends so")?;
        if event.kind != "Event" || event.api_version != "audit.k8s.io/v1" {
            return Err("is no event of audit.k8s.io/v1");
        }
        self.add(event, staff);
        Ok(())
    }

    fn add(&mut self, event: Event, staff: &Staff) {
        let at = event.request_received_timestamp;
        let until = event.stage_timestamp.map_or(at, |stage| stage.max(at));
        self.events += 1;
        // An event is written when its stage is reached: a request that began long before tells nothing of the time between.
        self.from = Some(self.from.map_or(until, |from| from.min(until)));
        self.to = Some(self.to.map_or(until, |to| to.max(until)));
        // Whoever acts in the name of another is still who acts.
        let is_staff = staff.is(&event.user) || event.impersonated_user.as_ref().is_some_and(|user| staff.is(user));
        let Some(object) = event.object_ref.filter(|object| is_staff && !object.namespace.is_empty()) else { return };
        if event.stage == "RequestReceived" {
            return;
        }
        if event.response_status.is_some_and(|status| matches!(status.code, 401 | 403)) {
            self.refused += 1;
            return;
        }
        // A long request is told when it starts and when it ends, and counts once.
        let counts = u64::from(event.audit_id.is_empty() || self.seen.insert(event.audit_id));
        self.of_staff += counts;
        let next = self.people.len() + 1;
        let person = *self.people.entry(event.user.username).or_insert(next);
        let class = class(&event.verb, &object.resource, &object.subresource);
        let sessions = self.sessions.entry((object.namespace, person, class)).or_default();
        // Events are written when they end, so a few come out of order.
        match sessions.iter_mut().find(|session| until >= session.first - PAUSE && at <= session.last + PAUSE) {
            Some(session) => {
                session.first = session.first.min(at);
                session.last = session.last.max(until);
                session.events += counts;
            }
            None => sessions.push(Session { first: at, last: until, events: counts }),
        }
    }

    pub(super) fn records(self, name: &str, sha256: &str) -> Vec<Record> {
        let mut trail = json!({"events": self.events, "staff_events": self.of_staff, "refused": self.refused, "sha256": sha256});
        if let (Some(from), Some(to)) = (self.from, self.to) {
            trail["from"] = from.to_string().into();
            trail["to"] = to.to_string().into();
        }
        let mut records: Vec<Record> = vec![("AuditTrail", name.to_owned(), trail)];
        for ((namespace, person, class), sessions) in self.sessions {
            for (at, session) in sessions.iter().enumerate() {
                let content: Json = json!({
                    "trail": name,
                    "namespace": namespace,
                    "person": format!("person {person}"),
                    "class": class,
                    "first_at": session.first.to_string(),
                    "last_at": session.last.to_string(),
                    "events": session.events,
                });
                records.push(("AdminAccess", format!("{name}/{namespace}/{person}/{class}/{}", at + 1), content));
            }
        }
        records
    }
}

impl Staff {
    /// Whether no pattern is there that anybody could meet.
    pub(super) fn is_nobody(&self) -> bool {
        self.groups.iter().chain(&self.users).all(|pattern| pattern.trim().is_empty())
    }

    fn is(&self, user: &User) -> bool {
        self.users.iter().any(|pattern| glob(pattern, &user.username))
            || self.groups.iter().any(|pattern| user.groups.iter().any(|group| glob(pattern, group)))
    }
}

fn class(verb: &str, resource: &str, subresource: &str) -> &'static str {
    match (verb, resource, subresource) {
        (_, _, "exec" | "attach" | "ephemeralcontainers") => "enter",
        (_, _, "portforward" | "proxy") => "forward",
        (_, _, "log") => "logs",
        ("get" | "list" | "watch", "secrets", _) => "secrets",
        ("get" | "list" | "watch", _, _) => "read",
        _ => "change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: &str, user: &str, verb: &str, resource: &str, code: u16, id: &str, stage: &str) -> String {
        event_until(at, at, user, verb, resource, code, id, stage)
    }

    #[expect(clippy::too_many_arguments, reason = "an event says as much")]
    fn event_until(at: &str, until: &str, user: &str, verb: &str, resource: &str, code: u16, id: &str, stage: &str) -> String {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": id, "stage": stage, "verb": verb,
            "requestURI": "/x", "user": {"username": user, "groups": ["ops", "system:authenticated"]},
            "objectRef": {"resource": resource, "subresource": subresource, "namespace": "tenant-a", "name": "n", "apiVersion": "v1"},
            "responseStatus": {"code": code}, "requestReceivedTimestamp": at, "stageTimestamp": until})
        .to_string()
    }

    fn counted(lines: &[String], staff: &Staff) -> Result<Vec<Record>, Unread> {
        count(lines.join("\n").as_bytes(), staff).map(|counted| counted.records("a.log", "x"))
    }

    #[test]
    fn events_become_sessions_of_people_without_names() {
        let staff = Staff { groups: Vec::new(), users: vec!["*@example.com".to_owned()] };
        let found = counted(
            &[
                event("2026-05-01T10:00:00.000001Z", "jane@example.com", "create", "pods/exec", 101, "1", "ResponseStarted"),
                event("2026-05-01T10:00:00.000001Z", "jane@example.com", "create", "pods/exec", 101, "1", "ResponseComplete"),
                event("2026-05-01T10:30:00Z", "jane@example.com", "create", "pods/exec", 101, "2", "ResponseComplete"),
                event("2026-05-01T13:00:00Z", "jane@example.com", "create", "pods/exec", 101, "3", "ResponseComplete"),
                event("2026-05-01T13:00:00Z", "joe@example.com", "list", "secrets", 200, "4", "ResponseComplete"),
                event("2026-05-01T13:00:01Z", "joe@example.com", "list", "secrets", 403, "5", "ResponseComplete"),
                event("2026-05-01T14:00:00Z", "system:serviceaccount:a:b", "list", "secrets", 200, "6", "ResponseComplete"),
                event("2026-05-01T14:00:00Z", "joe@example.com", "get", "pods", 200, "7", "RequestReceived"),
            ],
            &staff,
        )
        .unwrap();
        let trail = &found[0].2;
        assert_eq!((&trail["events"], &trail["staff_events"], &trail["refused"]), (&json!(8), &json!(4), &json!(1)));
        assert_eq!(trail["to"], "2026-05-01T14:00:00Z");
        let access: Vec<(&str, &Json, &Json)> =
            found[1..].iter().map(|(_, name, one)| (name.as_str(), &one["class"], &one["events"])).collect();
        assert_eq!(
            access,
            [
                ("a.log/tenant-a/1/enter/1", &json!("enter"), &json!(2)),
                ("a.log/tenant-a/1/enter/2", &json!("enter"), &json!(1)),
                ("a.log/tenant-a/2/secrets/1", &json!("secrets"), &json!(1)),
            ]
        );
        assert!(!found.iter().any(|(_, name, one)| format!("{name}{one}").contains("example.com")));
    }

    #[test]
    fn a_session_lasts_until_its_last_request_ends() {
        let staff = Staff { groups: vec!["ops".to_owned()], users: Vec::new() };
        let shell = |until: &str, stage: &str| event_until("2026-05-01T10:00:00Z", until, "x", "create", "pods/exec", 101, "1", stage);
        let (start, end) = (shell("2026-05-01T10:00:01Z", "ResponseStarted"), shell("2026-05-01T18:00:00Z", "ResponseComplete"));
        let later = event("2026-05-01T15:00:00Z", "x", "create", "pods/exec", 101, "2", "ResponseComplete");
        let told = |lines: &[&String]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).clone()).collect();
            let found = counted(&lines, &staff).unwrap();
            let sessions: Vec<(String, String, u64)> = found[1..]
                .iter()
                .map(|(_, _, one)| {
                    let text = |member: &str| one[member].as_str().unwrap().to_owned();
                    (text("first_at"), text("last_at"), one["events"].as_u64().unwrap())
                })
                .collect();
            (found[0].2.clone(), sessions)
        };
        let whole = |events: u64| vec![("2026-05-01T10:00:00Z".to_owned(), "2026-05-01T18:00:00Z".to_owned(), events)];
        // Told twice, counted once, and as long as it was.
        let (trail, sessions) = told(&[&start, &end]);
        assert_eq!((sessions, &trail["staff_events"]), (whole(1), &json!(1)));
        // What is written at the end of a long request does not show that the file covers the time before.
        let (trail, sessions) = told(&[&end]);
        assert_eq!((sessions, &trail["from"], &trail["to"]), (whole(1), &json!("2026-05-01T18:00:00Z"), &json!("2026-05-01T18:00:00Z")));
        assert_eq!(told(&[&end, &later]).1, whole(2));
        // Where the start stands alone, the session is as long as was seen.
        assert_eq!(told(&[&start]).1[0].1, "2026-05-01T10:00:01Z");
    }

    #[test]
    fn groups_count_and_a_line_that_is_none_spoils_the_file() {
        let staff = Staff { groups: vec!["ops".to_owned()], users: Vec::new() };
        let good = event("2026-05-01T10:00:00Z", "x", "delete", "pods", 200, "1", "ResponseComplete");
        assert_eq!(counted(std::slice::from_ref(&good), &staff).unwrap()[1].2["class"], "change");
        let (cut, other) = (good[..good.len() - 9].to_owned(), good.replace("audit.k8s.io/v1", "audit.k8s.io/v1beta1"));
        for bad in [cut, other, "{}".to_owned(), "\u{0}".to_owned()] {
            assert_eq!(counted(&[good.clone(), bad], &staff).unwrap_err().reason, Reason::ParseError);
        }
        assert_eq!(counted(&[], &staff).unwrap()[0].2, json!({"events": 0, "staff_events": 0, "refused": 0, "sha256": "x"}));
    }
}
