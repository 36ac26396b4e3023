//! Findings about OCSP stapling: a staple that does not hold, and one that is missing though the certificate asks for it.
use super::{conversation::Handshake, diagnosis};
use crate::{
    app::Sink,
    record::{Context, Evidence, Severity, StapleProblem as Problem, VerificationReason as Reason},
};

/// Reports both.
pub(super) fn report(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    let stapling = &handshake.stapling;
    let shown = handshake.shown.packet.map(|packet| packet.number);
    // By a clock that is before the certificate's own beginning everything else is too early as well.
    let verdict = handshake.shown.verdict.as_ref();
    let clock_is_early = verdict.is_some_and(|verdict| verdict.has(Reason::NotYetValid));
    let told = |problem: &Problem| match problem {
        Problem::NotChecked => false,
        Problem::NotYetValid => !clock_is_early,
        _ => true,
    };
    if let Some(judged) = &stapling.judged
        && let Some(worst) = judged.problems.iter().copied().filter(told).min()
    {
        let title = match worst {
            Problem::WrongSignature => "The OCSP response that the server staples is not signed as it says",
            Problem::UnauthorisedResponder => "The OCSP response that the server staples is not its authority's",
            Problem::OtherCertificate => "The OCSP response that the server staples is about another certificate",
            Problem::Unsuccessful => "The server staples an OCSP response that says nothing",
            Problem::NotYetValid => "The OCSP response that the server staples is not valid yet",
            Problem::Outdated | Problem::NotChecked => "The OCSP response that the server staples is out of date",
        };
        let packets: Evidence = shown.into_iter().chain(stapling.packet.map(|packet| packet.number)).collect();
        let consequence = "A client that looks at staples refuses it.";
        let explanation = format!("{} {consequence}", judged.explanation);
        let kind = (Severity::Warning, "tls.staple-invalid");
        diagnosis::report(out, context, kind, packets, title.into(), explanation, "RFC 6960 3.2");
    }
    let asks = handshake.shown.chain.first().is_some_and(|leaf| leaf.must_staple);
    if asks && stapling.is_missing(handshake.machine.is_tls13()) {
        let title = "The certificate asks for OCSP stapling, and the server does not staple".into();
        let explanation =
            "It has the TLS feature status_request (must-staple), the client asked for an OCSP response, and \
                           none came. A client that honours this refuses it."
                .into();
        let packets: Evidence = shown.into_iter().collect();
        let kind = (Severity::Note, "tls.must-staple-missing");
        diagnosis::report(out, context, kind, packets, title, explanation, "RFC 7633 4.2.3.1");
    }
}
