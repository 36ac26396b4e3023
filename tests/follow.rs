//! `wireglass follow`: the bytes of a flow, in every form, with everything that can happen to them on the way.
//!
//! With `WIREGLASS_CORPUS` the bytes of streams are compared with what tshark reassembles, with `WIREGLASS_LAB` TLS is
//! opened; both are skipped loudly without.
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let file = ["capture.pcap", "capture.pcapng"].map(|file| folder.join(file)).into_iter().find(|file| file.exists());
    file.unwrap().display().to_string()
}

fn scratch(name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("follow_{name}"));
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.arg("follow").args(arguments).env_remove("COLUMNS").env_remove("CLICOLOR_FORCE");
    command
}

fn follow(arguments: &[&str]) -> Output {
    command(arguments).stdin(Stdio::null()).output().unwrap()
}

fn follow_piped(arguments: &[&str], bytes: &[u8]) -> Output {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = follow(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

/// A capture of raw IPv4, a packet each millisecond.
struct Capture {
    bytes: Vec<u8>,
    packets: u32,
}

impl Capture {
    fn new() -> Self {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(262_144_u32.to_le_bytes());
        bytes.extend(101_u32.to_le_bytes());
        Self { bytes, packets: 0 }
    }

    fn packet(&mut self, from_client: bool, protocol: u8, transport: &[u8], cut: usize) -> &mut Self {
        let mut packet = vec![0x45, 0];
        packet.extend(u16::try_from(transport.len() + 20).unwrap().to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, protocol, 0, 0]);
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        packet.extend(if from_client { [client, server] } else { [server, client] }.concat());
        packet.extend(transport);
        let length = u32::try_from(packet.len()).unwrap();
        packet.truncate(packet.len() - cut);
        self.bytes.extend((1_700_000_000 + self.packets / 1000).to_le_bytes());
        self.bytes.extend((self.packets % 1000 * 1000).to_le_bytes());
        self.bytes.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(packet);
        self.packets += 1;
        self
    }

    fn ports(from_client: bool) -> Vec<u8> {
        let (client, server) = (40_000_u16.to_be_bytes(), 7_u16.to_be_bytes());
        if from_client { [client, server] } else { [server, client] }.concat()
    }

    fn tcp(&mut self, from_client: bool, flags: u8, sequence: u32, ack: u32, payload: &[u8]) -> &mut Self {
        let mut segment = Self::ports(from_client);
        segment.extend(sequence.to_be_bytes());
        segment.extend(ack.to_be_bytes());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        self.packet(from_client, 6, &segment, 0)
    }

    fn udp(&mut self, from_client: bool, payload: &[u8], cut: usize) -> &mut Self {
        let mut datagram = Self::ports(from_client);
        datagram.extend(u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(payload);
        self.packet(from_client, 17, &datagram, cut)
    }

    /// A connection whose client begins at 1000, and its server at 5000.
    fn opened() -> Self {
        let mut capture = Self::new();
        capture.tcp(true, SYN, 1000, 0, b"");
        capture.tcp(false, SYN | ACK, 5000, 1001, b"");
        capture.tcp(true, ACK, 1001, 5001, b"");
        capture
    }
}

/// Out of order, sent again, sent again with other bytes, and a hole that is acknowledged.
fn eventful() -> Vec<u8> {
    let mut capture = Capture::opened();
    capture.tcp(true, ACK, 1001, 5001, b"hello ");
    capture.tcp(true, ACK, 1012, 5001, b" again");
    capture.tcp(true, ACK, 1001, 5001, b"hello ");
    capture.tcp(true, ACK, 1003, 5001, b"LLO WORLD");
    capture.tcp(false, ACK, 5001, 1018, b"yes\r\n");
    capture.tcp(false, ACK, 5016, 1018, b"behind");
    for _ in 0..4 {
        capture.tcp(true, ACK, 1018, 5022, b"");
    }
    capture.tcp(true, FIN | ACK, 1018, 5022, b"");
    capture.bytes
}

#[test]
fn each_byte_comes_once_in_its_place() {
    let file = scratch("eventful.pcap", &eventful());
    let client = follow(&[&file, "1", "-o", "raw", "--side", "client"]);
    assert_eq!((client.status.code(), client.stdout.as_slice()), (Some(0), &b"hello WORLD again"[..]));
    assert!(client.stderr.is_empty(), "{}", String::from_utf8_lossy(&client.stderr));
    let server = follow(&[&file, "1", "-o", "raw", "--side", "server"]);
    assert_eq!(server.stdout, b"yes\r\nbehind");
    let told = String::from_utf8(server.stderr).unwrap();
    assert!(told.contains("[10 bytes not captured] at byte 5"), "{told}");
}

#[test]
fn turns_come_in_the_order_of_the_capture() {
    let text = stdout(&[&scratch("turns.pcap", &eventful()), "1"]);
    let expected = "\
flow 1 · 10.0.0.1:40000 → 10.0.0.2:7 · what TCP carried

client → server  #4  0.003000
  hello WORLD again

server → client  #8  0.007000
  yes
[10 bytes not captured]
  behind
";
    assert_eq!(text, expected);
    let hex = stdout(&[&scratch("turns_hex.pcap", &eventful()), "1", "--as", "hex", "--side", "server"]);
    let expected = "    0000000f  62 65 68 69 6e 64                                 behind\n";
    assert!(hex.ends_with(expected) && hex.contains("\n[10 bytes not captured]\n"), "{hex}");
    // The bytes that were held are shown with the packet that brought them.
    let packets: Vec<u64> = chunks(&scratch("turns_json.pcap", &eventful()), "1")
        .iter()
        .map(|chunk| chunk["packet"].as_u64().unwrap())
        .collect();
    assert_eq!(packets[..4], [4, 7, 5, 8], "{packets:?}");
}

fn chunks(file: &str, id: &str) -> Vec<serde_json::Value> {
    let lines = stdout(&[file, id, "-o", "ndjson"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn decoded(base64: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = base64.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let bits = digits.iter().flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1)).collect::<Vec<u8>>();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect()
}

#[test]
fn chunks_lie_side_by_side_and_hold_what_raw_holds() {
    for (file, id) in [(fixture("page_load"), "12"), (fixture("tcp_out_of_order"), "1"), (fixture("http_objects"), "1")]
    {
        let chunks = chunks(&file, id);
        assert!(!chunks.is_empty(), "{file}");
        for side in ["client", "server"] {
            let (mut bytes, mut end) = (Vec::new(), 0);
            for chunk in chunks.iter().filter(|chunk| chunk["side"] == side) {
                assert_eq!(chunk["type"], "chunk");
                assert_eq!(chunk["offset"].as_u64(), Some(end), "{file}: {chunk}");
                end += chunk["length"].as_u64().unwrap();
                if let Some(data) = chunk["data"].as_str() {
                    bytes.extend(decoded(data));
                    assert_eq!(chunk["gap"], false);
                }
            }
            let raw = follow(&[&file, id, "-o", "raw", "--side", side]).stdout;
            assert!(raw == bytes, "{file} {side}: {} bytes raw, {} in chunks", raw.len(), bytes.len());
        }
    }
}

#[test]
fn what_is_said_cannot_command_the_terminal() {
    let mut capture = Capture::opened();
    capture.tcp(true, ACK, 1001, 5001, "\x1b]0;title\x07 \u{202e}evil\u{2066} \u{9b}1m\r\nclient → server".as_bytes());
    capture.tcp(true, ACK, 1056, 5001, b"\xff\x00");
    let file = scratch("escapes.pcap", &capture.bytes);
    for color in ["never", "always"] {
        let mut text = stdout(&[&file, "1", "--color", color]);
        for own in ["\x1b[36m", "\x1b[35m", "\x1b[1m", "\x1b[0m"] {
            assert_eq!(text.contains(own) && own != "\x1b[35m", color == "always" && own != "\x1b[35m", "{own:?}");
            text = text.replace(own, "");
        }
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        assert!(!text.chars().any(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')), "{text:?}");
        assert!(text.contains("  \\x1b]0;title\\x07 \\u{202e}evil\\u{2066} \\x9b1m\n  client → server"), "{text}");
    }
}

#[test]
fn lines_are_folded_to_the_terminal() {
    let mut capture = Capture::opened();
    capture.tcp(true, ACK, 1001, 5001, "日本語".repeat(40).as_bytes());
    let file = scratch("wide.pcap", &capture.bytes);
    let output = command(&[&file, "1"]).env("COLUMNS", "40").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.contains('日')).collect();
    assert_eq!(rows.len(), 240_usize.div_ceil(38), "{text}");
    assert!(rows[0].starts_with("  日") && rows[1..].iter().all(|row| row.starts_with("↪ ")), "{text}");
    assert_eq!(stdout(&[&file, "1"]).lines().filter(|line| line.contains('日')).count(), 1, "a file is not folded");
}

#[test]
fn datagrams_stay_apart_and_say_what_was_cut() {
    let mut capture = Capture::new();
    capture.udp(true, b"one", 0).udp(true, b"two", 0).udp(false, b"", 0).udp(false, b"half of it", 7);
    let file = scratch("udp.pcap", &capture.bytes);
    let expected = "\
flow 1 · 10.0.0.1:40000 → 10.0.0.2:7 · what UDP carried

client → server  #1  0.000000  3 bytes
  one

client → server  #2  0.001000  3 bytes
  two

server → client  #3  0.002000  0 bytes

server → client  #4  0.003000  3 bytes
  hal
[7 bytes not captured]
";
    assert_eq!(stdout(&[&file, "1"]), expected);
    assert_eq!(follow(&[&file, "1", "--as", "raw", "--side", "client"]).stdout, b"onetwo");
}

#[test]
fn a_flow_that_said_nothing_is_shown_to_be_empty() {
    let text = stdout(&[&fixture("tcp_refused"), "1"]);
    assert!(text.ends_with("\nno bytes\n"), "{text}");
    assert_eq!(stdout(&[&fixture("tcp_refused"), "1", "-o", "json"]), "[]\n");
}

#[test]
fn flows_inside_tunnels_are_followed() {
    for name in ["encap_gre", "encap_vxlan"] {
        let lines = fs::read_to_string(Path::new(&fixture(name)).with_file_name("expected.ndjson")).unwrap();
        let of_tunnel = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .find(|record| record["type"] == "connection" && record["client"]["payload_bytes"].as_u64() > Some(0));
        let record = of_tunnel.unwrap();
        let id = record["flow"].as_str().unwrap();
        assert!(id.contains('.'), "{id}");
        let raw = follow(&[&fixture(name), id, "-o", "raw", "--side", "client"]).stdout;
        assert_eq!(raw.len() as u64, record["client"]["payload_bytes"].as_u64().unwrap(), "{name}");
        // By a packet's number, too.
        let by_packet = follow(&[&fixture(name), id.split('.').next().unwrap(), "-o", "raw", "--side", "client"]);
        assert_eq!((by_packet.status.code(), by_packet.stdout), (Some(0), raw), "{name}");
    }
}

#[test]
fn names_are_those_of_connection() {
    let file = fixture("page_load");
    let by_number = stdout(&[&file, "12"]);
    assert_eq!(stdout(&[&file, "#15"]), by_number);
    assert_eq!(stdout(&[&file, "10.77.20.80:80"]), by_number);
    assert_eq!(stdout(&[&file, "15"]), by_number, "a plain number may be any packet's");
}

#[test]
fn what_is_not_there_is_told_with_its_neighbours() {
    let output = follow(&[&fixture("page_load"), "99999"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
    assert!(told.contains("no flow is called 99999") && told.contains("--only connections,udp"), "{told}");
    assert!(told.lines().filter(|line| line.contains(" → ")).count() >= 2, "{told}");
    let nonsense = follow(&[&fixture("page_load"), "nonsense"]);
    assert_eq!(nonsense.status.code(), Some(2));
    let both = follow(&[&fixture("page_load"), "12", "-o", "raw"]);
    assert_eq!(both.status.code(), Some(2));
    assert!(String::from_utf8(both.stderr).unwrap().contains("--side client"));
    let closed = follow(&[&fixture("page_load"), "23", "--layer", "tls"]);
    assert_eq!((closed.status.code(), closed.stdout.len()), (Some(2), 0), "nothing opens it");
}

#[test]
fn standard_input_is_read_once() {
    let bytes = eventful();
    let piped = follow_piped(&["-", "1"], &bytes);
    assert_eq!(piped.status.code(), Some(0));
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), stdout(&[&scratch("piped.pcap", &bytes), "1"]));
    let by_ends = follow_piped(&["-", "10.0.0.1:40000"], &[]);
    assert_eq!(by_ends.status.code(), Some(2));
    let missing = follow_piped(&["-", "7"], &bytes);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8(missing.stderr).unwrap().contains("  1  10.0.0.1:40000 → 10.0.0.2:7"));
}

#[test]
fn damage_is_told_behind_what_could_be_read() {
    let mut bytes = eventful();
    bytes.truncate(bytes.len() - 5);
    let output = follow(&[&scratch("damaged.pcap", &bytes), "1"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stdout).unwrap().contains("hello WORLD again"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("damaged at byte"));
    assert_eq!(follow(&["/no/such/file", "1"]).status.code(), Some(3));
}

/// One long answer.
fn long(megabytes: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut opened = Capture::opened();
    opened.tcp(true, ACK, 1001, 5001, b"give");
    let mut sequence = 5001_u32;
    std::iter::once(std::mem::take(&mut opened.bytes)).chain((0..megabytes * 16).map(move |_| {
        let mut capture = Capture { bytes: Vec::new(), packets: 1000 };
        for _ in 0..64 {
            capture.tcp(false, ACK, sequence, 1005, &[b'x'; 1024]);
            sequence = sequence.wrapping_add(1024);
        }
        capture.bytes
    }))
}

/// Peak memory in kB of following a stream of so many megabytes, just before its input ends.
#[cfg(target_os = "linux")]
fn peak(arguments: &[&str], megabytes: usize) -> u64 {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let reading = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()).unwrap());
    let mut input = child.stdin.take().unwrap();
    long(megabytes).for_each(|bytes| input.write_all(&bytes).unwrap());
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(reading.join().unwrap() >= (megabytes as u64) << 20);
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_stream() {
    // A secret of somebody else's session: the stream is held back for a while, in case it opens.
    let random = "ab".repeat(32);
    let keys = scratch("other.keys", format!("CLIENT_RANDOM {random} {}\n", "cd".repeat(48)).as_bytes());
    for arguments in [
        &["-", "1", "-o", "raw", "--side", "server"][..],
        &["-", "1", "-o", "hex", "--side", "server"],
        &["-", "1", "-o", "ndjson", "--keylog", &keys],
    ] {
        let (short, long) = (peak(arguments, 4), peak(arguments, 64));
        assert!(long < short + 6_000, "{arguments:?}: {short} kB for 4 MB, {long} kB for 64 MB");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child = command(&["-", "1", "-o", "hex"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // It ends before all is read.
    let _ = long(2).try_for_each(|bytes| input.write_all(&bytes));
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

fn lab() -> Option<PathBuf> {
    let lab = std::env::var_os("WIREGLASS_LAB").map(|lab| PathBuf::from(lab).join("captures"));
    if lab.is_none() {
        eprintln!("SKIPPED: WIREGLASS_LAB is not set");
    }
    lab
}

#[test]
fn what_secrets_open_is_followed_unless_told_otherwise() {
    let Some(lab) = lab() else { return };
    let keys = lab.join("tls12_ecdhe_rsa.keys").display().to_string();
    let file = lab.join("tls12_ecdhe_rsa.client.pcap").display().to_string();
    let opened = stdout(&[&file, "1", "--keylog", &keys]);
    assert!(opened.contains("what TLS carried") && opened.contains("\n  GET / HTTP/1.0\n"), "{opened}");
    assert!(opened.contains("client → server") && opened.contains("server → client"), "{opened}");
    assert_eq!(stdout(&[&file, "1", "--keylog", &keys, "--layer", "tls"]), opened);
    let closed = stdout(&[&file, "1"]);
    assert_eq!(stdout(&[&file, "1", "--keylog", &keys, "--layer", "tcp"]), closed);
    assert!(closed.contains("what TCP carried") && !closed.contains("GET / HTTP"), "{closed}");
    // Secrets of another session open nothing: the stream is shown as it was sent.
    let others = lab.join("tls13_full.keys").display().to_string();
    if Path::new(&others).exists() {
        assert_eq!(stdout(&[&file, "1", "--keylog", &others]), closed);
    }
    let raw = follow(&[&file, "1", "--keylog", &keys, "-o", "raw", "--side", "client"]);
    assert_eq!(raw.stdout, b"GET / HTTP/1.0\r\n\r\n");
    let piped = follow_piped(&["-", "1", "--keylog", &keys], &fs::read(&file).unwrap());
    assert_eq!(String::from_utf8(piped.stdout).unwrap(), opened);
}

/// What tshark reassembles of a stream, by side: whether the line is the second node's, and its bytes.
fn of_tshark(file: &Path, stream: usize) -> Option<[Vec<u8>; 2]> {
    let output = Command::new("tshark")
        .args(["-n", "-q", "-r"])
        .arg(file)
        .args(["-z", &format!("follow,tcp,raw,{stream}")])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut sides = [Vec::new(), Vec::new()];
    let mut is_data = false;
    for line in text.lines() {
        if line.starts_with("Node 1:") {
            is_data = true;
        } else if is_data && !line.starts_with('=') {
            let side = usize::from(line.starts_with('\t'));
            let hex = line.trim();
            sides[side]
                .extend((0..hex.len() / 2).filter_map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok()));
        }
    }
    is_data.then_some(sides)
}

/// Of the corpus, complete connections without loss: there both must give the same bytes.
#[test]
fn tshark_reassembles_the_same() {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: WIREGLASS_CORPUS is not set");
        return;
    };
    let mut files = Vec::new();
    let mut folders = vec![corpus.join("pcaps")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path if entry.metadata().unwrap().len() < 2_000_000 => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let most = std::env::var("WIREGLASS_FOLLOW_FILES").ok().and_then(|most| most.parse().ok()).unwrap_or(40);
    let (mut compared, mut different, mut done) = (0, Vec::new(), 0);
    for file in files {
        if done >= most {
            break;
        }
        let name = file.display().to_string();
        let report = Command::new(env!("CARGO_BIN_EXE_wireglass"))
            .args([&name, "--only", "connections", "-o", "ndjson"])
            .output()
            .unwrap();
        let mut connections: Vec<serde_json::Value> =
            String::from_utf8(report.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        // tshark numbers streams in the order in which they begin.
        let opener = |record: &serde_json::Value| {
            let flow = record["flow"].as_str().unwrap();
            flow.split('.').next().unwrap().parse::<u64>().unwrap()
        };
        connections.sort_by_key(opener);
        let mut is_used = false;
        for (stream, record) in connections.iter().enumerate().take(6) {
            let side = |side: &str, field: &str| record[side][field].as_u64().unwrap_or(0);
            let lost: u64 =
                ["client", "server"].iter().map(|of| side(of, "gap_bytes") + side(of, "retransmissions")).sum();
            let is_whole = record["handshake"]["complete"] == true && lost == 0;
            if !is_whole || side("client", "payload_bytes") + side("server", "payload_bytes") == 0 {
                continue;
            }
            let Some(theirs) = of_tshark(&file, stream) else {
                continue;
            };
            let id = record["flow"].as_str().unwrap();
            let ours = ["client", "server"]
                .map(|side| follow(&[&name, id, "-o", "raw", "--side", side, "--layer", "tcp"]).stdout);
            is_used = true;
            compared += 1;
            // tshark's first node is whose packet it saw first: the client, where the SYN was seen.
            if ours != theirs {
                let lengths = |sides: &[Vec<u8>; 2]| sides.each_ref().map(Vec::len);
                different.push(format!("{name} {id}: {:?} ours, {:?} theirs", lengths(&ours), lengths(&theirs)));
            }
        }
        done += usize::from(is_used);
    }
    eprintln!("{compared} streams of {done} files compared");
    assert!(compared > 50, "only {compared} streams were compared");
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
}
