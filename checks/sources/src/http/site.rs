//! One site at one address: what plain HTTP comes to, and what a browser is told over TLS.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proofbook_checks::inventory::{Reason, Request};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::follow::follow;
use super::{Looked, SITE, Site, Spot, headers, hsts, location, request, unasked, without_queries};
use crate::observed::{Unread, part};
use crate::web::{Answer, Web};

/// What is needed to knock at a port.
pub(super) struct Reach {
    pub(super) target: String,
    pub(super) deadline: Duration,
}

pub(super) async fn look(site: Site, spot: Spot, web: Result<Web, Unread>, reach: Reach) -> Looked {
    let (web, address) = match (web, spot.address.clone()) {
        (Ok(web), Ok(address)) => (web, address),
        (Err(unread), _) | (_, Err(unread)) => return unasked(SITE, &spot, &unread),
    };
    let mut knocks = Vec::new();
    let (plain, secure) = tokio::join!(plain(&site, address, &web, &reach, &mut knocks), secure(&site.place.url, &web));
    let mut content = spot.head();
    content.insert("api".to_owned(), site.api.into());
    content.insert("plain".to_owned(), part(plain));
    content.insert("secure".to_owned(), part(secure));
    let mut requests = without_queries(web.requests());
    requests.extend(knocks);
    Looked { kind: SITE, name: spot.name(), content: Json::Object(content), requests }
}

/// The page as somebody asks for it who types the name alone.
pub(super) fn plain_url(site: &Site) -> Url {
    let mut url = site.place.url.clone();
    // `http` and a port fit every URL of a host, so neither call fails.
    let _ = url.set_port(None);
    let _ = url.set_scheme("http");
    let _ = url.set_port(Some(site.plain_port));
    url.set_query(None);
    url
}

async fn plain(site: &Site, address: IpAddr, web: &Web, reach: &Reach, knocks: &mut Vec<Request>) -> Result<Json, Unread> {
    let url = plain_url(site);
    match web.get(&url, &HeaderMap::new()).await {
        Ok(answer) => {
            let mut told = json!({"outcome": "answered", "status": answer.status, "cookies": headers::cookies(&answer.headers)});
            if let Some((_, shown)) = location(&answer, &url) {
                told["location"] = shown;
            }
            Ok(told)
        }
        // Only a refusal is known to mean a closed port; silence may be a lost packet.
        Err(unread) if unread.reason == Reason::Unreachable => {
            let socket = SocketAddr::new(address, site.plain_port);
            let refused = match timeout(reach.deadline, TcpStream::connect(socket)).await {
                Ok(Err(error)) => error.kind() == std::io::ErrorKind::ConnectionRefused,
                Ok(Ok(_)) | Err(_) => false,
            };
            let status = if refused { "refused" } else { "not refused" };
            knocks.push(request(&reach.target, "tcp-connect", format!("{}:{}", site.place.host(), site.plain_port), status, 0));
            if refused { Ok(json!({"outcome": "refused"})) } else { Err(unread) }
        }
        Err(unread) => Err(unread),
    }
}

async fn secure(start: &Url, web: &Web) -> Result<Json, Unread> {
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8"))]);
    let way = follow(web, start, &accept).await?;
    let mut cookies: Vec<Json> = way.answers.iter().flat_map(|answer| headers::cookies(&answer.headers)).collect();
    cookies.sort_by_key(Json::to_string);
    cookies.dedup();
    let mut told = json!({"redirects": way.redirects, "cookies": cookies, "page": page(way.last(), &way.url)});
    if let Some(edge) = way.answers.first().and_then(edge) {
        told["edge"] = edge;
    }
    // A browser learns it from the first answer.
    if let Some(hsts) = way.answers.first().and_then(|answer| hsts::told(&answer.headers)) {
        told["hsts"] = hsts;
    }
    Ok(told)
}

// The content network that answered, and its place as seen from here, by the header that each documents.
fn edge(answer: &Answer) -> Option<Json> {
    // `cf-ray: 230b030023ae2822-FRA`, `x-amz-cf-pop: FRA56-P3`, `x-served-by: cache-fra-eddf8230067-FRA`.
    let place = |text: &str| {
        let letters: String = text.chars().take_while(char::is_ascii_alphabetic).take(3).collect();
        (letters.len() == 3).then(|| letters.to_ascii_uppercase())
    };
    let last = |text: &str| place(text.rsplit('-').next().unwrap_or_default());
    let (provider, place) = if let Some(ray) = answer.header("cf-ray") {
        ("cloudflare", last(ray))
    } else if let Some(pop) = answer.header("x-amz-cf-pop") {
        ("cloudfront", place(pop))
    } else if let Some(served) = answer.header("x-served-by").filter(|served| served.starts_with("cache-")) {
        ("fastly", last(served))
    } else {
        return None;
    };
    let mut told = json!({"provider": provider});
    if let Some(place) = place {
        told["place"] = place.into();
    }
    Some(told)
}

fn page(answer: &Answer, url: &Url) -> Json {
    let media_type = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let html = matches!(media_type.as_str(), "text/html" | "application/xhtml+xml");
    let mut page = json!({"status": answer.status, "html": html, "headers": headers::kept(&answer.headers), "path": url.path()});
    if let Some((_, shown)) = location(answer, url) {
        page["location"] = shown;
    }
    page
}
