//! The slow protocols of IEEE 802.3: LACP (IEEE 802.1AX), and the names of the others.
use std::fmt::Write as _;

use super::{
    Layered,
    describe::{Fields, Scene, colon_hex},
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Reads the subtype and names what follows.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Some(subtype) = u8_at(walk.here(), 0) else {
        return walk.short(Layered::Slow, 1);
    };
    walk.enter(Layered::Slow, 1);
    let protocol = match subtype {
        1 => Layered::Lacp,
        2 => Layered::Marker,
        3 => Layered::Oampdu,
        10 => Layered::Ossp,
        _ => return walk.data(),
    };
    walk.message(protocol)
}

/// Names of one side's fields, in order.
struct Names {
    priority: &'static str,
    system: &'static str,
    key: &'static str,
    port_priority: &'static str,
    port: &'static str,
    state: &'static str,
    bits: [&'static str; 8],
}

static ACTOR: Names = Names {
    priority: "lacp.actor.sys_priority",
    system: "lacp.actor.sysid",
    key: "lacp.actor.key",
    port_priority: "lacp.actor.port_priority",
    port: "lacp.actor.port",
    state: "lacp.actor.state",
    bits: [
        "lacp.actor.state.activity",
        "lacp.actor.state.timeout",
        "lacp.actor.state.aggregation",
        "lacp.actor.state.synchronization",
        "lacp.actor.state.collecting",
        "lacp.actor.state.distributing",
        "lacp.actor.state.defaulted",
        "lacp.actor.state.expired",
    ],
};

static PARTNER: Names = Names {
    priority: "lacp.partner.sys_priority",
    system: "lacp.partner.sysid",
    key: "lacp.partner.key",
    port_priority: "lacp.partner.port_priority",
    port: "lacp.partner.port",
    state: "lacp.partner.state",
    bits: [
        "lacp.partner.state.activity",
        "lacp.partner.state.timeout",
        "lacp.partner.state.aggregation",
        "lacp.partner.state.synchronization",
        "lacp.partner.state.collecting",
        "lacp.partner.state.distributing",
        "lacp.partner.state.defaulted",
        "lacp.partner.state.expired",
    ],
};

/// Where each side's value starts behind the subtype: version, then type and length of the element.
const SIDES: [(&Names, usize); 2] = [(&ACTOR, 3), (&PARTNER, 23)];

/// Fields of a LACP data unit, which starts behind the subtype.
pub(super) fn lacp_fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("lacp.version", u8_at(bytes, 0));
    for (names, at) in SIDES {
        let here = bytes.get(at..).unwrap_or_default();
        fields.number(names.priority, u16_at(here, 0));
        fields.mac(names.system, here, 2);
        fields.number(names.key, u16_at(here, 8));
        fields.number(names.port_priority, u16_at(here, 10));
        fields.number(names.port, u16_at(here, 12));
        let state = u8_at(here, 14);
        fields.number(names.state, state);
        for (place, name) in (0u32..).zip(names.bits) {
            fields.bit(name, state, 1u8.checked_shl(place).unwrap_or_default());
        }
    }
    fields.number("lacp.collector.max_delay", u16_at(bytes, 43));
}

/// What the data unit says, in one line.
pub(super) fn lacp_summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    write!(line, "v{}", u8_at(bytes, 0)?).ok()?;
    for ((_, at), side) in SIDES.iter().zip(["ACTOR", "PARTNER"]) {
        let here = bytes.get(*at..)?;
        let (system, key, port, state) = (here.get(2..8)?, u16_at(here, 8)?, u16_at(here, 12)?, u8_at(here, 14)?);
        write!(line, " {side} {} P: {port} K: {key} ", colon_hex(system)).ok()?;
        // As Wireshark's letters: expired first, a star for what is not.
        let letters = b"EFDCSGSA";
        for (place, letter) in (0u32..).zip(letters) {
            let bit = 0x80u8.checked_shr(place).unwrap_or_default();
            line.push(if state & bit != 0 { char::from(*letter) } else { '*' });
        }
    }
    Some(())
}
