//! What a QUIC packet says in the one-line view and the layer tree, by Wireshark's names.
use super::{
    header::{ConnectionId, Kind, Long},
    packet_record::Inside,
    version::Version,
};
use crate::{
    app::Note,
    record::{Layer, Value},
};

/// Of a packet with a long header at `offset` of the datagram. `opened` holds the packet number and the frames' names.
pub fn long(packet: &Long<'_>, opened: Option<Inside>) -> Note {
    let (name, wire_type) = match packet.kind {
        Kind::Initial { .. } => ("Initial", true),
        Kind::ZeroRtt => ("0-RTT", true),
        Kind::Handshake => ("Handshake", true),
        Kind::Retry { .. } => ("Retry", true),
        Kind::VersionNegotiation { .. } => ("Version Negotiation", false),
        Kind::Google => ("Google QUIC", false),
    };
    let mut info = name.to_owned();
    for (label, id) in [("DCID", &packet.destination), ("SCID", &packet.source)] {
        if !id.as_bytes().is_empty() {
            info.push_str(&format!(", {label}={id}"));
        }
    }
    let bytes = |bytes: &[u8]| Value::Number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let mut fields = vec![("quic.header_form", Value::Number(1))];
    if wire_type {
        let field = if packet.version == Version::V2 { "quic.long.packet_type_v2" } else { "quic.long.packet_type" };
        fields.push((field, Value::Number(u64::from(packet.first >> 4 & 3))));
    }
    fields.extend([
        ("quic.version", Value::Number(u64::from(packet.version.0))),
        ("quic.dcil", bytes(packet.destination.as_bytes())),
        ("quic.dcid", Value::Text(packet.destination.to_string())),
        ("quic.scil", bytes(packet.source.as_bytes())),
        ("quic.scid", Value::Text(packet.source.to_string())),
    ]);
    // An empty connection ID is none.
    fields.retain(|(_, value)| *value != Value::Text(String::new()));
    match packet.kind {
        Kind::Initial { token } => {
            fields.extend([("quic.token_length", bytes(token)), ("quic.length", Value::Number(packet.length))]);
        }
        Kind::ZeroRtt | Kind::Handshake => fields.push(("quic.length", Value::Number(packet.length))),
        Kind::VersionNegotiation { versions } => {
            let (versions, _) = versions.as_chunks::<4>();
            let versions = versions.iter().map(|version| Value::Number(u64::from(u32::from_be_bytes(*version))));
            fields.push(("quic.supported_version", Value::List(versions.collect())));
        }
        Kind::Retry { .. } | Kind::Google => {}
    }
    add_opened(opened, &mut info, &mut fields);
    Note::new(info, layer(fields))
}

/// Of a packet with a short header: all but its first two bits and the connection ID is protected.
pub fn short(destination: Option<ConnectionId>, opened: Option<Inside>) -> Note {
    let mut info = "Protected Payload (KP0)".to_owned();
    let mut fields = vec![("quic.header_form", Value::Number(0))];
    if let Some(id) = destination.filter(|id| !id.as_bytes().is_empty()) {
        info.push_str(&format!(", DCID={id}"));
        fields.push(("quic.dcid", Value::Text(id.to_string())));
    }
    add_opened(opened, &mut info, &mut fields);
    Note::new(info, layer(fields))
}

/// Packet number and frames; frames of one kind in a row are named once.
fn add_opened(opened: Option<Inside>, info: &mut String, fields: &mut Vec<(&'static str, Value)>) {
    let Some((number, mut frames)) = opened else { return };
    info.push_str(&format!(", PKN: {number}"));
    fields.push(("quic.packet_number", Value::Number(number)));
    frames.dedup();
    for frame in frames {
        info.push_str(", ");
        info.push_str(frame);
    }
}

fn layer(fields: Vec<(&'static str, Value)>) -> Layer {
    Layer { protocol: "quic", osi: 4, unit: "packet", offset: 0, length: 0, fields }
}
