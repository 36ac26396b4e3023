//! Decryption against what the programs that made the sessions said: every handshake message and alert that the server's
//! own trace lists, in the lab captures named by `$WIREGLASS_LAB` (`../shared/lab` else), opened with the client's key log.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn captures() -> Vec<(String, PathBuf, PathBuf, Value)> {
    let lab = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let folder = lab.join("captures");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let found = paths.into_iter().filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".truth.json")?.to_owned();
        let keys = folder.join(format!("{name}.keys"));
        if !keys.exists() || name.starts_with("quic") {
            return None;
        }
        let truth: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let capture = folder.join(truth["captures"]["client"]["file"].as_str().unwrap());
        Some((name, capture, keys, truth))
    });
    found.collect()
}

fn run(capture: &Path, options: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--only", "tls,http,findings"])
        .args(options)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}

fn of_type<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
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

/// What one side sent, in order, as the server traced it: handshake messages and alerts.
fn traced(truth: &Value, side: &str) -> Vec<String> {
    let sent = if side == "server" { "sent" } else { "received" };
    let messages = truth["server_truth"]["messages"].as_array().unwrap().iter();
    let messages = messages.filter(|message| message["dir"] == sent);
    let named = messages.filter_map(|message| match (message["type"].as_str()?, message["what"].as_str()?) {
        ("Handshake", what) => Some(snake(what)),
        _ => None,
    });
    named.collect()
}

fn alerts_traced(truth: &Value, side: &str) -> Vec<String> {
    let sent = if side == "server" { "sent" } else { "received" };
    let messages = truth["server_truth"]["messages"].as_array().unwrap().iter();
    let alerts = messages.filter(|message| message["dir"] == sent && message["type"] == "Alert");
    // OpenSSL knows no name for 120.
    alerts.map(|message| message["what"].as_str().unwrap().replace("???", "no_application_protocol")).collect()
}

#[test]
fn every_message_of_the_servers_trace_is_seen() {
    let mut compared = 0;
    for (name, capture, keys, truth) in captures() {
        if truth["server_truth"]["messages"].as_array().is_none_or(Vec::is_empty) {
            continue;
        }
        let records = run(&capture, &["--keylog", keys.to_str().unwrap()]);
        let tls = of_type(&records, "tls");
        for side in ["client", "server"] {
            let phases =
                tls.iter().flat_map(|tls| tls["phases"].as_array().unwrap()).filter(|phase| phase["side"] == side);
            for phase in phases.clone() {
                assert_eq!(phase["certainty"], "observed", "{name}: {phase}");
            }
            let names =
                phases.map(|phase| phase["name"].as_str().unwrap().replace("hello_retry_request", "server_hello"));
            let others = ["change_cipher_spec", "application_data", "early_data"];
            let found: Vec<String> = names.filter(|name| !others.contains(&name.as_str())).collect();
            // What a client sent together with the message that the server refused was never read.
            let refused =
                side == "client" && alerts_traced(&truth, "server").iter().any(|alert| alert.starts_with("fatal"));
            let expected = traced(&truth, side);
            let all_read = found == expected || refused && found.starts_with(&expected);
            assert!(all_read, "{name}: {side}: found {found:?}, traced {expected:?}");
            let alerts =
                tls.iter().flat_map(|tls| tls["alerts"].as_array().unwrap()).filter(|alert| alert["side"] == side);
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let alerts: Vec<String> =
                alerts.map(|alert| format!("{} {}", word(&alert["level"]), word(&alert["description"]))).collect();
            let expected = alerts_traced(&truth, side);
            // Who has closed its side may not read the other's last alert.
            let all_but_last = alerts.len() == expected.len() + 1 && alerts.starts_with(&expected);
            assert!(alerts == expected || all_but_last, "{name}: {side}: alerts {alerts:?}, traced {expected:?}");
            compared += found.len();
        }
        assert!(
            of_type(&records, "finding").iter().all(|finding| finding["code"] != "tls.decryption-failed"),
            "{name}"
        );
    }
    assert!(compared == 0 || compared > 200, "{compared} messages");
}

/// Requests that clients sent through TLS; those who speak HTTP/2 are not counted here.
#[test]
fn http_inside_is_read() {
    let expected = [
        ("tls10", 1),
        ("tls12_client_cert", 1),
        ("tls12_ecdhe_rsa", 1),
        ("tls12_gnutls_client", 1),
        ("tls12_ocsp_staple", 1),
        ("tls12_rsa_kx", 1),
        ("tls12_session_id_resumption", 2),
        ("tls13_0rtt_accepted", 3),
        ("tls13_client_cert", 1),
        ("tls13_ed25519", 1),
        ("tls13_full", 1),
        ("tls13_hrr", 1),
        ("tls13_resumption_psk", 2),
        ("tls13_split_records", 1),
    ];
    for (name, capture, keys, _) in captures() {
        let Some((_, requests)) = expected.iter().find(|(case, _)| *case == name) else { continue };
        let records = run(&capture, &["--keylog", keys.to_str().unwrap()]);
        let http = of_type(&records, "http");
        assert_eq!(http.len(), *requests, "{name}");
        for http in http {
            assert_eq!((&http["over"], &http["request"]["method"]), (&"tls".into(), &"GET".into()), "{name}");
            if name != "tls13_0rtt_accepted" {
                assert_eq!(http["response"]["status"], 200, "{name}");
            }
        }
        for tls in of_type(&records, "tls") {
            assert_eq!((&tls["decrypted"], &tls["outcome"]), (&true.into(), &"established".into()), "{name}");
        }
    }
}

/// What is opened does not depend on the workers, and secrets show nowhere.
#[test]
fn workers_do_not_matter_and_nothing_leaks() {
    for (name, capture, keys, _) in captures() {
        let log = fs::read_to_string(&keys).unwrap();
        let keys = keys.to_str().unwrap();
        let one = run(&capture, &["--keylog", keys, "--threads", "1", "--also", "tls_records"]);
        assert_eq!(one, run(&capture, &["--keylog", keys, "--threads", "3", "--also", "tls_records"]), "{name}");
        let text = serde_json::to_string(&one).unwrap();
        for line in log.lines().filter(|line| !line.starts_with('#')) {
            let secret = line.split_whitespace().nth(2).unwrap();
            assert!(!text.contains(&secret.to_lowercase()[..32]), "{name}");
        }
    }
}

/// Secrets that are not the session's: the session stays closed, and a finding says so.
#[test]
fn wrong_secrets_are_told() {
    for (name, capture, keys, _) in
        captures().into_iter().filter(|(name, ..)| name == "tls13_full" || name == "tls12_rsa_kx")
    {
        let log = fs::read_to_string(&keys).unwrap();
        let wrong: String = log
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                format!("{} {} {}\n", words[0], words[1], words[2].replace(['0', 'f'], "8"))
            })
            .collect();
        let path = std::env::temp_dir().join(format!("wireglass-wrong-{}-{name}.keys", std::process::id()));
        fs::write(&path, wrong + "CLIENT_RANDOM cut\nhello\n").unwrap();
        let records = run(&capture, &["--keylog", path.to_str().unwrap()]);
        fs::remove_file(&path).unwrap();
        assert!(of_type(&records, "http").is_empty());
        let tls = of_type(&records, "tls");
        assert_eq!((&tls[0]["decrypted"], &tls[0]["outcome"]), (&false.into(), &"established".into()), "{name}");
        let findings = of_type(&records, "finding");
        let titles: Vec<&str> = findings.iter().map(|finding| finding["title"].as_str().unwrap()).collect();
        assert!(
            titles.iter().any(|title| title.starts_with("The keys given for this session open none")),
            "{titles:?}"
        );
        assert!(titles.iter().any(|title| title.starts_with("2 lines of the key log cannot be read")), "{titles:?}");
    }
}
