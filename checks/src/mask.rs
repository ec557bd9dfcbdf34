//! Field masks: which parts of an observed object the selected checks read.
//!
//! A mask is a tree. A node marked `whole` keeps its subtree; any other node keeps only what its children name, with
//! `*` standing for every element of a list or every key of a map. What lies on the way is kept as a shell, so that
//! "there is a securityContext" can be told from "there is none" without keeping what is in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::value::Name;

/// One step of a field path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// A named key of a map.
    Key(Name),
    /// Every element of a list, or every key of a map.
    Each,
}

impl Step {
    /// A named key.
    #[must_use]
    pub fn key(name: &str) -> Self {
        Self::Key(name.into())
    }
}

/// A path from the root of an observed object.
pub type FieldPath = Vec<Step>;

/// Prints a path as `spec.containers.*.image`.
#[must_use]
pub fn path_text(path: &[Step]) -> String {
    let names: Vec<&str> = path
        .iter()
        .map(|step| match step {
            Step::Key(key) => key.as_str(),
            Step::Each => "*",
        })
        .collect();
    names.join(".")
}

/// What to keep of a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Keep the subtree as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Keep these keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<Name, Arc<Mask>>,
    /// Keep this of every list element and of every key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Arc<Mask>>,
    /// In a list of flags or arguments, or a map of sensitive strings: the exact names whose value may be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reveal: Vec<Box<str>>,
}

impl Mask {
    /// Keeps everything.
    #[must_use]
    pub fn all() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// The mask for `key`, if the mask covers it.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Arc<Mask>> {
        self.keys.get(key).or(self.each.as_ref())
    }

    /// Whether reading `key` of a map that this mask projected is allowed.
    #[must_use]
    pub fn covers(&self, key: &str) -> bool {
        self.whole || self.each.is_some() || self.keys.contains_key(key)
    }

    /// Adds a path; `whole` keeps what is at its end, otherwise only its presence and shape.
    pub fn add(&mut self, path: &[Step], whole: bool) {
        match path.split_first() {
            None => self.whole |= whole,
            Some((Step::Each, rest)) => {
                let each = self.each.get_or_insert_with(Arc::default);
                Arc::make_mut(each).add(rest, whole);
                self.spread();
            }
            Some((Step::Key(key), rest)) => {
                let start = self.each.clone().unwrap_or_default();
                let child = self.keys.entry(*key).or_insert(start);
                Arc::make_mut(child).add(rest, whole);
            }
        }
    }

    /// Allows the exact `name` at `path` to be kept although the path is sensitive.
    pub fn reveal(&mut self, path: &[Step], name: &str) {
        let mut node = self;
        for step in path {
            node = match step {
                Step::Each => Arc::make_mut(node.each.get_or_insert_with(Arc::default)),
                Step::Key(key) => Arc::make_mut(node.keys.entry(*key).or_default()),
            };
        }
        if let Err(at) = node.reveal.binary_search_by(|known| (**known).cmp(name)) {
            node.reveal.insert(at, name.into());
        }
    }

    /// Keeps `key` of every object on the way to what is kept.
    pub fn add_everywhere(&mut self, key: &str) {
        for mask in self.keys.values_mut().chain(self.each.as_mut()) {
            Arc::make_mut(mask).add_everywhere(key);
        }
        if !self.whole {
            self.add(&[Step::key(key)], true);
        }
    }

    /// Adds all that `other` keeps.
    pub fn merge(&mut self, other: &Self) {
        self.whole |= other.whole;
        if let Some(each) = &other.each {
            Arc::make_mut(self.each.get_or_insert_with(Arc::default)).merge(each);
        }
        for (key, mask) in &other.keys {
            let start = self.each.clone().unwrap_or_default();
            Arc::make_mut(self.keys.entry(*key).or_insert(start)).merge(mask);
        }
        self.spread();
        for name in &other.reveal {
            self.reveal(&[], name);
        }
    }

    /// Every path that the mask keeps, for humans and for the generated documentation.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut out);
        out
    }

    fn collect_paths(&self, at: &mut Vec<Step>, out: &mut Vec<String>) {
        let none = self.each.is_none() && self.keys.keys().all(|key| key.as_str() == crate::unread::UNREAD);
        if self.whole || none {
            out.push(path_text(at));
            return;
        }
        if let Some(each) = &self.each {
            at.push(Step::Each);
            each.collect_paths(at, out);
            at.pop();
        }
        // That a part could not be read is no field that a check asks for.
        for (key, mask) in self.keys.iter().filter(|(key, _)| key.as_str() != crate::unread::UNREAD) {
            at.push(Step::Key(*key));
            mask.collect_paths(at, out);
            at.pop();
        }
    }

    // What is kept of every key is kept of the named ones too, so that one lookup decides.
    fn spread(&mut self) {
        if let Some(each) = self.each.clone() {
            for mask in self.keys.values_mut() {
                Arc::make_mut(mask).merge(&each);
            }
        }
    }
}
