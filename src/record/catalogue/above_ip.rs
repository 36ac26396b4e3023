//! Findings about protocols right above IP.
use super::{ERROR, Entry, NOTE, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "sctp.unanswered",
        severities: WARNING,
        title: "nothing answered an SCTP association's INIT",
        explanation: "INIT asks for an association as SYN asks for a TCP connection. Neither INIT ACK nor ABORT came \
             back: the host is down, its kernel has no SCTP, or something on the way does not pass IP protocol 132. Many \
             firewalls and nearly all NATs know TCP and UDP only.\n\n\
             Capture at the other end. Where SCTP cannot pass, it may be carried in UDP (RFC 6951).",
        reference: Some("RFC 9260 5.1"),
    },
    Entry {
        code: "sctp.refused",
        severities: WARNING,
        title: "an SCTP association was refused",
        explanation: "ABORT came instead of the handshake's next message: nobody listens at the port, or the peer does not \
             accept what was offered. The error cause, where there is one, says which.",
        reference: Some("RFC 9260 8.4"),
    },
    Entry {
        code: "sctp.aborted",
        severities: NOTE_OR_WARNING,
        title: "an SCTP association was aborted",
        explanation: "ABORT ends an association at once, and data that were not acknowledged are lost. A program may ask \
             for it (then the cause is user-initiated, which is only noted); else something is wrong: a protocol \
             violation, no more resources, or a peer that was restarted and knows nothing of the association.",
        reference: Some("RFC 9260 9.1"),
    },
    Entry {
        code: "sctp.error",
        severities: WARNING,
        title: "an SCTP peer reports an error",
        explanation: "The chunk ERROR tells the peer that something it sent was not accepted, such as data on a stream that does \
             not exist or a cookie that is too old. The association goes on.",
        reference: Some("RFC 9260 3.3.10"),
    },
    Entry {
        code: "sctp.retransmissions",
        severities: NOTE_OR_WARNING,
        title: "SCTP data were sent again",
        explanation: "The same transmission sequence number came again: the packet was lost behind the capture's place, its \
             acknowledgment was lost or late, or the sender was impatient. From one chunk in a hundred on it is a warning.\n\n\
             Between hosts with several addresses, look at the flows of the other addresses too: what is lost on one path \
             is sent again over another.",
        reference: Some("RFC 9260 6.3"),
    },
    Entry {
        code: "vrrp.two-masters",
        severities: ERROR,
        title: "a virtual router has two masters",
        explanation: "Two routers advertised the same virtual router, with the same addresses, for longer than a hand-over takes. Each \
             believes that it is alone: the advertisements of one do not reach the other (a filter, a link that is cut between \
             them, IGMP snooping that loses the group), or are not accepted (version, interval, authentication).\n\n\
             Both answer ARP or neighbour discovery for the virtual address, and switches move it back and forth. Ping one \
             router from the other over that link first.",
        reference: Some("RFC 9568 6.4.3"),
    },
    Entry {
        code: "vrrp.master-changed",
        severities: NOTE_OR_WARNING,
        title: "another router became the master of a virtual router",
        explanation: "The advertisements of one router ended and those of another began. The time between is how long hosts had no \
             router: three intervals and a bit when the master failed, much less when it resigned (priority 0) or a \
             router of higher priority took over. More than two changes are a warning.",
        reference: Some("RFC 9568 6.4"),
    },
    Entry {
        code: "ospf.terms-mismatch",
        severities: WARNING,
        title: "two OSPF routers cannot become neighbours",
        explanation: "Both send Hellos from addresses of the same network with the same mask, at the same time, and differ in \
             area, hello interval, dead interval or type of authentication. Each drops the other's Hellos, silently unless it \
             logs them, and neither lists the other.\n\n\
             Make them the same on all interfaces of the link.",
        reference: Some("RFC 2328 10.5"),
    },
    Entry {
        code: "ospf.mtu-mismatch",
        severities: WARNING,
        title: "two OSPF routers tell different MTUs",
        explanation: "While describing their databases to one another, the two told different interface MTUs. The one with the smaller \
             rejects what the other sends: the neighbours stay in ExStart or Exchange, after Hellos that look well.\n\n\
             Set the same MTU. Telling OSPF to ignore it hides the trouble until a large packet is lost.",
        reference: Some("RFC 2328 10.6"),
    },
    Entry {
        code: "esp.repeated-number",
        severities: NOTE,
        title: "an ESP sequence number came twice",
        explanation: "A receiver drops a packet whose number it has seen, because it may be a recording sent again by somebody else. \
             Most often the capture holds packets twice (a mirror port that copies both directions, two interfaces of one \
             machine), or a link delivers them twice.",
        reference: Some("RFC 4303 3.4.3"),
    },
    Entry {
        code: "esp.not-encrypted",
        severities: WARNING,
        title: "ESP that does not encrypt",
        explanation: "Behind the ESP header stand whole IPv4 packets with right checksums: the security association uses NULL \
             encryption. What it carries cannot be changed unnoticed, if it is authenticated, but anybody can read it.",
        reference: Some("RFC 2410"),
    },
    Entry {
        code: "ip.limit",
        severities: WARNING,
        title: "more was said in a protocol right above IP than is kept",
        explanation: "Only so many groups, virtual routers, neighbours, security associations and pieces of messages of one flow are \
             kept, so that memory is bounded. The facts of that flow lack the rest.",
        reference: None,
    },
];
