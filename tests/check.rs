//! Captures as tests: every fixture holds what its `expect.toml` says, and no packet of a handshake can be taken out of one
//! without `check` saying so, in the right record.
//!
//! `WIREGLASS_BLESS=1 cargo test --test check` writes the snapshots again; read the diff before you commit it.
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, atomic::AtomicBool},
};

use wireglass::{
    app::tls::trust::Trust,
    capture,
    check::{Judge, Judged, Proof, Spec, report},
    engine,
    filter::Filter,
    flow,
    record::{Record, RecordKind, TlsTransport, Wanted},
    report::Writer,
};

/// Certificates are judged for this moment besides the capture's own (`now` in each SPEC).
const NOW: &str = "2026-11-21";
/// The same in seconds since 1970.
const NOW_SECONDS: i64 = 1_795_219_200;

struct Fixture {
    name: String,
    folder: PathBuf,
    capture: PathBuf,
}

fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<Fixture> = fs::read_dir(root)
        .unwrap()
        .filter_map(|entry| {
            let folder = entry.unwrap().path();
            let capture = ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name));
            let capture = capture.into_iter().find(|path| path.is_file())?;
            Some(Fixture { name: folder.file_name()?.to_string_lossy().into_owned(), folder, capture })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() >= 100, "fixtures are missing: {}", found.len());
    found
}

impl Fixture {
    fn spec(&self) -> (String, Spec) {
        let path = self.folder.join("expect.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spec = Spec::parse(&path.display().to_string(), &text).unwrap_or_else(|mistake| panic!("{mistake}"));
        assert_eq!(spec.now.as_deref(), Some(NOW), "{}: what is expected must not depend on the day", self.name);
        (text, spec)
    }
}

fn settings(wanted: Wanted, trust: Option<Arc<Trust>>) -> engine::Settings {
    engine::Settings {
        flow: flow::Settings { max_flows: 1 << 12, wanted, ..flow::Settings::default() },
        threads: 1,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: vec!["capture".to_owned()],
        trust,
        given: engine::Given::default(),
        save: None,
        asking: None,
    }
}

fn trust() -> Arc<Trust> {
    Arc::new(Trust::mozilla().with_now(NOW_SECONDS))
}

fn source(bytes: &[u8]) -> Box<dyn capture::PacketSource> {
    capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "capture", 0, None).unwrap()
}

fn judged(spec: &Spec, bytes: &[u8], trust: &Arc<Trust>) -> Judged {
    let mut judge = Judge::new(spec);
    let wanted = spec.wanted().with(RecordKind::Capture);
    engine::run(source(bytes), settings(wanted, Some(Arc::clone(trust))), &mut judge, &mut |_| {}).unwrap();
    judge.verdicts("capture", true)
}

fn shown(judged: &Judged) -> String {
    let mut out = Vec::new();
    report::write(report::Format::Text, &mut out, std::slice::from_ref(judged), &report::Options::default()).unwrap();
    String::from_utf8(out).unwrap()
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .current_dir(folder)
        .env("COLUMNS", "140")
        .arg("check")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One command judges all fixtures, as a project would judge its captures.
#[test]
fn fixtures_hold_what_they_are_expected_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specs: Vec<String> =
        fixtures().iter().map(|fixture| format!("fixtures/{}/expect.toml", fixture.name)).collect();
    if std::env::var_os("WIREGLASS_BLESS").is_some() {
        for spec in &specs {
            let run = check(root, &["--expect", spec, "--bless"]);
            assert!(run.status.success(), "{spec}: {}{}", text(&run.stdout), text(&run.stderr));
        }
    }
    let arguments: Vec<&str> = specs.iter().map(String::as_str).collect();
    let run = check(root, &arguments);
    assert_eq!(run.status.code(), Some(0), "{}{}", text(&run.stdout), text(&run.stderr));
    let summary = text(&run.stdout);
    assert!(summary.contains(&format!("assertions about {} captures hold", specs.len())), "{summary}");
    let own = fixtures().iter().filter(|fixture| !fixture.spec().1.assertions.is_empty()).count();
    assert!(own >= 25, "only {own} fixtures say in words what they are about");
}

/// Packets of a capture, and what is between them.
struct Pieces {
    before: Vec<u8>,
    /// Each packet's bytes with its header, and what follows it that is no packet.
    packets: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Pieces {
    fn of(bytes: &[u8]) -> Self {
        let number = |at: usize, little: bool| {
            let four: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
            usize::try_from(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }).unwrap()
        };
        let mut pieces = Self { before: Vec::new(), packets: Vec::new() };
        if bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            let little = bytes[8..12] == [0x4d, 0x3c, 0x2b, 0x1a];
            let mut at = 0;
            while at < bytes.len() {
                let block = bytes[at..at + number(at + 4, little)].to_vec();
                at += block.len();
                let kind = if little { block[0] } else { block[3] };
                match (kind, pieces.packets.last_mut()) {
                    (2 | 3 | 6, _) => pieces.packets.push((block, Vec::new())),
                    (_, Some((_, after))) => after.extend(block),
                    (_, None) => pieces.before.extend(block),
                }
            }
            return pieces;
        }
        let little = matches!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]);
        pieces.before = bytes[..24].to_vec();
        let mut at = 24;
        while at < bytes.len() {
            let end = at + 16 + number(at + 8, little);
            pieces.packets.push((bytes[at..end].to_vec(), Vec::new()));
            at = end;
        }
        pieces
    }

    /// The capture without the packet of this number, from 1; 0 leaves out none.
    fn without(&self, number: u64) -> Vec<u8> {
        let mut bytes = self.before.clone();
        for (place, (packet, after)) in (1..).zip(&self.packets) {
            if place != number {
                bytes.extend_from_slice(packet);
            }
            bytes.extend_from_slice(after);
        }
        bytes
    }
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl Writer for Kept {
    fn record(&mut self, record: &Record) -> std::io::Result<()> {
        self.0.push(record.clone());
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A packet of a handshake, and whose it is.
#[derive(Clone, Debug)]
struct Part {
    what: &'static str,
    client: String,
    server: String,
    /// Number of the packet that opened its flow.
    opener: u64,
}

fn passing(bytes: &[u8], filter: &str) -> Vec<u64> {
    let mut passed = Vec::new();
    let filter = Filter::new(filter).unwrap_or_else(|mistake| panic!("{mistake}"));
    let mut show = |packet: &wireglass::record::Packet, _: &[u8], _| {
        passed.push(packet.number.number());
        Ok(())
    };
    engine::packets(source(bytes), settings(Wanted::none(), None), Some(filter), &mut show).unwrap();
    passed
}

/// All packets of TCP's handshakes, and every packet with bytes of a TLS handshake: of its flow, all that carry payload from the
/// first ClientHello to the last Finished.
fn handshakes(bytes: &[u8]) -> BTreeMap<u64, Part> {
    let mut kept = Kept::default();
    let wanted = [RecordKind::Connection, RecordKind::Tls].into_iter().collect();
    engine::run(source(bytes), settings(wanted, None), &mut kept, &mut |_| {}).unwrap();
    let mut parts = BTreeMap::new();
    for record in &kept.0 {
        match record {
            Record::Connection(connection) => {
                let value = serde_json::to_value(record).unwrap();
                let (client, server) = (connection.client.address.to_string(), connection.server.address.to_string());
                for (what, field) in
                    [("SYN", "syn_packet"), ("SYN-ACK", "syn_ack_packet"), ("ACK of the SYN-ACK", "ack_packet")]
                {
                    if let Some(number) = value["handshake"][field].as_u64() {
                        parts.insert(
                            number,
                            Part { what, client: client.clone(), server: server.clone(), opener: opener(record) },
                        );
                    }
                }
            }
            Record::Tls(tls) => {
                let messages = tls.phases.iter().filter(|phase| !matches!(phase.name, "application_data" | "alert"));
                let numbers: Vec<u64> =
                    messages.filter_map(|phase| serde_json::to_value(phase.packet).unwrap().as_u64()).collect();
                let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else { continue };
                let (a, b) = (tls.client, tls.server);
                let payload = if tls.transport == TlsTransport::Tcp { "tcp.len > 0" } else { "udp" };
                let filter = format!(
                    "{payload} and frame.number in {{{first}..{last}}} and {} == {} and {} == {}",
                    if tls.transport == TlsTransport::Tcp { "tcp.port" } else { "udp.port" },
                    a.port,
                    if tls.transport == TlsTransport::Tcp { "tcp.port" } else { "udp.port" },
                    b.port,
                );
                for number in passing(bytes, &filter) {
                    let part = Part {
                        what: "TLS handshake",
                        client: a.address.to_string(),
                        server: b.address.to_string(),
                        opener: opener(record),
                    };
                    parts.entry(number).or_insert(part);
                }
            }
            _ => {}
        }
    }
    parts
}

/// Whether a failure names the record that the packet belongs to, at its place in the SPEC.
fn names_it(spec_text: &str, judged: &Judged, part: &Part, removed: u64) -> bool {
    let is_its = |proof: &Proof| {
        // Packets behind the one that is gone have its number less one; a flow whose first packet is gone has the next one's.
        let flow: Option<u64> = proof.flow.as_ref().and_then(|flow| flow.split('.').next()?.parse().ok());
        let is_flow = flow.is_none_or(|flow| match removed.cmp(&part.opener) {
            Ordering::Less => flow == part.opener - 1,
            Ordering::Equal => flow >= part.opener,
            Ordering::Greater => flow == part.opener,
        });
        is_flow && proof.heading.contains(&part.client) && proof.heading.contains(&part.server)
    };
    judged.verdicts.iter().filter(|verdict| !verdict.holds).any(|verdict| {
        let line = |number: usize| spec_text.lines().nth(number - 1).unwrap_or_default();
        verdict.differences.iter().any(|difference| {
            // A new record has no line of its own: the snapshot's is named.
            let at = line(difference.line);
            is_its(&difference.proof) && (at.starts_with("[[snapshot.") || at.starts_with("[snapshot]"))
        }) || verdict.proofs.iter().any(is_its) && line(verdict.line).contains('=')
    })
}

fn opener(record: &Record) -> u64 {
    record.subject().and_then(|subject| subject.flow).map_or(0, |flow| flow.opener.number())
}

#[test]
fn no_packet_of_a_handshake_can_be_taken_out() {
    let trust = trust();
    // There are no exceptions: even a copy that is missing, or an ACK that a later segment repeats, is counted.
    let (mut tried, mut green, mut elsewhere) = (0_u32, Vec::new(), Vec::new());
    let mut whats: BTreeMap<&str, u32> = BTreeMap::new();
    let mut concerned = 0_u32;
    for fixture in fixtures() {
        let bytes = fs::read(&fixture.capture).unwrap();
        let parts = handshakes(&bytes);
        if parts.is_empty() {
            continue;
        }
        concerned += 1;
        let (spec_text, spec) = fixture.spec();
        let pieces = Pieces::of(&bytes);
        let whole = judged(&spec, &pieces.without(0), &trust);
        assert!(whole.holds(), "{}: with every packet it must hold\n{}", fixture.name, shown(&whole));
        for (number, part) in &parts {
            tried += 1;
            *whats.entry(part.what).or_default() += 1;
            let mutated = judged(&spec, &pieces.without(*number), &trust);
            let shown_part = || format!("{} #{number} ({})", fixture.name, part.what);
            if mutated.holds() {
                green.push(shown_part());
            } else if !names_it(&spec_text, &mutated, part, *number) {
                elsewhere.push(format!("{}\n{}", shown_part(), shown(&mutated)));
            }
        }
    }
    eprintln!("{tried} packets taken out of {concerned} fixtures, one at a time: {whats:?}");
    assert!(green.is_empty(), "{} of {tried} can be taken out unseen:\n{}", green.len(), green.join("\n"));
    assert!(elsewhere.is_empty(), "{} are blamed on others:\n{}", elsewhere.len(), elsewhere.join("\n"));
    assert!(tried >= 500 && concerned >= 60, "{tried} packets of {concerned} fixtures");
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wireglass-check-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let found =
        ["capture.pcap", "capture.pcapng"].map(|file| folder.join(file)).into_iter().find(|path| path.is_file());
    found.unwrap().display().to_string()
}

/// The examples of the issue, written directly.
#[test]
fn a_page_load_is_judged() {
    let folder = Folder::new("page");
    let spec = folder.write(
        "page.toml",
        r#"[[check]]
name = "TLS is modern and works"
every = "tls"
where = 'server.port == 443'
expect = 'version >= 1.2 and outcome == established'

[[check]]
name = "nothing worse than a note"
none = "finding"
where = 'severity > note and server.port == 443'

[[check]]
name = "the first byte comes fast"
p95 = "http.ttfb_ns"
is = "< 1 ms"

[[check]]
name = "only these names"
values = "dns.query.name"
exactly = ["www.lab.example", "nowhere.example"]

[[check]]
count = "connection"
where = 'close.kind == reset'
is = "< 100"

[[check]]
exists = "capture"
where = "damage == null"
"#,
    );
    let run = check(&folder.0, &[&fixture("page_load"), "--expect", &spec]);
    let out = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{out}{}", text(&run.stderr));
    for wanted in [
        "✔ TLS is modern and works",
        "✔ count of connection where close.kind == reset is < 100",
        "✔ a capture exists where damage == null",
        "✖ the first byte comes fast",
        "page.toml:14",
        "p95 of http.ttfb_ns is < 1 ms",
        "http.ttfb_ns = ",
        "✖ only these names",
        "missing: nowhere.example",
        "page.toml:19",
        "look closer: wireglass connection ",
    ] {
        assert!(out.contains(wanted), "{wanted} is missing:\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "colour off a terminal");
}

#[test]
fn mistakes_end_with_four_and_their_place() {
    let folder = Folder::new("mistakes");
    for (spec, place, wanted) in [
        (
            "[[check]]\nevery = \"tls\"\nexpect = 'versoin >= 1.2'\n",
            ":3:11: ",
            "Did you mean `version`?\n    expect = 'versoin >= 1.2'\n              ^^^^^^^",
        ),
        ("[[check]]\nevrey = \"tls\"\n", ":2:1: ", "Did you mean `every`?"),
        (
            "[[check]]\nnone = \"findings\"\nwhere = \"severity > nothing\"\n",
            ":3:21: ",
            "there are: note, warning, error",
        ),
        ("[[check]]\np95 = \"http.tfb_ns\"\nis = \"< 3 ms\"\n", ":2:8: ", "Did you mean `http.ttfb_ns`?"),
        ("[[check]]\np95 = \"http.ttfb_ns\"\nis = \"< 3 MB\"\n", ":3:9: ", "not a duration"),
        ("[[check]]\ncount = \"tsl\"\nis = 3\n", ":2:10: ", "Did you mean `tls`?"),
        ("[[check]]\ncount = \"tls\"\n", ":2:1: ", "needs `is`"),
        ("[[check]]\nname = \"x\"\n", ":1:1: ", "asks nothing"),
        ("[[check]]\nnone = \"tls\"\nexpect = \"decrypted\"\n", ":3:1: ", "Did you mean `where`?"),
        ("[check]\nnone = \"tls\"\n", ":1:", "double brackets"),
        ("[snapshot]\nnormalise = [\"time\"]\n", ":2:15: ", "Did you mean `times`?"),
        ("x = \n", ":1:", "no TOML"),
        ("filter = \"tcp.prt == 80\"\n", ":1:11: ", "Did you mean `tcp.port`?"),
    ] {
        let path = folder.write("spec.toml", spec);
        let run = check(&folder.0, &[&fixture("tls13_full"), "--expect", &path]);
        let said = text(&run.stderr);
        assert_eq!(run.status.code(), Some(4), "{spec}{said}");
        assert!(said.contains(&format!("spec.toml{place}")) && said.contains(wanted), "{spec}\n{said}");
    }
}

#[test]
fn exit_statuses_tell_what_happened() {
    let folder = Folder::new("status");
    let good = folder.write("good.toml", "[[check]]\nexists = \"tls\"\n");
    let capture = fixture("tls13_full");
    let status = |arguments: &[&str]| check(&folder.0, arguments).status.code();
    assert_eq!(status(&[&capture, "--expect", &good]), Some(0));
    assert_eq!(status(&["--expect", &good, &capture]), Some(0), "in any order");
    assert_eq!(status(&["--expect", &good]), Some(2), "no capture");
    assert_eq!(status(&[&capture]), Some(2), "no SPEC");
    assert_eq!(status(&[&capture, "--expect", "nowhere.toml"]), Some(2), "no SPEC");
    assert_eq!(status(&["nowhere.pcap", "--expect", &good]), Some(3), "unreadable");
    let cut = folder.0.join("cut.pcap");
    let bytes = fs::read(&capture).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 3]).unwrap();
    let cut = cut.display().to_string();
    assert_eq!(status(&[&cut, "--expect", &good]), Some(3), "damaged, and nobody asked");
    let asks = folder.write("asks.toml", "[[check]]\nexists = \"capture\"\nwhere = \"damage != null\"\n");
    assert_eq!(status(&[&cut, "--expect", &asks]), Some(0), "damaged, as expected");
    assert_eq!(status(&[&capture, "--expect", &asks]), Some(1), "not damaged");
    let empty = folder.write("empty.toml", "[[check]]\nevery = \"http\"\nexpect = \"response\"\n");
    assert_eq!(status(&[&capture, "--expect", &empty]), Some(1), "all of nothing");
    let allowed =
        folder.write("allowed.toml", "[[check]]\nevery = \"http\"\nexpect = \"response\"\nallow_empty = true\n");
    assert_eq!(status(&[&capture, "--expect", &allowed]), Some(0));
    let number = folder.write("number.toml", "[[check]]\np95 = \"http.ttfb_ns\"\nis = \"< 1 s\"\n");
    assert_eq!(status(&[&capture, "--expect", &number]), Some(1), "a percentile of nothing");
    let beside = folder.write("beside.toml", &format!("files = [{capture:?}]\n[[check]]\nexists = \"tls\"\n"));
    assert_eq!(status(&["--expect", &beside, &good]), Some(2), "one SPEC of two names no capture");
    assert_eq!(status(&["--expect", &beside]), Some(0));
    let nothing = folder.write("nothing.toml", "# later\n");
    assert_eq!(status(&[&capture, "--expect", &nothing]), Some(4), "what asks nothing holds nothing");
}

#[test]
fn a_snapshot_is_written_kept_and_compared() {
    let folder = Folder::new("bless");
    let spec = folder.0.join("new.toml");
    let name = spec.display().to_string();
    let capture = fixture("tls13_full");
    let run = check(&folder.0, &[&capture, "--expect", &name, "--bless"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let once = fs::read_to_string(&spec).unwrap();
    assert!(once.contains("[[snapshot.connections]]") && once.contains("[[snapshot.tls]]"), "{once}");
    assert!(once.contains("client.port = \"client-port-1\""), "{once}");
    for volatile in ["58760", "2026-", "_ns =", "738868fac036", "evidence ="] {
        assert!(!once.contains(volatile), "{volatile} differs each time:\n{once}");
    }
    assert_eq!(check(&folder.0, &[&capture, "--expect", &name, "--bless"]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&spec).unwrap(), once, "blessed twice");
    assert_eq!(check(&folder.0, &[&capture, "--expect", &name]).status.code(), Some(0));
    // What a person writes stays.
    let mine = format!("# mine\n[[check]] # about TLS\nexists = 'tls'\n\n{once}").replace("TLS 1.3", "TLS 1.2");
    fs::write(&spec, &mine).unwrap();
    let run = check(&folder.0, &[&capture, "--expect", &name]);
    let out = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{out}");
    let line = mine.lines().position(|line| line == "[[snapshot.tls]]").unwrap() + 1;
    for wanted in [
        "✖ snapshot of tls",
        "@@ tls 10.77.1.1:client-port-1 → 10.77.1.2:4433 www.lab.example",
        &format!("new.toml:{line}"),
        "- version = \"TLS 1.2\"",
        "+ version = \"TLS 1.3\"",
        "flow 1  #4 #6 #8 #10 #11",
    ] {
        assert!(out.contains(wanted), "{wanted} is missing:\n{out}");
    }
    assert_eq!(check(&folder.0, &[&capture, "--expect", &name, "--bless"]).status.code(), Some(0));
    let blessed = fs::read_to_string(&spec).unwrap();
    assert!(blessed.starts_with("# mine\n[[check]] # about TLS\nexists = 'tls'\n"), "{blessed}");
    assert!(blessed.ends_with(&once[once.find("[snapshot]").unwrap()..]), "{blessed}");
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn every_report_is_written() {
    let folder = Folder::new("reports");
    let spec = folder.write("spec.toml", "[[check]]\nname = \"no TLS\"\nnone = \"tls\"\n");
    for (format, wanted) in [
        ("junit", "<failure message=\"1 tls record\""),
        ("tap", "not ok 1 - "),
        ("github", "line=3,title=no TLS%3A 1 tls record::"),
        ("sarif", "\"startLine\":3"),
    ] {
        let run = check(&folder.0, &[&fixture("tls13_full"), "--expect", &spec, "--report", format]);
        assert_eq!(run.status.code(), Some(1), "{format}");
        let out = text(&run.stdout);
        assert!(out.contains(wanted), "{format}: {wanted} is missing:\n{out}");
    }
}
