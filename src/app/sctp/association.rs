//! What is known of one association: its handshake, its end, and what each side sent.
use std::net::IpAddr;

use super::{
    chunk::{self, Chunk, Data, Init},
    names,
    sequence::{Held, Sequence},
    streams::Streams,
};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Sheet, Span, finding},
    },
    limits,
    record::{Context, Direction, PacketRef, Severity, Side},
};

/// A piece of a message that waits for others.
#[derive(Debug)]
pub(super) struct Waiting {
    pub packet: PacketRef,
    pub kind: u8,
    pub flags: u8,
    pub length: usize,
    pub value: Vec<u8>,
}

impl Held for Waiting {
    fn bytes(&self) -> usize {
        self.value.len()
    }
}

impl Waiting {
    pub fn chunk(&self) -> Chunk<'_> {
        Chunk { kind: self.kind, flags: self.flags, value: &self.value, length: self.length }
    }
}

/// What one side sent.
#[derive(Debug, Default)]
pub(super) struct Sender {
    /// From its INIT or INIT ACK.
    pub init: Option<Offer>,
    /// The verification tag that its packets carry, INIT aside: what the other end chose.
    pub tag: Option<u32>,
    pub span: Span,
    pub data_chunks: u64,
    /// Bytes of user data, each counted once.
    pub data_bytes: u64,
    pub unordered: u64,
    /// Chunks that were sent again, and one of their packets.
    pub retransmitted: u64,
    pub retransmission: Option<PacketRef>,
    pub heartbeats: u64,
    pub heartbeats_answered: u64,
    /// Gap blocks that its SACKs told of.
    pub reported_gaps: u64,
    /// Payload protocols, in the order in which they came.
    pub protocols: Vec<u32>,
    pub sequence: Sequence<Waiting>,
    pub streams: Streams,
}

/// What INIT or INIT ACK says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub packet: PacketRef,
    pub initiate_tag: u32,
    receive_window: u32,
    outbound_streams: u16,
    inbound_streams: u16,
    initial_tsn: u32,
    extensions: Vec<&'static str>,
    addresses: Vec<IpAddr>,
}

impl Offer {
    pub fn new(init: &Init<'_>, packet: PacketRef) -> Self {
        Self {
            packet,
            initiate_tag: init.initiate_tag,
            receive_window: init.receive_window,
            outbound_streams: init.outbound_streams,
            inbound_streams: init.inbound_streams,
            initial_tsn: init.initial_tsn,
            extensions: init.extensions(),
            addresses: init.addresses().take(limits::MAX_SCTP_ADDRESSES).collect(),
        }
    }
}

/// Causes that ABORT or ERROR gave, and the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub side: Direction,
    pub packet: PacketRef,
    /// The code of the first cause.
    pub code: Option<u16>,
    /// All of them, in words.
    pub causes: String,
}

impl Complaint {
    pub fn new(side: Direction, packet: PacketRef, value: &[u8]) -> Self {
        let mut causes = String::new();
        let mut code = None;
        for (cause, information) in chunk::parameters(value).take(limits::MAX_SCTP_CAUSES) {
            code = code.or(Some(cause));
            if !causes.is_empty() {
                causes.push_str(", ");
            }
            causes.push_str(&names::cause(cause));
            // Reasons in words (RFC 9260 3.3.10.12, 3.3.10.13).
            let text = std::str::from_utf8(information).unwrap_or_default().trim_matches(['\0', ' ']);
            if matches!(cause, 12 | 13) && !text.is_empty() && !text.contains(|letter: char| letter.is_control()) {
                let text: String = text.chars().take(limits::MAX_SCTP_REASON_CHARACTERS).collect();
                causes.push_str(": ");
                causes.push_str(&text);
            }
        }
        Self { side, packet, code, causes }
    }

    fn words(&self) -> &str {
        if self.causes.is_empty() { "no cause given" } else { &self.causes }
    }
}

/// One association.
#[derive(Debug, Default)]
pub(super) struct Association {
    pub span: Span,
    /// By direction.
    pub senders: [Sender; 2],
    /// Who sent the first INIT, the first of them, and how many came.
    pub opener: Option<(Direction, PacketRef)>,
    pub inits: u64,
    pub init_ack: Option<PacketRef>,
    pub cookie_echo: Option<PacketRef>,
    pub cookie_ack: Option<PacketRef>,
    /// Data or its acknowledgment passed: the association is open, whether its handshake was seen or not.
    pub carried: bool,
    pub shutdown: Option<(Direction, PacketRef)>,
    pub shutdown_complete: Option<PacketRef>,
    pub abort: Option<Complaint>,
    pub errors: Vec<Complaint>,
    pub duplicate_packets: u64,
}

impl Association {
    /// Whether nothing more is to come.
    pub fn is_over(&self) -> bool {
        self.abort.is_some() || self.shutdown_complete.is_some()
    }

    pub fn sender(&mut self, direction: Direction) -> &mut Sender {
        let [client, server] = &mut self.senders;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    /// Reports it. `at` is the last moment at which something of it could have come.
    pub fn tell(mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        self.find(context, out);
        let span = self.span;
        let mut sheet = Sheet::default();
        let opener = self.opener.map_or(Direction::ClientToServer, |(direction, _)| direction);
        self.write_handshake(opener, &mut sheet);
        for direction in Direction::BOTH {
            self.sender(direction).write(direction, &mut sheet);
        }
        for error in &self.errors {
            sheet.add("error", error.words(), error.side, error.packet);
        }
        let (close, direction, packet) = match (&self.abort, self.shutdown_complete, self.shutdown) {
            (Some(abort), ..) => (format!("aborted: {}", abort.words()), abort.side, abort.packet),
            (None, Some(packet), Some((direction, _))) => ("shut down".to_owned(), direction, packet),
            (None, Some(packet), None) => ("shut down".to_owned(), opener, packet),
            (None, None, Some((direction, packet))) => ("shutting down".to_owned(), direction, packet),
            (None, None, None) => ("open".to_owned(), opener, span.last),
        };
        sheet.add("close", close, direction, packet);
        sheet.tell("sctp", span, (context.flow.client, context.flow.server), context, out);
    }

    fn write_handshake(&self, opener: Direction, sheet: &mut Sheet) {
        let Some((_, init)) = self.opener else {
            if self.senders.iter().all(|sender| sender.init.is_none()) {
                sheet.add("handshake", "not seen", opener, self.span.first);
            }
            return;
        };
        let words = match (self.init_ack, self.cookie_ack) {
            (_, Some(_)) => "complete",
            (Some(_), None) if self.carried => "complete, COOKIE ACK not seen",
            (None, None) if self.carried => "partly seen",
            (Some(_), None) => "incomplete",
            (None, None) if self.abort.is_some() => "refused",
            (None, None) => "unanswered",
        };
        let last = self.cookie_ack.or(self.cookie_echo).or(self.init_ack).unwrap_or(init);
        sheet.add("handshake", words, opener, last);
        if self.inits > 1 {
            sheet.add("inits", self.inits.to_string(), opener, init);
        }
        let between = |from: Option<PacketRef>, to: Option<PacketRef>| {
            let (from, to) = from.zip(to)?;
            Some((to.timestamp.since(from.timestamp), to))
        };
        let answerer = opener.reverse();
        for (name, from, to) in [
            ("init_to_init_ack_ns", Some(init), self.init_ack),
            ("cookie_echo_to_cookie_ack_ns", self.cookie_echo, self.cookie_ack),
            ("handshake_ns", Some(init), self.cookie_ack),
        ] {
            if let Some((ns, to)) = between(from, to) {
                sheet.add(name, ns.to_string(), answerer, to);
            }
        }
    }

    /// Says what went wrong.
    fn find(&self, context: &Context<'_>, out: &mut Sink<'_>) {
        let side = |direction: Direction| match direction.sender() {
            Side::Client => "client",
            Side::Server => "server",
        };
        if let Some(abort) = &self.abort {
            self.find_abort(abort, side(abort.side), context, out);
        } else if let Some((opener, init)) = self.opener
            && self.init_ack.is_none()
            && !self.carried
            && self.senders.iter().zip(Direction::BOTH).all(|(sender, way)| way == opener || sender.span.packets == 0)
            && (self.inits > 1 || context.packet.timestamp.since(init.timestamp) >= UNANSWERED_AFTER_NS)
        {
            let times = if self.inits == 1 { "once".to_owned() } else { format!("{} times", self.inits) };
            out.finding(finding(
                (Severity::Warning, "sctp.unanswered"),
                [init, self.span.last],
                (
                    format!("INIT was sent {times}, and nothing answered"),
                    "Nobody listens and nobody says so: the host is down, a firewall or NAT on the way does not pass IP protocol \
                     132, or the kernel has no SCTP. Capture at the other end to see whether INIT arrives.",
                ),
                "RFC 9260 5.1",
                context,
            ));
        }
        for error in &self.errors {
            // Of what it does not know a peer may complain, and both go on.
            if matches!(error.code, Some(6 | 8) | None) {
                continue;
            }
            out.finding(finding(
                (Severity::Warning, "sctp.error"),
                [error.packet],
                (
                    format!("The {} reports an error: {}", side(error.side), error.words()),
                    "ERROR does not end the association, but what it complains of was not done.",
                ),
                "RFC 9260 3.3.10",
                context,
            ));
        }
        for (direction, sender) in Direction::BOTH.into_iter().zip(&self.senders) {
            let Some(packet) = sender.retransmission else { continue };
            let (again, all) = (sender.retransmitted, sender.data_chunks.saturating_add(sender.retransmitted));
            // One in a hundred costs throughput, as with TCP.
            let is_heavy = again.saturating_mul(100) >= all && again >= 3;
            let severity = if is_heavy { Severity::Warning } else { Severity::Note };
            let chunks = if again == 1 { "chunk" } else { "chunks" };
            out.finding(finding(
                (severity, "sctp.retransmissions"),
                [packet, sender.span.last],
                (
                    format!("The {} sent {again} DATA {chunks} again, of {all}", side(direction)),
                    "What is sent again was lost on the way, or its acknowledgment was, or came too late. Packets that the \
                     capture itself holds twice within a millisecond are not counted.",
                ),
                "RFC 9260 6.3",
                context,
            ));
        }
    }

    fn find_abort(&self, abort: &Complaint, side: &str, context: &Context<'_>, out: &mut Sink<'_>) {
        let is_refused =
            self.opener.is_some_and(|(opener, _)| opener != abort.side) && !self.carried && self.cookie_ack.is_none();
        let start = self.opener.map_or(self.span.first, |(_, packet)| packet);
        if is_refused {
            out.finding(finding(
                (Severity::Warning, "sctp.refused"),
                [start, abort.packet],
                (
                    format!("The {side} refused the association ({})", abort.words()),
                    "ABORT answers INIT or COOKIE ECHO where nobody listens at the port, or where the peer cannot or will not \
                     accept what was offered: it is what RST is to TCP.",
                ),
                "RFC 9260 8.4",
                context,
            ));
            return;
        }
        // A program may end an association like this: SO_LINGER with 0, or SCTP_ABORT.
        let severity = if abort.code == Some(12) { Severity::Note } else { Severity::Warning };
        out.finding(finding(
            (severity, "sctp.aborted"),
            [start, abort.packet],
            (
                format!("The {side} aborted the association ({})", abort.words()),
                "ABORT ends an association at once: what was not acknowledged yet is lost. The cause says who wanted it: \
                 user-initiated means the program, a protocol violation means the peer's SCTP, none is often a host that knows \
                 nothing of the association (any more).",
            ),
            "RFC 9260 3.3.7, 9.1",
            context,
        ));
    }
}

/// An INIT is sent again after a second at first (RFC 9260 16, RTO.Initial; 3 s in RFC 4960).
const UNANSWERED_AFTER_NS: i64 = 3_000_000_000;

impl Sender {
    /// Counts a piece that came for the first time.
    pub fn count(&mut self, data: &Data<'_>) {
        self.data_chunks = self.data_chunks.saturating_add(1);
        self.data_bytes = self.data_bytes.saturating_add(u64::try_from(data.length).unwrap_or_default());
        self.unordered = self.unordered.saturating_add(data.unordered.into());
        let Some(protocol) = data.protocol else { return };
        if !self.protocols.contains(&protocol) && self.protocols.len() < limits::MAX_SCTP_PROTOCOLS {
            self.protocols.push(protocol);
        }
    }

    fn write(&self, way: Direction, sheet: &mut Sheet) {
        if let Some(offer) = &self.init {
            let packet = offer.packet;
            sheet.add("verification_tag", format!("{:#010x}", offer.initiate_tag), way, packet);
            sheet.add("receive_window", offer.receive_window.to_string(), way, packet);
            sheet.add("outbound_streams", offer.outbound_streams.to_string(), way, packet);
            sheet.add("inbound_streams", offer.inbound_streams.to_string(), way, packet);
            sheet.add("initial_tsn", offer.initial_tsn.to_string(), way, packet);
            sheet.list("extensions", &offer.extensions, way, packet);
            sheet.list("addresses", &offer.addresses, way, packet);
        }
        let last = self.span.last;
        sheet.count("data_chunks", self.data_chunks, way, last);
        sheet.count("data_bytes", self.data_bytes, way, last);
        let protocols = self.protocols.iter().map(|protocol| names::payload_protocol(*protocol));
        sheet.list("payload_protocols", protocols, way, last);
        sheet.count("unordered_chunks", self.unordered, way, last);
        sheet.count("retransmitted_chunks", self.retransmitted, way, self.retransmission.unwrap_or(last));
        sheet.count("unseen_chunks", self.sequence.missing, way, last);
        sheet.count("reported_gaps", self.reported_gaps, way, last);
        if self.heartbeats > 0 {
            sheet.add("heartbeats", format!("{}, {} answered", self.heartbeats, self.heartbeats_answered), way, last);
        }
    }
}
