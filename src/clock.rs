//! The one place where the clock is read.

use jiff::Timestamp;

/// Now, to the second: no fact of compliance is finer.
#[expect(clippy::disallowed_methods, reason = "everything after this is a function of the time that it is given")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}
