//! Files built byte by byte, read whole, in pieces, cut and corrupted.
use std::io::{Cursor, Read, Write};

use proptest::prelude::*;

use super::*;
use crate::record::LinkType;

/// Hands out at most so many bytes at a time.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.1);
        self.0.read(&mut buffer[..room])
    }
}

type Packets = Vec<(PacketNumber, i64, u32, u32, LinkType, Vec<u8>)>;

fn drain(source: &mut dyn PacketSource) -> Packets {
    let mut packets = Vec::new();
    let mut batch = Batch::default();
    loop {
        let more = source.next_batch(&mut batch).unwrap();
        for head in &batch.heads {
            assert_eq!(batch.bytes(head).len(), head.captured_length as usize);
            packets.push((
                head.number,
                head.timestamp.nanoseconds(),
                head.wire_length,
                head.interface,
                head.link_type,
                batch.bytes(head).to_vec(),
            ));
        }
        if more == More::No {
            return packets;
        }
    }
}

fn read(bytes: &[u8]) -> (Packets, Capture) {
    let total = u64::try_from(bytes.len()).unwrap();
    let mut source = from_reader(Box::new(Cursor::new(bytes.to_vec())), "test", 0, Some(total)).unwrap();
    (drain(&mut *source), source.description())
}

fn pcap_file(magic: [u8; 4], big: bool, network: u32, extra: usize, fraction: u32) -> Vec<u8> {
    let int = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let short = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut file = magic.to_vec();
    file.extend([short(2), short(4)].concat());
    file.extend([int(0), int(0), int(65535), int(network)].concat());
    for number in 0..3_u8 {
        file.extend([int(100), int(fraction), int(u32::from(number) + 4), int(60)].concat());
        file.extend(vec![0xee; extra]);
        file.extend(vec![number; usize::from(number) + 4]);
    }
    file
}

#[test]
fn pcap_in_every_spelling() {
    for (magic, big, extra, unit) in [
        ([0xa1, 0xb2, 0xc3, 0xd4], true, 0, 1000),
        ([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 1000),
        ([0xa1, 0xb2, 0x3c, 0x4d], true, 0, 1),
        ([0x4d, 0x3c, 0xb2, 0xa1], false, 0, 1),
        ([0xa1, 0xb2, 0xcd, 0x34], true, 8, 1000),
        ([0x34, 0xcd, 0xb2, 0xa1], false, 8, 1000),
    ] {
        let (packets, capture) = read(&pcap_file(magic, big, 0x3400_0001, extra, 7));
        assert_eq!(packets.len(), 3);
        assert_eq!(packets[1].1, 100_000_000_000 + 7 * unit);
        assert_eq!(packets[2].5, [2; 6]);
        assert_eq!(packets[2].2, 60);
        assert_eq!(packets[0].4, LinkType::ETHERNET);
        assert_eq!(capture.byte_order.as_deref(), Some(if big { "big" } else { "little" }));
        assert_eq!((capture.packets, capture.captured_bytes, capture.wire_bytes), (3, 15, 180));
        assert_eq!(capture.damage, None);
    }
}

#[test]
fn a_fraction_beyond_a_second_is_carried_over() {
    let (packets, _) = read(&pcap_file([0xd4, 0xc3, 0xb2, 0xa1], false, 1, 0, 2_500_000));
    assert_eq!(packets[0].1, 102_500_000_000);
}

#[test]
fn an_absurd_length_is_damage_at_its_offset() {
    let mut file = pcap_file([0xd4, 0xc3, 0xb2, 0xa1], false, 1, 0, 0);
    let offset = u64::try_from(file.len()).unwrap();
    file.extend([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0x40], [1, 0, 0, 0]].concat());
    let (packets, capture) = read(&file);
    assert_eq!(packets.len(), 3);
    assert_eq!(capture.damage.unwrap().offset, offset);
}

#[test]
fn empty_and_cut_files_have_a_description() {
    let (packets, capture) = read(b"");
    assert_eq!((packets.len(), capture.format.as_str()), (0, "empty"));
    assert_eq!(capture.damage.unwrap().offset, 0);
    let (_, capture) = read(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]);
    assert_eq!((capture.format.as_str(), capture.damage.unwrap().offset), ("pcap", 6));
    let file = pcap_file([0xd4, 0xc3, 0xb2, 0xa1], false, 1, 0, 0);
    let (packets, capture) = read(&file[..file.len() - 1]);
    assert_eq!(packets.len(), 2);
    let damage = capture.damage.unwrap();
    assert_eq!(damage.offset, 24 + 20 + 21);
    assert_eq!(damage.what, "the file ends inside a packet: 5 of 6 captured bytes are there");
}

#[test]
fn what_is_no_capture_is_named() {
    let fails = |bytes: &'static [u8]| match from_reader(Box::new(bytes), "x", 0, None) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    assert!(fails(b"PK\x03\x04....").contains("zip"));
    assert!(fails(b"hello world").contains("text"));
    assert!(fails(b"\x00\x01\x02\x03\x04").contains("00 01 02 03 04"));
    let missing = open(std::path::Path::new("/no/such/file"), 0).err().unwrap();
    assert!(matches!(missing, OpenError::NotFound { .. }));
    assert!(matches!(open(std::path::Path::new("/tmp"), 0).err().unwrap(), OpenError::Directory { .. }));
}

/// A block in little or big byte order, from words.
fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let int = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let total = int(u32::try_from(body.len() + 12).unwrap());
    [&int(kind)[..], &total, &body, &total].concat()
}

fn section(big: bool) -> Vec<u8> {
    let magic = if big { [0x1a, 0x2b, 0x3c, 0x4d] } else { [0x4d, 0x3c, 0x2b, 0x1a] };
    let version = if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] };
    block(big, 0x0a0d_0d0a, &[&magic[..], &version, &[0xff; 8]].concat())
}

fn words(big: bool, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| if big { word.to_be_bytes() } else { word.to_le_bytes() }).collect()
}

fn two_sections() -> Vec<u8> {
    let mut file = section(false);
    // Ethernet, snap length 6, times of 2^-10 s from 1000 s on, named "eth7".
    let mut interface = words(false, &[1, 6]);
    interface.extend([2, 0, 4, 0, b'e', b't', b'h', b'7', 9, 0, 1, 0, 0x8a, 0, 0, 0, 14, 0, 8, 0]);
    interface.extend(1000_u64.to_le_bytes());
    file.extend(block(false, 1, &interface));
    file.extend(block(
        false,
        6,
        &[words(false, &[0, 0, 1536, 3, 60]), vec![1, 2, 3, 0, 1, 0, 2, 0, b'h', b'i', 0, 0]].concat(),
    ));
    file.extend(block(false, 3, &[words(false, &[9]), vec![9; 8]].concat()));
    file.extend(block(false, 0xbad, &[1; 20]));
    file.extend(block(false, 10, &[words(false, &[0x544c_534b, 5]), b"CLIEN\0\0\0".to_vec()].concat()));
    file.extend(block(false, 5, &[words(false, &[0, 0, 0, 0x8_0004, 77, 0, 0x8_0005, 5, 0, 0])].concat()));
    file.extend(section(true));
    file.extend(block(true, 1, &words(true, &[101 << 16, 0])));
    file.extend(block(true, 1, &[words(true, &[1 << 16, 0]), vec![0, 9, 0, 1, 12, 0, 0, 0]].concat()));
    file.extend(block(true, 2, &[words(true, &[1 << 16, 0, 5000, 2, 2]), vec![7, 7]].concat()));
    file.extend(block(true, 6, &[words(true, &[0, 0, 5, 1, 1]), vec![8]].concat()));
    file
}

#[test]
fn pcapng_sections_interfaces_and_all_kinds_of_packets() {
    let mut source = from_reader(Box::new(Cursor::new(two_sections())), "test", 3, Some(1)).unwrap();
    let packets = drain(&mut *source);
    let seen: Vec<_> = packets
        .iter()
        .map(|(_, time, wire, interface, link, bytes)| (*time, *wire, *interface, link.0, bytes.len()))
        .collect();
    assert_eq!(
        seen,
        [(1_001_500_000_000, 60, 0, 1, 3), (1_001_500_000_000, 9, 0, 1, 6), (5, 2, 2, 1, 2), (5000, 1, 1, 101, 1)]
    );
    let capture = source.description();
    assert_eq!(capture.damage, None);
    assert_eq!(capture.link_types, ["Ethernet", "Raw IP"]);
    assert_eq!(capture.interfaces.len(), 3);
    assert_eq!(capture.interfaces[0].name.as_deref(), Some("eth7"));
    assert_eq!((capture.interfaces[0].received, capture.interfaces[0].dropped), (Some(77), Some(5)));
    assert_eq!((capture.dropped, capture.snap_length, capture.timestamps_backwards), (Some(5), None, 1));
    let secrets = source.take_secrets();
    assert_eq!((secrets[0].before, secrets[0].key_log.as_slice()), (PacketNumber::new(3, 3), &b"CLIEN"[..]));
    assert_eq!(source.take_comments(), [Comment { packet: Some(PacketNumber::new(3, 1)), text: "hi".to_owned() }]);
}

#[test]
fn pcapng_damage() {
    // A trailer that differs is told and passed; an unknown interface leaves the packet out.
    let mut file = [section(false), block(false, 1, &words(false, &[1, 0]))].concat();
    let offset = u64::try_from(file.len()).unwrap();
    let mut bad = block(false, 6, &[words(false, &[0, 0, 0, 4, 4]), vec![1; 4]].concat());
    let end = bad.len() - 1;
    bad[end] = 9;
    file.extend(bad);
    file.extend(block(false, 6, &[words(false, &[4, 0, 0, 4, 4]), vec![1; 4]].concat()));
    file.extend(block(false, 6, &[words(false, &[0, 0, 0, 4, 4]), vec![1; 4]].concat()));
    let (packets, capture) = read(&file);
    assert_eq!(packets.len(), 2);
    let damage = capture.damage.unwrap();
    assert_eq!(damage.offset, offset);
    assert!(damage.what.ends_with("; and 1 more further on"), "{}", damage.what);
}

#[test]
fn a_huge_unknown_block_passes_unstored() {
    let huge = block(false, 0xbad, &vec![0x55; 17 << 20]);
    let file = [
        section(false),
        block(false, 1, &words(false, &[1, 0])),
        huge,
        block(false, 6, &[words(false, &[0, 0, 0, 4, 4]), vec![1; 4]].concat()),
    ]
    .concat();
    let (packets, capture) = read(&file);
    assert_eq!((packets.len(), capture.damage), (1, None));
    let mut streamed = from_reader(Box::new(Trickle(Cursor::new(file.clone()), 100_000)), "test", 0, None).unwrap();
    assert_eq!(drain(&mut *streamed).len(), 1);
    let (_, capture) = read(&file[..1 << 20]);
    assert_eq!(capture.damage.unwrap().offset, 1 << 20);
}

#[test]
fn compressed_whole_and_cut() {
    let plain = pcap_file([0xd4, 0xc3, 0xb2, 0xa1], false, 1, 0, 0);
    let expected = read(&plain).0;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&plain).unwrap();
    let lz4 = lz4.finish().unwrap();
    #[cfg_attr(not(feature = "zstd"), allow(unused_mut))]
    let mut all = vec![("pcap+gzip", gzip), ("pcap+lz4", lz4)];
    #[cfg(feature = "zstd")]
    all.push(("pcap+zstd", zstd::stream::encode_all(&plain[..], 1).unwrap()));
    for (format, bytes) in all {
        let (packets, capture) = read(&bytes);
        assert_eq!((capture.format.as_str(), &packets, &capture.damage), (format, &expected, &None));
        for end in 0..bytes.len() {
            let Ok(mut source) = from_reader(Box::new(Cursor::new(bytes[..end].to_vec())), "cut", 0, Some(1)) else {
                continue;
            };
            drain(&mut *source);
            let whole = source.description().packets == 3;
            assert!(whole || source.description().damage.is_some(), "{format} cut at {end}");
        }
    }
}

#[test]
fn snoop() {
    let mut file = [&b"snoop\0\0\0"[..], &words(true, &[2, 4])].concat();
    file.extend([words(true, &[60, 5, 32, 3, 10, 20]), vec![6; 8]].concat());
    let (packets, capture) = read(&file);
    assert_eq!((packets[0].1, packets[0].5.len(), capture.dropped), (10_000_020_000, 5, Some(3)));
    assert_eq!(capture.format, "snoop");
}

#[test]
fn merged_in_time_order_with_ties_by_file() {
    let file = |times: &[i64], byte: u8| {
        let mut writer = PcapWriter::new(Vec::new(), LinkType::ETHERNET, 0).unwrap();
        for time in times {
            writer.packet(Timestamp(*time), 4, &[byte; 4]).unwrap();
        }
        writer.finish().unwrap()
    };
    let sources = [(&[1, 4, 9][..], 1), (&[1, 3, 5][..], 2), (&[20, 21][..], 3)];
    let opened = sources.iter().zip(0..).map(|((times, byte), index)| {
        from_reader(Box::new(Cursor::new(file(times, *byte))), byte.to_string(), index, None).unwrap()
    });
    let mut merged = Merged::new(opened.collect());
    let seen: Vec<_> = drain(&mut merged).iter().map(|packet| (packet.1, packet.5[0], packet.0.file())).collect();
    assert_eq!(seen, [(1, 1, 0), (1, 2, 1), (3, 2, 1), (4, 1, 0), (5, 2, 1), (9, 1, 0), (20, 3, 2), (21, 3, 2)]);
    assert_eq!(merged.descriptions().len(), 3);
    assert_eq!((merged.description().packets, merged.description().timestamps_backwards), (8, 0));
}

#[test]
fn what_is_written_reads_back() {
    let mut writer = PcapngWriter::new(Vec::new(), "wireglass", Some("whole")).unwrap();
    let options =
        InterfaceOptions { link_type: LinkType::RAW, name: Some("eth0".to_owned()), ..InterfaceOptions::default() };
    assert_eq!(writer.interface(&options).unwrap(), 0);
    writer.secrets(b"CLIENT_RANDOM 1 2\n").unwrap();
    writer.packet(0, Timestamp(1_700_000_000_123_456_789), 99, &[1, 2, 3], Some("look")).unwrap();
    let counts = InterfaceCounts { received: Some(8), dropped_by_interface: Some(2), ..InterfaceCounts::default() };
    writer.statistics(0, Timestamp(1), &counts).unwrap();
    assert!(writer.packet(1, Timestamp(0), 1, &[1], None).is_err());
    let bytes = writer.finish().unwrap();
    let mut source = from_reader(Box::new(Cursor::new(bytes)), "w", 0, None).unwrap();
    let packets = drain(&mut *source);
    assert_eq!((packets[0].1, packets[0].2, packets[0].4), (1_700_000_000_123_456_789, 99, LinkType::RAW));
    assert_eq!(source.description().damage, None);
    assert_eq!(source.description().dropped, Some(2));
    assert_eq!(source.take_comments().len(), 2);
    assert_eq!(source.take_secrets().len(), 1);
}

#[test]
fn filters_refuse_names() {
    for good in [
        "",
        "tcp port 443 and host 10.0.0.1",
        "net 10.0.0.0/8 or net 192.168",
        "src host fe80::1",
        "ether host 00:11:22:33:44:55",
        "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0",
        "port https",
        "src port domain",
        "not (host 1.2.3.4 or 5.6.7.8)",
        "tcp[13] = 0x12",
        "icmp[icmptype] == icmp-echo",
        "udp and not port 53",
        "vlan 7 and ip6",
        "src net 10 mask 255.0.0.0",
        "tcp src port http",
        "port http or https",
        "ifname eth0.5 and udp",
    ] {
        assert_eq!(bpf::refuse_names(good), Ok(()), "{good}");
    }
    for bad in [
        "host example.org",
        "src example",
        "net lab",
        "host 1.2.3.4 or example.org",
        "dst host beef.cafe",
        "host 3com.example",
        "example.org",
    ] {
        assert!(matches!(bpf::refuse_names(bad), Err(bpf::FilterError::Name { .. })), "{bad}");
    }
}

#[cfg(feature = "live")]
#[test]
fn filters_match_by_link_type() {
    let mut filter = bpf::Filter::new("ip proto 17").unwrap();
    let mut packet = vec![0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    assert!(filter.matches(LinkType::RAW, &packet));
    packet[9] = 6;
    assert!(!filter.matches(LinkType::RAW, &packet));
    assert!(matches!(
        bpf::Filter::new("tcp prot"),
        Err(bpf::FilterError::Name { .. } | bpf::FilterError::Syntax { .. })
    ));
}

fn samples() -> Vec<Vec<u8>> {
    vec![
        two_sections(),
        pcap_file([0xa1, 0xb2, 0xcd, 0x34], true, 1, 8, 0),
        pcap_file([0xd4, 0xc3, 0xb2, 0xa1], false, 1, 0, 0),
    ]
}

proptest! {
    #[test]
    fn any_chunking_cut_and_corruption_reads_the_same(
        sample in 0..3_usize,
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        chunk in 1..80_usize,
    ) {
        let mut bytes = samples().swap_remove(sample);
        let from = if sample == 0 { 12 } else { 4 };
        for (place, value) in flips {
            let place = from + place.index(bytes.len() - from);
            bytes[place] = value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let whole = read(&bytes);
        for streamed in [None, Some(1)] {
            let trickle = Trickle(Cursor::new(bytes.clone()), chunk);
            let mut source = from_reader(Box::new(trickle), "test", 0, streamed).unwrap();
            let packets = drain(&mut *source);
            prop_assert_eq!(&packets, &whole.0);
            prop_assert_eq!(&source.description(), &whole.1);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(mut source) = from_reader(Box::new(Cursor::new(bytes)), "test", 0, None) {
            drain(&mut *source);
        }
    }
}
