//! Every cap is a promise with a test that reaches it, or is said to be none: the list of `wireglass::limits::promises` against
//! the constants, the tests and the catalogue.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use wireglass::{
    limits::promises::{LAYOUT, PROMISES, Told},
    record::catalogue,
};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The constants of the limits, with their files.
fn constants() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut files = vec!["src/limits.rs".to_owned()];
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/limits")).unwrap() {
        files.push(format!("src/limits/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    for file in files {
        for line in read(&file).lines() {
            if let Some(name) = line.strip_prefix("pub const ").and_then(|rest| rest.split(':').next()) {
                found.insert(name.to_owned(), file.clone());
            }
        }
    }
    found
}

#[test]
fn every_constant_is_a_promise_or_is_said_to_be_none() {
    let listed: Vec<&str> =
        PROMISES.iter().map(|promise| promise.name).chain(LAYOUT.iter().map(|layout| layout.name)).collect();
    let distinct: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(listed.len(), distinct.len(), "listed twice");
    let constants = constants();
    let constants: BTreeSet<&str> = constants.keys().map(String::as_str).collect();
    assert_eq!(
        constants.difference(&distinct).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "not in src/limits/promises.rs"
    );
    assert_eq!(distinct.difference(&constants).collect::<Vec<_>>(), Vec::<&&str>::new(), "no constant");
}

/// Promises that no test reaches yet. This number may only become smaller.
const WITHOUT_A_TEST: usize = 47;

/// The test is there, is a test, and speaks of the constant.
#[test]
fn every_promise_has_a_test_that_speaks_of_it() {
    let (mut without, mut silent) = (Vec::new(), Vec::new());
    for promise in PROMISES {
        let Some((file, name)) = promise.test else {
            without.push(promise.name);
            continue;
        };
        let text = read(file);
        let start = text.find(&format!("fn {name}(")).unwrap_or_else(|| panic!("{}: no {file}::{name}", promise.name));
        let before = text[..start].trim_end().lines().rev().take_while(|line| !line.trim().is_empty());
        assert!(before.clone().any(|line| line.trim() == "#[test]"), "{}: {file}::{name} is no test", promise.name);
        // Up to the next function that begins as far to the left.
        let margin = text[..start].lines().last().map_or(0, |line| line.len() - line.trim_start().len());
        let end = format!("\n{}}}\n", " ".repeat(margin));
        let body = &text[start..];
        let body = body.find(&end).map_or(body, |end| &body[..end]);
        if !body.contains(promise.name) {
            silent.push(format!("{}: {file}::{name}", promise.name));
        }
    }
    assert!(silent.is_empty(), "tests that do not speak of their promise:\n{}", silent.join("\n"));
    assert!(without.len() <= WITHOUT_A_TEST, "{} without a test: {without:?}", without.len());
    assert_eq!(without.len(), WITHOUT_A_TEST, "lower WITHOUT_A_TEST");
}

/// Reaching a cap is told: by a finding of the catalogue, or by what the list says.
#[test]
fn every_promise_is_told() {
    let codes: BTreeSet<&str> = catalogue::entries().map(|entry| entry.code).collect();
    for promise in PROMISES {
        match promise.told {
            Told::Finding(code) => assert!(codes.contains(code), "{}: {code} is not in the catalogue", promise.name),
            Told::Field(what) | Told::Here(what) => assert!(!what.is_empty(), "{}", promise.name),
        }
        assert!(promise.value > 0 && !promise.beyond.is_empty() && !promise.unit.is_empty(), "{}", promise.name);
    }
}

/// The reason stands at the constant.
#[test]
fn every_constant_has_its_reason() {
    for (name, file) in constants() {
        let text = read(&file);
        let place = text.find(&format!("pub const {name}:")).unwrap();
        let above = text[..place].lines().last().unwrap();
        assert!(above.starts_with("///"), "{name} of {file} has no comment");
    }
}
