//! One line that says what a packet is, as Wireshark's Info column does for network and transport layers.
use std::fmt::Write as _;

use super::{
    Decoded, Layered, Network, StopReason, TcpOption, TransportHeader, control, decode,
    describe::colon_hex,
    neighbor,
    read::{ipv4_at, u8_at, u16_at, u32_at},
};
use crate::record::LinkType;

/// What TCP's numbers are relative to, which only the connection tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpNumbers {
    /// Sequence number of the sender that is shown as 0.
    pub sequence_base: u32,
    /// Acknowledgment number, and edge of a block of SACK, that is shown as 0.
    pub acknowledgment_base: u32,
    /// The window in bytes, the scale applied where it is known.
    pub window: u32,
}

/// What the packet is, in one line. Sequence numbers are as on the wire: what is relative needs the flow.
#[must_use]
pub fn summary(link_type: LinkType, bytes: &[u8], wire_length: u32) -> String {
    let decoded = decode(link_type, bytes, wire_length);
    summary_of(&decoded, bytes)
}

/// The same for a packet, or reassembled datagram, that was decoded already.
#[must_use]
pub fn summary_of(decoded: &Decoded, bytes: &[u8]) -> String {
    summary_with(decoded, bytes, None)
}

/// The same, with TCP's numbers relative to those given.
#[must_use]
pub fn summary_with(decoded: &Decoded, bytes: &[u8], numbers: Option<TcpNumbers>) -> String {
    let mut line = String::new();
    let header = bytes.get(decoded.transport_offset as usize..).unwrap_or_default();
    // Writing to a string cannot fail; a field that is not there leaves the rest out.
    let _ = match (decoded.network, decoded.transport) {
        (Network::Arp, _) => arp(&mut line, bytes.get(decoded.network_offset as usize..).unwrap_or_default()),
        (_, TransportHeader::Tcp) => tcp(&mut line, decoded, bytes, numbers),
        (_, TransportHeader::Udp) => udp(&mut line, decoded, header),
        (_, TransportHeader::Icmp) => icmp(&mut line, decoded, bytes, header),
        (_, TransportHeader::Icmpv6) => icmpv6(&mut line, header),
        (_, TransportHeader::Fragment) => fragment(&mut line, decoded, bytes),
        (_, TransportHeader::Other(number)) => other(&mut line, decoded, number, bytes),
        (_, TransportHeader::None) => Some(()),
    };
    if line.is_empty() && decoded.transport == TransportHeader::None {
        let _ = link(&mut line, decoded, bytes);
    }
    if line.is_empty() {
        let last = decoded.path.iter().next_back().unwrap_or_default();
        let _ = write!(line, "{last}, {} bytes", decoded.payload_wire_length);
    }
    if let Some(stop) = decoded.stop {
        match stop.reason {
            StopReason::Short { .. } => line.push_str(" [cut short]"),
            StopReason::Invalid(violation) => {
                let _ = write!(line, " [{violation}]");
            }
            StopReason::TooDeep => line.push_str(" [too many headers]"),
        }
    }
    line
}

fn tcp(line: &mut String, decoded: &Decoded, bytes: &[u8], numbers: Option<TcpNumbers>) -> Option<()> {
    let header = decoded.tcp_header(bytes)?;
    let numbers = numbers.unwrap_or(TcpNumbers { window: header.window.into(), ..TcpNumbers::default() });
    let sequence = header.sequence_number.wrapping_sub(numbers.sequence_base);
    let (source, destination) = (header.source_port, header.destination_port);
    write!(line, "{source} → {destination} [{}] Seq={sequence}", header.flags).ok()?;
    if header.flags.ack() {
        let acknowledgment = header.acknowledgment_number.wrapping_sub(numbers.acknowledgment_base);
        write!(line, " Ack={acknowledgment}").ok()?;
    }
    write!(line, " Win={} Len={}", numbers.window, decoded.payload_wire_length).ok()?;
    if header.flags.urg() {
        write!(line, " Urg={}", header.urgent_pointer).ok()?;
    }
    for option in decoded.tcp_options(bytes) {
        match option {
            TcpOption::MaximumSegmentSize(size) => write!(line, " MSS={size}"),
            TcpOption::WindowScale(shift) => {
                write!(line, " WS={}", 1u32.checked_shl(shift.min(14).into()).unwrap_or(1))
            }
            TcpOption::SackPermitted => write!(line, " SACK_PERM"),
            TcpOption::Timestamps { value, echo_reply } => write!(line, " TSval={value} TSecr={echo_reply}"),
            TcpOption::Sack(blocks) => {
                for (left, right) in blocks {
                    let left = left.wrapping_sub(numbers.acknowledgment_base);
                    let right = right.wrapping_sub(numbers.acknowledgment_base);
                    write!(line, " SLE={left} SRE={right}").ok()?;
                }
                Ok(())
            }
            TcpOption::FastOpen([]) => write!(line, " TFO=R"),
            TcpOption::FastOpen(_) => write!(line, " TFO=C"),
            TcpOption::Md5(_) => write!(line, " MD5"),
            TcpOption::Mptcp(_) => write!(line, " MPTCP"),
            TcpOption::UserTimeout(_) => write!(line, " UTO"),
            TcpOption::AccEcn(_) => write!(line, " AccECN"),
            TcpOption::Unknown { kind, .. } => write!(line, " Unknown({kind})"),
        }
        .ok()?;
    }
    Some(())
}

fn udp(line: &mut String, decoded: &Decoded, header: &[u8]) -> Option<()> {
    let (source, destination) = (u16_at(header, 0)?, u16_at(header, 2)?);
    match decoded.path.iter().next_back() {
        Some(Layered::Esp) => control::summary(line, decoded, header.get(super::udp::LENGTH..)?),
        Some(Layered::UdpEncapsulation) if decoded.payload_wire_length == 1 => write!(line, "NAT-keepalive").ok(),
        _ => write!(line, "{source} → {destination} Len={}", decoded.payload_wire_length).ok(),
    }
}

fn icmp(line: &mut String, decoded: &Decoded, bytes: &[u8], header: &[u8]) -> Option<()> {
    let (message_type, code) = (u8_at(header, 0)?, u8_at(header, 1)?);
    if message_type == 0 || message_type == 8 {
        let word = if message_type == 8 { "request" } else { "reply" };
        let (identifier, sequence) = (u16_at(header, 4)?, u16_at(header, 6)?);
        let ttl = u8_at(bytes, (decoded.network_offset as usize).checked_add(8)?)?;
        return write!(line, "Echo (ping) {word}  id={identifier:#06x}, seq={sequence}, ttl={ttl}").ok();
    }
    let name = match message_type {
        3 => "Destination unreachable",
        4 => "Source quench",
        5 => "Redirect",
        9 => "Router advertisement",
        10 => "Router solicitation",
        11 => "Time-to-live exceeded",
        12 => "Parameter problem",
        13 => "Timestamp request",
        14 => "Timestamp reply",
        17 => "Address mask request",
        18 => "Address mask reply",
        _ => return write!(line, "ICMP type {message_type} code {code}").ok(),
    };
    let detail = match (message_type, code) {
        (3, 0) => "Network unreachable",
        (3, 1) => "Host unreachable",
        (3, 2) => "Protocol unreachable",
        (3, 3) => "Port unreachable",
        (3, 4) => "Fragmentation needed",
        (3, 5) => "Source route failed",
        (3, 6) => "Destination network unknown",
        (3, 7) => "Destination host unknown",
        (3, 9) => "Network administratively prohibited",
        (3, 10) => "Host administratively prohibited",
        (3, 13) => "Communication administratively filtered",
        (5, 0) => "Redirect for network",
        (5, 1) => "Redirect for host",
        (11, 0) => "Time to live exceeded in transit",
        (11, 1) => "Fragment reassembly time exceeded",
        _ => return write!(line, "{name} (code {code})").ok(),
    };
    write!(line, "{name} ({detail})").ok()
}

fn icmpv6(line: &mut String, header: &[u8]) -> Option<()> {
    let (message_type, code) = (u8_at(header, 0)?, u8_at(header, 1)?);
    match message_type {
        128 | 129 => {
            let word = if message_type == 128 { "request" } else { "reply" };
            write!(line, "Echo (ping) {word} id={:#06x}, seq={}", u16_at(header, 4)?, u16_at(header, 6)?)
        }
        1 => {
            let detail = match code {
                0 => "no route to destination",
                1 => "Administratively prohibited",
                2 => "Beyond scope of source address",
                3 => "Address unreachable",
                4 => "Port unreachable",
                5 => "Source address failed ingress/egress policy",
                6 => "Reject route to destination",
                _ => "unknown code",
            };
            write!(line, "Destination Unreachable ({detail})")
        }
        2 => write!(line, "Packet Too Big (MTU {})", u32_at(header, 4)?),
        3 if code == 0 => write!(line, "Time Exceeded (hop limit exceeded in transit)"),
        3 => write!(line, "Time Exceeded (fragment reassembly time exceeded)"),
        4 => write!(line, "Parameter Problem (code {code}, pointer {})", u32_at(header, 4)?),
        130..=137 | 143 => {
            return neighbor::summary(line, header);
        }
        _ => write!(line, "ICMPv6 type {message_type} code {code}"),
    }
    .ok()
}

fn arp(line: &mut String, header: &[u8]) -> Option<()> {
    let operation = u16_at(header, 6)?;
    if header.get(4..6)? != [6, 4] {
        return write!(line, "ARP operation {operation}").ok();
    }
    let (sender, target) = (ipv4_at(header, 14)?, ipv4_at(header, 24)?);
    let hardware = colon_hex(header.get(8..14)?);
    match operation {
        1 if sender == target => write!(line, "ARP Announcement for {sender}"),
        1 if sender.is_unspecified() => write!(line, "Who has {target}? (ARP Probe)"),
        1 => write!(line, "Who has {target}? Tell {sender}"),
        2 => write!(line, "{sender} is at {hardware}"),
        3 => write!(line, "Who is {}? Tell {hardware}", colon_hex(header.get(18..24)?)),
        4 => write!(line, "{} is at {target}", colon_hex(header.get(18..24)?)),
        _ => write!(line, "ARP operation {operation}"),
    }
    .ok()
}

fn fragment(line: &mut String, decoded: &Decoded, bytes: &[u8]) -> Option<()> {
    let fragment = decoded.fragment(bytes)?;
    let version = if decoded.network == Network::Ipv6 { "IPv6" } else { "Fragmented IP" };
    let more = if fragment.more { ", more" } else { "" };
    let (protocol, offset, identification) = (fragment.protocol, fragment.offset_bytes, fragment.identification);
    write!(line, "{version} protocol ({protocol}, off={offset}, ID={identification:04x}{more})").ok()
}

fn other(line: &mut String, decoded: &Decoded, number: u8, bytes: &[u8]) -> Option<()> {
    let start = decoded.transport_offset as usize;
    let end = (decoded.payload_offset as usize).saturating_add(decoded.payload_length as usize);
    if control::summary(line, decoded, bytes.get(start..end).unwrap_or_default()).is_some() {
        return Some(());
    }
    line.clear();
    let length = decoded.payload_wire_length;
    match decoded.path.iter().next_back()? {
        Layered::Data | Layered::Ipv4 | Layered::Ipv6 if number == 59 => write!(line, "IPv6 no next header"),
        Layered::Data | Layered::Ipv4 | Layered::Ipv6 => write!(line, "IP protocol {number}, {length} bytes"),
        // What is in the tunnel could not be named: say what it is called there.
        Layered::Gre => write!(line, "GRE of {:#06x}, {length} bytes", u16_at(bytes, start.checked_add(2)?)?),
        last => write!(line, "{last}, {length} bytes"),
    }
    .ok()
}

/// A frame that carries no network protocol that is read here.
fn link(line: &mut String, decoded: &Decoded, bytes: &[u8]) -> Option<()> {
    let last = decoded.path.iter().next_back()?;
    let at = decoded.payload_offset as usize;
    match last {
        Layered::PppoeDiscovery => {
            let code = u8_at(bytes, at.checked_sub(5)?)?;
            match control::pppoe_code(code) {
                Some(name) => line.push_str(name),
                None => write!(line, "PPPoE code {code:#04x}").ok()?,
            }
            let mut tags = String::new();
            control::summary(&mut tags, decoded, decoded.payload(bytes))?;
            if !tags.is_empty() {
                write!(line, " {tags}").ok()?;
            }
            Some(())
        }
        Layered::Wlan => {
            // Only a radio's header is ever in front of it, with its length in little endian.
            let start = match decoded.path.iter().next()? {
                Layered::Wlan => 0,
                Layered::Radiotap | Layered::Ppi => usize::from(u16_at(bytes, 2)?.swap_bytes()),
                _ => return None,
            };
            control::wlan(line, bytes.get(start..)?)
        }
        _ => control::summary(line, decoded, decoded.payload(bytes)),
    }
}
