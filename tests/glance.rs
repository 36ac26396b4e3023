//! What a display sees of a run while it runs (`Writer::glance`): the states and the busiest connections at a moment, the same for
//! any number of workers, and a bounded part of the work whatever the number of flows.
use std::{
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Instant,
};

use wireglass::{
    capture::{self, Batch, More, PacketHead, PacketSource},
    engine, flow, limits,
    record::{Capture, Glance, LinkType, PacketNumber, Record, Side, TcpState, Timestamp, Underway, Wanted},
    report::Writer,
};

const START_NS: i64 = 1_795_209_258_000_000_000;

/// Keeps what it sees.
struct Viewer {
    every_ns: Option<i64>,
    glances: Vec<Glance>,
    records: Vec<String>,
}

impl Viewer {
    fn new(every_ns: Option<i64>) -> Self {
        Self { every_ns, glances: Vec::new(), records: Vec::new() }
    }
}

impl Writer for Viewer {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.records.push(format!("{record:?}"));
        Ok(())
    }

    fn glance_every_ns(&self) -> Option<i64> {
        self.every_ns
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        self.glances.push(glance.clone());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Packets that were made up, so many in each batch.
struct Script {
    packets: std::vec::IntoIter<(Timestamp, Vec<u8>)>,
    at_once: usize,
    read: Capture,
}

impl Script {
    fn new(packets: Vec<(Timestamp, Vec<u8>)>, at_once: usize) -> Self {
        Self { packets: packets.into_iter(), at_once, read: Capture::default() }
    }
}

impl PacketSource for Script {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        batch.buffer.clear();
        for (timestamp, bytes) in self.packets.by_ref().take(self.at_once) {
            let length = bytes.len() as u32;
            batch.heads.push(PacketHead {
                number: PacketNumber::new(0, self.read.packets + 1),
                timestamp,
                start: batch.buffer.len() as u32,
                captured_length: length,
                wire_length: length,
                interface: 0,
                link_type: LinkType::ETHERNET,
            });
            batch.buffer.extend_from_slice(&bytes);
            self.read.packets += 1;
            self.read.wire_bytes += u64::from(length);
        }
        Ok(if self.packets.len() == 0 { More::No } else { More::Yes })
    }

    fn description(&self) -> Capture {
        self.read.clone()
    }
}

/// A capture in pieces, so that there are moments in between to look at.
struct Pieces {
    source: Box<dyn PacketSource>,
    batch: Batch,
    given: usize,
    more: More,
}

impl PacketSource for Pieces {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        if self.given == self.batch.heads.len() && self.more == More::Yes {
            self.more = self.source.next_batch(&mut self.batch)?;
            self.given = 0;
        }
        batch.heads.clear();
        batch.buffer.clear();
        let piece = self.batch.heads.iter().skip(self.given).take(5);
        for head in piece {
            let start = batch.buffer.len() as u32;
            batch.buffer.extend_from_slice(self.batch.bytes(head));
            batch.heads.push(PacketHead { start, ..*head });
        }
        self.given += batch.heads.len();
        Ok(if self.given == self.batch.heads.len() { self.more } else { More::Yes })
    }

    fn description(&self) -> Capture {
        self.source.description()
    }
}

fn settings(threads: usize, max_flows: usize) -> engine::Settings {
    let flow = flow::Settings { max_flows, wanted: Wanted::usual(), ..flow::Settings::default() };
    engine::Settings {
        flow,
        threads,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: vec!["script".to_owned()],
        trust: None,
        given: engine::Given::default(),
        save: None,
        asking: None,
    }
}

fn see(source: Box<dyn PacketSource>, threads: usize, every_ns: Option<i64>) -> Viewer {
    let mut viewer = Viewer::new(every_ns);
    engine::run(source, settings(threads, limits::MAX_FLOWS), &mut viewer, &mut |_| {}).unwrap();
    viewer
}

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A TCP segment over IPv4 and Ethernet; checksums are left to the network card.
fn tcp(from: (u8, u16), to: (u8, u16), flags: u8, (seq, ack): (u32, u32), payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![2, 0, 0, 0, 0, to.0, 2, 0, 0, 0, 0, from.0, 8, 0];
    let total = (40 + payload.len()) as u16;
    packet.extend([0x45, 0, (total >> 8) as u8, total as u8, 0, 0, 0x40, 0, 64, 6, 0, 0]);
    packet.extend(Ipv4Addr::new(10, 0, 0, from.0).octets());
    packet.extend(Ipv4Addr::new(10, 0, 0, to.0).octets());
    packet.extend(from.1.to_be_bytes());
    packet.extend(to.1.to_be_bytes());
    packet.extend(seq.to_be_bytes());
    packet.extend(ack.to_be_bytes());
    packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(payload);
    packet
}

/// A ClientHello that names `name`, in one record.
fn client_hello(name: &str) -> Vec<u8> {
    let name = name.as_bytes();
    let mut extension = vec![0, 0];
    for length in [name.len() + 5, name.len() + 3] {
        extension.extend((length as u16).to_be_bytes());
    }
    extension.push(0);
    extension.extend((name.len() as u16).to_be_bytes());
    extension.extend(name);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    body.extend((extension.len() as u16).to_be_bytes());
    body.extend(extension);
    let mut record = vec![0x16, 3, 1];
    record.extend((body.len() as u16 + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

/// Three seconds: one connection that carries much, one that waits for an answer to its ClientHello, one for its HTTP response,
/// one that the client closed, and a SYN that nobody answers.
fn scripted() -> Vec<(Timestamp, Vec<u8>)> {
    let mut packets = Vec::new();
    let mut say = |ms: i64, packet| packets.push((Timestamp(START_NS + ms * 1_000_000), packet));
    let open = |say: &mut dyn FnMut(i64, Vec<u8>), ms, port, server| {
        say(ms, tcp((1, port), (9, server), SYN, (99, 0), b""));
        say(ms + 20, tcp((9, server), (1, port), SYN | ACK, (499, 100), b""));
        say(ms + 21, tcp((1, port), (9, server), ACK, (100, 500), b""));
    };
    open(&mut say, 0, 1000, 7);
    open(&mut say, 100, 1001, 443);
    say(130, tcp((1, 1001), (9, 443), ACK, (100, 500), &client_hello("stalled.example")));
    open(&mut say, 200, 1002, 80);
    say(230, tcp((1, 1002), (9, 80), ACK, (100, 500), b"GET /slow HTTP/1.1\r\nHost: www.example\r\n\r\n"));
    open(&mut say, 300, 1003, 22);
    say(330, tcp((1, 1003), (9, 22), FIN | ACK, (100, 500), b""));
    say(350, tcp((9, 22), (1, 1003), ACK, (500, 101), b""));
    say(400, tcp((1, 1004), (8, 22), SYN, (99, 0), b""));
    // What the busy one carried before the last second does not count as recent.
    for step in 0..60_u32 {
        say(500 + i64::from(step) * 40, tcp((9, 7), (1, 1000), ACK, (500 + step * 1000, 100), &[b'x'; 1000]));
    }
    packets
}

/// The states of both ends, implied ones in brackets.
fn states(glance: &Glance, port: u16) -> String {
    let connection = glance.busiest.iter().find(|connection| connection.client.port == port).unwrap();
    let state = |now: &wireglass::record::StateNow| match now.state {
        None => "?".to_owned(),
        Some(state) if now.implied => format!("[{}]", state.name()),
        Some(state) => state.name().to_owned(),
    };
    connection.states.iter().map(state).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_moment_of_a_scripted_run() {
    let seen = see(Box::new(Script::new(scripted(), 5)), 1, Some(250_000_000));
    assert!((8..=14).contains(&seen.glances.len()), "{} looks in three seconds", seen.glances.len());
    let last = seen.glances.last().unwrap();
    assert_eq!((last.open.tcp, last.open.udp, last.open.other), (5, 0, 0));
    assert_eq!(states(last, 1000), "ESTABLISHED ESTABLISHED");
    assert_eq!(states(last, 1003), "[FIN-WAIT-2] CLOSE-WAIT");
    let unanswered = last.busiest.iter().find(|connection| connection.client.port == 1004).unwrap();
    assert_eq!(unanswered.states[0].state, Some(TcpState::SynSent));
    assert_ne!(unanswered.states[1].state, Some(TcpState::Established));
    let ports = |connections: &[wireglass::record::OpenConnection]| -> Vec<u16> {
        connections.iter().map(|connection| connection.client.port).collect()
    };
    assert_eq!(ports(&last.newest), [1004, 1003, 1002, 1001, 1000]);
    assert_eq!(ports(&last.busiest)[0], 1000);
    let busy = &last.busiest[0];
    let [sent, received] = busy.recent_bytes.unwrap();
    assert_eq!(sent, 0);
    let window_ms = last.window_ns / 1_000_000;
    assert!((1_000..2_500).contains(&window_ms), "{window_ms}");
    // A segment of 1054 bytes each 40 ms.
    let expected = window_ms as u64 / 40 * 1054;
    assert!(received.abs_diff(expected) <= 6 * 1054, "{received} of {expected}");
    assert_eq!(busy.round_trip_ns, Some(21_000_000));
    let [handshake, request] = &last.underway[..] else { panic!("{:?}", last.underway) };
    let Underway::Handshake { server_name, phase, waiting_for, since, .. } = &handshake.underway else {
        panic!("{handshake:?}")
    };
    assert_eq!((server_name.as_deref(), *phase, *waiting_for), (Some("stalled.example"), "client_hello", Side::Server));
    assert_eq!(*since, Timestamp(START_NS + 130_000_000));
    let Underway::Request { method, authority, target, more, .. } = &request.underway else { panic!("{request:?}") };
    assert_eq!(
        (method.as_deref(), authority.as_deref(), target.as_deref(), *more),
        (Some("GET"), Some("www.example"), Some("/slow"), 0)
    );
}

#[test]
fn workers_do_not_matter_nor_does_looking() {
    let nobody = see(Box::new(Script::new(scripted(), 5)), 1, None);
    assert!(nobody.glances.is_empty());
    for threads in [1, 3] {
        let seen = see(Box::new(Script::new(scripted(), 5)), threads, Some(250_000_000));
        assert_eq!(seen.records, nobody.records, "{threads} workers");
        let one = see(Box::new(Script::new(scripted(), 5)), 1, Some(250_000_000));
        assert_eq!(seen.glances, one.glances, "{threads} workers");
    }
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        folders.map(|folder| folder.join("capture.pcap")).filter(|path| path.is_file()).collect();
    found.sort();
    assert!(found.len() >= 50, "{}", found.len());
    found
}

#[test]
fn fixtures_look_the_same_for_any_workers() {
    let (mut handshakes, mut requests) = (0, 0);
    for file in fixtures() {
        let source = || {
            let source = capture::open(&file, 0).unwrap();
            Box::new(Pieces { source, batch: Batch::default(), given: 0, more: More::Yes })
        };
        let (one, three) = (see(source(), 1, Some(0)), see(source(), 3, Some(0)));
        assert_eq!(one.glances.len(), three.glances.len(), "{}", file.display());
        for (one, three) in one.glances.iter().zip(&three.glances) {
            assert_eq!(one, three, "{}", file.display());
            for exchange in &one.underway {
                match exchange.underway {
                    Underway::Handshake { .. } => handshakes += 1,
                    Underway::Request { .. } => requests += 1,
                }
            }
        }
    }
    assert!(handshakes > 15 && requests > 15, "{handshakes} handshakes, {requests} requests");
}

/// `WIREGLASS_FLOWS=1000000 cargo test --release --test glance many -- --nocapture` says what a look costs then.
#[test]
fn many_flows_cost_no_more() {
    let flows: u32 = std::env::var("WIREGLASS_FLOWS").ok().and_then(|flows| flows.parse().ok()).unwrap_or(30_000);
    let syn = |number: u32| {
        let at = Timestamp(START_NS + i64::from(number) * 1_000);
        let (client, port) = ((number >> 16) as u8, number as u16);
        let mut packet = tcp((client, port), (200, 80), SYN, (number, 0), b"");
        packet[28] = (number >> 24) as u8;
        (at, packet)
    };
    let taken = Arc::new(Mutex::new(Vec::new()));
    struct Timed(Arc<Mutex<Vec<(Instant, Glance)>>>);
    impl Writer for Timed {
        fn record(&mut self, _: &Record) -> io::Result<()> {
            Ok(())
        }
        fn glance_every_ns(&self) -> Option<i64> {
            Some(1)
        }
        fn glance(&mut self, glance: &Glance) -> io::Result<()> {
            self.0.lock().unwrap().push((Instant::now(), glance.clone()));
            Ok(())
        }
        fn finish(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    // All flows in one batch, then batches of one packet each, with nothing to do but to look.
    let mut packets: Vec<_> = (0..flows).map(syn).collect();
    let last = packets.last().unwrap().0;
    let more: Vec<_> = (0..20).map(|step| (last.plus(1_000 * (step + 1)), syn(step as u32).1)).collect();
    packets.extend(more);
    let mut source = Script::new(packets, flows as usize);
    source.at_once = flows as usize;
    let source = Shrinking(source);
    engine::run(Box::new(source), settings(1, 64 * flows as usize), &mut Timed(Arc::clone(&taken)), &mut |_| {})
        .unwrap();
    let taken = taken.lock().unwrap();
    assert_eq!(taken.len(), 21);
    for (_, glance) in taken.iter() {
        assert_eq!(glance.open.tcp, u64::from(flows), "all are counted");
        assert!(glance.newest.len() <= limits::GLANCE_ROWS && glance.busiest.len() <= limits::GLANCE_ROWS);
        assert_eq!(glance.newest[0].client.port, (flows - 1) as u16, "the newest one is seen");
    }
    let apart = taken.windows(2).map(|two| two[1].0 - two[0].0);
    let apart: Vec<_> = apart.collect();
    let mean = apart.iter().sum::<std::time::Duration>() / apart.len() as u32;
    println!("{flows} flows open: {mean:?} for a look (mean of {}, the longest {:?})", apart.len(), apart.iter().max());
}

/// The first batch is large, all others hold one packet.
struct Shrinking(Script);

impl PacketSource for Shrinking {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        let more = self.0.next_batch(batch);
        self.0.at_once = 1;
        more
    }

    fn description(&self) -> Capture {
        self.0.description()
    }
}

/// An interface on which nothing happens.
struct Silence(u32);

impl PacketSource for Silence {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        self.0 -= 1;
        Ok(if self.0 == 0 { More::No } else { More::Yes })
    }

    fn description(&self) -> Capture {
        Capture::default()
    }

    fn clock(&self) -> Option<Timestamp> {
        Some(Timestamp(START_NS))
    }
}

/// Batches go round between reader and workers; one that is lost now and then ends that after a while, for ever.
#[test]
fn a_silent_source_is_read_to_its_end() {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for threads in [2, 3] {
            see(Box::new(Silence(100_000)), threads, None);
        }
        done.send(()).unwrap();
    });
    ended.recv_timeout(std::time::Duration::from_secs(60)).expect("the run hangs");
}
