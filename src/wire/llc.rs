//! IEEE 802.2 logical link control, with SNAP.
use super::{
    Layered, ethernet,
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Reads the header behind an IEEE 802.3 length field (or Linux's, or a radio's).
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    // Novell's raw 802.3 has no LLC header: IPX begins with a checksum that is never used.
    if here.starts_with(&[0xff, 0xff]) {
        walk.enter(Layered::Ipx, here.len().min(30));
        return Next::Done;
    }
    let (Some(destination), Some(source), Some(control)) = (u8_at(here, 0), u8_at(here, 1), u8_at(here, 2)) else {
        return walk.short(Layered::Llc, 3);
    };
    // Unnumbered frames have one byte of control, the others two.
    let unnumbered = control & 3 == 3;
    let length = if unnumbered { 3usize } else { 4 };
    if unnumbered && destination == 0xaa && source & 0xfe == 0xaa {
        return snap(walk, here);
    }
    if here.len() < length {
        return walk.short(Layered::Llc, length);
    }
    walk.enter(Layered::Llc, length);
    if unnumbered && control != 3 {
        return Next::Done;
    }
    let protocol = match destination & 0xfe {
        0x06 => return Next::EtherType(ethernet::IPV4),
        0x42 => Layered::Stp,
        0xe0 => Layered::Ipx,
        0xf0 => Layered::Netbios,
        0xfe => return osi(walk),
        _ => return walk.data(),
    };
    walk.message(protocol)
}

/// ISO's network layer protocols, told apart by their first byte.
fn osi<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let protocol = match walk.here().first() {
        Some(0x81) => Layered::Clnp,
        Some(0x82) => Layered::Esis,
        Some(0x83) => Layered::Isis,
        _ => return walk.data(),
    };
    walk.message(protocol)
}

/// SNAP: an organization and its protocol.
fn snap<V: Visitor>(walk: &mut Walk<'_, V>, here: &[u8]) -> Next {
    let (Some(organization), Some(protocol)) =
        (here.get(3..).and_then(|rest| rest.first_chunk::<3>().copied()), u16_at(here, 6))
    else {
        return walk.short(Layered::Llc, 8);
    };
    walk.enter(Layered::Llc, 8);
    let known = match (organization, protocol) {
        ([0, 0, 0] | [0, 0, 0xf8], protocol) if protocol >= ethernet::FIRST_ETHER_TYPE => {
            return Next::EtherType(protocol);
        }
        ([0, 0, 0x0c], 0x2000) => Layered::Cdp,
        ([0, 0, 0x0c], 0x2003) => Layered::Vtp,
        ([0, 0, 0x0c], 0x2004) => Layered::Dtp,
        ([0, 0, 0x0c], 0x0104) => Layered::Pagp,
        ([0, 0, 0x0c], 0x0111) => Layered::Udld,
        ([0, 0, 0x0c], 0x010b) => Layered::Stp,
        _ => return walk.data(),
    };
    walk.message(known)
}
