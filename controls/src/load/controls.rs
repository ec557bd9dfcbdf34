//! Controls: duties on both sides, and something that shows them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loader, Source};
use crate::control::Control;
use crate::diagnostic::{Span, did_you_mean};
use crate::id::ControlId;

impl Loader<'_> {
    pub(super) fn controls(&mut self) {
        let mut attestations: BTreeMap<String, ControlId> = BTreeMap::new();
        for (source, control) in self.read::<Control>("controls/library") {
            self.file_name("control", control.id.as_str(), source);
            self.duties(source, &control);
            let shown = !control.checks.required.is_empty() || !control.attestations.is_empty();
            if shown == control.no_evidence.is_some() {
                let message = "a control has a required check or an attestation, or says in `no_evidence` why it has neither".to_owned();
                self.errors.push(source.fault("no-evidence", Span::START, message, "name what shows that the control works"));
            }
            for need in &control.attestations {
                if let Some(other) = attestations.insert(need.id.clone(), control.id.clone()) {
                    let message = format!("the attestation `{}` is already needed by `{other}`", need.id);
                    self.errors.push(source.fault("duplicate-id", source.place("id", &need.id), message, "give it an id of its own"));
                }
            }
            if let Some(other) = self.controls.control_files.insert(control.id.clone(), source.path.to_owned()) {
                let message = format!("the control `{}` is already defined in {other}", control.id);
                self.errors.push(source.fault("duplicate-id", Span::START, message, "give it an id of its own"));
            }
            self.controls.controls.insert(control.id.clone(), control);
        }
    }

    fn duties(&mut self, source: Source<'_>, control: &Control) {
        let duties = &control.responsibility;
        for (side, sentences) in [("provider", &duties.provider), ("customer", &duties.customer)] {
            if sentences.is_empty() || sentences.iter().any(|sentence| is_no_duty(sentence)) {
                let message = format!("the {side}'s duty must be a sentence that begins with a verb");
                let help = "write what the side does, or what it inherits and from whom";
                self.errors.push(source.fault("duty", source.key(side), message, help));
            }
        }
        let mut seen = BTreeSet::new();
        for check in &duties.customer_checks {
            let own = control.checks.required.iter().chain(&control.checks.supporting).map(|own| own.value.as_str());
            if own.clone().all(|own| own != check.value.as_str()) {
                let help = did_you_mean(check.value.as_str(), own, "name the check under `checks` too");
                let message = format!("`customer_checks` names `{}`, which is no check of this control", check.value);
                self.errors.push(source.fault("unknown-check", check.span, message, help));
            } else if !seen.insert(&check.value) {
                let message = format!("`customer_checks` names `{}` twice", check.value);
                self.errors.push(source.fault("duplicate-check", check.span, message, "name it once"));
            }
        }
    }
}

fn is_no_duty(sentence: &str) -> bool {
    let plain = sentence.trim().trim_end_matches('.').to_ascii_lowercase();
    ["", "n/a", "na", "none", "-", "not applicable"].contains(&plain.as_str())
}
