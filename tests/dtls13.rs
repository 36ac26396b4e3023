//! DTLS 1.3 (RFC 9147) as two other implementations speak it, dimpl and NSS: what is told without keys must be what the keys
//! show. The fixtures' READMEs say what they hold.
use std::{path::Path, process::Command};

use serde_json::Value;

fn records(fixture: &str, more: &[&str]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let capture =
        ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name)).into_iter().find(|path| path.exists());
    let output = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(["--format", "ndjson", "--also", "tls_records,tls_extensions"])
        .args(more)
        .arg(capture.unwrap())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

/// `client:finished?`, with a question mark where it is implied.
fn phases(tls: &Value) -> Vec<String> {
    let phase = |phase: &Value| {
        let mark = if phase["certainty"] == "observed" { "" } else { "?" };
        format!("{}:{}{mark}", phase["side"].as_str().unwrap(), phase["name"].as_str().unwrap())
    };
    tls["phases"].as_array().unwrap().iter().map(phase).collect()
}

#[test]
fn a_retry_without_keys_is_established() {
    let records = records("dtls13", &[]);
    let tls = of(&records, "tls");
    assert_eq!(tls.len(), 1);
    let tls = tls[0];
    assert_eq!((&tls["version"], &tls["outcome"]), (&"DTLS 1.3".into(), &"established".into()));
    assert_eq!(
        (&tls["cipher_suite"]["name"], &tls["decrypted"]),
        (&"TLS_CHACHA20_POLY1305_SHA256".into(), &false.into())
    );
    assert_eq!(
        phases(tls),
        [
            "client:client_hello",
            "server:hello_retry_request",
            "client:client_hello",
            "server:server_hello",
            "server:encrypted_extensions?",
            "server:certificate?",
            "server:certificate_verify?",
            "server:finished?",
            "client:certificate?",
            "client:finished?",
            "server:application_data?"
        ]
    );
    let cookies: Vec<&Value> = of(&records, "tls_extensions")
        .into_iter()
        .flat_map(|message| message["extension_details"].as_array().unwrap())
        .filter(|detail| detail["name"] == "cookie")
        .collect();
    assert_eq!(cookies.len(), 2, "the server's, and the client's in answer");
    assert_eq!(cookies[0]["value"], cookies[1]["value"]);
    let codes: Vec<&Value> = of(&records, "finding").iter().map(|finding| &finding["code"]).collect();
    assert!(codes.is_empty(), "{codes:?}");
}

#[test]
fn every_record_opens_across_key_updates() {
    let records = records("dtls13_keys", &[]);
    let tls = of(&records, "tls")[0];
    assert_eq!((&tls["outcome"], &tls["decrypted"]), (&"established".into(), &true.into()));
    assert!(phases(tls).iter().all(|phase| !phase.ends_with('?')));
    assert_eq!(phases(tls).iter().filter(|phase| phase.ends_with("key_update")).count(), 3);
    assert_eq!(tls["alerts"][0]["description"], "close_notify");
    let passed = of(&records, "tls_record");
    assert!(passed.iter().all(|record| !record["content_type"].is_null()), "one stayed closed");
    let count = |content_type: u64| passed.iter().filter(|record| record["content_type"] == content_type).count();
    assert_eq!((count(23), count(26)), (12, 3), "messages and acknowledgments");
    assert_eq!(of(&records, "certificate").len(), 2);
    let failed = of(&records, "finding").iter().any(|finding| finding["code"] == "tls.decryption-failed");
    assert!(!failed);
}

#[test]
fn without_its_keys_the_same_is_told_less_surely() {
    let (open, closed) = (records("dtls13_keys", &[]), records("dtls13_keys", &["--ignore-secrets"]));
    let (open, closed) = (of(&open, "tls")[0].clone(), of(&closed, "tls")[0].clone());
    for field in ["version", "outcome", "cipher_suite", "group", "resumption"] {
        assert_eq!(open[field], closed[field], "{field}");
    }
    // What is implied is among what was observed, in the same packet; but where a flight's second certificate message is
    // told from the first by nothing but its size.
    let observed: Vec<(&Value, &Value, &Value)> = steps(&open);
    for step in steps(&closed) {
        assert!(observed.contains(&step), "{step:?}");
    }
    let packet = |tls: &Value| {
        let phases = tls["phases"].as_array().unwrap();
        phases.iter().rfind(|phase| phase["name"] == "finished").map(|phase| phase["packet"].clone())
    };
    assert_eq!(packet(&open), packet(&closed));
    fn steps(tls: &Value) -> Vec<(&Value, &Value, &Value)> {
        tls["phases"].as_array().unwrap().iter().map(|step| (&step["packet"], &step["side"], &step["name"])).collect()
    }
}

#[test]
fn a_refusal_is_an_encrypted_alert_or_its_name() {
    let closed = records("dtls13_refused", &["--ignore-secrets"]);
    let tls = of(&closed, "tls")[0];
    assert_eq!((&tls["version"], &tls["outcome"]), (&"DTLS 1.3 draft 43".into(), &"failed".into()));
    assert_eq!((&tls["failure"]["code"], &tls["failure"]["side"]), (&"encrypted_alert".into(), &"client".into()));
    let open = records("dtls13_refused", &[]);
    let tls = of(&open, "tls")[0];
    assert_eq!(
        (&tls["failure"]["code"], &tls["failure"]["cause"]),
        (&"unknown_ca".into(), &"certificate_refused".into())
    );
    // The certificate, in two fragments, with all its names.
    assert_eq!(of(&open, "certificate")[0]["san_dns"].as_array().unwrap().len(), 41);
}
