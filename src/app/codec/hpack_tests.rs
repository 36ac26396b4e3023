//! Tests of the decoder: the examples of RFC 7541, a late start at every block, other libraries' encodings, bombs.
use httlib_hpack::Encoder;
use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
}

type Known = (Option<String>, Option<String>);

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Known>, HpackError> {
    let mut fields = Vec::new();
    let owned = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    decoder.decode(block, &mut |field| fields.push((owned(field.name), owned(field.value))))?;
    Ok(fields)
}

/// `name: value` lines.
fn known(lines: &str) -> Vec<Known> {
    let pair = |line: &str| {
        let (name, value) = line.trim().split_once(": ").unwrap();
        (Some(name.to_owned()), Some(value.to_owned()))
    };
    lines.lines().filter(|line| !line.trim().is_empty()).map(pair).collect()
}

/// One block of Appendix C: its octets, its fields, the table behind it from the newest entry on, and its size.
struct Example {
    hex: &'static str,
    fields: Vec<Known>,
    table: Vec<Known>,
    size: usize,
}

fn example(hex: &'static str, fields: &[(&str, &str)], table: &[(&str, &str)], size: usize) -> Example {
    let owned = |pairs: &[(&str, &str)]| -> Vec<Known> {
        pairs.iter().map(|(name, value)| (Some((*name).to_owned()), Some((*value).to_owned()))).collect()
    };
    Example { hex, fields: owned(fields), table: owned(table), size }
}

fn check(decoder: &mut Decoder, examples: &[Example]) {
    for Example { hex, fields, table, size } in examples {
        assert_eq!(decode(decoder, &bytes(hex)).as_ref(), Ok(fields), "{hex}");
        let text = |bytes: &[u8]| Some(String::from_utf8(bytes.to_vec()).unwrap());
        let entries: Vec<Known> =
            decoder.entries.iter().map(|entry| (entry.name().and_then(text), entry.value().and_then(text))).collect();
        assert_eq!((&entries, decoder.cost), (table, *size), "{hex}");
    }
}

/// RFC 7541 C.1: integers.
#[test]
fn integers_of_appendix_c_1() {
    assert_eq!(integer(&[0b0000_1010], 0x1f), Ok((&[][..], 10)));
    assert_eq!(integer(&[0b0001_1111, 0b1001_1010, 0b0000_1010], 0x1f), Ok((&[][..], 1337)));
    assert_eq!(integer(&[0b0010_1010], 0xff), Ok((&[][..], 42)));
    // The edges.
    assert_eq!(integer(&[0x7f, 0x00], 0x7f), Ok((&[][..], 127)));
    assert_eq!(integer(&[0x1f, 0xe0, 0xff, 0xff, 0xff, 0x0f], 0x1f), Ok((&[][..], 0xffff_ffff)));
    assert_eq!(integer(&[0x1f, 0xe1, 0xff, 0xff, 0xff, 0x0f], 0x1f), Err(HpackError::Integer));
    assert_eq!(integer(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00], 0x1f), Err(HpackError::Integer));
    assert_eq!(integer(&[0x1f, 0x80], 0x1f), Err(HpackError::Truncated));
}

/// RFC 7541 C.2: one field in each representation.
#[test]
fn representations_of_appendix_c_2() {
    let custom = ("custom-key", "custom-header");
    check(
        &mut Decoder::default(),
        &[example("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", &[custom], &[custom], 55)],
    );
    let path = (":path", "/sample/path");
    check(&mut Decoder::default(), &[example("040c 2f73 616d 706c 652f 7061 7468", &[path], &[], 0)]);
    let password = ("password", "secret");
    check(&mut Decoder::default(), &[example("1008 7061 7373 776f 7264 0673 6563 7265 74", &[password], &[], 0)]);
    check(&mut Decoder::default(), &[example("82", &[(":method", "GET")], &[], 0)]);
}

fn requests(hex: [&'static str; 3]) -> [Example; 3] {
    let (get, http, https) = ((":method", "GET"), (":scheme", "http"), (":scheme", "https"));
    let (root, authority) = ((":path", "/"), (":authority", "www.example.com"));
    let (no_cache, custom) = (("cache-control", "no-cache"), ("custom-key", "custom-value"));
    [
        example(hex[0], &[get, http, root, authority], &[authority], 57),
        example(hex[1], &[get, http, root, authority, no_cache], &[no_cache, authority], 110),
        example(
            hex[2],
            &[get, https, (":path", "/index.html"), authority, custom],
            &[custom, no_cache, authority],
            164,
        ),
    ]
}

/// RFC 7541 C.3: requests without Huffman coding.
#[test]
fn requests_of_appendix_c_3() {
    check(
        &mut Decoder::default(),
        &requests([
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ]),
    );
}

/// RFC 7541 C.4: the same with Huffman coding.
#[test]
fn requests_of_appendix_c_4() {
    check(
        &mut Decoder::default(),
        &requests([
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ]),
    );
}

fn responses(hex: [&'static str; 3]) -> [Example; 3] {
    let (found, again) = ((":status", "302"), (":status", "307"));
    let private = ("cache-control", "private");
    let date = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
    let later = ("date", "Mon, 21 Oct 2013 20:13:22 GMT");
    let location = ("location", "https://www.example.com");
    let gzip = ("content-encoding", "gzip");
    let cookie = ("set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    [
        example(hex[0], &[found, private, date, location], &[location, date, private, found], 222),
        example(hex[1], &[again, private, date, location], &[again, location, date, private], 222),
        example(hex[2], &[(":status", "200"), private, later, location, gzip, cookie], &[cookie, gzip, later], 215),
    ]
}

fn small() -> Decoder {
    Decoder { capacity: 256, ..Decoder::default() }
}

/// RFC 7541 C.5: responses without Huffman coding, in a table of 256 octets that evicts.
#[test]
fn responses_of_appendix_c_5() {
    check(
        &mut small(),
        &responses([
            "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 \
             474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 \
             666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 \
             3630 303b 2076 6572 7369 6f6e 3d31",
        ]),
    );
}

/// RFC 7541 C.6: the same with Huffman coding.
#[test]
fn responses_of_appendix_c_6() {
    check(
        &mut small(),
        &responses([
            "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 \
             63c7 8f0b 97c8 e9ae 82ae 43d3",
            "4883 640e ffc1 c0bf",
            "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 \
             b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        ]),
    );
}

#[test]
fn errors() {
    for (hex, error) in [
        ("80", HpackError::Index(0)),
        ("be", HpackError::Index(62)),
        ("7e 00", HpackError::Index(62)),
        ("40 81 ff 00", HpackError::Huffman),
        ("ff ff ff ff ff 7f", HpackError::Integer),
        ("40 05 61", HpackError::Truncated),
        ("40", HpackError::Truncated),
    ] {
        assert_eq!(decode(&mut Decoder::default(), &bytes(hex)), Err(error), "{hex}");
    }
}

#[test]
fn sizes_of_the_table() {
    let mut decoder = Decoder::default();
    let insert = bytes("40 01 61 01 62");
    decode(&mut decoder, &insert).unwrap();
    assert_eq!(decode(&mut decoder, &bytes("be")), Ok(known("a: b")));
    // An update to 33 octets evicts an entry of 34; the next one does not fit either, which is no error.
    decode(&mut decoder, &bytes("3f 02")).unwrap();
    assert_eq!(decode(&mut decoder, &bytes("be")), Err(HpackError::Index(62)));
    decode(&mut decoder, &insert).unwrap();
    assert_eq!(decoder.entries.len(), 0);
    // An update to 34 lets one in.
    decode(&mut decoder, &[bytes("3f 03"), insert.clone(), insert].concat()).unwrap();
    assert_eq!((decoder.entries.len(), decoder.cost), (1, 34));
    assert!(!decoder.take_dropped());
}

/// A name that stands in the entry that its own insertion evicts (RFC 7541 4.4).
#[test]
fn a_name_outlives_its_entry() {
    let mut decoder = Decoder { capacity: 40, ..Decoder::default() };
    decode(&mut decoder, &bytes("40 01 61 01 62")).unwrap();
    assert_eq!(decode(&mut decoder, &bytes("7e 02 63 64")), Ok(known("a: cd")));
    assert_eq!(decode(&mut decoder, &bytes("be")), Ok(known("a: cd")));
}

#[test]
fn a_table_larger_than_is_kept() {
    let mut decoder = Decoder::default();
    // 1 MiB, then entries of 40 KiB: the second drops the first here, though not at the sender.
    decode(&mut decoder, &bytes("3f e1 ff 3f")).unwrap();
    let entry = |letter: u8| [&[0x40, 1, letter, 0x7f, 0x81, 0xbf, 0x02], vec![letter; 40_960].as_slice()].concat();
    decode(&mut decoder, &entry(b'x')).unwrap();
    decode(&mut decoder, &entry(b'y')).unwrap();
    assert!(decoder.take_dropped() && !decoder.take_dropped());
    assert_eq!(decode(&mut decoder, &bytes("be")).unwrap()[0].0.as_deref(), Some("y"));
    assert_eq!(decode(&mut decoder, &bytes("bf")), Ok(vec![(None, None)]));
    // One longer than all that is kept takes its place without being kept.
    let huge = [&[0x40, 1, b'z', 0x7f, 0xf1, 0xa1, 0x04], vec![b'z'; 70_000].as_slice()].concat();
    decode(&mut decoder, &huge).unwrap();
    decode(&mut decoder, &bytes("40 01 61 01 62")).unwrap();
    assert_eq!(decode(&mut decoder, &bytes("be bf")), Ok(vec![known("a: b").remove(0), (None, None)]));
    assert!(decoder.cost <= MAX_HPACK_TABLE_BYTES);
}

/// Some header blocks as real senders make them: common fields, repeated ones, a table that evicts.
fn blocks(count: usize, table: u32, huffman: bool) -> Vec<(Vec<u8>, Vec<Known>)> {
    let mut encoder = Encoder::with_dynamic_size(table);
    let coding = if huffman { Encoder::HUFFMAN_NAME | Encoder::HUFFMAN_VALUE } else { 0 };
    let flags = coding | Encoder::WITH_INDEXING | Encoder::BEST_FORMAT;
    let mut made = Vec::new();
    for number in 0..count {
        let fields = [
            (":method", "GET".to_owned()),
            (":path", format!("/page/{}", number % 7)),
            (":authority", "www.example.com".to_owned()),
            ("user-agent", "test/1.0".to_owned()),
            ("x-request-id", format!("{:08x}", number * 7919)),
            ("cookie", format!("session={}", number / 3)),
        ];
        let mut block = Vec::new();
        for (name, value) in &fields {
            encoder.encode((name.as_bytes().to_vec(), value.clone().into_bytes(), flags), &mut block).unwrap();
        }
        made.push((block, fields.into_iter().map(|(name, value)| (Some(name.to_owned()), Some(value))).collect()));
    }
    made
}

#[test]
fn another_librarys_blocks_decode() {
    for (table, huffman) in [(4096, true), (4096, false), (300, true), (0, true)] {
        let mut decoder = Decoder { capacity: table as usize, ..Decoder::default() };
        for (block, fields) in blocks(100, table, huffman) {
            assert_eq!(decode(&mut decoder, &block), Ok(fields));
        }
    }
}

/// Cut before every block: nothing is ever wrong, what entered the table since is known, and in the end all is.
#[test]
fn a_late_start_at_every_block() {
    for table in [4096, 300] {
        let all = blocks(100, table, true);
        for cut in 0..all.len() {
            let mut decoder = Decoder::default();
            decoder.forget();
            let mut seen = std::collections::BTreeSet::new();
            for (block, fields) in &all[cut..] {
                let decoded = decode(&mut decoder, block).unwrap();
                assert_eq!(decoded.len(), fields.len());
                for (ours, theirs) in decoded.iter().zip(fields) {
                    assert!(ours.0.is_none() || ours.0 == theirs.0, "{ours:?} {theirs:?}");
                    assert!(ours.1.is_none() || ours.1 == theirs.1, "{ours:?} {theirs:?}");
                    // A field once spelled out behind the cut, its name included, never becomes unknown again.
                    if ours == theirs {
                        seen.insert(theirs.clone());
                    } else {
                        assert!(!seen.contains(theirs), "{cut}: {ours:?} {theirs:?}");
                    }
                }
            }
        }
    }
}

/// How one field is to be sent.
#[derive(Clone, Debug)]
struct Sent {
    name: Vec<u8>,
    value: Vec<u8>,
    /// With indexing, without, or never (RFC 7541 6.2), and Huffman coding or not.
    flags: u8,
}

/// Fields as senders choose them: often ones they sent before, in any of the representations, with any octets.
fn sent() -> impl Strategy<Value = Sent> {
    let common = prop::sample::select(STATIC.to_vec())
        .prop_map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    let own = (prop::sample::select(vec!["x-a", "x-b", "x-c", "cookie", ":path"]), "[a-z0-9]{0,3}")
        .prop_map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes()));
    let any_octets = (prop::collection::vec(any::<u8>(), 1..40), prop::collection::vec(any::<u8>(), 0..300));
    let field = prop_oneof![3 => common, 4 => own, 2 => any_octets];
    let form = prop::sample::select(vec![Encoder::WITH_INDEXING, Encoder::WITH_INDEXING, 0, Encoder::NEVER_INDEXED]);
    (field, form, 0_u8..4, any::<bool>()).prop_map(|((name, value), form, huffman, best)| Sent {
        name,
        value,
        flags: form | huffman | if best { Encoder::BEST_FORMAT } else { 0 },
    })
}

/// One block: what the table's size is to become first, and its fields.
fn block() -> impl Strategy<Value = (Vec<u32>, Vec<Sent>)> {
    let sizes = prop::collection::vec(prop_oneof![Just(0_u32), 0_u32..200, 0_u32..=4096], 0..3);
    (prop_oneof![3 => Just(Vec::new()), 1 => sizes], prop::collection::vec(sent(), 0..12))
}

type Octets = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

fn decode_octets(decoder: &mut Decoder, block: &[u8]) -> Result<Octets, HpackError> {
    let mut fields = Vec::new();
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    decoder.decode(block, &mut |field| fields.push((owned(field.name), owned(field.value))))?;
    Ok(fields)
}

/// Encodes one block with another library.
fn encode((sizes, fields): &(Vec<u32>, Vec<Sent>), encoder: &mut Encoder) -> (Vec<u8>, Octets) {
    let mut bytes = Vec::new();
    for size in sizes {
        encoder.update_max_dynamic_size(*size, &mut bytes).unwrap();
    }
    let mut plain = Vec::new();
    for Sent { name, value, flags } in fields {
        encoder.encode((name.clone(), value.clone(), *flags), &mut bytes).unwrap();
        plain.push((Some(name.clone()), Some(value.clone())));
    }
    (bytes, plain)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// The idea of hpack-test-case: what another library encodes, field by field, ours decodes; here with any octets, all
    /// representations, and tables that shrink and grow between the blocks.
    #[test]
    fn whatever_another_library_encodes(blocks in prop::collection::vec(block(), 1..20)) {
        let (mut encoder, mut decoder) = (Encoder::with_dynamic_size(4096), Decoder::default());
        for block in &blocks {
            let (bytes, plain) = encode(block, &mut encoder);
            prop_assert_eq!(decode_octets(&mut decoder, &bytes), Ok(plain));
            prop_assert!(decoder.is_complete() && !decoder.take_dropped());
        }
    }

    /// The same joined at any block: what is given is right, a field is never invented, and once the sender has emptied its
    /// table all is known again.
    #[test]
    fn whatever_another_library_encodes_joined_late(
        blocks in prop::collection::vec(block(), 2..20), cut in any::<prop::sample::Index>(),
    ) {
        let (mut encoder, mut decoder) = (Encoder::with_dynamic_size(4096), Decoder::default());
        decoder.forget();
        let cut = cut.index(blocks.len());
        let mut emptied = false;
        for (place, block) in blocks.iter().enumerate() {
            let (bytes, plain) = encode(block, &mut encoder);
            if place < cut {
                continue;
            }
            emptied |= block.0.iter().any(|size| *size < ENTRY_OVERHEAD as u32);
            let found = decode_octets(&mut decoder, &bytes).unwrap();
            prop_assert_eq!(found.len(), plain.len());
            for (ours, theirs) in found.iter().zip(&plain) {
                prop_assert!(ours.0.is_none() && !emptied || ours.0 == theirs.0, "{:?} {:?}", ours, theirs);
                prop_assert!(ours.1.is_none() && !emptied || ours.1 == theirs.1, "{:?} {:?}", ours, theirs);
            }
            prop_assert_eq!(decoder.is_complete(), emptied);
        }
    }
}

/// Small input, large output: an entry that fills the table, named again with every octet. The decoder holds no more than
/// the table, and whoever takes the fields sees each before the next is made.
#[test]
fn a_bomb_of_references() {
    let mut decoder = Decoder::default();
    let value = vec![b'v'; 4096 - ENTRY_OVERHEAD - 1];
    let entry = [&[0x40, 1, b'n', 0x7f, 0xe0, 0x1e][..], &value].concat();
    assert_eq!(integer(&entry[3..], 0x7f), Ok((&value[..], value.len())));
    let bomb = [&entry[..], &[0xbe; 60_000]].concat();
    let (mut fields, mut octets) = (0_usize, 0_usize);
    decoder
        .decode(&bomb, &mut |field| {
            fields += 1;
            octets += field.name.unwrap().len() + field.value.unwrap().len();
        })
        .unwrap();
    assert_eq!((fields, octets), (60_001, 60_001 * (4096 - ENTRY_OVERHEAD)));
    assert_eq!((decoder.entries.len(), decoder.cost), (1, 4096));
    assert!(decoder.name.capacity() + decoder.value.capacity() <= 2 * bomb.len());
}

/// Entries that reuse a long name, each kept whole: the table's size holds them, not their count.
#[test]
fn a_bomb_of_names() {
    let mut decoder = Decoder::default();
    // The table is opened to what is kept at most, then a name of 8000 octets comes and is used again and again.
    decode(&mut decoder, &bytes("3f e1 ff 03")).unwrap();
    assert_eq!(decoder.capacity, MAX_HPACK_TABLE_BYTES);
    let first = [&[0x40, 0x7f, 0xc1, 0x3d][..], &[b'n'; 8000], &[0]].concat();
    decode(&mut decoder, &first).unwrap();
    for _ in 0..10_000 {
        decode(&mut decoder, &[0x7e, 0]).unwrap();
        assert!(decoder.cost <= MAX_HPACK_TABLE_BYTES);
    }
    assert_eq!(decoder.entries.len(), MAX_HPACK_TABLE_BYTES / (8000 + ENTRY_OVERHEAD));
    assert!(!decoder.take_dropped(), "the sender evicts as we do");
}

/// Huffman codes are five bits at least: text is at most 8/5 of what was read.
#[test]
fn huffman_text_is_bounded() {
    let mut decoder = Decoder::default();
    // 'a' is 00011: eight of them in five octets.
    let coded = [0b0001_1000, 0b1100_0110, 0b0011_0001, 0b1000_1100, 0b0110_0011].repeat(1000);
    let block = [&[0x00, 1, b'n', 0xff, 0x89, 0x26][..], &coded].concat();
    let fields = decode(&mut decoder, &block).unwrap();
    assert_eq!(fields, vec![(Some("n".to_owned()), Some("a".repeat(8000)))]);
    assert!(decoder.value.capacity() <= 2 * 8000);
}

/// A size update to nothing says that whatever was missed is gone: from there on an unknown index is an error.
#[test]
fn an_empty_table_is_known() {
    let mut decoder = Decoder::default();
    decoder.forget();
    assert_eq!(decode(&mut decoder, &bytes("be")), Ok(vec![(None, None)]));
    // A literal whose name was missed: its value enters the table.
    assert_eq!(decode(&mut decoder, &bytes("7e 01 62 be")), Ok(vec![(None, Some("b".to_owned())); 2]));
    decode(&mut decoder, &bytes("20 3f e1 1f")).unwrap();
    assert!(decoder.is_complete());
    assert_eq!(decode(&mut decoder, &bytes("be")), Err(HpackError::Index(62)));
}

proptest! {
    #[test]
    fn any_bytes(blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..6), late in any::<bool>()) {
        let mut decoder = Decoder::default();
        if late {
            decoder.forget();
        }
        for block in &blocks {
            let _ = decode(&mut decoder, block);
            let cost: usize = decoder.entries.iter().map(Entry::cost).sum();
            prop_assert_eq!(cost, decoder.cost);
            prop_assert!(cost <= decoder.capacity && decoder.capacity <= MAX_HPACK_TABLE_BYTES);
        }
    }
}
