//! The value of a promise in its normal form (`tls>=1.2`, `30d`, `<=72h`, `DE,FI`), read once and held against what was measured.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::area;

/// A promised value: one term, or a list of terms that stand together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Promise {
    text: String,
    terms: Vec<Term>,
}

/// One term of a promised value.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What is bounded, where the value names it: `tls`, `rsa`.
    pub name: Option<String>,
    /// How.
    pub comparator: Comparator,
    /// The value, or the lower end of a range.
    pub amount: Amount,
    /// The upper end of a range.
    pub upper: Option<Amount>,
}

/// How a value is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparator {
    /// Exactly.
    Equal,
    /// At least.
    AtLeast,
    /// At most.
    AtMost,
    /// More than.
    More,
    /// Less than.
    Less,
    /// From one to another.
    Range,
}

impl Comparator {
    /// The sign; `range` for a range.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::Less => "<",
            Self::Range => "range",
        }
    }
}

/// What a term says.
#[derive(Clone, Debug, PartialEq)]
pub enum Amount {
    /// A number with its unit.
    Number(f64, Unit),
    /// A version: numbers between dots.
    Version(Vec<u32>),
    /// A word: an algorithm, a country, a status.
    Word(String),
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// A plain number.
    Count,
    /// Seconds; all durations are kept in them.
    Seconds,
    /// Percent.
    Percent,
}

/// Why a text is no promised value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no promised value; examples: `tls>=1.2`, `aes-256`, `30d`, `14d..30d`, `<=72h`, `>=99.9%`, `DE,FI`, `iso27001:certified`"
)]
pub struct PromiseError(String);

impl Promise {
    /// Reads the normal form.
    ///
    /// # Errors
    /// A text of another form.
    pub fn new(text: &str) -> Result<Self, PromiseError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:,<>=%/+".contains(&byte);
        let terms: Option<Vec<Term>> = text.split(',').map(term).collect();
        match terms {
            Some(terms) if text.bytes().all(plain) => Ok(Self { text: text.to_owned(), terms }),
            _ => Err(PromiseError(text.to_owned())),
        }
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The terms.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The one comparator, where the value has one.
    #[must_use]
    pub fn comparator(&self) -> Option<Comparator> {
        match self.terms.as_slice() {
            [Term { amount: Amount::Word(_), .. }] => None,
            [term] => Some(term.comparator),
            _ => None,
        }
    }

    /// The unit as it is printed: `s`, `min`, `h`, `d`, `bd`, `%`, `version`.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        let [term] = self.terms.as_slice() else { return None };
        match &term.amount {
            Amount::Number(_, Unit::Percent) => Some("%"),
            Amount::Number(_, Unit::Seconds) => {
                let start = self.text.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
                Some(&self.text[start..])
            }
            Amount::Version(_) => Some("version"),
            Amount::Number(_, Unit::Count) | Amount::Word(_) => None,
        }
    }

    /// Whether both promise the same: 24 hours are a day.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.terms.len() == other.terms.len() && self.terms.iter().all(|term| other.terms.contains(term))
    }

    /// Whether whatever keeps `self` keeps `other` too.
    #[must_use]
    pub fn implies(&self, other: &Self) -> bool {
        other.terms.iter().all(|weaker| self.terms.iter().any(|stronger| stronger.implies(weaker)))
    }
}

impl Term {
    // What both sides of a term admit, on a line of numbers; closed at both ends, which is exact enough for whole units.
    fn interval(&self) -> Option<(f64, f64, Unit)> {
        let point = |amount: &Amount| match amount {
            Amount::Number(number, unit) => Some((*number, *unit)),
            Amount::Version(parts) => Some((version_number(parts), Unit::Count)),
            Amount::Word(_) => None,
        };
        let (low, unit) = point(&self.amount)?;
        Some(match self.comparator {
            Comparator::Equal => (low, low, unit),
            Comparator::AtLeast => (low, f64::INFINITY, unit),
            Comparator::More => (low.next_up(), f64::INFINITY, unit),
            Comparator::AtMost => (f64::NEG_INFINITY, low, unit),
            Comparator::Less => (f64::NEG_INFINITY, low.next_down(), unit),
            Comparator::Range => (low, self.upper.as_ref().and_then(point)?.0, unit),
        })
    }

    fn implies(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        if let (Amount::Word(own), Amount::Word(wider)) = (&self.amount, &other.amount) {
            return area::lies_in(own, wider) || own.strip_prefix(wider.as_str()).is_some_and(|rest| rest.starts_with('-'));
        }
        let (Some((low, high, unit)), Some((other_low, other_high, other_unit))) = (self.interval(), other.interval()) else {
            return false;
        };
        self.name == other.name && unit == other_unit && low >= other_low && high <= other_high
    }

    /// Whether a number of the term's unit keeps the promise.
    #[must_use]
    pub fn admits(&self, number: f64, slack: f64) -> bool {
        self.interval().is_some_and(|(low, high, _)| number >= low - slack && number <= high + slack)
    }
}

/// A version as a number that keeps its order: 1.10 is above 1.9.
#[must_use]
pub fn version_number(parts: &[u32]) -> f64 {
    parts.iter().take(3).zip([1e8, 1e4, 1.0]).map(|(part, weight)| f64::from(*part) * weight).sum()
}

fn term(text: &str) -> Option<Term> {
    let plain = |comparator, amount| Term { name: None, comparator, amount, upper: None };
    if let Some((low, high)) = text.split_once("..") {
        let (low, high) = (number(low)?, number(high)?);
        return Some(Term { name: None, comparator: Comparator::Range, amount: low, upper: Some(high) });
    }
    let at = text.find(['<', '>', '=']);
    let Some(at) = at else {
        if text.is_empty() {
            return None;
        }
        return Some(plain(Comparator::Equal, number(text).unwrap_or_else(|| Amount::Word(text.to_owned()))));
    };
    let (name, rest) = text.split_at(at);
    let (comparator, rest) = [
        (">=", Comparator::AtLeast),
        ("<=", Comparator::AtMost),
        (">", Comparator::More),
        ("<", Comparator::Less),
        ("=", Comparator::Equal),
    ]
    .into_iter()
    .find_map(|(sign, comparator)| Some((comparator, rest.strip_prefix(sign)?)))?;
    let amount = number(rest)?;
    let amount = match (name, amount) {
        ("tls" | "ssl" | "ssh" | "http", _) => Amount::Version(version(rest)?),
        (_, amount) => amount,
    };
    Some(Term { name: (!name.is_empty()).then(|| name.to_owned()), comparator, amount, upper: None })
}

fn number(text: &str) -> Option<Amount> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let number: f64 = digits.parse().ok()?;
    let (factor, unit) = match unit {
        "" => (1.0, Unit::Count),
        "%" => (1.0, Unit::Percent),
        "s" => (1.0, Unit::Seconds),
        "min" => (60.0, Unit::Seconds),
        "h" => (3_600.0, Unit::Seconds),
        // A business day is no fixed time; for comparing it is counted as a day, which is the stricter reading of a limit.
        "d" | "bd" => (86_400.0, Unit::Seconds),
        _ => return None,
    };
    Some(Amount::Number(number * factor, unit))
}

/// Reads a version: numbers between dots.
#[must_use]
pub fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for Promise {
    type Error = PromiseError;

    fn try_from(text: String) -> Result<Self, PromiseError> {
        Self::new(&text)
    }
}

impl From<Promise> for String {
    fn from(promise: Promise) -> Self {
        promise.text
    }
}

impl JsonSchema for Promise {
    fn schema_name() -> Cow<'static, str> {
        "Promise".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A promised value in its normal form.",
            "examples": ["tls>=1.2", "aes-256", "30d", "14d..30d", "<=72h", ">=99.9%", "DE,FI", "iso27001:certified"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn promise(text: &str) -> Promise {
        Promise::new(text).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn normal_forms_are_read() {
        assert_eq!(promise("tls>=1.2").terms()[0].amount, Amount::Version(vec![1, 2]));
        assert_eq!(promise("<=72h").unit(), Some("h"));
        assert_eq!(promise("14d..30d").comparator(), Some(Comparator::Range));
        assert_eq!(promise(">=99.9%").unit(), Some("%"));
        assert_eq!(promise("aes-256").comparator(), None);
        assert_eq!(promise("DE,FI").terms().len(), 2);
        for bad in ["", "tls>=", "30 days", ">=x", "a,,b", "1..x"] {
            assert!(Promise::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_same_time_in_two_units_is_the_same_promise() {
        assert!(promise("24h").equals(&promise("1d")));
        assert!(promise("DE,FI").equals(&promise("FI,DE")));
        assert!(!promise("24h").equals(&promise("<=1d")));
    }

    #[test]
    fn a_stricter_promise_implies_a_laxer_one() {
        for (strict, lax) in
            [("tls=1.3", "tls>=1.2"), ("<=24h", "<=72h"), ("DE", "EU"), ("14d..30d", ">=7d"), ("aes-256-gcm", "aes-256"), (">2", ">=2")]
        {
            assert!(promise(strict).implies(&promise(lax)), "{strict} {lax}");
            assert!(!promise(lax).implies(&promise(strict)), "{lax} {strict}");
        }
        assert!(!promise("tls>=1.2").implies(&promise("ssh>=1.2")));
    }
}
