//! The Internet checksum (RFC 1071), fast, and the pseudo headers of RFC 9293 and RFC 8200. Verdicts only: nothing is filled in.
use std::net::IpAddr;

/// A running one's complement sum. The lanes are in native byte order: RFC 1071 section 2(B) allows it, as long as the
/// result is read the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

/// Bytes summed in one round: as many lanes as the compiler turns into vector registers.
const LANES: usize = 8;

impl Sum {
    /// Nothing summed yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`, padded with a zero byte when their number is odd: only the last part may be odd.
    #[must_use]
    pub fn add_bytes(self, bytes: &[u8]) -> Self {
        let mut lanes = [0u64; LANES];
        let (blocks, rest) = bytes.as_chunks::<{ LANES * 4 }>();
        for block in blocks {
            let (words, _) = block.as_chunks::<4>();
            for (lane, word) in lanes.iter_mut().zip(words) {
                // 2^32 rounds would be needed to overflow a lane.
                *lane = lane.wrapping_add(u64::from(u32::from_ne_bytes(*word)));
            }
        }
        let mut sum = lanes.iter().fold(self.0, |sum, lane| fold_add(sum, *lane));
        let (words, rest) = rest.as_chunks::<4>();
        for word in words {
            sum = fold_add(sum, u64::from(u32::from_ne_bytes(*word)));
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        for pair in pairs {
            sum = fold_add(sum, u64::from(u16::from_ne_bytes(*pair)));
        }
        if let [last] = odd {
            sum = fold_add(sum, u64::from(u16::from_ne_bytes([*last, 0])));
        }
        Self(sum)
    }

    /// Adds a 16-bit number.
    #[must_use]
    pub fn add_u16(self, number: u16) -> Self {
        Self(fold_add(self.0, u64::from(number.to_be())))
    }

    /// Adds a 32-bit number.
    #[must_use]
    pub fn add_u32(self, number: u32) -> Self {
        Self(fold_add(self.0, u64::from(number.to_be())))
    }

    /// Adds the pseudo header of a segment of `length` bytes.
    #[must_use]
    pub fn add_pseudo_header(self, source: IpAddr, destination: IpAddr, protocol: u8, length: u32) -> Self {
        let mut sum = self;
        for address in [source, destination] {
            sum = match address {
                IpAddr::V4(v4) => sum.add_bytes(&v4.octets()),
                IpAddr::V6(v6) => sum.add_bytes(&v6.octets()),
            };
        }
        sum.add_u16(u16::from(protocol)).add_u32(length)
    }

    /// The checksum to put into a header whose checksum field was summed as zero.
    #[must_use]
    pub fn checksum(self) -> u16 {
        let mut sum = self.0;
        for _ in 0..4 {
            sum = (sum & 0xffff).wrapping_add(sum >> 16);
        }
        u16::from_be(!u16::try_from(sum).unwrap_or(u16::MAX))
    }

    /// Whether what was summed, checksum field included, is intact.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.checksum() == 0
    }
}

/// Adds with the carry brought round, so that nothing is ever lost.
#[inline]
fn fold_add(sum: u64, number: u64) -> u64 {
    let (sum, carry) = sum.overflowing_add(number);
    sum.wrapping_add(u64::from(carry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_1071_section_3() {
        // The RFC's example: 0001 f203 f4f5 f6f7 sums to ddf2.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::new().add_bytes(&bytes).checksum(), !0xddf2);
    }

    /// The other ways to sum the same bytes that the RFC shows: in parts of which the first is odd, swapped, and with the carry
    /// brought round at the end.
    #[test]
    fn rfc_1071_section_3_in_parts() {
        // "0001 f203 f4f5 f6f7": 2ddf0 before the carry is brought round, ddf2 after it; bytes swapped, 0100 03f2 f5f4 f7f6
        // sums to f2dd.
        let sum = [0x0001u32, 0xf203, 0xf4f5, 0xf6f7].iter().sum::<u32>();
        assert_eq!(sum, 0x2_ddf0);
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xddf2);
        let words = [0x0001u16, 0xf203, 0xf4f5, 0xf6f7].iter().fold(Sum::new(), |sum, word| sum.add_u16(*word));
        assert_eq!(words.checksum(), !0xddf2);
        let swapped = [0x01, 0x00, 0x03, 0xf2, 0xf5, 0xf4, 0xf7, 0xf6];
        assert_eq!(Sum::new().add_bytes(&swapped).checksum(), !0xf2dd);
        assert_eq!(!0xddf2u16.swap_bytes(), !0xf2dd);
        // In two parts, each of an even number of bytes.
        let parts = Sum::new().add_bytes(&[0x00, 0x01, 0xf2, 0x03]).add_bytes(&[0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(parts.checksum(), !0xddf2);
    }

    /// RFC 1624 section 4: a field goes from 5555 to 3285, the checksum from dd2f to 0000; the equation of RFC 1141 would give
    /// ffff, which no packet with any bit set may sum to.
    #[test]
    fn rfc_1624_section_4() {
        let (old, new, before) = (0x5555u16, 0x3285u16, 0xdd2fu16);
        // Equation 3: HC' = ~(~HC + ~m + m').
        let after = Sum::new().add_u16(!before).add_u16(!old).add_u16(new);
        assert_eq!(after.checksum(), 0x0000);
        // A packet of which these are field and checksum: good before, and good after with 0000 in the checksum's place.
        let rest = Sum::new().add_u16(old).add_u16(before).checksum();
        assert!(Sum::new().add_u16(old).add_u16(before).add_u16(rest).is_good());
        assert!(Sum::new().add_u16(new).add_u16(0x0000).add_u16(rest).is_good());
        assert_eq!(Sum::new().add_u16(new).add_u16(rest).checksum(), 0x0000);
    }

    #[test]
    fn well_known_ipv4_header() {
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8,
            0x00, 0xc7,
        ];
        assert!(Sum::new().add_bytes(&header).is_good());
        let mut zeroed = header;
        zeroed[10] = 0;
        zeroed[11] = 0;
        assert_eq!(Sum::new().add_bytes(&zeroed).checksum(), 0xb861);
    }

    /// The definition, word by word.
    fn slow(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn same_as_the_definition(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            proptest::prop_assert_eq!(Sum::new().add_bytes(&bytes).checksum(), slow(&bytes));
        }
    }
}
