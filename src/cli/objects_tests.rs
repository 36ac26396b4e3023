//! Each limit of the export, reached.
use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::record::{Endpoint, Evidence, HttpMeaning, HttpOver, HttpRequest, HttpResponse, Timestamp};

/// Keeps what it is given.
#[derive(Default)]
struct Kept(std::sync::Arc<std::sync::Mutex<Vec<Record>>>);

impl Writer for Kept {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn http(stream: u64, coding: Option<&str>) -> Http {
    let endpoint = Endpoint { address: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 80 };
    let packet = PacketNumber::new(0, stream * 10 + 1);
    let headers = coding.map(|coding| ("content-encoding".to_owned(), coding.to_owned()));
    Http {
        subject: Subject::new(FlowId::default(), Evidence::default()),
        client: endpoint,
        server: endpoint,
        version: "2".to_owned(),
        stream_id: Some(stream),
        over: HttpOver::Tcp,
        request: Some(HttpRequest {
            packet,
            ts: Timestamp(0),
            version: "2".to_owned(),
            method: Some("GET".to_owned()),
            target: Some("/x.txt".to_owned()),
            scheme: None,
            authority: Some("a.example".to_owned()),
            user_agent: None,
            headers: Vec::new(),
            content_type: None,
            content_length: None,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        }),
        response: Some(HttpResponse {
            packet: PacketNumber::new(0, stream * 10 + 2),
            ts: Timestamp(0),
            version: "2".to_owned(),
            status: Some(200),
            reason: None,
            content_type: None,
            content_length: None,
            headers: headers.into_iter().collect(),
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        }),
        informational: Vec::new(),
        ttfb_ns: None,
        download_ns: None,
        pipelined: false,
        promised_on: None,
        reset: None,
        grpc_status: None,
        meaning: HttpMeaning::default(),
        serial: 0,
    }
}

fn piece(stream: u64, piece: HttpPiece) -> HttpContent {
    HttpContent { flow: FlowId::default(), stream, message: PacketNumber::new(0, stream * 10 + 2), piece }
}

fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("wireglass-objects-{}-{name}", process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

/// Exports `bodies` one after another, then what `end` says; answers the objects and what the directory holds.
fn export(
    name: &str,
    limits: Limits,
    bodies: &[(&[u8], Option<&str>)],
) -> (Vec<Option<HttpObject>>, Vec<Record>, usize) {
    let to = directory(name);
    let kept = Kept::default();
    let records = std::sync::Arc::clone(&kept.0);
    let mut exporter = Exporter::new(Box::new(kept), &to, Wanted::usual(), limits).unwrap();
    for (stream, (body, _)) in (0..).zip(bodies) {
        for part in body.chunks(1000) {
            exporter.content(&piece(stream, HttpPiece::Bytes(part.to_vec()))).unwrap();
        }
        exporter.content(&piece(stream, HttpPiece::End)).unwrap();
    }
    for (stream, (_, coding)) in (0..).zip(bodies) {
        exporter.record(&Record::Http(Box::new(http(stream, *coding)))).unwrap();
    }
    exporter.tell_limit().unwrap();
    drop(exporter);
    let count = fs::read_dir(&to).unwrap().count();
    fs::remove_dir_all(&to).unwrap();
    let records = std::mem::take(&mut *records.lock().unwrap());
    let objects = records.iter().filter_map(|record| match record {
        Record::Http(http) => Some(http.response.as_ref().unwrap().object.clone()),
        _ => None,
    });
    (objects.collect(), records.clone(), count)
}

fn codes(records: &[Record]) -> Vec<&'static str> {
    let findings = records.iter().filter_map(|record| match record {
        Record::Finding(finding) => Some(finding.code),
        _ => None,
    });
    findings.collect()
}

#[test]
fn short_ones_stay_in_memory_and_long_ones_go_to_files() {
    let long = vec![b'x'; 100_000];
    let (objects, _, files) = export("both", Limits::default(), &[(b"short", None), (&long, None), (b"", None)]);
    assert_eq!(files, 2);
    assert_eq!(objects[1].as_ref().unwrap().bytes, 100_000);
    assert_eq!(objects[1].as_ref().unwrap().file.as_deref(), Some("a.example_x-2.txt"));
    assert_eq!(objects[2], None);
    // SHA-256 of a million "a" is in FIPS 180-4; 100,000 "x" is what coreutils says.
    assert_eq!(objects[0].as_ref().unwrap().sha256.as_deref().map(|hash| &hash[..8]), Some("f9b0078b"));
}

#[test]
fn objects_open_at_once_are_bounded() {
    let limits = Limits { open: 1, ..Limits::default() };
    let (objects, records, files) = export("open", limits, &[(b"one", None), (b"two", None)]);
    assert_eq!((objects[0].is_some(), objects[1].is_some(), files), (true, false, 1));
    assert_eq!(codes(&records), ["http.export-limit"]);
}

#[test]
fn objects_in_all_are_bounded() {
    let limits = Limits { objects: 1, ..Limits::default() };
    let (objects, records, files) = export("count", limits, &[(b"one", None), (b"two", None)]);
    assert_eq!(files, 1);
    let second = objects[1].as_ref().unwrap();
    assert_eq!((second.file.as_ref(), second.complete), (None, false));
    assert_eq!(codes(&records), ["http.export-limit"]);
}

#[test]
fn bytes_in_all_are_bounded() {
    let limits = Limits { bytes: 5000, buffer: 1000, ..Limits::default() };
    let (objects, _, files) = export("bytes", limits, &[(&[b'x'; 4000], None), (&[b'y'; 4000], None)]);
    let sizes: Vec<_> = objects.iter().flatten().map(|object| (object.bytes, object.complete)).collect();
    assert_eq!((sizes, files), (vec![(4000, true), (1000, false)], 2));
}

#[test]
fn one_object_is_bounded() {
    let limits = Limits { content: Bounds { bytes: 3000, ..Bounds::default() }, ..Limits::default() };
    let (objects, _, _) = export("long", limits, &[(&[b'x'; 4000], None)]);
    let object = objects[0].as_ref().unwrap();
    assert_eq!((object.bytes, object.complete, object.file.as_deref()), (3000, false, Some("a.example_x.txt.partial")));
}

#[test]
fn a_bomb_is_told() {
    use flate2::{Compression, write::GzEncoder};
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 1 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    let limits = Limits { content: Bounds { free: 1 << 16, ..Bounds::default() }, ..Limits::default() };
    let (objects, records, _) = export("bomb", limits, &[(&bomb, Some("gzip"))]);
    let object = objects[0].as_ref().unwrap();
    assert!(!object.complete && object.bytes <= bomb.len() as u64 * 200 && object.bytes > 1 << 16, "{object:?}");
    assert_eq!(codes(&records), ["http.decompression-bomb"]);
}
