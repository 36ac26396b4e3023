//! Packet headers (RFC 9000, section 17; the version-independent part RFC 8999). Fields under header protection are
//! not read here.
use std::fmt;

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u32, u8},
};

use super::version::Version;
use crate::app::codec::varint::varint;

/// Bytes of a Retry packet's integrity tag (RFC 9000, section 17.2.5).
pub const RETRY_TAG_BYTES: usize = 16;

/// Shortest packet with a short header: first byte, packet number and what header protection samples, together
/// (RFC 9000, section 10.3).
pub const MIN_SHORT_PACKET_BYTES: usize = 21;

/// A connection ID: at most 20 bytes (RFC 9000, section 17.2).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionId {
    length: u8,
    bytes: [u8; Self::MAX_BYTES],
}

impl ConnectionId {
    /// The longest that versions 1 and 2 allow.
    pub const MAX_BYTES: usize = 20;

    /// Nothing when `bytes` is longer than a connection ID may be.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut id = Self { length: u8::try_from(bytes.len()).ok()?, ..Self::default() };
        id.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(id)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a packet with a long header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// RFC 9000, section 17.2.2.
    Initial {
        /// The token.
        token: &'a [u8],
    },
    /// RFC 9000, section 17.2.3.
    ZeroRtt,
    /// RFC 9000, section 17.2.4.
    Handshake,
    /// RFC 9000, section 17.2.5: the rest of the datagram, token and integrity tag.
    Retry {
        /// Token and tag.
        body: &'a [u8],
    },
    /// RFC 9000, section 17.2.1: the versions that the server offers, four bytes each.
    VersionNegotiation {
        /// The list.
        versions: &'a [u8],
    },
    /// Google's version Q046, whose packets have no length.
    Google,
}

/// Encryption levels (RFC 9001, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Keys that anyone can derive.
    Initial,
    /// 0-RTT.
    Early,
    /// Handshake.
    Handshake,
    /// 1-RTT: all packets with a short header.
    Application,
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Long<'a> {
    /// The first byte, its low bits still protected.
    pub first: u8,
    /// Version.
    pub version: Version,
    /// Destination Connection ID.
    pub destination: ConnectionId,
    /// Source Connection ID.
    pub source: ConnectionId,
    /// What it is.
    pub kind: Kind<'a>,
    /// Bytes of packet number and payload, by the Length field; 0 where the kind has none.
    pub length: u64,
    /// Offset of the packet number, the first protected byte.
    pub number_offset: usize,
    /// The whole packet as far as captured.
    pub packet: &'a [u8],
}

impl Long<'_> {
    /// The packet, when it is here to its end.
    pub fn whole(&self) -> Option<&[u8]> {
        let end = self.number_offset.checked_add(usize::try_from(self.length).ok()?)?;
        self.packet.get(..end)
    }

    /// Whether the packet is here to its end.
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.packet.len().saturating_sub(self.number_offset)).is_ok_and(|here| here >= self.length)
    }
}

/// Whether the first byte announces a long header.
pub fn is_long(first: u8) -> bool {
    first & 0x80 != 0
}

/// The fixed bit (RFC 9000, section 17.2), which tells QUIC from others.
pub fn has_fixed_bit(first: u8) -> bool {
    first & 0x40 != 0
}

/// Reads one packet with a long header; what follows it in the datagram is the rest.
///
/// # Errors
/// When it is cut inside its header, or a connection ID is too long.
pub fn long(input: &[u8]) -> IResult<&[u8], Long<'_>> {
    let (rest, first) = u8.parse(input)?;
    let (rest, version) = be_u32.parse(rest)?;
    let version = Version(version);
    let (rest, (destination, source)) =
        if version == Version::Q046 { google_ids(rest)? } else { (connection_id, connection_id).parse(rest)? };
    let (rest, (kind, length)) = kind(first, version, rest)?;
    let number_offset = input.len().saturating_sub(rest.len());
    let here = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
    let (after, _) = take(here).parse(rest)?;
    let (_, packet) = take(input.len().saturating_sub(after.len())).parse(input)?;
    Ok((after, Long { first, version, destination, source, kind, length, number_offset, packet }))
}

/// What follows the connection IDs up to the protected part, and the value of the Length field.
fn kind(first: u8, version: Version, rest: &[u8]) -> IResult<&[u8], (Kind<'_>, u64)> {
    let (end, all) = take(rest.len()).parse(rest)?;
    if version == Version::NEGOTIATION {
        return Ok((end, (Kind::VersionNegotiation { versions: all }, 0)));
    }
    if version == Version::Q046 {
        return Ok((end, (Kind::Google, 0)));
    }
    // RFC 9369, section 3.2: version 2 numbers them from Retry, version 1 from Initial.
    let from_retry = if version == Version::V2 { first >> 4 } else { (first >> 4).wrapping_add(1) } & 3;
    match from_retry {
        0 => Ok((end, (Kind::Retry { body: all }, 0))),
        1 => initial(rest),
        2 => varint(rest).map(|(rest, length)| (rest, (Kind::ZeroRtt, length))),
        _ => varint(rest).map(|(rest, length)| (rest, (Kind::Handshake, length))),
    }
}

fn initial(input: &[u8]) -> IResult<&[u8], (Kind<'_>, u64)> {
    let (rest, token_length) = varint(input)?;
    let (rest, token) = take(usize::try_from(token_length).unwrap_or(usize::MAX)).parse(rest)?;
    let (rest, length) = varint(rest)?;
    Ok((rest, (Kind::Initial { token }, length)))
}

fn connection_id(input: &[u8]) -> IResult<&[u8], ConnectionId> {
    let (rest, length) = u8.parse(input)?;
    identified(rest, usize::from(length))
}

/// Q046 gives both lengths in one byte: four bits each, 0 or the length less three.
fn google_ids(input: &[u8]) -> IResult<&[u8], (ConnectionId, ConnectionId)> {
    let (rest, lengths) = u8.parse(input)?;
    let bytes = |nibble: u8| if nibble == 0 { 0 } else { usize::from(nibble).saturating_add(3) };
    let (rest, destination) = identified(rest, bytes(lengths >> 4))?;
    let (rest, source) = identified(rest, bytes(lengths & 0xf))?;
    Ok((rest, (destination, source)))
}

fn identified(input: &[u8], length: usize) -> IResult<&[u8], ConnectionId> {
    let (rest, bytes) = take(length).parse(input)?;
    let too_long = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::TooLarge));
    Ok((rest, ConnectionId::new(bytes).ok_or_else(too_long)?))
}
