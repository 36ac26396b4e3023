//! Messages of one direction: heads are read into exchanges, content is walked over.
use super::{
    body::{Body, BodyState, Framing, Part, odd_lines},
    findings::Place,
    note,
    parser::{Beginning, Field, Fields, HeadEnd, beginning, first_line, head_end, request_line, status_line},
    session::{HalfHead, Http1, Move, Phase},
};
use crate::{
    app::{
        Sink,
        codec::http::redact::{FormWatch, Secrecy, line as plain, secrecy, text, value},
    },
    limits::{MAX_CHUNK_EXTENSIONS, MAX_HTTP_FIELDS, MAX_HTTP_INFORMATIONAL},
    record::{Context, Direction, HttpContent, HttpOver, HttpPiece, HttpRequest, HttpResponse, PacketRef, RecordKind},
};

impl Http1 {
    /// At the beginning of a message.
    pub(super) fn start(
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
            // Prior knowledge after all, on a connection that spoke HTTP/1 before, or whose upgrade was missed.
            Beginning::Http2 => return Move::HandOver(at),
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
                    let last = context.packet_completing(at.saturating_add(rest.len()));
                    let lane = self.lane(direction);
                    (lane.kind, lane.searched) = (Some(kind), searched);
                    lane.half_head.keep(rest, context.packet_at(at), last);
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
        (lane.kind, lane.searched, lane.lost, lane.half_head) = (None, 0, false, HalfHead::default());
        let head = rest.get(..end).unwrap_or_default();
        let next = at.saturating_add(end);
        let (first, last) = (context.packet_at(at), context.packet_completing(next));
        out.lies(at..next);
        if kind == Beginning::Response {
            return self.response(direction, head, first, last, next, context, out);
        }
        self.request(direction, head, first, last, context, out);
        Move::On(next)
    }

    pub(super) fn request(
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
            method: Some(text(line.method)),
            target: Some(text(line.target)),
            scheme: None,
            authority: None,
            user_agent: None,
            headers: Vec::with_capacity(if wanted { 12 } else { 0 }),
            content_type: None,
            content_length: None,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        };
        let shown = out.shows_secrets();
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
                true => request.headers.push(header(&field, shown)),
                false => too_many = true,
            }
        }
        let absolute = absolute_form(line.target);
        request.scheme = match (self.over, absolute) {
            (HttpOver::Tls | HttpOver::Quic, _) => Some("https".to_owned()),
            (HttpOver::Tcp | HttpOver::Sctp, Some((scheme, _))) => Some(text(scheme).to_ascii_lowercase()),
            (HttpOver::Tcp | HttpOver::Sctp, None) => None,
        };
        if request.authority.is_none() {
            // CONNECT's target is whom to reach, and nothing else (RFC 9112 3.2.3).
            let connect = (line.method == b"CONNECT").then_some(line.target);
            request.authority = absolute.map(|(_, authority)| authority).or(connect).map(text);
        }
        let is_form = request.content_type.as_deref().is_some_and(|kind| {
            kind.get(..33).is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        exchange.form = is_form.then(FormWatch::default);
        exchange.connect = line.method == b"CONNECT";
        exchange.to_head = line.method == b"HEAD";
        let signs = framing.ambiguities().chain(framing.misplaced(line.version, None)).chain(odd_lines(head));
        exchange.ambiguities.extend(signs.map(|what| (Place::Request, what)));
        exchange.hosts = (line.version == b"1.1").then_some(framing.hosts);
        exchange.request_first = Some(first);
        exchange.request_head = Some(last);
        exchange.request_last = Some(last);
        exchange.http.version.clone_from(&request.version);
        if out.wants_notes() {
            out.note(note::request(&request, rest));
        }
        exchange.http.request = Some(request);
        let serial = self.first.wrapping_add(u64::try_from(self.open.len()).unwrap_or(u64::MAX));
        exchange.http.serial = serial;
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
    pub(super) fn response(
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
            status: Some(line.status),
            reason: (!line.reason.is_empty()).then(|| text(line.reason)),
            content_type: None,
            content_length: None,
            headers: Vec::with_capacity(if wanted { 12 } else { 0 }),
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        };
        let shown = out.shows_secrets();
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
                true => response.headers.push(header(&field, shown)),
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
                let misplaced = framing.misplaced(line.version, Some(line.status));
                let signs = framing.ambiguities().chain(misplaced).chain(odd_lines(head));
                exchange.ambiguities.extend(signs.map(|what| (Place::Response, what)));
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
                Some(b"websocket") if !tunnel => {
                    out.application("websocket");
                    out.expect("websocket");
                }
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

    pub(super) fn content(
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
        let kept_wanted = out.wants_content();
        let mut kept = Vec::new();
        let exchange = self.exchange(serial);
        let mut passed = 0_u64;
        let (mut trailers, mut extensions, mut odd) = (Vec::new(), Vec::new(), Vec::new());
        let mut crowded = None;
        let (fields_wanted, shown) = (out.wants(RecordKind::Http), out.shows_secrets());
        let mut watch = exchange.as_ref().filter(|_| is_request).and_then(|exchange| exchange.form);
        let step = body.step(rest, &mut |part| match part {
            Part::Content(piece) => {
                passed = passed.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                if let Some(watch) = &mut watch {
                    watch.look(piece);
                }
                if kept_wanted {
                    kept.extend_from_slice(piece);
                }
            }
            Part::Trailer(line) => {
                for field in Fields::new(line).take(1) {
                    if is_framing(field.name) {
                        odd.push("a field in its trailers that belongs to the header");
                    }
                    if fields_wanted && trailers.len() < MAX_HTTP_FIELDS {
                        trailers.push(header(&field, shown));
                    } else if fields_wanted {
                        crowded = Some("more trailer fields than are kept");
                    }
                }
            }
            Part::Extension(extension) if fields_wanted && extensions.len() <= MAX_CHUNK_EXTENSIONS => {
                let extension = text(extension);
                if !extensions.contains(&extension) {
                    extensions.push(extension);
                }
            }
            Part::Extension(_) => {}
            Part::Odd(what) => odd.push(what),
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
            let place = if is_request { Place::Request } else { Place::Response };
            for what in odd {
                if !exchange.ambiguities.contains(&(place, what)) {
                    exchange.ambiguities.push((place, what));
                }
            }
            exchange.add_trailers(place, trailers);
            if !exchange.add_extensions(extensions) {
                crowded = Some("more chunk extensions than are kept");
            }
            if step.state == BodyState::Broken {
                exchange.broken = Some(if is_request { Place::Request } else { Place::Response });
            }
        }
        if let Some(what) = crowded {
            self.tell_limit(what, context, out);
        }
        if !kept.is_empty() {
            self.tell_content(direction, HttpPiece::Bytes(kept), out, context);
        }
        match step.state {
            BodyState::More => {
                let lane = self.lane(direction);
                lane.phase = Phase::Content(body);
                // A request may be reported before it is whole, when the answer is: what of it passed must be known then.
                match body.ahead().filter(|_| !is_request && !kept_wanted) {
                    Some(ahead) => {
                        lane.counted = u64::try_from(next).unwrap_or(u64::MAX);
                        Move::Skip(lane.counted.saturating_add(ahead))
                    }
                    None => Move::Wait(next),
                }
            }
            BodyState::Complete => {
                self.tell_content(direction, HttpPiece::End, out, context);
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

    /// Hands a piece of the content that passes in this direction to whoever writes it to a file.
    pub(super) fn tell_content(
        &mut self,
        direction: Direction,
        piece: HttpPiece,
        out: &mut Sink<'_>,
        context: &Context<'_>,
    ) {
        if !out.wants_content() {
            return;
        }
        let (is_request, serial) = (self.is_request_lane(direction), self.lane(direction).current);
        let Some(exchange) = self.exchange(serial) else { return };
        let message = match is_request {
            true => exchange.http.request.as_ref().map(|request| request.packet),
            false => exchange.http.response.as_ref().map(|response| response.packet),
        };
        if let Some(message) = message {
            out.content(HttpContent { flow: context.flow.id, stream: exchange.http.serial, message, piece });
        }
    }

    /// Content passed unseen: `length` bytes from the last offer on, `missing` of them not in the capture.
    pub(super) fn skipped(
        &mut self,
        direction: Direction,
        length: u64,
        missing: u64,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let is_request = self.is_request_lane(direction);
        let lane = self.lane(direction);
        let passed = length.saturating_sub(std::mem::take(&mut lane.counted));
        let (serial, Phase::Content(mut body)) = (lane.current, lane.phase) else { return };
        let state = body.lose(passed);
        lane.phase = Phase::Content(body);
        let here = passed.saturating_sub(missing);
        if let Some(exchange) = self.exchange(serial).filter(|_| passed > 0) {
            let last = Some(context.packet_at(0));
            match (is_request, &mut exchange.http.request, &mut exchange.http.response) {
                (true, Some(request), _) => {
                    request.body_bytes = request.body_bytes.saturating_add(here);
                    exchange.request_last = last;
                }
                (false, _, Some(response)) => {
                    response.body_bytes = response.body_bytes.saturating_add(here);
                    exchange.response_last = last;
                    exchange.lost_bytes = exchange.lost_bytes.saturating_add(missing);
                }
                _ => {}
            }
        }
        if state == Some(BodyState::Complete) {
            self.finish(direction, context, out);
        }
    }

    /// The rest of a head will not come: what is here of it is reported. Its content, if any, is not to be found.
    pub(super) fn salvage(&mut self, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let lane = self.lane(direction);
        let HalfHead { bytes, first, last } = std::mem::take(&mut lane.half_head);
        let (Phase::Start, Some(kind)) = (lane.phase, lane.kind) else { return };
        let Some(end) = memchr::memrchr(b'\n', &bytes) else { return };
        let head = bytes.get(..=end).unwrap_or_default();
        (lane.kind, lane.searched) = (None, 0);
        match kind {
            Beginning::Response => {
                self.response(direction, head, first, last, head.len(), context, out);
            }
            _ => {
                self.request(direction, head, first, last, context, out);
                // Fields may be missing that were sent.
                if let Some(exchange) = self.open.back_mut() {
                    exchange.hosts = None;
                }
            }
        }
        if matches!(self.lane(direction).phase, Phase::Content(_) | Phase::Doubtful(_)) {
            self.finish(direction, context, out);
        }
        self.lose(direction);
    }
}

/// A header field as it may be reported; `all` of it where the user said so.
pub(super) fn header(field: &Field<'_>, all: bool) -> (String, String) {
    let secrecy = if all { Secrecy::Open } else { secrecy(field.name) };
    let shown = match secrecy {
        Secrecy::Open if !field.folded => plain(field.value),
        secrecy => value(field.value, secrecy),
    };
    (plain(field.name), shown)
}

fn keep(place: &mut Option<String>, bytes: &[u8]) {
    if place.is_none() {
        *place = Some(text(bytes));
    }
}

/// Fields that say where a message ends or where it goes: never in trailers (RFC 9110 6.5.1).
fn is_framing(name: &[u8]) -> bool {
    [b"content-length".as_slice(), b"transfer-encoding", b"host"].iter().any(|field| name.eq_ignore_ascii_case(field))
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
