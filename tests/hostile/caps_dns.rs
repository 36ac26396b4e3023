//! Caps on DNS: one beyond each.
use serde_json::Value;
use wireglass::limits::*;

use super::{Survived, survive, wire::*};

const ROOT_TXT: [u8; 5] = [0, 0, 16, 0, 1];

/// A resource record of the root.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    [&[0][..], &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 1], &prefixed(2, data)].concat()
}

fn asked(name: &str, messages: &[Vec<u8>]) -> Survived {
    let mut capture = Capture::new();
    messages.iter().for_each(|message| capture.udp((CLIENT, 3000), (SERVER, 53), message));
    survive(name, &capture.bytes, &[])
}

fn answered(name: &str, answer: &[u8]) -> Survived {
    let query = [&dns_header(7, 0x100, [1, 0, 0, 0])[..], &ROOT_TXT].concat();
    let mut capture = Capture::new();
    capture.udp((CLIENT, 3000), (SERVER, 53), &query);
    capture.udp((SERVER, 53), (CLIENT, 3000), answer);
    survive(name, &capture.bytes, &[])
}

fn first(survived: &Survived) -> &Value {
    survived.records.iter().find(|record| record["type"] == "dns").unwrap()
}

#[test]
fn too_many_records() {
    let count = MAX_DNS_RECORDS + 3;
    let head = dns_header(7, 0x8180, [1, count as u16, 0, 0]);
    let survived = answered("cap-dns-records", &[&head[..], &ROOT_TXT, &record(65_280, b"").repeat(count)].concat());
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 1);
    assert_eq!(first(&survived)["response"]["answers"].as_array().unwrap().len(), MAX_DNS_RECORDS);
}

#[test]
fn too_many_questions() {
    let count = MAX_DNS_QUESTIONS + 3;
    let query = [dns_header(7, 0x100, [count as u16, 0, 0, 0]), ROOT_TXT.repeat(count)].concat();
    let survived = asked("cap-dns-questions", &[query]);
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 1);
}

#[test]
fn too_many_options() {
    let options = [0xff, 0, 0, 0].repeat(MAX_DNS_EDNS_OPTIONS + 3);
    let opt = [&[0, 0, 41, 4, 0, 0, 0, 0, 0][..], &prefixed(2, &options)].concat();
    let survived = asked("cap-dns-options", &[[&dns_header(7, 0x100, [1, 0, 0, 1])[..], &ROOT_TXT, &opt].concat()]);
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 1);
}

#[test]
fn too_many_records_of_a_query() {
    let count = MAX_DNS_QUERY_RECORDS + 3;
    let head = dns_header(7, 0x2800, [1, 0, count as u16, 0]);
    let survived = asked("cap-dns-update", &[[&head[..], &ROOT_TXT, &record(65_280, b"x").repeat(count)].concat()]);
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 1);
}

#[test]
fn too_many_transfers() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 53);
    for id in 0..MAX_DNS_TRANSFERS as u16 + 2 {
        let query = [&dns_header(id, 0, [1, 0, 0, 0])[..], &[1, b'a', 0, 0, 252, 0, 1]].concat();
        connection.ask(&mut capture, &prefixed(2, &query), 1400);
    }
    let survived = survive("cap-dns-transfers", &capture.bytes, &[]);
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 2);
}

#[test]
fn data_that_would_be_longer_than_its_octets_in_hex() {
    // A HIP record with rendezvous servers that are all one long name, compressed.
    let label: &[u8] = &[b'x'; 63];
    let name = dns_name(&[label, label, label]);
    let servers = [0xc0, 12].repeat(2 * MAX_DNS_DATA_TEXT_BYTES / name.len());
    let data = [&[1, 1, 0, 1, 9, 9][..], &servers].concat();
    let question = [&name[..], &[0, 55, 0, 1]].concat();
    let answer = [&[0xc0, 12, 0, 55, 0, 1, 0, 0, 0, 1][..], &prefixed(2, &data)].concat();
    let mut capture = Capture::new();
    capture.udp((CLIENT, 3000), (SERVER, 53), &[dns_header(7, 0x100, [1, 0, 0, 0]), question.clone()].concat());
    let response = [dns_header(7, 0x8180, [1, 1, 0, 0]), question, answer].concat();
    capture.udp((SERVER, 53), (CLIENT, 3000), &response);
    let survived = survive("cap-dns-data", &capture.bytes, &[]);
    let data = first(&survived)["response"]["answers"][0]["data"].as_str().unwrap();
    assert!(data.starts_with("\\# ") && data.len() < MAX_DNS_DATA_TEXT_BYTES, "{}", &data[..40]);
}

#[test]
fn answers_that_were_forgotten_are_not_known_as_repeated() {
    let mut capture = Capture::new();
    let message = |id: u16, flags| [&dns_header(id, flags, [1, 0, 0, 0])[..], &ROOT_TXT].concat();
    for id in 0..MAX_DNS_ANSWERED as u16 + 10 {
        capture.udp((CLIENT, 3000), (SERVER, 53), &message(id, 0x100));
        capture.udp((SERVER, 53), (CLIENT, 3000), &message(id, 0x8180));
    }
    let whole = MAX_DNS_ANSWERED + 10;
    capture.udp((SERVER, 53), (CLIENT, 3000), &message(whole as u16 - 1, 0x8180));
    assert_eq!(survive("cap-dns-again", &capture.bytes, &[]).of_type("dns"), whole, "a repeated answer");
    capture.udp((SERVER, 53), (CLIENT, 3000), &message(0, 0x8180));
    assert_eq!(survive("cap-dns-forgotten", &capture.bytes, &[]).of_type("dns"), whole + 1, "an answer to nothing");
}
