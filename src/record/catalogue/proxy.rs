//! Findings about proxies below HTTP.
use super::{Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "proxy.original-addresses",
        severities: NOTE,
        title: "a proxy tells whose connection it passes on",
        explanation: "The connection begins with a header of the PROXY protocol: its client is a proxy or balancer, and the user \
             is at the address that the header names. The server must be set to expect it, and to believe it from this \
             proxy only.",
        reference: Some("PROXY protocol, versions 1 and 2"),
    },
    Entry {
        code: "socks.refused",
        severities: WARNING,
        title: "a SOCKS proxy could not connect",
        explanation: "The client asked a SOCKS proxy to connect it with somebody, and the proxy said no: it does not \
             accept the client, its rules forbid the destination, the name has no address, or the destination \
             refused or did not answer.\n\n\
             The reply's code is all that the client learns. \"Connection refused\" and \"host unreachable\" come from \
             the proxy's own attempt; capture on its other side to see it.",
        reference: Some("RFC 1928 6"),
    },
    Entry {
        code: "socks.plaintext-credentials",
        severities: WARNING,
        title: "a password for a SOCKS proxy travels in the clear",
        explanation: "User name and password as RFC 1929 sends them are not encrypted, and SOCKS itself encrypts \
             nothing of what follows either. On a loopback interface or inside a tunnel that is fine; elsewhere whoever \
             can read the way has the password. It is not kept and not printed here.",
        reference: Some("RFC 1929 2"),
    },
];
