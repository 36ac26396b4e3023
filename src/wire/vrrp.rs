//! VRRP, versions 2 and 3 (RFC 3768, RFC 9568).
use std::fmt::Write as _;

use super::{
    ChecksumStatus, Sum,
    describe::{Fields, Scene},
    read::{ipv4_at, ipv6_at, u8_at, u16_at},
};
use crate::record::Value;

/// The protocol number of IP.
const NUMBER: u8 = 112;

/// Fields of the advertisement.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let first = u8_at(bytes, 0);
    let version = first.map(|first| first >> 4);
    fields.number("vrrp.version", version);
    fields.number("vrrp.type", first.map(|first| first & 15));
    fields.number("vrrp.virt_rtr_id", u8_at(bytes, 1));
    fields.number("vrrp.prio", u8_at(bytes, 2));
    let count = u8_at(bytes, 3);
    fields.number("vrrp.addr_count", count);
    let is_ipv6 = scene.addresses.is_some_and(|(source, _)| source.is_ipv6());
    if version == Some(3) {
        fields.number("vrrp.reserved_mbz", u8_at(bytes, 4).map(|byte| byte >> 4));
        fields.number("vrrp.short_adver_int", u16_at(bytes, 4).map(|interval| interval & 0x0fff));
    } else {
        fields.number("vrrp.auth_type", u8_at(bytes, 4));
        fields.number("vrrp.adver_int", u8_at(bytes, 5));
    }
    fields.number("vrrp.checksum", u16_at(bytes, 6));
    fields.status("vrrp.checksum.status", checksum(scene, version));
    let count = usize::from(count.unwrap_or_default());
    let at = |place: usize, width: usize| place.saturating_mul(width).saturating_add(8);
    if is_ipv6 {
        let addresses = (0..count).map_while(|place| ipv6_at(bytes, at(place, 16)));
        fields.list("vrrp.ipv6_addr", addresses.map(|address| Value::Text(address.to_string())).collect());
    } else {
        let addresses = (0..count).map_while(|place| ipv4_at(bytes, at(place, 4)));
        fields.list("vrrp.ip_addr", addresses.map(|address| Value::Text(address.to_string())).collect());
    }
}

/// Version 3 sums the pseudo header too, version 2 the message alone.
fn checksum(scene: &Scene<'_>, version: Option<u8>) -> ChecksumStatus {
    match (version, scene.addresses) {
        (Some(2), _) => scene.plain_checksum(Sum::new()),
        (Some(3), Some(addresses)) => {
            let with = scene.plain_checksum(scene.pseudo_header(addresses, NUMBER));
            // Some senders of version 3 over IPv4 leave the pseudo header out, as version 2 did.
            match (with, addresses.0.is_ipv4()) {
                (ChecksumStatus::Bad, true) => scene.plain_checksum(Sum::new()),
                (status, _) => status,
            }
        }
        _ => ChecksumStatus::Unverified,
    }
}

/// What the advertisement says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (first, group, priority) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?, u8_at(bytes, 2)?);
    if first & 15 != 1 {
        return write!(line, "VRRP version {}, type {}", first >> 4, first & 15).ok();
    }
    write!(line, "Announcement (v{}), virtual router {group}, priority {priority}", first >> 4).ok()?;
    match priority {
        0 => write!(line, " (the master resigns)").ok(),
        255 => write!(line, " (owner of the address)").ok(),
        _ => Some(()),
    }
}
