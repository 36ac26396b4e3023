//! What is open at a moment of a run: plain data for a display that is refreshed. Not a record; it is never reported.
use super::{Capture, Endpoint, FlowId, HttpRequest, Side, TcpState, Timestamp, TlsTransport};

/// A run as it stands at a moment: what was counted so far, and the part of what is open that a display may show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// When: the time of a live source, else that of the latest packet.
    pub now: Timestamp,
    /// The captures' descriptions so far.
    pub captures: Vec<Capture>,
    /// Flows that are open.
    pub open: OpenFlows,
    /// The TCP connections that were opened last, the newest first.
    pub newest: Vec<OpenConnection>,
    /// The TCP connections that carried most in the last [`Glance::window_ns`], the busiest first; behind them, with nothing
    /// carried, those that carried most since they were opened.
    pub busiest: Vec<OpenConnection>,
    /// How far back [`OpenConnection::recent_bytes`] reaches, in nanoseconds. 0 while nothing was compared yet.
    pub window_ns: i64,
    /// Handshakes and requests under way, the one that waits longest first.
    pub underway: Vec<OpenExchange>,
}

/// How many flows are open, by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFlows {
    /// TCP connections, those included that are over but for the time in which late packets may come.
    pub tcp: u64,
    /// UDP flows.
    pub udp: u64,
    /// All other.
    pub other: u64,
}

/// A TCP connection that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenConnection {
    /// Its flow.
    pub flow: FlowId,
    /// Who opened it.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// What it carries, where that was found.
    pub application: Option<&'static str>,
    /// Its first packet.
    pub start_ts: Timestamp,
    /// Its last packet.
    pub last_ts: Timestamp,
    /// What the client's and the server's end are in.
    pub states: [StateNow; 2],
    /// Bytes on the wire that the client and the server sent.
    pub bytes: [u64; 2],
    /// The same within the last [`Glance::window_ns`]; null where it was not known then how many there had been.
    pub recent_bytes: Option<[u64; 2]>,
    /// Segments sent again, by both.
    pub retransmissions: u64,
    /// The path's smallest round-trip time in nanoseconds, once one was measured.
    pub round_trip_ns: Option<i64>,
}

/// What state one end of a connection is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateNow {
    /// The state; null while nothing shows it.
    pub state: Option<TcpState>,
    /// Whether only what the other end sent implies it.
    pub implied: bool,
}

/// What waits for something in a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenExchange {
    /// The flow.
    pub flow: FlowId,
    /// Who opened the flow.
    pub client: Endpoint,
    /// Its other end.
    pub server: Endpoint,
    /// What is under way.
    pub underway: Underway,
}

/// What a session is in the middle of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Underway {
    /// A TLS handshake.
    Handshake {
        /// What carries it.
        transport: TlsTransport,
        /// The name the client asked for. Untrusted text.
        server_name: Option<String>,
        /// The last message that passed, in snake case.
        phase: &'static str,
        /// Whose next message is waited for.
        waiting_for: Side,
        /// When that last message passed.
        since: Timestamp,
        /// When the first one did.
        began: Timestamp,
    },
    /// An HTTP request without the beginning of its response.
    Request {
        /// Its method. Untrusted text.
        method: Option<String>,
        /// Host, as the request names it. Untrusted text.
        authority: Option<String>,
        /// What was asked for. Untrusted text.
        target: Option<String>,
        /// When it was sent.
        since: Timestamp,
        /// How many more of the same flow wait.
        more: u64,
    },
}

/// Characters of a name or target that are taken over: more than any display shows.
const MAX_CHARACTERS: usize = 256;

impl HttpRequest {
    /// The request as one that waits for its answer, with so many `more` behind it.
    #[must_use]
    pub fn underway(&self, more: u64) -> Underway {
        let beginning = |text: &Option<String>| text.as_ref().map(|text| text.chars().take(MAX_CHARACTERS).collect());
        Underway::Request {
            method: beginning(&self.method),
            authority: beginning(&self.authority),
            target: beginning(&self.target),
            since: self.ts,
            more,
        }
    }
}

impl Underway {
    /// Since when nothing has moved.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        match self {
            Self::Handshake { since, .. } | Self::Request { since, .. } => *since,
        }
    }
}
