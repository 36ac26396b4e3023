//! The only byte buffer: puts the bytes of one direction in order and offers them to a reader.
//!
//! Bytes that come in order while nothing is pending go to the reader straight from where they lie. What the reader
//! leaves is kept and offered again with what follows; what comes too early is held until the hole before it is
//! filled or given up. Where segments overlap, the bytes that came first win: what a reader has seen never changes.
//!
//! It knows offsets, not sequence numbers, so that it serves TCP and inner streams (QUIC's CRYPTO frames) alike.
use std::collections::BTreeMap;

use crate::{
    limits,
    record::{Direction, EndCause, Input, Origin, PacketRef, Progress},
};

/// Hand-overs accepted in one go, so that no reader can turn in circles.
const MAX_HANDOVERS: u8 = 8;

/// The bytes of one direction of a flow.
#[derive(Debug)]
pub struct Stream {
    direction: Direction,
    /// Offset of the first byte the reader has not done with.
    offset: u64,
    /// Where the reader's protocol begins, as long as nothing was lost since.
    start: Option<u64>,
    /// In order, not consumed; the first `consumed` bytes are already done with.
    pending: Vec<u8>,
    consumed: usize,
    /// Where the pending bytes came from, relative to the first one not consumed.
    origins: Vec<Origin>,
    /// Bytes that shall pass unseen.
    skip: Skip,
    /// Bytes wanted before the pending ones are offered again.
    need: usize,
    early: Option<Box<Early>>,
    end: Option<u64>,
    ended: bool,
    done: bool,
    lost: u64,
    conflicts: u64,
    overflow: bool,
}

/// A [`Progress::Skip`] under way; all zero when there is none.
#[derive(Debug, Default)]
struct Skip {
    /// Bytes still to pass.
    left: u64,
    /// Bytes that passed or are missing, from the first one offered.
    length: u64,
    /// Of those, the missing ones.
    missing: u64,
    /// What brought the last one.
    last: PacketRef,
}

/// Bytes that came before their turn; never overlapping.
#[derive(Debug, Default)]
struct Early {
    segments: BTreeMap<u64, (Box<[u8]>, PacketRef)>,
    bytes: usize,
}

impl Stream {
    /// A stream whose first byte has offset 0. `from_start` says whether that is really its first.
    #[must_use]
    pub fn new(direction: Direction, from_start: bool) -> Self {
        Self {
            direction,
            offset: 0,
            start: from_start.then_some(0),
            pending: Vec::new(),
            consumed: 0,
            origins: Vec::new(),
            skip: Skip::default(),
            need: 0,
            early: None,
            end: None,
            ended: false,
            done: false,
            lost: 0,
            conflicts: 0,
            overflow: false,
        }
    }

    /// The offset of the next byte in order.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.offset.saturating_add(self.pending_length() as u64)
    }

    /// Whether the reader wants nothing more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether bytes wait behind a hole.
    #[must_use]
    pub fn has_early(&self) -> bool {
        self.early.is_some()
    }

    /// Bytes of memory that what waits takes: for a hole to be filled, or for the end of a message.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        let early = self.early.as_ref().map_or(0, |early| {
            early.bytes.saturating_add(early.segments.len().saturating_mul(limits::BYTES_PER_HELD_SEGMENT))
        });
        early.saturating_add(self.pending.capacity()) as u64
    }

    /// Bytes given up as lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Segments that overlapped earlier ones with other bytes; the earlier ones won.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Whether more was held than the limits allow, since this was asked last.
    pub fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflow)
    }

    /// Nothing more is wanted: drops all that is kept.
    pub fn set_done(&mut self) {
        self.done = true;
        self.pending = Vec::new();
        self.consumed = 0;
        self.origins = Vec::new();
        self.early = None;
    }

    /// Takes bytes with their place in the stream, brought by packet `at`, and offers what is in order to `read`.
    pub fn insert<R>(&mut self, offset: u64, bytes: &[u8], at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.done || self.ended {
            return;
        }
        let mut place = offset;
        let mut bytes = bytes;
        let next = self.next();
        if place < next {
            let known = usize::try_from(next.saturating_sub(place)).unwrap_or(usize::MAX);
            bytes = bytes.get(known..).unwrap_or_default();
            place = next;
        }
        if bytes.is_empty() {
            return;
        }
        if self.early.is_none() && place == next {
            self.deliver(bytes, None, at, read);
        } else {
            self.hold(place, bytes, at);
            self.release(at, read);
            self.shrink(at, read);
        }
        self.check_end(at, read);
    }

    /// The stream ends at `offset`: told to the reader when all before it was delivered.
    pub fn finish_at<R>(&mut self, offset: u64, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.end.is_none() {
            self.end = Some(offset);
        }
        self.check_end(at, read);
    }

    /// The bytes before `offset` will not come any more (the peer has them): what is missing of them is a gap.
    pub fn give_up_before<R>(&mut self, offset: u64, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        while !self.done && !self.ended && self.next() < offset {
            let held = self.early.as_ref().and_then(|early| early.segments.keys().next().copied());
            let until = held.map_or(offset, |start| start.min(offset));
            self.gap(until, at, read);
            self.release(at, read);
        }
        self.check_end(at, read);
    }

    /// Nothing more will come: offers what waits behind holes.
    pub fn flush<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        while !self.done && !self.ended {
            let Some(start) = self.early.as_ref().and_then(|early| early.segments.keys().next().copied()) else {
                break;
            };
            self.gap(start, at, read);
            self.release(at, read);
        }
        self.tell_skipped(at, read);
        self.check_end(at, read);
    }

    /// The stream was cut off by RST.
    pub fn reset<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        self.flush(at, read);
        self.tell_end(EndCause::Reset, at, read);
    }

    /// Offers what is pending once more, because the reader is another one now.
    pub fn offer_again<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if !self.done && !self.ended && self.pending_length() > 0 {
            self.offer_pending(at, read);
        }
        self.check_end(at, read);
    }

    fn pending_length(&self) -> usize {
        self.pending.len().saturating_sub(self.consumed)
    }

    fn check_end<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.end.is_some_and(|end| end <= self.next()) {
            self.tell_end(EndCause::Fin, at, read);
        }
    }

    fn tell_end<R>(&mut self, cause: EndCause, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if !self.ended {
            self.tell_skipped(at, read);
        }
        if self.ended || self.done {
            return;
        }
        self.ended = true;
        self.offset = self.next();
        self.pending = Vec::new();
        self.consumed = 0;
        self.origins = Vec::new();
        self.early = None;
        if read(Input::End { direction: self.direction, cause }, &[], false) == Progress::Done {
            self.set_done();
        }
    }

    /// A skip is over, whole or not: tells how far it came.
    fn tell_skipped<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let Skip { length, missing, last, .. } = std::mem::take(&mut self.skip);
        if length == 0 || self.done {
            return;
        }
        let origin = [Origin { offset: 0, packet: last }];
        let origins = if last == at { &[] } else { origin.as_slice() };
        if read(Input::Skipped { direction: self.direction, length, missing }, origins, false) == Progress::Done {
            self.set_done();
        }
    }

    /// Keeps bytes that came too early, but for those that are held already.
    fn hold(&mut self, place: u64, bytes: &[u8], at: PacketRef) {
        let early = self.early.get_or_insert_default();
        let end = place.saturating_add(bytes.len() as u64);
        let mut free = place;
        let first = early.segments.range(..=place).next_back().map_or(place, |(start, _)| *start);
        let mut pieces: Vec<(u64, u64)> = Vec::new();
        for (start, (held, _)) in early.segments.range(first..end) {
            let held_end = start.saturating_add(held.len() as u64);
            if held_end <= free {
                continue;
            }
            let same_from = free.max(*start);
            let same_to = held_end.min(end);
            if slice(bytes, place, same_from, same_to) != slice(held, *start, same_from, same_to) {
                self.conflicts = self.conflicts.saturating_add(1);
            }
            if *start > free {
                pieces.push((free, *start));
            }
            free = held_end;
        }
        if free < end {
            pieces.push((free, end));
        }
        for (from, to) in pieces {
            let piece = slice(bytes, place, from, to);
            early.bytes = early.bytes.saturating_add(piece.len());
            early.segments.insert(from, (piece.into(), at));
        }
    }

    /// Delivers what is held and has its turn.
    fn release<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        while let Some(mut early) = self.early.take() {
            let Some(entry) = early.segments.first_entry() else {
                return;
            };
            if *entry.key() > self.next() {
                self.early = Some(early);
                return;
            }
            let (bytes, brought_by) = entry.remove();
            early.bytes = early.bytes.saturating_sub(bytes.len());
            if !early.segments.is_empty() {
                self.early = Some(early);
            }
            let origin = (brought_by != at).then_some(brought_by);
            self.deliver(&bytes, origin, at, read);
            if self.done {
                return;
            }
        }
    }

    /// Gives up the oldest holes while more is held than the limits allow.
    fn shrink<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        while let Some(early) = &self.early {
            if early.bytes <= limits::MAX_OUT_OF_ORDER_BYTES
                && early.segments.len() <= limits::MAX_OUT_OF_ORDER_SEGMENTS
            {
                return;
            }
            let Some(start) = early.segments.keys().next().copied() else {
                return;
            };
            self.overflow = true;
            self.gap(start, at, read);
            self.release(at, read);
        }
    }

    /// The bytes up to `until` are lost.
    fn gap<R>(&mut self, until: u64, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let missing = until.saturating_sub(self.next());
        self.lost = self.lost.saturating_add(missing);
        let dropped = self.pending_length() as u64;
        let passed = missing.min(self.skip.left);
        let length = missing.saturating_sub(passed).saturating_add(dropped);
        self.offset = until.max(self.next());
        self.drop_pending();
        if passed > 0 {
            self.skip.missing = self.skip.missing.saturating_add(passed);
            self.pass(passed, at, read);
        }
        if length == 0 || self.done {
            return;
        }
        self.start = None;
        if read(Input::Gap { direction: self.direction, length }, &[], false) == Progress::Done {
            self.set_done();
        }
    }

    /// So many bytes of the skip are behind us.
    fn pass<R>(&mut self, passed: u64, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        self.skip.left = self.skip.left.saturating_sub(passed);
        self.skip.length = self.skip.length.saturating_add(passed);
        if self.skip.left == 0 {
            self.tell_skipped(at, read);
        }
    }

    fn drop_pending(&mut self) {
        self.pending.clear();
        self.consumed = 0;
        self.origins.clear();
        self.need = 0;
    }

    /// Takes the next bytes in order. `origin` is their packet, when it is not `at`.
    fn deliver<R>(&mut self, bytes: &[u8], origin: Option<PacketRef>, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let passed = usize::try_from(self.skip.left).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(passed..).unwrap_or_default();
        if passed > 0 {
            self.offset = self.offset.saturating_add(passed as u64);
            self.skip.last = origin.unwrap_or(at);
            self.pass(passed as u64, at, read);
        }
        if bytes.is_empty() || self.done {
            return;
        }
        if self.pending_length() == 0 {
            let own = [Origin { offset: 0, packet: origin.unwrap_or_default() }];
            let origins = if origin.is_some() { own.as_slice() } else { &[] };
            let used = self.offer(bytes, origins, at, read);
            if self.done {
                return;
            }
            let rest = bytes.get(used..).unwrap_or_default();
            if !rest.is_empty() {
                self.pending.clear();
                self.consumed = 0;
                self.pending.extend_from_slice(rest);
                self.origins.clear();
                self.origins.push(Origin { offset: 0, packet: origin.unwrap_or(at) });
                self.limit_pending(at, read);
            }
            return;
        }
        let packet = origin.unwrap_or(at);
        if self.origins.last().is_none_or(|last| last.packet != packet) {
            self.origins.push(Origin { offset: self.pending_length(), packet });
        }
        if self.consumed > self.pending_length() {
            self.pending.drain(..self.consumed);
            self.consumed = 0;
        }
        self.pending.extend_from_slice(bytes);
        if self.pending_length() >= self.need {
            self.offer_pending(at, read);
        }
        self.limit_pending(at, read);
    }

    fn limit_pending<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.pending_length() > limits::MAX_PENDING_BYTES {
            self.overflow = true;
            self.gap(self.next(), at, read);
        }
    }

    fn offer_pending<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let pending = std::mem::take(&mut self.pending);
        let mut origins = std::mem::take(&mut self.origins);
        let used = self.offer(pending.get(self.consumed..).unwrap_or_default(), &origins, at, read);
        if self.done {
            return;
        }
        self.pending = pending;
        self.consumed = self.consumed.saturating_add(used);
        if self.consumed >= self.pending.len() {
            self.pending.clear();
            self.consumed = 0;
            origins.clear();
        } else {
            advance_origins(&mut origins, used);
        }
        self.origins = origins;
    }

    /// Offers bytes that start at `self.offset` and answers how many the reader is done with.
    fn offer<R>(&mut self, bytes: &[u8], origins: &[Origin], at: PacketRef, read: &mut R) -> usize
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        self.need = 0;
        let mut used = 0usize;
        let mut handovers = 0u8;
        let mut moved: Vec<Origin>;
        let mut origins = origins;
        while let Some(rest) = bytes.get(used..)
            && !rest.is_empty()
        {
            let from_start = self.start == Some(self.offset);
            let progress = read(Input::Stream { direction: self.direction, bytes: rest }, origins, from_start);
            let (taken, again) = match progress {
                Progress::Consumed(taken) => (taken.min(rest.len()), false),
                Progress::Need { consumed, at_least } => {
                    self.need = at_least;
                    (consumed.min(rest.len()), false)
                }
                Progress::Skip(count) => {
                    let taken = usize::try_from(count).unwrap_or(usize::MAX).min(rest.len());
                    let left = count.saturating_sub(taken as u64);
                    if left > 0 {
                        let last = origins.last().map_or(at, |origin| origin.packet);
                        self.skip = Skip { left, length: taken as u64, missing: 0, last };
                    }
                    (taken, taken > 0)
                }
                Progress::Done => {
                    self.set_done();
                    return bytes.len();
                }
                Progress::HandOver(taken) => {
                    handovers = handovers.saturating_add(1);
                    (taken.min(rest.len()), handovers < MAX_HANDOVERS)
                }
            };
            used = used.saturating_add(taken);
            self.offset = self.offset.saturating_add(taken as u64);
            if matches!(progress, Progress::HandOver(_)) && self.start.is_some() {
                self.start = Some(self.offset);
            }
            if !again {
                break;
            }
            if !origins.is_empty() {
                moved = origins.to_vec();
                advance_origins(&mut moved, taken);
                origins = &moved;
            }
        }
        used
    }
}

/// The part of `bytes`, which start at `start`, from `from` to `to`.
fn slice(bytes: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let index = |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
    bytes.get(index(from)..index(to)).unwrap_or_default()
}

/// Moves origins by `used` consumed bytes; the one the first byte left belongs to stays first, at 0.
fn advance_origins(origins: &mut Vec<Origin>, used: usize) {
    if used == 0 {
        return;
    }
    let first = origins.partition_point(|origin| origin.offset <= used).saturating_sub(1);
    origins.drain(..first.min(origins.len()));
    for origin in origins {
        origin.offset = origin.offset.saturating_sub(used);
    }
}

#[cfg(test)]
mod tests;
