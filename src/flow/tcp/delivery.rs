//! The bytes of a connection on their way to their reader: both streams, and the gaps that acknowledgements give up.
use super::{
    connection::{Connection, pair},
    segment::Segment,
    sequence::{before, distance},
};
use crate::{
    flow::stream::Stream,
    record::{Direction, Input, Origin, PacketRef, Progress},
};

/// Acknowledgements of bytes never seen that are waited for, in case the capture has them in another order.
const UNSEEN_ACKS: u8 = 3;

impl Connection {
    fn stream(&mut self, direction: Direction) -> Option<&mut Option<Box<Stream>>> {
        self.streams.get_mut(direction.index())
    }

    /// Whether a stream held more than the limits allow, since this was asked last.
    pub fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflow)
    }

    /// Whether the reader wants nothing more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The reader wants nothing more of either direction.
    pub fn set_done(&mut self) {
        self.done = true;
        self.streams = [None, None];
    }

    /// Offers the segment's bytes, and what they made whole, to `read`; and what its acknowledgement gives up.
    pub fn deliver<R>(&mut self, segment: &Segment<'_>, direction: Direction, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.done {
            return;
        }
        let (flags, at) = (segment.header.flags, segment.at);
        if flags.rst() {
            if self.reset_seen {
                // All bytes of both directions first: the end of one is the end of both.
                self.flush(at, read);
                for way in [direction, direction.reverse()] {
                    self.open_stream(way, segment.header.sequence_number);
                    if let Some(Some(stream)) = self.stream(way) {
                        stream.reset(at, read);
                    }
                }
            }
            return;
        }
        let unopened = self.streams.get(direction.index()).is_some_and(Option::is_none);
        let expected = self.end(direction.sender().other()).last_ack;
        if unopened && segment.length == 1 && !flags.syn() && !flags.fin() && expected == Some(segment.end()) {
            // A keep-alive (RFC 9293 3.8.4) where the capture begins: its byte may be garbage, and is no news.
        } else if segment.length > 0 || flags.fin() {
            self.open_stream(direction, segment.payload_sequence());
            let base = self.end(direction.sender()).stream_base;
            if let Some(Some(stream)) = self.stream(direction)
                && let Some((offset, skipped)) = offset_of(stream, base, segment.payload_sequence())
            {
                let bytes = segment.payload.get(skipped..).unwrap_or_default();
                stream.insert(offset, bytes, at, read);
                let wire = u64::from(segment.length).saturating_sub(skipped as u64);
                if wire > bytes.len() as u64 && offset <= stream.next() {
                    stream.give_up_before(offset.saturating_add(wire), at, read);
                }
                if flags.fin() {
                    stream.finish_at(offset.saturating_add(wire), at, read);
                }
                let overflow = stream.take_overflow();
                self.overflow |= overflow;
            }
        }
        if let Some(ack) = segment.acknowledged() {
            self.give_up(ack, direction.reverse(), at, read);
        }
    }

    /// Bytes that the peer has but the capture does not: after a while they are a gap.
    fn give_up<R>(&mut self, ack: u32, way: Direction, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let end = self.end(way.sender());
        let (base, patience, fin) = (end.stream_base, end.unseen_acks, end.fin);
        let Some(Some(stream)) = self.stream(way) else {
            return;
        };
        let ack = if fin.is_some_and(|fin| before(fin, ack)) { fin.unwrap_or(ack) } else { ack };
        let Some((offset, 0)) = offset_of(stream, base, ack) else {
            return;
        };
        if offset <= stream.next() {
            if patience != 0
                && let (sender, _) = pair(&mut self.ends, way)
            {
                sender.unseen_acks = 0;
            }
            return;
        }
        if patience.saturating_add(1) >= UNSEEN_ACKS {
            stream.give_up_before(offset, at, read);
        }
        let (sender, _) = pair(&mut self.ends, way);
        sender.unseen_acks = if patience.saturating_add(1) >= UNSEEN_ACKS { 0 } else { patience.saturating_add(1) };
    }

    fn open_stream(&mut self, direction: Direction, sequence: u32) {
        let peer_expects = self.end(direction.sender().other()).last_ack;
        let (sender, _) = pair(&mut self.ends, direction);
        let Some(slot) = self.streams.get_mut(direction.index()) else {
            return;
        };
        if slot.is_none() {
            let start = sender.initial.map(|initial| initial.wrapping_add(1));
            // Without a SYN, what the peer expects next may be a little before the first segment seen.
            let near = peer_expects.filter(|expected| (0..1 << 20).contains(&distance(*expected, sequence)));
            sender.stream_base = start.or(near).unwrap_or(sequence);
            *slot = Some(Box::new(Stream::new(direction, start.is_some())));
        }
    }

    /// Offers again what is pending in `direction`.
    pub fn offer_again<R>(&mut self, direction: Direction, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if let Some(Some(stream)) = self.stream(direction) {
            stream.offer_again(at, read);
        }
    }

    /// Nothing more will come: offers what waits behind holes.
    pub fn flush<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        for way in Direction::BOTH {
            if let Some(Some(stream)) = self.stream(way) {
                stream.flush(at, read);
            }
        }
    }
}

/// The offset in `stream` of a sequence number, and how many bytes of it lie before the stream's start. Nothing for
/// numbers too far away to be meant.
fn offset_of(stream: &Stream, base: u32, sequence: u32) -> Option<(u64, usize)> {
    let next = stream.next();
    let low = u32::try_from(next & u64::from(u32::MAX)).ok()?;
    let distance = distance(base.wrapping_add(low), sequence);
    if distance.unsigned_abs() > 1 << 30 {
        return None;
    }
    match next.checked_add_signed(i64::from(distance)) {
        Some(offset) => Some((offset, 0)),
        None => {
            let before = u64::from(distance.unsigned_abs()).saturating_sub(next);
            Some((0, usize::try_from(before).ok()?))
        }
    }
}
