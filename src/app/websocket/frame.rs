//! WebSocket frames (RFC 6455 5.2).
use nom::{
    IResult, Parser,
    combinator::cond,
    number::streaming::{be_u8, be_u16, be_u32, be_u64},
};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
    /// 3 to 7 and 11 to 15.
    Reserved,
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub last: bool,
    /// RSV1, RSV2 and RSV3 as three bits.
    pub reserved_bits: u8,
    pub opcode: u8,
    pub key: Option<[u8; 4]>,
    pub length: u64,
    /// The length took more bytes than it needs.
    pub length_too_wide: bool,
}

impl Head {
    pub fn kind(&self) -> Kind {
        match self.opcode {
            0 => Kind::Continuation,
            1 => Kind::Text,
            2 => Kind::Binary,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            _ => Kind::Reserved,
        }
    }

    pub fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }
}

/// Reads a head; what follows is the payload.
pub fn head(bytes: &[u8]) -> IResult<&[u8], Head> {
    let (rest, (first, second)) = (be_u8, be_u8).parse(bytes)?;
    let (rest, length) = match second & 0x7f {
        126 => be_u16.map(u64::from).parse(rest)?,
        127 => be_u64.parse(rest)?,
        short => (rest, u64::from(short)),
    };
    let least = match second & 0x7f {
        126 => 126,
        127 => 1 << 16,
        _ => 0,
    };
    let (rest, key) = cond(second & 0x80 != 0, be_u32).parse(rest)?;
    let head = Head {
        last: first & 0x80 != 0,
        reserved_bits: first >> 4 & 7,
        opcode: first & 15,
        key: key.map(u32::to_be_bytes),
        length,
        length_too_wide: length < least,
    };
    Ok((rest, head))
}

/// Takes the mask off (RFC 6455 5.3).
pub fn unmask(payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let key = key.unwrap_or_default();
    payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
}

/// Code and reason of a Close frame's payload; none when it is empty or a lone byte.
pub fn close(payload: &[u8]) -> Option<(u16, &[u8])> {
    payload.split_first_chunk().map(|(code, reason)| (u16::from_be_bytes(*code), reason))
}

/// Names of status codes (RFC 6455 7.4.1 and IANA's registry).
pub fn close_name(code: u16) -> Option<&'static str> {
    Some(match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status received",
        1006 => "abnormal closure",
        1007 => "invalid payload data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        1015 => "TLS handshake",
        3000 => "unauthorized",
        3003 => "forbidden",
        3008 => "timeout",
        _ => return None,
    })
}

/// Whether an endpoint may send this code: 1004, 1005, 1006 and 1015 stand for what was never sent.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 6455 5.7.
    #[test]
    fn examples_of_the_rfc() {
        let (payload, one) = head(&[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).unwrap();
        assert_eq!((one.kind(), one.last, one.key, one.length, payload), (Kind::Text, true, None, 5, &b"Hello"[..]));
        let masked = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let (payload, one) = head(&masked).unwrap();
        assert_eq!(unmask(payload, one.key), b"Hello");
        assert!(!head(&[0x01, 0x03, 0x48]).unwrap().1.last);
        assert_eq!(head(&[0x89, 0x05]).unwrap().1.kind(), Kind::Ping);
        assert_eq!(head(&[0x82, 0x7e, 0x01, 0x00]).unwrap().1.length, 256);
        assert_eq!(head(&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap().1.length, 65536);
        assert!(head(&[0x82, 0x7e, 0x00, 0x05]).unwrap().1.length_too_wide);
        assert_eq!(close(&[0x03, 0xe8, b'o', b'k']), Some((1000, &b"ok"[..])));
        assert_eq!(close(&[0x03]), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok((rest, head)) = head(&bytes) {
                prop_assert!(rest.len() <= bytes.len());
                let _ = (head.kind(), head.is_control(), unmask(rest, head.key), close(rest));
            }
        }
    }
}
