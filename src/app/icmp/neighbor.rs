//! Neighbor Discovery about one address: solicitations with their advertisements, and what comes unasked.
use super::options::{Message, read};
use crate::{
    app::{Session, Sink},
    record::{
        Context, Direction, Endpoint, Evidence, HardwareAddress, Input, Neighbor, NeighborOperation, PacketRef,
        Progress, Record, Side, Station, Subject,
    },
};

/// A solicitation so long after the last one is another question, in nanoseconds. Hosts repeat theirs after one second.
const AGAIN_NS: i64 = 3_000_000_000;

/// A question under way.
#[derive(Debug)]
struct Question {
    first: PacketRef,
    last: PacketRef,
    count: u64,
    mac: Option<HardwareAddress>,
    evidence: Evidence,
}

/// Reads one flow: the questions of one host about one address.
#[derive(Default)]
pub(super) struct Neighborhood {
    question: Option<Box<Question>>,
    router_question: Option<Box<Question>>,
    /// The answer to the last question, to know it again when it comes twice.
    answered: Option<(PacketRef, Option<HardwareAddress>)>,
}

/// An address without a port.
fn end(context: &Context<'_>, side: Side) -> Endpoint {
    Endpoint { port: 0, ..context.flow.endpoint(side) }
}

/// A record in which `asker` sent the first packet.
fn record(
    context: &Context<'_>,
    operation: NeighborOperation,
    (first, last): (PacketRef, PacketRef),
    sender: Station,
    evidence: Evidence,
) -> Neighbor {
    Neighbor {
        subject: Subject::new(context.flow.id, evidence),
        client: end(context, Side::Client),
        server: end(context, Side::Server),
        start_ts: first.timestamp,
        operation,
        duplicate_address_detection: false,
        sender,
        target: None,
        answered: None,
        latency_ns: None,
        packets: 1,
        answer_packet: None,
        duration_ns: last.timestamp.since(first.timestamp),
        router: None,
        destination: None,
    }
}

impl Question {
    fn new(at: PacketRef, mac: Option<HardwareAddress>) -> Box<Self> {
        Box::new(Self { first: at, last: at, count: 1, mac, evidence: std::iter::once(at.number).collect() })
    }

    fn again(&mut self, at: PacketRef) {
        self.last = at;
        self.count = self.count.saturating_add(1);
        self.evidence.add(at.number);
    }

    fn neighbor(self, answer: Option<(PacketRef, Option<HardwareAddress>)>, context: &Context<'_>) -> Neighbor {
        let Self { first, last, count, mac, mut evidence } = self;
        if let Some((at, _)) = answer {
            evidence.add(at.number);
        }
        let (client, server) = (context.flow.client.address, context.flow.server.address);
        let until = answer.map_or(last, |(at, _)| at);
        let sender = Station { address: client, mac };
        Neighbor {
            duplicate_address_detection: client.is_unspecified(),
            target: Some(Station { address: server, mac: answer.and_then(|(_, mac)| mac) }),
            answered: Some(answer.is_some()),
            latency_ns: answer.map(|(at, _)| at.timestamp.since(last.timestamp)),
            packets: count,
            answer_packet: answer.map(|(at, _)| at.number),
            ..record(context, NeighborOperation::NeighborSolicitation, (first, until), sender, evidence)
        }
    }

    fn router(self, context: &Context<'_>) -> Neighbor {
        let Self { first, last, count, mac, evidence } = self;
        let sender = Station { address: context.flow.client.address, mac };
        Neighbor {
            // Whether an advertisement followed is in another flow.
            answered: Some(false),
            packets: count,
            ..record(context, NeighborOperation::RouterSolicitation, (first, last), sender, evidence)
        }
    }
}

/// Counts a question in; gives back the one before, if this is another.
fn ask(
    place: &mut Option<Box<Question>>,
    at: PacketRef,
    mac: Option<HardwareAddress>,
) -> Option<Box<Question>> {
    match place {
        Some(question) if at.timestamp.since(question.last.timestamp) <= AGAIN_NS => {
            question.again(at);
            None
        }
        _ => place.replace(Question::new(at, mac)),
    }
}

impl Neighborhood {
    fn message(&mut self, message: Message, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let at = context.packet;
        let mut say = |record: Neighbor| out.record(Record::Neighbor(Box::new(record)));
        let from = context.flow.endpoint(direction.sender()).address;
        let alone = |operation, mac| {
            record(context, operation, (at, at), Station { address: from, mac }, std::iter::once(at.number).collect())
        };
        match message {
            Message::NeighborSolicitation { mac, .. } => {
                if let Some(before) = ask(&mut self.question, at, mac) {
                    say(before.neighbor(None, context));
                }
                self.answered = None;
            }
            Message::NeighborAdvertisement { target, mac } => match self.question.take() {
                Some(question) => {
                    self.answered = Some((at, mac));
                    say(question.neighbor(Some((at, mac)), context));
                }
                None if self.answered.is_some_and(|(_, before)| before == mac) => {}
                None => say(Neighbor {
                    target: Some(Station { address: target.into(), mac }),
                    ..alone(NeighborOperation::NeighborAdvertisement, mac)
                }),
            },
            Message::RouterSolicitation { mac } => {
                if let Some(before) = ask(&mut self.router_question, at, mac) {
                    say(before.router(context));
                }
            }
            Message::RouterAdvertisement { mac, says } => {
                let record = alone(NeighborOperation::RouterAdvertisement, mac);
                say(Neighbor { router: Some(*says), ..record });
            }
            Message::Redirect { target, destination, mac } => say(Neighbor {
                target: Some(Station { address: target.into(), mac }),
                destination: Some(destination.into()),
                ..alone(NeighborOperation::Redirect, None)
            }),
        }
    }
}

impl Session for Neighborhood {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                if let Some(message) = read(bytes) {
                    self.message(message, direction, context, out);
                }
            }
            Input::Close => {
                if let Some(question) = self.question.take() {
                    out.record(Record::Neighbor(Box::new(question.neighbor(None, context))));
                }
                if let Some(question) = self.router_question.take() {
                    out.record(Record::Neighbor(Box::new(question.router(context))));
                }
            }
            _ => {}
        }
        Progress::Consumed(0)
    }
}
