//! What one side sent that proves something about itself later.
//!
//! A tap sees packets on their way: some were lost before it, some are lost behind it, some it misses itself. So only what
//! an endpoint sends proves where it stands, and only by numbers that no packet unseen could explain otherwise.
use super::{
    segment::Segment,
    sequence::{before, later},
};
use crate::record::Timestamp;

/// Packets with the same FIN that come sooner than this, in nanoseconds, are copies: no retransmission timer is as short.
const COPY_WITHIN_NS: i64 = 3_000_000;

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
    /// It sent FIN when the peer's FIN had surely not reached it.
    pub closed_first: bool,
    /// It sent a SYN without ACK.
    pub called: bool,
    /// It sent a SYN with ACK, or must have.
    pub answered: bool,
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

    /// It sends FIN: whether this is a retransmission.
    pub fn closes(&mut self, at: Timestamp) -> bool {
        let before = self.fin_at.replace(at);
        before.is_some_and(|before| at.since(before) >= COPY_WITHIN_NS)
    }
}
