//! Protocols over TCP, UDP and QUIC, one session each, driven as [`session`] says.
use super::driver::session;

/// DNS over UDP and TCP.
pub fn dns_session(bytes: &[u8]) {
    session("dns", bytes);
}

/// HTTP/1.
pub fn http_session(bytes: &[u8]) {
    session("http", bytes);
}

/// HTTP/2, from its beginning and joined on the way.
pub fn http2_session(bytes: &[u8]) {
    session("http2", bytes);
}

/// TLS over TCP, DTLS, and TLS in QUIC.
pub fn tls_session(bytes: &[u8]) {
    session("tls", bytes);
    session("dtls", bytes);
}

/// The PROXY protocol's header.
pub fn proxy_session(bytes: &[u8]) {
    session("proxy", bytes);
}

/// WebSocket frames.
pub fn websocket_session(bytes: &[u8]) {
    session("websocket", bytes);
}

/// OpenVPN, as [`session`] says.
pub fn openvpn_session(bytes: &[u8]) {
    session("openvpn", bytes);
}

/// SOCKS, as [`session`] says.
pub fn socks_session(bytes: &[u8]) {
    session("socks", bytes);
}

/// SSH, as [`session`] says.
pub fn ssh_session(bytes: &[u8]) {
    session("ssh", bytes);
}

/// FTP's control connection, as [`session`] says.
pub fn ftp_session(bytes: &[u8]) {
    session("ftp", bytes);
}

/// SMTP, POP3 and IMAP: the first byte says which.
pub fn mail_session(bytes: &[u8]) {
    let names = ["smtp", "imap", "pop"];
    let Some((first, rest)) = bytes.split_first() else { return };
    session(names[usize::from(*first) % names.len()], rest);
}

/// Telnet, as [`session`] says.
pub fn telnet_session(bytes: &[u8]) {
    session("telnet", bytes);
}

/// Protocols that go over to TLS of which no more is read: the first byte says which.
pub fn starttls_session(bytes: &[u8]) {
    let names = ["xmpp", "pgsql", "mysql"];
    let Some((first, rest)) = bytes.split_first() else { return };
    session(names[usize::from(*first) % names.len()], rest);
}

/// DHCP and DHCPv6, as [`session`] says.
pub fn dhcp_session(bytes: &[u8]) {
    session("dhcp", bytes);
    session("dhcpv6", bytes);
}

/// NTP, as [`session`] says.
pub fn ntp_session(bytes: &[u8]) {
    session("ntp", bytes);
}

/// NetBIOS's name service, as [`session`] says.
pub fn nbns_session(bytes: &[u8]) {
    session("nbns", bytes);
}

/// SNMP, as [`session`] says.
pub fn snmp_session(bytes: &[u8]) {
    session("snmp", bytes);
}

/// TFTP, as [`session`] says.
pub fn tftp_session(bytes: &[u8]) {
    session("tftp", bytes);
}

/// RIP and RIPng, as [`session`] says.
pub fn rip_session(bytes: &[u8]) {
    session("rip", bytes);
    session("ripng", bytes);
}

/// IKE, and IPsec in UDP, as [`session`] says.
pub fn isakmp_session(bytes: &[u8]) {
    session("isakmp", bytes);
    session("udpencap", bytes);
}

/// WireGuard, as [`session`] says.
pub fn wireguard_session(bytes: &[u8]) {
    session("wg", bytes);
}
