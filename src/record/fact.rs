//! What one flow leaves behind for the questions that concern several: small, fixed in size, never printed.
use super::{Endpoint, FlowId, PacketRef, Side, Timestamp};

/// What became of the attempt to open a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// The handshake was completed.
    Completed,
    /// The SYN was answered with a SYN-ACK, which nobody acknowledged.
    HalfOpen,
    /// The SYN was answered with a SYN-ACK, and that with RST.
    Abandoned,
    /// Nothing answered the SYN.
    Unanswered,
    /// RST or ICMP answered the SYN.
    Refused,
    /// The capture does not show it.
    Unseen,
}

/// What a TCP connection shows of its identity when addresses and ports are rewritten on the way: numbers that both
/// its sides carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Sequence number of the SYN.
    pub initial_sequence_number: Option<u32>,
    /// `TSval` of the SYN (RFC 7323 3.2).
    pub timestamp_value: Option<u32>,
    /// Hash of the first bytes of payload; the same within one run only.
    pub payload_start: Option<u64>,
    /// Payload bytes, each counted once, as far as sequence numbers tell.
    pub payload_bytes: u32,
}

/// A TCP connection that is over, as others may be compared with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TcpFact {
    /// Its flow.
    pub id: FlowId,
    /// Its first packet.
    pub first: PacketRef,
    /// When its last packet came.
    pub end: Timestamp,
    /// The end that opened it.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// How the opening went.
    pub opening: Opening,
    /// SYNs that the client sent.
    pub syns: u64,
    /// By the index of the direction: the client's, the server's.
    pub marks: [Marks; 2],
    /// Who sent FIN (or a valid RST) first, and how long no data had been on their way then, in nanoseconds.
    pub closed_idle: Option<(Side, i64)>,
    /// A request was lost because the other end was closing.
    pub raced: bool,
}
