//! Measurements of hand-made segments: one test for each rule.
use proptest::prelude::*;

use super::{endpoint::Endpoint, loss::Trouble, options::Options, segment::Segment};
use crate::{
    record::{InitialWindow, LimitedBy, PacketNumber, PacketRef, Timestamp},
    wire::{TcpFlags, TcpHeader, TcpOptions},
};

const MS: i64 = 1_000_000;
const SIZE: u32 = 1000;

/// A segment, numbers relative to where both sides begin.
#[derive(Clone, Debug, Default)]
struct Shot {
    flags: u16,
    sequence: u32,
    ack: u32,
    length: u32,
    window: u16,
    clocks: Option<(u32, u32)>,
    blocks: Vec<(u32, u32)>,
    identification: u16,
    ecn: u8,
}

impl Shot {
    fn blocks(mut self, blocks: &[(u32, u32)]) -> Self {
        self.blocks = blocks.to_vec();
        self
    }

    fn clocks(mut self, value: u32, echo: u32) -> Self {
        self.clocks = Some((value, echo));
        self
    }

    fn window(mut self, window: u16) -> Self {
        self.window = window;
        self
    }

    fn with(mut self, flag: TcpFlags) -> Self {
        self.flags |= flag.0;
        self
    }
}

fn data(number: u32) -> Shot {
    piece(1 + number * SIZE, SIZE)
}

fn piece(sequence: u32, length: u32) -> Shot {
    Shot { flags: TcpFlags::ACK.0, sequence, ack: 1, length, window: 60_000, ..Shot::default() }
}

/// The acknowledgement of all before segment `number`.
fn ack(number: u32) -> Shot {
    piece(1, 0).acknowledging(1 + number * SIZE)
}

impl Shot {
    fn acknowledging(mut self, ack: u32) -> Self {
        self.ack = ack;
        self
    }
}

/// The numbers of segments `from` up to `to`, as a block.
fn block(from: u32, to: u32) -> (u32, u32) {
    (1 + from * SIZE, 1 + to * SIZE)
}

/// A connection whose client sends.
#[derive(Default)]
struct Line {
    client: Endpoint,
    server: Endpoint,
    now: i64,
    number: u64,
    /// Added to all sequence numbers and clocks of the client, of the server.
    offsets: [u32; 2],
}

impl Line {
    /// After a handshake over a path of 40 ms, seen at the client.
    fn open() -> Self {
        Self::with_options(&[4, 2, 3, 3, 0], [0, 0])
    }

    fn with_options(syn_options: &[u8], offsets: [u32; 2]) -> Self {
        let mut line = Self { offsets, ..Self::default() };
        let syn = Shot { flags: TcpFlags::SYN.0, window: 60_000, ..Shot::default() };
        line.shoot(true, &syn, syn_options);
        line.now += 40;
        let answer = Shot { flags: TcpFlags::SYN.0 | TcpFlags::ACK.0, ack: 1, window: 60_000, ..Shot::default() };
        line.shoot(false, &answer, syn_options);
        line.client(&ack(0));
        line
    }

    fn client(&mut self, shot: &Shot) {
        self.shoot(true, shot, &[]);
    }

    fn server(&mut self, shot: &Shot) {
        self.shoot(false, shot, &[]);
    }

    fn wait(&mut self, milliseconds: i64) -> &mut Self {
        self.now += milliseconds;
        self
    }

    fn shoot(&mut self, from_client: bool, shot: &Shot, more: &[u8]) {
        let [client, server] = self.offsets;
        let (own, other) = if from_client { (client, server) } else { (server, client) };
        let mut options = more.to_vec();
        if let Some((value, echo)) = shot.clocks {
            options.extend([1, 1, 8, 10]);
            options.extend(value.wrapping_add(own).to_be_bytes());
            options.extend(echo.wrapping_add(other).to_be_bytes());
        }
        if !shot.blocks.is_empty() {
            options.extend([5, 2 + 8 * shot.blocks.len() as u8]);
            for (left, right) in &shot.blocks {
                options.extend(left.wrapping_add(other).to_be_bytes());
                options.extend(right.wrapping_add(other).to_be_bytes());
            }
        }
        let timestamp = Timestamp(self.now * MS);
        let segment = Segment {
            header: TcpHeader {
                sequence_number: shot.sequence.wrapping_add(own),
                acknowledgment_number: shot.ack.wrapping_add(other),
                flags: TcpFlags(shot.flags),
                window: shot.window,
                ..TcpHeader::default()
            },
            payload: &[],
            length: shot.length,
            options: TcpOptions::new(&options),
            at: PacketRef { index: self.number, number: PacketNumber::new(0, self.number + 1), timestamp },
            wire_length: 54 + shot.length,
            identification: shot.identification,
            hop_limit: 64,
            ecn: shot.ecn,
        };
        self.number += 1;
        let (sender, receiver) =
            if from_client { (&mut self.client, &mut self.server) } else { (&mut self.server, &mut self.client) };
        sender.packets += 1;
        sender.payload_bytes += u64::from(shot.length);
        if segment.header.flags.syn() {
            sender.announce(&segment);
        }
        let options = Options::of(&segment);
        sender.sent(&segment, &options, receiver);
        if segment.header.flags.ack() {
            receiver.acknowledged_by(segment.header.acknowledgment_number, sender.repeats(), &segment, &options);
        }
        if segment.header.flags.fin() {
            sender.fin.get_or_insert(segment.end().wrapping_sub(1));
        }
    }

    /// Sends segments `from` up to `to` at once.
    fn flight(&mut self, from: u32, to: u32) {
        for number in from..to {
            self.client(&data(number));
        }
    }

    fn trouble(&self) -> &Trouble {
        self.client.trouble.as_deref().expect("nothing happened")
    }

    /// Retransmissions: all, fast, timeouts, probes, spurious; and out of order.
    fn counts(&self) -> [u64; 6] {
        counts(&self.client)
    }
}

fn counts(end: &Endpoint) -> [u64; 6] {
    end.trouble
        .as_deref()
        .map_or([0; 6], |t| [t.retransmissions, t.fast, t.timeouts, t.probes, t.spurious, t.out_of_order])
}

#[test]
fn three_duplicate_acknowledgements_make_a_fast_retransmission() {
    for (duplicates, fast) in [(2, 0), (3, 1), (5, 1)] {
        let mut line = Line::open();
        line.flight(0, 6);
        line.wait(40).server(&ack(0));
        for _ in 1..duplicates {
            line.server(&ack(0));
        }
        line.client(&data(0));
        // The acknowledgement of the handshake was not repeated: the server's first one is.
        assert_eq!(line.counts()[..2], [1, fast], "{duplicates}");
    }
}

#[test]
fn a_selective_acknowledgement_makes_a_fast_retransmission() {
    let mut line = Line::open();
    line.flight(0, 6);
    line.wait(40).server(&ack(0).blocks(&[block(1, 2)]));
    line.client(&data(0));
    assert_eq!(line.counts()[..4], [1, 1, 0, 0]);
    assert_eq!(line.trouble().loss_episodes, 1);
    // What else was lost then belongs to it (RFC 6582 3.2), and ends with it.
    line.wait(40).server(&ack(3));
    line.client(&data(3));
    assert_eq!((line.counts()[1], line.trouble().loss_episodes), (2, 1));
    line.wait(40).server(&ack(6));
    assert!(!line.trouble().recovers());
}

#[test]
fn silence_makes_a_timeout_even_in_a_recovery() {
    let mut line = Line::open();
    line.flight(0, 6);
    line.wait(40).server(&ack(0).blocks(&[block(1, 2)]));
    line.client(&data(0));
    line.wait(260).client(&data(0));
    assert_eq!(line.counts()[..4], [2, 1, 1, 0]);
    // Then it goes back and sends all again.
    line.wait(40).server(&ack(1));
    line.client(&data(1));
    assert_eq!(line.counts()[..4], [3, 1, 2, 0]);
    assert_eq!(line.trouble().loss_episodes, 1);
}

#[test]
fn without_duplicates_a_wait_is_a_timeout() {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(250).client(&data(0));
    assert_eq!(line.counts()[..4], [1, 0, 1, 0]);
}

#[test]
fn sent_again_at_once_without_a_reason_is_of_no_kind() {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(5).client(&data(0));
    assert_eq!(line.counts()[..4], [1, 0, 0, 0]);
}

#[test]
fn the_last_segment_is_sent_as_a_probe() {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(90).client(&data(2));
    assert_eq!(line.counts()[..4], [1, 0, 0, 1]);
    assert_eq!(line.trouble().loss_episodes, 0);
    // Once only: then the timer expires.
    line.wait(250).client(&data(0));
    line.wait(10).client(&data(2));
    assert_eq!(line.counts()[..4], [3, 0, 2, 1]);
}

#[test]
fn probes_need_selective_acknowledgements() {
    let mut line = Line::with_options(&[], [0, 0]);
    line.flight(0, 3);
    line.wait(90).client(&data(2));
    assert_eq!(line.counts()[..4], [1, 0, 1, 0]);
}

#[test]
fn a_timer_that_doubles_was_no_probe() {
    for (second_wait, timeouts, probes) in [(250, 1, 1), (500, 2, 0)] {
        let mut line = Line::open();
        line.flight(0, 1);
        line.wait(250).client(&data(0));
        assert_eq!(line.counts()[..4], [1, 0, 0, 1]);
        line.wait(second_wait).client(&data(0));
        assert_eq!(line.counts()[..4], [2, 0, timeouts, probes], "{second_wait}");
    }
}

#[test]
fn a_syn_sent_again_is_a_timeout_and_crossing_syns_are_not_sent_again() {
    let mut line = Line::default();
    let syn = Shot { flags: TcpFlags::SYN.0, ..Shot::default() };
    line.client(&syn);
    line.wait(1000).client(&syn);
    assert_eq!(line.counts()[..4], [1, 0, 1, 0]);

    let mut line = Line::default();
    let answer = Shot { flags: TcpFlags::SYN.0 | TcpFlags::ACK.0, ack: 1, ..Shot::default() };
    line.client(&syn);
    line.server(&syn);
    line.wait(80).client(&answer);
    line.server(&answer);
    assert_eq!((counts(&line.client)[0], counts(&line.server)[0]), (0, 0));
    line.wait(1000).client(&answer);
    assert_eq!(line.counts()[..4], [1, 0, 1, 0]);
}

#[test]
fn what_had_been_acknowledged_was_sent_in_vain() {
    let mut line = Line::open();
    line.flight(0, 2);
    line.wait(40).server(&ack(2));
    line.wait(250).client(&data(0));
    assert_eq!(line.counts(), [1, 0, 1, 0, 1, 0]);
}

#[test]
fn a_duplicate_report_judges_what_was_sent_again_once() {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(250).client(&data(0));
    line.wait(20).server(&ack(3));
    assert_eq!(line.counts()[4], 0);
    for _ in 0..2 {
        line.wait(20).server(&ack(3).blocks(&[block(0, 1)]));
        assert_eq!(line.counts()[4], 1);
    }
    let server = line.server.trouble.as_deref().unwrap();
    assert_eq!((server.sack_blocks, server.duplicate_sacks), (2, 2));
}

#[test]
fn a_duplicate_made_by_the_network_judges_nothing() {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(40).server(&ack(3).blocks(&[block(0, 1)]));
    assert_eq!(line.counts(), [0; 6]);
    assert_eq!(line.server.trouble.as_deref().unwrap().duplicate_sacks, 1);
}

#[test]
fn a_duplicate_within_the_next_block_is_one() {
    let mut line = Line::open();
    line.flight(0, 5);
    // RFC 2883 4.2: the first block lies within the second.
    line.wait(40).server(&ack(1).blocks(&[block(3, 4), block(2, 5)]));
    let server = line.server.trouble.as_deref().unwrap();
    assert_eq!((server.sack_blocks, server.duplicate_sacks), (2, 1));
}

#[test]
fn the_echoed_clock_tells_the_copies_apart() {
    for (echo, spurious, sample) in [(100, 1, 290), (350, 0, 40)] {
        let mut line = Line::open();
        line.client(&data(0).clocks(100, 1));
        line.wait(250).client(&data(0).clocks(350, 1));
        line.wait(40).server(&ack(1).clocks(2, echo));
        assert_eq!(line.counts()[4], spurious, "{echo}");
        // The handshake gave the first sample.
        assert_eq!((line.client.rtt.count, line.client.rtt.summary().max_ns), (2, Some(sample.max(40) * MS)));
    }
}

#[test]
fn without_clocks_what_was_sent_again_is_not_timed() {
    let mut line = Line::open();
    line.flight(0, 2);
    line.wait(250).client(&data(0));
    line.wait(40).server(&ack(2));
    assert_eq!(line.client.rtt.count, 1);
    line.client(&data(2));
    line.wait(50).server(&ack(3));
    assert_eq!((line.client.rtt.count, line.client.rtt.summary().max_ns), (2, Some(50 * MS)));
}

#[test]
fn only_the_oldest_segments_clock_is_judged() {
    // All are sent again; the acknowledgement of all echoes the clock of the first copy (RFC 7323 4.3).
    let mut line = Line::open();
    for number in 0..3 {
        line.client(&data(number).clocks(100, 1));
    }
    line.wait(250);
    for number in 0..3 {
        line.wait(1).client(&data(number).clocks(350 + number, 1));
    }
    line.wait(40).server(&ack(3).clocks(2, 350));
    assert_eq!(line.counts()[4], 0);
}

#[test]
fn what_waited_for_a_hole_is_not_timed() {
    let mut line = Line::open();
    line.flight(0, 4);
    // Segment 0 was lost behind the tap: what arrived is acknowledged only when it has come again.
    for _ in 0..3 {
        line.wait(13).server(&ack(0));
    }
    line.client(&data(0));
    line.wait(40).server(&ack(4));
    assert_eq!(line.client.rtt.count, 1);
}

/// Segment 1 is missing, 2 and 3 came; then 1 comes after `wait` ms.
fn filled(wait: i64, change: impl Fn(Shot, u32) -> Shot) -> [u64; 6] {
    let mut line = Line::open();
    for number in [0, 2, 3] {
        line.client(&change(data(number), number));
    }
    line.wait(wait).client(&change(data(1), 1));
    line.counts()
}

#[test]
fn the_clock_tells_what_was_overtaken() {
    // Late, but sent before.
    assert_eq!(filled(50, |shot, number| shot.clocks(100 + number, 1))[5], 1);
    // Soon, but sent after.
    let again = filled(1, |shot, number| shot.clocks(if number == 1 { 104 } else { 100 + number }, 1));
    assert_eq!((again[0], again[5]), (1, 0));
}

#[test]
fn the_identification_tells_what_was_overtaken() {
    let order = |shot: Shot, number: u32| Shot { identification: 500 + number as u16, ..shot };
    // The second step is missing in the first two packets; a counter shows in what follows.
    let late = |change: &dyn Fn(Shot, u32) -> Shot| {
        let mut line = Line::open();
        for number in [0, 1, 3, 4] {
            line.client(&change(data(number), number));
        }
        line.wait(50).client(&change(data(2), 2));
        line.counts()
    };
    assert_eq!(late(&order)[5], 1);
    let again =
        late(&|shot, number| Shot { identification: if number == 2 { 506 } else { 500 + number as u16 }, ..shot });
    assert_eq!((again[0], again[5]), (1, 0));
}

#[test]
fn else_time_tells_what_was_overtaken() {
    assert_eq!(filled(1, |shot, _| shot)[5], 1);
    assert_eq!(filled(50, |shot, _| shot)[0], 1);
}

#[test]
fn duplicate_acknowledgements_are_those_of_rfc_5681() {
    let duplicates = |line: &Line| line.server.trouble.as_deref().map_or(0, |trouble| trouble.duplicate_acks);
    let mut line = Line::open();
    // Nothing is outstanding.
    line.server(&ack(0));
    line.server(&ack(0));
    assert_eq!(duplicates(&line), 0);
    line.flight(0, 4);
    line.server(&ack(0));
    assert_eq!(duplicates(&line), 1);
    // Another window: an update. Data: no duplicate.
    line.server(&ack(0).window(50_000));
    line.server(&piece(1, 10).window(50_000));
    assert_eq!(duplicates(&line), 1);
    line.server(&piece(11, 0).window(50_000));
    assert_eq!(duplicates(&line), 2);
}

#[test]
fn selective_acknowledgements_show_data_that_was_not_captured() {
    let mut line = Line::open();
    line.server(&ack(0).blocks(&[block(1, 2)]));
    assert_eq!(line.server.trouble.as_deref().unwrap().duplicate_acks, 1);
}

#[test]
fn keep_alives_and_probes_of_a_closed_window() {
    let mut line = Line::open();
    line.flight(0, 1);
    line.wait(40).server(&ack(1));
    // Linux sends nothing, others a byte (RFC 9293 3.8.4).
    line.wait(1000).client(&piece(SIZE, 0));
    line.wait(1000).client(&piece(SIZE, 1));
    let trouble = line.trouble();
    assert_eq!((trouble.keep_alives, trouble.zero_window_probes, trouble.retransmissions), (2, 0, 0));
    line.server(&ack(1).window(0));
    // Linux sends nothing, others the next byte (RFC 9293 3.8.6.1), again and again.
    line.wait(1000).client(&piece(SIZE, 0));
    line.wait(1000).client(&piece(SIZE + 1, 1));
    line.wait(1000).client(&piece(SIZE + 1, 1));
    let trouble = line.trouble();
    assert_eq!((trouble.keep_alives, trouble.zero_window_probes, trouble.retransmissions), (2, 3, 0));
    line.server(&ack(1));
    let server = line.server.trouble.as_deref().unwrap();
    assert_eq!((server.zero_windows, server.zero_window_ns), (1, 3000 * MS));
}

#[test]
fn repetitions_of_a_closed_window_are_no_reason_to_send_again() {
    let mut line = Line::open();
    line.flight(0, 6);
    for _ in 0..5 {
        line.wait(1).server(&ack(0).window(0));
    }
    line.server(&ack(0));
    line.wait(41).client(&data(0));
    assert_eq!(line.counts()[..2], [1, 0]);
}

#[test]
fn a_single_byte_that_was_not_acknowledged_is_sent_again() {
    let mut line = Line::open();
    line.client(&piece(1, 1));
    line.wait(300).client(&piece(1, 1));
    assert_eq!((line.counts()[0], line.trouble().keep_alives), (1, 0));
}

#[test]
fn windows_are_scaled_by_both_or_not_at_all() {
    // Shift 3 on both sides; the windows of the SYNs are not scaled.
    let line = Line::with_options(&[3, 3, 3, 0], [0, 0]);
    assert_eq!(line.server.window_bytes(&line.client), Some(60_000));
    assert_eq!(line.client.window_bytes(&line.server), Some(480_000));
    // Nobody scales.
    let line = Line::with_options(&[], [0, 0]);
    assert_eq!(line.client.window_bytes(&line.server), Some(60_000));
    // Joined late.
    let mut line = Line::default();
    line.client(&data(0));
    assert_eq!(line.client.window_bytes(&line.server), None);
    line.client(&data(1).window(0));
    assert_eq!(line.client.window_bytes(&line.server), Some(0));
}

#[test]
fn a_full_window_is_seen_where_its_scale_is_known() {
    let mut line = Line::open();
    line.server(&ack(0).window(3000));
    line.flight(0, 3);
    assert_eq!(line.trouble().window_full, 1);
    let samples = line.client.transfer.as_deref().unwrap().series.samples();
    let seen: Vec<_> = samples.iter().map(|sample| (sample.bytes_in_flight, sample.receive_window)).collect();
    assert_eq!(seen, [(1000, Some(3000)), (2000, Some(3000)), (3000, Some(3000))]);
    let mut line = Line::default();
    line.server(&ack(0).window(3000));
    line.flight(0, 3);
    assert!(line.client.trouble.is_none());
    let samples = line.client.transfer.as_deref().unwrap().series.samples();
    assert!(samples.iter().all(|sample| sample.receive_window.is_none()));
}

#[test]
fn rates_count_new_bytes_and_all() {
    let mut line = Line::open();
    line.flight(0, 1);
    line.wait(500).client(&data(0));
    line.wait(40).server(&ack(1));
    line.wait(460).client(&data(1));
    line.wait(40).server(&ack(2));
    let fin = data(2).with(TcpFlags::FIN);
    line.client(&Shot { length: 0, ..fin });
    line.wait(40).server(&ack(2).acknowledging(2 + 2 * SIZE));
    // Three segments in a second, two of them new.
    assert_eq!(line.client.rates(Some(40 * MS)), (Some(24_000), Some(16_000)));
    // Less than a round trip tells nothing.
    assert_eq!(line.client.rates(Some(1_001 * MS)), (None, None));
    assert_eq!(line.server.rates(Some(40 * MS)), (None, None));
}

/// Three segments, an acknowledgement after 40 ms, more after `wait` ms.
fn first_flight(wait: i64) -> Line {
    let mut line = Line::open();
    line.flight(0, 3);
    line.wait(40).server(&ack(1));
    line.wait(wait).client(&data(3));
    line
}

#[test]
fn the_initial_window_is_the_first_flight_if_more_was_waiting() {
    let path = Some(40 * MS);
    assert_eq!(first_flight(1).client.initial_window(path), Some(InitialWindow { bytes: 3000, segments: 3 }));
    assert_eq!(first_flight(30).client.initial_window(path), None);
    // Nearer to the receiver, the acknowledgements come before the flight has passed.
    assert_eq!(first_flight(1).client.initial_window(Some(200 * MS)), None);
}

#[test]
fn limits_are_told_near_the_sender_only() {
    let line = first_flight(1);
    let network_ns = 41 * MS;
    let all = LimitedBy { network_ns, ..LimitedBy::default() };
    assert_eq!(line.client.limited_by(Some(40 * MS)), Some(all));
    assert_eq!(line.client.limited_by(Some(200 * MS)), None);
    assert_eq!(line.client.limited_by(None), None);
}

#[test]
fn congestion_signals_are_counted_behind_the_handshake() {
    let mut line = Line::default();
    let syn = Shot { flags: TcpFlags::SYN.0, ..Shot::default() };
    line.client(&syn.with(TcpFlags::ECE).with(TcpFlags::CWR));
    line.client(&Shot { ecn: 3, ..data(0) });
    line.server(&ack(1).with(TcpFlags::ECE));
    line.client(&Shot { ecn: 2, ..data(1).with(TcpFlags::CWR) });
    let (client, server) = (line.trouble(), line.server.trouble.as_deref().unwrap());
    assert_eq!((client.ecn_ce, client.ece, client.cwr), (1, 0, 1));
    assert_eq!((server.ecn_ce, server.ece, server.cwr), (0, 1, 0));
}

#[test]
fn an_empty_segment_ahead_shows_what_was_lost_before_the_tap() {
    for (value, counts) in [(90, [0, 0, 0, 0, 0, 1]), (130, [1, 0, 0, 0, 0, 0])] {
        let mut line = Line::open();
        line.client(&data(0).clocks(80, 1));
        line.server(&ack(1));
        line.client(&Shot { length: 0, ..data(2).clocks(100, 2) });
        assert_eq!(line.counts(), [0; 6]);
        line.wait(5).client(&data(1).clocks(value, 1));
        assert_eq!(line.counts(), counts, "{value}");
        assert_eq!(line.client.gap_bytes(), 0);
    }
}

#[test]
fn an_answer_to_an_earlier_connection_moves_nothing() {
    let mut line = Line::default();
    let syn = Shot { flags: TcpFlags::SYN.0, ..Shot::default() };
    line.client(&syn);
    // The server still has the old connection (RFC 9293 3.5.1): its acknowledgement fits nothing.
    line.server(&piece(700_000_000, 0).acknowledging(800_000_000));
    line.wait(1000).client(&syn);
    line.server(&Shot { flags: TcpFlags::SYN.0 | TcpFlags::ACK.0, ack: 1, ..Shot::default() });
    line.client(&ack(0));
    line.flight(0, 2);
    line.wait(40).server(&ack(2));
    line.server(&piece(1, 100));
    assert_eq!(line.counts(), [1, 0, 1, 0, 0, 0]);
    assert_eq!(counts(&line.server), [0; 6]);
    assert_eq!((line.client.gap_bytes(), line.server.gap_bytes()), (0, 0));
    assert_eq!(line.client.max_in_flight, 2000);
}

#[test]
fn copies_are_known_by_more_than_their_number() {
    let numbered = |shot: Shot| Shot { identification: 7, ..shot };
    let mut line = Line::open();
    // All packets of this sender are numbered 7.
    line.client(&numbered(ack(0)));
    line.client(&numbered(piece(1, 10)));
    line.client(&numbered(piece(1, 10).with(TcpFlags::FIN)));
    assert_eq!(line.trouble().copies, 0);
    line.client(&numbered(piece(1, 10)));
    assert_eq!(line.trouble().copies, 1);
}

/// Something that happens in a connection.
#[derive(Clone, Debug)]
enum Happening {
    New,
    Again(u32),
    Acknowledge { number: u32, echo: u32, block: Option<(u32, u32)> },
    Wait(i64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => Just(Happening::New),
        2 => (0..12u32).prop_map(Happening::Again),
        3 => (0..12u32, 0..1000u32, proptest::option::of((0..12u32, 1..4u32)))
            .prop_map(|(number, echo, block)| Happening::Acknowledge { number, echo, block }),
        2 => (1..300i64).prop_map(Happening::Wait),
    ]
}

/// What is measured of a connection in which `happenings` happen, with all numbers and clocks moved by `offsets`.
fn measured(happenings: &[Happening], offsets: [u32; 2]) -> String {
    let mut line = Line::with_options(&[4, 2, 3, 3, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0], offsets);
    let mut next = 0;
    for happening in happenings {
        let clock = u32::try_from(line.now).unwrap();
        match happening {
            Happening::New => {
                line.client(&data(next).clocks(clock, 1));
                next += 1;
            }
            Happening::Again(number) => line.client(&data(number % (next + 1)).clocks(clock, 1)),
            Happening::Acknowledge { number, echo, block: range } => {
                let shot = ack(number % (next + 1)).clocks(1, *echo);
                line.server(&match range {
                    Some((from, count)) => shot.blocks(&[block(*from, from + count)]),
                    None => shot,
                });
            }
            Happening::Wait(milliseconds) => line.now += milliseconds,
        }
    }
    let end = &line.client;
    let trouble = end.trouble.as_deref().map(|t| {
        assert!(t.fast + t.timeouts + t.probes <= t.retransmissions);
        assert!(t.spurious <= t.retransmissions);
        (t.loss_episodes, t.window_full, t.recovers())
    });
    let samples = end.transfer.as_deref().map(|transfer| transfer.series.samples().to_vec());
    let told = (counts(end), trouble, end.gap_bytes());
    let path = Some(40 * MS);
    let rates = (end.rates(path), end.initial_window(path), end.limited_by(path));
    format!("{told:?} {:?} {samples:?} {rates:?} {:?}", end.rtt.summary(), counts(&line.server))
}

proptest! {
    /// Sequence numbers and clocks have 32 bits and wrap: where they begin changes nothing.
    #[test]
    fn wrapping_numbers_and_clocks_change_nothing(
        happenings in proptest::collection::vec(happening(), 1..60),
        client in prop_oneof![any::<u32>(), (0xffff_d000..=u32::MAX)],
        server in prop_oneof![any::<u32>(), (0xffff_d000..=u32::MAX)],
    ) {
        prop_assert_eq!(measured(&happenings, [0x1000, 0x1000]), measured(&happenings, [client, server]));
    }
}
