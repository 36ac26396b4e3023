//! What a flow offers to the protocol that reads it, and what the protocol answers.
use std::net::IpAddr;

use super::{Direction, FlowFacts, PacketRef, Secrets};

/// What is offered to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// Bytes of a stream in order: what was not consumed before, and what came since.
    Stream {
        /// Which way they travel.
        direction: Direction,
        /// The bytes. Those not consumed are offered again, with more behind them.
        bytes: &'a [u8],
    },
    /// One datagram, whole or cut by the snap length.
    Datagram {
        /// Which way it travels.
        direction: Direction,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// Bytes that the capture does not hold. What was left unconsumed before them is gone too.
    Gap {
        /// Which way they travelled.
        direction: Direction,
        /// How many bytes are missing, those left unconsumed included.
        length: u64,
    },
    /// What [`Progress::Skip`] let pass has passed, or will not pass any more (a [`Input::Gap`] reaches further, or an
    /// end or the close follows). Told only where the skip reached beyond the bytes that were offered.
    /// [`Context::packet_at`] 0 is the packet that brought the last of them.
    Skipped {
        /// Which way they travel.
        direction: Direction,
        /// How many bytes really passed; counts like the skip, from the first byte that was offered.
        length: u64,
        /// How many of them the capture does not hold.
        missing: u64,
    },
    /// No more bytes will come in this direction. What was left unconsumed is gone.
    End {
        /// Which way.
        direction: Direction,
        /// Why.
        cause: EndCause,
    },
    /// The flow is over, or the capture is: report what is left.
    Close,
}

/// An ICMP error: a datagram of the flow could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable<'a> {
    /// Which way the datagram travelled.
    pub direction: Direction,
    /// Who says so.
    pub by: IpAddr,
    /// Why, such as `port unreachable`.
    pub reason: &'static str,
    /// Type of the ICMP message.
    pub message_type: u8,
    /// Its code.
    pub code: u8,
    /// Largest packet that would have passed, in bytes, when it says so.
    pub mtu: Option<u32>,
    /// What is quoted of the datagram's payload (of anything but UDP, from the header above IP on): often its beginning
    /// only, or nothing.
    pub quoted: &'a [u8],
}

/// What a session that hands an inner stream on tells its reader besides bytes. TLS inside QUIC learns in this way how far
/// the handshake must be by the packets that passed, opened or not (RFC 9001 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which way what is told of travelled.
    pub direction: Direction,
    /// What it is.
    pub event: CarrierEvent,
    /// The packet.
    pub packet: PacketRef,
}

/// What happened around an inner stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarrierEvent {
    /// From here on there are bytes that were opened with keys that were given.
    Opened,
    /// A packet of the Handshake level that stays closed.
    HandshakeClosed {
        /// Bytes of its protected payload, tag included.
        length: u64,
    },
    /// A packet with 0-RTT data.
    EarlyData {
        /// Whether it was opened.
        opened: bool,
    },
    /// A packet of the 1-RTT level.
    Data {
        /// Whether it was opened.
        opened: bool,
        /// Whether the application's data are in it; supposed of one that stays closed.
        of_application: bool,
    },
    /// The server said that the handshake is complete (RFC 9001 4.1.2).
    Confirmed,
    /// The sender gave up with this TLS alert (RFC 9001 4.8).
    Alert(u8),
    /// The sender closed the connection for a reason that is not TLS's.
    Closed {
        /// In words, such as `CONNECTION_REFUSED`.
        reason: String,
    },
}

/// Why a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// Its sender sent FIN, and all before it was seen.
    Fin,
    /// Either side sent RST. The direction of its sender is told first.
    Reset,
}

/// What a session did with what it was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes from the start are done with; offer the rest again when there is more. For anything but a
    /// stream the number means nothing.
    Consumed(usize),
    /// So many bytes from the start are done with; do not offer the rest before it is at least `at_least` bytes long
    /// (a gap, an end or the close are told all the same). Spares offers of half a message.
    Need {
        /// Bytes done with.
        consumed: usize,
        /// Bytes wanted behind them.
        at_least: usize,
    },
    /// So many bytes from the start, whether here yet or not, are not needed: they pass without being stored. If the
    /// offered bytes reach further, the rest is offered at once. Counts from the first offered byte. How far it came
    /// is told by [`Input::Skipped`]; `u64::MAX` means all that comes.
    Skip(u64),
    /// Nothing more is wanted from this flow, in either direction.
    Done,
    /// So many bytes from the start are done with; what follows in both directions is another protocol, to be probed.
    HandOver(usize),
}

/// Where bytes that are offered came from: a packet, and the offset in the offered bytes where its part begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Offset in the offered bytes; the first origin's is 0 (or what a negative one would be).
    pub offset: usize,
    /// The packet.
    pub packet: PacketRef,
}

/// What surrounds the offered bytes.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The flow.
    pub flow: &'a FlowFacts,
    /// The packet being processed.
    pub packet: PacketRef,
    /// Where the offered bytes came from, in order. Empty means: all from `packet`.
    pub origins: &'a [Origin],
    /// Whether the offered bytes begin where the stream begins, as its SYN proves. False after a gap or a late start.
    pub from_start: bool,
    /// Round-trip time between the ends as far as known, in nanoseconds.
    pub round_trip_ns: Option<i64>,
    /// The part of it between the place of the capture and the server, in nanoseconds: all of it where the client was
    /// captured, nothing where the server was.
    pub server_round_trip_ns: Option<i64>,
    /// How many more routers the packet might pass where it was captured (time to live, hop limit): of datagrams, and of what
    /// runs right above IP.
    pub hop_limit: Option<u8>,
    /// Secrets given by the user or by the capture itself. Flows know none; the engine fills them in.
    pub secrets: &'a Secrets,
}

impl Context<'_> {
    /// The packet that brought the byte at `offset` of the offered bytes.
    #[must_use]
    pub fn packet_at(&self, offset: usize) -> PacketRef {
        let after = self.origins.partition_point(|origin| origin.offset <= offset);
        after.checked_sub(1).and_then(|place| self.origins.get(place)).map_or(self.packet, |origin| origin.packet)
    }

    /// The packet that brought the last of the first `end` offered bytes: the one that completed them.
    #[must_use]
    pub fn packet_completing(&self, end: usize) -> PacketRef {
        self.packet_at(end.saturating_sub(1))
    }
}
