//! History: what the full runs of an environment add up to over time. Nothing of it is stored: it is made from the sealed runs, and
//! from the same runs it is the same.
//!
//! A time at which nobody looked has no line of its own. What a run saw holds for the moment at which it looked, so that a state
//! lasts from the first to the last run that saw it, and what lies between two runs is not known to either.

mod series;
mod states;
mod values;

pub use series::{Series, SeriesKind, SeriesRow};
pub use states::{State, States};
pub use values::{ValueHistory, values};
