//! Which paths of a store of secrets reading takes, the policy that opens them, and whether a token has it.
//!
//! The seal, the health and the token's own record take no right: the policy `default` opens them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::Source;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::read::Store;
use crate::rights::{Comparison, Platform, Right};
use crate::wanted::Asked;

/// The engine that is meant where none is told.
const TRANSIT: &str = "transit";

/// A path with the capabilities that it takes.
struct Path {
    path: &'static str,
    capabilities: &'static [&'static str],
    why: &'static str,
}

const AUDIT: Path = Path { path: "sys/audit", capabilities: &["read", "sudo"], why: "the audit devices" };
const MOUNTS: Path = Path { path: "sys/mounts", capabilities: &["read"], why: "the secret engines and their leases" };
const DEFAULTS: Path =
    Path { path: "sys/mounts/cubbyhole/tune", capabilities: &["read"], why: "the leases where an engine or a method says nothing" };
const AUTH: Path = Path { path: "sys/auth", capabilities: &["read"], why: "the ways to log in, and how long their tokens live" };
const NAMES: Path = Path { path: "transit/keys", capabilities: &["list"], why: "the names of the keys of each transit engine" };
const KEYS: Path = Path { path: "transit/keys/*", capabilities: &["read"], why: "how each of them rotates" };

fn paths(wanted: &Wanted) -> Vec<Path> {
    let asked = Asked::of(Source::Vault, wanted);
    let engines = asked.part("Server", "engines");
    let mut out = Vec::new();
    let mut add = |wanted: bool, path: Path| out.extend(wanted.then_some(path));
    add(asked.part("Server", "audit"), AUDIT);
    add(engines || asked.kind("TransitKey"), MOUNTS);
    add(engines || asked.kind("AuthMethod"), DEFAULTS);
    add(asked.kind("AuthMethod"), AUTH);
    add(asked.kind("TransitKey"), NAMES);
    add(asked.kind("TransitKey"), KEYS);
    out
}

/// The rights that reading takes: a capability on a path each.
pub(crate) fn needed(wanted: &Wanted) -> Vec<Right> {
    paths(wanted).iter().map(|path| Right::new(format!("{} on {}", path.capabilities.join(" and "), path.path), path.why)).collect()
}

/// The policy that opens what reading takes.
#[must_use]
pub fn policy(wanted: &Wanted) -> String {
    let paths = paths(wanted);
    let width = paths.iter().map(|path| path.path.len()).max().unwrap_or(0);
    let mut out = String::new();
    if paths.iter().any(|path| path.path.starts_with(TRANSIT)) {
        out += "# `transit` stands for the path of a transit engine; repeat its lines for each.\n";
    }
    for Path { path, capabilities, .. } in paths {
        let named = format!("\"{path}\"");
        let _ = writeln!(out, "path {named:<0$} {{ capabilities = [\"{1}\"] }}", width + 2, capabilities.join("\", \""));
    }
    out
}

/// Asks what the token may do on the needed paths. What it may do on others, the store does not tell in one answer.
pub(super) async fn compare(store: &Store, wanted: &Wanted) -> Option<Comparison> {
    let paths = paths(wanted);
    if paths.is_empty() {
        return None;
    }
    let mut found = Comparison::new(Platform::Vault, store.service.label());
    let me = match store.data("v1/auth/token/lookup-self").await {
        Ok(me) => me,
        Err(unread) => {
            found.unknown.push(format!("as whom the store knows the token: {unread}"));
            return Some(found);
        }
    };
    me["display_name"].as_str().unwrap_or_default().clone_into(&mut found.account);
    let engines = transit_engines(store).await;
    let mut places = Vec::new();
    for path in paths {
        match path.path.strip_prefix(TRANSIT) {
            // A capability is told of a path, and not of a pattern.
            Some(rest) => places.extend(
                engines
                    .iter()
                    .map(|engine| (format!("{engine}{}", rest.trim_start_matches('/').replace('*', "proofbook")), path.capabilities)),
            ),
            None => places.push((path.path.to_owned(), path.capabilities)),
        }
    }
    let names: Vec<&str> = places.iter().map(|(path, _)| path.as_str()).collect();
    let body = json!({"paths": names}).to_string().into_bytes();
    let answer = store.service.request(Method::POST, "v1/sys/capabilities-self", &[], Some(body)).await;
    let told = match answer.and_then(crate::web::Answer::ok).and_then(|answer| answer.json()) {
        Ok(told) => told,
        Err(unread) => {
            found.unknown.push(format!("what the token may do: {unread}"));
            return Some(found);
        }
    };
    for (path, capabilities) in places {
        let has: BTreeSet<&str> = told[&path].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let root = has.contains("root");
        for capability in capabilities {
            found.note(format!("{capability} on {path}"), root || has.contains(capability));
        }
        let more = has.into_iter().filter(|capability| !capabilities.contains(capability) && !["deny", "root"].contains(capability));
        for capability in more {
            found.more(format!("{capability} on {path}"), !["read", "list"].contains(&capability));
        }
    }
    let policies = me["policies"].as_array().into_iter().flatten().chain(me["identity_policies"].as_array().into_iter().flatten());
    let policies: Vec<&str> = policies.filter_map(Json::as_str).filter(|policy| *policy != "default").collect();
    if policies.contains(&"root") {
        found.more("the policy root, which allows everything", true);
    } else {
        found.unknown.push(format!("what the token may do on other paths: look at its policies ({})", policies.join(", ")));
    }
    Some(found.sorted())
}

// The paths of the transit engines, each with a slash at its end.
async fn transit_engines(store: &Store) -> Vec<String> {
    let mounts = store.data("v1/sys/mounts").await.unwrap_or_default();
    let engines = mounts.as_object().into_iter().flatten().filter(|(_, told)| told["type"] == "transit");
    let engines: Vec<String> = engines.map(|(path, _)| path.clone()).collect();
    if engines.is_empty() { vec![format!("{TRANSIT}/")] } else { engines }
}
