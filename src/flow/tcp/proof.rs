//! What one side sent that proves something about itself later.
//!
//! A tap sees packets on their way: some were lost before it, some are lost behind it, some it misses itself. So only what
//! an endpoint sends proves where it stands, and only by numbers that no packet unseen could explain otherwise.
use super::{
    segment::Segment,
    sequence::{before, distance, later},
};
use crate::{record::Timestamp, wire::TcpOption};

/// Packets with the same FIN that come sooner than this, in nanoseconds, are copies: no retransmission timer is as short.
const COPY_WITHIN_NS: i64 = 3_000_000;

/// Sequence numbers farther than this ahead of all that was seen are another connection's: no tap misses so many bytes
/// and then sees a few segments only.
const FOREIGN_AHEAD: i32 = 1 << 22;
/// Numbers at most this far apart can be told from those of another connection.
const FAR: i32 = 1 << 30;
/// Segments in a row with numbers from elsewhere, after which they are believed: the tap had been blind for long.
const MAX_FOREIGN: u8 = 16;

/// What one side has shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Behind the last byte of data, or the SYN, that the capture holds of it: its FIN cannot lie before this.
    end: Option<u32>,
    /// Where it stood when it acknowledged the peer's FIN and had not sent its own: a segment without data carries
    /// SND.NXT (RFC 9293 3.10.7.4).
    waiting_at: Option<u32>,
    /// When its FIN was last seen.
    fin_at: Option<Timestamp>,
    /// TSval of its packets with a FIN that acknowledges the peer's FIN.
    fin_value: Option<u32>,
    /// It sent FIN when the peer's FIN had surely not reached it.
    pub closed_first: bool,
    /// It sent a SYN without ACK.
    pub called: bool,
    /// It sent a SYN with ACK, or must have.
    pub answered: bool,
    /// The sequence number of its last SYN.
    initial: Option<u32>,
    /// Segments in a row that seemed to be of another connection.
    foreign: u8,
}

impl Shown {
    /// Takes note of what a segment of this side holds.
    pub fn note(&mut self, segment: &Segment<'_>) {
        let flags = segment.header.flags;
        // A single byte may be a keep-alive's, which stands where a FIN may have been (RFC 9293 3.8.4).
        if flags.rst() || segment.length <= 1 && !flags.syn() {
            return;
        }
        let end = segment.end().wrapping_sub(u32::from(flags.fin()));
        self.end = Some(self.end.map_or(end, |known| later(known, end)));
    }

    /// Whether `number` can be one of this side's, whose SYN had `initial`; not less than `least` behind that.
    pub fn is_near(&self, initial: Option<u32>, number: u32, least: i32) -> bool {
        let Some(end) = self.end.or(initial) else { return true };
        let ahead = distance(end, number);
        match initial {
            _ if ahead > FOREIGN_AHEAD => false,
            // So much was sent that the beginning is no measure any more.
            Some(initial) if (0..FAR).contains(&distance(initial, end)) => distance(initial, number) >= least,
            _ => ahead > -FAR,
        }
    }

    /// Counts a segment whose numbers are of this connection, or not; whether there were so many of the others that they
    /// have to be believed.
    pub fn is_another_now(&mut self, near: bool) -> bool {
        self.foreign = if near { 0 } else { self.foreign.saturating_add(1) };
        self.foreign > MAX_FOREIGN
    }

    /// It sends a SYN: whether that is the same as before.
    pub fn synchronizes(&mut self, segment: &Segment<'_>) -> bool {
        self.initial.replace(segment.header.sequence_number) == Some(segment.header.sequence_number)
    }

    /// Whether an acknowledgment of `ack` can speak of nothing but data and SYN of this side.
    pub fn has_no_fin_before(&self, ack: u32) -> bool {
        self.end.is_some_and(|end| !before(end, ack))
    }

    /// It acknowledged the peer's FIN, and has not sent its own as far as known.
    pub fn waits(&mut self, segment: &Segment<'_>) {
        if segment.length == 0 && !segment.header.flags.fin() {
            let place = segment.header.sequence_number;
            self.waiting_at = Some(self.waiting_at.map_or(place, |known| later(known, place)));
        }
    }

    /// Whether it had acknowledged the peer's FIN before it ever sent its own, which is `fin`: then each of its packets
    /// with that FIN acknowledges the peer's too.
    pub fn waited_before(&self, fin: u32) -> bool {
        self.waiting_at.is_some_and(|place| !before(fin, place))
    }

    /// Whether it had acknowledged the peer's FIN, and then sent nothing before its own FIN, which is `fin`. A FIN that
    /// waited behind data would have come behind data.
    pub fn waited_at(&self, fin: u32) -> bool {
        self.waiting_at == Some(fin)
    }

    /// It sends a FIN that acknowledges the peer's.
    pub fn closes_last(&mut self, segment: &Segment<'_>) {
        self.fin_value = timestamps(segment).map(|(value, _)| value);
    }

    /// Whether `segment`, which acknowledges this side's FIN, echoes the very packet in which that acknowledged the
    /// peer's FIN (RFC 7323 4.3).
    pub fn is_answered_by(&self, segment: &Segment<'_>) -> bool {
        !self.closed_first
            && self.fin_value.is_some()
            && self.fin_value == timestamps(segment).map(|(_, echo_reply)| echo_reply)
    }

    /// It sends FIN: whether this is a retransmission.
    pub fn closes(&mut self, at: Timestamp) -> bool {
        let before = self.fin_at.replace(at);
        before.is_some_and(|before| at.since(before) >= COPY_WITHIN_NS)
    }
}

fn timestamps(segment: &Segment<'_>) -> Option<(u32, u32)> {
    let mut options = segment.options;
    options.find_map(|option| match option {
        TcpOption::Timestamps { value, echo_reply } => Some((value, echo_reply)),
        _ => None,
    })
}
