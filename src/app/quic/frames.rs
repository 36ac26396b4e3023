//! Frames (RFC 9000, section 19; which are allowed in which packets: section 12.4).
use nom::{
    IResult, Parser,
    bytes::complete::{take, take_while},
    combinator::rest,
    number::complete::u8,
};

use super::header::{ConnectionId, Level};
use crate::app::codec::varint::varint;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A run of them.
    Padding,
    /// RFC 9000, section 19.6.
    Crypto {
        /// Place of the bytes in the stream of this encryption level.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// STREAM (RFC 9000, section 19.8) or DATAGRAM (RFC 9221): what belongs to the application.
    Data {
        /// Wireshark's name.
        name: &'static str,
    },
    /// RFC 9000, section 19.15.
    NewConnectionId {
        /// The ID.
        id: ConnectionId,
    },
    /// RFC 9000, section 19.19.
    ConnectionClose {
        /// Error code (RFC 9000, section 20), of the application's own where `by_application`.
        code: u64,
        /// Whether the application ended it.
        by_application: bool,
        /// The sender's words.
        reason: &'a [u8],
    },
    /// RFC 9000, section 19.20.
    HandshakeDone,
    /// One that only the transport needs, by Wireshark's name.
    Other(&'static str),
}

impl Frame<'_> {
    /// Wireshark's name in the Info column.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Padding => "PADDING",
            Self::Crypto { .. } => "CRYPTO",
            Self::Data { name } | Self::Other(name) => name,
            Self::NewConnectionId { .. } => "NCI",
            Self::ConnectionClose { .. } => "CC",
            Self::HandshakeDone => "DONE",
        }
    }
}

/// Which frames there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Those of Initial and Handshake packets.
    Handshake,
    /// All.
    All,
    /// Of Google's versions with TLS in their Initial packets: CRYPTO is 0x08 and PING 0x07 there, and the others have
    /// their own layout.
    Google,
}

/// The frames of a payload in order, up to the first that is malformed, or not allowed at this level. `google`: of
/// Google's versions.
pub fn frames(mut payload: &[u8], level: Level, google: bool) -> impl Iterator<Item = Frame<'_>> {
    let set = match level {
        _ if google => Set::Google,
        Level::Initial | Level::Handshake => Set::Handshake,
        Level::Early | Level::Application => Set::All,
    };
    std::iter::from_fn(move || {
        let (rest, frame) = frame(payload, set).ok()?;
        payload = rest;
        Some(frame)
    })
}

fn frame(input: &[u8], set: Set) -> IResult<&[u8], Frame<'_>> {
    let (rest, kind) = varint(input)?;
    match (kind, set) {
        (0x00, _) => take_while(|byte| byte == 0).parse(rest).map(|(rest, _)| (rest, Frame::Padding)),
        (0x07, Set::Google) => Ok((rest, Frame::Other("PING"))),
        (0x08, Set::Google) | (0x06, Set::Handshake | Set::All) => {
            let (rest, (offset, bytes)) = (varint, counted).parse(rest)?;
            Ok((rest, Frame::Crypto { offset, bytes }))
        }
        (0x01, Set::Handshake | Set::All) => Ok((rest, Frame::Other("PING"))),
        (0x02 | 0x03, Set::Handshake | Set::All) => ack(rest, kind == 0x03),
        (0x1c, Set::Handshake | Set::All) => {
            let (rest, (code, _frame_type, reason)) = (varint, varint, counted).parse(rest)?;
            Ok((rest, Frame::ConnectionClose { code, by_application: false, reason }))
        }
        (_, Set::All) => application(kind, rest),
        _ => Err(unknown(input)),
    }
}

fn unknown(input: &[u8]) -> nom::Err<nom::error::Error<&[u8]>> {
    nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Alt))
}

/// Frames of 0-RTT and 1-RTT packets only, behind their type.
fn application(kind: u64, input: &[u8]) -> IResult<&[u8], Frame<'_>> {
    // Of those that hold nothing but integers: name and how many.
    let (name, integers) = match kind {
        0x04 => ("RS", 3),
        0x05 => ("SS", 2),
        0x10 => ("MD", 1),
        0x11 => ("MSD", 2),
        0x12 | 0x13 => ("MS", 1),
        0x14 => ("DB", 1),
        0x15 => ("SDB", 2),
        0x16 | 0x17 => ("SB", 1),
        0x19 => ("RC", 1),
        // RESET_STREAM_AT (draft-ietf-quic-reliable-stream-reset), and those of draft-ietf-quic-ack-frequency.
        0x24 => ("RSA", 4),
        0x1f => ("IA", 0),
        0xaf => ("AF", 4),
        _ => return other(kind, input),
    };
    let mut rest = input;
    for _ in 0..integers {
        (rest, _) = varint(rest)?;
    }
    Ok((rest, Frame::Other(name)))
}

fn other(kind: u64, input: &[u8]) -> IResult<&[u8], Frame<'_>> {
    match kind {
        0x07 => counted(input).map(|(rest, _)| (rest, Frame::Other("NT"))),
        0x08..=0x0f => {
            let (mut after, _stream) = varint(input)?;
            if kind & 0x04 != 0 {
                (after, _) = varint(after)?;
            }
            let (after, _) = if kind & 0x02 != 0 { counted(after)? } else { rest(after)? };
            Ok((after, Frame::Data { name: "STREAM" }))
        }
        0x18 => {
            let (after, (_sequence, _retired, length)) = (varint, varint, u8).parse(input)?;
            let (after, (id, _token)) = (take(length), take(16_usize)).parse(after)?;
            let id = ConnectionId::new(id).ok_or_else(|| unknown(input))?;
            Ok((after, Frame::NewConnectionId { id }))
        }
        0x1a => take(8_usize).parse(input).map(|(rest, _)| (rest, Frame::Other("PC"))),
        0x1b => take(8_usize).parse(input).map(|(rest, _)| (rest, Frame::Other("PR"))),
        0x1d => {
            let (after, (code, reason)) = (varint, counted).parse(input)?;
            Ok((after, Frame::ConnectionClose { code, by_application: true, reason }))
        }
        0x1e => Ok((input, Frame::HandshakeDone)),
        0x30 => rest(input).map(|(rest, _)| (rest, Frame::Data { name: "DG" })),
        0x31 => counted(input).map(|(rest, _)| (rest, Frame::Data { name: "DG" })),
        _ => Err(unknown(input)),
    }
}

fn ack(input: &[u8], counts_ecn: bool) -> IResult<&[u8], Frame<'_>> {
    let (mut rest, (_largest, _delay, ranges, _first)) = (varint, varint, varint, varint).parse(input)?;
    // A range takes two bytes at least, so a count that lies ends with the payload.
    for _ in 0..ranges {
        (rest, _) = (varint, varint).parse(rest)?;
    }
    if counts_ecn {
        (rest, _) = (varint, varint, varint).parse(rest)?;
    }
    Ok((rest, Frame::Other("ACK")))
}

fn counted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (rest, length) = varint(input)?;
    take(usize::try_from(length).unwrap_or(usize::MAX)).parse(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(payload: &[u8], level: Level) -> Vec<Frame<'_>> {
        frames(payload, level, false).collect()
    }

    #[test]
    fn all_kinds_of_the_handshake_in_a_row() {
        let payload = [
            &[0, 0, 1][..],
            &[2, 5, 0, 1, 0, 1, 1],
            &[3, 5, 0, 0, 0, 1, 2, 3],
            &[6, 0x40, 0x80, 2, 7, 8],
            &[0x1c, 0x0a, 6, 2, b'n', b'o', 0],
        ]
        .concat();
        let expected = [
            Frame::Padding,
            Frame::Other("PING"),
            Frame::Other("ACK"),
            Frame::Other("ACK"),
            Frame::Crypto { offset: 128, bytes: &[7, 8] },
            Frame::ConnectionClose { code: 10, by_application: false, reason: b"no" },
            Frame::Padding,
        ];
        for level in [Level::Initial, Level::Handshake, Level::Application] {
            assert_eq!(read(&payload, level), expected);
        }
    }

    #[test]
    fn all_kinds_of_1_rtt_in_a_row() {
        let id = [&[0x18, 1, 0, 4, 9, 8, 7, 6][..], &[0; 16]].concat();
        let payload = [
            &[4, 0, 1, 2, 5, 0, 1, 7, 2, 1, 1][..],
            &[0x0e, 4, 1, 2, 7, 7, 0x0a, 0, 1, 9],
            &[0x10, 1, 0x11, 1, 2, 0x12, 1, 0x13, 1, 0x14, 1, 0x15, 1, 2, 0x16, 1, 0x17, 1],
            &id,
            &[0x19, 0, 0x1a, 1, 2, 3, 4, 5, 6, 7, 8, 0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x1d, 0x41, 0, 0, 0x1e, 0x31, 1, 1, 0x1f, 0x24, 1, 2, 3, 4, 0x40, 0xaf, 1, 2, 3, 4],
            &[0x0d, 4, 0, 1, 2, 3],
        ]
        .concat();
        let found = read(&payload, Level::Application);
        let names: Vec<&str> = found.iter().map(Frame::name).collect();
        assert_eq!(
            names.join(" "),
            "RS SS NT STREAM STREAM MD MSD MS MS DB SDB SB SB NCI RC PC PR CC DONE DG IA RSA AF STREAM"
        );
        assert!(found.contains(&Frame::NewConnectionId { id: ConnectionId::new(&[9, 8, 7, 6]).unwrap() }));
        assert!(found.contains(&Frame::ConnectionClose { code: 256, by_application: true, reason: b"" }));
        assert_eq!(read(&payload, Level::Handshake), []);
        assert_eq!(read(&[0x30, 1, 2], Level::Early), [Frame::Data { name: "DG" }]);
    }

    #[test]
    fn a_stream_frame_is_not_allowed_and_a_cut_one_is_not_believed() {
        assert_eq!(read(&[1, 0x08, 0, 1], Level::Initial), [Frame::Other("PING")]);
        assert_eq!(read(&[6, 0, 3, 1, 2], Level::Initial), []);
        assert_eq!(read(&[0x0a, 0, 3, 1, 2], Level::Application), []);
        assert_eq!(read(&[0x18, 0, 0, 21, 1, 2], Level::Application), []);
        let lies = [2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0];
        assert_eq!(read(&lies, Level::Initial), []);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            for level in [Level::Initial, Level::Application] {
                prop_assert!(read(&bytes, level).len() <= bytes.len());
            }
            prop_assert!(frames(&bytes, Level::Initial, true).count() <= bytes.len());
        }
    }
}
