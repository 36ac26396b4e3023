//! Conversations: TCP connections and UDP flows of one shard, their expiry and limits, TCP's states and streams.
//!
//! A [`Table`] is fed packets in order and calls its [`Consumer`] back: with the bytes of each stream in order, and
//! with the records of flows that are over. It knows nothing of the protocols above.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]
pub mod fragment;
mod ip_header;
mod roles;
pub mod stream;
mod table;
pub mod tcp;
pub mod udp;

pub use table::{Open, Table};

use crate::{
    limits::Limit,
    record::{
        Context, FlowFacts, FlowId, IcmpErrorFact, Input, PacketRef, ProbeFact, Progress, Record, TcpFact, Timestamp,
        Unreachable, Wanted,
    },
    wire::{ChecksumStatus, Decoded, Encapsulated},
};

/// One packet, as a flow needs it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which one.
    pub at: PacketRef,
    /// The latest timestamp of all packets so far, this one included: the time by which flows expire.
    pub clock: Timestamp,
    /// The bytes that `decoded` speaks of: the packet, or the datagram reassembled from its fragments.
    pub bytes: &'a [u8],
    /// What was found in them.
    pub decoded: &'a Decoded,
    /// Length of the captured packet on the wire.
    pub wire_length: u32,
    /// The captured packet, where there may be a tunnel in it.
    pub encapsulated: Option<Encapsulated<'a>>,
    /// Verdict on the transport's checksum. A wrong one never makes data disappear: offload is commoner than damage.
    pub checksum: ChecksumStatus,
}

/// A packet that is in the capture twice, beside the one that came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// With the same hop limit: captured twice at the same place.
    SameHops,
    /// With another one: captured before and behind a router.
    OtherHops,
}

impl Copied {
    /// Of two packets with these hop limits.
    #[must_use]
    pub fn of(first: u8, second: u8) -> Self {
        if first == second { Self::SameHops } else { Self::OtherHops }
    }
}

/// What may be set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Open flows at most in this table; an idle one is closed to make room.
    pub max_flows: usize,
    /// Bytes that the open flows of this table may take, as far as they are counted: a fixed part of each
    /// ([`crate::limits::BYTES_PER_FLOW`]) and what TCP's streams hold back. The same is done.
    pub max_flow_bytes: u64,
    /// Maximum segment lifetime in nanoseconds; TIME-WAIT lasts twice this (RFC 9293 3.4.2).
    pub maximum_segment_lifetime_ns: i64,
    /// Time without a packet after which an open TCP connection is given up, in nanoseconds. One whose handshake is not
    /// complete is given up after 130 s at the latest, one that is over after twice the maximum segment lifetime.
    pub tcp_idle_ns: i64,
    /// Time without a packet after which a UDP flow is over, in nanoseconds.
    pub udp_idle_ns: i64,
    /// Record kinds that are wanted: nothing else is built.
    pub wanted: Wanted,
}

/// How long an open TCP connection may be idle unless told otherwise, in seconds: RFC 5382 5 wants at least 2 h 4 min.
pub const TCP_IDLE_SECONDS: u32 = 7_440;
/// How long a UDP flow may be idle unless told otherwise, in seconds: RFC 4787 4.3 wants at least 2 minutes.
pub const UDP_IDLE_SECONDS: u32 = 180;

impl Settings {
    /// The same for one of the shards: its part of what all of them may have.
    #[must_use]
    pub fn per_shard(self) -> Self {
        let shards = crate::limits::SHARDS;
        Self {
            max_flows: self.max_flows.div_ceil(shards),
            max_flow_bytes: self.max_flow_bytes.div_ceil(shards as u64),
            ..self
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_flows: crate::limits::MAX_FLOWS,
            max_flow_bytes: crate::limits::MAX_FLOW_BYTES,
            maximum_segment_lifetime_ns: 120_000_000_000,
            tcp_idle_ns: i64::from(TCP_IDLE_SECONDS).saturating_mul(1_000_000_000),
            udp_idle_ns: i64::from(UDP_IDLE_SECONDS).saturating_mul(1_000_000_000),
            wanted: Wanted::usual(),
        }
    }
}

/// Who reads the flows of a table: the engine.
pub trait Consumer {
    /// What it keeps for each flow.
    type Conversation;

    /// Bytes that it keeps of this one besides, as far as they are counted.
    fn bytes(&self, _: &Self::Conversation) -> u64 {
        0
    }

    /// A flow was opened.
    fn open(&mut self, flow: &FlowFacts) -> Self::Conversation;

    /// Bytes, a datagram, a gap, an end or the close of a flow.
    fn input(&mut self, conversation: &mut Self::Conversation, input: Input<'_>, context: &Context<'_>) -> Progress;

    /// An ICMP error says that a datagram of the flow could not be delivered.
    fn unreachable(&mut self, conversation: &mut Self::Conversation, notice: &Unreachable<'_>, context: &Context<'_>) {
        let _ = (conversation, notice, context);
    }

    /// Whether bytes left unconsumed in the other direction shall be offered again now, because the flow's protocol
    /// was just found. Asked after each [`Consumer::input`].
    fn take_reoffer(&mut self, conversation: &mut Self::Conversation) -> bool;

    /// The protocol found in a flow.
    fn application(&self, conversation: &Self::Conversation) -> Option<&'static str>;

    /// A record is complete. `at` is the index of the packet that completed it (or before whose processing time
    /// alone completed it). Called in any order within a batch; the engine sorts.
    fn emit(&mut self, at: u64, flow: FlowId, record: Record);

    /// A TCP connection is over: what others may be compared with. `at` as in [`Consumer::emit`]. Only told when findings
    /// are wanted.
    fn fact(&mut self, at: u64, fact: TcpFact) {
        let _ = (at, fact);
    }

    /// The packet `at` is the copy of an earlier one.
    fn copied(&mut self, at: PacketRef, copied: Copied) {
        let _ = (at, copied);
    }

    /// An ICMP error came. `at` as in [`Consumer::emit`]. Only told when findings or paths are wanted.
    fn icmp_error(&mut self, at: u64, fact: IcmpErrorFact) {
        let _ = (at, fact);
    }

    /// A packet that may be a step of a traceroute, of a flow that is over. `at` as in [`Consumer::emit`]. Only told when
    /// findings or paths are wanted.
    fn probe(&mut self, at: u64, fact: ProbeFact) {
        let _ = (at, fact);
    }

    /// A cap was reached at packet `at`.
    fn limit(&mut self, limit: &'static Limit, at: PacketRef);
}
