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
mod arp;
mod cdp;
mod checksum;
mod control;
mod describe;
mod dot11;
mod eigrp;
pub mod ends;
mod ethernet;
mod fragment;
mod gre;
mod headers;
mod icmp;
mod icmpv6;
mod igmp;
mod ipv4;
mod ipv6;
mod link;
mod llc;
mod lldp;
mod mpls;
mod neighbor;
mod ospf;
mod overlay;
mod path;
mod pim;
mod ppp;
mod read;
mod sctp;
mod service;
mod short_headers;
mod slow;
mod stp;
mod summary;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod vlan;
mod vrrp;
mod walk;

use std::{fmt, net::IpAddr};

pub use checksum::Sum;
pub use fragment::FragmentInfo;
pub use headers::{headers, headers_reassembled, plain_headers};
pub use path::{Layered, Path};
pub use summary::{TcpNumbers, summary, summary_of, summary_with};
pub use tcp::{SackBlocks, TcpFlags, TcpHeader, TcpOption, TcpOptions};

use crate::record::{Endpoint, FlowKey, Layer, LinkType, Transport};
use describe::Describer;
use read::{ipv4_at, ipv6_at, u16_at};
use walk::{Next, Nobody, Walk};

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
    Invalid(Violation),
    /// Headers beyond the cap of [`crate::limits`].
    TooDeep,
}

/// A value that a protocol does not allow; displayed as a sentence's end ("... is ...").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the text of each is its meaning
pub enum Violation {
    IpVersion,
    Ipv4HeaderLength,
    Ipv4TotalLength,
    AhLength,
    UdpLength,
    TcpDataOffset,
    GreVersion,
    Header,
}

impl Violation {
    /// What is wrong, in words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::IpVersion => "the IP version is not the one announced",
            Self::Ipv4HeaderLength => "the header length is below 20 bytes",
            Self::Ipv4TotalLength => "the total length is below the header length",
            Self::AhLength => "the length of the Authentication Header is too small",
            Self::UdpLength => "the UDP length does not fit the IP packet",
            Self::TcpDataOffset => "the data offset is below 20 bytes",
            Self::GreVersion => "the GRE version is unknown",
            Self::Header => "the header is not one of this protocol",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: ", self.protocol, self.offset)?;
        match self.reason {
            StopReason::Short { required, present } => write!(f, "{required} bytes needed, {present} here"),
            StopReason::Invalid(violation) => violation.fmt(f),
            StopReason::TooDeep => f.write_str("more headers or tunnels than are followed"),
        }
    }
}

/// An IP packet quoted by an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// What runs above IP.
    pub transport: Transport,
    /// Who sent the quoted packet; of ICMP queries the port is the identifier.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// TCP sequence number, when it is there.
    pub sequence_number: Option<u32>,
    /// How long the packet was, IP header included, by its own header.
    pub length: Option<u32>,
    /// What is quoted of a UDP datagram's payload; of anything but TCP and UDP, the header above IP and what follows.
    pub payload: &'a [u8],
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
    let mut walk = Walk::new(bytes, wire_length, Nobody);
    walk.run(Next::Link(link_type));
    walk.decoded
}

/// Walks on from a reassembled IP datagram (header and whole payload), which continues the `fragment` that completed it.
#[must_use]
pub fn decode_reassembled(datagram: &[u8], fragment: &Decoded) -> Decoded {
    let mut walk = reassembled(datagram, fragment, Nobody);
    walk.run(Next::AnyIp);
    walk.decoded
}

/// A walk at the start of a reassembled datagram, with the path of what is around its fragments.
fn reassembled<'a, V: walk::Visitor>(datagram: &'a [u8], fragment: &Decoded, visitor: V) -> Walk<'a, V> {
    let mut walk = Walk::new(datagram, read::narrow(datagram.len()), visitor);
    walk.depth = fragment.depth;
    walk.decoded.path = fragment.path.before_last_network();
    walk
}

/// Walks the same way as [`decode`] and names every field, Wireshark's names, outer layers first.
#[must_use]
pub fn describe(link_type: LinkType, bytes: &[u8], wire_length: u32) -> Vec<Layer> {
    let mut walk = Walk::new(bytes, wire_length, Describer::new(bytes));
    walk.run(Next::Link(link_type));
    walk.visitor.layers
}

/// The layers of the fragment that completed `datagram`: `fragment_layers` ([`describe`] of that packet, which is
/// `fragment`), with what the reassembled datagram carries in the place of the bare data.
#[must_use]
pub fn describe_reassembled(datagram: &[u8], fragment: &Decoded, mut fragment_layers: Vec<Layer>) -> Vec<Layer> {
    let mut walk = reassembled(datagram, fragment, Describer::new(datagram));
    walk.run(Next::AnyIp);
    if fragment_layers.last().is_some_and(|layer| layer.protocol == Layered::Data.name()) {
        fragment_layers.pop();
    }
    let names: Vec<&str> = fragment_layers.iter().map(|layer| layer.protocol).collect();
    let common = fragment_headers_in_common(&names);
    fragment_layers.extend(walk.visitor.layers.into_iter().skip(common));
    fragment_layers
}

/// How many headers of a fragment, by name, are those of its reassembled datagram too: the last IP header and the extension
/// headers in front of the fragment header.
fn fragment_headers_in_common(names: &[&str]) -> usize {
    let is_ip = |name: &&str| *name == Layered::Ipv4.name() || *name == Layered::Ipv6.name();
    let outer = names.iter().rposition(is_ip).unwrap_or_default();
    names.iter().skip(outer).take_while(|name| **name != Layered::Ipv6Fragment.name()).count()
}

impl Decoded {
    /// Source and destination address of the innermost network header.
    #[inline]
    #[must_use]
    pub fn addresses(&self, bytes: &[u8]) -> Option<(IpAddr, IpAddr)> {
        let header = bytes.get(self.network_offset as usize..)?;
        match self.network {
            Network::Ipv4 => Some((ipv4_at(header, 12)?.into(), ipv4_at(header, 16)?.into())),
            Network::Ipv6 => Some((ipv6_at(header, 8)?.into(), ipv6_at(header, 24)?.into())),
            Network::None | Network::Arp => None,
        }
    }

    /// Addresses of the innermost network header with the transport's ports (0 where there are none).
    #[inline]
    #[must_use]
    pub fn endpoints(&self, bytes: &[u8]) -> Option<(Endpoint, Endpoint)> {
        let (source, destination) = self.addresses(bytes)?;
        let (source_port, destination_port) = match self.transport {
            TransportHeader::Tcp | TransportHeader::Udp => {
                let header = bytes.get(self.transport_offset as usize..)?;
                (u16_at(header, 0)?, u16_at(header, 2)?)
            }
            _ => (0, 0),
        };
        Some((
            Endpoint { address: source, port: source_port },
            Endpoint { address: destination, port: destination_port },
        ))
    }

    /// The transport of a flow, for TCP and UDP.
    #[inline]
    #[must_use]
    pub fn flow_transport(&self) -> Option<Transport> {
        match self.transport {
            TransportHeader::Tcp => Some(Transport::Tcp),
            TransportHeader::Udp => Some(Transport::Udp),
            _ => None,
        }
    }

    /// The key of the flow, for TCP and UDP.
    #[inline]
    #[must_use]
    pub fn flow_key(&self, bytes: &[u8]) -> Option<FlowKey> {
        let transport = self.flow_transport()?;
        let (source, destination) = self.endpoints(bytes)?;
        Some(FlowKey::new(transport, source, destination))
    }

    /// The payload that is here.
    #[inline]
    #[must_use]
    pub fn payload<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.payload_offset as usize;
        bytes.get(start..start.saturating_add(self.payload_length as usize)).unwrap_or_default()
    }

    /// Verdict on the header checksum of the innermost network header, when that is IPv4.
    #[inline]
    #[must_use]
    pub fn network_checksum(&self, bytes: &[u8]) -> ChecksumStatus {
        match self.ipv4_header(bytes) {
            Some(header) => ipv4::checksum(header),
            None => ChecksumStatus::Unverified,
        }
    }

    /// Whether a wrong IPv4 header checksum was left for the network card to compute: it is zero.
    #[must_use]
    pub fn network_checksum_is_left(&self, bytes: &[u8]) -> bool {
        self.ipv4_header(bytes).and_then(|header| u16_at(header, 10)) == Some(0)
    }

    fn ipv4_header<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        if self.network != Network::Ipv4 {
            return None;
        }
        let header = bytes.get(self.network_offset as usize..)?;
        header.get(..usize::from(header.first()? & 15).saturating_mul(4))
    }

    /// Whether a wrong transport checksum was left for the network card to compute: the field holds the sum of the pseudo
    /// header, which the card is to continue (with the segment's length, or with 0 where the card is to cut it up too).
    #[must_use]
    pub fn transport_checksum_is_left(&self, bytes: &[u8]) -> bool {
        let (place, protocol) = match self.transport {
            TransportHeader::Tcp => (16usize, 6u8),
            TransportHeader::Udp => (6, 17),
            _ => return false,
        };
        let start = self.transport_offset as usize;
        let header_length = (self.payload_offset as usize).saturating_sub(start);
        let length = read::narrow(header_length).saturating_add(self.payload_wire_length);
        let field = bytes.get(start..).and_then(|header| u16_at(header, place));
        let (Some(field), Some((source, destination))) = (field, self.addresses(bytes)) else { return false };
        let sum = |length| !Sum::new().add_pseudo_header(source, destination, protocol, length).checksum();
        field == sum(length) || field == sum(0)
    }

    /// Verdict on the transport checksum (TCP, UDP, ICMP, ICMPv6).
    #[inline]
    #[must_use]
    pub fn transport_checksum(&self, bytes: &[u8]) -> ChecksumStatus {
        let start = self.transport_offset as usize;
        let payload_start = self.payload_offset as usize;
        let header_length = payload_start.saturating_sub(start);
        let end = payload_start.saturating_add(self.payload_length as usize);
        let wire_length = header_length.saturating_add(self.payload_wire_length as usize);
        let Some(segment) = bytes.get(start..end) else { return ChecksumStatus::Unverified };
        let mut addresses = self.addresses(bytes);
        let extensions_start = (self.network_offset as usize).saturating_add(ipv6::LENGTH);
        if self.network == Network::Ipv6
            && start > extensions_start
            && let Some(extensions) = bytes.get(extensions_start..start)
            && let Some(first) = bytes.get((self.network_offset as usize).saturating_add(6))
            && let Some(last) = ipv6::routed_to_behind(*first, extensions)
        {
            addresses = addresses.map(|(source, _)| (source, last));
        }
        transport_checksum(self.transport, addresses, segment, wire_length)
    }
}

/// Verdict on the checksum of a `segment` that was `wire_length` bytes long.
fn transport_checksum(
    transport: TransportHeader,
    addresses: Option<(IpAddr, IpAddr)>,
    segment: &[u8],
    wire_length: usize,
) -> ChecksumStatus {
    if segment.len() < wire_length {
        return ChecksumStatus::Unverified;
    }
    let sum = Sum::new().add_bytes(segment);
    let length = read::narrow(wire_length);
    let sum = match (transport, addresses) {
        (TransportHeader::Icmp, _) => sum,
        (TransportHeader::Udp, Some((source, destination))) => {
            if u16_at(segment, 6) == Some(0) {
                // RFC 768: the sender did not compute it. RFC 8200 section 8.1 forbids that.
                return if source.is_ipv4() { ChecksumStatus::Unverified } else { ChecksumStatus::Bad };
            }
            sum.add_pseudo_header(source, destination, 17, length)
        }
        (TransportHeader::Tcp, Some((source, destination))) => sum.add_pseudo_header(source, destination, 6, length),
        (TransportHeader::Icmpv6, Some((source, destination))) => {
            sum.add_pseudo_header(source, destination, 58, length)
        }
        _ => return ChecksumStatus::Unverified,
    };
    if sum.is_good() { ChecksumStatus::Good } else { ChecksumStatus::Bad }
}
