//! SCTP (RFC 9260): the common header, the chunks, and the CRC32c over both.
use std::fmt::Write as _;

use super::{
    ChecksumStatus,
    describe::{Fields, Scene},
    read::{u8_at, u16_at, u32_at},
};
use crate::record::Value;

/// Length of the common header.
pub(super) const LENGTH: usize = 12;
/// Chunks looked at in one packet: what fits into 1500 bytes at the least length of a chunk.
const MOST: usize = 372;

/// Types of chunks (IANA's registry).
mod kind {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const I_DATA: u8 = 64;
}

fn name(chunk_type: u8) -> Option<&'static str> {
    Some(match chunk_type {
        kind::DATA => "DATA",
        kind::INIT => "INIT",
        kind::INIT_ACK => "INIT_ACK",
        kind::SACK => "SACK",
        4 => "HEARTBEAT",
        5 => "HEARTBEAT_ACK",
        6 => "ABORT",
        7 => "SHUTDOWN",
        8 => "SHUTDOWN_ACK",
        9 => "ERROR",
        10 => "COOKIE_ECHO",
        11 => "COOKIE_ACK",
        12 => "ECNE",
        13 => "CWR",
        14 => "SHUTDOWN_COMPLETE",
        15 => "AUTH",
        16 => "NR_SACK",
        kind::I_DATA => "I_DATA",
        128 => "ASCONF_ACK",
        130 => "RE_CONFIG",
        132 => "PAD",
        192 => "FORWARD_TSN",
        193 => "ASCONF",
        194 => "I_FORWARD_TSN",
        _ => return None,
    })
}

/// A chunk: its type, its flags, its length, and what is here of it, head included.
struct Chunk<'a> {
    kind: u8,
    flags: u8,
    length: u16,
    bytes: &'a [u8],
}

/// The chunks, as far as they are here.
fn chunks(packet: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = packet.get(LENGTH..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, flags, length) = (u8_at(rest, 0)?, u8_at(rest, 1)?, u16_at(rest, 2)?);
        if length < 4 {
            return None;
        }
        let end = usize::from(length);
        let bytes = rest.get(..end.min(rest.len())).unwrap_or_default();
        rest = rest.get(end.next_multiple_of(4)..).unwrap_or_default();
        Some(Chunk { kind, flags, length, bytes })
    })
    .take(MOST)
}

/// Fields of the header and of the chunks.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("sctp.srcport", u16_at(bytes, 0));
    fields.number("sctp.dstport", u16_at(bytes, 2));
    fields.number("sctp.verification_tag", u32_at(bytes, 4));
    fields.number("sctp.checksum", u32_at(bytes, 8));
    fields.status("sctp.checksum.status", scene.crc32c());
    let all: Vec<Chunk<'_>> = chunks(bytes).collect();
    fields.list("sctp.chunk_type", all.iter().map(|chunk| Value::Number(chunk.kind.into())).collect());
    fields.list("sctp.chunk_flags", all.iter().map(|chunk| Value::Number(chunk.flags.into())).collect());
    fields.list("sctp.chunk_length", all.iter().map(|chunk| Value::Number(chunk.length.into())).collect());
    let of = |kind: u8, read: &dyn Fn(&[u8]) -> Option<u64>| -> Vec<Value> {
        all.iter().filter(|chunk| chunk.kind == kind).filter_map(|chunk| read(chunk.bytes)).map(Value::Number).collect()
    };
    let u16s = |kind, at| of(kind, &|bytes| u16_at(bytes, at).map(u64::from));
    let u32s = |kind, at| of(kind, &|bytes| u32_at(bytes, at).map(u64::from));
    fields.list("sctp.data_tsn_raw", u32s(kind::DATA, 4));
    fields.list("sctp.data_sid", u16s(kind::DATA, 8));
    fields.list("sctp.data_ssn", u16s(kind::DATA, 10));
    fields.list("sctp.data_payload_proto_id", u32s(kind::DATA, 12));
    for (kind, [tag, credit, out, inbound, tsn]) in [
        (
            kind::INIT,
            [
                "sctp.init_initiate_tag",
                "sctp.init_credit",
                "sctp.init_nr_out_streams",
                "sctp.init_nr_in_streams",
                "sctp.init_initial_tsn",
            ],
        ),
        (
            kind::INIT_ACK,
            [
                "sctp.initack_initiate_tag",
                "sctp.initack_credit",
                "sctp.initack_nr_out_streams",
                "sctp.initack_nr_in_streams",
                "sctp.initack_initial_tsn",
            ],
        ),
    ] {
        fields.list(tag, u32s(kind, 4));
        fields.list(credit, u32s(kind, 8));
        fields.list(out, u16s(kind, 12));
        fields.list(inbound, u16s(kind, 14));
        fields.list(tsn, u32s(kind, 16));
    }
    fields.list("sctp.sack_cumulative_tsn_ack_raw", u32s(kind::SACK, 4));
    fields.list("sctp.sack_a_rwnd", u32s(kind::SACK, 8));
    fields.list("sctp.sack_number_of_gap_blocks", u16s(kind::SACK, 12));
    fields.list("sctp.sack_number_of_duplicated_tsns", u16s(kind::SACK, 14));
}

/// Verdict on the checksum of a whole packet (RFC 9260 section 6.8): CRC32c with the field taken as zero.
pub(super) fn checksum(packet: &[u8]) -> ChecksumStatus {
    let (Some(field), Some(rest)) = (packet.get(8..).and_then(|rest| rest.first_chunk::<4>()), packet.get(LENGTH..))
    else {
        return ChecksumStatus::Unverified;
    };
    let crc = crc32c(crc32c(crc32c(!0, packet.get(..8).unwrap_or_default()), &[0; 4]), rest);
    // RFC 9260 appendix A: the lowest byte comes first.
    if u32::from_le_bytes(*field) == !crc { ChecksumStatus::Good } else { ChecksumStatus::Bad }
}

/// Goes on with a CRC32c (Castagnoli, reflected) over `bytes`.
fn crc32c(state: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(state, |crc, byte| {
        let place = usize::from(crc.to_le_bytes()[0] ^ byte);
        TABLE.get(place).copied().unwrap_or_default() ^ (crc >> 8)
    })
}

/// The remainders of all bytes.
static TABLE: [u32; 256] = table();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)] // at compile time
const fn table() -> [u32; 256] {
    let mut table = [0u32; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// What the packet says, in one line.
pub(super) fn summary(line: &mut String, bytes: &[u8]) -> Option<()> {
    let (source, destination) = (u16_at(bytes, 0)?, u16_at(bytes, 2)?);
    write!(line, "{source} → {destination}").ok()?;
    for chunk in chunks(bytes).take(12) {
        match name(chunk.kind) {
            Some(name) => write!(line, " {name}").ok()?,
            None => write!(line, " CHUNK({})", chunk.kind).ok()?,
        }
        match (chunk.kind, u32_at(chunk.bytes, 4)) {
            (kind::DATA | kind::I_DATA, Some(tsn)) => write!(line, "(TSN={tsn})").ok()?,
            (kind::SACK, Some(tsn)) => write!(line, "(Ack={tsn})").ok()?,
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3720_appendix_b_4() {
        // CRC32c of 32 bytes of zeros, of ones, ascending and descending.
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        for (bytes, crc) in [
            (&[0u8; 32][..], 0x8a91_36aa_u32),
            (&[0xff; 32], 0x62a8_ab43),
            (&ascending, 0x46dd_794e),
            (&descending, 0x113f_db5c),
        ] {
            assert_eq!(!crc32c(!0, bytes), crc);
        }
    }
}
