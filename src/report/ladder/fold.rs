//! From segments to the rows that are drawn: long stretches in which nothing happens become one row, while they pass by,
//! so that a connection of any length takes little memory and a sensible place on the page.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    limits,
    record::{
        Certainty, Connection, Direction, Mark, PacketNumber, PacketRef, Record, Segment, Side, TcpState, Timestamp,
        Transition,
    },
};

/// Segments in a row without anything to tell, from which they are folded into one row.
const FOLD: usize = 4;
/// A connection of at most so many packets is drawn whole.
const SMALL: u64 = 40;
/// Segments with a mark that are drawn one by one; further ones are counted in the folded rows.
fn most_of_a_kind(mark: Mark) -> usize {
    match mark {
        // They come in dozens, and say little one by one.
        Mark::WindowFull => 2,
        Mark::DuplicateAck | Mark::KeepAlive | Mark::WindowProbe => 3,
        Mark::Retransmission
        | Mark::FastRetransmission
        | Mark::TimeoutRetransmission
        | Mark::TailLossProbe
        | Mark::SpuriousRetransmission
        | Mark::OutOfOrder
        | Mark::Copy
        | Mark::ZeroWindow
        | Mark::WindowOpens => MOST_DRAWN,
    }
}

/// Lost segments, and gaps of the capture, drawn one by one.
const MOST_DRAWN: usize = 8;

/// The states of both sides behind a row, the client's first; only those that changed.
pub type States = [Option<(TcpState, Certainty)>; 2];

/// One row of the picture.
#[derive(Clone, Debug)]
pub struct Row {
    /// When.
    pub ts: Timestamp,
    /// What changed.
    pub states: States,
    /// What it shows.
    pub what: What,
}

/// What a row shows.
#[derive(Clone, Debug)]
pub enum What {
    /// The states before the first packet.
    Start,
    /// A segment.
    Segment(Box<Segment>),
    /// Something else that moved a state: an ICMP error, or time.
    Event {
        /// In words.
        text: &'static str,
        /// Its packet, when there is one.
        packet: Option<PacketNumber>,
    },
    /// Bytes that the peer acknowledged and the capture does not hold.
    Missing {
        /// Whose.
        side: Side,
        /// How many.
        bytes: u64,
    },
    /// Segments summed up.
    Folded(Folded),
}

/// Segments summed up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folded {
    /// How many.
    pub segments: u64,
    /// Payload bytes of the client and of the server.
    pub bytes: [u64; 2],
    /// Those with each mark, in the order of [`Mark::ALL`].
    pub marks: [u64; Mark::ALL.len()],
    /// Lost ones.
    pub lost: u64,
    /// Bytes missing from the capture between them.
    pub missing: u64,
    /// The first one.
    pub first: PacketRef,
    /// The last one.
    pub last: PacketRef,
    /// Left out because there are too many rows, not because they tell nothing.
    pub is_cut: bool,
}

impl Folded {
    fn add(&mut self, segment: &Segment) {
        if self.segments == 0 {
            self.first = segment.packet;
        }
        self.last = segment.packet;
        self.segments += 1;
        self.bytes[segment.direction.index()] += u64::from(segment.payload_length);
        self.missing += segment.not_captured.iter().sum::<u64>();
        self.lost += u64::from(segment.is_lost);
        for mark in &segment.marks {
            self.marks[*mark as usize] += 1;
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.segments == 0 {
            self.first = other.first;
        }
        self.last = other.last;
        self.segments += other.segments;
        self.lost += other.lost;
        for (sum, count) in self.marks.iter_mut().zip(other.marks) {
            *sum += count;
        }
        self.missing += other.missing;
        for (sum, bytes) in self.bytes.iter_mut().zip(other.bytes) {
            *sum += bytes;
        }
    }

    /// From the first to the last, in nanoseconds.
    pub fn lasted(&self) -> i64 {
        self.last.timestamp.since(self.first.timestamp)
    }
}

/// What makes a segment worth a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Mark(u8),
    Gap,
    Lost,
}

/// Takes segments and makes rows of them. Its memory does not grow with the connection.
pub struct Sketch {
    /// State changes not drawn yet.
    steps: VecDeque<Transition>,
    /// Packets with which a handshake goes on.
    telling: BTreeSet<PacketNumber>,
    fold_from: usize,
    most_rows: usize,
    run: Vec<Segment>,
    folded: Folded,
    drawn: BTreeMap<Kind, usize>,
    head: Vec<Row>,
    cut: Folded,
    tail: VecDeque<Row>,
}

impl Sketch {
    /// Of `connection`, with the other records of its flow. With `all`, every segment is a row of its own.
    pub fn new(connection: &Connection, beside: &[Record], all: bool, most_rows: usize) -> Self {
        let tls = beside.iter().filter_map(|record| if let Record::Tls(tls) = record { Some(tls) } else { None });
        let handshakes = tls.flat_map(|tls| tls.phases.iter().filter(|phase| phase.name != "application_data"));
        let packets = connection.client.packets.saturating_add(connection.server.packets);
        let mut sketch = Self {
            steps: connection.transitions.iter().copied().collect(),
            telling: handshakes.map(|phase| phase.packet).collect(),
            fold_from: if all || packets <= SMALL { usize::MAX } else { FOLD },
            most_rows: if all { limits::MAX_DOCUMENT_ROWS } else { most_rows },
            run: Vec::new(),
            folded: Folded::default(),
            drawn: BTreeMap::new(),
            head: Vec::new(),
            cut: Folded { is_cut: true, ..Folded::default() },
            tail: VecDeque::new(),
        };
        sketch.start(connection);
        sketch
    }

    /// The states before the first packet, where they are known.
    fn start(&mut self, connection: &Connection) {
        let before = |side| {
            let first = connection.transitions.iter().find(|step| step.side == side)?;
            // Nothing on a wire shows that a socket listens.
            let certainty = if first.from == Some(TcpState::Listen) { Certainty::Assumed } else { Certainty::Observed };
            first.from.map(|state| (state, certainty))
        };
        let states = [before(Side::Client), before(Side::Server)];
        if states.iter().any(Option::is_some) {
            self.push(Row { ts: connection.start_ts, states, what: What::Start });
        }
    }

    /// Takes the next segment.
    pub fn segment(&mut self, segment: Segment) {
        self.events_before(&segment);
        let states = self.states_of(segment.packet.number);
        if self.is_plain(&segment, &states) {
            if self.folded.segments > 0 {
                self.folded.add(&segment);
            } else if self.run.len() + 1 >= self.fold_from {
                for before in self.run.drain(..).chain([segment]) {
                    self.folded.add(&before);
                }
            } else {
                self.run.push(segment);
            }
            return;
        }
        self.settle();
        for (side, bytes) in [Side::Client, Side::Server].into_iter().zip(segment.not_captured) {
            if bytes > 0 {
                let what = What::Missing { side, bytes };
                self.push(Row { ts: segment.packet.timestamp, states: [None; 2], what });
            }
        }
        self.push(Row { ts: segment.packet.timestamp, states, what: What::Segment(Box::new(segment)) });
    }

    /// All rows, once the last segment has come.
    pub fn finish(mut self) -> Vec<Row> {
        self.settle();
        while let Some(step) = self.steps.pop_front() {
            self.event(&step);
        }
        let mut rows = self.head;
        if self.cut.segments > 0 {
            let what = What::Folded(self.cut);
            rows.push(Row { ts: self.cut.first.timestamp, states: [None; 2], what });
        }
        rows.extend(self.tail);
        rows
    }

    /// State changes before `segment` that no segment caused.
    fn events_before(&mut self, segment: &Segment) {
        let is_before = |step: &Transition| match step.packet {
            Some(packet) => packet < segment.packet.number,
            None => step.ts < segment.packet.timestamp,
        };
        while let Some(step) = self.steps.front().copied().filter(is_before) {
            self.steps.pop_front();
            self.settle();
            self.event(&step);
        }
    }

    fn event(&mut self, step: &Transition) {
        let mut states = [None; 2];
        states[usize::from(step.side == Side::Server)] = Some((step.to, step.certainty));
        let what = What::Event { text: step.event, packet: step.packet };
        self.push(Row { ts: step.ts, states, what });
    }

    fn states_of(&mut self, number: PacketNumber) -> States {
        let mut states = [None; 2];
        self.steps.retain(|step| {
            let is_its = step.packet == Some(number);
            if is_its {
                states[usize::from(step.side == Side::Server)] = Some((step.to, step.certainty));
            }
            !is_its
        });
        states
    }

    /// Whether nothing happens in it but data going through.
    fn is_plain(&mut self, segment: &Segment, states: &States) -> bool {
        let tells = segment.is_control
            || states.iter().any(Option::is_some)
            || self.telling.contains(&segment.packet.number)
            || segment.notes.iter().any(|note| !is_opaque(note));
        if tells {
            return false;
        }
        // What is rare is worth a row, what is common a number in a folded row.
        let gap = (segment.not_captured != [0; 2]).then_some((Kind::Gap, MOST_DRAWN));
        let lost = segment.is_lost.then_some((Kind::Lost, MOST_DRAWN));
        let marks = segment.marks.iter().map(|mark| (Kind::Mark(*mark as u8), most_of_a_kind(*mark)));
        let mut is_rare = false;
        for (kind, most) in marks.chain(gap).chain(lost) {
            let drawn = self.drawn.entry(kind).or_default();
            if *drawn < most {
                *drawn += 1;
                is_rare = true;
            }
        }
        !is_rare
    }

    /// Ends the stretch in which nothing happened.
    fn settle(&mut self) {
        for segment in std::mem::take(&mut self.run) {
            self.push(Row { ts: segment.packet.timestamp, states: [None; 2], what: What::Segment(Box::new(segment)) });
        }
        let folded = std::mem::take(&mut self.folded);
        if folded.segments > 0 {
            self.push(Row { ts: folded.first.timestamp, states: [None; 2], what: What::Folded(folded) });
        }
    }

    /// The beginning and the end of a connection tell more than its middle.
    fn push(&mut self, row: Row) {
        if self.head.len() < self.most_rows / 2 {
            self.head.push(row);
            return;
        }
        self.tail.push_back(row);
        if self.tail.len() > self.most_rows / 2
            && let Some(row) = self.tail.pop_front()
        {
            match row.what {
                What::Segment(segment) => self.cut.add(&segment),
                What::Folded(folded) => self.cut.merge(&folded),
                What::Start | What::Event { .. } | What::Missing { .. } => {}
            }
        }
    }
}

/// Whether a note says no more than that there is encrypted data.
fn is_opaque(note: &str) -> bool {
    note == "Application Data"
}

/// The direction in which a side's bytes travel.
pub fn from(side: Side) -> Direction {
    match side {
        Side::Client => Direction::ClientToServer,
        Side::Server => Direction::ServerToClient,
    }
}
