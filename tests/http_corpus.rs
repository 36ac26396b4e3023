//! HTTP/1 rows of the corpus of third-party captures, where it is at hand: tshark gives the TCP segments, a plain
//! reassembly puts them in order, and what the session reports is compared with tshark's own HTTP rows.
//!
//! `WIREGLASS_CORPUS=/work/shared/corpus cargo test --test http_corpus -- --nocapture`
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use wireglass::{
    app::{Carrier, Probe, Said, Session, Sink, Verdict, http1},
    record::{
        Certainty, Context, Direction, EndCause, Endpoint, FlowFacts, FlowId, Http, Input, Origin, PacketNumber,
        PacketRef, Progress, Record, Timestamp, Transport, Wanted,
    },
};

const COLUMNS: [&str; 13] = [
    "src",
    "sport",
    "dst",
    "dport",
    "kind",
    "method",
    "host",
    "uri",
    "version",
    "user_agent",
    "status",
    "content_type",
    "content_length",
];

#[derive(Default)]
struct Lane {
    next: Option<u32>,
    held: BTreeMap<u64, (u32, PacketRef, Vec<u8>)>,
    pending: Vec<u8>,
    origins: Vec<Origin>,
    skip: u64,
    from_start: bool,
}

struct Flow {
    facts: FlowFacts,
    lanes: [Lane; 2],
    session: Option<Box<dyn Session>>,
    said: Vec<Said>,
    over: bool,
}

impl Flow {
    fn tell(&mut self, input: Input<'_>, packet: PacketRef) {
        let both = self.lanes.iter().all(|lane| lane.next.is_some());
        let round_trip_ns = both.then_some(1);
        let context = Context { flow: &self.facts, packet, origins: &[], from_start: false, round_trip_ns };
        if let (Some(session), false) = (&mut self.session, self.over) {
            session.input(input, &context, &mut Sink::new(Wanted::usual(), false, &mut self.said));
        }
    }

    fn offer(&mut self, direction: Direction, packet: PacketRef) {
        if self.over {
            return;
        }
        let lane = &mut self.lanes[direction.index()];
        if self.session.is_none() {
            let probe = Probe {
                carrier: Carrier::Tcp,
                direction,
                bytes: &lane.pending[..lane.pending.len().min(4096)],
                from_start: lane.from_start,
                flow: &self.facts,
            };
            if !matches!((http1::PROTOCOL.probe)(&probe), Verdict::Certain | Verdict::Likely) {
                return;
            }
            self.session = Some((http1::PROTOCOL.session)(Carrier::Tcp));
            self.offer(direction.reverse(), packet);
            return self.offer(direction, packet);
        }
        loop {
            let lane = &mut self.lanes[direction.index()];
            let Some(session) = &mut self.session else { return };
            if lane.pending.is_empty() {
                return;
            }
            let context = Context {
                flow: &self.facts,
                packet,
                origins: &lane.origins,
                from_start: lane.from_start,
                round_trip_ns: None,
            };
            let input = Input::Stream { direction, bytes: &lane.pending };
            let mut out = Sink::new(Wanted::usual(), false, &mut self.said);
            let (done, again) = match session.input(input, &context, &mut out) {
                Progress::Consumed(done) => (done, false),
                Progress::Need { consumed, .. } => (consumed, false),
                Progress::Skip(length) => {
                    let here = (lane.pending.len() as u64).min(length);
                    lane.skip = length - here;
                    (here as usize, true)
                }
                Progress::Done => {
                    self.over = true;
                    return;
                }
                Progress::HandOver(done) => {
                    self.session = None;
                    (done, false)
                }
            };
            lane.pending.drain(..done);
            let keep = lane.origins.iter().rposition(|origin| origin.offset <= done).unwrap_or(0);
            lane.origins.drain(..keep);
            lane.origins.iter_mut().for_each(|origin| origin.offset = origin.offset.saturating_sub(done));
            lane.from_start = self.session.is_none();
            if !again {
                return;
            }
        }
    }

    fn segment(&mut self, direction: Direction, packet: PacketRef, seq: u32, syn: bool, bytes: Vec<u8>) {
        let lane = &mut self.lanes[direction.index()];
        let seq = if syn { seq.wrapping_add(1) } else { seq };
        if lane.next.is_none() {
            lane.next = Some(seq);
            lane.from_start = syn;
        }
        if !bytes.is_empty() {
            lane.held.insert(packet.index, (seq, packet, bytes));
        }
        self.drain(direction, 64, packet);
    }

    /// Passes on what is in order; a hole is given up when more than `patience` segments wait behind it.
    fn drain(&mut self, direction: Direction, patience: usize, now: PacketRef) {
        loop {
            let lane = &mut self.lanes[direction.index()];
            let Some(next) = lane.next else { return };
            let ahead = |seq: u32| seq.wrapping_sub(next) as i32;
            let first = lane.held.iter().min_by_key(|(_, (seq, ..))| ahead(*seq)).map(|(key, (seq, ..))| (*key, *seq));
            let Some((key, seq)) = first else { return };
            if ahead(seq) > 0 {
                if lane.held.len() <= patience {
                    return;
                }
                let length = u64::from(seq.wrapping_sub(next)) + lane.pending.len() as u64;
                (lane.next, lane.from_start) = (Some(seq), false);
                lane.pending.clear();
                lane.origins.clear();
                self.tell(Input::Gap { direction, length }, now);
                continue;
            }
            let (seq, packet, bytes) = lane.held.remove(&key).unwrap();
            let Some(fresh) = bytes.get(next.wrapping_sub(seq) as usize..).filter(|fresh| !fresh.is_empty()) else {
                continue;
            };
            lane.next = Some(next.wrapping_add(fresh.len() as u32));
            lane.origins.push(Origin { offset: lane.pending.len(), packet });
            lane.pending.extend_from_slice(fresh);
            self.offer(direction, now);
        }
    }
}

type Row = Vec<String>;

fn rows_of(http: &Http, rows: &mut Vec<Row>) {
    let ends = |a: &Endpoint, b: &Endpoint| {
        vec![a.address.to_string(), a.port.to_string(), b.address.to_string(), b.port.to_string()]
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    if let Some(q) = &http.request {
        let mut row = ends(&http.client, &http.server);
        row.extend(["request".to_owned(), q.method.clone(), text(&q.authority), q.target.clone()]);
        row.extend([format!("HTTP/{}", q.version), text(&q.user_agent), String::new()]);
        row.extend([text(&q.content_type), text(&q.content_length)]);
        rows.push(row);
    }
    for p in http.informational.iter().chain(&http.response) {
        let mut row = ends(&http.server, &http.client);
        row.extend(["response".to_owned(), String::new(), String::new(), String::new()]);
        row.extend([format!("HTTP/{}", p.version), String::new(), p.status.to_string()]);
        row.extend([text(&p.content_type), text(&p.content_length)]);
        rows.push(row);
    }
}

/// What the sessions of all flows of a capture said, in the order of the flows.
fn said(capture: &Path) -> Vec<Said> {
    let fields = [
        "frame.number",
        "tcp.stream",
        "ip.src",
        "ipv6.src",
        "tcp.srcport",
        "ip.dst",
        "ipv6.dst",
        "tcp.dstport",
        "tcp.seq_raw",
        "tcp.flags",
        "tcp.payload",
    ];
    let mut command = Command::new("tshark");
    command.args(["-n", "-2", "-Y", "tcp", "-T", "fields", "-E", "occurrence=l", "-r"]).arg(capture);
    command.args(["-o", "tcp.desegment_tcp_streams:FALSE"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark");
    let mut flows: BTreeMap<u64, Flow> = BTreeMap::new();
    let mut last = PacketRef::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let end = |v4: usize, v6: usize, port: usize| {
            // Where both are there, IPv6 runs inside IPv4.
            let address = cells[v6].parse().or_else(|_| cells[v4].parse()).ok()?;
            Some(Endpoint { address, port: cells[port].parse().ok()? })
        };
        let (Some(from), Some(to)) = (end(2, 3, 4), end(5, 6, 7)) else { continue };
        let (Ok(frame), Ok(stream), Ok(seq)) = (cells[0].parse(), cells[1].parse(), cells[8].parse()) else { continue };
        let flags = u16::from_str_radix(cells[9].trim_start_matches("0x"), 16).unwrap_or(0);
        let hex = cells.get(10).copied().unwrap_or_default();
        let bytes = (0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()).collect();
        last = PacketRef { index: frame, number: PacketNumber::new(0, frame), timestamp: Timestamp(0) };
        let flow = flows.entry(stream).or_insert_with(|| Flow {
            facts: FlowFacts {
                id: FlowId::default(),
                transport: Transport::Tcp,
                client: if flags & 0x12 == 0x12 { to } else { from },
                server: if flags & 0x12 == 0x12 { from } else { to },
                client_certainty: Certainty::Observed,
            },
            lanes: Default::default(),
            session: None,
            said: Vec::new(),
            over: false,
        });
        let client = from == flow.facts.client;
        let direction = if client { Direction::ClientToServer } else { Direction::ServerToClient };
        flow.segment(direction, last, seq, flags & 2 != 0, bytes);
        let cause = match flags & 5 {
            0 => continue,
            1 => EndCause::Fin,
            _ => EndCause::Reset,
        };
        if flow.lanes[direction.index()].held.is_empty() {
            flow.tell(Input::End { direction, cause }, last);
        }
    }
    let mut all = Vec::new();
    for mut flow in flows.into_values() {
        for direction in Direction::BOTH {
            flow.drain(direction, 0, last);
        }
        flow.tell(Input::Close, last);
        all.append(&mut flow.said);
    }
    all
}

fn ours(capture: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for said in said(capture) {
        if let Said::Record(Record::Http(http)) = said {
            rows_of(&http, &mut rows);
        }
    }
    rows
}

fn unescape(cell: &str) -> String {
    cell.replace("\\t", "\t").replace("\\\\", "\\")
}

fn theirs(table: &Path) -> Vec<Row> {
    let text = fs::read_to_string(table).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let places = COLUMNS.map(|column| names.iter().position(|name| *name == column).unwrap());
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        places.map(|place| unescape(cells.get(place).copied().unwrap_or_default())).to_vec()
    };
    lines.map(row).collect()
}

#[test]
fn rows_agree_with_tshark() {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: WIREGLASS_CORPUS is not set");
        return;
    };
    let debatable = fs::read_to_string(corpus.join("DEBATABLE.tsv")).unwrap_or_default();
    let (mut right, mut wanted, mut all_extra) = (0, 0, 0);
    for repository in fs::read_dir(corpus.join("truth")).unwrap().flatten() {
        for capture in fs::read_dir(repository.path()).unwrap().flatten() {
            let table = capture.path().join("http1.tsv");
            let name = format!("{}/{}", repository.file_name().display(), capture.file_name().display());
            // SCTP carries no TCP stream, and SOCKS in front of HTTP is a protocol of its own.
            let elsewhere = name.contains("/sctp-") || name.contains("/socks-");
            if !table.exists() || elsewhere {
                continue;
            }
            let counts = !debatable.lines().any(|line| line.starts_with(&format!("{name}\thttp1")));
            let mut open: HashMap<Row, i64> = HashMap::new();
            let truth = theirs(&table);
            truth.iter().for_each(|row| *open.entry(row.clone()).or_default() += 1);
            ours(&corpus.join("pcaps").join(&name)).into_iter().for_each(|row| *open.entry(row).or_default() -= 1);
            let missing: i64 = open.values().filter(|count| **count > 0).sum();
            let extra: i64 = open.values().filter(|count| **count < 0).sum();
            if counts {
                wanted += truth.len() as i64;
                right += truth.len() as i64 - missing;
                all_extra -= extra;
            }
            if missing != 0 || extra != 0 {
                println!("{name} (counts: {counts}): {missing} of {} missing, {} more", truth.len(), -extra);
                for (row, count) in open.iter().filter(|(_, count)| **count != 0).take(6) {
                    println!("  {count:+} {}", row.join(" | "));
                }
            }
        }
    }
    println!("{right} of {wanted} rows right, {all_extra} more than wanted");
    assert!(right * 100 >= wanted * 99, "{right} of {wanted}");
}

/// Method and target, status and whether pipelined, of each exchange of a capture of our own lab.
fn exchanges(name: &str) -> Option<Vec<String>> {
    let lab = PathBuf::from(std::env::var_os("WIREGLASS_LAB")?);
    let mut lines = Vec::new();
    for said in said(&lab.join(name)) {
        lines.push(match said {
            Said::Record(Record::Http(http)) => {
                let asked = http.request.as_ref().map_or("?".to_owned(), |q| format!("{} {}", q.method, q.target));
                let answer =
                    http.response.as_ref().map_or("?".to_owned(), |p| format!("{} {}", p.status, p.body_bytes));
                format!("{asked} -> {answer}{}", if http.pipelined { " pipelined" } else { "" })
            }
            Said::Record(Record::Finding(finding)) => format!("{}: {}", finding.code, finding.title),
            Said::Application(name) => format!("application {name}"),
            other => format!("{other:?}"),
        });
    }
    Some(lines)
}

#[test]
fn lab_captures() {
    for name in [
        "http1_pipelining.client.pcap",
        "http1_variety.client.pcap",
        "lb_upstream_timeout_504.lb.pcap",
        "lb_upstream_keepalive.lb.pcap",
        "proxy_squid_connect.client.pcap",
        "proxy_squid_connect.proxy.pcap",
        "tls_plain_http_to_tls_port.client.pcap",
        "http2_h2c_prior.client.pcap",
    ] {
        let Some(lines) = exchanges(name) else { return };
        println!("== {name}\n{}", lines.join("\n"));
    }
}
