//! Whose time a handshake took, against what was set: fixtures whose wire delays by a known time and whose programs think
//! for a known time before each flight, seen from a tap at the client and from one at the server.
use std::{fs, path::Path, process::Command};

use serde_json::Value;

/// How near the times found must be to the programs' own clocks, in milliseconds. The largest difference seen is 0.5: a
/// program's clock starts when it has read, and stops when it has written.
const NEAR_MS: f64 = 1.0;
/// How near the network's share must be to the delay that was set, for each way that a message takes.
const NEAR_WIRE_MS: f64 = 1.5;

fn handshake(capture: &Path) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--only", "tls"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).unwrap();
    let mut records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.find(|record| record["type"] == "tls").unwrap()
}

fn ms(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) / 1e6
}

/// The first phase of this side and name that another packet than the one before completed.
fn phase<'a>(tls: &'a Value, side: &str, name: &str) -> &'a Value {
    let phases = tls["phases"].as_array().unwrap();
    phases.iter().find(|phase| phase["side"] == side && phase["name"] == name).unwrap()
}

/// `(side, phase, its place among the side's measured flights)`: what each flight begins with.
type Flights = [(&'static str, &'static str, usize)];
const TLS12: &Flights = &[
    ("server", "server_hello", 0),
    ("client", "client_key_exchange", 1),
    ("server", "new_session_ticket", 1),
    ("client", "application_data", 2),
];
const TLS13: &Flights = &[("server", "server_hello", 0), ("client", "finished", 1), ("client", "application_data", 2)];

#[test]
fn times_are_those_that_were_set() {
    for (name, flights) in [("tls12_timed", TLS12), ("tls13_timed", TLS13)] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
        let truth: Value = serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
        let delay = |way: &str| truth["delay_ms"][way].as_f64().unwrap();
        let round_trip_ms = delay("to_server") + delay("to_client");
        for (tap, near) in [("capture.pcap", "client"), ("server.pcap", "server")] {
            let tls = handshake(&folder.join(tap));
            for (side, what, flight) in flights {
                let found = phase(&tls, side, what);
                let place = format!("{name}/{tap}: {side} {what}: {found}");
                // TLS 1.3's first message of the client's second flight is ChangeCipherSpec, in the same packet.
                let found =
                    if found["thinking_ns"].is_null() { phase(&tls, side, "change_cipher_spec") } else { found };
                let thought = ms(&found["thinking_ns"]);
                let measured = truth["measured_ms"][side][flight].as_f64().unwrap();
                assert!(
                    (thought - measured).abs() <= NEAR_MS,
                    "{place}: {thought} ms, the program measured {measured}"
                );
                // Only the way to the far side and back passes the tap; what follows a message of one's own needs none.
                let way = ms(&found["since_previous_ns"]) - thought;
                let follows_own = *what == "application_data" && name == "tls13_timed";
                let expected = if *side == near || follows_own { 0.0 } else { round_trip_ms };
                assert!((way - expected).abs() <= NEAR_WIRE_MS, "{place}: {way} ms on the way, {expected} were set");
                let larger = if measured > expected { *side } else { "network" };
                assert_eq!(found["waiting_for"], larger, "{place}");
            }
            // From the first byte of the ClientHello to the later Finished.
            let side = |side: &str, flight: usize| truth["measured_ms"][side][flight].as_f64().unwrap();
            let whole = match (name, near) {
                ("tls12_timed", "client") => {
                    side("server", 0) + side("client", 1) + side("server", 1) + 2.0 * round_trip_ms
                }
                ("tls12_timed", _) => side("server", 0) + side("client", 1) + side("server", 1) + round_trip_ms,
                _ => side("server", 0) + side("client", 1) + round_trip_ms,
            };
            let found = ms(&tls["handshake_ns"]);
            assert!((found - whole).abs() <= 3.0, "{name}/{tap}: the handshake took {found} ms, expected {whole}");
        }
    }
}
