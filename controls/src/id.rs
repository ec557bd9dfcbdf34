//! Identifiers as types, parsed once at the edge.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

fn is_slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && !text.ends_with('-')
}

fn is_requirement(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"().-_&".contains(&b))
}

macro_rules! identifier {
    ($name:ident, $what:literal, $valid:ident, $expected:literal) => {
        #[doc = concat!("The id of a ", $what, ".")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads an id.
            ///
            /// # Errors
            /// A text of another form.
            pub fn new(text: &str) -> Result<Self, IdError> {
                if $valid(text) {
                    return Ok(Self(text.into()));
                }
                Err(IdError {
                    text: text.to_owned(),
                    expected: $expected,
                })
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({"type": "string", "description": concat!("The id of a ", $what, ": ", $expected, ".")})
            }
        }
    };
}

identifier!(CheckId, "check", is_slug, "a slug of lower-case letters, digits and dashes");
identifier!(ControlId, "control", is_slug, "a slug of lower-case letters, digits and dashes");
identifier!(FrameworkId, "framework", is_slug, "a slug of lower-case letters, digits, dots and dashes");
identifier!(CrosswalkId, "crosswalk", is_slug, "a slug of lower-case letters, digits, dots and dashes");
identifier!(RequirementId, "requirement", is_requirement, "an id of letters, digits and `( ) . - _ &`");
