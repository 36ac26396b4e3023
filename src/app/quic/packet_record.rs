//! From packets as parsed to packets as reported, on request: records, and notes for the one-line view.
use super::{
    header::{ConnectionId, Kind, Long},
    note,
};
use crate::{
    app::Sink,
    record::{Context, Direction, Evidence, QuicPacket, QuicPacketType, Record, RecordKind, Subject},
};

/// What was inside a packet that was opened: its number, and the names of its frames where anybody asked for them.
pub type Inside = (u64, Vec<&'static str>);

/// Whether names of frames are wanted.
pub fn wants_frames(out: &Sink<'_>) -> bool {
    out.wants_notes() || out.wants(RecordKind::QuicPacket)
}

/// Tells of a packet with a long header.
pub fn long(
    packet: &Long<'_>,
    inside: Option<Inside>,
    direction: Direction,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants(RecordKind::QuicPacket) {
        let (packet_type, token_length) = match packet.kind {
            Kind::Initial { token } => (QuicPacketType::Initial, u64::try_from(token.len()).ok()),
            Kind::ZeroRtt => (QuicPacketType::ZeroRtt, None),
            Kind::Handshake => (QuicPacketType::Handshake, None),
            Kind::Retry { .. } => (QuicPacketType::Retry, None),
            Kind::VersionNegotiation { .. } => (QuicPacketType::VersionNegotiation, None),
            Kind::Google => (QuicPacketType::Google, None),
        };
        let supported_versions = match packet.kind {
            Kind::VersionNegotiation { versions } => {
                versions.as_chunks::<4>().0.iter().map(|version| u32::from_be_bytes(*version)).collect()
            }
            _ => Vec::new(),
        };
        let mut record = record(packet_type, inside.as_ref(), direction, context);
        record.version = Some(packet.version.0);
        record.destination_connection_id = Some(packet.destination.to_string());
        record.source_connection_id = Some(packet.source.to_string());
        (record.token_length, record.supported_versions) = (token_length, supported_versions);
        out.record(Record::QuicPacket(Box::new(record)));
    }
    if out.wants_notes() {
        out.note(note::long(packet, inside));
    }
}

/// Tells of a packet with a short header.
pub fn short(
    destination: Option<ConnectionId>,
    inside: Option<Inside>,
    direction: Direction,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants(RecordKind::QuicPacket) {
        let mut record = record(QuicPacketType::OneRtt, inside.as_ref(), direction, context);
        record.destination_connection_id = destination.map(|id| id.to_string());
        out.record(Record::QuicPacket(Box::new(record)));
    }
    if out.wants_notes() {
        out.note(note::short(destination, inside));
    }
}

fn record(
    packet_type: QuicPacketType,
    inside: Option<&Inside>,
    direction: Direction,
    context: &Context<'_>,
) -> QuicPacket {
    let packet = context.packet;
    QuicPacket {
        subject: Subject::new(context.flow.id, Evidence::from_iter([packet.number])),
        client: context.flow.client,
        server: context.flow.server,
        packet: packet.number,
        ts: packet.timestamp,
        side: direction.sender(),
        packet_type,
        version: None,
        destination_connection_id: None,
        source_connection_id: None,
        token_length: None,
        supported_versions: Vec::new(),
        packet_number: inside.map(|(number, _)| *number),
        frames: inside.map(|(_, frames)| frames.clone()).unwrap_or_default(),
        decrypted: inside.is_some(),
    }
}
