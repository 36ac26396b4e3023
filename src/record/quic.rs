//! `quic_packet`: one QUIC packet, on request.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp};

/// One QUIC packet; a datagram may hold several (RFC 9000 12.2).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct QuicPacket {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The flow's client.
    pub client: Endpoint,
    /// The flow's server.
    pub server: Endpoint,
    /// The packet of the capture that brought it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// What it is.
    pub packet_type: QuicPacketType,
    /// Version on the wire; null in a short header.
    pub version: Option<u32>,
    /// Destination Connection ID in hex; null in a short header when it is not known how long it is.
    pub destination_connection_id: Option<String>,
    /// Source Connection ID in hex; null in a short header.
    pub source_connection_id: Option<String>,
    /// Length of an Initial packet's token in bytes.
    pub token_length: Option<u64>,
    /// Versions that a Version Negotiation packet offers.
    pub supported_versions: Vec<u32>,
    /// Packet number, where header protection could be removed.
    pub packet_number: Option<u64>,
    /// Its frames in order, by Wireshark's short names, such as `ACK`, `CRYPTO`, `STREAM`, `CC`; a run of PADDING is one.
    pub frames: Vec<&'static str>,
    /// Whether it was opened: Initial packets with keys that anyone can derive, others with keys that were given.
    pub decrypted: bool,
}

/// What a QUIC packet is (RFC 9000 17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum QuicPacketType {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
    VersionNegotiation,
    /// With a short header.
    OneRtt,
    /// Of a version of Google's before the IETF's, whose types are others.
    Google,
}
