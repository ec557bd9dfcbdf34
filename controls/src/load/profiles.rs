//! Profiles: frameworks that select requirements of another one, their catalog, and say only what they add to it.

use std::collections::{BTreeMap, BTreeSet};

use super::frameworks::Read;
use super::{Loader, Source};
use crate::diagnostic::did_you_mean;
use crate::framework::{Binds, Framework, Requirement};
use crate::id::{FrameworkId, RequirementId};

/// Requirements of profiles that got nothing from a catalog: they lack titles and groups through no further fault.
pub(super) type Unfilled = BTreeSet<(FrameworkId, RequirementId)>;

impl<'f> Loader<'f> {
    // Fills in what profiles leave to their catalogs.
    pub(super) fn profiles(&mut self, read: &mut Read<'f>) -> Unfilled {
        let named = read.values().filter_map(|(_, framework)| Some((framework.id.clone(), framework.profile_of.clone()?)));
        let mut unfilled = Unfilled::new();
        for (profile, catalog) in named.collect::<Vec<_>>() {
            let Some((source, mut framework)) = read.get(&profile).cloned() else { continue };
            match self.catalog(read, source, &framework, &catalog) {
                Some(catalog) => self.take_over(source, &mut framework, catalog, &mut unfilled),
                None => unfilled.extend(framework.requirements.iter().map(|requirement| (profile.clone(), requirement.id.clone()))),
            }
            read.insert(profile, (source, framework));
        }
        unfilled
    }

    fn catalog<'r>(&mut self, read: &'r Read<'f>, source: Source<'_>, profile: &Framework, catalog: &FrameworkId) -> Option<&'r Framework> {
        let catalog = self.other(read, source, profile, "profile_of", catalog)?;
        let Some(other) = &catalog.profile_of else { return Some(catalog) };
        let message = format!("`{}` is a profile of `{other}` itself", catalog.id);
        let help = format!("select from `{other}`");
        self.errors.push(source.fault("profile-of-profile", source.place("profile_of", catalog.id.as_str()), message, help));
        None
    }

    fn take_over(&mut self, source: Source<'_>, profile: &mut Framework, catalog: &Framework, unfilled: &mut Unfilled) {
        let known: BTreeMap<&str, &Requirement> = catalog.requirements.iter().map(|r| (r.id.as_str(), r)).collect();
        for requirement in &mut profile.requirements {
            let id = &requirement.id;
            let mut fault = |code, message: String, help: String| {
                self.errors.push(source.fault(code, source.place("id", id.as_str()), message, help));
            };
            let Some(original) = known.get(id.as_str()) else {
                let help = did_you_mean(id.as_str(), known.keys().copied(), "see `proofbook frameworks show`");
                fault("unknown-requirement", format!("`{}` has no requirement `{id}`", catalog.id), help);
                unfilled.insert((profile.id.clone(), id.clone()));
                continue;
            };
            if original.withdrawn {
                let message = format!("the requirement `{id}` of `{}` is withdrawn", catalog.id);
                fault("withdrawn", message, "select what took its place".to_owned());
            }
            if requirement.binds != Binds::default() && requirement.binds != original.binds {
                let message = format!("the requirement `{id}` binds `{}` in `{}`", original.binds.as_str(), catalog.id);
                fault("binds", message, "leave out `binds`: a profile has those of its catalog".to_owned());
            }
            inherit(requirement, original);
        }
        let used: BTreeSet<&str> = profile.requirements.iter().map(|requirement| requirement.group.as_str()).collect();
        let own: BTreeSet<&str> = profile.groups.iter().map(|group| group.id.as_str()).collect();
        let groups = catalog.groups.iter().filter(|group| used.contains(group.id.as_str()) && !own.contains(group.id.as_str()));
        let groups: Vec<_> = groups.cloned().collect();
        profile.groups.extend(groups);
    }
}

fn inherit(requirement: &mut Requirement, original: &Requirement) {
    for (own, inherited) in [
        (&mut requirement.group, &original.group),
        (&mut requirement.title, &original.title),
        (&mut requirement.summary, &original.summary),
    ] {
        if own.is_empty() {
            own.clone_from(inherited);
        }
    }
    requirement.binds = original.binds;
}
