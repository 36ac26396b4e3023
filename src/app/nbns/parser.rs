//! Messages of the NetBIOS name service (RFC 1002 4.2): DNS's frame with names of their own encoding; and how they are
//! recognised.
use std::net::Ipv4Addr;

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16, be_u32},
};

use crate::app::{Carrier, Probe, Verdict};

/// Length of an encoded name: two letters for each of 16 bytes (RFC 1001 14.1).
const ENCODED: u8 = 32;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Transaction id.
    pub id: u16,
    /// Response, opcode, flags, response code.
    pub flags: u16,
    /// The name that it is about: of the question, else of the first record.
    pub name: String,
    /// 0x20 a name, 0x21 a node's status.
    pub kind: u16,
    /// Addresses of the first record.
    pub addresses: Vec<Ipv4Addr>,
}

impl Message {
    /// Whether it answers.
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// 0 query, 5 registration, 6 release, 7 wait, 8 and 9 refresh.
    #[must_use]
    pub fn opcode(&self) -> u16 {
        self.flags >> 11 & 15
    }

    /// Why a request is refused; 0 if it is not.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.flags & 15
    }
}

/// A name: its 15 characters without the blanks behind them, and the last byte, which says what it names.
fn name(input: &[u8]) -> IResult<&[u8], String> {
    let wrong = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::AlphaNumeric));
    let (mut rest, (length, letters)) = (be_u8, take(ENCODED)).parse(input)?;
    if length != ENCODED || !letters.iter().all(|letter| (b'A'..=b'P').contains(letter)) {
        return Err(wrong());
    }
    let (pairs, _) = letters.as_chunks::<2>();
    let half = |letter: u8| letter.wrapping_sub(b'A') & 15;
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| half(*high) << 4 | half(*low)).collect();
    let (text, kind) = bytes.split_last().map_or((&[][..], 0), |(kind, text)| (text, *kind));
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last.saturating_add(1));
    let mut shown = String::new();
    for byte in text.get(..end).unwrap_or_default() {
        if (0x20..0x7f).contains(byte) {
            shown.push(char::from(*byte));
        } else {
            shown.push_str(&format!("<{byte:02x}>"));
        }
    }
    shown.push_str(&format!("<{kind:02x}>"));
    // A scope may follow, in labels as DNS has them.
    loop {
        let (after, length) = be_u8(rest)?;
        rest = after;
        match length {
            0 => return Ok((rest, shown)),
            1..=63 => (rest, _) = take(length).parse(rest)?,
            _ => return Err(wrong()),
        }
    }
}

/// A message, as far as its first record.
pub fn message(input: &[u8]) -> IResult<&[u8], Message> {
    let (input, (id, flags, questions, answers)) = (be_u16, be_u16, be_u16, be_u16).parse(input)?;
    let (mut input, (_, additional)) = (be_u16, be_u16).parse(input)?;
    let mut read = Message { id, flags, name: String::new(), kind: 0, addresses: Vec::new() };
    if questions > 0 {
        let (rest, (name, kind, _)) = (name, be_u16, be_u16).parse(input)?;
        (input, read.name, read.kind) = (rest, name, kind);
    }
    if answers > 0 || additional > 0 {
        let (rest, name) = match input {
            // Points to the question's name.
            [0xc0..=0xff, _, rest @ ..] => (rest, read.name.clone()),
            _ => name(input)?,
        };
        let (rest, (kind, _, _, length)) = (be_u16, be_u16, be_u32, be_u16).parse(rest)?;
        let (rest, data) = take(length).parse(rest)?;
        if kind == 0x20 {
            // Each behind two bytes of flags.
            let (entries, _) = data.as_chunks::<6>();
            let addresses = entries.iter().map(|[_, _, a, b, c, d]| Ipv4Addr::new(*a, *b, *c, *d));
            read.addresses = addresses.collect();
        }
        (read.name, read.kind, input) = (name, kind, rest);
    }
    Ok((input, read))
}

/// By its names, which nothing else has.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    match message(probe.bytes) {
        Ok((_, read)) if !read.name.is_empty() && matches!(read.kind, 0x0a | 0x20 | 0x21) => Verdict::Certain,
        _ => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1001 14.1's encoding of `name`, padded with blanks, and the byte behind it.
    fn encoded(name: &str, kind: u8) -> Vec<u8> {
        let mut bytes = format!("{name:15}").into_bytes();
        bytes.push(kind);
        let letters = bytes.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]);
        std::iter::once(32).chain(letters).chain([0]).collect()
    }

    #[test]
    fn queries_and_registrations() {
        let query =
            [&[0xdc, 0xbf, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 0][..], &encoded("WPAD", 0), &[0, 0x20, 0, 1]].concat();
        let (rest, read) = message(&query).unwrap();
        assert!(rest.is_empty() && !read.is_response());
        assert_eq!((read.id, read.opcode(), read.name.as_str(), read.kind), (0xdcbf, 0, "WPAD<00>", 0x20));
        let record = [0xc0, 12, 0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0, 0, 192, 0, 2, 7];
        let head = [0xdc, 0xc8, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1];
        let registration = [&head[..], &encoded("WORKGROUP", 0x1d), &[0, 0x20, 0, 1], &record].concat();
        let (_, read) = message(&registration).unwrap();
        assert_eq!((read.opcode(), read.name.as_str()), (5, "WORKGROUP<1d>"));
        assert_eq!(read.addresses, [Ipv4Addr::new(192, 0, 2, 7)]);
    }

    #[test]
    fn other_names_are_not_taken() {
        let dns = b"\x1f\x2e\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";
        assert!(message(dns).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120), kind in any::<u8>()) {
            let _ = message(&bytes);
            let head = [0, 1, 0x29, 0x10, 0, 1, 0, 1, 0, 0, 0, 1];
            let _ = message(&[&head[..], &encoded("HOST", kind), &[0, 0x20, 0, 1], &bytes].concat());
        }
    }
}
