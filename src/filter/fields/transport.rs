//! Fields of the transports.
use super::{Field, From, Group, Kind, bytes, duration, flag, network::VERDICTS, nothing, u8, u16, u32, wire};
use crate::filter::packet::Fact;

/// What the flow thinks of a segment.
const fn judged(name: &'static str, description: &'static str) -> Field {
    nothing(name, description).from(From::Judged)
}

/// In the order in which people ask for them.
pub(super) static GROUPS: &[Group] = &[
    wire(
        &["tcp"],
        "Transmission Control Protocol",
        &[
            u16("tcp.srcport", "Port of the sender").at(0),
            u16("tcp.dstport", "Port of the receiver").at(2),
            u16("tcp.port", "Port of the sender or the receiver").either(&["tcp.srcport", "tcp.dstport"]),
            u32("tcp.stream", "Number of the connection, from 0, in order of appearance").fact(Fact::TcpStream),
            u32("tcp.len", "Bytes of payload on the wire").from(From::PayloadLength),
            u32("tcp.seq", "Sequence number, relative to the sender's first").fact(Fact::TcpSequence),
            u32("tcp.seq_raw", "Sequence number as on the wire").at(4),
            u32("tcp.nxtseq", "Next sequence number, relative").fact(Fact::TcpNextSequence),
            u32("tcp.ack", "Acknowledgment number, relative to the receiver's first").fact(Fact::TcpAcknowledgment),
            u32("tcp.ack_raw", "Acknowledgment number as on the wire").at(8),
            u8("tcp.hdr_len", "Length of the header in bytes").from(From::Words { at: 12, mask: 0xf0 }),
            u16("tcp.flags", "All flags").bits(12, 2, 0x0fff),
            flag("tcp.flags.ae", "Accurate ECN").bits(12, 2, 0x0100),
            flag("tcp.flags.cwr", "Congestion window reduced").bits(12, 2, 0x0080),
            flag("tcp.flags.ece", "ECN echo").bits(12, 2, 0x0040),
            flag("tcp.flags.urg", "Urgent pointer counts").bits(12, 2, 0x0020),
            flag("tcp.flags.ack", "Acknowledgment number counts").bits(12, 2, 0x0010),
            flag("tcp.flags.push", "Push").bits(12, 2, 0x0008),
            flag("tcp.flags.reset", "Reset").bits(12, 2, 0x0004),
            flag("tcp.flags.syn", "Synchronize").bits(12, 2, 0x0002),
            flag("tcp.flags.fin", "Nothing more to send").bits(12, 2, 0x0001),
            u16("tcp.window_size_value", "Window as on the wire").at(14),
            u32("tcp.window_size", "Window in bytes, as scaled as both sides agreed").fact(Fact::TcpWindow),
            u16("tcp.checksum", "Checksum").at(16),
            u8("tcp.checksum.status", "0 wrong, 1 right, 2 not judged").named(VERDICTS),
            u16("tcp.urgent_pointer", "Urgent pointer").at(18),
            bytes("tcp.payload", "Payload").from(From::Payload),
            duration("tcp.time_relative", "Seconds since the first packet of the connection").fact(Fact::TcpSinceFirst),
            duration("tcp.time_delta", "Seconds since the packet before of the connection")
                .fact(Fact::TcpSincePrevious),
            judged("tcp.analysis.flags", "Any of the judgements below"),
            judged("tcp.analysis.retransmission", "Sent again"),
            judged(
                "tcp.analysis.fast_retransmission",
                "Sent again because the peer reported that later ones had arrived",
            ),
            judged("tcp.analysis.spurious_retransmission", "Sent again though it had arrived"),
            judged("tcp.analysis.out_of_order", "Behind one that was sent later"),
            judged("tcp.analysis.duplicate_ack", "Repeats an acknowledgment"),
            judged("tcp.analysis.zero_window", "Announces a window of zero"),
            judged("tcp.analysis.window_full", "Fills the peer's window to its edge"),
            judged("tcp.analysis.keep_alive", "Asks whether the peer is still there"),
            judged("tcp.analysis.zero_window_probe", "Asks whether a window of zero has opened"),
            u16("tcp.options.mss_val", "Largest segment the sender takes"),
            u8("tcp.options.wscale.shift", "Shift count of the sender's windows"),
            Field::new("tcp.options.sack_perm", Kind::Protocol, "The sender takes selective acknowledgments"),
            u32("tcp.options.timestamp.tsval", "The sender's clock"),
            u32("tcp.options.timestamp.tsecr", "The receiver's clock as last seen"),
            u32("tcp.options.sack_le", "Left edge of a block that arrived out of order"),
            u32("tcp.options.sack_re", "Right edge of a block that arrived out of order"),
            nothing("tcp.options.tfo.request", "Asks for a Fast Open cookie"),
            bytes("tcp.options.tfo.cookie", "Fast Open cookie"),
            u8("tcp.options.mptcp.subtype", "Subtype of a Multipath TCP option"),
            bytes("tcp.options.md5.digest", "MD5 digest"),
            flag("tcp.options.user_to_granularity", "The user timeout is in minutes"),
            u16("tcp.options.user_to_val", "User timeout"),
        ],
    ),
    wire(
        &["udp"],
        "User Datagram Protocol",
        &[
            u16("udp.srcport", "Port of the sender").at(0),
            u16("udp.dstport", "Port of the receiver").at(2),
            u16("udp.port", "Port of the sender or the receiver").either(&["udp.srcport", "udp.dstport"]),
            u16("udp.length", "Length of header and payload").at(4),
            u16("udp.checksum", "Checksum").at(6),
            u8("udp.checksum.status", "0 wrong, 1 right, 2 not judged").named(VERDICTS),
            u32("udp.stream", "Number of the flow, from 0, in order of appearance").fact(Fact::UdpStream),
            bytes("udp.payload", "Payload").from(From::Payload),
            duration("udp.time_relative", "Seconds since the first packet of the flow").fact(Fact::UdpSinceFirst),
            duration("udp.time_delta", "Seconds since the packet before of the flow").fact(Fact::UdpSincePrevious),
        ],
    ),
    wire(
        &["sctp"],
        "Stream Control Transmission Protocol",
        &[
            u16("sctp.srcport", "Port of the sender").at(0),
            u16("sctp.dstport", "Port of the receiver").at(2),
            u16("sctp.port", "Port of the sender or the receiver").either(&["sctp.srcport", "sctp.dstport"]),
            u32("sctp.verification_tag", "Verification tag").at(4),
        ],
    ),
    wire(&["udplite"], "Lightweight UDP", &[]),
    wire(&["dccp"], "Datagram Congestion Control Protocol", &[]),
    wire(&["data"], "Bytes that no protocol here explains", &[Field::new("data.len", Kind::Signed(32), "How many")]),
];
