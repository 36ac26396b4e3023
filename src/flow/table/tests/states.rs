//! Both endpoints' states, told in small stories: what came by, and what that proves, implies and does not say.
use super::*;

/// A packet of a story: who (`>` client, `<` server), flags, sequence, acknowledgment, payload.
type Line = (char, &'static str, u32, u32, &'static str);

const HANDSHAKE: [Line; 3] = [('>', "S", 100, 0, ""), ('<', "SA", 500, 101, ""), ('>', "A", 101, 501, "")];

/// The states of `side` in order, `?` behind what is implied and `??` behind what is assumed.
fn told(report: &Report, side: Side) -> String {
    let own = report.transitions.iter().filter(|transition| transition.side == side);
    let words: Vec<String> = own
        .map(|transition| {
            let doubt = match transition.certainty {
                Certainty::Observed => "",
                Certainty::Implied => "?",
                Certainty::Assumed => "??",
            };
            format!("{}{doubt}", transition.to.name())
        })
        .collect();
    words.join(" ")
}

fn play(lines: &[Line]) -> Told {
    let mut wire = Wire::new(10);
    for (way, flags, sequence, ack, payload) in lines {
        wire.tcp(*way, flags, *sequence, *ack, payload);
    }
    wire.finish()
}

/// What is said of client and server when `lines` follow a handshake; the handshake itself left out.
fn after_handshake(lines: &[Line]) -> (String, String) {
    let mut whole = HANDSHAKE.to_vec();
    whole.extend_from_slice(lines);
    let told_of = play(&whole);
    let report = told_of.connections()[0];
    let rest = |side, opening: &str| {
        let all = told(report, side);
        all.strip_prefix(opening).unwrap_or(&all).trim_start_matches('?').trim().to_owned()
    };
    (rest(Side::Client, "SYN-SENT ESTABLISHED"), rest(Side::Server, "SYN-RECEIVED ESTABLISHED"))
}

fn both(lines: &[Line]) -> (String, String) {
    let told_of = play(lines);
    let report = told_of.connections()[0];
    (told(report, Side::Client), told(report, Side::Server))
}

fn pair(client: &str, server: &str) -> (String, String) {
    (client.to_owned(), server.to_owned())
}

#[test]
fn fin_wait_2_only_when_the_acknowledgment_covers_the_fin() {
    let partly = [('>', "A", 101, 501, "abc"), ('>', "FA", 104, 501, ""), ('<', "A", 501, 104, "")];
    assert_eq!(after_handshake(&partly), pair("FIN-WAIT-1", "CLOSE-WAIT?"));
    let wholly = [('>', "A", 101, 501, "abc"), ('>', "FA", 104, 501, ""), ('<', "A", 501, 105, "")];
    assert_eq!(after_handshake(&wholly), pair("FIN-WAIT-1 FIN-WAIT-2?", "CLOSE-WAIT"));
}

#[test]
fn half_close_with_data_flowing_on() {
    let lines = [
        ('>', "FA", 101, 501, ""),
        ('<', "A", 501, 102, "data"),
        ('>', "A", 102, 505, ""),
        ('<', "A", 505, 102, "more"),
        ('>', "A", 102, 509, ""),
        ('<', "FA", 509, 102, ""),
        ('>', "A", 102, 510, ""),
    ];
    assert_eq!(
        after_handshake(&lines),
        pair("FIN-WAIT-1 FIN-WAIT-2? TIME-WAIT?", "CLOSE-WAIT? LAST-ACK? CLOSED?"),
        "data behind the peer's FIN may have been waiting, and a FIN behind it"
    );
}

#[test]
fn a_pause_between_acknowledgment_and_fin_proves_close_wait_and_time_wait() {
    let lines =
        [('>', "FA", 101, 501, ""), ('<', "A", 501, 102, ""), ('<', "FA", 501, 102, ""), ('>', "A", 102, 502, "")];
    assert_eq!(
        after_handshake(&lines),
        pair("FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT", "CLOSE-WAIT LAST-ACK CLOSED?"),
        "every packet with the server's FIN acknowledged the client's"
    );
}

#[test]
fn a_fin_that_answers_a_fin_may_be_a_retransmission() {
    let lines = [('>', "FA", 101, 501, ""), ('<', "FA", 501, 102, ""), ('>', "A", 102, 502, "")];
    let (client, server) = after_handshake(&lines);
    assert_eq!(client, "FIN-WAIT-1 FIN-WAIT-2? TIME-WAIT?");
    assert_eq!(server, "CLOSE-WAIT? LAST-ACK? CLOSED?", "its first FIN may have been lost before the capture");
}

#[test]
fn an_echoed_timestamp_proves_time_wait() {
    let stamp = |value: u32, echo: u32| {
        let mut option = vec![1, 1, 8, 10];
        option.extend_from_slice(&value.to_be_bytes());
        option.extend_from_slice(&echo.to_be_bytes());
        option
    };
    let mut wire = Wire::new(10);
    wire.open();
    wire.with_options('>', 0x11, (101, 501), &stamp(10, 70), b"");
    wire.with_options('<', 0x11, (501, 102), &stamp(77, 10), b"");
    wire.with_options('>', 0x10, (102, 502), &stamp(11, 77), b"");
    let told_of = wire.finish();
    assert_eq!(told(told_of.connections()[0], Side::Client), "SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT");
}

#[test]
fn simultaneous_open() {
    let lines = [
        ('>', "S", 100, 0, ""),
        ('<', "S", 500, 0, ""),
        ('>', "SA", 100, 501, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "A", 101, 501, "hi"),
        ('<', "A", 501, 103, "ho"),
    ];
    let states = "SYN-SENT SYN-RECEIVED ESTABLISHED";
    assert_eq!(both(&lines), pair(states, states));
}

#[test]
fn a_bare_acknowledgment_in_syn_received_proves_nothing() {
    let lines = [('>', "S", 100, 0, ""), ('<', "S", 500, 0, ""), ('>', "SA", 100, 501, ""), ('<', "A", 501, 101, "")];
    let (_, server) = both(&lines);
    assert_eq!(server, "SYN-SENT ESTABLISHED?", "it may answer a segment it cannot accept");
}

#[test]
fn a_fin_sent_again_takes_back_what_its_acknowledgment_implied() {
    let lines = [('>', "FA", 101, 501, ""), ('<', "A", 501, 102, "")];
    assert_eq!(after_handshake(&lines).0, "FIN-WAIT-1 FIN-WAIT-2?");
    let mut wire = Wire::new(10);
    wire.open();
    for (way, flags, sequence, ack, payload) in lines {
        wire.tcp(way, flags, sequence, ack, payload);
    }
    wire.clock = wire.clock.plus(SECOND_NS / 5);
    wire.tcp('>', "FA", 101, 501, "");
    let told_of = wire.finish();
    let client = told(told_of.connections()[0], Side::Client);
    assert_eq!(client, "SYN-SENT ESTABLISHED FIN-WAIT-1", "the acknowledgment was lost behind the capture");
}

#[test]
fn a_fin_that_was_lost_behind_the_tap_is_only_implied_to_have_come() {
    let (client, server) = after_handshake(&[('>', "FA", 101, 501, ""), ('<', "A", 501, 101, "data")]);
    assert_eq!((client.as_str(), server.as_str()), ("FIN-WAIT-1", "CLOSE-WAIT?"));
}

#[test]
fn closing_is_proven_by_a_fin_sent_again() {
    let mut wire = Wire::new(10);
    wire.open();
    wire.tcp('>', "FA", 101, 501, "");
    wire.tcp('<', "FA", 501, 101, "");
    wire.clock = wire.clock.plus(SECOND_NS / 5);
    wire.tcp('>', "FA", 101, 502, "");
    let told_of = wire.finish();
    assert_eq!(told(told_of.connections()[0], Side::Client), "SYN-SENT ESTABLISHED FIN-WAIT-1 CLOSING");
}

#[test]
fn a_reset_counts_at_the_number_expected_next() {
    let opened = [('<', "A", 501, 101, "data"), ('>', "A", 101, 505, "")];
    let with = |reset: Line| {
        let mut lines = opened.to_vec();
        lines.push(reset);
        after_handshake(&lines)
    };
    assert_eq!(with(('<', "R", 505, 0, "")), pair("CLOSED?", "CLOSED"));
    // In the window, but not the next number: RFC 5961 3.2 answers with a challenge ACK, and the connection goes on.
    assert_eq!(with(('<', "R", 1505, 0, "")).0, "");
    // Behind it: an old one.
    assert_eq!(with(('<', "R", 503, 0, "")).0, "");
    let challenged = [('<', "R", 1505, 0, ""), ('>', "A", 101, 505, ""), ('<', "R", 505, 0, "")];
    assert_eq!(after_handshake(&[&opened[..], &challenged].concat()).0, "CLOSED?");
}

#[test]
fn a_reset_may_come_before_data_were_acknowledged() {
    let lines = [('<', "A", 501, 101, "data"), ('<', "R", 505, 0, "")];
    assert_eq!(after_handshake(&lines).0, "CLOSED?");
}

#[test]
fn a_reset_of_another_connection_changes_nothing() {
    let lines = [('<', "R", 1_700_000_000, 0, ""), ('<', "RA", 0, 9000, ""), ('<', "A", 501, 101, "data")];
    let (client, server) = after_handshake(&lines);
    assert_eq!((client.as_str(), server.as_str()), ("", ""));
}

#[test]
fn a_reset_that_answers_nothing() {
    assert_eq!(both(&[('<', "R", 700, 0, "")]), pair("", "CLOSED?"));
}

#[test]
fn a_stray_acknowledgment_is_reset_and_the_opening_goes_on() {
    let lines = [
        ('>', "S", 100, 0, ""),
        ('<', "A", 90_000, 77_777, ""),
        ('>', "R", 77_777, 0, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "A", 101, 501, ""),
    ];
    assert_eq!(both(&lines).0, "SYN-SENT ESTABLISHED");
}

#[test]
fn a_syn_inside_a_connection_begins_another_record_and_ends_neither_endpoint() {
    let mut lines = HANDSHAKE.to_vec();
    lines.extend([('>', "S", 9000, 0, ""), ('<', "A", 501, 101, ""), ('>', "R", 101, 0, "")]);
    let told_of = play(&lines);
    let reports = told_of.connections();
    assert_eq!(told(reports[0], Side::Client), "SYN-SENT ESTABLISHED");
    assert_eq!(told(reports[1], Side::Client), "SYN-SENT", "a challenge ACK (RFC 5961 4) opens nothing");
    assert_eq!(told(reports[1], Side::Server), "");
}

#[test]
fn retransmitted_openings_are_no_new_states() {
    let lines = [
        ('>', "S", 100, 0, ""),
        ('>', "S", 100, 0, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "S", 100, 0, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "A", 101, 501, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "A", 101, 501, "x"),
    ];
    assert_eq!(both(&lines), pair("SYN-SENT ESTABLISHED", "SYN-RECEIVED ESTABLISHED?"));
}

#[test]
fn refused_by_icmp() {
    for (code, states) in [(1, "SYN-SENT CLOSED?"), (13, "SYN-SENT CLOSED?"), (4, "SYN-SENT")] {
        let mut wire = Wire::new(10);
        wire.tcp('>', "S", 100, 0, "");
        let mut body = vec![3, code, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0];
        body.extend_from_slice(&CLIENT);
        body.extend_from_slice(&SERVER);
        body.extend_from_slice(&[0x9c, 0x40, 0, 80, 0, 0, 0, 100]);
        wire.ip(1, [10, 0, 0, 9], CLIENT, &body);
        let told_of = wire.finish();
        assert_eq!(told(told_of.connections()[0], Side::Client), states, "code {code}");
    }
}

#[test]
fn half_open_peers() {
    let lines = [('>', "A", 101, 501, "abc"), ('<', "R", 501, 0, "")];
    assert_eq!(both(&lines), pair("ESTABLISHED?? CLOSED?", "CLOSED?"));
}

#[test]
fn probes_are_no_steps() {
    let lines = [
        ('>', "A", 101, 501, "ab"),
        ('<', "A", 501, 103, ""),
        ('>', "A", 102, 501, "X"),
        ('<', "A", 501, 103, ""),
        ('>', "A", 102, 501, ""),
        ('<', "A", 501, 103, ""),
        ('<', "A", 500, 103, ""),
        ('>', "A", 103, 501, ""),
    ];
    assert_eq!(after_handshake(&lines), pair("", ""));
}

#[test]
fn time_wait_ends_after_twice_the_maximum_segment_lifetime() {
    let mut wire = Wire::new(10);
    wire.table.settings.maximum_segment_lifetime_ns = 30 * SECOND_NS;
    wire.open();
    wire.tcp('>', "FA", 101, 501, "");
    wire.tcp('<', "FA", 501, 102, "");
    wire.tcp('>', "A", 102, 502, "");
    let last = wire.clock;
    wire.tcp('<', "A", 502, 102, "");
    wire.clock = last.plus(59 * SECOND_NS);
    wire.udp(1);
    assert_eq!(wire.table.open_flows(), 2, "not yet");
    wire.clock = last.plus(62 * SECOND_NS);
    wire.udp(1);
    wire.tcp('<', "A", 502, 102, "");
    let told_of = wire.finish();
    let reports = told_of.connections();
    assert!(told(reports[0], Side::Client).ends_with("TIME-WAIT? CLOSED??"));
    assert_eq!(reports[0].close.late_packets, 1);
    assert_eq!(reports.len(), 2, "what comes after TIME-WAIT finds no connection");
    assert_eq!(told(reports[1], Side::Server), "ESTABLISHED??");
}

#[test]
fn time_wait_is_reopened_by_a_syn() {
    let mut lines = HANDSHAKE.to_vec();
    lines.extend([('<', "FA", 501, 101, ""), ('>', "FA", 101, 502, ""), ('<', "A", 502, 102, "")]);
    lines.extend([('>', "S", 70_000, 0, ""), ('<', "SA", 90_000, 70_001, ""), ('>', "A", 70_001, 90_001, "x")]);
    let told_of = play(&lines);
    let reports = told_of.connections();
    assert_eq!(reports.len(), 2);
    assert!(told(reports[0], Side::Server).ends_with("TIME-WAIT?"));
    assert_eq!(told(reports[1], Side::Client), "SYN-SENT ESTABLISHED");
    assert!(told_of.codes().contains(&"tcp.port-reuse"));
}

#[test]
fn a_late_start_says_so() {
    let lines = [('>', "A", 101, 501, "abc"), ('<', "A", 501, 104, ""), ('>', "FA", 104, 501, "")];
    let told_of = play(&lines);
    let report = told_of.connections()[0];
    assert_eq!(told(report, Side::Client), "ESTABLISHED?? FIN-WAIT-1?");
    assert_eq!(report.transitions[0].from, None);
    // Data of the peer behind what the FIN acknowledges: it cannot have acknowledged the peer's FIN.
    let lines = [('<', "A", 501, 101, "abc"), ('>', "FA", 101, 501, "")];
    assert_eq!(both(&lines).0, "FIN-WAIT-1");
}

#[test]
fn one_direction_alone() {
    let whole = [
        ('>', "S", 100, 0, ""),
        ('<', "SA", 500, 101, ""),
        ('>', "A", 101, 501, "abc"),
        ('<', "A", 501, 104, "def"),
        ('>', "FA", 104, 504, ""),
        ('<', "A", 504, 105, ""),
        ('<', "FA", 504, 105, ""),
        ('>', "A", 105, 505, ""),
    ];
    let only = |way: char| -> Vec<Line> { whole.iter().copied().filter(|line| line.0 == way).collect() };
    assert_eq!(both(&only('>')), pair("SYN-SENT ESTABLISHED FIN-WAIT-1?", "CLOSE-WAIT?"));
    assert_eq!(both(&only('<')).1, "SYN-RECEIVED ESTABLISHED FIN-WAIT-1?");
}

#[test]
fn what_the_tap_lost_is_implied() {
    let without = |missing: usize| {
        let whole = [
            ('>', "S", 100, 0, ""),
            ('<', "SA", 500, 101, ""),
            ('>', "A", 101, 501, ""),
            ('>', "A", 101, 501, "abc"),
            ('<', "A", 501, 104, "def"),
        ];
        let lines: Vec<Line> = (0..).zip(whole).filter(|(index, _)| *index != missing).map(|(_, line)| line).collect();
        both(&lines)
    };
    assert_eq!(without(0), pair("SYN-SENT? ESTABLISHED", "SYN-RECEIVED ESTABLISHED"));
    assert_eq!(without(1), pair("SYN-SENT ESTABLISHED", "SYN-RECEIVED? ESTABLISHED"));
    assert_eq!(without(2), pair("SYN-SENT ESTABLISHED", "SYN-RECEIVED ESTABLISHED"));
}

/// A whole connection with data both ways, closed by the client.
const WHOLE: [Line; 9] = [
    ('>', "S", 100, 0, ""),
    ('<', "SA", 500, 101, ""),
    ('>', "A", 101, 501, ""),
    ('>', "PA", 101, 501, "hello"),
    ('<', "PA", 501, 106, "world!"),
    ('>', "FA", 106, 507, ""),
    ('<', "A", 507, 107, ""),
    ('<', "FA", 507, 107, ""),
    ('>', "A", 107, 508, ""),
];

fn plain(states: &(String, String)) -> (String, String) {
    (states.0.replace('?', ""), states.1.replace('?', ""))
}

#[test]
fn copies_by_the_tap_change_nothing() {
    let doubled: Vec<Line> = WHOLE.iter().flat_map(|line| [*line, *line]).collect();
    assert_eq!(both(&doubled), both(&WHOLE));
}

#[test]
fn neighbours_swapped_by_the_tap_leave_the_same_states() {
    let right = plain(&both(&WHOLE));
    for first in 0..WHOLE.len() - 1 {
        let mut lines = WHOLE;
        lines.swap(first, first + 1);
        assert_eq!(plain(&both(&lines)), right, "packets {} and {}", first + 1, first + 2);
    }
}

#[test]
fn timestamps_that_go_backwards_change_nothing() {
    let mut wire = Wire::new(10);
    for (index, (way, flags, sequence, ack, payload)) in WHOLE.into_iter().enumerate() {
        wire.clock = Timestamp(if index % 2 == 0 { 5 } else { 3 } * SECOND_NS);
        wire.tcp(way, flags, sequence, ack, payload);
    }
    let told_of = wire.finish();
    let report = told_of.connections()[0];
    assert_eq!((told(report, Side::Client), told(report, Side::Server)), both(&WHOLE));
}

#[test]
fn sequence_numbers_wrap_anywhere() {
    let right = both(&WHOLE);
    for client in (0..14).map(|back| u32::MAX - back) {
        for server in (0..14).map(|back| u32::MAX - back) {
            let mut wire = Wire::new(10);
            for (way, flags, sequence, ack, payload) in WHOLE {
                let (own, peer) = if way == '>' { (client, server) } else { (server, client) };
                let from = if way == '>' { (100, 500) } else { (500, 100) };
                let ack = if flags.contains('A') { (ack - from.1).wrapping_add(peer) } else { 0 };
                wire.tcp(way, flags, (sequence - from.0).wrapping_add(own), ack, payload);
            }
            let told_of = wire.finish();
            let report = told_of.connections()[0];
            assert_eq!((told(report, Side::Client), told(report, Side::Server)), right, "{client:#x} {server:#x}");
            assert_eq!(told_of.inputs, ["0 hello", "1 world!", "0 Fin", "1 Fin", "close"]);
            assert_eq!(report.close.kind, CloseKind::Graceful);
        }
    }
}

/// What the SYN asked for and the SYN-ACK made of it.
fn settled(syn: (u16, &[u8], &[u8]), syn_ack: (u16, u32, &[u8])) -> crate::record::Handshake {
    let mut wire = Wire::new(10);
    wire.with_options('>', syn.0, (100, 0), syn.1, syn.2);
    wire.with_options('<', syn_ack.0, (500, syn_ack.1), syn_ack.2, b"");
    wire.finish().connections()[0].handshake
}

#[test]
fn fast_open_is_recognised() {
    use crate::record::FastOpenCookie;
    let cookie = [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1];
    let asks = [34, 2, 1, 1];
    let fast_open = |syn, syn_ack| settled(syn, syn_ack).fast_open.unwrap();
    let asked = fast_open((0x02, &asks, b""), (0x12, 101, &cookie));
    assert_eq!((asked.cookie, asked.granted, asked.accepted), (FastOpenCookie::Requested, true, None));
    let accepted = fast_open((0x02, &cookie, b"GET"), (0x12, 104, &[]));
    assert_eq!((accepted.cookie, accepted.data_bytes, accepted.accepted), (FastOpenCookie::Sent, 3, Some(true)));
    let declined = fast_open((0x02, &cookie, b"GET"), (0x12, 101, &[]));
    assert_eq!((declined.accepted, declined.granted), (Some(false), false));
    assert_eq!(fast_open((0x02, &[], b"GET"), (0x12, 101, &[])).cookie, FastOpenCookie::Missing);
    assert_eq!(settled((0x02, &[], b""), (0x12, 101, &[])).fast_open, None);
}

#[test]
fn a_server_that_takes_data_from_the_syn_may_send_before_it_is_established() {
    let mut wire = Wire::new(10);
    wire.with_options('>', 0x02, (100, 0), &[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1], b"GET");
    wire.tcp('<', "SA", 500, 104, "");
    wire.tcp('<', "A", 501, 104, "data");
    let told_of = wire.finish();
    let report = told_of.connections()[0];
    assert_eq!(told(report, Side::Server), "SYN-RECEIVED", "RFC 7413 4.2.2");
    assert_eq!(told_of.inputs[0], "0 GET");
}

#[test]
fn data_in_a_syn_that_were_not_accepted_come_once() {
    let mut wire = Wire::new(10);
    wire.with_options('>', 0x02, (100, 0), &[34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1], b"GET");
    wire.tcp('<', "SA", 500, 101, "");
    wire.tcp('>', "A", 101, 501, "GET it");
    wire.tcp('<', "A", 501, 107, "");
    let told_of = wire.finish();
    let bytes: String = told_of.inputs.iter().filter_map(|input| input.strip_prefix("0 ")).collect();
    assert_eq!(bytes, "GET it");
}

#[test]
fn multipath_is_recognised() {
    use crate::record::{Multipath, MultipathSubtype};
    let capable = [30, 4, 0x01, 0x81];
    let join = [30, 12, 0x10, 1, 0, 0, 0, 1, 0, 0, 0, 2];
    let multipath = |option: &[u8], answer: &[u8]| settled((0x02, option, b""), (0x12, 101, answer)).multipath;
    let of = |subtype, accepted| Some(Multipath { subtype, accepted });
    assert_eq!(multipath(&capable, &capable), of(MultipathSubtype::MpCapable, true));
    assert_eq!(multipath(&capable, &[]), of(MultipathSubtype::MpCapable, false));
    assert_eq!(multipath(&join, &join), of(MultipathSubtype::MpJoin, true));
    assert_eq!(multipath(&[], &[]), None);
}

#[test]
fn ecn_is_recognised() {
    use crate::record::Ecn;
    let ecn = |syn: u16, syn_ack: u16| settled((0x02 | syn, &[], b""), (0x12 | syn_ack, 101, &[])).ecn;
    let (ece, cwr, ae) = (0x40, 0x80, 0x100);
    assert_eq!(ecn(0, 0), None);
    assert_eq!(ecn(ece | cwr, ece), Some(Ecn::Classic));
    assert_eq!(ecn(ece | cwr, 0), Some(Ecn::Refused));
    assert_eq!(ecn(ece | cwr, ece | cwr), Some(Ecn::Refused), "the SYN's flags sent back");
    for answer in [cwr, cwr | ece, ae, ae | cwr] {
        assert_eq!(ecn(ae | ece | cwr, answer), Some(Ecn::Accurate), "{answer:#x}");
    }
    assert_eq!(ecn(ae | ece | cwr, ece), Some(Ecn::Classic));
    assert_eq!(ecn(ae | ece | cwr, 0), Some(Ecn::Refused));
    assert_eq!(ecn(ae | ece | cwr, ae | ece | cwr), Some(Ecn::Refused));
}

#[test]
fn super_segments_are_whole() {
    // Segmentation offload: more than an IPv4 header can say, whose length field is zero then.
    for length in [9_000usize, 65_000, 70_000, 200_000] {
        let mut wire = Wire::new(10);
        wire.open();
        let payload = vec![b'x'; length];
        wire.segment('>', 0x10, 101, 501, 0x1000, &payload);
        wire.tcp('<', "A", 501, 101 + length as u32, "");
        wire.tcp('>', "FA", 101 + length as u32, 501, "");
        let told_of = wire.finish();
        let report = told_of.connections()[0];
        assert_eq!(report.client.payload_bytes, length as u64);
        assert_eq!((report.client.gap_bytes, report.client.retransmissions), (0, 0));
        let bytes: usize =
            told_of.inputs.iter().filter_map(|input| input.strip_prefix("0 x")).map(|x| x.len() + 1).sum();
        assert_eq!(bytes, length);
    }
}

#[test]
fn idle_timeouts_are_settings() {
    let gone_after = |settings: fn(&mut Settings), seconds: i64, open: fn(&mut Wire)| {
        let mut wire = Wire::new(10);
        settings(&mut wire.table.settings);
        open(&mut wire);
        let at = wire.at();
        wire.clock = wire.clock.plus(seconds * SECOND_NS);
        wire.table.expire(wire.clock, |_| at, &mut wire.told);
        wire.table.open_flows() == 0
    };
    let usual = |_: &mut Settings| {};
    assert!(!gone_after(usual, 7_430, Wire::open));
    assert!(gone_after(usual, 7_450, Wire::open));
    let short = |settings: &mut Settings| settings.tcp_idle_ns = 60 * SECOND_NS;
    assert!(!gone_after(short, 50, Wire::open));
    assert!(gone_after(short, 70, Wire::open));
    let syn = |wire: &mut Wire| wire.tcp('>', "S", 100, 0, "");
    assert!(!gone_after(usual, 120, syn));
    assert!(gone_after(usual, 140, syn));
    assert!(gone_after(short, 70, syn));
    let datagram = |wire: &mut Wire| wire.udp(1);
    assert!(!gone_after(usual, 170, datagram));
    assert!(gone_after(usual, 190, datagram));
    assert!(gone_after(|settings: &mut Settings| settings.udp_idle_ns = 5 * SECOND_NS, 10, datagram));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any segmentation, order, duplication and overlap, at any place of the sequence space, with a snap length or not.
    #[test]
    fn bytes_come_out_as_they_were_sent(
        data in proptest::collection::vec(any::<u8>(), 1..600),
        cuts in proptest::collection::vec((0usize..600, 1usize..80), 0..80),
        origin in prop_oneof![Just(100u32), (0u32..700).prop_map(|back| u32::MAX - back), any::<u32>()],
        acks in proptest::collection::vec(0usize..600, 0..5),
        scale in 0u8..15,
    ) {
        let mut wire = Wire::new(10);
        wire.with_options('>', 0x02, (origin, 0), &[3, 3, scale, 1], b"");
        wire.with_options('<', 0x12, (500, origin.wrapping_add(1)), &[3, 3, scale, 1], b"");
        wire.tcp('>', "A", origin.wrapping_add(1), 501, "");
        let mut pieces: Vec<(usize, usize)> =
            cuts.iter().map(|(at, length)| (at % data.len(), (at % data.len() + length).min(data.len()))).collect();
        // All of it once at the end, so that nothing is missing.
        pieces.extend((0..data.len()).step_by(97).rev().map(|at| (at, (at + 97).min(data.len()))));
        let mut given = vec![false; data.len()];
        for (index, (from, to)) in pieces.iter().enumerate() {
            let sequence = origin.wrapping_add(1).wrapping_add(*from as u32);
            wire.segment('>', 0x10, sequence, 501, 0xffff, &data[*from..*to]);
            given[*from..*to].fill(true);
            let in_order = given.iter().position(|given| !given).unwrap_or(data.len());
            if acks.iter().any(|ack| ack % pieces.len() == index) {
                wire.segment('<', 0x10, 501, origin.wrapping_add(1).wrapping_add(in_order as u32), 0xffff, b"");
            }
        }
        let end = origin.wrapping_add(1).wrapping_add(data.len() as u32);
        wire.segment('>', 0x11, end, 501, 0xffff, b"");
        let told_of = wire.finish();
        prop_assert_eq!(told_of.bytes_of(0), data);
        prop_assert!(told_of.inputs.iter().any(|input| input == "0 Fin"));
        prop_assert!(!told_of.inputs.iter().any(|input| input.contains("gap")));
        prop_assert_eq!(told_of.connections()[0].client.gap_bytes, 0);
    }
}
