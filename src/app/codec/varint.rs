//! QUIC's variable-length integers (RFC 9000, section 16), which HTTP/3 and QPACK use too.
use nom::{IResult, Parser, bytes::complete::take, number::complete::u8};

/// Reads a variable-length integer: the two high bits of the first byte say whether it takes 1, 2, 4 or 8 bytes.
/// Longer encodings than needed are allowed (RFC 9000, section 16).
///
/// # Errors
/// When `input` is shorter than the integer.
pub fn varint(input: &[u8]) -> IResult<&[u8], u64> {
    let (rest, first) = u8.parse(input)?;
    let (rest, more) = take((1_usize << (first >> 6)).saturating_sub(1)).parse(rest)?;
    let value = more.iter().fold(u64::from(first & 0x3f), |value, byte| value << 8 | u64::from(*byte));
    Ok((rest, value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_samples_of_rfc_9000_a_1() {
        let samples: [(&[u8], u64); 5] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ];
        for (bytes, value) in samples {
            assert_eq!(varint(bytes), Ok((&[][..], value)));
            for cut in 0..bytes.len() {
                assert!(varint(&bytes[..cut]).is_err());
            }
        }
    }

    proptest! {
        #[test]
        fn every_value_comes_back(value in 0_u64..1 << 62, tail in any::<u8>()) {
            let mut bytes = (value | 3 << 62).to_be_bytes().to_vec();
            bytes.push(tail);
            prop_assert_eq!(varint(&bytes), Ok((&[tail][..], value)));
        }
    }
}
