//! PIM version 2 (RFC 7761): the header and the options of a Hello.
use std::fmt::Write as _;

use super::{
    ChecksumStatus, Sum,
    describe::{Fields, Scene},
    read::{u8_at, u16_at, u32_at},
};

/// The protocol number of IP.
const NUMBER: u8 = 103;
/// Type of a Register: its checksum is over the first eight bytes only (RFC 7761 section 4.9).
const REGISTER: u8 = 1;

fn name(message_type: u8) -> Option<&'static str> {
    Some(match message_type {
        0 => "Hello",
        1 => "Register",
        2 => "Register-stop",
        3 => "Join/Prune",
        4 => "Bootstrap",
        5 => "Assert",
        6 => "Graft",
        7 => "Graft-Ack",
        8 => "Candidate-RP-Advertisement",
        9 => "State-Refresh",
        10 => "DF election",
        _ => return None,
    })
}

/// Fields of the message.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let first = u8_at(bytes, 0);
    fields.number("pim.version", first.map(|first| first >> 4));
    fields.number("pim.type", first.map(|first| first & 15));
    fields.number("pim.cksum", u16_at(bytes, 2));
    fields.status("pim.cksum.status", checksum(scene));
    if first != Some(0x20) {
        return;
    }
    let mut rest = bytes.get(4..).unwrap_or_default();
    while let (Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let Some(value) = rest.get(4..usize::from(length).saturating_add(4)) else { break };
        match kind {
            1 => fields.number("pim.holdtime", u16_at(value, 0)),
            19 => fields.number("pim.dr_priority", u32_at(value, 0)),
            20 => fields.number("pim.generation_id", u32_at(value, 0)),
            _ => {}
        }
        rest = rest.get(usize::from(length).saturating_add(4)..).unwrap_or_default();
    }
}

fn checksum(scene: &Scene<'_>) -> ChecksumStatus {
    let bytes = scene.bytes;
    let Some(addresses) = scene.addresses.filter(|_| u8_at(bytes, 0).is_some_and(|first| first >> 4 == 2)) else {
        return ChecksumStatus::Unverified;
    };
    let is_register = u8_at(bytes, 0).is_some_and(|first| first & 15 == REGISTER);
    let start = if addresses.0.is_ipv6() { scene.pseudo_header(addresses, NUMBER) } else { Sum::new() };
    match bytes.get(..8) {
        Some(header) if is_register && !scene.quoted && start.add_bytes(header).is_good() => ChecksumStatus::Good,
        _ => scene.plain_checksum(start),
    }
}

/// What the message says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let first = u8_at(bytes, 0)?;
    match name(first & 15) {
        Some(name) => write!(line, "{name} (PIM v{})", first >> 4).ok(),
        None => write!(line, "PIM v{} type {}", first >> 4, first & 15).ok(),
    }
}
