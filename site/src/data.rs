//! The data files of the site: which controls stand on which page, which questions come first, and the words for codes.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use proofbook_controls::{Layer, yaml};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::SiteError;

/// Everything under `book/`.
pub(crate) static BOOK: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/book");

/// The data files.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) themes: Vec<Theme>,
    pub(crate) questions: Vec<Question>,
    pub(crate) faq: Vec<QuestionGroup>,
    pub(crate) layers: BTreeMap<Layer, String>,
    pub(crate) words: Words,
}

/// A page on one theme, made of controls.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Theme {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) intro: String,
    pub(crate) sections: Vec<Section>,
}

/// A section of such a page.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) controls: Vec<String>,
    #[serde(default)]
    pub(crate) figures: Vec<Figure>,
    #[serde(default)]
    pub(crate) statement: Option<Statement>,
}

/// What the provider states of itself, beside what was measured.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Statement {
    /// Where the platform runs.
    Regions,
    /// Who else processes personal data.
    Subprocessors,
    /// How long personal data is kept, by category.
    Retention,
    /// To whom to report.
    Contacts,
    /// Within which time customers are told.
    Notice,
}

/// A promised and a measured value side by side: a parameter and a measure of the same check.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figure {
    pub(crate) label: String,
    pub(crate) check: String,
    #[serde(default)]
    pub(crate) promised: Option<String>,
    #[serde(default)]
    pub(crate) measured: Option<String>,
}

/// A question that customers ask, with the check that answers it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Question {
    #[serde(rename = "question")]
    pub(crate) text: String,
    pub(crate) check: String,
    /// What a subject of the check is.
    pub(crate) one: String,
    /// The same in the plural.
    pub(crate) many: String,
}

/// Questions of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionGroup {
    pub(crate) title: String,
    pub(crate) questions: Vec<FaqQuestion>,
}

/// A question that one control answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaqQuestion {
    #[serde(rename = "question")]
    pub(crate) text: String,
    pub(crate) control: String,
    /// The page that tells more.
    pub(crate) see: String,
}

/// Words for readers: by kind of code, by code.
pub(crate) type Words = BTreeMap<String, BTreeMap<String, Word>>;

/// What a reader sees for a code.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Word {
    pub(crate) word: String,
    /// One sentence on what it means.
    #[serde(default)]
    pub(crate) meaning: String,
}

impl Data {
    /// The files that are part of the binary.
    pub(crate) fn embedded() -> Result<Self, SiteError> {
        Ok(Self {
            themes: read("themes.yaml")?,
            questions: read("questions.yaml")?,
            faq: read("faq.yaml")?,
            layers: read("layers.yaml")?,
            words: read("words.yaml")?,
        })
    }
}

fn read<T: DeserializeOwned>(name: &str) -> Result<T, SiteError> {
    let text = BOOK.get_file(name).and_then(|file| file.contents_utf8()).unwrap_or_default();
    yaml::parse(&format!("site/book/{name}"), text).map_err(|fault| SiteError::Data(Box::new(fault)))
}

#[cfg(test)]
mod tests {
    use proofbook_checks::{Catalog, Verdict};
    use proofbook_controls::crosswalk::Way;
    use proofbook_controls::{Binds, Relation, Split};
    use proofbook_evidence::assessment::Coverage;
    use proofbook_evidence::views::history::StatusChangeKind;
    use proofbook_evidence::views::soa::Implemented;

    use super::*;

    fn data() -> Data {
        Data::embedded().unwrap()
    }

    #[test]
    fn every_code_has_its_word() {
        let words = data().words;
        let check = |kind: &str, codes: &[&str]| {
            for code in codes {
                assert!(words[kind].contains_key(*code), "words.yaml lacks `{code}` under `{kind}`");
            }
        };
        check("verdict", &Verdict::ALL.map(Verdict::as_str));
        check("answer", &Verdict::ALL.map(Verdict::as_str));
        check("change", &StatusChangeKind::ALL.map(StatusChangeKind::as_str));
        check("coverage", &Coverage::ALL.map(Coverage::as_str));
        check(
            "relation",
            &[Relation::Equal, Relation::Equivalent, Relation::Subset, Relation::Superset, Relation::Intersects].map(Relation::as_str),
        );
        check("way", &Way::ALL.map(Way::as_str));
        check("way-phrase", &Way::ALL.map(Way::as_str));
        check(
            "alike",
            &[Relation::Equal, Relation::Equivalent, Relation::Subset, Relation::Superset, Relation::Intersects].map(Relation::as_str),
        );
        check("split", &[Split::Provider, Split::Customer, Split::Shared].map(Split::as_str));
        check("inherits", &["yes", "partial", "no"]);
        check("binds", &[Binds::Provider, Binds::Customer, Binds::Both, Binds::Authority, Binds::Nobody].map(Binds::as_str));
        check("implemented", &Implemented::ALL.map(Implemented::as_str));
        check("finding", &["met", "not-applicable", "not-met"]);
        check("standing", &["final", "conditional", "open", "no-score"]);
        check("poam", &["never", "allowed", "conditional"]);
        check("basis", &["automated", "attested", "none"]);
        check("assurance", &["live", "as-supplied"]);
        check("severity", &["info", "low", "medium", "high", "critical"]);
        check("method", &["examine", "test"]);
        check("certification", &["aligned", "in-progress", "certified"]);
    }

    #[test]
    fn only_a_certificate_is_called_one() {
        let words = &data().words["certification"];
        for (status, word) in words {
            assert_eq!(word.word.to_lowercase().contains("certified"), status == "certified", "{status}: {}", word.word);
        }
    }

    #[test]
    fn pages_name_what_the_library_has() {
        let catalog = Catalog::load_without_fixtures(&Catalog::embedded_files()).unwrap();
        let data = data();
        for question in &data.questions {
            assert!(catalog.checks.contains_key(question.check.as_str()), "questions.yaml: no check `{}`", question.check);
        }
        for question in data.faq.iter().flat_map(|group| &group.questions) {
            assert!(catalog.controls.controls.contains_key(question.control.as_str()), "faq.yaml: no control `{}`", question.control);
            let page = format!("pages/{}.md", question.see);
            assert!(
                data.themes.iter().any(|theme| theme.id == question.see) || BOOK.get_file(page).is_some(),
                "faq.yaml: no page `{}`",
                question.see
            );
        }
        for section in data.themes.iter().flat_map(|theme| &theme.sections) {
            for control in &section.controls {
                assert!(catalog.controls.controls.contains_key(control.as_str()), "themes.yaml: no control `{control}`");
            }
            for figure in &section.figures {
                let check = &catalog.checks[figure.check.as_str()].definition;
                let promised = figure.promised.as_ref().is_none_or(|name| check.params.contains_key(name));
                let measured = figure.measured.as_ref().is_none_or(|name| check.measure.contains_key(name));
                assert!(promised && measured, "themes.yaml: `{}` has no such parameter or measure: {figure:?}", figure.check);
            }
        }
        for check in catalog.checks.values() {
            assert!(data.words["domain"].contains_key(&check.domain), "words.yaml lacks `{}` under `domain`", check.domain);
        }
    }

    #[test]
    fn every_layer_has_an_introduction() {
        assert_eq!(data().layers.keys().copied().collect::<Vec<_>>(), Layer::ALL);
    }
}
