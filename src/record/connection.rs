//! `connection`: a TCP connection as both endpoints lived it. `udp`: a UDP flow.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Certainty, CommunityId, Endpoint, PacketNumber, Side, Subject, Timestamp, Tunnel};

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
    /// What it travelled in, as its first packet had it, outer first; left out outside tunnels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tunnel: Vec<Tunnel>,
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
    /// Segments sent again. The kinds below (fast, timeout, tail loss probe) add up to this or less: of some the cause
    /// cannot be told. Neither copies of a packet that the capture holds twice nor keep-alives nor probes of a closed window
    /// are retransmissions, nor is the SYN-ACK of a simultaneous open.
    pub retransmissions: u64,
    /// Of those, sent because the peer reported, by three duplicate acknowledgements or selectively, that later ones had
    /// arrived (RFC 5681 3.2, RFC 6675); and all else sent again until what was on its way then had arrived.
    pub fast_retransmissions: u64,
    /// Of those, sent because nothing was heard for about a retransmission timeout (RFC 6298); and all else sent again until
    /// what was on its way then had arrived. SYN and SYN-ACK count here.
    pub timeout_retransmissions: u64,
    /// Of those, the last segment on its way sent again early, to learn whether it was lost (RFC 8985 7).
    pub tail_loss_probes: u64,
    /// Of those, of whatever kind, sent though the data had arrived: acknowledged before, reported as a duplicate
    /// (RFC 2883), or shown by the echoed timestamp (RFC 3522).
    pub spurious_retransmissions: u64,
    /// Times this side began to send again; what is sent until all that was on its way then has arrived is one. Tail loss
    /// probes are none.
    pub loss_episodes: u64,
    /// Segments that arrived behind later ones but were not sent twice.
    pub out_of_order: u64,
    /// Acknowledgements repeated without data (RFC 5681 2).
    pub duplicate_acks: u64,
    /// Blocks in the selective acknowledgements this side sent (RFC 2018), duplicates included.
    pub sack_blocks: u64,
    /// Of those, reports of data that had arrived before (RFC 2883).
    pub duplicate_sacks: u64,
    /// Segments that announced a window of zero.
    pub zero_windows: u64,
    /// How long this side's window was closed, in nanoseconds; to the last packet where it never opened again.
    pub zero_window_ns: i64,
    /// Segments that filled the peer's window; none can be told when its scale is not known.
    pub window_full: u64,
    /// Keep-alive probes (RFC 9293 3.8.4).
    pub keep_alives: u64,
    /// Probes of the peer's closed window (RFC 9293 3.8.6.1).
    pub zero_window_probes: u64,
    /// Bytes the peer acknowledged but the capture never held.
    pub gap_bytes: u64,
    /// Most bytes sent and not yet acknowledged, as seen where the capture was taken.
    pub max_bytes_in_flight: u64,
    /// Bytes in flight and the peer's window at segments with new data, oldest first, at most 64. Each stands for the same
    /// number of segments and shows the one with most bytes in flight. Empty for sides that sent fewer than 16.
    pub window_series: Vec<WindowSample>,
    /// Segments with new data that the series stands for.
    pub window_series_total: u64,
    /// First flight of data behind the handshake, before any of it was acknowledged (RFC 6928); null unless more followed
    /// with the acknowledgement, so that the window had been full, and the capture was taken nearer to this side.
    pub initial_window: Option<InitialWindow>,
    /// Payload bits per second from this side's first segment with data to its last, retransmissions included and pauses
    /// too; data in the SYN left out. Null when that took less than a round trip or a millisecond.
    pub throughput_bits_per_second: Option<u64>,
    /// New payload bits that the peer acknowledged per second, over the same time; null when nothing was acknowledged.
    pub goodput_bits_per_second: Option<u64>,
    /// Packets of this side that a router marked Congestion Experienced (RFC 3168).
    pub ecn_ce: u64,
    /// Segments behind the handshake with ECE: this side received marks (RFC 3168 6.1.3). Null with Accurate ECN (RFC 9768),
    /// where the flag is part of a counter.
    pub ece: Option<u64>,
    /// Segments behind the handshake with CWR: this side reduced its congestion window (RFC 3168 6.1.2). Null with Accurate
    /// ECN.
    pub cwr: Option<u64>,
    /// What held this side back while it sent data; null when the capture was not taken nearer to it, when a SYN was not
    /// seen, and for less than a round trip.
    pub limited_by: Option<LimitedBy>,
    /// Time from this side's segments to their acknowledgement, as seen where the capture was taken: the way to the peer and
    /// back from there. Of segments sent again only where timestamps tell the copies apart (RFC 6298 3, RFC 7323 4).
    pub rtt: Rtt,
}

/// A point of a window series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowSample {
    /// When a segment with new data was sent.
    pub ts: Timestamp,
    /// Bytes sent and not acknowledged, that segment included.
    pub bytes_in_flight: u32,
    /// Bytes the peer took beyond what it had acknowledged; null when its window scale is not known.
    pub receive_window: Option<u32>,
}

/// The first flight of data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InitialWindow {
    /// Payload bytes.
    pub bytes: u64,
    /// Segments as captured: with segmentation offload near the sender, fewer than on the wire.
    pub segments: u64,
}

/// What held a sender back: shares of the time from its first segment with new data to its last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LimitedBy {
    /// It had nothing to send, in nanoseconds.
    pub application_ns: i64,
    /// The peer's window had no room for a full segment, in nanoseconds.
    pub receiver_window_ns: i64,
    /// It waited for acknowledgements with its congestion window full, sent as fast as it would, or repaired losses; in
    /// nanoseconds.
    pub network_ns: i64,
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
    /// TCP Fast Open (RFC 7413), where the SYN had its option or brought data; null else, and when no SYN was seen.
    pub fast_open: Option<FastOpen>,
    /// Multipath TCP (RFC 8684), where the SYN had its option; null else, and when no SYN was seen.
    pub multipath: Option<Multipath>,
    /// Explicit congestion notification, where the SYN asked for it; null else, and when no SYN was seen.
    pub ecn: Option<Ecn>,
}

/// TCP Fast Open in a handshake (RFC 7413).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FastOpen {
    /// What the client did about the cookie.
    pub cookie: FastOpenCookie,
    /// Whether the SYN-ACK brought a cookie for the next time.
    pub granted: bool,
    /// Bytes of data in the SYN.
    pub data_bytes: u32,
    /// Whether the SYN-ACK acknowledged those data; false when it acknowledged the SYN alone, so that they have to be sent
    /// again; null when there were none, or no SYN-ACK was seen.
    pub accepted: Option<bool>,
}

/// The cookie of a SYN (RFC 7413 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FastOpenCookie {
    /// It has none and asks for one.
    Requested,
    /// It shows the one it has.
    Sent,
    /// Data without the option.
    Missing,
}

/// Multipath TCP in a handshake (RFC 8684).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Multipath {
    /// What the SYN asked for.
    pub subtype: MultipathSubtype,
    /// Whether the SYN-ACK agreed.
    pub accepted: bool,
}

/// What a SYN can ask of Multipath TCP (RFC 8684 3.1, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MultipathSubtype {
    /// MP_CAPABLE: a new multipath connection.
    MpCapable,
    /// MP_JOIN: another path of one that exists.
    MpJoin,
    /// Another one, which has no place in a SYN.
    Other,
}

/// Explicit congestion notification as the handshake settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ecn {
    /// Asked for; no answer was seen.
    Offered,
    /// As in RFC 3168.
    Classic,
    /// Accurate ECN (RFC 9768).
    Accurate,
    /// Asked for; the SYN-ACK said no.
    Refused,
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
    /// What it travelled in, as its first packet had it, outer first; left out outside tunnels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tunnel: Vec<Tunnel>,
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
