//! A connection of which only the SYN was seen: the segment is kept, and the connection is made of it when there is more to
//! know. A flood of SYNs so takes a fifth of the memory, and of the time to write and free it.
use super::Kind;
use crate::{
    flow::tcp::{connection::Connection, segment::Segment},
    record::{Direction, PacketRef},
    wire::{TcpHeader, TcpOptions},
};

/// Bytes of options that a header has room for (RFC 9293 3.1).
const MOST_OPTIONS: usize = 40;

/// A SYN without data, from the client.
pub(super) struct Syn {
    header: TcpHeader,
    at: PacketRef,
    wire_length: u32,
    identification: u16,
    hop_limit: Option<u8>,
    ecn: u8,
    options: [u8; MOST_OPTIONS],
    options_length: u8,
}

impl Syn {
    /// Of the first segment of a connection; nothing unless it is just a SYN. `hop_limit` is that of the packet, where it
    /// has one.
    pub(super) fn of(segment: &Segment<'_>, hop_limit: Option<u8>) -> Option<Self> {
        let flags = segment.header.flags;
        let lone = flags.syn() && !flags.ack() && !flags.rst() && !flags.fin();
        if !lone || segment.length > 0 || !segment.payload.is_empty() {
            return None;
        }
        let mut options = [0; MOST_OPTIONS];
        let seen = segment.options.bytes();
        options.get_mut(..seen.len())?.copy_from_slice(seen);
        Some(Self {
            header: segment.header,
            at: segment.at,
            wire_length: segment.wire_length,
            identification: segment.identification,
            hop_limit,
            ecn: segment.ecn,
            options,
            options_length: u8::try_from(seen.len()).ok()?,
        })
    }

    /// The connection that it opens.
    pub(super) fn connection(&self) -> Connection {
        let options = self.options.get(..usize::from(self.options_length)).unwrap_or_default();
        let segment = Segment {
            header: self.header,
            payload: &[],
            length: 0,
            options: TcpOptions::new(options),
            at: self.at,
            wire_length: self.wire_length,
            identification: self.identification,
            hop_limit: self.hop_limit.unwrap_or(0),
            ecn: self.ecn,
        };
        let mut connection = Connection::new(&segment, Direction::ClientToServer);
        connection.set_first_hop_limit(self.hop_limit);
        // The first packet is nobody's copy, and without data there is nothing to deliver.
        let _ = connection.segment(&segment, Direction::ClientToServer);
        connection
    }
}

impl Kind {
    /// Makes a whole connection of a SYN.
    #[inline]
    pub(super) fn promote(&mut self) {
        if let Self::Syn(syn) = self {
            *self = Self::Tcp(Box::new(syn.connection()));
        }
    }
}
