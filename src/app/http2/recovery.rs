//! What an HTTP/2 conversation does when it loses its place, and when it ends: missing bytes, the search for frames, and what
//! is left unanswered.
use super::{
    exchange::Unanswered,
    findings,
    frame::{self, DEFAULT_FRAME_BYTES},
    probe::{Begins, Chain, chain},
    session::{Http2, Move, Phase},
    window::Window,
};
use crate::{
    app::Sink,
    limits::{self, MAX_HTTP2_SEARCH_BYTES},
    record::{Context, Direction, EndCause},
};

/// Longest frame believed while frames are searched, in bytes: three of them fit into what a stream holds back.
const LONGEST_SEARCHED: u32 = 65_536;

impl Http2 {
    /// A header block was not decoded: what it put into the table is not known.
    pub(super) fn lose_headers(&mut self, direction: Direction) {
        let lane = self.lane(direction);
        lane.block = None;
        lane.lost = true;
        lane.hpack.forget();
    }

    /// The place in the stream is lost, and so is what the other end was allowed to send.
    pub(super) fn lose(&mut self, direction: Direction) {
        self.lose_headers(direction);
        let lane = self.lane(direction);
        lane.inside_block = true;
        lane.phase = Phase::Lost { searched: 0, candidate: Some(Begins::WithPacket) };
        self.lose_content(direction, None);
        self.forget_windows();
    }

    /// Looks for frames.
    pub(super) fn search(
        &mut self,
        direction: Direction,
        rest: &[u8],
        at: usize,
        (searched, candidate): (usize, Option<Begins>),
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let longest = self.lane(direction).longest.unwrap_or(DEFAULT_FRAME_BYTES).min(LONGEST_SEARCHED);
        for offset in 0..rest.len() {
            let bytes = rest.get(offset..).unwrap_or_default();
            if frame::head(bytes).is_ok_and(|(_, head)| !head.is_plausible(longest)) {
                continue;
            }
            let place = at.saturating_add(offset);
            let with_packet = place > 0 && context.origins.iter().any(|origin| origin.offset == place);
            let begins = match (offset, candidate) {
                (0, Some(begins)) => begins,
                _ if with_packet => Begins::WithPacket,
                _ => Begins::Inside,
            };
            match chain(bytes, longest, begins) {
                Chain::Breaks => {}
                Chain::Holds => {
                    self.lane(direction).phase = Phase::Frame;
                    return Move::On(place);
                }
                Chain::Short { at_least } => {
                    let searched = searched.saturating_add(offset);
                    self.lane(direction).phase = Phase::Lost { searched, candidate: Some(begins) };
                    if searched > MAX_HTTP2_SEARCH_BYTES {
                        break;
                    }
                    return Move::Need(place, at_least);
                }
            }
        }
        // The search reached its limit: the last bytes of an offer are always a candidate.
        out.limit(&limits::HTTP2);
        Move::Skip(u64::MAX)
    }

    pub(super) fn skipped(
        &mut self,
        direction: Direction,
        length: u64,
        missing: u64,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let lane = self.lane(direction);
        let passed = length.saturating_sub(std::mem::take(&mut lane.counted));
        let Phase::Payload(mut passing) = lane.phase else { return };
        if passed > 0 {
            let (last, passed) = (context.packet_at(0), passed.min(passing.left));
            self.pass(direction, &mut passing, passed, missing, last, context, out);
        }
    }

    pub(super) fn gap(&mut self, direction: Direction, length: u64, context: &Context<'_>, out: &mut Sink<'_>) {
        self.lane(direction).begun = true;
        if let Phase::Payload(mut passing) = self.lane(direction).phase
            && length <= passing.left
        {
            return self.pass(direction, &mut passing, length, length, context.packet, context, out);
        }
        self.lose(direction);
    }

    pub(super) fn end(&mut self, direction: Direction, cause: EndCause, context: &Context<'_>, out: &mut Sink<'_>) {
        // A reset ends both directions at once.
        let both = cause == EndCause::Reset;
        for direction in [Some(direction), both.then_some(direction.reverse())].into_iter().flatten() {
            self.lane(direction).ended.get_or_insert(cause);
        }
        let responses = self.requests_travel().reverse();
        if self.lane(responses).ended.is_some() {
            self.flush(Some(Unanswered::from(cause)), context, out);
        }
    }

    /// The flow is over, or the capture is.
    pub(super) fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let requests = self.requests_travel();
        // A client that left without an answer tells something only where the server's packets were captured too.
        let both_seen = self.lane(requests.reverse()).begun || context.round_trip_ns.is_some();
        let left = self.lane(requests).ended == Some(EndCause::Fin) && both_seen;
        self.flush(left.then_some(Unanswered::ClientClosed), context, out);
        for direction in Direction::BOTH {
            let stall = self.windows.get(direction.index()).and_then(Window::stall);
            if let Some(found) = stall.and_then(|stall| findings::connection_stalled(direction, stall, context)) {
                out.finding(found);
            }
        }
    }
}
