//! Secrets inside pcapng files: used by themselves, from their place in the file on, whatever the workers; and not at all
//! when the user does not want them. On a lab capture of `$WIREGLASS_LAB` (`../shared/lab` else).
use std::{
    fs::{self, File},
    io::BufWriter,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use wireglass::capture::{self, Batch, InterfaceOptions, More, PcapngWriter};

fn lab() -> Option<(PathBuf, Vec<u8>)> {
    let lab = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let capture = lab.join("captures/tls13_full.client.pcap");
    match fs::read(lab.join("captures/tls13_full.keys")) {
        Ok(keys) => Some((capture, keys)),
        Err(_) => {
            eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", lab.display());
            None
        }
    }
}

/// The capture as pcapng, with the secrets before its packet `place`.
fn with_secrets(capture: &Path, keys: &[u8], place: usize, path: &Path) {
    let mut source = capture::open(capture, 0).unwrap();
    let mut writer = PcapngWriter::new(BufWriter::new(File::create(path).unwrap()), "test", None).unwrap();
    let (mut batch, mut number) = (Batch::default(), 0);
    loop {
        let more = source.next_batch(&mut batch).unwrap();
        for head in &batch.heads {
            if number == 0 {
                let options = InterfaceOptions { link_type: head.link_type, ..InterfaceOptions::default() };
                writer.interface(&options).unwrap();
            }
            if number == place {
                writer.secrets(keys).unwrap();
            }
            writer.packet(0, head.timestamp, head.wire_length, batch.bytes(head), None).unwrap();
            number += 1;
        }
        if more == More::No {
            break;
        }
    }
    writer.finish().unwrap();
}

fn run(capture: &Path, options: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--only", "tls,http,findings,tls_records"])
        .args(options)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn decrypted(records: &[Value]) -> bool {
    records.iter().any(|record| record["type"] == "tls" && record["decrypted"] == true)
}

fn status(records: &[Value]) -> Option<u64> {
    records.iter().find(|record| record["type"] == "http").and_then(|http| http["response"]["status"].as_u64())
}

#[test]
fn secrets_of_a_capture_count_from_their_place_on() {
    let Some((capture, keys)) = lab() else { return };
    let path = std::env::temp_dir().join(format!("wireglass-secrets-{}.pcapng", std::process::id()));
    // The request is packet 14; the server's handshake is whole with packet 6 or soon after.
    for (place, opened) in [(0, true), (3, true), (13, true), (usize::MAX, false)] {
        with_secrets(&capture, &keys, place, &path);
        let records = run(&path, &["--threads", "1"]);
        assert_eq!(records, run(&path, &["--threads", "3"]), "{place}");
        assert_eq!(status(&records), opened.then_some(200), "before packet {}", place.saturating_add(1));
        let certificates =
            records.iter().filter(|record| record["type"] == "tls").map(|tls| tls["certificates"].clone());
        let seen = certificates.into_iter().any(|list| !list.as_array().unwrap().is_empty());
        assert_eq!(seen, place <= 3, "what passed before the secrets stays closed");
        assert_eq!(decrypted(&records), place <= 3, "{place}");
        let ignored = run(&path, &["--ignore-secrets"]);
        assert!(!decrypted(&ignored) && status(&ignored).is_none());
        let failed = records.iter().any(|record| record["code"] == "tls.decryption-failed");
        assert!(!failed, "{place}");
    }
    fs::remove_file(&path).unwrap();
}

/// A private key that is none: a usage error that shows nothing of the file.
#[test]
fn what_is_no_key_is_refused() {
    let path = std::env::temp_dir().join(format!("wireglass-no-key-{}", std::process::id()));
    fs::write(&path, "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n-----END RSA PRIVATE KEY-----\n").unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass")).arg("--rsa-key").arg(&path).arg(&path).output().unwrap();
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(2), "{told}");
    assert!(told.contains("no RSA private key") && !told.contains("c2VjcmV0"), "{told}");
    fs::remove_file(&path).unwrap();
}
