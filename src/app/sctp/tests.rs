//! Associations built chunk by chunk.
use proptest::prelude::*;

use super::PROTOCOL;
use crate::{
    app::codec::above_ip_tests::{Flow, damage},
    record::{Direction, Severity},
};

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() + 4) as u16;
    let mut chunk = vec![kind, flags, (length >> 8) as u8, length as u8];
    chunk.extend_from_slice(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// A packet; its checksum is not right, but another one for each content.
fn packet(tag: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = chunks.concat();
    let sum = body.iter().fold(tag, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte));
    [&[0x9c, 0x40, 0, 80][..], &tag.to_be_bytes(), &sum.to_be_bytes(), &body].concat()
}

fn init(tag: u32, tsn: u32) -> Vec<u8> {
    let mut value = tag.to_be_bytes().to_vec();
    value.extend_from_slice(&[0, 1, 0, 0, 0, 10, 0xff, 0xff]);
    value.extend_from_slice(&tsn.to_be_bytes());
    // FORWARD-TSN supported, Supported Extensions: RE-CONFIG and AUTH.
    value.extend_from_slice(&[0xc0, 0, 0, 4, 0x80, 8, 0, 6, 130, 15, 0, 0]);
    value
}

fn data(tsn: u32, flags: u8, stream: u16, message: u16, protocol: u32, bytes: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend_from_slice(&stream.to_be_bytes());
    value.extend_from_slice(&message.to_be_bytes());
    value.extend_from_slice(&protocol.to_be_bytes());
    value.extend_from_slice(bytes);
    chunk(0, flags, &value)
}

fn sack(cumulative: u32) -> Vec<u8> {
    let mut value = cumulative.to_be_bytes().to_vec();
    value.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    chunk(3, 0, &value)
}

fn established() -> Flow {
    let mut flow = Flow::new(&PROTOCOL, 132, false);
    flow.say(true, 1, &packet(0, &[chunk(1, 0, &init(7, 100))]))
        .say(false, 2, &packet(7, &[chunk(2, 0, &init(9, 500))]))
        .say(true, 3, &packet(9, &[chunk(10, 0, b"cookie")]))
        .say(false, 4, &packet(7, &[chunk(11, 0, &[])]));
    flow
}

#[test]
fn a_handshake_is_told_with_its_times() {
    let heard = established()
        .say(true, 1, &packet(9, &[chunk(4, 0, b"\0\x01\0\x04")]))
        .say(false, 1, &packet(7, &[chunk(5, 0, b"\0\x01\0\x04")]))
        .say(true, 1, &packet(9, &[chunk(7, 0, &499u32.to_be_bytes())]))
        .say(false, 1, &packet(7, &[chunk(8, 0, &[])]))
        .say(true, 1, &packet(9, &[chunk(14, 0, &[])]))
        .close(0);
    assert_eq!(heard.records.len(), 1);
    for (name, values) in [
        ("handshake", vec!["complete"]),
        ("init_to_init_ack_ns", vec!["2000000"]),
        ("cookie_echo_to_cookie_ack_ns", vec!["4000000"]),
        ("handshake_ns", vec!["9000000"]),
        ("verification_tag", vec!["0x00000007", "0x00000009"]),
        ("outbound_streams", vec!["10", "10"]),
        ("receive_window", vec!["65536", "65536"]),
        ("initial_tsn", vec!["100", "500"]),
        ("extensions", vec!["FORWARD-TSN, RE-CONFIG, AUTH"; 2]),
        ("heartbeats", vec!["1, 1 answered"]),
        ("close", vec!["shut down"]),
    ] {
        assert_eq!(heard.facts(name), values, "{name}");
    }
    assert_eq!(heard.codes(), Vec::<&str>::new());
    assert!(heard.records[0].facts.len() < crate::limits::MAX_APPLICATION_FACTS);
}

#[test]
fn messages_are_put_in_order_and_into_their_streams() {
    let heard = established()
        // The second half of a message comes first, between them another stream's.
        .say(true, 1, &packet(9, &[data(102, 1, 1, 0, 0, b"/ HTTP/1.1\r\n")]))
        .say(true, 1, &packet(9, &[data(103, 3, 2, 0, 46, b"Diameter"), data(104, 3, 1, 1, 0, b"\r\n")]))
        .say(true, 1, &packet(9, &[data(101, 2, 1, 0, 0, b"T "), data(100, 7, 1, 0, 0, b"unordered")]))
        .close(0);
    assert_eq!(heard.facts("data_chunks"), ["5"]);
    assert_eq!(heard.facts("data_bytes"), [(12 + 8 + 2 + 2 + 9).to_string()]);
    assert_eq!(heard.facts("payload_protocols"), ["unspecified, Diameter"]);
    assert_eq!(heard.facts("unordered_chunks"), ["1"]);
    let inner: Vec<(u64, u64, &[u8])> =
        heard.inner.iter().map(|(channel, _, offset, bytes)| (*channel, *offset, bytes.as_slice())).collect();
    assert_eq!(inner, [(1, 0, &b"T "[..]), (1, 2, b"/ HTTP/1.1\r\n"), (1, 14, b"\r\n")]);
    assert!(heard.inner.iter().all(|(_, direction, ..)| *direction == Direction::ClientToServer));
}

#[test]
fn what_is_missing_ends_its_stream_only() {
    let heard = established()
        .say(false, 1, &packet(7, &[data(500, 3, 1, 0, 0, b"one"), data(501, 3, 2, 0, 0, b"ONE")]))
        // 502, of stream 1, is not in the capture; its receiver has it.
        .say(false, 1, &packet(7, &[data(503, 3, 1, 2, 0, b"three"), data(504, 3, 2, 1, 0, b"TWO")]))
        .say(true, 1, &packet(9, &[sack(504)]))
        .say(false, 1, &packet(7, &[data(505, 3, 1, 3, 0, b"four")]))
        .close(0);
    assert_eq!(heard.facts("unseen_chunks"), ["1"]);
    let bytes: Vec<&[u8]> = heard.inner.iter().map(|(.., bytes)| bytes.as_slice()).collect();
    assert_eq!(bytes, [&b"one"[..], b"ONE", b"TWO"]);
}

#[test]
fn what_comes_again_is_a_retransmission_unless_the_capture_copied_it() {
    let again = packet(9, &[data(100, 3, 1, 0, 0, b"one"), data(101, 3, 1, 1, 0, b"two")]);
    let mut flow = established();
    flow.say(true, 1, &again).say(true, 0, &again);
    let heard = flow.say(true, 1000, &again).close(0);
    assert_eq!(heard.facts("retransmitted_chunks"), ["2"]);
    assert_eq!(heard.notes, ["SCTP retransmission of TSN 100, 101"]);
    assert_eq!((heard.codes(), heard.findings[0].severity), (vec!["sctp.retransmissions"], Severity::Note));
    assert_eq!(heard.inner.len(), 2);
}

#[test]
fn aborts_and_silence_are_told() {
    let mut flow = Flow::new(&PROTOCOL, 132, false);
    let opening = packet(0, &[chunk(1, 0, &init(7, 100))]);
    let heard = flow.say(true, 1, &opening).say(false, 1, &packet(7, &[chunk(6, 1, &[])])).close(0);
    assert_eq!((heard.codes(), heard.facts("handshake")), (vec!["sctp.refused"], vec!["refused"]));

    let mut flow = Flow::new(&PROTOCOL, 132, false);
    let heard = flow.say(true, 1, &opening).say(true, 1000, &opening).close(0);
    assert_eq!((heard.codes(), heard.facts("inits")), (vec!["sctp.unanswered"], vec!["2"]));
    let mut flow = Flow::new(&PROTOCOL, 132, false);
    assert!(flow.say(true, 1, &opening).close(1000).codes().is_empty(), "the capture ends too early to tell");

    let abort = chunk(6, 0, &[0, 13, 0, 11, b'n', b'o', b' ', b't', b'a', b'g', b'!', 0]);
    let heard = established().say(false, 1, &packet(7, &[abort])).close(0);
    assert_eq!((heard.codes(), heard.findings[0].severity), (vec!["sctp.aborted"], Severity::Warning));
    assert_eq!(heard.facts("close"), ["aborted: protocol violation: no tag!"]);
    let heard = established().say(true, 1, &packet(9, &[chunk(6, 0, &[0, 12, 0, 4])])).close(0);
    assert_eq!(heard.findings[0].severity, Severity::Note);

    let error = chunk(9, 0, &[0, 1, 0, 8, 0, 5, 0, 0]);
    let heard = established().say(false, 1, &packet(7, &[error])).close(0);
    assert_eq!((heard.codes(), heard.facts("error")), (vec!["sctp.error"], vec!["invalid stream identifier"]));
}

#[test]
fn the_next_association_is_another_record() {
    let mut flow = established();
    flow.say(true, 1, &packet(9, &[data(100, 3, 1, 0, 0, b"one")]));
    let heard = flow
        .say(true, 1, &packet(0, &[chunk(1, 0, &init(77, 4000))]))
        .say(false, 1, &packet(77, &[chunk(2, 0, &init(99, 5000))]))
        .say(true, 1, &packet(99, &[chunk(10, 0, b"cookie"), data(4000, 3, 1, 0, 0, b"uno")]))
        .close(0);
    assert_eq!(heard.facts("handshake"), ["complete", "complete, COOKIE ACK not seen"]);
    let channels: Vec<u64> = heard.inner.iter().map(|(channel, ..)| *channel).collect();
    assert_eq!(channels, [1, 1 << 16 | 1]);
}

#[test]
fn an_init_behind_its_answers_opens_nothing_new() {
    let mut flow = Flow::new(&PROTOCOL, 132, false);
    let heard = flow
        .say(true, 1, &packet(9, &[data(100, 3, 1, 0, 3, b"one")]))
        .say(false, 1, &packet(7, &[chunk(11, 0, &[])]))
        .say(false, 1, &packet(7, &[chunk(2, 0, &init(9, 500))]))
        .say(true, 1, &packet(0, &[chunk(1, 0, &init(7, 100))]))
        .close(10_000);
    assert_eq!((heard.records.len(), heard.codes()), (1, vec![]));
}

#[test]
fn what_waits_is_bounded() {
    let mut flow = established();
    let many = 2 * crate::limits::MAX_SCTP_WAITING_CHUNKS as u32 - 48;
    for tsn in 0..many {
        flow.say(true, 1, &packet(9, &[data(200 + tsn, 3, 1, 0, 0, b"one")]));
    }
    let heard = flow.close(0);
    assert_eq!(heard.limits.first().map(|limit| limit.code), Some("ip.limit"));
    assert_eq!(heard.facts("data_chunks"), ["2000"]);
    assert_eq!(heard.facts("unseen_chunks"), ["100"]);
    // The same by their length.
    let mut flow = established();
    for tsn in 0..(crate::limits::MAX_SCTP_WAITING_BYTES / 10_000 + 2) as u32 {
        flow.say(true, 1, &packet(9, &[data(200 + tsn, 3, 1, 0, 0, &[b'x'; 10_000])]));
    }
    assert_eq!(flow.close(0).limits.first().map(|limit| limit.code), Some("ip.limit"));
}

#[test]
fn streams_are_bounded() {
    let mut flow = established();
    let most = crate::limits::MAX_INNER_CHANNELS as u16;
    for stream in 0..most + 3 {
        flow.say(true, 1, &packet(9, &[data(100 + u32::from(stream), 3, stream, 0, 0, b"GET / HTTP/1.1\r\n")]));
    }
    let heard = flow.close(0);
    let told = heard.limits.iter().filter(|limit| limit.code == "capture.inner-limit").count();
    assert_eq!((told, heard.inner.len()), (3, usize::from(most)));
}

#[test]
fn damage_is_survived() {
    let whole =
        packet(9, &[chunk(1, 0, &init(7, 100)), data(100, 3, 1, 0, 0, b"GET"), sack(7), chunk(6, 0, &[0, 12, 0, 4])]);
    damage(&PROTOCOL, 132, false, &whole);
}

proptest! {
    #[test]
    fn any_bytes_are_read(messages in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..96)), 0..12)) {
        let mut flow = Flow::new(&PROTOCOL, 132, false);
        for (side, mut bytes) in messages {
            // Half of them have a chunk that is looked into.
            if bytes.len() > 15 && side {
                bytes[12] %= 16;
                bytes[14] = 0;
            }
            flow.say(side, 2, &bytes);
        }
        let heard = flow.close(0);
        prop_assert!(heard.records.iter().all(|record| record.facts.len() <= crate::limits::MAX_APPLICATION_FACTS));
    }
}
