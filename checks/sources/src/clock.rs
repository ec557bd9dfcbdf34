//! The clock of the moment, and how far that of the other side is from it.

use std::time::SystemTime;

use http::header::{AGE, DATE, HeaderMap};

/// The time by our clock.
#[expect(clippy::disallowed_methods, reason = "the server's clock can only be set against the clock of the moment")]
pub(crate) fn our_clock() -> SystemTime {
    SystemTime::now()
}

/// Beyond this the clocks of collector and target are too far apart for anything that was read to have a time.
const TOLERANCE_MS: u64 = 60_000;

/// What to say of a target's clock that is too far off; nothing of one that is not, or that does not tell the time.
pub(crate) fn skew(offset_ms: Option<i64>) -> Option<String> {
    let offset = offset_ms.filter(|offset| offset.unsigned_abs() > TOLERANCE_MS)?;
    Some(format!("clock is {} s off ours; set the clocks right", offset / 1000))
}

/// By how many milliseconds the clock of who sent the headers is ahead, where it tells the time.
///
/// `Date` has whole seconds: half of one is added, and the time on the way is taken to be the same both ways.
/// An answer that a cache kept (`Age`) has the `Date` of when it was made (RFC 9111, section 5.1), and tells nothing.
pub(crate) fn clock_offset(headers: &HeaderMap, asked_at: SystemTime, answered_at: SystemTime) -> Option<i64> {
    if headers.contains_key(AGE) {
        return None;
    }
    let date = headers.get(DATE)?.to_str().ok()?;
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond() + 500;
    let millis = |time: SystemTime| Some(jiff::Timestamp::try_from(time).ok()?.as_millisecond());
    let (asked, answered) = (millis(asked_at)?, millis(answered_at)?);
    Some(server - (asked + (answered - asked) / 2))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_clock_is_told_by_who_answers_and_not_by_a_cache() {
        let at = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let headers = |age: bool| {
            let mut headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:51:07 GMT"))]);
            if age {
                headers.insert(AGE, HeaderValue::from_static("90"));
            }
            headers
        };
        let offset = clock_offset(&headers(false), at, at + Duration::from_secs(1));
        assert_eq!(offset, Some(90_000));
        assert_eq!(clock_offset(&headers(true), at, at), None);
        assert_eq!(clock_offset(&HeaderMap::new(), at, at), None);
        assert!(skew(offset).unwrap().contains("90 s") && skew(Some(-61_000)).is_some());
        assert_eq!((skew(Some(60_000)), skew(Some(-5_000)), skew(None)), (None, None, None));
    }
}
