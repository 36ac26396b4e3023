//! Findings about protocols that are recognised, and read as far as their first facts.
use super::{ERROR, Entry, NOTE, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "application.comparison-limit",
        severities: NOTE,
        title: "DHCP transactions or TFTP transfers were left out",
        explanation: "The messages of a DHCP transaction or a TFTP transfer are in several flows, and are put together at the \
             end. To bound memory that is done for the first 16,384 of each only. Filter the capture to see the others.",
        reference: None,
    },
    Entry {
        code: "dhcp.nak",
        severities: WARNING,
        title: "a DHCP server refuses a client",
        explanation: "The client asked for an address that the server does not give it: it moved to another network, the lease \
             is somebody else's by now, or the pool is empty.\n\n\
             A client that is refused begins again from the start, which costs it some seconds. One that is refused again \
             and again has no address. The server's log says why.",
        reference: Some("RFC 2131 4.3.2"),
    },
    Entry {
        code: "dhcp.unanswered",
        severities: NOTE_OR_WARNING,
        title: "no DHCP server answers",
        explanation: "A client repeats its question, and no answer is in the capture. The server may be down, or out of the \
             client's network without a relay between them; a switch may drop the answers (DHCP snooping); or they pass \
             elsewhere. Without an address an IPv4 client gives itself one from 169.254.0.0/16, or has none.\n\n\
             A question that was asked once only is not told: the answer may still have been on its way. For DHCPv6 it is a \
             note: hosts ask for IPv6 addresses in networks that have none, too.",
        reference: Some("RFC 2131 4.4.1"),
    },
    Entry {
        code: "dhcp.several-servers",
        severities: WARNING,
        title: "several DHCP servers offer a client an address",
        explanation: "Which offer a client takes is chance. That is as it should be only where the servers share their pool \
             (failover). A second server that nobody planned, as in a router that somebody brought along, gives wrong \
             addresses and gateways to those that take its offer.",
        reference: Some("RFC 2131 3.1"),
    },
    Entry {
        code: "dhcp.declined",
        severities: WARNING,
        title: "a DHCP client declines its address: somebody else has it",
        explanation: "The client tried the address and another host answered. Somebody set that address by hand out of the \
             server's pool, or two servers give the same addresses. ARP shows whose it is.",
        reference: Some("RFC 2131 4.4.4"),
    },
    Entry {
        code: "ntp.kiss-of-death",
        severities: WARNING,
        title: "an NTP server tells a client to go away",
        explanation: "The answer holds no time but a code. A client that gets DENY or RSTR has to stop asking this server, with \
             RATE to ask it less often; one that goes on is ignored or blocked, and its clock drifts. Many clients \
             behind one address look like one that asks too often.",
        reference: Some("RFC 5905 7.4"),
    },
    Entry {
        code: "ntp.unsynchronized",
        severities: WARNING,
        title: "an NTP server says that its own clock is not set",
        explanation: "The server answers, but warns that it is not synchronised itself (leap indicator 3, or stratum 16). \
             Clients do not use its time. It may just have started; if it stays so, it cannot reach its own servers.",
        reference: Some("RFC 5905 7.3"),
    },
    Entry {
        code: "ntp.monlist",
        severities: WARNING,
        title: "an NTP server answers monlist",
        explanation: "One small request makes the server send a list of up to 600 hosts that asked it. With a forged source \
             address that is the best known way to flood somebody with other people's servers. Update the server, or \
             set `disable monitor` and `restrict noquery`.",
        reference: Some("CVE-2013-5211"),
    },
    Entry {
        code: "snmp.cleartext-community",
        severities: NOTE,
        title: "an SNMP community travels in the clear",
        explanation: "The community of SNMP 1 and 2c is its only password, and is in every message. Whoever reads the way has \
             it, and can ask, or set, as this station does. Use SNMPv3 with authentication and encryption, or keep such \
             traffic in a management network. It is printed only with --show-secrets.",
        reference: Some("RFC 3414 1.1"),
    },
    Entry {
        code: "tftp.failed",
        severities: NOTE_OR_WARNING,
        title: "a TFTP transfer ends with an error",
        explanation: "Nothing more comes of the transfer. A device that boots from the network stops there, or goes on to its \
             next choice. A client that only asks for a file's size (PXE) ends the transfer this way and asks again: that \
             is harmless, and told as a note.",
        reference: Some("RFC 1350 7"),
    },
    Entry {
        code: "isakmp.refused",
        severities: ERROR,
        title: "IKE fails: one end refuses the other",
        explanation: "NO_PROPOSAL_CHOSEN: the ends have no algorithms or groups in common; the record of the flow lists what was \
             offered. AUTHENTICATION_FAILED: a wrong pre-shared key, a certificate that is not trusted, or an identity \
             that the other side does not expect. TS_UNACCEPTABLE: they do not agree on the networks.\n\n\
             Most of what fails in IKE 2 fails behind its first exchange, where it is encrypted and cannot be seen here.",
        reference: Some("RFC 7296 3.10.1"),
    },
];
