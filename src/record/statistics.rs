//! The `statistics_*` records: what `wireglass statistics` counted, packet by packet, as `tshark -z` does.
//!
//! They concern the whole run and not a flow, so they have neither `flow` nor `evidence`. Bytes are those on the wire, link
//! header included. A packet counts once for each header that names it: in a tunnel, the outer and the inner addresses.
use schemars::JsonSchema;
use serde::Serialize;

use super::{PacketNumber, Timestamp};

/// A layer whose addresses converse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StatisticsLayer {
    /// Ethernet addresses.
    Eth,
    /// IPv4 addresses.
    Ip,
    /// IPv6 addresses.
    Ipv6,
    /// IP addresses with TCP ports.
    Tcp,
    /// IP addresses with UDP ports.
    Udp,
}

impl StatisticsLayer {
    /// All of them, from the link upwards.
    pub const ALL: [Self; 5] = [Self::Eth, Self::Ip, Self::Ipv6, Self::Tcp, Self::Udp];

    /// The name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Eth => "eth",
            Self::Ip => "ip",
            Self::Ipv6 => "ipv6",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// A node of the protocol hierarchy (`tshark -z io,phs`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StatisticsProtocol {
    /// Protocols from the link upwards, `eth:ip:tcp`.
    pub path: String,
    /// The last of them.
    pub protocol: String,
    /// How many protocols are below it: 0 for the link.
    pub depth: u64,
    /// Packets at this node or deeper.
    pub packets: u64,
    /// Their share of all packets, in percent.
    pub packets_percent: f64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Their share of all bytes, in percent.
    pub bytes_percent: f64,
    /// Packets at this node and not deeper.
    pub end_packets: u64,
    /// Their bytes on the wire.
    pub end_bytes: u64,
    /// `bytes` over the time from the first packet to the last, in bits per second; null when that is no time.
    pub bits_per_second: Option<u64>,
}

/// One side of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsParty {
    /// Ethernet, IPv4 or IPv6 address.
    pub address: String,
    /// TCP or UDP port; null on the layers that have none.
    pub port: Option<u16>,
}

/// Packets and bytes one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsTraffic {
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Those bytes over the duration of the conversation, in bits per second; null when that is no time.
    pub bits_per_second: Option<u64>,
}

/// A conversation: all packets between two addresses of one layer (`tshark -z conv,LAYER`). TCP connections that use the
/// same addresses and ports one after the other are several conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsConversation {
    /// Whose addresses.
    pub layer: StatisticsLayer,
    /// The sender of the first packet.
    pub a: StatisticsParty,
    /// The other side.
    pub b: StatisticsParty,
    /// Packets both ways.
    pub packets: u64,
    /// Bytes both ways.
    pub bytes: u64,
    /// From `a` to `b`.
    pub a_to_b: StatisticsTraffic,
    /// From `b` to `a`.
    pub b_to_a: StatisticsTraffic,
    /// The first packet.
    pub packet: PacketNumber,
    /// The earliest packet's moment.
    pub start_ts: Timestamp,
    /// The same since the first packet of the run, in nanoseconds.
    pub start_ns: i64,
    /// From the earliest packet to the latest, in nanoseconds.
    pub duration_ns: i64,
}

/// Packets and bytes that an endpoint sent or received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsCount {
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// An address of one layer (`tshark -z endpoints,LAYER`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsEndpoint {
    /// Whose addresses.
    pub layer: StatisticsLayer,
    /// Ethernet, IPv4 or IPv6 address.
    pub address: String,
    /// TCP or UDP port; null on the layers that have none.
    pub port: Option<u16>,
    /// Packets sent and received.
    pub packets: u64,
    /// Bytes sent and received.
    pub bytes: u64,
    /// What it sent.
    pub sent: StatisticsCount,
    /// What it received.
    pub received: StatisticsCount,
}

/// What passed in one interval of time (`tshark -z io,stat,INTERVAL`). Intervals in which nothing passed have no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsInterval {
    /// Its beginning since the first packet, in nanoseconds; negative when packets are older than the first one.
    pub start_ns: i64,
    /// Its beginning.
    pub start_ts: Timestamp,
    /// Its length in nanoseconds, the same for all of a run.
    pub interval_ns: i64,
    /// Packets in it.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// `bytes` over the interval, in bits per second.
    pub bits_per_second: u64,
    /// Packets that pass each of the filters asked for, in their order; the first is `tcp.analysis.flags` unless others are
    /// named.
    pub lines: Vec<StatisticsLine>,
}

/// Packets of an interval that pass a filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsLine {
    /// The display filter.
    pub filter: String,
    /// Packets that pass it.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// Packets whose length on the wire is in a range (`tshark -z plen,tree`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StatisticsLength {
    /// Shortest length of the range in bytes.
    pub from: u32,
    /// Longest length of the range in bytes; null where it has no end.
    pub to: Option<u32>,
    /// Packets.
    pub packets: u64,
    /// Their share of all packets, in percent.
    pub packets_percent: f64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// The shortest of them in bytes; null when there are none.
    pub min: Option<u32>,
    /// The longest of them in bytes; null when there are none.
    pub max: Option<u32>,
}

/// Packets of one sender that came with the same time to live (IPv4) or hop limit (IPv6): how far away it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StatisticsHops {
    /// The sender.
    pub address: String,
    /// The field as captured.
    pub hop_limit: u8,
    /// What the sender is assumed to have set: the next higher one of 32, 64, 128 and 255 that systems begin with.
    pub initial_assumed: u8,
    /// Routers between the sender and the place of the capture, if that is so.
    pub hops_assumed: u8,
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}

/// Packets with the same Differentiated Services codepoint (RFC 2474).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StatisticsDscp {
    /// The codepoint, 0 to 63.
    pub dscp: u8,
    /// IANA's name (`CS0`, `AF31`, `EF`); null where it has none.
    pub name: Option<&'static str>,
    /// IP headers that carry it.
    pub packets: u64,
    /// Their share of all IP headers, in percent.
    pub packets_percent: f64,
    /// Bytes on the wire of those packets.
    pub bytes: u64,
    /// Of these packets, those whose sender understands Explicit Congestion Notification (ECT(0), ECT(1) or CE).
    pub ecn_capable: u64,
    /// Of these, those that a router marked: Congestion Experienced (RFC 3168 5).
    pub congestion_experienced: u64,
}
