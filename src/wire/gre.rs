//! GRE (RFC 2784, RFC 2890), its version 1 for PPTP (RFC 2637), and ERSPAN inside it.
use super::{
    Layered, Violation, dot11, ethernet, ppp,
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;

/// Reads the header and enters the tunnel.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (Some(flags), Some(protocol)) = (u16_at(here, 0), u16_at(here, 2)) else {
        return walk.short(Layered::Gre, 4);
    };
    let version = flags & VERSION;
    if version > 1 {
        return walk.invalid(Layered::Gre, Violation::GreVersion);
    }
    let mut length = 4usize;
    for present in [
        flags & (CHECKSUM | ROUTING) != 0,
        flags & KEY != 0,
        flags & SEQUENCE != 0,
        version == 1 && flags & ACKNOWLEDGMENT != 0,
    ] {
        length = length.saturating_add(if present { 4 } else { 0 });
    }
    if version == 0 && flags & ROUTING != 0 {
        // Source route entries (RFC 1701): family, offset, length, route; the last one is all zero.
        while let (Some(family), Some(entry)) = (u16_at(here, length), u8_at(here, length.saturating_add(3))) {
            length = length.saturating_add(4).saturating_add(usize::from(entry));
            if family == 0 && entry == 0 {
                break;
            }
        }
    }
    if here.len() < length {
        return walk.short(Layered::Gre, length);
    }
    if version == 1
        && let Some(payload) = u16_at(here, 4)
    {
        walk.limit(length.saturating_add(usize::from(payload)));
    }
    walk.enter(Layered::Gre, length);
    if walk.here().is_empty() {
        return Next::Done;
    }
    if !walk.tunnel(Layered::Gre) {
        return Next::Done;
    }
    match protocol {
        0x880b => ppp::walk(walk),
        ethernet::TRANSPARENT_BRIDGING => Next::Frame,
        // RSPAN type I has no header of its own, type II comes with a sequence number.
        0x88be => erspan(walk, if flags & SEQUENCE != 0 { 8 } else { 0 }),
        0x22eb => erspan(walk, 12),
        // WCCP version 2 puts a redirect header in front of the IP packet, which never begins with a 4.
        0x883e => {
            if walk.here().first().is_some_and(|first| first >> 4 != 4) {
                walk.at = walk.at.saturating_add(4).min(walk.end);
            }
            Next::EtherType(ethernet::IPV4)
        }
        // Aruba's access points send what was in the air, to their controller.
        0x8200..=0x83f0 | 0x9000 if protocol & 0x000f == 0 => dot11::walk(walk),
        0x2001 => walk.message(Layered::Nhrp),
        _ => Next::EtherType(protocol),
    }
}

/// A mirrored frame; type III may have eight more bytes.
fn erspan<V: Visitor>(walk: &mut Walk<'_, V>, length: usize) -> Next {
    let here = walk.here();
    let more = length == 12 && u8_at(here, 11).is_some_and(|last| last & 1 == 1);
    let length = if more { 20 } else { length };
    if here.len() < length {
        return walk.short(Layered::Erspan, length);
    }
    walk.enter(Layered::Erspan, length);
    Next::Frame
}
