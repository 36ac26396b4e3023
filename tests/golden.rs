//! Every fixture gives exactly its expected records and its expected report.
//!
//! `WIREGLASS_BLESS=1 cargo test --test golden` writes what is reported now; read the diff before you commit it.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Certificates are judged for this moment besides the capture's own: what is expected must not depend on the day.
const NOW: &str = "2026-11-21";

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = folders.filter(|path| capture(path).is_some()).collect();
    cases.sort();
    assert!(cases.len() >= 50, "fixtures are missing: {}", cases.len());
    cases
}

fn capture(folder: &Path) -> Option<&'static str> {
    ["capture.pcap", "capture.pcapng"].into_iter().find(|name| folder.join(name).is_file())
}

fn wireglass(folder: &Path, arguments: &[&str]) -> String {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .current_dir(folder)
        .env("COLUMNS", "120")
        .args(arguments)
        .arg(capture(folder).unwrap())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {:?}\n{}", folder.display(), run.status, String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

fn compare(folder: &Path, name: &str, found: &str, wrong: &mut Vec<String>) {
    let path = folder.join(name);
    if std::env::var_os("WIREGLASS_BLESS").is_some() {
        fs::write(&path, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if let Some(line) = first_difference(&expected, found) {
        wrong.push(format!("{}: {line}", path.display()));
    }
}

fn first_difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (mut old, mut new) = (expected.lines(), found.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return Some("line ends differ".to_owned()),
            (a, b) if a == b => {}
            (a, b) => {
                return Some(format!(
                    "line {number}\n  expected {}\n  found    {}",
                    a.unwrap_or("the end"),
                    b.unwrap_or("the end")
                ));
            }
        }
    }
    None
}

#[test]
fn fixtures_give_their_expected_records() {
    let mut wrong = Vec::new();
    for folder in fixtures() {
        let found = wireglass(&folder, &["--format", "ndjson", "--also", "dns_messages,tls_records", "--now", NOW]);
        // The version of the program is no property of the capture.
        let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
        compare(&folder, "expected.ndjson", &found.replace(&version, "\"version\":\"*\""), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn fixtures_give_their_expected_report() {
    let mut wrong = Vec::new();
    for folder in fixtures() {
        compare(&folder, "expected.txt", &wireglass(&folder, &["--now", NOW]), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
