//! A status page: whether it answers, where it lives, and what it tells machines.

use std::net::IpAddr;

use jiff::Timestamp;
use proofbook_checks::inventory::Reason;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use super::follow::follow;
use super::{Looked, STATUS_PAGE, Spot, StatusPage, location, unasked, without_queries};
use crate::observed::{Unread, part};
use crate::web::{Answer, Web};

/// Where most makers of status pages serve components and incidents.
pub(super) fn urls(page: &Url) -> [Url; 2] {
    ["/api/v2/summary.json", "/api/v2/incidents.json"].map(|path| {
        let mut url = page.clone();
        url.set_path(path);
        url.set_query(None);
        url
    })
}

pub(super) async fn look(page: StatusPage, spots: Vec<Spot>, web: Result<Web, Unread>) -> Looked {
    let spot = Spot { place: page.place.clone(), address: Err(Unread::new(Reason::Unreachable, "the name has no address")) };
    let web = match web {
        Ok(web) => web,
        Err(unread) => return unasked(STATUS_PAGE, &spot, &unread),
    };
    let addresses: Vec<IpAddr> = spots.iter().filter_map(|spot| spot.address.clone().ok()).collect();
    let mut content = spot.head();
    content.insert("addresses".to_owned(), addresses.iter().map(ToString::to_string).collect());
    content.insert("page".to_owned(), part(self::page(&page.place.url, &web).await));
    if page.machine_readable {
        let [summary, incidents] = urls(&page.place.url);
        content.insert("summary".to_owned(), part(read(&web, &summary, told_summary).await));
        content.insert("incidents".to_owned(), part(read(&web, &incidents, told_incidents).await));
    }
    Looked { kind: STATUS_PAGE, name: page.place.name(), content: Json::Object(content), requests: without_queries(web.requests()) }
}

async fn page(url: &Url, web: &Web) -> Result<Json, Unread> {
    let way = follow(web, url, &HeaderMap::new()).await?;
    let mut told = json!({"status": way.last().status});
    if let Some((_, shown)) = location(way.last(), &way.url) {
        told["location"] = shown;
    }
    Ok(told)
}

// What is not served is told as such: not every maker has this way.
async fn read(web: &Web, url: &Url, told: fn(&Answer) -> Result<Json, Unread>) -> Result<Json, Unread> {
    let answer = web.get(url, &HeaderMap::new()).await?;
    match answer.status {
        404 | 410 => Ok(json!({"served": false})),
        _ => told(&answer.ok()?),
    }
}

fn told_summary(answer: &Answer) -> Result<Json, Unread> {
    let body = answer.json()?;
    let indicator = body["status"]["indicator"].as_str();
    let components = body["components"].as_array();
    match (indicator, components) {
        (Some(indicator), Some(components)) => Ok(json!({"served": true, "indicator": indicator, "components": components.len()})),
        _ => Err(Unread::new(Reason::ParseError, "the summary has no `status.indicator` or no `components`")),
    }
}

fn told_incidents(answer: &Answer) -> Result<Json, Unread> {
    let body = answer.json()?;
    let Some(incidents) = body["incidents"].as_array() else {
        return Err(Unread::new(Reason::ParseError, "the answer has no `incidents`"));
    };
    let mut created = Vec::new();
    for incident in incidents {
        let at: Option<Timestamp> = incident["created_at"].as_str().and_then(|at| at.parse().ok());
        created.push(at.ok_or_else(|| Unread::new(Reason::ParseError, "an incident has no `created_at`"))?);
    }
    let mut told = json!({"served": true, "count": incidents.len()});
    if let Some(oldest) = created.iter().min() {
        told["oldest"] = oldest.to_string().into();
    }
    Ok(told)
}
