//! TCP's header and options (RFC 9293 section 3.1). What the numbers mean over time is for `flow::tcp`.
use std::fmt;

use etherparse::TcpHeaderSlice;

use crate::record::Value;

use super::{
    Decoded, Layered, TransportHeader, Violation,
    describe::{Fields, Scene, colon_hex},
    read::{u8_at, u16_at, u32_at},
    short_headers,
    walk::{Next, Visitor, Walk},
};

/// Length of the header without options.
pub(super) const MIN_LENGTH: usize = 20;

/// The control bits, the three above the classic nine included when they are set (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u16);

#[allow(missing_docs)] // each is named like the bit
impl TcpFlags {
    pub const FIN: Self = Self(0x001);
    pub const SYN: Self = Self(0x002);
    pub const RST: Self = Self(0x004);
    pub const PSH: Self = Self(0x008);
    pub const ACK: Self = Self(0x010);
    pub const URG: Self = Self(0x020);
    pub const ECE: Self = Self(0x040);
    pub const CWR: Self = Self(0x080);
    /// Nonce sum (RFC 3540), now Accurate ECN (RFC 9768).
    pub const AE: Self = Self(0x100);

    /// Whether all bits of `other` are set.
    #[inline]
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[inline]
    #[must_use]
    pub fn fin(self) -> bool {
        self.contains(Self::FIN)
    }

    #[inline]
    #[must_use]
    pub fn syn(self) -> bool {
        self.contains(Self::SYN)
    }

    #[inline]
    #[must_use]
    pub fn rst(self) -> bool {
        self.contains(Self::RST)
    }

    #[inline]
    #[must_use]
    pub fn psh(self) -> bool {
        self.contains(Self::PSH)
    }

    #[inline]
    #[must_use]
    pub fn ack(self) -> bool {
        self.contains(Self::ACK)
    }

    #[inline]
    #[must_use]
    pub fn urg(self) -> bool {
        self.contains(Self::URG)
    }

    #[inline]
    #[must_use]
    pub fn ece(self) -> bool {
        self.contains(Self::ECE)
    }

    #[inline]
    #[must_use]
    pub fn cwr(self) -> bool {
        self.contains(Self::CWR)
    }

    #[inline]
    #[must_use]
    pub fn ae(self) -> bool {
        self.contains(Self::AE)
    }
}

impl fmt::Display for TcpFlags {
    /// As Wireshark's Info column: `SYN, ACK`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::FIN, "FIN"),
            (Self::SYN, "SYN"),
            (Self::RST, "RST"),
            (Self::PSH, "PSH"),
            (Self::ACK, "ACK"),
            (Self::URG, "URG"),
            (Self::ECE, "ECE"),
            (Self::CWR, "CWR"),
            (Self::AE, "AE"),
        ];
        let mut first = true;
        for (_, name) in names.iter().filter(|(flag, _)| self.contains(*flag)) {
            if !first {
                f.write_str(", ")?;
            }
            first = false;
            f.write_str(name)?;
        }
        if first { f.write_str("<None>") } else { Ok(()) }
    }
}

/// The fixed part of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHeader {
    /// Port of the sender.
    pub source_port: u16,
    /// Port of the receiver.
    pub destination_port: u16,
    /// Of the first byte of payload, or of the SYN.
    pub sequence_number: u32,
    /// Next byte expected, when [`TcpFlags::ACK`] is set.
    pub acknowledgment_number: u32,
    /// Length of the header with its options, in bytes.
    pub data_offset: u8,
    /// Control bits.
    pub flags: TcpFlags,
    /// Receive window as on the wire, not scaled.
    pub window: u16,
    /// Checksum as on the wire.
    pub checksum: u16,
    /// End of the urgent data, when [`TcpFlags::URG`] is set.
    pub urgent_pointer: u16,
}

impl TcpHeader {
    /// The header at the start of `bytes`, when its 20 bytes are there.
    #[inline]
    #[must_use]
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[s0, s1, d0, d1, n0, n1, n2, n3, a0, a1, a2, a3, offset, flags, w0, w1, c0, c1, u0, u1] =
            bytes.first_chunk::<MIN_LENGTH>()?;
        Some(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            sequence_number: u32::from_be_bytes([n0, n1, n2, n3]),
            acknowledgment_number: u32::from_be_bytes([a0, a1, a2, a3]),
            data_offset: (offset >> 4).wrapping_mul(4),
            flags: TcpFlags(u16::from_be_bytes([offset & 0x0f, flags])),
            window: u16::from_be_bytes([w0, w1]),
            checksum: u16::from_be_bytes([c0, c1]),
            urgent_pointer: u16::from_be_bytes([u0, u1]),
        })
    }
}

/// Reads the header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Ok(header) = TcpHeaderSlice::from_slice(here) else {
        return partial(walk, here);
    };
    let length = header.slice().len();
    let offset = walk.at;
    walk.enter(Layered::Tcp, length);
    walk.transport(TransportHeader::Tcp, offset);
    Next::Done
}

/// A header that is cut or has a bad length: the fixed part is used when it is there.
#[cold]
fn partial<V: Visitor>(walk: &mut Walk<'_, V>, here: &[u8]) -> Next {
    let Some(header) = TcpHeader::read(here) else {
        // The ports of a cut header are still worth naming (a quoted one has just eight bytes).
        if walk.quoted && here.len() >= 8 {
            walk.enter(Layered::Tcp, here.len());
        }
        return walk.short(Layered::Tcp, MIN_LENGTH);
    };
    let length = usize::from(header.data_offset);
    if length < MIN_LENGTH {
        let next = walk.invalid(Layered::Tcp, Violation::TcpDataOffset);
        walk.enter(Layered::Tcp, MIN_LENGTH);
        return next;
    }
    // The options are cut by the snap length, or do not fit the packet.
    let next = walk.short(Layered::Tcp, length);
    let offset = walk.at;
    let wire_payload = walk.wire_left().saturating_sub(length);
    walk.enter(Layered::Tcp, here.len());
    walk.transport(TransportHeader::Tcp, offset);
    if !walk.quoted {
        walk.decoded.payload_wire_length = super::read::narrow(wire_payload);
    }
    next
}

/// One option (IANA's registry of TCP option kinds). No-Operation and End of Option List are not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Largest segment the sender of the option will take, in bytes (RFC 9293).
    MaximumSegmentSize(u16),
    /// Shift count for the windows of the sender of the option (RFC 7323).
    WindowScale(u8),
    /// RFC 2018.
    SackPermitted,
    /// Blocks received out of order (RFC 2018).
    Sack(SackBlocks<'a>),
    /// RFC 7323.
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The receiver's clock as the sender last saw it.
        echo_reply: u32,
    },
    /// Cookie of TCP Fast Open, empty when one is asked for (RFC 7413).
    FastOpen(&'a [u8]),
    /// Multipath TCP, from the subtype on (RFC 8684).
    Mptcp(&'a [u8]),
    /// MD5 digest (RFC 2385).
    Md5(&'a [u8]),
    /// As on the wire: the first bit says minutes, else seconds (RFC 5482).
    UserTimeout(u16),
    /// Accurate ECN's byte counters (RFC 9768).
    AccEcn(&'a [u8]),
    /// Another kind, or one of the above with an unusual length.
    Unknown {
        /// IANA's number.
        kind: u8,
        /// What follows kind and length.
        data: &'a [u8],
    },
}

/// The blocks of a SACK option: left and right edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SackBlocks<'a>(&'a [u8]);

impl Iterator for SackBlocks<'_> {
    type Item = (u32, u32);

    #[inline]
    fn next(&mut self) -> Option<(u32, u32)> {
        let (block, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some((u32_at(block, 0)?, u32_at(block, 4)?))
    }
}

/// The options of a header, in order. Ends at End of Option List and at the first malformed option.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpOptions<'a>(&'a [u8]);

impl<'a> TcpOptions<'a> {
    /// Of the bytes behind the fixed header.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that were not read yet.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// Identifier of Fast Open among the experiments that share an option kind.
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];

/// No-Operation twice, then Timestamps: nearly every segment of a connection with timestamps (RFC 7323 appendix A).
const USUAL: [u8; 4] = [1, 1, 8, 10];

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        if let Some((usual, rest)) = self.0.split_first_chunk::<12>()
            && usual.starts_with(&USUAL)
        {
            self.0 = rest;
            return Some(TcpOption::Timestamps { value: u32_at(usual, 4)?, echo_reply: u32_at(usual, 8)? });
        }
        loop {
            let (kind, rest) = self.0.split_first()?;
            match kind {
                0 => {
                    self.0 = &[];
                    return None;
                }
                1 => self.0 = rest,
                _ => return self.option(*kind),
            }
        }
    }
}

impl<'a> TcpOptions<'a> {
    /// The option of `kind` that starts here.
    fn option(&mut self, kind: u8) -> Option<TcpOption<'a>> {
        let bytes = std::mem::take(&mut self.0);
        let length = usize::from(*bytes.get(1)?);
        let data = bytes.get(2..length)?;
        self.0 = bytes.get(length..)?;
        Some(match (kind, data.len()) {
            (2, 2) => TcpOption::MaximumSegmentSize(u16_at(data, 0)?),
            (3, 1) => TcpOption::WindowScale(*data.first()?),
            (4, 0) => TcpOption::SackPermitted,
            (5, 8..) if data.len().is_multiple_of(8) => TcpOption::Sack(SackBlocks(data)),
            (8, 8) => TcpOption::Timestamps { value: u32_at(data, 0)?, echo_reply: u32_at(data, 4)? },
            (19, 16) => TcpOption::Md5(data),
            (28, 2) => TcpOption::UserTimeout(u16_at(data, 0)?),
            (30, 1..) => TcpOption::Mptcp(data),
            (34, _) => TcpOption::FastOpen(data),
            // Before the option had a number of its own (RFC 7413 section 4.1.1, RFC 6994).
            (254, 2..) if data.starts_with(&FAST_OPEN_EXPERIMENT) => {
                TcpOption::FastOpen(data.get(FAST_OPEN_EXPERIMENT.len()..)?)
            }
            (172 | 174, _) => TcpOption::AccEcn(data),
            _ => TcpOption::Unknown { kind, data },
        })
    }
}

/// Fields of the header and its options.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("tcp.srcport", u16_at(bytes, 0));
    fields.number("tcp.dstport", u16_at(bytes, 2));
    fields.number("tcp.seq_raw", u32_at(bytes, 4));
    let Some(header) = TcpHeader::read(bytes) else { return };
    // With a header shorter than any can be, nothing says what the bytes beyond these are.
    let is_bogus = usize::from(header.data_offset) < MIN_LENGTH;
    if !is_bogus {
        fields.number("tcp.ack_raw", Some(header.acknowledgment_number));
    }
    fields.number("tcp.hdr_len", Some(header.data_offset));
    // A quoted segment is cut by whoever quotes it: how long it was is not known here.
    if !scene.quoted {
        fields.size("tcp.len", scene.wire_length.saturating_sub(usize::from(header.data_offset)));
    }
    if is_bogus {
        return;
    }
    let flags = header.flags;
    fields.number("tcp.flags", Some(flags.0));
    for (name, flag) in [
        ("tcp.flags.ae", TcpFlags::AE),
        ("tcp.flags.cwr", TcpFlags::CWR),
        ("tcp.flags.ece", TcpFlags::ECE),
        ("tcp.flags.urg", TcpFlags::URG),
        ("tcp.flags.ack", TcpFlags::ACK),
        ("tcp.flags.push", TcpFlags::PSH),
        ("tcp.flags.reset", TcpFlags::RST),
        ("tcp.flags.syn", TcpFlags::SYN),
        ("tcp.flags.fin", TcpFlags::FIN),
    ] {
        fields.flag(name, flags.contains(flag));
    }
    fields.number("tcp.window_size_value", Some(header.window));
    fields.number("tcp.checksum", Some(header.checksum));
    fields.status("tcp.checksum.status", scene.checksum(TransportHeader::Tcp));
    fields.number("tcp.urgent_pointer", Some(header.urgent_pointer));
    let options = bytes.get(MIN_LENGTH..scene.length).unwrap_or_default();
    option_kinds(fields, options);
    for option in TcpOptions(options) {
        option_fields(fields, option);
    }
}

/// Kinds and lengths of all options, No-Operation and End of Option List included.
fn option_kinds(fields: &mut Fields, options: &[u8]) {
    let (mut kinds, mut lengths, mut rest) = (Vec::new(), Vec::new(), options);
    while let Some(kind) = rest.first() {
        kinds.push(Value::Number((*kind).into()));
        let length = match kind {
            0 => break,
            1 => 1,
            _ => match rest.get(1) {
                Some(length @ 2..) => {
                    lengths.push(Value::Number((*length).into()));
                    usize::from(*length)
                }
                _ => break,
            },
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    fields.list("tcp.option_kind", kinds);
    fields.list("tcp.option_len", lengths);
}

fn option_fields(fields: &mut Fields, option: TcpOption<'_>) {
    match option {
        TcpOption::MaximumSegmentSize(size) => fields.number("tcp.options.mss_val", Some(size)),
        TcpOption::WindowScale(shift) => {
            fields.number("tcp.options.wscale.shift", Some(shift));
            fields.number("tcp.options.wscale.multiplier", 1u32.checked_shl(shift.min(14).into()));
        }
        TcpOption::SackPermitted => fields.flag("tcp.options.sack_perm", true),
        TcpOption::Sack(blocks) => {
            fields.list("tcp.options.sack_le", blocks.map(|(left, _)| Value::Number(left.into())).collect());
            fields.list("tcp.options.sack_re", blocks.map(|(_, right)| Value::Number(right.into())).collect());
        }
        TcpOption::Timestamps { value, echo_reply } => {
            fields.number("tcp.options.timestamp.tsval", Some(value));
            fields.number("tcp.options.timestamp.tsecr", Some(echo_reply));
        }
        TcpOption::FastOpen([]) => fields.flag("tcp.options.tfo.request", true),
        TcpOption::FastOpen(cookie) => fields.text("tcp.options.tfo.cookie", Some(colon_hex(cookie))),
        TcpOption::Mptcp(data) => short_headers::multipath(fields, data),
        TcpOption::Md5(digest) => fields.text("tcp.options.md5.digest", Some(colon_hex(digest))),
        TcpOption::UserTimeout(timeout) => {
            fields.flag("tcp.options.user_to_granularity", timeout & 0x8000 != 0);
            fields.number("tcp.options.user_to_val", Some(timeout & 0x7fff));
        }
        // Which counters are in it depends on its kind and length; kinds are listed above.
        TcpOption::AccEcn(_) => {}
        TcpOption::Unknown { kind: 29, data } => {
            fields.number("tcp.options.ao.keyid", u8_at(data, 0));
            fields.number("tcp.options.ao.rnextkeyid", u8_at(data, 1));
            fields.bytes("tcp.options.ao.mac", data.get(2..).unwrap_or_default());
        }
        TcpOption::Unknown { .. } => {}
    }
}

impl Decoded {
    /// The fixed TCP header, when the transport is TCP.
    #[inline]
    #[must_use]
    pub fn tcp_header(&self, bytes: &[u8]) -> Option<TcpHeader> {
        if self.transport != TransportHeader::Tcp {
            return None;
        }
        TcpHeader::read(bytes.get(self.transport_offset as usize..)?)
    }

    /// The options of the TCP header, as far as they are here.
    #[inline]
    #[must_use]
    pub fn tcp_options<'a>(&self, bytes: &'a [u8]) -> TcpOptions<'a> {
        if self.transport != TransportHeader::Tcp {
            return TcpOptions::default();
        }
        let start = (self.transport_offset as usize).saturating_add(MIN_LENGTH);
        TcpOptions(bytes.get(start..self.payload_offset as usize).unwrap_or_default())
    }
}
