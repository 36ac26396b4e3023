//! Both endpoints' states against the kernel's own trace: over the fixtures that have one (`states.json`), and over the lab
//! captures in `$WIREGLASS_LAB`. `tests/lab_states.py` compares in the same way what the program writes.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use wireglass::{
    capture::{Batch, More, open},
    flow::{Consumer, Packet, Settings, Table, fragment},
    record::{
        Certainty, Connection, Context, Finding, FlowFacts, FlowId, Input, PacketRef, Progress, Record, RecordKind,
        Side, TcpState, Timestamp, Wanted,
    },
    wire,
};

#[derive(Default)]
struct Collector {
    connections: Vec<(FlowId, Connection)>,
    findings: Vec<Finding>,
    bytes: u64,
}

impl Consumer for Collector {
    type Conversation = ();

    fn open(&mut self, _: &FlowFacts) {}

    fn input(&mut self, (): &mut (), input: Input<'_>, _: &Context<'_>) -> Progress {
        if let Input::Stream { bytes, .. } = input {
            self.bytes += bytes.len() as u64;
            return Progress::Consumed(bytes.len());
        }
        Progress::Consumed(0)
    }

    fn take_reoffer(&mut self, (): &mut ()) -> bool {
        false
    }

    fn application(&self, (): &()) -> Option<&'static str> {
        None
    }

    fn emit(&mut self, _: u64, flow: FlowId, record: Record) {
        match record {
            Record::Connection(connection) => self.connections.push((flow, *connection)),
            Record::Finding(finding) => self.findings.push(*finding),
            _ => {}
        }
    }

    fn limit(&mut self, _: &'static wireglass::limits::Limit, _: PacketRef) {}
}

fn analyze(path: &Path) -> Option<Collector> {
    let mut source = open(path, 0).ok()?;
    let wanted = [RecordKind::Connection, RecordKind::Udp, RecordKind::Finding].into_iter().collect::<Wanted>();
    let settings = Settings { max_flows: 100_000, wanted, ..Settings::default() };
    let mut table = Table::new(settings);
    let mut fragments = fragment::Reassembler::new();
    let mut collector = Collector::default();
    let mut batch = Batch::default();
    let mut clock = Timestamp::MIN;
    let mut at = PacketRef::default();
    let mut index = 0;
    loop {
        let more = source.next_batch(&mut batch);
        for head in &batch.heads {
            clock = clock.max(head.timestamp);
            at = PacketRef { index, number: head.number, timestamp: head.timestamp };
            index += 1;
            table.expire(clock, |_| at, &mut collector);
            let bytes = batch.bytes(head);
            let decoded = wire::decode(head.link_type, bytes, head.wire_length);
            let whole = decoded.fragment(bytes).map(|fragment| match fragments.add(&fragment, at, clock) {
                fragment::Outcome::Complete(datagram) => datagram.to_vec(),
                _ => Vec::new(),
            });
            match whole {
                Some(datagram) => {
                    let decoded = wire::decode_reassembled(&datagram, &decoded);
                    let wire_length = head.wire_length;
                    let checksum = decoded.transport_checksum(&datagram);
                    let packet = Packet {
                        at,
                        clock,
                        bytes: &datagram,
                        decoded: &decoded,
                        checksum,
                        wire_length,
                        encapsulated: None,
                    };
                    table.packet(&packet, &mut collector);
                }
                None => {
                    let checksum = decoded.transport_checksum(bytes);
                    let wire_length = head.wire_length;
                    let packet =
                        Packet { at, clock, bytes, decoded: &decoded, checksum, wire_length, encapsulated: None };
                    table.packet(&packet, &mut collector);
                }
            }
        }
        if !matches!(more, Ok(More::Yes)) {
            break;
        }
    }
    table.finish(at, &mut collector);
    collector.connections.sort_by_key(|(flow, _)| *flow);
    Some(collector)
}

fn lab() -> PathBuf {
    std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from)
}

/// The kernel's names, as the RFC spells them.
fn states_of(value: &serde_json::Value) -> Option<Vec<String>> {
    let names = value.as_array()?.iter().filter_map(|name| name.as_str());
    Some(names.map(|name| name.replace("SYN-RECV", "SYN-RECEIVED").replace("RECEIVEDEIVED", "RECEIVED")).collect())
}

/// Why a sequence that differs from the kernel's is right all the same: what no capture can show.
fn excuse(connections: &[&Connection], we_say: &[String], kernel: &[String]) -> Option<&'static str> {
    let first = connections.first()?;
    let opened = |side| first.transitions.iter().find(|step| step.side == side).is_some_and(|step| step.from.is_none());
    let mut once = kernel.to_vec();
    once.dedup();
    if we_say == once {
        return Some("the kernel told one state twice: its trace tells each call, not each change");
    }
    let late = first.handshake.syn_packet.is_none() && first.handshake.syn_ack_packet.is_none();
    if late && opened(Side::Client) && opened(Side::Server) && once.ends_with(we_say) {
        return Some("the capture began after the states that are missing");
    }
    if let [before @ .., last] = once.as_slice()
        && before == we_say
        && last == "CLOSED"
        && matches!(before.last().map(String::as_str), Some("SYN-SENT" | "SYN-RECEIVED"))
    {
        return Some("the endpoint gave up after the capture had ended");
    }
    None
}

/// Whether both sides sent the first SYN: which one is called the client then depends on whose came by first.
fn both_opened(connections: &[&Connection]) -> bool {
    let sent_syn = |side| {
        let mut steps = connections.iter().flat_map(|connection| &connection.transitions);
        steps.any(|step| step.side == side && step.to == TcpState::SynSent)
    };
    sent_syn(Side::Client) && sent_syn(Side::Server)
}

/// What we say, but for what the kernel's trace leaves out: how TIME-WAIT ends. Linux replaces the socket by a smaller
/// one as it enters TIME-WAIT, and its tracepoint `inet_sock_set_state` speaks of sockets only.
fn ours(connection: &Connection, side: Side) -> Vec<String> {
    let transitions = connection
        .transitions
        .iter()
        .filter(|transition| transition.side == side && transition.from != Some(TcpState::TimeWait));
    transitions.map(|transition| transition.to.name().to_owned()).collect()
}

/// What came out of the comparisons.
#[derive(Default)]
struct Tally {
    right: u32,
    total: u32,
    excused: BTreeMap<&'static str, u32>,
    differences: Vec<String>,
}

impl Tally {
    /// Compares a capture with what the kernel says of client and server.
    fn compare(&mut self, path: &Path, kernel: &serde_json::Value) {
        let name = path.display();
        let Some(found) = analyze(path) else {
            self.differences.push(format!("{name} cannot be read"));
            return;
        };
        let Some((_, first)) = found.connections.first() else {
            // A capture at the server of what never reached it.
            return;
        };
        let same = |c: &Connection| c.client.port == first.client.port && c.client.address == first.client.address;
        let lived: Vec<&Connection> =
            found.connections.iter().map(|(_, connection)| connection).filter(|c| same(c)).collect();
        for (side, key, other) in [(Side::Client, "client", "server"), (Side::Server, "server", "client")] {
            let Some(truth) = states_of(&kernel[key]) else { continue };
            let we_say: Vec<String> = lived.iter().flat_map(|connection| ours(connection, side)).collect();
            self.total += 1;
            let swapped = states_of(&kernel[other]).filter(|_| both_opened(&lived));
            if we_say == truth || Some(&we_say) == swapped.as_ref() {
                self.right += 1;
            } else if let Some(reason) = excuse(&lived, &we_say, &truth) {
                *self.excused.entry(reason).or_insert(0) += 1;
            } else {
                self.differences.push(format!("{name} {key}: we {we_say:?}, kernel {truth:?}"));
            }
            // No excuse here: what we are sure of was lived, in this order.
            let sure: Vec<&str> = lived.iter().flat_map(|connection| observed(connection, side)).collect();
            let is_lived = |truth: &[String]| {
                let mut rest = truth.iter();
                sure.iter().all(|state| rest.any(|lived| lived == state))
            };
            if !is_lived(&truth) && !swapped.is_some_and(|swapped| is_lived(&swapped)) {
                self.differences.push(format!("{name} {key}: observed {sure:?}, kernel {truth:?}"));
            }
        }
    }

    fn tell(&self) {
        for difference in &self.differences {
            eprintln!("{difference}");
        }
        eprintln!("{} of {} sequences of states equal the kernel's", self.right, self.total);
        for (reason, count) in &self.excused {
            eprintln!("{count} excused: {reason}");
        }
        assert!(self.differences.is_empty(), "states that the kernel did not live: {:#?}", self.differences);
    }
}

/// The states we are sure `side` was in. The kernel's trace leaves out how TIME-WAIT ends.
fn observed(connection: &Connection, side: Side) -> Vec<&'static str> {
    let own = connection.transitions.iter().filter(|step| step.side == side && step.from != Some(TcpState::TimeWait));
    own.filter(|step| step.certainty == Certainty::Observed).map(|step| step.to.name()).collect()
}

fn read(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn fixtures_states_equal_the_kernels() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut tally = Tally::default();
    for folder in folders.iter().filter(|folder| folder.join("states.json").exists()) {
        tally.compare(&folder.join("capture.pcap"), &read(&folder.join("states.json")));
    }
    assert!(tally.total >= 38, "fixtures are missing: {}", tally.total);
    tally.tell();
}

#[test]
fn states_equal_the_kernels() {
    let folder = lab().join("captures");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
        return;
    };
    let mut names: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let mut tally = Tally::default();
    for truth_path in names {
        let name = truth_path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("tcp_") || !name.ends_with(".truth.json") {
            continue;
        }
        let truth = read(&truth_path);
        for capture in truth["captures"].as_object().unwrap().values() {
            let path = folder.join(capture["file"].as_str().unwrap());
            if path.exists() {
                tally.compare(&path, &truth["kernel_vs_expected"]);
            }
        }
    }
    tally.tell();
}
