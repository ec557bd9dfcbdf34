//! The profile model of OSCAL, as far as it is read: imports with their selections, the way of merging, and what it changes.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::document::Metadata;

/// A profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Profile {
    #[serde(rename = "uuid")]
    _uuid: IgnoredAny,
    pub(super) metadata: Metadata,
    pub(super) imports: Vec<Import>,
    #[serde(default)]
    pub(super) merge: Merge,
    #[serde(default)]
    pub(super) modify: Modify,
    #[serde(default)]
    pub(super) back_matter: BackMatter,
}

/// What is taken from another document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Import {
    pub(super) href: String,
    pub(super) include_all: Option<IgnoredAny>,
    pub(super) include_controls: Option<Vec<Select>>,
    #[serde(default)]
    pub(super) exclude_controls: Vec<Select>,
}

/// Controls by their ids.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Select {
    #[serde(default)]
    pub(super) with_child_controls: YesNo,
    #[serde(default)]
    pub(super) with_ids: Vec<String>,
    #[serde(default)]
    pub(super) matching: Vec<Matching>,
}

/// A word where JSON has a boolean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum YesNo {
    Yes,
    #[default]
    No,
}

/// Ids that fit a pattern.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Matching {
    pub(super) pattern: String,
}

/// How what was selected is put together.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Merge {
    #[serde(default)]
    pub(super) combine: Combine,
    #[serde(rename = "flat")]
    _flat: Option<IgnoredAny>,
    #[serde(default)]
    pub(super) as_is: bool,
    pub(super) custom: Option<IgnoredAny>,
}

/// What happens to controls of the same id.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Combine {
    pub(super) method: Option<String>,
}

/// What a profile changes in controls.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Modify {
    #[serde(default)]
    pub(super) set_parameters: Vec<SetParameter>,
    #[serde(default)]
    pub(super) alters: Vec<Alter>,
}

/// A value for a parameter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct SetParameter {
    pub(super) param_id: String,
}

/// A change of a control.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Alter {
    pub(super) control_id: String,
}

/// What a document refers to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct BackMatter {
    #[serde(default)]
    pub(super) resources: Vec<Resource>,
}

/// Something that is referred to.
#[derive(Debug, Deserialize)]
pub(super) struct Resource {
    pub(super) uuid: String,
    #[serde(default)]
    pub(super) rlinks: Vec<Rlink>,
}

/// Where it lies.
#[derive(Debug, Deserialize)]
pub(super) struct Rlink {
    pub(super) href: String,
}

/// Whether a text fits a pattern in which `*` stands for any characters and `?` for one.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where to go on when what follows the last `*` does not fit: one character further.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('*') => {
                star = Some((of + 1, at));
                of += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[at] => (at, of) = (at + 1, of + 1),
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (at, of) = (from + 1, after);
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, text) in [("ac-*", "ac-2.1"), ("*", ""), ("?c-2", "ac-2"), ("a*2*1", "ac-2.1"), ("**", "x"), ("ac-2", "ac-2")] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("ac-*", "au-2"), ("ac-2", "ac-2.1"), ("?", ""), ("a*2", "ac-2.1"), ("", "x"), ("[a]c-2", "ac-2")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
