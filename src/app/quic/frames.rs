//! Frames of Initial packets (RFC 9000, section 19; which are allowed there: section 12.4).
use nom::{
    IResult, Parser,
    bytes::complete::{take, take_while},
};

use crate::app::codec::varint::varint;

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A run of them.
    Padding,
    /// RFC 9000, section 19.2.
    Ping,
    /// RFC 9000, section 19.3.
    Ack,
    /// RFC 9000, section 19.6.
    Crypto {
        /// Place of the bytes in the stream of this encryption level.
        offset: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// RFC 9000, section 19.19.
    ConnectionClose {
        /// Error code (RFC 9000, section 20.1).
        code: u64,
        /// The sender's words.
        reason: &'a [u8],
    },
}

impl Frame<'_> {
    /// Wireshark's name in the Info column.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Padding => "PADDING",
            Self::Ping => "PING",
            Self::Ack => "ACK",
            Self::Crypto { .. } => "CRYPTO",
            Self::ConnectionClose { .. } => "CC",
        }
    }
}

/// The frames of a payload in order, up to the first that is malformed or not allowed in an Initial packet.
///
/// Google's versions with TLS number CRYPTO 0x08 and PING 0x07, and keep their own layout of the others.
pub fn frames(mut payload: &[u8], google: bool) -> impl Iterator<Item = Frame<'_>> {
    std::iter::from_fn(move || {
        let (rest, frame) = frame(payload, google).ok()?;
        payload = rest;
        Some(frame)
    })
}

fn frame(input: &[u8], google: bool) -> IResult<&[u8], Frame<'_>> {
    let (rest, kind) = varint(input)?;
    match kind {
        0x00 => take_while(|byte| byte == 0).parse(rest).map(|(rest, _)| (rest, Frame::Padding)),
        0x07 if google => Ok((rest, Frame::Ping)),
        0x01 if !google => Ok((rest, Frame::Ping)),
        0x02 | 0x03 if !google => ack(rest, kind == 0x03),
        _ if kind == if google { 0x08 } else { 0x06 } => {
            let (rest, (offset, bytes)) = (varint, counted).parse(rest)?;
            Ok((rest, Frame::Crypto { offset, bytes }))
        }
        0x1c if !google => {
            let (rest, (code, _frame_type, reason)) = (varint, varint, counted).parse(rest)?;
            Ok((rest, Frame::ConnectionClose { code, reason }))
        }
        _ => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Alt))),
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
    Ok((rest, Frame::Ack))
}

fn counted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (rest, length) = varint(input)?;
    take(usize::try_from(length).unwrap_or(usize::MAX)).parse(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_kinds_in_a_row() {
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
            Frame::Ping,
            Frame::Ack,
            Frame::Ack,
            Frame::Crypto { offset: 128, bytes: &[7, 8] },
            Frame::ConnectionClose { code: 10, reason: b"no" },
            Frame::Padding,
        ];
        assert_eq!(frames(&payload, false).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_stream_frame_is_not_allowed_and_a_cut_one_is_not_believed() {
        assert_eq!(frames(&[1, 0x08, 0, 1], false).collect::<Vec<_>>(), [Frame::Ping]);
        assert_eq!(frames(&[6, 0, 3, 1, 2], false).count(), 0);
        assert_eq!(frames(&[2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], false).count(), 0);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(frames(&bytes, false).count() <= bytes.len());
        }
    }
}
