//! What a handshake means for a reader: why it failed, and findings. Judges what `conversation` collected.
use super::{
    certificate_findings, cipher_suites,
    conversation::{Ending, Handshake},
    names,
    state::Stage,
};
use crate::{
    app::Sink,
    limits,
    record::{Context, EndCause, Evidence, Finding, PacketRef, Severity, Side, Subject, TlsFailure, TlsOutcome},
};

pub(super) fn who(side: Side) -> &'static str {
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
    certificate_findings::report(handshake, context, out);
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
