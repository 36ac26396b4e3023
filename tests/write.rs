//! `-w`: the packets that pass, written with all that belongs to them; and `-Y` where packets are not listed, in
//! `connection` and `live`.
//!
//! With tshark the copies are compared with its own (skipped loudly without), over the fixtures and, with
//! `WIREGLASS_CORPUS`, over the corpus.
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use wireglass::{
    capture::{self, Batch, InterfaceOptions, More, PcapngWriter},
    record::{LinkType, Timestamp},
};

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    ["capture.pcap", "capture.pcapng"].map(|file| folder.join(file)).into_iter().find(|file| file.exists()).unwrap()
}

/// A folder of its own for each test, empty.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("write").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn wireglass(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(arguments)
        .env_remove("COLUMNS")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Succeeds, and answers what was said on standard error.
fn done(arguments: &[&str]) -> String {
    let output = wireglass(arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
    told
}

/// Everything a capture holds that a copy should.
#[derive(Debug, Default, PartialEq)]
struct Read {
    /// Time, length on the wire, link type, name of the interface, bytes.
    packets: Vec<(i64, u32, u16, Option<String>, Vec<u8>)>,
    /// By the packet's place in this list.
    comments: Vec<(Option<u64>, String)>,
    secrets: Vec<Vec<u8>>,
    interfaces: Vec<(Option<String>, String, Option<u64>, Option<u64>, Option<u64>)>,
    damage: Option<String>,
}

fn read(path: &Path) -> Read {
    let mut source = capture::open(path, 0).unwrap();
    let mut batch = Batch::default();
    let mut read = Read::default();
    let mut places = Vec::new();
    loop {
        let more = source.next_batch(&mut batch).unwrap();
        for head in &batch.heads {
            let (time, link) = (head.timestamp.nanoseconds(), head.link_type.0);
            places.push(head.interface);
            read.packets.push((time, head.wire_length, link, None, batch.bytes(head).to_vec()));
        }
        let comments = source.take_comments();
        read.comments.extend(comments.into_iter().map(|one| (one.packet.map(|packet| packet.number()), one.text)));
        read.secrets.extend(source.take_secrets().into_iter().map(|secrets| secrets.key_log));
        if more == More::No {
            break;
        }
    }
    let capture = source.description();
    read.damage = capture.damage.map(|damage| damage.what);
    for (packet, interface) in read.packets.iter_mut().zip(places) {
        packet.3 = capture.interfaces.get(interface as usize).and_then(|interface| interface.name.clone());
    }
    let described = capture.interfaces.into_iter();
    read.interfaces =
        described.map(|one| (one.name, one.link_type, one.snap_length, one.received, one.dropped)).collect();
    read
}

/// The same without packets that do not pass; `numbers` are those that do.
fn only(read: &Read, numbers: &[u64]) -> Read {
    let place = |number: u64| numbers.iter().position(|known| *known == number).map(|place| place as u64 + 1);
    Read {
        packets: numbers.iter().map(|number| read.packets[*number as usize - 1].clone()).collect(),
        comments: read
            .comments
            .iter()
            .filter_map(|(packet, text)| match packet {
                None => Some((None, text.clone())),
                Some(packet) => Some((Some(place(*packet)?), text.clone())),
            })
            .collect(),
        secrets: read.secrets.clone(),
        interfaces: read.interfaces.clone(),
        damage: None,
    }
}

/// The numbers that `packets` lists.
fn numbers(file: &Path, filter: &str) -> Vec<u64> {
    let output = wireglass(&["packets", text(file), "-Y", filter, "-o", "ndjson"]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let number = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["number"].as_u64().unwrap();
    lines.lines().map(number).collect()
}

/// A block of a pcapng file of either byte order.
fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let total = u32::try_from(body.len() + 12).unwrap();
    [&word(kind)[..], &word(total), &body, &word(total)].concat()
}

fn option(big: bool, code: u16, value: &[u8]) -> Vec<u8> {
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut option = [&half(code)[..], &half(u16::try_from(value.len()).unwrap()), value].concat();
    option.resize(option.len().next_multiple_of(4), 0);
    option
}

/// An Ethernet frame with a UDP datagram to `port`.
fn frame(port: u16) -> Vec<u8> {
    let mut frame =
        vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1];
    frame.extend([10, 0, 0, 2, 0x9c, 0x40]);
    frame.extend(port.to_be_bytes());
    frame.extend([0, 12, 0, 0, 1, 2, 3, 4]);
    frame
}

/// Interfaces with odd clocks, every kind of packet block, options that are numbers, names, secrets, statistics.
fn everything(big: bool) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() }.to_vec();
    let long = |value: u64| if big { value.to_be_bytes() } else { value.to_le_bytes() }.to_vec();
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() }.to_vec();
    let end = [0; 4].to_vec();
    let section = [
        word(0x1a2b_3c4d),
        half(1),
        half(0),
        vec![0xff; 8],
        option(big, 1, b"a section"),
        option(big, 2, b"a machine"),
        option(big, 4, b"another program"),
        end.clone(),
    ];
    let interface = |link: u16, options: Vec<Vec<u8>>| {
        block(big, 1, &[half(link), half(0), word(96), options.concat(), end.clone()].concat())
    };
    let packet = |interface: u32, units: u64, frame: &[u8], options: Vec<Vec<u8>>| {
        let mut bytes = frame.to_vec();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = u32::try_from(frame.len()).unwrap();
        let fields = [interface, (units >> 32) as u32, units as u32, length, length + 100].map(word).concat();
        let options = if options.is_empty() { Vec::new() } else { [options.concat(), end.clone()].concat() };
        block(big, 6, &[fields, bytes, options].concat())
    };
    let seconds = 1_700_000_000_u64;
    let names = [option(big, 1, b"\x0a\x00\x00\x01host.example\0"), end.clone()].concat();
    let statistics = [word(0), word(7), word(8), option(big, 4, &long(1000)), option(big, 5, &long(17)), end.clone()];
    [
        block(big, 0x0a0d_0d0a, &section.concat()),
        // Picoseconds, microseconds with an offset, 2^-10 seconds.
        interface(1, vec![option(big, 2, b"pico0"), option(big, 9, &[12]), option(big, 8, &long(10_000_000_000))]),
        interface(1, vec![option(big, 2, b"micro0"), option(big, 14, &long(1_000_000))]),
        interface(1, vec![option(big, 2, b"binary0"), option(big, 9, &[0x8a])]),
        block(big, 4, &names),
        packet(
            0,
            seconds / 1000 * 1_000_000_000_000 + 7,
            &frame(53),
            vec![option(big, 1, b"the first"), option(big, 1, b"twice")],
        ),
        block(big, 10, &[word(0x544c_534b), word(7), b"# keys\n".to_vec()].concat()),
        packet(1, (seconds - 1_000_000) * 1_000_000 + 5, &frame(80), vec![]),
        packet(2, seconds * 1024 + 3, &frame(53), vec![option(big, 2, &word(2)), option(big, 4, &long(9))]),
        block(big, 3, &[word(46), frame(53), vec![0, 0]].concat()),
        block(big, 10, &[word(0x5747_4b4c), word(5), b"wg-k\n".to_vec()].concat()),
        block(big, 5, &statistics.concat()),
    ]
    .concat()
}

#[test]
fn a_copy_of_everything_is_the_same() {
    let folder = folder("everything");
    for (name, big) in [("little", false), ("big", true)] {
        let (original, copy) = (folder.join(format!("{name}.pcapng")), folder.join(format!("{name}_copy.pcapng")));
        fs::write(&original, everything(big)).unwrap();
        assert_eq!(read(&original).damage, None);
        let told = done(&["packets", text(&original), "-w", text(&copy)]);
        assert!(told.contains("4 packets written"), "{told}");
        assert_eq!(read(&copy), read(&original), "{name}");
    }
    // What is copied from big-endian is what is copied from little-endian, to the last option.
    let copies = ["little", "big"].map(|name| fs::read(folder.join(format!("{name}_copy.pcapng"))).unwrap());
    assert!(copies[0] == copies[1], "options or times depend on the byte order of the input");
    // And that is the little-endian original, but for the name of who wrote it.
    let mut expected = everything(false);
    let (theirs, ours) = (
        option(false, 4, b"another program"),
        option(false, 4, concat!("wireglass ", env!("CARGO_PKG_VERSION")).as_bytes()),
    );
    let at = expected.windows(theirs.len()).position(|window| window == theirs).unwrap();
    expected.splice(at..at + theirs.len(), ours.clone());
    let length =
        u32::try_from(u32::from_le_bytes(expected[4..8].try_into().unwrap()) as usize + ours.len() - theirs.len());
    let length = length.unwrap().to_le_bytes();
    expected[4..8].copy_from_slice(&length);
    let behind = u32::from_le_bytes(length) as usize;
    expected[behind - 4..behind].copy_from_slice(&length);
    assert!(copies[0] == expected, "{} bytes, expected {}", copies[0].len(), expected.len());
}

#[test]
fn a_filter_chooses_packets_and_nothing_else() {
    let folder = folder("filter");
    let (original, copy) = (folder.join("original.pcapng"), folder.join("copy.pcapng"));
    fs::write(&original, everything(true)).unwrap();
    let told = done(&["packets", text(&original), "-Y", "udp.port == 80", "-w", text(&copy)]);
    assert!(told.contains("1 packet written"), "{told}");
    assert_eq!(read(&copy), only(&read(&original), &[2]));
    done(&["packets", text(&original), "-Y", "udp.port == 53", "-w", text(&copy)]);
    assert_eq!(read(&copy), only(&read(&original), &[1, 3, 4]));
    done(&["packets", text(&original), "-Y", "tcp", "-w", text(&copy)]);
    assert_eq!(read(&copy), only(&read(&original), &[]), "what belongs to no packet is kept without packets too");
    done(&["packets", text(&original), "-c", "2", "-w", text(&copy)]);
    assert_eq!(read(&copy).packets, only(&read(&original), &[1, 2]).packets);
    #[cfg(feature = "live")]
    {
        done(&["packets", text(&original), "-f", "udp port 80", "-w", text(&copy)]);
        assert_eq!(read(&copy), only(&read(&original), &[2]));
    }
    // Where the report is made, the same packets are written.
    for arguments in [&["-Y", "udp.port == 53"][..], &["-Y", "udp.port == 53", "--threads", "3"]] {
        let again = folder.join("again.pcapng");
        let output = wireglass(&[&[text(&original), "-w", text(&again)], arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty(), "the report is printed besides");
        assert_eq!(read(&again), only(&read(&original), &[1, 3, 4]), "{arguments:?}");
    }
}

#[test]
fn reports_without_a_filter_write_all_in_one_pass() {
    let folder = folder("all");
    let copy = folder.join("copy.pcapng");
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(["-", "-w", text(&copy)])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&fs::read(fixture("page_load")).unwrap()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(read(&copy).packets, read(&fixture("page_load")).packets);
}

#[test]
fn pcap_keeps_its_resolution_and_says_what_it_loses() {
    let folder = folder("pcap");
    let original = fixture("page_load");
    let copy = folder.join("copy.pcap");
    assert_eq!(done(&["packets", text(&original), "-w", text(&copy)]).lines().count(), 1);
    let bytes = fs::read(&original).unwrap();
    assert!(fs::read(&copy).unwrap() == bytes, "the copy of all packets of a little-endian pcap is the same file");
    // A check sequence's length stands in the header's last field.
    let mut checked = bytes.clone();
    checked[20..24].copy_from_slice(&0x2400_0001_u32.to_le_bytes());
    let checked_file = folder.join("checked.pcap");
    fs::write(&checked_file, &checked).unwrap();
    done(&["packets", text(&checked_file), "-w", text(&copy)]);
    assert!(fs::read(&copy).unwrap() == checked);
    // Nanoseconds stay nanoseconds, in either format and back.
    let mut nano = bytes;
    nano[..4].copy_from_slice(&0xa1b2_3c4d_u32.to_le_bytes());
    let (nano_file, middle) = (folder.join("nano.pcap"), folder.join("middle.pcapng"));
    fs::write(&nano_file, &nano).unwrap();
    done(&["packets", text(&nano_file), "-w", text(&middle)]);
    assert_eq!(read(&middle).packets, read(&nano_file).packets);
    done(&["packets", text(&middle), "-w", text(&copy)]);
    assert!(fs::read(&copy).unwrap() == nano);
    let rich = folder.join("rich.pcapng");
    fs::write(&rich, everything(false)).unwrap();
    let told = done(&["packets", text(&rich), "-w", text(&copy)]);
    assert!(told.contains("2 packet comments and 2 blocks of secrets left out"), "{told}");
    assert!(told.contains("1 packet written as of 1970"), "{told}");
    let (ours, theirs) = (read(&copy).packets, read(&rich).packets);
    assert_eq!(ours.len(), 4);
    for (one, other) in ours.iter().zip(&theirs).take(3) {
        assert_eq!((one.0, one.1, one.2, &one.4), (other.0, other.1, other.2, &other.4));
    }
}

#[test]
fn pcap_holds_one_link_type_only() {
    let folder = folder("links");
    let original = folder.join("original.pcapng");
    let mut writer = PcapngWriter::new(Vec::new(), "a test", None).unwrap();
    for link_type in [LinkType::ETHERNET, LinkType::RAW] {
        writer.interface(&InterfaceOptions { link_type, ..InterfaceOptions::default() }).unwrap();
    }
    for (number, bytes) in [(0, frame(1)), (1, frame(2)[14..].to_vec())] {
        writer.packet(number, Timestamp(1), bytes.len() as u32, &bytes, None).unwrap();
    }
    fs::write(&original, writer.finish().unwrap()).unwrap();
    let copy = folder.join("copy.pcap");
    let output = wireglass(&["packets", text(&original), "-w", text(&copy)]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("one link type") && told.contains(".pcapng"), "{told}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left that looks whole");
    done(&["packets", text(&original), "-Y", "udp.dstport == 2", "-w", text(&copy)]);
    assert_eq!(read(&copy).packets.len(), 1);
    done(&["packets", text(&original), "-w", text(&copy.with_extension("pcapng"))]);
    assert_eq!(read(&copy.with_extension("pcapng")), read(&original));
}

#[test]
fn several_files_are_written_in_time_order() {
    let folder = folder("merged");
    let copy = folder.join("copy.pcapng");
    let (one, other) = (fixture("page_load"), fixture("http_objects"));
    done(&["packets", text(&other), text(&one), "-w", text(&copy)]);
    let mut expected = [read(&other).packets, read(&one).packets].concat();
    expected.sort_by_key(|packet| packet.0);
    assert_eq!(read(&copy).packets, expected);
    assert_eq!(read(&copy).interfaces.len(), 2);
}

#[test]
fn what_is_read_is_not_overwritten() {
    let folder = folder("inputs");
    let original = folder.join("original.pcap");
    fs::copy(fixture("page_load"), &original).unwrap();
    let before = fs::read(&original).unwrap();
    let mut names = vec![original.clone()];
    #[cfg(unix)]
    {
        for name in ["symbolic.pcap", "hard.pcap"] {
            names.push(folder.join(name));
        }
        std::os::unix::fs::symlink(&original, &names[1]).unwrap();
        fs::hard_link(&original, &names[2]).unwrap();
    }
    for name in &names {
        for command in [&["packets"][..], &[]] {
            let output = wireglass(&[command, &[text(&original), "-w", text(name)]].concat());
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains("is read"), "{told}");
        }
    }
    assert!(fs::read(&original).unwrap() == before);
    for (name, expected) in [("copy.pcapng.gz", "uncompressed"), ("no/such/folder.pcapng", "cannot be written")] {
        let output = wireglass(&["packets", text(&original), "-w", text(&folder.join(name))]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(expected), "{name}");
    }
    // A file that was there stays when the filter is wrong, and is replaced when all went well.
    let old = folder.join("old.pcapng");
    fs::write(&old, b"old").unwrap();
    assert_eq!(wireglass(&["packets", text(&original), "-Y", "nonsense ==", "-w", text(&old)]).status.code(), Some(4));
    assert_eq!(fs::read(&old).unwrap(), b"old");
    done(&["packets", text(&original), "-Y", "tcp", "-w", text(&old)]);
    assert!(!read(&old).packets.is_empty());
}

#[test]
fn what_could_be_read_of_a_damaged_capture_is_written() {
    let folder = folder("damaged");
    let (original, copy) = (folder.join("original.pcap"), folder.join("copy.pcapng"));
    let bytes = fs::read(fixture("page_load")).unwrap();
    fs::write(&original, &bytes[..bytes.len() - 3]).unwrap();
    let output = wireglass(&["packets", text(&original), "-w", text(&copy)]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("damaged at byte"));
    assert_eq!((read(&copy).packets, read(&copy).damage), (read(&original).packets, None));
}

#[test]
fn standard_output_holds_the_capture_alone() {
    let folder = folder("stdout");
    for arguments in [&["packets"][..], &[], &["analyze"]] {
        let file = fixture("page_load");
        let output = wireglass(&[arguments, &[text(&file), "-Y", "dns", "-w", "-"]].concat());
        assert_eq!(output.status.code(), Some(0));
        let copy = folder.join("copy.pcapng");
        fs::write(&copy, output.stdout).unwrap();
        let (copy, numbers) = (read(&copy), numbers(&file, "dns"));
        assert!(!numbers.is_empty() && copy.damage.is_none());
        assert_eq!(copy.packets, only(&read(&file), &numbers).packets);
    }
    let printed = wireglass(&["packets", text(&fixture("page_load")), "-w", "-", "-P"]);
    assert_eq!((printed.status.code(), printed.stdout.len()), (Some(2), 0));
}

#[test]
fn packets_are_printed_besides_when_asked_for() {
    let copy = folder("print").join("copy.pcapng");
    let file = fixture("page_load");
    let silent = wireglass(&["packets", text(&file), "-Y", "dns", "-w", text(&copy)]);
    assert!(silent.stdout.is_empty());
    let printed = wireglass(&["packets", text(&file), "-Y", "dns", "-w", text(&copy), "--print"]);
    assert_eq!(printed.stdout, wireglass(&["packets", text(&file), "-Y", "dns"]).stdout);
    assert_eq!(read(&copy).packets, only(&read(&file), &numbers(&file, "dns")).packets);
}

#[test]
fn whole_flows_are_written_on_request() {
    let copy = folder("flows").join("copy.pcapng");
    let file = fixture("page_load");
    for command in [&["packets"][..], &[]] {
        done(&[command, &[text(&file), "-Y", "http.request", "--whole-flows", "-w", text(&copy)]].concat());
        let expected = numbers(&file, "tcp.port == 80");
        assert!(expected.len() > numbers(&file, "http.request").len());
        assert_eq!(read(&copy).packets, only(&read(&file), &expected).packets);
    }
    assert_eq!(wireglass(&[text(&file), "-Y", "dns", "--whole-flows"]).status.code(), Some(2));
    assert_eq!(wireglass(&[text(&file), "--separate", "-w", text(&copy)]).status.code(), Some(2));
}

#[test]
fn secrets_still_open_what_was_chosen() {
    let copy = folder("secrets").join("copy.pcapng");
    let file = fixture("quic_with_keys");
    done(&["packets", text(&file), "-Y", "udp", "-w", text(&copy)]);
    assert!(!read(&file).secrets.is_empty());
    assert_eq!(read(&copy).secrets, read(&file).secrets);
    let opened = |file: &Path| {
        let output = wireglass(&[text(file), "--only", "tls", "-o", "ndjson"]).stdout;
        String::from_utf8(output).unwrap().matches("\"decrypted\":true").count()
    };
    assert!(opened(&file) > 0);
    assert_eq!(opened(&copy), opened(&file));
}

#[test]
fn a_ladder_shows_what_passes() {
    let file = fixture("page_load");
    let drawn = |filter: &[&str]| {
        let output = wireglass(&[&["connection", text(&file), "12", "--all"], filter].concat());
        assert_eq!(output.status.code(), Some(0));
        let (text, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let mut numbers: Vec<u64> = Vec::new();
        for number in text.split(|c: char| c.is_whitespace()).filter_map(|word| word.strip_prefix('#')) {
            numbers.extend(number.parse::<u64>());
        }
        (numbers, told)
    };
    let (all, _) = drawn(&[]);
    let (some, told) = drawn(&["-Y", "tcp.len > 0"]);
    let passing: Vec<u64> = numbers(&file, "tcp.len > 0 && tcp.stream == 0");
    assert!(told.is_empty() && passing.len() >= 2);
    assert!(passing.iter().all(|number| some.contains(number)), "{passing:?} of {some:?}");
    assert!(some.len() < all.len(), "{some:?} of {all:?}");
    let (_, told) = drawn(&["-Y", "udp"]);
    assert!(told.contains("no packet of this connection passes"), "{told}");
    let wrong = wireglass(&["connection", text(&file), "12", "-Y", "tcp.prot == 1"]);
    assert_eq!(wrong.status.code(), Some(4));
}

#[test]
#[cfg(feature = "live")]
fn live_has_one_pass() {
    let wrong = wireglass(&["live", "-i", "lo", "-Y", "tcp.prot == 1"]);
    assert_eq!(wrong.status.code(), Some(4));
    let both = wireglass(&["live", "-i", "lo", "-Y", "tcp", "-w", "/no/such/folder/x.pcapng"]);
    assert_eq!(both.status.code(), Some(2));
    assert!(String::from_utf8(both.stderr).unwrap().contains("-f"));
}

/// Collects the flows and types of records.
#[derive(Default)]
struct Records(Vec<(String, Option<String>)>);

impl wireglass::report::Writer for Records {
    fn record(&mut self, record: &wireglass::record::Record) -> std::io::Result<()> {
        let flow = record.subject().and_then(|subject| subject.flow).map(|flow| flow.to_string());
        self.0.push((record.kind().type_name().to_owned(), flow));
        Ok(())
    }

    fn finish(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What `live -Y` prints, of a capture instead of an interface.
#[test]
fn records_pass_with_the_packets_of_their_flow_so_far() {
    use wireglass::{engine, filter::Filter, flow};
    let records = |filter: Option<&str>| {
        let mut settings = engine::Settings {
            flow: flow::Settings::default(),
            threads: 1,
            filter: None,
            max_packets: None,
            stop: Default::default(),
            files: vec!["a file".to_owned()],
            trust: None,
            given: engine::Given::default(),
            save: None,
            asking: None,
        };
        let mut found = Records::default();
        let source = capture::open(&fixture("page_load"), 0).unwrap();
        if let Some(filter) = filter {
            let asking = engine::Asking::new(Filter::new(filter).unwrap(), settings.flow);
            let mut writer = asking.writer(&mut found);
            settings.asking = Some(asking);
            engine::run(source, settings, &mut writer, &mut |_| {}).unwrap();
        } else {
            engine::run(source, settings, &mut found, &mut |_| {}).unwrap();
        }
        found.0
    };
    let all = records(None);
    let http = records(Some("http"));
    assert!(http.iter().any(|(kind, _)| kind == "http") && http.iter().any(|(kind, _)| kind == "connection"));
    assert!(
        http.iter().all(|(kind, flow)| match flow.as_deref() {
            None => matches!(kind.as_str(), "report" | "capture"),
            Some(flow) => flow == "12",
        }),
        "{http:?}"
    );
    let expected = all.iter().filter(|(kind, flow)| match flow {
        None => kind == "report" || kind == "capture",
        Some(flow) => flow == "12",
    });
    assert_eq!(http.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "all that is said of the flow passes");
    assert_eq!(records(Some("sctp")).len(), 2);
}

/// tshark's own copy, if there is tshark.
fn of_tshark(file: &Path, filter: &str, copy: &Path) -> Option<()> {
    let status = Command::new("tshark")
        .args(["-n", "-r", text(file), "-Y", filter, "-w", text(copy)])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(_) => copy.exists().then_some(()),
        Err(_) => {
            eprintln!("SKIPPED: there is no tshark");
            None
        }
    }
}

/// The same packets as tshark writes, with the same times, lengths, comments, secrets and interfaces.
#[test]
fn tshark_writes_the_same() {
    let folder = folder("tshark");
    let mut files: Vec<PathBuf> = [
        "page_load",
        "http_objects",
        "ip_fragments_udp",
        "encap_vxlan",
        "quic_with_keys",
        "tls_staples",
        "cap_any_sll2",
    ]
    .map(fixture)
    .to_vec();
    match std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) {
        None => eprintln!("SKIPPED: WIREGLASS_CORPUS is not set"),
        Some(corpus) => {
            let (mut folders, mut found) = (vec![corpus.join("pcaps")], Vec::new());
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                    match entry.path() {
                        path if path.is_dir() => folders.push(path),
                        path if entry.metadata().unwrap().len() < 1_000_000 => found.push(path),
                        _ => {}
                    }
                }
            }
            found.sort();
            let most = std::env::var("WIREGLASS_WRITE_FILES").ok().and_then(|most| most.parse().ok()).unwrap_or(60);
            // pcapng files first: they have more to lose.
            found.sort_by_key(|path| path.extension().is_none_or(|extension| extension != "pcapng"));
            files.extend(found.into_iter().take(most));
        }
    }
    let (mut compared, mut different) = (0, Vec::new());
    for file in files {
        let (ours, theirs) = (folder.join("ours.pcapng"), folder.join("theirs.pcapng"));
        for filter in ["tcp.len > 0 || udp", "ip.ttl > 60"] {
            let _ = fs::remove_file(&theirs);
            let output = wireglass(&["packets", text(&file), "-Y", filter, "-w", text(&ours)]);
            if !matches!(output.status.code(), Some(0 | 3)) || of_tshark(&file, filter, &theirs).is_none() {
                continue;
            }
            let (ours, theirs) = (read(&ours), read(&theirs));
            compared += 1;
            let of_packets = |read: &Read| read.comments.iter().filter(|(packet, _)| packet.is_some()).count();
            let same_packets = ours.packets.len() == theirs.packets.len()
                && ours
                    .packets
                    .iter()
                    .zip(&theirs.packets)
                    .all(|(one, other)| (one.0, one.1, one.2, &one.4) == (other.0, other.1, other.2, &other.4));
            if !same_packets || of_packets(&ours) != of_packets(&theirs) || ours.secrets != theirs.secrets {
                let sizes = |read: &Read| (read.packets.len(), of_packets(read), read.secrets.len());
                let first = ours.packets.iter().zip(&theirs.packets).position(|(one, other)| one != other);
                different.push(format!(
                    "{} {filter}: {:?} ours, {:?} tshark's, {first:?}",
                    file.display(),
                    sizes(&ours),
                    sizes(&theirs)
                ));
            }
        }
    }
    eprintln!("{compared} copies compared");
    assert!(different.is_empty(), "{} of {compared} differ:\n{}", different.len(), different.join("\n"));
}
