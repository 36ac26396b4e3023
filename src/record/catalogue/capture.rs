//! Findings about the capture itself.
use super::{Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "capture.checksum-offload",
        severities: NOTE,
        title: "checksums were not filled in yet when the packets were captured",
        explanation: "The capture was taken on the machine that sent the packets. Its network card computes checksums after \
             the capture has seen the packet, so the field holds half a sum. This says nothing of the network, and \
             the packets count like any other.\n\n\
             To see real checksums, capture on the other side or on a mirror port, or switch the offload off \
             (ethtool -K eth0 tx off).",
        reference: Some("RFC 1071"),
    },
    Entry {
        code: "capture.bad-checksum",
        severities: WARNING,
        title: "checksums are wrong",
        explanation: "The packets were damaged on their way, or changed by something that did not correct the checksum, or \
             were not yet finished by the sender's network card. A receiver drops a packet with a wrong checksum, \
             so real damage shows as retransmissions as well; where there are none, the packets were right and the \
             capture saw them too early.",
        reference: Some("RFC 1071"),
    },
    Entry {
        code: "capture.flow-limit",
        severities: WARNING,
        title: "flows were closed early to bound memory",
        explanation: "Only so many flows are followed at once. When a new one needs room, one is closed and reported as it is: the \
             idlest of those that nobody has answered or that are over, as long as they are a quarter of all, \
             else the idlest; what follows of it is reported as another flow. Raise --max-flows or --max-memory, or \
             filter the capture with -f.",
        reference: None,
    },
    Entry {
        code: "capture.comment-limit",
        severities: WARNING,
        title: "comments in the capture file were left out",
        explanation: "Only the first 1024 comments of a pcapng file are kept for the report. -w copies all of them.",
        reference: None,
    },
    Entry {
        code: "capture.fragment-limit",
        severities: WARNING,
        title: "incomplete IP datagrams were given up to bound memory",
        explanation: "Only so many fragmented datagrams are put together at once; the oldest incomplete one is given up, \
             and what it carried is missing from its flow. Many incomplete datagrams at once mean heavy loss, or \
             an attack on whoever puts them together.",
        reference: Some("RFC 8900"),
    },
    Entry {
        code: "capture.protocol-limit",
        severities: WARNING,
        title: "packets are missing from the protocol hierarchy",
        explanation: "The hierarchy holds 65535 different stacks of protocols. Packets with further ones were analyzed, but \
             not counted there. No real network has so many: the capture is damaged, or made to confuse.",
        reference: None,
    },
    Entry {
        code: "capture.not-analyzed",
        severities: WARNING,
        title: "packets were captured and written, but not analyzed",
        explanation: "With live -w the file comes first. When packets come faster than they are analyzed, they wait in a queue \
             of 64 MiB in memory; when it is full, further packets are written to the file and left out of the analysis. \
             What this report says lacks them: gaps in streams may be these. The finding counts them and names the first; \
             each interface's count is in the capture record (not_analyzed).\n\n\
             Analyze the file to have the whole report; its packet numbers are those of this one. Capture fewer packets with \
             -f, or shorter ones with -s, to keep up.",
        reference: None,
    },
    Entry {
        code: "capture.inner-limit",
        severities: WARNING,
        title: "bytes inside another protocol were left out to bound memory",
        explanation: "Only so many streams inside one flow (TLS inside QUIC, for example) are read, and only so much of \
             each is held back.",
        reference: None,
    },
    Entry {
        code: "capture.comparison-limit",
        severities: WARNING,
        title: "connections were not compared with all others",
        explanation: "Some findings need many connections side by side (address translation, initial sequence numbers, \
             floods and scans). To bound memory, only the first 65,536 connections of a capture are compared with one \
             another, and failures are counted for 4,096 hosts. Filter the capture to see the others.",
        reference: None,
    },
    Entry {
        code: "capture.statistics-limit",
        severities: WARNING,
        title: "packets are missing from a table of the statistics",
        explanation: "wireglass statistics holds 262,144 conversations of each layer, 131,072 pairs of sender and hop limit, and \
             65,536 intervals of time at most. Packets that belong to further ones are missing from that table, and with the \
             conversations from the endpoints. The protocol hierarchy and the packet lengths count every packet.\n\n\
             Filter the capture with -f, name fewer addresses, or choose a longer --interval.",
        reference: None,
    },
    Entry {
        code: "capture.duplicated-packets",
        severities: WARNING,
        title: "many packets are in the capture twice",
        explanation: "At least one TCP or UDP packet in twenty is a copy of another: all numbers are the same, the IP identification among \
             them, and it came within moments. A sender that sends again gives the packet another identification (RFC 6864 \
             4.3), so these were sent once and captured twice.\n\n\
             With the same hop limit, a mirror port (SPAN) copies packets both where they enter the switch and where they leave \
             it, or several interfaces were captured together (-i any, a bridge and its members). With another hop limit, one \
             was captured before a router and one behind it: two places in one capture. A network that doubles packets looks \
             like the first, but seldom doubles so many.\n\n\
             Packets, bytes and rates count both, in connections, hierarchy and statistics alike. Retransmissions, duplicate \
             acknowledgments and streams do not: there copies are recognised. DNS queries may look repeated. Mirror one \
             direction only, filter by interface or Ethernet address, or take the copies out with editcap -d.",
        reference: Some("RFC 6864 4.3"),
    },
];
