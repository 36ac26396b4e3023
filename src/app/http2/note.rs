//! What a frame says in the one-line view and the layer tree, by Wireshark's names.
use super::{
    frame::{self, Head, Kind},
    message::Fields,
};
use crate::{
    app::Note,
    record::{Layer, Value},
};

/// Fields that Wireshark names.
const NAMED: [(&str, &str); 12] = [
    (":method", "http2.headers.method"),
    (":path", "http2.headers.path"),
    (":authority", "http2.headers.authority"),
    (":scheme", "http2.headers.scheme"),
    (":status", "http2.headers.status"),
    ("content-type", "http2.headers.content_type"),
    ("content-length", "http2.headers.content_length"),
    ("user-agent", "http2.headers.user_agent"),
    ("accept", "http2.headers.accept"),
    ("cookie", "http2.headers.cookie"),
    ("server", "http2.headers.server"),
    ("location", "http2.headers.location"),
];

/// Of the connection preface.
pub fn preface() -> Note {
    note("Magic".to_owned(), vec![("http2.magic", Value::Text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()))])
}

/// Of a frame with its payload, where that was read, and the fields of the header block that ends with it.
pub fn frame(head: Head, payload: &[u8], list: Option<&Fields>) -> Note {
    let name = match head.kind() {
        Kind::Data => "DATA",
        Kind::Headers => "HEADERS",
        Kind::Priority => "PRIORITY",
        Kind::RstStream => "RST_STREAM",
        Kind::Settings => "SETTINGS",
        Kind::PushPromise => "PUSH_PROMISE",
        Kind::Ping => "PING",
        Kind::Goaway => "GOAWAY",
        Kind::WindowUpdate => "WINDOW_UPDATE",
        Kind::Continuation => "CONTINUATION",
        Kind::PriorityUpdate => "PRIORITY_UPDATE",
        Kind::Other => "UNKNOWN",
    };
    let mut info = format!("{name}[{}]", head.stream);
    let number = |number: u32| Value::Number(u64::from(number));
    let mut fields = vec![
        ("http2.length", number(head.length)),
        ("http2.type", Value::Number(u64::from(head.number))),
        ("http2.flags", Value::Number(u64::from(head.flags))),
        ("http2.streamid", number(head.stream)),
    ];
    match head.kind() {
        Kind::Settings => {
            let ids = frame::settings(payload).map(|(id, _)| Value::Number(u64::from(id)));
            let ids: Vec<Value> = ids.collect();
            if !ids.is_empty() {
                fields.push(("http2.settings.id", Value::List(ids)));
            }
            for (id, value) in frame::settings(payload) {
                let name = match id {
                    1 => "http2.settings.header_table_size",
                    2 => "http2.settings.enable_push",
                    3 => "http2.settings.max_concurrent_streams",
                    4 => "http2.settings.initial_window_size",
                    5 => "http2.settings.max_frame_size",
                    6 => "http2.settings.max_header_list_size",
                    _ => continue,
                };
                add(&mut fields, name, number(value));
            }
        }
        Kind::RstStream => {
            if let Some(code) = frame::number(payload) {
                info.push_str(&frame::error_name(code).map(|name| format!(": {name}")).unwrap_or_default());
                fields.push(("http2.rst_stream.error", number(code)));
            }
        }
        Kind::WindowUpdate => {
            if let Some(increment) = frame::number(payload) {
                fields.push(("http2.window_update.window_size_increment", number(increment & 0x7fff_ffff)));
            }
        }
        Kind::Goaway => {
            if let Some((last, code)) = frame::goaway(payload) {
                info.push_str(&frame::error_name(code).map(|name| format!(": {name}")).unwrap_or_default());
                fields.push(("http2.goaway.last_stream_id", number(last)));
                fields.push(("http2.goaway.error", number(code)));
            }
        }
        _ => {}
    }
    for (name, value) in list.into_iter().flatten() {
        let (Some(name), Some(value)) = (name, value) else { continue };
        if let Some((_, field)) = NAMED.iter().find(|(named, _)| named == name) {
            add(&mut fields, field, Value::Text(value.clone()));
        }
    }
    let named = |name: &str| list.into_iter().flatten().find(|(other, _)| other.as_deref() == Some(name));
    let value = |name: &str| named(name).and_then(|(_, value)| value.as_deref());
    if let Some(method) = value(":method") {
        info.push_str(&format!(": {method} {}", value(":path").or(value(":authority")).unwrap_or_default()));
    } else if let Some(status) = value(":status") {
        info.push_str(&format!(": {status}"));
    }
    note(info, fields)
}

/// Adds a field; one that occurs again becomes a list.
fn add(fields: &mut Vec<(&'static str, Value)>, name: &'static str, value: Value) {
    match fields.iter_mut().find(|(other, _)| *other == name) {
        Some((_, Value::List(values))) => values.push(value),
        Some((_, first)) => {
            let one = std::mem::replace(first, Value::Bool(false));
            *first = Value::List(vec![one, value]);
        }
        None => fields.push((name, value)),
    }
}

fn note(info: String, fields: Vec<(&'static str, Value)>) -> Note {
    Note::new(info, Layer { protocol: "http2", osi: 7, unit: "frame", offset: 0, length: 0, fields })
}
