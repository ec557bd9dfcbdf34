//! Keys for the product's own API, out of an export of the product: what each may do, and until when.
//!
//! Every product has its own form, so the workspace says which member means what. Neither a key nor a part of it, nor who made it,
//! is kept.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proofbook_checks::inventory::Reason;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::benchmark::date_in;
use super::reading::Read;
use super::records::Records;
use crate::observed::Unread;

/// The kinds of records that come out of an export.
pub(super) const KINDS: &[&str] = &["ApiKeyExport"];

/// An export of the keys of an API, as JSON with the day in its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyFile {
    /// The file, relative to the workspace; `*` in the name stands for any text, and the newest counts.
    pub file: PathBuf,
    /// Where the list of keys is, as a JSON pointer (`/items`); the whole file where nothing is said.
    #[serde(default)]
    pub keys: String,
    /// The member that holds what a key may do, as a list or a text with spaces or commas, as a JSON pointer below the key.
    pub scopes: String,
    /// The member that holds the time at which it ends, as a JSON pointer: RFC 3339, a date, or seconds since 1970. Nothing, 0 and
    /// times before 1970 (`0001-01-01T00:00:00Z`) stand for never.
    pub expires_at: String,
    /// The member that holds when it was made, as a JSON pointer.
    #[serde(default)]
    pub created_at: Option<String>,
    /// A member that is true, or a time not after the day of the export, for keys that no longer work, as a JSON pointer. Those work
    /// of which it says nothing, false, or never.
    #[serde(default)]
    pub revoked: Option<String>,
}

/// The record of an export.
pub(super) fn read(name: &str, file: &Read, settings: &ApiKeyFile) -> Records {
    let fault = |detail: &str| Unread::new(Reason::ParseError, detail);
    let told: Json = serde_json::from_str(file.text()?).map_err(|_| fault("the export is no JSON"))?;
    let list = told.pointer(&settings.keys).and_then(Json::as_array);
    let list = list.ok_or_else(|| fault("the export has no list at the place that `keys` names"))?;
    let on = date_in(name.rsplit('/').next().unwrap_or(name))
        .ok_or_else(|| fault("the name of the export holds no date (2026-06-01 or 20260601)"))?;
    let mut keys = Vec::new();
    for key in list {
        if works(settings.revoked.as_ref().and_then(|member| key.pointer(member)), on)? {
            keys.push(key_of(key, settings)?);
        }
    }
    let record = json!({"on": on.to_string(), "keys": keys, "sha256": file.sha256});
    Ok(vec![("ApiKeyExport", name.to_owned(), record)])
}

// Whether a key worked on the day of the export, by the member that tells of its end. A key that is left out is judged no more, so
// what is not understood leaves none out.
fn works(revoked: Option<&Json>, on: Date) -> Result<bool, Unread> {
    match revoked {
        None | Some(Json::Null) => Ok(true),
        Some(Json::Bool(revoked)) => Ok(!revoked),
        Some(Json::String(text)) if text == "true" || text == "false" => Ok(text == "false"),
        Some(value) => {
            let end = on.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).map(|end| end.timestamp());
            let end = end.map_err(|_| Unread::new(Reason::ParseError, "the day of the export is the last of all"))?;
            Ok(time(value, "whether a key was revoked is told by neither true nor false nor a time")?.is_none_or(|time| time >= end))
        }
    }
}

fn key_of(key: &Json, settings: &ApiKeyFile) -> Result<Json, Unread> {
    let scopes = match key.pointer(&settings.scopes) {
        // A member that no key has is a wrong pointer; one that is null is a key without a limit.
        None if key.is_object() && !settings.scopes.is_empty() => Vec::new(),
        Some(Json::Array(scopes)) => scopes.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Some(Json::String(scopes)) => {
            scopes.split(|c: char| c == ',' || c.is_whitespace()).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
        }
        Some(Json::Null) => Vec::new(),
        _ => return Err(Unread::new(Reason::ParseError, "the scopes of a key are neither a list nor a text")),
    };
    let mut kept = json!({"scopes": scopes});
    for (member, pointer) in [("expires_at", Some(&settings.expires_at)), ("created_at", settings.created_at.as_ref())] {
        let value = pointer.and_then(|pointer| key.pointer(pointer)).unwrap_or(&Json::Null);
        if let Some(time) = time(value, "a time of a key is neither RFC 3339 nor a date nor seconds since 1970")? {
            kept[member] = time.to_string().into();
        }
    }
    Ok(kept)
}

// A time; nothing where the value stands for never, as programs write it whose times have a value always.
fn time(value: &Json, otherwise: &str) -> Result<Option<Timestamp>, Unread> {
    let fault = || Unread::new(Reason::ParseError, otherwise);
    let time = match value {
        Json::Null => return Ok(None),
        Json::String(text) if text.trim().is_empty() => return Ok(None),
        Json::Number(seconds) => Timestamp::from_second(seconds.as_i64().ok_or_else(fault)?).ok(),
        Json::String(text) => text.parse().ok().or_else(|| Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())),
        _ => None,
    };
    time.map(|time| Some(time).filter(|time| *time > Timestamp::UNIX_EPOCH)).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ApiKeyFile {
        ApiKeyFile {
            file: PathBuf::new(),
            keys: "/items".to_owned(),
            scopes: "/spec/scope".to_owned(),
            expires_at: "/ends".to_owned(),
            created_at: Some("/made".to_owned()),
            revoked: Some("/revokedAt".to_owned()),
        }
    }

    #[test]
    fn whether_a_key_works_and_until_when_is_read_and_not_guessed() {
        let read = |member: &str, value: &Json| {
            let mut key = json!({"spec": {"scope": "read"}});
            key[member] = value.clone();
            let text = json!({"items": [key]}).to_string();
            let file = Read { bytes: text.into_bytes(), sha256: "x".to_owned() };
            read("keys-2026-05-31.json", &file, &settings()).map(|mut records| records.remove(0).2["keys"].take())
        };
        let works = json!([{"scopes": ["read"]}]);
        let never = [json!(null), json!(0), json!(-1), json!(""), json!("0001-01-01T00:00:00Z"), json!("0001-01-01")];
        for value in &never {
            assert_eq!(read("ends", value).unwrap(), works, "{value}");
        }
        let to_come = [json!(false), json!("false"), json!("2026-06-01T00:00:00Z"), json!("2027-01-01"), json!(1_788_220_800)];
        for value in never.iter().chain(&to_come) {
            assert_eq!(read("revokedAt", value).unwrap(), works, "{value}");
        }
        for value in [json!(true), json!("true"), json!("2026-05-31T23:59:59Z"), json!("2026-05-31"), json!(1)] {
            assert_eq!(read("revokedAt", &value).unwrap(), json!([]), "{value}");
        }
        for value in [json!("no"), json!("revoked"), json!([]), json!({}), json!(1.5), json!(1_788_220_800_000_i64)] {
            assert_eq!(read("revokedAt", &value).unwrap_err().reason, Reason::ParseError, "{value}");
        }
    }

    #[test]
    fn members_are_found_by_their_pointers_and_keys_are_not_kept() {
        let read = |name: &str, text: &str| read(name, &Read { bytes: text.as_bytes().to_vec(), sha256: "x".to_owned() }, &settings());
        let text = r#"{"items": [
            {"secret": "pk_live_hush", "spec": {"scope": "read:a, write:b"}, "ends": 1788220800, "made": "2026-05-01", "revokedAt": null},
            {"spec": {"scope": ["*"]}, "ends": null}, {"spec": {}, "ends": "2026-09-01T00:00:00Z"},
            {"spec": {"scope": null}, "revokedAt": "2026-01-01T00:00:00Z"}]}"#;
        let (_, _, found) = read("keys-2026-05-31.json", text).unwrap().remove(0);
        assert_eq!(
            found["keys"],
            json!([{"scopes": ["read:a", "write:b"], "expires_at": "2026-09-01T00:00:00Z", "created_at": "2026-05-01T00:00:00Z"},
                {"scopes": ["*"]}, {"scopes": [], "expires_at": "2026-09-01T00:00:00Z"}])
        );
        assert!(!found.to_string().contains("hush"));
        for (name, text) in [
            ("keys.json", "{\"items\": []}"),
            ("keys-2026-05-31.json", "{}"),
            ("keys-2026-05-31.json", "<html>"),
            ("keys-2026-05-31.json", r#"{"items": [{"spec": {"scope": 1}}]}"#),
            ("keys-2026-05-31.json", r#"{"items": [{"spec": {"scope": "a"}, "ends": "soon"}]}"#),
        ] {
            assert_eq!(read(name, text).unwrap_err().reason, Reason::ParseError, "{name} {text}");
        }
    }
}
