//! Streams: which response answers which request, and how each ends (RFC 9113 5.1 and 8.1).
use super::{
    exchange::{Exchange, Span, Unanswered},
    findings,
    frame::Head,
    message::Message,
    session::Http2,
    window::Window,
};
use crate::{
    app::Sink,
    limits::{self, MAX_HTTP2_ENDED_STREAMS, MAX_HTTP2_STREAMS},
    record::{Context, Direction, HttpContent, HttpPiece, PacketRef, Side},
};

/// Unanswered streams reset within a second that are called rapid reset.
const RAPID_RESETS: u32 = 100;

/// A window of which nothing is known: it never closes.
const UNKNOWN_WINDOW: i64 = i64::MAX / 4;

impl Http2 {
    /// A header section, or trailers.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        head: Head,
        message: Message,
        span: Span,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let stream = head.stream;
        if self.requests.is_none() {
            self.requests = match (&message.method, message.status) {
                (Some(_), _) => Some(direction),
                (None, Some(_)) => Some(direction.reverse()),
                (None, None) => None,
            };
        }
        let requests = self.requests_travel();
        let is_request = direction == requests;
        if self.ended.contains(&stream) {
            return;
        }
        if message.is_grpc() && !self.grpc_told {
            self.grpc_told = true;
            out.application("grpc");
        }
        if !self.open.contains_key(&stream) {
            self.make_room(context, out);
            let exchange = self.exchange(stream, requests, context);
            self.open.insert(stream, exchange);
        }
        let Some(exchange) = self.open.get_mut(&stream) else { return };
        let known = if is_request { exchange.http.request.is_some() } else { exchange.http.response.is_some() };
        // Where the first section was missed, this one may be the trailers: those have no pseudo-header fields.
        let has_pseudo = message.method.is_some() || message.status.is_some() || message.unknown > 0;
        let mut room = true;
        match (is_request, known || !has_pseudo) {
            (_, true) => exchange.trailers(message, is_request, span),
            (true, false) => exchange.request(message, span),
            (false, false) => room = exchange.response(message, span),
        }
        if !room {
            out.limit(&limits::HTTP2);
        }
        if head.ends_stream() {
            self.end_of_stream(direction, stream, context, out);
        }
    }

    /// PUSH_PROMISE: a request that the server thinks up (RFC 9113 8.4).
    #[allow(clippy::too_many_arguments)] // the parts of a frame, and what surrounds it
    pub(super) fn promise(
        &mut self,
        direction: Direction,
        on: u32,
        promised: u32,
        message: Message,
        span: Span,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        self.requests.get_or_insert(direction.reverse());
        if self.ended.contains(&promised) || self.open.contains_key(&promised) {
            return;
        }
        self.make_room(context, out);
        let mut exchange = self.exchange(promised, direction.reverse(), context);
        exchange.http.promised_on = Some(u64::from(on));
        exchange.request(message, span);
        exchange.request_done = true;
        self.open.insert(promised, exchange);
    }

    fn exchange(&self, stream: u32, requests: Direction, context: &Context<'_>) -> Exchange {
        let mut exchange = Exchange::new(stream, self.over, requests, context);
        exchange.windows = self.initial.map(Window::new);
        exchange
    }

    /// A piece of content.
    pub(super) fn data(&mut self, direction: Direction, stream: u32, bytes: u64, missing: u64, last: PacketRef) {
        let is_request = self.requests_travel() == direction;
        if let Some(exchange) = self.open.get_mut(&stream) {
            exchange.content(bytes, missing, is_request, last);
        }
    }

    /// Hands a piece of content to whoever writes it to a file; not beyond a place where some is missing.
    pub(super) fn tell_content(
        &self,
        direction: Direction,
        stream: u32,
        piece: HttpPiece,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(exchange) = self.open.get(&stream) else { return };
        let message = match direction == self.requests_travel() {
            true => exchange.http.request.as_ref().map(|request| request.packet),
            false => exchange.http.response.as_ref().map(|response| response.packet),
        };
        if let Some(message) = message
            && !exchange.content_lost.get(direction.index()).is_some_and(|lost| *lost)
        {
            out.content(HttpContent { flow: context.flow.id, stream: u64::from(stream), message, piece });
        }
    }

    /// Content of one stream, or of any, is missing from the capture.
    pub(super) fn lose_content(&mut self, direction: Direction, stream: Option<u32>) {
        let range = stream.map_or(0..=u32::MAX, |stream| stream..=stream);
        for (_, exchange) in self.open.range_mut(range) {
            if let Some(lost) = exchange.content_lost.get_mut(direction.index()) {
                *lost = true;
            }
        }
    }

    /// A DATA frame is over.
    pub(super) fn data_ended(
        &mut self,
        direction: Direction,
        head: Head,
        last: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let of_stream = self.open.get_mut(&head.stream).and_then(|one| one.windows.get_mut(direction.index()));
        let windows = [of_stream, self.windows.get_mut(direction.index())];
        windows.into_iter().flatten().for_each(|window| window.spend(head.length, last));
        if head.ends_stream() {
            self.end_of_stream(direction, head.stream, context, out);
        }
    }

    /// END_STREAM.
    fn end_of_stream(&mut self, direction: Direction, stream: u32, context: &Context<'_>, out: &mut Sink<'_>) {
        let is_request = self.requests_travel() == direction;
        if out.wants_content() {
            self.tell_content(direction, stream, HttpPiece::End, context, out);
        }
        let Some(exchange) = self.open.get_mut(&stream) else { return };
        match is_request {
            true => exchange.request_done = true,
            false => exchange.response_done = true,
        }
        // Where the request was missed, nobody knows that it is not over: the response ends the stream.
        if exchange.response_done && (exchange.request_done || exchange.http.request.is_none()) {
            self.report(stream, context, out);
        }
    }

    /// RST_STREAM.
    pub(super) fn reset(
        &mut self,
        direction: Direction,
        stream: u32,
        code: u32,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let by_client = direction == self.requests_travel();
        let Some(exchange) = self.open.get_mut(&stream) else { return };
        exchange.reset(direction, code, packet);
        if by_client && exchange.http.response.is_none() {
            self.count_reset(packet, context, out);
        }
        self.report(stream, context, out);
    }

    fn count_reset(&mut self, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let (count, since) = &mut self.resets;
        if packet.timestamp.since(*since) > 1_000_000_000 {
            (*count, *since) = (0, packet.timestamp);
        }
        *count = count.saturating_add(1);
        if *count >= RAPID_RESETS && !self.rapid_reset_told {
            self.rapid_reset_told = true;
            out.finding(findings::rapid_reset(*count, context));
        }
    }

    /// GOAWAY.
    pub(super) fn goaway(
        &mut self,
        direction: Direction,
        last: u32,
        code: u32,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        if direction != self.requests_travel() {
            // A server that closes gracefully names the highest number first, and the real one later.
            self.last_served = Some(self.last_served.unwrap_or(u32::MAX).min(last));
        }
        if code != 0 {
            let side: Side = direction.sender();
            out.finding(findings::goaway(side, last, code, packet.number, context));
        }
    }

    /// WINDOW_UPDATE from `direction`'s sender: the other end may send more.
    pub(super) fn window_update(
        &mut self,
        direction: Direction,
        stream: u32,
        increment: u32,
        packet: PacketRef,
        context: &Context<'_>,
    ) {
        let sender = direction.reverse().index();
        let window = match stream {
            0 => self.windows.get_mut(sender),
            _ => self.open.get_mut(&stream).and_then(|exchange| exchange.windows.get_mut(sender)),
        };
        if let Some(window) = window {
            window.grant(i64::from(increment), packet, context.round_trip_ns);
        }
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE for what travels in `direction`; it changes the windows of open streams too
    /// (RFC 9113 6.9.2).
    pub(super) fn initial_window(&mut self, direction: Direction, size: i64, packet: PacketRef, context: &Context<'_>) {
        let Some(initial) = self.initial.get_mut(direction.index()) else { return };
        if *initial == UNKNOWN_WINDOW {
            return;
        }
        let change = size.saturating_sub(*initial);
        *initial = size;
        for exchange in self.open.values_mut() {
            if let Some(window) = exchange.windows.get_mut(direction.index()) {
                window.grant(change, packet, context.round_trip_ns);
            }
        }
    }

    /// Frames were missed: what may be sent is not known any more.
    pub(super) fn forget_windows(&mut self) {
        self.initial = [UNKNOWN_WINDOW; 2];
        self.windows = [Window::new(UNKNOWN_WINDOW); 2];
        for exchange in self.open.values_mut() {
            exchange.windows = self.windows;
        }
    }

    /// Keeps the number of open streams within its limit.
    fn make_room(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.open.len() >= MAX_HTTP2_STREAMS
            && let Some(oldest) = self.open.keys().next().copied()
        {
            out.limit(&limits::HTTP2);
            self.report(oldest, context, out);
        }
    }

    /// Reports a stream as it is, and remembers that it ended.
    fn report(&mut self, stream: u32, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(exchange) = self.open.remove(&stream) else { return };
        if self.ended.len() >= MAX_HTTP2_ENDED_STREAMS {
            self.ended.pop_front();
        }
        self.ended.push_back(stream);
        exchange.report(context, out);
    }

    /// Reports all that is open: no more will come. `how` the connection ended, where it did.
    pub(super) fn flush(&mut self, how: Option<Unanswered>, context: &Context<'_>, out: &mut Sink<'_>) {
        let responses = self.requests_travel().reverse();
        let lane = self.lane(responses);
        let how = lane.ended.map(Unanswered::from).or(how).filter(|_| !lane.lost);
        while let Some((stream, exchange)) = self.open.first_entry().map(|entry| (*entry.key(), entry.into_mut())) {
            let refused = self.last_served.is_some_and(|last| stream > last) && exchange.http.promised_on.is_none();
            if exchange.http.response.is_none() {
                exchange.unanswered = if refused { how.and(Some(Unanswered::NotProcessed)) } else { how };
            } else {
                exchange.cut =
                    !exchange.response_done && matches!(how, Some(Unanswered::ServerClosed | Unanswered::Reset));
            }
            self.report(stream, context, out);
        }
    }
}
