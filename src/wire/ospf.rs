//! OSPF versions 2 and 3 (RFC 2328, RFC 5340): the header and the Hello. Link states are counted, not taken apart.
use std::fmt::Write as _;

use super::{
    describe::{Fields, Scene},
    read::{ipv4_at, u8_at, u16_at, u32_at},
};
use crate::record::Value;

/// Neighbours listed of one Hello: what fits into a packet of 1500 bytes.
const MOST: usize = 370;

fn name(message_type: u8) -> Option<&'static str> {
    Some(match message_type {
        1 => "Hello",
        2 => "DB Description",
        3 => "LS Request",
        4 => "LS Update",
        5 => "LS Acknowledge",
        _ => return None,
    })
}

/// Length of the header.
fn header_length(version: Option<u8>) -> usize {
    if version == Some(3) { 16 } else { 24 }
}

/// Fields of the header and of a Hello.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let version = u8_at(bytes, 0);
    fields.number("ospf.version", version);
    fields.number("ospf.msg", u8_at(bytes, 1));
    fields.number("ospf.packet_length", u16_at(bytes, 2));
    fields.text("ospf.srcrouter", ipv4_at(bytes, 4));
    fields.text("ospf.area_id", ipv4_at(bytes, 8));
    fields.number("ospf.checksum", u16_at(bytes, 12));
    if version == Some(3) {
        fields.number("ospf.instance_id", u8_at(bytes, 14));
    } else {
        let kind = u16_at(bytes, 14);
        fields.number("ospf.auth.type", kind);
        if kind == Some(2) {
            fields.number("ospf.auth.crypt.key_id", u8_at(bytes, 18));
            fields.number("ospf.auth.crypt.data_length", u8_at(bytes, 19));
            fields.number("ospf.auth.crypt.seq_nbr", u32_at(bytes, 20));
        }
    }
    let length = usize::from(u16_at(bytes, 2).unwrap_or_default()).min(bytes.len());
    let body = bytes.get(header_length(version)..length).unwrap_or_default();
    match u8_at(bytes, 1) {
        Some(1) => hello(fields, body, version),
        Some(2) => {
            let sequence_at = if version == Some(3) { 8 } else { 4 };
            let mtu_at = if version == Some(3) { 4 } else { 0 };
            fields.number("ospf.db.interface_mtu", u16_at(body, mtu_at));
            fields.number("ospf.db.dd_sequence", u32_at(body, sequence_at));
        }
        Some(4) => fields.number("ospf.ls.number_of_lsas", u32_at(body, 0)),
        _ => {}
    }
}

fn hello(fields: &mut Fields, body: &[u8], version: Option<u8>) {
    if version == Some(3) {
        fields.number("ospf.hello.interface_id", u32_at(body, 0));
        fields.number("ospf.hello.router_priority", u8_at(body, 4));
        fields.number("ospf.hello.hello_interval", u16_at(body, 8));
        fields.number("ospf.hello.router_dead_interval", u16_at(body, 10));
    } else {
        fields.text("ospf.hello.network_mask", ipv4_at(body, 0));
        fields.number("ospf.hello.hello_interval", u16_at(body, 4));
        fields.number("ospf.hello.router_priority", u8_at(body, 7));
        fields.number("ospf.hello.router_dead_interval", u32_at(body, 8));
    }
    fields.text("ospf.hello.designated_router", ipv4_at(body, 12));
    fields.text("ospf.hello.backup_designated_router", ipv4_at(body, 16));
    let neighbors = (0..MOST).map_while(|place| ipv4_at(body, place.saturating_mul(4).saturating_add(20)));
    let neighbors = neighbors.map(|router| Value::Text(router.to_string())).collect();
    fields.list("ospf.hello.active_neighbor", neighbors);
}

/// What the packet says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (version, message_type) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let (router, area) = (ipv4_at(bytes, 4)?, ipv4_at(bytes, 8)?);
    match name(message_type) {
        Some(name) => write!(line, "{name}, router {router}, area {area}").ok()?,
        None => write!(line, "OSPF v{version} type {message_type}").ok()?,
    }
    let length = usize::from(u16_at(bytes, 2)?);
    let body = bytes.get(header_length(Some(version))..length.min(bytes.len()))?;
    match message_type {
        1 => {
            let (designated, backup) = (ipv4_at(body, 12)?, ipv4_at(body, 16)?);
            if !designated.is_unspecified() {
                write!(line, ", DR {designated}").ok()?;
            }
            if !backup.is_unspecified() {
                write!(line, ", BDR {backup}").ok()?;
            }
            let neighbors = body.len().saturating_sub(20) / 4;
            write!(line, ", {neighbors} neighbor{}", if neighbors == 1 { "" } else { "s" }).ok()
        }
        4 => write!(line, ", {} LSAs", u32_at(body, 0)?).ok(),
        _ => Some(()),
    }
}
