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
    /// By who asks: the client, the server.
    questions: [Option<Box<Question>>; 2],
    router_questions: [Option<Box<Question>>; 2],
    /// By who asked: the link-layer address of the last answer, to know it again when it comes twice.
    answered: [Option<Option<HardwareAddress>>; 2],
}

/// An address without a port.
fn end(context: &Context<'_>, side: Side) -> Endpoint {
    Endpoint { port: 0, ..context.flow.endpoint(side) }
}

/// A record that begins with `operation`, of which `asker` is the one who asks, or is told.
fn record(
    context: &Context<'_>,
    (operation, asker): (NeighborOperation, Side),
    (first, last): (PacketRef, PacketRef),
    sender: Station,
    evidence: Evidence,
) -> Neighbor {
    Neighbor {
        subject: Subject::new(context.flow.id, evidence),
        client: end(context, asker),
        server: end(context, asker.other()),
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

    fn neighbor(
        self,
        asker: Side,
        answer: Option<(PacketRef, Option<HardwareAddress>)>,
        context: &Context<'_>,
    ) -> Neighbor {
        let Self { first, last, count, mac, mut evidence } = self;
        if let Some((at, _)) = answer {
            evidence.add(at.number);
        }
        let [client, server] = [asker, asker.other()].map(|side| context.flow.endpoint(side).address);
        let until = answer.map_or(last, |(at, _)| at);
        let sender = Station { address: client, mac };
        Neighbor {
            duplicate_address_detection: client.is_unspecified(),
            target: Some(Station { address: server, mac: answer.and_then(|(_, mac)| mac) }),
            answered: Some(answer.is_some()),
            latency_ns: answer.map(|(at, _)| at.timestamp.since(last.timestamp)),
            packets: count,
            answer_packet: answer.map(|(at, _)| at.number),
            ..record(context, (NeighborOperation::NeighborSolicitation, asker), (first, until), sender, evidence)
        }
    }

    fn router(self, asker: Side, context: &Context<'_>) -> Neighbor {
        let Self { first, last, count, mac, evidence } = self;
        let sender = Station { address: context.flow.endpoint(asker).address, mac };
        Neighbor {
            // Whether an advertisement followed is in another flow.
            answered: Some(false),
            packets: count,
            ..record(context, (NeighborOperation::RouterSolicitation, asker), (first, last), sender, evidence)
        }
    }
}

/// Counts a question in; gives back the one before, if this is another.
fn ask(place: &mut Option<Box<Question>>, at: PacketRef, mac: Option<HardwareAddress>) -> Option<Box<Question>> {
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
        let (sender, receiver) = (direction.sender(), direction.reverse().sender());
        let from = context.flow.endpoint(sender).address;
        let alone = |operation, mac| {
            let station = Station { address: from, mac };
            record(context, (operation, receiver), (at, at), station, std::iter::once(at.number).collect())
        };
        let [asks, answers] = [direction.index(), direction.reverse().index()];
        match message {
            Message::NeighborSolicitation { mac, .. } => {
                if let Some(before) = self.questions.get_mut(asks).and_then(|place| ask(place, at, mac)) {
                    say(before.neighbor(sender, None, context));
                }
                if let Some(answered) = self.answered.get_mut(asks) {
                    *answered = None;
                }
            }
            Message::NeighborAdvertisement { target, mac } => {
                if let Some(question) = self.questions.get_mut(answers).and_then(Option::take) {
                    if let Some(answered) = self.answered.get_mut(answers) {
                        *answered = Some(mac);
                    }
                    say(question.neighbor(receiver, Some((at, mac)), context));
                } else if self.answered.get(answers).copied().flatten() != Some(mac) {
                    say(Neighbor {
                        target: Some(Station { address: target.into(), mac }),
                        ..alone(NeighborOperation::NeighborAdvertisement, mac)
                    });
                }
            }
            Message::RouterSolicitation { mac } => {
                if let Some(before) = self.router_questions.get_mut(asks).and_then(|place| ask(place, at, mac)) {
                    say(before.router(sender, context));
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
                for side in [Side::Client, Side::Server] {
                    let place = usize::from(side == Side::Server);
                    if let Some(question) = self.questions.get_mut(place).and_then(Option::take) {
                        out.record(Record::Neighbor(Box::new(question.neighbor(side, None, context))));
                    }
                    if let Some(question) = self.router_questions.get_mut(place).and_then(Option::take) {
                        out.record(Record::Neighbor(Box::new(question.router(side, context))));
                    }
                }
            }
            _ => {}
        }
        Progress::Consumed(0)
    }
}
