//! Frames as both sides send them, whole, cut and broken.
use proptest::prelude::*;

use super::*;
use crate::{
    app::Said,
    record::{Certainty, Endpoint, FlowFacts, FlowId, PacketNumber, Secrets, Timestamp, Transport},
};

const C: Direction = Direction::ClientToServer;
const S: Direction = Direction::ServerToClient;

/// A frame; a client's is masked.
fn frame(direction: Direction, first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mask = if direction == C { 0x80 } else { 0 };
    match payload.len() {
        short @ 0..=125 => bytes.push(short as u8 | mask),
        long => {
            bytes.push(126 | mask);
            bytes.extend((long as u16).to_be_bytes());
        }
    }
    let key = [0x37, 0xfa, 0x21, 0x3d];
    match direction {
        C => {
            bytes.extend(key);
            bytes.extend(super::frame::unmask(payload, Some(key)));
        }
        S => bytes.extend(payload),
    }
    bytes
}

/// What comes of steps, each offered in pieces of `size`; every piece is a packet, a millisecond after the last.
fn run(
    steps: &[(Direction, Vec<u8>)],
    size: usize,
    end: Option<(Direction, EndCause)>,
) -> (record::Websocket, Vec<Finding>) {
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: Endpoint { address: [10, 0, 0, 1].into(), port: 40000 },
        server: Endpoint { address: [10, 0, 0, 2].into(), port: 80 },
        client_certainty: Certainty::Observed,
    };
    let secrets = Secrets::none();
    let mut session = Websocket::new(Carrier::Tcp);
    let mut said = Vec::new();
    let wanted = RecordKind::ALL.into_iter().collect();
    let (mut pending, mut skip) = ([Vec::new(), Vec::new()], [0_u64; 2]);
    let mut number = 0;
    let mut context = || {
        number += 1;
        let packet = PacketRef {
            index: number,
            number: PacketNumber::new(0, number),
            timestamp: Timestamp(number as i64 * 1_000_000),
        };
        Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets,
        }
    };
    for (direction, bytes) in steps {
        for piece in bytes.chunks(size) {
            let context = context();
            let place = direction.index();
            let mut piece = piece;
            if skip[place] > 0 {
                let passed = skip[place].min(piece.len() as u64);
                skip[place] -= passed;
                piece = &piece[passed as usize..];
                if skip[place] > 0 {
                    continue;
                }
            }
            pending[place].extend_from_slice(piece);
            let offered = pending[place].clone();
            let input = Input::Stream { direction: *direction, bytes: &offered };
            match session.input(input, &context, &mut Sink::new(wanted, false, &mut said)) {
                Progress::Consumed(count) | Progress::Need { consumed: count, .. } => {
                    pending[place].drain(..count);
                }
                Progress::Skip(length) => {
                    let beyond = length.saturating_sub(offered.len() as u64);
                    pending[place].clear();
                    if beyond > 0 {
                        // Told as if it had passed: the test's pieces are whole.
                        skip[place] = beyond;
                        let told = Input::Skipped { direction: *direction, length, missing: 0 };
                        session.input(told, &context, &mut Sink::new(wanted, false, &mut said));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let context = context();
    if let Some((direction, cause)) = end {
        let input = Input::End { direction, cause };
        session.input(input, &context, &mut Sink::new(wanted, false, &mut said));
    }
    session.input(Input::Close, &context, &mut Sink::new(wanted, false, &mut said));
    let (mut records, mut findings) = (Vec::new(), Vec::new());
    for said in said {
        match said {
            Said::Record(Record::Websocket(record)) => records.push(*record),
            Said::Record(Record::Finding(finding)) => findings.push(*finding),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(records.len(), 1);
    (records.remove(0), findings)
}

fn dialogue() -> Vec<(Direction, Vec<u8>)> {
    vec![
        (C, frame(C, 0x81, b"hello")),
        (S, frame(S, 0x01, b"in ")),
        (S, frame(S, 0x89, b"?")),
        (C, frame(C, 0x8a, b"?")),
        (S, frame(S, 0x80, b"two")),
        (C, frame(C, 0xc2, &[7; 300])),
        (C, frame(C, 0x88, &[3, 0xe8, b'b', b'y', b'e'])),
        (S, frame(S, 0x88, &[3, 0xe8])),
    ]
}

#[test]
fn frames_are_counted_in_every_split() {
    for size in [1, 2, 3, 5, 7, 1000] {
        let (record, findings) = run(&dialogue(), size, Some((S, EndCause::Fin)));
        let (sent, received) = (record.sent, record.received);
        assert_eq!((sent.frames, sent.text_messages, sent.binary_messages, sent.pongs), (4, 1, 1, 1), "{size}");
        assert_eq!((sent.data_bytes, sent.compressed_messages), (305, 1));
        assert_eq!((received.frames, received.text_messages, received.continuations, received.pings), (4, 1, 1, 1));
        let close: Vec<_> =
            record.close.iter().map(|close| (close.side, close.code, close.reason.as_deref())).collect();
        assert_eq!(close, [(Side::Client, Some(1000), Some("bye")), (Side::Server, Some(1000), None)]);
        assert!(record.ping_rtt_min_ns.is_some_and(|rtt| rtt > 0) && record.complete);
        assert!(findings.is_empty(), "{findings:?}");
    }
}

#[test]
fn what_breaks_the_rules_is_told() {
    let codes = |steps: &[(Direction, Vec<u8>)]| -> Vec<String> {
        run(steps, 1000, None).1.into_iter().map(|finding| finding.title).collect()
    };
    assert_eq!(codes(&[(C, frame(S, 0x81, b"x"))]), ["The client sent a frame of the client without a mask"]);
    assert_eq!(codes(&[(S, frame(C, 0x81, b"x"))]), ["The server sent a masked frame of the server"]);
    assert_eq!(codes(&[(S, frame(S, 0x83, b"x"))]), ["The server sent a reserved opcode"]);
    assert_eq!(codes(&[(S, frame(S, 0x80, b"x"))]), ["The server sent a continuation of nothing"]);
    assert_eq!(codes(&[(S, frame(S, 0x09, b"x"))]), ["The server sent a fragmented control frame"]);
    let twice = [frame(S, 0x01, b"x"), frame(S, 0x82, b"y")].concat();
    assert_eq!(codes(&[(S, twice)]), ["The server sent a new message inside another"]);
    assert_eq!(codes(&[(S, frame(S, 0x89, &[0; 126]))]), ["The server sent a control frame of more than 125 bytes"]);
}

#[test]
fn ends_that_are_not_normal() {
    let (_, findings) = run(&[(S, frame(S, 0x88, &[3, 0xf3]))], 9, None);
    assert_eq!(findings[0].code, "websocket.closed-abnormally");
    assert!(findings[0].title.contains("1011 (internal error)"), "{}", findings[0].title);
    let (_, findings) = run(&[(S, frame(S, 0x88, &[3, 0xee]))], 9, None);
    assert_eq!(
        findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["websocket.malformed", "websocket.closed-abnormally"]
    );
    let (_, findings) = run(&[(S, frame(S, 0x81, b"x"))], 9, Some((C, EndCause::Reset)));
    assert_eq!(findings[0].code, "websocket.no-close");
    let (_, findings) = run(&[(S, frame(S, 0x81, b"x"))], 9, None);
    assert!(findings.is_empty());
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 1..200), size in 1usize..50) {
        let half = bytes.len() / 2;
        run(&[(C, bytes[..half].to_vec()), (S, bytes[half..].to_vec())], size, None);
    }
}
