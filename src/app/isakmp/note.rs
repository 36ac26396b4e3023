//! What a packet of IKE, or of IPsec in UDP, says on one line and as a layer, in Wireshark's words.
use super::{names, parser::Header};
use crate::{
    app::{
        Note, Sink,
        codec::facts::{Fields, add_all, note, number, words},
    },
    record::{Layer, Value},
};

/// The byte that keeps a NAT's mapping alive.
pub(super) fn keepalive(out: &mut Sink<'_>) {
    note("udpencap", "NAT-keepalive".to_owned(), vec![("udpencap.nat_keepalive", Value::Bool(true))], out);
}

/// The zero bytes in front of a message of IKE.
pub(super) fn marker(out: &mut Sink<'_>) {
    shell(vec![("udpencap.non_esp_marker", Value::Bool(true))], out);
}

/// ESP in UDP.
pub(super) fn esp(spi: u32, sequence: u32, out: &mut Sink<'_>) {
    shell(Vec::new(), out);
    if out.wants_notes() {
        let fields = vec![("esp.spi", number(spi)), ("esp.sequence", number(sequence))];
        let layer = Layer { protocol: "esp", osi: 3, unit: "packet", offset: 0, length: 0, fields };
        out.note(Note { info: format!("ESP (SPI=0x{spi:08x})"), layer });
    }
}

/// The layer that holds IKE or ESP: it has a place in the tree, and no line of its own.
fn shell(fields: Fields, out: &mut Sink<'_>) {
    if out.wants_notes() {
        let layer = Layer { protocol: "udpencap", osi: 4, unit: "datagram", offset: 0, length: 0, fields };
        out.note(Note { info: String::new(), layer });
    }
}

/// A message of IKE, with the kinds of its payloads and notifications.
pub(super) fn message(header: &Header, kinds: Vec<Value>, notified: Vec<Value>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let mut fields: Fields = vec![
        ("isakmp.ispi", words(format!("{:016x}", header.initiator))),
        ("isakmp.rspi", words(format!("{:016x}", header.responder))),
        ("isakmp.nextpayload", number(header.next)),
        ("isakmp.version", number(header.version)),
        ("isakmp.exchangetype", number(header.exchange)),
        ("isakmp.flags", number(header.flags)),
        ("isakmp.messageid", number(header.id)),
        ("isakmp.length", number(header.length)),
    ];
    add_all(&mut fields, "isakmp.typepayload", kinds);
    add_all(&mut fields, "isakmp.notify.msgtype", notified);
    let exchange = names::exchange(header.exchange);
    let info = if header.major() == 2 {
        let role = if header.flags & 8 != 0 { "Initiator" } else { "Responder" };
        let kind = if header.flags & 0x20 != 0 { "Response" } else { "Request" };
        format!("{exchange} MID={:02} {role} {kind}", header.id)
    } else {
        exchange
    };
    note("isakmp", info, fields, out);
}
