//! One flow of DNS: datagrams or a framed stream, messages paired into transactions. Does not read record data unless
//! somebody wants it.
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use super::build::{self, Content};
use super::parser::{Cursor, HEADER_OCTETS, Message, ResourceRecord, Section, TYPE_SOA};
use super::{findings, iana, notes, probe};
use crate::app::{Carrier, Session, Sink};
use crate::limits::{
    self, MAX_DNS_ANSWERED, MAX_DNS_OUTSTANDING, MAX_DNS_QUERY_RECORDS, MAX_DNS_TRANSFER_BYTES, MAX_DNS_TRANSFERS,
};
use crate::record::{
    Context, Direction, Dns, DnsMessage, DnsQuery, DnsRecord, DnsResponse, DnsTransport, Endpoint, Evidence, FlowFacts,
    Input, PacketRef, Progress, Record, RecordKind, Subject,
};

const MDNS_PORT: u16 = 5353;
const LLMNR_PORT: u16 = 5355;
const TYPE_IXFR: u16 = 251;
const TYPE_AXFR: u16 = 252;

/// Reads one flow.
pub struct DnsSession {
    carrier: Carrier,
    /// Queries without an answer yet, oldest first.
    outstanding: VecDeque<Pending>,
    /// What was answered last, to recognise repeated answers.
    answered: VecDeque<Answered>,
    /// Whether the stream's next byte begins a message, per direction.
    framed: [Framing; 2],
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
}

/// A zone transfer under way (RFC 5936, RFC 1995): many messages answer one query.
#[derive(Default)]
struct Transfer {
    response: Option<DnsResponse>,
    /// Records seen, listed or not.
    records: u64,
    /// Bytes held for the records after the first message's.
    bytes: usize,
    first_serial: u32,
    /// In an incremental transfer, SOA records open deletions and additions in turn.
    in_deletions: bool,
    incremental: bool,
    complete: bool,
}

impl Transfer {
    /// Sees the answer records of one message.
    fn see(&mut self, message: &Message<'_>) {
        let mut walk = message.walk();
        while let Some(Ok(record)) = walk.record() {
            if record.section != Section::Answer || self.complete {
                break;
            }
            self.records = self.records.saturating_add(1);
            if record.record_type != TYPE_SOA {
                continue;
            }
            let Some(serial) = serial(&record) else { continue };
            match self.records {
                1 => self.first_serial = serial,
                2 if serial != self.first_serial => (self.incremental, self.in_deletions) = (true, true),
                _ if self.in_deletions => self.in_deletions = false,
                _ if serial == self.first_serial => self.complete = true,
                _ => self.in_deletions = self.incremental,
            }
        }
        if message.header.rcode() != 0 || self.records == 0 {
            self.complete = true; // refused, or nothing that could go on
        }
    }
}

/// What a listed record holds in memory, in bytes, roughly.
fn record_bytes(record: &DnsRecord) -> usize {
    let texts = record.name.len().saturating_add(record.record_type.len()).saturating_add(record.data.len());
    texts.saturating_add(size_of::<DnsRecord>())
}

/// SOA's serial.
fn serial(record: &ResourceRecord<'_>) -> Option<u32> {
    let mut cursor = Cursor { bytes: record.message, at: record.data_start };
    cursor.name()?;
    cursor.name()?;
    cursor.u32()
}

impl DnsSession {
    /// A reader over `carrier`.
    pub fn new(carrier: Carrier) -> Self {
        Self { carrier, outstanding: VecDeque::new(), answered: VecDeque::new(), framed: [Framing::Start; 2] }
    }

    fn transport(&self, flow: &FlowFacts) -> DnsTransport {
        let either = |port| flow.client.port == port || flow.server.port == port;
        match self.carrier {
            Carrier::Udp if either(MDNS_PORT) => DnsTransport::Mdns,
            Carrier::Udp if either(LLMNR_PORT) => DnsTransport::Llmnr,
            Carrier::Udp => DnsTransport::Udp,
            Carrier::Tcp | Carrier::Tls | Carrier::QuicCrypto => DnsTransport::Tcp,
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
            at = at.saturating_add(end);
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
        if self.outstanding.len() >= MAX_DNS_OUTSTANDING
            && let Some(oldest) = self.outstanding.pop_front()
        {
            oldest.give_up(exchange.transport, exchange.flow, packet, out);
            out.limit(&limits::DNS);
        }
        let asked = message.first_question().map(|question| question.record_type);
        let transfers = exchange.transport == DnsTransport::Tcp
            && matches!(asked, Some(TYPE_AXFR | TYPE_IXFR))
            && self.outstanding.iter().filter(|pending| pending.transfer.is_some()).count() < MAX_DNS_TRANSFERS;
        let mut query = build::query(&message, content, packet);
        query.answers.truncate(MAX_DNS_QUERY_RECORDS);
        query.answers.shrink_to_fit();
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
        let errors = content.errors.take();
        let Some(place) = place else {
            let repeated =
                |answered: &&mut Answered| answered.id == id && answered.direction == asked && agree(answered.question);
            if let Some(answered) = self.answered.iter_mut().rev().find(repeated) {
                let evidence = answered.packets.iter().map(|packet| packet.number).chain([packet.number]).collect();
                let ends = [flow.endpoint(asked.sender()), flow.endpoint(direction.sender())];
                out.finding(findings::repeated(evidence, ends, id, &answered.name, answered.asked_again, flow));
                return;
            }
            let other = self.outstanding.iter().find(|pending| ours(pending));
            let dns =
                exchange.alone(None, Some(build::response(&message, content, packet, false)), direction.reverse());
            if let Some(other) = other {
                out.finding(findings::mismatched(&dns, other.query.name.as_deref().unwrap_or("(no question)"), flow));
            }
            findings::of_transaction(&dns, errors.as_deref(), flow, |finding| out.finding(finding));
            out.record(Record::Dns(Box::new(dns)));
            return;
        };
        if let Some(pending) = self.outstanding.get_mut(place) {
            pending.evidence.add(packet.number);
            if let Some(transfer) = &mut pending.transfer {
                transfer.see(&message);
                let part = build::response(&message, content, packet, true);
                match &mut transfer.response {
                    None => transfer.response = Some(part),
                    Some(response) => {
                        for (kept, more) in
                            [(&mut response.answers, part.answers), (&mut response.additional, part.additional)]
                        {
                            for record in more {
                                transfer.bytes = transfer.bytes.saturating_add(record_bytes(&record));
                                if transfer.bytes > MAX_DNS_TRANSFER_BYTES {
                                    out.limit(&limits::DNS);
                                    break;
                                }
                                kept.push(record);
                            }
                        }
                    }
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
        });
        let dns = pending.into_record(Some(response), transport, flow);
        findings::of_transaction(&dns, errors.as_deref(), flow, |finding| out.finding(finding));
        out.record(Record::Dns(Box::new(dns)));
    }
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
        }
    }

    /// Reports it without an answer, or with what came of a transfer.
    fn give_up(mut self, transport: DnsTransport, flow: &FlowFacts, until: PacketRef, out: &mut Sink<'_>) {
        let partial = self.transfer.take().and_then(|transfer| transfer.response);
        let dns = self.into_record(partial, transport, flow);
        // Multicast queries are answered from elsewhere, or by nobody.
        let expected = transport != DnsTransport::Llmnr || !dns.server.address.is_multicast();
        if dns.response.is_none()
            && expected
            && let Some(finding) = findings::unanswered(&dns, until, flow)
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
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
