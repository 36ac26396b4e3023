//! Every protocol there is, in the order their probes are asked. One line each.
use super::{Protocol, dns, http1, http2, openvpn, quic, socks, starttls, tls};

/// The protocols.
pub static PROTOCOLS: &[&Protocol] = &[
    &tls::PROTOCOL,
    &tls::DTLS_PROTOCOL,
    &http2::PROTOCOL,
    &http1::PROTOCOL,
    &dns::PROTOCOL,
    &quic::PROTOCOL,
    &openvpn::PROTOCOL,
    &socks::PROTOCOL,
    &starttls::SMTP,
    &starttls::IMAP,
    &starttls::POP3,
    &starttls::FTP,
    &starttls::XMPP,
    &starttls::POSTGRESQL,
    &starttls::MYSQL,
];
