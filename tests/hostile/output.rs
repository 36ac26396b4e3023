//! Names from the network through the whole program, in every format: nothing may command who reads them.
use super::{run, scratch, wire::*};

/// What attackers would write where a name belongs.
pub const NAMES: [&str; 9] = [
    "\x1b]0;owned\x07\x1b[31m",
    "\u{9b}31m\u{202e}gpj.exe\u{2066}",
    "a\r\nb\tc\0d\u{7f}\u{2028}",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "=HYPERLINK(\"http://evil\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1+1;-2",
    "[x](javascript:alert(1)) `code` |cell|",
];

/// Every name in every place that a capture offers.
fn capture() -> Vec<u8> {
    let mut capture = Capture::new();
    for (number, name) in (0u16..).zip(NAMES) {
        let bytes = name.as_bytes();
        let question = [dns_name(&[bytes, b"example"]), vec![0, 16, 0, 1]].concat();
        let query = [dns_header(number, 0x100, [1, 0, 0, 0]), question.clone()].concat();
        capture.udp((CLIENT, 3000 + number), (SERVER, 53), &query);
        let text = prefixed(2, &prefixed(1, bytes));
        let record =
            |kind: u16, data: &[u8]| [&[0xc0, 12][..], &kind.to_be_bytes(), &[0, 1, 0, 0, 0, 1], data].concat();
        let target = prefixed(2, &dns_name(&[bytes]));
        let answers = [record(16, &text), record(5, &target), record(65_280, &prefixed(2, bytes))].concat();
        let response = [dns_header(number, 0x8180, [1, 3, 0, 0]), question, answers].concat();
        capture.udp((SERVER, 53), (CLIENT, 3000 + number), &response);

        let mut web = capture.connect(4000 + number, 80);
        let line = name.replace(['\r', '\n', ' ', '\0'], "_");
        let request =
            format!("GET /{line} HTTP/1.1\r\nHost: {line}\r\nUser-Agent: {line}\r\nX-{number}: {line}\r\n\r\n");
        web.ask(&mut capture, request.as_bytes(), 1400);
        let response =
            format!("HTTP/1.1 404 {line}\r\nContent-Type: {line}\r\nServer: {line}\r\nContent-Length: 0\r\n\r\n");
        web.answer(&mut capture, response.as_bytes(), 1400);
        web.close(&mut capture);

        let mut tls = capture.connect(5000 + number, 443);
        tls.ask(&mut capture, &client_hello(bytes, bytes), 1400);
        let flight = [server_hello(), certificates(&[certificate(bytes)]), handshake(14, &[])].concat();
        tls.answer(&mut capture, &flight, 1400);
        tls.ask(&mut capture, &record_of_failure(), 1400);
        tls.close(&mut capture);
    }
    capture.bytes
}

fn record_of_failure() -> Vec<u8> {
    record(21, &[2, 48])
}

/// Terminals obey control characters, and show text in another order after bidi characters.
pub fn is_dangerous(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

fn output(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let dangerous = text.lines().find(|line| line.contains(is_dangerous));
    assert_eq!(dangerous, None, "{arguments:?}");
    text
}

#[test]
fn no_format_lets_commands_through() {
    let file = scratch("names.pcap", &capture());
    let file = file.to_str().unwrap();
    let also = ["--also", "dns_messages,tls_records"];
    let ndjson = output(&[&[file, "--format", "ndjson"][..], &also].concat());
    // The names do arrive: whole, as JSON.
    for place in ["dns", "http", "tls", "certificate"] {
        let lines: Vec<&str> =
            ndjson.lines().filter(|line| line.starts_with(&format!("{{\"type\":\"{place}\""))).collect();
        assert_eq!(lines.len(), NAMES.len(), "{place}");
    }
    assert!(ndjson.contains("alert(1)</script>") && ndjson.contains(r"\u001b]0;owned"));
    output(&[&[file, "--format", "json"][..], &also].concat());
    for format in ["table", "markdown", "html"] {
        let cut = output(&[file, "--format", format]);
        let all = output(&[file, "--format", format, "--all"]);
        assert!(cut.contains("owned") && all.contains("owned"), "{format}");
    }
    for width in ["40", "200"] {
        let text = std::process::Command::new(env!("CARGO_BIN_EXE_wireglass")).arg(file).env("COLUMNS", width).output();
        assert!(!String::from_utf8(text.unwrap().stdout).unwrap().contains(is_dangerous));
    }
    for arguments in [&["packets", file][..], &["packets", file, "-V"], &["packets", file, "-V", "-x"]] {
        assert!(output(arguments).contains("owned"), "{arguments:?}");
    }
    output(&["packets", file, "--format", "ndjson"]);
}

#[test]
fn html_holds_no_markup_from_the_network() {
    let file = scratch("markup.pcap", &capture());
    let page = output(&[file.to_str().unwrap(), "--format", "html", "--all"]);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for forbidden in ["<script", "<img", "javascript:alert(1)\"", "onerror=alert(1)>"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn markdown_holds_no_markup_from_the_network() {
    let file = scratch("markdown.pcap", &capture());
    let page = output(&[file.to_str().unwrap(), "--format", "markdown", "--all"]);
    for forbidden in ["<script", "<img", "[x](javascript"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // A name cannot add cells to its row.
    let mut columns = 0;
    for line in page.lines() {
        let cells = line.replace("\\|", "").matches('|').count();
        if line.starts_with("| ") && columns > 0 {
            assert_eq!(cells, columns, "{line}");
        }
        columns = if line.starts_with('|') { cells } else { 0 };
    }
}

#[test]
fn spreadsheets_find_no_formulas() {
    let file = scratch("formulas.pcap", &capture());
    let file = file.to_str().unwrap();
    let mut guarded = 0;
    for kind in ["connections", "dns", "http", "tls", "certificates", "findings", "dns_messages", "tls_records"] {
        let text = output(&[file, "--format", "csv", "--only", kind]);
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        for row in rows.records() {
            for cell in row.unwrap().iter() {
                let number = cell.parse::<f64>().is_ok();
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']) || number, "{kind}: {cell}");
                guarded += usize::from(cell.starts_with("'="));
            }
        }
    }
    assert!(guarded > 0, "no formula was there to be guarded");
}
