//! The third-party corpus, read in place: every capture is survived, and the answers agree with independent tools.
//!
//! Needs `WIREGLASS_CORPUS` (the folder with `pcaps`, `truth`, `malformed`, `compare.py`) and python3; skips loudly.
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// Share of rows that must agree, in percent, and where the rest is explained: `tests/corpus_mismatches/`.
const LEAST: &[(&str, f64)] = &[
    ("summary", 95.0),
    ("packets", 95.0),
    ("arp", 95.0),
    ("icmp", 95.0),
    ("tcp_conv", 95.0),
    ("dns", 95.0),
    ("tls_clients", 95.0),
    ("tls_servers", 95.0),
    ("certs", 95.0),
    ("http1", 95.0),
    // All that is not encrypted; thirteen rows are.
    ("http2", 95.0),
];

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from).filter(|folder| folder.join("pcaps").is_dir());
    if folder.is_none() {
        // Written past the test harness's capture, so that nobody overlooks it.
        let _ = writeln!(
            std::io::stderr().lock(),
            "\n!!! SKIPPED: the corpus tests need WIREGLASS_CORPUS=<folder with pcaps/ and truth/>; nothing was compared\n"
        );
    }
    folder
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for repository in fs::read_dir(folder).unwrap() {
        for file in fs::read_dir(repository.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() && path.extension().is_none_or(|extension| extension != "keylog") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Runs `work` on every item, on two threads.
fn for_all<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = Mutex::new(items.iter());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(item) = { next.lock().unwrap().next() } {
                    work(item);
                }
            });
        }
    });
}

struct Ran {
    status: Option<i32>,
    stderr: String,
    took: Duration,
    peak_kib: u64,
}

/// Runs wireglass with its output in `out`, its memory watched.
fn wireglass(arguments: &[&str], out: &Path) -> Ran {
    let started = Instant::now();
    let errors = out.with_extension("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(fs::File::create(out).unwrap())
        .stderr(fs::File::create(&errors).unwrap())
        .spawn()
        .unwrap();
    let mut peak_kib = 0;
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak_kib = peak_kib.max(line.trim().trim_end_matches(" kB").parse().unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            break child.wait().unwrap().code();
        }
        thread::sleep(Duration::from_millis(2));
    };
    Ran { status, stderr: fs::read_to_string(&errors).unwrap_or_default(), took: started.elapsed(), peak_kib }
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_capture_is_survived() {
    let Some(corpus) = corpus() else { return };
    let out = scratch("survival");
    let mut files = captures(&corpus.join("malformed"));
    files.extend(captures(&corpus.join("pcaps")));
    assert!(files.len() > 600, "{}", files.len());
    let wrong = Mutex::new(Vec::new());
    let numbered: Vec<(usize, PathBuf)> = files.into_iter().enumerate().collect();
    for_all(&numbered, |(number, file)| {
        let name = file.to_str().unwrap();
        let is_malformed = file.starts_with(corpus.join("malformed"));
        let mut runs = vec![
            ("table", vec![name]),
            ("ndjson", vec![name, "--format", "ndjson"]),
            ("packets", vec!["packets", name, "-V"]),
        ];
        if is_malformed {
            runs.push(("hex", vec!["packets", name, "-V", "-x"]));
            runs.push(("statistics", vec!["statistics", name]));
        }
        // Malformed ones are small: measured, 0.3 s and 29 MiB at most on a crowded machine.
        let (seconds, kib) = if is_malformed { (5, 64 << 10) } else { (10, 200 << 10) };
        for (kind, arguments) in runs {
            let ran = wireglass(&arguments, &out.join(format!("{number}.{kind}")));
            let say = |what: String| wrong.lock().unwrap().push(format!("{name} {kind}: {what}"));
            if !matches!(ran.status, Some(0 | 3)) {
                say(format!("status {:?}: {}", ran.status, ran.stderr.lines().next().unwrap_or_default()));
            }
            if ran.stderr.contains("panicked") {
                say("panicked".to_owned());
            }
            if ran.status == Some(3) && ran.stderr.trim().is_empty() {
                say("fails without a word".to_owned());
            }
            if ran.took > Duration::from_secs(seconds) {
                say(format!("took {:?}", ran.took));
            }
            if ran.peak_kib > kib {
                say(format!("used {} KiB", ran.peak_kib));
            }
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} complaints:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn answers_agree_with_independent_tools() {
    let Some(corpus) = corpus() else { return };
    if Command::new("python3").arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr().lock(), "\n!!! SKIPPED: the corpus comparison needs python3\n");
        return;
    }
    let out = scratch("comparison");
    let (records, tables) = (out.join("records"), out.join("tables"));
    fs::create_dir_all(&records).unwrap();
    let numbered: Vec<(usize, PathBuf)> = captures(&corpus.join("pcaps")).into_iter().enumerate().collect();
    for_all(&numbered, |(number, file)| {
        let name = file.to_str().unwrap();
        let (report, packets) = (records.join(format!("{number}.r")), records.join(format!("{number}.p")));
        let also = ["--format", "ndjson", "--ignore-secrets", "--also", "dns_messages,tls_records,http2_frames"];
        wireglass(&[&[name], also.as_slice()].concat(), &report);
        wireglass(&["packets", name, "--format", "ndjson", "-V"], &packets);
        let inside = file.strip_prefix(corpus.join("pcaps")).unwrap();
        let python = Command::new("python3")
            .arg(corpus.join("from_ndjson.py"))
            .args([&report, &tables.join(inside), &packets])
            .output()
            .unwrap();
        assert!(python.status.success(), "{name}: {}", String::from_utf8_lossy(&python.stderr));
    });
    let scores = out.join("scores.json");
    let names: Vec<&str> = LEAST.iter().map(|(table, _)| *table).collect();
    let compared = Command::new("python3")
        .arg(corpus.join("compare.py"))
        .args([corpus.join("truth"), tables])
        .arg("--exclude")
        .arg(corpus.join("DEBATABLE.tsv"))
        .args(["--tables", &names.join(","), "--show", "2", "--json"])
        .arg(&scores)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&compared.stdout);
    println!("{report}");
    let scores: serde_json::Value = serde_json::from_slice(&fs::read(&scores).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (table, least) in LEAST {
        let number = |key: &str| scores[table][key].as_f64().unwrap_or(0.0);
        let share = 100.0 * number("matched") / number("total").max(1.0);
        if share < *least {
            wrong.push(format!("{table}: {share:.2} % of rows agree, {least} % must"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{report}", wrong.join("\n"));
}

/// Zeek's word for a chain, and ours for the same. It asks whether the chain leads to its own copy of Mozilla's list at the
/// capture's time; of host names it says nothing here.
const ZEEK_VERDICTS: [(&str, &str); 5] = [
    ("ok", "ok"),
    ("self signed certificate", "self_signed"),
    ("self signed certificate in certificate chain", "unknown_ca"),
    ("unable to get local issuer certificate", "unknown_ca"),
    ("certificate has expired", "expired"),
];

#[test]
fn zeeks_verdicts_on_certificates_are_ours() {
    let Some(corpus) = corpus() else { return };
    let mut compared = 0;
    for capture in captures(&corpus.join("pcaps")) {
        let name = capture.strip_prefix(corpus.join("pcaps")).unwrap();
        let Ok(truth) = fs::read_to_string(corpus.join("truth").join(name).join("zeek_ssl.tsv")) else { continue };
        let mut lines = truth.lines();
        let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
        let column = |name: &str| columns.iter().position(|column| *column == name);
        let Some(status) = column("validation_status") else { continue };
        let (port, peer) = (column("sport").unwrap(), column("dport").unwrap());
        let run = Command::new(env!("CARGO_BIN_EXE_wireglass"))
            .arg(&capture)
            .args(["--format", "ndjson", "--only", "tls", "--ignore-secrets"])
            .output()
            .unwrap();
        let records: Vec<serde_json::Value> =
            String::from_utf8(run.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            if fields[status] == "-" {
                continue;
            }
            let ports = |record: &&serde_json::Value| {
                record["client"]["port"].as_u64() == fields[port].parse().ok()
                    && record["server"]["port"].as_u64() == fields[peer].parse().ok()
            };
            let record = records.iter().find(ports).unwrap_or_else(|| panic!("{}: not found: {line}", name.display()));
            let ours = record["verification"]["reason"].as_str().unwrap_or("none");
            let expected = ZEEK_VERDICTS.iter().find(|(zeek, _)| *zeek == fields[status]);
            let expected = expected.unwrap_or_else(|| panic!("{}: new to us: {line}", name.display())).1;
            assert_eq!(ours, expected, "{}: {line}", name.display());
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared} rows only: the truth has at least 8");
}
