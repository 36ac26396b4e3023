//! Tests of the session: scripted streams, whole and in every split, cut at every frame, and with holes.
use httlib_hpack::Encoder;
use proptest::prelude::*;

use super::*;
use crate::{
    app::Said,
    limits::{HTTP2, Limit, MAX_HTTP2_STREAMS},
    record::{Certainty, Endpoint, Finding, FlowFacts, FlowId, Http, Origin, PacketNumber, Transport},
};

const C: Direction = Direction::ClientToServer;
const S: Direction = Direction::ServerToClient;

/// A flow between two test addresses.
pub fn facts() -> FlowFacts {
    FlowFacts {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: Endpoint { address: [10, 0, 0, 1].into(), port: 40000 },
        server: Endpoint { address: [10, 0, 0, 2].into(), port: 80 },
        client_certainty: Certainty::Observed,
    }
}

/// What happens on the wire; each one is a packet, 400 ms after the one before.
#[derive(Clone, Debug)]
enum Event {
    Bytes(Direction, Vec<u8>),
    Gap(Direction, u64),
    End(Direction, EndCause),
    Close,
}
use Event::{Bytes, Close, End, Gap};

/// What came of a script.
#[derive(Debug, Default)]
struct Outcome {
    http: Vec<Http>,
    frames: Vec<Http2Frame>,
    findings: Vec<Finding>,
    applications: Vec<&'static str>,
    limits: Vec<&'static Limit>,
    infos: Vec<String>,
    /// The most that was left unconsumed.
    held: usize,
}

impl Outcome {
    fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    fn stream(&self, id: u64) -> &Http {
        let mut found = self.http.iter().filter(|http| http.stream_id == Some(id));
        let http = found.next().unwrap_or_else(|| panic!("no stream {id}: {self:?}"));
        assert!(found.next().is_none(), "stream {id} is reported twice");
        http
    }

    fn status(&self, id: u64) -> Option<u16> {
        self.stream(id).response.as_ref().and_then(|response| response.status)
    }
}

/// One direction as the flow room keeps it.
#[derive(Default)]
struct Way {
    pending: Vec<u8>,
    origins: Vec<Origin>,
    need: usize,
    begun: bool,
    skip: u64,
    passed: u64,
    missing: u64,
    last: PacketRef,
}

struct Player {
    session: Http2,
    ways: [Way; 2],
    packet: PacketRef,
    said: Vec<Said>,
    held: usize,
}

impl Player {
    fn ask(&mut self, input: Input<'_>, origins: &[Origin], from_start: bool) -> Progress {
        let flow = facts();
        let secrets = crate::record::Secrets::none();
        let context = Context {
            flow: &flow,
            packet: self.packet,
            origins,
            from_start,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets,
        };
        let wanted = RecordKind::ALL.into_iter().collect();
        self.session.input(input, &context, &mut Sink::new(wanted, true, &mut self.said))
    }

    fn pass(&mut self, direction: Direction, here: u64, missing: u64) {
        let way = &mut self.ways[direction.index()];
        (way.skip, way.passed, way.missing) = (way.skip - here, way.passed + here, way.missing + missing);
        if here > 0 && way.skip == 0 {
            self.tell_skipped(direction);
        }
    }

    fn tell_skipped(&mut self, direction: Direction) {
        let way = &mut self.ways[direction.index()];
        let (length, missing, last) = (way.passed, way.missing, way.last);
        (way.skip, way.passed, way.missing) = (0, 0, 0);
        if length > 0 {
            self.ask(Input::Skipped { direction, length, missing }, &[Origin { offset: 0, packet: last }], false);
        }
    }

    fn bytes(&mut self, direction: Direction, bytes: &[u8], from_start: bool) {
        let way = &mut self.ways[direction.index()];
        let passed = way.skip.min(bytes.len() as u64);
        if passed > 0 {
            way.last = self.packet;
        }
        self.pass(direction, passed, 0);
        let way = &mut self.ways[direction.index()];
        let bytes = &bytes[passed as usize..];
        if !bytes.is_empty() && way.origins.last().is_none_or(|last| last.packet != self.packet) {
            way.origins.push(Origin { offset: way.pending.len(), packet: self.packet });
        }
        way.pending.extend_from_slice(bytes);
        while !self.ways[direction.index()].pending.is_empty() {
            let way = &mut self.ways[direction.index()];
            if way.pending.len() < way.need {
                break;
            }
            way.need = 0;
            let (pending, mut origins) = (std::mem::take(&mut way.pending), std::mem::take(&mut way.origins));
            let fresh = from_start && !std::mem::replace(&mut way.begun, true);
            let progress = self.ask(Input::Stream { direction, bytes: &pending }, &origins, fresh);
            let way = &mut self.ways[direction.index()];
            let (done, again) = match progress {
                Progress::Consumed(done) => (done, false),
                Progress::Need { consumed, at_least } => {
                    assert!(pending.len() - consumed < at_least, "what is needed is here");
                    way.need = at_least;
                    (consumed, false)
                }
                Progress::Skip(length) => {
                    let here = (pending.len() as u64).min(length);
                    assert!(here > 0, "skips nothing");
                    (way.skip, way.passed) = (length - here, if length > here { here } else { 0 });
                    way.last = origins.last().map_or(self.packet, |last| last.packet);
                    (here as usize, true)
                }
                other => panic!("{other:?}"),
            };
            way.pending = pending[done..].to_vec();
            origins.drain(..origins.iter().rposition(|origin| origin.offset <= done).unwrap_or(0));
            origins.iter_mut().for_each(|origin| origin.offset = origin.offset.saturating_sub(done));
            way.origins = if way.pending.is_empty() { Vec::new() } else { origins };
            self.held = self.held.max(way.pending.len());
            if !again {
                break;
            }
        }
    }
}

/// Plays a script as the flow room does, in pieces of `piece` bytes.
fn play(events: &[Event], piece: usize, from_start: bool) -> Outcome {
    let session = Http2::new(Carrier::Tcp);
    let mut player =
        Player { session, ways: Default::default(), packet: PacketRef::default(), said: Vec::new(), held: 0 };
    for (index, event) in events.iter().enumerate() {
        player.packet = PacketRef {
            index: index as u64,
            number: PacketNumber::new(0, index as u64 + 1),
            timestamp: Timestamp(index as i64 * 400_000_000),
        };
        match event {
            Bytes(direction, bytes) => {
                bytes.chunks(piece).for_each(|part| player.bytes(*direction, part, from_start));
            }
            Gap(direction, length) => {
                let within = player.ways[direction.index()].skip.min(*length);
                player.pass(*direction, within, within);
                let way = &mut player.ways[direction.index()];
                let length = length - within + way.pending.len() as u64;
                (way.pending, way.origins, way.need, way.begun) = (Vec::new(), Vec::new(), 0, true);
                if length > 0 {
                    player.ask(Input::Gap { direction: *direction, length }, &[], false);
                }
            }
            End(direction, cause) => {
                player.tell_skipped(*direction);
                player.ask(Input::End { direction: *direction, cause: *cause }, &[], false);
            }
            Close => {
                Direction::BOTH.into_iter().for_each(|direction| player.tell_skipped(direction));
                player.ask(Input::Close, &[], false);
            }
        }
    }
    let mut outcome = Outcome { held: player.held, ..Outcome::default() };
    for said in player.said {
        match said {
            Said::Record(Record::Http(http)) => outcome.http.push(*http),
            Said::Record(Record::Http2Frame(frame)) => outcome.frames.push(*frame),
            Said::Record(Record::Finding(finding)) => outcome.findings.push(*finding),
            Said::Application(name) => outcome.applications.push(name),
            Said::Limit(limit) => outcome.limits.push(limit),
            Said::Note(note) => outcome.infos.push(note.info),
            other => panic!("{other:?}"),
        }
    }
    outcome
}

/// Plays a script whole and in several splits, and checks that all say the same.
fn run(events: &[Event]) -> Outcome {
    let whole = play(events, usize::MAX, true);
    for piece in [1, 2, 3, 5, 8, 9, 10, 13, 31] {
        let split = play(events, piece, true);
        assert_eq!(split.http, whole.http, "pieces of {piece}");
        assert_eq!(split.frames, whole.frames, "pieces of {piece}");
        assert_eq!((&split.findings, &split.infos), (&whole.findings, &whole.infos), "pieces of {piece}");
        assert_eq!(split.applications, whole.applications);
    }
    whole
}

fn frame(number: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[number, flags], &stream.to_be_bytes(), payload].concat()
}

fn data(stream: u32, end: bool, bytes: usize) -> Vec<u8> {
    frame(0, u8::from(end), stream, &vec![b'x'; bytes])
}

/// A sender of header blocks with its table.
struct Sender(Encoder<'static>);

impl Sender {
    fn new() -> Self {
        Self(Encoder::with_dynamic_size(4096))
    }

    fn block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let flags = Encoder::HUFFMAN_NAME | Encoder::HUFFMAN_VALUE | Encoder::WITH_INDEXING | Encoder::BEST_FORMAT;
        let mut block = Vec::new();
        for (name, value) in fields {
            self.0.encode((name.as_bytes().to_vec(), value.as_bytes().to_vec(), flags), &mut block).unwrap();
        }
        block
    }

    fn headers(&mut self, stream: u32, end: bool, fields: &[(&str, &str)]) -> Vec<u8> {
        frame(1, 4 | u8::from(end), stream, &self.block(fields))
    }

    fn get(&mut self, stream: u32, path: &str) -> Vec<u8> {
        self.headers(
            stream,
            true,
            &[
                (":method", "GET"),
                (":scheme", "http"),
                (":path", path),
                (":authority", "a.example"),
                ("user-agent", "t/1"),
            ],
        )
    }
}

fn hello() -> [Event; 2] {
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
    [Bytes(C, [PREFACE.as_slice(), &settings].concat()), Bytes(S, [settings, frame(4, 1, 0, &[])].concat())]
}

fn script(more: Vec<Event>) -> Vec<Event> {
    hello().into_iter().chain(more).chain([Close]).collect()
}

#[test]
fn one_exchange() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let head = server.headers(1, false, &[(":status", "200"), ("content-type", "text/css"), ("content-length", "5")]);
    let got = run(&script(vec![
        Bytes(C, client.get(1, "/a?b")),
        Bytes(S, [head, data(1, false, 3)].concat()),
        Bytes(S, data(1, true, 2)),
    ]));
    let http = got.stream(1);
    let (request, response) = (http.request.as_ref().unwrap(), http.response.as_ref().unwrap());
    assert_eq!((request.method.as_deref(), request.target.as_deref()), (Some("GET"), Some("/a?b")));
    assert_eq!((request.scheme.as_deref(), request.authority.as_deref()), (Some("http"), Some("a.example")));
    assert_eq!(request.user_agent.as_deref(), Some("t/1"));
    assert_eq!(request.headers, [("user-agent".to_owned(), "t/1".to_owned())]);
    assert_eq!((response.status, response.body_bytes, response.packet.number()), (Some(200), 5, 4));
    assert_eq!((http.ttfb_ns, http.download_ns), (Some(400_000_000), Some(400_000_000)));
    assert_eq!(http.subject.evidence.numbers().iter().map(|packet| packet.number()).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(got.infos[4..], ["HEADERS[1]: GET /a?b", "HEADERS[1]: 200", "DATA[1]", "DATA[1]"]);
    let kinds: Vec<_> = got.frames.iter().map(|frame| frame.frame_type).collect();
    assert_eq!(kinds, [None, Some(4), Some(4), Some(4), Some(1), Some(1), Some(0), Some(0)]);
    let list = got.frames[4].headers.as_ref().unwrap();
    assert_eq!(list[0], (Some(":method".to_owned()), Some("GET".to_owned())));
    assert!(got.findings.is_empty() && got.limits.is_empty(), "{:?}", got.findings);
}

#[test]
fn streams_are_independent() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let asked = [client.get(1, "/1"), client.get(3, "/3"), client.get(5, "/5")].concat();
    let ok = |server: &mut Sender, stream| server.headers(stream, false, &[(":status", "200")]);
    let answered = [
        ok(&mut server, 5),
        data(5, false, 10),
        ok(&mut server, 1),
        data(1, true, 20_000),
        data(5, true, 7),
        server.headers(3, true, &[(":status", "404")]),
    ];
    let got = run(&script(vec![Bytes(C, asked), Bytes(S, answered.concat())]));
    let order: Vec<_> = got.http.iter().map(|http| http.stream_id.unwrap()).collect();
    assert_eq!(order, [1, 5, 3]);
    let sizes = [1, 3, 5].map(|id| got.stream(id).response.as_ref().unwrap().body_bytes);
    assert_eq!((sizes, got.status(3)), ([20_000, 0, 17], Some(404)));
    assert_eq!(got.codes(), ["http.client-error"]);
    assert!(got.held < 100, "content was held: {}", got.held);
}

#[test]
fn padding_priority_continuation_and_trailers() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let block = client.block(&[(":method", "POST"), (":path", "/up"), (":scheme", "http"), ("host", "h.example")]);
    let (first, rest) = block.split_at(5);
    let begin = [&[3, 0, 0, 0, 0, 9], first, &[0; 3]].concat();
    let asked = [
        frame(1, 0x28, 1, &begin),
        frame(9, 0, 1, rest),
        frame(9, 4, 1, &client.block(&[("content-type", "application/grpc+proto"), ("te", "trailers")])),
        frame(0, 8, 1, &[&[4], [b'y'; 6].as_slice(), &[0; 4]].concat()),
        frame(0, 9, 1, &[2, 0, 0]),
    ];
    let answered = [
        server.headers(1, false, &[(":status", "103"), ("link", "</a>")]),
        server.headers(1, false, &[(":status", "200"), ("content-type", "application/grpc")]),
        data(1, false, 9),
        server.headers(1, true, &[("grpc-status", "14"), ("grpc-message", "away")]),
    ];
    let got = run(&script(vec![Bytes(C, asked.concat()), Bytes(S, answered.concat())]));
    let http = got.stream(1);
    let (request, response) = (http.request.as_ref().unwrap(), http.response.as_ref().unwrap());
    assert_eq!((request.body_bytes, request.authority.as_deref()), (6, Some("h.example")));
    assert_eq!((http.informational[0].status, response.status, response.body_bytes), (Some(103), Some(200), 9));
    assert_eq!(response.trailers[0], ("grpc-status".to_owned(), "14".to_owned()));
    assert_eq!((http.grpc_status, got.applications.as_slice()), (Some(14), &["grpc"][..]));
    assert_eq!(got.codes(), ["grpc.error"]);
    // The block stands on the frame that ends it.
    let lists: Vec<_> =
        got.frames.iter().filter(|frame| frame.stream_id == Some(1)).map(|f| f.headers.is_some()).collect();
    assert_eq!(lists, [false, false, true, false, false, true, true, false, true]);
}

#[test]
fn pushed_streams() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let promise = server.block(&[(":method", "GET"), (":path", "/style.css"), (":authority", "a.example")]);
    let answered = [
        frame(5, 4, 1, &[&[0, 0, 0, 2], promise.as_slice()].concat()),
        server.headers(1, true, &[(":status", "204")]),
        server.headers(2, true, &[(":status", "200")]),
    ];
    let got = run(&script(vec![Bytes(C, client.get(1, "/")), Bytes(S, answered.concat())]));
    let pushed = got.stream(2);
    assert_eq!((pushed.promised_on, pushed.ttfb_ns, got.status(2)), (Some(1), None, Some(200)));
    assert_eq!(pushed.request.as_ref().unwrap().target.as_deref(), Some("/style.css"));
    assert_eq!((pushed.client.port, got.status(1)), (40_000, Some(204)));
}

#[test]
fn resets_and_going_away() {
    let mut client = Sender::new();
    let mut server = Sender::new();
    let asked: Vec<u8> = [1, 3, 5, 7].into_iter().flat_map(|stream| client.get(stream, "/")).collect();
    let got = run(&script(vec![
        Bytes(C, asked),
        Bytes(S, [server.headers(1, false, &[(":status", "200")]), data(1, false, 5)].concat()),
        Bytes(C, frame(3, 0, 1, &[0, 0, 0, 8])),
        Bytes(S, [data(1, true, 5), frame(3, 0, 3, &[0, 0, 0, 7])].concat()),
        Bytes(S, frame(7, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 2, b'o', b'h'])),
        End(S, EndCause::Fin),
    ]));
    let reset = got.stream(1).reset.as_ref().unwrap();
    assert_eq!((reset.side, reset.code, reset.name), (crate::record::Side::Client, 8, Some("CANCEL")));
    assert_eq!(got.stream(1).response.as_ref().unwrap().body_bytes, 5);
    let titles: Vec<_> = got.findings.iter().map(|finding| finding.title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "GET / was reset by the client before its response had ended: CANCEL",
            "GET / was reset by the server before any response: REFUSED_STREAM",
            "The server gave the connection up: INTERNAL_ERROR",
            "GET / got no response: the connection was closed",
            "GET / got no response: the server was going away",
        ]
    );
}

/// Content that the capture lacks costs nothing but its bytes.
#[test]
fn a_hole_inside_content() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let head = server.headers(1, false, &[(":status", "200"), ("x-a", "remembered")]);
    let body = data(1, true, 1000);
    let got = run(&script(vec![
        Bytes(C, [client.get(1, "/"), client.get(3, "/3")].concat()),
        Bytes(S, [head.as_slice(), &body[..209]].concat()),
        Gap(S, 300),
        Bytes(S, [&body[509..], &server.headers(3, true, &[(":status", "200"), ("x-a", "remembered")])].concat()),
    ]));
    assert_eq!(got.stream(1).response.as_ref().unwrap().body_bytes, 700);
    assert_eq!(got.stream(3).response.as_ref().unwrap().headers[0].1, "remembered");
}

/// A hole in between frames: the next ones are found, and what refers to the lost ones is unknown.
#[test]
fn a_hole_between_frames() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let before = server.headers(1, true, &[(":status", "302"), ("x-a", "one")]);
    let after = server.headers(3, true, &[(":status", "302"), ("x-a", "one"), ("x-b", "two")]);
    let later = server.headers(5, true, &[(":status", "302"), ("x-b", "two")]);
    let asked: Vec<u8> = [1, 3, 5].into_iter().flat_map(|stream| client.get(stream, "/p")).collect();
    let got = run(&script(vec![
        Bytes(C, asked),
        Bytes(S, before),
        Gap(S, 77),
        Bytes(S, [b"\x17\x03rest of something that was cut".as_slice(), &after, &later].concat()),
    ]));
    assert_eq!((got.status(1), got.status(3), got.status(5)), (Some(302), None, None));
    let headers = |id| got.stream(id).response.as_ref().unwrap().headers.clone();
    assert_eq!(headers(3), [("x-b".to_owned(), "two".to_owned())]);
    assert_eq!(headers(5), [("x-b".to_owned(), "two".to_owned())]);
}

/// Eight streams of a connection as real ends speak it, a frame a packet.
fn conversation() -> Vec<(Direction, Vec<u8>)> {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let mut all = Vec::new();
    for number in 0..8_u32 {
        let stream = number * 2 + 1;
        let path = format!("/page/{}", number / 2);
        all.push((C, client.get(stream, &path)));
        let status = if number % 3 == 0 { "302" } else { "200" };
        let etag = format!("e{}", number / 3);
        all.push((S, server.headers(stream, false, &[(":status", status), ("server", "s/1"), ("etag", &etag)])));
        all.push((S, data(stream, true, 30)));
        all.push((C, frame(8, 0, 0, &[0, 0, 0, 30])));
    }
    all
}

/// Cut at every frame boundary: nothing is wrong, and every field that was spelled out behind the cut is known from there
/// on.
#[test]
fn a_late_start_at_every_frame() {
    let all = conversation();
    let events = |from: usize| {
        let events = all[from..].iter().map(|(direction, bytes)| Bytes(*direction, bytes.clone()));
        events.chain([Close]).collect::<Vec<_>>()
    };
    let lists = |outcome: &Outcome| {
        let frames =
            outcome.frames.iter().filter_map(|frame| Some((frame.side, frame.stream_id, frame.headers.clone()?)));
        frames.collect::<Vec<_>>()
    };
    let whole = lists(&play(&script(events(0)), usize::MAX, true));
    for cut in 0..all.len() {
        for piece in [usize::MAX, 7] {
            let got = play(&events(cut), piece, false);
            let late = lists(&got);
            let mut known = std::collections::BTreeSet::new();
            for ((side, stream, ours), (_, other, theirs)) in late.iter().zip(&whole[whole.len() - late.len()..]) {
                assert_eq!((stream, ours.len()), (other, theirs.len()), "{cut}");
                for (ours, theirs) in ours.iter().zip(theirs) {
                    assert!(ours.0.is_none() || ours.0 == theirs.0, "{cut}: {ours:?} {theirs:?}");
                    assert!(ours.1.is_none() || ours.1 == theirs.1, "{cut}: {ours:?} {theirs:?}");
                    if ours == theirs {
                        known.insert((*side, theirs.clone()));
                    } else {
                        assert!(!known.contains(&(*side, theirs.clone())), "{cut}: {theirs:?} was known");
                    }
                }
            }
            // Whole frames are all found, one that is alone in its packet included.
            let expected = all[cut..].iter().filter(|(_, bytes)| matches!(bytes[3], 1)).count();
            assert_eq!(late.len(), expected, "cut {cut}, pieces of {piece}: {:?}", got.infos);
        }
    }
}

#[test]
fn flow_control_that_stalls() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let preface = [PREFACE.as_slice(), &frame(4, 0, 0, &[0, 4, 0, 0, 3, 232])].concat();
    let head = server.headers(1, false, &[(":status", "200")]);
    let grant = |bytes: u16| frame(8, 0, 1, &[&[0, 0], bytes.to_be_bytes().as_slice()].concat());
    let got = run(&[
        Bytes(C, preface),
        Bytes(S, frame(4, 0, 0, &[])),
        Bytes(C, client.get(1, "/")),
        Bytes(S, [head, data(1, false, 1000)].concat()),
        Bytes(C, grant(500)),
        Bytes(S, data(1, false, 500)),
        Bytes(C, grant(1500)),
        Bytes(S, data(1, true, 5)),
        Close,
    ]);
    assert_eq!(got.codes(), ["http2.flow-control-stall"]);
    assert_eq!(got.findings[0].title, "GET / stood still for 800 ms in all: no window on its stream");
    assert!(got.findings[0].explanation.contains("2 times"), "{}", got.findings[0].explanation);
}

#[test]
fn what_breaks_the_rules() {
    let (mut client, mut server) = (Sender::new(), Sender::new());
    for (bytes, what) in [
        (frame(4, 0, 0, &[0; 5]), "a length that its type does not have"),
        (frame(6, 0, 1, &[0; 8]), "a stream that its type does not belong to"),
        (frame(0, 8, 1, &[9, 1, 2]), "more padding than its frame holds"),
        (frame(9, 4, 1, &[0x82]), "CONTINUATION without a header block before it"),
        ([frame(1, 0, 1, &[0x82]), frame(6, 0, 0, &[0; 8])].concat(), "another frame inside a header block"),
        (frame(1, 4, 1, &[0xff, 0x20]), "a header block with a reference to table entry 159, which does not exist"),
    ] {
        let got = run(&script(vec![Bytes(C, bytes)]));
        assert_eq!(got.codes(), ["http2.malformed"], "{what}");
        assert_eq!(got.findings[0].title, format!("The client sent {what}"));
    }
    // Unknown types are passed over (RFC 9113 5.5).
    let strange = [frame(0xbb, 0xff, 0, &[7; 5000]), client.get(1, "/")].concat();
    let got = run(&script(vec![Bytes(C, strange), Bytes(S, server.headers(1, true, &[(":status", "200")]))]));
    assert_eq!((got.status(1), got.findings.len()), (Some(200), 0));
    assert!(got.held < 100);
}

#[test]
fn limits_are_reached_and_told() {
    // A flood of CONTINUATION frames (CVE-2024-27316), then business as usual, its fields unknown where they refer back.
    let (mut client, mut server) = (Sender::new(), Sender::new());
    let mut flood = vec![Bytes(C, frame(1, 1, 1, &[0x82]))];
    let enough = crate::limits::MAX_HTTP2_HEADER_BLOCK_BYTES / 16_000 + 3;
    flood.extend((0..enough).map(|_| Bytes(C, frame(9, 0, 1, &[0; 16_000]))));
    flood.push(Bytes(C, frame(9, 4, 1, &[0; 16_000])));
    flood.push(Bytes(C, client.get(3, "/")));
    flood.push(Bytes(S, server.headers(3, true, &[(":status", "200")])));
    let got = play(&script(flood), usize::MAX, true);
    assert!(got.limits.iter().all(|limit| std::ptr::eq(*limit, &HTTP2)) && got.limits.len() == 1);
    assert_eq!(got.status(3), Some(200));
    assert!(got.held <= 16_009);
    // A frame longer than is read whole.
    let long = frame(1, 5, 1, &vec![0x82; MAX_HTTP2_FRAME_BYTES]);
    let got = play(&script(vec![Bytes(C, [long, client.get(3, "/")].concat())]), usize::MAX, true);
    assert_eq!((got.limits.len(), got.http.len(), got.held), (1, 1, 0));
    // More streams than are kept open: the oldest are reported early.
    let mut client = Sender::new();
    let asked = (0..MAX_HTTP2_STREAMS as u32 + 2).flat_map(|number| client.get(number * 2 + 1, "/")).collect();
    let got = play(&script(vec![Bytes(C, asked)]), usize::MAX, true);
    assert_eq!((got.limits.len(), got.http.len()), (2, MAX_HTTP2_STREAMS + 2));
    // Nothing to be found in a long search.
    let noise = vec![0xff; 100_000];
    let searched = (0..=crate::limits::MAX_HTTP2_SEARCH_BYTES / 100_000 + 1).map(|_| Bytes(S, noise.clone()));
    let got = play(&script([Gap(S, 5)].into_iter().chain(searched).collect()), usize::MAX, true);
    assert_eq!((got.limits.len(), got.held), (1, 8));
}

#[test]
fn rapid_resets() {
    let mut client = Sender::new();
    let attack: Vec<u8> = (0..150_u32)
        .flat_map(|number| [client.get(number * 2 + 1, "/"), frame(3, 0, number * 2 + 1, &[0, 0, 0, 8])].concat())
        .collect();
    let got = play(&script(vec![Bytes(C, attack)]), usize::MAX, true);
    assert_eq!(got.codes().iter().filter(|code| **code == "http2.rapid-reset").count(), 1);
}

/// Behind an upgrade the first stream's request was HTTP/1 (RFC 7540 3.2): its response comes alone.
#[test]
fn the_stream_of_an_upgrade() {
    let mut server = Sender::new();
    let settings = frame(4, 0, 0, &[]);
    let answer = [settings.as_slice(), &server.headers(1, true, &[(":status", "200")])].concat();
    let got = run(&[Bytes(S, answer), Bytes(C, [PREFACE.as_slice(), &settings].concat()), Close]);
    assert_eq!((got.stream(1).request.is_none(), got.status(1)), (true, Some(200)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes: no panic, and the same in any split.
    #[test]
    fn any_frames(
        frames in proptest::collection::vec(
            (any::<bool>(), 0_u8..12, any::<u8>(), 0_u32..6, proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
        hole in 0_usize..12,
    ) {
        let mut events = Vec::new();
        for (place, (client, number, flags, stream, payload)) in frames.iter().enumerate() {
            let direction = if *client { C } else { S };
            if place == hole {
                events.push(Gap(direction, 3));
            }
            events.push(Bytes(direction, frame(*number, *flags, *stream, payload)));
        }
        let events = script(events);
        let whole = play(&events, usize::MAX, true);
        for piece in [1, 6] {
            let split = play(&events, piece, true);
            prop_assert_eq!(&split.http, &whole.http);
        }
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), from_start in any::<bool>()) {
        play(&[Bytes(C, bytes.clone()), Gap(C, 1), Bytes(C, bytes.clone()), Bytes(S, bytes), Close], 17, from_start);
    }

    /// Every prefix of a conversation.
    #[test]
    fn any_prefix(cut in 0_usize..32, inside in 0_usize..60) {
        let mut all = conversation();
        all.truncate(cut + 1);
        if let Some((_, last)) = all.get_mut(cut) {
            last.truncate(inside);
        }
        play(&script(all.into_iter().map(|(direction, bytes)| Bytes(direction, bytes)).collect()), usize::MAX, true);
    }
}
