//! What a packet of NTP says on one line and as a layer, in Wireshark's words.
use super::parser::Header;
use crate::app::{
    Sink,
    codec::facts::{hex, note, number, words},
};

/// Of modes 0 to 5.
pub(super) fn header(header: &Header, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let fields = vec![
        ("ntp.flags", number(header.flags)),
        ("ntp.flags.li", number(header.leap())),
        ("ntp.flags.vn", number(header.version())),
        ("ntp.flags.mode", number(header.mode())),
        ("ntp.stratum", number(header.stratum)),
        ("ntp.ppoll", number(header.poll.cast_unsigned())),
        ("ntp.precision", number(header.precision.cast_unsigned())),
        ("ntp.rootdelay", number(header.root_delay)),
        ("ntp.rootdispersion", number(header.root_dispersion)),
        ("ntp.refid", words(hex(&header.reference_id))),
    ];
    note("ntp", format!("NTP Version {}, {}", header.version(), mode_name(header.mode())), fields, out);
}

/// Of mode 6: opcode, whether it is an answer, and the sequence number.
pub(super) fn control(bytes: &[u8], (opcode, is_response, sequence): (u8, bool, u16), out: &mut Sink<'_>) {
    let first = bytes.first().copied().unwrap_or_default();
    let version = first >> 3 & 7;
    let fields = vec![
        ("ntp.flags", number(first)),
        ("ntp.flags.vn", number(version)),
        ("ntp.flags.mode", number(6_u8)),
        ("ntp.ctrl.flags2.r", number(u8::from(is_response))),
        ("ntp.ctrl.flags2.opcode", number(opcode)),
        ("ntp.ctrl.sequence", number(sequence)),
    ];
    note("ntp", format!("NTP Version {version}, {}", mode_name(6)), fields, out);
}

/// Of mode 7: whether it is an answer, implementation and request code.
pub(super) fn private(bytes: &[u8], (is_response, implementation, code): (bool, u8, u8), out: &mut Sink<'_>) {
    let first = bytes.first().copied().unwrap_or_default();
    let version = first >> 3 & 7;
    let fields = vec![
        ("ntp.flags", number(first)),
        ("ntp.flags.vn", number(version)),
        ("ntp.flags.mode", number(7_u8)),
        ("ntp.priv.flags.r", number(u8::from(is_response))),
        ("ntp.priv.impl", number(implementation)),
        ("ntp.priv.reqcode", number(code)),
    ];
    note("ntp", format!("NTP Version {version}, {}", mode_name(7)), fields, out);
}

/// Wireshark's words.
pub(super) fn mode_name(mode: u8) -> &'static str {
    match mode {
        1 => "symmetric active",
        2 => "symmetric passive",
        3 => "client",
        4 => "server",
        5 => "broadcast",
        6 => "control",
        7 => "private",
        _ => "reserved",
    }
}
