//! The catalogue of findings is closed: every code in the source stands in it, every code in it is used, and what the
//! fixtures report is what it says.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use wireglass::record::catalogue;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `"room.some-words"` in `text`, where the room is one of the catalogue's.
fn codes(text: &str) -> BTreeSet<String> {
    // Rooms such as `http2` have digits; their words have none.
    let rooms: BTreeSet<&str> = catalogue::entries().filter_map(|entry| entry.code.split('.').next()).collect();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    text.split('"')
        .skip(1)
        .step_by(2)
        .filter(|literal| literal.split_once('.').is_some_and(|(room, words)| rooms.contains(room) && is_word(words)))
        .map(str::to_owned)
        .collect()
}

/// Looks like a code and is none: what a match has to say for certificates in which nothing is wrong, never reported.
const NO_CODE: &str = "tls.certificate";

/// The codes of the program: literals in files that make findings or name caps, tests and the catalogue aside.
fn used() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let mut used = BTreeSet::new();
    for path in files {
        let name = path.strip_prefix(root().join("src")).unwrap().display().to_string();
        let is_aside =
            ["record/", "report/", "fuzzing", "check/", "limits/promises"].iter().any(|aside| name.starts_with(aside));
        if is_aside || name.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        // Comments and character literals would confuse the quotes.
        let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = lines.join("\n").replace("\\\"", "").replace("'\"'", "");
        if code.contains("Finding") || code.contains("Severity") || code.contains("Limit {") {
            used.extend(codes(&code));
        }
    }
    used.remove(NO_CODE);
    used
}

#[test]
fn every_code_is_in_the_catalogue_and_every_entry_is_used() {
    let used = used();
    let listed: BTreeSet<String> = catalogue::entries().map(|entry| entry.code.to_owned()).collect();
    assert!(used.len() > 40, "the scan finds nothing any more: {used:?}");
    let missing: Vec<_> = used.difference(&listed).collect();
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(missing.is_empty(), "not in src/record/catalogue: {missing:?}");
    assert!(unused.is_empty(), "in src/record/catalogue, but reported nowhere: {unused:?}");
}

#[test]
fn the_scan_sees_codes_only() {
    let text = r#"say("tcp.some-code", "Tcp.x", "tcp.", "nothing.here", "http.odd title", "dns.other")"#;
    assert_eq!(codes(text).into_iter().collect::<Vec<_>>(), ["dns.other", "tcp.some-code"]);
}

#[test]
fn entries_are_written_for_people() {
    let mut seen = BTreeSet::new();
    for entry in catalogue::entries() {
        let code = entry.code;
        assert!(seen.insert(code), "{code} twice");
        assert!(!entry.severities.is_empty() && entry.severities.is_sorted(), "{code}: severities");
        assert!((10..=84).contains(&entry.title.len()), "{code}: a title fits into a line");
        assert!(!entry.title.ends_with('.'), "{code}: a title is no sentence");
        assert!(entry.explanation.len() > 80 && entry.explanation.ends_with('.'), "{code}: explains");
        assert!(!entry.explanation.contains("  "), "{code}: blanks");
    }
}

#[test]
fn fixtures_report_what_the_catalogue_says() {
    let mut seen = 0;
    for folder in fs::read_dir(root().join("fixtures")).unwrap() {
        let path = folder.unwrap().path().join("expected.ndjson");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            if record["type"] != "finding" {
                continue;
            }
            seen += 1;
            let code = record["code"].as_str().unwrap();
            let entry = catalogue::entry(code).unwrap_or_else(|| panic!("{}: {code}", path.display()));
            let severities = serde_json::to_value(entry.severities).unwrap();
            assert!(severities.as_array().unwrap().contains(&record["severity"]), "{code}: {}", record["severity"]);
        }
    }
    assert!(seen > 20, "{seen} findings in the fixtures");
}
