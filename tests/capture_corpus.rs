//! Every capture of the corpus against what tshark and a plain reader count. Skipped, loudly, without WIREGLASS_CORPUS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use wireglass::{
    capture::{Batch, More, open},
    record::{Capture, Timestamp},
};

/// Captures whose summary may differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    ("__test017.pcapng", "tshark counts custom blocks as packets"),
    ("__test018.pcapng", "tshark counts custom blocks as packets"),
    ("__test102.pcapng", "tshark counts custom blocks as packets"),
    ("__test202.pcapng", "tshark counts custom blocks as packets"),
    ("pcapng-example.pcapng.zst", "its last time is 2^64-1 us, beyond what 64 bits of nanoseconds hold: we saturate"),
];

/// Malformed captures where our count is neither the plain reader's nor tshark's, and why.
const MALFORMED_DIFFERENT: &[(&str, &str)] = &[];

fn corpus() -> Option<PathBuf> {
    let root = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from);
    if root.is_none() {
        eprintln!("SKIPPED: WIREGLASS_CORPUS is not set, no capture of the corpus was compared");
    }
    root
}

fn table(path: &Path) -> Option<HashMap<String, String>> {
    let text = fs::read_to_string(path).ok()?;
    let row = |line: &str| {
        let mut cells = line.split('\t');
        Some((cells.next()?.to_owned(), cells.next().unwrap_or_default().to_owned()))
    };
    Some(text.lines().skip(1).filter_map(row).collect())
}

fn read(path: &Path) -> Result<Capture, String> {
    let mut source = open(path, 0).map_err(|error| error.to_string())?;
    let mut batch = Batch::default();
    let mut packets = 0;
    loop {
        let more = source.next_batch(&mut batch).map_err(|error| error.to_string())?;
        for head in &batch.heads {
            packets += 1;
            assert_eq!(head.number.number(), packets);
            assert_eq!(batch.bytes(head).len(), head.captured_length as usize);
        }
        if more == More::No {
            break;
        }
    }
    assert_eq!(source.description().packets, packets);
    Ok(source.description())
}

fn epoch(timestamp: Option<Timestamp>) -> String {
    timestamp.map_or(String::new(), |timestamp| {
        let nanoseconds = timestamp.nanoseconds();
        format!("{}.{:09}", nanoseconds.div_euclid(1_000_000_000), nanoseconds.rem_euclid(1_000_000_000))
    })
}

fn folders(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for repo in fs::read_dir(root).unwrap().flatten() {
        for file in fs::read_dir(repo.path()).into_iter().flatten().flatten() {
            let name = format!("{}/{}", repo.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            found.push((name, file.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn summaries_equal_tsharks() {
    let Some(root) = corpus() else { return };
    let (mut equal, mut excused) = (0, 0);
    let mut wrong = Vec::new();
    for (name, folder) in folders(&root.join("truth")) {
        let Some(truth) = table(&folder.join("summary.tsv")) else { continue };
        let mut differences = Vec::new();
        match read(&root.join("pcaps").join(&name)) {
            Err(error) => differences.push(error),
            Ok(capture) => {
                let ours = [
                    ("packets", capture.packets.to_string()),
                    ("cap_bytes", capture.captured_bytes.to_string()),
                    ("wire_bytes", capture.wire_bytes.to_string()),
                    ("first_ts", epoch(capture.first_ts)),
                    ("last_ts", epoch(capture.last_ts)),
                    ("ts_backwards", capture.timestamps_backwards.to_string()),
                ];
                for (key, ours) in ours {
                    match truth.get(key) {
                        Some(theirs) if *theirs != ours => differences.push(format!("{key} {theirs} != {ours}")),
                        _ => {}
                    }
                }
                if !differences.is_empty()
                    && let Some(damage) = capture.damage
                {
                    differences.push(format!("{damage:?}"));
                }
            }
        }
        if differences.is_empty() {
            equal += 1;
        } else if DIFFERENT.iter().any(|(end, _)| name.ends_with(end)) {
            excused += 1;
            eprintln!("excused: {name}: {}", differences.join("; "));
        } else {
            wrong.push(format!("{name}: {}", differences.join("; ")));
        }
    }
    eprintln!("{equal} summaries equal, {excused} excused, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn malformed_captures_give_what_a_plain_reader_gets() {
    let Some(root) = corpus() else { return };
    let (mut equal, mut excused, mut damaged) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (name, folder) in folders(&root.join("malformed-truth")) {
        let Some(truth) = table(&folder.join("reader.tsv")) else { continue };
        let number = |key: &str| truth.get(key).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        let expected = number("reader_packets").max(number("tshark_packets"));
        let result = read(&root.join("malformed").join(&name));
        damaged += u32::from(result.as_ref().is_ok_and(|capture| capture.damage.is_some()));
        let ours = result.as_ref().map_or(0, |capture| capture.packets);
        if ours == expected {
            equal += 1;
        } else if MALFORMED_DIFFERENT.iter().any(|(file, _)| *file == name) {
            excused += 1;
        } else {
            wrong.push(format!("{name}: {expected} != {ours}: {:?}", result.map(|capture| capture.damage)));
        }
    }
    eprintln!("{equal} counts equal, {excused} excused, {} wrong; {damaged} told as damaged", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
