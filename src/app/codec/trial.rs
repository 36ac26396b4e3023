//! For tests: drives a session through a dialogue as a stream does, whole and cut into pieces, and gathers what it says.
use std::collections::BTreeMap;

use crate::{
    app::{Carrier, Probe, Protocol, Said, Sink, Verdict},
    record::{
        Application, Certainty, Context, Direction, Endpoint, Finding, FlowFacts, FlowId, Input, PacketNumber,
        PacketRef, Progress, Record, Secrets, Timestamp, Transport, Value, Wanted,
    },
};

/// What one side sends in one packet; none stands for bytes that are missing.
pub type Piece<'a> = (Direction, Option<&'a [u8]>);

/// What a session said.
#[derive(Debug, Default)]
pub struct Heard {
    /// The records of applications.
    pub applications: Vec<Application>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// The one line and the fields of each note.
    pub notes: Vec<(String, BTreeMap<&'static str, Value>)>,
    /// What each side sent that was left when the flow was handed over.
    pub handed_over: Option<[Vec<u8>; 2]>,
    /// The session wanted nothing more.
    pub done: bool,
}

impl Heard {
    /// Name and value of each fact of the only record.
    pub fn facts(&self) -> Vec<(&'static str, &str)> {
        let [application] = &self.applications[..] else { panic!("{:?}", self.applications) };
        application.facts.iter().map(|fact| (fact.name, fact.value.as_str())).collect()
    }

    /// What the first fact of this name says.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts().into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The codes of the findings.
    pub fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    /// The one line of each note.
    pub fn infos(&self) -> Vec<&str> {
        self.notes.iter().map(|(info, _)| info.as_str()).collect()
    }
}

/// A flow to a server's port.
pub fn flow(port: u16) -> FlowFacts {
    let end = |text: &str, port| Endpoint { address: text.parse().unwrap(), port };
    FlowFacts {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: end("10.0.0.1", 40000),
        server: end("10.0.0.9", port),
        client_certainty: Certainty::Observed,
    }
}

/// What the probe says of the first bytes of a direction.
pub fn probe(protocol: &Protocol, direction: Direction, bytes: &[u8], from_start: bool, port: u16) -> Verdict {
    (protocol.probe)(&Probe { carrier: Carrier::Tcp, direction, bytes, from_start, flow: &flow(port) })
}

/// The dialogue, with notes, one packet each millisecond.
pub fn run(protocol: &Protocol, pieces: &[(Direction, &[u8])]) -> Heard {
    let pieces: Vec<Piece<'_>> = pieces.iter().map(|(direction, bytes)| (*direction, Some(*bytes))).collect();
    drive(protocol, &pieces, true, Carrier::Tcp)
}

/// The same, cut into pieces of these lengths in turn.
pub fn run_cut(protocol: &Protocol, pieces: &[(Direction, &[u8])], cuts: &[usize], notes: bool) -> Heard {
    let (mut all, mut cut) = (Vec::new(), cuts.iter().cycle());
    for (direction, bytes) in pieces {
        let mut rest = *bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cut.next().unwrap()).clamp(1, rest.len()));
            all.push((*direction, Some(piece)));
            rest = after;
        }
    }
    drive(protocol, &all, notes, Carrier::Tcp)
}

/// The dialogue, gaps among it.
pub fn drive(protocol: &Protocol, pieces: &[Piece<'_>], notes: bool, carrier: Carrier) -> Heard {
    let (flow, mut session, mut said, mut heard) = (flow(1), (protocol.session)(carrier), Vec::new(), Heard::default());
    let (mut pending, mut skip, mut started) = ([Vec::new(), Vec::new()], [0_u64; 2], [false; 2]);
    'pieces: for index in 0..=pieces.len() {
        let timestamp = Timestamp(i64::try_from(index).unwrap() * 1_000_000);
        let packet = PacketRef { index: index as u64, number: PacketNumber::new(0, index as u64 + 1), timestamp };
        let context = |from_start| Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: Secrets::none(),
        };
        let Some((direction, bytes)) = pieces.get(index) else {
            session.input(Input::Close, &context(false), &mut Sink::new(Wanted::usual(), notes, &mut said));
            break;
        };
        let place = direction.index();
        let Some(bytes) = bytes else {
            let length = 100 + pending[place].len() as u64;
            pending[place].clear();
            skip[place] = skip[place].saturating_sub(length);
            let mut out = Sink::new(Wanted::usual(), notes, &mut said);
            session.input(Input::Gap { direction: *direction, length }, &context(false), &mut out);
            continue;
        };
        let passed = usize::try_from(skip[place]).unwrap_or(usize::MAX).min(bytes.len());
        skip[place] = skip[place].saturating_sub(passed as u64);
        pending[place].extend_from_slice(&bytes[passed..]);
        while !pending[place].is_empty() {
            let waiting = std::mem::take(&mut pending[place]);
            let from_start = !std::mem::replace(&mut started[place], true);
            let mut out = Sink::new(Wanted::usual(), notes, &mut said);
            let input = Input::Stream { direction: *direction, bytes: &waiting };
            match session.input(input, &context(from_start), &mut out) {
                Progress::Consumed(used) | Progress::Need { consumed: used, .. } => {
                    pending[place] = waiting[used..].to_vec();
                    break;
                }
                Progress::Skip(length) => {
                    let here = usize::try_from(length).unwrap_or(usize::MAX).min(waiting.len());
                    skip[place] = length - here as u64;
                    pending[place] = waiting[here..].to_vec();
                }
                Progress::HandOver(used) => {
                    pending[place] = waiting[used..].to_vec();
                    heard.handed_over = Some(pending.clone());
                    break 'pieces;
                }
                Progress::Done => {
                    heard.done = true;
                    break 'pieces;
                }
            }
        }
    }
    for said in said {
        match said {
            Said::Record(Record::Application(application)) => heard.applications.push(*application),
            Said::Record(Record::Finding(finding)) => heard.findings.push(*finding),
            Said::Note(note) => heard.notes.push((note.info, note.layer.fields.into_iter().collect())),
            _ => {}
        }
    }
    heard
}

/// However the dialogue is cut, facts and findings are the same but for the numbers of packets.
pub fn assert_same_when_cut(protocol: &Protocol, pieces: &[(Direction, &[u8])], cuts: &[usize]) {
    let whole = run(protocol, pieces);
    for notes in [true, false] {
        let cut = run_cut(protocol, pieces, cuts, notes);
        assert_eq!(cut.facts(), whole.facts(), "cut by {cuts:?}, notes: {notes}");
        assert_eq!(cut.codes(), whole.codes(), "cut by {cuts:?}, notes: {notes}");
        assert_eq!(cut.handed_over.is_some(), whole.handed_over.is_some());
    }
}

/// Bytes as text and a value's text.
pub fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::List(values)) => values.iter().map(|value| shown(Some(value))).collect::<Vec<_>>().join("|"),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
