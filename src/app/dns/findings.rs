//! What of DNS deserves attention.
use super::names::Malformed;
use super::session::{Impostors, NO_QUESTION};
use crate::record::{
    Direction, Dns, DnsTransport, Endpoint, Evidence, Finding, FlowFacts, PacketRef, Severity, Subject,
};

/// Latency above which an answer is called slow, in nanoseconds: what a person notices.
const SLOW_NS: i64 = 500_000_000;

/// Everything a complete transaction gives cause for.
pub fn of_transaction(
    dns: &Dns,
    errors: Option<&str>,
    ttl_zero: bool,
    flow: &FlowFacts,
    mut report: impl FnMut(Finding),
) {
    let Some(response) = &dns.response else { return };
    let asked = dns.query.as_ref().and_then(|query| query.name.as_deref()).or(response.name.as_deref());
    let kind = dns.query.as_ref().and_then(|query| query.record_type.as_deref()).or(response.record_type.as_deref());
    let what = format!("{} {}", kind.unwrap_or("?"), asked.unwrap_or(NO_QUESTION));
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
        "NOERROR" => {}
        // The prerequisites of an UPDATE did not hold (RFC 2136 2.2): an answer like others.
        "YXDOMAIN" | "YXRRSET" | "NXRRSET" => {}
        rcode => say(
            Severity::Note,
            "dns.error",
            format!("{what}: {server} answered {rcode}"),
            match rcode {
                "FORMERR" => "The server could not read the query. Old servers say so when a query carries EDNS.",
                "NOTIMP" => "The server does not support this kind of query.",
                "BADCOOKIE" => "The server wants its cookie back first (RFC 7873): the client asks again with it.",
                "BADVERS" => "The server does not know this version of EDNS: the client asks again with a lower one.",
                "NOTAUTH" | "NOTZONE" => "The server is not responsible for this zone, or the TSIG key is not valid.",
                _ => "The query failed: the response code says why.",
            },
            "RFC 6895 2.3",
        ),
    }
    if ttl_zero && dns.transport != DnsTransport::Llmnr {
        say(
            Severity::Note,
            "dns.ttl-zero",
            format!("{what}: the answer may not be kept (time to live 0)"),
            "Nobody may cache it, so each use of the name costs a query and its time. Load balancers want that; \
             elsewhere it is a mistake.",
            "RFC 1035 3.2.1",
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

/// No answer came; nothing is said when the capture ended too soon to tell.
pub fn unanswered(dns: &Dns, flow: &FlowFacts) -> Option<Finding> {
    let waited = dns.waited_ns?;
    let what = asked(dns);
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
        title: format!("{what}: no answer from {}", dns.server.address),
        explanation: format!(
            "Asked {asked}; no answer is in this flow in the {}.{:03} s that the capture watched it. The \
             server may be down, a firewall in between, or the capture too short.",
            waited / 1_000_000_000,
            waited / 1_000_000 % 1000
        ),
        reference: Some("RFC 1035 4.2.1"),
    })
}

/// `A www.example.com`.
fn asked(dns: &Dns) -> String {
    let query = dns.query.as_ref();
    let name = query.and_then(|query| query.name.as_deref()).unwrap_or(NO_QUESTION);
    format!("{} {name}", query.and_then(|query| query.record_type.as_deref()).unwrap_or("?"))
}

/// ICMP answered.
pub fn unreachable(dns: &Dns, flow: &FlowFacts) -> Option<Finding> {
    let error = dns.unreachable.as_ref()?;
    let explanation = if error.by == dns.server.address && error.reason == "port unreachable" {
        "The host is there, but no name server listens on it. The client asks its next server, if it has one."
            .to_owned()
    } else if error.by == dns.server.address {
        "The host itself rejects the query: its firewall does not let it in.".to_owned()
    } else {
        format!(
            "{} on the way says that the query did not reach the server: no route, no such host, or a firewall \
            that rejects.",
            error.by
        )
    };
    Some(Finding {
        subject: Subject::new(flow.id, dns.subject.evidence.clone()),
        client: Some(dns.client),
        server: Some(dns.server),
        severity: Severity::Warning,
        code: "dns.unreachable",
        title: format!("{}: {} cannot be asked, ICMP says {}", asked(dns), dns.server, error.reason),
        explanation,
        reference: Some("RFC 1122 4.1.3.3"),
    })
}

/// Responses that came while a query with `id` for `name` was open, and almost fit.
pub(super) fn impostors(
    flow: &FlowFacts,
    asking: Direction,
    (id, name): (u16, &str),
    found: &Impostors,
    mut report: impl FnMut(Finding),
) {
    let mut say = |code, title, explanation: &str| {
        report(Finding {
            subject: Subject::new(flow.id, found.evidence.clone()),
            client: Some(flow.endpoint(asking.sender())),
            server: Some(flow.endpoint(asking.sender().other())),
            severity: Severity::Warning,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some("RFC 5452 9.1"),
        });
    };
    if found.other_question > 0 {
        let got = found.example.as_deref().unwrap_or(NO_QUESTION);
        let more = found.other_question.saturating_sub(1);
        let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        say(
            "dns.mismatched-response",
            format!("Response 0x{id:04x} answers {got}, but {name} was asked{more}"),
            "The id fits an open query, the question does not: a resolver must ignore such a response. It may be an \
             attempt to spoof an answer, or a broken server.",
        );
    }
    if found.other_id > 0 {
        let (count, verb) = match found.other_id {
            1 => ("1 response".to_owned(), "has"),
            several => (format!("{several} responses"), "have"),
        };
        say(
            "dns.mismatched-id",
            format!("{name}: {count} {verb} another id than the query's 0x{id:04x}"),
            "The question fits an open query, the id does not: a resolver must ignore such a response. Somebody who \
             cannot see the query may be guessing its id to plant a false answer.",
        );
    }
}

/// An id that is in use was used for another question.
pub fn id_used_twice(
    flow: &FlowFacts,
    asking: Direction,
    evidence: Evidence,
    id: u16,
    [open, new]: [Option<&str>; 2],
) -> Finding {
    let (open, new) = (open.unwrap_or(NO_QUESTION), new.unwrap_or(NO_QUESTION));
    Finding {
        subject: Subject::new(flow.id, evidence),
        client: Some(flow.endpoint(asking.sender())),
        server: Some(flow.endpoint(asking.sender().other())),
        severity: Severity::Note,
        code: "dns.id-in-use",
        title: format!("Id 0x{id:04x} was used for {new} while {open} was still open"),
        explanation: "Two open questions of one port share an id, so only the question tells which of them a response \
                      answers. Ids should be random: whoever can guess them can plant false answers."
            .to_owned(),
        reference: Some("RFC 5452 9.2"),
    }
}

/// A message that nobody could have meant.
pub fn malformed(flow: &FlowFacts, direction: Direction, packet: PacketRef, why: Malformed) -> Finding {
    Finding {
        subject: Subject::new(flow.id, Evidence::from_iter([packet.number])),
        client: Some(flow.client),
        server: Some(flow.server),
        severity: Severity::Warning,
        code: "dns.malformed",
        title: format!("A message of {} cannot be read: {why}", flow.endpoint(direction.sender())),
        explanation: "No sane software writes such a message: it is damage, another protocol, or an attempt to make a \
                      reader loop or overrun. What stands before the place is reported."
            .to_owned(),
        reference: Some("RFC 9267 2"),
    }
}

/// Another answer to a query that was answered.
pub fn conflicting(evidence: Evidence, ends: [Endpoint; 2], id: u16, name: &str, flow: &FlowFacts) -> Finding {
    let [client, server] = ends;
    Finding {
        subject: Subject::new(flow.id, evidence),
        client: Some(client),
        server: Some(server),
        severity: Severity::Warning,
        code: "dns.conflicting-response",
        title: format!("{name}: query 0x{id:04x} was answered twice, and the answers differ"),
        explanation:
            "A server answers a query once. Somebody else answered too, and the faster one was believed: look \
                      which of them has the usual hop limit (TTL in the IP header) and times to live."
                .to_owned(),
        reference: Some("RFC 5452 3"),
    }
}

/// The same answer once more.
pub fn repeated(
    evidence: Evidence,
    ends: [Endpoint; 2],
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
