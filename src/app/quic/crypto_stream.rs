//! The CRYPTO streams of one direction, one for each encryption level (RFC 9000, section 19.6), put in order and one
//! behind the other: what TLS reads. Levels change between messages (RFC 9001, section 4.1.3), so the messages' headers
//! are followed, which also tells where reading can go on behind bytes that the capture does not hold.
use std::collections::BTreeMap;

use super::header::Level;
use crate::{
    app::codec::tls_hello::{self, SERVER_HELLO_HEAD_BYTES, ServerHello},
    limits::{MAX_QUIC_CRYPTO_AHEAD_BYTES, MAX_QUIC_CRYPTO_PIECES},
    record::PacketRef,
};

/// Bytes of a handshake message's header, and the types that end a level (RFC 9846, section 4).
const HEADER_BYTES: usize = 4;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const FINISHED: u8 = 20;

/// One direction.
#[derive(Default)]
pub struct CryptoStream {
    /// The level whose bytes come next: that of Initial packets is 0.
    level: usize,
    spaces: [Space; 3],
    /// Bytes handed on so far, of all levels, lost ones counted too.
    handed: u64,
    message: Message,
    /// The random of the ClientHello, where this is the client's direction.
    pub client_random: Option<[u8; 32]>,
    /// The last ServerHello, where this is the server's.
    pub server_hello: Option<ServerHello>,
}

/// What comes out, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes.
    Bytes {
        /// Their place among all that comes out.
        offset: u64,
        /// Themselves.
        bytes: Vec<u8>,
        /// The packet that brought them.
        packet: PacketRef,
    },
    /// Bytes before `offset` will not come. What comes next begins a message.
    Lost {
        /// Where it goes on.
        offset: u64,
    },
}

/// Nothing of it was kept: too many bytes, or pieces, wait for those before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch;

/// One level.
#[derive(Default)]
struct Space {
    /// Offset of the next byte.
    next: u64,
    /// What came before its turn, by offset.
    held: BTreeMap<u64, (Vec<u8>, PacketRef)>,
}

/// The message that the bytes handed on last are of.
#[derive(Default)]
struct Message {
    /// Its beginning, as far as anybody wants to read it.
    head: Vec<u8>,
    /// Bytes of it that were handed on.
    seen: usize,
    /// The type of the last that was whole; a HelloRetryRequest is none that ends a level.
    last: Option<u8>,
}

fn place(level: Level) -> Option<usize> {
    match level {
        Level::Initial => Some(0),
        Level::Handshake => Some(1),
        Level::Application => Some(2),
        Level::Early => None,
    }
}

impl CryptoStream {
    /// Takes the content of a CRYPTO frame; gives out what is in order now.
    ///
    /// # Errors
    /// When it was not kept.
    pub fn add(
        &mut self,
        level: Level,
        offset: u64,
        bytes: &[u8],
        packet: PacketRef,
        out: &mut impl FnMut(Piece),
    ) -> Result<(), TooMuch> {
        let Some(level) = place(level).filter(|level| *level >= self.level) else { return Ok(()) };
        let Some(space) = self.spaces.get_mut(level) else { return Ok(()) };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = offset.saturating_add(length);
        if end <= space.next || bytes.is_empty() {
            return Ok(());
        }
        if end.saturating_sub(space.next) > MAX_QUIC_CRYPTO_AHEAD_BYTES {
            return Err(TooMuch);
        }
        if space.held.get(&offset).is_none_or(|(held, _)| held.len() < bytes.len()) {
            if space.held.len() >= MAX_QUIC_CRYPTO_PIECES && offset > space.next {
                return Err(TooMuch);
            }
            space.held.insert(offset, (bytes.to_vec(), packet));
        }
        self.drain(out);
        Ok(())
    }

    /// No more comes: gives out what waits for bytes that are missing, as far as messages can be found in it.
    pub fn flush(&mut self, out: &mut impl FnMut(Piece)) {
        loop {
            self.drain(out);
            let Some(space) = self.spaces.get_mut(self.level) else { return };
            if space.held.is_empty() {
                if self.level.saturating_add(1) >= self.spaces.len() {
                    return;
                }
                self.leave_message(out);
                self.level = self.level.saturating_add(1);
            } else if let Some(left) = self.message.left() {
                space.next = space.next.saturating_add(left);
                let next = space.next;
                space.held.retain(|offset, (bytes, _)| {
                    offset.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX)) > next
                });
                self.leave_message(out);
            } else {
                // Where messages begin in what is left cannot be known.
                space.held.clear();
            }
        }
    }

    /// The rest of the message under way will not come.
    fn leave_message(&mut self, out: &mut impl FnMut(Piece)) {
        if self.message.seen == 0 {
            return;
        }
        // Half a header does not tell how much is missing.
        self.handed = self.handed.saturating_add(self.message.left().unwrap_or(1));
        self.message = Message { last: self.message.last, ..Message::default() };
        out(Piece::Lost { offset: self.handed });
    }

    /// Gives out what is in order.
    fn drain(&mut self, out: &mut impl FnMut(Piece)) {
        while let Some(space) = self.spaces.get_mut(self.level) {
            let next = space.next;
            if let Some((offset, (mut bytes, packet))) = space.held.pop_first() {
                if offset > next {
                    space.held.insert(offset, (bytes, packet));
                } else {
                    let known = usize::try_from(next.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
                    bytes.drain(..known);
                    self.hand_on(bytes, packet, out);
                    continue;
                }
            }
            let begun = |level: usize| self.spaces.get(level).is_some_and(|space| space.held.contains_key(&0));
            let after = self.level.saturating_add(1);
            if !(self.level_is_over() && begun(after)) {
                return;
            }
            self.level = after;
        }
    }

    fn hand_on(&mut self, bytes: Vec<u8>, packet: PacketRef, out: &mut impl FnMut(Piece)) {
        if bytes.is_empty() {
            return;
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if let Some(space) = self.spaces.get_mut(self.level) {
            space.next = space.next.saturating_add(length);
        }
        self.follow(&bytes);
        let offset = self.handed;
        self.handed = self.handed.saturating_add(length);
        out(Piece::Bytes { offset, bytes, packet });
    }

    /// Follows the messages through `bytes`.
    fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let message = &mut self.message;
            let wanted = message.length().unwrap_or(HEADER_BYTES);
            let taken = wanted.saturating_sub(message.seen).min(bytes.len());
            let (of_it, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
            let room = SERVER_HELLO_HEAD_BYTES.saturating_sub(message.head.len());
            message.head.extend_from_slice(of_it.get(..room).unwrap_or(of_it));
            message.seen = message.seen.saturating_add(taken);
            bytes = rest;
            if message.length().is_none_or(|length| message.seen < length) {
                continue;
            }
            let mut kind = message.head.first().copied();
            match kind {
                Some(CLIENT_HELLO) => {
                    self.client_random = tls_hello::client_hello(&message.head).or(self.client_random);
                }
                Some(SERVER_HELLO) => {
                    self.server_hello = tls_hello::server_hello(&message.head);
                    if self.server_hello.is_some_and(|hello| hello.is_hello_retry_request) {
                        kind = None;
                    }
                }
                _ => {}
            }
            let mut head = std::mem::take(&mut message.head);
            head.clear();
            *message = Message { head, seen: 0, last: kind };
        }
    }

    /// Whether the last message is the one with which the level ends.
    fn level_is_over(&self) -> bool {
        let last = match self.level {
            0 => matches!(self.message.last, Some(CLIENT_HELLO | SERVER_HELLO)),
            _ => self.message.last == Some(FINISHED),
        };
        self.message.seen == 0 && last
    }
}

impl Message {
    /// Its length, header and all, once that is known.
    fn length(&self) -> Option<usize> {
        let [_, high, middle, low, ..] = *self.head.as_slice() else { return None };
        let body = usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()?;
        body.checked_add(HEADER_BYTES)
    }

    /// Bytes that are missing of one under way, where its length is known.
    fn left(&self) -> Option<u64> {
        u64::try_from(self.length()?.saturating_sub(self.seen)).ok().filter(|_| self.seen > 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, length: usize) -> Vec<u8> {
        let mut message = vec![kind, 0, (length >> 8) as u8, length as u8];
        message.extend((0..length).map(|at| at as u8));
        message
    }

    /// What comes out of frames: all bytes in a row, and where some were lost.
    fn run(frames: &[(Level, usize, &[u8])], flush: bool) -> (Vec<u8>, Vec<u64>) {
        let (mut stream, mut bytes, mut lost, mut end) = (CryptoStream::default(), Vec::new(), Vec::new(), 0);
        let mut out = |piece| match piece {
            Piece::Bytes { offset, bytes: more, .. } => {
                assert_eq!(offset, end);
                end += more.len() as u64;
                bytes.extend(more);
            }
            Piece::Lost { offset } => {
                assert!(offset > end);
                lost.push(offset - end);
                end = offset;
            }
        };
        for (level, offset, bytes) in frames {
            let _ = stream.add(*level, *offset as u64, bytes, PacketRef::default(), &mut out);
        }
        if flush {
            stream.flush(&mut out);
        }
        (bytes, lost)
    }

    use Level::{Application, Handshake, Initial};

    #[test]
    fn levels_follow_each_other_in_whatever_order_they_come() {
        let (hello, flight, finished, ticket) = (message(2, 90), message(8, 300), message(20, 32), message(4, 200));
        let whole = [hello.as_slice(), &flight, &finished, &ticket].concat();
        let at = flight.len();
        let frames = [
            (Application, 0, &ticket[..]),
            (Handshake, at, &finished[..]),
            (Handshake, 100, &flight[100..]),
            (Initial, 50, &hello[50..]),
            (Handshake, 0, &flight[..150]),
            (Initial, 0, &hello[..70]),
            (Initial, 0, &hello[..]),
        ];
        assert_eq!(run(&frames, false), (whole.clone(), vec![]));
        let mut backwards = frames;
        backwards.reverse();
        assert_eq!(run(&backwards, true), (whole, vec![]));
    }

    #[test]
    fn a_hello_retry_request_does_not_end_the_level() {
        let mut retry = message(2, 90);
        retry[6..38].copy_from_slice(&[
            0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
            0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
        ]);
        retry[38] = 0;
        let (hello, flight) = (message(2, 80), message(8, 9));
        let frames = [(Initial, 0, &retry[..]), (Handshake, 0, &flight[..]), (Initial, retry.len(), &hello[..])];
        assert_eq!(run(&frames, false).0, [retry.as_slice(), &hello, &flight].concat());
    }

    #[test]
    fn reading_goes_on_behind_a_message_that_is_missing_a_part() {
        let (hello, certificate, finished) = (message(2, 60), message(11, 900), message(20, 32));
        let at = certificate.len();
        let frames = [(Initial, 0, &hello[..]), (Handshake, 0, &certificate[..400]), (Handshake, at, &finished[..])];
        let (before, _) = run(&frames, false);
        assert_eq!(before, [&hello[..], &certificate[..400]].concat());
        let (bytes, lost) = run(&frames, true);
        assert_eq!((bytes, lost), ([&hello[..], &certificate[..400], &finished].concat(), vec![504]));
    }

    #[test]
    fn a_level_that_never_came_is_passed_over() {
        let (hello, ticket) = (message(2, 60), message(4, 32));
        let frames = [(Initial, 0, &hello[..]), (Application, 0, &ticket[..])];
        assert_eq!(run(&frames, false).0, hello);
        assert_eq!(run(&frames, true), ([hello.as_slice(), &ticket].concat(), vec![]));
        let frames = [(Initial, 0, &hello[..2]), (Handshake, 0, &ticket[..])];
        assert_eq!(run(&frames, true), ([&hello[..2], &ticket].concat(), vec![1]));
    }

    #[test]
    fn what_is_too_far_ahead_or_in_too_many_pieces_is_not_kept() {
        let mut stream = CryptoStream::default();
        let mut add = |offset, bytes: &[u8]| stream.add(Initial, offset, bytes, PacketRef::default(), &mut |_| {});
        assert_eq!(add(MAX_QUIC_CRYPTO_AHEAD_BYTES, &[1]), Err(TooMuch));
        for piece in 1..=MAX_QUIC_CRYPTO_PIECES as u64 {
            assert_eq!(add(piece * 2, &[1]), Ok(()));
        }
        assert_eq!(add(1000, &[1]), Err(TooMuch));
        assert_eq!(add(u64::MAX, &[1, 2]), Err(TooMuch));
        assert_eq!(add(0, &[1, 0, 0]), Ok(()), "what is next is always taken");
    }

    proptest! {
        /// Messages over three levels, cut at any place, in any order, some twice: all come out.
        #[test]
        fn nothing_is_lost(
            lengths in proptest::collection::vec(0_usize..600, 3),
            cuts in proptest::collection::vec((0_usize..3, 0_usize..700, 1_usize..300), 0..60),
        ) {
            let levels = [Initial, Handshake, Application];
            let messages: Vec<Vec<u8>> = [2, 20, 4].iter().zip(&lengths).map(|(kind, length)| message(*kind, *length)).collect();
            let mut frames: Vec<(Level, usize, &[u8])> = Vec::new();
            for (level, from, length) in cuts {
                let whole = &messages[level];
                let from = from.min(whole.len());
                frames.push((levels[level], from, &whole[from..(from + length).min(whole.len())]));
            }
            for (level, whole) in levels.iter().zip(&messages).rev() {
                frames.push((*level, 0, whole));
            }

            prop_assert_eq!(run(&frames, false), (messages.concat(), vec![]));
        }

        #[test]
        fn arbitrary_frames_end(
            frames in proptest::collection::vec((0_usize..3, 0_usize..400, proptest::collection::vec(any::<u8>(), 0..60)), 0..80),
        ) {
            let levels = [Initial, Handshake, Application];
            let frames: Vec<_> = frames.iter().map(|(level, at, bytes)| (levels[*level], *at, bytes.as_slice())).collect();
            run(&frames, true);
        }
    }
}
