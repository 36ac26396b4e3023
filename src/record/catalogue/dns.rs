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
        code: "dns.error",
        severities: NOTE,
        title: "the server answered with another error",
        explanation: "The response code says why. FORMERR: the server could not read the query, as old servers say when it \
             carries EDNS. NOTIMP: it does not support this kind of query. BADVERS and BADCOOKIE: the client asks \
             again, with a lower version or with the server's cookie. NOTAUTH and NOTZONE: the server is not \
             responsible for the zone, or the TSIG key is not valid.",
        reference: Some("RFC 6895 2.3"),
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
        code: "dns.unreachable",
        severities: WARNING,
        title: "ICMP says that the server cannot be asked",
        explanation: "The query was answered with an ICMP error: nothing listens on the server's port, no host has that \
             address, or a firewall rejects the packets. The client can ask another server at once, instead of \
             waiting.",
        reference: Some("RFC 1122 4.1.3.3"),
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
        code: "dns.mismatched-id",
        severities: WARNING,
        title: "responses fit an open question, but not its id",
        explanation: "The question is the one that is open, the id is not. A resolver must ignore such a response. Somebody \
             who cannot see the query may be guessing its id, to plant a false answer; many such responses at once \
             are an attack.",
        reference: Some("RFC 5452 9.1"),
    },
    Entry {
        code: "dns.id-in-use",
        severities: NOTE,
        title: "an id was used again while its question was open",
        explanation: "Two open questions of one port share an id, so only the question tells which of them a response \
             answers. Ids should be random: whoever can guess them can plant false answers.",
        reference: Some("RFC 5452 9.2"),
    },
    Entry {
        code: "dns.conflicting-response",
        severities: WARNING,
        title: "a query was answered twice, and the answers differ",
        explanation: "A server answers a query once. Somebody else answered too, and the faster one was believed: look \
             which of them has the usual hop limit (TTL in the IP header) and times to live. Some networks and \
             states answer in a server's name, to block or redirect.",
        reference: Some("RFC 5452 3"),
    },
    Entry {
        code: "dns.malformed",
        severities: WARNING,
        title: "a message cannot be read",
        explanation: "No sane software writes such a message: it is damage, another protocol, or an attempt to make a \
             reader loop or overrun. What stands before the place is reported.",
        reference: Some("RFC 9267 2"),
    },
    Entry {
        code: "dns.ttl-zero",
        severities: NOTE,
        title: "an answer may not be kept",
        explanation: "Its time to live is 0: nobody may cache it, so each use of the name costs a query and its time. Load \
             balancers want that; elsewhere it is a mistake.",
        reference: Some("RFC 1035 3.2.1"),
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
        code: "dns.truncated",
        severities: NOTE,
        title: "an answer did not fit into a datagram",
        explanation: "The server set the TC bit: the answer was too long for UDP, so the client has to ask again over \
             TCP, which costs the handshake and a second question. Where no second query follows, a firewall may \
             block TCP port 53, or the client made do with what it got.\n\n\
             Announce a larger EDNS buffer (1232 bytes fit nearly everywhere), make the answer smaller, and let DNS \
             over TCP pass.",
        reference: Some("RFC 7766 5"),
    },
    Entry {
        code: "dns.retried",
        severities: WARNING,
        title: "a question was answered only after it had been asked in vain",
        explanation: "The first query, or several, got no answer; another try, often with another server, did. \
             Whatever waited for the name waited for the timeouts of the resolver, which are seconds, and no single \
             transaction shows it.\n\n\
             Look why the silent server, or the path to it, lost the query; where it no longer exists, take it out of \
             the client's list of servers (resolv.conf, DHCP).",
        reference: Some("RFC 1035 4.2.1"),
    },
    Entry {
        code: "dns.differing-answers",
        severities: NOTE,
        title: "two servers give different answers to the same question",
        explanation: "Their answers have no address in common, or one says that the name does not exist. Content \
             networks do that on purpose, to send each client to a near server. Otherwise one of them serves old data \
             or another view of the zone (inside and outside of a company, for example), or gives false answers.",
        reference: Some("RFC 1034 4.3.1"),
    },
    Entry {
        code: "dns.predictable-id",
        severities: WARNING,
        title: "the ids of a client's queries can be guessed",
        explanation: "They are always the same, or each is one more than the last. Whoever knows the id of the next \
             query can answer it before the real server does, and plant a false address. Resolvers must choose ids, \
             and ports, at random: update the resolver or the device that sends these queries.",
        reference: Some("RFC 5452 9.2"),
    },
    Entry {
        code: "dns.limit",
        severities: WARNING,
        title: "more queries or records came than are kept",
        explanation: "Only so many queries of one flow wait for their answer, and only so many records of one message are \
             listed; what is beyond is left out.",
        reference: None,
    },
    Entry {
        code: "dns.comparison-limit",
        severities: WARNING,
        title: "DNS transactions were not compared with all others",
        explanation: "Some findings and the resolutions need many transactions side by side. To bound memory, only \
             the first 16,384 DNS transactions of a capture are joined into resolutions and compared with one \
             another. All of them are reported; filter the capture to compare others.",
        reference: None,
    },
];
