//! `application`: the first facts of a protocol that is recognised, and read only as far as they go.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject};

/// What a flow says of itself in a protocol that is not followed further: one record a flow, its many requests summed up.
///
/// Of DHCP one record a transaction and of TFTP one a transfer: their messages are in several flows, and the record stands
/// under the flow of the first. A time in `facts` is in whole nanoseconds where its name ends in `_ns`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Application {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who opened the flow.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// The protocol, by Wireshark's short name, such as `socks`.
    pub protocol: &'static str,
    /// In the order in which they were said, at most [`crate::limits::MAX_APPLICATION_FACTS`].
    pub facts: Vec<ApplicationFact>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApplicationFact {
    /// What it is, in snake case, such as `destination`.
    pub name: &'static str,
    /// As it was said; passwords are never kept.
    pub value: String,
    /// Who said it.
    pub side: Side,
    /// The packet that completed it.
    pub packet: PacketNumber,
}
