//! Frameworks: their heads, and what one framework says of another.

use std::collections::{BTreeMap, BTreeSet};

use super::{Loader, Source};
use crate::diagnostic::{Span, did_you_mean};
use crate::framework::Framework;
use crate::id::{FrameworkId, RequirementId};

/// Frameworks with the files they were read from.
pub(super) type Read<'f> = BTreeMap<FrameworkId, (Source<'f>, Framework)>;

impl<'f> Loader<'f> {
    pub(super) fn frameworks(&mut self) {
        let mut read = Read::new();
        for (source, framework) in self.read::<Framework>("controls/frameworks") {
            self.file_name("framework", framework.id.as_str(), source);
            self.declared_once(source, &framework);
            if let Some((other, _)) = read.get(&framework.id) {
                let message = format!("the framework `{}` is already defined in {}", framework.id, other.path);
                self.errors.push(source.fault("duplicate-id", Span::START, message, "give it an id of its own"));
                continue;
            }
            read.insert(framework.id.clone(), (source, framework));
        }
        self.editions(&read);
        let unfilled = self.profiles(&mut read);
        for (source, framework) in read.values() {
            self.requirements(*source, framework, &unfilled);
        }
        self.controls.frameworks = read.into_iter().map(|(id, (_, framework))| (id, framework)).collect();
    }

    fn declared_once(&mut self, source: Source<'_>, framework: &Framework) {
        for (what, ids) in [
            ("group", framework.groups.iter().map(|group| &group.id).collect::<Vec<_>>()),
            ("level", framework.levels.iter().map(|level| &level.id).collect()),
        ] {
            let mut once = BTreeSet::new();
            for id in ids.into_iter().filter(|id| !once.insert(id.as_str())) {
                let message = format!("the {what} `{id}` is declared twice");
                self.errors.push(source.fault("duplicate-id", source.second_place("id", id), message, "remove one"));
            }
        }
    }

    // The other framework that one names in its head, unless it cannot be told what that is.
    pub(super) fn other<'r>(
        &mut self,
        read: &'r Read<'f>,
        source: Source<'_>,
        framework: &Framework,
        key: &str,
        other: &FrameworkId,
    ) -> Option<&'r Framework> {
        let span = source.place(key, other.as_str());
        if *other == framework.id {
            let message = format!("`{other}` names itself in `{key}`");
            self.errors.push(source.fault("own-framework", span, message, "name another framework, or leave it out"));
            return None;
        }
        let found = read.get(other).map(|(_, framework)| framework);
        if found.is_none() && !self.broken.contains(other.as_str()) {
            let known = read.keys().filter(|id| **id != framework.id).map(FrameworkId::as_str);
            let help = did_you_mean(other.as_str(), known, "add that framework first");
            self.errors.push(source.fault("unknown-framework", span, format!("unknown framework `{other}` in `{key}`"), help));
        }
        found
    }

    // What takes the place of an earlier edition names only what that edition has.
    fn editions(&mut self, read: &Read<'f>) {
        for (source, framework) in read.values() {
            let earlier = framework.supersedes.as_ref().and_then(|earlier| self.other(read, *source, framework, "supersedes", earlier));
            let known: BTreeSet<&RequirementId> = earlier.iter().flat_map(|earlier| earlier.requirements.iter().map(|r| &r.id)).collect();
            for requirement in framework.requirements.iter().filter(|requirement| !requirement.replaces.is_empty()) {
                let place = || source.place("id", requirement.id.as_str());
                if framework.supersedes.is_none() {
                    let message = format!("the requirement `{}` replaces others, and the framework supersedes none", requirement.id);
                    let help = "name the earlier edition in `supersedes`";
                    self.errors.push(source.fault("replaces", place(), message, help));
                }
                let Some(earlier) = earlier else { continue };
                for id in requirement.replaces.iter().filter(|id| !known.contains(id)) {
                    let help = did_you_mean(id.as_str(), known.iter().map(|id| id.as_str()), "see `proofbook frameworks show`");
                    let message = format!("`{}` replaces `{id}`, which `{}` does not have", requirement.id, earlier.id);
                    self.errors.push(source.fault("unknown-requirement", place(), message, help));
                }
            }
        }
    }
}
