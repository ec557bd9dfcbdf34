//! What a collector is asked for, by kind and by part: nothing is requested that no check reads.

use proofbook_checks::inventory::Wanted;
use proofbook_checks::resource::{GROUP, Resource, Source};

/// What the checks read of one source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'w> {
    source: Source,
    wanted: &'w Wanted,
}

impl<'w> Asked<'w> {
    pub(crate) const fn of(source: Source, wanted: &'w Wanted) -> Self {
        Self { source, wanted }
    }

    /// Whether records of a kind are read.
    pub(crate) fn kind(&self, kind: &str) -> bool {
        self.wanted.contains_key(&self.resource(kind))
    }

    /// Whether a part of the records of a kind is read.
    pub(crate) fn part(&self, kind: &str, part: &str) -> bool {
        self.wanted.get(&self.resource(kind)).is_some_and(|projection| projection.mask.covers(part))
    }

    fn resource(&self, kind: &str) -> Resource {
        Resource::of_object(&format!("{GROUP}{}", self.source), kind)
    }
}
