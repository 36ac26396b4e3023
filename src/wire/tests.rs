//! Odd packets, whole packets through every kind of tunnel, and arbitrary bytes.
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::record::LinkType;

/// An IPv4 header without options, its checksum right.
fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, total[0], total[1], 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    let checksum = Sum::new().add_bytes(&packet).checksum().to_be_bytes();
    packet[10..12].copy_from_slice(&checksum);
    packet.extend_from_slice(payload);
    packet
}

fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, length[0], length[1], next_header, 64];
    packet.extend_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend_from_slice(&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend_from_slice(payload);
    packet
}

fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let mut datagram: Vec<u8> = [source, destination, length, 0].iter().flat_map(|n| n.to_be_bytes()).collect();
    datagram.extend_from_slice(payload);
    datagram
}

fn tcp(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let offset = u8::try_from((20 + options.len()) / 4).unwrap() << 4;
    let mut segment = vec![0xc8, 0x22, 1, 0xbb, 0, 0, 0, 7, 0, 0, 0, 9, offset, 0x18, 0x20, 0, 0, 0, 0, 0];
    segment.extend_from_slice(options);
    segment.extend_from_slice(payload);
    segment
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

fn with(head: &[u8], tail: &[u8]) -> Vec<u8> {
    [head, tail].concat()
}

fn decoded(link_type: LinkType, bytes: &[u8]) -> Decoded {
    decode(link_type, bytes, u32::try_from(bytes.len()).unwrap())
}

fn path(link_type: LinkType, bytes: &[u8]) -> String {
    decoded(link_type, bytes).path.to_string()
}

#[test]
fn decoded_is_small() {
    assert!(size_of::<Decoded>() <= 64, "{}", size_of::<Decoded>());
}

#[test]
fn padding_and_check_sequence_are_no_payload() {
    let mut frame = ethernet(0x0800, &ipv4(6, &tcp(&[], b"hi")));
    frame.extend_from_slice(&[0xaa; 10]);
    let decoded = decoded(LinkType::ETHERNET, &frame);
    assert_eq!(decoded.payload(&frame), b"hi");
    assert_eq!((decoded.payload_wire_length, decoded.depth, decoded.stop), (2, 0, None));
    let header = decoded.tcp_header(&frame).unwrap();
    assert_eq!((header.source_port, header.destination_port, header.sequence_number), (51234, 443, 7));
    assert_eq!((header.acknowledgment_number, header.data_offset, header.window), (9, 20, 8192));
    assert!(header.flags.psh() && header.flags.ack() && !header.flags.syn());
}

#[test]
fn offloaded_and_cut_packets() {
    let mut packet = ipv4(6, &tcp(&[], &[7; 100]));
    packet[2..4].fill(0);
    let whole = decode(LinkType::RAW, &packet, 140);
    assert_eq!((whole.payload_length, whole.payload_wire_length), (100, 100));
    let packet = ipv4(6, &tcp(&[], &[7; 100]));
    let cut = decode(LinkType::RAW, &packet[..60], 140);
    assert_eq!((cut.payload_length, cut.payload_wire_length, cut.stop), (20, 100, None));
    assert_eq!(cut.transport_checksum(&packet[..60]), ChecksumStatus::Unverified);
}

#[test]
fn any_number_of_tags() {
    let mut payload = ipv4(17, &udp(1, 2, b"x"));
    let mut ether_type = 0x0800u16;
    for number in [0x8100u16, 0x8100, 0x9100, 0x88a8, 0x88a8] {
        payload = with(&with(&[0, 5], &ether_type.to_be_bytes()), &payload);
        ether_type = number;
    }
    let frame = ethernet(ether_type, &payload);
    assert_eq!(path(LinkType::ETHERNET, &frame), "eth:ieee8021ad:ieee8021ad:vlan:vlan:vlan:ip:udp");
    assert_eq!(decoded(LinkType::ETHERNET, &frame).payload(&frame), b"x");
}

#[test]
fn link_types() {
    let v4 = ipv4(17, &udp(1, 2, b"x"));
    let v6 = ipv6(17, &udp(1, 2, b"x"));
    for link_type in [12, 14, 101] {
        assert_eq!(path(LinkType(link_type), &v4), "raw:ip:udp");
        assert_eq!(path(LinkType(link_type), &v6), "raw:ipv6:udp");
    }
    assert_eq!(path(LinkType::IPV4, &v4), "ip:udp");
    assert_eq!(path(LinkType::IPV6, &v6), "ipv6:udp");
    assert_eq!(path(LinkType::NULL, &with(&[2, 0, 0, 0], &v4)), "null:ip:udp");
    assert_eq!(path(LinkType::NULL, &with(&[0, 0, 0, 2], &v4)), "null:ip:udp");
    for family in [10, 24, 28, 30] {
        assert_eq!(path(LinkType::NULL, &with(&[family, 0, 0, 0], &v6)), "null:ipv6:udp");
        assert_eq!(path(LinkType::LOOP, &with(&[0, 0, 0, family], &v6)), "null:ipv6:udp");
    }
    assert_eq!(path(LinkType::LINUX_SLL, &with(&[0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0], &v4)), "sll:ip:udp");
    let cooked = with(&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0], &v4);
    assert_eq!(path(LinkType::LINUX_SLL2, &cooked), "sll:ip:udp");
    assert_eq!(path(LinkType(9), &with(&[0xff, 3, 0, 0x21], &v4)), "ppp:ip:udp");
    assert_eq!(path(LinkType(9), &with(&[0x21], &v4)), "ppp:ip:udp");
    assert_eq!(path(LinkType(50), &with(&[0xff, 3, 0, 0x57], &v6)), "ppp:ipv6:udp");
    assert_eq!(path(LinkType(104), &with(&[0x0f, 0, 8, 0], &v4)), "chdlc:ip:udp");
    let snap = with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4);
    assert_eq!(path(LinkType::ETHERNET, &ethernet(u16::try_from(snap.len()).unwrap(), &snap)), "eth:llc:ip:udp");
    assert_eq!(path(LinkType(147), b"what"), "data");
    // RFC 1201 with and without the exception header, RFC 1051, a part of a packet.
    assert_eq!(path(LinkType(129), &with(&[1, 2, 0, 0, 212, 0, 0, 7], &v4)), "arcnet:ip:udp");
    assert_eq!(path(LinkType(7), &with(&[1, 2, 212, 0xff, 0, 0, 0, 0, 0, 7], &v4)), "arcnet:ip:udp");
    assert_eq!(path(LinkType(7), &with(&[1, 2, 240], &v4)), "arcnet:ip:udp");
    assert_eq!(path(LinkType(7), &with(&[1, 2, 212, 3, 0, 7], &v4)), "arcnet:data");
    assert_eq!(path(LinkType(242), &with(&with(&[0; 40], &[8, 0, 0, 0]), &v4)), "ipoib:ip:udp");
    let frame = ethernet(0x0800, &v4);
    assert_eq!(path(LinkType(178), &with(&[0x4d, 0x47, 0x43, 0x80, 0, 3, 1, 2, 3], &frame)), "juniper:eth:ip:udp");
    assert_eq!(path(LinkType(178), &with(&[0x4d, 0x47, 0x43, 2, 0, 0, 0, 2], &v4)), "juniper:ip:udp");
    let mut apple = vec![108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    apple.resize(108, 0);
    assert_eq!(path(LinkType(149), &with(&apple, &frame)), "pktap:eth:ip:udp");
    assert_eq!(path(LinkType(149), b"somebody else's"), "data");
}

/// A data frame of IEEE 802.11 with an IPv4 packet.
fn radio(control: [u8; 2], packet: &[u8]) -> Vec<u8> {
    let mut frame = control.to_vec();
    frame.resize(24, 0);
    with(&frame, &with(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], packet))
}

#[test]
fn tunnels() {
    let inner = ipv4(6, &tcp(&[], b"inner"));
    let frame = ethernet(0x0800, &inner);
    let cases = [
        (ipv4(4, &inner), "eth:ip:ip:tcp"),
        (ipv4(41, &ipv6(6, &tcp(&[], b"inner"))), "eth:ip:ipv6:tcp"),
        (ipv4(47, &with(&[0, 0, 8, 0], &inner)), "eth:ip:gre:ip:tcp"),
        (ipv4(47, &with(&[0xb0, 0, 0x65, 0x58, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &frame)), "eth:ip:gre:eth:ip:tcp"),
        (
            ipv4(47, &with(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0], &frame)),
            "eth:ip:gre:erspan:eth:ip:tcp",
        ),
        (
            ipv4(47, &with(&[0x30, 0x81, 0x88, 0x0b, 0, 49, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 3, 0, 0x21], &inner)),
            "eth:ip:gre:ppp:ip:tcp",
        ),
        (ipv4(17, &udp(999, 4789, &with(&[8, 0, 0, 0, 0, 0, 7, 0], &frame))), "eth:ip:udp:vxlan:eth:ip:tcp"),
        (
            ipv4(17, &udp(999, 6081, &with(&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 0, 0, 0, 0], &frame))),
            "eth:ip:udp:geneve:eth:ip:tcp",
        ),
        (
            ipv4(17, &udp(2152, 2152, &with(&[0x34, 255, 0, 53, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 9, 0], &inner))),
            "eth:ip:udp:gtp:ip:tcp",
        ),
        (
            ipv4(17, &udp(999, 3544, &with(&[0, 0, 1, 1, 1, 1, 1, 1], &ipv6(6, &tcp(&[], b"inner"))))),
            "eth:ip:udp:teredo:ipv6:tcp",
        ),
        (
            ipv4(17, &udp(1701, 1701, &with(&[0, 2, 0, 1, 0, 2, 0xff, 3, 0, 0x21], &inner))),
            "eth:ip:udp:l2tp:ppp:ip:tcp",
        ),
        (ipv4(17, &udp(999, 5247, &with(&[0, 0x10, 2, 0, 0, 0, 0, 0], &frame))), "eth:ip:udp:capwap.data:eth:ip:tcp"),
        (
            // Its frame control swapped, as Cisco's access points send it.
            ipv4(17, &udp(5247, 999, &with(&[0, 0x10, 3, 0, 0, 0, 0, 0], &radio([0x01, 0x08], &inner)))),
            "eth:ip:udp:capwap.data:wlan:llc:ip:tcp",
        ),
        (ipv4(47, &with(&[0, 0, 0x82, 0], &radio([0x08, 0x01], &inner))), "eth:ip:gre:wlan:llc:ip:tcp"),
    ];
    for (outer, expected) in cases {
        let packet = ethernet(0x0800, &outer);
        let decoded = decoded(LinkType::ETHERNET, &packet);
        assert_eq!(decoded.path.to_string(), expected);
        assert_eq!(decoded.payload(&packet), b"inner", "{expected}");
        assert_eq!(decoded.depth, 1, "{expected}");
        for cut in 0..packet.len() {
            everything(LinkType::ETHERNET, &packet[..cut], u32::try_from(packet.len()).unwrap());
        }
    }
    let link = [
        (0x8847, with(&[0, 1, 0, 64, 0, 2, 1, 64], &inner), "eth:mpls:mpls:ip:tcp"),
        (0x8847, with(&[0, 2, 1, 64, 0, 0, 0, 0], &frame), "eth:mpls:pweth.cw:pwethcw:eth:ip:tcp"),
        (0x8864, with(&[0x11, 0, 0, 1, 0, 47, 0, 0x21], &inner), "eth:pppoes:ppp:ip:tcp"),
        (0x894f, with(&[0, 2, 2, 1, 0, 0, 1, 255], &inner), "eth:nsh:ip:tcp"),
    ];
    for (ether_type, payload, expected) in link {
        let packet = ethernet(ether_type, &payload);
        let decoded = decoded(LinkType::ETHERNET, &packet);
        assert_eq!((decoded.path.to_string().as_str(), decoded.depth), (expected, 0));
        assert_eq!(decoded.payload(&packet), b"inner", "{expected}");
    }
}

#[test]
fn a_port_alone_is_no_tunnel() {
    let packet = ipv4(17, &udp(53, 4789, b"\x00not vxlan at all"));
    let decoded = decoded(LinkType::RAW, &packet);
    assert_eq!((decoded.path.to_string().as_str(), decoded.depth), ("raw:ip:udp", 0));
    assert_eq!(decoded.payload(&packet), b"\x00not vxlan at all");
}

#[test]
fn tunnels_end() {
    let mut packet = ipv4(17, &udp(1, 2, b"x"));
    for _ in 0..40 {
        packet = ipv4(4, &packet);
    }
    let decoded = decoded(LinkType::IPV4, &packet);
    assert_eq!(decoded.stop.unwrap().reason, StopReason::TooDeep);
    assert_eq!(decoded.depth, crate::limits::MAX_TUNNEL_DEPTH);
}

#[test]
fn extension_headers() {
    let datagram = udp(1, 2, b"x");
    let destination = with(&[17, 0, 1, 4, 0, 0, 0, 0], &datagram);
    let authentication = with(&[60, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &destination);
    let routing = with(&[51, 0, 0, 0, 0, 0, 0, 0], &authentication);
    let packet = ipv6(0, &with(&[43, 0, 1, 4, 0, 0, 0, 0], &routing));
    let found = decoded(LinkType::IPV6, &packet);
    assert_eq!(found.path.to_string(), "ipv6:udp");
    assert_eq!(found.payload(&packet), b"x");
    let names: Vec<_> = describe(LinkType::IPV6, &packet, 1 << 10).iter().map(|layer| layer.protocol).collect();
    assert_eq!(names, ["ipv6", "ipv6.hopopts", "ipv6.routing", "ah", "ipv6.dstopts", "udp"]);
    let atomic = ipv6(44, &with(&[17, 0, 0, 0, 0, 0, 0, 9], &datagram));
    assert_eq!(decoded(LinkType::IPV6, &atomic).transport, TransportHeader::Udp);
    assert_eq!(decoded(LinkType::IPV6, &ipv6(50, &[0; 20])).path.to_string(), "ipv6:esp");
    assert_eq!(decoded(LinkType::IPV6, &ipv6(59, &[])).transport, TransportHeader::Other(59));
}

#[test]
fn fragments() {
    let mut first = ipv4(17, &udp(1, 2, &[9; 16]));
    first[6] = 0x20;
    let found = decoded(LinkType::IPV4, &first);
    assert_eq!(found.transport, TransportHeader::Fragment);
    let fragment = found.fragment(&first).unwrap();
    assert_eq!((fragment.offset_bytes, fragment.more, fragment.identification, fragment.protocol), (0, true, 1, 17));
    assert_eq!((fragment.header.len(), fragment.data.len(), fragment.complete_here), (20, 24, true));
    assert_eq!(fragment.source, IpAddr::from([10, 0, 0, 1]));
    let cut = decode(LinkType::IPV4, &first[..30], 44);
    assert!(!cut.fragment(&first[..30]).unwrap().complete_here);

    let last = ipv6(0, &with(&[44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 16, 0, 0, 0, 5], b"rest"));
    let found = decoded(LinkType::IPV6, &last);
    let fragment = found.fragment(&last).unwrap();
    assert_eq!((fragment.offset_bytes, fragment.more, fragment.identification, fragment.protocol), (16, false, 5, 17));
    assert_eq!((fragment.header.len(), fragment.data), (48, &b"rest"[..]));
    let datagram = ipv6(0, &with(&[17, 0, 1, 4, 0, 0, 0, 0], &udp(53, 9, b"whole")));
    let whole = decode_reassembled(&datagram, &found);
    assert_eq!((whole.path.to_string().as_str(), whole.payload(&datagram)), ("ipv6:udp", &b"whole"[..]));
    let layers = describe_reassembled(&datagram, &found, describe(LinkType::IPV6, &last, 60));
    let names: Vec<_> = layers.iter().map(|layer| layer.protocol).collect();
    assert_eq!(names, ["ipv6", "ipv6.hopopts", "ipv6.fraghdr", "udp"]);
}

#[test]
fn udp_lengths() {
    for length in [0u16, 7, 400] {
        let mut packet = ipv4(17, &udp(1, 2, b"abc"));
        packet[24..26].copy_from_slice(&length.to_be_bytes());
        let found = decoded(LinkType::IPV4, &packet);
        assert_eq!(found.payload(&packet), b"abc");
        assert_eq!(found.stop.is_some(), length != 0, "{length}");
    }
}

#[test]
fn quoted_packets() {
    let mut quoted = ipv4(6, &tcp(&[], b"not quoted"));
    quoted.truncate(28);
    let packet = ipv4(1, &with(&[3, 3, 0, 0, 0, 0, 0, 0], &quoted));
    let found = decoded(LinkType::IPV4, &packet);
    assert_eq!((found.transport, found.network_offset, found.stop), (TransportHeader::Icmp, 0, None));
    assert_eq!(found.path.to_string(), "ip:icmp:ip:tcp");
    assert_eq!(found.path.without_quote().to_string(), "ip:icmp");
    let layers = describe(LinkType::IPV4, &packet, 1 << 10);
    let names: Vec<_> = layers.last().unwrap().fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["tcp.srcport", "tcp.dstport", "tcp.seq_raw"]);
    let quote = found.quoted(&packet).unwrap();
    assert_eq!((quote.transport, quote.sequence_number), (Transport::Tcp, Some(7)));
    assert_eq!((quote.source.port, quote.destination.port), (51234, 443));
    let packet = ipv6(58, &with(&[1, 4, 0, 0, 0, 0, 0, 0], &ipv6(17, &udp(5, 6, b""))));
    let found = decoded(LinkType::IPV6, &packet);
    assert_eq!(found.path.to_string(), "ipv6:icmpv6:ipv6:udp");
    assert_eq!(found.quoted(&packet).unwrap().destination.port, 6);
}

#[test]
fn checksums() {
    let source = IpAddr::from([10, 0, 0, 1]);
    let destination = IpAddr::from([10, 0, 0, 2]);
    let mut segment = tcp(&[], b"odd");
    let sum =
        Sum::new().add_bytes(&segment).add_pseudo_header(source, destination, 6, u32::try_from(segment.len()).unwrap());
    segment[16..18].copy_from_slice(&sum.checksum().to_be_bytes());
    let mut packet = ipv4(6, &segment);
    assert_eq!(decoded(LinkType::IPV4, &packet).transport_checksum(&packet), ChecksumStatus::Good);
    packet[42] ^= 1;
    assert_eq!(decoded(LinkType::IPV4, &packet).transport_checksum(&packet), ChecksumStatus::Bad);
    let none = ipv4(17, &udp(1, 2, b"x"));
    assert_eq!(decoded(LinkType::IPV4, &none).transport_checksum(&none), ChecksumStatus::Unverified);
    let illegal = ipv6(17, &udp(1, 2, b"x"));
    assert_eq!(decoded(LinkType::IPV6, &illegal).transport_checksum(&illegal), ChecksumStatus::Bad);
}

#[test]
fn routed_packets_sum_the_final_destination() {
    let last: IpAddr = "2001:db8::99".parse().unwrap();
    let IpAddr::V6(last_v6) = last else { unreachable!() };
    let mut datagram = udp(1, 2, b"x");
    let sum = Sum::new().add_bytes(&datagram).add_pseudo_header("2001:db8::1".parse().unwrap(), last, 17, 9);
    datagram[6..8].copy_from_slice(&sum.checksum().to_be_bytes());
    let filler = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
    let source_route = [&[17, 4, 0, 1, 0, 0, 0, 0][..], &filler, &last_v6.octets()].concat();
    let segment_route = [&[17, 4, 4, 1, 1, 0, 0, 0][..], &last_v6.octets(), &filler].concat();
    for route in [source_route, segment_route] {
        let packet = ipv6(43, &with(&route, &datagram));
        assert_eq!(decoded(LinkType::IPV6, &packet).transport_checksum(&packet), ChecksumStatus::Good);
        let layers = describe(LinkType::IPV6, &packet, u32::try_from(packet.len()).unwrap());
        let status = crate::record::Value::Number(1);
        assert!(layers[2].fields.contains(&("udp.checksum.status", status)));
    }
}

#[test]
fn summaries() {
    let options = [2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 1, 1];
    let line = |packet: &[u8]| summary(LinkType::RAW, packet, u32::try_from(packet.len()).unwrap());
    let text = "51234 → 443 [PSH, ACK] Seq=7 Ack=9 Win=8192 Len=2 MSS=1460 WS=128 SACK_PERM";
    assert_eq!(line(&ipv4(6, &tcp(&options, b"hi"))), text);
    assert_eq!(line(&ipv4(1, &[8, 0, 0, 0, 0, 1, 0, 2])), "Echo (ping) request  id=0x0001, seq=2, ttl=64");
    assert_eq!(line(&ipv4(17, &udp(5, 6, b"abc"))), "5 → 6 Len=3");
    let arp = [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1];
    let frame = ethernet(0x0806, &arp);
    assert_eq!(summary(LinkType::ETHERNET, &frame, 42), "Who has 10.0.0.1? Tell 10.0.0.2");
}

#[test]
fn tcp_options() {
    let usual = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
    assert_eq!(TcpOptions::new(&usual).collect::<Vec<_>>(), [TcpOption::Timestamps { value: 1, echo_reply: 2 }]);
    let many = [
        2, 4, 5, 180, 3, 3, 7, 4, 2, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 28, 4, 0x80, 5, 34, 2, 30, 3, 0x10, 99, 3, 1, 0,
        8,
    ];
    let found: Vec<_> = TcpOptions::new(&many).collect();
    assert_eq!(found[..3], [TcpOption::MaximumSegmentSize(1460), TcpOption::WindowScale(7), TcpOption::SackPermitted]);
    let TcpOption::Sack(blocks) = found[3] else { panic!("{found:?}") };
    assert_eq!(blocks.collect::<Vec<_>>(), [(1, 9)]);
    let rest = [
        TcpOption::UserTimeout(0x8005),
        TcpOption::FastOpen(&[]),
        TcpOption::Mptcp(&[0x10]),
        TcpOption::Unknown { kind: 99, data: &[1] },
    ];
    assert_eq!(found[4..], rest);
    for malformed in [&[2, 0][..], &[2, 1], &[2], &[2, 9, 1]] {
        assert_eq!(TcpOptions::new(malformed).count(), 0, "{malformed:?}");
    }
}

#[test]
fn bad_headers_say_why() {
    let mut packet = ipv4(6, &tcp(&[], b""));
    packet[0] = 0x44;
    assert_eq!(decoded(LinkType::IPV4, &packet).stop.unwrap().reason, StopReason::Invalid(Violation::Ipv4HeaderLength));
    let mut packet = ipv4(6, &tcp(&[], b""));
    packet[32] = 0x10;
    assert_eq!(decoded(LinkType::IPV4, &packet).stop.unwrap().reason, StopReason::Invalid(Violation::TcpDataOffset));
    let stop = decode(LinkType::ETHERNET, &[0; 9], 60).stop.unwrap();
    assert_eq!(stop.to_string(), "eth at byte 0: 14 bytes needed, 9 here");
}

/// Everything a caller may ask of a packet.
fn everything(link_type: LinkType, bytes: &[u8], wire_length: u32) {
    let decoded = decode(link_type, bytes, wire_length);
    let _ = (decoded.endpoints(bytes), decoded.flow_key(bytes), decoded.quoted(bytes), decoded.payload(bytes));
    let _ = (decoded.transport_checksum(bytes), decoded.tcp_header(bytes), decoded.tcp_options(bytes).count());
    assert!(decoded.payload_offset as usize + decoded.payload_length as usize <= bytes.len());
    let layers = describe(link_type, bytes, wire_length);
    let _ = (summary(link_type, bytes, wire_length), decoded.path.to_string());
    if decoded.fragment(bytes).is_some() {
        let _ = decode_reassembled(bytes, &decoded);
        let _ = describe_reassembled(bytes, &decoded, layers);
    }
}

const LINKS: [u16; 25] =
    [7, 129, 149, 178, 242, 0, 1, 9, 12, 50, 51, 101, 104, 105, 108, 113, 127, 147, 192, 228, 229, 239, 258, 276, 14];

proptest! {
    #[test]
    fn arbitrary_bytes(link in 0..LINKS.len(), bytes in prop::collection::vec(any::<u8>(), 0..200), more in 0u32..100) {
        everything(LinkType(LINKS[link]), &bytes, u32::try_from(bytes.len()).unwrap() + more);
    }

    #[test]
    fn arbitrary_headers(number in prop::sample::select(vec![0u8, 1, 2, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 60, 97, 137]),
        port in prop::sample::select(vec![4789u16, 4790, 6081, 2152, 3544, 1701, 4754, 5247, 6635]),
        bytes in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..200) {
        for packet in [ipv4(number, &bytes), ipv4(17, &udp(9, port, &bytes))] {
            everything(LinkType::IPV4, &packet[..cut.min(packet.len())], u32::try_from(packet.len()).unwrap());
        }
        for packet in [ipv6(number, &bytes), ipv6(17, &udp(port, 9, &bytes))] {
            everything(LinkType::IPV6, &packet[..cut.min(packet.len())], u32::try_from(packet.len()).unwrap());
        }
    }
}

#[test]
fn a_tunnel_that_says_nothing_is_still_named() {
    let heartbeat = |operation: u8, next: u8| {
        let mut bytes = vec![0x41, 0x52, 0x10 | operation, next, 0, 0, 0, 1];
        bytes.resize(8 + 16 + 20, 7);
        path(LinkType::ETHERNET, &ethernet(0x0800, &ipv4(17, &udp(5072, 5072, &bytes))))
    };
    assert_eq!(heartbeat(0, 59), "eth:ip:udp:ayiya");
    assert_eq!(heartbeat(2, 59), "eth:ip:udp:ayiya");
    assert_eq!(heartbeat(8, 59), "eth:ip:udp");
    assert_eq!(heartbeat(0, 41), "eth:ip:udp");
}

#[test]
fn bacnet_over_arcnet_has_an_llc_header() {
    let frame = |protocol| path(LinkType(129), &[1, 2, 0, 0, protocol, 0x82, 0x82, 3, 1, 0x20]);
    assert_eq!(frame(205), "arcnet:llc:data");
    assert_eq!(frame(206), "arcnet:data");
}
