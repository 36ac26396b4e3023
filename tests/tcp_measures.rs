//! Measurements of TCP against what the kernel counted and the wire did, over the lab captures in `$WIREGLASS_LAB`.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn lab() -> PathBuf {
    std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from).join("captures")
}

/// Every scenario about TCP: its name and its truth.
fn scenarios() -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(lab()) else {
        eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", lab().display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| Some(path.file_name()?.to_str()?.strip_suffix(".truth.json")?.to_owned());
    let found: Vec<(String, Value)> = paths
        .iter()
        .filter_map(|path| Some((name(path)?, path)))
        .filter(|(name, _)| name.starts_with("tcp_"))
        .map(|(name, path)| (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()))
        .collect();
    assert!(found.len() >= 20, "{} scenarios", found.len());
    found
}

/// The connections in `file`.
fn connections(file: &str) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(["--only", "connections", "--format", "ndjson"])
        .arg(lab().join(file))
        .output()
        .unwrap();
    let lines = String::from_utf8(run.stdout).unwrap();
    let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["type"] == "connection").collect()
}

fn number(side: &Value, field: &str) -> u64 {
    side[field].as_u64().unwrap_or_else(|| panic!("{field} of {side}"))
}

/// Both sides of every connection.
fn sides(connections: &[Value]) -> impl Iterator<Item = &Value> {
    connections.iter().flat_map(|connection| [&connection["client"], &connection["server"]])
}

/// An endpoint whose own capture there is.
struct Observed {
    name: String,
    connections: Vec<Value>,
    address: String,
    /// What its kernel counted.
    counters: BTreeMap<String, u64>,
}

impl Observed {
    /// The sum of `field` over all that it sent.
    fn sent(&self, field: &str) -> u64 {
        let own = sides(&self.connections).filter(|side| side["address"] == self.address.as_str());
        own.map(|side| number(side, field)).sum()
    }

    fn kernel(&self, counter: &str) -> u64 {
        self.counters.get(counter).copied().unwrap_or(0)
    }
}

fn endpoints() -> Vec<Observed> {
    let mut endpoints = Vec::new();
    for (name, truth) in scenarios() {
        let Some(counters) = truth["counters_delta"].as_object() else { continue };
        for (namespace, counters) in counters {
            let captures = truth["captures"].as_object().unwrap().values();
            let Some(capture) = captures.into_iter().find(|capture| capture["ns"] == namespace.as_str()) else {
                continue;
            };
            let key = if namespace == "c" { "client" } else { "server" };
            let Some(endpoint) = truth["endpoints"][key].as_str() else { continue };
            let address = endpoint.rsplit_once(':').unwrap().0.trim_matches(['[', ']']).to_owned();
            let counters: BTreeMap<String, u64> = counters
                .as_object()
                .unwrap()
                .iter()
                .map(|(key, value)| (key.clone(), value.as_u64().unwrap()))
                .collect();
            let connections = connections(capture["file"].as_str().unwrap());
            endpoints.push(Observed { name: name.clone(), connections, address, counters });
        }
    }
    endpoints
}

#[test]
fn retransmissions_equal_the_kernels() {
    let endpoints = endpoints();
    for end in &endpoints {
        let who = format!("{} {}", end.name, end.address);
        let all = end.sent("retransmissions");
        assert_eq!(all, end.kernel("TcpRetransSegs"), "{who}");
        assert_eq!(end.sent("tail_loss_probes"), end.kernel("TcpExtTCPLossProbes"), "{who}");
        assert_eq!(end.sent("fast_retransmissions"), end.kernel("TcpExtTCPFastRetrans"), "{who}");
        // The kernel counts expiries of its timer, also those that find nothing to send: compare what is left.
        let others = end.kernel("TcpExtTCPFastRetrans") + end.kernel("TcpExtTCPLossProbes");
        assert_eq!(end.sent("timeout_retransmissions"), all - others, "{who}");
        assert_eq!(end.sent("keep_alives"), end.kernel("TcpExtTCPKeepAlive"), "{who}");
        assert_eq!(end.sent("zero_window_probes"), end.kernel("TcpExtTCPWinProbe"), "{who}");
    }
    eprintln!("{} endpoints compared with their kernel's counters", endpoints.len());
}

#[test]
fn duplicates_are_reported_as_often_as_the_kernel_says() {
    for end in endpoints() {
        let kernel = end.kernel("TcpExtTCPDSACKOldSent") + end.kernel("TcpExtTCPDSACKOfoSent");
        assert_eq!(end.sent("duplicate_sacks"), kernel, "{} {}", end.name, end.address);
    }
}

/// The sums that the record promises.
#[test]
fn kinds_of_retransmissions_add_up() {
    for (name, truth) in scenarios() {
        for capture in truth["captures"].as_object().unwrap().values() {
            for side in sides(&connections(capture["file"].as_str().unwrap())) {
                let all = number(side, "retransmissions");
                let told = ["fast_retransmissions", "timeout_retransmissions", "tail_loss_probes"];
                let told: u64 = told.iter().map(|field| number(side, field)).sum();
                assert!(told <= all, "{name}: {side}");
                assert!(number(side, "spurious_retransmissions") <= all, "{name}: {side}");
                assert!(number(side, "duplicate_sacks") <= number(side, "sack_blocks"), "{name}: {side}");
                let rate = |field: &str| side[field].as_u64();
                let (sent, new) = (rate("throughput_bits_per_second"), rate("goodput_bits_per_second"));
                assert!(new.is_none() || new <= sent, "{name}: {side}");
            }
        }
    }
}

/// What the lab's wire did to the frames is seen as that, on the receiver's side of it.
#[test]
fn what_the_wire_did_is_seen() {
    for (name, truth) in scenarios() {
        let Some(actions) = truth["wire"]["actions"].as_array() else { continue };
        let did = |what: &str, way: &str| {
            let same = |action: &&Value| {
                let is_it = action["act"].as_array().is_some_and(|acts| {
                    acts.iter().any(|act| act.as_str().is_some_and(|act| act.split(':').next() == Some(what)))
                });
                is_it && action["dir"] == way
            };
            actions.iter().filter(same).count() as u64
        };
        for (way, receiver, sender) in [("s2c", "c", "server"), ("c2s", "s", "client")] {
            let captures = truth["captures"].as_object().unwrap().values();
            let Some(capture) = captures.into_iter().find(|capture| capture["ns"] == receiver) else { continue };
            let found = connections(capture["file"].as_str().unwrap());
            let sum = |field: &str| found.iter().map(|connection| number(&connection[sender], field)).sum::<u64>();
            assert_eq!(sum("ecn_ce"), did("ce", way), "{name}");
            // Delayed so that others overtook it, and not so long that the connection was over.
            if did("delay", way) > 0 && did("dup", way) == 0 {
                assert_eq!(sum("out_of_order"), did("delay", way), "{name}");
            }
            if did("drop", way) == 0 && did("queue-drop", way) == 0 && did("corrupt", way) == 0 {
                let spurious = sum("spurious_retransmissions");
                assert_eq!(
                    sum("retransmissions"),
                    spurious,
                    "{name}: nothing was lost, so nothing had to be sent again"
                );
            }
        }
    }
}
