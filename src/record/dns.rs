//! `dns`: one transaction. `dns_message`: one message, on request.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp};

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
    /// Whether it carries an OPT record (RFC 6891).
    pub edns: bool,
    /// Records a query carries itself, as in mDNS known answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<DnsRecord>,
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
    /// The AD bit.
    pub authentic_data: bool,
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
