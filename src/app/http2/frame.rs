//! Frames of HTTP/2 (RFC 9113 4 and 6), without copying: heads are framed with streaming parsers, payloads are read whole.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    combinator::{map, rest},
    number::{complete, streaming},
};

/// What a client's stream begins with (RFC 9113 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 9;

/// Longest payload unless the receiver allows more, in bytes (RFC 9113 4.2).
pub const DEFAULT_FRAME_BYTES: u32 = 16_384;

/// Type of a frame (RFC 9113 6; RFC 9218 7.1 for the last).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    Goaway,
    WindowUpdate,
    Continuation,
    PriorityUpdate,
    /// An extension: passed over (RFC 9113 5.5).
    Other,
}

/// A frame's head (RFC 9113 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the payload.
    pub length: u32,
    /// Type as on the wire.
    pub number: u8,
    /// Flags as on the wire; what they mean depends on the type.
    pub flags: u8,
    /// Stream, without the reserved bit.
    pub stream: u32,
    /// The reserved bit, which senders leave unset.
    pub reserved: bool,
}

/// Reads a head: nine octets.
///
/// # Errors
/// Incomplete when there are fewer.
pub fn head(input: &[u8]) -> IResult<&[u8], Head> {
    let numbers = (streaming::be_u24, streaming::u8, streaming::u8, streaming::be_u32);
    map(numbers, |(length, number, flags, stream)| Head {
        length,
        number,
        flags,
        stream: stream & 0x7fff_ffff,
        reserved: stream >> 31 != 0,
    })
    .parse(input)
}

impl Head {
    const END_STREAM: u8 = 0x01;
    const ACK: u8 = 0x01;
    const END_HEADERS: u8 = 0x04;
    const PADDED: u8 = 0x08;
    const PRIORITY: u8 = 0x20;

    /// The type.
    pub fn kind(self) -> Kind {
        match self.number {
            0 => Kind::Data,
            1 => Kind::Headers,
            2 => Kind::Priority,
            3 => Kind::RstStream,
            4 => Kind::Settings,
            5 => Kind::PushPromise,
            6 => Kind::Ping,
            7 => Kind::Goaway,
            8 => Kind::WindowUpdate,
            9 => Kind::Continuation,
            16 => Kind::PriorityUpdate,
            _ => Kind::Other,
        }
    }

    /// Bytes of the payload.
    pub fn payload_bytes(self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }

    /// Bytes of the frame, its head included.
    pub fn frame_bytes(self) -> usize {
        self.payload_bytes().saturating_add(HEAD_BYTES)
    }

    /// The sender's part of the stream ends with this frame, or with the CONTINUATION frames that belong to it.
    pub fn ends_stream(self) -> bool {
        matches!(self.kind(), Kind::Data | Kind::Headers) && self.flags & Self::END_STREAM != 0
    }

    /// The header block ends with this frame.
    pub fn ends_headers(self) -> bool {
        self.flags & Self::END_HEADERS != 0
    }

    /// SETTINGS or PING that answers one.
    pub fn is_ack(self) -> bool {
        self.flags & Self::ACK != 0
    }

    /// A padding follows, its length in front.
    pub fn is_padded(self) -> bool {
        matches!(self.kind(), Kind::Data | Kind::Headers | Kind::PushPromise) && self.flags & Self::PADDED != 0
    }

    /// What a receiver would refuse about it (RFC 9113 4.2 and 6): a length or stream that its type does not allow.
    pub fn fault(self) -> Option<&'static str> {
        let wrong_length = match self.kind() {
            Kind::Data => self.is_padded() && self.length < 1,
            Kind::Headers => self.length < self.prefix_bytes(),
            Kind::PushPromise => self.length < self.prefix_bytes().saturating_add(4),
            Kind::Priority => self.length != 5,
            Kind::RstStream | Kind::WindowUpdate => self.length != 4,
            Kind::Settings => !self.length.is_multiple_of(6) || (self.is_ack() && self.length > 0),
            Kind::Ping => self.length != 8,
            Kind::Goaway => self.length < 8,
            Kind::PriorityUpdate => self.length < 4,
            Kind::Continuation | Kind::Other => false,
        };
        let wrong_stream = match self.kind() {
            Kind::Data | Kind::Headers | Kind::Priority | Kind::RstStream | Kind::PushPromise | Kind::Continuation => {
                self.stream == 0
            }
            Kind::Settings | Kind::Ping | Kind::Goaway | Kind::PriorityUpdate => self.stream != 0,
            Kind::WindowUpdate | Kind::Other => false,
        };
        match (wrong_length, wrong_stream) {
            (true, _) => Some("a length that its type does not have"),
            (_, true) => Some("a stream that its type does not belong to"),
            _ => None,
        }
    }

    /// Bytes in front of a header block: the padding's length, the priority.
    fn prefix_bytes(self) -> u32 {
        let padding = if self.is_padded() { 1_u32 } else { 0 };
        let priority = if self.kind() == Kind::Headers && self.flags & Self::PRIORITY != 0 { 5 } else { 0 };
        padding.saturating_add(priority)
    }

    /// Whether bytes that are not known to be a frame may be taken for one: only what real senders write, no longer than
    /// `longest`. Two or three in a row are no accident.
    pub fn is_plausible(self, longest: u32) -> bool {
        let known_flags = match self.kind() {
            Kind::Data => 0x09,
            Kind::Headers => 0x2d,
            Kind::PushPromise => 0x0c,
            Kind::Settings | Kind::Ping => 0x01,
            Kind::Continuation => 0x04,
            Kind::Priority | Kind::RstStream | Kind::Goaway | Kind::WindowUpdate | Kind::PriorityUpdate => 0,
            Kind::Other => return false,
        };
        let longest = match self.kind() {
            // The settings that are defined, and some.
            Kind::Settings => 6 * 24,
            Kind::Goaway | Kind::PriorityUpdate => 1024,
            _ => longest,
        };
        // Ids above this need eight million requests on one connection; other protocols' zeros and numbers do not.
        let usual_stream = self.stream < 1 << 24;
        self.fault().is_none()
            && !self.reserved
            && self.flags & !known_flags == 0
            && self.length <= longest
            && usual_stream
    }
}

/// What a payload holds besides padding: bytes without it, and the padding's length.
pub fn without_padding(head: Head, payload: &[u8]) -> Option<&[u8]> {
    if !head.is_padded() {
        return Some(payload);
    }
    let (padding, content) = payload.split_first()?;
    content.get(..content.len().checked_sub(usize::from(*padding))?)
}

/// The fragment of a header block in HEADERS; priorities say nothing that endpoints still heed (RFC 9113 5.3.2).
pub fn headers(head: Head, payload: &[u8]) -> Option<&[u8]> {
    let content = without_padding(head, payload)?;
    content.get(if head.flags & Head::PRIORITY != 0 { 5 } else { 0 }..)
}

/// PUSH_PROMISE: the promised stream, and the fragment of a header block.
pub fn push_promise(head: Head, payload: &[u8]) -> Option<(u32, &[u8])> {
    let parsed: IResult<&[u8], (u32, &[u8])> = (complete::be_u32, rest).parse(without_padding(head, payload)?);
    parsed.ok().map(|(_, (stream, fragment))| (stream & 0x7fff_ffff, fragment))
}

/// SETTINGS: identifiers with their values (RFC 9113 6.5.1).
pub fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> {
    payload.chunks_exact(6).filter_map(|setting| {
        let parsed: IResult<&[u8], (u16, u32)> = (complete::be_u16, complete::be_u32).parse(setting);
        parsed.ok().map(|(_, setting)| setting)
    })
}

/// GOAWAY: the last stream its sender may have acted on, the error code, and the length of what follows.
pub fn goaway(payload: &[u8]) -> Option<(u32, u32)> {
    let parsed: IResult<&[u8], (u32, u32)> = (complete::be_u32, complete::be_u32).parse(payload);
    parsed.ok().map(|(_, (last, code))| (last & 0x7fff_ffff, code))
}

/// The number in RST_STREAM (an error code) or WINDOW_UPDATE (an increment).
pub fn number(payload: &[u8]) -> Option<u32> {
    let parsed: IResult<&[u8], &[u8]> = take(4_usize).parse(payload);
    let (_, four) = parsed.ok()?;
    four.try_into().ok().map(u32::from_be_bytes)
}

/// SETTINGS_INITIAL_WINDOW_SIZE.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// SETTINGS_MAX_FRAME_SIZE.
pub const MAX_FRAME_SIZE: u16 = 5;

/// An error code's name (RFC 9113 7).
pub fn error_name(code: u32) -> Option<&'static str> {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(usize::try_from(code).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Head {
        head(bytes).unwrap().1
    }

    #[test]
    fn heads() {
        let bytes = [0, 0x40, 1, 1, 0x25, 0x80, 0, 0, 13];
        for cut in 0..bytes.len() {
            assert!(head(&bytes[..cut]).unwrap_err().is_incomplete());
        }
        let head = read(&bytes);
        assert_eq!((head.length, head.kind(), head.stream, head.reserved), (16_385, Kind::Headers, 13, true));
        assert!(head.ends_stream() && head.ends_headers() && !head.is_padded() && head.fault().is_none());
        assert!(!head.is_plausible(DEFAULT_FRAME_BYTES));
    }

    #[test]
    fn payloads() {
        let padded = read(&[0, 0, 10, 1, 0x2c, 0, 0, 0, 1]);
        assert_eq!(headers(padded, &[2, 0, 0, 0, 0, 15, 0x82, 0x84, 0, 0]), Some(&[0x82, 0x84][..]));
        // More padding than payload (RFC 9113 6.2), and a priority that is cut.
        assert_eq!(headers(padded, &[9, 0, 0, 0, 0, 15, 0x82, 0x84, 0]), None);
        assert_eq!(headers(padded, &[6, 0, 0, 0, 0, 15, 0x82, 0x84, 0, 0]), None);
        let promise = read(&[0, 0, 5, 5, 4, 0, 0, 0, 1]);
        assert_eq!(push_promise(promise, &[0x80, 0, 0, 2, 0x82]), Some((2, &[0x82][..])));
        assert_eq!(push_promise(promise, &[0, 0, 2]), None);
        assert_eq!(settings(&[0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 100, 9]).collect::<Vec<_>>(), [(4, 65536), (3, 100)]);
        assert_eq!(goaway(&[0, 0, 0, 4, 0, 0, 0, 11, b'x']), Some((4, 11)));
        assert_eq!((number(&[0, 0, 0, 8]), number(&[0, 0, 0])), (Some(8), None));
        assert_eq!((error_name(8), error_name(14)), (Some("CANCEL"), None));
    }

    #[test]
    fn what_no_sender_writes() {
        for (bytes, plausible) in [
            ([0, 0, 0, 4, 1, 0, 0, 0, 0], true),
            ([0, 0, 6, 4, 1, 0, 0, 0, 0], false),
            ([0, 0, 5, 4, 0, 0, 0, 0, 0], false),
            ([0, 0, 6, 4, 0, 0, 0, 0, 1], false),
            ([0, 0, 8, 6, 0, 0, 0, 0, 0], true),
            ([0, 0, 0, 0, 0, 0, 0, 0, 0], false),
            ([0, 0, 0, 0, 1, 0, 0, 0, 1], true),
            ([0, 0x40, 0, 0, 8, 0, 0, 0, 1], true),
            ([0, 0x40, 1, 0, 8, 0, 0, 0, 1], false),
            ([0, 0, 4, 8, 0, 0, 0, 0, 0], true),
            ([0, 0, 4, 3, 0, 0, 0, 0, 0], false),
            // Modbus: transaction and protocol 0, six more bytes, unit 1, function 3.
            ([0, 0, 0, 0, 0, 6, 1, 3, 0], false),
            (*b"GET / HTT", false),
        ] {
            assert_eq!(read(&bytes).is_plausible(DEFAULT_FRAME_BYTES), plausible, "{bytes:02x?}");
        }
    }
}
