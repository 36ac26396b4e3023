//! `dns`: one transaction. `dns_message`: one message, on request.
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, FlowId, PacketNumber, Side, Subject, Timestamp};

/// How DNS messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum DnsTransport {
    Udp,
    Tcp,
    Mdns,
    Llmnr,
}

/// A query with its response.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Dns {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The end that asks.
    pub client: Endpoint,
    /// The end that answers.
    pub server: Endpoint,
    /// How the messages travelled.
    pub transport: DnsTransport,
    /// Message id.
    pub id: u16,
    /// IANA's name, such as `QUERY`.
    pub opcode: String,
    /// The question; null when it was not seen.
    pub query: Option<DnsQuery>,
    /// The answer; null when it was not seen.
    pub response: Option<DnsResponse>,
    /// From the first query to the response, in nanoseconds.
    pub latency_ns: Option<i64>,
    /// How often the query was sent again.
    pub retransmissions: u64,
    /// Without an answer: from the first query until the answer was given up, because the capture or the flow ended or
    /// ICMP said that it will not come, in nanoseconds.
    pub waited_ns: Option<i64>,
    /// The ICMP error that came instead of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<DnsUnreachable>,
    /// The transaction whose truncated answer made the client ask again over TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated_before: Option<DnsLink>,
}

/// An ICMP error that answers a query.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsUnreachable {
    /// The packet that carried it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it: the server itself, or a router on the way.
    pub by: IpAddr,
    /// What it says, such as `port unreachable`.
    pub reason: &'static str,
}

/// Another transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DnsLink {
    /// Its flow.
    pub flow: FlowId,
    /// The packet of its response.
    pub packet: PacketNumber,
}

/// What an OPT record says (RFC 6891 6.1).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsEdns {
    /// VERSION.
    pub version: u8,
    /// The largest UDP payload its sender takes, in bytes.
    pub udp_payload_size: u16,
    /// The DO bit: DNSSEC records are wanted (RFC 3225).
    pub dnssec_ok: bool,
    /// The options, at most 64.
    pub options: Vec<DnsEdnsOption>,
}

/// An EDNS option.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsEdnsOption {
    /// IANA's name, such as `COOKIE`, else `OPT65001`.
    pub name: String,
    /// Its value as text where it has one, such as a client subnet or an extended error (RFC 8914); else in hex.
    pub value: String,
}

/// A query.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsQuery {
    /// The packet that carried it, the first one when it was repeated.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Name asked for, in presentation format without the final dot; `.` is the root; null when there is no question.
    pub name: Option<String>,
    /// Type asked for, by IANA's name.
    #[serde(rename = "type")]
    pub record_type: Option<String>,
    /// Class asked for, by IANA's name.
    pub class: Option<String>,
    /// The RD bit.
    pub recursion_desired: bool,
    /// The CD bit: the answer is wanted even if DNSSEC says that it is false (RFC 4035 3.2.2).
    pub checking_disabled: bool,
    /// Whether it carries an OPT record (RFC 6891).
    pub edns: bool,
    /// What the OPT record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt: Option<Box<DnsEdns>>,
    /// Records a query carries itself: known answers in mDNS, the SOA of a NOTIFY (RFC 1996 3.7), the prerequisites of an
    /// UPDATE (RFC 2136 2.4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<DnsRecord>,
    /// What it carries in the authority section: the changes of an UPDATE (RFC 2136 2.5), the SOA the client has in an
    /// IXFR (RFC 1995 3), what an mDNS probe is about to use (RFC 6762 8.2).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<DnsRecord>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsResponse {
    /// The packet that carried it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Name of the question it repeats, when its query was not seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Type of the question it repeats, when its query was not seen.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub record_type: Option<String>,
    /// Response code by IANA's name, the extended bits of EDNS included.
    pub rcode: String,
    /// The AA bit.
    pub authoritative: bool,
    /// The TC bit.
    pub truncated: bool,
    /// The RA bit.
    pub recursion_available: bool,
    /// The AD bit: all of it was verified with DNSSEC (RFC 4035 3.2.3).
    pub authentic_data: bool,
    /// What the OPT record says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opt: Option<Box<DnsEdns>>,
    /// Answer section.
    pub answers: Vec<DnsRecord>,
    /// Authority section.
    pub authority: Vec<DnsRecord>,
    /// Additional section without OPT.
    pub additional: Vec<DnsRecord>,
}

/// A resource record.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsRecord {
    /// Owner name in presentation format.
    pub name: String,
    /// Type by IANA's name, else `TYPE65280`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Class by IANA's name, left out when it is `IN`. In the changes of an UPDATE (RFC 2136 2.5) `ANY` deletes all records
    /// of the type or name, `NONE` the one that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Data in presentation format.
    pub data: String,
}

/// One DNS message as it passed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsMessage {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The flow's client.
    pub client: Endpoint,
    /// The flow's server.
    pub server: Endpoint,
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// How it travelled.
    pub transport: DnsTransport,
    /// Message id.
    pub id: u16,
    /// The QR bit.
    pub is_response: bool,
    /// Opcode by IANA's name.
    pub opcode: String,
    /// Response code by IANA's name.
    pub rcode: String,
    /// Question section.
    pub questions: Vec<DnsQuestion>,
    /// QDCOUNT as on the wire.
    pub question_count: u16,
    /// ANCOUNT as on the wire.
    pub answer_count: u16,
    /// NSCOUNT as on the wire.
    pub authority_count: u16,
    /// ARCOUNT as on the wire.
    pub additional_count: u16,
    /// Answer section.
    pub answers: Vec<DnsRecord>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DnsQuestion {
    /// Name in presentation format.
    pub name: String,
    /// Type by IANA's name.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Class by IANA's name.
    pub class: String,
}
