//! One connection's HTTP/1 conversation: which response answers which request, and when.
//!
//! Content is consumed as it is offered and never kept. It is not passed by [`Progress::Skip`]: how much of a body was
//! there and which packet brought its last byte are part of the record, and whoever skips is not told.
use std::collections::VecDeque;

use super::{
    body::{Body, BodyState, Framing},
    findings::{self, Place},
    note,
    parser::{Beginning, Fields, HeadEnd, beginning, first_line, head_end, request_line, status_line},
    redact::{FormWatch, header, text},
};
use crate::{
    app::{Carrier, Session, Sink},
    limits::{MAX_HTTP_FIELDS, MAX_HTTP_INFORMATIONAL, MAX_HTTP_PIPELINED, MAX_PROBE_BYTES},
    record::{
        Context, Direction, EndCause, Evidence, Http, HttpOver, HttpRequest, HttpResponse, Input, PacketRef, Progress,
        Record, RecordKind, Subject,
    },
};

/// Reads both directions of a connection.
pub struct Http1 {
    over: HttpOver,
    /// Which way requests travel, once a message was seen.
    requests: Option<Direction>,
    lanes: [Lane; 2],
    /// Requests without their whole response, oldest first. The first one's serial number is `first`.
    open: VecDeque<Exchange>,
    first: u64,
    /// Requests reported early because too many waited; their responses come first.
    reported_early: usize,
    /// A limit was reported already.
    limit_told: bool,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    phase: Phase,
    /// Whether anything was offered yet.
    begun: bool,
    /// What the message at the front is, while its head is not whole.
    kind: Option<Beginning>,
    /// How far its head was searched for the empty line.
    searched: usize,
    /// Serial number of the exchange whose content passes.
    current: u64,
    /// Messages may be missing since the last one.
    lost: bool,
    /// How the direction ended.
    ended: Option<EndCause>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Phase {
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

/// A request with its response, as far as they are here.
pub(super) struct Exchange {
    pub http: Box<Http>,
    to_head: bool,
    connect: bool,
    upgrade: bool,
    request_first: Option<PacketRef>,
    pub request_last: Option<PacketRef>,
    request_done: bool,
    /// The final response's head was seen.
    responded: bool,
    response_done: bool,
    response_first: Option<PacketRef>,
    pub response_last: Option<PacketRef>,
    response_head: Option<PacketRef>,
    request_head: Option<PacketRef>,
    /// The connection ended inside the response's content; bytes still due, where known.
    pub cut: Option<Option<u64>>,
    /// Content that the capture does not hold.
    pub lost_bytes: u64,
    /// Where recipients may disagree about the end of a message.
    pub ambiguities: Vec<(Place, &'static str)>,
    /// Chunks made no sense.
    pub broken: Option<Place>,
    pub basic_credentials: bool,
    pub form: Option<FormWatch>,
    /// The connection ended and no response had come.
    pub unanswered: Option<Unanswered>,
}

/// How a request went without response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The server sent FIN.
    ServerClosed,
    /// The client sent FIN and no answer came after it.
    ClientClosed,
    /// Either side sent RST.
    Reset,
}

/// What one step over offered bytes leads to.
enum Move {
    /// Go on behind so many bytes.
    On(usize),
    /// Behind so many bytes more is needed.
    Wait(usize),
    /// Behind so many bytes another protocol begins.
    HandOver(usize),
    /// Nothing more is wanted.
    Done,
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
}

impl Http1 {
    /// A reader for a stream that runs over `carrier`.
    pub fn new(carrier: Carrier) -> Self {
        let over = match carrier {
            Carrier::Tls => HttpOver::Tls,
            Carrier::QuicCrypto => HttpOver::Quic,
            Carrier::Tcp | Carrier::Udp => HttpOver::Tcp,
        };
        Self {
            over,
            requests: None,
            lanes: [Lane::default(); 2],
            open: VecDeque::new(),
            first: 0,
            reported_early: 0,
            limit_told: false,
        }
    }

    fn lane(&mut self, direction: Direction) -> &mut Lane {
        let [client, server] = &mut self.lanes;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn exchange(&mut self, serial: u64) -> Option<&mut Exchange> {
        let place = usize::try_from(serial.wrapping_sub(self.first)).ok()?;
        self.open.get_mut(place)
    }

    fn is_request_lane(&self, direction: Direction) -> bool {
        self.requests == Some(direction)
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let lane = self.lane(direction);
        if !lane.begun {
            lane.begun = true;
            if !context.from_start {
                lane.phase = Phase::Lost { line_start: true };
            }
        }
        let mut at = 0_usize;
        while at < bytes.len() {
            match self.step(direction, bytes, at, context, out) {
                Move::On(next) => at = next,
                Move::Wait(next) => return Progress::Consumed(next),
                Move::HandOver(next) => {
                    self.flush(None, context, out);
                    return Progress::HandOver(next);
                }
                Move::Done => {
                    self.flush(None, context, out);
                    return Progress::Done;
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

    /// At the beginning of a message.
    fn start(
        &mut self,
        direction: Direction,
        rest: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let known = self.lane(direction).kind;
        let kind = match known {
            Some(kind) => kind,
            None => {
                // Empty lines before a message are passed over (RFC 9112 2.2).
                let blank = rest.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
                if blank > 0 {
                    return Move::On(at.saturating_add(blank));
                }
                beginning(rest)
            }
        };
        let sender_of_requests = match kind {
            Beginning::Incomplete { .. } => return Move::Wait(at),
            Beginning::Request | Beginning::Simple => direction,
            Beginning::Response => direction.reverse(),
            Beginning::Http2 => {
                out.application("http2");
                return Move::Done;
            }
            Beginning::Proxy => {
                let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
                return Move::On(at.saturating_add(end));
            }
            Beginning::No => {
                self.lose(direction);
                return Move::On(at);
            }
        };
        if *self.requests.get_or_insert(sender_of_requests) != sender_of_requests {
            // Both ends sending requests is no HTTP: take this line for something else.
            self.lane(direction).phase = Phase::Lost { line_start: false };
            return Move::On(at);
        }
        let end = match kind {
            Beginning::Simple => memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1)),
            _ => match head_end(rest, self.lane(direction).searched) {
                HeadEnd::At(end) => end,
                HeadEnd::NotYet(searched) => {
                    let lane = self.lane(direction);
                    (lane.kind, lane.searched) = (Some(kind), searched);
                    return Move::Wait(at);
                }
                HeadEnd::TooLong => {
                    self.tell_limit("a head longer than is read", context, out);
                    self.lose(direction);
                    self.lane(direction).phase = Phase::Lost { line_start: false };
                    return Move::On(at);
                }
            },
        };
        let lane = self.lane(direction);
        (lane.kind, lane.searched, lane.lost) = (None, 0, false);
        let head = rest.get(..end).unwrap_or_default();
        let next = at.saturating_add(end);
        let (first, last) = (context.packet_at(at), context.packet_completing(next));
        if kind == Beginning::Response {
            return self.response(direction, head, first, last, next, context, out);
        }
        self.request(direction, head, first, last, context, out);
        Move::On(next)
    }

    fn request(
        &mut self,
        direction: Direction,
        head: &[u8],
        first: PacketRef,
        last: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let (line, rest) = first_line(head);
        let Some(line) = request_line(line) else { return self.lose(direction) };
        // Responses were lost, and nobody pipelines by default: what waits was answered where we could not see it.
        if self.lane(direction.reverse()).lost {
            self.flush(None, context, out);
        }
        self.make_room(context, out);
        let wanted = out.wants(RecordKind::Http);
        let mut request = HttpRequest {
            packet: last.number,
            ts: last.timestamp,
            version: text(line.version),
            method: text(line.method),
            target: text(line.target),
            scheme: None,
            authority: None,
            user_agent: None,
            headers: Vec::with_capacity(if wanted { 12 } else { 0 }),
            content_type: None,
            content_length: None,
            body_bytes: 0,
        };
        let mut framing = Framing::default();
        let mut exchange = self.new_exchange(context);
        let mut too_many = false;
        for field in Fields::new(rest) {
            framing.field(&field);
            match field.name.len() {
                4 if field.name.eq_ignore_ascii_case(b"host") => keep(&mut request.authority, field.value),
                7 if field.name.eq_ignore_ascii_case(b"upgrade") => exchange.upgrade = true,
                10 if field.name.eq_ignore_ascii_case(b"user-agent") => keep(&mut request.user_agent, field.value),
                12 if field.name.eq_ignore_ascii_case(b"content-type") => keep(&mut request.content_type, field.value),
                14 if field.name.eq_ignore_ascii_case(b"content-length") => {
                    keep(&mut request.content_length, field.value)
                }
                13 | 19 if is_authorization(field.name) => {
                    let scheme = field.value.get(..6).unwrap_or_default();
                    exchange.basic_credentials |= scheme.eq_ignore_ascii_case(b"basic ");
                }
                _ => {}
            }
            if !wanted {
                continue;
            }
            match request.headers.len() < MAX_HTTP_FIELDS {
                true => request.headers.push(header(&field)),
                false => too_many = true,
            }
        }
        let absolute = absolute_form(line.target);
        request.scheme = match (self.over, absolute) {
            (HttpOver::Tls | HttpOver::Quic, _) => Some("https".to_owned()),
            (HttpOver::Tcp, Some((scheme, _))) => Some(text(scheme).to_ascii_lowercase()),
            (HttpOver::Tcp, None) => None,
        };
        if request.authority.is_none() {
            request.authority = absolute.map(|(_, authority)| text(authority));
        }
        let is_form = request.content_type.as_deref().is_some_and(|kind| {
            kind.get(..33).is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        exchange.form = is_form.then(FormWatch::default);
        exchange.connect = line.method == b"CONNECT";
        exchange.to_head = line.method == b"HEAD";
        exchange.ambiguities.extend(framing.ambiguities().map(|what| (Place::Request, what)));
        exchange.request_first = Some(first);
        exchange.request_head = Some(last);
        exchange.request_last = Some(last);
        exchange.http.version.clone_from(&request.version);
        if out.wants_notes() {
            out.note(note::request(&request, rest));
        }
        exchange.http.request = Some(request);
        let serial = self.first.wrapping_add(u64::try_from(self.open.len()).unwrap_or(u64::MAX));
        self.open.push_back(exchange);
        if too_many {
            self.tell_limit("more header fields than are kept", context, out);
        }
        let lane = self.lane(direction);
        lane.current = serial;
        match framing.of_request() {
            Body::Length(0) => self.finish(direction, context, out),
            body => self.lane(direction).phase = Phase::Content(body),
        }
    }

    #[allow(clippy::too_many_arguments)] // one call, and a struct for it would say nothing more
    fn response(
        &mut self,
        direction: Direction,
        head: &[u8],
        first: PacketRef,
        last: PacketRef,
        next: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let (line, rest) = first_line(head);
        let Some(line) = status_line(line) else {
            self.lose(direction);
            return Move::On(next);
        };
        let wanted = out.wants(RecordKind::Http);
        let mut response = HttpResponse {
            packet: last.number,
            ts: last.timestamp,
            version: text(line.version),
            status: line.status,
            reason: (!line.reason.is_empty()).then(|| text(line.reason)),
            content_type: None,
            content_length: None,
            headers: Vec::with_capacity(if wanted { 12 } else { 0 }),
            body_bytes: 0,
        };
        let mut framing = Framing::default();
        let mut upgrade = None;
        let mut too_many = false;
        for field in Fields::new(rest) {
            framing.field(&field);
            match field.name.len() {
                7 if field.name.eq_ignore_ascii_case(b"upgrade") => upgrade = Some(field.value),
                12 if field.name.eq_ignore_ascii_case(b"content-type") => keep(&mut response.content_type, field.value),
                14 if field.name.eq_ignore_ascii_case(b"content-length") => {
                    keep(&mut response.content_length, field.value)
                }
                _ => {}
            }
            if !wanted {
                continue;
            }
            match response.headers.len() < MAX_HTTP_FIELDS {
                true => response.headers.push(header(&field)),
                false => too_many = true,
            }
        }
        if out.wants_notes() {
            out.note(note::response(&response, rest));
        }
        if too_many {
            self.tell_limit("more header fields than are kept", context, out);
        }
        let serial = self.awaiting(context);
        let (mut too_many, mut connect, mut to_head, mut unknown) = (false, false, false, true);
        let informational = line.status < 200 && line.status != 101;
        if let Some(exchange) = self.exchange(serial) {
            (connect, to_head, unknown) = (exchange.connect, exchange.to_head, exchange.http.request.is_none());
            if exchange.http.request.is_none() {
                exchange.http.version.clone_from(&response.version);
            }
            if informational {
                match exchange.http.informational.len() < MAX_HTTP_INFORMATIONAL {
                    true => exchange.http.informational.push(response),
                    false => too_many = true,
                }
            } else {
                exchange.ambiguities.extend(framing.ambiguities().map(|what| (Place::Response, what)));
                exchange.http.response = Some(response);
                exchange.responded = true;
                exchange.response_first = Some(first);
                exchange.response_head = Some(last);
                exchange.response_last = Some(last);
            }
        }
        if too_many {
            self.tell_limit("more informational responses than are kept", context, out);
        }
        if informational {
            return Move::On(next);
        }
        self.lane(direction).current = serial;
        let tunnel = connect && (200..300).contains(&line.status);
        if tunnel || line.status == 101 {
            self.finish(direction, context, out);
            match upgrade.map(<[u8]>::to_ascii_lowercase).as_deref() {
                Some(b"websocket") if !tunnel => out.application("websocket"),
                Some(b"h2c") if !tunnel => out.application("http2"),
                _ => {}
            }
            return Move::HandOver(next);
        }
        // The tunnel or upgrade was refused: what the client sends next is HTTP again.
        let requests = self.lane(direction.reverse());
        if matches!(requests.phase, Phase::Waiting) {
            requests.phase = Phase::Start;
        }
        match framing.of_response(line.status, to_head) {
            Body::Length(0) => self.finish(direction, context, out),
            body if unknown && body != Body::UntilClose => self.lane(direction).phase = Phase::Doubtful(body),
            body => self.lane(direction).phase = Phase::Content(body),
        }
        Move::On(next)
    }

    fn content(
        &mut self,
        direction: Direction,
        mut body: Body,
        rest: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Move {
        let is_request = self.is_request_lane(direction);
        let serial = self.lane(direction).current;
        let exchange = self.exchange(serial);
        let mut passed = 0_u64;
        let mut watch = exchange.as_ref().filter(|_| is_request).and_then(|exchange| exchange.form);
        let step = body.step(rest, &mut |piece| {
            passed = passed.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if let Some(watch) = &mut watch {
                watch.look(piece);
            }
        });
        let next = at.saturating_add(step.consumed);
        if let Some(exchange) = exchange {
            let last = Some(context.packet_completing(next));
            if is_request {
                exchange.form = watch;
            }
            let moved = step.consumed > 0;
            match (is_request, &mut exchange.http.request, &mut exchange.http.response) {
                (true, Some(request), _) => request.body_bytes = request.body_bytes.saturating_add(passed),
                (false, _, Some(response)) => response.body_bytes = response.body_bytes.saturating_add(passed),
                _ => {}
            }
            match is_request {
                true if moved => exchange.request_last = last,
                false if moved => exchange.response_last = last,
                _ => {}
            }
            if step.state == BodyState::Broken {
                exchange.broken = Some(if is_request { Place::Request } else { Place::Response });
            }
        }
        match step.state {
            BodyState::More => {
                self.lane(direction).phase = Phase::Content(body);
                Move::Wait(next)
            }
            BodyState::Complete => {
                self.finish(direction, context, out);
                Move::On(next)
            }
            BodyState::Broken => {
                self.finish(direction, context, out);
                self.lose(direction);
                self.lane(direction).phase = Phase::Lost { line_start: false };
                Move::On(next)
            }
        }
    }

    /// The message in this direction is complete.
    fn finish(&mut self, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
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
        }
        while self.open.front().is_some_and(|exchange| exchange.request_done && exchange.response_done) {
            self.report_first(context, out);
        }
    }

    /// The serial number of the exchange that the next response belongs to.
    fn awaiting(&mut self, context: &Context<'_>) -> u64 {
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
            self.open.push_front(orphan);
            return self.first;
        }
        self.open.push_back(orphan);
        self.first.wrapping_add(u64::try_from(self.open.len().saturating_sub(1)).unwrap_or(u64::MAX))
    }

    /// Keeps the number of waiting requests within its limit.
    fn make_room(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.open.len() >= MAX_HTTP_PIPELINED {
            self.tell_limit("more requests without a response than are kept", context, out);
            let answered = self.open.front().is_some_and(|exchange| exchange.responded);
            self.reported_early = self.reported_early.saturating_add(usize::from(!answered));
            self.report_first(context, out);
        }
    }

    fn new_exchange(&self, context: &Context<'_>) -> Exchange {
        let sender = self.requests.unwrap_or(Direction::ClientToServer).sender();
        let http = Http {
            subject: Subject::default(),
            client: context.flow.endpoint(sender),
            server: context.flow.endpoint(sender.other()),
            version: String::new(),
            stream_id: None,
            over: self.over,
            request: None,
            response: None,
            informational: Vec::new(),
            ttfb_ns: None,
            download_ns: None,
            pipelined: false,
        };
        Exchange {
            http: Box::new(http),
            to_head: false,
            connect: false,
            upgrade: false,
            request_first: None,
            request_last: None,
            request_done: false,
            responded: false,
            response_done: false,
            response_first: None,
            response_last: None,
            response_head: None,
            request_head: None,
            cut: None,
            lost_bytes: 0,
            ambiguities: Vec::new(),
            broken: None,
            basic_credentials: false,
            form: None,
            unanswered: None,
        }
    }

    /// Reports the oldest exchange as it is.
    fn report_first(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(mut exchange) = self.open.pop_front() else { return };
        self.first = self.first.wrapping_add(1);
        let mut places = [
            exchange.request_first,
            exchange.request_head,
            exchange.request_last,
            exchange.response_first,
            exchange.response_head,
            exchange.response_last,
        ];
        places.sort_unstable_by_key(|place| place.map(|packet| packet.index));
        let evidence: Evidence = places.into_iter().flatten().map(|packet| packet.number).collect();
        exchange.http.subject = Subject::new(context.flow.id, evidence);
        if let (Some(asked), Some(first)) = (exchange.request_last, exchange.response_first) {
            // A response that began before its request had ended has no such time.
            let in_order = exchange.request_done && asked.index <= first.index;
            exchange.http.ttfb_ns = in_order.then(|| first.timestamp.since(asked.timestamp));
        }
        if let (Some(first), Some(last)) = (exchange.response_first, exchange.response_last) {
            exchange.http.download_ns = Some(last.timestamp.since(first.timestamp));
        }
        let found = if out.wants(RecordKind::Finding) { findings::of(&exchange) } else { Vec::new() };
        out.record(Record::Http(exchange.http));
        for finding in found {
            out.finding(finding);
        }
    }

    /// Reports all that is open: no more will come. `how` the connection ended, where it did.
    fn flush(&mut self, how: Option<Unanswered>, context: &Context<'_>, out: &mut Sink<'_>) {
        // What the client sent after the server had ended will not be answered either.
        let answers_ended = self.requests.and_then(|requests| self.lane(requests.reverse()).ended);
        let how = answers_ended.map(unanswered).or(how);
        while let Some(exchange) = self.open.front_mut() {
            if !exchange.responded {
                exchange.unanswered = how;
            }
            self.report_first(context, out);
        }
    }

    /// The place in the stream is lost: find the next message.
    fn lose(&mut self, direction: Direction) {
        let lane = self.lane(direction);
        lane.phase = Phase::Lost { line_start: true };
        (lane.kind, lane.searched, lane.lost) = (None, 0, true);
    }

    fn gap(&mut self, direction: Direction, length: u64, context: &Context<'_>, out: &mut Sink<'_>) {
        self.lane(direction).begun = true;
        let serial = self.lane(direction).current;
        match self.lane(direction).phase {
            Phase::Content(mut body) | Phase::Doubtful(mut body) => {
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
            let lane = self.lane(direction);
            if lane.ended.is_some() {
                continue;
            }
            let (phase, serial) = (lane.phase, lane.current);
            // Bytes on their way when a reset came may still follow: the middle of something.
            let lost = Phase::Lost { line_start: true };
            *lane = Lane { phase: lost, begun: true, ended: Some(cause), ..Lane::default() };
            if let Phase::Content(body) | Phase::Doubtful(body) = phase {
                let doubtful = matches!(phase, Phase::Doubtful(_));
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
            self.flush(Some(unanswered(cause)), context, out);
        }
    }

    /// The flow is over, or the capture is.
    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(requests) = self.requests else { return };
        // A client that left without an answer tells something only where the server's packets were captured too.
        let both_seen = self.lane(requests.reverse()).begun || context.round_trip_ns.is_some();
        let left = self.lane(requests).ended == Some(EndCause::Fin) && both_seen;
        self.flush(left.then_some(Unanswered::ClientClosed), context, out);
    }

    fn tell_limit(&mut self, what: &str, context: &Context<'_>, out: &mut Sink<'_>) {
        if !self.limit_told {
            self.limit_told = true;
            out.finding(findings::limit(what, context));
        }
    }
}

fn unanswered(cause: EndCause) -> Unanswered {
    match cause {
        EndCause::Fin => Unanswered::ServerClosed,
        EndCause::Reset => Unanswered::Reset,
    }
}

fn keep(place: &mut Option<String>, bytes: &[u8]) {
    if place.is_none() {
        *place = Some(text(bytes));
    }
}

fn is_authorization(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"authorization") || name.eq_ignore_ascii_case(b"proxy-authorization")
}

/// Scheme and authority of a target in absolute-form (RFC 9112 3.2.2).
fn absolute_form(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let place = memchr::memmem::find(target, b"://")?;
    let (scheme, rest) = target.split_at_checked(place)?;
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(valid) {
        return None;
    }
    let authority = rest.get(3..)?.split(|byte| matches!(byte, b'/' | b'?' | b'#')).next()?;
    // Credentials in front of the host are no part of what may be shown.
    let host =
        memchr::memrchr(b'@', authority).and_then(|at| authority.get(at.saturating_add(1)..)).unwrap_or(authority);
    Some((scheme, host))
}

#[cfg(test)]
#[path = "session_tests.rs"]
pub(super) mod tests;
