//! `websocket`: one WebSocket connection (RFC 6455), from the upgrade to its close.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, HttpOver, PacketNumber, Side, Subject, Timestamp};

/// One WebSocket connection.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Websocket {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The end that asked for the upgrade.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// What it runs over.
    pub over: HttpOver,
    /// When its first frame came; null when there was none.
    pub start_ts: Option<Timestamp>,
    /// When its last frame came.
    pub end_ts: Option<Timestamp>,
    /// What the client sent.
    pub sent: WebsocketCounts,
    /// What the server sent.
    pub received: WebsocketCounts,
    /// Close frames in order: at most one of each side counts.
    pub close: Vec<WebsocketClose>,
    /// From a ping to its pong, the least, in nanoseconds; null without such a pair.
    pub ping_rtt_min_ns: Option<i64>,
    /// From a ping to its pong, the most, in nanoseconds.
    pub ping_rtt_max_ns: Option<i64>,
    /// Whether all frames were seen; false after a gap in either direction, behind which frames are not found again.
    pub complete: bool,
}

/// What one side of a WebSocket connection sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WebsocketCounts {
    /// Frames of any kind.
    pub frames: u64,
    /// Text messages, each counted once however many frames it has.
    pub text_messages: u64,
    /// Binary messages.
    pub binary_messages: u64,
    /// Continuation frames.
    pub continuations: u64,
    /// Payload of data frames in bytes, as on the wire (compressed where an extension does so).
    pub data_bytes: u64,
    /// Pings.
    pub pings: u64,
    /// Pongs.
    pub pongs: u64,
    /// Messages that an extension marks by RSV1: compressed (RFC 7692).
    pub compressed_messages: u64,
}

/// A Close frame (RFC 6455 5.5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WebsocketClose {
    /// The packet.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// Status code; null when it has none.
    pub code: Option<u16>,
    /// Its name in RFC 6455 7.4.1 or IANA's registry.
    pub name: Option<&'static str>,
    /// Reason.
    pub reason: Option<String>,
}
