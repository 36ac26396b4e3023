//! Findings about QUIC.
use super::{Entry, NOTE, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "quic.limit",
        severities: WARNING,
        title: "more came in a QUIC connection than is kept",
        explanation: "Only so many Retry packets of one connection attempt are remembered; if the client followed another one, \
             its packets stay closed. A server sends one.",
        reference: Some("RFC 9000 8.1.2"),
    },
    Entry {
        code: "quic.retry",
        severities: NOTE,
        title: "the server asked the client to prove its address",
        explanation: "The server answered with Retry: the client has to begin anew and show the token it was given. That \
             costs one round trip. Servers do this under load or under attack, to keep forged addresses from \
             costing them anything.",
        reference: Some("RFC 9000 8.1.2"),
    },
    Entry {
        code: "quic.version-negotiation",
        severities: NOTE,
        title: "the server does not speak the version it was offered",
        explanation: "It named the versions it speaks; the client has to begin anew with one of them, which costs a round \
             trip.",
        reference: Some("RFC 9000 6"),
    },
    Entry {
        code: "quic.too-many-connections",
        severities: NOTE,
        title: "more QUIC connections between two ports than are followed",
        explanation: "Only the newest are followed; packets of older ones stay closed. Load generators reuse ports in this way.",
        reference: None,
    },
    Entry {
        code: "quic.too-much-crypto-data",
        severities: NOTE,
        title: "more handshake data came than is read",
        explanation: "CRYPTO frames carried more, or lay farther ahead, than any real handshake needs; the rest is left \
             out.",
        reference: Some("RFC 9000 7.5"),
    },
    Entry {
        code: "quic.decryption-failed",
        severities: WARNING,
        title: "given keys do not open a connection's packets",
        explanation: "A key log that was given names the random of this connection's ClientHello, but its packets, or some of \
             them, do not authenticate with what it says. Where none does, the secrets are of another connection. Where \
             some do not, those packets were changed on their way, were cut by the capture's snap length, or only look like \
             packets of this connection (a stateless reset does). 0-RTT packets are not counted: their keys are those of \
             an earlier session, and the server may refuse them.",
        reference: Some("RFC 9001 5.3"),
    },
    Entry {
        code: "quic.decryption-unsupported",
        severities: NOTE,
        title: "keys are there, but packets under this cipher suite cannot be opened",
        explanation: "QUIC protects packets with TLS 1.3's AES-128-GCM, AES-256-GCM, AES-128-CCM or ChaCha20-Poly1305. The \
             server chose something else, so what is in the packets stays closed though secrets were given.",
        reference: Some("RFC 9001 5.3"),
    },
];
