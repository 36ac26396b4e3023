//! `arp`: who has an address, asked and answered. `neighbor`: the same for IPv6, and what routers say of themselves.
use std::{borrow::Cow, fmt, net::IpAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::{Endpoint, PacketNumber, Subject, Timestamp};

/// A link-layer address, six bytes on Ethernet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HardwareAddress {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl HardwareAddress {
    /// The longest that is kept: InfiniBand's.
    pub const CAPACITY: usize = 20;

    /// From its bytes; null when there are none, or more than any link has.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let length = u8::try_from(bytes.len()).ok().filter(|length| (1..=20).contains(length))?;
        let mut kept = [0; Self::CAPACITY];
        for (place, byte) in kept.iter_mut().zip(bytes) {
            *place = *byte;
        }
        Some(Self { bytes: kept, length })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether it is all zeros, as where it is not known.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.bytes().iter().all(|byte| *byte == 0)
    }

    /// The redundancy protocol whose virtual address it is: VRRP and CARP (RFC 9568 7.3), HSRP, GLBP.
    #[must_use]
    pub fn redundancy(&self) -> Option<&'static str> {
        match self.bytes() {
            [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _] => Some("VRRP"),
            [0x00, 0x00, 0x0c, 0x07, 0xac, _] | [0x00, 0x00, 0x0c, 0x9f, 0xf0..=0xff, _] => Some("HSRP"),
            [0x00, 0x05, 0x73, 0xa0, 0x00..=0x0f, _] => Some("HSRP"),
            [0x00, 0x07, 0xb4, 0x00..=0x03, _, _] => Some("GLBP"),
            _ => None,
        }
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if place == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl Serialize for HardwareAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for HardwareAddress {
    fn schema_name() -> Cow<'static, str> {
        "HardwareAddress".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{2}(:[0-9a-f]{2})*$",
            "description": "Link-layer address, lower-case hex with colons" })
    }
}

/// An address of the network and the one of the link that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Station {
    /// Of the network: IPv4 or IPv6.
    pub address: IpAddr,
    /// Of the link; null when nobody told it.
    pub mac: Option<HardwareAddress>,
}

/// One exchange of ARP (RFC 826): a question, asked again or not, with its answer; or an announcement.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Arp {
    /// Flow and evidence: the requests, then the reply.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who asked or announced; the port is 0.
    pub client: Endpoint,
    /// The address asked for; the port is 0.
    pub server: Endpoint,
    /// When the first packet was captured.
    pub start_ts: Timestamp,
    /// `request`, also when it was answered; `reply` for one that nobody was seen to ask for; `reverse_request`,
    /// `reverse_reply` (RFC 903), `inverse_request`, `inverse_reply` (RFC 2390), `nak` (RFC 1577), or `other`.
    pub operation: &'static str,
    /// What it is for.
    pub purpose: ArpPurpose,
    /// Who sent the first packet. The address is 0.0.0.0 in a probe.
    pub sender: Station,
    /// Whom it is about; `mac` is what the answer told, or a reply's own field.
    pub target: Station,
    /// Whether an answer came; null where none is to be expected (announcements, replies) and none came.
    pub answered: Option<bool>,
    /// From the last request before it to the answer, in nanoseconds.
    pub latency_ns: Option<i64>,
    /// Requests, those sent again included; of replies, how many equal ones came.
    pub packets: u64,
    /// The packet of the answer.
    pub answer_packet: Option<PacketNumber>,
    /// How long the question was asked, from the first packet to the last, in nanoseconds.
    pub duration_ns: i64,
}

/// What an exchange of ARP is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArpPurpose {
    /// Somebody wants to know the link-layer address.
    Resolution,
    /// Is this address free? The sender's own address is 0.0.0.0 (RFC 5227 2.1.1).
    Probe,
    /// This address is mine: a request about the sender's own address (RFC 5227 2.3), also called gratuitous ARP.
    Announcement,
    /// The same as a reply.
    GratuitousReply,
    /// A reply that nobody was seen to ask for.
    UnsolicitedReply,
    /// The reverse: which address goes with a link-layer address.
    Reverse,
    /// None of these.
    Other,
}

/// One exchange of IPv6 Neighbor Discovery (RFC 4861).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Neighbor {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who asked; of advertisements, whom they were sent to. The port is 0.
    pub client: Endpoint,
    /// The address asked for, or who answered or advertised. The port is 0.
    pub server: Endpoint,
    /// When the first packet was captured.
    pub start_ts: Timestamp,
    /// What it began with.
    pub operation: NeighborOperation,
    /// Whether it is duplicate address detection (RFC 4862 5.4): a solicitation from the unspecified address.
    pub duplicate_address_detection: bool,
    /// Who sent the first packet; its link-layer address as far as an option tells it.
    pub sender: Station,
    /// The address asked for or advertised, with the link-layer address that was told; of a redirect, the better next hop.
    /// Null for router solicitations and advertisements.
    pub target: Option<Station>,
    /// Whether an answer came; null where none is to be expected. In duplicate address detection an answer is bad news.
    pub answered: Option<bool>,
    /// From the last solicitation before it to the answer, in nanoseconds.
    pub latency_ns: Option<i64>,
    /// Solicitations, those sent again included; of what nobody asked for, 1.
    pub packets: u64,
    /// The packet of the answer.
    pub answer_packet: Option<PacketNumber>,
    /// How long the question was asked, from the first packet to the last, in nanoseconds.
    pub duration_ns: i64,
    /// What a router advertisement says.
    pub router: Option<RouterAdvertisement>,
    /// Of a redirect: the destination for which there is a better next hop.
    pub destination: Option<IpAddr>,
}

/// The messages of Neighbor Discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeighborOperation {
    /// Who has the address? With its answer.
    NeighborSolicitation,
    /// An advertisement that nobody was seen to ask for.
    NeighborAdvertisement,
    /// Is there a router?
    RouterSolicitation,
    /// What a router says of the network.
    RouterAdvertisement,
    /// There is a better next hop (RFC 4861 4.5).
    Redirect,
}

impl NeighborOperation {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NeighborSolicitation => "neighbor solicitation",
            Self::NeighborAdvertisement => "neighbor advertisement",
            Self::RouterSolicitation => "router solicitation",
            Self::RouterAdvertisement => "router advertisement",
            Self::Redirect => "redirect",
        }
    }
}

/// What a router advertisement says (RFC 4861 4.2, RFC 4191, RFC 8106).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RouterAdvertisement {
    /// Hop limit that hosts shall use; 0 leaves it to them.
    pub hop_limit: u8,
    /// M: addresses are given by DHCPv6.
    pub managed: bool,
    /// O: other configuration is given by DHCPv6.
    pub other_configuration: bool,
    /// `high`, `medium` or `low` (RFC 4191); null when the field is reserved.
    pub preference: Option<&'static str>,
    /// How long it is a default router, in seconds; 0: it is none.
    pub lifetime_s: u16,
    /// How long a neighbour counts as reachable, in milliseconds; 0 leaves it to the host.
    pub reachable_ms: u32,
    /// Between solicitations, in milliseconds; 0 leaves it to the host.
    pub retransmit_ms: u32,
    /// Largest packet on the link, in bytes.
    pub mtu: Option<u32>,
    /// The prefixes, at most 16.
    pub prefixes: Vec<AdvertisedPrefix>,
    /// Recursive DNS servers (RFC 8106 5.1), at most 16.
    pub dns_servers: Vec<IpAddr>,
    /// Domains to search (RFC 8106 5.2), at most 16.
    pub search_domains: Vec<String>,
}

/// A prefix that a router advertises (RFC 4861 4.6.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct AdvertisedPrefix {
    /// Such as `2001:db8::/64`.
    pub prefix: String,
    /// L: addresses with it are on this link.
    pub on_link: bool,
    /// A: hosts make themselves addresses with it (RFC 4862).
    pub autonomous: bool,
    /// Valid for so many seconds; 4294967295 is for ever.
    pub valid_s: u32,
    /// Preferred for so many seconds.
    pub preferred_s: u32,
}
