//! Findings about QUIC.
use super::{Entry, NOTE};

pub static ENTRIES: &[Entry] = &[
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
        explanation: "Only the newest are followed; Initial packets of older ones stay closed. Load generators reuse ports \
             in this way.",
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
];
