//! DNS messages (RFC 1035 4.1): the header, and a walk over questions and records that copies and formats nothing.
//! What the records mean: [`super::rdata`].
use super::names::{Malformed, Name};

/// Octets of a header.
pub const HEADER_OCTETS: usize = 12;
/// OPT's type (RFC 6891 6.1.1).
pub const TYPE_OPT: u16 = 41;
/// SOA's type.
pub const TYPE_SOA: u16 = 6;

/// A message's header (RFC 1035 4.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Message id.
    pub id: u16,
    /// QR, opcode, AA, TC, RD, RA, Z, AD, CD and RCODE as on the wire.
    pub flags: u16,
    /// QDCOUNT, ANCOUNT, NSCOUNT, ARCOUNT.
    pub counts: [u16; 4],
}

impl Header {
    /// The header at the start of `bytes`; `None` when they are too few.
    #[must_use]
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes.first_chunk::<HEADER_OCTETS>()?;
        let pair = |high, low| u16::from_be_bytes([high, low]);
        Some(Self { id: pair(a, b), flags: pair(c, d), counts: [pair(e, f), pair(g, h), pair(i, j), pair(k, l)] })
    }

    /// The QR bit.
    #[must_use]
    pub fn is_response(self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The opcode.
    #[must_use]
    pub fn opcode(self) -> u8 {
        u8::try_from(self.flags >> 11 & 0xf).unwrap_or_default()
    }

    /// The AA bit.
    #[must_use]
    pub fn authoritative(self) -> bool {
        self.flags & 0x400 != 0
    }

    /// The TC bit.
    #[must_use]
    pub fn truncated(self) -> bool {
        self.flags & 0x200 != 0
    }

    /// The RD bit.
    #[must_use]
    pub fn recursion_desired(self) -> bool {
        self.flags & 0x100 != 0
    }

    /// The RA bit.
    #[must_use]
    pub fn recursion_available(self) -> bool {
        self.flags & 0x80 != 0
    }

    /// The AD bit (RFC 4035 3.2.3).
    #[must_use]
    pub fn authentic_data(self) -> bool {
        self.flags & 0x20 != 0
    }

    /// The CD bit (RFC 4035 3.2.2).
    #[must_use]
    pub fn checking_disabled(self) -> bool {
        self.flags & 0x10 != 0
    }

    /// The four bits of RCODE in the header.
    #[must_use]
    pub fn rcode(self) -> u16 {
        self.flags & 0xf
    }
}

/// Which section a record stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Answers; prerequisites of an UPDATE.
    Answer,
    /// Authority; updates of an UPDATE.
    Authority,
    /// Additional data.
    Additional,
}

/// A question (RFC 1035 4.1.2).
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// QNAME.
    pub name: Name<'a>,
    /// QTYPE.
    pub record_type: u16,
    /// QCLASS, with the QU bit of mDNS (RFC 6762 5.4).
    pub class: u16,
}

/// A resource record (RFC 1035 4.1.3).
#[derive(Clone, Copy, Debug)]
pub struct ResourceRecord<'a> {
    /// Section it stands in.
    pub section: Section,
    /// Owner.
    pub name: Name<'a>,
    /// TYPE.
    pub record_type: u16,
    /// CLASS, with the cache-flush bit of mDNS (RFC 6762 10.2); the UDP payload size in OPT.
    pub class: u16,
    /// TTL in seconds; extended RCODE, version and flags in OPT.
    pub ttl: u32,
    /// The message up to the end of the record: names in RDATA may point back into it.
    pub message: &'a [u8],
    /// Where RDATA begins in `message`; it ends where `message` ends.
    pub data_start: usize,
}

impl<'a> ResourceRecord<'a> {
    /// RDATA.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.message.get(self.data_start..).unwrap_or_default()
    }
}

/// A message: its header was there, the rest is read on demand.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The header.
    pub header: Header,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message; `None` when there is no whole header.
    #[must_use]
    #[inline]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { header: Header::read(bytes)?, bytes })
    }

    /// A walk over all of it.
    #[must_use]
    #[inline]
    pub fn walk(&self) -> Walk<'a> {
        Walk { bytes: self.bytes, at: HEADER_OCTETS, left: self.header.counts }
    }

    /// The first question, if it can be read.
    #[must_use]
    pub fn first_question(&self) -> Option<Question<'a>> {
        self.walk().question()?.ok()
    }
}

/// A walk over a message: first [`Walk::question`] until it says `None`, then [`Walk::record`]. Its work is bounded by
/// the message's length: every step consumes octets. After an error it says `None`.
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    left: [u16; 4],
}

impl<'a> Walk<'a> {
    /// The next question.
    #[inline]
    pub fn question(&mut self) -> Option<Result<Question<'a>, Malformed>> {
        let [questions, ..] = &mut self.left;
        *questions = questions.checked_sub(1)?;
        let question = self.read_question();
        if question.is_err() {
            self.left = [0; 4];
        }
        Some(question)
    }

    /// The next record. Questions not asked for are passed over.
    #[inline]
    pub fn record(&mut self) -> Option<Result<ResourceRecord<'a>, Malformed>> {
        while let Some(question) = self.question() {
            if let Err(malformed) = question {
                return Some(Err(malformed));
            }
        }
        let [_, answers, authority, additional] = &mut self.left;
        let section = if let Some(left) = answers.checked_sub(1) {
            *answers = left;
            Section::Answer
        } else if let Some(left) = authority.checked_sub(1) {
            *authority = left;
            Section::Authority
        } else {
            *additional = additional.checked_sub(1)?;
            Section::Additional
        };
        let record = self.read_record(section);
        if record.is_err() {
            self.left = [0; 4];
        }
        Some(record)
    }

    /// Where the walk stands, in octets from the start of the message.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    fn read_question(&mut self) -> Result<Question<'a>, Malformed> {
        let (name, after) = Name::read(self.bytes, self.at)?;
        let fixed = self.bytes.get(after..).and_then(<[u8]>::first_chunk::<4>).ok_or(Malformed::Truncated)?;
        let [a, b, c, d] = *fixed;
        self.at = after.saturating_add(4);
        Ok(Question { name, record_type: u16::from_be_bytes([a, b]), class: u16::from_be_bytes([c, d]) })
    }

    fn read_record(&mut self, section: Section) -> Result<ResourceRecord<'a>, Malformed> {
        let (name, after) = Name::read(self.bytes, self.at)?;
        let fixed = self.bytes.get(after..).and_then(<[u8]>::first_chunk::<10>).ok_or(Malformed::Truncated)?;
        let [a, b, c, d, e, f, g, h, i, j] = *fixed;
        let data_start = after.saturating_add(10);
        let end = data_start.saturating_add(usize::from(u16::from_be_bytes([i, j])));
        let message = self.bytes.get(..end).ok_or(Malformed::Truncated)?;
        self.at = end;
        Ok(ResourceRecord {
            section,
            name,
            record_type: u16::from_be_bytes([a, b]),
            class: u16::from_be_bytes([c, d]),
            ttl: u32::from_be_bytes([e, f, g, h]),
            message,
            data_start,
        })
    }
}

/// Reads numbers and octets in order, from anywhere in a message.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    /// What is read; it ends where reading must end.
    pub bytes: &'a [u8],
    /// Where reading goes on.
    pub at: usize,
}

impl<'a> Cursor<'a> {
    /// The next `count` octets.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The next octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// The next two octets as a number.
    pub fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// The next four octets as a number.
    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(*self.take(4)?.first_chunk()?))
    }

    /// The name that comes next.
    pub fn name(&mut self) -> Option<Name<'a>> {
        let (name, after) = Name::read(self.bytes, self.at).ok()?;
        self.at = after;
        Some(name)
    }
}
