//! What the sides of a handshake show of themselves: Certificate messages, plain and compressed, and the OCSP staple that
//! comes with them or behind them.
use super::{
    certificate::{self, Content},
    certificate_compression,
    conversation::{Conversation, Message},
    diagnosis,
    extensions::{self, Extensions},
    parser, report, scts, staple, staple_check,
    state::Event,
    verdict::Verdict,
};
use crate::{
    app::Sink,
    limits,
    record::{
        Certificate, Context, Evidence, OcspStaple, PacketRef, Record, RecordKind, SctSource, Severity, Side,
        SignedCertificateTimestamp, Subject, TlsTransport,
    },
};

const NANOSECONDS: i64 = 1_000_000_000;

/// A side's certificates.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// As read, the leaf first.
    pub(super) chain: Vec<Content>,
    /// The packet that completed the message.
    pub(super) packet: Option<PacketRef>,
    /// What is wrong with them.
    pub(super) verdict: Option<Verdict>,
}

/// OCSP stapling in one handshake.
#[derive(Debug, Default)]
pub(super) struct Stapling {
    /// The client's hello asks for it (status_request).
    pub(super) asked: bool,
    /// The server's hello announces it, or was not seen; before TLS 1.3.
    promised: Option<bool>,
    /// The server's Certificate message of TLS 1.3 has none.
    pub(super) left_out: bool,
    /// What came.
    pub(super) judged: Option<staple_check::Judged>,
    /// The packet that brought it.
    pub(super) packet: Option<PacketRef>,
    /// signed_certificate_timestamp of ServerHello.
    timestamps: Vec<SignedCertificateTimestamp>,
    /// Certificates that wait for the staple behind them.
    held: Option<Held>,
}

/// The server's certificates between their message and the one that may bring the staple.
#[derive(Debug)]
struct Held {
    ders: Vec<Box<[u8]>>,
    records: Vec<Certificate>,
}

impl Stapling {
    /// Takes ServerHello's extensions.
    pub(super) fn promise(&mut self, extensions: &Extensions<'_>) {
        let has = |kind| extensions.find(kind).is_some();
        self.promised = Some(has(extensions::kind::STATUS_REQUEST) || has(extensions::kind::STATUS_REQUEST_V2));
        self.timestamps = timestamps(extensions);
    }

    /// What it says, if anything.
    pub(super) fn staple(&self) -> Option<&OcspStaple> {
        self.judged.as_ref()?.staple.as_ref()
    }

    /// Whether it is certain that the client asked for a staple and the server showed none.
    pub(super) fn is_missing(&self, tls13: Option<bool>) -> bool {
        let none = match tls13 {
            Some(true) => self.left_out,
            Some(false) => self.promised == Some(false),
            None => false,
        };
        none && self.asked && self.judged.is_none()
    }
}

fn timestamps(extensions: &Extensions<'_>) -> Vec<SignedCertificateTimestamp> {
    let body = extensions.find(extensions::kind::SIGNED_CERTIFICATE_TIMESTAMP);
    body.map_or_else(Vec::new, |body| scts::list(body, SctSource::TlsExtension))
}

impl Conversation {
    /// Takes a Certificate message, whose body may have been unpacked.
    pub(super) fn certificates(
        &mut self,
        message: Message<'_>,
        body: &[u8],
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let transport = self.transport;
        // Certificates come from the server unless it is known to be the other one who shows them.
        let handshake = self.handshake(message.direction, true);
        let side = handshake.side(message.direction);
        // QUIC knows no other version, and its ServerHello may be missing.
        let tls13 = handshake.machine.is_tls13() == Some(true) || transport == TlsTransport::Quic;
        let wanted =
            [RecordKind::Certificate, RecordKind::Tls, RecordKind::Finding].iter().any(|kind| out.wants(*kind));
        let most = limits::MAX_CERTIFICATES.saturating_add(1);
        let mut list: Vec<(&[u8], Extensions<'_>)> = match tls13 {
            true => parser::certificate_list_13(body).take(most).collect(),
            false => parser::certificate_list(body).map(|der| (der, Extensions::default())).take(most).collect(),
        };
        match side {
            Side::Server => handshake.full = true,
            Side::Client => handshake.client_certificates = Some(list.len()),
        }
        if list.len() > limits::MAX_CERTIFICATES {
            out.limit(&limits::TLS);
            list.truncate(limits::MAX_CERTIFICATES);
        }
        let mut shown = Shown { packet: Some(message.packet), ..Shown::default() };
        if wanted {
            let chain: Vec<&[u8]> = list.iter().map(|(der, _)| *der).collect();
            shown.chain = list
                .iter()
                .map(|(der, extensions)| {
                    let mut content = certificate::read(der);
                    content.scts.extend(timestamps(extensions));
                    content
                })
                .collect();
            if side == Side::Server {
                let stapling = &mut handshake.stapling;
                if let Some(leaf) = shown.chain.first_mut() {
                    leaf.scts.append(&mut stapling.timestamps);
                }
                let first = list.first().map(|(_, extensions)| *extensions).unwrap_or_default();
                let status = first.find(extensions::kind::STATUS_REQUEST);
                stapling.left_out = tls13 && !list.is_empty() && status.is_none();
                if let Some(status) = status {
                    stapling.take(status, &chain, message.packet, out);
                    stapling.add_timestamps(&mut shown.chain);
                }
            }
            if shown.chain.iter().any(|content| content.scts.len() >= limits::MAX_SCTS) {
                out.limit(&limits::TLS);
            }
            // A client's name is nobody's to compare.
            let hello = handshake.client_hellos.first().filter(|_| side == Side::Server);
            let host = hello.and_then(|hello| hello.server_name.clone());
            let hidden = handshake.client_hellos.iter().any(|hello| hello.encrypted_client_hello);
            if let Some(verifier) = out.verifier().filter(|_| !chain.is_empty()) {
                let certificates = (chain.as_slice(), shown.chain.as_slice());
                shown.verdict = Some(Verdict::of(verifier, side, certificates, host, hidden, message.packet));
            }
            let ends = handshake.endpoints(context);
            let mut records = Vec::new();
            for (position, (content, der)) in shown.chain.iter().zip(&chain).enumerate() {
                if !out.wants(RecordKind::Certificate) {
                    break;
                }
                let position = u32::try_from(position).unwrap_or(u32::MAX);
                let subject = Subject::new(context.flow.id, Evidence::from_iter([message.packet.number]));
                let mut record = report::certificate_record(content, subject, ends, (side, transport), position);
                record.der = (*der).into();
                records.push(record);
            }
            // Before TLS 1.3 the staple follows, with timestamps perhaps that belong into the leaf's record.
            let may_follow = side == Side::Server && !tls13 && handshake.stapling.promised != Some(false);
            if may_follow {
                let ders = chain.iter().map(|der| Box::from(*der)).collect();
                handshake.stapling.held = Some(Held { ders, records });
            } else {
                records.into_iter().for_each(|record| out.record(Record::Certificate(Box::new(record))));
            }
        }
        match side {
            Side::Server => handshake.shown = shown,
            Side::Client => handshake.client_shown = shown,
        }
        handshake.event(message.direction, Event::Message(message.kind), message.packet, context);
    }

    /// Takes a CompressedCertificate message (RFC 8879).
    pub(super) fn compressed_certificates(&mut self, message: Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let handshake = self.handshake(message.direction, true);
        handshake.compressed = handshake.compressed.saturating_add(1);
        if handshake.compressed > limits::MAX_COMPRESSED_CERTIFICATES {
            out.limit(&limits::TLS);
            return;
        }
        match certificate_compression::unpack(message.body) {
            Ok(unpacked) => self.certificates(message, &unpacked, context, out),
            Err(refusal) => {
                let side = handshake.side(message.direction);
                let title = format!("The {}'s compressed certificate cannot be read", diagnosis::who(side));
                let packets = Evidence::from_iter([message.packet.number]);
                let kind = (Severity::Warning, "tls.compressed-certificate");
                diagnosis::report(out, context, kind, packets, title, refusal.words(), "RFC 8879 4");
                handshake.full |= side == Side::Server;
                handshake.event(message.direction, Event::Message(message.kind), message.packet, context);
            }
        }
    }

    /// Takes a CertificateStatus message (RFC 6066 8, RFC 6961).
    pub(super) fn certificate_status(&mut self, message: Message<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let handshake = self.handshake(message.direction, true);
        if handshake.side(message.direction) == Side::Server {
            let held = handshake.stapling.held.take();
            let chain: Vec<&[u8]> = held.iter().flat_map(|held| &held.ders).map(|der| &der[..]).collect();
            handshake.stapling.take(message.body, &chain, message.packet, out);
            handshake.stapling.add_timestamps(&mut handshake.shown.chain);
            drop(chain);
            handshake.stapling.held = held;
            let timestamps =
                handshake.stapling.judged.as_ref().map(|judged| judged.scts.as_slice()).unwrap_or_default();
            if let Some(record) = handshake.stapling.held.as_mut().and_then(|held| held.records.first_mut()) {
                record.scts.extend_from_slice(timestamps);
            }
        }
        handshake.event(message.direction, Event::Message(message.kind), message.packet, context);
        self.release(out);
    }

    /// Reports certificates that waited for a staple.
    pub(super) fn release(&mut self, out: &mut Sink<'_>) {
        let held = self.current.as_mut().and_then(|handshake| handshake.stapling.held.take());
        let records = held.into_iter().flat_map(|held| held.records);
        records.for_each(|record| out.record(Record::Certificate(Box::new(record))));
    }
}

impl Stapling {
    /// Takes a CertificateStatus: the first one of a handshake counts.
    fn take(&mut self, status: &[u8], chain: &[&[u8]], packet: PacketRef, out: &mut Sink<'_>) {
        if self.judged.is_some() {
            return;
        }
        let at = packet.timestamp.nanoseconds().div_euclid(NANOSECONDS);
        let response = staple::in_status(status);
        let judged = response.map(|response| staple_check::judge(response, chain, out.verifier(), at));
        self.judged = Some(judged.unwrap_or_default());
        self.packet = Some(packet);
    }

    fn add_timestamps(&self, chain: &mut [Content]) {
        if let Some((leaf, judged)) = chain.first_mut().zip(self.judged.as_ref()) {
            leaf.scts.extend_from_slice(&judged.scts);
        }
    }
}
