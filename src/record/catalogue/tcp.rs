//! Findings about TCP connections.
use super::{ERROR, Entry, NOTE, NOTE_OR_ERROR, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "tcp.refused",
        severities: ERROR,
        title: "the server answered the SYN with a refusal",
        explanation: "The client asked for a connection and got RST, or an ICMP error. With RST the host is there, but \
             nothing listens on that port, or a firewall rejects. With ICMP somebody on the way says that the \
             host, the port or the network cannot be reached: the ICMP packet's sender tells who.\n\n\
             Check that the service runs and listens on this address and port (ss -ltn), then the firewalls \
             between.",
        reference: Some("RFC 9293 3.10.7.1"),
    },
    Entry {
        code: "tcp.no-answer",
        severities: NOTE_OR_ERROR,
        title: "nobody answered the SYN",
        explanation: "No SYN-ACK, no RST, no ICMP error. The host is down, a firewall drops the packets without a word, or \
             the answers take another way that the capture does not see. The client sends its SYN again after 1, \
             3, 7, ... seconds and gives up after one or two minutes.\n\n\
             It is a note where the capture ended before an answer could be expected.",
        reference: Some("RFC 9293 3.8.3"),
    },
    Entry {
        code: "tcp.half-open",
        severities: WARNING,
        title: "the handshake was never completed",
        explanation: "The server answered the SYN, but the client never acknowledged that. Many of these at once are a SYN \
             flood; a single one is a lost packet, or a client that had gone before the answer came.",
        reference: Some("RFC 4987 2"),
    },
    Entry {
        code: "tcp.slow-handshake",
        severities: WARNING,
        title: "the handshake took a second or more",
        explanation: "SYN, SYN-ACK or the acknowledgement of it was lost. Whoever waits for an answer sends its part again after \
             one second, then after two more, four more: the user sees nothing happen in that time, and no other \
             measurement shows it.\n\n\
             Packets were lost on the way, a firewall was slow to decide, or the server's backlog was full (Linux: \
             nstat TcpExtListenOverflows).",
        reference: Some("RFC 6298 5.7"),
    },
    Entry {
        code: "tcp.syn-flood",
        severities: WARNING,
        title: "many handshakes with a server were never completed",
        explanation: "Each SYN makes the server keep a place for a connection that never comes, until nobody else gets one. \
             Forged source addresses are usual. SYN cookies (Linux: net.ipv4.tcp_syncookies) and a longer backlog \
             help; with one source only, look at that host first.",
        reference: Some("RFC 4987"),
    },
    Entry {
        code: "tcp.port-scan",
        severities: WARNING,
        title: "one host asked many ports in vain",
        explanation: "One host asks many ports or hosts, and hardly any answers: somebody looks for open services. A \
             monitoring system or an inventory does that on purpose; else find out what runs on that host.",
        reference: Some("RFC 4949"),
    },
    Entry {
        code: "tcp.port-reuse",
        severities: NOTE_OR_WARNING,
        title: "a new connection uses the ports of an earlier one",
        explanation: "The same addresses and ports carried an earlier connection in this capture. That is allowed once \
             TIME-WAIT is over, and earlier when the new SYN's sequence number or timestamp is higher. Soon after \
             the earlier connection, late packets of it can be taken for the new one's, and firewalls that \
             remember the old one may drop the new SYN.\n\n\
             It is a warning when the earlier connection was still open (its client has forgotten it; the server \
             answers the SYN with an ACK first), or when the new sequence numbers lie among the old ones.",
        reference: Some("RFC 6191 2"),
    },
    Entry {
        code: "tcp.same-connection",
        severities: NOTE,
        title: "one connection was captured on both sides of a translator or proxy",
        explanation: "Two connections of this capture carry the same sequence numbers or the same bytes under different \
             addresses: one is the other behind a NAT, a load balancer or a proxy. Read them together, and do not \
             count their traffic twice; the time between the same packet in both is what the box between them \
             takes.",
        reference: Some("RFC 3022"),
    },
    Entry {
        code: "tcp.initial-number-reused",
        severities: WARNING,
        title: "a host opens connections with the same initial sequence number",
        explanation: "Initial sequence numbers shall differ, and be hard to guess. With a constant one, old segments are \
             taken for new ones, and anybody can forge segments of the connection. SYNs alike in this way, with \
             hardly any answers, come from a program that builds its own packets: a port scanner or a flood.",
        reference: Some("RFC 9293 3.4.1"),
    },
    Entry {
        code: "tcp.initial-number-predictable",
        severities: NOTE,
        title: "a host's initial sequence numbers only count up",
        explanation: "Each number follows the one before in a small step, so the next one can be guessed, and a connection \
             forged by somebody who sees none of its packets. Old systems and small devices do so; RFC 6528 adds a \
             secret to each pair of addresses.",
        reference: Some("RFC 6528 3"),
    },
    Entry {
        code: "tcp.one-sided",
        severities: NOTE,
        title: "only one direction of the connection was captured",
        explanation: "The packets of one side are in the capture, those of the other are not: the ways there and back \
             differ, a filter let only one direction pass, or the mirror port copies only one. What the other side \
             did is concluded from its partner's acknowledgements, so its states are implied at best.",
        reference: Some("RFC 9293 3.3.2"),
    },
    Entry {
        code: "tcp.late-packets",
        severities: NOTE,
        title: "packets came after both ends had closed",
        explanation: "Copies and retransmissions that were still on their way. TIME-WAIT exists to absorb them, so that \
             they are not taken for data of a later connection with the same ports.",
        reference: Some("RFC 9293 3.4.2"),
    },
    Entry {
        code: "tcp.half-closed",
        severities: NOTE,
        title: "one end closed, the other did not",
        explanation: "One direction is closed, the other still open. That is normal while data flows on in the other \
             direction. Where nothing flows, the program on the other side has not closed its socket: it stays in \
             CLOSE-WAIT, and many of those exhaust the process' file descriptors.",
        reference: Some("RFC 9293 3.6"),
    },
    Entry {
        code: "tcp.close-race",
        severities: ERROR,
        title: "a request crossed the close and was reset",
        explanation: "One side closed a connection it thought idle, at the very moment the other one used it again. The \
             data crossed the FIN on its way and was answered with RST: the request is lost, and its sender cannot \
             know whether it was executed.\n\n\
             Behind a load balancer or proxy this is the classic cause of sporadic 502 answers. Make the idle \
             timeout of the side that reuses connections (the proxy, the client's pool) shorter than that of the \
             side that closes first (the server), or let the reusing side try idempotent requests again. Where no FIN was captured, the server or a \
             firewall before it had forgotten the connection without a word: keep-alives help then, too.",
        reference: Some("RFC 9293 3.6.1"),
    },
    Entry {
        code: "tcp.idle-timeout",
        severities: WARNING,
        title: "a server closes idle connections, and requests were lost to it",
        explanation: "The server, or something in front of it, closes connections on which nothing was sent for a certain \
             time; several of its connections agree on how long. Requests that were sent at that very moment were \
             lost (tcp.close-race).\n\n\
             Make the idle timeout of whoever reuses these connections (a proxy's upstream keep-alive, a client's \
             pool) shorter than that.",
        reference: Some("RFC 9112 9.5"),
    },
    Entry {
        code: "tcp.reset-after-close",
        severities: NOTE,
        title: "RST ended a connection that was closing already",
        explanation: "A FIN had announced the end, then RST cut the rest short. Many programs close this way: to spare \
             TIME-WAIT, or because data came that nobody would read any more (a download the user stopped). No \
             harm, unless the other program logs an error.",
        reference: Some("RFC 9293 3.6.1"),
    },
    Entry {
        code: "tcp.reset-mid-stream",
        severities: NOTE_OR_WARNING,
        title: "RST ended an open connection",
        explanation: "RST ends a connection at once: data on its way is lost, and the other side sees an error (connection \
             reset by peer) when it next uses the connection. A program crashed, gave up, closed its socket with \
             data unread, or closed with SO_LINGER 0; a firewall may do it too, when it has forgotten the \
             connection.\n\n\
             It is a note when nothing was on its way. The side that sent the RST is where to look.",
        reference: Some("RFC 9293 3.10.7.4"),
    },
    Entry {
        code: "tcp.retransmissions",
        severities: NOTE_OR_WARNING,
        title: "segments were sent again",
        explanation: "Segments or their acknowledgements were lost or late, and the sender sent them again: after duplicate \
             acknowledgements (quickly), or after a timeout (200 ms and more, during which nothing flows). Below \
             one in a hundred it is rarely felt; above, transfers become slow.\n\n\
             Look for a congested link, a bad cable or radio, a wrong duplex setting, a policer that drops bursts.",
        reference: Some("RFC 6298"),
    },
    Entry {
        code: "tcp.spurious-retransmissions",
        severities: NOTE_OR_WARNING,
        title: "segments were sent again though they had arrived",
        explanation: "The receiver had the data already: it had acknowledged them before, it reported them as duplicates (DSACK, \
             RFC 2883), or its answer carried the clock of the first copy (Eifel, RFC 3522). The sender took reordering, \
             a jump of the delay, or lost acknowledgements for a loss, and slowed down for nothing.\n\n\
             It is a warning when it is the greater part of what was sent again: look for paths of different length \
             (load balancing per packet), for links that retransmit by themselves (radio), for queues that are too long.",
        reference: Some("RFC 3708"),
    },
    Entry {
        code: "tcp.congestion-marked",
        severities: NOTE,
        title: "routers marked packets because of congestion",
        explanation: "Both ends understand Explicit Congestion Notification. A router whose queue was filling marked packets \
             (Congestion Experienced) instead of dropping them; the receiver reports it with ECE, and the sender slows down \
             and says so with CWR. Nothing was lost by it, but the path is at its limit.",
        reference: Some("RFC 3168 6.1"),
    },
    Entry {
        code: "tcp.duplicated-packets",
        severities: NOTE,
        title: "the capture holds packets twice",
        explanation: "All numbers of the copies are the same, the IP identification where there is one, so their sender sent them once: a mirror port that sees \
             both ways through a switch, a capture on all interfaces (-i any), or a network that doubles packets. \
             They count as packets, but not as retransmissions.",
        reference: Some("RFC 6864 4.3"),
    },
    Entry {
        code: "tcp.zero-window",
        severities: NOTE_OR_WARNING,
        title: "a receiver had no room for more data",
        explanation: "The side announced a window of zero: its receive buffer was full, because the program there reads \
             more slowly than data arrives. The sender stops and asks from time to time whether there is room \
             again (window probes). The network is not to blame: look at the program that reads, at what it waits \
             for, and at its machine's load.",
        reference: Some("RFC 9293 3.8.6.1"),
    },
    Entry {
        code: "tcp.tap-losses",
        severities: WARNING,
        title: "the capture lacks bytes that the receiver got",
        explanation: "The receiver acknowledged bytes that are not in the capture. So the network did not lose them: the \
             capture did. Its buffer was too small (tcpdump -B), the disk too slow, the snap length too short, or \
             the mirror port overloaded. Do not read them as network losses; what the protocols above say of these \
             bytes is incomplete.",
        reference: Some("RFC 9293 3.10.7.4"),
    },
    Entry {
        code: "tcp.reassembly-limit",
        severities: WARNING,
        title: "more was held back in a stream than is kept",
        explanation: "Bytes that wait for a hole to be filled, or for the end of a message, are kept up to a limit. Beyond \
             it the hole, or the message, is treated as lost, and the protocol above goes on behind it.",
        reference: None,
    },
    Entry {
        code: "tcp.injected-reset",
        severities: NOTE_OR_WARNING,
        title: "an RST came from another distance than its sender's other packets",
        explanation: "Every router lowers a packet's hop limit (IPv4: time to live) by one, so what one host sends over one path arrives \
             with the same value. An RST with quite another one was likely not sent by the host it names: firewalls and load \
             balancers end connections so that they have given up, filters and intrusion prevention end those that they do not \
             want, and attackers those of others. Only an RST that at least three packets with one steady value came before is \
             looked at, and one router more or less does not count.\n\n\
             It is a sign and no proof. Some hosts send RSTs with another initial value than data (it is a note when the distance \
             would be the same then), programs may choose their own (BGP sends with 255), and routes change. It is a note, too, \
             when both sides had closed already. To know, capture at the host that the RST names.",
        reference: Some("RFC 3360"),
    },
    Entry {
        code: "tcp.injected-data",
        severities: WARNING,
        title: "two answers for the same bytes came from different distances",
        explanation: "Data with an unusual hop limit was followed within 0.2 s by other data for the same place in the stream, of another \
             length, with the hop limit that the sender's packets usually have. Whoever sits on the path and answers first wins: \
             the receiver keeps what came first and takes the real answer for a retransmission. Filters redirect to a notice so, \
             some providers to advertisements, attackers to their own.\n\n\
             Compare the two packets named as evidence. TLS and signed content would have shown the forgery.",
        reference: Some("RFC 9293 3.10.7.4"),
    },
    Entry {
        code: "tcp.path-changed",
        severities: NOTE,
        title: "the distance of a sender changed within a connection",
        explanation: "At least three packets in a row came with one hop limit, then at least three with another: the route between sender and \
             capture became longer or shorter, or another machine took the address over. Single packets that differ, and two \
             paths used in turn, are not told. Look at round trips and retransmissions around the packet named as evidence.",
        reference: Some("RFC 1812 5.3.1"),
    },
];
