//! A datagram in pieces, in any order, again and over one another, and what is put together from them.
use super::choices::Choices;
use crate::{
    flow::fragment::{Outcome, Reason, Reassembler},
    limits,
    record::{LinkType, PacketNumber, PacketRef, Timestamp},
    wire::{self, Network},
};

/// What stands at a place of every datagram: fragments that overlap agree.
fn content(place: usize) -> u8 {
    (place.wrapping_mul(0x9e37_79b1) >> 13) as u8
}

/// A piece of a datagram of protocol 253, which means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    identification: u8,
    start: usize,
    end: usize,
    more: bool,
}

fn packet(piece: Piece, v6: bool) -> Vec<u8> {
    let length = piece.end - piece.start;
    let mut bytes = Vec::with_capacity(length + 48);
    let place = (piece.start as u16) & !7;
    if v6 {
        bytes.extend([0x60, 0, 0, 0]);
        bytes.extend((length as u16 + 8).to_be_bytes());
        bytes.extend([44, 64]);
        bytes.extend([0xfd; 32]);
        bytes.extend([253, 0]);
        bytes.extend((place | u16::from(piece.more)).to_be_bytes());
        bytes.extend([0, 0, 0, piece.identification]);
    } else {
        bytes.extend([0x45, 0]);
        bytes.extend((length as u16 + 20).to_be_bytes());
        bytes.extend([0, piece.identification]);
        bytes.extend(((place / 8) | (u16::from(piece.more) << 13)).to_be_bytes());
        bytes.extend([64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    bytes.extend((piece.start..piece.end).map(content));
    bytes
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    Stored,
    Complete(usize),
    Dropped(Reason),
}

struct Driver {
    reassembler: Reassembler,
    v6: bool,
    packets: u64,
    clock: Timestamp,
}

impl Driver {
    /// Whatever is put together must be what was sent.
    fn add(&mut self, piece: Piece) -> Became {
        let bytes = packet(piece, self.v6);
        let decoded = wire::decode(LinkType(101), &bytes, bytes.len() as u32);
        let fragment = decoded.fragment(&bytes).expect("every piece is a fragment");
        assert_eq!((fragment.offset_bytes as usize, fragment.more), (piece.start, piece.more));
        assert_eq!(fragment.data.len(), piece.end - piece.start);
        assert_eq!(fragment.network == Network::Ipv6, self.v6);
        self.packets += 1;
        let number = PacketNumber::new(0, self.packets);
        let at = PacketRef { index: self.packets - 1, number, timestamp: self.clock };
        match self.reassembler.add(&fragment, at, self.clock) {
            Outcome::Stored => Became::Stored,
            Outcome::Dropped(reason) => Became::Dropped(reason),
            Outcome::Complete(datagram) => {
                let header = if self.v6 { 40 } else { 20 };
                let payload = datagram.get(header..).expect("a datagram has a header");
                for (place, byte) in payload.iter().enumerate() {
                    assert_eq!(*byte, content(place), "byte {place}");
                }
                let whole = wire::decode_reassembled(datagram, &decoded);
                assert_eq!(whole.stop, None);
                assert_eq!(whole.message(datagram).len(), payload.len());
                assert!(whole.fragment(datagram).is_none(), "a whole datagram is no fragment");
                assert_ne!(whole.network_checksum(datagram), wire::ChecksumStatus::Bad);
                Became::Complete(payload.len())
            }
        }
    }
}

/// Byte 0: bit 0 IPv6, bit 1 whether anything goes. Otherwise a datagram is cut, its pieces put into any order, some of them
/// sent again: it is whole exactly when the last of them has come, and then it is all of it.
pub fn ip_fragments(bytes: &[u8]) {
    let mut next = Choices::new(bytes);
    let mode = next.octet();
    let reassembler = Reassembler::default();
    let mut driver = Driver { reassembler, v6: mode & 1 == 1, packets: 0, clock: Timestamp(0) };
    if mode & 2 == 2 {
        anything(&mut driver, &mut next)
    } else {
        cut(&mut driver, &mut next)
    }
    let counts = driver.reassembler.counts();
    let incomplete = driver.reassembler.incomplete(driver.clock.plus(limits::FRAGMENT_TIMEOUT_NS * 2));
    assert!(counts.completed + incomplete.count <= driver.packets);
    assert!(incomplete.first.len() as u64 <= incomplete.count);
    assert!(counts.timed_out + counts.evicted + counts.completed <= driver.packets);
}

fn cut(driver: &mut Driver, next: &mut Choices<'_>) {
    let count = usize::from(next.below(27)) + 2;
    let mut start = 0;
    let mut pieces: Vec<Piece> = (0..count)
        .map(|place| {
            let more = place + 1 < count;
            let chosen = usize::from(next.octet()) + 1;
            let length = if more { chosen * 8 } else { chosen };
            let piece = Piece { identification: 1, start, end: start + length, more };
            start += length;
            piece
        })
        .collect();
    let total = start;
    // Any order; one that is drawn may stay in for once more.
    let (mut waiting, mut rounds) = (pieces.len(), 0);
    let mut sent = vec![false; pieces.len()];
    while waiting > 0 {
        let place = usize::from(next.octet()) % pieces.len();
        let piece = pieces[place];
        let came = sent[place];
        rounds += 1;
        let stays = rounds < 200 && next.once_in(4);
        let became = driver.add(piece);
        if !came {
            sent[place] = true;
            waiting -= 1;
        }
        if waiting == 0 {
            assert_eq!(became, Became::Complete(total));
        } else {
            assert_eq!(became, Became::Stored, "{piece:?} of {total}");
        }
        if !stays {
            pieces.swap_remove(place);
            sent.swap_remove(place);
        }
    }
    assert_eq!(driver.reassembler.counts().completed, 1);
    assert_eq!(driver.reassembler.counts().overlaps, 0, "repetitions are no overlaps");
}

/// Pieces of a few datagrams at any place, and time that passes.
fn anything(driver: &mut Driver, next: &mut Choices<'_>) {
    while !next.is_empty() {
        let choice = next.octet();
        if choice == 255 {
            driver.clock = driver.clock.plus(i64::from(next.octet()) * 1_000_000_000);
            continue;
        }
        let start = usize::from(next.octet()) * 8 * (1 + usize::from(choice >> 6 & 1) * 31);
        let more = choice & 4 == 0;
        let length = usize::from(next.octet()) * if more { 8 } else { 1 };
        let piece = Piece { identification: choice & 3, start, end: (start + length).min(65_500), more };
        if piece.start >= piece.end || piece.start == 0 && !more {
            continue;
        }
        let became = driver.add(piece);
        assert_ne!(became, Became::Dropped(Reason::Cut), "nothing is cut here");
        assert!(driver.v6 || became != Became::Dropped(Reason::Overlap), "only of IPv6 may overlaps be refused");
    }
}
