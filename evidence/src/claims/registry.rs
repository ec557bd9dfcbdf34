//! The registry of claims: `claims.yaml` of a workspace, read with every id resolved and every fault reported at once.

use std::collections::BTreeMap;

use proofbook_checks::Catalog;
use proofbook_controls::diagnostic::{Diagnostic, Diagnostics, Span, did_you_mean};
use proofbook_controls::yaml::{self, Spanned};
use proofbook_controls::{CheckId, ControlId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Class, Kind, Party, Promise, Quantifier};

/// The promises of a workspace's documentation: `claims.yaml`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimsFile {
    /// The claims.
    #[serde(default)]
    pub claims: Vec<Claim>,
}

/// One promise, split so far that it can be true or false on its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Stable slug, never reused: anchors in documents name it (`<!-- claim: tls-floor -->`).
    pub id: Spanned<String>,
    /// The promise in one sentence of your own. Statements of documents are compared with it, so use the words of the documents.
    pub statement: String,
    /// How the promise is meant.
    #[serde(default = "assertion")]
    pub class: Class,
    /// What it is about.
    pub kind: Kind,
    /// The promised value in its normal form: `tls>=1.2`, `aes-256`, `30d`, `14d..30d`, `<=72h`, `>=99.9%`, `DE,FI`, `iso27001:certified`.
    #[serde(default)]
    pub value: Option<Promise>,
    /// Over how much it speaks.
    #[serde(default)]
    pub quantifier: Option<Quantifier>,
    /// What it speaks of, in words: `external connections`, `customer backups`; the plan of a promise that is there for a plan.
    #[serde(default)]
    pub scope: String,
    /// What is excepted from it, in words.
    #[serde(default)]
    pub exceptions: Vec<String>,
    /// Where it stands in the documents.
    #[serde(default, rename = "where")]
    pub places: Vec<ClaimPlace>,
    /// The controls that keep it.
    #[serde(default)]
    pub controls: Vec<Spanned<ControlId>>,
    /// The checks that show it: all of them must pass.
    #[serde(default)]
    pub checks: Vec<Spanned<CheckId>>,
    /// The measured values that its value is held against, as `<check>.<measure>`.
    #[serde(default)]
    pub values: Vec<Spanned<String>>,
    /// The needs of controls whose attestations show it, where no check can.
    #[serde(default)]
    pub attestations: Vec<Spanned<String>>,
    /// Who owes it.
    #[serde(default = "provider")]
    pub responsibility: Party,
    /// The umbrella claim that this one is a part of.
    #[serde(default)]
    pub part_of: Option<Spanned<String>>,
    /// What a reader of the registry should know.
    #[serde(default)]
    pub note: String,
}

/// A place in a document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimPlace {
    /// The file, relative to the workspace.
    pub path: String,
    /// The heading above the statement, as it is written there.
    #[serde(default)]
    pub heading: Option<String>,
}

const fn assertion() -> Class {
    Class::Assertion
}

const fn provider() -> Party {
    Party::Provider
}

/// The claims of a workspace, every id resolved.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    claims: Vec<Claim>,
    by_id: BTreeMap<String, usize>,
}

impl Registry {
    /// Reads `claims.yaml`; `needs` are the ids of attestations that controls ask for.
    ///
    /// # Errors
    /// All faults of the file, with their places.
    pub fn load(file: &str, text: &str, catalog: &Catalog) -> Result<Self, Diagnostics> {
        let read: ClaimsFile = yaml::parse(file, text)?;
        let mut errors = Diagnostics::default();
        for claim in &read.claims {
            resolve(claim, catalog, &mut |code, span, message, help| {
                errors.push(Diagnostic::new(code, file, message).at(span).help(help).with_source(text));
            });
        }
        let registry = Self::of(read.claims).unwrap_or_else(|(registry, doubled)| {
            for (id, span) in doubled {
                let message = format!("the claim `{id}` is there twice");
                errors.push(Diagnostic::new("duplicate", file, message).at(span).help("give each claim its own id").with_source(text));
            }
            registry
        });
        for claim in registry.iter() {
            if let Some(umbrella) = claim.part_of.as_ref().filter(|umbrella| registry.get(&umbrella.value).is_none()) {
                let help = did_you_mean(&umbrella.value, registry.by_id.keys().map(String::as_str), "name a claim of this file");
                let message = format!("unknown claim `{}`", umbrella.value);
                errors.push(Diagnostic::new("unknown-claim", file, message).at(umbrella.span).help(help).with_source(text));
            }
        }
        errors.into_result(registry)
    }

    /// A registry of claims that were read elsewhere.
    ///
    /// # Errors
    /// The ids that are there twice, with the registry of the first of each.
    pub fn of(claims: Vec<Claim>) -> Result<Self, (Self, Vec<(String, Span)>)> {
        let mut registry = Self::default();
        let mut doubled = Vec::new();
        for claim in claims {
            if registry.by_id.contains_key(&claim.id.value) {
                doubled.push((claim.id.value, claim.id.span));
            } else {
                registry.by_id.insert(claim.id.value.clone(), registry.claims.len());
                registry.claims.push(claim);
            }
        }
        if doubled.is_empty() { Ok(registry) } else { Err((registry, doubled)) }
    }

    /// The claim of an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Claim> {
        self.by_id.get(id).map(|at| &self.claims[*at])
    }

    /// The claims in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Claim> {
        self.claims.iter()
    }

    /// The parts of an umbrella claim.
    pub fn parts_of<'r>(&'r self, id: &'r str) -> impl Iterator<Item = &'r Claim> {
        self.claims.iter().filter(move |claim| claim.part_of.as_ref().is_some_and(|umbrella| umbrella.value == id))
    }

    /// Whether nothing is registered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }
}

fn resolve(claim: &Claim, catalog: &Catalog, error: &mut dyn FnMut(&'static str, Span, String, String)) {
    let id = &claim.id;
    let slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if id.value.is_empty() || !id.value.bytes().all(slug) {
        error("id", id.span, format!("`{}` is no id", id.value), "use lower-case letters, digits and `-`".to_owned());
    }
    if claim.statement.trim().is_empty() {
        error("blank", id.span, format!("the claim `{}` says nothing", id.value), "write the promise as one sentence".to_owned());
    }
    for control in &claim.controls {
        if !catalog.controls.controls.contains_key(&control.value) {
            let known = catalog.controls.controls.keys().map(ControlId::as_str);
            let help = did_you_mean(control.value.as_str(), known, "see `proofbook controls list`");
            error("unknown-control", control.span, format!("unknown control `{}`", control.value), help);
        }
    }
    for check in &claim.checks {
        if !catalog.checks.contains_key(&check.value) {
            let help = did_you_mean(check.value.as_str(), catalog.checks.keys().map(CheckId::as_str), "see `proofbook checks list`");
            error("unknown-check", check.span, format!("unknown check `{}`", check.value), help);
        }
    }
    for value in &claim.values {
        let measure = value.value.split_once('.').and_then(|(check, measure)| {
            let check = catalog.checks.get(&CheckId::new(check).ok()?)?;
            check.definition.measure.contains_key(measure).then_some(())
        });
        if measure.is_none() {
            let known: Vec<String> = catalog
                .checks
                .values()
                .flat_map(|check| check.definition.measure.keys().map(|name| format!("{}.{name}", check.id())).collect::<Vec<_>>())
                .collect();
            let help = did_you_mean(&value.value, known.iter().map(String::as_str), "see `measure:` in `proofbook checks show`");
            error("unknown-value", value.span, format!("no check measures `{}`", value.value), help);
        }
    }
    if !claim.values.is_empty() && claim.value.is_none() && claim.quantifier.is_none() {
        let message = format!("the claim `{}` names measured values and promises none", id.value);
        error("no-value", id.span, message, "write what is promised under `value:`".to_owned());
    }
    for need in &claim.attestations {
        let all = || catalog.controls.controls.values().flat_map(|control| control.attestations.iter().map(|need| need.id.as_str()));
        if !all().any(|known| known == need.value) {
            let help = did_you_mean(&need.value, all(), "see the attestations of `proofbook controls show`");
            error("unknown-need", need.span, format!("no control asks for the attestation `{}`", need.value), help);
        }
    }
}
