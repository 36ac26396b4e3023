//! NTP's header (RFC 5905 7.3): pure parsing, and how it is recognised.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_i8, be_u8, be_u32, be_u64},
};

use crate::{
    app::{Carrier, Probe, Verdict},
    record::Timestamp,
};

const PORT: u16 = 123;
/// Seconds from 1900 to 1970.
const UNIX_EPOCH: i64 = 2_208_988_800;
const SECOND_NS: i64 = 1_000_000_000;

/// The fixed part of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Leap indicator, version, mode.
    pub flags: u8,
    /// 1 has a clock of its own, 2 to 15 ask others, 0 is a kiss, 16 is not synchronised.
    pub stratum: u8,
    /// Logarithm of the seconds between polls.
    pub poll: i8,
    /// Logarithm of the clock's precision in seconds.
    pub precision: i8,
    /// To the reference clock and back, in 1/65536 s.
    pub root_delay: u32,
    /// Greatest error relative to it, in 1/65536 s.
    pub root_dispersion: u32,
    /// Who the clock is set by.
    pub reference_id: [u8; 4],
    /// When the clock was last set.
    pub reference: u64,
    /// The client's moment of sending, given back.
    pub origin: u64,
    /// When the request arrived.
    pub receive: u64,
    /// When this packet left.
    pub transmit: u64,
}

impl Header {
    /// 0 none, 1 and 2 a second more or less at the end of the day, 3 not synchronised.
    #[must_use]
    pub fn leap(&self) -> u8 {
        self.flags >> 6
    }

    /// 1 to 4.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.flags >> 3 & 7
    }

    /// 1 to 7.
    #[must_use]
    pub fn mode(&self) -> u8 {
        self.flags & 7
    }
}

/// The header of modes 0 to 5.
pub fn header(input: &[u8]) -> IResult<&[u8], Header> {
    let (input, (flags, stratum, poll, precision)) = (be_u8, be_u8, be_i8, be_i8).parse(input)?;
    let (input, (root_delay, root_dispersion, id)) = (be_u32, be_u32, take(4_usize)).parse(input)?;
    let (input, (reference, origin, receive, transmit)) = (be_u64, be_u64, be_u64, be_u64).parse(input)?;
    let reference_id = id.first_chunk().copied().unwrap_or_default();
    Ok((
        input,
        Header {
            flags,
            stratum,
            poll,
            precision,
            root_delay,
            root_dispersion,
            reference_id,
            reference,
            origin,
            receive,
            transmit,
        },
    ))
}

/// Nanoseconds since 1970 of a timestamp; of its eras (136 years each) the one that is nearest to `near`.
#[must_use]
pub fn moment(timestamp: u64, near: Timestamp) -> i64 {
    const ERA: i64 = 1 << 32;
    let seconds = i64::try_from(timestamp >> 32).unwrap_or_default().saturating_sub(UNIX_EPOCH);
    let fraction = i64::try_from((timestamp & u64::from(u32::MAX)).saturating_mul(1_000_000_000) >> 32);
    let now = near.nanoseconds().div_euclid(SECOND_NS);
    let eras = now.saturating_sub(seconds).saturating_add(ERA / 2).div_euclid(ERA);
    let seconds = seconds.saturating_add(eras.saturating_mul(ERA));
    seconds.saturating_mul(SECOND_NS).saturating_add(fraction.unwrap_or_default())
}

/// Opcode, whether it is an answer, and the sequence number of a control message (RFC 9327 2).
#[must_use]
pub fn control(bytes: &[u8]) -> Option<(u8, bool, u16)> {
    match bytes {
        [_, flags, high, low, _, _, _, _, _, _, _, _, ..] => {
            Some((flags & 0x1f, flags & 0x80 != 0, u16::from_be_bytes([*high, *low])))
        }
        _ => None,
    }
}

/// Whether it is an answer, the implementation, and the request code of a message of ntpdc.
#[must_use]
pub fn private(bytes: &[u8]) -> Option<(bool, u8, u8)> {
    match bytes {
        [first, _, implementation, code, _, _, _, _, ..] => Some((first & 0x80 != 0, *implementation, *code)),
        _ => None,
    }
}

/// Name of a control message's opcode (RFC 9327 2).
#[must_use]
pub fn control_name(opcode: u8) -> Option<&'static str> {
    Some(match opcode {
        1 => "read status",
        2 => "read variables",
        3 => "write variables",
        4 => "read clock variables",
        5 => "write clock variables",
        6 => "set trap",
        7 => "trap response",
        8 => "runtime configuration",
        9 => "export configuration",
        10 => "remote address statistics",
        11 => "ordered list",
        12 => "request nonce",
        31 => "unset trap",
        _ => return None,
    })
}

/// Request codes of ntpdc that list who asked the server: `monlist`, as attackers call it.
pub const MONLIST: [u8; 2] = [20, 42];

/// On the usual port what has the shape; elsewhere only an answer whose three moments agree.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let usual = probe.flow.client.port == PORT || probe.flow.server.port == PORT;
    let Some(first) = probe.bytes.first() else { return Verdict::No };
    let (version, mode) = (first >> 3 & 7, first & 7);
    match mode {
        6 if usual && (1..=4).contains(&version) && control(probe.bytes).is_some() => return Verdict::Likely,
        7 if usual && (1..=4).contains(&version) && private(probe.bytes).is_some() => return Verdict::Likely,
        _ => {}
    }
    let Ok((rest, header)) = header(probe.bytes) else { return Verdict::No };
    if !(1..=4).contains(&version) || mode > 5 || header.stratum > 16 {
        return Verdict::No;
    }
    if usual {
        return if mode > 0 || version == 1 { Verdict::Certain } else { Verdict::No };
    }
    let seconds = |timestamp: u64| timestamp >> 32;
    let close = header.receive != 0 && seconds(header.transmit).abs_diff(seconds(header.receive)) <= 2;
    // Clocks that are set show a time between 1990 and 2036, or one soon after it.
    let year = seconds(header.transmit);
    let plausible = !(0x1000_0000..0xb400_0000).contains(&year);
    let whole = rest.is_empty() || matches!(rest.len(), 20 | 24);
    let answers = mode == 4 && (1..=15).contains(&header.stratum) && header.root_delay < 16 << 16;
    if answers && whole && close && plausible && header.origin != 0 && (-32..=0).contains(&header.precision) {
        Verdict::Likely
    } else {
        Verdict::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_follow_the_capture() {
        let at = |seconds: i64| Timestamp(seconds * SECOND_NS);
        assert_eq!(moment(0x83aa_7e80_8000_0000, at(10)), 500_000_000, "1970");
        // 2036-02-07 06:28:16 UTC: the first second of the second era.
        assert_eq!(moment(0, at(2_085_978_490)), 2_085_978_496 * SECOND_NS);
        assert_eq!(moment(0xffff_ffff_0000_0000, at(2_085_978_500)), 2_085_978_495 * SECOND_NS);
    }
}
