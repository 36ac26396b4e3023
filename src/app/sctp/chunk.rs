//! The common header and the chunks of an SCTP packet (RFC 9260 3), I-DATA (RFC 8260) and FORWARD-TSN (RFC 3758).
use std::net::IpAddr;

use crate::app::codec::above_ip::{ipv4_at, ipv6_at, u8_at, u16_at, u32_at};

/// Types of chunks (RFC 9260 3.2 and IANA's registry).
pub(super) mod kind {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const HEARTBEAT: u8 = 4;
    pub const HEARTBEAT_ACK: u8 = 5;
    pub const ABORT: u8 = 6;
    pub const SHUTDOWN: u8 = 7;
    pub const SHUTDOWN_ACK: u8 = 8;
    pub const ERROR: u8 = 9;
    pub const COOKIE_ECHO: u8 = 10;
    pub const COOKIE_ACK: u8 = 11;
    pub const SHUTDOWN_COMPLETE: u8 = 14;
    pub const NR_SACK: u8 = 16;
    pub const I_DATA: u8 = 64;
    pub const FORWARD_TSN: u8 = 192;
    pub const I_FORWARD_TSN: u8 = 194;
}

/// Length of the common header.
pub(super) const HEADER_LENGTH: usize = 12;

/// The common header (RFC 9260 3.1), without ports, which the flow has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub verification_tag: u32,
    pub checksum: u32,
}

/// Reads the common header.
pub(super) fn header(packet: &[u8]) -> Option<Header> {
    Some(Header { verification_tag: u32_at(packet, 4)?, checksum: u32_at(packet, 8)? })
}

/// A chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub kind: u8,
    pub flags: u8,
    /// Its value as far as it is here.
    pub value: &'a [u8],
    /// Length of its value on the wire.
    pub length: usize,
}

/// The chunks of a packet, the last one perhaps cut. Ends at the first whose length cannot be.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = packet.get(HEADER_LENGTH..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, flags, length) = (u8_at(rest, 0)?, u8_at(rest, 1)?, usize::from(u16_at(rest, 2)?));
        let value_length = length.checked_sub(4)?;
        let value = rest.get(4..)?;
        let value = value.get(..value_length).unwrap_or(value);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Chunk { kind, flags, value, length: value_length })
    })
}

/// What INIT and INIT ACK say (RFC 9260 3.3.2, 3.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Init<'a> {
    pub initiate_tag: u32,
    /// Advertised receiver window credit, in bytes.
    pub receive_window: u32,
    pub outbound_streams: u16,
    pub inbound_streams: u16,
    pub initial_tsn: u32,
    pub parameters: &'a [u8],
}

impl<'a> Init<'a> {
    pub fn read(value: &'a [u8]) -> Option<Self> {
        Some(Self {
            initiate_tag: u32_at(value, 0)?,
            receive_window: u32_at(value, 4)?,
            outbound_streams: u16_at(value, 8)?,
            inbound_streams: u16_at(value, 10)?,
            initial_tsn: u32_at(value, 12)?,
            parameters: value.get(16..)?,
        })
    }

    /// Addresses besides the packet's own (RFC 9260 3.3.2.1).
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + use<'a> {
        parameters(self.parameters).filter_map(|(kind, value)| match kind {
            5 => ipv4_at(value, 0).map(IpAddr::from),
            6 => ipv6_at(value, 0).map(IpAddr::from),
            _ => None,
        })
    }

    /// What the sender supports besides RFC 9260.
    pub fn extensions(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (kind, value) in parameters(self.parameters) {
            let own = match kind {
                0x8000 => Some("ECN"),
                0x8001 => Some("zero checksum"),
                0xc000 => Some("FORWARD-TSN"),
                _ => None,
            };
            // Supported Extensions (RFC 5061 4.2.7) lists types of chunks.
            let listed = if kind == 0x8008 { value } else { &[] };
            for name in own.into_iter().chain(listed.iter().filter_map(|kind| extension_chunk(*kind))) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}

/// Chunks that are an extension of their own.
fn extension_chunk(kind: u8) -> Option<&'static str> {
    Some(match kind {
        15 => "AUTH",
        kind::NR_SACK => "NR-SACK",
        kind::I_DATA => "I-DATA",
        128 | 193 => "ASCONF",
        129 => "PKTDROP",
        130 => "RE-CONFIG",
        132 => "PAD",
        kind::FORWARD_TSN => "FORWARD-TSN",
        kind::I_FORWARD_TSN => "I-FORWARD-TSN",
        _ => return None,
    })
}

/// Parameters, or error causes: type and value.
pub(super) fn parameters(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let value = rest.get(4..)?;
        let value = value.get(..length.checked_sub(4)?).unwrap_or(value);
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// A piece of a user message (RFC 9260 3.3.1, RFC 8260 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data<'a> {
    pub tsn: u32,
    pub stream: u16,
    /// Stream sequence number, of I-DATA the message identifier: the message's number in its stream.
    pub message: u32,
    /// Payload protocol identifier; only the first piece of an I-DATA message has one.
    pub protocol: Option<u32>,
    pub unordered: bool,
    pub begins: bool,
    pub ends: bool,
    /// As far as it is here.
    pub bytes: &'a [u8],
    /// Its length on the wire.
    pub length: usize,
}

impl<'a> Data<'a> {
    pub fn read(chunk: &Chunk<'a>) -> Option<Self> {
        let value = chunk.value;
        let begins = chunk.flags & 2 != 0;
        let is_interleaved = chunk.kind == kind::I_DATA;
        let head = if is_interleaved { 16 } else { 12 };
        let protocol = if is_interleaved { u32_at(value, 12).filter(|_| begins) } else { u32_at(value, 8) };
        Some(Self {
            tsn: u32_at(value, 0)?,
            stream: u16_at(value, 4)?,
            message: if is_interleaved { u32_at(value, 8)? } else { u16_at(value, 6)?.into() },
            protocol,
            unordered: chunk.flags & 4 != 0,
            begins,
            ends: chunk.flags & 1 != 0,
            bytes: value.get(head..)?,
            length: chunk.length.checked_sub(head)?,
        })
    }
}
