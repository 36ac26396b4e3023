//! What a packet that completes a frame's head holds, by Wireshark's names.
use super::frame::Head;
use crate::{
    app::Note,
    record::{Layer, Value},
};

/// A frame.
pub fn frame(info: String, head: &Head) -> Note {
    let fields = vec![
        ("websocket.fin", Value::Bool(head.last)),
        ("websocket.rsv", Value::Number(u64::from(head.reserved_bits))),
        ("websocket.opcode", Value::Number(u64::from(head.opcode))),
        ("websocket.mask", Value::Bool(head.key.is_some())),
        ("websocket.payload_length", Value::Number(head.length)),
    ];
    Note { info, layer: Layer { protocol: "websocket", osi: 7, unit: "frame", offset: 0, length: 0, fields } }
}
