//! IPv6 and its extension headers (RFC 8200, RFC 4302).
use std::net::IpAddr;

use etherparse::{IpAuthHeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice, Ipv6RawExtHeaderSlice};

use super::{
    Layered, Network, TransportHeader, Violation,
    describe::{Fields, Scene},
    read::{ipv6_at, u8_at, u16_at, u32_at},
    walk::{Next, Visitor, Walk},
};
use crate::{limits::MAX_EXTENSIONS, record::Value};

/// Length of the fixed header.
pub(super) const LENGTH: usize = 40;

/// Protocol numbers of the extension headers.
pub(super) mod extension {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const AUTHENTICATION: u8 = 51;
    pub const NO_NEXT_HEADER: u8 = 59;
    pub const DESTINATION: u8 = 60;
    pub const SHIM6: u8 = 140;
}

/// Reads the fixed header and all extension headers.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Ok(header) = Ipv6HeaderSlice::from_slice(here) else {
        return match here.first() {
            Some(first) if first >> 4 != 6 => walk.invalid(Layered::Ipv6, Violation::IpVersion),
            _ => walk.short(Layered::Ipv6, LENGTH),
        };
    };
    let payload_length = usize::from(header.payload_length());
    let next_header = header.next_header().0;
    // 0 is a jumbogram (RFC 2675) or what segmentation offload leaves there: the packet reaches to the end of the
    // frame. A bare header padded to Ethernet's minimum must not be taken for that.
    if payload_length != 0 || walk.wire_left() < LENGTH.saturating_add(20) {
        walk.limit(LENGTH.saturating_add(payload_length));
    }
    let offset = walk.at;
    walk.enter(Layered::Ipv6, LENGTH);
    walk.network(Network::Ipv6, offset);
    if matches!(next_header, 6 | 17 | 58) {
        return Next::Protocol(next_header);
    }
    extensions(walk, next_header)
}

/// Reads extension headers until something else comes.
fn extensions<V: Visitor>(walk: &mut Walk<'_, V>, first: u8) -> Next {
    let mut number = first;
    for _ in 0..MAX_EXTENSIONS {
        let protocol = match number {
            extension::HOP_BY_HOP => Layered::Ipv6HopByHop,
            extension::ROUTING => Layered::Ipv6Routing,
            extension::DESTINATION => Layered::Ipv6Destination,
            extension::SHIM6 => Layered::Shim6,
            extension::FRAGMENT => {
                let Ok(header) = Ipv6FragmentHeaderSlice::from_slice(walk.here()) else {
                    return walk.short(Layered::Ipv6Fragment, 8);
                };
                let fragments = header.is_fragmenting_payload();
                number = header.next_header().0;
                walk.enter_unnamed(Layered::Ipv6Fragment, 8);
                walk.transport(TransportHeader::None, walk.at);
                if fragments {
                    walk.transport(TransportHeader::Fragment, walk.at);
                    return walk.data();
                }
                continue;
            }
            extension::AUTHENTICATION => return Next::Protocol(number),
            extension::NO_NEXT_HEADER => {
                walk.transport(TransportHeader::Other(number), walk.at);
                return walk.data();
            }
            _ => return Next::Protocol(number),
        };
        let here = walk.here();
        let Ok(header) = Ipv6RawExtHeaderSlice::from_slice(here) else {
            let units = here.get(1).map_or(0, |length| usize::from(*length));
            return walk.short(protocol, units.saturating_add(1).saturating_mul(8));
        };
        let length = header.slice().len();
        number = header.next_header().0;
        walk.enter_unnamed(protocol, length);
        walk.transport(TransportHeader::None, walk.at);
    }
    walk.stop(Layered::Ipv6, super::StopReason::TooDeep)
}

/// Reads an Authentication Header (RFC 4302), which IPv4 may carry too.
pub(super) fn walk_authentication<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Ok(header) = IpAuthHeaderSlice::from_slice(here) else {
        let (number, units) = (u8_at(here, 0), u8_at(here, 1));
        // A length of zero is illegal but unmistakable: eight bytes.
        if let (Some(number), Some(0), true) = (number, units, here.len() >= 8) {
            walk.invalid(Layered::Ah, Violation::AhLength);
            return behind_authentication(walk, number, 8);
        }
        let length = usize::from(units.unwrap_or(1)).saturating_add(2).saturating_mul(4);
        return walk.short(Layered::Ah, length.max(12));
    };
    behind_authentication(walk, header.next_header().0, header.slice().len())
}

fn behind_authentication<V: Visitor>(walk: &mut Walk<'_, V>, number: u8, length: usize) -> Next {
    // Wireshark's hierarchy counts it behind IPv4 only.
    match walk.decoded.network {
        Network::Ipv6 => walk.enter_unnamed(Layered::Ah, length),
        _ => walk.enter(Layered::Ah, length),
    }
    walk.transport(TransportHeader::None, walk.at);
    match walk.decoded.network {
        Network::Ipv6 => extensions(walk, number),
        _ => Next::Protocol(number),
    }
}

/// Protocol, source, destination and what is here of the payload of a quoted packet, unless that is a later fragment.
pub(super) fn quoted(quote: &[u8]) -> Option<(u8, IpAddr, IpAddr, &[u8])> {
    let header = Ipv6HeaderSlice::from_slice(quote).ok()?;
    let mut number = header.next_header().0;
    let mut rest = quote.get(LENGTH..)?;
    for _ in 0..MAX_EXTENSIONS {
        let length = match number {
            extension::HOP_BY_HOP | extension::ROUTING | extension::DESTINATION => {
                let header = Ipv6RawExtHeaderSlice::from_slice(rest).ok()?;
                number = header.next_header().0;
                header.slice().len()
            }
            extension::FRAGMENT => {
                let header = Ipv6FragmentHeaderSlice::from_slice(rest).ok()?;
                if header.fragment_offset().value() != 0 {
                    return None;
                }
                number = header.next_header().0;
                8
            }
            _ => break,
        };
        rest = rest.get(length..)?;
    }
    Some((number, header.source_addr().into(), header.destination_addr().into(), rest))
}

/// The final destination in a routing header that is not used up: checksums are over that one (RFC 8200 section 8.1).
pub(super) fn routed_to(header: &[u8]) -> Option<IpAddr> {
    let (units, kind, left) = (u8_at(header, 1)?, u8_at(header, 2)?, u8_at(header, 3)?);
    let last = match (kind, left) {
        (_, 0) => return None,
        // Source routes end with it (RFC 2460), segment routes begin with it (RFC 8754), and there is one home
        // address only (RFC 6275).
        (0, _) => usize::from(units).saturating_mul(8).checked_sub(8)?,
        (2 | 4, _) => 8,
        _ => return None,
    };
    ipv6_at(header, last).map(IpAddr::from)
}

/// The same for the extension headers between the fixed header, whose next header is `first`, and the transport.
pub(super) fn routed_to_behind(first: u8, extensions: &[u8]) -> Option<IpAddr> {
    let (mut number, mut rest) = (first, extensions);
    for _ in 0..MAX_EXTENSIONS {
        let length = match number {
            extension::ROUTING => return routed_to(rest),
            extension::HOP_BY_HOP | extension::DESTINATION => {
                usize::from(u8_at(rest, 1)?).saturating_add(1).saturating_mul(8)
            }
            extension::FRAGMENT => 8,
            _ => return None,
        };
        number = u8_at(rest, 0)?;
        rest = rest.get(length..)?;
    }
    None
}

/// Fields of the fixed header.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let Ok(header) = Ipv6HeaderSlice::from_slice(scene.bytes) else { return };
    fields.number("ipv6.version", Some(6u8));
    fields.number("ipv6.tclass", Some(header.traffic_class()));
    fields.number("ipv6.tclass.dscp", Some(header.dscp().value()));
    fields.number("ipv6.tclass.ecn", Some(header.ecn().value()));
    fields.number("ipv6.flow", Some(header.flow_label().value()));
    fields.number("ipv6.plen", Some(header.payload_length()));
    fields.number("ipv6.nxt", Some(header.next_header().0));
    fields.number("ipv6.hlim", Some(header.hop_limit()));
    fields.text("ipv6.src", Some(header.source_addr()));
    fields.text("ipv6.dst", Some(header.destination_addr()));
}

/// Fields of an extension header.
pub(super) fn extension_fields(fields: &mut Fields, protocol: Layered, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let next_header = u8_at(bytes, 0);
    match protocol {
        Layered::Ipv6Fragment => {
            fields.number("ipv6.fraghdr.nxt", next_header);
            let offset = u16_at(bytes, 2);
            fields.number("ipv6.fraghdr.offset", offset.map(|offset| offset >> 3));
            fields.flag("ipv6.fraghdr.more", offset.is_some_and(|offset| offset & 1 != 0));
            fields.number("ipv6.fraghdr.ident", u32_at(bytes, 4));
        }
        Layered::Ipv6HopByHop => {
            fields.number("ipv6.hopopts.nxt", next_header);
            fields.number("ipv6.hopopts.len", u8_at(bytes, 1));
            option_fields(fields, bytes.get(2..scene.length).unwrap_or_default());
        }
        Layered::Ipv6Routing => {
            fields.number("ipv6.routing.nxt", next_header);
            fields.number("ipv6.routing.len", u8_at(bytes, 1));
            fields.number("ipv6.routing.type", u8_at(bytes, 2));
            fields.number("ipv6.routing.segleft", u8_at(bytes, 3));
            routing_fields(fields, bytes.get(..scene.length).unwrap_or_default());
        }
        Layered::Ipv6Destination => {
            fields.number("ipv6.dstopts.nxt", next_header);
            fields.number("ipv6.dstopts.len", u8_at(bytes, 1));
            option_fields(fields, bytes.get(2..scene.length).unwrap_or_default());
        }
        Layered::Ah => {
            fields.number("ah.next_header", next_header);
            fields.number("ah.length", u8_at(bytes, 1));
            fields.number("ah.spi", u32_at(bytes, 4));
            fields.number("ah.sequence", u32_at(bytes, 8));
        }
        _ => {}
    }
}

/// The addresses of a routing header (RFC 2460, RFC 6275, RFC 8754).
fn routing_fields(fields: &mut Fields, header: &[u8]) {
    let addresses = || {
        let all = (0usize..).map_while(|place| ipv6_at(header, place.saturating_mul(16).saturating_add(8)));
        all.map(|address| Value::Text(address.to_string())).collect::<Vec<_>>()
    };
    match u8_at(header, 2) {
        Some(0) => fields.list("ipv6.routing.src.addr", addresses()),
        Some(2) => fields.text("ipv6.routing.mipv6.home_address", ipv6_at(header, 8)),
        Some(4) => {
            fields.number("ipv6.routing.srh.last_entry", u8_at(header, 4));
            let count = usize::from(u8_at(header, 4).unwrap_or_default()).saturating_add(1);
            fields.list("ipv6.routing.srh.addr", addresses().into_iter().take(count).collect());
        }
        _ => {}
    }
}

/// The options of a Hop-by-Hop or Destination Options header (RFC 8200 section 4.2).
fn option_fields(fields: &mut Fields, options: &[u8]) {
    let (mut kinds, mut lengths, mut rest) = (Vec::new(), Vec::new(), options);
    while let Some(kind) = u8_at(rest, 0) {
        kinds.push(Value::Number(kind.into()));
        if kind == 0 {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let Some(length) = u8_at(rest, 1) else { break };
        lengths.push(Value::Number(length.into()));
        match kind {
            5 => fields.number("ipv6.opt.router_alert", u16_at(rest, 2)),
            0xc2 => fields.number("ipv6.opt.jumbo", u32_at(rest, 2)),
            0xc9 => fields.text("ipv6.opt.mipv6.home_address", ipv6_at(rest, 2)),
            _ => {}
        }
        rest = rest.get(usize::from(length).saturating_add(2)..).unwrap_or_default();
    }
    fields.list("ipv6.opt.type", kinds);
    fields.list("ipv6.opt.length", lengths);
}
