//! Record data in presentation format against BIND's. `known.tsv` holds what BIND printed for one record or more of each
//! type it knows; where `named-rrchecker` is installed, records made at random are compared as well.
#![allow(missing_docs)]
use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

use wireglass::app::dns::{
    iana,
    names::Name,
    parser::{ResourceRecord, Section},
    rdata,
};

const KNOWN: &str = include_str!("known.tsv");

/// Our text of a record's data.
fn ours(record_type: u16, data: &[u8]) -> String {
    let message = [&[0][..], data].concat();
    let name = Name::read(&message, 0).unwrap().0;
    let section = Section::Answer;
    rdata::text(&ResourceRecord { section, name, record_type, class: 1, ttl: 0, message: &message, data_start: 1 })
}

fn octets(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Types whose text has hex or base32 in it, which BIND writes in upper case.
const HEX: [u16; 19] = [22, 31, 32, 34, 43, 44, 50, 51, 52, 53, 55, 59, 63, 32768, 32769, 108, 109, 65280, 101];

/// Text without what is a matter of taste: the case of hex, final dots, blanks inside long hex and base64.
fn plain(record_type: u16, text: &str) -> String {
    let quoted = text.starts_with('"') || text.contains(" \"") || text.contains("=\"");
    let words = text.split(' ').enumerate().map(|(place, word)| {
        match record_type {
            // Numbers of algorithms are as good as names (RFC 4398 2.2).
            37 if place == 2 => return "ALGORITHM",
            // How many zeros stand behind a point is free, and so is a size of nothing.
            29 if word.starts_with("0.00") || word == "0m" => return "0",
            _ => {}
        }
        // Only a name ends in a dot, and the root is one.
        if word.len() > 1 && !quoted { word.strip_suffix('.').unwrap_or(word) } else { word }
    });
    let mut all = words.collect::<Vec<_>>().join(if quoted { " " } else { "" });
    if HEX.contains(&record_type) || all.starts_with("\\#") {
        all.make_ascii_lowercase();
    }
    if matches!(record_type, 64 | 65) {
        // Whether values without blanks stand in quotes is free (RFC 9460 2.1), and this BIND knows seven keys.
        all = all.replace('"', "").replace("key7=", "dohpath=").replace("key8", "ohttp");
        let target = all.split(' ').nth(1).unwrap_or_default().to_owned();
        if let Some(without) = target.strip_suffix('.').filter(|name| !name.is_empty()) {
            all = all.replacen(&target, without, 1);
        }
    }
    if matches!(record_type, 35) {
        all = all.trim_end_matches('.').to_owned();
    }
    if let (28, Ok(address)) = (record_type, all.parse::<std::net::Ipv6Addr>()) {
        all = address.to_string();
    }
    // BIND escapes what a zone file would take for its own; in names that are on their own it need not be.
    for (escaped, bare) in [("\\;", ";"), ("\\(", "("), ("\\)", ")"), ("\\@", "@"), ("\\$", "$"), ("\\\"", "\"")] {
        if !quoted {
            all = all.replace(escaped, bare);
        }
    }
    all
}

#[test]
fn every_type_that_bind_prints() {
    let (mut wrong, mut types) = (Vec::new(), std::collections::BTreeSet::new());
    for line in KNOWN.lines().filter(|line| !line.starts_with('#')) {
        let [number, hex, text] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let number: u16 = number.parse().unwrap();
        types.insert(number);
        let our_text = ours(number, &octets(hex));
        if plain(number, &our_text) != plain(number, text) {
            wrong.push(format!("{}: {hex}: we say {our_text}, BIND {text}", iana::type_name(number)));
        }
    }
    assert!(types.len() >= 75, "{} types", types.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What BIND says of a record; none when it refuses it.
fn bind(record_type: u16, data: &[u8]) -> Option<String> {
    let mut hex = String::new();
    data.iter().for_each(|octet| write!(hex, "{octet:02x}").unwrap());
    let mut child = Command::new("named-rrchecker")
        .arg("-p")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "IN TYPE{record_type} \\# {} {hex}", data.len()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.trim_end().splitn(3, '\t').nth(2).unwrap_or_default().to_owned())
}

/// SplitMix64.
fn chance(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Records of the table with some octets changed, taken away or doubled: what BIND takes, we print alike.
#[test]
fn records_made_at_random() {
    if Command::new("named-rrchecker").arg("-h").output().is_err() {
        eprintln!("SKIPPED: named-rrchecker of BIND is not installed");
        return;
    }
    let known: Vec<(u16, Vec<u8>)> = KNOWN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut fields = line.split('\t');
            (fields.next().unwrap().parse().unwrap(), octets(fields.next().unwrap()))
        })
        .collect();
    let runs: u64 = std::env::var("WIREGLASS_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(300);
    let (mut seed, mut taken, mut wrong) = (17, 0, Vec::new());
    for _ in 0..runs {
        let (number, mut data) = known[chance(&mut seed) as usize % known.len()].clone();
        for _ in 0..=chance(&mut seed) % 3 {
            let at = chance(&mut seed) as usize % (data.len() + 1);
            match (chance(&mut seed) % 4, at < data.len()) {
                (0, true) => data[at] = chance(&mut seed) as u8,
                (1, true) => data[at] ^= 1 << (chance(&mut seed) % 8),
                (2, true) => drop(data.remove(at)),
                _ => data.insert(at, chance(&mut seed) as u8),
            }
        }
        let our_text = ours(number, &data);
        let Some(theirs) = bind(number, &data) else { continue };
        taken += 1;
        if plain(number, &our_text) != plain(number, &theirs) {
            wrong.push(format!("{} {data:02x?}: we say {our_text}, BIND {theirs}", iana::type_name(number)));
        }
    }
    assert!(taken > runs / 5, "BIND took {taken} of {runs}");
    assert!(wrong.is_empty(), "{} of {taken}:\n{}", wrong.len(), wrong.join("\n"));
}
