//! Caps on protocols over UDP and right above IP: one beyond each.
use wireglass::limits::*;

use super::{Survived, survive, wire::*};

/// Datagrams from a client to a server's port.
fn sent(name: &str, ports: (u16, u16), datagrams: impl Iterator<Item = Vec<u8>>) -> Survived {
    let mut capture = Capture::new();
    datagrams.for_each(|datagram| capture.udp((CLIENT, ports.0), (SERVER, ports.1), &datagram));
    survive(name, &capture.bytes, &[])
}

fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    [&[tag, 0x82][..], &length.to_be_bytes(), content].concat()
}

/// A GetRequest of SNMP version 2c.
fn snmp(id: u16, variables: usize, first: u8) -> Vec<u8> {
    let variable =
        |number: usize| ber(0x30, &[ber(6, &[0x2b, 6, 1, first, (number % 100) as u8]), vec![5, 0]].concat());
    let list = ber(0x30, &(0..variables).flat_map(variable).collect::<Vec<u8>>());
    let id = id.to_be_bytes();
    let pdu = ber(0xa0, &[&[2, 3, 0, id[0], id[1], 2, 1, 0, 2, 1, 0][..], &list].concat());
    ber(0x30, &[&[2, 1, 1, 4, 6][..], b"public", &pdu].concat())
}

#[test]
fn too_many_snmp_requests() {
    let requests = (0..MAX_OUTSTANDING_REQUESTS as u16 + 3).map(|id| snmp(id, 1, 2));
    sent("cap-snmp", (2000, 161), requests).limit("application.limit");
}

#[test]
fn too_many_snmp_variables() {
    let survived = sent("cap-snmp-variables", (2000, 161), std::iter::once(snmp(1, MAX_SNMP_VARIABLES + 3, 2)));
    let record = survived.records.iter().find(|record| record["type"] == "application").unwrap();
    let objects = record["facts"].as_array().unwrap().iter().filter(|fact| fact["name"] == "object").count();
    assert_eq!(objects, MAX_SNMP_NAMES, "{record}");
}

#[test]
fn too_many_netbios_requests() {
    let query = |id: u16| {
        let name = b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        [dns_header(id, 0x110, [1, 0, 0, 0]), prefixed(1, name), vec![0, 0, 0x20, 0, 1]].concat()
    };
    let survived = sent("cap-nbns", (137, 137), (0..MAX_OUTSTANDING_REQUESTS as u16 + 3).map(query));
    survived.limit("application.limit");
}

#[test]
fn too_many_ntp_requests() {
    let request = |number: usize| [&[0x23][..], &[0; 39], &(number as u64 + 1).to_be_bytes()].concat();
    sent("cap-ntp", (2000, 123), (0..MAX_NTP_OUTSTANDING + 3).map(request)).limit("application.limit");
}

/// A DHCPDISCOVER with these options.
fn discover(transaction: u32, options: &[u8]) -> Vec<u8> {
    let head = [&[1, 1, 6, 0][..], &transaction.to_be_bytes(), &[0; 20], &[2, 0, 0, 0, 0, 1], &[0; 202]].concat();
    [&head[..], &[0x63, 0x82, 0x53, 0x63, 53, 1, 1], options, &[255]].concat()
}

#[test]
fn too_many_dhcp_options() {
    let survived = sent("cap-dhcp-options", (68, 67), std::iter::once(discover(1, &[224, 0].repeat(MAX_DHCP_OPTIONS))));
    survived.limit("application.limit");
    assert_eq!(survived.of_type("application"), 1);
    let options = [0, 200, 0, 0].repeat(MAX_DHCP_OPTIONS + 1);
    let message = [&[1, 0, 0, 1][..], &[0, 1, 0, 4, 0, 3, 0, 1], &options].concat();
    sent("cap-dhcp6-options", (546, 547), std::iter::once(message)).limit("application.limit");
}

#[test]
fn too_many_dhcp_relays() {
    let wrapped = |times: usize| {
        let inner = vec![1, 0, 0, 1, 0, 1, 0, 4, 0, 3, 0, 1];
        (0..times).fold(inner, |inner, hop| [&[12, hop as u8][..], &[0x20; 32], &[0, 9], &prefixed(2, &inner)].concat())
    };
    let read = sent("cap-relays", (547, 547), std::iter::once(wrapped(MAX_DHCP_RELAYS)));
    assert_eq!(read.of_type("application"), 1);
    let unread = sent("cap-relays-more", (547, 547), std::iter::once(wrapped(MAX_DHCP_RELAYS + 1)));
    assert_eq!((unread.of_type("application"), unread.of_type("udp")), (0, 1));
}

#[test]
fn too_many_dhcp_messages_and_transactions() {
    let survived = sent("cap-dhcp-messages", (68, 67), (0..MAX_DHCP_MESSAGES + 3).map(|_| discover(1, &[])));
    let record = survived.records.iter().find(|record| record["type"] == "application").unwrap();
    let messages = record["facts"].as_array().unwrap().iter().filter(|fact| fact["name"] == "message").count();
    assert_eq!(messages, MAX_DHCP_MESSAGES);
    assert!(record.to_string().contains("more"), "{record}");
    let many = sent("cap-dhcp-many", (68, 67), (0..MAX_COMPARED_PARTS as u32 + 3).map(|id| discover(id, &[])));
    assert_eq!(many.limit("application.comparison-limit")["evidence_total"], 3);
    assert_eq!(many.of_type("application"), MAX_COMPARED_PARTS);
}

#[test]
fn too_many_rip_routes() {
    let route = |number: u16| {
        [&[0, 2, 0, 0, 10][..], &number.to_be_bytes(), &[0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 1]].concat()
    };
    let message = |number: u16| [vec![2, 2, 0, 0], route(number * 2), route(number * 2 + 1)].concat();
    let survived = sent("cap-rip", (520, 520), (0..MAX_RIP_ROUTES as u16).map(message));
    let record = survived.records.iter().find(|record| record["type"] == "application").unwrap();
    let routes = record["facts"].as_array().unwrap().iter().filter(|fact| fact["name"] == "route").count();
    assert_eq!(routes, MAX_RIP_ROUTES);
}

#[test]
fn too_many_ike_payloads() {
    let payloads = [43, 0, 0, 5, 7].repeat(MAX_IKE_PARTS + 2);
    let length = (28 + payloads.len()) as u32;
    let head = [&[9; 8][..], &[0; 8], &[43, 0x20, 34, 8, 0, 0, 0, 0], &length.to_be_bytes()].concat();
    sent("cap-ike", (500, 500), std::iter::once([head, payloads].concat())).limit("application.limit");
}

#[test]
fn too_many_facts() {
    // RIP with a route of its own in each message, from both sides.
    let query = |number: usize| {
        let letters =
            (0..15).map(|bit| if number >> bit & 1 == 1 { *b"EB" } else { *b"EC" }).flat_map(|pair| pair.to_vec());
        let name: Vec<u8> = letters.chain(*b"CA").collect();
        [dns_header(number as u16, 0x110, [1, 0, 0, 0]), prefixed(1, &name), vec![0, 0, 0x20, 0, 1]].concat()
    };
    let survived = sent("cap-facts", (137, 137), (0..MAX_APPLICATION_FACTS + 5).map(query));
    survived.limit("application.limit");
    let record = survived.records.iter().find(|record| record["type"] == "application").unwrap();
    assert_eq!(record["facts"].as_array().unwrap().len(), MAX_APPLICATION_FACTS);
}

#[test]
fn too_many_openvpn_packets_ahead() {
    // A reset, then control packets that leave out the second.
    let packet = |opcode: u8, number: u32, payload: &[u8]| {
        [&[opcode << 3][..], &[5; 8], &[0], &number.to_be_bytes(), payload].concat()
    };
    let mut capture = Capture::new();
    capture.udp((CLIENT, 2000), (SERVER, 1194), &packet(7, 0, b""));
    capture.udp((SERVER, 1194), (CLIENT, 2000), &[&[8 << 3][..], &[6; 8], &[1, 0, 0, 0, 0], &[5; 8], &[0; 4]].concat());
    for number in 0..MAX_OPENVPN_EARLY_PACKETS as u32 + 2 {
        capture.udp((CLIENT, 2000), (SERVER, 1194), &packet(4, number + 2, &[22, 3, 1, 0, 100, 1]));
    }
    capture.udp((CLIENT, 2000), (SERVER, 1194), &packet(4, 20, &[0; MAX_OPENVPN_EARLY_BYTES + 1]));
    let survived = survive("cap-openvpn", &capture.bytes, &[]);
    assert_eq!(survived.limit("application.limit")["evidence_total"], 3);
}

fn echo(kind: u8, id: u16, sequence: u16) -> Vec<u8> {
    [&[kind, 0, 0, 0][..], &id.to_be_bytes(), &sequence.to_be_bytes(), b"abcdefgh"].concat()
}

#[test]
fn too_many_pings_wait() {
    let mut capture = Capture::new();
    for sequence in 0..MAX_ECHO_OUTSTANDING as u16 + 3 {
        capture.ip(1, (CLIENT, SERVER), 0, 0, &echo(8, 1, sequence));
    }
    capture.ip(1, (SERVER, CLIENT), 0, 0, &echo(0, 1, 0));
    let survived = survive("cap-pings", &capture.bytes, &[]);
    assert_eq!(survived.limit("icmp.limit")["evidence_total"], 1);
}

#[test]
fn too_many_errors_are_not_compared() {
    let mut capture = Capture::new();
    for host in 0..MAX_COMPARED_NEIGHBORS as u32 + 5 {
        let [_, a, b, c] = host.to_be_bytes();
        let head =
            [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0][..], &CLIENT, &[12, a, b, c], &[4, 0, 0, 53, 0, 8, 0, 0]]
                .concat();
        capture.ip(1, ([10, 0, 0, 9], CLIENT), 0, 0, &[&[3, 1, 0, 0, 0, 0, 0, 0][..], &head].concat());
    }
    let survived = survive("cap-icmp-errors", &capture.bytes, &[]);
    assert_eq!(survived.limit("icmp.comparison-limit")["evidence_total"], 5);
}

#[test]
fn too_many_steps_of_traceroutes() {
    let mut capture = Capture::new();
    for number in 0..MAX_COMPARED_PROBES as u32 + 9 {
        let [_, a, b, c] = number.to_be_bytes();
        // Hop limit 1.
        let datagram = [4u16 << 8, 33_434, 8, 0].map(u16::to_be_bytes).concat();
        let head = [&[0x45, 0, 0, 28, 0, 0, 0, 0, 1, 17, 0, 0][..], &CLIENT, &[12, a, b, c]].concat();
        capture.packet(&[head, datagram].concat());
    }
    let survived = survive("cap-steps", &capture.bytes, &[]);
    assert_eq!(survived.limit("icmp.comparison-limit")["evidence_total"], 9);
}
