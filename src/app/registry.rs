//! Every protocol there is, in the order their probes are asked. One line each.
use super::{
    Protocol, arp, dhcp, dns, ftp, http1, http2, icmp, isakmp, mail, nbns, ntp, openvpn, proxy, quic, rip, snmp, socks,
    ssh, starttls, telnet, tftp, tls, websocket, wireguard,
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
    &ssh::PROTOCOL,
    &mail::SMTP,
    &mail::IMAP,
    &mail::POP3,
    &ftp::PROTOCOL,
    &telnet::PROTOCOL,
    &starttls::XMPP,
    &starttls::POSTGRESQL,
    &starttls::MYSQL,
    &dhcp::PROTOCOL,
    &snmp::PROTOCOL,
    &isakmp::PROTOCOL,
    &isakmp::ENCAPSULATED,
    &rip::RIP,
    &rip::RIPNG,
    &ntp::PROTOCOL,
    &nbns::PROTOCOL,
    &dhcp::PROTOCOL6,
    &wireguard::PROTOCOL,
    &tftp::PROTOCOL,
];

/// The protocols that run right above IP, and ARP: [`super::Carrier::Ip`] and [`super::Carrier::Arp`]. The others are not
/// asked about those.
pub static WITHOUT_PORTS: &[&Protocol] = &[&arp::PROTOCOL, &icmp::QUERY, &icmp::NEIGHBOR];
