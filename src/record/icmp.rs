//! `icmp_echo`: a ping as an exchange. `path`: the routers that a traceroute found. And what flows tell of ICMP errors to those
//! who put them together.
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, FlowId, PacketNumber, PacketRef, Rtt, Subject, Timestamp, Transport};

/// Requests of one sender to one address with one identifier, and their replies (RFC 792, RFC 4443 4).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct IcmpEcho {
    /// Flow and evidence: the first packets and the last.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who asks; the port is 0.
    pub client: Endpoint,
    /// Who is asked; the port is 0.
    pub server: Endpoint,
    /// `icmp` or `icmpv6`.
    pub protocol: &'static str,
    /// `echo`, `timestamp`, `information`, `address_mask` (RFC 792, RFC 950) or `extended_echo` (RFC 8335).
    pub query: &'static str,
    /// The identifier all of them carry.
    pub identifier: u16,
    /// First packet.
    pub start_ts: Timestamp,
    /// Last packet.
    pub end_ts: Timestamp,
    /// Requests; null when the capture holds none of them.
    pub sent: Option<u64>,
    /// Replies, each request's first one only.
    pub received: u64,
    /// Further replies to a request that was answered before.
    pub duplicate: u64,
    /// Requests that stayed without reply and without an error; null when none was captured, or they went to many.
    pub lost: Option<u64>,
    /// Requests so shortly before the end that a reply may have come after it; they count neither as lost nor as received.
    pub pending: u64,
    /// Replies whose request was not captured.
    pub unmatched: u64,
    /// Replies that came after more than a second: most programs have given up by then.
    pub late: u64,
    /// Replies that came behind the reply to a later request.
    pub out_of_order: u64,
    /// Sequence numbers left out between requests: packets the capture lacks, or requests to others from a shared counter.
    pub sequence_gaps: u64,
    /// Replies that do not carry the data of their request.
    pub mismatched: u64,
    /// Bytes behind the header of the first packet, as far as captured.
    pub payload_bytes: u64,
    /// From request to reply.
    pub rtt: Rtt,
    /// Mean difference between one round-trip time and the next, in nanoseconds; null with less than two.
    pub jitter_ns: Option<i64>,
    /// Time to live, or hop limit, of the first request where it was captured.
    pub request_hop_limit: Option<u8>,
    /// The same of the first reply.
    pub reply_hop_limit: Option<u8>,
    /// Routers the first reply passed before it was captured, when it began with 64, 128 or 255 as usual.
    pub reply_hops: Option<u8>,
    /// Times the hop limit of a reply differed from that of the one before: the way back changed.
    pub reply_hop_limit_changes: u64,
    /// ICMP errors that came instead of a reply, at most 16.
    pub unreachable: Vec<EchoError>,
    /// How many there were.
    pub unreachable_total: u64,
}

/// An ICMP error that came instead of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EchoError {
    /// The packet that carried it.
    pub packet: PacketNumber,
    /// Its type.
    #[serde(rename = "type")]
    pub message_type: u8,
    /// Its code.
    pub code: u8,
    /// Both in words, such as `host unreachable`.
    pub reason: &'static str,
    /// Who sent it.
    pub by: IpAddr,
    /// Sequence number of the request it speaks of, when it quotes so much.
    pub sequence: Option<u16>,
    /// Largest packet that would have passed, in bytes.
    pub mtu: Option<u32>,
}

/// The way from one host to another, as packets with rising hop limits showed it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Path {
    /// Flow of the first probe, and evidence: errors and replies.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who sent the probes; the port is 0.
    pub client: Endpoint,
    /// Whom they were meant for; the port is 0, but the one asked with TCP.
    pub server: Endpoint,
    /// `udp`, `icmp` or `tcp`.
    pub method: &'static str,
    /// The first probe.
    pub start_ts: Timestamp,
    /// The last answer or probe.
    pub end_ts: Timestamp,
    /// Probes sent, those beyond the target included.
    pub probes: u64,
    /// Whether the target itself answered.
    pub reached: bool,
    /// Smallest largest packet that a router on the way told, in bytes.
    pub mtu: Option<u32>,
    /// The hops, nearest first; those beyond the target are left out.
    pub hops: Vec<PathHop>,
}

/// What came of the probes with one hop limit.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PathHop {
    /// The hop limit with which they were captured.
    pub ttl: u8,
    /// Who answered first; null when nobody did.
    pub address: Option<IpAddr>,
    /// All who answered, at most 16: several where the load is spread over several ways.
    pub addresses: Vec<IpAddr>,
    /// Probes.
    pub probes: u64,
    /// Of those, answered.
    pub answered: u64,
    /// From the probe to the answer.
    pub rtt: Rtt,
    /// What the answers said, if it is no `time exceeded` and no answer of the target: such as `host unreachable`.
    pub refused: Option<&'static str>,
}

/// What an ICMP error says, in words (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3).
#[must_use]
pub fn icmp_error_words(v6: bool, message_type: u8, code: u8) -> &'static str {
    match (v6, message_type, code) {
        (false, 3, 0 | 6 | 11) => "network unreachable",
        (false, 3, 1 | 7 | 8 | 12) => "host unreachable",
        (false, 3, 2) => "protocol unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 3, 4) | (true, 2, _) => "fragmentation needed",
        (false, 3, 5) => "source route failed",
        (false, 3, 9 | 10 | 13..=15) | (true, 1, 1 | 5) => "administratively prohibited",
        (true, 1, 0 | 6) => "no route",
        (true, 1, 2) => "beyond the scope of the source address",
        (true, 1, 3) => "address unreachable",
        (false, 3, _) | (true, 1, _) => "destination unreachable",
        (false, 4, _) => "source quench",
        (false, 5, _) => "redirect",
        (false, 11, 1) | (true, 3, 1) => "fragment reassembly time exceeded",
        (false, 11, _) | (true, 3, _) => "time exceeded",
        (false, 12, _) | (true, 4, _) => "parameter problem",
        _ => "error",
    }
}

/// A packet with a small hop limit, or one that an ICMP error speaks of: a step of a traceroute, perhaps. Small, fixed in
/// size, never printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeFact {
    /// Its flow.
    pub flow: FlowId,
    /// What carried it.
    pub transport: Transport,
    /// Who sent it.
    pub source: Endpoint,
    /// Whom it was meant for.
    pub target: Endpoint,
    /// The packet.
    pub sent: PacketRef,
    /// Its hop limit where it was captured.
    pub hop_limit: u8,
    /// What came of it.
    pub answer: Option<ProbeAnswer>,
}

impl ProbeFact {
    /// Packets without an error are told of up to this hop limit: traceroute's default.
    pub const LOW_HOP_LIMIT: u8 = 30;
}

/// What answered a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The packet.
    pub packet: PacketRef,
    /// Who sent it.
    pub by: IpAddr,
    /// What it was.
    pub kind: AnswerKind,
}

/// Kinds of answers to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// A router's time exceeded.
    TimeExceeded,
    /// The target's reply, reset or port unreachable.
    Reached,
    /// Another error, in words.
    Refused(&'static str),
}

/// An ICMP error, and whose packet it speaks of. Small, fixed in size, never printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpErrorFact {
    /// The flow of the quoted packet; null when the capture does not hold it.
    pub flow: Option<FlowId>,
    /// The flow to name where there is none: the error's own packet.
    pub own: FlowId,
    /// The protocol of that flow.
    pub application: Option<&'static str>,
    /// What carried the quoted packet.
    pub transport: Transport,
    /// Who sent the quoted packet.
    pub source: Endpoint,
    /// Whom it was meant for.
    pub target: Endpoint,
    /// Who says so.
    pub by: IpAddr,
    /// The error.
    pub at: PacketRef,
    /// Whether it is ICMPv6.
    pub v6: bool,
    /// Its type.
    pub message_type: u8,
    /// Its code.
    pub code: u8,
    /// Largest packet that would have passed, in bytes; null when it does not say.
    pub mtu: Option<u32>,
    /// Of a redirect, the better next hop.
    pub gateway: Option<IpAddr>,
    /// Length of the quoted packet, in bytes, IP header included, by its own header.
    pub quoted_length: Option<u32>,
    /// The connection failed by it, which its own finding tells.
    pub told: bool,
    /// The quoted packet and its hop limit where it was captured, when it was the last that its sender sent in the flow.
    pub probe: Option<(PacketRef, u8)>,
}

impl IcmpErrorFact {
    /// In words.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        icmp_error_words(self.v6, self.message_type, self.code)
    }

    /// Whether a router dropped the packet because it had passed too many.
    #[must_use]
    pub fn is_time_exceeded(&self) -> bool {
        matches!((self.v6, self.message_type, self.code), (false, 11, 0) | (true, 3, 0))
    }
}
