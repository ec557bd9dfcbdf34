//! Accounts of a realm: since when they are there, and when they logged in last. Names are never kept.

use futures_util::future::join_all;
use jiff::Timestamp;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use super::{ACCOUNT, Session};
use crate::observed::{Unread, part};

/// Accounts that one page holds.
const PAGE: usize = 100;

/// Accounts whose logins are asked for at the same time.
const TOGETHER: usize = 8;

type Records = Vec<(&'static str, String, Json)>;

pub(super) async fn accounts(session: &Session<'_>, realm: &Json) -> Result<Records, Unread> {
    session.may("users")?;
    let since = recorded_since(session, realm).await;
    let mut records = Records::new();
    for page in 0.. {
        let first = (page * PAGE).to_string();
        let query = [("briefRepresentation", "true"), ("first", &first), ("max", &PAGE.to_string())];
        let users = session.list(&["users"], &query).await?;
        if records.len() + users.len() > session.admin.max_accounts {
            let detail = format!("there are more than {} accounts; raise `max_accounts`", session.admin.max_accounts);
            return Err(Unread::new(Reason::IncompleteList, detail));
        }
        for together in users.chunks(TOGETHER) {
            for record in join_all(together.iter().map(|user| record(session, user, &since))).await {
                records.push(record?);
            }
        }
        if users.len() < PAGE {
            break;
        }
    }
    Ok(records)
}

async fn record(session: &Session<'_>, user: &Json, since: &Result<Timestamp, Unread>) -> Result<(&'static str, String, Json), Unread> {
    let id = user["id"].as_str().ok_or_else(|| Unread::new(Reason::ParseError, "an account has no id"))?;
    let enabled = user["enabled"].as_bool().unwrap_or(false);
    let activity = match since {
        Err(unread) => Err(unread.clone()),
        Ok(since) if enabled => activity(session, id, *since).await,
        // Nobody can log in to what is closed.
        Ok(since) => Ok(json!({"recorded_since": since.to_string()})),
    };
    let mut content = json!({
        "issuer": session.issuer,
        "enabled": enabled,
        "federated": user["federationLink"].is_string(),
        "activity": part(activity),
    });
    if let Some(created) = user["createdTimestamp"].as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok()) {
        content["created"] = created.to_string().into();
    }
    Ok((ACCOUNT, id.to_owned(), content))
}

async fn activity(session: &Session<'_>, id: &str, since: Timestamp) -> Result<Json, Unread> {
    let newest = newest(session, &[("user", id), ("type", "LOGIN"), ("max", "1")]).await?;
    let mut told = json!({"recorded_since": since.to_string()});
    if let Some(at) = newest {
        told["last_login"] = at.to_string().into();
    }
    Ok(told)
}

// How far back logins are recorded. Versions that cannot sort answer with the newest event; then the record looks shorter than it
// is, and an account without a login is not judged.
async fn recorded_since(session: &Session<'_>, realm: &Json) -> Result<Timestamp, Unread> {
    session.may("events")?;
    if realm["eventsEnabled"].as_bool() != Some(true) {
        return Err(Unread::new(Reason::NotServed, "the realm keeps no events, so nothing is known about logins"));
    }
    let types = realm["enabledEventTypes"].as_array().into_iter().flatten();
    let mut types = types.filter_map(Json::as_str).peekable();
    if types.peek().is_some() && !types.any(|kind| kind == "LOGIN") {
        return Err(Unread::new(Reason::NotServed, "the realm keeps no events of logins"));
    }
    let oldest = newest(session, &[("type", "LOGIN"), ("direction", "asc"), ("max", "1")]).await?;
    oldest.ok_or_else(|| Unread::new(Reason::NotServed, "the realm has recorded no login yet"))
}

async fn newest(session: &Session<'_>, query: &[(&str, &str)]) -> Result<Option<Timestamp>, Unread> {
    let events = session.list(&["events"], query).await?;
    let Some(event) = events.first() else { return Ok(None) };
    let at = event["time"].as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    at.map(Some).ok_or_else(|| Unread::new(Reason::ParseError, "an event has no time"))
}
