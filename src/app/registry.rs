//! Every protocol there is, in the order their probes are asked. One line each.
use super::{
    Protocol, arp, datagrams, dns, http1, http2, icmp, igmp, ipsec, openvpn, ospf, proxy, quic, routing, sctp, socks,
    starttls, tls, vrrp, websocket,
};

/// The protocols.
pub static PROTOCOLS: &[&Protocol] = &[
    &proxy::PROTOCOL,
    &tls::PROTOCOL,
    &tls::DTLS_PROTOCOL,
    &http2::PROTOCOL,
    &http1::PROTOCOL,
    &dns::PROTOCOL,
    &quic::PROTOCOL,
    &openvpn::PROTOCOL,
    &socks::PROTOCOL,
    &websocket::PROTOCOL,
    &starttls::SMTP,
    &starttls::IMAP,
    &starttls::POP3,
    &starttls::FTP,
    &starttls::XMPP,
    &starttls::POSTGRESQL,
    &starttls::MYSQL,
];

/// The protocols that run right above IP, and ARP: [`super::Carrier::Ip`] and [`super::Carrier::Arp`]. The others are not
/// asked about those.
pub static WITHOUT_PORTS: &[&Protocol] = &[
    &arp::PROTOCOL,
    &icmp::QUERY,
    &icmp::NEIGHBOR,
    &sctp::PROTOCOL,
    &igmp::PROTOCOL,
    &igmp::MLD_PROTOCOL,
    &vrrp::PROTOCOL,
    &ospf::PROTOCOL,
    &ipsec::ESP_PROTOCOL,
    &ipsec::IPCOMP_PROTOCOL,
    &routing::EIGRP,
    &routing::PIM,
    &routing::RSVP,
    &datagrams::DCCP,
    &datagrams::UDP_LITE,
];
