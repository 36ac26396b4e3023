//! Fields of the network layer and of tunnels.
use super::{From, Group, Names, ether, flag, ipv4, ipv6, u8, u16, u24, u32, wire};

/// IANA's names of IP protocols.
static PROTOCOLS: Names = &[
    ("ICMP", 1),
    ("IGMP", 2),
    ("TCP", 6),
    ("UDP", 17),
    ("IPv6", 41),
    ("GRE", 47),
    ("ESP", 50),
    ("AH", 51),
    ("ICMPv6", 58),
    ("OSPF", 89),
    ("PIM", 103),
    ("VRRP", 112),
    ("L2TP", 115),
    ("SCTP", 132),
];

static OPERATIONS: Names = &[("request", 1), ("reply", 2), ("reverse request", 3), ("reverse reply", 4)];

/// Verdicts on a checksum.
pub(super) static VERDICTS: Names = &[("Bad", 0), ("Good", 1), ("Unverified", 2)];

/// In the order in which they are met.
pub(super) static GROUPS: &[Group] = &[
    wire(
        &["arp"],
        "Address Resolution Protocol",
        &[
            u16("arp.hw.type", "Type of the link").at(0),
            u16("arp.proto.type", "Protocol whose addresses are resolved").at(2),
            u8("arp.hw.size", "Length of link addresses").at(4),
            u8("arp.proto.size", "Length of protocol addresses").at(5),
            u16("arp.opcode", "1 request, 2 reply").at(6).named(OPERATIONS),
            ether("arp.src.hw_mac", "Ethernet address of the sender"),
            ipv4("arp.src.proto_ipv4", "IPv4 address of the sender"),
            ether("arp.dst.hw_mac", "Ethernet address of the target"),
            ipv4("arp.dst.proto_ipv4", "IPv4 address of the target"),
        ],
    ),
    wire(
        &["ip"],
        "Internet Protocol version 4",
        &[
            u8("ip.version", "Version").bits(0, 1, 0xf0),
            u8("ip.hdr_len", "Length of the header in bytes").from(From::Words { at: 0, mask: 0x0f }),
            u8("ip.dsfield", "Differentiated services field").at(1),
            u8("ip.dsfield.dscp", "Differentiated services code point").bits(1, 1, 0xfc),
            u8("ip.dsfield.ecn", "Explicit congestion notification").bits(1, 1, 0x03),
            u16("ip.len", "Length of header and payload").at(2),
            u16("ip.id", "Identification").at(4),
            flag("ip.flags.rb", "Reserved bit").bits(6, 1, 0x80),
            flag("ip.flags.df", "Do not fragment").bits(6, 1, 0x40),
            flag("ip.flags.mf", "More fragments follow").bits(6, 1, 0x20),
            u16("ip.frag_offset", "Where the fragment belongs, in units of 8 bytes").bits(6, 2, 0x1fff),
            u8("ip.ttl", "Time to live").at(8),
            u8("ip.proto", "What the packet carries").at(9).named(PROTOCOLS),
            u16("ip.checksum", "Header checksum").at(10),
            u8("ip.checksum.status", "0 wrong, 1 right, 2 not judged").named(VERDICTS),
            ipv4("ip.src", "Address of the sender").at(12),
            ipv4("ip.dst", "Address of the receiver").at(16),
            ipv4("ip.addr", "Address of the sender or the receiver").either(&["ip.src", "ip.dst"]),
        ],
    ),
    wire(
        &["ipv6"],
        "Internet Protocol version 6",
        &[
            u8("ipv6.version", "Version").bits(0, 1, 0xf0),
            u32("ipv6.tclass", "Traffic class").bits(0, 4, 0x0ff0_0000),
            u32("ipv6.tclass.dscp", "Differentiated services code point").bits(0, 4, 0x0fc0_0000),
            u32("ipv6.tclass.ecn", "Explicit congestion notification").bits(0, 4, 0x0030_0000),
            u24("ipv6.flow", "Flow label").bits(1, 3, 0x000f_ffff),
            u16("ipv6.plen", "Length of what follows the header").at(4),
            u8("ipv6.nxt", "What follows the header").at(6).named(PROTOCOLS),
            u8("ipv6.hlim", "Hop limit").at(7),
            ipv6("ipv6.src", "Address of the sender").at(8),
            ipv6("ipv6.dst", "Address of the receiver").at(24),
            ipv6("ipv6.addr", "Address of the sender or the receiver").either(&["ipv6.src", "ipv6.dst"]),
        ],
    ),
    wire(
        &["ipv6.hopopts"],
        "IPv6 hop-by-hop options",
        &[
            u8("ipv6.hopopts.nxt", "What follows").at(0),
            u8("ipv6.hopopts.len", "Length in units of 8 bytes, less one").at(1),
        ],
    ),
    wire(
        &["ipv6.routing"],
        "IPv6 routing header",
        &[
            u8("ipv6.routing.nxt", "What follows").at(0),
            u8("ipv6.routing.len", "Length in units of 8 bytes, less one").at(1),
            u8("ipv6.routing.type", "Type of routing header").at(2),
            u8("ipv6.routing.segleft", "Segments left").at(3),
        ],
    ),
    wire(
        &["ipv6.fraghdr"],
        "IPv6 fragment header",
        &[
            u8("ipv6.fraghdr.nxt", "What the datagram carries").at(0),
            u16("ipv6.fraghdr.offset", "Where the fragment belongs, in units of 8 bytes").bits(2, 2, 0xfff8),
            flag("ipv6.fraghdr.more", "More fragments follow").bits(2, 2, 0x0001),
            u32("ipv6.fraghdr.ident", "Identification").at(4),
        ],
    ),
    wire(
        &["ipv6.dstopts"],
        "IPv6 destination options",
        &[
            u8("ipv6.dstopts.nxt", "What follows").at(0),
            u8("ipv6.dstopts.len", "Length in units of 8 bytes, less one").at(1),
        ],
    ),
    wire(
        &["ah"],
        "Authentication Header",
        &[
            u8("ah.next_header", "What follows").at(0),
            u32("ah.spi", "Security parameters index").at(4),
            u32("ah.sequence", "Sequence number").at(8),
        ],
    ),
    wire(
        &["esp"],
        "Encapsulating Security Payload",
        &[u32("esp.spi", "Security parameters index").at(0), u32("esp.sequence", "Sequence number").at(4)],
    ),
    wire(
        &["icmp"],
        "Internet Control Message Protocol",
        &[
            u8("icmp.type", "Type of message").at(0),
            u8("icmp.code", "Code within the type").at(1),
            u16("icmp.checksum", "Checksum").at(2),
            u8("icmp.checksum.status", "0 wrong, 1 right, 2 not judged").named(VERDICTS),
            u16("icmp.ident", "Identifier of an echo"),
            u16("icmp.seq", "Sequence number of an echo"),
            u8("icmp.ext.echo.seq", "Sequence number of an extended echo"),
            u16("icmp.mtu", "MTU of the next hop"),
            ipv4("icmp.redir_gw", "Gateway of a redirect"),
        ],
    ),
    wire(
        &["icmpv6"],
        "Internet Control Message Protocol version 6",
        &[
            u8("icmpv6.type", "Type of message").at(0),
            u8("icmpv6.code", "Code within the type").at(1),
            u16("icmpv6.checksum", "Checksum").at(2),
            u8("icmpv6.checksum.status", "0 wrong, 1 right, 2 not judged").named(VERDICTS),
            u16("icmpv6.echo.identifier", "Identifier of an echo"),
            u16("icmpv6.echo.sequence_number", "Sequence number of an echo"),
            u32("icmpv6.mtu", "MTU of the next hop"),
            ipv6("icmpv6.nd.ns.target_address", "Address that is asked for"),
            ipv6("icmpv6.nd.na.target_address", "Address that is told"),
        ],
    ),
    wire(
        &["igmp"],
        "Internet Group Management Protocol",
        &[u8("igmp.type", "Type of message").at(0), ipv4("igmp.maddr", "Group")],
    ),
    wire(
        &["gre"],
        "Generic Routing Encapsulation",
        &[
            u16("gre.flags_and_version", "Flags and version").at(0),
            u16("gre.proto", "What the tunnel carries").at(2),
            u32("gre.key", "Key"),
        ],
    ),
    wire(
        &["vxlan"],
        "Virtual eXtensible LAN",
        &[u16("vxlan.flags", "Flags").at(0), u24("vxlan.vni", "Number of the network").at(4)],
    ),
    wire(
        &["geneve"],
        "Generic Network Virtualization Encapsulation",
        &[
            u8("geneve.version", "Version").bits(0, 1, 0xc0),
            u16("geneve.proto_type", "What the tunnel carries").at(2),
            u24("geneve.vni", "Number of the network").at(4),
        ],
    ),
    wire(
        &["gtp"],
        "GPRS Tunnelling Protocol",
        &[
            u8("gtp.flags", "Flags").at(0),
            u8("gtp.message", "Type of message").at(1),
            u16("gtp.length", "Length of what follows").at(2),
            u32("gtp.teid", "Endpoint of the tunnel"),
        ],
    ),
    wire(
        &["ipcomp"],
        "IP Payload Compression",
        &[u8("ipcomp.next_header", "What follows").at(0), u16("ipcomp.cpi", "Compression parameter index").at(2)],
    ),
    wire(&["shim6"], "Shim6", &[]),
    wire(&["mipv6"], "Mobile IPv6", &[]),
    wire(&["ospf"], "Open Shortest Path First", &[]),
    wire(&["pim"], "Protocol Independent Multicast", &[]),
    wire(&["vrrp"], "Virtual Router Redundancy Protocol", &[]),
    wire(&["eigrp"], "Enhanced Interior Gateway Routing Protocol", &[]),
    wire(&["rsvp"], "Resource Reservation Protocol", &[]),
    wire(&["nhrp"], "Next Hop Resolution Protocol", &[]),
    wire(&["etherip"], "Ethernet in IP", &[]),
    wire(&["teredo"], "Teredo tunnel of IPv6 over UDP", &[]),
    wire(&["ayiya"], "Anything In Anything tunnel", &[]),
    wire(&["l2tp"], "Layer Two Tunnelling Protocol", &[]),
];
