//! Protocols right above IP: whole messages, one after the other.
use super::driver::Driver;
use crate::{
    app::{Carrier, registry},
    record::{Direction, Secrets},
};

/// SCTP, as [`messages`] says.
pub fn sctp_session(bytes: &[u8]) {
    messages("sctp", 132, bytes);
}

/// IGMP, or MLD: the first byte says which.
pub fn igmp_session(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    if first & 1 == 0 { messages("igmp", 2, rest) } else { messages("mld", 58, rest) }
}

/// VRRP and CARP.
pub fn vrrp_session(bytes: &[u8]) {
    messages("vrrp", 112, bytes);
}

/// OSPF.
pub fn ospf_session(bytes: &[u8]) {
    messages("ospf", 89, bytes);
}

/// ESP, or IPComp: the first byte says which.
pub fn ipsec_session(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    if first & 1 == 0 { messages("esp", 50, rest) } else { messages("ipcomp", 108, rest) }
}

/// EIGRP, PIM or RSVP: the first byte says which.
pub fn routing_session(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (name, number) = [("eigrp", 88), ("pim", 103), ("rsvp", 46)][usize::from(*first) % 3];
    messages(name, number, rest);
}

/// DCCP, or UDP-Lite: the first byte says which.
pub fn datagrams_session(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    if first & 1 == 0 { messages("dccp", 33, rest) } else { messages("udplite", 136, rest) }
}

/// Drives the session of protocol `name`: each step is a byte that says who sends, a byte of length, and the message.
fn messages(name: &str, number: u8, mut script: &[u8]) {
    let Some(protocol) = registry::WITHOUT_PORTS.iter().find(|protocol| protocol.name == name) else {
        panic!("no protocol right above IP is called `{name}`")
    };
    let carrier = Carrier::Ip(number);
    let mut driver = Driver::new((protocol.session)(carrier), carrier, Secrets::none().clone());
    while let [side, length, rest @ ..] = script {
        let (message, rest) = rest.split_at(rest.len().min(usize::from(*length) * (1 + usize::from(*side >> 5))));
        script = rest;
        driver.datagram(Direction::BOTH[usize::from(*side & 1)], message);
    }
    driver.close();
}
