//! YAML files of a dump: Lists, typed lists and single objects, one document or many.
//!
//! Plain scalars are read as Kubernetes' own reader does, which is YAML 1.1: `yes` is a boolean and `0644` is octal. What
//! kubectl prints quotes every string that could be taken for something else, so both readings agree there; in a
//! manifest written by hand `privileged: yes` means true, and must not pass as a harmless string.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use proofbook_checks::inventory::Wanted;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::gathering::FileContent;
use crate::sorter::{AnyObject, Members, ObjectType, Sorted, Sorter};
use crate::splitter::MAX_PIECE;

/// Reads a whole YAML file into `content`; an error says in one line, without any of the content, what is wrong where.
pub(super) fn read<'w>(file: impl Read, wanted: &'w Wanted, stem: &str, content: &mut FileContent<'w>) -> Result<(), String> {
    let mut documents = Documents::new(BufReader::with_capacity(CHUNK, file));
    let mut reading = Reading { sorter: Sorter::new(wanted), content, stem, trouble: None };
    while documents.advance().map_err(|cause| super::unreadable(&cause))? {
        let first_line = documents.line;
        let document = Document { reading: &mut reading };
        let result = serde_saphyr::with_deserializer_from_reader_with_options(&mut documents, options(), |yaml| document.deserialize(yaml));
        if let Err(cause) = result {
            let what = reading.trouble.take().unwrap_or_else(|| describe(&cause));
            let line = cause.location().map_or(first_line, |location| first_line + location.line() - 1);
            return Err(format!("{what} (line {line})"));
        }
    }
    Ok(())
}

const CHUNK: usize = 64 << 10;

// A dump may be large; what is bounded is how deep it nests and how much an alias may unfold.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        strict_booleans: false,
        legacy_octal_numbers: true,
        emit_comments: false,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
            max_depth: 64,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 100_000 },
    }
}

struct Reading<'f, 'w> {
    sorter: Sorter<'w>,
    content: &'f mut FileContent<'w>,
    stem: &'f str,
    // Why the reading was broken off, where the reason is ours and not the parser's.
    trouble: Option<String>,
}

impl<'w> Reading<'_, 'w> {
    fn take<E: serde::de::Error>(&mut self, sorted: Sorted<'w>, in_list: bool) -> Result<(), E> {
        let outcome = match sorted {
            Sorted::Wanted(resource, value) => {
                self.content.add(resource, value);
                Ok(())
            }
            Sorted::Unwanted(of) => self.content.unwanted(of),
            Sorted::Untyped if in_list => {
                Err("an item without apiVersion and kind, in a list whose kind does not stand before its items".to_owned())
            }
            Sorted::Untyped => Ok(()),
        };
        self.settle(outcome)
    }

    fn settle<E: serde::de::Error>(&mut self, outcome: Result<(), String>) -> Result<(), E> {
        outcome.map_err(|trouble| {
            let error = E::custom(&trouble);
            self.trouble = Some(trouble);
            error
        })
    }
}

/// One document: a List, an object, or nothing.
struct Document<'r, 'f, 'w> {
    reading: &'r mut Reading<'f, 'w>,
}

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or List")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.reading;
        let mut members = Members::default();
        let mut is_list = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == "items" {
                is_list = true;
                let default = members.object_type().and_then(ObjectType::of_items);
                map.next_value_seed(Items { reading, default })?;
                continue;
            }
            members.read(key, &mut map)?;
            if let Some(of) = members.object_type().filter(|of| !is_list && !of.kind.ends_with("List")) {
                let sorted = members.sort(&mut reading.sorter, of, Some(map))?;
                return reading.take(sorted, false);
            }
        }
        if !is_list {
            return members.object_type().map_or(Ok(()), |of| {
                let outcome = reading.content.unwanted(of);
                reading.settle(outcome)
            });
        }
        let metadata = members.other("metadata");
        let token = metadata.and_then(|metadata| metadata.get("continue")).and_then(serde_json::Value::as_str);
        let outcome = reading.content.list_ended(members.object_type(), token, reading.stem, &mut reading.sorter);
        reading.settle(outcome)
    }
}

/// The items of a List.
struct Items<'r, 'f, 'w> {
    reading: &'r mut Reading<'f, 'w>,
    default: Option<ObjectType>,
}

impl<'de> DeserializeSeed<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the items of a List")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { reading, default } = self;
        while let Some(sorted) = seq.next_element_seed(AnyObject { sorter: &mut reading.sorter, default })? {
            reading.take(sorted, true)?;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        let outcome = self.reading.settle(Err("`items` that are not a list".to_owned()));
        outcome.and(Err(A::Error::custom("unreachable")))
    }
}

// What the parser objects to, without quoting the file.
fn describe(cause: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match cause.without_snippet() {
        Error::DuplicateMappingKey { .. } => "the same key twice in one mapping".to_owned(),
        Error::NonFiniteFloat { .. } => "a number beyond all bounds; if it is meant as text, quote it or export as JSON".to_owned(),
        Error::Budget { breach, .. } => format!("too deep or too large: {breach:?}"),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => "its aliases unfold too far".to_owned(),
        Error::SerdeInvalidType { .. } | Error::SerdeInvalidValue { .. } => "a value of another type than Kubernetes gives it".to_owned(),
        Error::InvalidUtf8Input => "invalid UTF-8".to_owned(),
        Error::IOError { cause } => super::unreadable(cause),
        Error::Eof { .. } => "the document ends early".to_owned(),
        Error::UnknownAnchor { .. } => "an alias without its anchor".to_owned(),
        Error::AliasError { error, .. } => describe(error),
        Error::Unexpected { expected, .. } => format!("expected {expected}"),
        _ => "not valid YAML".to_owned(),
    }
}

/// A YAML stream as one reader a document, cut at the lines that begin with `---`.
struct Documents<R> {
    input: R,
    // The line that is being handed on, or the first one of the next document, and how much of it is handed on.
    buffer: Vec<u8>,
    handed_on: usize,
    // Number of the line in `buffer`, from 1, and how long it is so far.
    line: u64,
    length: usize,
    // `buffer` holds the first line of a document that was not asked for yet.
    waiting: bool,
    started: bool,
}

impl<R: BufRead> Documents<R> {
    const fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), handed_on: 0, line: 0, length: 0, waiting: false, started: false }
    }

    /// Goes on to the next document; false after the last one.
    fn advance(&mut self) -> io::Result<bool> {
        if !self.started {
            self.started = true;
            self.waiting = self.next_line()?;
            if self.buffer.starts_with(&[0xFF, 0xFE]) || self.buffer.starts_with(&[0xFE, 0xFF]) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is UTF-16; save it as UTF-8"));
            }
        }
        Ok(std::mem::take(&mut self.waiting))
    }

    // Reads the next line, or the next part of a long one.
    fn next_line(&mut self) -> io::Result<bool> {
        let goes_on = !self.buffer.is_empty() && !self.buffer.ends_with(b"\n");
        self.buffer.clear();
        self.handed_on = 0;
        let limit = CHUNK as u64;
        if (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(false);
        }
        if goes_on {
            self.length += self.buffer.len();
            if self.length > MAX_PIECE {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 32 MiB, which no API server prints"));
            }
        } else {
            self.length = self.buffer.len();
            self.line += 1;
        }
        Ok(true)
    }

    fn is_separator(&self) -> bool {
        self.length == self.buffer.len()
            && self.buffer.strip_prefix(b"---").is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace))
    }
}

impl<R: BufRead> Read for Documents<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.waiting || out.is_empty() {
            return Ok(0);
        }
        if self.handed_on == self.buffer.len() {
            if !self.next_line()? {
                return Ok(0);
            }
            if self.is_separator() {
                self.waiting = true;
                return Ok(0);
            }
        }
        let read = (&self.buffer[self.handed_on..]).read(out)?;
        self.handed_on += read;
        Ok(read)
    }
}
