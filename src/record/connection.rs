//! `connection`: a TCP connection as both endpoints lived it. `udp`: a UDP flow.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Certainty, CommunityId, Endpoint, PacketNumber, Side, Subject, Timestamp};

/// A TCP connection (RFC 9293).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Connection {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// Community ID v1, seed 0: the same in other tools.
    pub community_id: CommunityId,
    /// First packet.
    pub start_ts: Timestamp,
    /// Last packet.
    pub end_ts: Timestamp,
    /// From the first packet to the last, in nanoseconds.
    pub duration_ns: i64,
    /// The protocol found inside, by content.
    pub application: Option<&'static str>,
    /// Where the capture was taken, judged from the handshake's two halves.
    pub vantage: Option<Vantage>,
    /// Whether the client is proven by a SYN, or assumed.
    pub client_certainty: Certainty,
    /// The end that opened the connection.
    pub client: ConnectionSide,
    /// The end that was asked.
    pub server: ConnectionSide,
    /// The three-way handshake.
    pub handshake: Handshake,
    /// Both endpoints' state changes in order, at most 64.
    pub transitions: Vec<Transition>,
    /// How many state changes there were.
    pub transitions_total: u64,
    /// How it ended.
    pub close: Close,
    /// tshark's `tcp.completeness`: 1 SYN, 2 SYN-ACK, 4 ACK, 8 data, 16 FIN, 32 RST.
    pub completeness: u8,
    /// Zeek's words for the connection.
    pub zeek: Zeek,
}

/// Where the capture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    /// Answers from the server take much longer than those from the client.
    NearClient,
    /// The reverse.
    NearServer,
    /// In the middle.
    Between,
}

/// One end of a TCP connection.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConnectionSide {
    /// IP address.
    pub address: std::net::IpAddr,
    /// TCP port.
    pub port: u16,
    /// Packets this side sent.
    pub packets: u64,
    /// Bytes of those packets on the wire, link header included.
    pub wire_bytes: u64,
    /// TCP payload bytes, retransmitted ones counted again.
    pub payload_bytes: u64,
    /// Letters of `SAFRPU`: the flags this side ever sent.
    pub flags: String,
    /// The state it was in at the end, by RFC 9293's name; null when it could not be told.
    pub final_state: Option<TcpState>,
    /// Maximum segment size it announced.
    pub mss: Option<u16>,
    /// Window scale shift it announced.
    pub window_scale: Option<u8>,
    /// Whether its SYN permitted selective acknowledgement; null when its SYN was not seen.
    pub sack_permitted: Option<bool>,
    /// Whether its SYN carried the timestamps option; null when its SYN was not seen.
    pub timestamps: Option<bool>,
    /// Segments sent again.
    pub retransmissions: u64,
    /// Of those, sent after duplicate acknowledgements.
    pub fast_retransmissions: u64,
    /// Of those, sent though the data had been acknowledged.
    pub spurious_retransmissions: u64,
    /// Segments that arrived behind later ones but were not sent twice.
    pub out_of_order: u64,
    /// Acknowledgements repeated without data (RFC 5681).
    pub duplicate_acks: u64,
    /// Segments that announced a window of zero.
    pub zero_windows: u64,
    /// Segments that filled the peer's window.
    pub window_full: u64,
    /// Keep-alive probes.
    pub keep_alives: u64,
    /// Bytes the peer acknowledged but the capture never held.
    pub gap_bytes: u64,
    /// Most bytes sent and not yet acknowledged.
    pub max_bytes_in_flight: u64,
    /// Time from this side's segments to their acknowledgement.
    pub rtt: Rtt,
}

/// Round-trip time samples in nanoseconds; null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Rtt {
    /// Smallest.
    pub min_ns: Option<i64>,
    /// Arithmetic mean.
    pub mean_ns: Option<i64>,
    /// Largest.
    pub max_ns: Option<i64>,
    /// How many.
    pub samples: u64,
}

/// The three-way handshake, packet by packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Handshake {
    /// The first SYN.
    pub syn_packet: Option<PacketNumber>,
    /// The first SYN-ACK.
    pub syn_ack_packet: Option<PacketNumber>,
    /// The client's first ACK of it.
    pub ack_packet: Option<PacketNumber>,
    /// From the last SYN before it to the SYN-ACK: the way to the server and back, in nanoseconds.
    pub syn_to_syn_ack_ns: Option<i64>,
    /// From the SYN-ACK to the ACK: the way to the client and back, in nanoseconds.
    pub syn_ack_to_ack_ns: Option<i64>,
    /// All three were seen.
    pub complete: bool,
}

/// A state of RFC 9293, section 3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[allow(missing_docs)] // the names are the RFC's
pub enum TcpState {
    Listen,
    SynSent,
    SynReceived,
    Established,
    #[serde(rename = "FIN-WAIT-1")]
    FinWait1,
    #[serde(rename = "FIN-WAIT-2")]
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

impl TcpState {
    /// The RFC's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Listen => "LISTEN",
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
            Self::Closed => "CLOSED",
        }
    }
}

/// A state change of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Transition {
    /// The packet that caused it; null for what time alone causes.
    pub packet: Option<PacketNumber>,
    /// When.
    pub ts: Timestamp,
    /// Whose state changed.
    pub side: Side,
    /// State before: CLOSED for who sends the SYN, LISTEN for who answers it; null when the capture joined the connection
    /// late and nothing tells it.
    pub from: Option<TcpState>,
    /// State after.
    pub to: TcpState,
    /// What happened, seen from that side: `send SYN`, `receive ACK of FIN`, ...
    pub event: &'static str,
    /// How sure this is.
    pub certainty: Certainty,
    /// The rule that was applied, such as `RFC 9293 3.10.7.3`.
    pub rule: &'static str,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Close {
    /// The way it ended.
    pub kind: CloseKind,
    /// Who began to close.
    pub initiator: Option<WhichSide>,
    /// Who was left in TIME-WAIT.
    pub time_wait: Option<WhichSide>,
    /// Packets after both ends had closed.
    pub late_packets: u64,
}

/// The ways to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloseKind {
    /// Both FINs sent and acknowledged.
    Graceful,
    /// One FIN only.
    HalfClosed,
    /// RST after the connection was established.
    Reset,
    /// RST or ICMP answered the SYN.
    Refused,
    /// Given up before it was established, by the side that had begun.
    Aborted,
    /// No answer.
    TimedOut,
    /// Neither FIN nor RST in the capture.
    Open,
}

/// One side or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum WhichSide {
    Client,
    Server,
    Both,
}

/// Zeek's `conn_state` and `history`, for those who know them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Zeek {
    /// `SF`, `S0`, `REJ`, ...
    pub conn_state: &'static str,
    /// Letters in order of first appearance, upper case for the originator.
    pub history: String,
}

/// A UDP flow.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Udp {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// Community ID v1, seed 0.
    pub community_id: CommunityId,
    /// First packet.
    pub start_ts: Timestamp,
    /// Last packet.
    pub end_ts: Timestamp,
    /// The protocol found inside, by content.
    pub application: Option<&'static str>,
    /// The end that sent first, or the likelier client by port.
    pub client: UdpSide,
    /// The other end.
    pub server: UdpSide,
}

/// One end of a UDP flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UdpSide {
    /// Address and port.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// Datagrams this side sent.
    pub packets: u64,
    /// Bytes of those packets on the wire, link header included.
    pub wire_bytes: u64,
    /// UDP payload bytes.
    pub payload_bytes: u64,
}
