//! `frameworks:` of a workspace: what its owner answers for, as it is written, held to the library, and as it is sealed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::yaml::Spanned;
use proofbook_controls::{Controls, Framework, FrameworkId, RequirementId};
use proofbook_evidence::scope::{Membership, Scope, Scopes};
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A framework in scope: by its id alone, or with what is chosen of it.
#[derive(Clone, Debug, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Choice {
    /// The whole framework.
    Whole(FrameworkId),
    /// A part of it.
    Part(Part),
}

/// What is chosen of a framework.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// The framework.
    id: Spanned<FrameworkId>,
    /// The level, baseline or class; every requirement where nothing is said.
    #[serde(default)]
    level: Option<Spanned<String>>,
    /// Requirements that are tailored out.
    #[serde(default)]
    exclude: Vec<Exclusion>,
}

/// A requirement that is tailored out, with the reason.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exclusion {
    /// The requirement.
    requirement: Spanned<RequirementId>,
    /// Why it does not apply; it is printed wherever the requirement is.
    reason: Spanned<String>,
}

// By hand: serde's untagged form would lose the places of what is inside.
impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Choice;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of a framework, or a map of `id`, `level` and `exclude`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Choice, E> {
                FrameworkId::deserialize(StrDeserializer::new(text)).map(Choice::Whole)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choice, A::Error> {
                Part::deserialize(MapAccessDeserializer::new(map)).map(Choice::Part)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl Choice {
    const fn id(&self) -> &FrameworkId {
        match self {
            Self::Whole(id) => id,
            Self::Part(part) => &part.id.value,
        }
    }

    fn scope(&self) -> Scope {
        match self {
            Self::Whole(id) => Scope::whole(id.clone()),
            Self::Part(part) => Scope {
                framework: part.id.value.clone(),
                level: part.level.as_ref().map(|level| level.value.clone()),
                exclude: part.exclude.iter().map(|out| (out.requirement.value.clone(), out.reason.value.trim().to_owned())).collect(),
            },
        }
    }
}

/// The scopes that the choices come to.
pub(crate) fn scopes(choices: &[Spanned<Choice>]) -> Scopes {
    Scopes(choices.iter().map(|choice| (choice.value.id().clone(), choice.value.scope())).collect())
}

/// Holds the choices of the file with this name and text to the library.
pub(crate) fn check(choices: &[Spanned<Choice>], controls: &Controls, file: &str, text: &str) -> Result<(), Diagnostics> {
    let mut found = Found { file, text, errors: Diagnostics::default() };
    let mut named = BTreeSet::new();
    for choice in choices {
        let id = choice.value.id();
        let span = match &choice.value {
            Choice::Whole(_) => choice.span,
            Choice::Part(part) => part.id.span,
        };
        if !named.insert(id) {
            found.add("duplicate-framework", span, format!("the framework `{id}` is named twice"), "keep one, with one level");
        }
        match (controls.frameworks.get(id), &choice.value) {
            (None, _) => {
                let help =
                    did_you_mean(id.as_str(), controls.frameworks.keys().map(FrameworkId::as_str), "see `proofbook frameworks list`");
                found.add("unknown-framework", span, format!("unknown framework `{id}`"), help);
            }
            (Some(framework), Choice::Part(part)) => found.part(framework, part),
            (Some(_), Choice::Whole(_)) => {}
        }
    }
    found.errors.into_result(())
}

struct Found<'f> {
    file: &'f str,
    text: &'f str,
    errors: Diagnostics,
}

impl Found<'_> {
    fn add(&mut self, code: &'static str, span: Span, message: String, help: impl Into<String>) {
        self.errors.push(Diagnostic::new(code, self.file, message).at(span).help(help).with_source(self.text));
    }

    fn part(&mut self, framework: &Framework, part: &Part) {
        if let Some(level) = &part.level
            && !framework.levels.iter().any(|known| known.id == level.value)
        {
            let levels = || framework.levels.iter().map(|level| level.id.as_str());
            let (message, help) = if framework.levels.is_empty() {
                (format!("`{}` has no levels, found the level `{}`", framework.id, level.value), "leave out `level`".to_owned())
            } else {
                let all = format!("its levels are: {}", levels().collect::<Vec<_>>().join(", "));
                (format!("`{}` has no level `{}`", framework.id, level.value), did_you_mean(&level.value, levels(), &all))
            };
            // What is excluded cannot be held to a level that is not there.
            return self.add("unknown-level", level.span, message, help);
        }
        let scope = Scope { exclude: BTreeMap::new(), ..Choice::Part(part.clone()).scope() };
        let mut once = BTreeSet::new();
        for Exclusion { requirement, reason } in &part.exclude {
            let id = &requirement.value;
            if reason.value.trim().is_empty() {
                self.add("no-reason", reason.span, format!("`{id}` is tailored out without a reason"), "say why it does not apply");
            }
            if !once.insert(id) {
                self.add("duplicate-exclusion", requirement.span, format!("`{id}` is tailored out twice"), "keep one");
            }
            match framework.requirement(id.as_str()) {
                None => {
                    let otherwise = format!("see `proofbook frameworks show {}`", framework.id);
                    let help = did_you_mean(id.as_str(), framework.requirements.iter().map(|known| known.id.as_str()), &otherwise);
                    self.add("unknown-requirement", requirement.span, format!("`{}` has no requirement `{id}`", framework.id), help);
                }
                Some(known) if known.withdrawn => {
                    let message = format!("the requirement `{id}` of `{}` is withdrawn", framework.id);
                    self.add("withdrawn", requirement.span, message, "remove the exclusion: nobody has to meet it");
                }
                Some(known) if scope.membership(known) == Membership::OutOfScope => {
                    let level = scope.level.as_deref().unwrap_or_default();
                    let message = format!("the requirement `{id}` of `{}` is not of the level `{level}`", framework.id);
                    self.add("out-of-level", requirement.span, message, "remove the exclusion: the level does not ask for it");
                }
                Some(_) => {}
            }
        }
        let left =
            framework.requirements.iter().filter(|found| scope.membership(found) == Membership::InScope && !once.contains(&found.id));
        if left.count() == 0 {
            let message = format!("nothing of `{}` is left in scope", framework.id);
            self.add("empty-scope", part.id.span, message, "remove the framework, or choose another level");
        }
    }
}
