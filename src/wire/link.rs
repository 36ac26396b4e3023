//! What the first header of a packet is, by link type; and the short link headers that are nothing but a type field.
use super::{
    Layered, dot11, ethernet, ipv4, ipv6, ppp,
    read::{u8_at, u16_at, u32_at},
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
        7 => arcnet(walk, 2),
        129 => arcnet(walk, 4),
        178 => juniper_ethernet(walk),
        242 => ipoib(walk),
        // DLT_USER2, which Apple's first PKTAP captures used.
        149 if is_pktap(walk.here()) => pktap(walk),
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

/// Whether these bytes look like Apple's capture header: as long as a version of it, with a packet behind it.
fn is_pktap(here: &[u8]) -> bool {
    let little_endian = |offset| u32_at(here, offset).map(u32::swap_bytes);
    matches!((little_endian(0), little_endian(4)), (Some(108..=256), Some(1)))
}

/// ARCNET (RFC 1201, RFC 1051): two addresses, two bytes of offset in Linux' captures, the protocol, and a fragment header.
fn arcnet<V: Visitor>(walk: &mut Walk<'_, V>, protocol_at: usize) -> Next {
    let here = walk.here();
    let Some(protocol) = u8_at(here, protocol_at) else {
        return walk.short(Layered::Arcnet, protocol_at.saturating_add(1));
    };
    let number = match protocol {
        212 | 240 => ethernet::IPV4,
        213 | 241 => ethernet::ARP,
        214 => ethernet::REVERSE_ARP,
        196 => ethernet::IPV6,
        // BACnet's, with a header of IEEE 802.2 (ANSI/ASHRAE 135, clause 8).
        205 => {
            walk.enter(Layered::Arcnet, protocol_at.saturating_add(1));
            return super::llc::walk(walk);
        }
        _ => {
            walk.enter(Layered::Arcnet, protocol_at.saturating_add(1));
            return walk.data();
        }
    };
    // RFC 1051 has no split flag and sequence; with RFC 1201 a split flag of 0xff announces four bytes more.
    let (mut length, mut split) = (protocol_at.saturating_add(1), 0u8);
    if protocol < 240 {
        split = u8_at(here, length).unwrap_or_default();
        if split == 0xff {
            length = length.saturating_add(4);
            split = u8_at(here, length).unwrap_or_default();
        }
        length = length.saturating_add(3);
    }
    if here.len() < length {
        return walk.short(Layered::Arcnet, length);
    }
    walk.enter(Layered::Arcnet, length);
    // A part of a packet.
    if split != 0 { walk.data() } else { Next::EtherType(number) }
}

/// IP over InfiniBand (RFC 4391): 40 bytes of addresses as the capture has them, then an EtherType.
fn ipoib<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some(ether_type) = u16_at(walk.here(), 40).filter(|_| walk.here().len() >= 44) else {
        return walk.short(Layered::Ipoib, 44);
    };
    walk.enter(Layered::Ipoib, 44);
    Next::EtherType(ether_type)
}

/// Juniper's header in front of Ethernet frames: magic number, flags, extensions.
fn juniper_ethernet<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const MAGIC: &[u8] = &[0x4d, 0x47, 0x43];
    const EXTENSIONS: u8 = 0x80;
    const NO_LINK_HEADER: u8 = 0x02;
    let here = walk.here();
    let Some(flags) = u8_at(here, 3) else {
        return walk.short(Layered::JuniperEthernet, 4);
    };
    if !here.starts_with(MAGIC) {
        return walk.invalid(Layered::JuniperEthernet, super::Violation::Header);
    }
    let mut length = 4usize;
    if flags & EXTENSIONS != 0 {
        let extensions = u16_at(here, 4).map_or(usize::MAX, usize::from);
        length = extensions.saturating_add(6);
    }
    if flags & NO_LINK_HEADER != 0 {
        // Four bytes that say which protocol follows; IP says so itself.
        length = length.saturating_add(4);
    }
    if here.len() < length {
        return walk.short(Layered::JuniperEthernet, length);
    }
    walk.enter(Layered::JuniperEthernet, length);
    if flags & NO_LINK_HEADER != 0 { Next::AnyIp } else { Next::Frame }
}
