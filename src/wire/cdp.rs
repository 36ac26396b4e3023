//! Cisco's discovery protocol: who the neighbour is.
use std::fmt::Write as _;

use super::{
    describe::{Fields, Scene},
    read::{u8_at, u16_at, u32_at},
};
use crate::record::Value;

/// Elements looked at in one frame.
const MOST: usize = 64;

/// The elements: type and value, behind version, time to live and checksum.
fn elements(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes.get(4..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        let value = rest.get(4..length)?;
        rest = rest.get(length..)?;
        Some((kind, value))
    })
    .take(MOST)
}

/// Fields of the frame.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("cdp.version", u8_at(bytes, 0));
    fields.number("cdp.ttl", u8_at(bytes, 1));
    fields.number("cdp.checksum", u16_at(bytes, 2));
    let kinds = elements(bytes).map(|(kind, _)| Value::Number(kind.into())).collect();
    fields.list("cdp.tlv.type", kinds);
    for (kind, value) in elements(bytes) {
        match kind {
            1 => fields.text("cdp.deviceid", Some(words(value))),
            3 => fields.text("cdp.portid", Some(words(value))),
            4 => fields.number("cdp.capabilities", u32_at(value, 0)),
            5 => fields.text("cdp.software_version", Some(words(value))),
            6 => fields.text("cdp.platform", Some(words(value))),
            9 => fields.text("cdp.vtp_management_domain", Some(words(value))),
            10 => fields.number("cdp.native_vlan", u16_at(value, 0)),
            11 => fields.flag("cdp.duplex", u8_at(value, 0).is_some_and(|duplex| duplex != 0)),
            _ => {}
        }
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// What the frame says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    for (kind, value) in elements(bytes) {
        match kind {
            1 => write!(line, "Device ID: {}  ", words(value)).ok()?,
            3 => write!(line, "Port ID: {}  ", words(value)).ok()?,
            _ => {}
        }
    }
    line.truncate(line.trim_end().len());
    Some(())
}
