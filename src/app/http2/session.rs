//! One connection's HTTP/2 conversation: walks over the frames of both directions.
//!
//! Content passes by [`Progress::Skip`], unseen; header blocks are decoded where they lie, and put together only when
//! CONTINUATION frames follow.
use std::collections::{BTreeMap, VecDeque};

use super::{
    exchange::{Exchange, Span},
    findings,
    frame::{self, DEFAULT_FRAME_BYTES, HEAD_BYTES, Head, Kind, PREFACE},
    message::{Fields, Keep, Message},
    note,
    probe::Begins,
    window::{self, Window},
};
use crate::{
    app::{Carrier, MessageRange, Session, Sink, codec::hpack::Decoder},
    limits::{self, MAX_HTTP2_FRAME_BYTES, MAX_HTTP2_HEADER_BLOCK_BYTES},
    record::{
        Context, Direction, EndCause, Http2Frame, HttpOver, HttpPiece, Input, PacketNumber, PacketRef, Progress,
        Record, RecordKind, Subject, Timestamp, Underway,
    },
};

/// Reads both directions of a connection.
pub struct Http2 {
    pub(super) over: HttpOver,
    /// Which way requests travel, once something told.
    pub(super) requests: Option<Direction>,
    pub(super) lanes: [Lane; 2],
    /// Streams that are open, by number.
    pub(super) open: BTreeMap<u32, Exchange>,
    /// Those that ended last.
    pub(super) ended: VecDeque<u32>,
    /// What a stream's sender may send at first, per direction.
    pub(super) initial: [i64; 2],
    /// What each sender may send on all streams together.
    pub(super) windows: [Window; 2],
    /// The last stream that the server acts on, when it goes away.
    pub(super) last_served: Option<u32>,
    /// Streams that the client reset unanswered, since when.
    pub(super) resets: (u32, Timestamp),
    pub(super) rapid_reset_told: bool,
    pub(super) grpc_told: bool,
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) phase: Phase,
    pub(super) hpack: Decoder,
    /// A header block of which more will come.
    pub(super) block: Option<Block>,
    /// Longest frame that the other end allows; none before it said so.
    pub(super) longest: Option<u32>,
    /// Whether anything was offered yet.
    pub begun: bool,
    /// Frames were missed.
    pub lost: bool,
    /// A header block may be under way whose beginning was missed.
    pub(super) inside_block: bool,
    /// Bytes of the last offer that were counted before the rest was skipped.
    pub(super) counted: u64,
    pub(super) malformed_told: bool,
    /// How the direction ended.
    pub ended: Option<EndCause>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Phase {
    /// Before everything.
    #[default]
    Start,
    /// Before a frame.
    Frame,
    /// Inside the payload of a frame that passes unread.
    Payload(Passing),
    /// Looking for frames.
    Lost {
        /// Bytes searched so far.
        searched: usize,
        /// What the next byte offered is, where it was looked at already.
        candidate: Option<Begins>,
    },
}

/// A frame whose payload passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    pub(super) head: Head,
    /// The packet that brought its first byte.
    first: PacketNumber,
    /// Bytes of the payload still to come.
    pub(super) left: u64,
    /// Bytes of content among them; padding follows.
    pub(super) content: u64,
}

/// A header block that goes on in CONTINUATION frames (RFC 9113 4.3).
#[derive(Debug)]
pub(super) struct Block {
    head: Head,
    /// The promised stream, in PUSH_PROMISE.
    promised: Option<u32>,
    fragments: Vec<u8>,
    first: PacketRef,
    /// More came than is kept.
    overlong: bool,
}

/// What one step over offered bytes leads to.
pub(super) enum Move {
    /// Go on behind so many bytes.
    On(usize),
    /// Behind so many bytes more is needed: so many.
    Need(usize, usize),
    /// So many bytes, counted from the first offered one, pass unseen.
    Skip(u64),
}

impl Session for Http2 {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => return self.stream(direction, bytes, context, out),
            // Only streams are read; the probe never says yes to datagrams.
            Input::Datagram { .. } => return Progress::Done,
            Input::Gap { direction, length } => self.gap(direction, length, context, out),
            Input::Skipped { direction, length, missing } => self.skipped(direction, length, missing, context, out),
            Input::End { direction, cause } => self.end(direction, cause, context, out),
            Input::Close => {
                self.close(context, out);
                return Progress::Done;
            }
        }
        Progress::Consumed(0)
    }

    fn underway(&self) -> Option<Underway> {
        let waits = |exchange: &&Exchange| exchange.http.response.is_none() && exchange.http.request.is_some();
        let mut waiting = self.open.values().filter(waits);
        let request = waiting.next()?.http.request.as_ref()?;
        Some(request.underway(u64::try_from(waiting.count()).unwrap_or(u64::MAX)))
    }
}

impl Http2 {
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
            open: BTreeMap::new(),
            ended: VecDeque::new(),
            initial: [window::INITIAL; 2],
            windows: [Window::new(window::INITIAL); 2],
            last_served: None,
            resets: (0, Timestamp(0)),
            rapid_reset_told: false,
            grpc_told: false,
        }
    }

    pub(super) fn lane(&mut self, direction: Direction) -> &mut Lane {
        let [client, server] = &mut self.lanes;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        while at < bytes.len() {
            match self.step(direction, bytes, at, context, out) {
                Move::On(next) => at = next,
                Move::Need(consumed, at_least) => return Progress::Need { consumed, at_least },
                Move::Skip(length) => return Progress::Skip(length),
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
            Phase::Frame => self.frame(direction, bytes, at, context, out),
            Phase::Payload(passing) => self.payload(direction, passing, bytes, at, context, out),
            Phase::Lost { searched, candidate } => {
                self.search(direction, rest, at, (searched, candidate), context, out)
            }
        }
    }

    fn start(
        &mut self,
        direction: Direction,
        rest: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        self.lane(direction).begun = true;
        if rest.len() < PREFACE.len() && PREFACE.starts_with(rest) {
            return Move::Need(at, PREFACE.len());
        }
        if rest.starts_with(PREFACE) {
            let end = at.saturating_add(PREFACE.len());
            out.lies(at..end);
            self.requests = Some(direction);
            self.lane(direction).phase = Phase::Frame;
            tell_frame(direction, None, None, context.packet_completing(end), context, out);
            if out.wants_notes() {
                out.note(note::preface());
            }
            return Move::On(end);
        }
        // A server begins with SETTINGS. Where something else stands at the beginning, frames must be found first.
        let frame = frame::head(rest).map_or(true, |(_, head)| head.is_plausible(DEFAULT_FRAME_BYTES));
        match context.from_start && frame {
            true => self.lane(direction).phase = Phase::Frame,
            false => self.lose(direction),
        }
        Move::On(at)
    }

    /// At the head of a frame.
    fn frame(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok((payload, head)) = frame::head(rest) else { return Move::Need(at, HEAD_BYTES) };
        let kind = head.kind();
        let fault = head.fault();
        let readable = !matches!(kind, Kind::Data | Kind::Other) && fault.is_none();
        if readable && head.frame_bytes() <= MAX_HTTP2_FRAME_BYTES {
            let Some(payload) = payload.get(..head.payload_bytes()) else { return Move::Need(at, head.frame_bytes()) };
            let end = at.saturating_add(head.frame_bytes());
            let span = Span { first: context.packet_at(at), last: context.packet_completing(end) };
            out.lies(at..end);
            self.whole(direction, head, payload, span, context, out);
            return Move::On(end);
        }
        // The padding's length comes first.
        let prefix = usize::from(head.is_padded() && fault.is_none());
        let Some(padding) = payload.get(..prefix) else { return Move::Need(at, HEAD_BYTES.saturating_add(prefix)) };
        let padding = padding.first().map_or(0, |&padding| u64::from(padding).saturating_add(1));
        let content = u64::from(head.length).checked_sub(padding);
        let packet = context.packet_at(at);
        if let Some(what) = fault.or(content.is_none().then_some("more padding than its frame holds")) {
            self.malformed(direction, what, packet, context, out);
        } else if readable {
            out.limit(&limits::HTTP2);
        }
        if matches!(kind, Kind::Headers | Kind::PushPromise | Kind::Continuation) {
            self.lose_headers(direction);
        } else {
            self.interrupted(direction, packet, context, out);
        }
        let left = u64::from(head.length).saturating_sub(u64::try_from(prefix).unwrap_or(0));
        let content = if kind == Kind::Data { content.unwrap_or(0) } else { 0 };
        self.lane(direction).phase = Phase::Payload(Passing { head, first: packet.number, left, content });
        let next = at.saturating_add(HEAD_BYTES).saturating_add(prefix);
        if left == 0 || next >= bytes.len() {
            // The frame may be over, or nothing of it be here: both are settled at once.
            let passing = Passing { head, first: packet.number, left, content };
            return self.payload(direction, passing, bytes, next, context, out);
        }
        Move::On(next)
    }

    /// Inside a payload that passes.
    fn payload(
        &mut self,
        direction: Direction,
        mut passing: Passing,
        bytes: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let here = u64::try_from(bytes.len().saturating_sub(at)).unwrap_or(u64::MAX).min(passing.left);
        let next = at.saturating_add(usize::try_from(here).unwrap_or(usize::MAX));
        let last = context.packet_completing(next);
        if out.wants_content() && passing.head.kind() == Kind::Data {
            let content = usize::try_from(here.min(passing.content)).unwrap_or(usize::MAX);
            let content = bytes.get(at..at.saturating_add(content)).unwrap_or_default();
            if !content.is_empty() {
                self.tell_content(direction, passing.head.stream, HttpPiece::Bytes(content.to_vec()), context, out);
            }
        }
        let length = u64::try_from(passing.head.frame_bytes()).unwrap_or(u64::MAX);
        out.lies_at(MessageRange { end: next, length, first: Some(passing.first) });
        self.pass(direction, &mut passing, here, 0, last, context, out);
        // A note is made with the last byte, so that it is known where that lies.
        let unseen = passing.left.saturating_sub(u64::from(out.wants_notes()));
        if unseen == 0 || out.wants_content() {
            return Move::On(next);
        }
        let lane = self.lane(direction);
        lane.counted = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Move::Skip(lane.counted.saturating_add(unseen))
    }

    /// So many bytes of the payload are behind us, `missing` of them not in the capture.
    #[allow(clippy::too_many_arguments)] // one thing, told from two places
    pub(super) fn pass(
        &mut self,
        direction: Direction,
        passing: &mut Passing,
        length: u64,
        missing: u64,
        last: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let content = length.min(passing.content);
        passing.left = passing.left.saturating_sub(length);
        passing.content = passing.content.saturating_sub(content);
        if passing.head.kind() == Kind::Data {
            if missing > 0 {
                self.lose_content(direction, Some(passing.head.stream));
            }
            self.data(direction, passing.head.stream, content.saturating_sub(missing), missing.min(content), last);
        }
        if passing.left > 0 {
            self.lane(direction).phase = Phase::Payload(*passing);
            return;
        }
        self.lane(direction).phase = Phase::Frame;
        let head = passing.head;
        tell_frame(direction, Some(head), None, last, context, out);
        if out.wants_notes() {
            out.note(note::frame(head, &[], None));
        }
        if head.kind() == Kind::Data && head.fault().is_none() {
            self.data_ended(direction, head, last, context, out);
        }
    }

    /// A frame that is here whole.
    fn whole(
        &mut self,
        direction: Direction,
        head: Head,
        payload: &[u8],
        span: Span,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let kind = head.kind();
        if !matches!(kind, Kind::Headers | Kind::PushPromise | Kind::Continuation) {
            self.interrupted(direction, span.last, context, out);
            tell_frame(direction, Some(head), None, span.last, context, out);
            if out.wants_notes() {
                out.note(note::frame(head, payload, None));
            }
        }
        match kind {
            Kind::Headers => {
                self.interrupted(direction, span.first, context, out);
                let fragment = frame::headers(head, payload);
                self.begin_block(direction, head, None, fragment, span, context, out);
            }
            Kind::PushPromise => {
                self.interrupted(direction, span.first, context, out);
                let promise = frame::push_promise(head, payload);
                let promised = promise.map(|(stream, _)| stream);
                self.begin_block(direction, head, promised, promise.map(|(_, fragment)| fragment), span, context, out);
            }
            Kind::Continuation => self.continue_block(direction, head, payload, span.last, context, out),
            Kind::Settings if !head.is_ack() => self.settings(direction, payload, span.last, context),
            Kind::WindowUpdate => {
                if let Some(increment) = frame::number(payload) {
                    self.window_update(direction, head.stream, increment & 0x7fff_ffff, span.last, context);
                }
            }
            Kind::RstStream => {
                if let Some(code) = frame::number(payload) {
                    self.reset(direction, head.stream, code, span.last, context, out);
                }
            }
            Kind::Goaway => {
                if let Some((last, code)) = frame::goaway(payload) {
                    self.goaway(direction, last, code, span.last, context, out);
                }
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments)] // the parts of a frame, and what surrounds it
    fn begin_block(
        &mut self,
        direction: Direction,
        head: Head,
        promised: Option<u32>,
        fragment: Option<&[u8]>,
        span: Span,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(fragment) = fragment else {
            self.malformed(direction, "more padding than its frame holds", span.last, context, out);
            self.lose_headers(direction);
            tell_frame(direction, Some(head), None, span.last, context, out);
            return;
        };
        if head.ends_headers() {
            let list = self.block(direction, head, promised, fragment, span, context, out);
            tell_headers(direction, head, list, span.last, context, out);
            return;
        }
        tell_frame(direction, Some(head), None, span.last, context, out);
        if out.wants_notes() {
            out.note(note::frame(head, &[], None));
        }
        self.lane(direction).block =
            Some(Block { head, promised, fragments: fragment.to_vec(), first: span.first, overlong: false });
    }

    fn continue_block(
        &mut self,
        direction: Direction,
        head: Head,
        fragment: &[u8],
        last: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let lane = self.lane(direction);
        let Some(mut block) = lane.block.take().filter(|block| block.head.stream == head.stream) else {
            let excused = lane.inside_block;
            lane.inside_block &= !head.ends_headers();
            if !excused {
                self.malformed(direction, "CONTINUATION without a header block before it", last, context, out);
            }
            self.lose_headers(direction);
            tell_frame(direction, Some(head), None, last, context, out);
            return;
        };
        if block.fragments.len().saturating_add(fragment.len()) > MAX_HTTP2_HEADER_BLOCK_BYTES {
            if !block.overlong {
                out.limit(&limits::HTTP2);
            }
            (block.overlong, block.fragments) = (true, Vec::new());
        }
        if !block.overlong {
            block.fragments.extend_from_slice(fragment);
        }
        if !head.ends_headers() {
            lane.block = Some(block);
            tell_frame(direction, Some(head), None, last, context, out);
            return;
        }
        if block.overlong {
            self.lose_headers(direction);
            tell_frame(direction, Some(head), None, last, context, out);
            return;
        }
        let span = Span { first: block.first, last };
        let list = self.block(direction, block.head, block.promised, &block.fragments, span, context, out);
        tell_headers(direction, head, list, last, context, out);
    }

    /// A whole header block. Gives its fields for `http2_frame`, where wanted.
    #[allow(clippy::too_many_arguments)] // the parts of a frame, and what surrounds it
    fn block(
        &mut self,
        direction: Direction,
        head: Head,
        promised: Option<u32>,
        block: &[u8],
        span: Span,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Fields> {
        let list = out.wants(RecordKind::Http2Frame) || out.wants_notes();
        let keep = Keep { fields: out.wants(RecordKind::Http), list, secrets: out.shows_secrets() };
        let lane = self.lane(direction);
        let (mut message, result) = Message::decode(&mut lane.hpack, block, keep);
        if message.truncated || lane.hpack.take_dropped() {
            out.limit(&limits::HTTP2);
        }
        let list = message.list.take();
        if let Err(error) = result {
            let what = format!("a header block with {error}");
            self.malformed(direction, &what, span.last, context, out);
            self.lose_headers(direction);
            return None;
        }
        match promised {
            Some(promised) => self.promise(direction, head.stream, promised, message, span, context, out),
            None => self.message(direction, head, message, span, context, out),
        }
        list
    }

    /// A header block may not be interrupted by any other frame (RFC 9113 6.10).
    fn interrupted(&mut self, direction: Direction, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let lane = self.lane(direction);
        lane.inside_block = false;
        if lane.block.is_some() {
            self.malformed(direction, "another frame inside a header block", packet, context, out);
            self.lose_headers(direction);
        }
    }

    /// Which way requests travel, as far as known.
    pub(super) fn requests_travel(&self) -> Direction {
        self.requests.unwrap_or(Direction::ClientToServer)
    }

    /// Settings that matter to who watches.
    fn settings(&mut self, direction: Direction, payload: &[u8], packet: PacketRef, context: &Context<'_>) {
        for (id, value) in frame::settings(payload) {
            match id {
                frame::INITIAL_WINDOW_SIZE => {
                    self.initial_window(direction.reverse(), i64::from(value), packet, context);
                }
                frame::MAX_FRAME_SIZE => self.lane(direction.reverse()).longest = Some(value),
                _ => {}
            }
        }
    }

    /// Tells once per direction.
    fn malformed(
        &mut self,
        direction: Direction,
        what: &str,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let lane = self.lane(direction);
        if !lane.malformed_told {
            lane.malformed_told = true;
            out.finding(findings::malformed(direction.sender(), what, packet.number, context));
        }
    }
}

/// Reports a frame that ends no header block; none is the preface.
fn tell_frame(
    direction: Direction,
    head: Option<Head>,
    headers: Option<Fields>,
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if !out.wants(RecordKind::Http2Frame) {
        return;
    }
    out.record(Record::Http2Frame(Box::new(Http2Frame {
        subject: Subject::new(context.flow.id, [packet.number].into_iter().collect()),
        client: context.flow.client,
        server: context.flow.server,
        packet: packet.number,
        ts: packet.timestamp,
        side: direction.sender(),
        stream_id: head.map(|head| head.stream),
        frame_type: head.map(|head| head.number),
        flags: head.map(|head| head.flags),
        length: head.map_or(24, |head| head.length),
        headers,
    })));
}

/// Reports a frame with which a header block ends.
fn tell_headers(
    direction: Direction,
    head: Head,
    list: Option<Fields>,
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants_notes() {
        out.note(note::frame(head, &[], list.as_ref()));
    }
    tell_frame(direction, Some(head), list, packet, context, out);
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(super) mod tests;
