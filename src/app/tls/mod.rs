//! TLS: SSLv2-framed hellos, SSL 3.0 to TLS 1.3 over TCP, handshakes inside QUIC, and DTLS over UDP.
//!
//! `record_layer`, `dtls` and `dtls13` frame, `parser` and `extensions` read messages, `extension_values` what extensions
//! say (`extension_report`), `conversation` collects a handshake, `state` says how far it is, `timing` whose time it took,
//! `diagnosis` what that means. `certificate_message` takes what the sides show of themselves: `verification` judges
//! certificates by a `trust`, `staple_check` OCSP responses; `scts` are read only. With secrets, `decryption` and
//! `dtls13_keys` find the keys, `record_protection` opens records, and what was inside takes the same way (`opened`);
//! `key_log` and `private_key` read what users give.
use super::{Carrier, Protocol};

mod carrier;
pub mod certificate;
mod certificate_compression;
mod certificate_findings;
mod certificate_message;
pub mod cipher_suites;
mod client_certificate_findings;
mod content_stream;
mod conversation;
mod crypto_session;
mod decryption;
mod der;
mod diagnosis;
mod dtls;
mod dtls13;
mod dtls13_keys;
mod extension_body;
pub mod extension_names;
mod extension_report;
pub mod extension_values;
pub mod extensions;
mod failure;
pub mod fingerprint;
mod hello;
pub mod key_log;
mod key_schedule;
pub mod names;
mod note;
mod opened;
pub mod parser;
pub mod private_key;
mod probe;
pub mod record_layer;
mod record_protection;
mod report;
mod scts;
mod session;
mod signatures;
mod staple;
mod staple_check;
mod staple_findings;
pub mod state;
mod suite_names;
#[cfg(test)]
mod tests;
mod timing;
pub mod trust;
mod underway;
mod verdict;
pub mod verification;
mod verification_words;

/// TLS over TCP, and inside QUIC.
pub static PROTOCOL: Protocol = Protocol {
    name: "tls",
    probe: probe::probe,
    session: |carrier| match carrier {
        Carrier::QuicCrypto => Box::new(crypto_session::CryptoSession::new()),
        _ => Box::new(session::TlsSession::new()),
    },
};

/// DTLS over UDP.
pub static DTLS_PROTOCOL: Protocol = Protocol {
    name: "dtls",
    probe: |asked| match asked.carrier {
        Carrier::Udp => dtls::probe(asked),
        _ => super::Verdict::No,
    },
    session: |_| Box::new(dtls::DtlsSession::new()),
};
