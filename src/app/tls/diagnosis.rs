//! What a handshake means for a reader: why it failed, and findings. Judges what `conversation` collected.
use super::{certificate_findings, cipher_suites, conversation::Handshake, decryption::Decryption, failure, names};
use crate::{
    app::Sink,
    limits,
    record::{Context, Evidence, Finding, PacketRef, Severity, Side, Subject, TlsFailure},
};

pub(super) fn who(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

/// The last message that was seen, as people read it.
pub(super) fn last_message(handshake: &Handshake) -> String {
    handshake.phases.last().map_or_else(
        || "the connection was opened".into(),
        |phase| format!("the {}'s {}", who(phase.side), names::title(phase.name)),
    )
}

pub(super) fn report(
    out: &mut Sink<'_>,
    context: &Context<'_>,
    (severity, code): (Severity, &'static str),
    packets: Evidence,
    title: String,
    explanation: String,
    reference: &'static str,
) {
    out.finding(Finding {
        subject: Subject::new(context.flow.id, packets),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation,
        reference: Some(reference),
    });
}

/// A fatal alert in a flow of which no handshake was seen.
pub(super) fn lone_alert(side: Side, description: u8, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
    let name = names::alert(description).map_or_else(|| description.to_string(), Into::into);
    let title = format!("The {} sent the fatal alert {name}", who(side));
    let explanation = names::alert_meaning(description).to_owned();
    let packets = Evidence::from_iter([packet.number]);
    report(out, context, (Severity::Error, "tls.alert"), packets, title, explanation, "RFC 9846 6");
}

/// An alert as the first thing a server says, to a client that had not sent a ClientHello but something else.
pub(super) fn alert_to_plain_text(description: u8, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
    let name = names::alert(description).map_or_else(|| description.to_string(), Into::into);
    let title = "The client does not speak TLS to a port that expects it".into();
    let explanation = format!(
        "What the client sent first is no TLS; the server answered with the TLS alert {name}. Use the protocol's TLS \
         variant (https, ...), or the port that speaks without TLS."
    );
    let packets = Evidence::from_iter([packet.number]);
    let kind = (Severity::Error, "tls.plain-text-to-tls-port");
    report(out, context, kind, packets, title, explanation, "RFC 9846 5.1");
}

/// FIN in the middle of a record.
pub(super) fn truncated(side: Side, context: &Context<'_>, out: &mut Sink<'_>) {
    let title = format!("The {} closed the connection in the middle of a TLS record", who(side));
    let explanation = "What was sent is cut: the receiver cannot decrypt the last record and must treat the data as \
                       truncated. The sender crashed or gave up, or somebody on the way closed the connection in its name."
        .into();
    let packets = Evidence::from_iter([context.packet.number]);
    report(out, context, (Severity::Warning, "tls.truncated"), packets, title, explanation, "RFC 9846 6.1");
}

/// The server ended the connection without saying so in TLS.
pub(super) fn no_close_notify(context: &Context<'_>, out: &mut Sink<'_>) {
    let title = "The server closed the connection without close_notify".into();
    let explanation =
        "The end of the data is not protected: the client cannot tell it from a connection that somebody cut. \
                       Harmless where the protocol inside tells its own length, as HTTP does."
            .into();
    let packets = Evidence::from_iter([context.packet.number]);
    report(out, context, (Severity::Note, "tls.no-close-notify"), packets, title, explanation, "RFC 9846 6.1");
}

/// More hellos than are reported: the rest of the flow's handshakes are left out.
pub(super) fn too_many_hellos(packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
    let title = format!("More than {} TLS hellos in one flow; the rest is left out", limits::MAX_TLS_HELLOS);
    let explanation =
        "Handshakes in the clear are rarely repeated: this may be an attack on the server, or on whoever \
                       reads the capture."
            .into();
    let packets = Evidence::from_iter([packet.number]);
    report(out, context, (Severity::Warning, "tls.too-many-hellos"), packets, title, explanation, "RFC 5246 7.4.1.1");
}

/// What keys could not open, told once for the flow.
pub(super) fn decryption(decryption: &Decryption, context: &Context<'_>, out: &mut Sink<'_>) {
    let (opened, failed) = (decryption.opened, decryption.failed);
    let kind = (Severity::Warning, "tls.decryption-failed");
    if failed > 0 {
        let all = opened.saturating_add(failed);
        let (title, explanation) = if opened == 0 {
            (
                format!("The keys given for this session open none of {failed} encrypted records"),
                "The key log names this session's client random, or a private key fits, but no record authenticates with \
                 what it says: the secrets are of another session, or the packets were changed.",
            )
        } else {
            (
                format!("{failed} of {all} encrypted records do not authenticate with the session's keys"),
                "The others do. Such records were changed on their way, or records before them are missing from the \
                 capture, so that their number, which is part of what is authenticated, is not known.",
            )
        };
        report(out, context, kind, decryption.failures.clone(), title, explanation.into(), "RFC 9846 5.2");
    } else if opened == 0
        && let Some(packet) = decryption.key_does_not_fit
    {
        let title = "The RSA private key given does not open this session's premaster secret".into();
        let explanation =
            "It is not the key of the certificate that the server showed, or the message is damaged.".into();
        report(out, context, kind, Evidence::from_iter([packet.number]), title, explanation, "RFC 5246 7.4.7.1");
    }
    if let Some((suite, packet)) = decryption.unsupported.filter(|_| opened == 0) {
        let title = format!("Keys are there, but records of {} cannot be opened", cipher_suites::explain(suite).name);
        let explanation = "This version, cipher suite or compression is not implemented: AES-GCM, AES-CCM, \
                           ChaCha20-Poly1305, AES-CBC, 3DES-CBC and RC4 of TLS 1.0 to 1.3 are."
            .into();
        let packets = Evidence::from_iter([packet.number]);
        report(
            out,
            context,
            (Severity::Note, "tls.decryption-unsupported"),
            packets,
            title,
            explanation,
            "RFC 9846 5.2",
        );
    }
}

/// The findings of a handshake that is over.
pub(super) fn findings(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    let hellos: Evidence = handshake
        .client_hellos
        .last()
        .map(|hello| hello.packet)
        .into_iter()
        .chain(handshake.server_hellos.last().map(|hello| hello.packet))
        .collect();
    if let Some(version) = handshake.version.filter(|version| names::is_obsolete(*version)) {
        let title = format!("{} is obsolete", names::version(version));
        let explanation = "Both ends agreed on a version that must not be used any more: it rests on MD5, SHA-1 and \
                           weak constructions. Enable TLS 1.2 and 1.3 on both ends."
            .into();
        let kind = (Severity::Warning, "tls.obsolete-version");
        report(out, context, kind, hellos.clone(), title, explanation, "RFC 8996");
    }
    if let Some(suite) = handshake.suite.as_ref()
        && let Some(why) = cipher_suites::weakness(suite)
    {
        let title = format!("Weak cipher suite {}", suite.name);
        let explanation = format!("The server chose a suite that should not be used: {why}.");
        report(out, context, (Severity::Warning, "tls.weak-cipher"), hellos, title, explanation, "RFC 9325 4.1");
    }
    certificate_findings::report(handshake, context, out);
    if let Some(failure) = failure::of(handshake) {
        broken_off(handshake, &failure, context, out);
    }
}

/// The handshake failed.
fn broken_off(handshake: &Handshake, failure: &TlsFailure, context: &Context<'_>, out: &mut Sink<'_>) {
    let after = last_message(handshake);
    let alert = handshake.alerts.iter().find(|alert| alert.level == "fatal");
    let closed = handshake.carrier_close.as_ref().map(|close| close.packet);
    let ended = closed.or(handshake.ending.map(|ending| ending.packet)).map(|packet| packet.number);
    let decisive = alert.map(|alert| alert.packet).or(ended);
    let packets: Evidence = handshake.phases.last().map(|phase| phase.packet).into_iter().chain(decisive).collect();
    let side = failure.side.map_or("other side", who);
    let (kind, title, reference) = match failure.code.as_str() {
        "not_tls" => {
            ((Severity::Error, "tls.not-tls"), format!("The {side} does not speak TLS on this port"), "RFC 9846 5.1")
        }
        "silence" => {
            ((Severity::Warning, "tls.no-answer"), format!("No answer from the {side} after {after}"), "RFC 9846 2")
        }
        "closed" => (
            (Severity::Warning, "tls.handshake-incomplete"),
            format!("The {side} closed the connection during the TLS handshake, after {after}"),
            "RFC 9846 6.1",
        ),
        "reset" => (
            (Severity::Warning, "tls.handshake-incomplete"),
            format!("The {side} reset the connection during the TLS handshake, after {after}"),
            "RFC 9846 6.1",
        ),
        "encrypted_alert" => (
            (Severity::Warning, "tls.handshake-incomplete"),
            format!("The {side} broke off the TLS handshake with an encrypted alert, after {after}"),
            "RFC 9846 6.2",
        ),
        code => (
            (Severity::Error, "tls.alert"),
            format!("The {side} sent the fatal alert {code} after {after}"),
            "RFC 9846 6.2",
        ),
    };
    let meaning = alert.map(|alert| names::alert_meaning_of(&alert.description)).unwrap_or_default();
    let explanation = [meaning, failure.explanation.as_str()].into_iter().filter(|text| !text.is_empty());
    let explanation = explanation.collect::<Vec<_>>().join(" ");
    report(out, context, kind, packets, title, explanation, reference);
}
