//! Classic pcap (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, Kuznetsov's longer record header,
//! and the swapped lengths of very old writers.
use super::{
    field::{ByteOrder, length},
    kept::{self, Counting, What},
    tally::{Found, Parsed},
};
use crate::{
    limits,
    record::{Capture, Interface, LinkType, Timestamp},
};

/// Bytes of the file header.
pub(super) const FILE_HEADER_BYTES: usize = 24;
const RECORD_HEADER_BYTES: usize = 16;
/// Kuznetsov's patched libpcap adds interface index, protocol, packet type and padding.
const MODIFIED_RECORD_HEADER_BYTES: usize = 24;
/// libpcap's MAXIMUM_SNAPLEN: a record may be so long whatever the snap length says (writers often lie there).
const USUAL_LARGEST_RECORD: usize = 262_144;

/// How `caplen` and `len` stand in a record: version 2.3 changed their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LengthOrder {
    Usual,
    Swapped,
    /// Version 2.3 had writers of both kinds: the captured length is the smaller one.
    Smaller,
}

/// A pcap file whose header has been read.
#[derive(Debug)]
pub(super) struct Pcap {
    order: ByteOrder,
    /// Nanoseconds per unit of the fraction: 1000 or 1.
    fraction_ns: i64,
    record_header: usize,
    lengths: LengthOrder,
    snap_length: u32,
    /// Length of the frame check sequence in bits, where it is told.
    check_bits: Option<u8>,
    /// Longest record that is believed.
    largest: usize,
    link_type: LinkType,
}

/// The four bytes that open a pcap file, in every spelling: order, nanoseconds per unit, modified.
fn magic(bytes: &[u8]) -> Option<(ByteOrder, i64, bool)> {
    Some(match *bytes.first_chunk()? {
        [0xa1, 0xb2, 0xc3, 0xd4] => (ByteOrder::Big, 1000, false),
        [0xd4, 0xc3, 0xb2, 0xa1] => (ByteOrder::Little, 1000, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (ByteOrder::Big, 1, false),
        [0x4d, 0x3c, 0xb2, 0xa1] => (ByteOrder::Little, 1, false),
        [0xa1, 0xb2, 0xcd, 0x34] => (ByteOrder::Big, 1000, true),
        [0x34, 0xcd, 0xb2, 0xa1] => (ByteOrder::Little, 1000, true),
        _ => return None,
    })
}

/// Whether these first bytes open a pcap file.
pub(super) fn recognised(bytes: &[u8]) -> bool {
    magic(bytes).is_some()
}

impl Pcap {
    /// Reads the file header; none when it is not there in full.
    pub(super) fn open(bytes: &[u8]) -> Option<Self> {
        let (order, fraction_ns, modified) = magic(bytes)?;
        let major = order.u16(bytes, 4)?;
        let minor = order.u16(bytes, 6)?;
        let snap_length = order.u32(bytes, 16)?;
        let network = order.u32(bytes, 20)?;
        // libpcap's rule; 543.0 was written by Digital UNIX.
        let lengths = match (major, minor) {
            (2, 0..=2) | (543, 0) => LengthOrder::Swapped,
            (2, 3) => LengthOrder::Smaller,
            _ => LengthOrder::Usual,
        };
        Some(Self {
            order,
            fraction_ns,
            record_header: if modified { MODIFIED_RECORD_HEADER_BYTES } else { RECORD_HEADER_BYTES },
            lengths,
            snap_length,
            // The F bit, and above it the length in units of 16 bits.
            check_bits: (network & 1 << 26 != 0).then(|| u8::try_from((network >> 28).saturating_mul(16)).unwrap_or(0)),
            largest: length(snap_length).clamp(USUAL_LARGEST_RECORD, limits::MAX_PACKET_BYTES),
            link_type: LinkType::from_file(network),
        })
    }

    /// Finds the records in `bytes`, which start at `offset` of the file.
    pub(super) fn parse(&self, bytes: &[u8], offset: u64, found: &mut Found<'_>) -> Parsed {
        match self.order {
            ByteOrder::Little => self.records(bytes, offset, found, u32::from_le_bytes),
            ByteOrder::Big => self.records(bytes, offset, found, u32::from_be_bytes),
        }
    }

    /// The walk over the records: the hottest loop of the room, so it is compiled once per byte order.
    #[inline]
    fn records(&self, bytes: &[u8], offset: u64, found: &mut Found<'_>, int: impl Fn([u8; 4]) -> u32) -> Parsed {
        let mut consumed = 0_usize;
        loop {
            let rest = bytes.get(consumed..).unwrap_or_default();
            let Some([s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3]) = rest.first_chunk() else {
                return Parsed { consumed, need: self.record_header, ..Parsed::default() };
            };
            let seconds = int([*s0, *s1, *s2, *s3]);
            let fraction = int([*f0, *f1, *f2, *f3]);
            let (first, second) = (int([*c0, *c1, *c2, *c3]), int([*w0, *w1, *w2, *w3]));
            let (captured, wire) = match self.lengths {
                LengthOrder::Usual => (first, second),
                LengthOrder::Swapped => (second, first),
                LengthOrder::Smaller => (first.min(second), first.max(second)),
            };
            if length(captured) > self.largest {
                let at = offset.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
                let largest = self.largest;
                found.tally.damage(at, || {
                    format!("a packet record claims {captured} captured bytes, at most {largest} are believable here; the rest of the file was not read")
                });
                return Parsed { consumed, stop: true, ..Parsed::default() };
            }
            let need = self.record_header.saturating_add(length(captured));
            if rest.len() < need {
                return Parsed { consumed, need, ..Parsed::default() };
            }
            // A fraction beyond a second is carried over, as tcpdump and Wireshark show it.
            let nanoseconds = i64::from(fraction).saturating_mul(self.fraction_ns);
            let timestamp = Timestamp::from_parts(i64::from(seconds), nanoseconds);
            let start = consumed.saturating_add(self.record_header);
            found.packet(timestamp, start, captured, wire, 0, self.link_type);
            consumed = consumed.saturating_add(need);
        }
    }

    /// Why the file ends badly when `rest` is left over.
    pub(super) fn cut(&self, rest: &[u8]) -> String {
        let captured = match self.lengths {
            LengthOrder::Swapped => self.order.u32(rest, 12),
            _ => self.order.u32(rest, 8),
        };
        match captured {
            Some(captured) if rest.len() >= self.record_header => {
                let present = rest.len().saturating_sub(self.record_header);
                format!("the file ends inside a packet: {present} of {captured} captured bytes are there")
            }
            _ => format!(
                "the file ends inside a packet record's header: {} of {} bytes are there",
                rest.len(),
                self.record_header
            ),
        }
    }

    /// What the file header says of the one interface.
    pub(super) fn kept(&self) -> What {
        let mut options = Vec::new();
        if self.fraction_ns == 1 {
            // if_tsresol: nanoseconds. Without it they are microseconds.
            kept::add_option(&mut options, 9, &[9]);
        }
        if let Some(bits) = self.check_bits {
            kept::add_option(&mut options, 13, &[bits]);
        }
        What::Interface {
            index: 0,
            link_type: self.link_type.0,
            snap_length: self.snap_length,
            clock: Counting { unit_ns: self.fraction_ns.unsigned_abs(), offset_seconds: 0 },
            check_bits: self.check_bits,
            options,
        }
    }

    /// Fills in what the file header says.
    pub(super) fn describe(&self, capture: &mut Capture) {
        let snap_length = (self.snap_length > 0).then(|| u64::from(self.snap_length));
        capture.byte_order = Some(self.order.name().to_owned());
        capture.snap_length = snap_length;
        capture.link_types = vec![self.link_type.name().into_owned()];
        capture.interfaces = vec![Interface {
            name: None,
            link_type: self.link_type.name().into_owned(),
            snap_length,
            ..Interface::default()
        }];
    }
}
