//! What is measured of an endpoint that sends data: made with its first byte behind the handshake.
use super::{
    endpoint::Endpoint,
    limited::{Limits, Step},
    options::Options,
    round_trip::{Sent, Timed},
    segment::Segment,
    sequence::{distance, not_after},
    windows::Series,
};
use crate::record::{InitialWindow, Timestamp};

/// Segment size that is assumed of a peer that announced none (RFC 9293 3.7.1).
const DEFAULT_SEGMENT_SIZE: u32 = 536;
/// What the timestamps option takes of each segment, in bytes.
const TIMESTAMPS_LENGTH: u32 = 12;
/// A rate needs at least this time, in nanoseconds.
const SHORTEST_SPAN_NS: i64 = 1_000_000;

/// The first flight: what was sent before any of it was acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flight {
    #[default]
    Open,
    /// The first acknowledgement came then.
    Answered(Timestamp),
    /// More followed at once: the sender had been waiting.
    Told,
    /// It had nothing more to send: its initial window may be larger.
    Untold,
}

/// An endpoint as the sender of data.
#[derive(Debug, Default)]
pub(super) struct Transfer {
    pub timed: Timed,
    pub series: Series,
    pub limits: Limits,
    /// Segments with new data.
    pub segments: u64,
    first_data: Timestamp,
    /// Its latest segment with data, sent again or new.
    pub last_data: Timestamp,
    /// The latest acknowledgement that said something.
    pub last_answer: Timestamp,
    /// The latest one of something new.
    advanced: Timestamp,
    /// Sequence number up to which its data was acknowledged, and how much that was.
    acknowledged_to: u32,
    acknowledged_bytes: u64,
    /// Payload bytes sent before it was made: in the SYN.
    earlier_bytes: u64,
    /// The largest payload of a segment, as far as the peer takes such.
    largest: u32,
    flight: Flight,
    first_flight: InitialWindow,
}

/// What a segment with new data changes.
#[derive(Clone, Copy, Debug)]
struct New {
    in_flight: u32,
    window: Option<u32>,
    room: Option<u32>,
    recovers: bool,
    round_trip_ns: Option<i64>,
    segment_size: u32,
}

impl Transfer {
    fn begin(segment: &Segment<'_>, earlier_bytes: u64) -> Self {
        Self {
            first_data: segment.at.timestamp,
            last_data: segment.at.timestamp,
            last_answer: segment.at.timestamp,
            advanced: segment.at.timestamp,
            acknowledged_to: segment.header.sequence_number,
            earlier_bytes,
            ..Self::default()
        }
    }

    fn sent(&mut self, segment: &Segment<'_>, options: &Options<'_>, new: New) {
        let at = segment.at.timestamp;
        let start = segment.header.sequence_number;
        self.timed.push(Sent { start, end: segment.end(), at, value: options.value(), is_ambiguous: false });
        if segment.length == 0 {
            return;
        }
        self.segments = self.segments.saturating_add(1);
        self.series.add(at, new.in_flight, new.window);
        // An offload engine makes super-segments of full ones.
        self.largest = self.largest.max(segment.length.min(new.segment_size));
        let is_short = segment.length.checked_rem(self.largest) != Some(0);
        let step = Step {
            at,
            is_short,
            fills_window: new.room.is_some_and(|room| room < self.largest),
            recovers: new.recovers,
            advanced: self.advanced,
            round_trip_ns: new.round_trip_ns,
        };
        match self.flight {
            Flight::Open => {
                self.first_flight.bytes = self.first_flight.bytes.saturating_add(u64::from(segment.length));
                self.first_flight.segments = self.first_flight.segments.saturating_add(1);
            }
            Flight::Answered(then) => {
                let prompt = at.since(then) <= Limits::prompt_ns(new.round_trip_ns) && !self.limits.ended_short();
                self.flight = if prompt { Flight::Told } else { Flight::Untold };
            }
            Flight::Told | Flight::Untold => {}
        }
        self.limits.step(step);
        self.last_data = at;
    }

    /// The peer acknowledged something new. Answers when the segment was sent that the acknowledgement answers.
    pub fn acknowledged(&mut self, ack: u32, at: Timestamp) -> Option<Timestamp> {
        let new = distance(self.acknowledged_to, ack);
        if new > 0 {
            self.acknowledged_to = ack;
            self.acknowledged_bytes = self.acknowledged_bytes.saturating_add(u64::from(new.unsigned_abs()));
            if self.flight == Flight::Open {
                self.flight = Flight::Answered(at);
            }
            self.advanced = at;
        }
        self.timed.acknowledged(ack)
    }
}

/// What needs the rest of the connection to be told.
impl Endpoint {
    /// Measures a segment with data, or a FIN, that stands behind all that was sent before.
    pub(super) fn measure(&mut self, segment: &Segment<'_>, options: &Options<'_>, peer: &Self) {
        if self.transfer.is_none() {
            if segment.length == 0 || segment.header.flags.syn() {
                self.time(segment);
                return;
            }
            let earlier = self.payload_bytes.saturating_sub(u64::from(segment.length));
            self.transfer = Some(Box::new(Transfer::begin(segment, earlier)));
        }
        let (start, end) = (segment.header.sequence_number, segment.end());
        let since = |to| u32::try_from(distance(self.acknowledged.unwrap_or(start), to)).unwrap_or(0);
        let options_length = if options.timestamps.is_some() { TIMESTAMPS_LENGTH } else { 0 };
        let new = New {
            in_flight: since(end),
            window: peer.window_bytes(self),
            room: self.room_behind(end, peer),
            recovers: self.trouble.as_deref().is_some_and(super::loss::Trouble::recovers),
            round_trip_ns: self.rtt.smoothed(),
            segment_size: peer
                .mss
                .map_or(DEFAULT_SEGMENT_SIZE.max(segment.length), u32::from)
                .saturating_sub(options_length)
                .max(1),
        };
        self.max_in_flight = self.max_in_flight.max(new.in_flight);
        if segment.length > 0 && new.room == Some(0) && !segment.header.flags.fin() {
            self.fills_window(start, end, peer);
        }
        if let Some(transfer) = self.transfer.as_deref_mut() {
            transfer.sent(segment, options, new);
        }
    }

    #[cold]
    fn fills_window(&mut self, start: u32, end: u32, peer: &Self) {
        let probes = peer.window == 0 && end == start.wrapping_add(1) && peer.last_ack == Some(start);
        let exactly =
            peer.last_ack.zip(peer.window_bytes(self)).is_some_and(|(ack, window)| ack.wrapping_add(window) == end);
        let trouble = self.trouble();
        if probes {
            trouble.zero_window_probes = trouble.zero_window_probes.saturating_add(1);
        } else if exactly {
            trouble.window_full = trouble.window_full.saturating_add(1);
        }
    }

    /// New bytes of payload that the peer acknowledged behind the handshake; and payload bytes sent there.
    fn amounts(&self) -> Option<(u64, u64)> {
        let transfer = self.transfer.as_deref()?;
        let fin = self.fin.is_some_and(|fin| not_after(fin.wrapping_add(1), transfer.acknowledged_to));
        let acknowledged = transfer.acknowledged_bytes.saturating_sub(u64::from(fin));
        Some((acknowledged, self.payload_bytes.saturating_sub(transfer.earlier_bytes)))
    }

    /// Bits per second from the first segment with data to the last one: sent, and new and acknowledged. Nothing when that
    /// took less than a round trip of the path.
    pub(super) fn rates(&self, path_ns: Option<i64>) -> (Option<u64>, Option<u64>) {
        let Some((transfer, (acknowledged, sent))) = self.transfer.as_deref().zip(self.amounts()) else {
            return (None, None);
        };
        let span = transfer.last_data.since(transfer.first_data);
        if span < path_ns.unwrap_or(0).max(SHORTEST_SPAN_NS) {
            return (None, None);
        }
        let rate = |bytes: u64| {
            let bits = u128::from(bytes).checked_mul(8_000_000_000)?;
            u64::try_from(bits.checked_div(u128::try_from(span).ok()?)?).ok()
        };
        (rate(sent), rate(acknowledged).filter(|_| acknowledged > 0))
    }

    /// Whether the tap is nearer to it than to its peer: its segments take at least half of the path's round trip from here.
    /// On a path that takes no time it is near to both.
    fn is_near(&self, path_ns: Option<i64>) -> bool {
        let near = |(own, path): (i64, i64)| own.saturating_mul(2) >= path || path < SHORTEST_SPAN_NS;
        self.rtt.smallest().zip(path_ns).is_some_and(near)
    }

    pub(super) fn initial_window(&self, path_ns: Option<i64>) -> Option<InitialWindow> {
        let transfer = self.transfer.as_deref()?;
        let known = transfer.flight == Flight::Told && self.initial.is_some() && self.is_near(path_ns);
        known.then_some(transfer.first_flight)
    }

    pub(super) fn limited_by(&self, path_ns: Option<i64>) -> Option<crate::record::LimitedBy> {
        let transfer = self.transfer.as_deref()?;
        let long = transfer.limits.total_ns() >= path_ns?.max(SHORTEST_SPAN_NS);
        (long && self.is_near(path_ns)).then(|| transfer.limits.summary())
    }
}
