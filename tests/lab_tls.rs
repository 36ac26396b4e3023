//! Handshakes against what the programs that made them said: OpenSSL's and GnuTLS's own account of version, cipher
//! suite, group, messages and outcome, in the lab captures named by `$WIREGLASS_LAB` (`../shared/lab` else).
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The server's name in every scenario.
const SERVER_NAME: &str = "www.lab.example";

/// OpenSSL's names of the cipher suites in the lab, and IANA's. Those of TLS 1.3 are the same.
const SUITES: &[(&str, &str)] = &[
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    ("AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"),
];

/// What differs, in words.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn expect(&mut self, case: &str, what: &str, found: &Value, expected: &Value) {
        if found != expected {
            self.0.push(format!("{case}: {what}: found {found}, expected {expected}"));
        }
    }
}

fn records(capture: &Path, only: &str) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--ignore-secrets", "--only", only])
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).unwrap();
    let records = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| record["type"] != "report" && record["type"] != "capture").collect()
}

fn truths() -> Vec<(String, PathBuf, Value)> {
    let lab = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let folder = lab.join("captures");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let truths = paths.into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".truth.json")?.to_owned();
        if !["tls", "dtls", "quic"].iter().any(|protocol| name.starts_with(protocol)) {
            return None;
        }
        let truth: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let capture = folder.join(truth["captures"]["client"]["file"].as_str().unwrap());
        Some((name, capture, truth))
    });
    truths.collect()
}

/// OpenSSL's name of a version as we write it.
fn version(of: &str, dtls: bool) -> Value {
    match of.strip_prefix("TLSv") {
        Some(number) if dtls => format!("DTLS {number}").into(),
        Some(number) => format!("TLS {number}").into(),
        None => Value::Null,
    }
}

fn suite(openssl: &str) -> Value {
    let known = SUITES.iter().find(|(theirs, _)| *theirs == openssl).map(|(_, iana)| *iana);
    if openssl == "(NONE)" { Value::Null } else { known.unwrap_or(openssl).into() }
}

/// `X25519, 253 bits` or `ECDH, secp384r1, 384 bits`.
fn group(temporary_key: &Value) -> Value {
    let Some(text) = temporary_key.as_str() else { return Value::Null };
    text.trim_start_matches("ECDH, ").split(',').next().unwrap().to_lowercase().into()
}

/// `ServerHelloDone` as our phases spell it.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// The server's account of the handshake messages that can be told apart without keys, each with its sender.
fn messages(server: &Value, tls13: bool) -> Vec<String> {
    let handshakes = server["messages"].as_array().unwrap().iter().filter(|message| message["type"] == "Handshake");
    let named = handshakes.map(|message| {
        let side = if message["dir"] == "sent" { "server" } else { "client" };
        format!("{side} {}", snake(message["what"].as_str().unwrap()))
    });
    named.filter(|name| !tls13 || is_told_apart(name)).collect()
}

fn is_told_apart(name: &str) -> bool {
    ["client_hello", "server_hello", "finished", "end_of_early_data"].iter().any(|kind| name.ends_with(kind))
}

/// Our phases in the same words.
fn phases(tls: &[Value], tls13: bool) -> Vec<String> {
    let all = tls.iter().flat_map(|tls| tls["phases"].as_array().unwrap());
    let named = all.map(|phase| format!("{} {}", phase["side"].as_str().unwrap(), phase["name"].as_str().unwrap()));
    let named = named.map(|name| name.replace("hello_retry_request", "server_hello"));
    let of_handshake = |name: &String| {
        !["change_cipher_spec", "application_data", "early_data"]
            .iter()
            .any(|other| name.ends_with(&format!(" {other}")))
    };
    named.filter(of_handshake).filter(|name| !tls13 || is_told_apart(name)).collect()
}

/// The fatal alert of a failed handshake, by IANA's name.
fn fatal_alert(client: &Value, server: &Value) -> Option<Value> {
    if client["alert"] == "SSL alert number 120" {
        return Some("no_application_protocol".into());
    }
    let alerts = server["messages"].as_array().unwrap().iter().filter_map(|message| message["what"].as_str());
    alerts.filter_map(|alert| alert.strip_prefix("fatal ")).next().map(Value::from)
}

fn check_tls(case: &str, truth: &Value, tls: &[Value], wrong: &mut Differences) {
    let connections = truth["client_truth"].as_array().unwrap();
    wrong.expect(case, "handshakes", &tls.len().into(), &connections.len().into());
    let server = &truth["server_truth"];
    let tls13 = connections.iter().any(|client| client["version"] == "TLSv1.3");
    for (found, client) in tls.iter().zip(connections) {
        let established = client["rc"] == 0;
        wrong.expect(case, "outcome", &found["outcome"], &if established { "established" } else { "failed" }.into());
        wrong.expect(case, "server name", &found["server_name"], &SERVER_NAME.into());
        let dtls = case.starts_with("dtls");
        wrong.expect(case, "transport", &found["transport"], &if dtls { "dtls" } else { "tcp" }.into());
        let (chosen, cipher) = (client["version"].as_str().unwrap(), client["cipher"].as_str().unwrap());
        // A client that broke off forgot what was agreed.
        if chosen != "(NONE)" {
            wrong.expect(case, "version", &found["version"], &version(chosen, dtls));
            wrong.expect(case, "suite", &found["cipher_suite"]["name"], &suite(cipher));
        }
        if client["temp_key"].is_string() {
            wrong.expect(case, "group", &found["group"], &group(&client["temp_key"]));
        }
        let hidden = chosen == "TLSv1.3";
        if hidden && client["alpn"].is_string() {
            let offered = found["client_hellos"][0]["alpn"].as_array().unwrap();
            wrong.expect(case, "offered protocols", &offered.contains(&client["alpn"]).into(), &true.into());
        }
        wrong.expect(case, "protocol", &found["alpn"], if hidden { &Value::Null } else { &client["alpn"] });
        if established {
            let resumption = match (client["new_or_reused"].as_str().unwrap(), hidden) {
                ("New", _) => "none",
                (_, true) => "psk",
                (_, false) => "session_id",
            };
            wrong.expect(case, "resumption", &found["resumption"], &resumption.into());
            wrong.expect(case, "early data", &found["early_data"], &(client["early_data"] == "accepted").into());
            wrong.expect(case, "failure", &found["failure"], &Value::Null);
        } else if let Some(alert) = fatal_alert(client, server) {
            wrong.expect(case, "failure", &found["failure"]["code"], &alert);
            wrong.expect(case, "alert", &found["alerts"][0]["description"], &alert);
            let side = if client["alert"].is_string() { "server" } else { "client" };
            wrong.expect(case, "refused by", &found["failure"]["side"], &side.into());
        }
    }
    let expected = messages(server, tls13);
    if expected.is_empty() {
        return;
    }
    let found = phases(tls, tls13);
    // What is told of an encrypted flight from its records' sizes must stand in the server's account, in the same order.
    // A server that refuses leaves unread what came with what it refuses.
    let refused = tls[0]["outcome"] == "failed";
    let (all, mut account) = (phases(tls, false), messages(server, false).into_iter());
    let in_order = all.iter().all(|name| account.any(|message| message == *name));
    wrong.expect(case, "order of messages", &(refused || in_order).into(), &true.into());
    // A renegotiation is encrypted: what comes after the first handshake cannot be read. A server that refuses leaves
    // unread what the client sent with what it refuses.
    let common = found.len().min(expected.len()).max(1);
    wrong.expect(case, "messages", &found[..common.min(found.len())].into(), &expected[..common].into());
    wrong.expect(case, "all messages", &(refused || found.len() == common).into(), &true.into());
    let asked = server["messages"].as_array().unwrap().iter().any(|message| message["what"] == "CertificateRequest");
    if asked && !tls13 {
        wrong.expect(case, "client certificate", &tls[0]["client_certificate_requested"], &true.into());
    }
}

#[test]
fn handshakes_are_as_their_programs_say() {
    let mut wrong = Differences::default();
    for (case, capture, truth) in truths() {
        let tls = records(&capture, "tls");
        if case == "tls_plain_http_to_tls_port" {
            wrong.expect(&case, "handshakes", &tls.len().into(), &0.into());
        } else if case.starts_with("quic") {
            wrong.expect(&case, "handshakes", &tls.len().into(), &1.into());
            for (field, expected) in [("transport", "quic"), ("version", "TLS 1.3"), ("server_name", SERVER_NAME)] {
                wrong.expect(&case, field, &tls[0][field], &expected.into());
            }
            wrong.expect(&case, "failure", &tls[0]["failure"], &Value::Null);
            let retry = records(&capture, "findings").iter().any(|finding| finding["code"] == "quic.retry");
            wrong.expect(&case, "retry", &retry.into(), &(case == "quic_retry").into());
        } else {
            check_tls(&case, &truth, &tls, &mut wrong);
        }
    }
    assert!(wrong.0.is_empty(), "{}", wrong.0.join("\n"));
}
