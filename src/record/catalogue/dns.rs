//! Findings about DNS.
use super::{Entry, NOTE, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "dns.nxdomain",
        severities: NOTE,
        title: "a name does not exist",
        explanation: "The name asked for does not exist, in any type. Check its spelling, and the search domains of the \
             client: a resolver that appends them asks for names like www.example.com.corp.example first.",
        reference: Some("RFC 2308 2.1"),
    },
    Entry {
        code: "dns.servfail",
        severities: WARNING,
        title: "the server failed to answer",
        explanation: "The server could not process the query. Often its own upstream servers do not answer, or DNSSEC \
             validation fails; an Extended DNS Error in the answer says which.",
        reference: Some("RFC 1035 4.1.1"),
    },
    Entry {
        code: "dns.refused",
        severities: WARNING,
        title: "the server refused to answer",
        explanation: "The server refuses by policy: it may not offer recursion to this client, or not serve this zone.",
        reference: Some("RFC 1035 4.1.1"),
    },
    Entry {
        code: "dns.truncated",
        severities: NOTE,
        title: "an answer did not fit",
        explanation: "The answer did not fit into a datagram, and says so (TC). The client is expected to ask again over \
             TCP; where TCP port 53 is blocked, the name cannot be resolved at all.",
        reference: Some("RFC 7766 5"),
    },
    Entry {
        code: "dns.slow",
        severities: NOTE,
        title: "an answer took long",
        explanation: "Whatever waits for this name waited as long. The server was slow (it may have had to ask others), or \
             a query or an answer was lost and sent again.",
        reference: Some("RFC 1035 4.2.1"),
    },
    Entry {
        code: "dns.unanswered",
        severities: WARNING,
        title: "a query got no answer",
        explanation: "No answer is in the flow while the capture watched it. The server may be down, a firewall may drop \
             the packets, the answers may take another way, or the capture may be too short. The client asks \
             again, or asks another server, after some seconds; users see that as a slow start.",
        reference: Some("RFC 1035 4.2.1"),
    },
    Entry {
        code: "dns.mismatched-response",
        severities: WARNING,
        title: "a response answers a question that was not asked",
        explanation: "The id fits an open query, the question does not. A resolver must ignore such a response: it may be \
             an attempt to spoof an answer, or come from a broken server.",
        reference: Some("RFC 5452 9.1"),
    },
    Entry {
        code: "dns.duplicate-response",
        severities: NOTE_OR_WARNING,
        title: "a query was answered more than once",
        explanation: "Where the query was sent more than once, each copy was answered: harmless. Where it was sent once, \
             the packet was duplicated on its way or by the capture, or somebody else answers too.",
        reference: Some("RFC 5452 9.1"),
    },
    Entry {
        code: "dns.limit",
        severities: WARNING,
        title: "more queries or records came than are kept",
        explanation: "Only so many queries of one flow wait for their answer, and only so many records of one message are \
             listed; what is beyond is left out.",
        reference: None,
    },
];
