//! Exchanges as hosts have them, and bytes that are none.
use proptest::prelude::*;

use super::session::Exchanges;
use crate::{
    app::{Said, Session, Sink},
    record::{
        Arp, ArpPurpose, Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, Input, PacketNumber, PacketRef,
        Record, Secrets, Timestamp, Transport, Wanted,
    },
};
use Direction::{ClientToServer as Client, ServerToClient as Server};

const MS: i64 = 1_000_000;
const ZERO: [u8; 6] = [0; 6];
const ONE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const TWO: [u8; 6] = [2, 0, 0, 0, 0, 2];
const THREE: [u8; 6] = [2, 0, 0, 0, 0, 3];

fn arp(operation: u8, sender: ([u8; 6], u8), target: ([u8; 6], u8)) -> Vec<u8> {
    let address = |last: u8| if last == 0 { [0; 4] } else { [10, 0, 0, last] };
    let head = [0, 1, 8, 0, 6, 4, 0, operation];
    [&head[..], &sender.0, &address(sender.1), &target.0, &address(target.1)].concat()
}

/// Feeds the packets with their times in milliseconds, then the end a minute later.
fn run(packets: &[(i64, Direction, Vec<u8>)]) -> Vec<Arp> {
    let end = |last: u8| Endpoint { address: [10, 0, 0, last].into(), port: 0 };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Arp,
        client: end(1),
        server: end(2),
        client_certainty: Certainty::Observed,
    };
    let (mut session, mut said) = (Exchanges::default(), Vec::new());
    let last = packets.last().map_or(0, |(ms, ..)| *ms);
    let inputs = packets.iter().map(|(ms, direction, bytes)| (*ms, Input::Datagram { direction: *direction, bytes }));
    for (index, (ms, input)) in (0u64..).zip(inputs.chain([(last + 60_000, Input::Close)])) {
        let packet = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(ms * MS) };
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
        session.input(input, &context, &mut Sink::new(Wanted::usual(), false, &mut said));
    }
    let records = said.into_iter().map(|said| match said {
        Said::Record(Record::Arp(arp)) => *arp,
        other => panic!("{other:?}"),
    });
    records.collect()
}

#[test]
fn a_request_asked_twice_and_its_reply_are_one_exchange() {
    let asks = arp(1, (ONE, 1), (ZERO, 2));
    let found = run(&[(0, Client, asks.clone()), (1000, Client, asks), (1003, Server, arp(2, (TWO, 2), (ONE, 1)))]);
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!((one.operation, one.purpose, one.packets), ("request", ArpPurpose::Resolution, 2));
    assert_eq!((one.answered, one.latency_ns), (Some(true), Some(3 * MS)));
    assert_eq!(one.target.mac.unwrap().to_string(), "02:00:00:00:00:02");
    assert_eq!(one.sender.mac.unwrap().bytes(), ONE);
    assert_eq!(one.subject.evidence.numbers().len(), 3);
    assert_eq!(one.answer_packet, Some(PacketNumber::new(0, 3)));
}

#[test]
fn nobody_answers() {
    let asks = arp(1, (ONE, 1), (ZERO, 2));
    let found = run(&[(0, Client, asks.clone()), (1000, Client, asks.clone()), (9000, Client, asks)]);
    let told: Vec<_> = found.iter().map(|one| (one.answered, one.packets, one.target.mac)).collect();
    assert_eq!(told, [(Some(false), 2, None), (Some(false), 1, None)]);
}

#[test]
fn a_second_answer_from_elsewhere_is_told_and_an_equal_one_is_not() {
    let asks = arp(1, (ONE, 1), (ZERO, 2));
    let answer = |mac| arp(2, (mac, 2), (ONE, 1));
    let found =
        run(&[(0, Client, asks), (1, Server, answer(TWO)), (2, Server, answer(TWO)), (3, Server, answer(THREE))]);
    let told: Vec<_> = found.iter().map(|one| (one.operation, one.purpose)).collect();
    assert_eq!(told, [("request", ArpPurpose::Resolution), ("reply", ArpPurpose::UnsolicitedReply)]);
    assert_eq!(found[1].sender.mac.unwrap().bytes(), THREE);
    assert_eq!(found[1].answered, None);
}

#[test]
fn probes_and_announcements_are_named() {
    let probe = arp(1, (ONE, 0), (ZERO, 1));
    let announcement = arp(1, (ONE, 1), (ZERO, 1));
    let reply = arp(2, (ONE, 1), ([0xff; 6], 1));
    let told = |bytes: &Vec<u8>| {
        let found = run(&[(0, Client, bytes.clone()), (100, Client, bytes.clone())]);
        assert_eq!(found.len(), 1);
        (found[0].purpose, found[0].answered, found[0].packets)
    };
    assert_eq!(told(&probe), (ArpPurpose::Probe, Some(false), 2));
    assert_eq!(told(&announcement), (ArpPurpose::Announcement, None, 2));
    assert_eq!(told(&reply), (ArpPurpose::GratuitousReply, None, 2));
}

#[test]
fn both_may_ask_each_other() {
    let found = run(&[
        (0, Client, arp(1, (ONE, 1), (ZERO, 2))),
        (1, Server, arp(1, (TWO, 2), (ZERO, 1))),
        (2, Client, arp(2, (ONE, 1), (TWO, 2))),
        (4, Server, arp(2, (TWO, 2), (ONE, 1))),
    ]);
    let told: Vec<_> = found.iter().map(|one| (one.client.address.to_string(), one.latency_ns)).collect();
    assert_eq!(told, [("10.0.0.2".to_owned(), Some(MS)), ("10.0.0.1".to_owned(), Some(4 * MS))]);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(packets in proptest::collection::vec((0i64..5000, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..20)) {
        let packets: Vec<_> = packets.into_iter().map(|(ms, back, bytes)| (ms, if back { Server } else { Client }, bytes)).collect();
        run(&packets);
    }

    #[test]
    fn prefixes_and_damage_are_survived(cut in 0usize..28, place in 0usize..28, byte: u8) {
        let mut packet = arp(1, (ONE, 1), (ZERO, 2));
        packet[place] = byte;
        packet.truncate(cut);
        prop_assert!(run(&[(0, Client, packet)]).is_empty() || cut == 28 || place == 4);
    }
}
