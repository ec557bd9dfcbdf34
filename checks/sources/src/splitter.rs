//! Cuts JSON that arrives in chunks into the objects it holds, without building a tree and without holding a List.
//!
//! A List is handed on item by item, each as one slice that is parsed on its own; what stands around the items (kind,
//! continue token, resource version) comes last, as the document without them. Only brackets and strings are followed
//! here: that a piece is valid JSON is for its parser to say. Memory is bounded by the longest object, which is bounded
//! by [`MAX_PIECE`].

use serde::de::DeserializeSeed;

/// The longest object that is read: a Kubernetes object is stored in at most a few megabytes.
pub(crate) const MAX_PIECE: usize = 32 << 20;

/// What the splitter hands on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A List begins: what stands before its items, closed so that it is a JSON object.
    Head(&'a [u8]),
    /// One item of a List.
    Item(&'a [u8]),
    /// One whole document. Of a List the items are left out.
    Document {
        /// The JSON object.
        text: &'a [u8],
        /// Whether it had items.
        list: bool,
    },
}

/// Where in the input a piece begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line, from 1.
    pub line: u64,
    /// Bytes before it.
    pub offset: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}, byte {}", self.line, self.offset)
    }
}

/// The input is not a sequence of JSON objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Where it was noticed.
    pub place: Place,
    /// What is wrong.
    pub what: &'static str,
    /// Whether the input merely ends too early.
    pub cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between documents.
    Between,
    /// Among the members of a document.
    Members,
    /// In a string among the members.
    MemberString,
    /// In an object or array that is a member's value.
    Member,
    /// Before the first item, or the end of none.
    FirstItem,
    /// After a comma, before an item.
    NextItem,
    /// After an item.
    AfterItem,
    /// In an item.
    Item,
}

/// The cutter. Feed it with [`Self::push`] and end with [`Self::finish`].
#[derive(Debug)]
pub(crate) struct Splitter {
    state: State,
    nesting: Nesting,
    // The key among the members that was read last, as far as it can be `items`, and whether its value is being read.
    key: Vec<u8>,
    in_value: bool,
    escaped: bool,
    list: bool,
    // What of the current piece came in earlier chunks.
    carry: Vec<u8>,
    // The current List without its items.
    envelope: Vec<u8>,
    // Up to where lines are counted, and where the current document and item begin.
    place: Place,
    document: Place,
    item: Place,
}

/// A chunk being read: what is read of it, where the current piece begins in it, up to where its lines are counted.
struct Chunk<'c> {
    bytes: &'c [u8],
    at: usize,
    mark: usize,
    counted: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        let start = Place { line: 1, offset: 0 };
        Self {
            state: State::Between,
            nesting: Nesting::default(),
            key: Vec::new(),
            in_value: false,
            escaped: false,
            list: false,
            carry: Vec::new(),
            envelope: Vec::new(),
            place: start,
            document: start,
            item: start,
        }
    }
}

impl Splitter {
    /// Takes the next chunk and hands on what is complete, with the place where each piece begins.
    pub(crate) fn push<E: From<Malformed>>(
        &mut self,
        bytes: &[u8],
        mut emit: impl FnMut(Piece<'_>, Place) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut chunk = Chunk { bytes, at: 0, mark: 0, counted: 0 };
        while chunk.at < bytes.len() {
            match self.state {
                State::Between => self.between(&mut chunk)?,
                State::Members => self.member(&mut chunk, &mut emit)?,
                State::MemberString => self.member_string(&mut chunk),
                State::FirstItem | State::NextItem | State::AfterItem => self.between_items(&mut chunk)?,
                State::Member => {
                    if self.skip(&mut chunk) {
                        self.state = State::Members;
                    }
                }
                State::Item => {
                    if self.skip(&mut chunk) {
                        emit(Piece::Item(gather(&mut self.carry, &bytes[chunk.mark..chunk.at])), self.item)?;
                        self.carry.clear();
                        self.state = State::AfterItem;
                    }
                }
            }
        }
        if matches!(self.state, State::Members | State::MemberString | State::Member | State::Item) {
            self.carry.extend_from_slice(&bytes[chunk.mark..]);
        }
        self.count(&mut chunk);
        if self.carry.len() > MAX_PIECE {
            let what = "an object of more than 32 MiB, which no API server stores";
            return Err(Malformed { place: self.place, what, cut: false }.into());
        }
        Ok(())
    }

    /// Whether the input may end here.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.state == State::Between {
            return Ok(());
        }
        Err(Malformed { place: self.place, what: "the input ends in the middle of an object", cut: true })
    }

    fn between(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Malformed> {
        match chunk.bytes[chunk.at] {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // A byte order mark.
            0xEF | 0xBB | 0xBF if self.place.offset + (chunk.at as u64) < 3 => {}
            b'{' => {
                self.count(chunk);
                self.document = self.place;
                chunk.mark = chunk.at;
                self.state = State::Members;
                self.key.clear();
                self.in_value = false;
                self.list = false;
            }
            _ => return Err(self.malformed(chunk, "expected a JSON object")),
        }
        chunk.at += 1;
        Ok(())
    }

    fn member<E>(&mut self, chunk: &mut Chunk<'_>, emit: &mut impl FnMut(Piece<'_>, Place) -> Result<(), E>) -> Result<(), E> {
        let byte = chunk.bytes[chunk.at];
        chunk.at += 1;
        match byte {
            b'"' => {
                self.state = State::MemberString;
                if !self.in_value {
                    self.key.clear();
                }
            }
            b':' => self.in_value = true,
            b',' => {
                self.in_value = false;
                self.key.clear();
            }
            b'[' if self.in_value && self.key == b"items" => {
                self.envelope.append(&mut self.carry);
                self.envelope.extend_from_slice(&chunk.bytes[chunk.mark..chunk.at]);
                let length = self.envelope.len();
                self.envelope.extend_from_slice(b"]}");
                emit(Piece::Head(&self.envelope), self.document)?;
                self.envelope.truncate(length);
                self.list = true;
                self.state = State::FirstItem;
            }
            b'{' | b'[' => {
                self.nesting = Nesting { depth: 1, ..Nesting::default() };
                self.state = State::Member;
            }
            b'}' => {
                self.envelope.append(&mut self.carry);
                let text = gather(&mut self.envelope, &chunk.bytes[chunk.mark..chunk.at]);
                emit(Piece::Document { text, list: self.list }, self.document)?;
                self.envelope.clear();
                self.state = State::Between;
            }
            _ => {}
        }
        Ok(())
    }

    fn member_string(&mut self, chunk: &mut Chunk<'_>) {
        let byte = chunk.bytes[chunk.at];
        chunk.at += 1;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.state = State::Members,
            _ if !self.in_value && self.key.len() < 8 => self.key.push(byte),
            _ => {}
        }
    }

    fn between_items(&mut self, chunk: &mut Chunk<'_>) -> Result<(), Malformed> {
        match (self.state, chunk.bytes[chunk.at]) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => {}
            (State::FirstItem | State::NextItem, b'{') => {
                self.count(chunk);
                self.item = self.place;
                chunk.mark = chunk.at;
                self.nesting = Nesting { depth: 1, ..Nesting::default() };
                self.state = State::Item;
            }
            (State::FirstItem | State::AfterItem, b']') => {
                chunk.mark = chunk.at;
                self.state = State::Members;
            }
            (State::AfterItem, b',') => self.state = State::NextItem,
            (State::AfterItem, _) => return Err(self.malformed(chunk, "expected a comma or the end of the items")),
            _ => return Err(self.malformed(chunk, "the items of a List must be objects")),
        }
        chunk.at += 1;
        Ok(())
    }

    // Skips ahead to the end of the nested value; whether that was in this chunk.
    fn skip(&mut self, chunk: &mut Chunk<'_>) -> bool {
        let found = self.nesting.skip(&chunk.bytes[chunk.at..]);
        chunk.at = found.map_or(chunk.bytes.len(), |read| chunk.at + read);
        found.is_some()
    }

    // Moves the place up to what is read of the chunk.
    #[expect(clippy::naive_bytecount, reason = "the compiler vectorises it; it does not show beside the parsing")]
    fn count(&mut self, chunk: &mut Chunk<'_>) {
        let passed = &chunk.bytes[chunk.counted..chunk.at];
        self.place.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.place.offset += passed.len() as u64;
        chunk.counted = chunk.at;
    }

    fn malformed(&mut self, chunk: &mut Chunk<'_>, what: &'static str) -> Malformed {
        self.count(chunk);
        Malformed { place: self.place, what, cut: false }
    }
}

// A piece of which `carry` holds the beginning: mostly nothing, and then nothing is copied.
fn gather<'p>(carry: &'p mut Vec<u8>, rest: &'p [u8]) -> &'p [u8] {
    if carry.is_empty() {
        return rest;
    }
    carry.extend_from_slice(rest);
    carry
}

/// How deep in brackets, and whether in a string.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    // Reads up to and including the bracket that closes the outermost one; the answer is how much that was, if it is in `bytes`.
    fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        if self.escaped && !bytes.is_empty() {
            self.escaped = false;
            at = 1;
        }
        loop {
            while self.in_string {
                at += bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))? + 1;
                if bytes[at - 1] == b'"' {
                    self.in_string = false;
                } else if at == bytes.len() {
                    self.escaped = true;
                } else {
                    at += 1;
                }
            }
            at += bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']'))? + 1;
            match bytes[at - 1] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
            }
        }
    }
}

/// Parses a piece that begins at `place`. An error says what is wrong where, without quoting the piece: it may hold
/// what must not be printed.
pub(crate) fn parse<'de, S: DeserializeSeed<'de>>(seed: S, text: &'de [u8], place: Place) -> Result<S::Value, String> {
    let text = std::str::from_utf8(text).map_err(|cause| {
        let offset = place.offset + cause.valid_up_to() as u64;
        format!("invalid UTF-8 (byte {offset})")
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|cause| {
        let line = place.line + cause.line().saturating_sub(1) as u64;
        let what = cause.to_string();
        let what = match cause.classify() {
            serde_json::error::Category::Data => "a value of another type than Kubernetes gives it",
            _ => what.split(" at line ").next().unwrap_or_default(),
        };
        format!("{what} (line {line}, in the object at byte {})", place.offset)
    })
}

#[cfg(test)]
mod tests;
