//! Findings about what keeps networks together below TCP and UDP: ICMP, ARP and Neighbor Discovery.
use super::{Entry, NOTE, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "icmp.ping-unanswered",
        severities: NOTE,
        title: "nobody answered a ping",
        explanation: "All requests stayed without reply, and no router complained. The host is down, or it, or a firewall before it, \
             does not answer pings, which is common; or the replies took another way, past the place of the capture.",
        reference: Some("RFC 1122 3.2.2.6"),
    },
    Entry {
        code: "icmp.ping-loss",
        severities: NOTE_OR_WARNING,
        title: "some pings stayed without answer",
        explanation: "Requests or replies were lost on the way, or the host limits how many it answers. A request whose reply may \
             have come after the end of the capture does not count.\n\n\
             Compare with the retransmissions of TCP connections to the same host: if they have none, it is the limit. The very \
             first ping is often lost while the way to the host is looked up.",
        reference: Some("RFC 1122 3.2.2.6"),
    },
    Entry {
        code: "icmp.ping-jitter",
        severities: NOTE,
        title: "the round-trip times of a ping vary much",
        explanation: "From one ping to the next the time differs by at least 20 ms, and by at least half the mean: something makes \
             packets wait. A full queue, a busy radio link, a host that answers pings when it has nothing else to do.",
        reference: Some("RFC 3550 6.4.1"),
    },
    Entry {
        code: "icmp.echo-altered",
        severities: NOTE,
        title: "replies to pings carry other data than the requests",
        explanation: "A reply must return the data of its request. If the length is the same and the bytes differ, something on the \
             way damages packets, or the two ends talk inside pings: ICMP tunnels do that to pass firewalls.",
        reference: Some("RFC 1122 3.2.2.6"),
    },
    Entry {
        code: "icmp.unreachable",
        severities: WARNING,
        title: "a router or host could not deliver packets",
        explanation: "The error says why: administratively prohibited is a firewall; host or address unreachable means that the last \
             router got no answer to ARP or Neighbor Discovery; network unreachable or no route that it does not know the way.\n\n\
             A connection or DNS query that failed by it has a finding of its own.",
        reference: Some("RFC 1812 5.2.7.1"),
    },
    Entry {
        code: "icmp.port-unreachable",
        severities: NOTE,
        title: "datagrams went to a port that nobody listens at",
        explanation: "The host is there, but no program has the port open. A service that is not running, a client that had ended \
             before the answer came, or a scan.",
        reference: Some("RFC 1122 3.2.2.1"),
    },
    Entry {
        code: "icmp.time-exceeded",
        severities: WARNING,
        title: "packets passed too many routers and were dropped",
        explanation: "Each router takes one from the hop limit and drops the packet at zero. Either the routers' tables send it \
             round in circles, or its sender began with too small a number. Packets of a traceroute, which do this on purpose, are \
             not reported here but as a path.",
        reference: Some("RFC 792, RFC 4443 3.3"),
    },
    Entry {
        code: "icmp.reassembly-timeout",
        severities: WARNING,
        title: "fragments of a datagram were missing at the receiver",
        explanation: "The receiver waited for the missing fragments and gave up. One was lost, or a firewall passes only first \
             fragments. Datagrams small enough not to be fragmented avoid it.",
        reference: Some("RFC 792, RFC 4443 3.3"),
    },
    Entry {
        code: "icmp.fragmentation-needed",
        severities: NOTE,
        title: "a router told that packets must be smaller",
        explanation: "Path MTU discovery at work: the router dropped a packet that did not fit into its next link, and told how large \
             packets may be. The sender should keep to it from then on.",
        reference: Some("RFC 1191, RFC 8201"),
    },
    Entry {
        code: "icmp.path-mtu-ignored",
        severities: WARNING,
        title: "a sender does not shrink its packets though a router asks for it",
        explanation: "At least three packets larger than the router had told were sent more than a second after the first error. The \
             errors do not reach the sender, because a firewall drops ICMP, or it does not act on them. Small packets pass and \
             large ones never do: connections open, and hang with the first large answer.\n\n\
             Let the errors pass, or clamp the maximum segment size where the tunnel begins.",
        reference: Some("RFC 2923 2.1"),
    },
    Entry {
        code: "icmp.redirect",
        severities: NOTE,
        title: "a router told a host of a better next hop",
        explanation: "The router sent the packet back into the network it came from. Harmless where a network has several routers. \
             Anybody on the link can forge such messages to have traffic sent through himself.",
        reference: Some("RFC 1812 5.2.7.2, RFC 4861 8"),
    },
    Entry {
        code: "icmp.source-quench",
        severities: NOTE,
        title: "somebody sends the obsolete source quench",
        explanation: "It once asked senders to slow down. As it was easy to forge and of little use, it must be neither sent nor \
             obeyed any more. Very old equipment still sends it.",
        reference: Some("RFC 6633"),
    },
    Entry {
        code: "icmp.parameter-problem",
        severities: WARNING,
        title: "a header was wrong or unknown to its receiver",
        explanation: "A field or option of the IP header, or an IPv6 extension header, could not be read, and the packet was dropped.",
        reference: Some("RFC 792, RFC 4443 3.4"),
    },
    Entry {
        code: "icmp.limit",
        severities: WARNING,
        title: "more pings were under way than are kept",
        explanation: "Only so many requests of one ping wait for their reply; the oldest counts as lost when there come more. Only a \
             flood of pings with long round-trip times reaches that.",
        reference: None,
    },
    Entry {
        code: "icmp.comparison-limit",
        severities: WARNING,
        title: "not all hosts and errors were compared",
        explanation: "Only the first so many hosts, exchanges and probes are compared across flows; a conflict, scan or path among the \
             rest is not found. Filter the capture to what is of interest.",
        reference: None,
    },
    Entry {
        code: "arp.conflict",
        severities: WARNING,
        title: "two link-layer addresses claim one address",
        explanation: "Both said that they have the address, one after the other and back, and at least one of them by a reply. The same \
             address is set twice, a virtual machine was copied, a host has two interfaces on one network, a router answers for \
             others, or somebody redirects traffic to himself. Virtual addresses of VRRP, HSRP, CARP and GLBP are not taken for that.",
        reference: Some("RFC 5227 2.4, RFC 4862 5.4"),
    },
    Entry {
        code: "arp.address-moved",
        severities: NOTE,
        title: "an address belongs to another link-layer address than before",
        explanation: "First one interface had the address, then another, and the first did not claim it again. When the new one \
             announced it, this is how clusters and pairs of routers take over from each other; otherwise DHCP gave it to another \
             host, or the machine or its interface was replaced. Also told of addresses shared by VRRP and the like.",
        reference: Some("RFC 5227 2.4"),
    },
    Entry {
        code: "arp.unanswered",
        severities: NOTE,
        title: "nobody answers for an address",
        explanation: "At least three requests in a row stayed without reply. The host is down, unplugged, in another VLAN, or does not \
             exist; packets for it cannot be sent.",
        reference: Some("RFC 1122 2.3.2"),
    },
    Entry {
        code: "arp.scan",
        severities: NOTE,
        title: "one host asks for many addresses",
        explanation: "At least 32 addresses within a short time, most of them without answer: somebody looks for all hosts of the \
             network, or a router got packets from outside for all its addresses.",
        reference: Some("RFC 826"),
    },
    Entry {
        code: "arp.announcement-storm",
        severities: NOTE,
        title: "one host announces its address again and again",
        explanation: "At least 20 announcements of one address with at most three seconds for each. An interface that goes up and down, \
             two hosts that defend one address, a cluster that cannot agree, or poisoning of others' tables.",
        reference: Some("RFC 5227 2.3"),
    },
    Entry {
        code: "nd.unanswered",
        severities: NOTE,
        title: "nobody answers for an IPv6 address",
        explanation: "At least three neighbor solicitations in a row stayed without advertisement. The host is down, in another VLAN, or \
             does not exist; packets for it cannot be sent.",
        reference: Some("RFC 4861 7.2.2"),
    },
    Entry {
        code: "nd.duplicate-address",
        severities: WARNING,
        title: "an IPv6 address was taken already",
        explanation: "A host asked whether the address that it wanted is free, and somebody answered that he has it. The host must not \
             use it. Two hosts were given the same address, or have the same link-layer address.",
        reference: Some("RFC 4862 5.4"),
    },
    Entry {
        code: "nd.several-routers",
        severities: NOTE,
        title: "two routers advertise different prefixes",
        explanation: "Hosts will use both. Meant where a network has two providers; otherwise one of them is a rogue: connection sharing \
             switched on by mistake, or an attacker.",
        reference: Some("RFC 6104"),
    },
];
