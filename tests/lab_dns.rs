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

/// The records of some kinds that a capture gives.
fn records_of(capture: &Path, kinds: &str, threads: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.arg(capture).args(["--format", "ndjson", "--only", kinds, "--threads", threads]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_cold_cache_is_walked_from_the_root() {
    let Some(folder) = lab() else { return };
    let capture = folder.join("dns_iterative_cold_then_cached.resolver.pcap");
    let truth = fs::read(folder.join("dns_iterative_cold_then_cached.truth.json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let found = records_of(&capture, "resolutions", "1");
    assert_eq!(found, records_of(&capture, "resolutions", "4"));
    let [cold, cached] = &found[..] else { panic!("{found:?}") };
    let step = |step: &Value| {
        let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
        (text("zone"), step["server"]["address"].as_str().unwrap_or_default().to_owned(), text("outcome"))
    };
    // The truth's `what` and checks: root 10.77.20.1, TLD 10.77.20.2, authoritative 10.77.20.3; the alias is asked again.
    let steps: Vec<_> = cold["steps"].as_array().unwrap().iter().map(step).collect();
    let expected = [
        (".", "10.77.20.1", "answer"), // priming: who are the root's servers
        (".", "10.77.20.1", "referral"),
        ("example", "10.77.20.2", "referral"),
        ("lab.example", "10.77.20.3", "answer"), // the alias with its address, which the resolver does not take on trust
        ("lab.example", "10.77.20.3", "answer"),
    ];
    let expected = expected.map(|(zone, server, outcome)| (zone.to_owned(), server.to_owned(), outcome.to_owned()));
    assert_eq!(steps, expected);
    assert_eq!((&cold["source"], &cached["source"]), (&Value::from("asked"), &Value::from("cache")));
    assert_eq!(cached["steps_total"], 0);
    for (found, dig) in [cold, cached].into_iter().zip(truth["client_truth"].as_array().unwrap()) {
        let address = dig["answer"][1].as_str().unwrap().split_whitespace().last().unwrap();
        assert_eq!(found["answers"][0], address);
        assert_eq!(found["aliases"][0], "front.lab.example");
        // The client also waits for the network between it and the resolver.
        let (ours, theirs) = (found["duration_ns"].as_i64().unwrap(), dig["query_time_ms"].as_i64().unwrap());
        assert!(ours / 1_000_000 <= theirs, "{ours} ns, dig waited {theirs} ms");
    }
    assert!(cold["upstream_ns"].as_i64() <= cold["duration_ns"].as_i64());
}

#[test]
fn addresses_are_handed_out_in_turn() {
    let Some(folder) = lab() else { return };
    let truth: Value = serde_json::from_slice(&fs::read(folder.join("dns_round_robin.truth.json")).unwrap()).unwrap();
    let found = records_of(&folder.join("dns_round_robin.client.pcap"), "round_robin", "2");
    let [found] = &found[..] else { panic!("{found:?}") };
    let printed = |dig: &Value| -> Vec<Value> {
        let lines = dig["answer"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let of_name = lines.filter(|line| line.starts_with("rr.lab.example."));
        of_name.map(|line| Value::from(line.split_whitespace().last().unwrap())).collect()
    };
    let orders: Vec<Value> =
        truth["client_truth"].as_array().unwrap().iter().map(|dig| Value::Array(printed(dig))).collect();
    assert_eq!(found["orders"], Value::Array(orders));
    assert_eq!((&found["rotation"], &found["responses"]), (&Value::from("cyclic"), &Value::from(6)));
    for share in found["addresses"].as_array().unwrap() {
        assert_eq!((&share["first"], &share["given"]), (&Value::from(2), &Value::from(6)));
    }
}

#[test]
fn a_truncated_answer_is_joined_with_its_retry() {
    let Some(folder) = lab() else { return };
    let all = records_of(&folder.join("dns_truncated_tcp_fallback.client.pcap"), "dns,findings", "2");
    let of = |kind: &str| all.iter().filter(|record| record["type"] == kind).collect::<Vec<_>>();
    let [cut, again] = &of("dns")[..] else { panic!("{all:?}") };
    assert_eq!((&cut["transport"], &cut["response"]["truncated"]), (&Value::from("udp"), &Value::from(true)));
    assert_eq!(again["truncated_before"]["flow"], cut["flow"]);
    assert_eq!(again["truncated_before"]["packet"], cut["response"]["packet"]);
    let [finding] = &of("finding")[..] else { panic!("{all:?}") };
    assert_eq!(finding["code"], "dns.truncated");
    assert!(finding["title"].as_str().unwrap().contains("asked again over TCP (flow 3)"), "{finding}");
}
