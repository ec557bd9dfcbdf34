//! What stands before a site does with a request that looks like an attack: one harmless probe, and one request to compare.

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use super::{EDGE_PROBE, Looked, Spot, unasked};
use crate::observed::{Unread, part};
use crate::web::Web;

/// A script in a parameter: every rule set of filters knows it, and no application runs it.
const ATTACK: &str = "<script>alert('proofbook')</script>";

/// A parameter of the same name that nobody takes for an attack.
const HARMLESS: &str = "plain";

/// What is asked of a site, in order, and why.
pub(super) fn urls(site: &Url) -> [(Url, &'static str); 2] {
    let with = |value: &str| {
        let mut url = site.clone();
        url.query_pairs_mut().clear().append_pair("proofbook", value);
        url
    };
    [
        (with(HARMLESS), "how the site answers a harmless parameter, to compare"),
        (with(ATTACK), "whether a request that looks like an attack is blocked"),
    ]
}

pub(super) async fn look(spot: Spot, web: Result<Web, Unread>) -> Looked {
    let web = match web {
        Ok(web) => web,
        Err(unread) => return unasked(EDGE_PROBE, &spot, &unread),
    };
    let mut content = spot.head();
    for (name, (url, _)) in ["harmless", "attack"].into_iter().zip(urls(&spot.place.url)) {
        let answer = web.get(&url, &HeaderMap::new()).await;
        content.insert(name.to_owned(), part(answer.map(|answer| json!({"status": answer.status}))));
    }
    Looked { kind: EDGE_PROBE, name: spot.name(), content: Json::Object(content), requests: web.requests() }
}
