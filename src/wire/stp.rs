//! Spanning tree: STP, RSTP, MSTP (IEEE 802.1D, 802.1w, 802.1Q), and Cisco's per-VLAN kind.
use std::fmt::Write as _;

use super::{
    describe::{Fields, Scene, colon_hex},
    read::{u8_at, u16_at, u32_at},
};

/// Type of a topology change notification.
const TOPOLOGY_CHANGE: u8 = 0x80;

/// Fields of the BPDU.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("stp.protocol", u16_at(bytes, 0));
    fields.number("stp.version", u8_at(bytes, 2));
    let kind = u8_at(bytes, 3);
    fields.number("stp.type", kind);
    if kind == Some(TOPOLOGY_CHANGE) {
        return;
    }
    let flags = u8_at(bytes, 4);
    fields.number("stp.flags", flags);
    fields.bit("stp.flags.tcack", flags, 0x80);
    if kind == Some(2) {
        fields.bit("stp.flags.agreement", flags, 0x40);
        fields.bit("stp.flags.forwarding", flags, 0x20);
        fields.bit("stp.flags.learning", flags, 0x10);
        fields.number("stp.flags.port_role", flags.map(|flags| flags >> 2 & 3));
        fields.bit("stp.flags.proposal", flags, 0x02);
    }
    fields.bit("stp.flags.tc", flags, 0x01);
    bridge(fields, bytes, 5, ["stp.root.prio", "stp.root.ext", "stp.root.hw"]);
    fields.number("stp.root.cost", u32_at(bytes, 13));
    bridge(fields, bytes, 17, ["stp.bridge.prio", "stp.bridge.ext", "stp.bridge.hw"]);
    fields.number("stp.port", u16_at(bytes, 25));
    for (name, at) in [("stp.msg_age", 27), ("stp.max_age", 29), ("stp.hello", 31), ("stp.forward", 33)] {
        fields.seconds(name, u16_at(bytes, at).map(|units| f64::from(units) / 256.0));
    }
    if kind == Some(2) {
        fields.number("stp.version_1_length", u8_at(bytes, 35));
    }
}

/// A bridge's identifier: priority, system extension, address.
fn bridge(fields: &mut Fields, bytes: &[u8], at: usize, [priority, extension, address]: [&'static str; 3]) {
    let number = u16_at(bytes, at);
    fields.number(priority, number.map(|number| number & 0xf000));
    fields.number(extension, number.map(|number| number & 0x0fff));
    fields.mac(address, bytes, at.saturating_add(2));
}

/// What the BPDU says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (version, kind) = (u8_at(bytes, 2)?, u8_at(bytes, 3)?);
    if kind == TOPOLOGY_CHANGE {
        return write!(line, "Topology Change Notification").ok();
    }
    let name = match (version, kind) {
        (0, _) => "Conf.",
        (2, _) => "RST.",
        (3 | 4, _) => "MST.",
        _ => "BPDU",
    };
    let flags = u8_at(bytes, 4)?;
    let number = u16_at(bytes, 5)?;
    let root = colon_hex(bytes.get(7..13)?);
    let (cost, port) = (u32_at(bytes, 13)?, u16_at(bytes, 25)?);
    let change = if flags & 1 != 0 { "TC + " } else { "" };
    write!(line, "{name} {change}Root = {}/{}/{root}", number & 0xf000, number & 0x0fff).ok()?;
    write!(line, "  Cost = {cost}  Port = {port:#06x}").ok()
}
