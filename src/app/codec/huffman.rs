//! HPACK's Huffman code (RFC 7541 5.2 and Appendix B), which QPACK uses too.
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, and those of the next
//! length continue behind them. So the lengths say all; the tables are made of them at compile time.

/// What follows is no Huffman code: EOS inside the string, or a padding of eight bits or more or with a zero in it
/// (RFC 7541 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCode;

/// Symbols: all octets, and EOS.
const SYMBOLS: usize = 257;

/// Bits of the longest code.
const LONGEST: usize = 30;

/// Bits of the code of each symbol (RFC 7541 Appendix B); the last is EOS.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Codes of one length.
#[derive(Clone, Copy)]
struct Rank {
    /// The first code that is too high for this length, its bits at the top of 32.
    end: u32,
    /// The first code of this length, right-aligned.
    first: u32,
    /// Place of its symbol in `SORTED`.
    place: u32,
}

struct Tables {
    /// Symbols by length, then by value.
    sorted: [u16; SYMBOLS],
    ranks: [Rank; LONGEST + 1],
    /// For each first octet that holds a whole code: the symbol and the code's length; length 0 for longer codes.
    short: [(u8, u8); 256],
}

static TABLES: Tables = tables();

#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::cast_possible_truncation)] // compile time
const fn tables() -> Tables {
    let mut sorted = [0u16; SYMBOLS];
    let mut ranks = [Rank { end: 0, first: 0, place: 0 }; LONGEST + 1];
    let mut short = [(0u8, 0u8); 256];
    let (mut code, mut place, mut length) = (0u32, 0usize, 1usize);
    while length <= LONGEST {
        ranks[length].first = code;
        ranks[length].place = place as u32;
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                sorted[place] = symbol as u16;
                if length <= 8 {
                    let (mut octet, end) = ((code << (8 - length)) as usize, ((code + 1) << (8 - length)) as usize);
                    while octet < end {
                        short[octet] = (symbol as u8, length as u8);
                        octet += 1;
                    }
                }
                place += 1;
                code += 1;
            }
            symbol += 1;
        }
        // 2^30 codes of 30 bits: the last one's end needs a 31st.
        let end = (code as u64) << (32 - length);
        ranks[length].end = if end > u32::MAX as u64 { u32::MAX } else { end as u32 };
        code <<= 1;
        length += 1;
    }
    Tables { sorted, ranks, short }
}

/// Appends what `coded` says to `out`: at most 8/5 of its length.
///
/// # Errors
/// When it is no valid string of codes; `out` then holds the symbols before.
pub fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidCode> {
    // The next bits stand at the top; those behind the last octet are ones, as padding is.
    let (mut bits, mut have) = (u64::MAX, 0_u32);
    let mut octets = coded.iter();
    loop {
        while have <= 56
            && let Some(&octet) = octets.next()
        {
            let low = 56_u32.wrapping_sub(have);
            bits &= !(u64::from(!octet).wrapping_shl(low));
            have = have.wrapping_add(8);
        }
        let top = u32::try_from(bits >> 32).unwrap_or(u32::MAX);
        let (symbol, length) = match usize::try_from(top >> 24).ok().and_then(|octet| TABLES.short.get(octet)) {
            Some(&(symbol, length)) if length > 0 => (Some(symbol), u32::from(length)),
            _ => long(top).ok_or(InvalidCode)?,
        };
        if length > have {
            // Only the padding is left: fewer than eight bits, all ones.
            let ones = have < 8 && bits == u64::MAX;
            return if ones { Ok(()) } else { Err(InvalidCode) };
        }
        out.push(symbol.ok_or(InvalidCode)?);
        bits = !((!bits).wrapping_shl(length));
        have = have.wrapping_sub(length);
    }
}

/// A code longer than eight bits: its symbol (none for EOS) and length.
fn long(top: u32) -> Option<(Option<u8>, u32)> {
    let (length, rank) = (9_u32..).zip(TABLES.ranks.get(9..)?).find(|(length, rank)| {
        // The highest code of 30 bits is EOS, thirty ones: nothing lies behind it.
        top < rank.end || usize::try_from(*length).is_ok_and(|length| length == LONGEST)
    })?;
    let code = top >> 32_u32.checked_sub(length)?;
    let place = code.checked_sub(rank.first)?.checked_add(rank.place)?;
    let symbol = TABLES.sorted.get(usize::try_from(place).ok()?)?;
    Some((u8::try_from(*symbol).ok(), length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    fn text(hex: &str) -> Result<String, InvalidCode> {
        let mut out = Vec::new();
        decode(&bytes(hex), &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    #[test]
    fn strings_of_rfc_7541_appendix_c() {
        for (hex, expected) in [
            ("f1e3 c2e5 f23a 6ba0 ab90 f4ff", "www.example.com"),
            ("a8eb 1064 9cbf", "no-cache"),
            ("25a8 49e9 5ba9 7d7f", "custom-key"),
            ("25a8 49e9 5bb8 e8b4 bf", "custom-value"),
            ("6402", "302"),
            ("aec3 771a 4b", "private"),
            ("d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff", "Mon, 21 Oct 2013 20:13:21 GMT"),
            ("9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3", "https://www.example.com"),
            ("640e ff", "307"),
            ("9bd9 ab", "gzip"),
            (
                "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 \
                 3d50 07",
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
            ),
            ("", ""),
        ] {
            assert_eq!(text(hex).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_code() {
        // A padding of eight ones; one with a zero; EOS; a code cut in the middle.
        for hex in ["1fff ff", "ff", "18", "ffff fffc", "ffff ffff", "fe"] {
            assert_eq!(text(hex), Err(InvalidCode), "{hex}");
        }
        assert_eq!(text("1f").as_deref(), Ok("a"));
    }

    /// Kraft's equality: the codes leave no gap and do not overlap.
    #[test]
    fn the_code_is_complete() {
        let sum: u64 = LENGTHS.iter().map(|&length| 1_u64 << (LONGEST - usize::from(length))).sum();
        assert_eq!(sum, 1 << LONGEST);
    }

    proptest! {
        #[test]
        fn what_another_library_encodes(plain in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut coded = Vec::new();
            httlib_huffman::encode(&plain, &mut coded).unwrap();
            let mut out = Vec::new();
            prop_assert_eq!(decode(&coded, &mut out), Ok(()));
            prop_assert_eq!(out, plain);
        }

        #[test]
        fn any_bytes(coded in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut out = Vec::new();
            let _ = decode(&coded, &mut out);
            prop_assert!(out.len() <= coded.len() * 8 / 5);
        }
    }
}
