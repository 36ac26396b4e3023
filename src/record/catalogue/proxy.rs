//! Findings about proxies below HTTP.
use super::{Entry, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "socks.refused",
        severities: WARNING,
        title: "a SOCKS proxy did not open the way",
        explanation: "The client asked a SOCKS proxy to connect it with somebody, and the proxy said no: it does not \
             accept the client, its rules forbid the destination, the name has no address, or the destination \
             refused or did not answer.\n\n\
             The reply's code is all that the client learns. \"Connection refused\" and \"host unreachable\" come from \
             the proxy's own attempt; capture on its other side to see it.",
        reference: Some("RFC 1928 6"),
    },
    Entry {
        code: "socks.password-in-clear",
        severities: WARNING,
        title: "a password for a SOCKS proxy travels in the clear",
        explanation: "User name and password as RFC 1929 sends them are not encrypted, and SOCKS itself encrypts \
             nothing of what follows either. On a loopback interface or inside a tunnel that is fine; elsewhere whoever \
             can read the way has the password. It is not kept and not printed here.",
        reference: Some("RFC 1929 2"),
    },
];
