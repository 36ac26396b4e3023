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
fn every_target_has_its_file_its_program_and_its_line() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut files: Vec<String> = fs::read_dir(fuzz.join("fuzz_targets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut names: Vec<String> = wireglass::fuzzing::TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    names.sort();
    assert_eq!(files, names);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let readme = fs::read_to_string(fuzz.join("README.md")).unwrap();
    for (name, _) in wireglass::fuzzing::TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "fuzz/Cargo.toml has no [[bin]] {name}");
        let file = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("wireglass::fuzzing::{name}(bytes)")), "{name}.rs runs something else");
        let assertions = readme.split("## What reaches what").next().unwrap();
        assert!(assertions.contains(&format!("`{name}`")), "fuzz/README.md does not say what {name} asserts");
    }
    // The other way round: folders of seeds, and dictionaries.
    for entry in fs::read_dir(fuzz.join("corpus")).unwrap() {
        let folder = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(names.contains(&format!("{folder}.rs")), "corpus/{folder} belongs to no target");
    }
    for line in fs::read_to_string(fuzz.join("dict/targets")).unwrap().lines() {
        let (target, dictionary) = line.split_once(' ').unwrap();
        assert!(names.contains(&format!("{target}.rs")), "dict/targets names {target}");
        let words = fs::read_to_string(fuzz.join("dict").join(dictionary)).unwrap();
        assert!(words.lines().skip(1).all(|word| word.len() > 2 && word.starts_with('"') && word.ends_with('"')));
    }
}

#[test]
fn seeds_are_named_and_small() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut total = 0;
    for folder in fs::read_dir(corpus).unwrap() {
        for seed in fs::read_dir(folder.unwrap().path()).unwrap() {
            let seed = seed.unwrap();
            let name = seed.file_name().to_string_lossy().into_owned();
            // libFuzzer's own names say nothing.
            let is_hash =
                name.len() >= 40 && name.rsplit('-').next().unwrap().bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(!is_hash, "{}: give it a name that says what it is", seed.path().display());
            total += seed.metadata().unwrap().len();
        }
    }
    assert!(total < 4 << 20, "the seeds have {total} bytes: minimise them (CONTRIBUTING.md, Fuzzing)");
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
