//! Findings about the client's certificates. Authorities of clients are private as a rule, so that theirs is not known here
//! is no news until the server, too, says so. "Would be refused" and "was refused" are kept apart.
use super::{
    certificate_findings::{REFUSALS, expires_soon},
    conversation::Handshake,
    diagnosis, failure,
    verification::Problem,
};
use crate::{
    app::Sink,
    record::{Context, Evidence, Severity, Side, TlsFailureCause as Cause, TlsOutcome, VerificationReason as Reason},
};

/// Reports what is wrong with the client's certificates, or will be soon.
pub(super) fn report(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    let shown = &handshake.client_shown;
    let Some((packet, verdict)) = shown.packet.zip(shown.verdict.as_ref()) else { return };
    let problems: Vec<Problem> = verdict.problems(None);
    let refusal = handshake.alerts.iter().find(|alert| {
        alert.side == Side::Server && alert.level == "fatal" && REFUSALS.contains(&alert.description.as_str())
    });
    let cause = failure::of(handshake).and_then(|failure| failure.cause);
    let probably = cause == Some(Cause::ClientCertificateProbablyRefused);
    let of_trust = |problem: &Problem| {
        matches!(problem.reason, Reason::UnknownCa | Reason::SelfSigned | Reason::MissingIntermediate)
    };
    let only_trust = problems.iter().all(of_trust);
    let told: Vec<&Problem> =
        problems.iter().filter(|problem| refusal.is_some() || probably || !of_trust(problem)).collect();
    if !told.is_empty() {
        let severity = match (refusal, only_trust) {
            (_, true) => Severity::Note,
            (Some(_), false) => Severity::Error,
            (None, false) => Severity::Warning,
        };
        let consequence = match refusal {
            Some(alert) => format!("It was refused: the server sent the alert {}.", alert.description),
            None if probably => "It was probably refused: the server broke off right after it.".into(),
            None if handshake.outcome() == TlsOutcome::Established => {
                "It would be refused by a server that checks against these authorities; this one went on: it does not \
                 check, or trusts by other means."
                    .into()
            }
            None => "A server that checks against these authorities would refuse it.".to_owned(),
        };
        let title = match told.first().map(|problem| problem.reason) {
            Some(reason) if !only_trust => {
                format!("Something is wrong with the client's certificate: {}", reason.words())
            }
            _ => "The client's certificate is from an authority that is not trusted here".into(),
        };
        let words: Vec<&str> = told.iter().map(|problem| problem.explanation.as_str()).collect();
        let explanation = format!("{} {consequence}", words.join(" "));
        let packets: Evidence = [packet.number].into_iter().chain(refusal.map(|alert| alert.packet)).collect();
        let kind = (severity, "tls.client-certificate");
        diagnosis::report(out, context, kind, packets, title, explanation, "RFC 5280 6.1");
    }
    if !problems.iter().any(|problem| problem.reason == Reason::Expired) {
        expires_soon(shown, "client's certificate", context, out);
    }
}
