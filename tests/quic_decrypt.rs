//! QUIC opened with key logs: on the fixture that carries its own, on the lab captures of `$WIREGLASS_LAB`
//! (`../shared/lab` else), and packet by packet against tshark's tables in `$WIREGLASS_CORPUS`. What is not there is
//! skipped, loudly.
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn run(capture: &Path, options: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .arg(capture)
        .args(["--format", "ndjson", "--only", "tls,certificates,findings,quic_packets"])
        .args(options)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&run.stderr));
    let lines = String::from_utf8(run.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}

fn of_type<'r>(records: &'r [Value], kind: &str) -> Vec<&'r Value> {
    records.iter().filter(|record| record["type"] == kind).collect()
}

/// The one handshake.
fn tls(records: &[Value]) -> &Value {
    let [tls] = of_type(records, "tls")[..] else { panic!("one handshake: {records:?}") };
    tls
}

/// Name, side and packet of each phase.
fn phases(tls: &Value) -> Vec<(String, String, u64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let phases = tls["phases"].as_array().unwrap().iter();
    phases.map(|phase| (text(&phase["name"]), text(&phase["side"]), phase["packet"].as_u64().unwrap())).collect()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/quic_with_keys/capture.pcapng")
}

#[test]
fn a_capture_with_its_own_secrets_is_opened() {
    let records = run(&fixture(), &[]);
    let tls = tls(&records);
    assert_eq!((&tls["decrypted"], &tls["outcome"], &tls["alpn"]), (&true.into(), &"established".into(), &"h3".into()));
    let names: Vec<String> = phases(tls).into_iter().map(|(name, side, _)| format!("{side} {name}")).collect();
    let expected = [
        "client client_hello",
        "server server_hello",
        "server encrypted_extensions",
        "server certificate",
        "server certificate_verify",
        "server finished",
        "client finished",
        "client application_data",
    ];
    assert_eq!(names, expected);
    assert!(tls["phases"].as_array().unwrap().iter().all(|phase| phase["certainty"] == "observed"));
    assert_eq!(of_type(&records, "certificate").len(), tls["certificates"].as_array().unwrap().len());
    assert_eq!(tls["certificates"].as_array().unwrap().len(), 2);
    let packets = of_type(&records, "quic_packet");
    assert!(packets.len() > 15 && packets.iter().all(|packet| packet["decrypted"] == true), "{packets:?}");
    assert!(packets.iter().any(|packet| packet["frames"].as_array().unwrap().contains(&"DONE".into())));
}

/// What packets that stay closed imply is what is seen when they are opened.
#[test]
fn what_is_implied_without_secrets_is_true() {
    let (opened, closed) = (run(&fixture(), &[]), run(&fixture(), &["--ignore-secrets"]));
    let (opened, closed) = (tls(&opened), tls(&closed));
    assert_eq!((&closed["decrypted"], &closed["outcome"]), (&false.into(), &"established".into()));
    let seen = phases(opened);
    let implied = phases(closed);
    assert_eq!(implied.len(), 6, "{implied:?}");
    for phase in implied {
        assert!(seen.contains(&phase), "{phase:?} in {seen:?}");
    }
    assert_eq!(opened["handshake_ns"], closed["handshake_ns"]);
}

fn lab() -> Vec<(String, PathBuf, PathBuf, Value)> {
    let lab = std::env::var_os("WIREGLASS_LAB").map_or_else(|| PathBuf::from("../shared/lab"), PathBuf::from);
    let folder = lab.join("captures");
    let Ok(entries) = fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no lab captures in {}; set WIREGLASS_LAB", folder.display());
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let found: Vec<_> = paths
        .into_iter()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(".truth.json")?.to_owned();
            let truth: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let capture = folder.join(truth["captures"]["client"]["file"].as_str()?);
            let keys = folder.join(format!("{name}.keys"));
            (name.starts_with("quic") && keys.exists()).then_some((name, capture, keys, truth))
        })
        .collect();
    assert!(found.len() >= 2, "the lab has QUIC with keys");
    found
}

#[test]
fn all_packets_of_the_lab_are_opened() {
    for (name, capture, keys, truth) in lab() {
        let log = fs::read_to_string(&keys).unwrap();
        let keys = keys.to_str().unwrap();
        let records = run(&capture, &["--keylog", keys, "--threads", "1"]);
        assert_eq!(records, run(&capture, &["--keylog", keys, "--threads", "3"]), "{name}");
        let tls = tls(&records);
        assert_eq!((&tls["decrypted"], &tls["outcome"]), (&true.into(), &"established".into()), "{name}");
        let packets = of_type(&records, "quic_packet");
        for packet in &packets {
            assert!(packet["decrypted"] == true || packet["packet_type"] == "retry", "{name}: {packet}");
        }
        // What tshark counted in the same capture: frames that hold a packet of the type.
        for check in truth["checks"].as_array().unwrap() {
            let wanted = match check["filter"].as_str().unwrap() {
                "quic.long.packet_type==0" => "initial",
                "quic.long.packet_type==3" => "retry",
                _ => continue,
            };
            let of_type = packets.iter().filter(|packet| packet["packet_type"] == wanted);
            let mut frames: Vec<u64> = of_type.map(|packet| packet["packet"].as_u64().unwrap()).collect();
            frames.dedup();
            assert_eq!(frames.len() as u64, check["tshark_count"].as_u64().unwrap(), "{name}: {wanted}");
        }
        let text = serde_json::to_string(&records).unwrap();
        for line in log.lines() {
            let secret = line.split_whitespace().nth(2).unwrap();
            assert!(!text.contains(&secret.to_lowercase()[..32]), "{name}");
        }
    }
}

#[test]
fn wrong_secrets_are_told() {
    for (name, capture, keys, _) in lab() {
        let log = fs::read_to_string(&keys).unwrap();
        let wrong: String = log
            .lines()
            .map(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                format!("{} {} {}\n", words[0], words[1], words[2].replace(['0', 'f'], "8"))
            })
            .collect();
        let path = std::env::temp_dir().join(format!("wireglass-quic-{}-{name}.keys", std::process::id()));
        fs::write(&path, wrong).unwrap();
        let records = run(&capture, &["--keylog", path.to_str().unwrap()]);
        fs::remove_file(&path).unwrap();
        let tls = tls(&records);
        assert_eq!((&tls["decrypted"], &tls["outcome"]), (&false.into(), &"established".into()), "{name}");
        let told =
            of_type(&records, "finding").into_iter().filter(|finding| finding["code"] == "quic.decryption-failed");
        let titles: Vec<&str> = told.map(|finding| finding["title"].as_str().unwrap()).collect();
        assert!(
            matches!(titles[..], [title] if title.starts_with("The keys given for this QUIC connection open none of")),
            "{name}: {titles:?}"
        );
    }
}

/// A row of tshark's table, and a packet of ours, as both can say it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Row {
    frame: u64,
    ends: [String; 4],
    version: String,
    packet_type: String,
    ids: [String; 2],
    supported_versions: String,
}

/// What is compared besides, where a row was found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inside {
    decrypted: bool,
    number: Option<u64>,
}

fn rows(table: &Path) -> Vec<(Row, Inside)> {
    let text = fs::read(table).unwrap();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    lines
        .map(|line| {
            let cell = |name| {
                let at = names.iter().position(|known| *known == name).unwrap();
                line.get(at).copied().unwrap_or_default().to_owned()
            };
            let mut packet_type = cell("packet_type");
            if cell("version") == "0x6b3343cf" {
                // RFC 9369, section 3.2: version 2 numbers them from Retry.
                packet_type = packet_type.parse::<u8>().map_or(packet_type, |kind| ((kind + 3) % 4).to_string());
            }
            let row = Row {
                frame: cell("frame").parse().unwrap(),
                ends: ["src", "sport", "dst", "dport"].map(cell),
                version: cell("version"),
                packet_type,
                ids: ["dcid", "scid"].map(cell),
                supported_versions: cell("supported_versions"),
            };
            (row, Inside { decrypted: cell("decrypted") == "1", number: cell("packet_number").parse().ok() })
        })
        .collect()
}

fn ours(records: &[Value]) -> HashMap<Row, Vec<Inside>> {
    let mut found: HashMap<Row, Vec<Inside>> = HashMap::new();
    for packet in of_type(records, "quic_packet") {
        let end = |side: &str| {
            let end = &packet[side];
            [end["address"].as_str().unwrap().to_owned(), end["port"].to_string()]
        };
        let [from, to] = if packet["side"] == "client" { ["client", "server"] } else { ["server", "client"] }.map(end);
        let [[from, from_port], [to, to_port]] = [from, to];
        let hex = |value: &Value| value.as_u64().map(|number| format!("0x{number:08x}")).unwrap_or_default();
        let packet_type = match packet["packet_type"].as_str().unwrap() {
            "initial" => "0",
            "zero_rtt" => "1",
            "handshake" => "2",
            "retry" => "3",
            _ => "",
        };
        let versions: Vec<String> = packet["supported_versions"].as_array().unwrap().iter().map(hex).collect();
        let id = |name: &str| packet[name].as_str().unwrap_or_default().to_owned();
        let row = Row {
            frame: packet["packet"].as_u64().unwrap(),
            ends: [from, from_port, to, to_port],
            version: hex(&packet["version"]),
            packet_type: packet_type.to_owned(),
            ids: ["destination_connection_id", "source_connection_id"].map(id),
            supported_versions: versions.join(","),
        };
        let inside = Inside { decrypted: packet["decrypted"] == true, number: packet["packet_number"].as_u64() };
        found.entry(row).or_default().push(inside);
    }
    found
}

/// All tables of a tree: rows, those that we have too, and those of them with the same inside. `same` says what is.
fn compare(tree: &str, options: &[&str], same: fn(&Inside, &Inside) -> bool) -> Option<[usize; 3]> {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: set WIREGLASS_CORPUS to check QUIC packets against the corpus");
        return None;
    };
    let mut counts = [0; 3];
    for repository in fs::read_dir(corpus.join(tree)).unwrap().flatten() {
        for folder in fs::read_dir(repository.path()).into_iter().flatten().flatten() {
            let table = folder.path().join("quic.tsv");
            if !table.exists() {
                continue;
            }
            let expected = rows(&table);
            let capture = corpus.join("pcaps").join(repository.file_name()).join(folder.file_name());
            let mut found = ours(&run(&capture, options));
            let mut matched = 0;
            for (row, inside) in &expected {
                counts[0] += 1;
                let mut place = found.get(row).filter(|ours| !ours.is_empty()).map(|_| row.clone());
                if place.is_none() && row.ids.concat().is_empty() && row.version.is_empty() {
                    // A short header to a connection ID that tshark does not know the length of.
                    let same =
                        |ours: &&Row| (ours.frame, &ours.ends, &ours.version) == (row.frame, &row.ends, &row.version);
                    place = found.iter().filter(|(_, left)| !left.is_empty()).map(|(ours, _)| ours).find(same).cloned();
                }
                let Some(ours) = place.and_then(|place| found.get_mut(&place)) else { continue };
                matched += 1;
                counts[1] += 1;
                counts[2] += usize::from(same(inside, &ours.remove(0)));
            }
            if matched < expected.len() {
                println!("{matched} of {} rows: {}", expected.len(), capture.display());
            }
        }
    }
    println!("{tree}: {counts:?}");
    Some(counts)
}

/// Two rows are of zeros behind the packets of a datagram, which tshark takes for packets.
#[test]
fn packets_opened_with_keys_are_those_that_tshark_opens() {
    if let Some([rows, matched, same]) = compare("truth-decrypted", &[], PartialEq::eq) {
        assert!(rows >= 47 && matched + 2 >= rows && same == matched, "{rows} {matched} {same}");
    }
}

/// The rows that are not found are of Google's old versions, and of what fills datagrams, which tshark takes for packets.
/// We open more Initial packets than tshark does.
#[test]
fn packets_without_keys_are_those_that_tshark_sees() {
    let opened_too = |theirs: &Inside, ours: &Inside| ours == theirs || ours.decrypted && !theirs.decrypted;
    // One capture's table was made with the secrets that it carries.
    if let Some([rows, matched, same]) = compare("truth", &[], opened_too) {
        assert!(rows >= 4000 && matched * 1000 >= rows * 985, "{matched} of {rows} rows");
        assert!(same * 1000 >= matched * 995, "{same} of {matched} rows");
    }
}
