//! What an observer knows of one endpoint of a connection: its numbers, what it announced, and where each segment stands
//! among those sent before.
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use super::{
    hops::Hops,
    loss::{Trouble, prove},
    options::Options,
    round_trip::RttSamples,
    segment::Segment,
    sequence::{before, distance, later, not_after},
    transfer::Transfer,
};
use crate::{
    flow::Copied,
    record::{PacketNumber, Timestamp},
    wire::{TcpFlags, TcpOption},
};

/// A packet with the identification of an earlier one is its copy when it comes within this time, in nanoseconds:
/// identifications are used again after 65,536 packets.
const COPIED_WITHIN_NS: i64 = 1_000_000_000;
/// Without identification (IPv6), what is the same in all its numbers is a copy when it comes within this time, in
/// nanoseconds, and nothing of the peer came between: nobody sends again so soon for no reason (RFC 8985 7.2: a probe
/// waits 10 ms at least).
const UNNUMBERED_COPY_WITHIN_NS: i64 = 5_000_000;
/// The farthest an acknowledgement can lie ahead of what was seen, in bytes: the largest window (RFC 7323 2.3).
const MAX_WINDOW: u32 = 1 << 30;
/// The flags that a copy has as well: all but those by which congestion is signalled.
const COMPARED_FLAGS: u16 = 0x3f;
/// The largest window without scaling, in bytes: the largest while a connection opens (RFC 7323 2.2).
const LARGEST_UNSCALED: u32 = 65_535;
/// The mark of a router that would have dropped the packet, in the IP header (RFC 3168 5).
const CONGESTION_EXPERIENCED: u8 = 3;

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
    /// Its last window field.
    pub window: u16,
    /// That stood in a SYN, which is never scaled (RFC 7323 2.2).
    pub window_is_of_syn: bool,
    pub window_scale: Option<u8>,
    pub mss: Option<u16>,
    pub sack_permitted: Option<bool>,
    /// Nothing as long as its SYN was not seen.
    pub timestamps: Option<bool>,
    /// `TSval` of its SYN.
    pub syn_timestamp: Option<u32>,
    /// ECE, CWR and AE of its SYN.
    pub syn_ecn: TcpFlags,
    pub fast_open_data: bool,
    pub repeated_acks: u32,
    /// How often the peer repeated its last acknowledgement.
    pub repeated_by_peer: u32,
    /// When what stands last was sent first.
    pub newest: Timestamp,
    /// A SYN or FIN without data that waits for its acknowledgement.
    pub timed: Option<(u32, Timestamp)>,
    pub rtt: RttSamples,
    pub trouble: Option<Box<Trouble>>,
    pub transfer: Option<Box<Transfer>>,
    pub max_in_flight: u32,
    /// Acknowledgements seen of bytes that were not.
    pub unseen_acks: u8,
    pub stream_base: u32,
    /// Of its latest packets: IPv4 identification, and sequence number mixed with length and flags.
    pub latest: [(u16, u32); 4],
    /// When its latest packet came.
    seen: Timestamp,
    /// A hash of all numbers of its latest packet without identification, when the peer had sent `heard` packets.
    unnumbered: u64,
    heard: u64,
    /// Hop limits of `latest`, and of that packet.
    latest_hops: [u8; 4],
    unnumbered_hops: u8,
    pub hops: Hops,
}

impl Endpoint {
    pub fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// Whether it has sent something that has not been seen, and that the peer has not acknowledged either.
    pub fn has_hole(&self) -> bool {
        let arrived = |end| self.acknowledged.is_some_and(|acknowledged| not_after(end, acknowledged));
        self.trouble.as_ref().is_some_and(|trouble| trouble.hole_ends().any(|end| !arrived(end)))
    }

    /// Reads what a SYN announces.
    pub fn announce(&mut self, segment: &Segment<'_>) {
        self.initial = Some(segment.header.sequence_number);
        self.sack_permitted = Some(false);
        self.timestamps = Some(false);
        self.syn_ecn = segment.header.flags;
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

    /// Counts a segment it sent, and places it among those it sent before. Answers of what it is a copy, if it is one.
    pub fn sent(&mut self, segment: &Segment<'_>, options: &Options<'_>, peer: &Self) -> Option<Copied> {
        let (flags, at) = (segment.header.flags, segment.at);
        let (start, end) = (segment.header.sequence_number, segment.end());
        if let Some(copied) = self.is_copy(segment, options, peer) {
            return Some(copied);
        }
        self.hops.see(segment);
        let answers_crossing_syn = flags.syn() && flags.ack() && self.last_ack.is_none();
        if segment.ecn == CONGESTION_EXPERIENCED || flags.0 & (TcpFlags::ECE.0 | TcpFlags::CWR.0) != 0 && !flags.syn() {
            self.congestion(segment);
        }
        self.window(segment);
        self.acknowledge(segment, options, peer);
        if flags.rst() {
            return None;
        }
        self.window = segment.header.window;
        self.window_is_of_syn = flags.syn();
        let Some(next) = self.next else {
            self.next = Some(end);
            self.newest = at.timestamp;
            if start != end {
                self.measure(segment, options, peer);
            }
            return None;
        };
        let ahead = distance(next, start);
        if start == end {
            match ahead {
                0 => {}
                -1 => self.probe(next, peer),
                1.. => self.empty_ahead(segment, options, next, peer),
                _ => {}
            }
            return None;
        }
        if flags.syn() && start.wrapping_add(1) != next && self.initial == Some(start) && self.transfer.is_none() {
            self.begin_anew();
            self.next = Some(end);
            self.newest = at.timestamp;
            self.measure(segment, options, peer);
        } else if ahead >= 0 {
            if ahead > 0 {
                self.trouble().hole(next, start, Some((segment, options)));
            }
            self.next = Some(end);
            self.newest = at.timestamp;
            self.measure(segment, options, peer);
        } else if segment.length <= 1 && !flags.syn() && !flags.fin() && end == next && start == next.wrapping_sub(1) {
            self.probe_with_byte(segment, options, next, peer);
        } else if !(answers_crossing_syn && end == next) {
            self.sent_again(segment, options, (start, end), peer);
        }
        None
    }

    /// What had its numbers before the SYN belonged to an earlier connection.
    #[cold]
    fn begin_anew(&mut self) {
        self.acknowledged = None;
        self.timed = None;
        if let Some(trouble) = self.trouble.as_deref_mut() {
            trouble.forget_holes();
        }
    }

    /// An acknowledgement without data stands where the next byte will (RFC 9293 3.10.7.4): all before it was sent. Numbers
    /// that the peer's window does not hold are those of another connection.
    #[cold]
    fn empty_ahead(&mut self, segment: &Segment<'_>, options: &Options<'_>, next: u32, peer: &Self) {
        let start = segment.header.sequence_number;
        let window = peer.window_bytes(self).unwrap_or(0).max(LARGEST_UNSCALED);
        if start.wrapping_sub(next) <= window && self.is_open(peer) {
            self.trouble().hole(next, start, Some((segment, options)));
            self.next = Some(start);
            self.newest = segment.at.timestamp;
        }
    }

    /// Whether both have shown that they take part, by SYNs or by anything else where those were not seen.
    fn is_open(&self, peer: &Self) -> bool {
        self.initial.is_some() == peer.initial.is_some() && self.acknowledged.is_some()
    }

    /// An empty segment one before the next number asks for an answer: is the peer still there (RFC 9293 3.8.4), is its
    /// window still closed (RFC 9293 3.8.6.1)?
    #[cold]
    fn probe(&mut self, next: u32, peer: &Self) {
        if self.acknowledged != Some(next) || self.fin.is_some() {
            return;
        }
        let trouble = self.trouble();
        let count = if peer.window == 0 { &mut trouble.zero_window_probes } else { &mut trouble.keep_alives };
        *count = count.saturating_add(1);
    }

    /// The same with a byte that the peer has already; or a single byte that is sent again.
    #[cold]
    fn probe_with_byte(&mut self, segment: &Segment<'_>, options: &Options<'_>, next: u32, peer: &Self) {
        if self.acknowledged == Some(next) {
            self.probe(next, peer);
        } else if peer.window == 0 && peer.last_ack == Some(segment.header.sequence_number) {
            let trouble = self.trouble();
            trouble.zero_window_probes = trouble.zero_window_probes.saturating_add(1);
        } else {
            self.sent_again(segment, options, (segment.header.sequence_number, segment.end()), peer);
        }
    }

    #[cold]
    fn congestion(&mut self, segment: &Segment<'_>) {
        let flags = segment.header.flags;
        let is_sign = |flag| u64::from(!flags.syn() && flags.contains(flag));
        let (ece, cwr) = (is_sign(TcpFlags::ECE), is_sign(TcpFlags::CWR));
        let trouble = self.trouble();
        if segment.ecn == CONGESTION_EXPERIENCED {
            trouble.ecn_ce = trouble.ecn_ce.saturating_add(1);
            prove(&mut trouble.marked, segment.at.number);
        }
        trouble.ece = trouble.ece.saturating_add(ece);
        trouble.cwr = trouble.cwr.saturating_add(cwr);
    }

    /// Whether the packet is here a second time: a mirror port or `-i any` shows packets twice, a network may double
    /// them. An endpoint that sends again gives the packet another identification (RFC 6864 4.3).
    fn is_copy(&mut self, segment: &Segment<'_>, options: &Options<'_>, peer: &Self) -> Option<Copied> {
        // Not the sequence number alone: an acknowledgement and the data behind it share that, and some number packets badly.
        let header = segment.header;
        let shape = segment.length.rotate_left(8) ^ u32::from(header.flags.0 & COMPARED_FLAGS);
        let this = (segment.identification, header.sequence_number ^ shape);
        let before = std::mem::replace(&mut self.seen, segment.at.timestamp);
        let since = segment.at.timestamp.since(before).saturating_abs();
        if this.0 == 0 {
            // An acknowledgement may be repeated at once, for each segment out of order.
            let occupies = segment.end() != header.sequence_number;
            return if occupies { self.is_unnumbered_copy(segment, options, since, peer) } else { None };
        }
        if since < COPIED_WITHIN_NS
            && let Some((_, hops)) = self.latest.iter().zip(self.latest_hops).find(|(known, _)| **known == this)
        {
            self.copied(segment);
            return Some(Copied::of(hops, segment.hop_limit));
        }
        self.latest.rotate_right(1);
        self.latest_hops.rotate_right(1);
        let ([first, ..], [first_hops, ..]) = (&mut self.latest, &mut self.latest_hops);
        (*first, *first_hops) = (this, segment.hop_limit);
        None
    }

    fn is_unnumbered_copy(
        &mut self,
        segment: &Segment<'_>,
        options: &Options<'_>,
        since_ns: i64,
        peer: &Self,
    ) -> Option<Copied> {
        let header = segment.header;
        let numbers = [
            u64::from(header.sequence_number) << 32 | u64::from(header.acknowledgment_number),
            u64::from(segment.length) << 32
                | u64::from(header.window) << 16
                | u64::from(header.flags.0 & COMPARED_FLAGS),
            options.timestamps.map_or(0, |(value, echo)| u64::from(value) << 32 | u64::from(echo)),
        ];
        let this = FixedState::default().hash_one(numbers);
        if self.heard != peer.packets || since_ns >= UNNUMBERED_COPY_WITHIN_NS {
            self.heard = peer.packets;
        } else if self.unnumbered == this {
            self.copied(segment);
            return Some(Copied::of(self.unnumbered_hops, segment.hop_limit));
        }
        self.unnumbered = this;
        self.unnumbered_hops = segment.hop_limit;
        None
    }

    #[cold]
    fn copied(&mut self, segment: &Segment<'_>) {
        let number = segment.at.number;
        let trouble = self.trouble();
        trouble.copies = trouble.copies.saturating_add(1);
        prove(&mut trouble.copied, number);
    }

    /// The peer acknowledged up to `ack`.
    pub fn acknowledged_by(&mut self, ack: u32, peer_repeats: u32, segment: &Segment<'_>, options: &Options<'_>) {
        let waited_for_others = self.repeated_by_peer > 0;
        self.repeated_by_peer = peer_repeats;
        if self.next.is_some_and(|next| distance(next, ack) > 0 && distance(next, ack).unsigned_abs() > MAX_WINDOW) {
            return;
        }
        // In SYN-SENT such a number is not acceptable: it answers an earlier connection (RFC 9293 3.10.7.3).
        let only_synchronizes = self.initial.is_some() && self.acknowledged.is_none() && self.transfer.is_none();
        if only_synchronizes && self.next.is_some_and(|next| distance(next, ack) > LARGEST_UNSCALED.cast_signed()) {
            return;
        }
        let known = self.acknowledged.unwrap_or(ack);
        let at = segment.at.timestamp;
        let advances = self.acknowledged.is_none() || before(known, ack);
        if advances {
            self.time_acknowledgement(ack, waited_for_others, at);
        }
        if options.sack.is_some() {
            self.trouble();
        }
        if let Some(trouble) = self.trouble.as_deref_mut()
            && (advances || options.sack.is_some())
            && let Some(sample) = trouble.acknowledged(known, ack, options, at)
        {
            self.rtt.add(sample);
        }
        if let Some(transfer) = self.transfer.as_deref_mut()
            && (advances || peer_repeats > 0 || options.sack.is_some())
        {
            transfer.last_answer = at;
        }
        self.acknowledged = Some(later(known, ack));
        match self.next {
            // Joined late: a keep-alive probe stands one before the next number (RFC 9293 3.8.4). Nothing is missing.
            Some(next) if self.initial.is_none() && self.payload_bytes == 0 && distance(next, ack) == 1 => {
                self.next = Some(ack);
            }
            // Acknowledged, but not seen yet. A SYN-ACK may answer an older SYN.
            Some(next) if before(next, ack) && !segment.header.flags.syn() => {
                let trouble = self.trouble();
                trouble.hole(next, ack, None);
                prove(&mut trouble.gap_packets, segment.at.number);
                self.next = Some(ack);
            }
            None => self.next = Some(ack),
            _ => {}
        }
    }

    /// Takes a round-trip time from an acknowledgement of something new, if it answers just that.
    fn time_acknowledgement(&mut self, ack: u32, waited_for_others: bool, at: Timestamp) {
        let mut sent = None;
        if let Some((end, then)) = self.timed
            && not_after(end, ack)
        {
            self.timed = None;
            sent = Some(then);
        }
        if let Some(transfer) = self.transfer.as_deref_mut() {
            sent = transfer.acknowledged(ack, at).or(sent);
        }
        let held_back = waited_for_others || self.trouble.as_deref().is_some_and(Trouble::is_sacked);
        if let Some(then) = sent
            && !held_back
        {
            self.rtt.add(at.since(then));
        }
    }

    /// Times a SYN or FIN until it is acknowledged; none that was sent twice (Karn's algorithm).
    pub fn time(&mut self, segment: &Segment<'_>) {
        if self.timed.is_none() {
            self.timed = Some((segment.end(), segment.at.timestamp));
        }
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
        self.trouble.as_deref().map_or(0, |trouble| trouble.missing(self.acknowledged))
    }
}
