//! One connection's HTTP/1 conversation: which response answers which request, and when.
//!
//! Content is never kept: what of it lies beyond the offered bytes passes by [`Progress::Skip`], unseen.
use std::collections::VecDeque;

use super::{
    body::{Body, BodyState},
    exchange::{Exchange, Unanswered},
    findings,
    parser::{Beginning, beginning},
};
use crate::{
    app::{Carrier, Session, Sink},
    limits::{MAX_HTTP_PIPELINED, MAX_PROBE_BYTES},
    record::{Context, Direction, EndCause, HttpOver, HttpPiece, Input, PacketRef, Progress, Underway},
};

/// Reads both directions of a connection.
pub struct Http1 {
    pub(super) over: HttpOver,
    /// Which way requests travel, once a message was seen.
    pub(super) requests: Option<Direction>,
    lanes: [Lane; 2],
    /// Requests without their whole response, oldest first. The first one's serial number is `first`.
    pub(super) open: VecDeque<Exchange>,
    pub(super) first: u64,
    /// Requests reported early because too many waited; their responses come first.
    reported_early: usize,
    /// A limit was reported already.
    limit_told: bool,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub phase: Phase,
    /// Whether anything was offered yet.
    begun: bool,
    /// What the message at the front is, while its head is not whole.
    pub kind: Option<Beginning>,
    /// How far its head was searched for the empty line.
    pub searched: usize,
    /// That head as far as it came.
    pub half_head: HalfHead,
    /// Bytes of the last offer that were counted before the rest of the content was skipped.
    pub counted: u64,
    /// Serial number of the exchange whose content passes.
    pub current: u64,
    /// Messages may be missing since the last one.
    pub lost: bool,
    /// How the direction ended.
    ended: Option<EndCause>,
}

/// A head that is not whole yet: kept because a gap or the snap length may leave nothing else of the message.
#[derive(Debug, Default)]
pub(super) struct HalfHead {
    pub bytes: Vec<u8>,
    /// The packet that brought the first byte.
    pub first: PacketRef,
    /// The one that brought the last.
    pub last: PacketRef,
}

impl HalfHead {
    /// `bytes` begin with the head, and with what was kept before.
    pub fn keep(&mut self, bytes: &[u8], first: PacketRef, last: PacketRef) {
        self.bytes.extend_from_slice(bytes.get(self.bytes.len()..).unwrap_or_default());
        (self.first, self.last) = (first, last);
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Phase {
    /// Before a message.
    #[default]
    Start,
    /// Inside content.
    Content(Body),
    /// Behind the head of a response whose request was not seen: had it been HEAD, no content follows.
    Doubtful(Body),
    /// Behind a CONNECT or Upgrade: what follows may be another protocol.
    Waiting,
    /// Looking for the next line that begins a message.
    Lost {
        /// At the beginning of a line, or where one may begin.
        line_start: bool,
    },
}

/// What one step over offered bytes leads to.
pub(super) enum Move {
    /// Go on behind so many bytes.
    On(usize),
    /// Behind so many bytes more is needed.
    Wait(usize),
    /// So many bytes, counted from the first offered one, are content.
    Skip(u64),
    /// Behind so many bytes another protocol begins.
    HandOver(usize),
}

impl Session for Http1 {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            // Only streams are read; the probe never says yes to datagrams for this session.
            Input::Datagram { .. } => Progress::Done,
            Input::Gap { direction, length } => {
                self.gap(direction, length, context, out);
                Progress::Consumed(0)
            }
            Input::Skipped { direction, length, missing } => {
                self.skipped(direction, length, missing, context, out);
                Progress::Consumed(0)
            }
            Input::End { direction, cause } => {
                self.end(direction, cause, context, out);
                Progress::Consumed(0)
            }
            Input::Close => {
                self.close(context, out);
                Progress::Done
            }
        }
    }

    fn underway(&self) -> Option<Underway> {
        let waits = |exchange: &&Exchange| !exchange.responded && exchange.http.request.is_some();
        let mut waiting = self.open.iter().filter(waits);
        let request = waiting.next()?.http.request.as_ref()?;
        Some(request.underway(u64::try_from(waiting.count()).unwrap_or(u64::MAX)))
    }
}

impl Http1 {
    /// A reader for a stream that runs over `carrier`.
    pub fn new(carrier: Carrier) -> Self {
        let over = match carrier {
            Carrier::Tls => HttpOver::Tls,
            Carrier::QuicCrypto => HttpOver::Quic,
            Carrier::Sctp => HttpOver::Sctp,
            Carrier::Tcp | Carrier::Udp | Carrier::Ip(_) | Carrier::Arp => HttpOver::Tcp,
        };
        Self {
            over,
            requests: None,
            lanes: Default::default(),
            open: VecDeque::new(),
            first: 0,
            reported_early: 0,
            limit_told: false,
        }
    }

    pub(super) fn lane(&mut self, direction: Direction) -> &mut Lane {
        let [client, server] = &mut self.lanes;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    pub(super) fn exchange(&mut self, serial: u64) -> Option<&mut Exchange> {
        let place = usize::try_from(serial.wrapping_sub(self.first)).ok()?;
        self.open.get_mut(place)
    }

    pub(super) fn is_request_lane(&self, direction: Direction) -> bool {
        self.requests == Some(direction)
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let lane = self.lane(direction);
        if !lane.begun {
            lane.begun = true;
            if !context.from_start {
                lane.phase = Phase::Lost { line_start: true };
            } else if self.requests == Some(direction.reverse()) && findings::expects_tls(bytes) {
                out.finding(findings::to_tls_port(context.packet_at(0).number, context));
            }
        }
        let mut at = 0_usize;
        while at < bytes.len() {
            match self.step(direction, bytes, at, context, out) {
                Move::On(next) => at = next,
                Move::Wait(next) => return Progress::Consumed(next),
                Move::Skip(length) => return Progress::Skip(length),
                Move::HandOver(next) => {
                    self.flush(None, context, out);
                    return Progress::HandOver(next);
                }
            }
        }
        Progress::Consumed(at)
    }

    /// One step over `bytes` from offset `at`.
    fn step(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let rest = bytes.get(at..).unwrap_or_default();
        match self.lane(direction).phase {
            Phase::Start => self.start(direction, rest, at, context, out),
            Phase::Content(body) => self.content(direction, body, rest, at, context, out),
            Phase::Doubtful(body) => match beginning(rest) {
                Beginning::Incomplete { .. } if rest.first() == Some(&b'H') => Move::Wait(at),
                Beginning::Response => {
                    self.finish(direction, context, out);
                    Move::On(at)
                }
                _ => {
                    self.lane(direction).phase = Phase::Content(body);
                    Move::On(at)
                }
            },
            Phase::Waiting => match beginning(rest) {
                Beginning::Request => {
                    self.lane(direction).phase = Phase::Start;
                    Move::On(at)
                }
                // The answer is not in the capture, but the client goes on as if it had been yes.
                Beginning::No if rest.len() >= MAX_PROBE_BYTES && !self.lane(direction.reverse()).begun => {
                    Move::HandOver(at)
                }
                _ => Move::Wait(at),
            },
            Phase::Lost { line_start: true } => match beginning(rest) {
                Beginning::Request | Beginning::Response => {
                    self.lane(direction).phase = Phase::Start;
                    Move::On(at)
                }
                Beginning::Incomplete { .. } => Move::Wait(at),
                _ => {
                    self.lane(direction).phase = Phase::Lost { line_start: false };
                    Move::On(at)
                }
            },
            Phase::Lost { line_start: false } => match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    self.lane(direction).phase = Phase::Lost { line_start: true };
                    Move::On(at.saturating_add(end).saturating_add(1))
                }
                None => Move::On(bytes.len()),
            },
        }
    }

    /// The message in this direction is complete.
    pub(super) fn finish(&mut self, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let is_request = self.is_request_lane(direction);
        let serial = self.lane(direction).current;
        let mut phase = Phase::Start;
        let mut ended = None;
        if let Some(exchange) = self.exchange(serial) {
            if is_request {
                exchange.request_done = true;
                if (exchange.connect || exchange.upgrade) && !exchange.responded {
                    phase = Phase::Waiting;
                }
            } else {
                exchange.response_done = true;
                ended = exchange.response_last;
            }
        }
        self.lane(direction).phase = phase;
        if let (Some(ended), Some(next)) = (ended, self.exchange(serial.wrapping_add(1))) {
            next.http.pipelined = next.request_first.is_some_and(|first| first.index < ended.index);
            next.previous_ended = next.http.pipelined.then_some(ended);
        }
        while self.open.front().is_some_and(|exchange| exchange.request_done && exchange.response_done) {
            self.report_first(context, out);
        }
    }

    /// The serial number of the exchange that the next response belongs to.
    pub(super) fn awaiting(&mut self, context: &Context<'_>) -> u64 {
        let place = self.open.iter().position(|exchange| !exchange.responded);
        if let (Some(place), 0) = (place, self.reported_early) {
            return self.first.wrapping_add(u64::try_from(place).unwrap_or(u64::MAX));
        }
        // Its request was not seen, or was reported already.
        let mut orphan = self.new_exchange(context);
        orphan.request_done = true;
        if self.reported_early > 0 {
            self.reported_early = self.reported_early.saturating_sub(1);
            self.first = self.first.wrapping_sub(1);
            orphan.http.serial = self.first;
            self.open.push_front(orphan);
            return self.first;
        }
        let serial = self.first.wrapping_add(u64::try_from(self.open.len()).unwrap_or(u64::MAX));
        orphan.http.serial = serial;
        self.open.push_back(orphan);
        serial
    }

    /// Keeps the number of waiting requests within its limit.
    pub(super) fn make_room(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.open.len() >= MAX_HTTP_PIPELINED {
            self.tell_limit("more requests without a response than are kept", context, out);
            let answered = self.open.front().is_some_and(|exchange| exchange.responded);
            self.reported_early = self.reported_early.saturating_add(usize::from(!answered));
            self.report_first(context, out);
        }
    }

    pub(super) fn new_exchange(&self, context: &Context<'_>) -> Exchange {
        Exchange::new(self.over, self.requests.unwrap_or(Direction::ClientToServer), context)
    }

    /// Reports the oldest exchange as it is.
    fn report_first(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(exchange) = self.open.pop_front() else { return };
        self.first = self.first.wrapping_add(1);
        exchange.report(context, out);
    }

    /// Reports all that is open: no more will come. `how` the connection ended, where it did.
    pub(super) fn flush(&mut self, how: Option<Unanswered>, context: &Context<'_>, out: &mut Sink<'_>) {
        // What the client sent after the server had ended will not be answered either.
        let answers_ended = self.requests.and_then(|requests| self.lane(requests.reverse()).ended);
        let how = answers_ended.map(Unanswered::from).or(how);
        while let Some(exchange) = self.open.front_mut() {
            if !exchange.responded {
                exchange.unanswered = how;
            }
            self.report_first(context, out);
        }
    }

    /// The place in the stream is lost: find the next message.
    pub(super) fn lose(&mut self, direction: Direction) {
        let lane = self.lane(direction);
        lane.phase = Phase::Lost { line_start: true };
        (lane.kind, lane.searched, lane.lost, lane.half_head) = (None, 0, true, HalfHead::default());
    }

    fn gap(&mut self, direction: Direction, length: u64, context: &Context<'_>, out: &mut Sink<'_>) {
        self.lane(direction).begun = true;
        self.salvage(direction, context, out);
        let serial = self.lane(direction).current;
        match self.lane(direction).phase {
            Phase::Content(mut body) | Phase::Doubtful(mut body) => {
                self.tell_content(direction, HttpPiece::Missing, out, context);
                let state = body.lose(length);
                let is_request = self.is_request_lane(direction);
                if let Some(exchange) = self.exchange(serial).filter(|_| !is_request) {
                    exchange.lost_bytes = exchange.lost_bytes.saturating_add(length);
                }
                match state {
                    Some(BodyState::More | BodyState::Broken) => self.lane(direction).phase = Phase::Content(body),
                    Some(BodyState::Complete) => self.finish(direction, context, out),
                    None => {
                        self.finish(direction, context, out);
                        self.lose(direction);
                    }
                }
            }
            Phase::Waiting => {}
            Phase::Start | Phase::Lost { .. } => self.lose(direction),
        }
    }

    fn end(&mut self, direction: Direction, cause: EndCause, context: &Context<'_>, out: &mut Sink<'_>) {
        // A reset ends both directions at once.
        let over = match cause {
            EndCause::Reset => [Some(direction), Some(direction.reverse())],
            EndCause::Fin => [Some(direction), None],
        };
        for direction in over.into_iter().flatten() {
            let is_request = self.is_request_lane(direction);
            if self.lane(direction).ended.is_some() {
                continue;
            }
            self.salvage(direction, context, out);
            let lane = self.lane(direction);
            let (phase, serial) = (lane.phase, lane.current);
            // Bytes on their way when a reset came may still follow: the middle of something.
            let lost = Phase::Lost { line_start: true };
            *lane = Lane { phase: lost, begun: true, ended: Some(cause), ..Lane::default() };
            if let Phase::Content(body) | Phase::Doubtful(body) = phase {
                let doubtful = matches!(phase, Phase::Doubtful(_));
                if body == Body::UntilClose && cause == EndCause::Fin {
                    self.lane(direction).current = serial;
                    self.tell_content(direction, HttpPiece::End, out, context);
                }
                if let Some(exchange) = self.exchange(serial).filter(|_| !is_request && !doubtful) {
                    exchange.cut = match body {
                        Body::Length(left) => Some(Some(left)),
                        Body::Chunked(_) => Some(None),
                        Body::UntilClose => (cause == EndCause::Reset).then_some(None),
                    };
                }
                self.lane(direction).current = serial;
                self.finish(direction, context, out);
                self.lane(direction).phase = lost;
            }
        }
        let answers_over = self.requests.is_some_and(|requests| self.lane(requests.reverse()).ended.is_some());
        if answers_over {
            self.flush(Some(Unanswered::from(cause)), context, out);
        }
    }

    /// The flow is over, or the capture is.
    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        for direction in Direction::BOTH {
            self.salvage(direction, context, out);
        }
        let Some(requests) = self.requests else { return };
        // A client that left without an answer tells something only where the server's packets were captured too.
        let both_seen = self.lane(requests.reverse()).begun || context.round_trip_ns.is_some();
        let left = self.lane(requests).ended == Some(EndCause::Fin) && both_seen;
        self.flush(left.then_some(Unanswered::ClientClosed), context, out);
    }

    pub(super) fn tell_limit(&mut self, what: &str, context: &Context<'_>, out: &mut Sink<'_>) {
        if !self.limit_told {
            self.limit_told = true;
            out.finding(findings::limit(what, context));
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(super) mod tests;
