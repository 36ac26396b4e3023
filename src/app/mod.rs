//! Protocols above TCP and UDP, and those that run right above IP: what one is ([`Protocol`]), how it reads a flow ([`Session`]), and what it may say
//! ([`Sink`]). Which ones there are: [`registry`]. A protocol folder names no other protocol folder; what several
//! share lives in [`codec`].
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
pub mod arp;
pub mod codec;
pub mod datagrams;
pub mod dhcp;
pub mod dns;
pub mod ftp;
pub mod http1;
pub mod http2;
pub mod icmp;
pub mod igmp;
pub mod ipsec;
pub mod isakmp;
pub mod mail;
pub mod nbns;
pub mod ntp;
pub mod openvpn;
pub mod ospf;
pub mod proxy;
pub mod quic;
pub mod registry;
pub mod rip;
pub mod routing;
pub mod sctp;
pub mod snmp;
pub mod socks;
pub mod ssh;
pub mod starttls;
pub mod telnet;
pub mod tftp;
pub mod tls;
pub mod vrrp;
pub mod websocket;
pub mod wireguard;

use std::ops::Range;

use crate::{
    limits::Limit,
    record::{
        ApplicationPart, Context, Direction, Finding, FlowFacts, HttpContent, Input, Layer, LinkFact, Notice,
        PacketNumber, PacketRef, ProbeFact, Progress, Record, RecordKind, Underway, Unreachable, Wanted,
    },
};

/// A protocol: how to recognise it, and how to read it.
pub struct Protocol {
    /// Name as in reports, such as `dns`. Also Wireshark's short name.
    pub name: &'static str,
    /// Says whether bytes look like it.
    pub probe: fn(&Probe<'_>) -> Verdict,
    /// Makes a reader for one flow. The carrier says what the bytes run over.
    pub session: fn(Carrier) -> Box<dyn Session>,
}

/// What bytes run over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// A TCP stream.
    Tcp,
    /// UDP datagrams.
    Udp,
    /// The CRYPTO stream of QUIC: TLS handshake messages without records (RFC 9001 4).
    QuicCrypto,
    /// The content of TLS records that were decrypted.
    Tls,
    /// The messages of one SCTP stream behind each other, as a stream of bytes (RFC 9260).
    Sctp,
    /// Messages right above IP, of the protocol with this number, from the header behind IP's on.
    Ip(u8),
    /// ARP packets (RFC 826).
    Arp,
}

/// What is known when a flow's protocol is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// What the bytes run over.
    pub carrier: Carrier,
    /// Which way the bytes travel.
    pub direction: Direction,
    /// The first bytes of the stream in that direction (at most [`crate::limits::MAX_PROBE_BYTES`]), or a datagram.
    pub bytes: &'a [u8],
    /// Whether `bytes` begin where the stream begins: false when the capture joined it late or after a gap.
    pub from_start: bool,
    /// The flow. Ports are only a hint.
    pub flow: &'a FlowFacts,
}

/// A probe's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this protocol.
    Certain,
    /// It may be: more bytes will tell. If nobody is certain in the end, the first `Maybe` is taken only when it says
    /// [`Verdict::Likely`].
    Maybe,
    /// It looks like it, and nobody else is certain: take it.
    Likely,
    /// It is not.
    No,
}

/// Reads one flow, both directions.
///
/// A session never buffers the stream: it answers [`Progress::Consumed`] with what it could use and is offered the
/// rest again. It consumes all it can before it answers. It is told of lost bytes, ends and the close as inputs.
pub trait Session: Send {
    /// Reads what is offered.
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress;

    /// Is told that a datagram could not be delivered. More may come all the same.
    fn unreachable(&mut self, notice: &Unreachable<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let _ = (notice, context, out);
    }

    /// Is told what happened around the stream that it reads, by the session that hands it on.
    fn notice(&mut self, notice: &Notice, context: &Context<'_>, out: &mut Sink<'_>) {
        let _ = (notice, context, out);
    }

    /// What it is in the middle of: asked a few times a second by a display, of a bounded number of flows. Cheap.
    fn underway(&self) -> Option<Underway> {
        None
    }
}

/// Where a session says what it found.
pub struct Sink<'a> {
    wanted: Wanted,
    notes_wanted: bool,
    /// Where the message lies that is being read.
    place: Option<MessageRange>,
    said: &'a mut Vec<Said>,
    verifier: Option<&'a mut tls::verification::Verifier>,
}

/// What a session said, in order. Read by the engine.
#[derive(Debug)]
pub enum Said {
    /// A record is complete.
    Record(Record),
    /// A piece of a message's content, for whoever writes it to a file.
    Content(HttpContent),
    /// The flow is better described by this name, such as `http` inside `tls`.
    Application(&'static str),
    /// Bytes of another protocol inside, at `offset` of a stream of its own. The engine puts them in order, probes
    /// them and reads them as a flow of that carrier.
    Inner {
        /// Distinguishes several inner streams of one flow.
        channel: u64,
        /// What the inner bytes run over.
        carrier: Carrier,
        /// Which way they travel.
        direction: Direction,
        /// Their place in the inner stream.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// The packet that brought them, where it is not the one being processed.
        packet: Option<PacketRef>,
    },
    /// Bytes before `offset` of an inner stream will not come any more.
    InnerLost {
        /// Which inner stream.
        channel: u64,
        /// Which way they travel.
        direction: Direction,
        /// Where it goes on.
        offset: u64,
    },
    /// Something to tell whoever reads an inner stream.
    InnerNotice {
        /// Which inner stream.
        channel: u64,
        /// What.
        notice: Notice,
    },
    /// When the flow is handed over next, it goes to the protocol of this name without being probed.
    Expect(&'static str),
    /// A part of a conversation that is spread over several flows.
    Part(Box<ApplicationPart>),
    /// What a router says of itself on a link, to be compared with others.
    LinkFact(Box<LinkFact>),
    /// A cap was reached.
    Limit(&'static Limit),
    /// A packet that may be a step of a traceroute, for who joins them.
    Probe(ProbeFact),
    /// What the packet being processed holds: for the one-line view of packets and its layer tree.
    Note(Note),
}

/// One message completed by the packet being processed.
#[derive(Clone, Debug)]
pub struct Note {
    /// What it says on one line, as Wireshark's Info column: `Standard query 0x1f A example.com`.
    pub info: String,
    /// The layer for the tree. Offset and length are filled in by the engine where they are 0.
    pub layer: Layer,
    /// Where the message lies, as far as the session knows; else what it last told the [`Sink`].
    pub place: Option<MessageRange>,
}

impl Note {
    /// A note whose place is the one that the [`Sink`] knows.
    #[must_use]
    pub fn new(info: String, layer: Layer) -> Self {
        Self { info, layer, place: None }
    }
}

/// Where a message lies: within the bytes that its session is offered, or with its end in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRange {
    /// Where it ends, in bytes from the first one offered.
    pub end: usize,
    /// Its length in bytes. What is longer than `end` began in bytes that were offered before, or passed unseen.
    pub length: u64,
    /// The packet that brought its first byte, where that byte is not among those offered.
    pub first: Option<PacketNumber>,
}

impl<'a> Sink<'a> {
    /// A sink that appends to `said`.
    pub fn new(wanted: Wanted, notes_wanted: bool, said: &'a mut Vec<Said>) -> Self {
        Self { wanted, notes_wanted, place: None, said, verifier: None }
    }

    /// The same, with somebody who judges certificates.
    #[must_use]
    pub fn with_verifier(self, verifier: Option<&'a mut tls::verification::Verifier>) -> Self {
        Self { verifier, ..self }
    }

    /// Who judges certificates, if anybody.
    pub fn verifier(&mut self) -> Option<&mut tls::verification::Verifier> {
        self.verifier.as_deref_mut()
    }

    /// Whether records of this kind are wanted. Ask before building one that costs something.
    #[must_use]
    pub fn wants(&self, kind: RecordKind) -> bool {
        self.wanted.has(kind)
    }

    /// Whether values of cookies and credentials may be told in full.
    #[must_use]
    pub fn shows_secrets(&self) -> bool {
        self.wanted.shows_secrets()
    }

    /// Whether the content of messages is wanted. Otherwise let it pass.
    #[must_use]
    pub fn wants_content(&self) -> bool {
        self.wanted.has_content()
    }

    /// Hands on a piece of content; dropped when content is not wanted.
    pub fn content(&mut self, content: HttpContent) {
        if self.wants_content() {
            self.said.push(Said::Content(content));
        }
    }

    /// Whether notes are wanted.
    #[must_use]
    pub fn wants_notes(&self) -> bool {
        self.notes_wanted
    }

    /// Reports a record; dropped when its kind is not wanted.
    pub fn record(&mut self, record: Record) {
        if self.wants(record.kind()) {
            self.said.push(Said::Record(record));
        }
    }

    /// Reports a finding.
    pub fn finding(&mut self, finding: Finding) {
        self.record(Record::Finding(Box::new(finding)));
    }

    /// Tells of a packet that may be a step of a traceroute.
    pub fn probe(&mut self, fact: ProbeFact) {
        self.said.push(Said::Probe(fact));
    }

    /// Names the application more precisely than the protocol's own name.
    pub fn application(&mut self, name: &'static str) {
        self.said.push(Said::Application(name));
    }

    /// Says what follows a hand-over, where only this protocol can know: it is not probed then.
    pub fn expect(&mut self, name: &'static str) {
        self.said.push(Said::Expect(name));
    }

    /// Hands on a part of a conversation that is spread over several flows: it is put together in the analysis. Dropped
    /// when nothing that comes of it is wanted.
    pub fn part(&mut self, part: ApplicationPart) {
        if self.wants(RecordKind::Application) || self.wants(RecordKind::Finding) {
            self.said.push(Said::Part(Box::new(part)));
        }
    }

    /// Hands on what a router says of itself; dropped when findings are not wanted.
    pub fn link_fact(&mut self, fact: LinkFact) {
        if self.wants(RecordKind::Finding) {
            self.said.push(Said::LinkFact(Box::new(fact)));
        }
    }

    /// A cap was reached: counted, and told once for the whole capture.
    pub fn limit(&mut self, limit: &'static Limit) {
        self.said.push(Said::Limit(limit));
    }

    /// Hands bytes of an inner stream on.
    pub fn inner(&mut self, channel: u64, carrier: Carrier, direction: Direction, offset: u64, bytes: Vec<u8>) {
        self.said.push(Said::Inner { channel, carrier, direction, offset, bytes, packet: None });
    }

    /// Hands bytes of an inner stream on that `packet` brought, which may not be the one being processed.
    pub fn inner_of(
        &mut self,
        channel: u64,
        (carrier, direction): (Carrier, Direction),
        offset: u64,
        bytes: Vec<u8>,
        packet: PacketRef,
    ) {
        self.said.push(Said::Inner { channel, carrier, direction, offset, bytes, packet: Some(packet) });
    }

    /// Says that bytes before `offset` of an inner stream will not come any more.
    pub fn inner_lost(&mut self, channel: u64, direction: Direction, offset: u64) {
        self.said.push(Said::InnerLost { channel, direction, offset });
    }

    /// Tells whoever reads an inner stream what happened around it. Lost on one whose protocol is not known yet.
    pub fn inner_notice(&mut self, channel: u64, notice: Notice) {
        self.said.push(Said::InnerNotice { channel, notice });
    }

    /// The message being read lies in this range of the bytes offered: said of the notes that follow, until other bytes are
    /// offered.
    pub fn lies(&mut self, range: Range<usize>) {
        let length = u64::try_from(range.len()).unwrap_or(u64::MAX);
        self.place = Some(MessageRange { end: range.end, length, first: None });
    }

    /// The same of a message of which the beginning was offered before, or passed unseen.
    pub fn lies_at(&mut self, place: MessageRange) {
        self.place = Some(place);
    }

    /// Says what the packet being processed holds; dropped when notes are not wanted.
    pub fn note(&mut self, note: Note) {
        if self.notes_wanted {
            let place = note.place.or(self.place);
            self.said.push(Said::Note(Note { place, ..note }));
        }
    }
}
