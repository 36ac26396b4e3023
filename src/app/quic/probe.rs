//! Recognises QUIC by its long headers. Many UDP protocols set the top bit of their first byte, so a known version,
//! believable connection IDs and a length that fits are asked for.
use super::{
    header::{Kind, MIN_SHORT_PACKET_BYTES, has_fixed_bit, is_long, long},
    version::Version,
};
use crate::app::{Carrier, Probe, Verdict};

/// Datagrams with a client's Initial packet are at least this long (RFC 9000, section 14.1).
const MIN_INITIAL_DATAGRAM_BYTES: usize = 1200;

/// Packet number and tag: what a Length field says at least.
const MIN_PROTECTED_BYTES: u64 = 17;

/// Says whether a datagram looks like QUIC.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    datagram(probe.bytes)
}

fn datagram(bytes: &[u8]) -> Verdict {
    let Some(&first) = bytes.first() else { return Verdict::No };
    if google_chlo_version(bytes) {
        return Verdict::Certain;
    }
    if !is_long(first) {
        let plausible = has_fixed_bit(first) && bytes.len() >= MIN_SHORT_PACKET_BYTES;
        return if plausible { Verdict::Maybe } else { Verdict::No };
    }
    let Ok((_, packet)) = long(bytes) else { return Verdict::No };
    if let Kind::VersionNegotiation { versions } = packet.kind {
        return negotiation(versions);
    }
    let greased = packet.version.is_greased() && bytes.len() >= MIN_INITIAL_DATAGRAM_BYTES;
    if !has_fixed_bit(first) || !(packet.version.is_known() || greased) {
        return Verdict::No;
    }
    match packet.kind {
        Kind::Google | Kind::Retry { .. } => Verdict::Certain,
        _ if packet.length < MIN_PROTECTED_BYTES => Verdict::No,
        _ if packet.is_whole() => Verdict::Certain,
        // Cut by the snap length, or chance.
        _ => Verdict::Likely,
    }
}

fn negotiation(versions: &[u8]) -> Verdict {
    let (versions, rest) = versions.as_chunks::<4>();
    if versions.is_empty() || !rest.is_empty() {
        return Verdict::No;
    }
    let mut versions = versions.iter().map(|version| Version(u32::from_be_bytes(*version)));
    if versions.any(Version::is_known) { Verdict::Certain } else { Verdict::Maybe }
}

/// Whether this is a packet of Google's QUIC before Q046: public flags with version and connection ID of eight
/// bytes, then `Q0` and two digits.
pub fn google_chlo_version(bytes: &[u8]) -> bool {
    matches!(bytes, [flags, _, _, _, _, _, _, _, _, b'Q', b'0', tens, units, _, ..]
        if flags & 0xc9 == 0x09 && tens.is_ascii_digit() && units.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::vectors::*, *};

    #[test]
    fn the_samples_are_certain() {
        for sample in [V1_CLIENT, V1_SERVER, V1_RETRY, V2_CLIENT, V2_SERVER, V2_RETRY] {
            assert_eq!(datagram(&hex(sample)), Verdict::Certain);
        }
    }

    #[test]
    fn cut_samples_are_likely_and_other_versions_are_not() {
        let mut bytes = hex(V1_CLIENT);
        assert_eq!(datagram(&bytes[..100]), Verdict::Likely);
        assert_eq!(datagram(&bytes[..10]), Verdict::No);
        bytes[4] = 9;
        assert_eq!(datagram(&bytes), Verdict::No);
        bytes[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
        assert_eq!(datagram(&bytes), Verdict::Certain);
        assert_eq!(datagram(&bytes[..1199]), Verdict::No);
    }

    #[test]
    fn other_protocols_are_not() {
        let dns = hex("85808180000100010000000003777777076578616d706c6503636f6d0000010001");
        let rtp = hex("8060000100000000deadbeef0102030405060708");
        let stun = hex("000100002112a442000102030405060708090a0b");
        let negotiation = hex("80000000000000");
        for other in [dns, rtp, stun, negotiation] {
            assert_eq!(datagram(&other), Verdict::No);
        }
        assert_eq!(datagram(&hex("c0000000000000ff00001d")), Verdict::Certain);
        assert_eq!(datagram(&hex("0d0102030405060708513033390100")), Verdict::Certain);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = datagram(&bytes);
        }
    }
}
