//! What one record says on one line and in the layer tree, in Wireshark's words.
use super::{
    extensions, names,
    parser::{self, kind},
    record_layer::content,
    report::Passed,
};
use crate::{
    app::Note,
    record::{Layer, RecordAlert, Value},
};

/// Wireshark's names of the fields, in the order they are used here.
static TLS_FIELDS: [&str; 9] = [
    "tls.record.content_type",
    "tls.record.version",
    "tls.record.length",
    "tls.handshake.type",
    "tls.handshake.ciphersuite",
    "tls.handshake.extension.type",
    "tls.handshake.extensions_server_name",
    "tls.alert_message.level",
    "tls.alert_message.desc",
];
static DTLS_FIELDS: [&str; 9] = [
    "dtls.record.content_type",
    "dtls.record.version",
    "dtls.record.length",
    "dtls.handshake.type",
    "dtls.handshake.ciphersuite",
    "dtls.handshake.extension.type",
    "dtls.handshake.extensions_server_name",
    "dtls.alert_message.level",
    "dtls.alert_message.desc",
];

/// What is shown of a hello.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hello<'a> {
    /// The name asked for.
    pub(super) name: Option<&'a str>,
    /// The suites offered, or the one chosen.
    pub(super) suites: &'a [u32],
    /// Extension types.
    pub(super) extensions: &'a [u16],
}

/// A record's note. `protocol` is `tls` or `dtls`; `tls13` whether that version was agreed on, in which the type outside an
/// encrypted record means nothing.
pub(super) fn of_record(
    passed: Passed,
    handshake_types: &[u8],
    alert: Option<RecordAlert>,
    encrypted: bool,
    hello: Hello<'_>,
    (protocol, tls13): (&'static str, bool),
) -> Note {
    let name = hello.name.map(str::as_bytes);
    let info = match passed.content_type {
        Some(content::CHANGE_CIPHER_SPEC) => "Change Cipher Spec".into(),
        Some(content::ALERT) => match alert {
            Some(alert) => {
                let level = if alert.level == 2 { "Fatal" } else { "Warning" };
                let description = names::alert(alert.description).map_or_else(|| "Unknown".into(), names::title);
                format!("Alert (Level: {level}, Description: {description})")
            }
            None => "Encrypted Alert".into(),
        },
        Some(content::APPLICATION_DATA) => "Application Data".into(),
        Some(content::HEARTBEAT) => "Heartbeat".into(),
        Some(content::ACK) => "Acknowledgment".into(),
        // DTLS 1.3 hides the type.
        None if encrypted => "Encrypted record".into(),
        _ if encrypted => "Encrypted Handshake Message".into(),
        _ if handshake_types.is_empty() => "Handshake message in pieces".into(),
        _ => {
            let titles: Vec<String> = handshake_types.iter().map(|kind| title(*kind, name)).collect();
            titles.join(", ")
        }
    };
    let mut fields = Vec::with_capacity(6);
    let [
        content_type_name,
        version_name,
        length_name,
        type_name,
        suite_name,
        extension_name,
        host_name,
        level_name,
        description_name,
    ] = if protocol == "dtls" { &DTLS_FIELDS } else { &TLS_FIELDS };
    if let Some(content_type) = passed.content_type {
        let is_opaque = tls13 && content_type == content::APPLICATION_DATA && protocol == "tls";
        let name = if is_opaque { "tls.record.opaque_type" } else { *content_type_name };
        fields.push((name, Value::Number(content_type.into())));
    }
    fields.push((*version_name, Value::Number(passed.version.into())));
    fields.push((*length_name, Value::Number(passed.length.into())));
    fields.extend(numbers(type_name, handshake_types.iter().map(|kind| u64::from(*kind))));
    fields.extend(numbers(suite_name, hello.suites.iter().map(|suite| u64::from(*suite))));
    fields.extend(numbers(extension_name, hello.extensions.iter().map(|kind| u64::from(*kind))));
    if let Some(name) = hello.name {
        fields.push((*host_name, Value::Text(name.to_owned())));
    }
    if let Some(alert) = alert {
        fields.push((*level_name, Value::Number(alert.level.into())));
        fields.push((*description_name, Value::Number(alert.description.into())));
    }
    Note::new(info, layer(protocol, fields))
}

/// A field that may occur several times; none where it does not occur.
fn numbers(name: &'static str, values: impl Iterator<Item = u64>) -> Option<(&'static str, Value)> {
    let mut values: Vec<Value> = values.map(Value::Number).collect();
    match values.len() {
        0 => None,
        1 => values.pop().map(|value| (name, value)),
        _ => Some((name, Value::List(values))),
    }
}

/// A handshake message without a record, in QUIC.
pub(super) fn of_message(kind: u8, body: &[u8], hello: Hello<'_>) -> Note {
    let name = host_name(kind, body, false);
    let mut fields = vec![("tls.handshake.type", Value::Number(kind.into()))];
    fields.extend(numbers("tls.handshake.ciphersuite", hello.suites.iter().map(|suite| u64::from(*suite))));
    fields.extend(numbers("tls.handshake.extension.type", hello.extensions.iter().map(|kind| u64::from(*kind))));
    if let Some(name) = name {
        let name = String::from_utf8_lossy(name).into_owned();
        fields.push(("tls.handshake.extensions_server_name", Value::Text(name)));
    }
    Note::new(title(kind, name), layer("tls", fields))
}

/// The name asked for in a ClientHello.
fn host_name(kind: u8, body: &[u8], dtls: bool) -> Option<&[u8]> {
    if kind != kind::CLIENT_HELLO {
        return None;
    }
    let (_, hello) = parser::client_hello(body, dtls).ok()?;
    hello.extensions.find(extensions::kind::SERVER_NAME).and_then(extensions::server_name)
}

fn title(kind: u8, name: Option<&[u8]>) -> String {
    match name {
        Some(name) if kind == kind::CLIENT_HELLO => format!("Client Hello (SNI={})", String::from_utf8_lossy(name)),
        _ => names::handshake_title(kind),
    }
}

fn layer(protocol: &'static str, fields: Vec<(&'static str, Value)>) -> Layer {
    Layer { protocol, osi: 6, unit: "record", offset: 0, length: 0, fields }
}
