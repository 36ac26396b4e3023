//! Who talks to whom: endpoints, directions, and the names by which flows are found and reported.
use std::{borrow::Cow, fmt, net::IpAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::{Evidence, PacketNumber};

/// One of the two ends of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The end that opened the flow.
    Client,
    /// The end that was asked.
    Server,
}

impl Side {
    /// The other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Which way a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the client to the server.
    ClientToServer,
    /// From the server to the client.
    ServerToClient,
}

impl Direction {
    /// Both, client's first.
    pub const BOTH: [Self; 2] = [Self::ClientToServer, Self::ServerToClient];

    /// The other way.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::ClientToServer => Self::ServerToClient,
            Self::ServerToClient => Self::ClientToServer,
        }
    }

    /// The side that sends in this direction.
    #[must_use]
    pub fn sender(self) -> Side {
        match self {
            Self::ClientToServer => Side::Client,
            Self::ServerToClient => Side::Server,
        }
    }

    /// 0 for the client's direction, 1 for the server's: for arrays of two.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::ClientToServer => 0,
            Self::ServerToClient => 1,
        }
    }
}

/// How sure we are of something an endpoint did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// That side itself sent what proves it.
    Observed,
    /// What should have caused it was seen.
    Implied,
    /// Never visible on a wire (LISTEN, the end of TIME-WAIT), or guessed by convention.
    Assumed,
}

/// What carries a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// No transport, but IP itself: the protocol with this number in the IP header.
    Ip(u8),
    /// RFC 826: a conversation about an address.
    Arp,
}

impl Transport {
    /// The protocol number in an IP header; of ARP, which is not above IP, a number beyond them.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Ip(number) => u16::from(number),
            Self::Arp => 256,
        }
    }
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            // By far the commonest, and titles of findings are full of them: one write instead of eight.
            IpAddr::V4(address) => {
                let mut text = [0u8; "255.255.255.255:65535".len()];
                let mut length = 0;
                for (octet, end) in address.octets().into_iter().zip(*b"...:") {
                    append_number(&mut text, &mut length, octet.into());
                    append(&mut text, &mut length, end);
                }
                append_number(&mut text, &mut length, self.port);
                f.write_str(text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
            }
            IpAddr::V6(address) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

fn append(text: &mut [u8], length: &mut usize, byte: u8) {
    if let Some(place) = text.get_mut(*length) {
        *place = byte;
        *length += 1;
    }
}

/// In decimal, without leading zeros.
fn append_number(text: &mut [u8], length: &mut usize, number: u16) {
    let mut begun = false;
    for unit in [10_000, 1_000, 100, 10, 1] {
        let digit = (number / unit % 10) as u8;
        begun |= digit != 0 || unit == 1;
        if begun {
            append(text, length, b'0' + digit);
        }
    }
}

/// The same value for both directions of a flow: two addresses, two ports, the transport, packed for hashing.
///
/// VLANs and tunnels are not part of it: a conversation seen on two VLANs is one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey([u64; 5]);

impl FlowKey {
    /// The key of a packet from `source` to `destination`.
    #[must_use]
    pub fn new(transport: Transport, source: Endpoint, destination: Endpoint) -> Self {
        let (low, high) = if source <= destination { (source, destination) } else { (destination, source) };
        let ([a, b], [c, d]) = (address_words(low.address), address_words(high.address));
        let version = u64::from(low.address.is_ipv6());
        let ports = u64::from(low.port) << 48 | u64::from(high.port) << 32;
        Self([a, b, c, d, ports | u64::from(transport.number()) << 8 | version])
    }

    /// The packed words, for a hash function.
    #[must_use]
    pub fn words(&self) -> &[u64; 5] {
        &self.0
    }
}

fn address_words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(v4) => [0, u64::from(v4.to_bits())],
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [(bits >> 64) as u64, bits as u64]
        }
    }
}

/// A flow's name: the packet that opened it, and how deep inside tunnels it runs. The same for any number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId {
    /// The packet that opened the flow.
    pub opener: PacketNumber,
    /// 0 outside tunnels, 1 inside one, ...
    pub depth: u8,
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.depth {
            0 => self.opener.fmt(f),
            depth => write!(f, "{}.{depth}", self.opener),
        }
    }
}

impl Serialize for FlowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for FlowId {
    fn schema_name() -> Cow<'static, str> {
        "FlowId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?$",
            "description": "Number of the packet that opened the flow, with .1, .2 inside tunnels" })
    }
}

/// What every session may know of the flow it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowFacts {
    /// The flow's name.
    pub id: FlowId,
    /// What carries it.
    pub transport: Transport,
    /// The end that opened the flow, as far as known.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Whether `client` is proven by a SYN or SYN-ACK, or assumed.
    pub client_certainty: Certainty,
}

impl FlowFacts {
    /// The end on `side`.
    #[must_use]
    pub fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }
}

/// What every record of a flow begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Subject {
    /// Number of the packet that opened the flow, with `.1`, `.2` inside tunnels.
    pub flow: Option<FlowId>,
    /// Name of the file, when there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<std::sync::Arc<str>>,
    /// The packets it rests on.
    #[serde(flatten)]
    pub evidence: Evidence,
}

impl Subject {
    /// Of `flow`, resting on `evidence`. The file's name is filled in by the engine.
    #[must_use]
    pub fn new(flow: FlowId, evidence: Evidence) -> Self {
        Self { flow: Some(flow), file: None, evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str, port: u16) -> Endpoint {
        Endpoint { address: text.parse().unwrap(), port }
    }

    #[test]
    fn both_directions_share_a_key() {
        let (a, b) = (endpoint("10.0.0.1", 9), endpoint("10.0.0.2", 7));
        assert_eq!(FlowKey::new(Transport::Tcp, a, b), FlowKey::new(Transport::Tcp, b, a));
        assert_ne!(FlowKey::new(Transport::Tcp, a, b), FlowKey::new(Transport::Udp, a, b));
        let swapped = (endpoint("10.0.0.1", 7), endpoint("10.0.0.2", 9));
        assert_ne!(FlowKey::new(Transport::Tcp, a, b), FlowKey::new(Transport::Tcp, swapped.0, swapped.1));
    }

    #[test]
    fn endpoints_are_printed_as_usual() {
        for (address, port) in [("0.0.0.0", 0), ("10.20.107.9", 80), ("255.100.0.255", 65535), ("192.168.1.1", 10_000)]
        {
            assert_eq!(endpoint(address, port).to_string(), format!("{address}:{port}"));
        }
        assert_eq!(endpoint("2001:db8::1", 443).to_string(), "[2001:db8::1]:443");
    }

    #[test]
    fn mapped_addresses_are_another_flow() {
        let v4 = FlowKey::new(Transport::Tcp, endpoint("0.0.0.1", 1), endpoint("0.0.0.2", 2));
        let v6 = FlowKey::new(Transport::Tcp, endpoint("::1", 1), endpoint("::2", 2));
        assert_ne!(v4, v6);
    }
}
