//! The screen from scripted glances and records: golden drawings at several sizes (`src/report/golden/screen-*.txt`, blessed like
//! the others there), and whatever comes at whatever size.
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::{
    limits,
    record::*,
    report::{
        Options,
        table::{TableWriter, finish},
        tests::{self, HOSTILE, assert_golden as golden, dns, endpoint, http, tls},
        width::width,
    },
};

fn finding(severity: Severity, code: &'static str, title: &str) -> Finding {
    tests::finding(severity, code, title, "why", &[412, 414])
}

const START_NS: i64 = 1_795_209_258_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp(START_NS + ms * 1_000_000)
}

fn flow(number: u64) -> FlowId {
    FlowId { opener: PacketNumber::new(0, number), depth: 0 }
}

fn state(state: TcpState, implied: bool) -> StateNow {
    StateNow { state: Some(state), implied }
}

fn open(number: u64, ends: (&str, &str), states: [StateNow; 2], recent: Option<[u64; 2]>) -> OpenConnection {
    let end = |text: &str| {
        let (address, port) = text.rsplit_once(':').unwrap();
        endpoint(address, port.parse().unwrap())
    };
    OpenConnection {
        flow: flow(number),
        client: end(ends.0),
        server: end(ends.1),
        application: (number % 2 == 1).then_some("tls"),
        start_ts: at(number as i64 * 100),
        last_ts: at(4_000),
        states,
        bytes: [1_200 * number, 96_000 * number],
        recent_bytes: recent,
        retransmissions: number % 3,
        round_trip_ns: (number != 4).then_some(21_400_000),
    }
}

fn connections() -> Vec<OpenConnection> {
    use TcpState::*;
    let both = |one| [state(one, false), state(one, false)];
    vec![
        open(1, ("10.77.10.10:50622", "10.77.20.80:443"), both(Established), Some([2_100, 1_960_000])),
        open(
            2,
            ("10.77.10.10:58434", "10.77.20.80:80"),
            [state(CloseWait, true), state(FinWait1, false)],
            Some([0, 512]),
        ),
        open(3, ("2001:db8::5054:ff:fe12:3456:40000", "2001:db8:1:2:3:4:5:6:8443"), both(Established), None),
        open(4, ("10.77.10.11:40001", "203.0.113.9:22"), [state(SynSent, false), state(Listen, true)], Some([74, 0])),
        open(5, ("10.77.10.12:40002", "10.77.20.80:443"), [state(TimeWait, false), state(Closed, true)], Some([0, 0])),
    ]
}

fn underway() -> Vec<OpenExchange> {
    let of = |number: u64, underway| OpenExchange {
        flow: flow(number),
        client: endpoint("10.77.10.10", 50_622),
        server: endpoint("10.77.20.80", 443),
        underway,
    };
    vec![
        of(
            9,
            Underway::Handshake {
                transport: TlsTransport::Tcp,
                server_name: Some("slow.lab.example".to_owned()),
                phase: "client_hello",
                waiting_for: Side::Server,
                since: at(900),
                began: at(880),
            },
        ),
        of(
            11,
            Underway::Request {
                method: Some("GET".to_owned()),
                authority: Some("www.lab.example".to_owned()),
                target: Some("/report?year=2026".to_owned()),
                since: at(3_700),
                more: 2,
            },
        ),
    ]
}

fn interface(name: &str, received: u64, dropped: u64) -> Interface {
    Interface {
        name: Some(name.to_owned()),
        link_type: "Ethernet".to_owned(),
        snap_length: Some(262_144),
        received: Some(received),
        dropped: Some(dropped),
        dropped_by_kernel: Some(dropped),
        dropped_by_interface: Some(0),
        ..Interface::default()
    }
}

/// Half a second more, and so much more came.
fn glance(step: u64, dropped: u64) -> Glance {
    let packets = step * step * 100;
    let capture = Capture {
        file: "eth0".to_owned(),
        format: "live".to_owned(),
        packets,
        captured_bytes: packets * 600,
        wire_bytes: packets * 600,
        dropped: Some(dropped),
        interfaces: vec![interface("eth0", packets, dropped), interface("lo", 0, 0)],
        ..Capture::default()
    };
    Glance {
        now: at(step as i64 * 500),
        captures: vec![capture],
        open: OpenFlows { tcp: 12_345, udp: 7, other: 1 },
        newest: connections().into_iter().rev().collect(),
        busiest: connections(),
        window_ns: 1_000_000_000,
        underway: underway(),
    }
}

fn source() -> Source {
    Source {
        interfaces: vec!["eth0".to_owned(), "lo".to_owned()],
        filters: vec!["tcp port 443 or port 53".to_owned()],
        display_filter: None,
    }
}

fn records() -> Vec<Record> {
    vec![
        Record::Tls(Box::new(tls(1, Some("www.lab.example"), TlsOutcome::Established))),
        Record::Tls(Box::new(tls(31, Some(HOSTILE), TlsOutcome::Failed))),
        Record::Dns(Box::new(dns(40, "www.lab.example", "A", Some("NOERROR"), &["10.77.20.80"]))),
        Record::Dns(Box::new(dns(41, "日本語.例え.jp", "AAAA", Some("NXDOMAIN"), &[]))),
        Record::Dns(Box::new(dns(42, HOSTILE, "TXT", None, &[]))),
        Record::Http(Box::new(http(2, "/index.html", Some(200)))),
        Record::Http(Box::new(http(2, HOSTILE, Some(503)))),
        Record::Finding(Box::new(finding(Severity::Error, "tcp.close-race", "sent a request after the server's FIN"))),
        Record::Finding(Box::new(finding(Severity::Note, "tcp.retransmissions", "3 of 579 segments"))),
        Record::Finding(Box::new(finding(Severity::Note, "tcp.retransmissions", "1 of 12 segments"))),
    ]
}

/// A view after four seconds of traffic.
fn view(dropped: u64) -> View {
    let mut keeper = Keeper::new(source(), Wanted::usual());
    for step in 1..=8 {
        if step == 5 {
            records().iter().for_each(|record| keeper.record(record));
        }
        keeper.glance(&glance(step, dropped));
    }
    keeper.view(&glance(8, dropped))
}

/// What a terminal shows: without colour, and a frame around it so that its size is seen.
fn drawing(view: &View, look: Look, size: (usize, usize)) -> String {
    let lines = draw(view, &mut look.clone(), size);
    assert_eq!(lines.len(), size.1);
    let rule = "─".repeat(size.0);
    let framed = lines.iter().map(|line| {
        let text = finish(line, false);
        format!("│{text}{}│\n", " ".repeat(size.0 - width(&text)))
    });
    format!("┌{rule}┐\n{}└{rule}┘\n", framed.collect::<String>())
}

#[test]
fn golden_screens() {
    let running = view(0);
    for size in [(140, 40), (80, 24), (60, 15), (40, 10), (20, 5)] {
        golden(&format!("screen-{}x{}.txt", size.0, size.1), &drawing(&running, Look::default(), size));
    }
    golden("screen-dropped.txt", &drawing(&view(1_234), Look { paused: true, ..Look::default() }, (100, 24)));
    let alone = Look { pane: Some(3), scrolled: 1, ..Look::default() };
    golden("screen-alone.txt", &drawing(&running, alone, (80, 8)));
    golden("screen-help.txt", &drawing(&running, Look { help: true, ..Look::default() }, (80, 14)));
    let mut keeper = Keeper::new(source(), Wanted::usual());
    let silent = |ms| Glance { now: at(ms), captures: vec![Capture::default()], ..Glance::default() };
    keeper.glance(&silent(0));
    keeper.glance(&silent(12_300));
    golden("screen-silent.txt", &drawing(&keeper.view(&silent(12_300)), Look::default(), (80, 10)));
}

#[test]
fn drops_are_red_and_named() {
    let lines = draw(&view(1_234), &mut Look::default(), (120, 30));
    let red = lines.iter().map(|line| finish(line, true)).find(|line| line.contains("\x1b[31m")).unwrap();
    assert!(red.contains("1234 of 7634 packets"), "{red}");
    assert!(lines.iter().any(|line| finish(line, false).contains("-B")));
}

#[test]
fn a_run_of_days_does_not_grow() {
    let mut keeper = Keeper::new(source(), Wanted::usual());
    for step in 1..3_000 {
        for number in 0..60 {
            keeper.record(&Record::Tls(Box::new(tls(step * 60 + number, Some("a.example"), TlsOutcome::Established))));
        }
        keeper.glance(&glance(step, 0));
    }
    let view = keeper.view(&glance(3_000, 0));
    assert!(view.panes.iter().all(|pane| pane.rows.len() <= limits::SCREEN_ROWS + limits::GLANCE_ROWS));
    let (names, held) = keeper.held();
    assert_eq!(names, limits::SCREEN_NAMES);
    assert!(held < 1_000, "{held}");
    assert_eq!(finish(&view.panes[2].beside[0].text, false), "179\u{202f}940", "all are counted");
}

#[test]
fn a_clock_that_is_set_back_does_no_harm() {
    let mut keeper = Keeper::new(source(), Wanted::usual());
    keeper.glance(&Glance { now: at(86_400_000), ..glance(1, 0) });
    for step in 1..2_000 {
        keeper.glance(&glance(step, 0));
    }
    let (_, held) = keeper.held();
    assert!(held < 200, "{held}");
    assert!(keeper.view(&glance(2_000, 0)).rate.is_some());
}

/// A display that keeps what it was shown.
struct Kept(Arc<Mutex<Vec<&'static str>>>);

impl Display for Kept {
    fn show(&mut self, _: View) -> io::Result<()> {
        self.0.lock().unwrap().push("view");
        Ok(())
    }

    fn leave(&mut self) -> Option<usize> {
        self.0.lock().unwrap().push("left");
        Some(60)
    }
}

#[test]
fn the_report_follows_the_screen() {
    let report = |records: &[Record], width| {
        let out = tests::Kept::default();
        let options = Options { width: Some(width), ..Options::default() };
        let mut writer = TableWriter::new(Box::new(out.clone()), options);
        records.iter().for_each(|record| writer.record(record).unwrap());
        writer.finish().unwrap();
        out.text()
    };
    let (out, seen) = (tests::Kept::default(), Arc::new(Mutex::new(Vec::new())));
    let table = TableWriter::new(Box::new(out.clone()), Options { width: Some(140), ..Options::default() });
    let mut screen = ScreenWriter::new(table, Box::new(Kept(Arc::clone(&seen))), source(), Wanted::usual());
    assert!(screen.glance_every_ns().is_some());
    for record in records() {
        screen.record(&record).unwrap();
    }
    screen.glance(&glance(1, 0)).unwrap();
    assert_eq!(out.text(), "", "nothing is written beside the screen");
    screen.finish().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["view", "left"]);
    assert_eq!(out.text(), report(&records(), 60), "in the width that the terminal has in the end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_comes_fits(
        text in any::<String>(),
        size in (0usize..200, 0usize..60),
        (pane, scrolled) in (proptest::option::of(0usize..8), 0usize..300),
        (paused, help) in any::<(bool, bool)>(),
        numbers in any::<(i64, u64, u64)>(),
    ) {
        let mut keeper = Keeper::new(
            Source { interfaces: vec![text.clone()], filters: vec![text.clone()], display_filter: Some(text.clone()) },
            Wanted::usual(),
        );
        let mut glance = glance(3, numbers.1);
        for exchange in &mut glance.underway {
            match &mut exchange.underway {
                Underway::Handshake { server_name, .. } => *server_name = Some(text.clone()),
                Underway::Request { method, authority, target, .. } => {
                    (*method, *authority, *target) = (Some(text.clone()), Some(text.clone()), Some(text.clone()));
                }
            }
        }
        glance.captures[0].interfaces[0].name = Some(text.clone());
        glance.captures[0].damage = Some(Damage { offset: 0, what: text.clone() });
        glance.captures[0].packets = numbers.2;
        glance.busiest[0].recent_bytes = Some([numbers.1, numbers.2]);
        for name in [text.as_str(), HOSTILE] {
            keeper.record(&Record::Tls(Box::new(tls(1, Some(name), TlsOutcome::Established))));
            keeper.record(&Record::Dns(Box::new(dns(4, name, "A", Some("NOERROR"), &[name]))));
            keeper.record(&Record::Http(Box::new(http(5, name, Some(200)))));
            keeper.record(&Record::Finding(Box::new(finding(Severity::Error, "tcp.reset", name))));
        }
        for now in [0, 700, numbers.0] {
            glance.now = Timestamp(START_NS.saturating_add(now));
            keeper.glance(&glance);
        }
        let view = keeper.view(&glance);
        let mut look = Look { paused, pane, scrolled, help };
        let lines = draw(&view, &mut look, size);
        prop_assert_eq!(lines.len(), size.1);
        for line in &lines {
            let text = finish(line, false);
            prop_assert!(width(&text) <= size.0, "{text}");
            prop_assert!(!text.chars().any(crate::report::escape::is_hidden), "{text:?}");
        }
        // What reaches the terminal are the sequences that this program writes, and nothing else that it would obey.
        let written = Frame::new(&lines, size.0, true).changes(None);
        let sequences = regex::Regex::new("\x1b\\[(\\?2026[hl]|2J|K|[0-9]+;1H|0m|1m|2m|31m|33m)").unwrap();
        prop_assert!(!sequences.replace_all(&written, "").chars().any(char::is_control));
    }
}
