//! Headers, from the link to the transport: one header per file, one decode loop.
//!
//! [`decode`] walks a packet once and says where things are. It never fails: it decodes what can be decoded and then
//! says where and why it stopped. [`describe`] walks the same way and names every field.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]
use crate::record::{Endpoint, FlowKey, Layer, LinkType, Transport};

/// What the walk found, as offsets into the packet it was given. The innermost headers win: a packet in a tunnel is
/// described by what is inside. A packet quoted by an ICMP error is not "inside": it is [`Decoded::quoted`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Network protocol of the innermost network header.
    pub network: Network,
    /// What follows it.
    pub transport: TransportHeader,
    /// How many tunnels are around it.
    pub depth: u8,
    /// Where the innermost network header starts.
    pub network_offset: u32,
    /// Where the transport header starts.
    pub transport_offset: u32,
    /// Where the payload starts.
    pub payload_offset: u32,
    /// How many bytes of payload are here, padding of the link left out.
    pub payload_length: u32,
    /// How many bytes of payload the headers say there were (more than are here when the snap length cut them).
    pub payload_wire_length: u32,
    /// The protocols met, from the link upwards.
    pub path: Path,
    /// Why the walk ended before the payload, if it did.
    pub stop: Option<Stop>,
}

/// Network protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Network {
    #[default]
    None,
    Arp,
    Ipv4,
    Ipv6,
}

/// What follows the network header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportHeader {
    /// Nothing, or nothing readable.
    #[default]
    None,
    /// RFC 9293; the whole fixed header is here.
    Tcp,
    /// RFC 768; the whole header is here.
    Udp,
    /// RFC 792.
    Icmp,
    /// RFC 4443.
    Icmpv6,
    /// A part of a fragmented datagram, the first one included.
    Fragment,
    /// Another protocol, by IANA's number.
    Other(u8),
}

/// A protocol met on the way. Names are Wireshark's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Layered {
    #[default]
    Data,
    Ethernet,
}

/// The protocols of a packet in order, at most [`Path::CAPACITY`]; deeper ones are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Path {
    length: u8,
    protocols: [Layered; Path::CAPACITY],
}

impl Path {
    /// Protocols kept.
    pub const CAPACITY: usize = 15;
}

/// Where and why the walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The protocol that could not be read.
    pub protocol: Layered,
    /// Where its header starts.
    pub offset: u32,
    /// Why.
    pub reason: StopReason,
}

/// Why a header could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The header needs `required` bytes; `present` are here, because the snap length or the sender cut it.
    Short {
        /// Bytes needed.
        required: u32,
        /// Bytes here.
        present: u32,
    },
    /// A field has a value that the protocol does not allow.
    Invalid(&'static str),
    /// Headers beyond the cap of [`crate::limits`].
    TooDeep,
}

/// An IP packet quoted by an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// TCP or UDP.
    pub transport: Transport,
    /// Who sent the quoted packet.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// TCP sequence number, when it is there.
    pub sequence_number: Option<u32>,
}

/// Verdict on a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChecksumStatus {
    /// It is right.
    Good,
    /// It is wrong; often filled in later by the network card.
    Bad,
    /// It cannot be judged: bytes are missing, or the field is zero by choice (UDP over IPv4).
    Unverified,
}

/// Walks a packet of `link_type`. `bytes` may be cut short; `wire_length` says how long it was.
#[must_use]
pub fn decode(link_type: LinkType, bytes: &[u8], wire_length: u32) -> Decoded {
    let _ = (link_type, bytes, wire_length);
    Decoded::default()
}

/// Walks on from a reassembled IP datagram (header and whole payload), which continues the `fragment` that completed it.
#[must_use]
pub fn decode_reassembled(datagram: &[u8], fragment: &Decoded) -> Decoded {
    let _ = (datagram, fragment);
    Decoded::default()
}

/// Walks the same way as [`decode`] and names every field, Wireshark's names, outer layers first.
#[must_use]
pub fn describe(link_type: LinkType, bytes: &[u8], wire_length: u32) -> Vec<Layer> {
    let _ = (link_type, bytes, wire_length);
    Vec::new()
}

impl Decoded {
    /// Addresses of the innermost network header with the transport's ports (0 where there are none).
    #[must_use]
    pub fn endpoints(&self, bytes: &[u8]) -> Option<(Endpoint, Endpoint)> {
        let _ = bytes;
        None
    }

    /// The key of the flow, for TCP and UDP.
    #[must_use]
    pub fn flow_key(&self, bytes: &[u8]) -> Option<FlowKey> {
        let _ = bytes;
        None
    }

    /// The packet an ICMP or ICMPv6 error quotes, when it is TCP or UDP.
    #[must_use]
    pub fn quoted(&self, bytes: &[u8]) -> Option<Quoted> {
        let _ = bytes;
        None
    }

    /// The payload that is here.
    #[must_use]
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.payload_offset as usize;
        bytes.get(start..start.saturating_add(self.payload_length as usize)).unwrap_or_default()
    }

    /// Verdict on the transport checksum (TCP, UDP, ICMP, ICMPv6).
    #[must_use]
    pub fn transport_checksum(&self, bytes: &[u8]) -> ChecksumStatus {
        let _ = bytes;
        ChecksumStatus::Unverified
    }
}
