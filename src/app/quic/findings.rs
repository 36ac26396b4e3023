//! What of QUIC deserves a finding: said once a flow, but for keys that do not fit, which are told of each connection.
use super::connection::Tally;
use crate::{
    app::Sink,
    limits::MAX_QUIC_CONNECTIONS,
    record::{Context, Evidence, Finding, Severity, Subject},
};

/// What is said once a flow.
#[derive(Default)]
pub struct Findings {
    negotiation: bool,
    retry: bool,
    evicted: bool,
    too_much_crypto: bool,
}

impl Findings {
    /// A Version Negotiation packet.
    pub fn negotiation(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.negotiation, true) {
            let title = "the server does not speak the QUIC version it was offered";
            let why = "It named those it speaks; the client has to begin anew with one of them: one more round trip.";
            note(context, out, "quic.version-negotiation", title, why, Some("RFC 9000 6"));
        }
    }

    /// A Retry packet.
    pub fn retry(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.retry, true) {
            let title = "the server answered with Retry";
            let why = "The server made the client prove its address before it spent anything on the handshake: one \
                       more round trip.";
            note(context, out, "quic.retry", title, why, Some("RFC 9000 8.1.2"));
        }
    }

    /// A connection had to make room for another.
    pub fn evicted(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.evicted, true) {
            let title = format!("more than {MAX_QUIC_CONNECTIONS} QUIC connections between the same two ports");
            let why = "Only the newest are followed: packets of older ones stay closed.";
            note(context, out, "quic.too-many-connections", &title, why, None);
        }
    }

    /// CRYPTO data beyond the limits.
    pub fn too_much_crypto(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.too_much_crypto, true) {
            let title = "more handshake data in CRYPTO frames than any handshake needs";
            let why = "What is beyond the limit was not read.";
            note(context, out, "quic.too-much-crypto-data", title, why, Some("RFC 9000 7.5"));
        }
    }
}

/// What given keys could not open of a connection, told when it is over.
pub fn decryption(tally: &mut Tally, context: &Context<'_>, out: &mut Sink<'_>) {
    let (opened, failed) = (tally.opened, tally.failed);
    if failed > 0 {
        let (title, why) = if opened == 0 {
            (
                format!("The keys given for this QUIC connection open none of {failed} packets"),
                "The key log names the random of this connection's ClientHello, but no packet authenticates with what it \
                 says: the secrets are of another connection, or the packets were changed.",
            )
        } else {
            (
                format!(
                    "{failed} of {} QUIC packets do not authenticate with the connection's keys",
                    opened.saturating_add(failed)
                ),
                "The others do. Such packets were changed on their way, cut by the capture, or are no packets of this \
                 connection though they carry its connection ID.",
            )
        };
        let kind = (Severity::Warning, "quic.decryption-failed");
        report(context, out, kind, std::mem::take(&mut tally.failures), title, why.to_owned(), Some("RFC 9001 5.3"));
    }
    if let Some((suite, packet)) = tally.unsupported.take().filter(|_| opened == 0) {
        let title = format!("Keys are there, but QUIC packets under cipher suite 0x{suite:04x} cannot be opened");
        let why =
            "QUIC uses TLS 1.3's AES-GCM, AES-128-CCM and ChaCha20-Poly1305 (RFC 9001 5.3); this is none of them.";
        let kind = (Severity::Note, "quic.decryption-unsupported");
        report(context, out, kind, Evidence::from_iter([packet.number]), title, why.to_owned(), Some("RFC 9001 5.3"));
    }
}

fn note(
    context: &Context<'_>,
    out: &mut Sink<'_>,
    code: &'static str,
    title: &str,
    why: &str,
    reference: Option<&'static str>,
) {
    let packets = Evidence::from_iter([context.packet.number]);
    report(context, out, (Severity::Note, code), packets, title.to_owned(), why.to_owned(), reference);
}

fn report(
    context: &Context<'_>,
    out: &mut Sink<'_>,
    (severity, code): (Severity, &'static str),
    packets: Evidence,
    title: String,
    explanation: String,
    reference: Option<&'static str>,
) {
    out.finding(Finding {
        subject: Subject::new(context.flow.id, packets),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation,
        reference,
    });
}
