//! Names from protocols, files and the command line, in every command and format: nothing may command who reads them.
use std::{fs, process::Command};

use super::{output::*, run, scratch, wire::*};

/// A pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) + 12) as u32;
    let mut block = [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat();
    block.resize(length as usize - 4, 0);
    [&block[..], &length.to_le_bytes()].concat()
}

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    let mut option = [&code.to_le_bytes()[..], &(value.len() as u16).to_le_bytes(), value].concat();
    option.resize(option.len().next_multiple_of(4), 0);
    option
}

/// A type, a length and a value of LLDP.
fn lldp(kind: u16, value: &[u8]) -> Vec<u8> {
    [&(kind << 9 | value.len() as u16).to_be_bytes()[..], value].concat()
}

/// A pcapng file in which banners, host names, neighbours, interfaces and comments are what attackers would write.
fn capture() -> Vec<u8> {
    let mut raw = Capture::new();
    let mut frames: Vec<(u32, Vec<u8>, Vec<u8>)> = Vec::new();
    for (number, name) in (0u16..).zip(NAMES) {
        let bytes = name.as_bytes();
        let line = name.replace(['\r', '\n'], " ");
        for (port, greeting, asked) in [
            (21, format!("220 {line}\r\n"), format!("USER {line}\r\nRETR {line}\r\n")),
            (25, format!("220 {line} ESMTP\r\n"), format!("EHLO {line}\r\nMAIL FROM:<{line}@a>\r\n")),
            (22, format!("SSH-2.0-{line}\r\n"), format!("SSH-2.0-x{line}\r\n")),
            (110, format!("+OK {line}\r\n"), format!("USER {line}\r\n")),
            (143, format!("* OK {line}\r\n"), format!("a LOGIN {line} x\r\n")),
            (23, line.clone(), line.clone()),
        ] {
            let mut connection = raw.connect(2000 + number * 100 + port, port);
            connection.answer(&mut raw, greeting.as_bytes(), 1400);
            connection.ask(&mut raw, asked.as_bytes(), 1400);
            connection.close(&mut raw);
        }
        let host = [&[12][..], &prefixed(1, bytes), &[15], &prefixed(1, bytes), &[60], &prefixed(1, bytes)].concat();
        let head = [&[1, 1, 6, 0, 0, 0, 0, number as u8][..], &[0; 20], &[2, 0, 0, 0, 0, 1], &[0; 202]].concat();
        let discover = [&head[..], &[0x63, 0x82, 0x53, 0x63, 53, 1, 1], &host, &[255]].concat();
        raw.udp((CLIENT, 68), (SERVER, 67), &discover);
        let community = [&[4][..], &prefixed(1, bytes)].concat();
        let pdu = [0xa0, 17, 2, 1, 1, 2, 1, 0, 2, 1, 0, 0x30, 6, 0x30, 4, 6, 0, 5, 0];
        let snmp = [&[2, 1, 1][..], &community, &pdu].concat();
        raw.udp((CLIENT, 3000 + number), (SERVER, 161), &[&[0x30][..], &prefixed(1, &snmp)].concat());
        raw.udp(
            (CLIENT, 3000 + number),
            (SERVER, 69),
            &[&[0, 1][..], line.replace('\0', "").as_bytes(), b"\0octet\0"].concat(),
        );
        let parts = [
            lldp(1, &[&[7][..], bytes].concat()),
            lldp(2, &[&[5][..], bytes].concat()),
            lldp(3, &[0, 120]),
            lldp(4, bytes),
            lldp(5, bytes),
            lldp(6, bytes),
            lldp(0, &[]),
        ];
        let frame = [&[1, 0x80, 0xc2, 0, 0, 14, 2, 0, 0, 0, 0, 1, 0x88, 0xcc][..], &parts.concat()].concat();
        frames.push((1, frame, option(1, bytes)));
        let cdp = |kind: u16, value: &[u8]| {
            [&kind.to_be_bytes()[..], &(value.len() as u16 + 4).to_be_bytes(), value].concat()
        };
        let body = [
            &[0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0, 2, 180, 0, 0][..],
            &cdp(1, bytes),
            &cdp(3, bytes),
            &cdp(5, bytes),
            &cdp(6, bytes),
        ]
        .concat();
        let frame = [&[1, 0, 12, 0xcc, 0xcc, 0xcc, 2, 0, 0, 0, 0, 1][..], &prefixed(2, &body)].concat();
        frames.push((1, frame, option(1, bytes)));
    }
    // The packets of the other capture, behind its header of 24 bytes.
    let mut rest = &raw.bytes[24..];
    while let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = rest {
        let end = 16 + u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        frames.push((0, rest[16..end].to_vec(), option(1, NAMES[frames.len() % NAMES.len()].as_bytes())));
        rest = &rest[end..];
    }
    let section = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[255; 8]].concat();
    let told: Vec<u8> =
        [1, 2, 3, 4].into_iter().zip(NAMES).flat_map(|(code, name)| option(code, name.as_bytes())).collect();
    let mut bytes = block(0x0a0d_0d0a, &[section, told].concat());
    for (link, name) in [(101u16, NAMES[0]), (1, NAMES[3])] {
        let options = [option(2, name.as_bytes()), option(3, name.as_bytes()), option(1, name.as_bytes())].concat();
        bytes.extend(block(1, &[&link.to_le_bytes()[..], &[0, 0, 0, 0, 4, 0], &options].concat()));
    }
    for (number, (interface, frame, options)) in (0u32..).zip(frames) {
        let length = frame.len() as u32;
        let head = [interface, 0x0005_f5e1, number * 1000, length, length];
        let head: Vec<u8> = head.into_iter().flat_map(u32::to_le_bytes).collect();
        let mut frame = frame;
        frame.resize(frame.len().next_multiple_of(4), 0);
        bytes.extend(block(6, &[&head[..], &frame, &options].concat()));
    }
    // Secrets that are none.
    let log = format!("CLIENT_RANDOM {} {}\n", NAMES[0], NAMES[3]);
    let body = [&0x544c_534bu32.to_le_bytes()[..], &(log.len() as u32).to_le_bytes(), log.as_bytes()].concat();
    bytes.extend(block(10, &body));
    bytes
}

fn streams(arguments: &[&str]) -> (String, String) {
    let output = run(arguments);
    let both = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    for text in &both {
        let dangerous =
            text.lines().find(|line| line.contains(|c| is_dangerous(c) && !(c == '\t' && arguments[0] == "follow")));
        assert_eq!(dangerous, None, "{arguments:?}");
    }
    both.into()
}

#[test]
fn services_neighbours_comments_and_interfaces() {
    let file = scratch("services.pcapng", &capture());
    let file = file.to_str().unwrap();
    let (ndjson, _) = streams(&[file, "--format", "ndjson", "--show-secrets"]);
    for protocol in ["ftp", "smtp", "ssh", "dhcp", "snmp", "tftp"] {
        assert!(ndjson.contains(&format!("\"protocol\":\"{protocol}\"")), "{protocol}");
    }
    for format in ["table", "json", "markdown", "html"] {
        let (text, _) = streams(&[file, "--format", format, "--all", "--show-secrets"]);
        assert!(text.contains("owned"), "{format}");
        if format == "html" {
            assert!(!text.contains("<script") && !text.contains("<img"));
        }
    }
    for kind in ["applications", "findings", "captures"] {
        let (text, _) = streams(&[file, "--format", "csv", "--only", kind, "--show-secrets"]);
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        for cell in rows.records().flat_map(|row| row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
            let number = cell.parse::<f64>().is_ok();
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || number, "{kind}: {cell}");
        }
    }
    for more in
        [&[][..], &["-V"], &["-V", "-x"], &["--format", "ndjson", "-V"], &["-Y", "frame.comment contains \"owned\""]]
    {
        streams(&[&["packets", file][..], more].concat());
    }
    streams(&["statistics", file]);
    streams(&["statistics", file, "--format", "markdown"]);
}

#[test]
fn drawings_and_streams() {
    let file = scratch("drawn.pcapng", &capture());
    let file = file.to_str().unwrap();
    let (ndjson, _) = streams(&[file, "--format", "ndjson", "--only", "connections"]);
    let flows: Vec<String> = ndjson
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|record| {
            record["flow"].as_str().map(str::to_owned).or_else(|| record["flow"].as_u64().map(|id| id.to_string()))
        })
        .collect();
    assert_eq!(flows.len(), NAMES.len() * 6, "{}", ndjson.lines().next().unwrap());
    for flow in flows.iter().step_by(5) {
        for format in ["text", "svg", "markdown", "ndjson"] {
            let (text, _) = streams(&["connection", file, flow, "--format", format]);
            if format == "svg" {
                assert!(
                    !text.contains("<script") && !text.contains("<img") && !text.contains("onerror=alert(1)>"),
                    "{text}"
                );
            }
        }
        for format in ["text", "hex", "ndjson"] {
            streams(&["follow", file, flow, "--format", format]);
        }
    }
}

/// What the command line and the file system call things is repeated in messages.
#[test]
fn names_of_files_and_arguments() {
    let folder = scratch("folder", b"").with_file_name("names");
    fs::create_dir_all(&folder).unwrap();
    for (number, name) in NAMES.into_iter().enumerate() {
        let name = format!("{number}{}", name.replace(['/', '\0'], "_"));
        let path = folder.join(&name);
        let path = path.to_str().unwrap();
        fs::write(path, capture()).unwrap();
        for format in ["table", "ndjson", "json", "markdown", "html", "csv"] {
            streams(&[path, "--format", format, "--only", "captures,findings"]);
        }
        streams(&["packets", path, "-c", "1"]);
        fs::write(path, b"no capture").unwrap();
        streams(&[path]);
        fs::remove_file(path).unwrap();
        let (_, message) = streams(&[path]);
        assert!(!message.is_empty());
        streams(&["packets", path, "-Y", &name]);
        streams(&["packets", path, "-f", &name]);
        streams(&[path, "--only", &name]);
        streams(&[path, "--keylog", &name]);
        streams(&["connection", path, &name]);
        streams(&["follow", path, &name]);
        streams(&[&name]);
    }
    // A key log whose lines are not what they should be.
    let file = scratch("lines.pcapng", &capture());
    let log = scratch("lines.keylog", NAMES.join("\n").as_bytes());
    streams(&[file.to_str().unwrap(), "--keylog", log.to_str().unwrap()]);
}

/// Objects are named after what the network says.
#[test]
fn objects_stay_in_their_directory() {
    let mut raw = Capture::new();
    for (number, name) in
        (0u16..).zip(NAMES.into_iter().chain(["../../../x", "..%2f..%2fx", "CON", "a/../..", ".", "-rf"]))
    {
        let line = name.replace(['\r', '\n', ' ', '\0'], "_");
        let mut web = raw.connect(4000 + number, 80);
        web.ask(&mut raw, format!("GET /{line} HTTP/1.1\r\nHost: {line}\r\n\r\n").as_bytes(), 1400);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"{line}\"\r\nContent-Length: 2\r\n\r\nok"
        );
        web.answer(&mut raw, head.as_bytes(), 1400);
        web.close(&mut raw);
    }
    let file = scratch("named.pcap", &raw.bytes);
    let folder = file.with_file_name("named-objects");
    let _ = fs::remove_dir_all(&folder);
    let output = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args([file.to_str().unwrap(), "--export-objects", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.len(), NAMES.len() + 6, "{names:?}");
    let safe = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    assert!(names.iter().all(|name| name.chars().all(safe) && !name.starts_with(['.', '-'])), "{names:?}");
}
