//! What a packet of IKE, or of IPsec in UDP, says on one line and as a layer, in Wireshark's words.
use super::{names, parser::Header};
use crate::{
    app::{
        Sink,
        codec::messages::{Fields, add_all, note, number, words},
    },
    record::Value,
};

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
