//! Crosswalks: both ends are catalogs that somebody declares, and requirements of the library's own frameworks exist.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loader, Source};
use crate::crosswalk::{Crosswalk, CrosswalkFile, Pair};
use crate::diagnostic::{Span, did_you_mean};
use crate::id::{FrameworkId, RequirementId};
use crate::yaml::Spanned;

/// Whether a requirement is withdrawn, by its id; nothing for a catalog outside the library, of which no list is at hand.
type Known = Option<BTreeMap<RequirementId, bool>>;

impl Loader<'_> {
    pub(super) fn crosswalks(&mut self) {
        for (source, file) in self.read::<CrosswalkFile>("controls/crosswalks") {
            self.file_name("crosswalk", file.id.as_str(), source);
            if self.controls.crosswalks.contains_key(&file.id) {
                let message = format!("the crosswalk `{}` is already defined in another folder", file.id);
                self.errors.push(source.fault("duplicate-id", Span::START, message, "give it an id of its own"));
                continue;
            }
            if file.from.value == file.to.value {
                let message = format!("a crosswalk leads from one catalog to another, not from `{}` to itself", file.from.value);
                self.errors.push(source.fault("own-framework", file.to.span, message, "name two catalogs"));
            }
            let [Some(from), Some(to)] = [&file.from, &file.to].map(|end| self.end(source, &file, end)) else { continue };
            let mut pairs = Vec::new();
            let mut seen = BTreeSet::new();
            for entry in &file.pairs {
                self.pair_end(source, &file.from.value, &from, &entry.from);
                for other in &entry.to {
                    self.pair_end(source, &file.to.value, &to, other);
                    if !seen.insert((&entry.from.value, &other.value)) {
                        let message = format!("`{}` and `{}` are a pair twice", entry.from.value, other.value);
                        self.errors.push(source.fault("duplicate-pair", other.span, message, "keep one of the two"));
                    }
                    pairs.push(Pair { from: entry.from.value.clone(), relation: entry.relation, to: other.value.clone() });
                }
            }
            let crosswalk = Crosswalk {
                id: file.id,
                title: file.title,
                publisher: file.publisher,
                source: file.source,
                licence: file.licence,
                from: file.from.value,
                to: file.to.value,
                outside: file.outside,
                pairs,
            };
            self.controls.crosswalks.insert(crosswalk.id.clone(), crosswalk);
        }
    }

    // What is known of one end; nothing where it is unknown or could not be read.
    fn end(&mut self, source: Source<'_>, file: &CrosswalkFile, end: &Spanned<FrameworkId>) -> Option<Known> {
        if file.outside.contains_key(&end.value) {
            return Some(None);
        }
        let help = "add the framework first, or declare the catalog under `outside:`";
        if !self.known_framework(source, &end.value, end.span, help) {
            return None;
        }
        let requirements = self.controls.frameworks[&end.value].requirements.iter();
        Some(Some(requirements.map(|requirement| (requirement.id.clone(), requirement.withdrawn)).collect()))
    }

    fn pair_end(&mut self, source: Source<'_>, framework: &FrameworkId, known: &Known, id: &Spanned<RequirementId>) {
        let Some(known) = known else { return };
        match known.get(&id.value) {
            None => {
                let help = did_you_mean(id.value.as_str(), known.keys().map(RequirementId::as_str), "see `proofbook frameworks show`");
                let message = format!("`{framework}` has no requirement `{}`", id.value);
                self.errors.push(source.fault("unknown-requirement", id.span, message, help));
            }
            Some(true) => {
                let message = format!("the requirement `{}` of `{framework}` is withdrawn", id.value);
                self.errors.push(source.fault("withdrawn", id.span, message, "name what took its place"));
            }
            Some(false) => {}
        }
    }
}
