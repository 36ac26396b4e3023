//! Tests of the table: packets in, what the consumer is told out.
use proptest::prelude::*;

use super::*;
use crate::{
    limits::Limit,
    record::{CloseKind, Connection as Report, LinkType, PacketNumber, Severity, Side, TcpState},
};

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

mod room;
mod states;

/// What a consumer was told.
#[derive(Default)]
struct Told {
    inputs: Vec<String>,
    /// The streams' bytes, by direction.
    bytes: [Vec<u8>; 2],
    records: Vec<(u64, Record)>,
    limits: Vec<&'static str>,
    /// With every input: of the whole way, and of the part to the server.
    round_trips: Vec<(Option<i64>, Option<i64>)>,
}

impl Consumer for Told {
    type Conversation = u32;

    fn open(&mut self, _: &FlowFacts) -> u32 {
        0
    }

    fn input(&mut self, _: &mut u32, input: Input<'_>, context: &Context<'_>) -> Progress {
        self.round_trips.push((context.round_trip_ns, context.server_round_trip_ns));
        let (text, progress) = match input {
            Input::Stream { bytes, direction } => {
                self.bytes[direction.index()].extend_from_slice(bytes);
                (format!("{} {}", direction.index(), String::from_utf8_lossy(bytes)), Progress::Consumed(bytes.len()))
            }
            Input::Datagram { bytes, .. } => (format!("datagram {}", bytes.len()), Progress::Consumed(0)),
            Input::Skipped { .. } => panic!("nobody skips here"),
            Input::Gap { direction, length } => (format!("{} gap {length}", direction.index()), Progress::Consumed(0)),
            Input::End { direction, cause } => (format!("{} {cause:?}", direction.index()), Progress::Consumed(0)),
            Input::Close => ("close".to_owned(), Progress::Consumed(0)),
        };
        self.inputs.push(text);
        progress
    }

    fn take_reoffer(&mut self, _: &mut u32) -> bool {
        false
    }

    fn application(&self, _: &u32) -> Option<&'static str> {
        Some("test")
    }

    fn emit(&mut self, at: u64, _: FlowId, record: Record) {
        self.records.push((at, record));
    }

    fn limit(&mut self, limit: &'static Limit, _: PacketRef) {
        self.limits.push(limit.code);
    }
}

impl Told {
    fn connections(&self) -> Vec<&Report> {
        let one = |(_, record): &'_ (u64, Record)| matches!(record, Record::Connection(_));
        let records = self.records.iter().filter(|record| one(record));
        records.filter_map(|(_, record)| if let Record::Connection(c) = record { Some(&**c) } else { None }).collect()
    }

    fn bytes_of(&self, direction: usize) -> Vec<u8> {
        self.bytes[direction].clone()
    }

    fn codes(&self) -> Vec<&'static str> {
        let records = self.records.iter();
        records.filter_map(|(_, record)| if let Record::Finding(f) = record { Some(f.code) } else { None }).collect()
    }
}

/// A table, and packets a millisecond apart.
struct Wire {
    table: Table<Told>,
    told: Told,
    index: u64,
    clock: Timestamp,
    /// IPv4 identification of the next packets.
    identification: u16,
}

impl Wire {
    fn new(max_flows: usize) -> Self {
        let settings = Settings { max_flows, ..Settings::default() };
        Self {
            table: Table::new(settings),
            told: Told::default(),
            index: 0,
            clock: Timestamp(SECOND_NS),
            identification: 0,
        }
    }

    fn at(&self) -> PacketRef {
        let number = PacketNumber::new(0, self.index + 1);
        PacketRef { index: self.index, number, timestamp: self.clock }
    }

    fn ip(&mut self, protocol: u8, source: [u8; 4], destination: [u8; 4], body: &[u8]) {
        let mut bytes = vec![0x45, 0];
        // Longer than it can say: zero, as segmentation offload leaves it.
        bytes.extend_from_slice(&u16::try_from(20 + body.len()).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&self.identification.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 64, protocol, 0, 0]);
        bytes.extend_from_slice(&source);
        bytes.extend_from_slice(&destination);
        bytes.extend_from_slice(body);
        let at = self.at();
        self.table.expire(self.clock, |_| at, &mut self.told);
        let decoded = crate::wire::decode(LinkType(101), &bytes, bytes.len() as u32);
        let wire_length = bytes.len() as u32;
        let packet = Packet {
            at,
            clock: self.clock,
            bytes: &bytes,
            decoded: &decoded,
            wire_length,
            checksum: decoded.transport_checksum(&bytes),
            encapsulated: None,
        };
        assert!(self.table.packet(&packet, &mut self.told).is_some());
        self.index += 1;
        self.clock = self.clock.plus(1_000_000);
    }

    /// From the client (`>`) or the server (`<`): flags, sequence, acknowledgment, payload.
    fn tcp(&mut self, way: char, flags: &str, sequence: u32, ack: u32, payload: &str) {
        let bits = "FSRPA".chars().enumerate().filter(|(_, flag)| flags.contains(*flag));
        let bits = bits.fold(0u8, |bits, (bit, _)| bits | 1 << bit);
        self.segment(way, bits, sequence, ack, 0x1000, payload.as_bytes());
    }

    /// With options, whose length is a multiple of four.
    fn with_options(&mut self, way: char, bits: u16, numbers: (u32, u32), options: &[u8], payload: &[u8]) {
        let ports: (u16, u16) = if way == '>' { (40000, 80) } else { (80, 40000) };
        let mut body = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
        body.extend_from_slice(&numbers.0.to_be_bytes());
        body.extend_from_slice(&numbers.1.to_be_bytes());
        let words = (5 + options.len() / 4) as u16;
        body.extend_from_slice(&(words << 12 | bits).to_be_bytes());
        body.extend_from_slice(&[0x10, 0, 0, 0, 0, 0]);
        body.extend_from_slice(options);
        body.extend_from_slice(payload);
        let (from, to) = if way == '>' { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        self.ip(6, from, to, &body);
    }

    fn segment(&mut self, way: char, bits: u8, sequence: u32, ack: u32, window: u16, payload: &[u8]) {
        let from_client = way == '>';
        let (source, destination): (u16, u16) = if from_client { (40000, 80) } else { (80, 40000) };
        let mut body = Vec::new();
        body.extend_from_slice(&source.to_be_bytes());
        body.extend_from_slice(&destination.to_be_bytes());
        body.extend_from_slice(&sequence.to_be_bytes());
        body.extend_from_slice(&ack.to_be_bytes());
        body.extend_from_slice(&[0x50, bits]);
        body.extend_from_slice(&window.to_be_bytes());
        body.extend_from_slice(&[0; 4]);
        body.extend_from_slice(payload);
        let (from, to) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        self.ip(6, from, to, &body);
    }

    fn udp(&mut self, port: u16) {
        let mut body = port.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 53, 0, 10, 0, 0, 1, 2]);
        self.ip(17, CLIENT, SERVER, &body);
    }

    fn finish(mut self) -> Told {
        let at = self.at();
        self.table.finish(at, &mut self.told);
        assert_eq!(self.table.open_flows(), 0);
        self.told
    }

    fn open(&mut self) {
        self.tcp('>', "S", 100, 0, "");
        self.tcp('<', "SA", 500, 101, "");
        self.tcp('>', "A", 101, 501, "");
    }
}

fn states(report: &Report, side: Side) -> Vec<TcpState> {
    let own = report.transitions.iter().filter(|transition| transition.side == side);
    own.map(|transition| transition.to).collect()
}

use TcpState::{CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, SynReceived, SynSent, TimeWait};

#[test]
fn a_whole_connection() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "PA", 101, 501, "hello");
    wire.tcp('<', "PA", 501, 106, "world!");
    wire.tcp('>', "FA", 106, 507, "");
    wire.tcp('<', "FA", 507, 107, "");
    wire.tcp('>', "A", 107, 508, "");
    let told = wire.finish();
    assert_eq!(told.inputs, ["0 hello", "1 world!", "0 Fin", "1 Fin", "close"]);
    let [report] = told.connections()[..] else { panic!() };
    assert_eq!(states(report, Side::Client), [SynSent, Established, FinWait1, FinWait2, TimeWait]);
    assert_eq!(states(report, Side::Server), [SynReceived, Established, CloseWait, LastAck, Closed]);
    let from = |side| report.transitions.iter().find(|step| step.side == side).and_then(|step| step.from);
    assert_eq!((from(Side::Client), from(Side::Server)), (Some(Closed), Some(TcpState::Listen)));
    assert_eq!(report.completeness, 31);
    assert_eq!(
        (report.zeek.conn_state, report.zeek.history.as_str()),
        ("SF", "ShADdFfA".replace("FfA", "Ff").as_str())
    );
    assert_eq!(report.close.kind, CloseKind::Graceful);
    assert_eq!((report.client.packets, report.server.packets), (5, 3));
    assert_eq!((report.client.payload_bytes, report.server.payload_bytes), (5, 6));
    assert_eq!(report.client.flags, "SAFP");
    assert_eq!(report.handshake.syn_to_syn_ack_ns, Some(1_000_000));
    assert!(report.transitions.iter().filter(|t| t.to != FinWait2).take(4).all(|t| t.certainty == Certainty::Observed));
    assert!(told.codes().is_empty(), "{:?}", told.codes());
}

#[test]
fn a_clock_that_is_set_back_measures_no_round_trip() {
    let mut wire = Wire::new(10);
    wire.tcp('>', "S", 100, 0, "");
    wire.tcp('<', "SA", 500, 101, "");
    wire.clock = Timestamp(SECOND_NS - 5_000);
    wire.tcp('>', "A", 101, 501, "");
    wire.tcp('>', "PA", 101, 501, "hello");
    wire.tcp('<', "PA", 501, 106, "world!");
    wire.tcp('>', "A", 106, 507, "");
    let told = wire.finish();
    // To the server the handshake measured one; the way back only the data did, later.
    assert_eq!(told.round_trips.first(), Some(&(None, Some(1_000_000))));
    assert_eq!(told.round_trips.last(), Some(&(Some(2_000_000), Some(1_000_000))));
    assert_eq!(told.connections()[0].handshake.syn_ack_to_ack_ns, Some(-1_005_000));
}

#[test]
fn simultaneous_close_goes_through_closing() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "FA", 101, 501, "");
    wire.tcp('<', "FA", 501, 101, "");
    wire.tcp('>', "A", 102, 502, "");
    wire.tcp('<', "A", 502, 102, "");
    let told = wire.finish();
    let [report] = told.connections()[..] else { panic!() };
    for side in [Side::Client, Side::Server] {
        assert_eq!(states(report, side)[2..], [FinWait1, Closing, TimeWait]);
    }
}

#[test]
fn refused() {
    let mut wire = Wire::new(10);
    wire.tcp('>', "S", 100, 0, "");
    wire.tcp('<', "RA", 0, 101, "");
    let told = wire.finish();
    let [report] = told.connections()[..] else { panic!() };
    assert_eq!(states(report, Side::Client), [SynSent, Closed]);
    assert_eq!(states(report, Side::Server), []);
    assert_eq!((report.close.kind, report.zeek.conn_state), (CloseKind::Refused, "REJ"));
    assert_eq!(told.codes(), ["tcp.refused"]);
}

#[test]
fn silence_is_no_answer_and_times_out() {
    let mut wire = Wire::new(10);
    wire.tcp('>', "S", 100, 0, "");
    wire.clock = wire.clock.plus(200 * SECOND_NS);
    wire.udp(1);
    let told = wire.finish();
    let [report] = told.connections()[..] else { panic!() };
    assert_eq!(states(report, Side::Client), [SynSent, Closed]);
    assert_eq!(report.close.kind, CloseKind::TimedOut);
    assert_eq!(told.codes(), ["tcp.no-answer"]);
    assert_eq!(told.records[0].0, 1);
}

#[test]
fn another_sequence_number_is_another_connection() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "S", 100, 0, "");
    wire.tcp('>', "S", 9000, 0, "");
    let told = wire.finish();
    let packets: Vec<u64> = told.connections().iter().map(|report| report.client.packets).collect();
    assert_eq!(packets, [3, 1]);
    assert!(told.codes().contains(&"tcp.port-reuse"));
}

#[test]
fn what_the_peer_has_but_the_capture_lost_is_a_gap() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "A", 101, 501, "ab");
    wire.tcp('>', "A", 106, 501, "fg");
    for _ in 0..4 {
        wire.tcp('<', "A", 501, 108, "");
    }
    let told = wire.finish();
    assert_eq!(told.inputs, ["0 ab", "0 gap 3", "0 fg", "close"]);
    assert_eq!(told.connections()[0].client.gap_bytes, 3);
    assert!(told.codes().contains(&"tcp.tap-losses"));
}

#[test]
fn keep_alives_are_no_retransmissions_and_stay_out_of_the_stream() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "A", 101, 501, "ab");
    wire.tcp('<', "A", 501, 103, "");
    wire.tcp('>', "A", 102, 501, "X");
    wire.tcp('<', "A", 501, 103, "");
    let told = wire.finish();
    let client = &told.connections()[0].client;
    assert_eq!((client.keep_alives, client.retransmissions), (1, 0));
    assert_eq!(told.inputs, ["0 ab", "close"]);
}

#[test]
fn a_request_that_crosses_the_fin_is_a_close_race() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('<', "FA", 501, 101, "");
    wire.tcp('>', "A", 101, 501, "GET");
    wire.tcp('<', "R", 502, 0, "");
    wire.tcp('<', "R", 101, 0, "");
    let told = wire.finish();
    assert_eq!(told.codes(), ["tcp.close-race"]);
}

/// What is told of one that was idle for `idle_ns`, and of which `end` is the end.
fn after_silence(idle_ns: i64, end: impl Fn(&mut Wire)) -> Told {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "PA", 101, 501, "first");
    wire.tcp('<', "PA", 501, 106, "answer");
    wire.tcp('>', "A", 106, 507, "");
    wire.clock = wire.clock.plus(idle_ns);
    end(&mut wire);
    wire.finish()
}

#[test]
fn a_request_that_meets_the_fin_near_the_client_is_a_close_race_too() {
    let told = after_silence(5 * SECOND_NS, |wire| {
        wire.tcp('>', "PA", 106, 507, "second");
        wire.tcp('<', "FA", 507, 106, "");
        wire.tcp('>', "FA", 112, 508, "");
        // One RST for the request, one for the FIN: each takes its number from what it answers (RFC 9293 3.10.7.1).
        wire.tcp('<', "R", 507, 0, "");
        wire.tcp('<', "R", 508, 0, "");
    });
    assert_eq!(told.codes(), ["tcp.close-race"]);
    assert_eq!(told.connections()[0].close.kind, CloseKind::Reset);
    let Some((_, Record::Finding(race))) = told.records.last() else { panic!() };
    assert!(race.explanation.contains("after 5.0 s without data"), "{}", race.explanation);
    assert!(race.title.contains("1.0 ms before the FIN"), "{}", race.title);
}

#[test]
fn a_request_to_whoever_forgot_the_connection_is_a_close_race_without_fin() {
    let end = |wire: &mut Wire| {
        wire.tcp('>', "PA", 106, 507, "second");
        wire.tcp('<', "R", 507, 0, "");
    };
    assert_eq!(after_silence(60 * SECOND_NS, end).codes(), ["tcp.close-race"]);
    // Without a silence, the program has crashed or refused to go on.
    assert_eq!(after_silence(0, end).codes(), ["tcp.reset-mid-stream"]);
    // What was acknowledged had arrived.
    let taken = |wire: &mut Wire| {
        wire.tcp('>', "PA", 106, 507, "second");
        wire.tcp('<', "A", 507, 112, "");
        wire.tcp('<', "R", 507, 0, "");
    };
    assert_eq!(after_silence(60 * SECOND_NS, taken).codes(), ["tcp.reset-mid-stream"]);
}

#[test]
fn last_words_are_no_race() {
    let said = |words: &'static str, idle_ns| {
        after_silence(idle_ns, |wire| {
            wire.tcp('<', "FA", 507, 106, "");
            wire.tcp('>', "PA", 106, 508, words);
            wire.tcp('<', "R", 508, 0, "");
        })
    };
    // It knew that the other side had closed, just now.
    assert_eq!(said("QUIT", 0).codes(), ["tcp.reset-after-close"]);
    // It did not look before it used an idle connection again.
    assert_eq!(said("GET /", 5 * SECOND_NS).codes(), ["tcp.close-race"]);
    // TLS's close_notify.
    assert_eq!(said("\u{15}\u{3}\u{3}\0\u{2}\u{1}\0", 5 * SECOND_NS).codes(), ["tcp.reset-after-close"]);
}

#[test]
fn an_upload_that_the_server_cuts_short_is_no_race() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "A", 101, 501, "upload");
    wire.tcp('>', "A", 107, 501, "upload");
    wire.tcp('<', "PA", 501, 107, "too large");
    wire.tcp('<', "FA", 510, 107, "");
    wire.tcp('>', "A", 113, 501, "upload");
    wire.tcp('<', "R", 501, 0, "");
    assert_eq!(wire.finish().codes(), ["tcp.reset-after-close"]);
}

#[test]
fn a_client_that_closes_while_the_server_still_sends_is_no_race() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "FA", 101, 501, "");
    wire.tcp('<', "A", 501, 101, "data");
    wire.tcp('>', "R", 102, 0, "");
    let told = wire.finish();
    assert_eq!(told.codes(), ["tcp.reset-after-close"]);
}

#[test]
fn a_reset_with_data_on_its_way_is_worse_than_one_without() {
    for (payload, severity) in [("", Severity::Note), ("data", Severity::Warning)] {
        let mut wire = Wire::new(10);
        wire.open();
        wire.tcp('<', "A", 501, 101, payload);
        wire.tcp('>', "R", 101, 0, "");
        let told = wire.finish();
        assert_eq!(told.codes(), ["tcp.reset-mid-stream"]);
        let found = |(_, record): &(u64, Record)| matches!(record, Record::Finding(f) if f.severity == severity);
        assert!(told.records.iter().any(found));
    }
}

#[test]
fn a_reset_ends_time_wait() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "FA", 101, 501, "");
    wire.tcp('<', "FA", 501, 102, "");
    wire.tcp('>', "A", 102, 502, "");
    wire.tcp('<', "R", 502, 0, "");
    let told = wire.finish();
    let report = told.connections()[0];
    assert_eq!(states(report, Side::Client)[2..], [FinWait1, FinWait2, TimeWait, Closed]);
    assert_eq!(report.close.kind, CloseKind::Graceful);
}

#[test]
fn copies_are_no_retransmissions() {
    let mut wire = Wire::new(10);
    wire.open();
    for (identification, retransmissions) in [(7, 0), (7, 0), (8, 1)] {
        wire.identification = identification;
        wire.tcp('>', "A", 101, 501, "ab");
        let report = wire.table.slots.get(0).map(|slot| match &slot.kind {
            Kind::Tcp(connection) => connection.record(&slot.facts, None),
            Kind::Syn(_) | Kind::Udp(_) | Kind::Bare(_) => panic!(),
        });
        assert_eq!(report.unwrap().client.retransmissions, retransmissions, "{identification}");
    }
    let told = wire.finish();
    assert!(told.codes().contains(&"tcp.duplicated-packets"));
    assert_eq!(told.inputs, ["0 ab", "close"]);
}

#[test]
fn copies_without_identification_are_told_by_their_numbers() {
    let run = |between: &dyn Fn(&mut Wire)| {
        let mut wire = Wire::new(10);
        wire.open();
        wire.tcp('>', "PA", 101, 501, "data");
        between(&mut wire);
        wire.tcp('>', "PA", 101, 501, "data");
        wire.tcp('<', "A", 501, 105, "");
        let told = wire.finish();
        told.connections()[0].client.retransmissions
    };
    assert_eq!(run(&|_| {}), 0);
    // After a wait, or when the peer asks for it, it was sent again.
    assert_eq!(run(&|wire| wire.clock = wire.clock.plus(20_000_000)), 1);
    assert_eq!(run(&|wire| wire.tcp('<', "A", 501, 101, "")), 1);
}

#[test]
fn data_that_passes_the_tap_behind_its_acknowledgement_is_no_loss() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('<', "A", 501, 105, "");
    wire.tcp('>', "A", 101, 501, "abcd");
    wire.tcp('>', "FA", 105, 501, "");
    let told = wire.finish();
    let client = &told.connections()[0].client;
    assert_eq!((client.gap_bytes, client.retransmissions, client.out_of_order), (0, 0, 1));
    assert!(!told.codes().contains(&"tcp.tap-losses"), "{:?}", told.codes());
}

#[test]
fn sequence_numbers_wrap() {
    let mut wire = Wire::new(10);
    wire.tcp('>', "S", u32::MAX - 2, 0, "");
    wire.tcp('<', "SA", u32::MAX, u32::MAX - 1, "");
    wire.tcp('>', "A", u32::MAX - 1, 0, "hello");
    wire.tcp('<', "A", 0, 3, "world");
    wire.tcp('>', "FA", 3, 5, "");
    wire.tcp('<', "FA", 5, 4, "");
    wire.tcp('>', "A", 4, 6, "");
    let told = wire.finish();
    assert_eq!(told.inputs, ["0 hello", "1 world", "0 Fin", "1 Fin", "close"]);
    let report = told.connections()[0];
    assert_eq!(report.close.kind, CloseKind::Graceful);
    assert_eq!((report.client.retransmissions, report.client.gap_bytes, report.server.gap_bytes), (0, 0, 0));
}

#[test]
fn a_keep_alive_at_the_start_of_the_capture_brings_no_byte() {
    let mut wire = Wire::new(10);
    wire.tcp('<', "A", 501, 101, "");
    wire.tcp('>', "A", 100, 501, "X");
    wire.tcp('<', "A", 501, 101, "");
    wire.tcp('>', "A", 101, 501, "abc");
    let told = wire.finish();
    assert_eq!(told.inputs, ["0 abc", "close"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_comes_the_counts_add_up(
        segments in proptest::collection::vec(
            (any::<bool>(), 0u8..64, 0u32..40, 0u32..40, any::<u16>(), 0usize..20, 0u16..4, 0u32..200),
            1..120,
        ),
        origin in prop_oneof![Just(0u32), Just(u32::MAX - 15), any::<u32>()],
    ) {
        let mut wire = Wire::new(10);
        let mut payload = 0;
        for (from_client, bits, sequence, ack, window, length, identification, wild) in &segments {
            let far = if *wild == 0 { 0x7fff_ffff } else { 0 };
            wire.identification = *identification;
            let way = if *from_client { '>' } else { '<' };
            let numbers = (origin.wrapping_add(*sequence).wrapping_add(far), origin.wrapping_add(*ack));
            wire.segment(way, *bits, numbers.0, numbers.1, *window, &vec![b'x'; *length]);
            payload += *length as u64;
        }
        let told = wire.finish();
        let reports = told.connections();
        let sum = |of: fn(&Report) -> u64| reports.iter().map(|report| of(report)).sum::<u64>();
        prop_assert_eq!(sum(|report| report.client.packets + report.server.packets), segments.len() as u64);
        prop_assert_eq!(sum(|report| report.client.payload_bytes + report.server.payload_bytes), payload);
        for report in reports {
            prop_assert!(report.transitions.len() <= crate::limits::MAX_TRANSITIONS);
            prop_assert!(report.transitions_total >= report.transitions.len() as u64);
            for side in [Side::Client, Side::Server] {
                let own: Vec<_> = report.transitions.iter().filter(|step| step.side == side).collect();
                prop_assert!(own.windows(2).all(|pair| pair[0].ts <= pair[1].ts));
                let packets = if side == Side::Client { report.client.packets } else { report.server.packets };
                let observed = own.iter().filter(|step| step.certainty == Certainty::Observed);
                prop_assert!(packets > 0 || observed.count() == 0, "a side that sent nothing was observed");
            }
        }
    }
}

#[test]
fn the_cap_closes_the_idlest() {
    let mut wire = Wire::new(2);
    for port in [1001, 1002, 1001, 1003] {
        wire.udp(port);
    }
    assert_eq!(wire.table.open_flows(), 2);
    let told = wire.finish();
    let ports = told.records.iter().filter_map(|(_, record)| match record {
        Record::Udp(udp) => Some((udp.client.endpoint.port, udp.client.packets)),
        _ => None,
    });
    assert_eq!(ports.collect::<Vec<_>>(), [(1002, 1), (1001, 2), (1003, 1)]);
    assert_eq!(told.limits, ["capture.flow-limit"; 1]);
}

#[test]
fn expiry_does_not_depend_on_how_often_it_is_asked_for() {
    for often in [false, true] {
        let mut wire = Wire::new(10);
        wire.udp(1001);
        let deadline = Timestamp(SECOND_NS).plus(180 * SECOND_NS);
        if often {
            for second in 0..300 {
                let clock = Timestamp(second * SECOND_NS);
                let at = PacketRef { index: 7, ..PacketRef::default() };
                wire.table.expire(clock, |moment| if moment == deadline { at } else { panic!() }, &mut wire.told);
            }
        } else {
            let at = PacketRef { index: 7, ..PacketRef::default() };
            wire.table.expire(Timestamp(1000 * SECOND_NS), |_| at, &mut wire.told);
        }
        assert_eq!(wire.told.records.len(), 1);
        assert_eq!(wire.told.records[0].0, 7);
    }
}
