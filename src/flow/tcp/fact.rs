//! What a connection that is over tells those who compare connections.
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::{connection::Connection, endpoint::Endpoint, segment::Segment};
use crate::record::{
    AnswerKind, CloseKind, Direction, FlowFacts, Marks, Opening, PacketRef, ProbeAnswer, ProbeFact, Side, TcpFact,
};

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

    /// Remembers the hop limit of the first packet.
    pub fn set_first_hop_limit(&mut self, hop_limit: Option<u8>) {
        self.first_hop_limit = hop_limit;
    }

    /// An ICMP error spoke of it.
    pub fn set_told(&mut self) {
        self.told = true;
    }

    /// The SYN and its hop limit, while nothing else was sent in `direction`.
    #[must_use]
    pub fn lone_probe(&self, direction: Direction) -> Option<(PacketRef, u8)> {
        let lone = self.syn.is_some() && direction == Direction::ClientToServer && self.end(Side::Client).packets == 1;
        self.first_hop_limit.filter(|_| lone).map(|hop_limit| (self.first, hop_limit))
    }

    /// A SYN with a small hop limit, and what the server said to it: a step of a traceroute, perhaps.
    #[must_use]
    pub fn probe(&self, facts: &FlowFacts) -> Option<ProbeFact> {
        let hop_limit =
            self.first_hop_limit.filter(|hop_limit| *hop_limit <= ProbeFact::LOW_HOP_LIMIT && !self.told)?;
        self.syn.filter(|syn| syn.index == self.first.index)?;
        let (server, by) = (self.end(Side::Server), facts.server.address);
        let reset = self.last.index != self.first.index && server.packets == 1 && self.syn_ack.is_none();
        let packet = if reset { Some(self.last) } else { self.syn_ack };
        if packet.is_none() && server.packets > 0 {
            return None;
        }
        let answer = packet.map(|packet| ProbeAnswer { packet, by, kind: AnswerKind::Reached });
        let (source, target) = (facts.client, facts.server);
        let transport = facts.transport;
        Some(ProbeFact { flow: facts.id, transport, source, target, sent: self.first, hop_limit, answer })
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
