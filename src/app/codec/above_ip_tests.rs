//! What the tests of protocols right above IP share: a flow that a session reads message by message.
#![allow(missing_docs)] // fields are what their types are called
use crate::{
    app::{Carrier, Protocol, Said, Session, Sink},
    limits::Limit,
    record::{
        Application, Certainty, Context, Direction, Endpoint, Finding, FlowFacts, FlowId, Input, LinkFact,
        PacketNumber, PacketRef, Record, RecordKind, Secrets, Transport, Wanted,
    },
};

/// A flow between 10.0.0.1 and 10.0.0.2, or fe80::1 and ff02::1.
pub struct Flow {
    session: Box<dyn Session>,
    facts: FlowFacts,
    packet: PacketRef,
    said: Vec<Said>,
}

impl Flow {
    /// Of `protocol`, which has this number above IP.
    pub fn new(protocol: &Protocol, number: u8, is_v6: bool) -> Self {
        let address = |text: &str| Endpoint { address: text.parse().unwrap(), port: 0 };
        let (client, server) = if is_v6 { ("fe80::1", "ff02::1") } else { ("10.0.0.1", "10.0.0.2") };
        let facts = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Ip(number),
            client: address(client),
            server: address(server),
            client_certainty: Certainty::Observed,
        };
        let session = (protocol.session)(Carrier::Ip(number));
        Self { session, facts, packet: PacketRef::default(), said: Vec::new() }
    }

    fn input(&mut self, input: Input<'_>) {
        let context = Context {
            flow: &self.facts,
            packet: self.packet,
            origins: &[],
            from_start: false,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: Some(255),
            secrets: Secrets::none(),
        };
        let wanted: Wanted = RecordKind::ALL.into_iter().collect();
        self.session.input(input, &context, &mut Sink::new(wanted, true, &mut self.said));
    }

    /// The next message, `ms` milliseconds after the one before; true is from the client.
    pub fn say(&mut self, from_client: bool, ms: i64, bytes: &[u8]) -> &mut Self {
        self.packet.index += 1;
        self.packet.number = PacketNumber::new(0, self.packet.index);
        self.packet.timestamp = self.packet.timestamp.plus(ms * 1_000_000);
        let direction = if from_client { Direction::ClientToServer } else { Direction::ServerToClient };
        self.input(Input::Datagram { direction, bytes });
        self
    }

    /// The end of the flow, `ms` milliseconds after the last message: what was said.
    pub fn close(&mut self, ms: i64) -> Heard {
        self.packet.timestamp = self.packet.timestamp.plus(ms * 1_000_000);
        self.input(Input::Close);
        let mut heard = Heard::default();
        for said in std::mem::take(&mut self.said) {
            match said {
                Said::Record(Record::Application(record)) => heard.records.push(*record),
                Said::Record(Record::Finding(finding)) => heard.findings.push(*finding),
                Said::LinkFact(fact) => heard.links.push(*fact),
                Said::Limit(limit) => heard.limits.push(limit),
                Said::Inner { channel, direction, offset, bytes, .. } => {
                    heard.inner.push((channel, direction, offset, bytes));
                }
                Said::Note(note) => heard.notes.push(note.info),
                _ => {}
            }
        }
        heard
    }
}

/// What a session said of a flow.
#[derive(Default)]
pub struct Heard {
    /// Its records.
    pub records: Vec<Application>,
    /// Its findings.
    pub findings: Vec<Finding>,
    /// What it said of links.
    pub links: Vec<LinkFact>,
    /// The caps it reached.
    pub limits: Vec<&'static Limit>,
    /// Pieces of inner streams: channel, direction, offset, bytes.
    pub inner: Vec<(u64, Direction, u64, Vec<u8>)>,
    /// What packets show of it.
    pub notes: Vec<String>,
}

impl Heard {
    /// The values of all facts of this name.
    pub fn facts(&self, name: &str) -> Vec<&str> {
        let facts = self.records.iter().flat_map(|record| &record.facts);
        facts.filter(|fact| fact.name == name).map(|fact| fact.value.as_str()).collect()
    }

    /// The codes of all findings.
    pub fn codes(&self) -> Vec<&str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }
}

/// Every prefix of `message`, and `message` with each byte changed: nothing panics, and one record at most is told of each.
pub fn damage(protocol: &Protocol, number: u8, is_v6: bool, message: &[u8]) {
    for end in 0..=message.len() {
        let mut flow = Flow::new(protocol, number, is_v6);
        assert!(flow.say(true, 1, &message[..end]).close(10_000).records.len() <= 1);
    }
    for place in 0..message.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = message.to_vec();
            changed[place] = value;
            let mut flow = Flow::new(protocol, number, is_v6);
            assert!(flow.say(true, 1, &changed).say(false, 1, message).close(1).records.len() <= 2);
        }
    }
}
