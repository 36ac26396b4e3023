//! Why a handshake failed: who gave up, after which message, and what both sides offered and chose that explains it.
//! What cannot be known is called likely, or left out; nothing here is guessed from ports.
use super::{
    certificate_findings::REFUSALS,
    conversation::Handshake,
    diagnosis::{last_message, who},
    names,
    state::Stage,
};
use crate::record::{
    Alert, ClientHello, EndCause, Side, TlsFailure, TlsFailureCause as Cause, TlsOutcome, VerificationReason as Reason,
};

/// Why a handshake failed; null when it did not.
pub(super) fn of(handshake: &Handshake) -> Option<TlsFailure> {
    if handshake.outcome() != TlsOutcome::Failed {
        return None;
    }
    let after = last_message(handshake);
    let last = handshake.phases.last().map(|phase| phase.name);
    let build = |code: &str, side: Option<Side>, cause: Option<Cause>, explanation: String| TlsFailure {
        code: code.into(),
        side,
        explanation,
        cause,
        after: last,
    };
    if let Some((side, spoken)) = handshake.not_tls {
        let explanation = format!("The {} answered {after} with {spoken}, which is not TLS.", who(side));
        return Some(build("not_tls", Some(side), Some(Cause::NotTls), explanation));
    }
    if let Some(alert) = handshake.alerts.iter().find(|alert| alert.level == "fatal") {
        let code = alert.description.as_str();
        let said = format!("The {} sent the alert {code} after {after}.", who(alert.side));
        let (cause, why) = cause_of_alert(handshake, alert);
        let explanation = if why.is_empty() { said } else { format!("{said} {why}") };
        return Some(build(code, Some(alert.side), cause, explanation));
    }
    if let Stage::RefusedSilently(side) | Stage::PerhapsRefused(side) = handshake.machine.stage() {
        let (cause, why) = cause_of_silent_refusal(handshake, side);
        let explanation = format!(
            "The {} sent what must be an encrypted alert, from its size and place, after {after}{}{why}",
            who(side),
            if why.is_empty() { "." } else { ": " }
        );
        return Some(build("encrypted_alert", Some(side), cause, explanation));
    }
    if let Some((side, waited)) = handshake.silence {
        let seconds = waited / 1_000_000_000;
        let explanation = format!(
            "Nothing came from the {} after {after}: the capture goes on for {seconds} s without an answer or an end.",
            who(side)
        );
        return Some(build("silence", Some(side), Some(Cause::Silence), explanation));
    }
    if let Some(close) = &handshake.carrier_close {
        let explanation =
            format!("The {} closed the QUIC connection after {after}: {}.", who(close.side), close.reason);
        return Some(build("closed", Some(close.side), Some(Cause::BrokenOff), explanation));
    }
    let ending = handshake.ending?;
    let (cause, why) = cause_of_ending(handshake, ending.side);
    let code = match ending.cause {
        EndCause::Fin => "closed",
        EndCause::Reset => "reset",
    };
    let explanation = match ending.cause {
        EndCause::Fin => format!("The {} closed the connection (FIN) after {after}.{why}", who(ending.side)),
        EndCause::Reset => format!("The {} reset the connection (RST) after {after}.{why}", who(ending.side)),
    };
    Some(build(code, Some(ending.side), cause, explanation))
}

fn cause_of_alert(handshake: &Handshake, alert: &Alert) -> (Option<Cause>, String) {
    let hello = handshake.client_hellos.last();
    match (alert.side, alert.description.as_str()) {
        (Side::Client, refusal) if REFUSALS.contains(&refusal) => (Some(Cause::CertificateRefused), certificate(handshake)),
        (Side::Server, refusal) if REFUSALS.contains(&refusal) => {
            let what = if handshake.client_certificates == Some(0) {
                (Cause::ClientCertificateMissing, "The client was asked for a certificate and showed none.")
            } else {
                (Cause::ClientCertificateRefused, "The server does not accept the client's certificate.")
            };
            (Some(what.0), what.1.into())
        }
        (Side::Server, "certificate_required" | "no_certificate") => {
            (Some(Cause::ClientCertificateMissing), "The client was asked for a certificate and showed none.".into())
        }
        (Side::Server, "access_denied") if handshake.server_hellos.is_empty() => {
            let name = hello.and_then(|hello| hello.server_name.as_deref()).unwrap_or("no name");
            let why = format!("Most likely the server has no certificate for the name. The client asked for {name}.");
            (Some(Cause::UnknownServerName), why)
        }
        (Side::Server, "handshake_failure" | "access_denied") if handshake.client_certificates == Some(0) => (
            Some(Cause::ClientCertificateMissing),
            "The client was asked for a certificate and showed an empty list.".into(),
        ),
        (_, "protocol_version") => (Some(Cause::NoCommonVersion), versions(handshake)),
        (_, "inappropriate_fallback") => (Some(Cause::FallbackRefused), versions(handshake)),
        (_, "no_application_protocol") => {
            let offered = hello.map(|hello| hello.alpn.join(", ")).unwrap_or_default();
            (Some(Cause::NoCommonApplicationProtocol), format!("The client offered {offered}."))
        }
        (_, "unrecognized_name") => {
            let name = hello.and_then(|hello| hello.server_name.as_deref()).unwrap_or("no name");
            (Some(Cause::UnknownServerName), format!("The client asked for {name}."))
        }
        (Side::Server, "insufficient_security") => (
            Some(Cause::NoCommonCipherSuite),
            hello.map(|hello| format!("Offered: {}.", suites(hello))).unwrap_or_default(),
        ),
        (Side::Server, "handshake_failure") if handshake.server_hellos.is_empty() => nothing_in_common(hello),
        (Side::Client, "handshake_failure" | "illegal_parameter" | "insufficient_security" | "internal_error") => {
            chosen_by_the_server(handshake)
        }
        (_, "decrypt_error" | "bad_record_mac" | "decryption_failed") => (
            Some(Cause::KeysDisagree),
            "What it received does not fit the keys that both derived: a wrong signature, a wrong pre-shared key, or data \
             changed on the way."
                .into(),
        ),
        (_, "unknown_psk_identity") => (Some(Cause::UnknownPsk), String::new()),
        (_, "missing_extension" | "unsupported_extension") => (Some(Cause::Extensions), String::new()),
        (_, "unexpected_message" | "decode_error" | "record_overflow" | "illegal_parameter") => {
            (Some(Cause::ProtocolError), String::new())
        }
        (_, "user_canceled") => (Some(Cause::Cancelled), String::new()),
        (_, "internal_error") => (Some(Cause::InternalError), String::new()),
        _ => (None, String::new()),
    }
}

/// What is wrong with the server's certificates, if anything is.
fn certificate(handshake: &Handshake) -> String {
    let problems = handshake.shown.verdict.as_ref().map(|verdict| verdict.problems(handshake.stapling.staple()));
    match problems.as_deref() {
        None => String::new(),
        Some([]) => "Nothing is wrong with the server's certificates by the authorities given here.".into(),
        Some([first, ..]) if first.reason == Reason::Ok => String::new(),
        Some(some) => some.iter().map(|problem| problem.explanation.as_str()).collect::<Vec<_>>().join(" "),
    }
}

fn versions(handshake: &Handshake) -> String {
    let Some(hello) = handshake.client_hellos.last() else { return String::new() };
    let offered = offered_versions(hello).join(", ");
    match handshake.version {
        Some(chosen) => format!("Offered: {offered}; chosen: {}.", names::version(chosen)),
        None => format!("The client offers {offered} at most; the server accepts none of these."),
    }
}

/// Versions as offered; before supported_versions the highest stood for all below.
fn offered_versions(hello: &ClientHello) -> Vec<String> {
    let listed = hello.supported_versions.iter().filter(|version| !names::is_grease(**version));
    let listed: Vec<String> = listed.map(|version| names::version(*version)).collect();
    if listed.is_empty() { vec![names::version(hello.legacy_version)] } else { listed }
}

fn real_suites(hello: &ClientHello) -> Vec<u32> {
    // Signals are no suites: renegotiation (RFC 5746), fallback (RFC 7507).
    let real = |suite: &&u32| {
        !u16::try_from(**suite).is_ok_and(|suite| names::is_grease(suite) || matches!(suite, 0x00ff | 0x5600))
    };
    hello.cipher_suites.iter().filter(real).copied().collect()
}

fn suites(hello: &ClientHello) -> String {
    listed(real_suites(hello).into_iter().map(|suite| super::cipher_suites::explain(suite).name))
}

fn groups(hello: &ClientHello) -> Vec<u16> {
    hello.groups.iter().copied().filter(|group| !names::is_grease(*group)).collect()
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    let shown = items.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len() {
        0 => "none".into(),
        length @ 7.. => format!("{shown} and {} more", length.saturating_sub(6)),
        _ => shown,
    }
}

/// The server refused the ClientHello without a word on why. What it supports is not to be seen; a list of the client's
/// that is very short, or that holds nothing in common use, is the likely cause.
fn nothing_in_common(hello: Option<&ClientHello>) -> (Option<Cause>, String) {
    let Some(hello) = hello else { return (Some(Cause::NoCommonParameters), String::new()) };
    let (all_suites, all_groups) = (real_suites(hello), groups(hello));
    let schemes: Vec<u16> = hello.signature_algorithms.clone();
    let unusual_suites = !all_suites.iter().any(|suite| is_common_suite(*suite));
    let unusual_groups = !all_groups.is_empty() && !all_groups.iter().any(|group| matches!(group, 23 | 29 | 4588));
    let common_scheme = |scheme: &u16| matches!(scheme, 0x0401 | 0x0403 | 0x0804);
    let unusual_schemes = !schemes.is_empty() && !schemes.iter().any(common_scheme);
    let (few_suites, few_groups, few_schemes) = (all_suites.len() <= 2, all_groups.len() == 1, schemes.len() == 1);
    let cause = if unusual_suites {
        Cause::NoCommonCipherSuite
    } else if unusual_groups {
        Cause::NoCommonGroup
    } else if unusual_schemes {
        Cause::NoCommonSignatureAlgorithm
    } else {
        match (few_suites, few_groups, few_schemes) {
            (true, false, false) => Cause::NoCommonCipherSuite,
            (false, true, false) => Cause::NoCommonGroup,
            (false, false, true) => Cause::NoCommonSignatureAlgorithm,
            (true, _, false) => Cause::NoCommonCipherSuite,
            (true, _, true) | (false, true, true) | (false, false, false) => Cause::NoCommonParameters,
        }
    };
    let likely = match cause {
        Cause::NoCommonCipherSuite => "Most likely no cipher suite in common.",
        Cause::NoCommonGroup => "Most likely no group in common.",
        Cause::NoCommonSignatureAlgorithm => "Most likely no signature algorithm in common, or no certificate for one.",
        _ => "No cipher suite, group or signature algorithm in common, or a name that the server does not serve.",
    };
    let explanation = format!(
        "{likely} Offered cipher suites: {}. Groups: {}. Signature algorithms: {}.",
        suites(hello),
        listed(all_groups.into_iter().map(names::group)),
        listed(schemes.into_iter().map(names::signature_scheme))
    );
    (Some(cause), explanation)
}

/// Suites that nearly every server of its version supports: AES and ChaCha20 with ECDHE, RSA or in TLS 1.3.
fn is_common_suite(suite: u32) -> bool {
    matches!(suite, 0x1301..=0x1303 | 0x002f | 0x0035 | 0x003c | 0x003d | 0x009c | 0x009d | 0x009e | 0x009f
        | 0xc009 | 0xc00a | 0xc013 | 0xc014 | 0xc023..=0xc030 | 0xcca8 | 0xcca9)
}

/// The client refused what the server chose.
fn chosen_by_the_server(handshake: &Handshake) -> (Option<Cause>, String) {
    let (Some(client), Some(server)) = (handshake.client_hellos.last(), handshake.server_hellos.last()) else {
        return (None, String::new());
    };
    if !client.cipher_suites.contains(&server.cipher_suite) {
        let chosen = super::cipher_suites::explain(server.cipher_suite).name;
        let why = format!("The server chose {chosen}, which was not offered. Offered: {}.", suites(client));
        return (Some(Cause::NotOffered), why);
    }
    if let Some(group) = handshake.group
        && !client.groups.is_empty()
        && !client.groups.contains(&group)
    {
        let offered = listed(groups(client).into_iter().map(names::group));
        let why =
            format!("The server chose the group {}, which was not offered. Offered: {offered}.", names::group(group));
        return (Some(Cause::NoCommonGroup), why);
    }
    if let Some(bits) = handshake.prime_bits.filter(|bits| *bits < 2048) {
        return (Some(Cause::WeakKeyExchange), format!("The server's Diffie-Hellman prime has {bits} bits only."));
    }
    (Some(Cause::ProtocolError), String::new())
}

fn cause_of_silent_refusal(handshake: &Handshake, side: Side) -> (Option<Cause>, String) {
    let tls13 = handshake.machine.is_tls13() == Some(true);
    match side {
        Side::Client if tls13 && !handshake.is_resumed() => (
            Some(Cause::CertificateProbablyRefused),
            "the certificate is encrypted, and refusing it is by far the commonest reason at this point.".into(),
        ),
        Side::Client if !handshake.shown.chain.is_empty() => {
            (Some(Cause::CertificateProbablyRefused), "it probably did not accept the server's certificate.".into())
        }
        Side::Server if tls13 => (
            Some(Cause::ClientCertificateProbablyRefused),
            "it probably asked for a certificate of the client, and got none or one that it does not accept.".into(),
        ),
        Side::Client | Side::Server => (None, String::new()),
    }
}

fn cause_of_ending(handshake: &Handshake, side: Side) -> (Option<Cause>, String) {
    let after_hello = handshake.server_hellos.is_empty();
    match side {
        Side::Server if after_hello => (
            Some(Cause::BrokenOffAfterHello),
            " No alert was sent: a server that does not know the name, speaks another protocol or is overloaded does this, \
             and so does a firewall that refuses the name."
                .into(),
        ),
        Side::Client if !handshake.shown.chain.is_empty() => {
            let wrong = certificate(handshake);
            let wrong = if wrong.is_empty() { wrong } else { format!(" {wrong}") };
            (
                Some(Cause::CertificateProbablyRefused),
                format!(" No alert was sent; the client had just seen the server's certificate.{wrong}"),
            )
        }
        _ => (Some(Cause::BrokenOff), String::new()),
    }
}
