//! Findings about the certificates of a handshake: what `verification` says, with what the client did about it, and what
//! will be wrong soon. "Would be refused" and "was refused" are kept apart.
use super::{
    certificate,
    certificate_message::Shown,
    client_certificate_findings,
    conversation::Handshake,
    diagnosis::{self, who},
    staple_findings,
    state::Stage,
    verification::Problem,
};
use crate::{
    app::Sink,
    record::{Context, Evidence, Severity, Side, TlsOutcome, VerificationReason as Reason},
};

const NANOSECONDS: i64 = 1_000_000_000;
/// A certificate that expires within so many seconds deserves a note: 30 days.
const SOON_SECONDS: i64 = 30 * 24 * 3600;

/// What the client did about the server's certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaction {
    /// It said that it does not accept them.
    Refused,
    /// It broke off right after them with an encrypted alert.
    ProbablyRefused,
    /// It went on.
    Accepted,
    /// It is not known.
    Unknown,
}

/// Alerts by which a side says that it does not accept the other's certificates (RFC 9846 6.2).
pub(super) const REFUSALS: [&str; 9] = [
    "bad_certificate",
    "unsupported_certificate",
    "certificate_revoked",
    "certificate_expired",
    "certificate_unknown",
    "unknown_ca",
    "bad_certificate_status_response",
    "bad_certificate_hash_value",
    "certificate_unobtainable",
];

fn reaction(handshake: &Handshake) -> Reaction {
    let refused = |alert: &&crate::record::Alert| {
        alert.side == Side::Client && alert.level == "fatal" && REFUSALS.contains(&alert.description.as_str())
    };
    if handshake.alerts.iter().any(|alert| refused(&alert)) {
        return Reaction::Refused;
    }
    match (handshake.machine.stage(), handshake.outcome()) {
        (Stage::RefusedSilently(Side::Client), _) => Reaction::ProbablyRefused,
        (_, TlsOutcome::Established) => Reaction::Accepted,
        _ => Reaction::Unknown,
    }
}

/// Severity when nobody is known to have refused, code and reference.
fn of(reason: Reason) -> (Severity, &'static str, &'static str) {
    match reason {
        Reason::Ok => (Severity::Note, "tls.certificate", "RFC 5280 6"),
        Reason::InvalidSignature => (Severity::Error, "tls.invalid-signature", "RFC 5280 6.1.3"),
        Reason::RevokedByStaple => (Severity::Error, "tls.certificate-revoked", "RFC 6960 2.2"),
        Reason::Expired => (Severity::Error, "tls.certificate-expired", "RFC 5280 4.1.2.5"),
        Reason::NotYetValid => (Severity::Warning, "tls.certificate-not-yet-valid", "RFC 5280 4.1.2.5"),
        Reason::SelfSigned => (Severity::Note, "tls.self-signed", "RFC 5280 3.2"),
        Reason::WrongHost => (Severity::Warning, "tls.name-mismatch", "RFC 9525 6"),
        Reason::MissingIntermediate => (Severity::Warning, "tls.missing-intermediate", "RFC 9846 4.4.2"),
        Reason::UnknownCa => (Severity::Note, "tls.unknown-ca", "RFC 5280 6.1"),
        Reason::WeakKey => (Severity::Warning, "tls.weak-key", "RFC 9325 4.5"),
        Reason::WeakSignature => (Severity::Warning, "tls.weak-signature", "RFC 9325 4.5"),
        Reason::Unsupported => (Severity::Note, "tls.certificate-not-checked", "RFC 5280 6"),
        Reason::Malformed
        | Reason::Distrusted
        | Reason::WrongPurpose
        | Reason::NotACa
        | Reason::NameConstraints
        | Reason::PathLength
        | Reason::TooComplex => (Severity::Warning, "tls.certificate-chain", "RFC 5280 6.1"),
    }
}

fn title(reason: Reason, host: Option<&str>) -> String {
    let text = match reason {
        Reason::Ok => "The server's certificate",
        Reason::InvalidSignature => "A signature in the server's certificate chain is wrong",
        Reason::Malformed => "A certificate of the server is malformed",
        Reason::RevokedByStaple => "The server's certificate was revoked",
        Reason::Distrusted => "The server's certificate is from a distrusted authority",
        Reason::Expired => "A certificate of the server has expired",
        Reason::NotYetValid => "A certificate of the server is not valid yet",
        Reason::SelfSigned => "The server's certificate is self-signed",
        Reason::WrongHost => return format!("The certificate is not for {}", host.unwrap_or("this host")),
        Reason::MissingIntermediate => "The server does not send the intermediate certificate",
        Reason::UnknownCa => "The server's certificate is from an authority that is not trusted",
        Reason::WrongPurpose => "The server's certificate is not for servers",
        Reason::NotACa => "An issuer in the server's certificate chain is no authority",
        Reason::NameConstraints => "An authority of the server's certificate may not issue for this name",
        Reason::PathLength => "The server's certificate chain is longer than an authority of it allows",
        Reason::WeakKey => "A key in the server's certificate chain is too short",
        Reason::WeakSignature => "A signature in the server's certificate chain uses a broken hash",
        Reason::Unsupported => "The server's certificate could not be checked",
        Reason::TooComplex => "The server's certificates form too many paths",
    };
    text.into()
}

/// Reports what is wrong with the server's certificates, or will be soon.
pub(super) fn report(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    client_certificate_findings::report(handshake, context, out);
    let Some(packet) = handshake.shown.packet else { return };
    staple_findings::report(handshake, context, out);
    let reaction = reaction(handshake);
    let problems: Vec<Problem> = handshake
        .shown
        .verdict
        .as_ref()
        .map(|verdict| verdict.problems(handshake.stapling.staple()))
        .unwrap_or_default();
    let host = handshake.client_hellos.first().and_then(|hello| hello.server_name.as_deref());
    let refusal = handshake.alerts.iter().find(|alert| alert.side == Side::Client && alert.level == "fatal");
    for (place, problem) in problems.iter().enumerate() {
        let (severity, code, reference) = of(problem.reason);
        // The refusal is counted once, against the weightiest problem.
        let severity = match reaction {
            Reaction::Refused if place == 0 => Severity::Error,
            Reaction::ProbablyRefused if place == 0 => severity.max(Severity::Warning),
            _ => severity,
        };
        let consequence = match (reaction, refusal) {
            (Reaction::Refused, Some(alert)) => {
                format!("It was refused: the client sent the alert {}.", alert.description)
            }
            (Reaction::Refused | Reaction::ProbablyRefused, _) => {
                "It was probably refused: the client broke off right after it with what must be an encrypted alert."
                    .into()
            }
            (Reaction::Accepted, _) => "It would be refused by a client that checks against these authorities; this \
                                        one went on: it does not check, or trusts by other means."
                .into(),
            (Reaction::Unknown, _) => "A client that checks against these authorities would refuse it.".to_owned(),
        };
        let mut packets: Evidence = [packet.number].into_iter().collect();
        if let Some(alert) = refusal.filter(|_| reaction == Reaction::Refused) {
            packets.add(alert.packet);
        }
        let explanation = format!("{} {consequence}", problem.explanation);
        let title = title(problem.reason, host);
        diagnosis::report(out, context, (severity, code), packets, title, explanation, reference);
    }
    if problems.is_empty() && reaction == Reaction::Refused {
        refused_all_the_same(handshake, context, out);
    }
    if !problems.iter().any(|problem| problem.reason == Reason::Expired) {
        expires_soon(&handshake.shown, "certificate", context, out);
    }
}

/// Nothing wrong is to be seen here, and yet the client refused.
fn refused_all_the_same(handshake: &Handshake, context: &Context<'_>, out: &mut Sink<'_>) {
    let Some((verdict, packet)) = handshake.shown.verdict.as_ref().zip(handshake.shown.packet) else { return };
    let explanation = format!(
        "The chain leads to {} and was valid for the capture's clock. The {} has other authorities, pins another key, or \
         its clock is wrong.",
        verdict.trust(),
        who(Side::Client)
    );
    let title = "The client refused a certificate in which nothing is wrong".into();
    let packets = [packet.number].into_iter().collect();
    let kind = (Severity::Warning, "tls.certificate-refused");
    diagnosis::report(out, context, kind, packets, title, explanation, "RFC 9846 6.2");
}

/// `leaf`: what the side's own certificate is called.
pub(super) fn expires_soon(shown: &Shown, leaf: &str, context: &Context<'_>, out: &mut Sink<'_>) {
    let Some(packet) = shown.packet else { return };
    let now = packet.timestamp.nanoseconds().div_euclid(NANOSECONDS);
    for (place, content) in shown.chain.iter().enumerate() {
        // A root at the chain's end is trusted, or not, by itself.
        let is_root = place > 0 && content.self_issued == Some(true);
        let Some(after) = content.not_after.filter(|_| !is_root) else { continue };
        if now > after || after.saturating_sub(now) >= SOON_SECONDS {
            continue;
        }
        let what = if place == 0 { leaf } else { "issuing certificate" };
        let name = content.subject.as_deref().unwrap_or(&content.sha256);
        let title = format!("The {what} {name} expires on {}", certificate::moment(after));
        let explanation = "Less than 30 days were left when the packet was captured. Renew it in time.".into();
        let packets = [packet.number].into_iter().collect();
        let kind = (Severity::Note, "tls.certificate-expires");
        diagnosis::report(out, context, kind, packets, title, explanation, "RFC 5280 4.1.2.5");
    }
}
