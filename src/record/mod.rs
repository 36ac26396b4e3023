//! What travels and what is reported: plain data. No logic beyond arithmetic on itself, no input or output.
mod application;
mod capture;
pub mod catalogue;
mod certificate;
mod chunk;
mod community_id;
mod connection;
mod dns;
mod fact;
mod finding;
mod flow;
mod glance;
mod http;
mod http2;
mod http_meaning;
mod icmp;
mod link;
mod link_fact;
mod neighbor;
mod packet;
mod part;
mod quic;
mod resolution;
mod secrets;
mod segment;
mod session;
mod statistics;
mod time;
mod tls;
mod tls_extension;
mod tunnel;
mod websocket;

pub use application::*;
pub use capture::*;
pub use certificate::*;
pub use chunk::*;
pub use community_id::*;
pub use connection::*;
pub use dns::*;
pub use fact::*;
pub use finding::*;
pub use flow::*;
pub use glance::*;
pub use http::*;
pub use http_meaning::*;
pub use http2::*;
pub use icmp::*;
pub use link::*;
pub use link_fact::*;
pub use neighbor::*;
pub use packet::*;
pub use part::*;
pub use quic::*;
pub use resolution::*;
pub use secrets::*;
pub use segment::*;
pub use session::*;
pub use statistics::*;
pub use time::*;
pub use tls::*;
pub use tls_extension::*;
pub use tunnel::*;
pub use websocket::*;

use schemars::JsonSchema;
use serde::Serialize;

/// Everything that can be reported; in JSON the variant's name is the key `type`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs)] // each variant is named like its struct, which is documented
pub enum Record {
    Report(Report),
    Connection(Box<Connection>),
    Udp(Box<Udp>),
    Dns(Box<Dns>),
    DnsMessage(Box<DnsMessage>),
    Resolution(Box<Resolution>),
    RoundRobin(Box<RoundRobin>),
    Tls(Box<Tls>),
    TlsRecord(Box<TlsRecord>),
    QuicPacket(Box<QuicPacket>),
    TlsExtensions(Box<TlsExtensions>),
    Certificate(Box<Certificate>),
    Http(Box<Http>),
    Http2Frame(Box<Http2Frame>),
    Application(Box<Application>),
    Websocket(Box<Websocket>),
    IcmpEcho(Box<IcmpEcho>),
    Path(Box<Path>),
    Arp(Box<Arp>),
    Neighbor(Box<Neighbor>),
    Finding(Box<Finding>),
    Packet(Box<Packet>),
    StatisticsProtocol(Box<StatisticsProtocol>),
    StatisticsConversation(Box<StatisticsConversation>),
    StatisticsEndpoint(Box<StatisticsEndpoint>),
    StatisticsInterval(Box<StatisticsInterval>),
    StatisticsLength(Box<StatisticsLength>),
    StatisticsHops(Box<StatisticsHops>),
    StatisticsDscp(Box<StatisticsDscp>),
    Capture(Box<Capture>),
}

/// The kinds of record, as `--only` and `--also` name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum RecordKind {
    Report,
    Connection,
    Udp,
    Dns,
    DnsMessage,
    Resolution,
    RoundRobin,
    Tls,
    TlsRecord,
    QuicPacket,
    TlsExtensions,
    Certificate,
    Http,
    Http2Frame,
    Application,
    Websocket,
    IcmpEcho,
    Path,
    Arp,
    Neighbor,
    Finding,
    Packet,
    StatisticsProtocol,
    StatisticsConversation,
    StatisticsEndpoint,
    StatisticsInterval,
    StatisticsLength,
    StatisticsHops,
    StatisticsDscp,
    Capture,
}

impl RecordKind {
    /// All of them.
    pub const ALL: [Self; 30] = [
        Self::Report,
        Self::Connection,
        Self::Udp,
        Self::Dns,
        Self::DnsMessage,
        Self::Resolution,
        Self::RoundRobin,
        Self::Tls,
        Self::TlsRecord,
        Self::QuicPacket,
        Self::TlsExtensions,
        Self::Certificate,
        Self::Http,
        Self::Http2Frame,
        Self::Application,
        Self::Websocket,
        Self::IcmpEcho,
        Self::Path,
        Self::Arp,
        Self::Neighbor,
        Self::Finding,
        Self::Packet,
        Self::StatisticsProtocol,
        Self::StatisticsConversation,
        Self::StatisticsEndpoint,
        Self::StatisticsInterval,
        Self::StatisticsLength,
        Self::StatisticsHops,
        Self::StatisticsDscp,
        Self::Capture,
    ];

    /// The value of the key `type`.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Connection => "connection",
            Self::Udp => "udp",
            Self::Dns => "dns",
            Self::DnsMessage => "dns_message",
            Self::Resolution => "resolution",
            Self::RoundRobin => "round_robin",
            Self::Tls => "tls",
            Self::TlsRecord => "tls_record",
            Self::QuicPacket => "quic_packet",
            Self::TlsExtensions => "tls_extensions",
            Self::Certificate => "certificate",
            Self::Http => "http",
            Self::Http2Frame => "http2_frame",
            Self::Application => "application",
            Self::Websocket => "websocket",
            Self::IcmpEcho => "icmp_echo",
            Self::Path => "path",
            Self::Arp => "arp",
            Self::Neighbor => "neighbor",
            Self::Finding => "finding",
            Self::Packet => "packet",
            Self::StatisticsProtocol => "statistics_protocol",
            Self::StatisticsConversation => "statistics_conversation",
            Self::StatisticsEndpoint => "statistics_endpoint",
            Self::StatisticsInterval => "statistics_interval",
            Self::StatisticsLength => "statistics_length",
            Self::StatisticsHops => "statistics_hops",
            Self::StatisticsDscp => "statistics_dscp",
            Self::Capture => "capture",
        }
    }

    /// The name in `--only` and `--also`.
    #[must_use]
    pub fn list_name(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Connection => "connections",
            Self::Udp => "udp",
            Self::Dns => "dns",
            Self::DnsMessage => "dns_messages",
            Self::Resolution => "resolutions",
            Self::RoundRobin => "round_robin",
            Self::Tls => "tls",
            Self::TlsRecord => "tls_records",
            Self::QuicPacket => "quic_packets",
            Self::TlsExtensions => "tls_extensions",
            Self::Certificate => "certificates",
            Self::Http => "http",
            Self::Http2Frame => "http2_frames",
            Self::Application => "applications",
            Self::Websocket => "websockets",
            Self::IcmpEcho => "icmp_echo",
            Self::Path => "paths",
            Self::Arp => "arp",
            Self::Neighbor => "neighbors",
            Self::Finding => "findings",
            Self::Packet => "packets",
            Self::StatisticsProtocol => "statistics_protocols",
            Self::StatisticsConversation => "statistics_conversations",
            Self::StatisticsEndpoint => "statistics_endpoints",
            Self::StatisticsInterval => "statistics_intervals",
            Self::StatisticsLength => "statistics_lengths",
            Self::StatisticsHops => "statistics_hops",
            Self::StatisticsDscp => "statistics_dscp",
            Self::Capture => "capture",
        }
    }
}

impl RecordKind {
    /// What `wireglass statistics` counts, in the order in which it is told. Nothing else makes them.
    pub const STATISTICS: [Self; 7] = [
        Self::StatisticsProtocol,
        Self::StatisticsConversation,
        Self::StatisticsEndpoint,
        Self::StatisticsInterval,
        Self::StatisticsLength,
        Self::StatisticsHops,
        Self::StatisticsDscp,
    ];

    /// Whether it is one of [`RecordKind::STATISTICS`].
    #[must_use]
    pub fn is_statistics(self) -> bool {
        Self::STATISTICS.contains(&self)
    }
}

impl Record {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::Report(_) => RecordKind::Report,
            Self::Connection(_) => RecordKind::Connection,
            Self::Udp(_) => RecordKind::Udp,
            Self::Dns(_) => RecordKind::Dns,
            Self::DnsMessage(_) => RecordKind::DnsMessage,
            Self::Resolution(_) => RecordKind::Resolution,
            Self::RoundRobin(_) => RecordKind::RoundRobin,
            Self::Tls(_) => RecordKind::Tls,
            Self::TlsRecord(_) => RecordKind::TlsRecord,
            Self::QuicPacket(_) => RecordKind::QuicPacket,
            Self::TlsExtensions(_) => RecordKind::TlsExtensions,
            Self::Certificate(_) => RecordKind::Certificate,
            Self::Http(_) => RecordKind::Http,
            Self::Http2Frame(_) => RecordKind::Http2Frame,
            Self::Application(_) => RecordKind::Application,
            Self::Websocket(_) => RecordKind::Websocket,
            Self::IcmpEcho(_) => RecordKind::IcmpEcho,
            Self::Path(_) => RecordKind::Path,
            Self::Arp(_) => RecordKind::Arp,
            Self::Neighbor(_) => RecordKind::Neighbor,
            Self::Finding(_) => RecordKind::Finding,
            Self::Packet(_) => RecordKind::Packet,
            Self::StatisticsProtocol(_) => RecordKind::StatisticsProtocol,
            Self::StatisticsConversation(_) => RecordKind::StatisticsConversation,
            Self::StatisticsEndpoint(_) => RecordKind::StatisticsEndpoint,
            Self::StatisticsInterval(_) => RecordKind::StatisticsInterval,
            Self::StatisticsLength(_) => RecordKind::StatisticsLength,
            Self::StatisticsHops(_) => RecordKind::StatisticsHops,
            Self::StatisticsDscp(_) => RecordKind::StatisticsDscp,
            Self::Capture(_) => RecordKind::Capture,
        }
    }

    /// Its flow and evidence, where it has them.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Report(_) | Self::Packet(_) | Self::Capture(_) => None,
            Self::StatisticsProtocol(_)
            | Self::StatisticsConversation(_)
            | Self::StatisticsEndpoint(_)
            | Self::StatisticsInterval(_)
            | Self::StatisticsLength(_)
            | Self::StatisticsHops(_)
            | Self::StatisticsDscp(_) => None,
            Self::Connection(record) => Some(&record.subject),
            Self::Udp(record) => Some(&record.subject),
            Self::Dns(record) => Some(&record.subject),
            Self::DnsMessage(record) => Some(&record.subject),
            Self::Resolution(record) => Some(&record.subject),
            Self::RoundRobin(record) => Some(&record.subject),
            Self::Tls(record) => Some(&record.subject),
            Self::TlsRecord(record) => Some(&record.subject),
            Self::QuicPacket(record) => Some(&record.subject),
            Self::TlsExtensions(record) => Some(&record.subject),
            Self::Certificate(record) => Some(&record.subject_flow),
            Self::Http(record) => Some(&record.subject),
            Self::Http2Frame(record) => Some(&record.subject),
            Self::Application(record) => Some(&record.subject),
            Self::Websocket(record) => Some(&record.subject),
            Self::IcmpEcho(record) => Some(&record.subject),
            Self::Path(record) => Some(&record.subject),
            Self::Arp(record) => Some(&record.subject),
            Self::Neighbor(record) => Some(&record.subject),
            Self::Finding(record) => Some(&record.subject),
        }
    }

    /// The same, to be filled in.
    pub fn subject_mut(&mut self) -> Option<&mut Subject> {
        match self {
            Self::Report(_) | Self::Packet(_) | Self::Capture(_) => None,
            Self::StatisticsProtocol(_)
            | Self::StatisticsConversation(_)
            | Self::StatisticsEndpoint(_)
            | Self::StatisticsInterval(_)
            | Self::StatisticsLength(_)
            | Self::StatisticsHops(_)
            | Self::StatisticsDscp(_) => None,
            Self::Connection(record) => Some(&mut record.subject),
            Self::Udp(record) => Some(&mut record.subject),
            Self::Dns(record) => Some(&mut record.subject),
            Self::DnsMessage(record) => Some(&mut record.subject),
            Self::Resolution(record) => Some(&mut record.subject),
            Self::RoundRobin(record) => Some(&mut record.subject),
            Self::Tls(record) => Some(&mut record.subject),
            Self::TlsRecord(record) => Some(&mut record.subject),
            Self::QuicPacket(record) => Some(&mut record.subject),
            Self::TlsExtensions(record) => Some(&mut record.subject),
            Self::Certificate(record) => Some(&mut record.subject_flow),
            Self::Http(record) => Some(&mut record.subject),
            Self::Http2Frame(record) => Some(&mut record.subject),
            Self::Application(record) => Some(&mut record.subject),
            Self::Websocket(record) => Some(&mut record.subject),
            Self::IcmpEcho(record) => Some(&mut record.subject),
            Self::Path(record) => Some(&mut record.subject),
            Self::Arp(record) => Some(&mut record.subject),
            Self::Neighbor(record) => Some(&mut record.subject),
            Self::Finding(record) => Some(&mut record.subject),
        }
    }
}

/// A set of record kinds: what the user asked for. Work for anything else is not done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted(u64);

impl Wanted {
    /// Beyond the kinds of record.
    const CONTENT: u64 = 1 << 63;
    /// Also beyond them.
    const SECRETS: u64 = 1 << 62;

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(0)
    }

    /// What a report holds when the user says nothing: all but the kinds that are on request only.
    #[must_use]
    pub fn usual() -> Self {
        let on_request = [
            RecordKind::DnsMessage,
            RecordKind::TlsRecord,
            RecordKind::QuicPacket,
            RecordKind::TlsExtensions,
            RecordKind::Http2Frame,
            RecordKind::Packet,
        ];
        RecordKind::ALL.into_iter().filter(|kind| !on_request.contains(kind) && !kind.is_statistics()).collect()
    }

    /// This and `kind`.
    #[must_use]
    pub fn with(self, kind: RecordKind) -> Self {
        Self(self.0 | 1 << kind as u64)
    }

    /// This and the content of HTTP messages, piece by piece ([`HttpContent`]).
    #[must_use]
    pub fn with_content(self) -> Self {
        Self(self.0 | Self::CONTENT)
    }

    /// Whether the content of HTTP messages is wanted.
    #[must_use]
    pub fn has_content(self) -> bool {
        self.0 & Self::CONTENT != 0
    }

    /// This, and values of cookies and credentials in full.
    #[must_use]
    pub fn with_secrets(self) -> Self {
        Self(self.0 | Self::SECRETS)
    }

    /// Whether values of cookies and credentials are shown in full.
    #[must_use]
    pub fn shows_secrets(&self) -> bool {
        self.0 & Self::SECRETS != 0
    }

    /// Whether `kind` is wanted.
    #[must_use]
    pub fn has(self, kind: RecordKind) -> bool {
        self.0 & (1 << kind as u64) != 0
    }
}

impl FromIterator<RecordKind> for Wanted {
    fn from_iter<I: IntoIterator<Item = RecordKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::none(), Self::with)
    }
}
