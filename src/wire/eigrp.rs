//! EIGRP (RFC 7868): the header and the parameters.
use std::fmt::Write as _;

use super::{
    describe::{Fields, Scene},
    read::{u8_at, u16_at, u32_at},
};

fn name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        1 => "Update",
        2 => "Request",
        3 => "Query",
        4 => "Reply",
        5 => "Hello",
        6 => "IPX SAP Update",
        10 => "SIA-Query",
        11 => "SIA-Reply",
        _ => return None,
    })
}

/// Fields of the header and of the parameters.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("eigrp.version", u8_at(bytes, 0));
    fields.number("eigrp.opcode", u8_at(bytes, 1));
    fields.number("eigrp.flags", u32_at(bytes, 4));
    fields.number("eigrp.seq", u32_at(bytes, 8));
    fields.number("eigrp.ack", u32_at(bytes, 12));
    fields.number("eigrp.vrid", u16_at(bytes, 16));
    fields.number("eigrp.as", u16_at(bytes, 18));
    if u16_at(bytes, 20) == Some(1) {
        for (name, at) in [
            ("eigrp.par.k1", 24),
            ("eigrp.par.k2", 25),
            ("eigrp.par.k3", 26),
            ("eigrp.par.k4", 27),
            ("eigrp.par.k5", 28),
        ] {
            fields.number(name, u8_at(bytes, at));
        }
        fields.number("eigrp.par.holdtime", u16_at(bytes, 30));
    }
}

/// What the packet says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (opcode, acknowledged, system) = (u8_at(bytes, 1)?, u32_at(bytes, 12)?, u16_at(bytes, 18)?);
    match name(opcode) {
        // A Hello that acknowledges is just that.
        Some("Hello") if acknowledged != 0 => write!(line, "Acknowledgment of {acknowledged}, AS {system}").ok(),
        Some(name) => write!(line, "{name}, AS {system}, seq {}", u32_at(bytes, 8)?).ok(),
        None => write!(line, "EIGRP opcode {opcode}, AS {system}").ok(),
    }
}
