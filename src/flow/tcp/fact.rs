//! What a connection that is over tells those who compare connections.
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::{connection::Connection, endpoint::Endpoint, segment::Segment};
use crate::record::{CloseKind, Direction, FlowFacts, Marks, Opening, Side, TcpFact};

/// Bytes at the start of a direction that are compared: few enough to be in one segment on both sides of a proxy, enough
/// to hold the random bytes of a TLS hello.
const COMPARED_BYTES: usize = 32;

impl Connection {
    /// Remembers how the payload of `direction` begins.
    pub(super) fn note_start(&mut self, segment: &Segment<'_>, direction: Direction) {
        let Some(start) = self.starts.get_mut(direction.index()) else { return };
        if *start != 0 || segment.payload.is_empty() {
            return;
        }
        let compared = segment.payload.get(..COMPARED_BYTES).unwrap_or(segment.payload);
        *start = FixedState::default().hash_one(compared).max(1);
    }

    /// What others may be compared with.
    #[must_use]
    pub fn fact(&self, facts: &FlowFacts) -> TcpFact {
        let [client, server] = &self.ends;
        let [client_start, server_start] = self.starts;
        TcpFact {
            id: facts.id,
            first: self.first,
            end: self.last.timestamp,
            client: facts.client,
            server: facts.server,
            opening: self.opening(),
            syns: if self.syn.is_some() { client.packets } else { 0 },
            marks: [marks(client, client_start), marks(server, server_start)],
            closed_idle: self.first_close.map(|(side, _)| side).zip(self.idle_before_close_ns()),
            raced: self.race().is_some_and(|race| race.closer == Side::Server),
        }
    }

    fn opening(&self) -> Opening {
        let [client, server] = &self.ends;
        if self.syn.is_none() {
            return Opening::Unseen;
        }
        if self.close().kind == CloseKind::Refused {
            return Opening::Refused;
        }
        match (self.syn_ack.is_some(), self.ack.is_some()) {
            (true, true) => Opening::Completed,
            (true, false) if client.reset_packet.is_some() => Opening::Abandoned,
            (true, false) => Opening::HalfOpen,
            (false, _) if server.packets == 0 && !self.was_established => Opening::Unanswered,
            (false, _) => Opening::Unseen,
        }
    }
}

fn marks(end: &Endpoint, start: u64) -> Marks {
    let sent = end.initial.zip(end.next).map_or(0, |(initial, next)| next.wrapping_sub(initial));
    Marks {
        initial_sequence_number: end.initial,
        timestamp_value: end.syn_timestamp,
        payload_start: (start != 0).then_some(start),
        payload_bytes: sent.saturating_sub(1).saturating_sub(u32::from(end.fin.is_some())),
    }
}
