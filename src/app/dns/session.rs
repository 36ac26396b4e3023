//! One flow of DNS: datagrams or a framed stream, messages paired into transactions. Does not read record data unless
//! somebody wants it.
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::build::{self, Content};
use super::names::Malformed;
use super::parser::{HEADER_OCTETS, Message};
use super::transfer::Transfer;
use super::{findings, iana, notes, probe};
use crate::app::{Carrier, Session, Sink};
use crate::limits::{self, MAX_DNS_ANSWERED, MAX_DNS_OUTSTANDING, MAX_DNS_QUERY_RECORDS, MAX_DNS_TRANSFERS};
use crate::record::{
    Context, Direction, Dns, DnsMessage, DnsQuery, DnsResponse, DnsTransport, DnsUnreachable, Endpoint, Evidence,
    FlowFacts, Input, PacketRef, Progress, Record, RecordKind, Subject, Unreachable,
};

const MDNS_PORT: u16 = 5353;
const LLMNR_PORT: u16 = 5355;
/// DNS Stateful Operations (RFC 8490).
const OPCODE_DSO: u8 = 6;
const TYPE_IXFR: u16 = 251;
const TYPE_AXFR: u16 = 252;
/// Places in [`DnsSession::told`].
const ID_USED_TWICE: usize = 0;
const MALFORMED: usize = 1;
/// Stands for the name where there is none.
pub(super) const NO_QUESTION: &str = "(no question)";

/// Reads one flow.
pub struct DnsSession {
    carrier: Carrier,
    /// Queries without an answer yet, oldest first.
    outstanding: VecDeque<Pending>,
    /// What was answered last, to recognise repeated answers.
    answered: VecDeque<Answered>,
    /// Whether the stream's next byte begins a message, per direction.
    framed: [Framing; 2],
    /// Findings that are told once a flow: an id used twice at once; a message that cannot be read.
    told: [bool; 2],
    /// Whether the flow got the name of its kind of DNS, where that is not `dns`.
    named: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// Nothing seen yet.
    Start,
    /// The next byte begins a message.
    Synchronised,
    /// Bytes are missing: a message may begin anywhere.
    Lost,
}

struct Pending {
    id: u16,
    opcode: u8,
    direction: Direction,
    /// Hash of the question without regard to case; `None` when there is none or it cannot be read. A collision would
    /// hide a mismatch, no more.
    question: Option<u64>,
    query: DnsQuery,
    sent: PacketRef,
    evidence: Evidence,
    retransmissions: u64,
    transfer: Option<Box<Transfer>>,
    impostors: Option<Box<Impostors>>,
}

/// Responses that came while a query was open, and almost fit.
#[derive(Debug, Default)]
pub(super) struct Impostors {
    /// Those with the question, but another id.
    pub other_id: u64,
    /// Those with the id, but another question.
    pub other_question: u64,
    /// What the first of these is about.
    pub example: Option<String>,
    /// The packets.
    pub evidence: Evidence,
}

struct Answered {
    id: u16,
    question: Option<u64>,
    /// Of the query.
    direction: Direction,
    packets: [PacketRef; 2],
    name: String,
    /// Whether the query had been sent again before, so that another answer is owed.
    asked_again: bool,
    /// What was answered: a second answer should say the same.
    answer_hash: u64,
    rcode: u16,
}

impl DnsSession {
    /// A reader over `carrier`.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            outstanding: VecDeque::new(),
            answered: VecDeque::new(),
            framed: [Framing::Start; 2],
            told: [false; 2],
            named: false,
        }
    }

    fn transport(&self, flow: &FlowFacts) -> DnsTransport {
        let either = |port| flow.client.port == port || flow.server.port == port;
        match self.carrier {
            Carrier::Udp if either(MDNS_PORT) => DnsTransport::Mdns,
            Carrier::Udp if either(LLMNR_PORT) => DnsTransport::Llmnr,
            Carrier::Udp => DnsTransport::Udp,
            _ => DnsTransport::Tcp,
        }
    }

    /// Multicast DNS and LLMNR are applications of their own.
    fn name(&mut self, flow: &FlowFacts, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.named, true) {
            match self.transport(flow) {
                DnsTransport::Mdns => out.application("mdns"),
                DnsTransport::Llmnr => out.application("llmnr"),
                DnsTransport::Udp | DnsTransport::Tcp => {}
            }
        }
    }

    fn framing(&mut self, direction: Direction) -> &mut Framing {
        let [client, server] = &mut self.framed;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    /// RFC 1035 4.2.2: two octets of length before each message.
    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        if *self.framing(direction) == Framing::Start {
            let whole = context.from_start || probe::resumes(bytes);
            *self.framing(direction) = if whole { Framing::Synchronised } else { Framing::Lost };
        }
        if *self.framing(direction) == Framing::Lost {
            // Every offset is asked once; each question costs at most one name.
            let found = (0..bytes.len()).find(|&skip| bytes.get(skip..).is_some_and(probe::resumes));
            let Some(skip) = found else { return Progress::Consumed(bytes.len()) };
            at = skip;
            *self.framing(direction) = Framing::Synchronised;
        }
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(&[high, low]) = rest.first_chunk::<2>() else {
                return if rest.is_empty() {
                    Progress::Consumed(at)
                } else {
                    Progress::Need { consumed: at, at_least: 2 }
                };
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let end = length.saturating_add(2);
            if length < HEADER_OCTETS {
                *self.framing(direction) = Framing::Lost;
                return Progress::Consumed(bytes.len());
            }
            let Some(message) = rest.get(2..end) else { return Progress::Need { consumed: at, at_least: end } };
            let start = at.saturating_add(2);
            at = at.saturating_add(end);
            out.lies(start..at);
            self.message(message, direction, context.packet_completing(at), context, out);
        }
    }

    fn message(
        &mut self,
        bytes: &[u8],
        direction: Direction,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(message) = Message::read(bytes) else {
            if out.wants_notes() {
                out.note(notes::headless(self.transport(context.flow)));
            }
            return;
        };
        let pairing = out.wants(RecordKind::Dns) || out.wants(RecordKind::Finding);
        let listing = out.wants(RecordKind::DnsMessage);
        if !pairing && !listing && !out.wants_notes() {
            return;
        }
        let transport = self.transport(context.flow);
        let content = Content::read(&message, transport == DnsTransport::Mdns);
        if content.cut {
            out.limit(&limits::DNS);
        }
        if out.wants_notes() {
            out.note(notes::note(&message, &content, transport));
        }
        if listing {
            let record = dns_message(&message, &content, transport, direction, packet, context.flow);
            out.record(Record::DnsMessage(Box::new(record)));
        }
        if !pairing {
            return;
        }
        if let Some(malformed) = content.malformed.filter(|malformed| *malformed != Malformed::Truncated)
            && self.tell_once(MALFORMED)
        {
            out.finding(findings::malformed(context.flow, direction, packet, malformed));
        }
        let exchange = Exchange { message, direction, packet, transport, flow: context.flow };
        if transport == DnsTransport::Mdns {
            exchange.multicast(content, out);
        } else if message.header.is_response() {
            self.response(&exchange, content, out);
        } else {
            self.query(&exchange, content, out);
        }
    }

    fn query(&mut self, exchange: &Exchange<'_>, content: Content, out: &mut Sink<'_>) {
        let Exchange { message, direction, packet, .. } = *exchange;
        let header = message.header;
        if header.opcode() == OPCODE_DSO && header.id == 0 {
            // Nobody answers it (RFC 8490 5.4.1).
            let query = build::query(&message, content, packet);
            out.record(Record::Dns(Box::new(exchange.alone(Some(query), None, direction))));
            return;
        }
        let question = hash_question(&message);
        let same = |pending: &&mut Pending| {
            pending.id == header.id
                && pending.direction == direction
                && pending.question == question
                && pending.opcode == header.opcode()
        };
        if let Some(pending) = self.outstanding.iter_mut().find(same) {
            pending.retransmissions = pending.retransmissions.saturating_add(1);
            pending.evidence.add(packet.number);
            return;
        }
        let other = |pending: &&Pending| pending.id == header.id && pending.direction == direction;
        if self.outstanding.iter().any(|pending| other(&pending)) && self.tell_once(ID_USED_TWICE) {
            let open = self.outstanding.iter().find(other);
            let names = [open.and_then(|open| open.query.name.as_deref()), asked_name(&content)];
            let evidence = open.map(|open| open.sent.number).into_iter().chain([packet.number]).collect();
            out.finding(findings::id_used_twice(exchange.flow, direction, evidence, header.id, names));
        }
        if self.outstanding.len() >= MAX_DNS_OUTSTANDING
            && let Some(oldest) = self.outstanding.pop_front()
        {
            oldest.give_up(exchange.transport, exchange.flow, packet, out);
            out.limit(&limits::DNS);
        }
        let asked = message.first_question().map(|question| question.record_type);
        let mut transfers = exchange.transport == DnsTransport::Tcp && matches!(asked, Some(TYPE_AXFR | TYPE_IXFR));
        let followed = || self.outstanding.iter().filter(|pending| pending.transfer.is_some()).count();
        if transfers && followed() >= MAX_DNS_TRANSFERS {
            transfers = false;
            out.limit(&limits::DNS);
        }
        let mut query = build::query(&message, content, packet);
        for records in [&mut query.answers, &mut query.authority] {
            if records.len() > MAX_DNS_QUERY_RECORDS {
                records.truncate(MAX_DNS_QUERY_RECORDS);
                out.limit(&limits::DNS);
            }
            records.shrink_to_fit();
        }
        if self.outstanding.is_empty() {
            // One at a time is usual: no room for four.
            self.outstanding.reserve_exact(1);
        }
        self.outstanding.push_back(Pending {
            id: header.id,
            opcode: header.opcode(),
            direction,
            question,
            query,
            sent: packet,
            evidence: Evidence::from_iter([packet.number]),
            retransmissions: 0,
            transfer: transfers.then(Box::default),
            impostors: None,
        });
    }

    fn response(&mut self, exchange: &Exchange<'_>, mut content: Content, out: &mut Sink<'_>) {
        let Exchange { message, direction, packet, transport, flow } = *exchange;
        let id = message.header.id;
        let question = hash_question(&message);
        let asked = direction.reverse();
        let agree = |other: Option<u64>| other.is_none() || question.is_none() || other == question;
        let ours = |pending: &Pending| pending.id == id && pending.direction == asked;
        let place = self.outstanding.iter().position(|pending| ours(pending) && agree(pending.question));
        let (errors, ttl_zero, answer_hash) = (content.errors.take(), content.ttl_zero, content.answer_hash);
        let Some(place) = place else {
            let repeated =
                |answered: &&mut Answered| answered.id == id && answered.direction == asked && agree(answered.question);
            if let Some(answered) = self.answered.iter_mut().rev().find(repeated) {
                let evidence = answered.packets.iter().map(|packet| packet.number).chain([packet.number]).collect();
                let ends = [flow.endpoint(asked.sender()), flow.endpoint(direction.sender())];
                let same = answered.answer_hash == content.answer_hash && answered.rcode == message.header.rcode();
                out.finding(if same || answered.asked_again || message.header.truncated() {
                    findings::repeated(evidence, ends, id, &answered.name, answered.asked_again, flow)
                } else {
                    findings::conflicting(evidence, ends, id, &answered.name, flow)
                });
                return;
            }
            self.count_impostor(id, question, asked, &content, packet);
            let dns =
                exchange.alone(None, Some(build::response(&message, content, packet, false)), direction.reverse());
            findings::of_transaction(&dns, errors.as_deref(), ttl_zero, flow, |finding| out.finding(finding));
            out.record(Record::Dns(Box::new(dns)));
            return;
        };
        if let Some(pending) = self.outstanding.get_mut(place) {
            pending.evidence.add(packet.number);
            if let Some(transfer) = &mut pending.transfer {
                if !transfer.add(&message, build::response(&message, content, packet, true)) {
                    out.limit(&limits::DNS);
                }
                if !transfer.complete {
                    return;
                }
                content = Content::default();
            }
        }
        let Some(mut pending) = self.outstanding.remove(place) else { return };
        if self.outstanding.is_empty() {
            // Most flows ask once; what waits here is large.
            self.outstanding = VecDeque::new();
        }
        let response = match pending.transfer.take().and_then(|transfer| transfer.response) {
            Some(response) => response,
            None => build::response(&message, content, packet, true),
        };
        if self.answered.len() >= MAX_DNS_ANSWERED {
            self.answered.pop_front();
        }
        if self.answered.is_empty() {
            self.answered.reserve_exact(1);
        }
        self.answered.push_back(Answered {
            id,
            question: pending.question,
            direction: pending.direction,
            packets: [pending.sent, packet],
            name: pending.query.name.clone().unwrap_or_else(|| "(no question)".to_owned()),
            asked_again: pending.retransmissions > 0,
            answer_hash,
            rcode: message.header.rcode(),
        });
        pending.tell_impostors(flow, out);
        let dns = pending.into_record(Some(response), transport, flow);
        findings::of_transaction(&dns, errors.as_deref(), ttl_zero, flow, |finding| out.finding(finding));
        out.record(Record::Dns(Box::new(dns)));
    }

    /// A response that fits no open query, with `id` and `question`, came while others were open.
    fn count_impostor(
        &mut self,
        id: u16,
        question: Option<u64>,
        asked: Direction,
        content: &Content,
        packet: PacketRef,
    ) {
        let almost = |pending: &&mut Pending| {
            pending.direction == asked && (pending.id == id || (question.is_some() && pending.question == question))
        };
        let Some(pending) = self.outstanding.iter_mut().find(almost) else { return };
        let same_id = pending.id == id;
        let impostors = pending.impostors.get_or_insert_default();
        if same_id {
            impostors.other_question = impostors.other_question.saturating_add(1);
            impostors.example.get_or_insert_with(|| asked_name(content).unwrap_or(NO_QUESTION).to_owned());
        } else {
            impostors.other_id = impostors.other_id.saturating_add(1);
        }
        impostors.evidence.add(packet.number);
    }

    /// Whether a finding that is told once a flow is still to be told.
    fn tell_once(&mut self, which: usize) -> bool {
        self.told.get_mut(which).is_some_and(|told| !std::mem::replace(told, true))
    }
}

fn asked_name(content: &Content) -> Option<&str> {
    content.questions.first().map(|question| question.name.as_str())
}

/// A message with what surrounds it.
struct Exchange<'a> {
    message: Message<'a>,
    direction: Direction,
    packet: PacketRef,
    transport: DnsTransport,
    flow: &'a FlowFacts,
}

impl Exchange<'_> {
    /// A record of this message alone; `asking` is the direction from its client to its server.
    fn alone(&self, query: Option<DnsQuery>, response: Option<DnsResponse>, asking: Direction) -> Dns {
        let header = self.message.header;
        Dns {
            subject: Subject::new(self.flow.id, Evidence::from_iter([self.packet.number])),
            client: self.flow.endpoint(asking.sender()),
            server: self.flow.endpoint(asking.sender().other()),
            transport: self.transport,
            id: header.id,
            opcode: iana::opcode_name(header.opcode()).into_owned(),
            query,
            response,
            latency_ns: None,
            retransmissions: 0,
            waited_ns: None,
            unreachable: None,
            truncated_before: None,
        }
    }

    /// mDNS: every message stands for itself (RFC 6762 6: answers need no question).
    fn multicast(&self, content: Content, out: &mut Sink<'_>) {
        let dns = if self.message.header.is_response() {
            let response = build::response(&self.message, content, self.packet, false);
            self.alone(None, Some(response), self.direction.reverse())
        } else {
            self.alone(Some(build::query(&self.message, content, self.packet)), None, self.direction)
        };
        out.record(Record::Dns(Box::new(dns)));
    }
}

impl Pending {
    fn into_record(self, response: Option<DnsResponse>, transport: DnsTransport, flow: &FlowFacts) -> Dns {
        let client: Endpoint = flow.endpoint(self.direction.sender());
        Dns {
            subject: Subject::new(flow.id, self.evidence),
            client,
            server: flow.endpoint(self.direction.sender().other()),
            transport,
            id: self.id,
            opcode: iana::opcode_name(self.opcode).into_owned(),
            latency_ns: response.as_ref().map(|response| response.ts.since(self.sent.timestamp)),
            query: Some(self.query),
            response,
            retransmissions: self.retransmissions,
            waited_ns: None,
            unreachable: None,
            truncated_before: None,
        }
    }

    fn tell_impostors(&mut self, flow: &FlowFacts, out: &mut Sink<'_>) {
        if let Some(impostors) = self.impostors.take() {
            let asked = self.query.name.as_deref().unwrap_or(NO_QUESTION);
            findings::impostors(flow, self.direction, (self.id, asked), &impostors, |finding| out.finding(finding));
        }
    }

    /// Reports it with the ICMP error that answered it.
    fn unreachable(mut self, error: DnsUnreachable, flow: &FlowFacts, out: &mut Sink<'_>) {
        self.evidence.add(error.packet);
        self.tell_impostors(flow, out);
        let waited_ns = error.ts.since(self.sent.timestamp).max(0);
        let mut dns = self.into_record(None, DnsTransport::Udp, flow);
        (dns.waited_ns, dns.unreachable) = (Some(waited_ns), Some(error));
        if let Some(finding) = findings::unreachable(&dns, flow) {
            out.finding(finding);
        }
        out.record(Record::Dns(Box::new(dns)));
    }

    /// Reports it without an answer, or with what came of a transfer.
    fn give_up(mut self, transport: DnsTransport, flow: &FlowFacts, until: PacketRef, out: &mut Sink<'_>) {
        let partial = self.transfer.take().and_then(|transfer| transfer.response);
        self.tell_impostors(flow, out);
        let sent = self.sent.timestamp;
        let mut dns = self.into_record(partial, transport, flow);
        if dns.response.is_none() {
            dns.waited_ns = Some(until.timestamp.since(sent).max(0));
        }
        // Multicast queries are answered from elsewhere, or by nobody.
        let expected = transport != DnsTransport::Llmnr || !dns.server.address.is_multicast();
        if dns.response.is_none()
            && expected
            && let Some(finding) = findings::unanswered(&dns, flow)
        {
            out.finding(finding);
        }
        out.record(Record::Dns(Box::new(dns)));
    }
}

fn hash_question(message: &Message<'_>) -> Option<u64> {
    let question = message.first_question()?;
    let mut hasher = FixedState::default().build_hasher();
    question.name.hash_caseless(&mut hasher).ok()?;
    hasher.write_u16(question.record_type);
    hasher.write_u16(question.class);
    Some(hasher.finish())
}

fn dns_message(
    message: &Message<'_>,
    content: &Content,
    transport: DnsTransport,
    direction: Direction,
    packet: PacketRef,
    flow: &FlowFacts,
) -> DnsMessage {
    let header = message.header;
    let [question_count, answer_count, authority_count, additional_count] = header.counts;
    DnsMessage {
        subject: Subject::new(flow.id, Evidence::from_iter([packet.number])),
        client: flow.client,
        server: flow.server,
        packet: packet.number,
        ts: packet.timestamp,
        side: direction.sender(),
        transport,
        id: header.id,
        is_response: header.is_response(),
        opcode: iana::opcode_name(header.opcode()).into_owned(),
        rcode: iana::rcode_name(header.rcode()).into_owned(),
        questions: content.questions.clone(),
        question_count,
        answer_count,
        authority_count,
        additional_count,
        answers: content.answers.clone(),
    }
}

impl Session for DnsSession {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                self.name(context.flow, out);
                self.message(bytes, direction, context.packet, context, out);
                Progress::Consumed(bytes.len())
            }
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, .. } => {
                *self.framing(direction) = Framing::Lost;
                Progress::Consumed(0)
            }
            Input::Skipped { .. } | Input::End { .. } => Progress::Consumed(0),
            Input::Close => {
                let transport = self.transport(context.flow);
                while let Some(pending) = self.outstanding.pop_front() {
                    pending.give_up(transport, context.flow, context.packet, out);
                }
                Progress::Done
            }
        }
    }

    fn unreachable(&mut self, notice: &Unreachable<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        // An answer that finds no one is the client's affair: it has what it wanted, or has given up.
        let is_response = notice.quoted.get(2).is_some_and(|flags| flags & 0x80 != 0);
        if is_response || self.transport(context.flow) != DnsTransport::Udp {
            return;
        }
        let id = notice.quoted.first_chunk::<2>().map(|id| u16::from_be_bytes(*id));
        let mut asked = self
            .outstanding
            .iter()
            .enumerate()
            .filter(|(_, pending)| pending.direction == notice.direction && id.is_none_or(|id| id == pending.id));
        let (Some((place, _)), other) = (asked.next(), asked.next()) else { return };
        // Routers may quote no more than the ports: then it must be clear whose error it is.
        if id.is_none() && other.is_some() {
            return;
        }
        if let Some(pending) = self.outstanding.remove(place) {
            let PacketRef { number: packet, timestamp: ts, .. } = context.packet;
            let error = DnsUnreachable { packet, ts, by: notice.by, reason: notice.reason };
            pending.unreachable(error, context.flow, out);
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
