//! `live -w`: what is in the file is what was analyzed; the file is whole at every moment, whatever ends the capture; files
//! in turn. With real traffic between two network namespaces, beside `tcpdump`. Needs root, `ip` and `kill`.
//!
//! `plays_a_host` is no test: it is what the hosts run.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use self::lab::{Lab, Running, wait_for};

#[path = "live_write/lab.rs"]
mod lab;
#[path = "live_write/traffic.rs"]
mod traffic;

#[test]
#[ignore = "what the hosts of the other tests run"]
fn plays_a_host() {
    traffic::play();
}

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;
const SECRETS: u32 = 10;

struct Block {
    kind: u32,
    body: Vec<u8>,
}

impl Block {
    fn word(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.body[offset..offset + 4].try_into().unwrap())
    }

    /// The options behind `offset` of the body.
    fn options(&self, mut offset: usize) -> BTreeMap<u16, Vec<u8>> {
        let mut options = BTreeMap::new();
        loop {
            let head: [u8; 4] = self.body[offset..offset + 4].try_into().unwrap();
            let (code, size) =
                (u16::from_le_bytes([head[0], head[1]]), usize::from(u16::from_le_bytes([head[2], head[3]])));
            if code == 0 {
                return options;
            }
            options.insert(code, self.body[offset + 4..offset + 4 + size].to_vec());
            offset += 4 + size.next_multiple_of(4);
        }
    }

    /// A packet's interface, time in nanoseconds, and bytes.
    fn packet(&self) -> (u32, u64, &[u8]) {
        let time = (u64::from(self.word(4)) << 32) | u64::from(self.word(8));
        (self.word(0), time, &self.body[20..20 + self.word(12) as usize])
    }
}

/// The blocks of a pcapng file, by a reader that shares nothing with wireglass; the file must end with the last one.
fn blocks(bytes: &[u8]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        assert!(rest.len() >= 12, "{} bytes behind the last block", rest.len());
        let word = |offset: usize| u32::from_le_bytes(rest[offset..offset + 4].try_into().unwrap());
        let total = word(4) as usize;
        assert!(total <= rest.len(), "the last block has {} of {total} bytes", rest.len());
        assert_eq!(word(total - 4) as usize, total);
        blocks.push(Block { kind: word(0), body: rest[8..total - 4].to_vec() });
        rest = &rest[total..];
    }
    assert_eq!(blocks.first().map(|block| block.kind), Some(SECTION));
    blocks
}

fn blocks_of(path: &Path) -> Vec<Block> {
    blocks(&fs::read(path).unwrap())
}

fn of_kind(blocks: &[Block], kind: u32) -> Vec<&Block> {
    blocks.iter().filter(|block| block.kind == kind).collect()
}

/// What a flood's datagrams are numbered, in the order of the file.
fn numbers(blocks: &[Block]) -> Vec<u64> {
    of_kind(blocks, PACKET).into_iter().filter_map(|block| flooded(block.packet().2)).collect()
}

fn flooded(packet: &[u8]) -> Option<u64> {
    let is_flood = packet.get(12..14) == Some(&[8, 0])
        && packet.get(23) == Some(&17)
        && packet.get(36..38) == Some(&9999_u16.to_be_bytes());
    is_flood.then(|| u64::from_be_bytes(packet[42..50].try_into().unwrap()))
}

/// The files that a rotated capture has left, in their order.
fn files(directory: &Path, stem: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        all.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(stem)).collect();
    found.sort();
    found
}

/// Records of captures that are read.
fn read(files: &[&Path], more: &[&str]) -> Vec<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_wireglass")).args(files).args(["-o", "ndjson"]).args(more).output().unwrap();
    assert!(output.status.success(), "{files:?}: {}", String::from_utf8_lossy(&output.stderr));
    lines(&output.stdout)
}

fn lines(output: &[u8]) -> Vec<String> {
    std::str::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn is_of(line: &str, kind: &str) -> bool {
    line.starts_with(&format!("{{\"type\":\"{kind}\""))
}

/// The `capture` record, which comes last.
fn capture(lines: &[String]) -> Value {
    parsed(lines.iter().rfind(|line| is_of(line, "capture")).expect("there is a capture record"))
}

/// Records without what must differ between an interface and a file: what it is called, its format with byte order, and
/// what pcapng has no place for.
fn without_names(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            if is_of(line, "report") {
                let mut report = parsed(line);
                report["files"] = Value::Null;
                return report.to_string();
            }
            if is_of(line, "capture") {
                let mut capture = parsed(line);
                for field in ["file", "format", "byte_order"] {
                    capture[field] = Value::Null;
                }
                // What became of the analysis and of the interface is not in the file.
                for interface in capture["interfaces"].as_array_mut().unwrap() {
                    assert!(
                        interface["not_analyzed"].as_u64().unwrap_or(0) == 0,
                        "the machine is too slow: {interface}"
                    );
                    interface["not_analyzed"] = Value::Null;
                    interface["events"] = Value::Null;
                }
                return capture.to_string();
            }
            line.clone()
        })
        .collect()
}

fn assert_same(one: &[String], other: &[String], what: &str) {
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one, other, "{what}");
    }
    assert_eq!(one.len(), other.len(), "{what}: one has more records");
}

/// What other programs say of files: nothing but packets. tshark, which is slow, reads the first and the last.
fn others_read(paths: &[&Path]) {
    let ends = [paths[0], paths[paths.len() - 1]];
    let of_each = |program: &'static str, paths: &[&Path]| {
        paths
            .iter()
            .map(|path| (program, vec!["-n".into(), "-r".into(), path.into()]))
            .collect::<Vec<(_, Vec<PathBuf>)>>()
    };
    let mut runs = of_each("tcpdump", paths);
    runs.extend(of_each("tshark", &ends[..if paths.len() > 1 { 2 } else { 1 }]));
    runs.push(("capinfos", paths.iter().map(PathBuf::from).collect()));
    for (program, arguments) in runs {
        if !lab::has(program) {
            eprintln!("SKIPPED: there is no {program}");
            continue;
        }
        let output = Command::new(program).args(&arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let is_usual = |line: &str| line.starts_with("Running as user") || line.starts_with("reading from file");
        let complaints: Vec<&str> = errors.lines().filter(|line| !line.is_empty() && !is_usual(line)).collect();
        assert!(output.status.success() && complaints.is_empty(), "{program} {arguments:?}: {complaints:?}");
    }
}

fn nanoseconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// Waits until the capture has what was sent last: files get packets within some 100 ms.
fn settle() {
    thread::sleep(Duration::from_millis(400));
}

#[test]
fn live_and_its_file_agree_record_for_record() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    let (file, classic, beside, keys) =
        (lab.path("live.pcapng"), lab.path("live.pcap"), lab.path("beside.pcap"), lab.path("keys.log"));
    let mut tcpdump = lab::has("tcpdump").then(|| lab.tcpdump(&beside));
    let [file_name, classic_name, keys_name] = [&file, &classic, &keys].map(|path| path.to_str().unwrap());
    let arguments = ["-o", "ndjson", "--also", "tls_records,dns_messages", "--keylog", keys_name, "-w"];
    let mut live = lab.live(&[&arguments[..], &[file_name, "--comment", "two hosts"]].concat());
    let mut pcap = lab.live(&["-o", "ndjson", "-w", classic_name]);
    let mut rotated =
        lab.live(&[&arguments[..], &[lab.path("ring.pcapng").to_str().unwrap(), "--rotate-size", "40k"]].concat());
    lab.traffic("mixture 3");
    settle();
    let (live, pcap, _) = (lines(&live.interrupt()), lines(&pcap.interrupt()), rotated.interrupt());

    // The same records, whatever was in one batch, from the file alone: it brings its secrets.
    let also = ["--also", "tls_records,dns_messages"];
    assert_same(&without_names(&live), &without_names(&read(&[&file], &also)), "live and pcapng");
    // pcap says less of its interfaces, and has no secrets.
    let bare = |lines: &[String]| -> Vec<String> {
        let bare = |line: String| {
            let mut value = parsed(&line);
            if is_of(&line, "capture") {
                value["interfaces"] = Value::Null;
                value["dropped"] = Value::Null;
            }
            value.to_string()
        };
        without_names(lines).into_iter().map(bare).collect()
    };
    assert_same(&bare(&pcap), &bare(&read(&[&classic], &[])), "live and pcap");

    // It was worth comparing.
    let count = |kind: &str| live.iter().filter(|line| is_of(line, kind)).count();
    assert!(count("connection") >= 24 && count("dns") == 12 && count("tls") == 3 && count("dns_message") == 24);
    let closes: BTreeSet<String> = live
        .iter()
        .filter(|line| is_of(line, "connection"))
        .map(|line| parsed(line)["close"]["kind"].as_str().unwrap().to_owned())
        .collect();
    assert!(["graceful", "refused", "reset"].iter().all(|kind| closes.contains(*kind)), "{closes:?}");
    assert!(live.iter().any(|line| is_of(line, "http") && line.contains("/secret")), "opened by the key log");

    let all = blocks_of(&file);
    let section = all[0].options(16);
    assert_eq!(section[&1], b"two hosts");
    assert!(section[&4].starts_with(b"wireglass ") && section[&3].starts_with(b"Linux "));
    let interface = of_kind(&all, INTERFACE)[0].options(8);
    assert_eq!((interface[&2].as_slice(), interface[&9].as_slice()), (lab::INTERFACE.as_bytes(), &[9][..]));
    assert_secrets_precede(&all, 3);
    let counts = all.last().unwrap();
    assert_eq!(counts.kind, STATISTICS);
    let counts = counts.options(12);
    let packets = of_kind(&all, PACKET).len() as u64;
    assert!(u64::from_le_bytes(counts[&4].as_slice().try_into().unwrap()) >= packets);
    assert_eq!(counts[&5], [0; 8], "nothing was dropped");
    assert!(time_of(&counts[&2]) < all.iter().find(|block| block.kind == PACKET).unwrap().packet().1);
    assert!(time_of(&counts[&3]) > of_kind(&all, PACKET).last().unwrap().packet().1);
    assert!(!fs::read(&file).unwrap().windows(10).any(|bytes| bytes == b"# comment "));

    // Each file of the ring alone has what a reader needs, and all of them together are the capture.
    let ring = files(&lab.directory, "ring_");
    assert!(ring.len() >= 3, "{ring:?}");
    let paths: Vec<&Path> = ring.iter().map(PathBuf::as_path).collect();
    let of_ring = read(&paths, &[]);
    let mut names = BTreeSet::new();
    let mut packets = 0;
    for path in &paths {
        let blocks = blocks_of(path);
        assert!(fs::metadata(path).unwrap().len() <= 40_000);
        assert_eq!((of_kind(&blocks, INTERFACE).len(), blocks.last().unwrap().kind), (1, STATISTICS));
        packets += of_kind(&blocks, PACKET).len();
        names.insert(path.file_name().unwrap().to_str().unwrap().split('_').nth(1).unwrap().to_owned());
    }
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        (1..=paths.len()).map(|number| format!("{number:05}")).collect::<Vec<_>>()
    );
    let last = blocks_of(paths.last().unwrap());
    assert!(!of_kind(&last, SECRETS).is_empty(), "the secrets so far");
    let of_file = of_kind(&all, PACKET).len();
    assert!(
        packets.abs_diff(of_file) <= 4,
        "{packets} packets in the ring, {of_file} in the file: they began at different moments"
    );
    assert!(
        of_ring.iter().filter(|line| is_of(line, "http") && line.contains("/secret")).count() >= 3,
        "opened across files"
    );
    others_read(&[&[file.as_path(), &classic][..], &paths].concat());

    let Some(tcpdump) = &mut tcpdump else {
        eprintln!("SKIPPED: there is no tcpdump to compare with");
        return;
    };
    tcpdump.signal("INT");
    tcpdump.wait();
    agree_but_for_losses(&all, &live, &beside);
}

/// A time in statistics, in nanoseconds.
fn time_of(value: &[u8]) -> u64 {
    let half = |at: usize| u64::from(u32::from_le_bytes(value[at..at + 4].try_into().unwrap()));
    (half(0) << 32) | half(4)
}

/// Each secret is there once, and before the server's second flight: the first packet that it opens.
fn assert_secrets_precede(blocks: &[Block], sessions: usize) {
    let mut lines: Vec<String> = Vec::new();
    let mut hellos = BTreeMap::new();
    for (place, block) in blocks.iter().enumerate() {
        if block.kind == SECRETS {
            let size = block.word(4) as usize;
            let text = std::str::from_utf8(&block.body[8..8 + size]).unwrap();
            for line in text.lines() {
                lines.push(line.to_owned());
                let random = line.split(' ').nth(1).unwrap().to_owned();
                if let Some(hello) = hellos.get(&random) {
                    // The ClientHello passed; the ServerHello must not have, in a place of its own.
                    let between = &blocks[*hello + 1..place];
                    let opened = between.iter().any(|block| {
                        block.kind == PACKET
                            && block.packet().2.get(54..).is_some_and(|bytes| {
                                bytes.len() > 12
                                    && bytes[12..].starts_with(&[22, 3, 3])
                                    && bytes.get(12 + 5) == Some(&2)
                            })
                    });
                    assert!(!opened || !line.starts_with("SERVER_HANDSHAKE"), "secrets behind what they open");
                }
            }
        } else if block.kind == PACKET {
            let bytes = block.packet().2;
            // A ClientHello behind Ethernet, IPv4, and TCP with timestamps.
            if bytes.get(66..69) == Some(&[22, 3, 1]) && bytes.get(71) == Some(&1) {
                let random: String = bytes[77..109].iter().map(|byte| format!("{byte:02x}")).collect();
                hellos.insert(random, place);
            }
        }
    }
    assert_eq!(hellos.len(), sessions);
    let once: BTreeSet<&String> = lines.iter().collect();
    assert_eq!(once.len(), lines.len(), "each secret once");
    assert!(hellos.keys().all(|random| lines.iter().filter(|line| line.contains(random.as_str())).count() >= 4));
}

/// The packets of our file and of tcpdump's; then the records that are made of them.
fn agree_but_for_losses(ours: &[Block], live: &[String], beside: &Path) {
    let copy = beside.with_extension("pcapng");
    let copied = Command::new(env!("CARGO_BIN_EXE_wireglass")).arg("packets").arg(beside).arg("-w").arg(&copy).output();
    assert!(copied.unwrap().status.success());
    // What wireglass writes is in the units of what it read: nanoseconds.
    let theirs = blocks_of(&copy);
    let packets = |blocks: &[Block]| -> Vec<(u64, Vec<u8>)> {
        of_kind(blocks, PACKET).into_iter().map(|block| (block.packet().1, block.packet().2.to_vec())).collect()
    };
    let (mine, mut their) = (packets(ours), packets(&theirs));
    let (mut same_time, mut lost_by_them) = (0, Vec::new());
    for (time, bytes) in &mine {
        // TCP keeps its own time of sending in what crosses a veth pair, so that the kernel has none to give to all: who
        // captures such a packet reads the clock, a moment apart.
        let near = |(there, same): &(u64, Vec<u8>)| same == bytes && there.abs_diff(*time) < 5_000_000;
        match their.iter().position(near) {
            Some(place) => same_time += usize::from(their.remove(place).0 == *time),
            None => lost_by_them.push(bytes),
        }
    }
    let both = mine.len() - lost_by_them.len();
    println!(
        "{both} packets in both, {same_time} at the same nanosecond; {} in ours alone, {} in tcpdump's alone",
        lost_by_them.len(),
        their.len()
    );
    // Who began earlier or ended later has what passed meanwhile: announcements of IPv6 and ARP.
    let is_ipv4 = |bytes: &Vec<u8>| bytes[12..14] == [8, 0];
    let lost = lost_by_them.into_iter().filter(|bytes| is_ipv4(bytes)).count();
    assert_eq!((lost, their.iter().filter(|(_, bytes)| is_ipv4(bytes)).count()), (0, 0), "lost by tcpdump, lost by us");
    assert!(same_time > both / 3, "all that is sent, and all but TCP of what is received");

    // Packet numbers, and with them the names of flows, may be shifted, and times be a moment apart; all else is the same.
    let plain = |lines: &[String]| -> Vec<String> {
        let kinds = ["connection", "tls", "dns", "http", "udp", "icmp_echo", "certificate"];
        let mut records: Vec<String> = lines
            .iter()
            .filter(|line| kinds.iter().any(|kind| is_of(line, kind)) && !line.contains("\"ff02::"))
            .map(|line| {
                let mut record = parsed(line);
                without_numbers(&mut record);
                record.to_string()
            })
            .collect();
        records.sort();
        records
    };
    let keys = beside.with_file_name("keys.log");
    let theirs = read(&[beside], &["--keylog", keys.to_str().unwrap()]);
    let (ours, theirs) = (plain(live), plain(&theirs));
    assert!(ours.len() > 60, "{} records", ours.len());
    assert_same(&ours, &theirs, "wireglass live and the file of tcpdump");
}

/// Takes away whatever is a packet's number, or a time.
fn without_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_time = |name: &str| {
                ["ts", "rtt", "limited_by"].contains(&name) || name.ends_with("_ts") || name.ends_with("_ns")
            };
            let is_number =
                |name: &str| ["flow", "packet", "packets", "evidence"].contains(&name) || name.ends_with("_packet");
            fields.retain(|name, value| {
                !is_time(name) && !(is_number(name) && (value.is_array() || value.is_string() || name != "packets"))
            });
            fields.values_mut().for_each(without_numbers);
        }
        Value::Array(values) => values.iter_mut().for_each(without_numbers),
        _ => {}
    }
}

#[test]
fn time_that_passes_on_a_silent_wire_changes_no_record() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    let file = lab.path("silent.pcapng");
    // What is over is over soon: while nothing comes, and at the first packet that comes again.
    let limits = ["--udp-timeout", "1", "--msl", "1", "--tcp-timeout", "2"];
    let mut live = lab.live(&[&["-o", "ndjson", "-w", file.to_str().unwrap()], &limits[..]].concat());
    lab.traffic("mixture 1");
    thread::sleep(Duration::from_millis(4500));
    lab.traffic("dns 6");
    lab.traffic("mixture 1");
    settle();
    let live = without_names(&lines(&live.interrupt()));
    let from_file = without_names(&read(&[&file], &limits));
    let sorted = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let (here, there) = (sorted(&live), sorted(&from_file));
    let differ: Vec<&String> = here.symmetric_difference(&there).collect();
    assert!(differ.is_empty(), "records differ: {differ:#?}");
    assert_same(&live, &from_file, "the order of records");
}

#[test]
fn interfaces_of_several_link_types_in_one_file() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    let (file, classic) = (lab.path("several.pcapng"), lab.path("several.pcap"));
    let several = ["-i", "any", "-i", "lo", "-o", "ndjson", "-w"];
    let mut live = lab.live(&[&several[..], &[file.to_str().unwrap()]].concat());
    lab.traffic("mixture 1");
    let mut ping = lab.client("ping");
    assert!(!lab::has("ping") || Running::start(ping.args(["-c", "2", "-i", "0.1", "127.0.0.1"])).wait().success());
    settle();
    let output = lines(&live.interrupt());
    assert_same(&without_names(&output), &without_names(&read(&[&file], &[])), "live and file");
    let all = blocks_of(&file);
    let link_types: Vec<u32> = of_kind(&all, INTERFACE).iter().map(|block| block.word(0) & 0xffff).collect();
    let names: Vec<Vec<u8>> = of_kind(&all, INTERFACE).iter().map(|block| block.options(8)[&2].clone()).collect();
    assert_eq!(names, [lab::INTERFACE.as_bytes(), b"any", b"lo"]);
    assert!(link_types[0] == 1 && [113, 276].contains(&link_types[1]) && link_types[2] == 1, "{link_types:?}");
    assert_eq!(of_kind(&all, STATISTICS).iter().map(|block| block.word(0)).collect::<Vec<_>>(), [0, 1, 2]);
    let of_each = of_kind(&all, PACKET).into_iter().fold([0; 3], |mut counts, block| {
        counts[block.packet().0 as usize] += 1;
        counts
    });
    assert!(of_each[0] > 60 && of_each[1] >= of_each[0], "{of_each:?}");
    others_read(&[&file]);

    // pcap cannot hold that, and says so before anything is captured.
    let mut command = lab.client(env!("CARGO_BIN_EXE_wireglass"));
    command.args(["live", "-i", lab::INTERFACE, "-i", "any", "-w"]).arg(&classic);
    let mut refused = Running::start(&mut command);
    let (status, _) = refused.end();
    let said = refused.errors();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("pcap holds one link type only") && said.contains(".pcapng"), "{said}");
    assert!(!classic.exists());
}

#[cfg(unix)]
#[test]
fn files_are_made_as_the_user_that_was_asked_for() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let Some(mut lab) = Lab::new() else { return };
    let id = |text: String| {
        text.lines().find_map(|line| line.strip_prefix("nobody:x:")?.split(':').next()?.parse::<u32>().ok())
    };
    let Some(nobody) = fs::read_to_string("/etc/passwd").ok().and_then(id) else {
        eprintln!("SKIPPED: there is no user `nobody`");
        return;
    };
    lab.serve();
    let (open, closed) = (lab.path("open"), lab.path("closed"));
    for (folder, mode) in [(&open, 0o777), (&closed, 0o755)] {
        fs::create_dir(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
    }
    let name = |folder: &Path, name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (file, ring) = (name(&open, "x.pcapng"), name(&open, "ring.pcapng"));
    let keys = lab.path("keys.log");
    let mut live = lab.live(&["--user", "nobody", "-o", "ndjson", "-w", &file, "--keylog", keys.to_str().unwrap()]);
    let mut rotated =
        lab.live(&["--user", "nobody", "-o", "ndjson", "-w", &ring, "--rotate-size", "5000", "--rotate-files", "2"]);
    lab.traffic("dns 30");
    settle();
    live.interrupt();
    rotated.interrupt();
    let left = files(&open, "ring_");
    assert_eq!(left.len(), 2, "made and deleted as that user, and closed in: {left:?}");
    for path in left.iter().map(PathBuf::as_path).chain([Path::new(&file)]) {
        let known = fs::metadata(path).unwrap();
        assert_eq!(known.uid(), nobody, "{}", path.display());
        assert!(of_kind(&blocks_of(path), PACKET).len() >= 10);
    }
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600, "it may hold secrets");

    let refused = name(&closed, "x.pcapng");
    let mut command = lab.client(env!("CARGO_BIN_EXE_wireglass"));
    let mut live = Running::start(command.args(["live", "-i", lab::INTERFACE, "--user", "nobody", "-w", &refused]));
    let (status, _) = live.end();
    let said = live.errors();
    assert_eq!(status.code(), Some(2), "{said}");
    let parts = [refused.as_str(), "user nobody", "--user", closed.to_str().unwrap(), "Permission denied"];
    assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    assert!(!Path::new(&refused).exists());
}

#[test]
fn a_kill_leaves_all_but_the_last_moment() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    let mut flood = lab.begin_traffic("flood 6000 700 500");
    let mut kills = Vec::new();
    for round in 0..5_u64 {
        let file = lab.path(&format!("killed{round}.pcapng"));
        let mut live = lab.live(&["-o", "ndjson", "-w", file.to_str().unwrap()]);
        wait_for("a packet", || fs::metadata(&file).unwrap().len() > 2000);
        thread::sleep(Duration::from_millis(150 + 37 * round));
        let moment = nanoseconds_now();
        live.signal("KILL");
        live.end();
        kills.push((file, moment));
    }
    assert!(flood.wait().success());
    let sent: Vec<u64> = fs::read_to_string(lab.path("sent.log"))
        .unwrap()
        .lines()
        .map(|line| line.split_once(' ').unwrap().1.parse().unwrap())
        .collect();
    let mut killed = Vec::new();
    for (file, moment) in kills {
        let here = numbers(&blocks_of(&file));
        let (first, last) = (here[0], *here.last().unwrap());
        assert_eq!(here, (first..=last).collect::<Vec<_>>(), "none is missing between");
        let missing: Vec<u64> = sent[last as usize + 1..].iter().copied().take_while(|at| *at < moment).collect();
        let lost = missing.first().map_or(0, |at| moment - at);
        println!("killed with {} packets in the file; the last {} us are missing", here.len(), lost / 1000);
        // 50 ms to fill a batch; the rest is for a machine that does other things, too.
        assert!(lost < 400_000_000, "{} ms are missing", lost / 1_000_000);
        let records = read(&[&file], &[]);
        assert!(capture(&records)["damage"].is_null());
        killed.push(file);
    }
    others_read(&killed.iter().map(PathBuf::as_path).collect::<Vec<_>>());
}

/// A file system of so many bytes, gone with its guard.
struct Small(PathBuf);

impl Small {
    fn new(path: PathBuf, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(&path).unwrap();
        let size = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "wireglass-test"]).arg(&path).status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: no file system can be mounted");
            return None;
        }
        Some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_ends_the_capture_and_loses_nothing() {
    let Some(mut lab) = Lab::new() else { return };
    let Some(small) = Small::new(lab.path("small"), 1000) else { return };
    let Some(ring) = Small::new(lab.path("ring"), 1000) else { return };
    lab.serve();
    let file = small.0.join("full.pcapng");
    let mut live = lab.live(&["-o", "ndjson", "-w", file.to_str().unwrap()]);
    let kept = ring.0.join("kept.pcapng");
    // Eight files of 200 kB have no room: the oldest go earlier.
    let arguments = ["-o", "ndjson", "--rotate-size", "200k", "--rotate-files", "8", "-w", kept.to_str().unwrap()];
    let mut rotated = lab.live(&arguments);
    lab.traffic("flood 3000 1000 100");
    let (status, output) = live.end();
    assert_eq!(status.code(), Some(3));
    let said = live.errors();
    let here = numbers(&blocks_of(&file));
    let all = of_kind(&blocks_of(&file), PACKET).len();
    assert_eq!(here, (0..here.len() as u64).collect::<Vec<_>>());
    assert!(fs::metadata(&file).unwrap().len() > 900_000, "as much as there is room for");
    let told = said.lines().find(|line| line.contains("the disk is full")).unwrap_or_else(|| panic!("{said}"));
    assert!(told.contains(file.to_str().unwrap()) && told.contains(&format!("{all} packets are in it")), "{told}");
    // The report comes, and is of all that was captured.
    assert!(capture(&lines(&output))["packets"].as_u64().unwrap() >= all as u64);
    assert_eq!(capture(&read(&[&file], &[]))["packets"].as_u64(), Some(all as u64));
    others_read(&[&file]);

    settle();
    let (output, said) = (lines(&rotated.interrupt()), rotated.errors());
    let left = files(&ring.0, "kept_");
    assert!(left.len() >= 3 && left.len() < 8, "{left:?}");
    let mut seen = Vec::new();
    for path in &left {
        seen.extend(numbers(&blocks_of(path)));
    }
    assert_eq!(seen, (seen[0]..3000).collect::<Vec<_>>(), "the newest");
    assert!(capture(&output)["packets"].as_u64().unwrap() >= 3000, "all were analyzed");
    assert!(said.contains("because the disk was full"), "{said}");
    others_read(&left.iter().map(PathBuf::as_path).collect::<Vec<_>>());
}

#[test]
fn whoever_goes_leaves_the_file_whole() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    // SIGINT while packets come.
    let file = lab.path("interrupted.pcapng");
    let mut live = lab.live(&["-o", "ndjson", "-w", file.to_str().unwrap()]);
    let mut flood = lab.begin_traffic("flood 3000 1000 200");
    wait_for("packets", || fs::metadata(&file).unwrap().len() > 50_000);
    let output = lines(&live.interrupt());
    let all = blocks_of(&file);
    assert_eq!(all.last().unwrap().kind, STATISTICS);
    assert_eq!(capture(&output)["packets"].as_u64().unwrap(), of_kind(&all, PACKET).len() as u64);
    assert!(live.errors().contains(&format!("{} packets written", of_kind(&all, PACKET).len())));
    assert!(flood.wait().success());
    others_read(&[&file]);

    // Nobody reads the report any more.
    let file = lab.path("unread.pcapng");
    let mut command = lab.client(env!("CARGO_BIN_EXE_wireglass"));
    command.args(["live", "-i", lab::INTERFACE, "-l", "-o", "ndjson", "-w"]).arg(&file);
    let mut live = Running::start_unread(&mut command);
    let mut reader = BufReader::new(live.stdout());
    live.expect("capturing on");
    lab.traffic("dns 2");
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(is_of(&line, "report"), "{line}");
    drop(reader);
    lab.traffic("dns 40");
    assert!(live.wait().success(), "{}", live.errors());
    let all = blocks_of(&file);
    assert_eq!(all.last().unwrap().kind, STATISTICS);
    assert!(of_kind(&all, PACKET).len() >= 6);
    others_read(&[&file]);

    // A number of packets is as many in the file.
    let file = lab.path("counted.pcapng");
    let mut live = lab.live(&["-o", "ndjson", "-c", "10", "-w", file.to_str().unwrap()]);
    lab.traffic("dns 20");
    let (status, output) = live.end();
    assert!(status.success());
    assert_eq!(of_kind(&blocks_of(&file), PACKET).len(), 10);
    assert_eq!(capture(&lines(&output))["packets"].as_u64(), Some(10));

    // A pipe, and standard output, where there is nothing but packets.
    let pipe = lab.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = lab.client(env!("CARGO_BIN_EXE_wireglass"));
    command.args(["live", "-i", lab::INTERFACE, "-o", "ndjson", "-w"]).arg(&pipe);
    let mut piped = Running::start(&mut command);
    piped.expect("waiting for a reader");
    let mut reader = fs::File::open(&pipe).unwrap();
    let reading = thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    });
    piped.expect("capturing on");
    let mut standard = lab.live(&["-w", "-"]);
    lab.traffic("dns 10");
    settle();
    assert!(!piped.interrupt().is_empty());
    let (of_pipe, of_output) = (blocks(&reading.join().unwrap()), blocks(&standard.interrupt()));
    for all in [of_pipe, of_output] {
        assert!(of_kind(&all, PACKET).len() >= 20);
        assert_eq!(all.last().unwrap().kind, STATISTICS);
    }
}

#[test]
fn files_in_turn_hold_each_packet_once() {
    let Some(mut lab) = Lab::new() else { return };
    lab.serve();
    let [by_size, ring, by_time, classic] = ["size", "ring", "time", "classic"]
        .map(|name| lab.path(&format!("{name}.pcapng")).to_str().unwrap().to_owned());
    let classic = classic.replace(".pcapng", ".pcap");
    // Files of earlier runs are left alone.
    let earlier = lab.path("ring_00001_20200101000000.pcapng");
    fs::write(&earlier, "of another run").unwrap();
    let mut runs = [
        lab.live(&["-o", "ndjson", "-w", &by_size, "--rotate-size", "100k"]),
        lab.live(&["-o", "ndjson", "-w", &ring, "--rotate-size", "100000", "--rotate-files", "3"]),
        lab.live(&["-o", "ndjson", "-w", &by_time, "--rotate-secs", "1"]),
        lab.live(&["-o", "ndjson", "-w", &classic, "--rotate-size", "150k", "--rotate-files", "1"]),
    ];
    lab.traffic("flood 1000 900 1000");
    // By time, files are begun on a silent wire, too.
    thread::sleep(Duration::from_millis(2500));
    let outputs: Vec<Vec<String>> = runs.iter_mut().map(|run| lines(&run.interrupt())).collect();
    assert!(outputs.iter().all(|output| capture(output)["packets"].as_u64().unwrap() >= 1000));

    let sized = files(&lab.directory, "size_");
    assert!((9..=14).contains(&sized.len()), "{sized:?}");
    let mut seen = Vec::new();
    for path in &sized {
        let all = blocks_of(path);
        let here = numbers(&all);
        assert!(fs::metadata(path).unwrap().len() <= 100_000 && !here.is_empty());
        assert_eq!(all.last().unwrap().kind, STATISTICS);
        let alone = read(&[path], &[]);
        assert_eq!(capture(&alone)["packets"].as_u64(), Some(of_kind(&all, PACKET).len() as u64));
        seen.extend(here);
    }
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    // One behind the other, they are the capture that was analyzed.
    let paths: Vec<&Path> = sized.iter().map(PathBuf::as_path).collect();
    let together = read(&paths, &["--only", "udp"]);
    let flood = |lines: &[String]| -> u64 {
        let of_flood = lines.iter().filter(|line| is_of(line, "udp")).map(|line| parsed(line));
        of_flood.filter(|udp| udp["server"]["port"] == 9999).map(|udp| udp["client"]["packets"].as_u64().unwrap()).sum()
    };
    assert_eq!((flood(&together), flood(&outputs[0])), (1000, 1000));

    let kept = files(&lab.directory, "ring_");
    assert_eq!(fs::read(&earlier).unwrap(), b"of another run");
    assert_eq!(kept.len(), 4, "three, and that of another run: {kept:?}");
    let seen: Vec<u64> = kept[1..].iter().flat_map(|path| numbers(&blocks_of(path))).collect();
    assert_eq!(seen, (seen[0]..1000).collect::<Vec<_>>());
    assert!(seen.len() > 150, "three files full, or nearly: {}", seen.len());

    let timed = files(&lab.directory, "time_");
    assert!((3..=8).contains(&timed.len()), "{timed:?}");
    let seen: Vec<u64> = timed.iter().flat_map(|path| numbers(&blocks_of(path))).collect();
    assert_eq!(seen, (0..1000).collect::<Vec<_>>());
    assert_eq!(blocks_of(timed.last().unwrap()).last().unwrap().kind, STATISTICS);

    let one = files(&lab.directory, "classic_");
    assert_eq!(one.len(), 1, "{one:?}");
    assert_eq!(fs::read(&one[0]).unwrap()[..4], 0xa1b2_3c4d_u32.to_le_bytes(), "nanoseconds");
    let all = sized.iter().chain(&kept[1..]).chain(&timed).chain(&one);
    others_read(&all.map(PathBuf::as_path).collect::<Vec<_>>());
}

#[test]
fn says_what_cannot_be_written_before_anything_is_captured() {
    let Some(lab) = Lab::new() else { return };
    let keys = lab.path("keys.pcapng");
    fs::write(&keys, "").unwrap();
    let path = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let cases: [(&[&str], &str); 12] = [
        (&["-w", &path("no/such/x.pcapng")], "cannot be written: there is no directory"),
        (&["-w", &path("")], "cannot be written: is a directory"),
        (&["-w", &path("x.pcapng.gz")], "captures are written uncompressed"),
        (&["-w", &path("keys.pcapng"), "--keylog", &path("keys.pcapng")], "is read, and cannot be written"),
        (&["-w", &path("not-yet"), "--keylog", &path("./not-yet")], "is read, and cannot be written"),
        (&["-w", &path("x.pcap"), "--comment", "text"], "pcap has no place for a comment"),
        (&["-w", "/dev/null", "--rotate-secs", "1"], "is no file"),
        (&["-w", &path("x.pcapng"), "--rotate-files", "2"], "say when to begin another one"),
        (&["-w", &path("x.pcapng"), "--rotate-size", "0"], "a file has one byte at least"),
        (&["-w", &path("x.pcapng"), "--rotate-secs", "0"], "invalid value"),
        (&["--rotate-size", "1M"], "--write <FILE>"),
        (&["-w", &path("x.pcapng"), "-Y", "tcp"], "with -w all packets are captured"),
    ];
    for (arguments, said) in cases {
        let mut command = lab.client(env!("CARGO_BIN_EXE_wireglass"));
        let mut live = Running::start(command.args(["live", "-i", lab::INTERFACE]).args(arguments));
        let (status, output) = live.end();
        let errors = live.errors();
        assert!(errors.contains(said) && !errors.contains("capturing on"), "{arguments:?}: {errors}");
        assert_eq!((status.code(), output.len()), (Some(2), 0), "{arguments:?}: {errors}");
    }
    assert_eq!(fs::read(&keys).unwrap(), b"");
    assert!(!lab.path("x.pcapng").exists());
}
