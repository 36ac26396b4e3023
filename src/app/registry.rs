//! Every protocol there is, in the order their probes are asked. One line each.
use super::{Protocol, dns, http1, http2, openvpn, proxy, quic, starttls, tls, websocket};

/// The protocols.
pub static PROTOCOLS: &[&Protocol] = &[
    &proxy::HEADER,
    &tls::PROTOCOL,
    &tls::DTLS_PROTOCOL,
    &http2::PROTOCOL,
    &http1::PROTOCOL,
    &dns::PROTOCOL,
    &quic::PROTOCOL,
    &openvpn::PROTOCOL,
    &proxy::SOCKS,
    &websocket::PROTOCOL,
    &starttls::SMTP,
    &starttls::IMAP,
    &starttls::POP3,
    &starttls::FTP,
    &starttls::XMPP,
    &starttls::POSTGRESQL,
    &starttls::MYSQL,
];
