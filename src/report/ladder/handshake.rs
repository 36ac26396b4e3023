//! What a TLS handshake agreed on, whose time it took and what its certificate is worth: the facts above the picture, in
//! words. Everything from the network is escaped here.
use crate::{
    record::{
        Certificate, OcspSigner, OcspStaple, Phase, Record, Resumption, RevocationStatus, Side, StapleProblem, Tls,
        TlsOutcome, Verification, VerificationReason,
    },
    report::{escape::escape, units},
};

/// By name.
pub fn facts(tls: &Tls, beside: &[Record]) -> Vec<(&'static str, String)> {
    let server = certificate(Side::Server, (&tls.certificates, tls.verification.as_ref()), beside);
    let client = certificate(Side::Client, (&tls.client_certificates, tls.client_verification.as_ref()), beside);
    let facts = [
        ("TLS", agreed(tls)),
        ("TLS time", time(tls)),
        ("certificate", server),
        ("OCSP staple", tls.ocsp_staple.as_ref().map(staple)),
        ("client cert", client),
    ];
    facts.into_iter().filter_map(|(name, text)| text.map(|text| (name, text))).collect()
}

/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 · ECDHE secp384r1 · RSA certificate · full handshake · forward secrecy`.
fn agreed(tls: &Tls) -> Option<String> {
    let suite = tls.cipher_suite.as_ref()?;
    let mut parts = vec![escape(&suite.name).into_owned()];
    let is_any = |word: &str| word.eq_ignore_ascii_case("any");
    // Before TLS 1.3 a resumed session agrees on no new key: that of the first handshake counts, which is not seen here.
    let is_old_key = matches!(tls.resumption, Some(Resumption::SessionId | Resumption::Ticket));
    match (&tls.group, suite.key_exchange.as_str()) {
        (Some(group), exchange) if is_any(exchange) => parts.push(escape(group).into_owned()),
        (Some(group), exchange) => parts.push(format!("{exchange} {}", escape(group))),
        (None, exchange) if is_any(exchange) || is_old_key => {}
        (None, exchange) => parts.push(exchange.to_owned()),
    }
    parts.extend(tls.alpn.as_deref().map(|alpn| format!("ALPN {}", escape(alpn))));
    parts.extend(tls.resumption.map(|resumption| {
        match resumption {
            Resumption::None => "full handshake",
            Resumption::SessionId => "resumed by session id",
            Resumption::Ticket => "resumed by ticket",
            Resumption::Psk => "resumed by pre-shared key",
        }
        .to_owned()
    }));
    let flags = [
        (tls.early_data, "early data"),
        (tls.client_certificate_requested == Some(true), "client certificate asked for"),
        (suite.forward_secrecy == Some(true) && !is_old_key, "forward secrecy"),
        (suite.forward_secrecy == Some(false) && !is_old_key, "no forward secrecy"),
        (tls.decrypted, "opened with keys"),
    ];
    parts.extend(flags.iter().filter(|(holds, _)| *holds).map(|(_, words)| (*words).to_owned()));
    Some(parts.join(" · "))
}

/// `475 ms: server 222 ms, network 162 ms, client 91.2 ms`.
fn time(tls: &Tls) -> Option<String> {
    let first = tls.client_hellos.first()?.ts;
    let last = tls.phases.iter().filter(|phase| phase.name == "finished").map(|phase| phase.ts).max();
    let complete = tls.handshake_ns.and(last);
    let until = complete.or_else(|| tls.phases.last().map(|phase| phase.ts))?;
    let mut parts = [("client", 0_i64), ("server", 0), ("network", 0)];
    let within = |phase: &&Phase| phase.ts > first && phase.ts <= until;
    for phase in tls.phases.iter().filter(within) {
        let (Some(waited), Some(own)) = (phase.since_previous_ns, phase.thinking_ns) else { continue };
        let [client, server, network] = &mut parts;
        let side = if phase.side == Side::Client { client } else { server };
        side.1 = side.1.saturating_add(own);
        network.1 = network.1.saturating_add(waited.saturating_sub(own));
    }
    let whole = until.since(first);
    parts.sort_by_key(|(_, ns)| std::cmp::Reverse(*ns));
    let parts: Vec<String> =
        parts.iter().filter(|(_, ns)| *ns > 0).map(|(whose, ns)| format!("{whose} {}", units::duration(*ns))).collect();
    let what = if tls.outcome == TlsOutcome::Established { "" } else { " until it ended" };
    match (whole > 0, parts.is_empty()) {
        (false, _) => None,
        (true, true) => Some(format!("{}{what}", units::duration(whole))),
        (true, false) => Some(format!("{}{what}: {}", units::duration(whole), parts.join(", "))),
    }
}

/// `www.lab.example, RSA 2048, by PLAB Intermediate CA, valid until 2027-02-18 · not accepted: unknown CA`.
fn certificate(side: Side, (chain, verdict): (&[String], Option<&Verification>), beside: &[Record]) -> Option<String> {
    let leaf = chain.first()?;
    let shown = beside.iter().find_map(|record| match record {
        Record::Certificate(shown) if shown.side == side && shown.sha256 == *leaf => Some(shown.as_ref()),
        _ => None,
    });
    let mut parts = Vec::new();
    parts.extend(shown.map(leaf_in_words));
    if let Some(verdict) = verdict {
        parts.push(match verdict.reason {
            VerificationReason::Ok => "verified".to_owned(),
            reason => format!("would not be accepted: {}", reason.words()),
        });
        if let Some(now) = verdict.now.filter(|now| now.reason != verdict.reason) {
            parts.push(format!("today: {}", now.reason.words()));
        }
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// `good, signed by the issuer, until 2027-02-18`.
fn staple(staple: &OcspStaple) -> String {
    let status = match staple.status {
        RevocationStatus::Good => "good",
        RevocationStatus::Revoked => "revoked",
        RevocationStatus::Unknown => "unknown",
    };
    let mut words = vec![status.to_owned()];
    words.extend(staple.signed_by.map(|signer| {
        match signer {
            OcspSigner::Issuer => "signed by the issuer",
            OcspSigner::Delegate => "signed by a delegate of the issuer",
        }
        .to_owned()
    }));
    words.extend(staple.next_update.as_ref().map(|until| format!("until {}", until.get(..10).unwrap_or(until))));
    words.extend(staple.problems.first().map(|problem| {
        match problem {
            StapleProblem::WrongSignature => "not to be believed: wrong signature",
            StapleProblem::UnauthorisedResponder => "not to be believed: from somebody who may not sign it",
            StapleProblem::OtherCertificate => "not to be believed: about another certificate",
            StapleProblem::Unsuccessful => "no statement",
            StapleProblem::NotYetValid => "not valid yet",
            StapleProblem::Outdated => "out of date",
            StapleProblem::NotChecked => "signature not checked",
        }
        .to_owned()
    }));
    words.join(", ")
}

fn leaf_in_words(leaf: &Certificate) -> String {
    let name = leaf.subject_cn.first().or(leaf.san_dns.first()).or(leaf.subject.as_ref());
    let mut words: Vec<String> = name.map(|name| escape(name).into_owned()).into_iter().collect();
    words.extend(leaf.key_type.as_deref().map(|kind| match leaf.key_bits {
        Some(bits) => format!("{} {bits}", escape(kind)),
        None => escape(kind).into_owned(),
    }));
    words.extend(leaf.issuer_cn.first().map(|issuer| format!("by {}", escape(issuer))));
    words.extend(leaf.not_after.as_ref().map(|until| format!("valid until {}", until.get(..10).unwrap_or(until))));
    words.join(", ")
}
