//! User messages of one direction put into their streams: each stream is handed on as a stream of bytes, in the order of its
//! messages.
//!
//! HTTP and whatever else is read here sees a stream of bytes; where one message ends and the next begins is not told.
//! Messages sent unordered have no place in it and are left out. Of a message that is missing nobody knows the length: its
//! stream ends there.
use std::collections::BTreeMap;

use super::{chunk::Data, names};
use crate::{
    app::{Carrier, Sink},
    limits,
    record::{Direction, PacketRef},
};

/// The streams of one direction.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: BTreeMap<u16, Stream>,
    /// Times that pieces were missing so far.
    holes: u64,
}

#[derive(Debug)]
struct Stream {
    /// Where its next byte is.
    offset: u64,
    state: State,
    /// Missing pieces when its last piece came.
    holes: u64,
    /// Whether the messages may be something that is read.
    is_read: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No message began yet.
    Fresh,
    /// This message, and more pieces of it come.
    Inside(u32),
    /// This message ended.
    Between(u32),
    /// Something is missing.
    Over,
}

/// A piece of a message, as it is handed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub data: Data<'a>,
    pub packet: PacketRef,
    /// Whether message numbers have 32 bits (I-DATA).
    pub is_interleaved: bool,
}

impl Streams {
    /// Pieces are missing before the next one.
    pub fn hole(&mut self) {
        self.holes = self.holes.saturating_add(1);
    }

    /// Hands a piece on, in the order of its numbers. `association` tells the associations of a flow apart.
    pub fn hand_on(&mut self, association: u32, direction: Direction, piece: &Piece<'_>, out: &mut Sink<'_>) {
        let data = &piece.data;
        if data.unordered {
            return;
        }
        if !self.streams.contains_key(&data.stream) {
            if data.protocol.is_some_and(|protocol| !names::may_be_read(protocol)) {
                return;
            }
            if self.streams.len() >= limits::MAX_INNER_CHANNELS {
                out.limit(&limits::INNER_STREAMS);
                return;
            }
        }
        let holes = self.holes;
        let stream =
            self.streams.entry(data.stream).or_insert(Stream { offset: 0, state: State::Fresh, holes, is_read: true });
        let is_next = match stream.state {
            State::Over => return,
            State::Fresh if !data.begins => return,
            State::Fresh => true,
            State::Inside(message) => !data.begins && data.message == message && stream.holes == holes,
            State::Between(message) => {
                let after = message.wrapping_add(1);
                data.begins && data.message == if piece.is_interleaved { after } else { after & 0xffff }
            }
        };
        let is_whole = data.bytes.len() == data.length;
        let channel = u64::from(association) << 16 | u64::from(data.stream);
        if !is_next || !is_whole {
            stream.state = State::Over;
            if stream.offset > 0 {
                out.inner_lost(channel, direction, stream.offset.saturating_add(1));
            }
            return;
        }
        stream.holes = holes;
        stream.state = if data.ends { State::Between(data.message) } else { State::Inside(data.message) };
        if let Some(protocol) = data.protocol {
            stream.is_read = names::may_be_read(protocol);
        }
        if stream.is_read && !data.bytes.is_empty() {
            let bytes = data.bytes.to_vec();
            out.inner_of(channel, (Carrier::Sctp, direction), stream.offset, bytes, piece.packet);
            stream.offset = stream.offset.saturating_add(u64::try_from(data.length).unwrap_or_default());
        }
    }
}
