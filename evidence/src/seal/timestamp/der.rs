//! As much of DER as time stamps need: elements with their raw bytes, which are what signatures and digests are over.

use der::{Reader, SliceReader};

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed; `[1]` follows it.
pub(super) const CONTEXT: u8 = 0xa0;
/// `[0]`, primitive; `[1]` follows it.
pub(super) const CONTEXT_PRIMITIVE: u8 = 0x80;

/// One element: tag, length and value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    /// The whole element.
    pub(super) raw: &'a [u8],
    /// What is in it.
    pub(super) value: &'a [u8],
}

impl<'a> Element<'a> {
    /// The one element that `bytes` are.
    pub(super) fn only(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Self, String> {
        let mut fields = Fields::new(bytes, what)?;
        let element = fields.required(tag)?;
        fields.end()?;
        Ok(element)
    }

    /// The elements in it, one after the other.
    pub(super) fn fields(&self, what: &'static str) -> Result<Fields<'a>, String> {
        Fields::new(self.value, what)
    }
}

/// Elements that follow each other, read in their order.
pub(super) struct Fields<'a> {
    reader: SliceReader<'a>,
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Result<Self, String> {
        let reader = SliceReader::new(bytes).map_err(|error| format!("{what}: {error}"))?;
        Ok(Self { reader, what })
    }

    /// The next element, whatever it is; none at the end.
    pub(super) fn any(&mut self) -> Result<Option<Element<'a>>, String> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let fault = |error: der::Error| format!("{}: {error}", self.what);
        let header = self.reader.peek_header().map_err(fault)?;
        let raw = self.reader.tlv_bytes().map_err(fault)?;
        let length = usize::try_from(header.length).map_err(fault)?;
        let value = raw.len().checked_sub(length).and_then(|start| raw.get(start..));
        let value = value.ok_or_else(|| format!("{}: an element is cut off", self.what))?;
        Ok(Some(Element { tag: header.tag.into(), raw, value }))
    }

    /// The next element, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, String> {
        match self.reader.peek_byte() {
            Some(next) if next == tag => self.any(),
            _ => Ok(None),
        }
    }

    /// The next element, which must have this tag.
    pub(super) fn required(&mut self, tag: u8) -> Result<Element<'a>, String> {
        let found = self.reader.peek_byte();
        self.optional(tag)?.ok_or_else(|| match found {
            Some(found) => format!("{}: an element {tag:#04x} is expected, and {found:#04x} is there", self.what),
            None => format!("{}: an element {tag:#04x} is expected, and nothing follows", self.what),
        })
    }

    /// Holds that nothing follows.
    pub(super) fn end(self) -> Result<(), String> {
        if self.reader.is_finished() { Ok(()) } else { Err(format!("{}: more follows than belongs there", self.what)) }
    }
}

/// Writes an element.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(value.len()) {
        Ok(length) if length < 0x80 => out.push(length),
        _ => {
            let bytes = value.len().to_be_bytes();
            let length: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            // A usize has eight bytes at most.
            out.push(0x80 | u8::try_from(length.len()).unwrap_or(8));
            out.extend(length);
        }
    }
    out.extend(value);
    out
}
