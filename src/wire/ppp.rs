//! PPP (RFC 1661), PPP over Ethernet (RFC 2516) and Cisco HDLC.
use super::{
    Layered, Violation, ethernet,
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Address and control field of PPP in HDLC-like framing (RFC 1662).
const ADDRESS_AND_CONTROL: [u8; 2] = [0xff, 0x03];

/// A packet of a serial link: PPP in HDLC-like framing, bare PPP, or Cisco HDLC.
pub(super) fn walk_link<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    match walk.here() {
        [0x0f | 0x8f, 0, ..] => walk_chdlc(walk),
        _ => self::walk(walk),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn walk_chdlc<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    /// Cisco's address resolution, which only looks like RARP's EtherType.
    const SLARP: u16 = 0x8035;
    let Some(protocol) = u16_at(walk.here(), 2) else {
        return walk.short(Layered::Chdlc, 4);
    };
    walk.enter(Layered::Chdlc, 4);
    match protocol {
        SLARP | 0x2000 => {
            let named = if protocol == SLARP { Layered::Slarp } else { Layered::Cdp };
            walk.message(named)
        }
        _ => Next::EtherType(protocol),
    }
}

/// PPP with or without address and control, the protocol field compressed or not.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let skipped = if here.starts_with(&ADDRESS_AND_CONTROL) { 2usize } else { 0 };
    let Some(first) = u8_at(here, skipped) else {
        return walk.short(Layered::Ppp, skipped.saturating_add(2));
    };
    // Only the last byte of the field is odd.
    let (protocol, length) = if first & 1 == 1 {
        (u16::from(first), 1)
    } else {
        match u16_at(here, skipped) {
            Some(protocol) => (protocol, 2),
            None => return walk.short(Layered::Ppp, skipped.saturating_add(2)),
        }
    };
    walk.enter(Layered::Ppp, skipped.saturating_add(length));
    let control = match protocol {
        0x0021 => return Next::EtherType(ethernet::IPV4),
        0x0057 => return Next::EtherType(ethernet::IPV6),
        0x0281 => return Next::EtherType(ethernet::MPLS),
        0x0283 => return Next::EtherType(ethernet::MPLS_UPSTREAM),
        0xc021 => Layered::Lcp,
        0xc023 => Layered::Pap,
        0xc223 => Layered::Chap,
        0x8021 => Layered::Ipcp,
        0x8057 => Layered::Ipv6cp,
        0x80fd => Layered::Ccp,
        _ => return walk.data(),
    };
    walk.message(control)
}

/// A PPPoE session packet.
pub(super) fn walk_session<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some((version, length)) = pppoe_header(walk.here()) else {
        return walk.short(Layered::PppoeSession, 6);
    };
    if version != 0x11 {
        return walk.invalid(Layered::PppoeSession, Violation::Header);
    }
    walk.limit(length.saturating_add(6));
    walk.enter(Layered::PppoeSession, 6);
    self::walk(walk)
}

/// A PPPoE discovery packet.
pub(super) fn walk_discovery<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some((_, length)) = pppoe_header(walk.here()) else {
        return walk.short(Layered::PppoeDiscovery, 6);
    };
    walk.limit(length.saturating_add(6));
    walk.enter(Layered::PppoeDiscovery, 6);
    Next::Done
}

/// Version with type, and the length of the payload.
fn pppoe_header(here: &[u8]) -> Option<(u8, usize)> {
    Some((u8_at(here, 0)?, usize::from(u16_at(here, 4)?)))
}
