//! Headers of provider and data centre networks between Ethernet and IP: NSH (RFC 8300), MACsec (IEEE 802.1AE),
//! provider backbone bridges (IEEE 802.1ah), Cisco's FabricPath and VN-Tag.
use super::{
    Layered, ethernet,
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Network Service Header.
pub(super) fn walk_nsh<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (Some(words), Some(protocol)) = (u8_at(here, 1), u8_at(here, 3)) else {
        return walk.short(Layered::Nsh, 8);
    };
    let length = usize::from(words & 0x3f).saturating_mul(4).max(8);
    if here.len() < length {
        return walk.short(Layered::Nsh, length);
    }
    walk.enter(Layered::Nsh, length);
    match protocol {
        1 => Next::EtherType(ethernet::IPV4),
        2 => Next::EtherType(ethernet::IPV6),
        3 => Next::Frame,
        4 => Next::EtherType(ethernet::NSH),
        5 => Next::EtherType(ethernet::MPLS),
        _ => walk.data(),
    }
}

/// MACsec's SecTAG; frames that are only authenticated are read on, without their check value.
pub(super) fn walk_macsec<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    const CHANNEL_IDENTIFIER: u8 = 0x20;
    const CHECK_VALUE_LENGTH: usize = 16;
    let here = walk.here();
    let Some(control) = here.first().copied() else {
        return walk.short(Layered::Macsec, 6);
    };
    let length = if control & CHANNEL_IDENTIFIER != 0 { 14usize } else { 6 };
    if here.len() < length {
        return walk.short(Layered::Macsec, length);
    }
    let ether_type = u16_at(here, length).filter(|_| control & ENCRYPTED_OR_CHANGED == 0);
    let Some(ether_type) = ether_type else {
        walk.enter(Layered::Macsec, length);
        return Next::Done;
    };
    walk.limit(walk.wire_left().saturating_sub(CHECK_VALUE_LENGTH));
    walk.enter(Layered::Macsec, length.saturating_add(2));
    Next::EtherType(ether_type)
}

/// The service tag of IEEE 802.1ah: flags and service, customer's addresses, EtherType.
pub(super) fn walk_backbone<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some(ether_type) = u16_at(walk.here(), 16) else {
        return walk.short(Layered::Ieee8021ah, 18);
    };
    walk.enter(Layered::Ieee8021ah, 18);
    Next::EtherType(ether_type)
}

/// FabricPath's tag behind its EtherType: tree and time to live.
pub(super) fn walk_fabric_path<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    if walk.here().len() < 2 {
        return walk.short(Layered::FabricPath, 2);
    }
    // What looks like Ethernet in front of the tag is FabricPath's own.
    walk.decoded.path.replace_last(Layered::FabricPath);
    walk.enter_unnamed(Layered::FabricPath, 2);
    Next::Frame
}

/// VN-Tag: interfaces, then an EtherType.
pub(super) fn walk_vntag<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some(ether_type) = u16_at(walk.here(), 4) else {
        return walk.short(Layered::Vntag, 6);
    };
    walk.enter(Layered::Vntag, 6);
    Next::EtherType(ether_type)
}
