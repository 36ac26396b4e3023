//! One flow of queries: requests with their replies by sequence number, in a window, so that a ping that runs for weeks takes
//! no more memory than a short one.
use std::{collections::VecDeque, hash::BuildHasher};

use foldhash::fast::FixedState;

use crate::{
    app::{Carrier, Session, Sink},
    limits,
    record::{
        AnswerKind, Context, Direction, EchoError, Endpoint, Evidence, Finding, IcmpEcho, Input, PacketRef,
        ProbeAnswer, ProbeFact, Progress, Record, RecordKind, Rtt, Severity, Side, Subject, Unreachable,
    },
};

/// Length of the header with identifier and sequence number.
const HEADER: usize = 8;
/// A reply that takes longer is late, and a request so shortly before the end is no lost one, in nanoseconds.
const PATIENCE_NS: i64 = 1_000_000_000;

/// Which query a type belongs to, and whether it asks.
pub(super) fn query_of(v6: bool, message_type: u8) -> Option<(&'static str, bool)> {
    Some(match (v6, message_type) {
        (false, 8) | (true, 128) => ("echo", true),
        (false, 0) | (true, 129) => ("echo", false),
        (false, 13) => ("timestamp", true),
        (false, 14) => ("timestamp", false),
        (false, 15) => ("information", true),
        (false, 16) => ("information", false),
        (false, 17) => ("address_mask", true),
        (false, 18) => ("address_mask", false),
        (false, 42) | (true, 160) => ("extended_echo", true),
        (false, 43) | (true, 161) => ("extended_echo", false),
        _ => return None,
    })
}

/// A message as far as it is read.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    query: &'static str,
    asks: bool,
    identifier: u16,
    sequence: u16,
    payload: &'a [u8],
}

fn message(v6: bool, bytes: &[u8]) -> Option<Message<'_>> {
    let [kind, _, _, _, id_high, id_low, high, low, ..] = bytes else { return None };
    let (query, asks) = query_of(v6, *kind)?;
    // Extended echo has a sequence number of one byte (RFC 8335 2).
    let sequence = if query == "extended_echo" { u16::from(*high) } else { u16::from_be_bytes([*high, *low]) };
    let identifier = u16::from_be_bytes([*id_high, *id_low]);
    Some(Message { query, asks, identifier, sequence, payload: bytes.get(HEADER..).unwrap_or_default() })
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Answered,
    Failed,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    sequence: u16,
    at: PacketRef,
    hop_limit: Option<u8>,
    hash: u64,
    length: usize,
    fate: Fate,
    /// The same number was sent again: a reply does not tell to which.
    repeated: bool,
}

/// Requests of one kind in one direction.
#[derive(Debug)]
struct Series {
    query: &'static str,
    identifier: u16,
    direction: Direction,
    first: PacketRef,
    last: PacketRef,
    packets: u64,
    evidence: Evidence,
    requests: VecDeque<Request>,
    sent: u64,
    received: u64,
    duplicate: u64,
    lost: u64,
    pending: u64,
    unmatched: u64,
    late: u64,
    out_of_order: u64,
    gaps: u64,
    mismatched: u64,
    payload_bytes: u64,
    last_asked: Option<u16>,
    last_answered: Option<PacketRef>,
    rtt: Measured,
    request_hop_limit: Option<u8>,
    /// Requests with different hop limits: a traceroute.
    traces: bool,
    reply_hop_limit: Option<u8>,
    last_reply_hop_limit: Option<u8>,
    changes: u64,
    errors: Vec<EchoError>,
    errors_total: u64,
    time_exceeded: bool,
}

/// Round-trip times in nanoseconds.
#[derive(Debug, Default)]
struct Measured {
    min: i64,
    max: i64,
    sum: i128,
    samples: u64,
    previous: i64,
    differences: i128,
}

impl Measured {
    fn add(&mut self, sample: i64) {
        if self.samples == 0 {
            (self.min, self.max) = (sample, sample);
        } else {
            let difference = i128::from(sample.saturating_sub(self.previous)).saturating_abs();
            self.differences = self.differences.saturating_add(difference);
        }
        self.min = self.min.min(sample);
        self.max = self.max.max(sample);
        self.sum = self.sum.saturating_add(sample.into());
        self.samples = self.samples.saturating_add(1);
        self.previous = sample;
    }

    fn rtt(&self) -> Rtt {
        let some = |value: i64| (self.samples > 0).then_some(value);
        let mean = self.sum.checked_div(self.samples.into()).and_then(|mean| i64::try_from(mean).ok());
        Rtt { min_ns: some(self.min), mean_ns: mean, max_ns: some(self.max), samples: self.samples }
    }

    fn jitter(&self) -> Option<i64> {
        let between = self.samples.checked_sub(1).filter(|between| *between > 0)?;
        self.differences.checked_div(between.into()).and_then(|mean| i64::try_from(mean).ok())
    }
}

/// Reads the queries of one flow.
pub(super) struct Echo {
    v6: bool,
    series: Vec<Series>,
}

impl Echo {
    pub fn new(carrier: Carrier) -> Self {
        Self { v6: carrier == Carrier::Ip(super::ICMPV6), series: Vec::new() }
    }

    /// The series of these queries. There are five kinds in two directions.
    fn series(&mut self, message: &Message<'_>, direction: Direction, at: PacketRef) -> Option<&mut Series> {
        let found = self.series.iter().position(|one| one.query == message.query && one.direction == direction);
        let place = match found {
            Some(place) => place,
            None => {
                // One is usual: no room for four.
                self.series.reserve_exact(1);
                self.series.push(Series::new(message, direction, at));
                self.series.len().checked_sub(1)?
            }
        };
        self.series.get_mut(place)
    }
}

impl Session for Echo {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                let Some(message) = message(self.v6, bytes) else { return Progress::Consumed(0) };
                // A host that pings itself sends both.
                let itself = context.flow.client.address == context.flow.server.address;
                let asked = if message.asks || itself { direction } else { direction.reverse() };
                let Some(series) = self.series(&message, asked, context.packet) else { return Progress::Consumed(0) };
                series.packet(context.packet);
                if message.asks {
                    series.request(&message, context, out);
                } else {
                    series.reply(&message, context, out);
                }
            }
            Input::Close => {
                let v6 = self.v6;
                for mut series in std::mem::take(&mut self.series) {
                    series.give_up(context, out);
                    series.report(v6, context, out);
                }
            }
            _ => {}
        }
        Progress::Consumed(0)
    }

    fn unreachable(&mut self, notice: &Unreachable<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let quoted = message(self.v6, notice.quoted);
        // A router may quote no more than the identifier: then it must be clear whose error it is.
        let series = self.series.iter_mut().find(|series| {
            series.direction == notice.direction
                && quoted.is_none_or(|quoted| quoted.asks && quoted.query == series.query)
        });
        if let Some(series) = series {
            series.failed(quoted.map(|quoted| quoted.sequence), notice, context, out);
        }
    }
}

fn hash(payload: &[u8]) -> u64 {
    FixedState::default().hash_one(payload)
}

impl Series {
    fn new(message: &Message<'_>, direction: Direction, at: PacketRef) -> Self {
        Self {
            query: message.query,
            identifier: message.identifier,
            direction,
            first: at,
            last: at,
            packets: 0,
            evidence: Evidence::new(),
            requests: VecDeque::new(),
            sent: 0,
            received: 0,
            duplicate: 0,
            lost: 0,
            pending: 0,
            unmatched: 0,
            late: 0,
            out_of_order: 0,
            gaps: 0,
            mismatched: 0,
            payload_bytes: u64::try_from(message.payload.len()).unwrap_or(u64::MAX),
            last_asked: None,
            last_answered: None,
            rtt: Measured::default(),
            request_hop_limit: None,
            traces: false,
            reply_hop_limit: None,
            last_reply_hop_limit: None,
            changes: 0,
            errors: Vec::new(),
            errors_total: 0,
            time_exceeded: false,
        }
    }

    fn packet(&mut self, at: PacketRef) {
        self.last = at;
        self.packets = self.packets.saturating_add(1);
        self.evidence.add(at.number);
    }

    /// The latest request with this number.
    fn find(&mut self, sequence: u16) -> Option<&mut Request> {
        self.requests.iter_mut().rev().find(|request| request.sequence == sequence)
    }

    fn request(&mut self, message: &Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        self.sent = self.sent.saturating_add(1);
        let hop_limit = context.hop_limit;
        if self.sent == 1 {
            self.request_hop_limit = hop_limit;
        }
        self.traces |= self.request_hop_limit != hop_limit;
        let sequence = message.sequence;
        let step = self.last_asked.map_or(1, |last| sequence.wrapping_sub(last));
        let mut repeated = false;
        if step == 0 || step >= 0x8000 {
            // Not a higher number: asked again, or from the start.
            if let Some(earlier) = self.find(sequence).filter(|earlier| earlier.fate == Fate::Waiting) {
                earlier.repeated = true;
                repeated = true;
            }
        } else {
            self.gaps = self.gaps.saturating_add(u64::from(step.saturating_sub(1)));
        }
        self.last_asked = Some(sequence);
        while self.requests.len() >= limits::MAX_ECHO_OUTSTANDING {
            let Some(oldest) = self.requests.pop_front() else { break };
            self.unanswered(&oldest, context, out);
        }
        if self.requests.is_empty() {
            self.requests.reserve_exact(1);
        }
        self.requests.push_back(Request {
            sequence,
            at: context.packet,
            hop_limit,
            hash: hash(message.payload),
            length: message.payload.len(),
            fate: Fate::Waiting,
            repeated,
        });
    }

    fn reply(&mut self, message: &Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        if let (Some(before), Some(now)) = (self.last_reply_hop_limit, context.hop_limit)
            && before != now
        {
            self.changes = self.changes.saturating_add(1);
        }
        self.last_reply_hop_limit = context.hop_limit;
        self.reply_hop_limit = self.reply_hop_limit.or(context.hop_limit);
        let (sent, answered) = (self.sent, self.last_answered);
        let Some(request) = self.find(message.sequence) else {
            self.unmatched = self.unmatched.saturating_add(1);
            if sent > u64::try_from(limits::MAX_ECHO_OUTSTANDING).unwrap_or(u64::MAX) {
                out.limit(&limits::ICMP_ECHO);
            }
            return;
        };
        if request.fate == Fate::Answered {
            self.duplicate = self.duplicate.saturating_add(1);
            return;
        }
        request.fate = Fate::Answered;
        let request = *request;
        self.received = self.received.saturating_add(1);
        let took = context.packet.timestamp.since(request.at.timestamp);
        self.late = self.late.saturating_add(u64::from(took > PATIENCE_NS));
        if answered.is_some_and(|later| later.index > request.at.index) {
            self.out_of_order = self.out_of_order.saturating_add(1);
        } else {
            self.last_answered = Some(request.at);
        }
        if self.query == "echo" && message.payload.len() == request.length && hash(message.payload) != request.hash {
            self.mismatched = self.mismatched.saturating_add(1);
        }
        // A reply before its request shows a capture out of order; one to a number sent twice tells no time.
        if took >= 0 && !request.repeated {
            self.rtt.add(took);
        }
        let kind = AnswerKind::Reached;
        let by = context.flow.endpoint(self.direction.reverse().sender()).address;
        self.step(&request, Some(ProbeAnswer { packet: context.packet, by, kind }), context, out);
    }

    /// Tells of a request that may be a step of a traceroute.
    fn step(&self, request: &Request, answer: Option<ProbeAnswer>, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(hop_limit) = request.hop_limit else { return };
        let failed = answer.is_some_and(|answer| answer.kind != AnswerKind::Reached);
        if (hop_limit > ProbeFact::LOW_HOP_LIMIT && !failed) || !(out.wants(RecordKind::Path)) {
            return;
        }
        let (flow, transport) = (context.flow.id, context.flow.transport);
        let (source, target) = self.ends(context);
        out.probe(ProbeFact { flow, transport, source, target, sent: request.at, hop_limit, answer });
    }

    /// Who asks and who is asked, without ports.
    fn ends(&self, context: &Context<'_>) -> (Endpoint, Endpoint) {
        let asker = self.direction.sender();
        let end = |side: Side| Endpoint { port: 0, ..context.flow.endpoint(side) };
        (end(asker), end(asker.other()))
    }

    fn failed(&mut self, sequence: Option<u16>, notice: &Unreachable<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        self.errors_total = self.errors_total.saturating_add(1);
        let time_exceeded = notice.reason == "time exceeded";
        self.time_exceeded |= time_exceeded;
        self.evidence.add(context.packet.number);
        if self.errors.len() < limits::MAX_ECHO_ERRORS {
            self.errors.push(EchoError {
                packet: context.packet.number,
                message_type: notice.message_type,
                code: notice.code,
                reason: notice.reason,
                by: notice.by,
                sequence,
                mtu: notice.mtu,
            });
        }
        let waiting = |request: &&mut Request| request.fate == Fate::Waiting;
        let request = match sequence {
            Some(sequence) => self.find(sequence).filter(|request| request.fate == Fate::Waiting),
            None => {
                let mut all = self.requests.iter_mut().filter(waiting);
                all.next().filter(|_| all.next().is_none())
            }
        };
        let Some(request) = request else { return };
        request.fate = Fate::Failed;
        let request = *request;
        let kind = if time_exceeded { AnswerKind::TimeExceeded } else { AnswerKind::Refused(notice.reason) };
        let answer = ProbeAnswer { packet: context.packet, by: notice.by, kind };
        self.step(&request, Some(answer), context, out);
    }

    /// Counts a request that leaves the window.
    fn unanswered(&mut self, request: &Request, context: &Context<'_>, out: &mut Sink<'_>) {
        // Sent again: the later one counts.
        if request.fate == Fate::Waiting && !(request.repeated && self.find(request.sequence).is_some()) {
            self.lost = self.lost.saturating_add(1);
        }
        if request.fate == Fate::Waiting {
            self.step(request, None, context, out);
        }
    }

    fn give_up(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let patience = self.rtt.max.saturating_mul(2).max(PATIENCE_NS);
        let until = context.packet.timestamp;
        while let Some(request) = self.requests.pop_front() {
            if request.fate == Fate::Waiting && until.since(request.at.timestamp) < patience {
                self.pending_one();
                self.step(&request, None, context, out);
            } else {
                self.unanswered(&request, context, out);
            }
        }
    }

    fn pending_one(&mut self) {
        self.pending = self.pending.saturating_add(1);
    }

    fn report(mut self, v6: bool, context: &Context<'_>, out: &mut Sink<'_>) {
        let (client, server) = self.ends(context);
        let to_many = is_to_many(&server);
        let evidence = std::mem::take(&mut self.evidence);
        let reply_hops = self.reply_hop_limit.and_then(hops);
        let record = IcmpEcho {
            subject: Subject::new(context.flow.id, evidence),
            client,
            server,
            protocol: if v6 { "icmpv6" } else { "icmp" },
            query: self.query,
            identifier: self.identifier,
            start_ts: self.first.timestamp,
            end_ts: self.last.timestamp,
            sent: (self.sent > 0).then_some(self.sent),
            received: if self.sent > 0 { self.received } else { self.unmatched },
            duplicate: self.duplicate,
            lost: (self.sent > 0 && !to_many).then_some(self.lost),
            pending: self.pending,
            unmatched: self.unmatched,
            late: self.late,
            out_of_order: self.out_of_order,
            sequence_gaps: self.gaps,
            mismatched: self.mismatched,
            payload_bytes: self.payload_bytes,
            rtt: self.rtt.rtt(),
            jitter_ns: self.rtt.jitter(),
            request_hop_limit: self.request_hop_limit,
            reply_hop_limit: self.reply_hop_limit,
            reply_hops,
            reply_hop_limit_changes: self.changes,
            unreachable: std::mem::take(&mut self.errors),
            unreachable_total: self.errors_total,
        };
        // A traceroute counts on losses and varying times.
        if !self.traces && !self.time_exceeded && !to_many {
            findings(&record).into_iter().for_each(|finding| out.finding(finding));
        }
        out.record(Record::IcmpEcho(Box::new(record)));
    }
}

/// Whether an address is, or is likely to be, one of a group: each member answers from its own.
fn is_to_many(end: &Endpoint) -> bool {
    match end.address {
        std::net::IpAddr::V4(address) => address.is_multicast() || address.octets().last() == Some(&255),
        std::net::IpAddr::V6(address) => address.is_multicast(),
    }
}

/// Routers passed by a packet that began with one of the usual hop limits. Null for those that begin elsewhere: no way has
/// more than about 40 routers.
fn hops(left: u8) -> Option<u8> {
    [64u8, 128, 255].into_iter().find_map(|start| start.checked_sub(left)).filter(|hops| *hops < 48)
}

/// What is worth saying of a ping.
fn findings(echo: &IcmpEcho) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |severity, code, title: String, explanation: &str, reference| {
        found.push(Finding {
            subject: echo.subject.clone(),
            client: Some(echo.client),
            server: Some(echo.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some(reference),
        });
    };
    let (client, server) = (echo.client.address, echo.server.address);
    let (sent, lost) = (echo.sent.unwrap_or_default(), echo.lost.unwrap_or_default());
    let judged = sent.saturating_sub(echo.pending);
    if echo.received == 0 && lost >= 2 && echo.unreachable_total == 0 {
        say(
            Severity::Note,
            "icmp.ping-unanswered",
            format!("{client} pinged {server} {sent} times and got no answer"),
            "The host is down, or it, or a firewall before it, does not answer pings; many do not. Or the replies go another \
             way, past the place of the capture. Whether other traffic with that address is answered tells more.",
            "RFC 1122 3.2.2.6",
        );
    } else if echo.received > 0 && lost > 0 {
        // One of a few may be the first, which waited for ARP and was dropped.
        let tenths = lost.saturating_mul(1000).checked_div(judged.max(1)).unwrap_or_default();
        let severe = lost >= 3 && tenths >= 20;
        let share =
            format!("{}.{} %", tenths.checked_div(10).unwrap_or_default(), tenths.checked_rem(10).unwrap_or_default());
        say(
            if severe { Severity::Warning } else { Severity::Note },
            "icmp.ping-loss",
            format!("{lost} of {judged} pings from {client} to {server} stayed without answer ({share})"),
            "Packets are lost on the way there or back, or the host limits how many pings it answers. Compare with \
             retransmissions of TCP connections to the same host: if they have none, it is the limit.",
            "RFC 1122 3.2.2.6",
        );
    }
    if let (Some(min), Some(max), Some(mean), Some(jitter)) =
        (echo.rtt.min_ns, echo.rtt.max_ns, echo.rtt.mean_ns, echo.jitter_ns)
        && echo.rtt.samples >= 5
        && jitter >= 20_000_000
        && jitter >= mean.checked_div(2).unwrap_or_default()
    {
        let ms = |ns: i64| {
            let tenths = ns.checked_div(100_000).unwrap_or_default();
            format!("{}.{}", tenths.checked_div(10).unwrap_or_default(), tenths.checked_rem(10).unwrap_or_default())
        };
        say(
            Severity::Note,
            "icmp.ping-jitter",
            format!(
                "round-trip times between {client} and {server} vary from {} to {} ms, by {} ms from one to the next",
                ms(min),
                ms(max),
                ms(jitter)
            ),
            "Something on the way makes packets wait: a full queue, a busy radio link, or a host that puts pings behind all \
             else. Calls and games suffer from that more than transfers.",
            "RFC 3550 6.4.1",
        );
    }
    if echo.mismatched > 0 {
        say(
            Severity::Note,
            "icmp.echo-altered",
            format!("{} replies of {server} do not carry what {client} had sent", echo.mismatched),
            "A reply must return the data of its request. Other data of the same length mean that something on the way damages \
             packets, or that the two ends exchange messages inside pings: that is how ICMP tunnels work.",
            "RFC 1122 3.2.2.6",
        );
    }
    found
}
