//! What of DNS deserves attention.
use crate::record::{Dns, Evidence, Finding, FlowFacts, PacketRef, Severity, Subject};

/// Latency above which an answer is called slow, in nanoseconds: what a person notices.
const SLOW_NS: i64 = 500_000_000;

/// Everything a complete transaction gives cause for.
pub fn of_transaction(dns: &Dns, errors: Option<&str>, flow: &FlowFacts, mut report: impl FnMut(Finding)) {
    let Some(response) = &dns.response else { return };
    let asked = dns.query.as_ref().and_then(|query| query.name.as_deref()).or(response.name.as_deref());
    let kind = dns.query.as_ref().and_then(|query| query.record_type.as_deref()).or(response.record_type.as_deref());
    let what = format!("{} {}", kind.unwrap_or("?"), asked.unwrap_or("(no question)"));
    let server = dns.server.address;
    let said = errors.map(|errors| format!(" The server explains: {errors} (RFC 8914).")).unwrap_or_default();
    let mut say = |severity, code, title: String, explanation: &str, reference| {
        report(Finding {
            subject: Subject::new(flow.id, dns.subject.evidence.clone()),
            client: Some(dns.client),
            server: Some(dns.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned() + &said,
            reference: Some(reference),
        });
    };
    match response.rcode.as_str() {
        "NXDOMAIN" => say(
            Severity::Note,
            "dns.nxdomain",
            format!("{what} does not exist"),
            "The name asked for does not exist, in any type. Check its spelling and the search domains of the client.",
            "RFC 2308 2.1",
        ),
        "SERVFAIL" => say(
            Severity::Warning,
            "dns.servfail",
            format!("{what}: {server} failed to answer"),
            "The server could not process the query: often its own upstream servers do not answer, or DNSSEC \
             validation fails.",
            "RFC 1035 4.1.1",
        ),
        "REFUSED" => say(
            Severity::Warning,
            "dns.refused",
            format!("{what}: {server} refused to answer"),
            "The server refuses by policy: it may not offer recursion to this client, or not serve this zone.",
            "RFC 1035 4.1.1",
        ),
        _ => {}
    }
    if response.truncated {
        say(
            Severity::Note,
            "dns.truncated",
            format!("{what}: the answer was truncated"),
            "The answer did not fit; the client is expected to ask again over TCP.",
            "RFC 7766 5",
        );
    }
    if let Some(latency) = dns.latency_ns.filter(|&latency| latency > SLOW_NS) {
        let times = match dns.retransmissions {
            0 => String::new(),
            1 => ", after asking again once".to_owned(),
            several => format!(", after asking again {several} times"),
        };
        say(
            Severity::Note,
            "dns.slow",
            format!("{what}: answered after {} ms{times}", latency / 1_000_000),
            "Whatever waits for this name waited as long. The server was slow, or a query or answer was lost and \
             sent again.",
            "RFC 1035 4.2.1",
        );
    }
}

/// How long a capture must go on before a query that was sent once counts as unanswered, in nanoseconds: the shortest
/// time after which resolvers ask again.
const PATIENCE_NS: i64 = 1_000_000_000;

/// No answer came. `until` is the last packet known of; nothing is said when the capture ended too soon to tell.
pub fn unanswered(dns: &Dns, until: PacketRef, flow: &FlowFacts) -> Option<Finding> {
    let query = dns.query.as_ref()?;
    let waited = until.timestamp.since(query.ts).max(0);
    let name = query.name.as_deref().unwrap_or("(no question)");
    let kind = query.record_type.as_deref().unwrap_or("?");
    if waited < PATIENCE_NS && dns.retransmissions == 0 {
        return None;
    }
    let asked = match dns.retransmissions {
        0 => "once".to_owned(),
        again => format!("{} times", again.saturating_add(1)),
    };
    Some(Finding {
        subject: Subject::new(flow.id, dns.subject.evidence.clone()),
        client: Some(dns.client),
        server: Some(dns.server),
        severity: Severity::Warning,
        code: "dns.unanswered",
        title: format!("{kind} {name}: no answer from {}", dns.server.address),
        explanation: format!(
            "Asked {asked}; no answer is in this flow in the {}.{:03} s that the capture watched it. The \
             server may be down, a firewall in between, or the capture too short.",
            waited / 1_000_000_000,
            waited / 1_000_000 % 1000
        ),
        reference: Some("RFC 1035 4.2.1"),
    })
}

/// A response whose id was asked with another question.
pub fn mismatched(dns: &Dns, asked: &str, flow: &FlowFacts) -> Finding {
    let got = dns.response.as_ref().and_then(|response| response.name.as_deref()).unwrap_or("(no question)");
    Finding {
        subject: Subject::new(flow.id, dns.subject.evidence.clone()),
        client: Some(dns.client),
        server: Some(dns.server),
        severity: Severity::Warning,
        code: "dns.mismatched-response",
        title: format!("Response 0x{:04x} answers {got}, but {asked} was asked", dns.id),
        explanation: "The id fits an open query, the question does not: a resolver must ignore such a response. It \
                      may be an attempt to spoof an answer, or a broken server."
            .to_owned(),
        reference: Some("RFC 5452 9.1"),
    }
}

/// The same answer once more.
pub fn repeated(
    evidence: Evidence,
    ends: [crate::record::Endpoint; 2],
    id: u16,
    name: &str,
    asked_again: bool,
    flow: &FlowFacts,
) -> Finding {
    let [client, server] = ends;
    let why = if asked_again {
        "The query had been sent again, and both copies were answered."
    } else {
        "The query was seen once. The packet was duplicated on its way or by the capture, or somebody else answers too."
    };
    Finding {
        subject: Subject::new(flow.id, evidence),
        client: Some(client),
        server: Some(server),
        severity: if asked_again { Severity::Note } else { Severity::Warning },
        code: "dns.duplicate-response",
        title: format!("{name}: query 0x{id:04x} was answered more than once"),
        explanation: why.to_owned(),
        reference: Some("RFC 5452 9.1"),
    }
}
