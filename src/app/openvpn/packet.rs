//! Packets of OpenVPN's control channel: pure parsing, and how the first one is recognised.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u32},
};

use crate::app::{Carrier, Probe, Verdict};

/// Opcodes that are looked at, the high five bits of a packet's first byte.
pub mod opcode {
    #![allow(missing_docs)]
    pub const HARD_RESET_CLIENT_V1: u8 = 1;
    pub const SOFT_RESET_V1: u8 = 3;
    pub const CONTROL_V1: u8 = 4;
    pub const ACK_V1: u8 = 5;
    pub const DATA_V1: u8 = 6;
    pub const HARD_RESET_CLIENT_V2: u8 = 7;
    pub const DATA_V2: u8 = 9;
}

/// Bytes of a client's hard reset without HMAC: opcode, session id, no acknowledgements, packet id.
const BARE_RESET_BYTES: usize = 14;
/// Bytes that `--tls-auth` adds to the HMAC: a replay packet id and a time.
const REPLAY_BYTES: usize = 8;
/// Lengths of the HMACs that OpenVPN can be told to use, in bytes: MD5 to SHA-512.
const HMAC_BYTES: [usize; 6] = [16, 20, 28, 32, 48, 64];

/// A packet of the control channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control<'a> {
    /// What it is.
    pub opcode: u8,
    /// Which of the eight keys it negotiates.
    pub key: u8,
    /// Its number among the sender's packets for this key; null in an acknowledgement.
    pub number: Option<u32>,
    /// TLS bytes.
    pub payload: &'a [u8],
}

/// Opcode and key of a packet.
#[must_use]
pub fn kind(first: u8) -> (u8, u8) {
    (first >> 3, first & 7)
}

/// Whether packets of this opcode carry what is encrypted.
#[must_use]
pub fn is_data(opcode: u8) -> bool {
    matches!(opcode, opcode::DATA_V1 | opcode::DATA_V2)
}

/// A packet of the control channel; `wrapping` is the length of HMAC, replay packet id and time together.
pub fn control(input: &[u8], wrapping: usize) -> IResult<&[u8], Control<'_>> {
    let (input, (first, _session, _wrapping)) = (be_u8, take(8_usize), take(wrapping)).parse(input)?;
    let (opcode, key) = kind(first);
    let (input, acknowledgements) = be_u8(input)?;
    let (input, _) = take(usize::from(acknowledgements).saturating_mul(4)).parse(input)?;
    // The session that is acknowledged.
    let (input, _) = take(if acknowledgements > 0 { 8_usize } else { 0 }).parse(input)?;
    if opcode == opcode::ACK_V1 {
        return Ok((input, Control { opcode, key, number: None, payload: &[] }));
    }
    let (payload, number) = be_u32(input)?;
    Ok((&[], Control { opcode, key, number: Some(number), payload }))
}

/// Length of HMAC, replay packet id and time, as a client's hard reset shows it; null if it is none.
#[must_use]
pub fn wrapping_of_reset(packet: &[u8]) -> Option<usize> {
    let (opcode, key) = kind(*packet.first()?);
    if !matches!(opcode, opcode::HARD_RESET_CLIENT_V1 | opcode::HARD_RESET_CLIENT_V2) || key != 0 {
        return None;
    }
    // No acknowledgements, and packet id 0. An encrypted one would end otherwise.
    let plain = packet.ends_with(&[0; 5]);
    let wrapping = packet.len().checked_sub(BARE_RESET_BYTES)?;
    let known = wrapping == 0 || wrapping.checked_sub(REPLAY_BYTES).is_some_and(|hmac| HMAC_BYTES.contains(&hmac));
    // A session id is random.
    let session = packet.get(1..9).is_some_and(|id| id.iter().any(|byte| *byte != 0));
    (plain && known && session).then_some(wrapping)
}

/// The packet at the start of a TCP stream's bytes, behind its two bytes of length.
#[must_use]
pub fn framed(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// Whether bytes begin with a client's hard reset.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    match probe.carrier {
        Carrier::Tcp if probe.from_start => match probe.bytes {
            [0, _, first, ..] if matches!(kind(*first), (1 | 7, 0)) => match framed(probe.bytes) {
                Some(packet) if wrapping_of_reset(packet).is_some() => Verdict::Certain,
                None if probe.bytes.len() < 2 + BARE_RESET_BYTES + REPLAY_BYTES + 64 => Verdict::Maybe,
                _ => Verdict::No,
            },
            [0] | [0, _] => Verdict::Maybe,
            _ => Verdict::No,
        },
        Carrier::Udp if wrapping_of_reset(probe.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reset(hmac: usize) -> Vec<u8> {
        let mut packet = vec![7 << 3, 1, 2, 3, 4, 5, 6, 7, 8];
        packet.extend(vec![0xaa; hmac]);
        if hmac > 0 {
            packet.extend([0, 0, 0, 1, 0x50, 0xff, 0x20, 0xfd]);
        }
        packet.extend([0; 5]);
        packet
    }

    #[test]
    fn a_reset_tells_how_long_the_hmac_is() {
        assert_eq!(wrapping_of_reset(&reset(0)), Some(0));
        assert_eq!(wrapping_of_reset(&reset(20)), Some(28));
        assert_eq!(wrapping_of_reset(&reset(21)), None);
        let mut encrypted = reset(32);
        *encrypted.last_mut().unwrap() = 0x5a;
        assert_eq!(wrapping_of_reset(&encrypted), None);
    }

    #[test]
    fn acknowledgements_come_before_the_number() {
        let mut packet = vec![4 << 3 | 2, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0, 9];
        packet.extend([0xbb; 8]);
        packet.extend([0, 0, 0, 3, 22, 3, 1]);
        let (_, read) = control(&packet, 0).unwrap();
        assert_eq!(read, Control { opcode: opcode::CONTROL_V1, key: 2, number: Some(3), payload: &[22, 3, 1] });
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..100), wrapping in 0_usize..80) {
            let _ = control(&bytes, wrapping);
            let _ = (wrapping_of_reset(&bytes), framed(&bytes));
        }
    }
}
