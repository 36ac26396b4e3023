//! What a packet that completes a frame's head holds, by Wireshark's names.
use super::frame::Head;
use crate::{
    app::Note,
    record::{Layer, Value},
};

/// A frame.
pub fn frame(info: String, head: &Head) -> Note {
    // The field has seven bits; two of its values say that another one follows (RFC 6455 5.2).
    let wide = head.length > u64::from(u16::MAX) || (head.length_too_wide && head.length > 125);
    let (short, more) = match head.length {
        length if wide => (127, Some(("websocket.payload_length_ext_64", Value::Number(length)))),
        length if length > 125 || head.length_too_wide => {
            (126, Some(("websocket.payload_length_ext_16", Value::Number(length))))
        }
        length => (length, None),
    };
    let mut fields = vec![
        ("websocket.fin", Value::Bool(head.last)),
        ("websocket.rsv", Value::Number(u64::from(head.reserved_bits))),
        ("websocket.opcode", Value::Number(u64::from(head.opcode))),
        ("websocket.mask", Value::Bool(head.key.is_some())),
        ("websocket.payload_length", Value::Number(short)),
    ];
    fields.extend(more);
    Note::new(info, Layer { protocol: "websocket", osi: 7, unit: "frame", offset: 0, length: 0, fields })
}
