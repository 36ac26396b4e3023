//! A handshake as the `tls` record shows it, a certificate as `certificate` does, and a record as `tls_record` does.
use super::{certificate, conversation::Handshake, failure, names, record_layer::Header};
use crate::{
    app::Sink,
    record::{
        Certificate, Context, Direction, Endpoint, Evidence, LeafMarks, PacketRef, Record, RecordAlert, RecordKind,
        Side, Subject, Tls, TlsRecord, TlsTransport,
    },
};

impl Handshake {
    /// The record.
    pub(super) fn into_record(self: Box<Self>, transport: TlsTransport, context: &Context<'_>) -> Tls {
        let marks = self.marks().map(Box::new);
        let (client, server) = self.endpoints(context);
        let (outcome, failure, resumption) = (self.outcome(), failure::of(&self), self.resumption());
        let tls13 = self.machine.is_tls13();
        let handshake_ns = self.first_hello.zip(self.completed()).map(|(first, finished)| finished.since(first));
        let client_certificate_requested = match tls13 {
            Some(false) if self.full || self.machine.changed(Side::Server) => Some(self.client_certificate_requested),
            Some(true) if self.decrypted => Some(self.client_certificate_requested),
            _ => None,
        };
        let mut cipher_suite = self.suite;
        if tls13 == Some(true)
            && let Some(suite) = &mut cipher_suite
        {
            // TLS 1.3 keeps old sessions closed unless a PSK is used without a fresh key share (RFC 9846 2.2).
            suite.forward_secrecy = Some(self.group.is_some());
        }
        let staple = self.stapling.staple().cloned();
        let verification = self.shown.verdict.as_ref().map(|verdict| verdict.record(staple.as_ref()));
        let client_verification = self.client_shown.verdict.as_ref().map(|verdict| verdict.record(None));
        Tls {
            subject: Subject::new(context.flow.id, self.evidence),
            client,
            server,
            transport,
            version: self.version.map(names::version),
            server_name: self.client_hellos.first().and_then(|hello| hello.server_name.clone()),
            alpn: self.alpn,
            client_hellos: self.client_hellos,
            server_hellos: self.server_hellos,
            cipher_suite,
            group: self.group.map(names::group),
            resumption,
            early_data: self.early_data,
            client_certificate_requested,
            phases: self.phases,
            handshake_ns,
            alerts: self.alerts,
            outcome,
            failure,
            certificates: self.shown.chain.into_iter().map(|content| content.sha256).collect(),
            verification,
            client_certificates: self.client_shown.chain.into_iter().map(|content| content.sha256).collect(),
            client_verification,
            ocsp_staple: staple,
            decrypted: self.decrypted,
            marks,
        }
    }
}

impl Handshake {
    /// What the server's certificate shows when many are compared.
    fn marks(&self) -> Option<LeafMarks> {
        let (leaf, packet) = self.shown.chain.first().zip(self.shown.packet)?;
        let trusted = self.shown.verdict.as_ref().is_some_and(|verdict| verdict.is_trusted());
        let host = self.client_hellos.first().and_then(|hello| hello.server_name.as_deref());
        let issuer = leaf.issuer.clone()?;
        Some(LeafMarks {
            packet: packet.number,
            issuer,
            issuer_words: leaf.issuer_cn.iter().chain(&leaf.issuer_organisation).cloned().collect(),
            trusted,
            for_host: host.is_some_and(|host| certificate::is_for(leaf, host)),
            has_scts: !leaf.scts.is_empty(),
            has_public_pointers: leaf.has_public_pointers,
            key: leaf.key_digest,
            sha256: leaf.sha256.clone(),
            not_before: leaf.not_before.unwrap_or_default(),
        })
    }
}

/// A certificate that `side` showed at `position` of its list.
pub(super) fn certificate_record(
    content: &certificate::Content,
    subject_flow: Subject,
    (client, server): (Endpoint, Endpoint),
    (side, transport): (Side, TlsTransport),
    position: u32,
) -> Certificate {
    let content = content.clone();
    Certificate {
        subject_flow,
        client,
        server,
        side,
        transport,
        position,
        subject: content.subject,
        issuer: content.issuer,
        subject_cn: content.subject_cn,
        issuer_cn: content.issuer_cn,
        serial: content.serial,
        not_before: content.not_before.map(certificate::moment),
        not_after: content.not_after.map(certificate::moment),
        san_dns: content.san_dns,
        san_ip: content.san_ip,
        key_type: content.key_type,
        key_bits: content.key_bits,
        signature_algorithm: content.signature_algorithm,
        is_ca: content.is_ca,
        self_signed: content.self_issued,
        der_length: u64::try_from(content.der_length).unwrap_or(u64::MAX),
        sha256: content.sha256,
        sha1: content.sha1,
        scts: content.scts,
        der: Box::default(),
    }
}

/// A record's header, as it is reported; SSLv2 frames have no content type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) content_type: Option<u8>,
    pub(super) version: u16,
    pub(super) length: u16,
}

impl From<Header> for Passed {
    fn from(header: Header) -> Self {
        Self { content_type: Some(header.content_type), version: header.version, length: header.length }
    }
}

/// Reports a `tls_record`, if wanted.
#[allow(clippy::too_many_arguments)]
pub(super) fn report_record(
    transport: TlsTransport,
    direction: Direction,
    passed: Passed,
    handshake_types: Vec<u8>,
    alert: Option<RecordAlert>,
    encrypted: bool,
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if !out.wants(RecordKind::TlsRecord) {
        return;
    }
    out.record(Record::TlsRecord(Box::new(TlsRecord {
        subject: Subject::new(context.flow.id, Evidence::from_iter([packet.number])),
        client: context.flow.client,
        server: context.flow.server,
        transport,
        packet: packet.number,
        ts: packet.timestamp,
        side: direction.sender(),
        content_type: passed.content_type,
        version: passed.version,
        length: passed.length,
        handshake_types,
        alert,
        encrypted,
    })));
}
