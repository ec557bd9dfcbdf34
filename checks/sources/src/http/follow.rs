//! Redirects that stay on the same origin are followed, a few of them; every other ends the way.

use proofbook_checks::inventory::Reason;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::{Value as Json, json};

use super::location;
use crate::observed::Unread;
use crate::web::{Answer, Web};

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// Where a way on one origin led.
pub(super) struct Way {
    /// Where the last answer came from.
    pub(super) url: Url,
    /// All answers, the last one included.
    pub(super) answers: Vec<Answer>,
    /// The redirects that were followed.
    pub(super) redirects: Vec<Json>,
}

impl Way {
    /// The answer at the end.
    pub(super) fn last(&self) -> &Answer {
        self.answers.last().expect("a way has at least one answer")
    }
}

/// Gets a page by way of its redirects on the same origin.
pub(super) async fn follow(web: &Web, start: &Url, headers: &HeaderMap) -> Result<Way, Unread> {
    let mut way = Way { url: start.clone(), answers: Vec::new(), redirects: Vec::new() };
    loop {
        let answer = web.get(&way.url, headers).await?;
        let next = (300..400).contains(&answer.status).then(|| location(&answer, &way.url)).flatten();
        let status = answer.status;
        way.answers.push(answer);
        match next {
            Some((next, shown)) if next.origin() == start.origin() => {
                if way.redirects.len() == REDIRECTS {
                    return Err(Unread::new(Reason::ParseError, format!("more than {REDIRECTS} redirects, one after the other")));
                }
                way.redirects.push(json!({"status": status, "location": shown}));
                way.url = next;
            }
            _ => return Ok(way),
        }
    }
}
