//! Every seed and every crash ever found goes through the fuzz targets' bodies, on stable, in the normal tests.
use std::{fs, path::Path};

#[test]
fn seeds_and_crashes_are_survived() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, body) in wireglass::fuzzing::TARGETS {
        let folder = corpus.join(name);
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut seeds = 0;
        for entry in entries {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            body(&fs::read(&path).unwrap());
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
    }
}

#[test]
fn every_target_has_its_file() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let mut files: Vec<String> =
        fs::read_dir(targets).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    let mut names: Vec<String> = wireglass::fuzzing::TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn fixtures_survive_every_target() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for entry in fs::read_dir(fixtures).unwrap() {
        let Ok(bytes) = fs::read(entry.unwrap().path().join("capture.pcap")) else { continue };
        for (name, body) in wireglass::fuzzing::TARGETS {
            println!("{name}");
            body(&bytes[..bytes.len().min(40_000)]);
        }
    }
}
