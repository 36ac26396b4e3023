//! What hop limits, identifications and fragments tell is told, and nothing where there is nothing to tell.
use std::{path::Path, process::Command};

use serde_json::Value;

/// Findings of a fixture: code, severity, title, and the packets they rest on.
fn findings(fixture: &str) -> Vec<(String, String, String, Vec<u64>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture).join("capture.pcap");
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(&file)
        .args(["--only", "findings", "--format", "ndjson", "--threads", "3"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let records = String::from_utf8(run.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    records
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["type"] == "finding")
        .map(|record| {
            let evidence =
                record["evidence"].as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect();
            (text(&record["code"]), text(&record["severity"]), text(&record["title"]), evidence)
        })
        .collect()
}

fn of<'f>(found: &'f [(String, String, String, Vec<u64>)], code: &str) -> Vec<(&'f str, &'f str, &'f [u64])> {
    let chosen = found.iter().filter(|(of, ..)| of == code);
    chosen.map(|(_, severity, title, evidence)| (severity.as_str(), title.as_str(), evidence.as_slice())).collect()
}

#[test]
fn packets_from_elsewhere_are_told() {
    let found = findings("tcp_path_signs");
    assert_eq!(
        of(&found, "tcp.injected-reset"),
        [
            (
                "warning",
                "an RST in the name of the server came with hop limit 250, the 5 packets before it with 52",
                &[13][..]
            ),
            (
                "note",
                "an RST in the name of the server came with hop limit 248, the 4 packets before it with 57",
                &[25][..]
            ),
        ]
    );
    assert_eq!(
        of(&found, "tcp.injected-data"),
        [(
            "warning",
            "data in the name of the server came with hop limit 120, and other data for the same place with 52 as usual",
            &[38, 39][..]
        )]
    );
    assert_eq!(
        of(&found, "tcp.path-changed"),
        [("note", "the hop limit of the server changed from 52 to 50", &[57][..])]
    );
    assert!(of(&found, "capture.duplicated-packets").is_empty());
}

#[test]
fn a_mirror_port_that_copies_both_ways_is_told_once() {
    let found = findings("span_both_ways");
    let told = of(&found, "capture.duplicated-packets");
    let [(severity, title, evidence)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*severity, *title), ("warning", "31 of 62 packets (50 %) are in the capture twice"));
    assert_eq!(evidence[..4], [2, 4, 6, 8]);
    for wrong in ["tcp.retransmissions", "tcp.spurious-retransmissions", "tcp.path-changed"] {
        assert!(of(&found, wrong).is_empty(), "{wrong}");
    }
    // What a network doubles now and then is no mirror port.
    let doubled = findings("tcp_path_signs");
    assert!(of(&doubled, "capture.duplicated-packets").is_empty());
}

#[test]
fn fragments_that_overlap_or_are_missing_are_told() {
    let found = findings("ip_fragment_trouble");
    assert_eq!(
        of(&found, "ip.overlapping-fragments"),
        [("warning", "1 fragment overlaps with others of the same datagram", &[6][..])]
    );
    assert_eq!(of(&found, "ip.fragments-missing"), [("note", "1 fragmented datagram was never completed", &[8][..])]);
    let whole = findings("ip_fragments_udp");
    assert!(whole.iter().all(|(code, ..)| !code.starts_with("ip.")), "{whole:?}");
}
