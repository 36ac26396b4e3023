//! One TCP segment of one connection, as `wireglass connection` shows it. Not a record of its own.
use super::{Direction, PacketRef};

/// A TCP segment, its numbers relative to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The packet.
    pub packet: PacketRef,
    /// Which way it travels.
    pub direction: Direction,
    /// Flags by name, joined by blanks: `SYN ACK`.
    pub flags: String,
    /// Whether SYN, FIN or RST is among them.
    pub is_control: bool,
    /// First sequence number, counted from the sender's initial one (or the first one seen).
    pub sequence_number: u32,
    /// Acknowledgment number, counted in the same way; none without ACK.
    pub acknowledgment_number: Option<u32>,
    /// Payload bytes on the wire.
    pub payload_length: u32,
    /// What is peculiar about it.
    pub marks: Vec<Mark>,
    /// It was sent again and had not been acknowledged until then: it was lost behind the tap, or its acknowledgement was.
    pub is_lost: bool,
    /// Bytes of the client and of the server that this segment shows to be missing from the capture.
    pub not_captured: [u64; 2],
    /// Options of a SYN, in words.
    pub options: Vec<String>,
    /// What the protocols above say it completes.
    pub notes: Vec<String>,
}

/// What is peculiar about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Sent again; why cannot be told.
    Retransmission,
    /// Sent again because the peer reported that later ones had arrived (RFC 5681 3.2, RFC 6675).
    FastRetransmission,
    /// Sent again because nothing was heard for a retransmission timeout (RFC 6298).
    TimeoutRetransmission,
    /// The last segment sent again early, to learn whether it was lost (RFC 8985 7).
    TailLossProbe,
    /// Sent again though it had arrived; stands beside the cause.
    SpuriousRetransmission,
    /// Behind one that was sent later, but not sent twice.
    OutOfOrder,
    /// In the capture twice, sent once.
    Copy,
    /// Repeats an acknowledgement (RFC 5681 2).
    DuplicateAck,
    /// Announces a window of zero (RFC 9293 3.8.6).
    ZeroWindow,
    /// Opens a window that was zero.
    WindowOpens,
    /// Fills the peer's window to its edge.
    WindowFull,
    /// Asks whether a window of zero has opened (RFC 9293 3.8.6.1).
    WindowProbe,
    /// Asks whether the peer is still there (RFC 9293 3.8.4).
    KeepAlive,
}

impl Mark {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Retransmission,
        Self::FastRetransmission,
        Self::TimeoutRetransmission,
        Self::TailLossProbe,
        Self::SpuriousRetransmission,
        Self::OutOfOrder,
        Self::Copy,
        Self::DuplicateAck,
        Self::ZeroWindow,
        Self::WindowOpens,
        Self::WindowFull,
        Self::WindowProbe,
        Self::KeepAlive,
    ];

    /// Whether it says why a segment was sent again.
    #[must_use]
    pub fn is_again(self) -> bool {
        matches!(
            self,
            Self::Retransmission | Self::FastRetransmission | Self::TimeoutRetransmission | Self::TailLossProbe
        )
    }
}
