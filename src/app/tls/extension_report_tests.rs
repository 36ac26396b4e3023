//! Hellos with faults, told to a conversation: which findings come of them, and what the record lists.
use std::net::IpAddr;

use super::*;
use crate::{
    app::{
        Said,
        tls::{conversation::Conversation, parser::kind},
    },
    record::{
        Certainty, Direction, Endpoint, FlowFacts, FlowId, PacketNumber, PacketRef, Secrets, Timestamp, Transport,
        Wanted,
    },
};

type Extension<'a> = (u16, &'a [u8]);

/// The extensions as they are written: each with type and length.
fn list(extensions: &[Extension<'_>]) -> Vec<u8> {
    let one = |(id, body): &Extension<'_>| {
        [&id.to_be_bytes()[..], &u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
    };
    let all: Vec<u8> = extensions.iter().flat_map(one).collect();
    [&u16::try_from(all.len()).unwrap().to_be_bytes()[..], &all].concat()
}

fn client_hello(suites: &[u8], extensions: &[Extension<'_>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, u8::try_from(suites.len()).unwrap()]);
    body.extend(suites);
    body.extend([1, 0]);
    body.extend(list(extensions));
    body
}

fn server_hello(extensions: &[Extension<'_>]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([8; 32]);
    body.extend([0, 0x13, 0x01, 0]);
    body.extend(list(extensions));
    body
}

/// What is said of messages, each from the side that sends such ones.
fn told(wanted: Wanted, messages: &[(u8, Vec<u8>)]) -> Vec<Record> {
    let end = |port| Endpoint { address: IpAddr::from([10, 0, 0, 1]), port };
    let id = FlowId { opener: PacketNumber::new(0, 1), depth: 0 };
    let (client, server) = (end(50000), end(443));
    let flow = FlowFacts { id, transport: Transport::Tcp, client, server, client_certainty: Certainty::Observed };
    let mut conversation = Conversation::new(TlsTransport::Tcp);
    let mut said = Vec::new();
    for (place, (kind, body)) in messages.iter().enumerate() {
        let index = place as u64;
        let timestamp = Timestamp::from_parts(1, 1000 * index as i64);
        let packet = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp };
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: Secrets::none(),
        };
        let direction = match *kind {
            kind::CLIENT_HELLO => Direction::ClientToServer,
            _ => Direction::ServerToClient,
        };
        let message = Message { direction, kind: *kind, body, record_version: Some(0x0303), packet };
        conversation.message(message, &context, &mut Sink::new(wanted, false, &mut said));
    }
    said.into_iter().filter_map(|said| if let Said::Record(record) = said { Some(record) } else { None }).collect()
}

fn findings(messages: &[(u8, Vec<u8>)]) -> Vec<(&'static str, String)> {
    let found = |record| match record {
        Record::Finding(finding) => Some((finding.code, finding.title)),
        _ => None,
    };
    told(Wanted::none().with(RecordKind::Finding), messages).into_iter().filter_map(found).collect()
}

const VERSIONS: Extension<'static> = (43, &[2, 3, 4]);
const VERSION: Extension<'static> = (43, &[3, 4]);

#[test]
fn sound_hellos_have_no_findings() {
    let client = client_hello(&[0x13, 1], &[(0, &[0, 5, 0, 0, 2, b'a', b'b']), VERSIONS, (0x1a1a, &[])]);
    assert_eq!(findings(&[(1, client), (2, server_hello(&[VERSION]))]), []);
}

#[test]
fn a_malformed_extension_is_named_with_its_message() {
    let client = client_hello(&[0x13, 1], &[VERSIONS, (10, &[0, 3, 0, 29, 0])]);
    let expected = "Malformed extension supported_groups in the ClientHello".to_owned();
    assert_eq!(findings(&[(1, client)]), [("tls.malformed-extension", expected)]);
}

#[test]
fn a_list_that_does_not_add_up_is_told() {
    let mut client = client_hello(&[0x13, 1], &[VERSIONS]);
    let length = client.len() - 9;
    assert_eq!(client[length..][..2], [0, 7]);
    client[length + 1] = 6;
    let expected = "The extensions of the ClientHello do not end where the message does".to_owned();
    assert_eq!(findings(&[(1, client)]), [("tls.malformed-extension", expected)]);
}

#[test]
fn the_same_twice_is_told_once() {
    let client = client_hello(&[0x13, 1], &[VERSIONS, (23, &[]), (23, &[]), (23, &[])]);
    let expected = "Extension extended_master_secret stands twice in the ClientHello".to_owned();
    assert_eq!(findings(&[(1, client)]), [("tls.duplicate-extension", expected)]);
}

#[test]
fn an_answer_to_nothing_is_told_where_it_is_certain() {
    let answer = || (2, server_hello(&[VERSION, (23, &[])]));
    let expected = "The ServerHello holds extended_master_secret, which the client did not offer".to_owned();
    let client = client_hello(&[0x13, 1], &[VERSIONS]);
    assert_eq!(findings(&[(1, client), answer()]), [("tls.unsolicited-extension", expected)]);
    // Not when the hello was not seen, nor when it hides another one.
    assert_eq!(findings(&[answer()]), []);
    let ech: Extension<'_> = (0xfe0d, &[0, 0, 1, 0, 1, 9, 0, 0, 0, 1, 7]);
    let hiding = client_hello(&[0x13, 1], &[VERSIONS, ech]);
    assert_eq!(findings(&[(1, hiding), answer()]), []);
    // renegotiation_info answers the signalling suite, too; a cookie comes unasked in a HelloRetryRequest only.
    let signalling = client_hello(&[0, 47, 0, 0xff], &[]);
    assert_eq!(findings(&[(1, signalling), (2, server_hello(&[(0xff01, &[0])]))]), []);
    let client = client_hello(&[0x13, 1], &[VERSIONS]);
    let mut retry = server_hello(&[VERSION, (44, &[0, 1, 9])]);
    retry[2..34].copy_from_slice(&parser::HELLO_RETRY_RANDOM);
    assert_eq!(findings(&[(1, client), (2, retry)]), []);
}

#[test]
fn messages_behind_the_hellos_are_read_in_tls_13_only() {
    let client = || (1, client_hello(&[0x13, 1], &[VERSIONS, (16, &[0, 3, 2, b'h', b'2'])]));
    let encrypted = (8, list(&[(16, &[0, 3, 2, b'h', b'2'])]));
    let ticket = [&[0; 8][..], &[1, 9], &[0, 2, 1, 1], &list(&[(42, &[0, 0, 4, 0])])].concat();
    let request = [&[0][..], &list(&[(13, &[0, 2, 4, 3])])].concat();
    let messages = [client(), (2, server_hello(&[VERSION])), encrypted, (13, request), (4, ticket)];
    let wanted = Wanted::none().with(RecordKind::TlsExtensions);
    let listed = |record: &Record| match record {
        Record::TlsExtensions(message) => {
            Some((message.message, message.extension_details.iter().map(|detail| detail.id).collect::<Vec<_>>()))
        }
        _ => None,
    };
    assert_eq!(
        told(wanted, &messages).iter().filter_map(listed).collect::<Vec<_>>(),
        [
            ("client_hello", vec![43, 16]),
            ("server_hello", vec![43]),
            ("encrypted_extensions", vec![16]),
            ("certificate_request", vec![13]),
            ("new_session_ticket", vec![42])
        ]
    );
    let old = [client(), (2, server_hello(&[])), (13, vec![1, 1, 0, 2, 4, 3, 0, 0])];
    assert_eq!(told(wanted, &old).iter().filter_map(listed).count(), 2);
}

#[test]
fn thousands_of_types_are_told_apart() {
    let mut many: Vec<Extension<'_>> = (0..16_000_u16).map(|id| (id + 20_000, &[][..])).collect();
    let hellos = |many: &[Extension<'_>]| [(1, client_hello(&[0x13, 1], many)), (2, server_hello(many))];
    assert_eq!(findings(&hellos(&many)), []);
    many.push((35_999, &[]));
    let codes: Vec<&str> = findings(&hellos(&many)).iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["tls.duplicate-extension"; 2]);
    let fewer = [(1, client_hello(&[0x13, 1], &many[..15_999])), (2, server_hello(&many[..16_000]))];
    let expected = "The ServerHello holds 0x8c9f, which the client did not offer".to_owned();
    assert_eq!(findings(&fewer), [("tls.unsolicited-extension", expected)]);
}
