//! The clock of the moment, and how far that of the other side is from it.

use std::time::SystemTime;

use http::header::{DATE, HeaderMap};

/// The time by our clock.
#[expect(clippy::disallowed_methods, reason = "the server's clock can only be set against the clock of the moment")]
pub(crate) fn our_clock() -> SystemTime {
    SystemTime::now()
}

/// By how many milliseconds the clock of who sent the headers is ahead, where it tells the time.
///
/// `Date` has whole seconds: half of one is added, and the time on the way is taken to be the same both ways.
pub(crate) fn clock_offset(headers: &HeaderMap, asked_at: SystemTime, answered_at: SystemTime) -> Option<i64> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond() + 500;
    let millis = |time: SystemTime| Some(jiff::Timestamp::try_from(time).ok()?.as_millisecond());
    let (asked, answered) = (millis(asked_at)?, millis(answered_at)?);
    Some(server - (asked + (answered - asked) / 2))
}
