//! LLDP (IEEE 802.1AB): who the neighbour is; the elements of organizations are left out.
use std::fmt::Write as _;

use super::{
    describe::{Fields, Scene, colon_hex},
    read::{ipv4_at, ipv6_at, u8_at, u16_at, u32_at},
};
use crate::record::Value;

/// Elements looked at in one frame.
const MOST: usize = 64;

/// The elements: type and value.
fn elements(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let head = u16_at(rest, 0)?;
        let end = usize::from(head & 0x01ff).saturating_add(2);
        let value = rest.get(2..end)?;
        rest = rest.get(end..)?;
        Some((u8::try_from(head >> 9).unwrap_or_default(), value))
    })
    .take(MOST)
}

/// Fields of the frame.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let mut kinds = Vec::new();
    for (kind, value) in elements(scene.bytes) {
        kinds.push(Value::Number(kind.into()));
        let rest = value.get(1..).unwrap_or_default();
        match kind {
            1 => {
                fields.number("lldp.chassis.subtype", u8_at(value, 0));
                match (u8_at(value, 0), u8_at(rest, 0)) {
                    (Some(4), _) => fields.mac("lldp.chassis.id.mac", rest, 0),
                    (Some(5), Some(1)) => fields.text("lldp.chassis.id.ip4", ipv4_at(rest, 1)),
                    (Some(5), Some(2)) => fields.text("lldp.chassis.id.ip6", ipv6_at(rest, 1)),
                    (Some(5), _) => {}
                    _ => fields.bytes("lldp.chassis.id", rest),
                }
            }
            2 => {
                fields.number("lldp.port.subtype", u8_at(value, 0));
                match (u8_at(value, 0), u8_at(rest, 0)) {
                    (Some(3), _) => fields.mac("lldp.port.id.mac", rest, 0),
                    (Some(4), Some(1)) => fields.text("lldp.port.id.ip4", ipv4_at(rest, 1)),
                    (Some(4), Some(2)) => fields.text("lldp.port.id.ip6", ipv6_at(rest, 1)),
                    (Some(4), _) => {}
                    _ => fields.text("lldp.port.id", Some(words(rest))),
                }
            }
            3 => fields.number("lldp.time_to_live", u16_at(value, 0)),
            4 => fields.text("lldp.port.desc", Some(words(value))),
            5 => fields.text("lldp.tlv.system.name", Some(words(value))),
            6 => fields.text("lldp.tlv.system.desc", Some(words(value))),
            7 => {
                fields.number("lldp.tlv.system_cap", u16_at(value, 0));
                fields.number("lldp.tlv.enable_system_cap", u16_at(value, 2));
            }
            8 => management(fields, value),
            _ => {}
        }
    }
    fields.list("lldp.tlv.type", kinds);
}

/// An address under which the neighbour is managed.
fn management(fields: &mut Fields, value: &[u8]) {
    fields.number("lldp.mgn.address.subtype", u8_at(value, 1));
    match u8_at(value, 1) {
        Some(1) => fields.text("lldp.mgn.addr.ip4", ipv4_at(value, 2)),
        Some(2) => fields.text("lldp.mgn.addr.ip6", ipv6_at(value, 2)),
        _ => {}
    }
    let behind = usize::from(u8_at(value, 0).unwrap_or_default()).saturating_add(1);
    fields.number("lldp.mgn.interface.number", u32_at(value, behind.saturating_add(1)));
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// What the frame says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    for (kind, value) in elements(bytes) {
        let rest = value.get(1..).unwrap_or_default();
        match (kind, u8_at(value, 0)) {
            (1, Some(4)) => write!(line, "MA/{}", colon_hex(rest)).ok()?,
            (1, Some(7)) => write!(line, "LA/{}", words(rest)).ok()?,
            (1, _) => write!(line, "Chassis {}", words(rest)).ok()?,
            (2, Some(3)) => write!(line, " MA/{}", colon_hex(rest)).ok()?,
            (2, Some(5)) => write!(line, " IN/{}", words(rest)).ok()?,
            (2, _) => write!(line, " Port {}", words(rest)).ok()?,
            (3, _) => write!(line, " {}", u16_at(value, 0)?).ok()?,
            (5, _) => write!(line, " SysN={}", words(value)).ok()?,
            (6, _) => write!(line, " SysD={}", words(value)).ok()?,
            _ => {}
        }
    }
    Some(())
}
