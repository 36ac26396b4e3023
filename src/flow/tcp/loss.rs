//! What a healthy endpoint does not have: segments sent again and why, segments out of order, holes, closed windows.
//!
//! A segment behind the newest one either fills a hole or repeats what passed here. What fills a hole was overtaken when
//! its sender's clock (RFC 7323), the IP identification or the time says that it left before what overtook it; else it
//! was lost before the tap and is sent again. How a retransmission came about is told from what its sender knew:
//!
//! - *fast*: three duplicate acknowledgements (RFC 5681 3.2) or a selective acknowledgement of something behind it
//!   (RFC 6675), and no longer silence; so is what else is sent again until all that was on its way then has arrived.
//! - *tail loss probe*: the last segment on its way, once, after more than a round trip without an answer (RFC 8985 7).
//! - *timeout*: no such reason, but a wait of a round trip or more (RFC 6298 5); SYN and SYN-ACK after any timer's shortest
//!   wait or with another timestamp; and what else is sent again until all that was on its way then has arrived.
//! - else it cannot be told: the kinds add up to the retransmissions or less.
//!
//! It was *spurious* when all of it had been acknowledged before it was sent, when the peer reports it as a duplicate
//! (RFC 2883, RFC 3708), or when the acknowledgement echoes the clock of the original (RFC 3522).
use std::collections::VecDeque;

use super::{
    endpoint::Endpoint,
    options::Options,
    segment::Segment,
    sequence::{before, distance, later, not_after},
};
use crate::record::{PacketNumber, Timestamp};

/// Holes remembered in what an endpoint sent.
pub(super) const MAX_HOLES: usize = 64;
/// Packet numbers kept as proof of one kind of trouble.
const MAX_PROOFS: usize = 30;
/// Retransmissions remembered until it is known whether they were needed.
const MAX_RESENT: usize = 64;
/// Duplicate acknowledgements that make a retransmission a fast one (RFC 5681 3.2).
const FAST_DUPLICATES: u32 = 3;
/// A segment that fills a hole sooner than this after the newest one was overtaken, not sent again, in nanoseconds: when
/// nothing better is known.
const REORDERED_WITHIN_NS: i64 = 3_000_000;
/// IP identifications this far apart at most come from one counter.
const IDENTIFICATION_STEPS: u16 = 256;
/// No retransmission timer in use is shorter, in nanoseconds: Linux's minimum is 200 ms (RFC 6298 2.4 asks for 1 s).
const SHORTEST_TIMEOUT_NS: i64 = 180_000_000;
/// Where no round trip is known, a wait shorter than this is none, in nanoseconds.
const SHORTEST_WAIT_NS: i64 = 10_000_000;

/// Why a segment was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Fast,
    Timeout,
    Probe,
}

/// Bytes that did not pass the tap though later ones did.
#[derive(Clone, Copy, Debug)]
struct Hole {
    start: u32,
    end: u32,
    /// TSval and IP identification of the segment behind it.
    value: Option<u32>,
    identification: u16,
}

/// A segment that was sent more than once.
#[derive(Clone, Copy, Debug)]
struct Resent {
    start: u32,
    end: u32,
    /// When it was sent first and with which TSval; unknown when that did not pass the tap.
    original: Option<Timestamp>,
    original_value: Option<u32>,
    /// TSval of its first and of its last retransmission.
    first_value: Option<u32>,
    last_value: Option<u32>,
    last: Timestamp,
    times: u32,
    spurious: u32,
    /// It was a probe of the only segment on its way: a timeout looks the same.
    lone_probe: bool,
}

/// What a healthy endpoint does not have.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    holes: Vec<Hole>,
    pub retransmissions: u64,
    pub fast: u64,
    pub timeouts: u64,
    pub probes: u64,
    pub spurious: u64,
    /// Times it began to send again.
    pub loss_episodes: u64,
    pub out_of_order: u64,
    pub duplicate_acks: u64,
    pub sack_blocks: u64,
    pub duplicate_sacks: u64,
    pub zero_windows: u64,
    pub window_full: u64,
    pub keep_alives: u64,
    pub zero_window_probes: u64,
    pub gap_bytes: u64,
    /// Packets of it with Congestion Experienced, and its answers to such (RFC 3168).
    pub ecn_ce: u64,
    pub ece: u64,
    pub cwr: u64,
    /// Packets that are in the capture more than once.
    pub copies: u64,
    pub copied: Vec<PacketNumber>,
    pub zero_since: Option<Timestamp>,
    /// How long its window was zero, in nanoseconds.
    pub zero_window_ns: i64,
    pub marked: Vec<PacketNumber>,
    pub retransmitted: Vec<PacketNumber>,
    pub zero_window_packets: Vec<PacketNumber>,
    pub gap_packets: Vec<PacketNumber>,
    resent: VecDeque<Resent>,
    /// It sends again, for this cause, until all before this number has arrived.
    recovery: Option<(Cause, u32)>,
    /// Behind the last thing of it that the peer has but cannot acknowledge yet.
    sacked: Option<u32>,
}

pub(super) fn prove(list: &mut Vec<PacketNumber>, number: PacketNumber) {
    if list.len() < MAX_PROOFS {
        list.push(number);
    }
}

/// What was known when a segment was sent again.
#[derive(Clone, Copy, Debug)]
struct Circumstances {
    is_syn: bool,
    /// Its timestamp (RFC 7323) is another than that of the copy before.
    clock_moved: bool,
    peer_seen: bool,
    /// Duplicate or selective acknowledgements say that something behind it has arrived.
    evidence: bool,
    /// It ends where all that was sent ends.
    is_tail: bool,
    is_first_time: bool,
    sack_permitted: bool,
    /// Since it was sent before.
    waited_ns: i64,
    /// Since either side last sent something that matters.
    quiet_ns: i64,
    /// Both halves of the path, as far as known.
    path_ns: Option<i64>,
    /// What it sends again for already, and this is part of that.
    recovery: Option<Cause>,
}

impl Circumstances {
    fn cause(&self) -> Option<Cause> {
        if self.is_syn {
            // Sooner than any timer, and by the same clock: the network may have doubled it.
            return (self.waited_ns >= SHORTEST_TIMEOUT_NS || self.clock_moved).then_some(Cause::Timeout);
        }
        if !self.peer_seen {
            return None;
        }
        if self.recovery == Some(Cause::Timeout) {
            return Some(Cause::Timeout);
        }
        let longer = |path: i64| path.saturating_add(path >> 1);
        let patience = self.path_ns.map_or(SHORTEST_TIMEOUT_NS, |path| longer(path).max(SHORTEST_TIMEOUT_NS));
        if self.quiet_ns < patience && (self.evidence || self.recovery == Some(Cause::Fast)) {
            return Some(Cause::Fast);
        }
        let is_probe =
            self.is_tail && self.is_first_time && self.sack_permitted && !self.evidence && self.recovery.is_none();
        if is_probe && self.waited_ns >= self.path_ns.map_or(SHORTEST_WAIT_NS, |path| longer(path).max(1)) {
            return Some(Cause::Probe);
        }
        (self.waited_ns >= self.path_ns.unwrap_or(SHORTEST_TIMEOUT_NS)).then_some(Cause::Timeout)
    }
}

impl Endpoint {
    /// A segment behind one that was sent later, or the same once more.
    #[cold]
    pub(super) fn sent_again(&mut self, segment: &Segment<'_>, options: &Options<'_>, range: (u32, u32), peer: &Self) {
        let (start, end) = range;
        self.hops.sent_again(segment);
        let now = segment.at.timestamp;
        let next = self.next.unwrap_or(end);
        let acknowledged = self.acknowledged;
        let own_rtt = self.rtt.smoothed();
        let quick = self.rtt.smallest().map_or(REORDERED_WITHIN_NS, |rtt| rtt.min(REORDERED_WITHIN_NS));
        let newest = self.newest;
        let counts_up = self.counts_identifications();
        let original = self.transfer.as_deref().and_then(|transfer| transfer.timed.find(start));
        self.timed = None;
        if let Some(transfer) = self.transfer.as_deref_mut() {
            transfer.timed.spoil(start, end);
        }
        if before(next, end) {
            self.next = Some(end);
        }
        let (last_sent, last_answer) = self
            .transfer
            .as_deref()
            .map_or((newest, newest), |transfer| (transfer.last_data.max(newest), transfer.last_answer));
        let repeated = self.repeated_by_peer;
        let sack_permitted = self.sack_permitted != Some(false) && peer.sack_permitted != Some(false);
        let trouble = self.trouble();
        let filled = trouble.fill(start, end);
        // What fills a hole after its acknowledgement had been seen passed the tap late: it had arrived already.
        let arrived = acknowledged.is_some_and(|acknowledged| not_after(end, acknowledged));
        if let Some(hole) = filled
            && (arrived || overtaken(&hole, segment, options, counts_up).unwrap_or(now.since(newest) < quick))
        {
            trouble.out_of_order = trouble.out_of_order.saturating_add(1);
            return;
        }
        trouble.retransmissions = trouble.retransmissions.saturating_add(1);
        prove(&mut trouble.retransmitted, segment.at.number);
        if arrived {
            trouble.spurious = trouble.spurious.saturating_add(1);
        }
        let known =
            trouble.resent.iter_mut().rev().find(|resent| before(resent.start, end) && before(start, resent.end));
        let sent_before = known.as_ref().map(|resent| resent.last).or(original.map(|sent| sent.at)).unwrap_or(newest);
        let value_before =
            known.as_ref().map_or_else(|| original.and_then(|sent| sent.value), |resent| resent.last_value);
        let circumstances = Circumstances {
            is_syn: segment.header.flags.syn(),
            clock_moved: value_before.is_some() && value_before != options.value(),
            peer_seen: peer.packets > 0,
            evidence: repeated >= FAST_DUPLICATES && acknowledged == Some(start)
                || trouble.sacked.is_some_and(|sacked| before(start, sacked)),
            is_tail: not_after(next, end),
            is_first_time: known.is_none(),
            sack_permitted,
            waited_ns: now.since(sent_before),
            quiet_ns: now.since(last_sent.max(last_answer)),
            path_ns: own_rtt.map(|own| own.saturating_add(peer.rtt.smallest().unwrap_or(0))),
            recovery: trouble.recovery.filter(|(_, until)| before(start, *until)).map(|(cause, _)| cause),
        };
        let cause = circumstances.cause();
        match known {
            Some(resent) => {
                let first_wait = resent.original.map(|original| resent.last.since(original));
                let doubled = first_wait.is_some_and(|first| now.since(resent.last) > first.saturating_add(first >> 1));
                if std::mem::take(&mut resent.lone_probe) && cause == Some(Cause::Timeout) && doubled {
                    // The timer had been doubled (RFC 6298 5.5): what looked like a probe was its first expiry.
                    trouble.probes = trouble.probes.saturating_sub(1);
                    trouble.timeouts = trouble.timeouts.saturating_add(1);
                }
                resent.end = later(resent.end, end);
                resent.last = now;
                resent.last_value = options.value();
                resent.times = resent.times.saturating_add(1);
                resent.spurious = resent.spurious.saturating_add(u32::from(arrived));
            }
            None => {
                if trouble.resent.len() >= MAX_RESENT {
                    trouble.resent.pop_front();
                }
                trouble.resent.push_back(Resent {
                    start,
                    end,
                    original: original.map(|sent| sent.at),
                    original_value: original.and_then(|sent| sent.value),
                    first_value: options.value(),
                    last_value: options.value(),
                    last: now,
                    times: 1,
                    spurious: u32::from(arrived),
                    lone_probe: cause == Some(Cause::Probe)
                        && acknowledged.is_some_and(|acknowledged| not_after(start, acknowledged)),
                });
            }
        }
        trouble.count(cause, next);
        if let Some(transfer) = self.transfer.as_deref_mut() {
            transfer.last_data = transfer.last_data.max(now);
        }
    }

    /// Whether its IP identifications come from a counter of its own or one that few share (RFC 6864 leaves that open).
    fn counts_identifications(&self) -> bool {
        let [newest, older, oldest, _] = self.latest;
        let step = |from: (u16, u32), to: (u16, u32)| (1..=IDENTIFICATION_STEPS).contains(&to.0.wrapping_sub(from.0));
        // The newest entry is the segment in question.
        let _ = newest;
        older.0 != 0 && oldest.0 != 0 && step(oldest, older)
    }
}

/// Whether `segment`, which fills `hole`, left its sender before what stands behind the hole; nothing when neither the
/// sender's clock nor the IP identification tells.
fn overtaken(hole: &Hole, segment: &Segment<'_>, options: &Options<'_>, counts_up: bool) -> Option<bool> {
    if let Some((value, behind)) = options.value().zip(hole.value)
        && value != behind
    {
        return Some(before(value, behind));
    }
    if !counts_up || segment.identification == 0 || hole.identification == 0 {
        return None;
    }
    let steps = segment.identification.wrapping_sub(hole.identification);
    match (steps, steps.wrapping_neg()) {
        (1..=IDENTIFICATION_STEPS, _) => Some(false),
        (_, 1..=IDENTIFICATION_STEPS) => Some(true),
        _ => None,
    }
}

impl Trouble {
    fn count(&mut self, cause: Option<Cause>, next: u32) {
        let Some(cause) = cause else { return };
        let count = match cause {
            Cause::Fast => &mut self.fast,
            Cause::Timeout => &mut self.timeouts,
            Cause::Probe => &mut self.probes,
        };
        *count = count.saturating_add(1);
        if cause == Cause::Probe {
            return;
        }
        match self.recovery {
            Some((Cause::Fast, until)) if cause == Cause::Timeout => self.recovery = Some((cause, later(until, next))),
            Some(_) => {}
            None => {
                self.loss_episodes = self.loss_episodes.saturating_add(1);
                self.recovery = Some((cause, next));
            }
        }
    }

    /// Whether it sends again at present.
    pub fn recovers(&self) -> bool {
        self.recovery.is_some()
    }

    /// How long its window was closed, in nanoseconds, when the last packet came at `end`.
    pub fn zero_window_until(&self, end: Timestamp) -> i64 {
        let open = self.zero_since.map_or(0, |since| end.since(since).max(0));
        self.zero_window_ns.saturating_add(open)
    }

    /// Whether the peer has something behind a hole.
    pub fn is_sacked(&self) -> bool {
        self.sacked.is_some()
    }

    /// The peer acknowledged everything before `ack`, having acknowledged up to `known`: judges what was sent again.
    /// Answers with a round-trip time in nanoseconds when the echoed clock tells which copy was acknowledged.
    #[cold]
    pub fn acknowledged(&mut self, known: u32, ack: u32, options: &Options<'_>, now: Timestamp) -> Option<i64> {
        if self.recovery.is_some_and(|(_, until)| not_after(until, ack)) {
            self.recovery = None;
        }
        let mut blocks = options.sack.into_iter().flatten();
        let first = blocks.next();
        let second = blocks.next();
        let is_duplicate = first.is_some_and(|first| is_duplicate_sack(first, second, ack));
        if is_duplicate && let Some((left, right)) = first {
            for resent in self.resent.iter_mut().filter(|r| before(r.start, right) && before(left, r.end)) {
                if resent.spurious < resent.times {
                    resent.spurious = resent.spurious.saturating_add(1);
                    self.spurious = self.spurious.saturating_add(1);
                }
            }
        }
        let edges = first.filter(|_| !is_duplicate).into_iter().chain(second).chain(blocks).map(|(_, right)| right);
        for right in edges.filter(|right| before(ack, *right)) {
            self.sacked = Some(self.sacked.map_or(right, |sacked| later(sacked, right)));
        }
        if self.sacked.is_some_and(|sacked| not_after(sacked, ack)) {
            self.sacked = None;
        }
        if !before(known, ack) {
            return None;
        }
        // Only the oldest segment's clock is sure to be echoed: of what lies behind, any may be (RFC 7323 4.3).
        let oldest =
            self.resent.iter_mut().find(|resent| not_after(resent.start, known) && before(known, resent.end))?;
        let (echo, first, last) = (options.echo()?, oldest.first_value?, oldest.last_value?);
        if before(echo, first) {
            let needless = oldest.times.saturating_sub(oldest.spurious);
            oldest.spurious = oldest.times;
            self.spurious = self.spurious.saturating_add(u64::from(needless));
            return (Some(echo) == oldest.original_value).then(|| oldest.original.map(|at| now.since(at))).flatten();
        }
        let alone = oldest.times == 1 && oldest.original_value != Some(last);
        (alone && echo == last).then(|| now.since(oldest.last))
    }

    /// From `start` to `end` nothing passed, but what stands behind.
    #[cold]
    pub fn hole(&mut self, start: u32, end: u32, behind: Option<(&Segment<'_>, &Options<'_>)>) {
        if self.holes.len() < MAX_HOLES {
            let value = behind.and_then(|(_, options)| options.value());
            let identification = behind.map_or(0, |(segment, _)| segment.identification);
            self.holes.push(Hole { start, end, value, identification });
        } else if behind.is_none() {
            let missing = u64::try_from(distance(start, end)).unwrap_or(0);
            self.gap_bytes = self.gap_bytes.saturating_add(missing);
        }
    }

    /// What was missing belonged to another connection.
    pub fn forget_holes(&mut self) {
        self.holes = Vec::new();
    }

    /// The ends of the holes.
    pub fn hole_ends(&self) -> impl Iterator<Item = u32> {
        self.holes.iter().map(|hole| hole.end)
    }

    /// Bytes that are missing though the peer acknowledged them.
    pub fn missing(&self, acknowledged: Option<u32>) -> u64 {
        let holes = self.holes.iter().filter(|hole| acknowledged.is_some_and(|ack| not_after(hole.end, ack)));
        let missing = holes.map(|hole| u64::try_from(distance(hole.start, hole.end)).unwrap_or(0));
        missing.fold(self.gap_bytes, u64::saturating_add)
    }

    /// Fills holes with what was sent from `start` to `end`. Answers with one of them.
    fn fill(&mut self, start: u32, end: u32) -> Option<Hole> {
        let mut filled = None;
        let mut rest = None;
        self.holes.retain_mut(|hole| {
            let Hole { start: from, end: to, .. } = *hole;
            if not_after(end, from) || not_after(to, start) {
                return true;
            }
            filled = Some(*hole);
            match (before(from, start), before(end, to)) {
                (false, false) => false,
                (true, false) => {
                    hole.end = start;
                    true
                }
                (false, true) => {
                    hole.start = end;
                    true
                }
                (true, true) => {
                    rest = Some(Hole { start: end, ..*hole });
                    hole.end = start;
                    true
                }
            }
        });
        if self.holes.len() < MAX_HOLES {
            self.holes.extend(rest);
        }
        filled
    }
}

/// Whether the first block reports what had arrived before: it lies below the acknowledgement, or within the next block
/// (RFC 2883 4).
pub(super) fn is_duplicate_sack((left, right): (u32, u32), second: Option<(u32, u32)>, ack: u32) -> bool {
    before(left, right) && not_after(right, ack)
        || second.is_some_and(|(from, to)| not_after(from, left) && not_after(right, to))
}
