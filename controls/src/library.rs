//! The library: a graph in which every id resolves.

use std::collections::BTreeMap;

use crate::control::Control;
use crate::crosswalk::Crosswalk;
use crate::diagnostic::Diagnostics;
use crate::files::Files;
use crate::framework::Framework;
use crate::id::{ControlId, CrosswalkId, FrameworkId};
use crate::load;
use crate::mapping::Mapping;

/// Frameworks, controls, mappings and crosswalks, every reference among them resolved.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// The frameworks by id. Profiles are filled in from their catalogs.
    pub frameworks: BTreeMap<FrameworkId, Framework>,
    /// The controls by id.
    pub controls: BTreeMap<ControlId, Control>,
    /// The mappings, by framework and in the framework's order of requirements; those that a profile takes over are among them.
    pub mappings: Vec<Mapping>,
    /// The authoritative crosswalks by id.
    pub crosswalks: BTreeMap<CrosswalkId, Crosswalk>,
    /// The file that each control was read from.
    pub control_files: BTreeMap<ControlId, String>,
}

impl Controls {
    /// Reads frameworks, controls, mappings and crosswalks.
    ///
    /// # Errors
    /// All faults of all files.
    pub fn load(files: &Files) -> Result<Self, Diagnostics> {
        load::load(files)
    }

    /// The mappings of a framework.
    pub fn mappings_of<'c>(&'c self, framework: &'c FrameworkId) -> impl Iterator<Item = &'c Mapping> {
        self.mappings.iter().filter(move |mapping| mapping.framework == *framework)
    }

    /// The mappings that a control has in all frameworks.
    pub fn mappings_to<'c>(&'c self, control: &'c ControlId) -> impl Iterator<Item = &'c Mapping> {
        self.mappings.iter().filter(move |mapping| mapping.control == *control)
    }

    /// The frameworks, and the catalogs that crosswalks name outside the library.
    pub fn catalogs(&self) -> impl Iterator<Item = &FrameworkId> {
        self.frameworks.keys().chain(self.crosswalks.values().flat_map(|crosswalk| crosswalk.outside.keys()))
    }

    /// The title of a framework, or of a catalog that a crosswalk names outside the library.
    #[must_use]
    pub fn catalog_title(&self, id: &FrameworkId) -> Option<&str> {
        let outside = || self.crosswalks.values().find_map(|crosswalk| crosswalk.outside.get(id).map(String::as_str));
        self.frameworks.get(id).map(|framework| framework.title.as_str()).or_else(outside)
    }
}
