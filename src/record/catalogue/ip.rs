//! Findings about IP itself.
use super::{Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "ip.overlapping-fragments",
        severities: WARNING,
        title: "fragments of one datagram overlap",
        explanation: "A router or host that cuts a datagram into fragments cuts it into parts that do not overlap. Where they do, two \
             datagrams use the same identification at the same time: 16 bits last a fast sender less than a second, and a \
             translator may give two hosts the same ones (RFC 4963). Or somebody wants it so: receivers differ in which \
             bytes they keep, so that a filter or an intrusion detection reads something else than the host (Ptacek and \
             Newsham, 1998); some systems crashed.\n\n\
             wireglass keeps the bytes that came first in IPv4, and drops the datagram in IPv6, as RFC 5722 asks. The same \
             fragment a second time is no overlap. Avoid fragmentation: lower the MTU of the tunnel, clamp the MSS, let DNS \
             answer in 1232 bytes.",
        reference: Some("RFC 5722"),
    },
    Entry {
        code: "ip.fragments-missing",
        severities: NOTE,
        title: "fragmented datagrams were never completed",
        explanation: "One fragment lost, and the receiver throws the whole datagram away after a minute. Firewalls and load balancers \
             often drop all but the first fragment, as the others hold no ports; then small messages pass and large ones never \
             do, however often they are sent again.\n\n\
             It may be the capture too: a filter such as `udp port 53` passes first fragments only (add `or (ip[6:2] & 0x1fff \
             != 0)`). A datagram counts when its other fragments did not come within a minute, or within a second before \
             the capture ended.",
        reference: Some("RFC 8900 3.3"),
    },
];
