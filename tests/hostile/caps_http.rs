//! Caps on HTTP and on mail and file transfer: one beyond each.
use wireglass::limits::*;

use super::{Survived, survive, wire::*};

fn exchange(name: &str, port: u16, asked: &[u8], answered: &[u8]) -> Survived {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, port);
    connection.ask(&mut capture, asked, 1400);
    connection.answer(&mut capture, answered, 1400);
    connection.close(&mut capture);
    survive(name, &capture.bytes, &[])
}

#[test]
fn a_start_line_that_is_too_long() {
    let line = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(MAX_HTTP_START_LINE_BYTES));
    let survived =
        exchange("cap-http-line", 80, line.as_bytes(), b"HTTP/1.1 414 URI Too Long\r\nContent-Length: 0\r\n\r\n");
    let listed = survived.records.iter().filter(|record| record["type"] == "http");
    assert!(listed.clone().all(|http| http["request"].is_null()), "{:?}", listed.collect::<Vec<_>>());
    assert_eq!(survived.of_type("connection"), 1);
}

#[test]
fn too_many_chunk_extensions() {
    let chunks: String = (0..MAX_CHUNK_EXTENSIONS + 3).map(|number| format!("1;e{number}=1\r\nx\r\n")).collect();
    let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
    let survived = exchange("cap-http-chunks", 80, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", response.as_bytes());
    assert_eq!(survived.findings("http.limit").len(), 1);
    let http = survived.records.iter().find(|record| record["type"] == "http").unwrap();
    assert_eq!(http.to_string().matches("=1\"").count(), MAX_CHUNK_EXTENSIONS);
    assert_eq!(http["response"]["body_bytes"], MAX_CHUNK_EXTENSIONS + 3, "the rest is read");
}

#[test]
fn a_chunk_line_that_is_too_long() {
    let line = "1;".to_owned() + &"e".repeat(MAX_HTTP_CHUNK_LINE_BYTES);
    let response = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{line}\r\nx\r\n0\r\n\r\n");
    let survived = exchange("cap-http-chunk-line", 80, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", response.as_bytes());
    let told = survived
        .records
        .iter()
        .any(|record| record["type"] == "finding" && record["code"].as_str().unwrap().starts_with("http."));
    assert!(told, "{:?}", survived.records);
}

#[test]
fn too_many_cookies() {
    let cookies: String = (0..MAX_HTTP_COOKIES + 3).map(|number| format!("c{number}=1; ")).collect();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookies}\r\n\r\n");
    let survived = exchange("cap-cookies", 80, request.as_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let http = survived.records.iter().find(|record| record["type"] == "http").unwrap();
    assert_eq!(http.to_string().matches("\"name\":\"c").count(), MAX_HTTP_COOKIES);
}

#[test]
fn too_many_commands_wait() {
    let commands = "NOOP\r\n".repeat(MAX_APPLICATION_PENDING + 3);
    let greeting = b"220 ready\r\n".to_vec();
    for (name, port, greeting, commands) in [
        ("ftp", 21, greeting.clone(), format!("USER a\r\n{commands}")),
        ("smtp", 25, b"220 mx ESMTP ready\r\n".to_vec(), format!("EHLO a.example\r\n{commands}")),
        ("pop", 110, b"+OK POP3 ready\r\n".to_vec(), format!("CAPA\r\n{commands}")),
        (
            "imap",
            143,
            b"* OK IMAP4rev1 ready\r\n".to_vec(),
            (0..MAX_APPLICATION_PENDING + 3).map(|n| format!("a{n} NOOP\r\n")).collect(),
        ),
    ] {
        let mut capture = Capture::new();
        let mut connection = capture.connect(1000, port);
        connection.answer(&mut capture, &greeting, 1400);
        connection.ask(&mut capture, commands.as_bytes(), 1400);
        connection.close(&mut capture);
        let survived = survive(&format!("cap-pending-{name}"), &capture.bytes, &[]);
        assert_eq!(survived.of_type("application"), 1, "{name}");
        survived.limit("application.limit");
    }
}

#[test]
fn a_line_that_is_too_long() {
    let line = "NOOP ".to_owned() + &"x".repeat(MAX_APPLICATION_LINE_BYTES) + "\r\nQUIT\r\n";
    for (name, port, greeting, first) in [
        ("ftp", 21, "220 ready\r\n", "USER a\r\n"),
        ("smtp", 25, "220 mx ESMTP ready\r\n", "EHLO a.example\r\n"),
        ("pop", 110, "+OK POP3 ready\r\n", "CAPA\r\n"),
        ("imap", 143, "* OK IMAP4rev1 ready\r\n", "a1 CAPABILITY\r\n"),
    ] {
        let mut capture = Capture::new();
        let mut connection = capture.connect(1000, port);
        connection.answer(&mut capture, greeting.as_bytes(), 1400);
        connection.ask(&mut capture, (first.to_owned() + &line).as_bytes(), 1400);
        connection.close(&mut capture);
        survive(&format!("cap-line-{name}"), &capture.bytes, &[]).limit("application.limit");
    }
}

#[test]
fn too_many_features() {
    let features: String = (0..MAX_APPLICATION_FIELD_VALUES + 3).map(|n| format!(" F{n}\r\n")).collect();
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 21);
    connection.answer(&mut capture, b"220 ready\r\n", 1400);
    connection.ask(&mut capture, b"FEAT\r\n", 1400);
    connection.answer(&mut capture, format!("211-Features:\r\n{features}211 End\r\n").as_bytes(), 1400);
    connection.close(&mut capture);
    survive("cap-features", &capture.bytes, &[]).limit("application.limit");
}

#[test]
fn xmpp_that_never_asks_for_tls() {
    let begin = b"<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
    let long = [&b"<message "[..], &[b'x'; MAX_STARTTLS_LINE_BYTES]].concat();
    let many = b"<presence/>".repeat(MAX_BEFORE_STARTTLS as usize / 11 + 3);
    for (name, more) in [("element", long), ("many", many)] {
        let mut capture = Capture::new();
        let mut connection = capture.connect(1000, 5222);
        connection.ask(&mut capture, begin, 1400);
        connection.answer(&mut capture, begin, 1400);
        connection.ask(&mut capture, &more, 1400);
        connection.ask(&mut capture, b"><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 1400);
        connection.close(&mut capture);
        let survived = survive(&format!("cap-xmpp-{name}"), &capture.bytes, &[]);
        assert_eq!((survived.of_type("connection"), survived.of_type("tls")), (1, 0), "{name}");
    }
}
