//! Cuts JSON that arrives in chunks into the objects it holds, without building a tree and without holding a List.
//!
//! A List is handed on item by item, each as one slice that is parsed on its own; what stands around the items (kind,
//! continue token, resource version) comes last, as the document without them. Only brackets and strings are followed
//! here: that a piece is valid JSON is for its parser to say. Memory is bounded by the longest object, which is bounded
//! by [`MAX_PIECE`].

use std::ops::ControlFlow;

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
    place: Place,
}

impl Default for Splitter {
    fn default() -> Self {
        Self {
            state: State::Between,
            nesting: Nesting::default(),
            key: Vec::new(),
            in_value: false,
            escaped: false,
            list: false,
            carry: Vec::new(),
            envelope: Vec::new(),
            place: Place { line: 1, offset: 0 },
        }
    }
}

impl Splitter {
    /// Takes the next chunk and hands on what is complete, with the place where each piece begins.
    pub(crate) fn push<E: From<Malformed>>(
        &mut self,
        chunk: &[u8],
        mut emit: impl FnMut(Piece<'_>, Place) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut at = 0;
        // Where the current piece begins in this chunk, and up to where lines are counted.
        let mut mark = 0;
        let mut counted = 0;
        while at < chunk.len() {
            let byte = chunk[at];
            match self.state {
                State::Between => {
                    match byte {
                        b' ' | b'\t' | b'\r' | b'\n' => {}
                        0xEF | 0xBB | 0xBF if self.place.offset + (at as u64) < 3 => {}
                        b'{' => {
                            self.advance(chunk, &mut counted, at);
                            mark = at;
                            self.state = State::Members;
                            self.key.clear();
                            self.in_value = false;
                            self.list = false;
                        }
                        _ => return Err(self.malformed(chunk, counted, at, "expected a JSON object").into()),
                    }
                    at += 1;
                }
                State::Members => {
                    at += 1;
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
                            self.envelope.extend_from_slice(&chunk[mark..at]);
                            let length = self.envelope.len();
                            self.envelope.extend_from_slice(b"]}");
                            emit(Piece::Head(&self.envelope), self.place)?;
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
                            let text = if self.envelope.is_empty() {
                                &chunk[mark..at]
                            } else {
                                self.envelope.extend_from_slice(&chunk[mark..at]);
                                &self.envelope
                            };
                            emit(Piece::Document { text, list: self.list }, self.place)?;
                            self.envelope.clear();
                            self.state = State::Between;
                        }
                        _ => {}
                    }
                }
                State::MemberString => {
                    at += 1;
                    match byte {
                        _ if self.escaped => self.escaped = false,
                        b'\\' => self.escaped = true,
                        b'"' => self.state = State::Members,
                        _ if !self.in_value && self.key.len() < 8 => self.key.push(byte),
                        _ => {}
                    }
                }
                State::Member => match self.nesting.skip(&chunk[at..]) {
                    ControlFlow::Break(read) => {
                        at += read;
                        self.state = State::Members;
                    }
                    ControlFlow::Continue(()) => at = chunk.len(),
                },
                State::FirstItem | State::NextItem | State::AfterItem => {
                    match (self.state, byte) {
                        (_, b' ' | b'\t' | b'\r' | b'\n') => {}
                        (State::FirstItem | State::NextItem, b'{') => {
                            self.advance(chunk, &mut counted, at);
                            mark = at;
                            self.nesting = Nesting { depth: 1, ..Nesting::default() };
                            self.state = State::Item;
                        }
                        (State::FirstItem | State::AfterItem, b']') => {
                            mark = at;
                            self.state = State::Members;
                        }
                        (State::AfterItem, b',') => self.state = State::NextItem,
                        (State::AfterItem, _) => {
                            return Err(self.malformed(chunk, counted, at, "expected a comma or the end of the items").into());
                        }
                        _ => return Err(self.malformed(chunk, counted, at, "the items of a List must be objects").into()),
                    }
                    at += 1;
                }
                State::Item => match self.nesting.skip(&chunk[at..]) {
                    ControlFlow::Break(read) => {
                        at += read;
                        if self.carry.is_empty() {
                            emit(Piece::Item(&chunk[mark..at]), self.place)?;
                        } else {
                            self.carry.extend_from_slice(&chunk[mark..at]);
                            emit(Piece::Item(&self.carry), self.place)?;
                            self.carry.clear();
                        }
                        self.state = State::AfterItem;
                    }
                    ControlFlow::Continue(()) => at = chunk.len(),
                },
            }
        }
        if matches!(self.state, State::Members | State::MemberString | State::Member | State::Item) {
            self.carry.extend_from_slice(&chunk[mark..]);
            if self.carry.len() > MAX_PIECE {
                let what = "an object of more than 32 MiB, which no API server stores";
                return Err(Malformed { place: self.place, what, cut: false }.into());
            }
        }
        self.advance(chunk, &mut counted, chunk.len());
        Ok(())
    }

    /// Whether the input may end here.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.state == State::Between {
            return Ok(());
        }
        Err(Malformed { place: self.place, what: "the input ends in the middle of an object", cut: true })
    }

    // Moves the place from what is counted already to `to`.
    fn advance(&mut self, chunk: &[u8], counted: &mut usize, to: usize) {
        let passed = &chunk[*counted..to];
        self.place.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.place.offset += passed.len() as u64;
        *counted = to;
    }

    fn malformed(&mut self, chunk: &[u8], mut counted: usize, at: usize, what: &'static str) -> Malformed {
        self.advance(chunk, &mut counted, at);
        Malformed { place: self.place, what, cut: false }
    }
}

/// How deep in brackets, and whether in a string.
#[derive(Clone, Copy, Debug, Default)]
struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    // Reads up to and including the bracket that closes the outermost one; breaks with how much that was.
    fn skip(&mut self, bytes: &[u8]) -> ControlFlow<usize> {
        let mut at = 0;
        if self.escaped && !bytes.is_empty() {
            self.escaped = false;
            at = 1;
        }
        loop {
            while self.in_string {
                let Some(ahead) = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
                    return ControlFlow::Continue(());
                };
                at += ahead + 1;
                if bytes[at - 1] == b'"' {
                    self.in_string = false;
                } else if at == bytes.len() {
                    self.escaped = true;
                } else {
                    at += 1;
                }
            }
            let Some(ahead) = bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')) else {
                return ControlFlow::Continue(());
            };
            at += ahead + 1;
            match bytes[at - 1] {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return ControlFlow::Break(at);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Every way of cutting `input` into two chunks, and byte by byte, must give the same pieces.
    fn pieces(input: &[u8]) -> Result<Vec<String>, Malformed> {
        let cut = |chunks: &[&[u8]]| {
            let mut splitter = Splitter::default();
            let mut out = Vec::new();
            for chunk in chunks {
                splitter.push(chunk, |piece, place| {
                    let (what, text) = match piece {
                        Piece::Head(text) => ("head", text),
                        Piece::Item(text) => ("item", text),
                        Piece::Document { text, list: true } => ("list", text),
                        Piece::Document { text, list: false } => ("object", text),
                    };
                    out.push(format!("{what} {} @{}", String::from_utf8_lossy(text), place.line));
                    Ok::<(), Malformed>(())
                })?;
            }
            splitter.finish().map(|()| out)
        };
        let whole = cut(&[input]);
        for at in 0..input.len() {
            let (before, after) = input.split_at(at);
            assert_eq!(cut(&[before, after]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(cut(&bytes), whole, "byte by byte");
        whole
    }

    #[test]
    fn a_list_comes_item_by_item_and_then_without_its_items() {
        let text = br#"{"apiVersion":"v1","items":[
{"a":"}]\\\"{","b":[[1],{}]},
{"c":"\\"} ],
"kind":"List","metadata":{"continue":"x"}}"#;
        let list = "list {\"apiVersion\":\"v1\",\"items\":[],\n\"kind\":\"List\",\"metadata\":{\"continue\":\"x\"}} @3";
        let expected = [
            r#"head {"apiVersion":"v1","items":[]} @1"#,
            r#"item {"a":"}]\\\"{","b":[[1],{}]} @2"#,
            r#"item {"c":"\\"} @3"#,
            list,
        ];
        assert_eq!(pieces(text).unwrap(), expected);
    }

    #[test]
    fn documents_follow_one_another() {
        let text = b"\xEF\xBB\xBF{\"kind\":\"Pod\"}\n{\"spec\":{\"items\":[1]},\"kind\":\"items\"}{\"items\":null} {\"items\":[]}";
        let expected = [
            r#"object {"kind":"Pod"} @1"#,
            r#"object {"spec":{"items":[1]},"kind":"items"} @2"#,
            r#"object {"items":null} @2"#,
            r#"head {"items":[]} @2"#,
            r#"list {"items":[]} @2"#,
        ];
        assert_eq!(pieces(text).unwrap(), expected);
    }

    #[test]
    fn what_is_not_a_sequence_of_objects_is_refused() {
        for (text, what, cut) in [
            ("[{}]", "expected a JSON object", false),
            ("{} x", "expected a JSON object", false),
            (r#"{"items":[1]}"#, "the items of a List must be objects", false),
            (r#"{"items":[{} {}]}"#, "expected a comma or the end of the items", false),
            (r#"{"items":[{},]}"#, "the items of a List must be objects", false),
            (r#"{"items":[{"#, "the input ends in the middle of an object", true),
            (r#"{"items":[{}]"#, "the input ends in the middle of an object", true),
            (r#"{"kind":"Pod"#, "the input ends in the middle of an object", true),
        ] {
            let malformed = pieces(text.as_bytes()).unwrap_err();
            assert_eq!((malformed.what, malformed.cut), (what, cut), "{text}");
        }
    }

    #[test]
    fn an_object_without_end_is_refused_before_it_fills_the_memory() {
        let mut splitter = Splitter::default();
        let mut nothing = |_: Piece<'_>, _: Place| Ok::<(), Malformed>(());
        splitter.push(br#"{"data":""#, &mut nothing).unwrap();
        let chunk = vec![b'x'; 1 << 20];
        let refused = (0..40).find_map(|_| splitter.push(&chunk, &mut nothing).err()).unwrap();
        assert!(refused.what.contains("32 MiB"), "{refused:?}");
    }
}
