//! `resolution`: how a resolver found an answer. `round_robin`: how a server hands out the addresses of a name.
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{DnsRecord, Endpoint, FlowId, PacketNumber, Subject, Timestamp};

/// A question put to a resolver, and what the resolver asked others to answer it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Resolution {
    /// Flow of the question (of the first step, when the question was not captured) and evidence of all steps.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who asked the resolver; null when only the resolver's own queries were captured.
    pub client: Option<Endpoint>,
    /// The resolver.
    pub server: Endpoint,
    /// Name asked for, in lower case.
    pub name: String,
    /// Type asked for.
    #[serde(rename = "type")]
    pub record_type: String,
    /// When the question, or the first step, was sent.
    pub start_ts: Timestamp,
    /// Until the resolver answered, or the last step was answered, in nanoseconds; null without an answer.
    pub duration_ns: Option<i64>,
    /// Where the answer came from; null when there was none.
    pub source: Option<AnswerSource>,
    /// What the resolver answered; null when it did not, or that was not captured.
    pub rcode: Option<String>,
    /// The aliases followed (CNAME), in order.
    pub aliases: Vec<String>,
    /// The answers in presentation format, at most 16.
    pub answers: Vec<String>,
    /// Together, how long the steps took, in nanoseconds.
    pub upstream_ns: i64,
    /// The queries it took, in order, at most 64.
    pub steps: Vec<ResolutionStep>,
    /// How many there were.
    pub steps_total: u64,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnswerSource {
    /// The resolver asked other servers.
    Asked,
    /// The resolver asked nobody while the client waited: it knew already.
    Cache,
    /// The server is responsible for the name itself.
    Authoritative,
}

/// One query of a resolver.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ResolutionStep {
    /// Its flow.
    pub flow: FlowId,
    /// The query.
    pub packet: PacketNumber,
    /// The response.
    pub response_packet: Option<PacketNumber>,
    /// Who was asked.
    pub server: Endpoint,
    /// The zone for which that server was asked (`.` is the root), where referrals or its own answer tell.
    pub zone: Option<String>,
    /// Name asked for, in lower case.
    pub name: String,
    /// Type asked for.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Since the start of the resolution, in nanoseconds.
    pub offset_ns: i64,
    /// Until the response, in nanoseconds.
    pub latency_ns: Option<i64>,
    /// How often it was sent.
    pub tries: u64,
    /// What came of it.
    pub outcome: StepOutcome,
    /// Response code.
    pub rcode: Option<String>,
    /// The AA bit: the server is responsible for the name.
    pub authoritative: bool,
    /// Whom to ask instead.
    pub referral: Option<Referral>,
    /// The answers, at most 16.
    pub answers: Vec<DnsRecord>,
}

/// What came of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Records of the type asked for.
    Answer,
    /// Another name, and no record of the type asked for (CNAME).
    Alias,
    /// Other servers that know more (RFC 1034 4.3.1).
    Referral,
    /// The name exists, but has no such record (RFC 2308 2.2).
    NoData,
    /// The name does not exist.
    NameError,
    /// The answer did not fit.
    Truncated,
    /// The server failed or refused.
    Failure,
    /// Nothing came.
    Unanswered,
    /// ICMP answered.
    Unreachable,
}

/// Servers that know more.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Referral {
    /// The zone they are responsible for.
    pub zone: String,
    /// Their names, at most 16.
    pub servers: Vec<String>,
    /// Their addresses, as far as the referral told them (glue, RFC 9471), at most 16.
    pub glue: Vec<IpAddr>,
}

/// Addresses of one name as one server handed them out over several answers.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RoundRobin {
    /// The flow of the first answer, and evidence: the answers.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who answered.
    pub server: Endpoint,
    /// The name, in lower case.
    pub name: String,
    /// `A` or `AAAA`.
    #[serde(rename = "type")]
    pub record_type: String,
    /// Answers that were compared.
    pub responses: u64,
    /// How their order changes.
    pub rotation: Rotation,
    /// The addresses by when they were first handed out, at most 64.
    pub addresses: Vec<AddressShare>,
    /// How many there were.
    pub addresses_total: u64,
    /// The orders of the first 16 answers.
    pub orders: Vec<Vec<IpAddr>>,
    /// Connections that clients opened to one of the addresses after such an answer, at most 32.
    pub connections: Vec<ChosenAddress>,
    /// How many there were.
    pub connections_total: u64,
}

/// How the order of addresses changes from answer to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// It does not.
    Fixed,
    /// Each answer begins where an earlier one went on: the same circle.
    Cyclic,
    /// The same addresses in any order.
    Shuffled,
    /// Different addresses.
    Varying,
}

/// What share an address has.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AddressShare {
    /// The address.
    pub address: IpAddr,
    /// In how many answers it was.
    pub given: u64,
    /// In how many it stood first, where most clients take it from.
    pub first: u64,
    /// Connections opened to it after such an answer.
    pub connections: u64,
}

/// A connection to an address that an answer named.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChosenAddress {
    /// Its flow.
    pub flow: FlowId,
    /// When it began.
    pub ts: Timestamp,
    /// Who connected.
    pub client: Endpoint,
    /// The address chosen, and the port.
    pub server: Endpoint,
    /// The place of the address in the answer that the client had, from 1.
    pub position: u64,
    /// Since that answer, in nanoseconds.
    pub after_answer_ns: i64,
}
