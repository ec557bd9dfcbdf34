//! JSON files of a dump: Lists, typed lists and single objects, one document or many.

use std::io::{self, Read};

use proofbook_checks::inventory::Wanted;
use proofbook_checks::project::Projection;
use proofbook_checks::resource::Resource;
use proofbook_checks::value::Value;
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny};

use super::gathering::FileContent;
use crate::sorter::{AnyObject, ObjectType, Sorted, Sorter};
use crate::splitter::{Malformed, Piece, Place, Splitter};

/// Reads a whole JSON file into `content`; an error says in one line, without any of the content, what is wrong where.
pub(super) fn read<'w>(mut file: impl Read, wanted: &'w Wanted, stem: &str, content: &mut FileContent<'w>) -> Result<(), String> {
    let mut splitter = Splitter::default();
    let mut reading = Reading { sorter: Sorter::new(wanted), content, stem, items: Items::Own };
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return splitter.finish().map_err(|malformed| Broken::from(malformed).0),
            Ok(read) => splitter.push(&chunk[..read], |piece, place| reading.take(&piece, place)).map_err(|broken: Broken| broken.0)?,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(super::unreadable(&cause)),
        }
    }
}

const CHUNK: usize = 256 << 10;

struct Broken(String);

impl From<Malformed> for Broken {
    fn from(malformed: Malformed) -> Self {
        Self(format!("{} ({})", malformed.what, malformed.place))
    }
}

/// What is known of the items of the current list.
#[derive(Clone, Copy)]
enum Items<'w> {
    /// They say themselves what they are.
    Own,
    /// They are of one type, which is wanted.
    Wanted(ObjectType, &'w Resource, &'w Projection),
    /// They are of one type, and nobody asked for it.
    Unwanted,
}

struct Reading<'f, 'w> {
    sorter: Sorter<'w>,
    content: &'f mut FileContent<'w>,
    stem: &'f str,
    items: Items<'w>,
}

/// The members of a list, or of a single object as far as they tell which it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default, deserialize_with = "present")]
    items: bool,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl Head {
    fn object_type(&self) -> Option<ObjectType> {
        Some(ObjectType::new(self.api_version.as_deref()?, self.kind.as_deref()?))
    }
}

impl Reading<'_, '_> {
    fn take(&mut self, piece: &Piece<'_>, place: Place) -> Result<(), Broken> {
        match *piece {
            Piece::Head(text) => {
                let head: Head = parse(text, place)?;
                self.items = match head.object_type().and_then(ObjectType::of_items) {
                    None => Items::Own,
                    Some(of) => {
                        self.sorter.place(of).map_or(Items::Unwanted, |(resource, projection)| Items::Wanted(of, resource, projection))
                    }
                };
                Ok(())
            }
            Piece::Item(text) => self.item(text, place),
            Piece::Document { text, list: true } => self.list_ended(&parse(text, place)?),
            Piece::Document { text, list: false } => self.single(text, place),
        }
    }

    fn item(&mut self, text: &[u8], place: Place) -> Result<(), Broken> {
        match self.items {
            Items::Unwanted => self.content.items += 1,
            Items::Wanted(of, resource, projection) => {
                let value = parse_with(projection.seed(resource).typed(of.api_version, of.kind), text, place)?;
                if value.get("kind").and_then(Value::as_str) != Some(of.kind) {
                    return Err(Broken(format!("an item of another kind in a {}List ({place})", of.kind)));
                }
                self.content.add(resource, value);
            }
            Items::Own => match parse_with(AnyObject { sorter: &mut self.sorter, default: None }, text, place)? {
                Sorted::Wanted(resource, value) => self.content.add(resource, value),
                Sorted::Unwanted(_) => self.content.items += 1,
                Sorted::Untyped => {
                    let what = "an item without apiVersion and kind, in a list whose kind does not stand before its items";
                    return Err(Broken(format!("{what} ({place})")));
                }
            },
        }
        Ok(())
    }

    fn list_ended(&mut self, head: &Head) -> Result<(), Broken> {
        self.content.list_ended(head.object_type(), head.metadata.token.as_deref(), self.stem, &mut self.sorter).map_err(Broken)?;
        self.items = Items::Own;
        Ok(())
    }

    fn single(&mut self, text: &[u8], place: Place) -> Result<(), Broken> {
        match parse_with(AnyObject { sorter: &mut self.sorter, default: None }, text, place)? {
            Sorted::Wanted(resource, value) => self.content.add(resource, value),
            Sorted::Unwanted(of) if of.kind.ends_with("List") => {
                // Go prints a list of nothing as `items: null`.
                let head: Head = parse(text, place)?;
                if head.items {
                    self.list_ended(&head)?;
                }
            }
            Sorted::Unwanted(of) => self.content.unwanted(of).map_err(Broken)?,
            Sorted::Untyped => {}
        }
        Ok(())
    }
}

fn parse<'de, T: Deserialize<'de>>(text: &'de [u8], place: Place) -> Result<T, Broken> {
    parse_with(std::marker::PhantomData, text, place)
}

fn parse_with<'de, S: DeserializeSeed<'de>>(seed: S, text: &'de [u8], place: Place) -> Result<S::Value, Broken> {
    crate::splitter::parse(seed, text, place).map_err(Broken)
}
