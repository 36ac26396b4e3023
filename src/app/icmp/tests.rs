//! Pings and neighbours as hosts have them, and bytes that are none.
use proptest::prelude::*;

use super::{
    NEIGHBOR, QUERY,
    options::{self, Message},
};
use crate::{
    app::{Carrier, Said, Sink},
    limits,
    record::{
        AnswerKind, Certainty, Context, Direction, Endpoint, Finding, FlowFacts, FlowId, IcmpEcho, Input, Neighbor,
        NeighborOperation, PacketNumber, PacketRef, ProbeFact, Record, Secrets, Timestamp, Transport, Unreachable,
        Wanted,
    },
};
use Direction::{ClientToServer as Client, ServerToClient as Server};

const MS: i64 = 1_000_000;

#[derive(Default)]
struct Heard {
    echoes: Vec<IcmpEcho>,
    neighbors: Vec<Neighbor>,
    findings: Vec<Finding>,
    probes: Vec<ProbeFact>,
    limits: usize,
}

/// What comes at a millisecond, with a hop limit.
enum Step<'a> {
    Message(i64, Direction, u8, &'a [u8]),
    /// Time exceeded by 10.0.0.9, quoting this.
    Exceeded(i64, &'a [u8]),
}

/// Feeds them to a session of that protocol, then the end so many milliseconds later.
fn run(number: u8, neighbor: bool, steps: &[Step<'_>], until: i64) -> Heard {
    let end = |last: u8| Endpoint { address: [10, 0, 0, last].into(), port: 77 };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Ip(number),
        client: end(1),
        server: end(2),
        client_certainty: Certainty::Observed,
    };
    let mut session = (if neighbor { &NEIGHBOR } else { &QUERY }.session)(Carrier::Ip(number));
    let (mut said, mut heard, mut now) = (Vec::new(), Heard::default(), 0);
    for index in 0..=steps.len() {
        let step = steps.get(index);
        now = match step {
            Some(Step::Message(ms, ..) | Step::Exceeded(ms, _)) => *ms,
            None => now + until,
        };
        let index = index as u64;
        let packet = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(now * MS) };
        let hop_limit = if let Some(Step::Message(_, _, hop_limit, _)) = step { Some(*hop_limit) } else { None };
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit,
            secrets: Secrets::none(),
        };
        let mut out = Sink::new(Wanted::usual(), false, &mut said);
        match step {
            Some(Step::Message(_, direction, _, bytes)) => {
                session.input(Input::Datagram { direction: *direction, bytes }, &context, &mut out);
            }
            Some(Step::Exceeded(_, quoted)) => {
                let by = [10, 0, 0, 9].into();
                let (direction, reason, mtu) = (Client, "time exceeded", None);
                let notice = Unreachable { direction, by, reason, message_type: 11, code: 0, mtu, quoted };
                session.unreachable(&notice, &context, &mut out);
            }
            None => {
                session.input(Input::Close, &context, &mut out);
            }
        }
        for said in said.drain(..) {
            match said {
                Said::Record(Record::IcmpEcho(echo)) => heard.echoes.push(*echo),
                Said::Record(Record::Neighbor(neighbor)) => heard.neighbors.push(*neighbor),
                Said::Record(Record::Finding(finding)) => heard.findings.push(*finding),
                Said::Probe(probe) => heard.probes.push(probe),
                Said::Limit(_) => heard.limits += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    heard
}

fn echo(kind: u8, sequence: u16, data: &[u8]) -> Vec<u8> {
    let [high, low] = sequence.to_be_bytes();
    [&[kind, 0, 0, 0, 0, 77, high, low], data].concat()
}

fn codes(heard: &Heard) -> Vec<&'static str> {
    heard.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_ping_is_measured() {
    let request = |sequence| echo(8, sequence, b"data");
    let reply = |sequence| echo(0, sequence, b"data");
    let messages = [request(1), reply(1), request(2), reply(2), request(3), reply(3), reply(3)];
    let times = [0, 10, 1000, 1030, 2000, 2020, 2021];
    let ways = [Client, Server, Client, Server, Client, Server, Server];
    let steps: Vec<_> = (0..7)
        .map(|place| Step::Message(times[place], ways[place], if place % 2 == 0 { 64 } else { 57 }, &messages[place]))
        .collect();
    let heard = run(1, false, &steps, 60_000);
    let one = &heard.echoes[0];
    assert_eq!((one.sent, one.received, one.duplicate, one.lost, one.pending), (Some(3), 3, 1, Some(0), 0));
    let rtt = one.rtt;
    assert_eq!((rtt.min_ns, rtt.mean_ns, rtt.max_ns, rtt.samples), (Some(10 * MS), Some(20 * MS), Some(30 * MS), 3));
    assert_eq!(one.jitter_ns, Some(15 * MS));
    assert_eq!((one.reply_hop_limit, one.reply_hops, one.identifier, one.query), (Some(57), Some(7), 77, "echo"));
    assert_eq!(codes(&heard), Vec::<&str>::new());
    assert!(heard.probes.is_empty(), "hop limits of an ordinary ping say nothing");
}

#[test]
fn losses_and_what_may_still_come() {
    let messages: Vec<_> = (1..=10).map(|sequence| (echo(8, sequence, b""), echo(0, sequence, b""))).collect();
    let mut steps = Vec::new();
    for (place, (request, reply)) in (0i64..).zip(&messages) {
        steps.push(Step::Message(place * 100, Client, 64, request));
        if ![2, 3, 5, 9].contains(&place) {
            steps.push(Step::Message(place * 100 + 5, Server, 64, reply));
        }
    }
    // The capture ends right behind the last request.
    let heard = run(1, false, &steps, 1);
    let one = &heard.echoes[0];
    // Within a second of the end nobody can tell.
    assert_eq!((one.sent, one.received, one.lost, one.pending), (Some(10), 6, Some(0), 4));
    assert!(codes(&heard).is_empty());
    let heard = run(1, false, &steps, 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.lost, one.pending), (Some(4), 0));
    assert_eq!(codes(&heard), ["icmp.ping-loss"]);
}

#[test]
fn replies_alone_tell_nothing_of_losses() {
    let reply = echo(0, 1, b"");
    let heard = run(1, false, &[Step::Message(0, Server, 60, &reply)], 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.sent, one.received, one.lost, one.unmatched), (None, 1, None, 1));
    assert_eq!(one.rtt.min_ns, None);
}

#[test]
fn late_disordered_altered() {
    let (first, second) = (echo(8, 1, b"abcd"), echo(8, 2, b"abcd"));
    let (first_reply, second_reply) = (echo(0, 1, b"abcX"), echo(0, 2, b"abcd"));
    let steps = [
        Step::Message(0, Client, 64, &first),
        Step::Message(1000, Client, 64, &second),
        Step::Message(1010, Server, 64, &second_reply),
        Step::Message(1500, Server, 63, &first_reply),
    ];
    let heard = run(1, false, &steps, 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.late, one.out_of_order, one.mismatched, one.reply_hop_limit_changes), (1, 1, 1, 1));
    assert_eq!(codes(&heard), ["icmp.echo-altered"]);
}

#[test]
fn a_number_sent_twice_measures_nothing() {
    let (request, reply) = (echo(8, 1, b""), echo(0, 1, b""));
    let steps = [
        Step::Message(0, Client, 64, &request),
        Step::Message(1000, Client, 64, &request),
        Step::Message(1010, Server, 64, &reply),
    ];
    let heard = run(1, false, &steps, 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.sent, one.received, one.lost, one.rtt.samples), (Some(2), 1, Some(0), 0));
}

#[test]
fn a_long_ping_takes_bounded_memory() {
    let count = limits::MAX_ECHO_OUTSTANDING + 500;
    let messages: Vec<_> = (0..count).map(|sequence| echo(8, sequence as u16, b"")).collect();
    let mut steps: Vec<_> =
        (0i64..).zip(&messages).map(|(ms, message)| Step::Message(ms, Client, 64, message)).collect();
    // The reply to the first comes when it is forgotten.
    let reply = echo(0, 0, b"");
    steps.push(Step::Message(count as i64, Server, 64, &reply));
    let heard = run(1, false, &steps, 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.sent, one.lost, one.unmatched), (Some(count as u64), Some(count as u64), 1));
    assert_eq!(heard.limits, 1, "told");
    // Numbers begin again, and nothing is mistaken.
    let messages: Vec<_> = (0..70_000u32).map(|n| (echo(8, n as u16, b""), echo(0, n as u16, b""))).collect();
    let steps: Vec<_> = (0i64..)
        .zip(&messages)
        .flat_map(|(ms, (ask, say))| {
            [Step::Message(ms * 2, Client, 64, ask), Step::Message(ms * 2 + 1, Server, 64, say)]
        })
        .collect();
    let heard = run(1, false, &steps, 5_000);
    let one = &heard.echoes[0];
    assert_eq!((one.sent, one.received, one.lost, one.duplicate), (Some(70_000), 70_000, Some(0), 0));
    assert_eq!((one.sequence_gaps, one.rtt.max_ns), (0, Some(MS)));
}

#[test]
fn steps_of_a_traceroute_are_told_and_are_no_losses() {
    let messages: Vec<_> = (1..=3).map(|sequence| echo(8, sequence, b"")).collect();
    let reply = echo(0, 3, b"");
    let steps = [
        Step::Message(0, Client, 1, &messages[0]),
        Step::Exceeded(4, &messages[0]),
        Step::Message(10, Client, 2, &messages[1]),
        Step::Message(20, Client, 3, &messages[2]),
        Step::Message(29, Server, 64, &reply),
    ];
    let heard = run(1, false, &steps, 5_000);
    assert!(codes(&heard).is_empty());
    let told: Vec<_> =
        heard.probes.iter().map(|probe| (probe.hop_limit, probe.answer.map(|answer| answer.kind))).collect();
    assert_eq!(told, [(1, Some(AnswerKind::TimeExceeded)), (3, Some(AnswerKind::Reached)), (2, None)]);
    let one = &heard.echoes[0];
    assert_eq!((one.unreachable_total, one.unreachable[0].sequence, one.unreachable[0].message_type), (1, Some(1), 11));
    assert_eq!((one.lost, one.received), (Some(1), 1));
}

const TARGET: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn discovery(kind: u8, option: u8, mac: [u8; 6]) -> Vec<u8> {
    [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &TARGET, &[option, 1], &mac].concat()
}

#[test]
fn a_neighbour_is_asked_for_and_answers() {
    let asks = discovery(135, 1, [2, 0, 0, 0, 0, 1]);
    let answers = discovery(136, 2, [2, 0, 0, 0, 0, 2]);
    let steps = [
        Step::Message(0, Client, 255, &asks),
        Step::Message(1000, Client, 255, &asks),
        Step::Message(1002, Server, 255, &answers),
        Step::Message(1003, Server, 255, &answers),
    ];
    let heard = run(58, true, &steps, 5_000);
    assert_eq!(heard.neighbors.len(), 1, "an equal answer is the same");
    let one = &heard.neighbors[0];
    assert_eq!((one.operation, one.packets), (NeighborOperation::NeighborSolicitation, 2));
    assert_eq!((one.answered, one.latency_ns), (Some(true), Some(2 * MS)));
    assert_eq!(one.target.unwrap().mac.unwrap().to_string(), "02:00:00:00:00:02");
    assert_eq!(one.sender.mac.unwrap().to_string(), "02:00:00:00:00:01");
}

#[test]
fn what_a_router_says() {
    let prefix =
        [&[3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0][..], &[0x20, 1, 0xd, 0xb8], &[0; 12]];
    let servers = [&[25, 3, 0, 0, 0, 0, 4, 176][..], &TARGET];
    let search = [&[31, 3, 0, 0, 0, 0, 4, 176, 3][..], b"lab", &[7], b"example", &[0, 0, 0, 0]];
    let message = [
        &[134, 0, 0, 0, 64, 0x48, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &[1, 1, 2, 0, 0, 0, 0, 9, 5, 1, 0, 0, 0, 0, 5, 220],
        &prefix.concat(),
        &servers.concat(),
        &search.concat(),
    ]
    .concat();
    let Some(Message::RouterAdvertisement { mac, says }) = options::read(&message) else { panic!() };
    assert_eq!(mac.unwrap().to_string(), "02:00:00:00:00:09");
    assert_eq!(
        (says.lifetime_s, says.managed, says.other_configuration, says.preference),
        (1800, false, true, Some("high"))
    );
    assert_eq!((says.mtu, says.hop_limit), (Some(1500), 64));
    assert_eq!(says.prefixes[0].prefix, "2001:db8::/64");
    assert_eq!((says.prefixes[0].valid_s, says.prefixes[0].preferred_s), (86_400, 14_400));
    assert_eq!(says.dns_servers, [std::net::IpAddr::from(TARGET)]);
    assert_eq!(says.search_domains, ["lab.example"]);
    for cut in 0..message.len() {
        let _ = options::read(&message[..cut]);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        version in any::<bool>(),
        neighbor in any::<bool>(),
        packets in proptest::collection::vec((0i64..5000, any::<bool>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..60)), 0..20),
    ) {
        let steps: Vec<_> = packets
            .iter()
            .map(|(ms, back, hops, bytes)| match hops {
                0..=20 => Step::Exceeded(*ms, bytes),
                _ => Step::Message(*ms, if *back { Server } else { Client }, *hops, bytes),
            })
            .collect();
        let heard = run(if version { 58 } else { 1 }, neighbor && version, &steps, 5_000);
        for echo in heard.echoes {
            prop_assert!(echo.lost.unwrap_or_default() <= echo.sent.unwrap_or_default());
        }
    }

    #[test]
    fn any_options_are_survived(kind in 133u8..=137, bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = options::read(&[&[kind, 0][..], &bytes].concat());
    }
}
