//! The interfaces as one source, merged by time.
//!
//! One thread reads them all: the kernel keeps a buffer for each, and what reads, copies and decodes is one thread behind
//! them anyway. The rule of the order: a packet is handed on once every other interface has a later one waiting, or was read
//! to its end at a moment by which all that it had captured up to the packet's time was visible (`hold`: twice the time
//! after which the kernel shows a block that is not full, and 10 ms; 30 ms with several interfaces, 10 ms in immediate
//! mode). It waits for [`LONGEST_WAIT`] at most, should the clock be set meanwhile, and no longer than
//! [`limits::LIVE_MERGE_BYTES`] of one interface wait. Packets of one interface keep the order the kernel gave them, and
//! equal times that of the interfaces. What comes out of order all the same is counted as time that runs backwards.
use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    clock,
    counts::Counts,
    interface::{Lane, Read, Taken},
    options::{LiveError, LiveOptions},
    wait::wait,
};
use crate::{
    capture::{
        Batch, More, PacketSource,
        tally::{Found, Tally},
    },
    limits,
    record::{Capture, Timestamp},
};

/// How long a packet waits for those of other interfaces, whatever the clock says.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// How often others are looked at while a packet waits for them.
const HELD_LOOK: Duration = Duration::from_millis(2);
/// Packets that are read of one interface before the next has its turn.
const PACKETS_AT_ONCE: usize = 4096;

/// Interfaces being captured from.
pub struct LiveSource {
    lanes: Vec<Lane>,
    /// With several interfaces, what waits of each, and since when anything does.
    waiting: Vec<Waiting>,
    held_since: Option<Instant>,
    options: LiveOptions,
    counts: Counts,
    stop: Arc<AtomicBool>,
    end: Option<Instant>,
    stopping: Option<Stopping>,
    tally: Tally,
    ended: bool,
}

/// The end was asked for: what was captured until then is still to come.
#[derive(Clone, Copy)]
struct Stopping {
    at: Timestamp,
    since: Instant,
}

/// Packets of one interface that wait for those of others.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    packets: VecDeque<Packet>,
    /// All that was captured until then has been read.
    read_up_to: Timestamp,
    full: bool,
}

#[derive(Clone, Copy)]
struct Packet {
    timestamp: Timestamp,
    wire_length: u32,
    start: usize,
    length: usize,
}

impl LiveSource {
    /// Opens the interfaces; the kernel captures from now on. `stop` ends it. No thread is begun.
    ///
    /// # Errors
    /// See [`LiveError`].
    pub fn open(options: LiveOptions, stop: Arc<AtomicBool>) -> Result<Self, LiveError> {
        let counts = Counts::new(options.interfaces.iter().map(|choice| choice.name.clone()));
        let choices = options.interfaces.iter().enumerate();
        let lanes: Result<Vec<_>, _> =
            choices.map(|(index, choice)| Lane::open(choice, index, &options, &counts)).collect();
        let end = options.duration.and_then(|duration| Instant::now().checked_add(duration));
        let lanes = lanes?;
        let waiting = lanes.iter().map(|_| Waiting { read_up_to: Timestamp::MIN, ..Waiting::default() }).collect();
        Ok(Self {
            lanes,
            waiting,
            held_since: None,
            options,
            counts,
            stop,
            end,
            stopping: None,
            tally: Tally::default(),
            ended: false,
        })
    }

    /// The counts so far, for whoever asks while packets are read elsewhere.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }

    /// Notices that the end was asked for, by a signal or the duration.
    fn see_stop(&mut self, now: Instant) {
        let is_over = self.stop.load(Ordering::Relaxed) || self.end.is_some_and(|end| now >= end);
        if is_over && self.stopping.is_none() {
            self.stopping = Some(Stopping { at: clock().unwrap_or(Timestamp(i64::MAX)), since: now });
        }
    }

    /// Packets that may still come.
    fn left(&self) -> u64 {
        self.options.max_packets.map_or(u64::MAX, |most| most.saturating_sub(self.tally.packets))
    }

    /// Reads the one interface straight into the batch.
    fn read_one(&mut self, batch: &mut Batch) {
        let stop_at = self.stopping.map(|stopping| stopping.at);
        let mut left = self.left();
        let Some(lane) = self.lanes.first_mut() else { return };
        let link_type = lane.link_type;
        let tally = &mut self.tally;
        let read = lane.read(|timestamp, wire, bytes| {
            if stop_at.is_some_and(|at| timestamp > at) || left == 0 {
                return Taken::Refused;
            }
            let (start, captured) = (batch.buffer.len(), u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            batch.buffer.extend_from_slice(bytes);
            Found { heads: &mut batch.heads, tally, file: 0 }.packet(timestamp, start, captured, wire, 0, link_type);
            left = left.saturating_sub(1);
            let has_room = left > 0 && batch.buffer.len() < limits::READ_BUFFER_BYTES;
            if has_room { Taken::More } else { Taken::Enough }
        });
        if !batch.heads.is_empty() {
            lane.came();
            lane.captured(batch.heads.len() as u64, batch.heads.iter().map(|head| u64::from(head.wire_length)).sum());
        }
        let drained = self.stopping.is_some_and(|stopping| stopping.since.elapsed() >= lane.hold);
        self.ended |= left == 0 || matches!(read, Read::Refused | Read::Gone) || (read == Read::Empty && drained);
    }

    /// Reads all interfaces into what waits, and hands on what need not wait any more.
    fn read_several(&mut self, batch: &mut Batch) {
        let stop_at = self.stopping.map(|stopping| stopping.at);
        let mut drained = true;
        for (lane, waiting) in self.lanes.iter_mut().zip(&mut self.waiting) {
            let before = clock();
            let had = waiting.packets.len();
            waiting.full = waiting.bytes.len() >= limits::LIVE_MERGE_BYTES;
            let read = if waiting.full {
                Read::Enough
            } else {
                lane.read(|timestamp, wire_length, bytes| {
                    if stop_at.is_some_and(|at| timestamp > at) {
                        return Taken::Refused;
                    }
                    waiting.add(timestamp, wire_length, bytes);
                    // One that never pauses must not keep the others waiting.
                    let has_room = waiting.packets.len().saturating_sub(had) < PACKETS_AT_ONCE
                        && waiting.bytes.len() < limits::LIVE_MERGE_BYTES;
                    if has_room { Taken::More } else { Taken::Enough }
                })
            };
            if waiting.packets.len() > had {
                lane.came();
            }
            match read {
                Read::Gone => waiting.read_up_to = Timestamp(i64::MAX),
                Read::Empty => {
                    let hold = i64::try_from(lane.hold.as_nanos()).unwrap_or(i64::MAX);
                    let visible = before.map_or(Timestamp::MIN, |now| Timestamp(now.0.saturating_sub(hold)));
                    waiting.read_up_to = waiting.read_up_to.max(visible);
                }
                Read::Enough | Read::Refused => {}
            }
            let is_over = self.stopping.is_some_and(|stopping| stopping.since.elapsed() >= lane.hold);
            drained &= matches!(read, Read::Refused | Read::Gone) || (read == Read::Empty && is_over);
        }
        self.hand_on(batch, drained);
        let none_left = self.waiting.iter().all(|waiting| waiting.packets.is_empty());
        let all_gone = self.lanes.iter().all(Lane::is_gone);
        self.ended |= self.left() == 0 || (none_left && (all_gone || (drained && self.stopping.is_some())));
    }

    /// Moves into the batch what waits and need not any more.
    fn hand_on(&mut self, batch: &mut Batch, drained: bool) {
        let overdue = self.held_since.is_some_and(|since| since.elapsed() >= LONGEST_WAIT);
        let full = self.waiting.iter().any(|waiting| waiting.bytes.len() >= limits::LIVE_MERGE_BYTES);
        let at_the_end = self.stopping.is_some() && drained;
        while self.left() > 0 && batch.buffer.len() < limits::READ_BUFFER_BYTES {
            let heads = self.waiting.iter().enumerate();
            let first = heads.filter_map(|(index, waiting)| Some((waiting.packets.front()?.timestamp, index))).min();
            let Some((timestamp, index)) = first else { break };
            let silent = self.waiting.iter().filter(|waiting| waiting.packets.is_empty());
            let is_certain = silent.map(|waiting| waiting.read_up_to).min().is_none_or(|known| timestamp <= known);
            if !(is_certain || overdue || full || at_the_end) {
                break;
            }
            let (Some(waiting), Some(lane)) = (self.waiting.get_mut(index), self.lanes.get(index)) else { break };
            let Some(packet) = waiting.packets.pop_front() else { break };
            let start = batch.buffer.len();
            let bytes = waiting.bytes.get(packet.start..packet.start.saturating_add(packet.length));
            batch.buffer.extend_from_slice(bytes.unwrap_or_default());
            let captured = u32::try_from(packet.length).unwrap_or(u32::MAX);
            let interface = u32::try_from(index).unwrap_or(u32::MAX);
            let mut found = Found { heads: &mut batch.heads, tally: &mut self.tally, file: 0 };
            found.packet(packet.timestamp, start, captured, packet.wire_length, interface, lane.link_type);
            lane.captured(1, u64::from(packet.wire_length));
            if waiting.packets.is_empty() {
                waiting.bytes.clear();
            }
        }
        self.waiting.iter_mut().for_each(Waiting::tidy);
        let holds = self.waiting.iter().any(|waiting| !waiting.packets.is_empty());
        if !holds {
            self.held_since = None;
        } else if self.held_since.is_none() || !batch.heads.is_empty() && !overdue {
            self.held_since = Some(Instant::now());
        }
    }

    /// How long to wait for packets.
    fn patience(&self, now: Instant, waited: Duration) -> Duration {
        let mut most = self.options.tick.saturating_sub(waited);
        if let Some(end) = self.end {
            most = most.min(end.saturating_duration_since(now));
        }
        if self.held_since.is_some() || self.stopping.is_some() {
            most = most.min(HELD_LOOK);
        }
        most
    }
}

impl Waiting {
    fn add(&mut self, timestamp: Timestamp, wire_length: u32, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.packets.push_back(Packet { timestamp, wire_length, start, length: bytes.len() });
    }

    /// Gives up the room of packets that were handed on, when that is most of it.
    fn tidy(&mut self) {
        let Some(first) = self.packets.front().map(|packet| packet.start) else { return };
        if first > self.bytes.len() / 2 {
            self.bytes.drain(..first.min(self.bytes.len()));
            self.packets.iter_mut().for_each(|packet| packet.start = packet.start.saturating_sub(first));
        }
    }
}

impl PacketSource for LiveSource {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        batch.buffer.clear();
        let began = Instant::now();
        while !self.ended {
            let now = Instant::now();
            self.see_stop(now);
            if self.lanes.len() == 1 {
                self.read_one(batch);
            } else {
                self.read_several(batch);
            }
            self.lanes.iter_mut().for_each(|lane| lane.look_after(now));
            let waited = began.elapsed();
            if self.ended || !batch.heads.is_empty() || waited >= self.options.tick {
                break;
            }
            let alive = |lane: &&Lane| !lane.is_gone();
            let wrong = wait(self.lanes.iter().filter(alive), self.patience(now, waited));
            for (lane, wrong) in self.lanes.iter_mut().filter(|lane| !lane.is_gone()).zip(wrong) {
                if wrong {
                    lane.suspect();
                }
            }
        }
        if self.ended {
            self.lanes.iter_mut().for_each(Lane::count);
        }
        Ok(if self.ended { More::No } else { More::Yes })
    }

    fn description(&self) -> Capture {
        let interfaces: Vec<_> = self.lanes.iter().map(Lane::describe).collect();
        let mut link_types: Vec<String> = interfaces.iter().map(|interface| interface.link_type.clone()).collect();
        let mut seen = std::collections::HashSet::new();
        link_types.retain(|name| seen.insert(name.clone()));
        let names: Vec<&str> = self.lanes.iter().map(|lane| lane.name.as_str()).collect();
        let mut capture = Capture {
            file: names.join(", "),
            format: "live".to_owned(),
            link_types,
            snap_length: Some(u64::from(self.options.snap_length)),
            dropped: interfaces.iter().filter_map(|interface| interface.dropped).reduce(u64::saturating_add),
            interfaces,
            ..Capture::default()
        };
        self.tally.describe(&mut capture);
        capture
    }

    fn clock(&self) -> Option<Timestamp> {
        clock()
    }

    fn now(&self) -> Option<Timestamp> {
        clock()
    }
}
