//! One flow's handshakes: collects what both sides sent into `tls` and `certificate` records, whatever carried it.
//! Records, datagrams and reassembly are the sessions'; what the result means for a reader is `diagnosis`.
use super::{
    certificate_message::{Shown, Stapling},
    cipher_suites, diagnosis, extension_report, extensions, hello, names,
    note::Hello,
    parser,
    parser::kind,
    state::{Event, Machine, Stage, Step},
    timing,
};
use crate::app::Sink;
use crate::{
    limits,
    record::{
        Alert, Context, Direction, EndCause, Evidence, PacketRef, Phase, Record, RecordKind, Resumption, Side,
        Timestamp, TlsOutcome, TlsTransport,
    },
};

/// A whole handshake message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) direction: Direction,
    /// HandshakeType.
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    /// Version in the header of the record where it ended.
    pub(super) record_version: Option<u16>,
    /// The packet that completed it.
    pub(super) packet: PacketRef,
}

/// An answer that did not come for so long will not come: ten times what is slow.
const SILENCE_NS: i64 = 10_000_000_000;

/// The end of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) side: Side,
    pub(super) cause: EndCause,
    pub(super) packet: PacketRef,
}

/// Why QUIC's connection was closed, where it was no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CarrierClose {
    pub(super) side: Side,
    pub(super) reason: String,
    pub(super) packet: PacketRef,
}

/// One handshake being watched.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// The direction in which the ClientHello's sender sends.
    pub(super) client: Option<Direction>,
    pub(super) machine: Machine,
    pub(super) evidence: Evidence,
    pub(super) client_hellos: Vec<crate::record::ClientHello>,
    pub(super) server_hellos: Vec<crate::record::ServerHello>,
    pub(super) phases: Vec<Phase>,
    phases_left_out: bool,
    pub(super) alerts: Vec<Alert>,
    pub(super) ending: Option<Ending>,
    pub(super) carrier_close: Option<CarrierClose>,
    /// Who answered with something that is not TLS, and what it is.
    pub(super) not_tls: Option<(Side, &'static str)>,
    /// Whose answer did not come, and for how many nanoseconds the capture shows that.
    pub(super) silence: Option<(Side, i64)>,
    /// Certificates that the client showed; null when it sent no readable Certificate message.
    pub(super) client_certificates: Option<usize>,
    /// Compressed Certificate messages so far.
    pub(super) compressed: usize,
    /// Bits of the prime of a DHE key exchange.
    pub(super) prime_bits: Option<usize>,
    /// What the server showed of itself.
    pub(super) shown: Shown,
    /// What the client showed of itself.
    pub(super) client_shown: Shown,
    pub(super) stapling: Stapling,
    pub(super) version: Option<u16>,
    pub(super) suite: Option<crate::record::CipherSuite>,
    pub(super) group: Option<u16>,
    pub(super) alpn: Option<String>,
    pub(super) offered_session: Vec<u8>,
    pub(super) offered_ticket: bool,
    pub(super) early_data: bool,
    pub(super) session_echoed: bool,
    pub(super) psk_chosen: bool,
    /// Certificate, ServerKeyExchange or ServerHelloDone: not a resumption.
    pub(super) full: bool,
    pub(super) client_certificate_requested: bool,
    /// Something of it was opened with keys: then the rest is, too, and nothing need be guessed from sizes.
    pub(super) decrypted: bool,
    pub(super) heard: [bool; 2],
    pub(super) previous: Option<(Side, PacketRef)>,
    pub(super) last_server_protected: Option<PacketRef>,
    pub(super) last_client_protected: Option<PacketRef>,
    pub(super) first_hello: Option<Timestamp>,
    pub(super) client_finished: Option<Timestamp>,
    pub(super) server_finished: Option<Timestamp>,
}

/// All handshakes of one flow, one at a time.
pub(super) struct Conversation {
    pub(super) transport: TlsTransport,
    pub(super) current: Option<Box<Handshake>>,
    hellos: usize,
    /// Once a handshake was completed: whether it was of TLS 1.3.
    established: Option<bool>,
}

impl Conversation {
    pub(super) fn new(transport: TlsTransport) -> Self {
        Self { transport, current: None, hellos: 0, established: None }
    }

    /// Whether the version is of the TLS 1.3 kind; null before a ServerHello.
    pub(super) fn is_tls13(&self) -> Option<bool> {
        self.current.as_ref().and_then(|handshake| handshake.machine.is_tls13())
    }

    /// Whether TLS 1.3 was agreed on, in this handshake or the one before.
    pub(super) fn agreed_on_tls13(&self) -> bool {
        self.is_tls13().or(self.established) == Some(true)
    }

    /// Whether the agreed suite leaves records readable: it only adds a MAC to them.
    pub(super) fn is_unencrypted(&self) -> bool {
        let suite = self.current.as_ref().and_then(|handshake| handshake.suite.as_ref());
        suite.is_some_and(|suite| suite.encryption == "NULL")
    }

    /// Whether a HelloRetryRequest was seen.
    pub(super) fn saw_hello_retry(&self) -> bool {
        self.current.as_ref().is_some_and(|handshake| handshake.machine.saw_hello_retry())
    }

    /// Takes a readable handshake message.
    pub(super) fn message(&mut self, message: Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        if message.kind != kind::CERTIFICATE_STATUS {
            self.release(out);
        }
        match message.kind {
            kind::CLIENT_HELLO => {
                let dtls = self.transport == TlsTransport::Dtls;
                if let Ok((_, parsed)) = parser::client_hello(message.body, dtls) {
                    self.client_hello(&parsed, message, context, out);
                }
            }
            kind::SERVER_HELLO | kind::HELLO_RETRY_REQUEST => self.server_hello(message, context, out),
            kind::CERTIFICATE => self.certificates(message, message.body, context, out),
            kind::COMPRESSED_CERTIFICATE => self.compressed_certificates(message, context, out),
            kind::CERTIFICATE_STATUS => self.certificate_status(message, context, out),
            _ => {
                let transport = self.transport;
                let handshake = self.handshake(message.direction, false);
                let side = handshake.side(message.direction);
                match (message.kind, side) {
                    (kind::SERVER_KEY_EXCHANGE, _) => handshake.server_key_exchange(message.body),
                    (kind::CERTIFICATE_REQUEST, _) => {
                        handshake.client_certificate_requested = true;
                        handshake.full = true;
                    }
                    (kind::SERVER_HELLO_DONE, _) => handshake.full = true,
                    (kind::ENCRYPTED_EXTENSIONS, _) => handshake.encrypted_extensions(message.body),
                    _ => {}
                }
                handshake.event(message.direction, Event::Message(message.kind), message.packet, context);
                extension_report::of_message(handshake, message, transport, context, out);
            }
        }
    }

    /// Takes a ClientHello, in whatever frame it came.
    pub(super) fn client_hello(
        &mut self,
        parsed: &parser::ClientHello<'_>,
        message: Message<'_>,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let answered = self.current.as_ref().is_some_and(|handshake| {
            handshake.machine.is_tls13().is_some()
                || (!handshake.client_hellos.is_empty() && handshake.client != Some(message.direction))
        });
        if answered {
            self.finish(context, out);
        }
        self.hellos = self.hellos.saturating_add(1);
        if self.hellos > limits::MAX_TLS_HELLOS {
            if self.hellos == limits::MAX_TLS_HELLOS.saturating_add(1) {
                diagnosis::too_many_hellos(message.packet, context, out);
            }
            return;
        }
        let transport = self.transport;
        let handshake = self.current.get_or_insert_default();
        handshake.client = Some(message.direction);
        let read = hello::read_client(parsed, transport, message.record_version, message.packet);
        handshake.offered_session = read.session_id;
        handshake.offered_ticket = read.ticket;
        handshake.early_data |= read.early_data;
        handshake.stapling.asked |= [extensions::kind::STATUS_REQUEST, extensions::kind::STATUS_REQUEST_V2]
            .into_iter()
            .any(|kind| parsed.extensions.find(kind).is_some());
        handshake.machine.offers_early_data(read.early_data);
        handshake.first_hello.get_or_insert(message.packet.timestamp);
        handshake.client_hellos.push(read.hello);
        handshake.event(message.direction, Event::Message(kind::CLIENT_HELLO), message.packet, context);
        extension_report::of_client_hello(handshake, parsed, message, transport, context, out);
    }

    /// Takes a hello that was sent again because its answer did not come (RFC 6347 4.2.4): it is listed, and changes
    /// nothing. Other messages that come again are passed over.
    pub(super) fn resent(&mut self, message: Message<'_>, context: &Context<'_>) {
        let transport = self.transport;
        let Some(handshake) = &mut self.current else { return };
        if self.hellos >= limits::MAX_TLS_HELLOS {
            return;
        }
        let (version, packet) = (message.record_version, message.packet);
        match message.kind {
            kind::CLIENT_HELLO => {
                let dtls = transport == TlsTransport::Dtls;
                let Ok((_, parsed)) = parser::client_hello(message.body, dtls) else { return };
                handshake.client_hellos.push(hello::read_client(&parsed, transport, version, packet).hello);
            }
            kind::SERVER_HELLO => {
                let Ok((_, parsed)) = parser::server_hello(message.body) else { return };
                handshake.server_hellos.push(hello::read_server(&parsed, version, packet));
            }
            _ => return,
        }
        self.hellos = self.hellos.saturating_add(1);
        handshake.event(message.direction, Event::Message(message.kind), packet, context);
    }

    fn server_hello(&mut self, message: Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let Ok((_, parsed)) = parser::server_hello(message.body) else { return };
        let again = self.current.as_ref().is_some_and(|handshake| handshake.machine.is_tls13().is_some());
        if again {
            // A second ServerHello without a visible ClientHello: a handshake of which one side is missing.
            self.finish(context, out);
        }
        self.hellos = self.hellos.saturating_add(1);
        if self.hellos > limits::MAX_TLS_HELLOS {
            if self.hellos == limits::MAX_TLS_HELLOS.saturating_add(1) {
                diagnosis::too_many_hellos(message.packet, context, out);
            }
            return;
        }
        let transport = self.transport;
        let handshake = self.handshake(message.direction, true);
        let mut read = hello::read_server(&parsed, message.record_version, message.packet);
        read.hello_retry_request |= message.kind == kind::HELLO_RETRY_REQUEST;
        let version = read.supported_version.unwrap_or(read.legacy_version);
        handshake.version = Some(version);
        handshake.suite = Some(cipher_suites::explain(read.cipher_suite));
        handshake.alpn = read.alpn.clone().or(handshake.alpn.take());
        if let Some(group) = parsed.extensions.find(extensions::kind::KEY_SHARE).and_then(extensions::number) {
            handshake.group = Some(group);
        }
        handshake.session_echoed = !parsed.session_id.is_empty() && parsed.session_id == handshake.offered_session;
        handshake.psk_chosen = parsed.extensions.find(extensions::kind::PRE_SHARED_KEY).is_some();
        handshake.stapling.promise(&parsed.extensions);
        let event = if read.hello_retry_request {
            Event::Message(kind::HELLO_RETRY_REQUEST)
        } else {
            handshake.machine.negotiated(names::is_tls13(version));
            if read.cipher_suite == cipher_suites::TLS_AES_128_CCM_8_SHA256 {
                handshake.machine.has_short_tags();
            }
            Event::Message(kind::SERVER_HELLO)
        };
        let retry = read.hello_retry_request;
        handshake.server_hellos.push(read);
        handshake.event(message.direction, event, message.packet, context);
        extension_report::of_server_hello(handshake, &parsed, retry, message, transport, context, out);
    }

    /// Takes a ChangeCipherSpec.
    pub(super) fn change_cipher_spec(&mut self, direction: Direction, packet: PacketRef, context: &Context<'_>) {
        if let Some(handshake) = &mut self.current {
            handshake.event(direction, Event::ChangeCipherSpec, packet, context);
        }
    }

    /// What comes next was opened with keys.
    pub(super) fn decrypted(&mut self, _: Direction) {
        if let Some(handshake) = &mut self.current {
            handshake.decrypted = true;
        }
    }

    /// Takes a record of application data that was opened. `early`: 0-RTT.
    pub(super) fn application_data(
        &mut self,
        direction: Direction,
        early: bool,
        packet: PacketRef,
        context: &Context<'_>,
    ) {
        let Some(handshake) = &mut self.current else { return };
        handshake.decrypted = true;
        handshake.event(direction, Event::ApplicationData { early }, packet, context);
    }

    /// Takes an encrypted record.
    pub(super) fn protected(
        &mut self,
        direction: Direction,
        record: impl Into<Event>,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(handshake) = &mut self.current else { return };
        handshake.event(direction, record.into(), packet, context);
        self.leave_when_done(context, out);
    }

    /// Takes a readable alert.
    pub(super) fn alert(
        &mut self,
        direction: Direction,
        (level, description): (u8, u8),
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(handshake) = &mut self.current else {
            if level == 2 {
                diagnosis::lone_alert(direction.sender(), description, packet, context, out);
            }
            return;
        };
        let side = handshake.side(direction);
        if handshake.alerts.len() < limits::MAX_TLS_ALERTS {
            let level = if level == 2 { "fatal" } else { "warning" }.to_owned();
            let description = names::alert(description).map_or_else(|| description.to_string(), Into::into);
            handshake.alerts.push(Alert { packet: packet.number, side, level, description });
        } else {
            out.limit(&limits::TLS);
        }
        handshake.heard(direction);
        handshake.evidence.add(packet.number);
        if level == 2 {
            handshake.event(direction, Event::FatalAlert, packet, context);
            self.leave_when_done(context, out);
        }
    }

    /// Once a handshake was completed, and no other one is under way: whether it was of TLS 1.3.
    pub(super) fn established(&self) -> Option<bool> {
        match &self.current {
            None => self.established,
            Some(handshake) => handshake.machine.is_tls13().filter(|_| handshake.machine.stage() == Stage::Open),
        }
    }

    /// What is shown of the latest hello, of the kind that is among `kinds`.
    pub(super) fn shown(&self, kinds: &[u8]) -> Hello<'_> {
        let Some(handshake) = &self.current else { return Hello::default() };
        if let Some(hello) = handshake.client_hellos.last().filter(|_| kinds.contains(&kind::CLIENT_HELLO)) {
            let name = hello.server_name.as_deref();
            return Hello { name, suites: &hello.cipher_suites, extensions: &hello.extensions };
        }
        let server = handshake.server_hellos.last().filter(|_| kinds.contains(&kind::SERVER_HELLO));
        server.map_or_else(Hello::default, |hello| Hello {
            name: None,
            suites: std::slice::from_ref(&hello.cipher_suite),
            extensions: &hello.extensions,
        })
    }

    /// Whether a handshake is being watched.
    pub(super) fn is_watching(&self) -> bool {
        self.current.is_some()
    }

    /// One direction ended.
    pub(super) fn end(&mut self, direction: Direction, cause: EndCause, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(handshake) = &mut self.current else { return };
        let side = handshake.side(direction);
        let second = handshake.ending.is_some();
        handshake.ending.get_or_insert(Ending { side, cause, packet: context.packet });
        if second || cause == EndCause::Reset {
            handshake.evidence.add(context.packet.number);
            self.finish(context, out);
        }
    }

    /// Reports what is left.
    pub(super) fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some(handshake) = &mut self.current {
            handshake.note_silence(context);
        }
        self.finish(context, out);
    }

    /// One side answers with something that is not TLS.
    pub(super) fn not_tls(
        &mut self,
        direction: Direction,
        what: &'static str,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(handshake) = &mut self.current else { return };
        let side = handshake.side(direction);
        handshake.heard(direction);
        handshake.not_tls = Some((side, what));
        handshake.evidence.add(packet.number);
        self.finish(context, out);
    }

    pub(super) fn leave_when_done(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let dtls = self.transport == TlsTransport::Dtls;
        let done = self.current.as_ref().is_some_and(|handshake| {
            match handshake.machine.stage() {
                // Tickets and alerts that can be read may follow.
                Stage::Open => !handshake.decrypted,
                // In DTLS 1.3 that may have been an acknowledgment.
                Stage::RefusedSilently(_) => !dtls || handshake.machine.is_tls13() != Some(true),
                Stage::Refused => true,
                Stage::Negotiating | Stage::Finished | Stage::PerhapsRefused(_) => false,
            }
        });
        if done {
            self.finish(context, out);
        }
    }

    fn finish(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        self.release(out);
        let Some(handshake) = self.current.take() else { return };
        if handshake.client_hellos.is_empty() && handshake.server_hellos.is_empty() {
            return;
        }
        if handshake.phases_left_out {
            out.limit(&limits::TLS);
        }
        if handshake.outcome() == TlsOutcome::Established {
            self.established = handshake.machine.is_tls13();
        }
        if out.wants(RecordKind::Finding) {
            diagnosis::findings(&handshake, context, out);
        }
        if out.wants(RecordKind::Tls) {
            out.record(Record::Tls(Box::new(handshake.into_record(self.transport, context))));
        }
    }

    /// The handshake being watched; a new one knows its client from who sends what.
    pub(super) fn handshake(&mut self, direction: Direction, from_server: bool) -> &mut Handshake {
        let handshake = self.current.get_or_insert_default();
        if from_server && handshake.client.is_none() {
            handshake.client = Some(direction.reverse());
        }
        handshake
    }
}

impl Handshake {
    pub(super) fn side(&self, direction: Direction) -> Side {
        match self.client {
            Some(client) if client == direction => Side::Client,
            Some(_) => Side::Server,
            None => direction.sender(),
        }
    }

    /// TLS's client and server.
    pub(super) fn endpoints(&self, context: &Context<'_>) -> (crate::record::Endpoint, crate::record::Endpoint) {
        match self.client {
            Some(Direction::ServerToClient) => (context.flow.server, context.flow.client),
            _ => (context.flow.client, context.flow.server),
        }
    }

    /// At the flow's close, without an end: whether an answer is missing that should have come.
    fn note_silence(&mut self, context: &Context<'_>) {
        let Some((side, last)) = self.previous else { return };
        let waited = context.packet.timestamp.since(last.timestamp);
        // The round trip is known when both directions are in the capture.
        let both = self.heard_both() || context.round_trip_ns.is_some();
        let ended = self.ending.is_some() || self.carrier_close.is_some();
        if self.machine.stage() == Stage::Negotiating && both && !ended && waited >= SILENCE_NS {
            self.silence = Some((side.other(), waited));
        }
    }

    fn heard(&mut self, direction: Direction) {
        if let Some(heard) = self.heard.get_mut(direction.index()) {
            *heard = true;
        }
    }

    /// When the later Finished came: the client's in TLS 1.3; before it, that of the side that finishes last. Null
    /// while one is missing, or was not seen.
    pub(super) fn completed(&self) -> Option<Timestamp> {
        let client = self.client_finished?;
        if self.machine.is_tls13() == Some(true) {
            Some(client)
        } else {
            self.server_finished.map(|server| server.max(client))
        }
    }

    /// Whether anything readable or not was seen from both sides.
    pub(super) fn heard_both(&self) -> bool {
        self.heard == [true, true]
    }

    pub(super) fn event(&mut self, direction: Direction, event: Event, packet: PacketRef, context: &Context<'_>) {
        self.heard(direction);
        let side = self.side(direction);
        let step = self.machine.step(side, event);
        match (side, event) {
            (Side::Server, Event::Protected { .. } | Event::ProtectedIn { .. } | Event::HandshakePacket { .. }) => {
                self.last_server_protected = Some(packet);
            }
            (Side::Client, Event::HandshakePacket { .. }) => self.last_client_protected = Some(packet),
            _ => {}
        }
        let Some(step) = step else { return };
        let finished = Step::implied("finished");
        if step.server_finished_before
            && let Some(last) = self.last_server_protected
        {
            self.phase(Side::Server, finished, last, context);
        }
        if step.client_finished_before {
            // The packet itself is the first to show it where those before are missing.
            self.phase(Side::Client, finished, self.last_client_protected.unwrap_or(packet), context);
        }
        self.phase(side, step, packet, context);
    }

    /// QUIC's connection was closed for a reason that is not TLS's.
    pub(super) fn carrier_closed(&mut self, close: CarrierClose) {
        if self.machine.stage() == Stage::Negotiating {
            self.evidence.add(close.packet.number);
            self.carrier_close = Some(close);
        }
    }

    fn phase(&mut self, side: Side, step: Step, packet: PacketRef, context: &Context<'_>) {
        match side {
            Side::Client if step.name == "finished" => self.client_finished = Some(packet.timestamp),
            Side::Server if step.name == "finished" => self.server_finished = Some(packet.timestamp),
            _ => {}
        }
        self.evidence.add(packet.number);
        if self.phases.len() >= limits::MAX_TLS_PHASES {
            self.phases_left_out = true;
            return;
        }
        let since_previous_ns = self.previous.map(|(_, previous)| packet.timestamp.since(previous.timestamp));
        let (name, certainty) = (step.name, step.certainty);
        let share =
            self.previous.filter(|(_, previous)| previous.index != packet.index).and_then(|(before, previous)| {
                timing::share(before, (side, name), packet.timestamp.since(previous.timestamp), context)
            });
        self.previous = Some((side, packet));
        let (packet, ts) = (packet.number, packet.timestamp);
        let (waiting_for, thinking_ns) = (share.map(|share| share.waiting_for), share.map(|share| share.thinking_ns));
        self.phases.push(Phase { name, packet, ts, side, since_previous_ns, waiting_for, thinking_ns, certainty });
    }

    fn server_key_exchange(&mut self, body: &[u8]) {
        self.full = true;
        let Some(suite) = &self.suite else { return };
        if suite.key_exchange == "ECDHE" {
            self.group = parser::key_exchange_group(body, suite.authentication == "PSK").or(self.group);
        } else if suite.key_exchange == "DHE" && suite.authentication != "PSK" {
            self.prime_bits = parser::key_exchange_prime_bits(body);
            self.group = parser::key_exchange_named_prime(body).or(self.group);
        }
    }

    /// Whether an earlier session was resumed, so that no certificates are shown.
    pub(super) fn is_resumed(&self) -> bool {
        self.resumption().is_some_and(|resumption| resumption != Resumption::None)
    }

    fn encrypted_extensions(&mut self, body: &[u8]) {
        let extensions = extensions::Extensions::new(body.get(2..).unwrap_or_default(), false);
        let chosen = extensions.find(extensions::kind::ALPN).and_then(|body| extensions::alpn(body).next());
        if let Some(name) = chosen {
            self.alpn = Some(String::from_utf8_lossy(name).into_owned());
        }
    }

    pub(super) fn resumption(&self) -> Option<Resumption> {
        self.server_hellos.last()?;
        if self.machine.is_tls13() == Some(true) {
            return Some(if self.psk_chosen { Resumption::Psk } else { Resumption::None });
        }
        // With a ticket, the client makes up a session id to see whether it is echoed (RFC 5077 3.4).
        let changed = self.machine.changed(Side::Server) || self.machine.finished(Side::Server);
        Some(match (self.full, self.offered_ticket, self.session_echoed) {
            (false, true, echoed) if echoed || changed => Resumption::Ticket,
            (false, false, true) => Resumption::SessionId,
            _ => Resumption::None,
        })
    }

    pub(super) fn outcome(&self) -> TlsOutcome {
        match self.machine.stage() {
            Stage::Open | Stage::Finished => TlsOutcome::Established,
            Stage::Refused | Stage::RefusedSilently(_) => TlsOutcome::Failed,
            // An alert and the end right after the client's flight: it was not accepted. Much later it is a farewell.
            Stage::PerhapsRefused(_) if self.ending.is_some() && self.ended_at_once() => TlsOutcome::Failed,
            Stage::PerhapsRefused(_) => TlsOutcome::Established,
            _ if self.not_tls.is_some() || self.silence.is_some() || self.carrier_close.is_some() => TlsOutcome::Failed,
            // With one direction only, what the other side said is not known, and so not how it went.
            Stage::Negotiating => match self.ending {
                Some(ending) if self.heard_both() || self.broke_off(ending) => TlsOutcome::Failed,
                _ => TlsOutcome::Incomplete,
            },
        }
    }

    /// Whether the server's last record came within a second of the client's Finished.
    fn ended_at_once(&self) -> bool {
        let spoke = self.last_server_protected.zip(self.client_finished);
        spoke.is_some_and(|(last, finished)| last.timestamp.since(finished) < 1_000_000_000)
    }

    /// Whether the end came from a side that had its say, or before the server could say anything.
    fn broke_off(&self, ending: Ending) -> bool {
        let server_silent = self.server_hellos.is_empty() && self.machine.is_tls13().is_none();
        server_silent
            && !self.machine.changed(Side::Client)
            && (ending.side == Side::Server || ending.cause == EndCause::Reset)
    }
}
