//! What an observer knows of one endpoint of a connection: its numbers, what it announced, what was measured of it.
use super::{
    segment::Segment,
    sequence::{before, distance, later, not_after},
};
use crate::{
    record::{PacketNumber, Rtt, Timestamp},
    wire::TcpOption,
};

/// Holes remembered in what an endpoint sent.
const MAX_HOLES: usize = 64;
/// Packet numbers kept as proof of one kind of trouble.
const MAX_PROOFS: usize = 30;
/// Acknowledgements of the same number that make a retransmission a fast one (RFC 5681 3.2).
const FAST_DUPLICATES: u32 = 2;
/// A segment that fills a hole sooner than this after the newest one was reordered, not sent again, in nanoseconds.
const REORDERED_WITHIN_NS: i64 = 3_000_000;
/// A packet with the identification of an earlier one is its copy when it comes within this time, in nanoseconds:
/// identifications are used again after 65,536 packets.
const COPIED_WITHIN_NS: i64 = 1_000_000_000;
/// The farthest an acknowledgement can lie ahead of what was seen, in bytes: the largest window (RFC 7323 2.3).
const MAX_WINDOW: u32 = 1 << 30;

/// One endpoint as the sender of what was seen.
#[derive(Debug, Default)]
pub(super) struct Endpoint {
    pub packets: u64,
    pub wire_bytes: u64,
    pub payload_bytes: u64,
    /// The six letters of `SAFRPU`, as bits in that order.
    pub flags: u8,
    /// Sequence number of its SYN.
    pub initial: Option<u32>,
    /// What tshark takes for the initial sequence number; decides whether a SYN begins a new connection.
    pub base: Option<u32>,
    /// Behind the last byte it sent.
    pub next: Option<u32>,
    /// Behind the last byte the peer acknowledged to it.
    pub acknowledged: Option<u32>,
    /// Sequence number of its FIN.
    pub fin: Option<u32>,
    pub fin_packet: Option<PacketNumber>,
    pub reset_packet: Option<PacketNumber>,
    /// What it last acknowledged.
    pub last_ack: Option<u32>,
    /// Its last window field and whether that was zero.
    pub window: u16,
    pub window_scale: Option<u8>,
    pub mss: Option<u16>,
    pub sack_permitted: Option<bool>,
    pub timestamps: Option<bool>,
    /// `TSval` of its SYN.
    pub syn_timestamp: Option<u32>,
    pub fast_open_data: bool,
    repeated_acks: u32,
    /// How often the peer repeated its last acknowledgement.
    repeated_by_peer: u32,
    newest: Timestamp,
    timed: Option<(u32, Timestamp)>,
    pub rtt: RttSamples,
    pub trouble: Option<Box<Trouble>>,
    pub max_in_flight: u32,
    /// Acknowledgements seen of bytes that were not.
    pub unseen_acks: u8,
    pub stream_base: u32,
    /// IPv4 identification and sequence number of its latest packets.
    latest: [(u16, u32); 4],
    /// When its latest packet came.
    seen: Timestamp,
}

/// What a healthy endpoint does not have.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    holes: Vec<(u32, u32)>,
    pub retransmissions: u64,
    pub fast: u64,
    pub spurious: u64,
    pub out_of_order: u64,
    pub duplicate_acks: u64,
    pub zero_windows: u64,
    pub window_full: u64,
    pub keep_alives: u64,
    pub gap_bytes: u64,
    /// Packets that are in the capture more than once.
    pub copies: u64,
    pub copied: Vec<PacketNumber>,
    zero_since: Option<Timestamp>,
    /// How long its window was zero, in nanoseconds.
    pub zero_window_ns: i64,
    pub retransmitted: Vec<PacketNumber>,
    pub zero_window_packets: Vec<PacketNumber>,
    pub gap_packets: Vec<PacketNumber>,
}

/// Round-trip times, summed up.
#[derive(Debug, Default)]
pub(super) struct RttSamples {
    min: i64,
    max: i64,
    sum: i64,
    pub count: u64,
}

impl RttSamples {
    pub fn add(&mut self, sample: i64) {
        if sample < 0 {
            return;
        }
        self.min = if self.count == 0 { sample } else { self.min.min(sample) };
        self.max = self.max.max(sample);
        self.sum = self.sum.saturating_add(sample);
        self.count = self.count.saturating_add(1);
    }

    pub fn smallest(&self) -> Option<i64> {
        (self.count > 0).then_some(self.min)
    }

    pub fn summary(&self) -> Rtt {
        let some = |value| (self.count > 0).then_some(value);
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        Rtt {
            min_ns: some(self.min),
            mean_ns: self.sum.checked_div(count),
            max_ns: some(self.max),
            samples: self.count,
        }
    }
}

fn prove(list: &mut Vec<PacketNumber>, number: PacketNumber) {
    if list.len() < MAX_PROOFS {
        list.push(number);
    }
}

impl Endpoint {
    pub fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// The window it announces, in bytes, as far as known.
    pub fn window_bytes(&self, peer_scales: bool) -> u32 {
        let scale = if peer_scales { self.window_scale.unwrap_or(0).min(14) } else { 0 };
        u32::from(self.window) << scale
    }

    /// Whether it has sent something that has not been seen, and that the peer has not acknowledged either.
    pub fn has_hole(&self) -> bool {
        let arrived = |end| self.acknowledged.is_some_and(|acknowledged| not_after(end, acknowledged));
        self.trouble.as_ref().is_some_and(|trouble| trouble.holes.iter().any(|(_, end)| !arrived(*end)))
    }

    /// Reads what a SYN announces.
    pub fn announce(&mut self, segment: &Segment<'_>) {
        self.initial = Some(segment.header.sequence_number);
        self.sack_permitted = Some(false);
        self.timestamps = Some(false);
        for option in segment.options {
            match option {
                TcpOption::MaximumSegmentSize(size) => self.mss = Some(size),
                TcpOption::WindowScale(shift) => self.window_scale = Some(shift),
                TcpOption::SackPermitted => self.sack_permitted = Some(true),
                TcpOption::Timestamps { value, .. } => {
                    self.timestamps = Some(true);
                    self.syn_timestamp.get_or_insert(value);
                }
                _ => {}
            }
        }
        self.fast_open_data |= segment.length > 0;
    }

    /// Counts a segment it sent, and places it among those it sent before.
    pub fn sent(&mut self, segment: &Segment<'_>, peer: &Self) {
        let (flags, at) = (segment.header.flags, segment.at);
        let (start, end) = (segment.header.sequence_number, segment.end());
        if self.is_copy(segment) {
            return;
        }
        self.window_and_acks(segment, peer);
        if flags.rst() {
            return;
        }
        let Some(next) = self.next else {
            self.next = Some(end);
            self.newest = at.timestamp;
            self.time(end, segment);
            return;
        };
        if start == end {
            return;
        }
        let ahead = distance(next, start);
        if ahead >= 0 {
            if ahead > 0 {
                let trouble = self.trouble();
                if trouble.holes.len() < MAX_HOLES {
                    trouble.holes.push((next, start));
                }
            }
            self.next = Some(end);
            self.newest = at.timestamp;
            self.time(end, segment);
            let in_flight = distance(self.acknowledged.unwrap_or(start), end);
            self.max_in_flight = self.max_in_flight.max(u32::try_from(in_flight).unwrap_or(0));
            let edge = self.window_edge(peer);
            if segment.length > 0 && edge == Some(end) {
                self.trouble().window_full = self.trouble().window_full.saturating_add(1);
            }
            return;
        }
        if segment.length <= 1 && !flags.syn() && !flags.fin() && end == next && start == next.wrapping_sub(1) {
            let repeated = self.acknowledged.is_some_and(|acknowledged| acknowledged == next);
            if repeated && peer.window != 0 {
                self.trouble().keep_alives = self.trouble().keep_alives.saturating_add(1);
            }
            return;
        }
        self.sent_again(segment, start, end, next);
    }

    /// Whether the packet is here a second time: a mirror port or `-i any` shows packets twice, a network may double
    /// them. An endpoint that sends again gives the packet another identification (RFC 6864 4.3).
    fn is_copy(&mut self, segment: &Segment<'_>) -> bool {
        let this = (segment.identification, segment.header.sequence_number);
        if this.0 == 0 {
            return false;
        }
        let before = std::mem::replace(&mut self.seen, segment.at.timestamp);
        let soon = segment.at.timestamp.since(before).saturating_abs() < COPIED_WITHIN_NS;
        if soon && self.latest.contains(&this) {
            let number = segment.at.number;
            let trouble = self.trouble();
            trouble.copies = trouble.copies.saturating_add(1);
            prove(&mut trouble.copied, number);
            return true;
        }
        self.latest.rotate_right(1);
        let [first, ..] = &mut self.latest;
        *first = this;
        false
    }

    /// A segment behind one that was sent later, or the same once more.
    fn sent_again(&mut self, segment: &Segment<'_>, start: u32, end: u32, next: u32) {
        let newest = self.newest;
        let quick = self.rtt.smallest().map_or(REORDERED_WITHIN_NS, |rtt| rtt.min(REORDERED_WITHIN_NS));
        let repeated = self.repeated_by_peer;
        let acknowledged = self.acknowledged;
        self.timed = None;
        if before(next, end) {
            self.next = Some(end);
        }
        let trouble = self.trouble();
        let fills = trouble.fill(start, end);
        // What fills a hole after its acknowledgement had been seen passed the tap late: it had arrived already.
        let arrived = acknowledged.is_some_and(|acknowledged| not_after(end, acknowledged));
        if fills && (arrived || segment.at.timestamp.since(newest) < quick) {
            trouble.out_of_order = trouble.out_of_order.saturating_add(1);
            return;
        }
        trouble.retransmissions = trouble.retransmissions.saturating_add(1);
        prove(&mut trouble.retransmitted, segment.at.number);
        if arrived {
            trouble.spurious = trouble.spurious.saturating_add(1);
        } else if repeated >= FAST_DUPLICATES && acknowledged == Some(start) {
            trouble.fast = trouble.fast.saturating_add(1);
        }
    }

    fn window_and_acks(&mut self, segment: &Segment<'_>, peer: &Self) {
        let flags = segment.header.flags;
        let window = segment.header.window;
        if window == 0 && !flags.syn() && !flags.fin() && !flags.rst() {
            let trouble = self.trouble();
            trouble.zero_windows = trouble.zero_windows.saturating_add(1);
            trouble.zero_since.get_or_insert(segment.at.timestamp);
            prove(&mut trouble.zero_window_packets, segment.at.number);
        } else if let Some(trouble) = &mut self.trouble
            && let Some(since) = trouble.zero_since.take()
        {
            let closed = segment.at.timestamp.since(since).max(0);
            trouble.zero_window_ns = trouble.zero_window_ns.saturating_add(closed);
        }
        if let Some(ack) = segment.acknowledged() {
            let outstanding = peer.next.is_some_and(|next| before(ack, next));
            let bare = segment.length == 0 && !flags.syn() && !flags.fin() && !flags.rst();
            if bare && outstanding && self.last_ack == Some(ack) && self.window == window {
                self.repeated_acks = self.repeated_acks.saturating_add(1);
                let trouble = self.trouble();
                trouble.duplicate_acks = trouble.duplicate_acks.saturating_add(1);
            } else if self.last_ack != Some(ack) {
                self.repeated_acks = 0;
            }
            self.last_ack = Some(self.last_ack.map_or(ack, |last| later(last, ack)));
        }
        if !flags.rst() {
            self.window = window;
        }
    }

    /// The peer acknowledged up to `ack`.
    pub fn acknowledged_by(&mut self, ack: u32, peer_repeats: u32, segment: &Segment<'_>) {
        self.repeated_by_peer = peer_repeats;
        if let Some((end, sent)) = self.timed
            && not_after(end, ack)
        {
            self.rtt.add(segment.at.timestamp.since(sent));
            self.timed = None;
        }
        if self.next.is_some_and(|next| distance(next, ack) > 0 && distance(next, ack).unsigned_abs() > MAX_WINDOW) {
            return;
        }
        let known = self.acknowledged.unwrap_or(ack);
        self.acknowledged = Some(later(known, ack));
        match self.next {
            // Joined late: a keep-alive probe stands one before the next number (RFC 9293 3.8.4). Nothing is missing.
            Some(next) if self.initial.is_none() && self.payload_bytes == 0 && distance(next, ack) == 1 => {
                self.next = Some(ack);
            }
            // Acknowledged, but not seen yet. A SYN-ACK may answer an older SYN.
            Some(next) if before(next, ack) && !segment.header.flags.syn() => {
                let trouble = self.trouble();
                if trouble.holes.len() < MAX_HOLES {
                    trouble.holes.push((next, ack));
                } else {
                    let missing = u64::try_from(distance(next, ack)).unwrap_or(0);
                    trouble.gap_bytes = trouble.gap_bytes.saturating_add(missing);
                }
                prove(&mut trouble.gap_packets, segment.at.number);
                self.next = Some(ack);
            }
            None => self.next = Some(ack),
            _ => {}
        }
    }

    /// Times a segment until it is acknowledged; one at a time, and none that was sent twice (Karn's algorithm).
    fn time(&mut self, end: u32, segment: &Segment<'_>) {
        if self.timed.is_none() && end != segment.header.sequence_number {
            self.timed = Some((end, segment.at.timestamp));
        }
    }

    fn window_edge(&self, peer: &Self) -> Option<u32> {
        let scales = self.window_scale.is_some() && peer.window_scale.is_some();
        Some(peer.last_ack?.wrapping_add(peer.window_bytes(scales)))
    }

    /// Bytes it sent that the peer has not acknowledged; FIN counts as one.
    pub fn unacknowledged(&self) -> u32 {
        let Some((acknowledged, next)) = self.acknowledged.zip(self.next) else { return 0 };
        u32::try_from(distance(acknowledged, next)).unwrap_or(0)
    }

    pub fn repeats(&self) -> u32 {
        self.repeated_acks
    }

    /// Bytes the peer acknowledged though the capture never held them.
    pub fn gap_bytes(&self) -> u64 {
        let Some(trouble) = &self.trouble else { return 0 };
        let acknowledged = self.acknowledged;
        let holes = trouble.holes.iter().filter(|(_, end)| acknowledged.is_some_and(|ack| not_after(*end, ack)));
        let missing = holes.map(|(start, end)| u64::try_from(distance(*start, *end)).unwrap_or(0));
        missing.fold(trouble.gap_bytes, u64::saturating_add)
    }
}

impl Trouble {
    /// Fills holes with what was sent from `start` to `end`; whether there was one.
    fn fill(&mut self, start: u32, end: u32) -> bool {
        let mut filled = false;
        let mut rest: Vec<(u32, u32)> = Vec::new();
        self.holes.retain_mut(|hole| {
            let (from, to) = *hole;
            if not_after(end, from) || not_after(to, start) {
                return true;
            }
            filled = true;
            match (before(from, start), before(end, to)) {
                (false, false) => false,
                (true, false) => {
                    hole.1 = start;
                    true
                }
                (false, true) => {
                    hole.0 = end;
                    true
                }
                (true, true) => {
                    hole.1 = start;
                    rest.push((end, to));
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
