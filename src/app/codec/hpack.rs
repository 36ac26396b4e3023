//! HPACK (RFC 7541), as a bystander decodes it: one who may have come late, or lost a part.
//!
//! New entries enter the dynamic table at its front, so whoever missed the older ones still knows where the newer ones
//! stand. What refers to an entry that was missed is a field without name or value; everything later decodes. Where the
//! size of the sender's table is not known, entries are kept longer than the sender does: it never refers to one that it
//! evicted, so no reference is resolved wrongly.
use std::collections::VecDeque;

use nom::{IResult, Parser, bytes::complete::take, number::complete::u8};

use super::huffman;
use crate::limits::MAX_HPACK_TABLE_BYTES;

/// Bytes of the dynamic table before anyone says otherwise (RFC 9113 6.5.2).
const INITIAL_TABLE_BYTES: usize = 4096;

/// What an entry costs besides its text (RFC 7541 4.1).
pub const ENTRY_OVERHEAD: usize = 32;

/// A field of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name; none when it stood in a table entry that was missed.
    pub name: Option<&'a [u8]>,
    /// Value; none when it stood in a table entry that was missed.
    pub value: Option<&'a [u8]>,
}

/// Why a header block cannot be decoded: a connection error of type COMPRESSION_ERROR (RFC 9113 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HpackError {
    /// Index 0, or one behind the last entry of a table that is known whole.
    #[error("a reference to table entry {0}, which does not exist")]
    Index(usize),
    /// A Huffman-coded string is none.
    #[error("an invalid Huffman code")]
    Huffman,
    /// An integer is longer than any real one.
    #[error("an integer that is too large")]
    Integer,
    /// The block ends inside a field.
    #[error("a field that is cut")]
    Truncated,
}

#[derive(Debug, Default)]
struct Entry {
    /// Name and value.
    text: Box<[u8]>,
    /// Bytes of the name; none when the name was not known.
    name: Option<usize>,
    /// It was too large to be kept.
    hollow: bool,
}

impl Entry {
    fn new(name: Option<&[u8]>, value: &[u8]) -> Self {
        let text = [name.unwrap_or_default(), value].concat().into_boxed_slice();
        Self { text, name: name.map(<[u8]>::len), hollow: false }
    }

    fn name(&self) -> Option<&[u8]> {
        self.text.get(..self.name?)
    }

    fn value(&self) -> Option<&[u8]> {
        self.text.get(self.name.unwrap_or(0)..).filter(|_| !self.hollow)
    }

    fn cost(&self) -> usize {
        self.text.len().saturating_add(ENTRY_OVERHEAD)
    }
}

/// The state of one direction: its dynamic table.
#[derive(Debug)]
pub struct Decoder {
    /// Newest first.
    entries: VecDeque<Entry>,
    /// What they cost together.
    cost: usize,
    /// What they may cost.
    capacity: usize,
    /// The sender's table holds nothing besides them.
    complete: bool,
    /// The sender's table is larger than what is kept here.
    oversized: bool,
    /// An entry was dropped that the sender keeps.
    dropped: bool,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    /// From the beginning of the connection.
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            cost: 0,
            capacity: INITIAL_TABLE_BYTES,
            complete: true,
            oversized: false,
            dropped: false,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

/// Where a string's bytes are.
enum Text<'a> {
    Plain(&'a [u8]),
    Coded(&'a [u8]),
}

impl Decoder {
    /// Header blocks were missed: which entries the table holds is not known, nor how large it is.
    pub fn forget(&mut self) {
        self.entries.clear();
        self.cost = 0;
        self.capacity = MAX_HPACK_TABLE_BYTES;
        (self.complete, self.oversized) = (false, false);
    }

    /// Whether the whole table is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether entries were dropped that the sender keeps, since this was asked last: it uses a larger table than
    /// [`MAX_HPACK_TABLE_BYTES`].
    pub fn take_dropped(&mut self) -> bool {
        std::mem::take(&mut self.dropped)
    }

    /// Decodes a whole header block and gives its fields one by one.
    ///
    /// # Errors
    /// When the block is invalid: fields before were given, and the table is not to be trusted any more
    /// ([`Decoder::forget`]).
    pub fn decode(&mut self, block: &[u8], emit: &mut dyn FnMut(Field<'_>)) -> Result<(), HpackError> {
        let (mut name, mut value) = (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        let mut rest = block;
        let mut result = Ok(());
        while !rest.is_empty() && result.is_ok() {
            match self.representation(rest, &mut name, &mut value, emit) {
                Ok(next) => rest = next,
                Err(error) => result = Err(error),
            }
        }
        (self.name, self.value) = (name, value);
        result
    }

    /// One field or size update (RFC 7541 6).
    fn representation<'b>(
        &mut self,
        block: &'b [u8],
        name: &mut Vec<u8>,
        value: &mut Vec<u8>,
        emit: &mut dyn FnMut(Field<'_>),
    ) -> Result<&'b [u8], HpackError> {
        let first = block.first().copied().unwrap_or_default();
        if first & 0x80 != 0 {
            let (rest, index) = integer(block, 0x7f)?;
            emit(self.entry(index)?);
            return Ok(rest);
        }
        if first & 0xe0 == 0x20 {
            let (rest, size) = integer(block, 0x1f)?;
            self.resize(size);
            return Ok(rest);
        }
        let indexing = first & 0x40 != 0;
        let (rest, index) = integer(block, if indexing { 0x3f } else { 0x0f })?;
        let (rest, literal_name) = match index {
            0 => string(rest).map(|(rest, text)| (rest, Some(text)))?,
            _ => (rest, None),
        };
        let (rest, literal_value) = string(rest)?;
        let value = text(literal_value, value)?;
        let name = match literal_name {
            Some(literal) => Some(text(literal, name)?),
            None => self.entry(index)?.name,
        };
        emit(Field { name, value: Some(value) });
        if indexing {
            // Built before anything is evicted: the name may stand in the entry that goes (RFC 7541 4.4).
            let entry = Entry::new(name, value);
            self.insert(entry);
        }
        Ok(rest)
    }

    /// The entry at `index` of both tables (RFC 7541 2.3.3).
    fn entry(&self, index: usize) -> Result<Field<'_>, HpackError> {
        let place = index.checked_sub(1).ok_or(HpackError::Index(index))?;
        if let Some((name, value)) = STATIC.get(place) {
            return Ok(Field { name: Some(name.as_bytes()), value: Some(value.as_bytes()) });
        }
        match self.entries.get(place.saturating_sub(STATIC.len())) {
            Some(entry) => Ok(Field { name: entry.name(), value: entry.value() }),
            None if self.complete => Err(HpackError::Index(index)),
            None => Ok(Field { name: None, value: None }),
        }
    }

    fn insert(&mut self, mut entry: Entry) {
        if entry.cost() > self.capacity {
            // Too large for the table: it empties it, which is no error (RFC 7541 4.4).
            self.shrink(0);
            if self.complete && !self.oversized {
                return;
            }
            // The sender's table may be larger, and then it has its place there.
            self.dropped = true;
            entry = Entry { hollow: true, ..Entry::default() };
        }
        let cost = entry.cost();
        self.shrink(self.capacity.saturating_sub(cost));
        self.cost = self.cost.saturating_add(cost);
        self.entries.push_front(entry);
    }

    /// Evicts the oldest entries until the rest cost no more than `most`.
    fn shrink(&mut self, most: usize) {
        while self.cost > most
            && let Some(entry) = self.entries.pop_back()
        {
            self.cost = self.cost.saturating_sub(entry.cost());
            if self.oversized {
                (self.complete, self.dropped) = (false, true);
            }
        }
    }

    /// A dynamic table size update (RFC 7541 6.3).
    fn resize(&mut self, size: usize) {
        self.oversized = false;
        self.capacity = size.min(MAX_HPACK_TABLE_BYTES);
        self.shrink(self.capacity);
        self.oversized = size > MAX_HPACK_TABLE_BYTES;
        // No entry fits: whatever was missed is gone from the sender's table too.
        self.complete |= size < ENTRY_OVERHEAD;
    }
}

/// An integer whose first octet has it in the bits of `mask` (RFC 7541 5.1). Five more octets are enough for any size.
fn integer(input: &[u8], mask: u8) -> Result<(&[u8], usize), HpackError> {
    let (mut rest, first) = octet(input)?;
    let mut value = u64::from(first & mask);
    if value < u64::from(mask) {
        return Ok((rest, usize::from(first & mask)));
    }
    for shift in [0_u32, 7, 14, 21, 28] {
        let (after, next) = octet(rest)?;
        rest = after;
        value = value.saturating_add(u64::from(next & 0x7f) << shift);
        if next & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| HpackError::Integer)?;
            return usize::try_from(value).map(|value| (rest, value)).map_err(|_| HpackError::Integer);
        }
    }
    Err(HpackError::Integer)
}

fn octet(input: &[u8]) -> Result<(&[u8], u8), HpackError> {
    let parsed: IResult<&[u8], u8> = u8.parse(input);
    parsed.map_err(|_| HpackError::Truncated)
}

/// A string literal (RFC 7541 5.2).
fn string(input: &[u8]) -> Result<(&[u8], Text<'_>), HpackError> {
    let coded = input.first().is_some_and(|first| first & 0x80 != 0);
    let (rest, length) = integer(input, 0x7f)?;
    let taken: IResult<&[u8], &[u8]> = take(length).parse(rest);
    let (rest, bytes) = taken.map_err(|_| HpackError::Truncated)?;
    Ok((rest, if coded { Text::Coded(bytes) } else { Text::Plain(bytes) }))
}

/// A string's bytes; decoded ones are put into `room`.
fn text<'a>(text: Text<'a>, room: &'a mut Vec<u8>) -> Result<&'a [u8], HpackError> {
    match text {
        Text::Plain(bytes) => Ok(bytes),
        Text::Coded(bytes) => {
            room.clear();
            huffman::decode(bytes, room).map_err(|_| HpackError::Huffman)?;
            Ok(room)
        }
    }
}

/// The static table (RFC 7541 Appendix A), from index 1 on.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
#[path = "hpack_tests.rs"]
mod tests;
