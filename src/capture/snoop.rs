//! Solaris snoop files (RFC 1761): big-endian, microseconds, records padded to a stated length.
use super::{
    field::{ByteOrder, length},
    tally::{Found, Parsed},
};
use crate::{
    limits,
    record::{Capture, Interface, LinkType, Timestamp},
};

/// Bytes of the file header.
pub(super) const FILE_HEADER_BYTES: usize = 16;
/// The identification pattern.
pub(super) const MAGIC: &[u8; 8] = b"snoop\0\0\0";
const RECORD_HEADER_BYTES: usize = 24;
const ORDER: ByteOrder = ByteOrder::Big;

/// A snoop file whose header has been read.
#[derive(Debug)]
pub(super) struct Snoop {
    link_type: LinkType,
    /// "Cumulative drops" of the last record.
    dropped: u32,
}

impl Snoop {
    /// Reads the file header; none when it is not there in full.
    pub(super) fn open(bytes: &[u8]) -> Option<Self> {
        // RFC 1761's datalink types and their equals in the tcpdump registry; others become one that nobody decodes.
        let link_type = match ORDER.u32(bytes, 12)? {
            0 | 4 => LinkType::ETHERNET,
            1 | 2 => LinkType(6),
            5 => LinkType(50),
            8 => LinkType(10),
            _ => LinkType(u16::MAX),
        };
        Some(Self { link_type, dropped: 0 })
    }

    /// The link type of its packets.
    pub(super) fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// Finds the records in `bytes`, which start at `offset` of the file.
    pub(super) fn parse(&mut self, bytes: &[u8], offset: u64, found: &mut Found<'_>) -> Parsed {
        let mut consumed = 0_usize;
        loop {
            let rest = bytes.get(consumed..).unwrap_or_default();
            let field = |at| ORDER.u32(rest, at);
            let (Some(wire), Some(captured), Some(record), Some(dropped), Some(seconds), Some(microseconds)) =
                (field(0), field(4), field(8), field(12), field(16), field(20))
            else {
                return Parsed { consumed, need: RECORD_HEADER_BYTES, ..Parsed::default() };
            };
            let need = length(record);
            let end_of_packet = RECORD_HEADER_BYTES.saturating_add(length(captured));
            if need < end_of_packet || end_of_packet > limits::MAX_PACKET_BYTES || need > limits::MAX_BLOCK_BYTES {
                let at = offset.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
                found.tally.damage(at, || {
                    format!(
                        "a record of {record} bytes claims {captured} captured bytes; the rest of the file was not read"
                    )
                });
                return Parsed { consumed, stop: true, ..Parsed::default() };
            }
            if rest.len() < need {
                return Parsed { consumed, need, ..Parsed::default() };
            }
            self.dropped = dropped;
            let timestamp = Timestamp::from_parts(i64::from(seconds), i64::from(microseconds).saturating_mul(1000));
            let start = consumed.saturating_add(RECORD_HEADER_BYTES);
            found.packet(timestamp, start, captured, wire, 0, self.link_type);
            consumed = consumed.saturating_add(need);
        }
    }

    /// Fills in what the file header says.
    pub(super) fn describe(&self, capture: &mut Capture) {
        capture.byte_order = Some(ORDER.name().to_owned());
        capture.link_types = vec![self.link_type.name().into_owned()];
        let dropped = Some(u64::from(self.dropped));
        capture.dropped = dropped;
        capture.interfaces =
            vec![Interface { link_type: self.link_type.name().into_owned(), dropped, ..Interface::default() }];
    }
}
