//! Bounds of partitions: from when to when the oldest and the newest of them hold rows.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use proofbook_checks::inventory::Reason;
use serde_json::{Value as Json, json};

use crate::observed::{Unread, part};

/// What is kept of the partitions of a table.
pub(super) fn partitions(bounds: &[Json]) -> Json {
    let texts: Vec<&str> = bounds.iter().filter_map(Json::as_str).collect();
    let ranges: Vec<&&str> = texts.iter().filter(|text| **text != "DEFAULT").collect();
    let mut found = json!({"partitions": ranges.len(), "default": ranges.len() < texts.len()});
    let uppers: Option<Vec<Timestamp>> = ranges.iter().map(|range| upper(range)).collect();
    found["until"] = part(match uppers {
        Some(uppers) => Ok(match (uppers.iter().min(), uppers.iter().max()) {
            (Some(oldest), Some(newest)) => json!({"oldest": oldest.to_string(), "newest": newest.to_string()}),
            _ => json!({}),
        }),
        None => Err(Unread::new(Reason::ParseError, "the partitions are not cut by time")),
    });
    found
}

// `FOR VALUES FROM ('2026-01-01') TO ('2026-02-01', MINVALUE)`: the first value after TO. A bound without end is the end of time.
fn upper(bound: &str) -> Option<Timestamp> {
    let (_, values) = bound.rsplit_once(" TO (")?;
    let first = values.split([',', ')']).next()?.trim();
    if first == "MAXVALUE" {
        return Some(Timestamp::MAX);
    }
    time(first.strip_prefix('\'')?.strip_suffix('\'')?)
}

// A date, a time without zone (read as UTC, as all times of the session), or a time with one.
fn time(text: &str) -> Option<Timestamp> {
    let utc = |civil: DateTime| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    if let Ok(date) = text.parse::<Date>()
        && !text.contains(' ')
    {
        return utc(date.to_datetime(jiff::civil::Time::midnight()));
    }
    // `+00` is the only zone, since the session's is UTC.
    match text.strip_suffix("+00") {
        Some(rest) => utc(rest.parse().ok()?),
        None => utc(text.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_and_the_newest_end_are_found() {
        let bounds = [
            "FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
            "FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",
            "FOR VALUES FROM ('2026-03-01 00:00:00', MINVALUE) TO ('2026-04-01 12:30:00', MINVALUE)",
        ];
        let bounds: Vec<Json> = bounds.into_iter().map(Json::from).collect();
        assert_eq!(
            partitions(&bounds),
            json!({"partitions": 3, "default": false, "until": {"oldest": "2026-02-01T00:00:00Z", "newest": "2026-04-01T12:30:00Z"}})
        );
    }

    #[test]
    fn what_is_not_cut_by_time_is_not_read() {
        for bound in ["FOR VALUES FROM (1) TO (100)", "FOR VALUES FROM ('a') TO ('m')", "FOR VALUES WITH (modulus 4, remainder 0)"] {
            let found = partitions(&[bound.into(), "DEFAULT".into()]);
            assert_eq!((&found["default"], &found["until"]["unread"]["reason"]), (&json!(true), &json!("parse-error")), "{bound}");
        }
        assert_eq!(partitions(&[]), json!({"partitions": 0, "default": false, "until": {}}));
        let endless = partitions(&["FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)".into()]);
        assert!(endless["until"]["oldest"].as_str().unwrap().starts_with("9999"), "{endless}");
    }
}
