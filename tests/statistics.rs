//! `wireglass statistics`: equal to tshark's -z over the corpus, equal to the report's hierarchy over the fixtures, and in every format.
//!
//! The comparison needs `WIREGLASS_CORPUS`, tshark and python3 and skips loudly without; `WIREGLASS_STATISTICS_ALL=1` takes every
//! capture up to 1.5 MB, not only one in eight.
use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn fixtures() -> Vec<PathBuf> {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")).unwrap();
    let captures = folders.flat_map(|folder| {
        let folder = folder.unwrap().path();
        ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name))
    });
    let mut found: Vec<PathBuf> = captures.filter(|path| path.is_file()).collect();
    found.sort();
    assert!(found.len() > 50, "{}", found.len());
    found
}

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap").display().to_string()
}

fn run(arguments: &[&str], columns: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.args(arguments).env("COLUMNS", columns).output().unwrap()
}

fn records(arguments: &[&str]) -> Vec<Value> {
    let run = run(arguments, "120");
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_hierarchy_is_the_reports() {
    let mut seen = 0;
    for path in fixtures() {
        let file = path.to_str().unwrap();
        let whole = |record: &Value| record["protocols"].clone();
        let report = records(&[file, "--only", "capture", "--format", "ndjson"]);
        let statistics = records(&["statistics", file, "--format", "ndjson", "--only", "hierarchy"]);
        assert_eq!(whole(report.last().unwrap()), whole(statistics.last().unwrap()), "{file}");
        let nodes = |records: &[Value]| -> BTreeSet<(String, u64, u64)> {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let number = |value: &Value| value.as_u64().unwrap();
            let node = |node: &Value| (text(&node["path"]), number(&node["packets"]), number(&node["bytes"]));
            records.iter().map(node).collect()
        };
        let own: Vec<Value> =
            statistics.iter().filter(|record| record["type"] == "statistics_protocol").cloned().collect();
        seen += own.len();
        assert_eq!(nodes(&own), nodes(report.last().unwrap()["protocols"].as_array().unwrap()), "{file}");
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn a_tunnel_has_outer_and_inner_conversations() {
    let all =
        records(&["statistics", &fixture("encap_vxlan"), "--only", "conversations,endpoints", "--format", "ndjson"]);
    let of = |kind: &str, layer: &str| -> Vec<(String, u64, u64)> {
        let suits = |record: &&Value| record["type"] == kind && record["layer"] == layer;
        let name = |record: &Value| match kind {
            "statistics_endpoint" => record["address"].as_str().unwrap().to_owned(),
            _ => format!("{} {}", record["a"]["address"].as_str().unwrap(), record["b"]["address"].as_str().unwrap()),
        };
        let row =
            |record: &Value| (name(record), record["packets"].as_u64().unwrap(), record["bytes"].as_u64().unwrap());
        all.iter().filter(suits).map(row).collect()
    };
    // tshark -z conv,ip says the same.
    assert_eq!(
        of("statistics_conversation", "ip"),
        [("10.77.10.10 10.77.20.80".to_owned(), 28, 15539), ("192.168.77.1 192.168.77.2".to_owned(), 26, 15355)]
    );
    assert_eq!(of("statistics_conversation", "eth").len(), 3);
    assert_eq!(of("statistics_endpoint", "ip").len(), 4);
    assert_eq!(of("statistics_conversation", "udp").len(), 4);
    assert_eq!(of("statistics_conversation", "tcp").len(), 1);
    assert!(of("statistics_conversation", "ipv6").is_empty());
}

#[test]
fn a_filter_counts_what_passes_only() {
    let file = fixture("page_load");
    let all = records(&["statistics", &file, "--format", "ndjson"]);
    let some = records(&["statistics", &file, "-Y", "udp", "--format", "ndjson"]);
    let node = |records: &[Value], path: &str| {
        let node = records.iter().find(|record| record["path"] == path);
        node.map(|node| (node["packets"].as_u64().unwrap(), node["bytes"].as_u64().unwrap()))
    };
    let udp = node(&all, "eth:ip:udp").unwrap();
    assert_eq!(node(&some, "eth"), Some(udp));
    assert_eq!(node(&some, "eth:ip:udp"), Some(udp));
    assert_eq!(node(&some, "eth:ip:udp:dns"), node(&all, "eth:ip:udp:dns"));
    assert!(node(&all, "eth:ip:udp:dns").is_some());
    assert_eq!(node(&some, "eth:ip:tcp"), None);
    assert!(some.iter().all(|record| record["layer"] != "tcp"));
    let counted: u64 = some
        .iter()
        .filter(|record| record["type"] == "statistics_interval")
        .map(|record| record["packets"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, udp.0);
    let none = run(&["statistics", &file, "-Y", "sctp or frame.number < 1"], "120");
    assert!(none.status.success());
    assert!(String::from_utf8_lossy(&none.stderr).contains("no packet passes the filter"));
}

#[test]
fn lines_count_what_their_filters_pass() {
    let file = fixture("tcp_refused");
    let found = records(&[
        "statistics",
        &file,
        "--only",
        "io",
        "--interval",
        "1h",
        "--line",
        "tcp.flags.reset == 1",
        "--line",
        "tcp",
        "--format",
        "ndjson",
    ]);
    let interval = found.iter().find(|record| record["type"] == "statistics_interval").unwrap();
    let resets = records(&["packets", &file, "-Y", "tcp.flags.reset == 1", "--format", "ndjson"]).len() as u64;
    assert!(resets > 0);
    assert_eq!(interval["lines"][0]["filter"], "tcp.flags.reset == 1");
    assert_eq!(interval["lines"][0]["packets"].as_u64(), Some(resets));
    assert_eq!(interval["lines"][1]["packets"], interval["packets"]);
    // As tshark spells it.
    let taps = records(&["statistics", &file, "-z", "io,stat,3600,tcp.flags.reset == 1,tcp", "--format", "ndjson"]);
    assert_eq!(taps.iter().find(|record| record["type"] == "statistics_interval"), Some(interval));
    assert!(!taps.iter().any(|record| record["type"] == "statistics_protocol"));
}

#[test]
fn every_format_and_width() {
    let file = fixture("page_load");
    for columns in ["24", "40", "60", "80", "100", "120", "200"] {
        let shown = run(&["statistics", &file, "--color", "never"], columns);
        assert!(shown.status.success());
        let text = String::from_utf8(shown.stdout).unwrap();
        let most: usize = columns.parse().unwrap();
        for line in text.lines() {
            assert!(unicode_width(line) <= most, "{columns}: {line}");
        }
        for title in
            ["Protocol hierarchy", "TCP conversations", "IPv4 endpoints", "Traffic over time", "Packet lengths"]
        {
            assert!(text.contains(title), "{columns}: {title}");
        }
    }
    let shown =
        |format: &str| String::from_utf8(run(&["statistics", &file, "--format", format], "120").stdout).unwrap();
    assert!(shown("markdown").contains("## TCP conversations"));
    assert!(shown("html").contains("<h2>TCP conversations"));
    assert!(!shown("html").contains("No problems found"), "nobody looked for any");
    let array: Value = serde_json::from_str(&shown("json")).unwrap();
    assert_eq!(array[0]["type"], "report");
    let sheet =
        String::from_utf8(run(&["statistics", &file, "--only", "endpoints", "--format", "csv"], "120").stdout).unwrap();
    assert!(
        sheet.starts_with(
            "type,layer,address,port,packets,bytes,sent.packets,sent.bytes,received.packets,received.bytes"
        ),
        "{sheet}"
    );
    assert!(sheet.lines().count() > 5);
    assert_eq!(run(&["statistics", &file, "--format", "csv"], "120").status.code(), Some(2), "which section?");
    assert_eq!(run(&["stats", &file, "--only", "io"], "120").status.code(), Some(0), "the short name");
    for wrong in [["-z", "conv,token-ring"], ["-z", "io,stat,0"], ["--interval", "x"], ["--only", "everything"]] {
        assert_eq!(run(&["statistics", &file, wrong[0], wrong[1]], "120").status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(run(&["statistics", &file, "--line", "tcp.prt == 1"], "120").status.code(), Some(4));
}

/// Columns of a line: of what stands in these tables nothing is wide.
fn unicode_width(line: &str) -> usize {
    line.chars().count()
}

#[test]
fn numbers_are_tsharks() {
    let corpus = std::env::var_os("WIREGLASS_CORPUS").map(|folder| PathBuf::from(folder).join("pcaps"));
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let Some(corpus) = corpus.filter(|folder| folder.is_dir() && has("tshark") && has("python3")) else {
        let _ = writeln!(
            std::io::stderr().lock(),
            "\n!!! SKIPPED: the comparison of statistics needs WIREGLASS_CORPUS, tshark and python3; nothing was compared\n"
        );
        return;
    };
    let folders = fs::read_dir(corpus).unwrap().flat_map(|folder| fs::read_dir(folder.unwrap().path()).unwrap());
    let mut captures: Vec<PathBuf> = folders.map(|file| file.unwrap().path()).collect();
    captures.retain(|path| {
        path.extension().is_none_or(|extension| extension != "keylog")
            && fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() < 1_500_000)
    });
    captures.sort();
    let step = if std::env::var_os("WIREGLASS_STATISTICS_ALL").is_some() { 1 } else { 8 };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/statistics_tshark.py");
    let compared = Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_wireglass"))
        .args(captures.iter().step_by(step))
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&compared.stdout);
    println!("{report}");
    let mut tables = 0;
    for line in report.lines().filter(|line| line.contains(" rows agree (")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let of = words.iter().position(|word| *word == "of").unwrap();
        let (agree, total): (f64, f64) = (words[of - 1].parse().unwrap(), words[of + 1].parse().unwrap());
        tables += 1;
        // tests/corpus_mismatches/statistics.md explains the rest.
        assert!(agree >= 0.99 * total, "{line}\n{report}");
    }
    assert!(tables >= 12, "{report}");
}
