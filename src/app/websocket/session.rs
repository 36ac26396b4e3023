//! One WebSocket connection: counts frames, follows pings and the close, finds what breaks RFC 6455.
use super::{
    frame::{self, Head, Kind},
    note,
};
use crate::{
    app::{Carrier, Session, Sink},
    limits::{self, MAX_WEBSOCKET_FAULTS},
    record::{
        self, Context, Direction, EndCause, Evidence, Finding, HttpOver, Input, PacketRef, Progress, Record,
        RecordKind, Severity, Side, Subject, WebsocketClose, WebsocketCounts,
    },
};

/// Longest payload of a control frame, in bytes (RFC 6455 5.5).
const MAX_CONTROL_BYTES: u64 = 125;

/// Reads both directions.
pub struct Websocket {
    over: HttpOver,
    lanes: [Lane; 2],
    first: Option<PacketRef>,
    last: Option<PacketRef>,
    close: Vec<WebsocketClose>,
    round_trips: Option<(i64, i64)>,
    faults: Vec<(Side, &'static str, PacketRef)>,
    /// How the connection ended without a Close frame.
    ended: Option<(Side, EndCause)>,
    reported: bool,
}

#[derive(Default)]
struct Lane {
    counts: WebsocketCounts,
    /// Bytes of a payload still to come.
    left: u64,
    /// Bytes of the last offer that were counted before the rest was skipped.
    counted: u64,
    /// A message has begun and is not over.
    inside: bool,
    /// The last ping: when, and what it carries.
    ping: Option<(PacketRef, Vec<u8>)>,
    lost: bool,
    closed: bool,
}

impl Session for Websocket {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => return self.stream(direction, bytes, context, out),
            Input::Datagram { .. } => return Progress::Done,
            Input::Gap { direction, length } => {
                let lane = self.lane(direction);
                match lane.left.checked_sub(length) {
                    Some(left) => lane.left = left,
                    None => lane.lost = true,
                }
            }
            Input::Skipped { direction, length, .. } => {
                let lane = self.lane(direction);
                let passed = length.saturating_sub(std::mem::take(&mut lane.counted));
                lane.left = lane.left.saturating_sub(passed);
            }
            Input::End { direction, cause } => {
                let side = direction.sender();
                self.ended.get_or_insert((side, cause));
            }
            Input::Close => {
                self.report(context, out);
                return Progress::Done;
            }
        }
        Progress::Consumed(0)
    }
}

impl Websocket {
    pub fn new(carrier: Carrier) -> Self {
        let over = match carrier {
            Carrier::Tls => HttpOver::Tls,
            Carrier::QuicCrypto => HttpOver::Quic,
            Carrier::Sctp => HttpOver::Sctp,
            Carrier::Tcp | Carrier::Udp | Carrier::Ip(_) | Carrier::Arp => HttpOver::Tcp,
        };
        Self {
            over,
            lanes: Default::default(),
            first: None,
            last: None,
            close: Vec::new(),
            round_trips: None,
            faults: Vec::new(),
            ended: None,
            reported: false,
        }
    }

    fn lane(&mut self, direction: Direction) -> &mut Lane {
        let [client, server] = &mut self.lanes;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let length = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut at = 0_usize;
        loop {
            let lane = self.lane(direction);
            if lane.lost {
                return Progress::Skip(u64::MAX);
            }
            let rest = bytes.get(at..).unwrap_or_default();
            if lane.left > 0 {
                let here = length(rest.len()).min(lane.left);
                lane.left = lane.left.saturating_sub(here);
                at = at.saturating_add(usize::try_from(here).unwrap_or(usize::MAX));
                if lane.left > 0 {
                    lane.counted = length(bytes.len());
                    return Progress::Skip(lane.counted.saturating_add(lane.left));
                }
                continue;
            }
            if rest.is_empty() {
                return Progress::Consumed(at);
            }
            let Ok((payload, head)) = frame::head(rest) else {
                return Progress::Need { consumed: at, at_least: 2_usize.max(rest.len().saturating_add(1)) };
            };
            let head_bytes = rest.len().saturating_sub(payload.len());
            let whole = match head.is_control() && head.length <= MAX_CONTROL_BYTES {
                true => usize::try_from(head.length).unwrap_or(usize::MAX),
                false => 0,
            };
            let end = at.saturating_add(head_bytes).saturating_add(whole);
            let Some(content) = payload.get(..whole) else {
                return Progress::Need { consumed: at, at_least: head_bytes.saturating_add(whole) };
            };
            let packet = context.packet_completing(end);
            // Data passes unread: of what is told with the head, as much as is here.
            let data = usize::try_from(head.length).unwrap_or(usize::MAX);
            let here = rest.len().min(head_bytes.saturating_add(data));
            out.lies(at..at.saturating_add(here));
            self.frame(direction, &head, content, packet, out);
            if whole == 0 {
                self.lane(direction).left = head.length;
            }
            at = end;
        }
    }

    fn frame(&mut self, direction: Direction, head: &Head, content: &[u8], packet: PacketRef, out: &mut Sink<'_>) {
        self.first.get_or_insert(packet);
        self.last = Some(packet);
        let side = direction.sender();
        self.rules(direction, head, packet);
        let kind = head.kind();
        let lane = self.lane(direction);
        let counts = &mut lane.counts;
        counts.frames = counts.frames.saturating_add(1);
        let count = |place: &mut u64| *place = place.saturating_add(1);
        match kind {
            Kind::Text => count(&mut counts.text_messages),
            Kind::Binary => count(&mut counts.binary_messages),
            Kind::Continuation => count(&mut counts.continuations),
            Kind::Ping => count(&mut counts.pings),
            Kind::Pong => count(&mut counts.pongs),
            Kind::Close | Kind::Reserved => {}
        }
        if !head.is_control() {
            counts.data_bytes = counts.data_bytes.saturating_add(head.length);
            if head.reserved_bits & 4 != 0 && kind != Kind::Continuation {
                count(&mut counts.compressed_messages);
            }
            lane.inside = !head.last;
        }
        let content = frame::unmask(content, head.key);
        let mut info = format!("WebSocket {kind:?}");
        match kind {
            Kind::Ping => lane.ping = Some((packet, content)),
            Kind::Pong => {
                let asked = self.lane(direction.reverse()).ping.take_if(|(_, carried)| *carried == content);
                if let Some((ping, _)) = asked {
                    let took = packet.timestamp.since(ping.timestamp);
                    let (least, most) = self.round_trips.unwrap_or((took, took));
                    self.round_trips = Some((least.min(took), most.max(took)));
                }
            }
            Kind::Close if !lane.closed => {
                lane.closed = true;
                let told = frame::close(&content);
                let code = told.map(|(code, _)| code);
                let name = code.and_then(frame::close_name);
                if let Some(code) = code {
                    info = format!("{info} {code} {}", name.unwrap_or_default());
                }
                let reason = told.map(|(_, reason)| String::from_utf8_lossy(reason).into_owned());
                let reason = reason.filter(|reason| !reason.is_empty());
                let (number, ts) = (packet.number, packet.timestamp);
                self.close.push(WebsocketClose { packet: number, ts, side, code, name, reason });
                if code.is_some_and(|code| !frame::may_be_sent(code)) {
                    self.fault(side, "a Close code that must not be sent", packet);
                }
            }
            _ => {}
        }
        if out.wants_notes() {
            out.note(note::frame(info, head));
        }
    }

    /// What RFC 6455 asks of each frame.
    fn rules(&mut self, direction: Direction, head: &Head, packet: PacketRef) {
        let side = direction.sender();
        let by_client = direction == Direction::ClientToServer;
        let inside = self.lane(direction).inside;
        let closed = self.lane(direction).closed;
        let kind = head.kind();
        for (broken, what) in [
            (by_client && head.key.is_none(), "a frame of the client without a mask"),
            (!by_client && head.key.is_some(), "a masked frame of the server"),
            (kind == Kind::Reserved, "a reserved opcode"),
            (head.reserved_bits & 3 != 0, "reserved bits set"),
            (head.is_control() && !head.last, "a fragmented control frame"),
            (head.is_control() && head.length > MAX_CONTROL_BYTES, "a control frame of more than 125 bytes"),
            (kind == Kind::Continuation && !inside, "a continuation of nothing"),
            (matches!(kind, Kind::Text | Kind::Binary) && inside, "a new message inside another"),
            (head.length_too_wide, "a length longer than needed"),
            (head.length > i64::MAX.unsigned_abs(), "a length of more than 63 bits"),
            (closed && !head.is_control(), "data behind a Close frame"),
        ] {
            if broken {
                self.fault(side, what, packet);
            }
        }
    }

    fn fault(&mut self, side: Side, what: &'static str, packet: PacketRef) {
        let known = self.faults.iter().any(|(of, fault, _)| (*of, *fault) == (side, what));
        if !known && self.faults.len() < MAX_WEBSOCKET_FAULTS {
            self.faults.push((side, what, packet));
        }
    }

    fn report(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if std::mem::replace(&mut self.reported, true) {
            return;
        }
        let packets = [self.first, self.last].into_iter().flatten().map(|packet| packet.number);
        let evidence: Evidence = packets.chain(self.close.iter().map(|close| close.packet)).collect();
        let subject = Subject::new(context.flow.id, evidence);
        let [sent, received] = self.lanes.each_ref().map(|lane| lane.counts);
        let found = if out.wants(RecordKind::Finding) { self.findings(&subject, context) } else { Vec::new() };
        out.record(Record::Websocket(Box::new(record::Websocket {
            subject,
            client: context.flow.client,
            server: context.flow.server,
            over: self.over,
            start_ts: self.first.map(|packet| packet.timestamp),
            end_ts: self.last.map(|packet| packet.timestamp),
            sent,
            received,
            close: std::mem::take(&mut self.close),
            ping_rtt_min_ns: self.round_trips.map(|(least, _)| least),
            ping_rtt_max_ns: self.round_trips.map(|(_, most)| most),
            complete: !self.lanes.iter().any(|lane| lane.lost),
        })));
        for finding in found {
            out.finding(finding);
        }
        if self.faults.len() >= MAX_WEBSOCKET_FAULTS {
            out.limit(&limits::WEBSOCKET);
        }
    }

    fn findings(&self, subject: &Subject, context: &Context<'_>) -> Vec<Finding> {
        let finding = |severity, code, title: String, explanation: &str, reference| Finding {
            subject: subject.clone(),
            client: Some(context.flow.client),
            server: Some(context.flow.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some(reference),
        };
        let mut found = Vec::new();
        for (side, what, packet) in &self.faults {
            let title = format!("The {} sent {what}", name(*side));
            let told = "Who receives this must fail the connection. Either it is no WebSocket, or one of the two, or a \
                        proxy between them, does not follow the protocol.";
            let reference = "RFC 6455 5";
            let mut broken = finding(Severity::Warning, "websocket.malformed", title, told, reference);
            broken.subject.evidence = [packet.number].into_iter().collect();
            found.push(broken);
        }
        let failed = self.close.iter().find(|close| !matches!(close.code, None | Some(1000 | 1001)));
        if let Some(close) = failed {
            let code = close.code.unwrap_or_default();
            let meaning = close.name.map_or(String::new(), |name| format!(" ({name})"));
            let reason = close.reason.as_deref().map_or(String::new(), |reason| format!(": {reason}"));
            let title = format!("WebSocket closed by the {} with {code}{meaning}{reason}", name(close.side));
            let told = "Only 1000 and 1001 are a normal end. Codes from 3000 on mean what the application says, from 4000 \
                        on what these two programs agreed on.";
            let severity = if code >= 3000 { Severity::Note } else { Severity::Warning };
            found.push(finding(severity, "websocket.closed-abnormally", title, told, "RFC 6455 7.4"));
        }
        let (seen, complete) = (self.first.is_some(), !self.lanes.iter().any(|lane| lane.lost));
        if let (Some((side, cause)), true) = (self.ended, self.close.is_empty() && seen && complete) {
            let how = match cause {
                EndCause::Fin => "closed",
                EndCause::Reset => "reset",
            };
            let title = format!("WebSocket connection {how} by the {} without a Close frame", name(side));
            let told = "Its programs see code 1006. A program that ended or crashed, a proxy's or translator's idle \
                        timeout, or a network that was lost: pings more often than that timeout keep it open.";
            found.push(finding(Severity::Note, "websocket.no-close", title, told, "RFC 6455 7.1.5"));
        }
        found
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
