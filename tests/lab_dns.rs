//! DNS transactions against what `dig` itself printed, over the lab captures in `$WIREGLASS_LAB` (else `../shared/lab`).
//! Skipped, loudly, without them.
#![allow(missing_docs)]
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn lab() -> Option<PathBuf> {
    let folder = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let captures = folder.join("captures");
    if captures.is_dir() {
        return Some(captures);
    }
    eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
    None
}

/// The transactions of a capture in order.
fn transactions(capture: &Path) -> VecDeque<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.arg(capture).args(["--format", "ndjson", "--only", "dns"]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.sort_by_key(|record| record["query"]["packet"].as_u64());
    all.into()
}

/// A record as `owner type data`, without final dots and superfluous space.
fn plain(owner: &str, kind: &str, data: &str) -> String {
    let words = data.split_whitespace().map(|word| word.strip_suffix('.').unwrap_or(word));
    let owner = owner.strip_suffix('.').unwrap_or(owner);
    format!("{owner} {kind} {}", words.collect::<Vec<_>>().join(" "))
}

/// All records of a response.
fn records(response: &Value) -> BTreeSet<String> {
    let sections = ["answers", "authority", "additional"].into_iter().filter_map(|name| response[name].as_array());
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or_default().to_owned();
    sections
        .flatten()
        .map(|record| plain(&text(record, "name"), &text(record, "type"), &text(record, "data")))
        .collect()
}

/// All records that `dig` printed: owner, time to live, class, type, data.
fn dug(lines: &Value) -> BTreeSet<String> {
    let lines = lines.as_array().into_iter().flatten().filter_map(Value::as_str);
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.map(|words| plain(words[0], words[3], &words[4..].join(" "))).collect()
}

/// What differs between one `dig` and the transactions it must have made, which are taken away.
fn check(dig: &Value, left: &mut VecDeque<Value>) -> Vec<String> {
    let command = dig["cmd"].as_str().unwrap_or_default();
    let Some(mut transaction) = left.pop_front() else { return vec![format!("{command}: no transaction")] };
    if dig["rc"] == 9 {
        // No answer: as many queries as it was told to try, each from a port of its own.
        let tries = command.split("+tries=").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(3);
        let more = (1..tries).filter_map(|_| left.pop_front());
        let all: Vec<Value> = std::iter::once(transaction).chain(more).collect();
        let unanswered = all.iter().filter(|transaction| transaction["response"].is_null()).count();
        return (unanswered != tries).then(|| format!("{command}: {unanswered} unanswered")).into_iter().collect();
    }
    let mut wrong = Vec::new();
    if transaction["response"]["truncated"] == true {
        let Some(again) = left.pop_front() else { return vec![format!("{command}: not repeated over TCP")] };
        if again["transport"] != "tcp" || again["query"]["name"] != transaction["query"]["name"] {
            wrong.push(format!("{command}: repeated as {again}"));
        }
        transaction = again;
    }
    let response = &transaction["response"];
    if let Some(status) = dig["status"].get(0)
        && *status != response["rcode"]
    {
        wrong.push(format!("{command}: {status} is {}", response["rcode"]));
    }
    if let Some(flags) = dig["flags"].get(0).and_then(Value::as_str) {
        for (flag, field) in [("aa", "authoritative"), ("ra", "recursion_available"), ("ad", "authentic_data")] {
            if flags.split(' ').any(|word| word == flag) != (response[field] == true) {
                wrong.push(format!("{command}: {flag} of `{flags}` is {}", response[field]));
            }
        }
    }
    let (ours, theirs) = (records(response), dug(&dig["answer"]));
    // The truth keeps the beginning of a long answer only.
    let same = if command.contains("AXFR") { ours.is_superset(&theirs) } else { ours == theirs };
    if !same {
        wrong.push(format!("{command}: {ours:?} should be {theirs:?}"));
    }
    wrong
}

#[test]
fn transactions_equal_what_dig_printed() {
    let Some(folder) = lab() else { return };
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let (mut digs, mut wrong) = (0, Vec::new());
    for path in names {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(scenario) = name.strip_suffix(".truth.json").filter(|name| name.starts_with("dns_")) else { continue };
        let truth: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut left = transactions(&folder.join(format!("{scenario}.client.pcap")));
        for dig in truth["client_truth"].as_array().into_iter().flatten() {
            digs += 1;
            wrong.extend(check(dig, &mut left).into_iter().map(|text| format!("{scenario}: {text}")));
        }
        wrong.extend(left.iter().map(|transaction| format!("{scenario}: too much: {transaction}")));
    }
    assert!(digs >= 20, "{digs}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_resolver_shows_both_its_sides() {
    let Some(folder) = lab() else { return };
    let all = transactions(&folder.join("dns_iterative_cold_then_cached.resolver.pcap"));
    let asked = |address: &str| all.iter().filter(|one| one["client"]["address"] == address).count();
    assert!(all.iter().all(|one| one["response"]["rcode"] == "NOERROR" && one["retransmissions"] == 0), "{all:?}");
    assert_eq!((asked("10.77.10.10"), asked("10.77.10.53")), (2, 5));
}
