//! Tunnels over UDP: VXLAN (RFC 7348, GPE), Geneve (RFC 8926), GTP-U (3GPP TS 29.281), Teredo (RFC 4380), L2TP
//! (RFC 2661), AYIYA, CAPWAP (RFC 5415), GRE and MPLS in UDP (RFC 8086, RFC 7510).
//!
//! A port alone proves nothing: a header must look right, else the datagram stays an ordinary one.
use super::{
    Layered, dot11, ethernet, gre, mpls, ppp,
    read::{u8_at, u16_at, u32_at},
    walk::{Next, Visitor, Walk},
};

/// Looks into a datagram whose header was just read.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>, source_port: u16, destination_port: u16) -> Next {
    // The destination says what the receiver will take it for; the source only does when both ends use the port.
    match destination_port {
        4789 => vxlan(walk),
        4790 => vxlan_gpe(walk),
        6081 => geneve(walk),
        2152 => gtp(walk),
        3544 => teredo(walk),
        1701 => l2tp(walk),
        5072 => ayiya(walk),
        5247 => capwap(walk),
        4754 => gre::walk(walk),
        6635 => mpls::walk(walk),
        4341 => lisp(walk),
        4500 => ipsec(walk),
        _ => match source_port {
            2152 => gtp(walk),
            3544 => teredo(walk),
            1701 => l2tp(walk),
            5072 => ayiya(walk),
            5247 => capwap(walk),
            4341 => lisp(walk),
            4500 => ipsec(walk),
            _ => Next::Done,
        },
    }
}

fn vxlan<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const VALID_IDENTIFIER: u8 = 0x08;
    let here = walk.here();
    if here.len() < 8 || u8_at(here, 0).is_none_or(|flags| flags & VALID_IDENTIFIER == 0) {
        return Next::Done;
    }
    if !walk.tunnel(Layered::Vxlan) {
        return Next::Done;
    }
    walk.enter(Layered::Vxlan, 8);
    Next::Frame
}

fn vxlan_gpe<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let next = match (u8_at(here, 0), u8_at(here, 3)) {
        (Some(flags), Some(protocol)) if flags & 0x0c == 0x0c => match protocol {
            1 => Next::EtherType(ethernet::IPV4),
            2 => Next::EtherType(ethernet::IPV6),
            3 => Next::Frame,
            4 => Next::EtherType(ethernet::NSH),
            5 => Next::EtherType(ethernet::MPLS),
            _ => return Next::Done,
        },
        _ => return Next::Done,
    };
    if here.len() < 8 || !walk.tunnel(Layered::Vxlan) {
        return Next::Done;
    }
    walk.enter(Layered::Vxlan, 8);
    next
}

fn geneve<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (Some(first), Some(protocol)) = (u8_at(here, 0), u16_at(here, 2)) else { return Next::Done };
    let length = usize::from(first & 0x3f).saturating_mul(4).saturating_add(8);
    if first >> 6 != 0 || here.len() < length || !walk.tunnel(Layered::Geneve) {
        return Next::Done;
    }
    walk.enter(Layered::Geneve, length);
    if protocol == ethernet::TRANSPARENT_BRIDGING { Next::Frame } else { Next::EtherType(protocol) }
}

fn gtp<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    /// A message that carries a user's packet.
    const G_PDU: u8 = 255;
    let here = walk.here();
    let (Some(flags), Some(message_type), Some(length)) = (u8_at(here, 0), u8_at(here, 1), u16_at(here, 2)) else {
        return Next::Done;
    };
    // Version 1, protocol type GTP.
    if flags & 0xf0 != 0x30 || here.len() < 8 {
        return Next::Done;
    }
    let mut header = 8usize;
    if flags & 7 != 0 {
        header = 12;
        let mut extension = if flags & 4 != 0 { u8_at(here, 11).unwrap_or_default() } else { 0 };
        while extension != 0 {
            let Some(units) = u8_at(here, header).filter(|units| *units > 0) else { return Next::Done };
            header = header.saturating_add(usize::from(units).saturating_mul(4));
            let Some(following) = u8_at(here, header.saturating_sub(1)) else { return Next::Done };
            extension = following;
        }
    }
    if here.len() < header {
        return Next::Done;
    }
    walk.limit(usize::from(length).saturating_add(8));
    if message_type != G_PDU {
        walk.enter(Layered::Gtp, header);
        return Next::Done;
    }
    if !walk.tunnel(Layered::Gtp) {
        return Next::Done;
    }
    walk.enter(Layered::Gtp, header);
    Next::AnyIp
}

fn teredo<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let mut header = 0usize;
    // Authentication, then origin, then the packet (RFC 4380 section 5.1.1); bubbles end with the IPv6 header.
    if here.starts_with(&[0, 1]) {
        let lengths = u8_at(here, 2).zip(u8_at(here, 3));
        let Some((identifier, value)) = lengths else { return Next::Done };
        header = 13usize.saturating_add(usize::from(identifier)).saturating_add(usize::from(value));
    }
    if here.get(header..).is_some_and(|rest| rest.starts_with(&[0, 0])) {
        header = header.saturating_add(8);
    }
    if u8_at(here, header).is_none_or(|first| first >> 4 != 6) || here.len() < header.saturating_add(40) {
        return Next::Done;
    }
    if !walk.tunnel(Layered::Teredo) {
        return Next::Done;
    }
    walk.enter(Layered::Teredo, header);
    Next::EtherType(ethernet::IPV6)
}

/// Anything In Anything (draft-massar-v6ops-ayiya): identity and signature are as long as the header says.
fn ayiya<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const FORWARD: u8 = 1;
    const LAST_OPERATION: u8 = 7;
    const NO_NEXT_HEADER: u8 = 59;
    let here = walk.here();
    let (Some(identity), Some(signature), Some(code), Some(number)) =
        (u8_at(here, 0), u8_at(here, 1), u8_at(here, 2), u8_at(here, 3))
    else {
        return Next::Done;
    };
    let identity_length = 1usize << (identity >> 4);
    let header = identity_length.saturating_add(usize::from(signature >> 4).saturating_mul(4)).saturating_add(8);
    if here.len() >= header && number == NO_NEXT_HEADER && code & 15 <= LAST_OPERATION {
        // A heartbeat, or a question of the tunnel's ends.
        return walk.message(Layered::Ayiya);
    }
    if code & 15 != FORWARD || number != 41 || here.len() < header || !walk.tunnel(Layered::Ayiya) {
        return Next::Done;
    }
    walk.enter(Layered::Ayiya, header);
    Next::EtherType(ethernet::IPV6)
}

/// CAPWAP's data channel (RFC 5415 section 4.3): a frame of an access point, as it was in the air or as Ethernet.
fn capwap<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const NATIVE: u32 = 0x100;
    const FRAGMENT: u32 = 0x80;
    const KEEP_ALIVE: u32 = 0x08;
    const IEEE_80211: u32 = 1;
    let here = walk.here();
    // Version 0 and type 0: not encrypted by DTLS. Then lengths, identifiers and flags in 24 bits.
    let Some(word) = u32_at(here, 0).filter(|word| word >> 24 == 0) else { return Next::Done };
    let length = usize::try_from(word >> 19 & 0x1f).unwrap_or_default().saturating_mul(4);
    if length < 8 || here.len() < length || !walk.tunnel(Layered::Capwap) {
        return Next::Done;
    }
    walk.enter(Layered::Capwap, length);
    if word & (FRAGMENT | KEEP_ALIVE) != 0 {
        return walk.data();
    }
    match (word & NATIVE != 0, word >> 9 & 0x1f) {
        (false, _) => Next::Frame,
        (true, IEEE_80211) => dot11::walk(walk),
        (true, _) => walk.data(),
    }
}

fn l2tp<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let here = walk.here();
    let Some(flags) = u16_at(here, 0) else { return Next::Done };
    match flags & 0x000f {
        2 => {}
        3 if flags & CONTROL != 0 && here.len() >= 12 => {
            walk.enter(Layered::L2tp, 12);
            return Next::Done;
        }
        3 => return l2tp_data(walk, 8),
        _ => return Next::Done,
    }
    let mut header = 6usize;
    if flags & LENGTH != 0 {
        header = header.saturating_add(2);
    }
    if flags & SEQUENCE != 0 {
        header = header.saturating_add(4);
    }
    if flags & OFFSET != 0 {
        let Some(padding) = u16_at(here, header) else { return Next::Done };
        header = header.saturating_add(2).saturating_add(usize::from(padding));
    }
    if here.len() < header {
        return Next::Done;
    }
    if flags & CONTROL != 0 {
        walk.enter(Layered::L2tp, header);
        return Next::Done;
    }
    if !walk.tunnel(Layered::L2tp) {
        return Next::Done;
    }
    walk.enter(Layered::L2tp, header);
    ppp::walk(walk)
}

/// A data message of L2TP version 3 (RFC 3931 section 4.1): behind the session come a cookie and a sublayer of which only the
/// two ends know the lengths. What is read must look like an Ethernet frame with something known in it.
pub(super) fn l2tp_data<V: Visitor>(walk: &mut Walk<'_, V>, session_end: usize) -> Next {
    let here = walk.here();
    let is_frame = |start: usize| {
        let first = u8_at(here, start.saturating_add(14)).map(|byte| byte >> 4);
        match u16_at(here, start.saturating_add(12)) {
            Some(ethernet::IPV4) => first == Some(4),
            Some(ethernet::IPV6) => first == Some(6),
            Some(ethernet::ARP) => u16_at(here, start.saturating_add(16)) == Some(ethernet::IPV4),
            Some(ethernet::VLAN) => true,
            _ => false,
        }
    };
    let starts = [0usize, 4, 8, 12].map(|more| session_end.saturating_add(more));
    let Some(start) = starts.into_iter().find(|start| is_frame(*start)) else { return Next::Done };
    if !walk.tunnel(Layered::L2tp) {
        return Next::Done;
    }
    walk.enter(Layered::L2tp, start);
    Next::Frame
}

/// LISP (RFC 9300 section 5): eight bytes, then an IP packet.
fn lisp<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const LENGTH: usize = 8;
    let version = u8_at(walk.here(), LENGTH).map(|first| first >> 4);
    if !matches!(version, Some(4 | 6)) || !walk.tunnel(Layered::Lisp) {
        return Next::Done;
    }
    walk.enter(Layered::Lisp, LENGTH);
    Next::AnyIp
}

/// IPsec in UDP (RFC 3948): a byte that keeps a NAT's mapping alive, a message of IKE behind four zero bytes, or ESP, which
/// is whole words.
fn ipsec<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    /// Numbers below are IANA's (RFC 4303 section 2.1).
    const FIRST_INDEX: u32 = 256;
    /// Header, one block, and the shortest check value.
    const SHORTEST: usize = 8 + 8 + 8;
    /// Four zero bytes: a message of IKE follows, with a header of 28.
    const MARKER: usize = 4;
    let here = walk.here();
    let length = walk.wire_left();
    if length == 1 && here == [0xff] {
        walk.enter(Layered::UdpEncapsulation, 1);
        return Next::Done;
    }
    if u32_at(here, 0) == Some(0) && length >= MARKER.saturating_add(28) {
        walk.enter(Layered::UdpEncapsulation, MARKER);
        return Next::Done;
    }
    if u32_at(here, 0).is_none_or(|index| index < FIRST_INDEX) || length < SHORTEST || !length.is_multiple_of(4) {
        return Next::Done;
    }
    walk.enter(Layered::UdpEncapsulation, 0);
    walk.message(Layered::Esp)
}
