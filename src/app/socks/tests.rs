//! Dialogues of both versions, whole and in pieces, and bytes that are none.
use proptest::prelude::*;

use super::{session, session::Socks};
use crate::{
    app::{Carrier, Probe, Said, Session, Sink, Verdict},
    record::{
        Application, Certainty, Context, Direction, Endpoint, Finding, FlowFacts, FlowId, Input, PacketNumber,
        PacketRef, Progress, Record, Secrets, Timestamp, Transport, Wanted,
    },
};
use Direction::{ClientToServer as Client, ServerToClient as Server};

fn flow() -> FlowFacts {
    let end = |text: &str, port| Endpoint { address: text.parse().unwrap(), port };
    FlowFacts {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: end("10.0.0.1", 40000),
        server: end("10.0.0.9", 1080),
        client_certainty: Certainty::Observed,
    }
}

#[derive(Default)]
struct Heard {
    applications: Vec<Application>,
    findings: Vec<Finding>,
    /// What the client sent behind its request, when the flow was handed over.
    handed_over: Option<Vec<u8>>,
    done: bool,
}

/// Feeds the pieces, one packet per millisecond, as a stream does: what is not consumed is offered again with more.
fn run(pieces: &[(Direction, &[u8])]) -> Heard {
    let (flow, mut session, mut said, mut heard) = (flow(), Socks::default(), Vec::new(), Heard::default());
    let mut pending = [Vec::new(), Vec::new()];
    let close = pieces.len();
    for (index, place) in (0_u64..).zip(0..=close) {
        let timestamp = Timestamp(i64::try_from(index).unwrap() * 1_000_000);
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
        let mut out = Sink::new(Wanted::usual(), true, &mut said);
        let Some((direction, bytes)) = pieces.get(place) else {
            session.input(Input::Close, &context, &mut out);
            break;
        };
        let waiting = &mut pending[direction.index()];
        waiting.extend_from_slice(bytes);
        match session.input(Input::Stream { direction: *direction, bytes: waiting }, &context, &mut out) {
            Progress::Consumed(used) => drop(waiting.drain(..used)),
            Progress::HandOver(used) => {
                waiting.drain(..used);
                heard.handed_over = Some(pending[Client.index()].clone());
                break;
            }
            Progress::Done => {
                heard.done = true;
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    for said in said {
        match said {
            Said::Record(Record::Application(application)) => heard.applications.push(*application),
            Said::Record(Record::Finding(finding)) => heard.findings.push(*finding),
            _ => {}
        }
    }
    heard
}

fn facts(heard: &Heard) -> Vec<(&str, &str)> {
    let [application] = &heard.applications[..] else { panic!("{:?}", heard.applications) };
    application.facts.iter().map(|fact| (fact.name, fact.value.as_str())).collect()
}

const CONNECT_NAME: &[u8] = b"\x05\x01\0\x03\x0bexample.com\x01\xbb";

#[test]
fn version_5_by_name_with_a_password() {
    let heard = run(&[
        (Client, &[5, 2, 0, 2]),
        (Server, &[5, 2]),
        (Client, b"\x01\x04user\x06secret"),
        (Server, &[1, 0]),
        (Client, CONNECT_NAME),
        (Server, &[5, 0, 0, 1, 10, 0, 0, 9, 0x30, 0x39]),
    ]);
    assert_eq!(
        facts(&heard),
        [
            ("version", "5"),
            ("methods_offered", "none, user name and password"),
            ("method", "user name and password"),
            ("user", "user"),
            ("authentication", "accepted"),
            ("command", "CONNECT"),
            ("destination", "example.com:443"),
            ("reply", "succeeded"),
            ("bound", "10.0.0.9:12345"),
            ("answered_after_ns", "1000000"),
        ]
    );
    assert!(!format!("{:?}", heard.applications).contains("secret"));
    assert_eq!(heard.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["socks.plaintext-credentials"]);
    assert_eq!(heard.handed_over.as_deref(), Some(&b""[..]));
}

#[test]
fn a_client_that_does_not_wait_keeps_its_bytes() {
    let all = [&[5, 1, 0][..], CONNECT_NAME, b"\x16\x03\x01"].concat();
    let heard = run(&[(Client, &all), (Server, &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(heard.handed_over.as_deref(), Some(&b"\x16\x03\x01"[..]));
    assert!(facts(&heard).contains(&("destination", "example.com:443")));
}

#[test]
fn version_5_to_addresses() {
    let v6 = [&[5, 1, 0, 4][..], &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[0, 80]].concat();
    let heard =
        run(&[(Client, &[5, 1, 0]), (Server, &[5, 0]), (Client, &v6), (Server, &[5, 4, 0, 1, 0, 0, 0, 0, 0, 0])]);
    assert!(facts(&heard).contains(&("destination", "[2001:db8::1]:80")));
    assert!(facts(&heard).contains(&("reply", "host unreachable (4)")));
    assert_eq!(heard.findings[0].code, "socks.refused");
    assert!(heard.findings[0].title.contains("[2001:db8::1]:80") && heard.done);
}

#[test]
fn version_4_and_4a() {
    let to_address = [&[4, 1, 0, 80, 192, 0, 2, 1][..], b"me\0"].concat();
    let heard = run(&[(Client, &to_address), (Server, &[0, 90, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(
        facts(&heard)[..4],
        [("version", "4"), ("user", "me"), ("command", "CONNECT"), ("destination", "192.0.2.1:80")]
    );
    assert!(heard.handed_over.is_some());
    let to_name = [&[4, 1, 1, 0xbb, 0, 0, 0, 7][..], b"\0example.com\0"].concat();
    let heard = run(&[(Client, &to_name), (Server, &[0, 91, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(facts(&heard)[..3], [("version", "4a"), ("command", "CONNECT"), ("destination", "example.com:443")]);
    assert_eq!(heard.findings[0].code, "socks.refused");
}

#[test]
fn a_binding_has_two_replies() {
    let heard = run(&[
        (Client, &[5, 1, 0]),
        (Server, &[5, 0]),
        (Client, &[5, 2, 0, 1, 192, 0, 2, 1, 0, 20]),
        (Server, &[5, 0, 0, 1, 10, 0, 0, 9, 4, 0]),
        (Server, &[5, 0, 0, 1, 192, 0, 2, 1, 0, 20]),
    ]);
    assert_eq!(facts(&heard).iter().filter(|(name, _)| *name == "bound").count(), 2);
    assert!(heard.handed_over.is_some());
}

#[test]
fn no_method_in_common() {
    let heard = run(&[(Client, &[5, 1, 2]), (Server, &[5, 0xff])]);
    assert!(facts(&heard).contains(&("method", "no acceptable method")));
    assert_eq!(heard.findings[0].code, "socks.refused");
    assert!(heard.done);
}

#[test]
fn an_unfinished_dialogue_is_told_at_the_close() {
    let heard = run(&[(Client, &[5, 1, 0]), (Server, &[5, 0]), (Client, &CONNECT_NAME[..7])]);
    assert_eq!(facts(&heard).last(), Some(&("method", "none")));
}

fn probe(bytes: &[u8], direction: Direction, from_start: bool) -> Verdict {
    session::probe(&Probe { carrier: Carrier::Tcp, direction, bytes, from_start, flow: &flow() })
}

#[test]
fn only_what_is_socks_is_recognised() {
    assert_eq!(probe(&[5, 1, 0], Client, true), Verdict::Likely);
    assert_eq!(probe(&[5, 2, 0, 2], Client, true), Verdict::Likely);
    assert_eq!(probe(&[5, 3, 0, 1], Client, true), Verdict::Maybe);
    assert_eq!(probe(b"\x04\x01\0\x50\xc0\0\x02\x01\0", Client, true), Verdict::Likely);
    for other in [
        &[5, 1, 0, 9][..],
        &[5, 0],
        &[5, 2, 0x20, 0x21],
        b"GET / HTTP/1.1\r\n",
        &[4, 9, 0, 80],
        b"\x04\x01\0\0\xc0\0\x02\x01\0",
    ] {
        assert_eq!(probe(other, Client, true), Verdict::No, "{other:?}");
    }
    assert_eq!(probe(&[5, 1, 0], Server, true), Verdict::No);
    assert_eq!(probe(&[5, 1, 0], Client, false), Verdict::No);
}

proptest! {
    /// However the dialogue is cut, the same is read.
    #[test]
    fn any_cut_reads_the_same(cuts in proptest::collection::vec(1_usize..12, 1..12)) {
        let dialogue: &[(Direction, &[u8])] = &[
            (Client, &[5, 2, 0, 2]), (Server, &[5, 2]), (Client, b"\x01\x04user\x06secret"), (Server, &[1, 0]),
            (Client, CONNECT_NAME), (Server, &[5, 0, 0, 1, 10, 0, 0, 9, 0x30, 0x39]),
        ];
        let (mut pieces, mut cut) = (Vec::new(), cuts.iter().cycle());
        for (direction, bytes) in dialogue {
            let mut rest = *bytes;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                pieces.push((*direction, piece));
                rest = after;
            }
        }
        let (cut, whole) = (run(&pieces), run(dialogue));
        let without_time = |heard: &Heard| facts(heard).iter().filter(|(name, _)| *name != "answered_after_ns").map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>();
        prop_assert_eq!(without_time(&cut), without_time(&whole));
        prop_assert!(cut.handed_over.is_some());
    }

    #[test]
    fn any_bytes_end_well(pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8)) {
        let pieces: Vec<(Direction, &[u8])> =
            pieces.iter().map(|(client, bytes)| (if *client { Client } else { Server }, bytes.as_slice())).collect();
        run(&pieces);
    }
}
