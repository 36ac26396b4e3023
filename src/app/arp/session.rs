//! The exchanges between two addresses: a request, asked again or not, ends with its reply, or when it is not repeated.
use std::net::IpAddr;

use super::packet::{Packet, operation, read};
use crate::{
    app::{Session, Sink},
    record::{
        Arp, ArpPurpose, Context, Direction, Endpoint, Evidence, Input, PacketRef, Progress, Record, Station, Subject,
    },
};

/// A request so long after the last one is another exchange, in nanoseconds. Hosts repeat theirs after one second.
const AGAIN_NS: i64 = 3_000_000_000;
/// Another equal reply within this time belongs to the exchange that is over, in nanoseconds.
const ECHO_NS: i64 = 1_000_000_000;

/// What began with one packet and is not over.
#[derive(Debug)]
struct Exchange {
    packet: Packet,
    first: PacketRef,
    last: PacketRef,
    count: u64,
    evidence: Evidence,
}

/// Reads one flow.
#[derive(Default)]
pub(super) struct Exchanges {
    /// By who asks: the client, the server.
    open: [Option<Box<Exchange>>; 2],
    /// By who answers: the last answer to a question.
    answered: [Option<(PacketRef, Station)>; 2],
}

/// What a packet is for.
fn purpose(packet: &Packet) -> ArpPurpose {
    let (sender, target) = (packet.sender.address, packet.target.address);
    match packet.operation {
        1 if sender == target => ArpPurpose::Announcement,
        1 if sender.is_unspecified() => ArpPurpose::Probe,
        1 => ArpPurpose::Resolution,
        2 if sender == target => ArpPurpose::GratuitousReply,
        2 => ArpPurpose::UnsolicitedReply,
        3 | 4 | 8 | 9 => ArpPurpose::Reverse,
        _ => ArpPurpose::Other,
    }
}

impl Exchange {
    fn new(packet: Packet, at: PacketRef) -> Box<Self> {
        Box::new(Self { packet, first: at, last: at, count: 1, evidence: std::iter::once(at.number).collect() })
    }

    /// Reports it. `answer` is who answered, and with which packet.
    fn report(self, answer: Option<(PacketRef, Station)>, context: &Context<'_>, out: &mut Sink<'_>) {
        let Self { packet, first, last, count, mut evidence } = self;
        if let Some((at, _)) = answer {
            evidence.add(at.number);
        }
        let purpose = purpose(&packet);
        let expects = matches!(purpose, ArpPurpose::Resolution | ArpPurpose::Probe)
            || purpose == ArpPurpose::Reverse && operation(packet.operation).1;
        let end = |address: IpAddr| Endpoint { address, port: 0 };
        let mac = match answer {
            Some((_, station)) => station.mac,
            // What a request says of its target is a guess, or nothing.
            None if operation(packet.operation).1 => None,
            None => packet.target.mac,
        };
        let until = answer.map_or(last, |(at, _)| at);
        out.record(Record::Arp(Box::new(Arp {
            subject: Subject::new(context.flow.id, evidence),
            client: end(packet.sender.address),
            server: end(packet.target.address),
            start_ts: first.timestamp,
            operation: operation(packet.operation).0,
            purpose,
            sender: packet.sender,
            target: Station { mac, ..packet.target },
            answered: (expects || answer.is_some()).then_some(answer.is_some()),
            latency_ns: answer.map(|(at, _)| at.timestamp.since(last.timestamp)),
            packets: count,
            answer_packet: answer.map(|(at, _)| at.number),
            duration_ns: until.timestamp.since(first.timestamp),
        })));
    }
}

impl Exchanges {
    fn open(&mut self, direction: Direction) -> Option<&mut Option<Box<Exchange>>> {
        self.open.get_mut(direction.index())
    }

    fn packet(&mut self, packet: Packet, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let at = context.packet;
        // Who announces an address is its only end.
        let about_itself = packet.sender.address == packet.target.address;
        if !operation(packet.operation).1 && !about_itself {
            let question = self.open(direction.reverse()).and_then(|open| {
                open.take_if(|open| {
                    operation(open.packet.operation).1 && open.packet.operation.checked_add(1) == Some(packet.operation)
                })
            });
            if let Some(question) = question {
                question.report(Some((at, packet.sender)), context, out);
                if let Some(answered) = self.answered.get_mut(direction.index()) {
                    *answered = Some((at, packet.sender));
                }
                return;
            }
            // The same answer once more: the request went to many, or was captured twice.
            let again = self.answered.get(direction.index()).copied().flatten();
            let is_echo = |(before, station): (PacketRef, Station)| {
                station == packet.sender && at.timestamp.since(before.timestamp) <= ECHO_NS
            };
            if again.is_some_and(is_echo) {
                return;
            }
        }
        let Some(open) = self.open(direction) else { return };
        match open {
            Some(exchange)
                if exchange.packet.operation == packet.operation
                    && exchange.packet.sender == packet.sender
                    && exchange.packet.target.address == packet.target.address
                    && at.timestamp.since(exchange.last.timestamp) <= AGAIN_NS =>
            {
                exchange.last = at;
                exchange.count = exchange.count.saturating_add(1);
                exchange.evidence.add(at.number);
            }
            _ => {
                if let Some(before) = open.replace(Exchange::new(packet, at)) {
                    before.report(None, context, out);
                }
            }
        }
    }
}

impl Session for Exchanges {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                if let Some(packet) = read(bytes) {
                    self.packet(packet, direction, context, out);
                }
            }
            Input::Close => {
                for open in &mut self.open {
                    if let Some(exchange) = open.take() {
                        exchange.report(None, context, out);
                    }
                }
            }
            _ => {}
        }
        Progress::Consumed(0)
    }
}
