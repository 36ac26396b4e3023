//! The walls between the rooms: who may import whom, and what a protocol folder must bring along.
//!
//! One package has no crate walls; this test is the wall. It reads the sources as text.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// For each room, the rooms it may name. `engine` is where they meet, `cli` sits on top.
const ALLOWED: &[(&str, &[&str])] = &[
    ("record", &["record"]),
    ("limits", &["limits"]),
    ("capture", &["capture", "record", "limits"]),
    ("wire", &["wire", "record", "limits"]),
    ("flow", &["flow", "wire", "record", "limits"]),
    ("app", &["app", "record", "limits"]),
    ("analysis", &["analysis", "record", "limits"]),
    ("report", &["report", "record", "limits"]),
    ("check", &["check", "filter", "report", "record", "limits"]),
    ("filter", &["filter", "record", "limits"]),
    ("engine", &["engine", "capture", "wire", "flow", "app", "analysis", "filter", "report", "record", "limits"]),
];

const ROOMS: &[&str] = &[
    "record", "limits", "capture", "wire", "flow", "app", "analysis", "filter", "report", "check", "engine", "cli",
    "fuzzing",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn room(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.strip_suffix(".rs").map(str::to_owned).unwrap_or(first)
}

/// The source above its test module, comments taken out, lines kept. A file of tests is all tests.
fn code(path: &Path) -> String {
    if path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests")) {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let above = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    above.map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect()
}

/// What `text` names after `crate::`, with its offset; each of `crate::{a, b::c}`.
fn named_rooms(text: &str) -> Vec<(usize, String)> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (start, prefix) in text.match_indices("crate::") {
        let rest = &text[start + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push((start, word(rest)));
            continue;
        };
        let (mut depth, mut expecting) = (0, true);
        for (offset, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => expecting = true,
                _ if depth == 0 && expecting && letter.is_alphabetic() => {
                    found.push((start + prefix.len() + 1 + offset, word(&group[offset..])));
                    expecting = false;
                }
                _ => {}
            }
        }
    }
    found
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn place(path: &Path, text: &str, offset: usize) -> String {
    format!("{}:{}", path.strip_prefix(root()).unwrap().display(), line_of(text, offset))
}

#[test]
fn rooms_import_only_what_they_may() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for path in sources(&root().join("src")) {
        let room = room(&path);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == room) else { continue };
        let text = code(&path);
        for (offset, name) in named_rooms(&text) {
            seen += 1;
            if ROOMS.contains(&name.as_str()) && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: `{room}` may not use `{name}`", place(&path, &text, offset)));
            }
        }
    }
    assert!(seen > 50, "the scan finds nothing any more: {seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scan_sees_groups_and_single_names() {
    let text = "use crate::{limits, wire::{self, Path}, record::Side};\nuse crate::flow::Table;\ncrate::app::x()";
    let names: Vec<String> = named_rooms(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["limits", "wire", "record", "flow", "app"]);
}

fn protocols() -> Vec<String> {
    let folders = fs::read_dir(root().join("src/app")).unwrap().map(|entry| entry.unwrap().path());
    let names =
        folders.filter(|path| path.is_dir()).map(|path| path.file_name().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != "codec").collect();
    names.sort();
    assert!(names.len() >= 4, "{names:?}");
    names
}

#[test]
fn protocols_name_no_other_protocol() {
    let names = protocols();
    let mut wrong = Vec::new();
    for name in &names {
        for path in sources(&root().join("src/app").join(name)) {
            let text = code(&path);
            for other in names.iter().filter(|other| *other != name) {
                for pattern in [format!("app::{other}"), format!("app::{{{other}"), format!("super::super::{other}")] {
                    if let Some(offset) = text.find(&pattern) {
                        wrong.push(format!("{}: `{name}` names `{other}`", place(&path, &text, offset)));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_protocol_is_registered_and_fuzzed_and_has_a_fixture() {
    let registry = fs::read_to_string(root().join("src/app/registry.rs")).unwrap();
    let (fuzzers, fixtures) = (names_in("fuzz/fuzz_targets"), names_in("fixtures"));
    let mut missing = Vec::new();
    for name in protocols() {
        let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if !registry.contains(&format!("{name}::")) {
            missing.push(format!("src/app/registry.rs has no line for `{name}`"));
        }
        if !fuzzers.iter().any(|file| file.starts_with(stem)) {
            missing.push(format!("fuzz/fuzz_targets has no target whose name starts with `{stem}`"));
        }
        if !fixtures.iter().any(|folder| folder.starts_with(stem)) {
            missing.push(format!("fixtures has no case whose name starts with `{stem}`"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let lines = code(&path).lines().count();
        let shown = path.strip_prefix(root()).unwrap().display();
        if lines > 650 {
            wrong.push(format!("{shown}: {lines} lines without its tests; split it by topic"));
        }
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["util", "utils", "common", "helpers", "misc"].contains(&stem.as_str()) {
            wrong.push(format!("{shown}: the name says nothing of what is in it"));
        }
        if !fs::read_to_string(&path).unwrap().starts_with("//!") {
            wrong.push(format!("{shown}: does not begin with what it is (`//!`)"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn below_the_capture_nobody_reads_a_clock_or_prints() {
    let forbidden =
        ["SystemTime::now", "Instant::now", "Utc::now", "Local::now", "println!", "print!(", "eprint!(", "static mut"];
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        if ["cli", "capture", "main", "lib"].contains(&room(&path).as_str()) {
            continue;
        }
        let text = code(&path);
        for name in forbidden {
            if let Some(offset) = text.find(name) {
                wrong.push(format!("{}: `{name}`", place(&path, &text, offset)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where a hash is the same in every run, and why that does no harm. Tables whose keys come from the wire are seeded anew in each
/// run, or who writes the capture could make them slow.
const UNSEEDED: &[(&str, &str)] = &[
    ("src/flow/tcp/fact.rs", "compared, no key of a table"),
    ("src/flow/tcp/endpoint.rs", "compared, no key of a table"),
    ("src/app/dns/build.rs", "compared, no key of a table"),
    ("src/app/dns/session.rs", "compared, no key of a table"),
    ("src/app/icmp/echo.rs", "compared, no key of a table"),
    ("src/engine/route.rs", "chooses the shard, which decides about caps; its table is seeded"),
    ("src/analysis/journeys.rs", "a number of which few are kept each; its table is seeded"),
];

#[test]
fn tables_are_seeded() {
    let mut seen = Vec::new();
    for path in sources(&root().join("src")) {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let code = code(&path);
        for fixed in
            ["FixedState", "DefaultHasher", "BuildHasherDefault", "with_seed", "FxHash", "fxhash", "ahash", "nohash"]
        {
            if code.contains(fixed) && !seen.contains(&name) {
                seen.push(name.clone());
            }
        }
        // Nor is one of them ever what a table hashes with.
        for line in code.lines().filter(|line| line.contains("HashMap<") || line.contains("HashSet<")) {
            assert!(!line.contains("FixedState") && !line.contains("BuildHasherDefault"), "{name}: {line}");
        }
        // This kind of table has no hasher of its own.
        if code.contains("HashTable<") {
            assert!(code.contains("foldhash::fast::RandomState") && code.contains("RandomState::default()"), "{name}");
        }
    }
    seen.sort();
    let mut known: Vec<&str> = UNSEEDED.iter().map(|(file, _)| *file).collect();
    known.sort_unstable();
    assert_eq!(seen, known, "a hash that is the same in every run: seed it, or say here why it may be");
}
