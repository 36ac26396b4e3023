//! `http2_frame`: one frame of HTTP/2, on request.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp};

/// One HTTP/2 frame (RFC 9113 4.1), or the connection preface.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Http2Frame {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The flow's client.
    pub client: Endpoint,
    /// The flow's server.
    pub server: Endpoint,
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// Stream; null for the preface.
    pub stream_id: Option<u32>,
    /// Type on the wire; null for the preface.
    pub frame_type: Option<u8>,
    /// Flags on the wire; null for the preface.
    pub flags: Option<u8>,
    /// Length of the payload in bytes, the 9 bytes of the header left out; 24 for the preface.
    pub length: u32,
    /// Fields of the header block that ends with this frame, in order, secrets only hashed; null where none ends. A name
    /// or value is null when only missed packets held it.
    pub headers: Option<Vec<(Option<String>, Option<String>)>>,
}
