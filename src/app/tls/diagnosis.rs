//! What a handshake means for a reader: why it failed, and findings. Judges what `conversation` collected.
use super::{
    certificate, cipher_suites,
    conversation::{Ending, Handshake},
    decryption::Decryption,
    names,
    state::Stage,
};
use crate::{
    app::Sink,
    limits,
    record::{Context, EndCause, Evidence, Finding, PacketRef, Severity, Side, Subject, TlsFailure, TlsOutcome},
};

const NANOSECONDS: i64 = 1_000_000_000;
/// A certificate that expires within so many seconds deserves a note: 30 days.
const SOON_SECONDS: i64 = 30 * 24 * 3600;

fn who(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

/// The last message that was seen, as people read it.
fn last_message(handshake: &Handshake) -> String {
    handshake.phases.last().map_or_else(
        || "the connection was opened".into(),
        |phase| format!("the {}'s {}", who(phase.side), names::title(phase.name)),
    )
}

/// Why a handshake failed; null when it did not.
pub(super) fn failure(handshake: &Handshake) -> Option<TlsFailure> {
    if handshake.outcome() != TlsOutcome::Failed {
        return None;
    }
    let after = last_message(handshake);
    let of = |code: &str, side: Option<Side>, explanation: String| TlsFailure { code: code.into(), side, explanation };
    if let Some(alert) = handshake.alerts.iter().find(|alert| alert.level == "fatal") {
        let code = alert.description.clone();
        let explanation = format!("The {} sent the alert {code} after {after}.", who(alert.side));
        return Some(of(&code, Some(alert.side), explanation));
    }
    if let Stage::RefusedSilently(side) = handshake.machine.stage() {
        let explanation = format!(
            "The {} sent what must be an encrypted alert, from its size and place, after {after}: it probably did not \
             accept what the other side had shown.",
            who(side)
        );
        return Some(of("encrypted_alert", Some(side), explanation));
    }
    let ending = handshake.ending?;
    Some(match ending.cause {
        EndCause::Fin => of(
            "closed",
            Some(ending.side),
            format!("The {} closed the connection (FIN) after {after}.", who(ending.side)),
        ),
        EndCause::Reset => of("reset", None, format!("The connection was reset (RST) after {after}.")),
    })
}

fn report(
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

/// A fatal alert.
pub(super) fn fatal_alert(
    handshake: &Handshake,
    (side, description): (Side, u8),
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    let name = names::alert(description).map_or_else(|| description.to_string(), Into::into);
    let title = format!("The {} sent the fatal alert {name} after {}", who(side), last_message(handshake));
    let explanation = names::alert_meaning(description).to_owned();
    let packets = handshake.phases.last().map(|phase| phase.packet).into_iter().chain([packet.number]).collect();
    report(out, context, (Severity::Error, "tls.alert"), packets, title, explanation, "RFC 9846 6");
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

/// All other findings of a handshake that is over.
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
    certificate_findings(handshake, context, out);
    if let Some(ending) = handshake.ending
        && handshake.outcome() == TlsOutcome::Failed
        && handshake.alerts.iter().all(|alert| alert.level != "fatal")
    {
        incomplete(handshake, ending, context, out);
    } else if let Stage::RefusedSilently(_) = handshake.machine.stage() {
        let title = format!("The handshake broke off after {}", last_message(handshake));
        let explanation = failure(handshake).map(|failure| failure.explanation).unwrap_or_default();
        let kind = (Severity::Warning, "tls.handshake-incomplete");
        report(out, context, kind, handshake.evidence.clone(), title, explanation, "RFC 9846 6.2");
    }
}

fn incomplete(handshake: &Handshake, ending: Ending, context: &Context<'_>, out: &mut Sink<'_>) {
    let after = last_message(handshake);
    let title = match ending.cause {
        EndCause::Fin => {
            format!("The {} closed the connection during the TLS handshake, after {after}", who(ending.side))
        }
        EndCause::Reset => format!("The connection was reset during the TLS handshake, after {after}"),
    };
    let explanation = "Nobody said why: no alert was sent, or none that was seen. A server that closes after ClientHello \
                       often has no certificate for the name, or speaks another protocol; a client that closes after the \
                       certificate often does not trust it."
        .into();
    let packets = handshake.phases.last().map(|phase| phase.packet).into_iter().chain([ending.packet.number]).collect();
    let kind = (Severity::Warning, "tls.handshake-incomplete");
    report(out, context, kind, packets, title, explanation, "RFC 9846 6.1");
}

fn certificate_findings(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    let (Some(leaf), Some(packet)) = (handshake.chain.first(), handshake.chain_packet) else { return };
    let packets = || Evidence::from_iter([packet.number]);
    let now = packet.timestamp.nanoseconds().div_euclid(NANOSECONDS);
    for (place, content) in handshake.chain.iter().enumerate() {
        let name = content.subject.clone().unwrap_or_else(|| content.sha256.clone());
        let what = if place == 0 { "certificate" } else { "issuing certificate" };
        // A root at the chain's end is trusted, or not, by itself: its dates and signature are not checked.
        let is_root = place > 0 && content.self_issued == Some(true);
        if let Some(after) = content.not_after.filter(|_| !is_root) {
            let until = certificate::moment(after);
            if now > after {
                let title = format!("The {what} {name} expired on {until}");
                let explanation = "It had expired when the packet was captured; clients refuse it.".into();
                let kind = (Severity::Error, "tls.certificate-expired");
                report(out, context, kind, packets(), title, explanation, "RFC 5280 4.1.2.5");
            } else if after.saturating_sub(now) < SOON_SECONDS {
                let title = format!("The {what} {name} expires on {until}");
                let explanation = "Less than 30 days were left when the packet was captured. Renew it in time.".into();
                let kind = (Severity::Note, "tls.certificate-expires");
                report(out, context, kind, packets(), title, explanation, "RFC 5280 4.1.2.5");
            }
        }
        if let Some(before) = content.not_before.filter(|before| now < *before && !is_root) {
            let title = format!("The {what} {name} is not valid before {}", certificate::moment(before));
            let explanation =
                "It was not valid yet when the packet was captured, or the clock of the capture is wrong.".into();
            let kind = (Severity::Warning, "tls.certificate-not-yet-valid");
            report(out, context, kind, packets(), title, explanation, "RFC 5280 4.1.2.5");
        }
        if let Some(why) = weak_key(content).filter(|_| !is_root) {
            let title = format!("The {what} {name} is weak: {why}");
            let explanation = "Keys and signatures of this kind can be forged or broken; clients refuse them.".into();
            let kind = (Severity::Warning, "tls.weak-key");
            report(out, context, kind, packets(), title, explanation, "RFC 9325 4.5");
        }
    }
    if leaf.self_issued == Some(true) {
        let title = "The server's certificate is self-signed".into();
        let explanation =
            "Subject and issuer are the same: no authority vouches for it. Clients accept it only where it \
                           was installed by hand."
                .into();
        report(out, context, (Severity::Note, "tls.self-signed"), packets(), title, explanation, "RFC 5280 3.2");
    }
    if let Some(host) = handshake.client_hellos.first().and_then(|hello| hello.server_name.as_deref())
        && leaf.subject.is_some()
        && !certificate::name_matches(host, &leaf.san_dns)
    {
        let title = format!("The certificate is not for {host}");
        let listed = if leaf.san_dns.is_empty() { "none".into() } else { leaf.san_dns.join(", ") };
        let explanation = format!("The client asked for {host}; subjectAltName lists these DNS names: {listed}.");
        let kind = (Severity::Warning, "tls.name-mismatch");
        report(out, context, kind, packets(), title, explanation, "RFC 9525 6");
    }
}

fn weak_key(content: &certificate::Content) -> Option<String> {
    let bits = content.key_bits.unwrap_or(u32::MAX);
    if content.key_type.as_deref() == Some("RSA") && bits < 2048 {
        return Some(format!("RSA key of {bits} bits"));
    }
    let algorithm = content.signature_algorithm.as_deref()?.to_ascii_lowercase();
    let weak = ["md2", "md5", "sha1"].iter().any(|hash| algorithm.contains(hash));
    weak.then(|| format!("signed with {}", content.signature_algorithm.as_deref().unwrap_or_default()))
}
