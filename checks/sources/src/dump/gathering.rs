//! Brings together what the files of a dump hold, and decides for each wanted resource whether all of it is there.
//!
//! A kind that a file holds counts as listed in full, unless that file broke off or says that its list goes on. A file
//! that could not be read to its end may have held anything, so whatever is found nowhere else is an error, not absent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proofbook_checks::inventory::{Completeness, Listing, Reason, Wanted};
use proofbook_checks::resource::{Resource, Source};
use proofbook_checks::value::Value;

use super::description::Description;
use crate::sharing::Sharing;
use crate::sorter::{ObjectType, Sorter, identity};

/// What the files read so far hold.
#[derive(Debug, Default)]
pub(super) struct Gathering<'w> {
    piles: BTreeMap<&'w Resource, Pile>,
    // What went wrong in files of which the rest is unknown.
    broken: Vec<String>,
}

#[derive(Debug, Default)]
struct Pile {
    objects: Vec<(Value, Arc<str>)>,
    trouble: Option<(Reason, String)>,
}

/// What one file holds.
#[derive(Debug)]
pub(super) struct FileContent<'w> {
    name: Arc<str>,
    piles: BTreeMap<&'w Resource, Vec<Value>>,
    // Resources whose list in this file is only a part.
    partial: BTreeSet<&'w Resource>,
    sharing: Sharing,
    /// Objects that were met, wanted or not.
    pub items: u64,
}

impl<'w> FileContent<'w> {
    /// Nothing yet of the file `name`.
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), piles: BTreeMap::new(), partial: BTreeSet::new(), sharing: Sharing::default(), items: 0 }
    }

    /// The file holds an object.
    pub(super) fn add(&mut self, resource: &'w Resource, mut value: Value) {
        self.items += 1;
        self.sharing.share(&mut value);
        self.piles.entry(resource).or_default().push(value);
    }

    /// The file holds an object that nobody asked for. An error answer of the API server is no object at all.
    pub(super) fn unwanted(&mut self, of: ObjectType) -> Result<(), String> {
        if of.kind == "Status" && of.api_version == "v1" {
            return Err("the file holds an error answer of the API server instead of objects".to_owned());
        }
        self.items += 1;
        Ok(())
    }

    /// A list of the type `of` ended. One with a continue token goes on elsewhere: of all that the file holds so far, some
    /// is missing. One without items tells what there is none of by its own kind, or else by the name of its file.
    pub(super) fn list_ended(
        &mut self,
        of: Option<ObjectType>,
        token: Option<&str>,
        stem: &str,
        sorter: &mut Sorter<'w>,
    ) -> Result<(), String> {
        let Some(of) = of.filter(|of| of.kind.ends_with("List")) else {
            return Err("items in something that is not a List".to_owned());
        };
        match of.of_items() {
            Some(items) => {
                if let Some((resource, _)) = sorter.place(items) {
                    self.piles.entry(resource).or_default();
                }
            }
            None if self.items == 0 => {
                if let Some(resource) = sorter.named(stem) {
                    self.piles.entry(resource).or_default();
                }
            }
            None => {}
        }
        if token.is_some_and(|token| !token.is_empty()) {
            self.partial.extend(self.piles.keys());
        }
        Ok(())
    }
}

impl<'w> Gathering<'w> {
    /// Takes over a file; `trouble` says why it was not read to its end.
    pub(super) fn take(&mut self, file: FileContent<'w>, trouble: Option<String>) {
        for (resource, objects) in file.piles {
            let pile = self.piles.entry(resource).or_default();
            if let Some(trouble) = &trouble {
                pile.trouble.get_or_insert_with(|| (Reason::ParseError, trouble.clone()));
            } else if file.partial.contains(resource) {
                let detail = format!("{}: the list carries a continue token, so it is only a part", file.name);
                pile.trouble.get_or_insert((Reason::IncompleteList, detail));
            }
            pile.objects.extend(objects.into_iter().map(|object| (object, Arc::clone(&file.name))));
        }
        self.broken.extend(trouble);
    }

    /// The listings of all wanted resources of a source.
    pub(super) fn listings(&mut self, wanted: &'w Wanted, source: Source, description: &Description) -> BTreeMap<Resource, Listing> {
        wanted
            .keys()
            .filter(|resource| resource.source == source)
            .map(|resource| {
                let listing = match self.piles.remove(resource) {
                    Some(pile) => pile.listing(resource, description),
                    None => self.missing(resource, description),
                };
                (resource.clone(), listing)
            })
            .collect()
    }

    fn missing(&self, resource: &Resource, description: &Description) -> Listing {
        if description.absent.contains(&*resource.name) {
            return Listing::without_objects(Completeness::Complete);
        }
        // No API server serves what kubelets tell of themselves, so no list of it is missed.
        if description.not_served.contains(&*resource.name) || *resource == Resource::kubelet_configurations() {
            return Listing::without_objects(Completeness::NotServed);
        }
        match self.broken.first() {
            Some(trouble) => Listing::failed(Reason::ParseError, format!("not found elsewhere, and a file is broken: {trouble}")),
            None => Listing::without_objects(Completeness::NotCollected),
        }
    }
}

impl Pile {
    fn listing(self, resource: &Resource, description: &Description) -> Listing {
        if let Some((reason, detail)) = self.trouble {
            return Listing::failed(reason, detail);
        }
        let declared = description.absent.contains(&*resource.name) || description.not_served.contains(&*resource.name);
        if let (true, Some((_, file))) = (declared, self.objects.first()) {
            let detail = format!("{} says that there are none, and {file} holds some", super::DESCRIPTION);
            return Listing::failed(Reason::ParseError, detail);
        }
        let mut known: Vec<_> = self.objects.into_iter().map(|(object, file)| (identity(&object), object, file)).collect();
        known.sort_by_key(|(identity, _, _)| *identity);
        if let Some((_, nameless, file)) = known.iter().find(|((_, name), _, _)| name.is_none()) {
            let kind = nameless.get("kind").and_then(Value::as_str).unwrap_or("object");
            return Listing::failed(Reason::ParseError, format!("{file}: a {kind} without a name"));
        }
        // The same object may stand in two files, as the same; two states of it cannot both be true.
        known.dedup_by(|(a, one, _), (b, other, _)| a == b && one == other);
        for pair in known.windows(2) {
            let [(a, _, first), (b, _, second)] = pair else { continue };
            if a == b {
                let (namespace, name) = a;
                let name = name.unwrap_or_default();
                let place = namespace.map_or_else(|| name.to_string(), |namespace| format!("{namespace}/{name}"));
                let detail = format!("{place} stands in {first} and in {second} with different content; keep one of them");
                return Listing::failed(Reason::ParseError, detail);
            }
        }
        Listing {
            completeness: Completeness::Complete,
            objects: known.into_iter().map(|(_, object, _)| object).collect(),
            resource_version: None,
        }
    }
}
