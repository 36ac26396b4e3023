//! Between the flows of a worker and the protocols that read them: opens conversations, collects what sessions say.
use std::sync::Arc;

use super::{
    checksums::Checksums,
    conversation::Conversation,
    copies::Copies,
    hierarchy::Applications,
    inner::{Opened, Tap},
    place::Noted,
    reached::Reached,
};
use crate::{
    app::{Carrier, Said, Session, Sink, tls::trust::Trust, tls::verification::Verifier},
    flow::{Consumer, Copied},
    limits::Limit,
    record::{
        ApplicationPart, Context, FlowFacts, FlowId, HttpContent, IcmpErrorFact, Input, LinkFact, Notice, PacketRef,
        ProbeFact, Progress, Record, Secrets, TcpFact, Transport, Unreachable, Wanted,
    },
};

/// What is complete.
#[derive(Debug)]
pub enum Completed {
    /// To be written.
    Record(Record),
    /// To be written to a file.
    Content(Box<HttpContent>),
    /// To be compared with others.
    Fact(Box<TcpFact>),
    /// To be joined with others.
    Probe(Box<ProbeFact>),
    /// To be counted with others.
    IcmpError(Box<IcmpErrorFact>),
    /// To be put together with others.
    Part(Box<ApplicationPart>),
    /// Likewise.
    LinkFact(Box<LinkFact>),
}

/// Something complete and its place in the order of the run.
#[derive(Debug)]
pub struct Emitted {
    /// Index of the packet that completed it.
    pub at: u64,
    /// Its flow.
    pub flow: FlowId,
    /// What it completed.
    pub completed: Completed,
}

/// Where everything a worker finds goes.
pub struct Outlet {
    wanted: Wanted,
    notes_wanted: bool,
    /// Names of the files, when there are several.
    files: Arc<[Arc<str>]>,
    said: Vec<Said>,
    emitted: Vec<Emitted>,
    notes: Vec<Noted>,
    applications: Applications,
    tcp_connections: Vec<u64>,
    checksums: Checksums,
    copies: Copies,
    reached: Reached,
    verifier: Option<Verifier>,
    secrets: Secrets,
    /// Where what secrets open goes besides.
    tap: Option<Box<Tap>>,
}

impl Outlet {
    /// Collects records of the `wanted` kinds. `files` are the captures' names, when there are several.
    pub fn new(wanted: Wanted, notes_wanted: bool, files: Arc<[Arc<str>]>) -> Self {
        Self {
            wanted,
            notes_wanted,
            files,
            said: Vec::new(),
            emitted: Vec::new(),
            notes: Vec::new(),
            applications: Applications::default(),
            tcp_connections: Vec::new(),
            checksums: Checksums::default(),
            copies: Copies::default(),
            reached: Reached::default(),
            verifier: None,
            secrets: Secrets::default(),
            tap: None,
        }
    }

    /// The same, keeping what secrets open until it is asked for. For one flow alone.
    #[must_use]
    pub fn opening(self) -> Self {
        Self { tap: Some(Box::default()), ..self }
    }

    /// What takes what secrets open, if anybody does.
    pub fn tap(&mut self) -> Option<&mut Tap> {
        self.tap.as_deref_mut()
    }

    /// What secrets opened since this was asked last.
    pub fn take_opened(&mut self) -> Vec<Opened> {
        self.tap.as_mut().map(|tap| tap.take()).unwrap_or_default()
    }

    /// The same, judging certificates by `trust`.
    #[must_use]
    pub fn with_trust(self, trust: Option<&Arc<Trust>>) -> Self {
        Self { verifier: trust.map(|trust| Verifier::new(Arc::clone(trust))), ..self }
    }

    /// Lets a session read.
    pub fn ask(&mut self, session: &mut dyn Session, input: Input<'_>, context: &Context<'_>) -> Progress {
        let context = Context { secrets: &self.secrets, ..*context };
        let sink = Sink::new(self.wanted, self.notes_wanted, &mut self.said);
        session.input(input, &context, &mut sink.with_verifier(self.verifier.as_mut()))
    }

    /// What sessions may open protected traffic with from now on.
    pub fn use_secrets(&mut self, secrets: &Secrets) {
        if !secrets.is_none() {
            self.secrets = secrets.clone();
        }
    }

    /// Tells a session that a datagram could not be delivered.
    pub fn tell(&mut self, session: &mut dyn Session, notice: &Unreachable<'_>, context: &Context<'_>) {
        session.unreachable(notice, context, &mut Sink::new(self.wanted, self.notes_wanted, &mut self.said));
    }

    /// Tells a session what happened around the stream it reads.
    pub fn pass_on(&mut self, session: &mut dyn Session, notice: &Notice, context: &Context<'_>) {
        let sink = Sink::new(self.wanted, self.notes_wanted, &mut self.said);
        session.notice(notice, context, &mut sink.with_verifier(self.verifier.as_mut()));
    }

    /// Whether sessions said something that was not taken yet.
    pub fn has_said(&self) -> bool {
        !self.said.is_empty()
    }

    /// What sessions said.
    pub fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// A record is complete.
    pub fn emit(&mut self, at: u64, flow: FlowId, mut record: Record) {
        if !self.wanted.has(record.kind()) {
            return;
        }
        if let Some(name) = self.files.get(usize::from(flow.opener.file()))
            && let Some(subject) = record.subject_mut()
        {
            subject.file = Some(Arc::clone(name));
        }
        self.emitted.push(Emitted { at, flow, completed: Completed::Record(record) });
    }

    /// A piece of content passed.
    pub fn content(&mut self, at: u64, content: HttpContent) {
        self.emitted.push(Emitted { at, flow: content.flow, completed: Completed::Content(Box::new(content)) });
    }

    /// A packet may be a step of a traceroute.
    pub fn step(&mut self, at: u64, fact: ProbeFact) {
        self.emitted.push(Emitted { at, flow: fact.flow, completed: Completed::Probe(Box::new(fact)) });
    }

    /// A part of a conversation that is spread over several flows is complete.
    pub fn part(&mut self, at: u64, part: Box<ApplicationPart>) {
        self.emitted.push(Emitted { at, flow: part.flow, completed: Completed::Part(part) });
    }

    /// A router said something of itself.
    pub fn link_fact(&mut self, at: u64, flow: FlowId, fact: Box<LinkFact>) {
        self.emitted.push(Emitted { at, flow, completed: Completed::LinkFact(fact) });
    }

    /// The packet being processed holds this.
    pub fn note(&mut self, note: Noted) {
        self.notes.push(note);
    }

    /// Counts packets of a protocol above the transport (see [`Applications::add`]).
    pub fn count(&mut self, node: u16, application: &'static str, packets: u64, bytes: u64, place: &mut u32) {
        self.applications.add(node, application, packets, bytes, place);
    }

    /// What is complete so far, in the order of the run. Whoever takes them out leaves the vector, whose memory is used again.
    pub fn emitted(&mut self) -> &mut Vec<Emitted> {
        self.emitted.sort_by_key(|emitted| (emitted.at, emitted.flow));
        &mut self.emitted
    }

    /// The notes since the last call.
    pub fn take_notes(&mut self) -> Vec<Noted> {
        std::mem::take(&mut self.notes)
    }

    /// What was counted above the transport.
    pub fn applications(&self) -> &Applications {
        &self.applications
    }

    /// What the packets' checksums said.
    pub fn checksums(&self) -> &Checksums {
        &self.checksums
    }

    /// The same, to count in.
    pub fn checksums_mut(&mut self) -> &mut Checksums {
        &mut self.checksums
    }

    /// The packets that are in the capture twice.
    pub fn copies(&self) -> &Copies {
        &self.copies
    }

    /// A cap was reached at packet `at`.
    pub fn limit(&mut self, limit: &'static Limit, at: PacketRef) {
        self.reached.add(limit, at, 1);
    }

    /// The caps that were reached.
    pub fn reached(&self) -> &Reached {
        &self.reached
    }

    /// TCP connections opened, by the file their first packet is in.
    pub fn tcp_connections(&self) -> &[u64] {
        &self.tcp_connections
    }
}

impl Consumer for Outlet {
    type Conversation = Conversation;

    fn bytes(&self, conversation: &Conversation) -> u64 {
        conversation.bytes()
    }

    fn open(&mut self, flow: &FlowFacts) -> Conversation {
        let carrier = match flow.transport {
            Transport::Tcp => {
                let file = usize::from(flow.id.opener.file());
                if self.tcp_connections.len() <= file {
                    self.tcp_connections.resize(file + 1, 0);
                }
                self.tcp_connections[file] += 1;
                Carrier::Tcp
            }
            Transport::Udp => Carrier::Udp,
            Transport::Ip(number) => Carrier::Ip(number),
            Transport::Arp => Carrier::Arp,
        };
        Conversation::new(carrier).of(flow.id)
    }

    fn input(&mut self, conversation: &mut Conversation, input: Input<'_>, context: &Context<'_>) -> Progress {
        conversation.input(input, context, self)
    }

    fn unreachable(&mut self, conversation: &mut Conversation, notice: &Unreachable<'_>, context: &Context<'_>) {
        conversation.unreachable(notice, context, self);
    }

    fn take_reoffer(&mut self, conversation: &mut Conversation) -> bool {
        conversation.take_reoffer()
    }

    fn application(&self, conversation: &Conversation) -> Option<&'static str> {
        conversation.application()
    }

    fn emit(&mut self, at: u64, flow: FlowId, record: Record) {
        Self::emit(self, at, flow, record);
    }

    fn fact(&mut self, at: u64, fact: TcpFact) {
        self.emitted.push(Emitted { at, flow: fact.id, completed: Completed::Fact(Box::new(fact)) });
    }

    fn copied(&mut self, at: PacketRef, copied: Copied) {
        self.copies.add(at, copied);
    }

    fn icmp_error(&mut self, at: u64, fact: IcmpErrorFact) {
        let flow = fact.flow.unwrap_or(fact.own);
        self.emitted.push(Emitted { at, flow, completed: Completed::IcmpError(Box::new(fact)) });
    }

    fn probe(&mut self, at: u64, fact: ProbeFact) {
        self.step(at, fact);
    }

    fn limit(&mut self, limit: &'static Limit, at: PacketRef) {
        Self::limit(self, limit, at);
    }
}
