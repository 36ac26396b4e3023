//! The stream buffer: order, overlap, gaps, skips, limits, ends.
use proptest::prelude::*;

use super::*;
use crate::record::{PacketNumber, Timestamp};

fn packet(index: u64) -> PacketRef {
    PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(0) }
}

const WAY: Direction = Direction::ClientToServer;

/// A reader that keeps all it is offered and takes `step` bytes at a time (0: all).
#[derive(Default)]
struct Reader {
    bytes: Vec<u8>,
    gaps: Vec<(usize, u64)>,
    ends: Vec<EndCause>,
    starts: Vec<bool>,
    step: usize,
}

impl Reader {
    fn read(&mut self, input: Input<'_>, _: &[Origin], from_start: bool) -> Progress {
        match input {
            Input::Stream { bytes, .. } => {
                self.starts.push(from_start);
                let taken = if self.step == 0 { bytes.len() } else { bytes.len() - bytes.len() % self.step };
                self.bytes.extend_from_slice(&bytes[..taken]);
                return Progress::Consumed(taken);
            }
            Input::Gap { length, .. } => self.gaps.push((self.bytes.len(), length)),
            Input::End { cause, .. } => self.ends.push(cause),
            _ => {}
        }
        Progress::Consumed(0)
    }
}

fn feed(stream: &mut Stream, reader: &mut Reader, offset: u64, bytes: &[u8], index: u64) {
    stream.insert(offset, bytes, packet(index), &mut |i, o, s| reader.read(i, o, s));
}

#[test]
fn in_order_bytes_are_not_copied() {
    let mut stream = Stream::new(WAY, true);
    let bytes = *b"hello";
    let mut seen = None;
    stream.insert(0, &bytes, packet(0), &mut |input, origins, from_start| {
        let Input::Stream { bytes, .. } = input else { panic!() };
        assert!(origins.is_empty() && from_start);
        seen = Some(bytes.as_ptr());
        Progress::Consumed(5)
    });
    assert_eq!(seen, Some(bytes.as_ptr()));
    assert_eq!(stream.next(), 5);
}

#[test]
fn unconsumed_bytes_come_again_with_their_origins() {
    let mut stream = Stream::new(WAY, true);
    stream.insert(0, b"abc", packet(0), &mut |_, _, _| Progress::Consumed(1));
    let mut got = Vec::new();
    stream.insert(3, b"de", packet(1), &mut |input, origins, from_start| {
        let Input::Stream { bytes, .. } = input else { panic!() };
        got.push((bytes.to_vec(), origins.to_vec(), from_start));
        Progress::Consumed(3)
    });
    let origins = vec![Origin { offset: 0, packet: packet(0) }, Origin { offset: 2, packet: packet(1) }];
    assert_eq!(got, [(b"bcde".to_vec(), origins, false)]);
    stream.insert(5, b"f", packet(2), &mut |input, origins, _| {
        assert_eq!(input, Input::Stream { direction: WAY, bytes: b"ef" });
        assert_eq!(origins[0], Origin { offset: 0, packet: packet(1) });
        assert_eq!(origins[1], Origin { offset: 1, packet: packet(2) });
        Progress::Consumed(2)
    });
}

#[test]
fn held_bytes_tell_their_own_packet() {
    let mut stream = Stream::new(WAY, true);
    let mut got = Vec::new();
    let mut read = |input: Input<'_>, origins: &[Origin], _| {
        let Input::Stream { bytes, .. } = input else { panic!() };
        got.push((bytes.to_vec(), origins.first().map(|origin| origin.packet)));
        Progress::Consumed(bytes.len())
    };
    stream.insert(2, b"cd", packet(0), &mut read);
    stream.insert(0, b"ab", packet(1), &mut read);
    assert_eq!(got, [(b"ab".to_vec(), None), (b"cd".to_vec(), Some(packet(0)))]);
}

#[test]
fn skip_reaches_beyond_what_is_here() {
    let mut stream = Stream::new(WAY, true);
    let mut offers = Vec::new();
    let mut read = |input: Input<'_>, _: &[Origin], _| {
        let Input::Stream { bytes, .. } = input else {
            assert_eq!(input, Input::Skipped { direction: WAY, length: 10, missing: 0 });
            return Progress::Consumed(0);
        };
        offers.push(bytes.to_vec());
        if bytes[0] == b'0' { Progress::Skip(10) } else { Progress::Consumed(bytes.len()) }
    };
    stream.insert(0, b"0123", packet(0), &mut read);
    stream.insert(4, b"4567", packet(1), &mut read);
    stream.insert(8, b"89ab", packet(2), &mut read);
    stream.insert(12, b"0123456789cd", packet(3), &mut read);
    assert_eq!(offers, [&b"0123"[..], b"ab", b"0123456789cd", b"cd"]);
}

#[test]
fn a_gap_inside_a_skip_passes_silently() {
    let mut stream = Stream::new(WAY, true);
    let mut offers = Vec::new();
    let mut read = |input: Input<'_>, _: &[Origin], _| match input {
        Input::Stream { bytes, .. } => {
            offers.push(bytes.to_vec());
            if bytes[0] == b'0' { Progress::Skip(8) } else { Progress::Consumed(bytes.len()) }
        }
        other => {
            assert_eq!(other, Input::Skipped { direction: WAY, length: 8, missing: 4 });
            Progress::Consumed(0)
        }
    };
    stream.insert(0, b"01", packet(0), &mut read);
    stream.insert(6, b"67ab", packet(1), &mut read);
    stream.give_up_before(6, packet(2), &mut read);
    assert_eq!(offers, [&b"01"[..], b"ab"]);
    assert_eq!(stream.lost(), 4);
}

#[test]
fn a_skip_that_ends_early_tells_how_far_it_came() {
    let mut stream = Stream::new(WAY, true);
    let mut told = Vec::new();
    let mut read = |input: Input<'_>, origins: &[Origin], _| match input {
        Input::Stream { .. } => Progress::Skip(u64::MAX),
        Input::Skipped { length, missing, .. } => {
            told.push((length, missing, origins.first().map(|origin| origin.packet)));
            Progress::Consumed(0)
        }
        Input::End { .. } => Progress::Consumed(0),
        other => panic!("{other:?}"),
    };
    stream.insert(0, b"0123", packet(0), &mut read);
    stream.insert(4, b"4567", packet(1), &mut read);
    stream.give_up_before(10, packet(2), &mut read);
    stream.finish_at(10, packet(3), &mut read);
    assert_eq!(told, [(10, 2, Some(packet(1)))]);
}

#[test]
fn need_spares_offers() {
    let mut stream = Stream::new(WAY, true);
    let mut offers = 0;
    for place in 0..10u64 {
        stream.insert(place, b"x", packet(place), &mut |input, _, _| {
            offers += 1;
            let Input::Stream { bytes, .. } = input else { panic!() };
            if bytes.len() < 8 { Progress::Need { consumed: 0, at_least: 8 } } else { Progress::Consumed(8) }
        });
    }
    assert_eq!(offers, 3);
}

#[test]
fn end_waits_for_what_is_missing() {
    let mut stream = Stream::new(WAY, true);
    let mut reader = Reader::default();
    feed(&mut stream, &mut reader, 0, b"ab", 0);
    stream.finish_at(4, packet(1), &mut |i, o, s| reader.read(i, o, s));
    assert!(reader.ends.is_empty());
    feed(&mut stream, &mut reader, 2, b"cd", 2);
    assert_eq!(reader.ends, [EndCause::Fin]);
    feed(&mut stream, &mut reader, 4, b"late", 3);
    assert_eq!(reader.bytes, b"abcd");
}

#[test]
fn lost_bytes_are_a_gap_and_the_rest_follows() {
    let mut stream = Stream::new(WAY, true);
    let mut reader = Reader::default();
    feed(&mut stream, &mut reader, 0, b"ab", 0);
    feed(&mut stream, &mut reader, 5, b"fg", 1);
    feed(&mut stream, &mut reader, 9, b"jk", 2);
    stream.give_up_before(9, packet(3), &mut |i, o, s| reader.read(i, o, s));
    assert_eq!(reader.gaps, [(2, 3), (4, 2)]);
    assert_eq!(reader.bytes, b"abfgjk");
    assert_eq!(reader.starts, [true, false, false]);
}

#[test]
fn too_much_held_becomes_a_gap() {
    let mut stream = Stream::new(WAY, true);
    let mut reader = Reader::default();
    let block = vec![7u8; 4096];
    for place in 0..600u64 {
        feed(&mut stream, &mut reader, 10 + place * 4096, &block, place);
    }
    assert_eq!(reader.gaps, [(0, 10)]);
    assert_eq!(reader.bytes.len(), 600 * 4096);
}

#[test]
fn too_much_pending_becomes_a_gap() {
    let mut stream = Stream::new(WAY, true);
    let mut gaps = Vec::new();
    let block = vec![7u8; 4096];
    for place in 0..100u64 {
        stream.insert(place * 4096, &block, packet(place), &mut |input, _, _| {
            if let Input::Gap { length, .. } = input {
                gaps.push(length);
            }
            Progress::Consumed(0)
        });
    }
    assert_eq!(gaps, [limits::MAX_PENDING_BYTES as u64 + 4096]);
    assert!(stream.take_overflow());
}

#[test]
fn first_bytes_win() {
    let mut stream = Stream::new(WAY, true);
    let mut reader = Reader::default();
    feed(&mut stream, &mut reader, 2, b"CD", 0);
    feed(&mut stream, &mut reader, 0, b"abxyef", 1);
    feed(&mut stream, &mut reader, 4, b"ZZg", 2);
    assert_eq!(reader.bytes, b"abCDefg");
    assert_eq!(stream.conflicts(), 1);
}

#[test]
fn handover_offers_the_rest_at_once_as_a_start() {
    let mut stream = Stream::new(WAY, true);
    let mut offers = Vec::new();
    stream.insert(0, b"oldnew", packet(0), &mut |input, _, from_start| {
        let Input::Stream { bytes, .. } = input else { panic!() };
        offers.push((bytes.to_vec(), from_start));
        if bytes[0] == b'o' { Progress::HandOver(3) } else { Progress::Consumed(3) }
    });
    assert_eq!(offers, [(b"oldnew".to_vec(), true), (b"new".to_vec(), true)]);
}

#[test]
fn maximal_reordering_and_one_byte_segments_are_fast() {
    let mut stream = Stream::new(WAY, true);
    let mut reader = Reader::default();
    for block in 0..100u64 {
        for place in (0..1000u64).rev() {
            feed(&mut stream, &mut reader, block * 1000 + place, &[place as u8], place);
        }
    }
    assert_eq!(reader.bytes.len(), 100_000);
    assert!(reader.gaps.is_empty());
}

#[test]
fn done_drops_everything() {
    let mut stream = Stream::new(WAY, true);
    stream.insert(0, b"ab", packet(0), &mut |_, _, _| Progress::Done);
    stream.insert(2, b"cd", packet(1), &mut |_, _, _| panic!());
    stream.flush(packet(2), &mut |_, _, _| panic!());
    assert!(stream.is_done());
}

proptest! {
    /// Any cut, order, repetition and overlap gives the same bytes.
    #[test]
    fn byte_exact(
        data in proptest::collection::vec(any::<u8>(), 1..400),
        cuts in proptest::collection::vec((0usize..400, 1usize..60), 0..60),
        step in 0usize..7,
        seed: u64,
    ) {
        let mut segments: Vec<(usize, usize)> = cuts
            .into_iter()
            .filter(|(start, _)| *start < data.len())
            .map(|(start, length)| (start, (start + length).min(data.len())))
            .collect();
        let mut place = 0;
        while place < data.len() {
            let end = (place + 1 + place % 13).min(data.len());
            segments.push((place, end));
            place = end;
        }
        let mut state = seed | 1;
        for index in (1..segments.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            segments.swap(index, (state >> 33) as usize % (index + 1));
        }
        let mut stream = Stream::new(WAY, true);
        let mut reader = Reader { step, ..Reader::default() };
        for (index, (start, end)) in segments.iter().enumerate() {
            feed(&mut stream, &mut reader, *start as u64, &data[*start..*end], index as u64);
        }
        let whole = if step == 0 { data.len() } else { data.len() - data.len() % step };
        prop_assert_eq!(&reader.bytes, &data[..whole]);
        prop_assert!(reader.gaps.is_empty());
        prop_assert_eq!(stream.next(), data.len() as u64);
        prop_assert_eq!(stream.conflicts(), 0);
    }

    /// Whatever a reader answers and whatever offsets come, nothing breaks and offsets only grow.
    #[test]
    fn never_panics(
        segments in proptest::collection::vec((any::<u64>(), 0usize..50, 0u8..8), 0..80),
    ) {
        let mut stream = Stream::new(WAY, false);
        let mut answer = 0u64;
        for (offset, length, kind) in segments {
            let bytes = vec![0u8; length];
            let before = stream.next();
            let mut read = |input: Input<'_>, _: &[Origin], _| {
                answer = answer.wrapping_mul(31).wrapping_add(offset).wrapping_add(1);
                if let Input::Stream { bytes, .. } = input { assert!(!bytes.is_empty()); }
                match answer % 5 {
                    0 => Progress::Consumed((answer % 100) as usize),
                    1 => Progress::Need { consumed: (answer % 7) as usize, at_least: (answer % 77) as usize },
                    2 => Progress::Skip(answer % 1000),
                    3 => Progress::HandOver((answer % 3) as usize),
                    _ => Progress::Consumed(0),
                }
            };
            match kind {
                0 => stream.give_up_before(offset % 5000, packet(0), &mut read),
                1 => stream.offer_again(packet(0), &mut read),
                2 => stream.insert(offset, &bytes, packet(0), &mut read),
                _ => stream.insert(offset % 2000, &bytes, packet(0), &mut read),
            }
            prop_assert!(stream.next() >= before);
        }
    }
}
