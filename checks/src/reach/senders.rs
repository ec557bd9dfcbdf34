//! Whom each pod is let out to, turned around: for a pod, all that may send to it.
//!
//! Most pods are held by the same few rules, so groups whose egress is held alike are gathered and asked once.

use std::collections::HashMap;
use std::rc::Rc;

use super::policies::{Bits, Side};

/// Groups whose egress is held by the same rules.
struct Alike {
    members: Vec<usize>,
    // Whom some rule lets them reach.
    reached: Bits,
}

/// All groups by what holds their egress.
pub(super) struct Senders {
    // Those that nothing holds.
    open: Bits,
    held: Vec<(Bits, Bits)>,
}

impl Senders {
    /// Gathers the groups. `sides` gives the egress of each, none where nothing holds it.
    pub(super) fn of<'s>(size: usize, sides: impl Iterator<Item = Option<&'s Side>>) -> Self {
        let mut open = Vec::new();
        let mut alike: Vec<Alike> = Vec::new();
        let mut known: HashMap<Vec<*const Bits>, usize> = HashMap::new();
        for (at, side) in sides.enumerate() {
            let Some(side) = side else {
                open.push(at);
                continue;
            };
            let mut key: Vec<_> = side.rules.iter().map(|rule| Rc::as_ptr(&rule.peers)).collect();
            key.sort_unstable();
            key.dedup();
            let place = *known.entry(key).or_insert_with(|| {
                let mut reached = Bits::of(size, std::iter::empty());
                side.rules.iter().for_each(|rule| reached.add(&rule.peers));
                alike.push(Alike { members: Vec::new(), reached });
                alike.len() - 1
            });
            alike[place].members.push(at);
        }
        let held = alike.into_iter().map(|alike| (Bits::of(size, alike.members.into_iter()), alike.reached)).collect();
        Self { open: Bits::of(size, open.into_iter()), held }
    }

    /// Who may send to a group.
    pub(super) fn to(&self, target: usize) -> Bits {
        let mut found = self.open.clone();
        self.held.iter().filter(|(_, reached)| reached.has(target)).for_each(|(members, _)| found.add(members));
        found
    }
}
