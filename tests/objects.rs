//! `--export-objects`: what is written, under which names, and that nothing else is touched.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The text of all objects of the fixture (fixtures/generators/http_objects.py).
fn text() -> Vec<u8> {
    (1..=400).flat_map(|number| format!("line {number} of an object that is worth its while\n").into_bytes()).collect()
}

/// A directory of its own for a test.
fn directory(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("objects-{name}"));
    let _ = fs::remove_dir_all(&path);
    path
}

/// The records and what was said, after a run that must succeed.
fn export(capture: &Path, to: &Path, more: &[&str]) -> (Vec<Value>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--export-objects"])
        .arg(to)
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let records = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (records, String::from_utf8(output.stderr).unwrap())
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/http_objects/capture.pcap")
}

fn objects(records: &[Value]) -> Vec<&Value> {
    let halves = records.iter().flat_map(|record| [&record["request"]["object"], &record["response"]["object"]]);
    halves.filter(|object| object.is_object()).collect()
}

fn object<'r>(records: &'r [Value], file: &str) -> &'r Value {
    objects(records).into_iter().find(|object| object["file"] == file).unwrap_or_else(|| panic!("{file}"))
}

#[test]
fn every_coding_is_taken_off() {
    let to = directory("codings");
    let (records, said) = export(&fixture(), &to, &[]);
    let (files, text) = (files(&to), text());
    for (file, coding) in [
        ("files.lab.example_plain.txt", &[][..]),
        ("files.lab.example_gzip.txt", &["gzip"]),
        ("files.lab.example_x-gzip.txt", &["gzip"]),
        ("files.lab.example_zlib.txt", &["deflate"]),
        ("files.lab.example_bare-deflate.txt", &["deflate"]),
        ("files.lab.example_brotli.txt", &["br"]),
        ("files.lab.example_zstd.txt", &["zstd"]),
        ("files.lab.example_twice.txt", &["gzip", "br"]),
        ("files.lab.example_transfer.txt", &["br", "gzip"]),
        ("files.lab.example_lie.txt", &[]),
        ("files.lab.example_unknown.txt", &[]),
        ("files.lab.example_until-close.txt", &[]),
        ("upload_files.lab.example_form.txt", &["gzip"]),
        ("upload_two.lab.example_up", &[]),
        ("two.lab.example_a.txt", &[]),
        ("two.lab.example_b.txt", &["br"]),
    ] {
        assert!(files[file] == text, "{file}: {} bytes", files[file].len());
        let object = object(&records, file);
        assert_eq!(object["coding"].as_array().unwrap(), coding, "{file}");
        assert_eq!(object["complete"], true, "{file}");
    }
    for object in objects(&records) {
        let bytes = &files[object["file"].as_str().unwrap()];
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((object["bytes"].as_u64(), object["sha256"].as_str()), (Some(bytes.len() as u64), Some(&hash[..])));
        assert_eq!(object["complete"] == false, object["file"].as_str().unwrap().ends_with(".partial"));
    }
    // All that is there is told, and nothing of the workshop is left.
    assert_eq!(files.len(), objects(&records).len());
    assert!(said.contains(&format!("{} objects", files.len())) && said.contains("5 of them incomplete"), "{said}");
}

#[test]
fn what_is_cut_short_is_marked() {
    let to = directory("partial");
    let (records, _) = export(&fixture(), &to, &[]);
    let (files, text) = (files(&to), text());
    for (file, least, most, note) in [
        ("files.lab.example_gap.txt.partial", 1400, 1400, "lacks"),
        ("files.lab.example_gap-coded.txt.partial", 10_000, text.len() - 1, "lacks"),
        ("files.lab.example_early.txt.partial", 5000, 5000, "ended before"),
        ("files.lab.example_half.txt.partial", 10_000, text.len() - 1, "too early"),
    ] {
        let bytes = &files[file];
        assert!(bytes.len() >= least && bytes.len() <= most && text.starts_with(bytes), "{file}: {}", bytes.len());
        let object = object(&records, file);
        assert!(object["note"].as_str().unwrap().contains(note), "{object}");
    }
    // What comes behind a gap is whole again, and a range says that it is one.
    assert_eq!(files["files.lab.example_after.txt"], text);
    assert_eq!(object(&records, "files.lab.example_range.txt")["note"], "a part of the whole: bytes 0-99/18293");
    // The bomb is stopped, and told.
    assert!(files["files.lab.example_bomb.txt.partial"].len() <= 16 << 20);
    let codes: Vec<_> = records.iter().filter_map(|record| record["code"].as_str()).collect();
    assert!(codes.contains(&"http.decompression-bomb"), "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "http.undecodable-content").count(), 2);
}

#[test]
fn names_do_no_harm() {
    let to = directory("names");
    export(&fixture(), &to, &[]);
    for name in files(&to).keys() {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{name:?}");
        assert!(name.len() <= 200 && !name.starts_with(['.', '-']) && !name.contains(".."), "{name:?}");
    }
}

/// Names and contents are the same for any number of workers.
#[test]
fn threads_change_nothing() {
    let (one, four) = (directory("one"), directory("four"));
    let (records, _) = export(&fixture(), &one, &["--threads", "1"]);
    assert_eq!(records, export(&fixture(), &four, &["--threads", "4"]).0);
    assert!(files(&one) == files(&four));
}

#[cfg(unix)]
#[test]
fn nothing_is_overwritten_and_no_link_is_followed() {
    let to = directory("links");
    fs::create_dir_all(&to).unwrap();
    let outside = directory("outside");
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(outside.join("target"), to.join("files.lab.example_gzip.txt")).unwrap();
    fs::write(to.join("files.lab.example_zlib.txt"), b"mine").unwrap();
    let (records, _) = export(&fixture(), &to, &[]);
    assert!(files(&outside).is_empty());
    assert_eq!(fs::read(to.join("files.lab.example_zlib.txt")).unwrap(), b"mine");
    assert!(fs::symlink_metadata(to.join("files.lab.example_gzip.txt")).unwrap().is_symlink());
    for file in ["files.lab.example_gzip-2.txt", "files.lab.example_zlib-2.txt"] {
        assert_eq!(fs::read(to.join(file)).unwrap(), text());
        assert_eq!(object(&records, file)["complete"], true);
    }
    // A second run finds all names taken.
    let before = fs::read_dir(&to).unwrap().count();
    export(&fixture(), &to, &[]);
    assert_eq!(fs::read_dir(&to).unwrap().count(), before + objects(&records).len());
}

/// Without the option nothing is kept: the records are the same but for the objects.
#[test]
fn objects_change_nothing_else() {
    let to = directory("same");
    let (mut with, _) = export(&fixture(), &to, &[]);
    let output =
        Command::new(env!("CARGO_BIN_EXE_wireglass")).arg(fixture()).args(["--format", "ndjson"]).output().unwrap();
    let without: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = ["http.decompression-bomb", "http.undecodable-content"];
    with.retain(|record| !record["code"].as_str().is_some_and(|code| told.contains(&code)));
    let clear = |record: &mut Value| {
        for half in ["request", "response"] {
            if let Some(object) = record.get_mut(half).and_then(|half| half.get_mut("object")) {
                *object = Value::Null;
            }
        }
    };
    with.iter_mut().for_each(clear);
    assert_eq!(with, without);
}

/// Content of decrypted TLS (the lab's own capture and keys).
#[test]
fn decrypted_content_is_exported() {
    let Some(lab) = std::env::var_os("WIREGLASS_LAB") else {
        eprintln!("skipped: WIREGLASS_LAB is not set");
        return;
    };
    let captures = Path::new(&lab).join("captures");
    let keys = captures.join("http2_tls_parallel.keys");
    let to = directory("tls");
    let capture = captures.join("http2_tls_parallel.client.pcap");
    let (records, _) = export(&capture, &to, &["--keylog", keys.to_str().unwrap()]);
    let over_tls = records.iter().filter(|record| record["over"] == "tls");
    let mut compared = 0;
    for http in over_tls.filter(|http| http["response"]["body_bytes"].as_u64().is_some_and(|bytes| bytes > 0)) {
        let object = &http["response"]["object"];
        assert_eq!(object["complete"], true, "{http}");
        assert_eq!(object["encoded_bytes"], http["response"]["body_bytes"]);
        compared += 1;
    }
    assert!(compared >= 4, "{compared}");
}
