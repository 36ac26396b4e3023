//! The command line as scripts rely on it: exit statuses, where output goes, what errors say.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap").display().to_string()
}

fn scratch(name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn wireglass(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(arguments)
        .env("COLUMNS", "100")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn status(arguments: &[&str]) -> Option<i32> {
    wireglass(arguments).status.code()
}

fn stdout(arguments: &[&str]) -> String {
    String::from_utf8(wireglass(arguments).stdout).unwrap()
}

fn stderr(arguments: &[&str]) -> String {
    String::from_utf8(wireglass(arguments).stderr).unwrap()
}

#[test]
fn statuses_are_those_of_the_manual() {
    let file = fixture("tcp_refused");
    assert_eq!(status(&[&file]), Some(0));
    assert_eq!(status(&["analyze", &file]), Some(0));
    assert_eq!(status(&["-r", &file]), Some(0));
    assert_eq!(status(&["--version"]), Some(0));
    assert_eq!(status(&["--help"]), Some(0));
    assert_eq!(status(&["schema"]), Some(0));
    assert_eq!(status(&[]), Some(2), "no file");
    assert_eq!(status(&[&file, "--no-such-option"]), Some(2));
    assert_eq!(status(&[&file, "--only", "nonsense"]), Some(2));
    assert_eq!(status(&["/no/such/file.pcap"]), Some(3));
    assert_eq!(status(&["/"]), Some(3), "a directory");
    assert_eq!(status(&[&scratch("text.pcap", b"this is no capture at all, is it?")]), Some(3));
    assert_eq!(status(&[&scratch("empty.pcap", b"")]), Some(3));
}

#[test]
fn data_and_complaints_do_not_mix() {
    let bytes = fs::read(fixture("tcp_half_close")).unwrap();
    let cut = scratch("cut.pcap", &bytes[..bytes.len() - 3]);
    let output = wireglass(&[&cut, "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(3));
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("cut.pcap") && complaint.contains("byte"), "{complaint}");
}

#[test]
fn errors_say_what_to_do() {
    assert!(stderr(&["/no/such/file.pcap"]).contains("/no/such/file.pcap"));
    assert!(stderr(&[&fixture("tcp_refused"), "--only", "conections"]).contains("Did you mean `connections`"));
    assert!(stderr(&[]).contains("wireglass FILE"));
    assert!(stderr(&[&fixture("tcp_refused"), "--format", "csv"]).contains("--only"));
}

#[test]
fn help_starts_with_examples() {
    let help = stdout(&["--help"]);
    assert!(help.starts_with("Examples:"), "{help}");
}

#[cfg(feature = "live")]
#[test]
fn a_bpf_filter_chooses_packets() {
    let file = fixture("page_load");
    let packets = |filter: &str| stdout(&["packets", &file, "-f", filter]).lines().count();
    let all = stdout(&["packets", &file]).lines().count();
    let (udp, rest) = (packets("udp"), packets("not udp"));
    assert!(udp > 0 && rest > 0);
    assert_eq!(udp + rest, all);
    assert_eq!(status(&[&file, "-f", "no such filter"]), Some(4));
    assert_eq!(status(&[&file, "-f", "host www.example.com"]), Some(4), "names are not resolved");
}

#[cfg(not(feature = "live"))]
#[test]
fn a_build_without_libpcap_says_so() {
    assert!(stderr(&["live", "-i", "lo"]).contains("built without"));
    assert_eq!(status(&["live", "-i", "lo"]), Some(5));
}

#[test]
fn count_stops_early() {
    assert_eq!(stdout(&["packets", &fixture("page_load"), "-c", "7"]).lines().count(), 7);
}

#[test]
fn the_capture_counts_what_passed() {
    let counted = |arguments: &[&str]| {
        let text = stdout(&[&[fixture("page_load").as_str(), "--format", "ndjson"], arguments].concat());
        let capture: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        (capture["packets"].as_u64().unwrap(), capture["protocols"][0]["packets"].as_u64().unwrap())
    };
    assert_eq!(counted(&["-c", "10"]), (10, 10));
    #[cfg(feature = "live")]
    assert_eq!(counted(&["-f", "udp"]), (44, 44));
}

#[test]
fn csv_needs_one_type_or_a_directory() {
    let file = fixture("dns_axfr");
    let csv = stdout(&[&file, "--format", "csv", "--only", "dns"]);
    assert!(csv.lines().count() > 1 && csv.lines().next().unwrap().contains("query.name"), "{csv}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("csv");
    assert_eq!(status(&[&file, "--format", "csv", "--csv-dir", folder.to_str().unwrap()]), Some(0));
    assert!(folder.join("dns.csv").is_file());
}

#[test]
fn several_files_are_one_capture_in_time_order_unless_separate() {
    // Two halves of one connection: together they are one connection, apart they are two.
    let bytes = fs::read(fixture("tcp_half_close")).unwrap();
    let mut middle = 24;
    for _ in 0..7 {
        middle += 16 + u32::from_le_bytes(bytes[middle + 8..middle + 12].try_into().unwrap()) as usize;
    }
    let first = scratch("half1.pcap", &bytes[..middle]);
    let second = scratch("half2.pcap", &[&bytes[..24], &bytes[middle..]].concat());
    let count = |arguments: &[&str]| {
        let more = ["--format", "ndjson", "--only", "connections"];
        stdout(&[arguments, &more].concat()).lines().count()
    };
    assert_eq!(count(&[&second, &first]), 1, "given in the wrong order");
    assert_eq!(count(&[&first, &second, "--separate"]), 2);
    let whole = stdout(&[&second, &first, "--format", "ndjson", "--only", "connections"]);
    let record: serde_json::Value = serde_json::from_str(&whole).unwrap();
    assert_eq!(record["handshake"]["complete"], true);
    assert_eq!(record["file"], first.as_str(), "the file its first packet is in");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let script = format!("{} packets {} | head -1", env!("CARGO_BIN_EXE_wireglass"), fixture("page_load"));
    let output = Command::new("bash").args(["-c", &format!("set -o pipefail; {script}")]).output().unwrap();
    assert!(output.status.success(), "{:?} {}", output.status, String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}

#[test]
fn no_colour_off_a_terminal_unless_asked() {
    let file = fixture("page_load");
    assert!(!stdout(&[&file]).contains('\x1b'));
    assert!(stdout(&[&file, "--color", "always"]).contains('\x1b'));
}

#[test]
fn tables_fit_the_width() {
    for width in ["40", "72", "100", "180"] {
        let output = Command::new(env!("CARGO_BIN_EXE_wireglass"))
            .arg(fixture("page_load"))
            .env("COLUMNS", width)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let widest = text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap();
        assert!(widest <= width.parse().unwrap(), "{widest} columns of {width}:\n{text}");
    }
}

#[test]
fn a_bad_display_filter_is_shown_with_its_place() {
    let file = fixture("http1_variety");
    for arguments in [&["packets", &file, "-Y", "ip and tcp.prt == 80"][..], &[&file, "-Y", "ip and tcp.prt == 80"]] {
        let output = wireglass(arguments);
        assert_eq!(output.status.code(), Some(4));
        assert!(output.stdout.is_empty());
        let said = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].contains("column 8") && lines[0].contains("Did you mean `tcp.port`?"), "{said}");
        assert_eq!(lines[1].trim_start(), "ip and tcp.prt == 80");
        assert_eq!(lines[1].find("tcp.prt"), lines[2].find('^'), "{said}");
        assert_eq!(lines[2].trim(), "^^^^^^^");
    }
}

#[test]
fn a_display_filter_chooses_packets() {
    let file = fixture("http1_variety");
    let all = stdout(&["packets", &file]);
    let syns = stdout(&["packets", &file, "-Y", "tcp.flags.syn == 1"]);
    assert!(syns.lines().count() >= 2 && syns.lines().all(|line| line.contains("[SYN")), "{syns}");
    // Numbers and times are those of the whole capture.
    assert!(
        syns.lines().all(|line| all.lines().any(|other| other.split_whitespace().eq(line.split_whitespace()))),
        "{syns}"
    );
    let others = stdout(&["packets", &file, "-Y", "not tcp.flags.syn == 1"]);
    assert_eq!(all.lines().count(), syns.lines().count() + others.lines().count());
}

#[test]
fn a_display_filter_chooses_records() {
    let file = fixture("http1_variety");
    let records = |filter: &str| {
        let text = stdout(&[&file, "-Y", filter, "--format", "ndjson", "--only", "connections,http,capture"]);
        let records: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of = |kind: &str| records.iter().filter(|record| record["type"] == kind).cloned().collect::<Vec<_>>();
        (of("connection"), of("http"), of("capture"))
    };
    let (connections, transactions, captures) = records("tcp");
    assert!(connections.len() > 2 && transactions.len() > 3 && captures.len() == 1);
    // One transaction, its connection, and the capture, which is all of it.
    let (some_connections, some_transactions, some_captures) =
        records("tcp.stream == 0 and http.request.uri contains \"app.js\"");
    assert_eq!((some_connections.len(), some_transactions.len()), (1, 1));
    assert!(some_transactions[0]["request"]["target"].as_str().unwrap().contains("app.js"));
    assert_eq!(some_transactions[0]["flow"], some_connections[0]["flow"]);
    assert_eq!(some_captures, captures);
    let (none, nothing, _) = records("udp");
    assert!(none.is_empty() && nothing.is_empty());
    // The files are read twice.
    assert_eq!(status(&["-", "-Y", "tcp"]), Some(2));
}

#[test]
fn fields_can_be_searched() {
    let all = stdout(&["fields"]);
    assert!(all.lines().count() > 300, "{all}");
    let flags = stdout(&["fields", "tcp.flags"]);
    assert!(flags.lines().count() > 8 && flags.lines().all(|line| line.contains("flags")), "{flags}");
    assert!(stdout(&["fields", "sent", "again"]).contains("tcp.analysis.retransmission"));
    let output = wireglass(&["fields", "tcp.flagz"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tcp.flags"));
}
