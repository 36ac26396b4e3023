//! What the first header of a packet is, by link type; and the short link headers that are nothing but a type field.
use super::{
    Layered, dot11, ethernet, ipv4, ipv6, ppp,
    read::{u16_at, u32_at},
    walk::{Next, Visitor, Walk},
};
use crate::record::LinkType;

const LOWEST_ETHER_TYPE: u32 = 0x0600;

/// Reads the first header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>, link_type: LinkType) -> Next {
    if link_type == LinkType::ETHERNET { ethernet::walk(walk) } else { others(walk, link_type) }
}

fn others<V: Visitor>(walk: &mut Walk<'_, V>, link_type: LinkType) -> Next {
    match link_type.0 {
        0 => null(walk, false),
        108 => null(walk, true),
        12 | 14 | 101 => {
            walk.enter(Layered::Raw, 0);
            Next::AnyIp
        }
        113 => cooked(walk, 16, 14, 2),
        276 => cooked(walk, 20, 0, 8),
        228 => ipv4::walk(walk),
        229 => ipv6::walk(walk),
        9 | 50 => ppp::walk_link(walk),
        104 => ppp::walk_chdlc(walk),
        51 => ppp::walk_session(walk),
        105 => dot11::walk(walk),
        10 => fddi(walk),
        107 => frame_relay(walk),
        226 => ipnet(walk),
        127 => dot11::walk_radiotap(walk),
        192 => dot11::walk_ppi(walk),
        239 => nflog(walk),
        258 => pktap(walk),
        _ => walk.data(),
    }
}

/// BSD loopback: the protocol family, in the byte order of the capturing host (LINKTYPE_NULL) or of the network
/// (LINKTYPE_LOOP).
fn null<V: Visitor>(walk: &mut Walk<'_, V>, network_order: bool) -> Next {
    let Some(number) = u32_at(walk.here(), 0) else {
        return walk.short(Layered::Null, 4);
    };
    // No family is above 65535, so the half that is zero tells the order.
    let family = if !network_order && number & 0xffff_0000 != 0 { number.swap_bytes() } else { number };
    walk.enter(Layered::Null, 4);
    match family {
        2 => Next::EtherType(ethernet::IPV4),
        // Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
        10 | 24 | 28 | 30 => Next::EtherType(ethernet::IPV6),
        LOWEST_ETHER_TYPE..=0xffff => Next::EtherType(u16::try_from(family).unwrap_or_default()),
        _ => walk.data(),
    }
}

/// Linux cooked capture: where the protocol and the ARP hardware type are depends on the version.
fn cooked<V: Visitor>(walk: &mut Walk<'_, V>, length: usize, protocol_at: usize, hardware_at: usize) -> Next {
    let here = walk.here();
    let Some(protocol) = here.get(..length).and_then(|header| u16_at(header, protocol_at)) else {
        return walk.short(Layered::Sll, length);
    };
    let hardware = u16_at(here, hardware_at).unwrap_or_default();
    walk.enter(Layered::Sll, length);
    match (hardware, protocol) {
        // Netlink and radio headers have no EtherType.
        (803 | 824, _) => walk.data(),
        // ETH_P_802_2.
        (_, 4) => super::llc::walk(walk),
        (_, protocol) if protocol < ethernet::FIRST_ETHER_TYPE => walk.data(),
        (_, protocol) => Next::EtherType(protocol),
    }
}

/// Netfilter's log: type-length-value records, one of which is the packet.
fn nflog<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    /// NFULA_PAYLOAD of Linux.
    const PAYLOAD: u16 = 9;
    let here = walk.here();
    let Some(family) = here.first().copied().filter(|_| here.len() >= 4) else {
        return walk.short(Layered::Nflog, 4);
    };
    let mut offset = 4usize;
    while let (Some(length), Some(kind)) =
        (u16_at(here, offset).map(u16::swap_bytes), u16_at(here, offset.saturating_add(2)).map(u16::swap_bytes))
    {
        // Host byte order, of which nothing is said; all that matters today are little-endian.
        let length = usize::from(length);
        if length < 4 {
            break;
        }
        if kind & 0x7fff == PAYLOAD {
            walk.limit(offset.saturating_add(length));
            walk.enter(Layered::Nflog, offset.saturating_add(4));
            return match family {
                2 | 10 => Next::AnyIp,
                _ => walk.data(),
            };
        }
        offset = offset.saturating_add(length.next_multiple_of(4));
    }
    walk.enter(Layered::Nflog, here.len());
    Next::Done
}

/// Apple's capture header: its length, then the link type of what follows.
fn pktap<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (Some(length), Some(link_type)) = (u32_at(here, 0).map(u32::swap_bytes), u32_at(here, 8).map(u32::swap_bytes))
    else {
        return walk.short(Layered::Pktap, 12);
    };
    let length = length as usize;
    if length < 12 || here.len() < length {
        return walk.short(Layered::Pktap, length.max(12));
    }
    walk.enter(Layered::Pktap, length);
    match u16::try_from(link_type) {
        Ok(number) => Next::Link(LinkType(number)),
        Err(_) => walk.data(),
    }
}

/// FDDI: frame control and two addresses, then LLC.
fn fddi<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some(control) = walk.here().first().copied().filter(|_| walk.here().len() >= 13) else {
        return walk.short(Layered::Fddi, 13);
    };
    walk.enter(Layered::Fddi, 13);
    // LLC frames, synchronous or not (ISO 9314-2).
    if control & 0x70 == 0x50 { super::llc::walk(walk) } else { walk.data() }
}

/// Frame Relay: a two-byte address (Q.922), then RFC 2427's encapsulation or Cisco's, which is an EtherType.
fn frame_relay<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (length, next) = match here {
        [_, _, 3, 0xcc, ..] => (4, Next::EtherType(ethernet::IPV4)),
        [_, _, 3, 0x8e, ..] => (4, Next::EtherType(ethernet::IPV6)),
        // Padding, then SNAP without organization.
        [_, _, 3, 0, 0x80, 0, 0, 0, high, low, ..] | [_, _, 3, 0x80, 0, 0, 0, high, low, ..] => {
            let length = if here.get(3) == Some(&0) { 10usize } else { 9 };
            (length, Next::EtherType(u16::from_be_bytes([*high, *low])))
        }
        [_, _, high, low, ..] if *high != 3 => (4, Next::EtherType(u16::from_be_bytes([*high, *low]))),
        [_, _, _, _, ..] => {
            walk.enter(Layered::FrameRelay, 2);
            return walk.data();
        }
        _ => return walk.short(Layered::FrameRelay, 4),
    };
    walk.enter(Layered::FrameRelay, length);
    next
}

/// Solaris' IP observability header: version, family, 22 bytes of interfaces and zones.
fn ipnet<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    if walk.here().len() < 24 {
        return walk.short(Layered::Ipnet, 24);
    }
    walk.enter(Layered::Ipnet, 24);
    Next::AnyIp
}
