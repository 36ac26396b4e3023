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
    /// Whether all its bytes had been sent before.
    pub is_repeated: bool,
    /// Options of a SYN, in words.
    pub options: Vec<String>,
    /// What the protocols above say it completes.
    pub notes: Vec<String>,
}
