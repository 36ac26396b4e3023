//! Tests of the session: scripted streams, whole and in every split.
use proptest::prelude::*;

use super::*;
use crate::{
    app::Said,
    limits::{MAX_HTTP_FIELDS, MAX_HTTP_INFORMATIONAL},
    record::{
        Certainty, Endpoint, Finding, FlowFacts, FlowId, Http, HttpRequest, HttpResponse, Origin, PacketNumber,
        PacketRef, Record, Timestamp, Transport, Wanted,
    },
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

/// What happens on the wire; each one is a packet.
#[derive(Clone, Debug)]
enum Event {
    Bytes(Direction, Vec<u8>),
    Gap(Direction, u64),
    End(Direction, EndCause),
    Close,
}
use Event::{Bytes, Close, End, Gap};

fn c(text: &str) -> Event {
    Bytes(C, text.as_bytes().to_vec())
}

fn s(text: &str) -> Event {
    Bytes(S, text.as_bytes().to_vec())
}

/// What came of a script.
#[derive(Debug, Default)]
struct Outcome {
    http: Vec<Http>,
    findings: Vec<Finding>,
    applications: Vec<&'static str>,
    infos: Vec<String>,
    /// What followed a hand-over, in the direction that handed over.
    handed_over: Option<Vec<u8>>,
    done: bool,
}
impl Outcome {
    fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(|finding| finding.code).collect()
    }

    fn request(&self, place: usize) -> &HttpRequest {
        self.http[place].request.as_ref().unwrap()
    }

    fn response(&self, place: usize) -> &HttpResponse {
        self.http[place].response.as_ref().unwrap()
    }

    fn text(&self) -> String {
        format!("{:?} {:?} {:?} {:?}", self.http, self.findings, self.applications, self.handed_over)
    }
}

/// A skip under way, as the flow room keeps it.
#[derive(Clone, Copy, Debug, Default)]
struct Skip {
    left: u64,
    length: u64,
    missing: u64,
    last: PacketRef,
}

impl Skip {
    /// Passes bytes, and tells when the skip is whole.
    fn pass(&mut self, here: u64, missing: u64, tell: &mut dyn FnMut(u64, u64, PacketRef)) {
        self.left -= here;
        self.length += here;
        self.missing += missing;
        if here > 0 && self.left == 0 {
            self.end(tell);
        }
    }

    fn end(&mut self, tell: &mut dyn FnMut(u64, u64, PacketRef)) {
        let Self { length, missing, last, .. } = std::mem::take(self);
        if length > 0 {
            tell(length, missing, last);
        }
    }
}

/// Plays a script as the flow room does: pieces of `piece` bytes, unconsumed bytes offered again.
fn play(events: &[Event], piece: usize, from_start: bool) -> Outcome {
    let flow = facts();
    let mut session = Http1::new(Carrier::Tcp);
    let mut said = Vec::new();
    let mut outcome = Outcome::default();
    let mut pending: [(Vec<u8>, Vec<Origin>); 2] = Default::default();
    let mut fresh = [from_start; 2];
    let mut skips = [Skip::default(); 2];
    'script: for (number, event) in events.iter().enumerate() {
        let index = number as u64;
        let packet = PacketRef {
            index,
            number: PacketNumber::new(0, index + 1),
            timestamp: Timestamp(number as i64 * 400_000_000),
        };
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: false,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: crate::record::Secrets::none(),
        };
        let mut out = Sink::new(Wanted::usual(), true, &mut said);
        macro_rules! tell {
            ($direction:expr) => {
                &mut |length, missing, last| {
                    let context = Context { origins: &[Origin { offset: 0, packet: last }], ..context };
                    session.input(Input::Skipped { direction: $direction, length, missing }, &context, &mut out);
                }
            };
        }
        match event {
            Bytes(direction, bytes) => {
                for part in bytes.chunks(piece) {
                    let skip = &mut skips[direction.index()];
                    let here = skip.left.min(part.len() as u64);
                    if here > 0 {
                        skip.last = packet;
                    }
                    skip.pass(here, 0, tell!(*direction));
                    let part = &part[here as usize..];
                    let (buffer, origins) = &mut pending[direction.index()];
                    if origins.last().is_none_or(|last| last.packet != packet) {
                        origins.push(Origin { offset: buffer.len(), packet });
                    }
                    buffer.extend_from_slice(part);
                    if buffer.is_empty() {
                        origins.clear();
                        continue;
                    }
                    let from_start = std::mem::replace(&mut fresh[direction.index()], false);
                    let context = Context { origins, from_start, ..context };
                    let input = Input::Stream { direction: *direction, bytes: buffer };
                    let done = match session.input(input, &context, &mut out) {
                        Progress::Consumed(done) => done,
                        Progress::Skip(length) => {
                            let here = (buffer.len() as u64).min(length);
                            assert!(length > here, "content that is here needs no skip");
                            skips[direction.index()] =
                                Skip { left: length - here, length: here, missing: 0, last: packet };
                            here as usize
                        }
                        Progress::HandOver(done) => {
                            outcome.handed_over = Some(buffer[done..].to_vec());
                            break 'script;
                        }
                        Progress::Done => {
                            outcome.done = true;
                            break 'script;
                        }
                        other => panic!("{other:?}"),
                    };
                    buffer.drain(..done);
                    let keep = origins.iter().rposition(|origin| origin.offset <= done).unwrap_or(0);
                    origins.drain(..keep);
                    origins.iter_mut().for_each(|origin| origin.offset = origin.offset.saturating_sub(done));
                    if buffer.is_empty() {
                        origins.clear();
                    }
                }
            }
            Gap(direction, length) => {
                let skip = &mut skips[direction.index()];
                let within = skip.left.min(*length);
                skip.pass(within, within, tell!(*direction));
                let length = *length - within + pending[direction.index()].0.len() as u64;
                pending[direction.index()] = Default::default();
                fresh[direction.index()] = false;
                if length > 0 {
                    session.input(Input::Gap { direction: *direction, length }, &context, &mut out);
                }
            }
            End(direction, cause) => {
                // A reset ends both directions.
                let ways = [Some(*direction), (*cause == EndCause::Reset).then_some(direction.reverse())];
                for way in ways.into_iter().flatten() {
                    skips[way.index()].end(tell!(way));
                    pending[way.index()] = Default::default();
                }
                session.input(Input::End { direction: *direction, cause: *cause }, &context, &mut out);
            }
            Close => {
                for way in Direction::BOTH {
                    skips[way.index()].end(tell!(way));
                }
                session.input(Input::Close, &context, &mut out);
            }
        }
    }
    for said in said {
        match said {
            Said::Record(Record::Http(http)) => outcome.http.push(*http),
            // The scripts are short: most leave out what tests/http_meaning.rs looks for.
            Said::Record(Record::Finding(finding)) if finding.code == "http.invalid-host" => {}
            Said::Record(Record::Finding(finding)) => outcome.findings.push(*finding),
            Said::Application(name) => outcome.applications.push(name),
            Said::Note(note) => outcome.infos.push(note.info),
            Said::Expect(name) => assert_eq!(name, "websocket"),
            other => panic!("{other:?}"),
        }
    }
    outcome
}

/// Plays a script whole and in several splits, and checks that all say the same.
fn run(events: &[Event]) -> Outcome {
    run_from(events, true)
}

fn run_from(events: &[Event], from_start: bool) -> Outcome {
    let whole = play(events, usize::MAX, from_start);
    for piece in [1, 2, 3, 5, 7, 11, 16, 31] {
        let split = play(events, piece, from_start);
        let same_handover = whole.handed_over.is_some() == split.handed_over.is_some();
        assert!(same_handover, "pieces of {piece}");
        assert_eq!((&split.http, &split.findings), (&whole.http, &whole.findings), "pieces of {piece}");
        assert_eq!(split.applications, whole.applications);
        assert_eq!(split.infos, whole.infos);
    }
    whole
}

#[test]
fn one_exchange() {
    let got = run(&[
        c("GET /a?b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: x/1\r\n\r\n"),
        s("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n\r\nhe"),
        s("llo"),
        Close,
    ]);
    let request = got.request(0);
    assert_eq!(
        (request.method.as_deref().unwrap(), request.target.as_deref().unwrap(), request.version.as_str()),
        ("GET", "/a?b", "1.1")
    );
    assert_eq!(request.authority.as_deref(), Some("example.com"));
    assert_eq!(request.user_agent.as_deref(), Some("x/1"));
    assert_eq!(request.headers[0], ("Host".to_owned(), "example.com".to_owned()));
    let response = got.response(0);
    assert_eq!((response.status.unwrap(), response.body_bytes, response.packet.number()), (200, 5, 2));
    assert_eq!(response.content_length.as_deref(), Some("5"));
    assert_eq!((got.http[0].ttfb_ns, got.http[0].download_ns), (Some(400_000_000), Some(400_000_000)));
    let evidence: Vec<_> = got.http[0].subject.evidence.numbers().iter().map(|packet| packet.number()).collect();
    assert_eq!(evidence, [1, 2, 3]);
    assert_eq!(got.infos, ["GET /a?b HTTP/1.1", "HTTP/1.1 200 OK (text/html)"]);
    assert!(got.findings.is_empty() && got.http.len() == 1);
    assert_eq!(request.scheme, None);
}

#[test]
fn head_over_several_packets_belongs_to_the_last() {
    let got = run(&[c("GET / HTTP/1.1\r\nHo"), c("st: a\r\n\r\n"), s("HTTP/1.1 204\r\n"), s("\r\n"), Close]);
    assert_eq!((got.request(0).packet.number(), got.response(0).packet.number()), (2, 4));
    assert_eq!(got.http[0].ttfb_ns, Some(400_000_000));
    assert_eq!(got.response(0).reason, None);
}

#[test]
fn pipelined_keep_alive_head_and_chunked() {
    let get = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let got = run(&[
        c(&format!(
            "{get}HEAD /2 HTTP/1.1\r\nHost: a\r\n\r\nPOST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        )),
        s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nWiki\r\n0\r\nTrailer: z\r\n\r\n"),
        s("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\n!"),
        c(get),
        s("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
        Close,
    ]);
    let seen: Vec<_> = got
        .http
        .iter()
        .map(|http| {
            (
                http.request.as_ref().unwrap().target.as_deref().unwrap(),
                http.response.as_ref().unwrap().status.unwrap(),
                http.pipelined,
            )
        })
        .collect();
    assert_eq!(seen, [("/1", 200, false), ("/2", 200, true), ("/3", 404, true), ("/1", 304, false)]);
    assert_eq!((got.request(2).body_bytes, got.response(0).body_bytes, got.response(2).body_bytes), (3, 4, 1));
    assert_eq!(got.codes(), ["http.client-error"]);
}

#[test]
fn informational_and_early_answers() {
    let got = run(&[
        c("POST /up HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"),
        s("HTTP/1.1 100 Continue\r\n\r\n"),
        c("abcd"),
        s("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
        c("POST /big HTTP/1.1\r\nContent-Length: 100\r\n\r\n"),
        s("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
        End(S, EndCause::Fin),
        Close,
    ]);
    assert_eq!(got.http[0].informational[0].status.unwrap(), 100);
    assert_eq!((got.response(0).status.unwrap(), got.http[0].ttfb_ns), (201, Some(400_000_000)));
    assert_eq!((got.response(1).status.unwrap(), got.http[1].ttfb_ns), (413, None));
    assert_eq!(got.codes(), ["http.client-error"]);
}

#[test]
fn until_close_and_truncated() {
    let got =
        run(&[c("GET / HTTP/1.0\r\n\r\n"), s("HTTP/1.0 200 OK\r\n\r\nabc"), s("def"), End(S, EndCause::Fin), Close]);
    assert_eq!((got.response(0).body_bytes, got.findings.len()), (6, 0));
    let got = run(&[c("GET / HTTP/1.1\n\n"), s("HTTP/1.1 200 OK\nContent-Length: 9\n\nabc"), End(S, EndCause::Fin)]);
    assert_eq!((got.response(0).body_bytes, got.codes()), (3, vec!["http.truncated-body"]));
    assert!(got.findings[0].title.contains("6 bytes before"));
    // A capture that stops is no truncated body.
    let got = run(&[c("GET / HTTP/1.1\n\n"), s("HTTP/1.1 200 OK\nContent-Length: 9\n\nabc"), Close]);
    assert_eq!((got.http.len(), got.findings.len()), (1, 0));
}

#[test]
fn no_response() {
    for (cause, severity) in [(EndCause::Fin, "Warning"), (EndCause::Reset, "Error")] {
        let got = run(&[c("GET / HTTP/1.1\r\n\r\n"), End(S, cause), Close]);
        assert_eq!((got.http.len(), got.codes()), (1, vec!["http.no-response"]));
        assert_eq!(format!("{:?}", got.findings[0].severity), severity);
    }
    // The client leaves: told when the server's direction was captured.
    let ok = s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let get = c("GET / HTTP/1.1\r\n\r\n");
    let got = run(&[get.clone(), ok, get, End(C, EndCause::Fin), Close]);
    assert_eq!((got.http.len(), got.codes()), (2, vec!["http.no-response"]));
    assert!(got.findings[0].title.contains("by the client"));
    // Nobody knows whether an answer came when only one direction was captured.
    let got = run(&[c("GET /1 HTTP/1.1\r\n\r\n"), c("GET /2 HTTP/1.1\r\n\r\n"), End(C, EndCause::Fin), Close]);
    assert_eq!((got.http.len(), got.findings.len()), (2, 0));
    assert!(got.http.iter().all(|http| http.response.is_none() && !http.pipelined));
}

#[test]
fn responses_only() {
    let got = run_from(
        &[
            s("rest of a body</html>\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            s("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP!"),
            s("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
            Close,
        ],
        false,
    );
    // The first one answered HEAD: the next status line stands where its content would.
    let seen: Vec<_> = got
        .http
        .iter()
        .map(|http| http.response.as_ref().unwrap())
        .map(|r| (r.status.unwrap(), r.body_bytes))
        .collect();
    assert_eq!(seen, [(200, 0), (200, 5), (503, 0)]);
    assert_eq!(got.codes(), ["http.server-error"]);
    assert_eq!(got.http[0].version, "1.1");
}

#[test]
fn client_assumed_wrongly() {
    let got = run(&[s("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), c("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Close]);
    assert_eq!((got.http[0].client, got.http[0].server), (facts().server, facts().client));
    assert_eq!(got.response(0).status.unwrap(), 200);
}

#[test]
fn gaps() {
    let get = c("GET / HTTP/1.1\r\n\r\n");
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    // Inside a body of known length: the next response is found at its place.
    let got = run(&[
        get.clone(),
        s(&format!("{ok}abc")),
        Gap(S, 4),
        s("xyz"),
        get.clone(),
        s("HTTP/1.1 204 No\r\n\r\n"),
        Close,
    ]);
    assert_eq!((got.http.len(), got.response(0).body_bytes, got.response(1).status.unwrap()), (2, 6, 204));
    // Exactly the rest of it.
    let got = run(&[get.clone(), s(&format!("{ok}abc")), Gap(S, 7), get.clone(), s("HTTP/1.1 204 No\r\n\r\n"), Close]);
    assert_eq!((got.response(0).body_bytes, got.response(1).status.unwrap()), (3, 204));
    // Beyond it: look for the next message.
    let got = run(&[get.clone(), s(&format!("{ok}abc")), Gap(S, 90), s("junk\r\nHTTP/1.1 204 No\r\n\r\n"), Close]);
    assert_eq!((got.response(0).body_bytes, got.response(1).status.unwrap()), (3, 204));
    // A whole response is missing: the next one answers the next request.
    let got = run(&[get.clone(), Gap(S, 100), c("GET /second HTTP/1.1\r\n\r\n"), s("HTTP/1.1 204 No\r\n\r\n"), Close]);
    assert_eq!(
        (got.http[0].response.is_none(), got.request(1).target.as_deref().unwrap(), got.response(1).status.unwrap()),
        (true, "/second", 204)
    );
    assert!(got.findings.is_empty());
    // Half a head is gone: what came of it is reported.
    let got = run(&[c("GET / HTTP/1.1\r\nHo"), Gap(C, 3), c(": b\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), Close]);
    assert_eq!(
        (got.http.len(), got.request(0).target.as_deref().unwrap(), got.request(1).target.as_deref().unwrap()),
        (2, "/", "/2")
    );
    // Inside chunk data, and at a chunk's size.
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab";
    let got = run(&[get.clone(), s(chunked), Gap(S, 3), s("\r\n0\r\n\r\n"), Close]);
    assert_eq!((got.response(0).body_bytes, got.findings.len()), (2, 0));
    let got = run(&[get.clone(), s(chunked), Gap(S, 30), s("0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), Close]);
    assert_eq!(got.http.len(), 2);
}

#[test]
fn connect_hands_over() {
    let connect = c("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n");
    let got = run(&[connect.clone(), s("HTTP/1.1 200 Connection established\r\n\r\n")]);
    assert_eq!(got.handed_over.as_deref(), Some(&b""[..]));
    assert_eq!((got.http.len(), got.response(0).status.unwrap()), (1, 200));
    // The answer is not in the capture: the tunnel is believed once enough of it passed.
    let got = run(&[connect.clone(), Bytes(C, vec![0x16; MAX_PROBE_BYTES])]);
    assert_eq!((got.http.len(), got.http[0].response.is_none(), got.handed_over.is_some()), (1, true, true));
    // Refused: HTTP goes on, and the client's next request is read.
    let got = run(&[
        connect,
        s("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"),
        c("GET / HTTP/1.1\r\n\r\n"),
        s("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Close,
    ]);
    assert_eq!((got.http.len(), got.handed_over.is_none(), got.response(1).status.unwrap()), (2, true, 200));
}

#[test]
fn upgrades_hand_over() {
    let ask = |what: &str| c(&format!("GET /c HTTP/1.1\r\nUpgrade: {what}\r\nConnection: Upgrade\r\n\r\n"));
    let yes = |what: &str| s(&format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: {what}\r\n\r\n"));
    let got = run(&[ask("websocket"), yes("websocket")]);
    assert_eq!((got.applications.as_slice(), got.response(0).status.unwrap()), (&["websocket"][..], 101));
    assert!(got.handed_over.is_some());
    assert_eq!(run(&[ask("h2c"), yes("h2c")]).applications, ["http2"]);
    let mixed =
        play(&[ask("websocket"), s("HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n\u{1}frame")], usize::MAX, true);
    assert_eq!(mixed.handed_over.as_deref(), Some("\u{1}frame".as_bytes()));
}

#[test]
fn http2_is_not_http1() {
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let got = run(&[c("GET / HTTP/1.1\r\n\r\n"), s("HTTP/1.1 204 No\r\n\r\n"), c(preface), s("\0\0\0")]);
    assert_eq!((got.http.len(), got.applications.len()), (1, 0));
    let whole = play(&[c("GET / HTTP/1.1\r\n\r\n"), c(preface)], usize::MAX, true);
    assert_eq!(whole.handed_over.as_deref(), Some(preface.as_bytes()));
}

#[test]
fn smuggling_signs() {
    let get = |fields: &str| c(&format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n0\r\n\r\n"));
    for fields in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\r\n chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked, chunked",
    ] {
        let got = run(&[get(fields), Close]);
        assert_eq!(got.codes(), ["http.smuggling-risk"], "{fields}");
    }
    assert!(run(&[get("Content-Length: 5, 5\r\nContent-Length: 5"), Close]).findings.is_empty());
}

#[test]
fn secrets_never_leave() {
    let got = run(&[
        c("POST /login HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\nCookie: sid=topsecret\r\n\
           Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\nu=a&password=hush!"),
        s("HTTP/1.1 200 OK\r\nSet-Cookie: sid=othersecret; Secure\r\nContent-Length: 0\r\n\r\n"),
        Close,
    ]);
    let text = got.text();
    for secret in ["c2VjcmV0", "topsecret", "othersecret", "hush"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("Basic sha256:") && text.contains("; Secure"));
    assert_eq!(got.codes(), ["http.plaintext-credentials"]);
}

#[test]
fn targets_and_hosts() {
    let get = |line: &str| run(&[c(&format!("{line}\r\n\r\n")), Close]);
    let got = get("GET HTTP://user:pw@Example.com:8080/x HTTP/1.1");
    assert_eq!(
        (got.request(0).authority.as_deref(), got.request(0).scheme.as_deref()),
        (Some("Example.com:8080"), Some("http"))
    );
    assert_eq!(get("GET /go?to=http://x/ HTTP/1.1").request(0).authority, None);
    assert_eq!(get("OPTIONS * HTTP/1.1").request(0).target.as_deref(), Some("*"));
    let got = get("GET /caf\u{e9} with space HTTP/1.0");
    assert_eq!(
        (got.request(0).target.as_deref().unwrap(), got.http[0].version.as_str()),
        ("/caf\u{e9} with space", "1.0")
    );
    let got = run(&[c("\r\n\r\nPROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n"), Close]);
    assert_eq!(got.http.len(), 1);
    let got = run(&[c("GET /old\r\n"), Close]);
    assert_eq!(got.request(0).version, "0.9");
}

#[test]
fn slow_first_byte() {
    let filler = Gap(C, 0);
    let got = run(&[
        c("GET / HTTP/1.1\r\n\r\n"),
        filler.clone(),
        filler,
        s("HTTP/1.1 504 Gateway Time-out\r\nContent-Length: 0\r\n\r\n"),
        Close,
    ]);
    assert_eq!(got.codes(), ["http.server-error", "http.slow"]);
    assert!(got.findings[1].title.contains("1.20 s"), "{}", got.findings[1].title);
}

#[test]
fn limits_are_told() {
    let many = "GET / HTTP/1.1\r\n\r\n".repeat(MAX_HTTP_PIPELINED + 2);
    let answers = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".repeat(MAX_HTTP_PIPELINED + 2);
    let got = play(&[c(&many), s(&answers), Close], 9999, true);
    assert_eq!(got.http.len(), MAX_HTTP_PIPELINED + 4);
    assert_eq!(got.codes(), ["http.limit"]);
    let paired = got.http.iter().filter(|http| http.request.is_some() && http.response.is_some()).count();
    assert_eq!(paired, MAX_HTTP_PIPELINED);
    let long = format!("GET / HTTP/1.1\r\nX: {}", "y".repeat(crate::limits::MAX_HTTP_HEAD_BYTES));
    let got = play(&[c(&long), c("\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), Close], 5000, true);
    assert_eq!((got.http.len(), got.codes()), (1, vec!["http.limit"]));
    let fields = "A: b\r\n".repeat(MAX_HTTP_FIELDS + 1);
    let got = play(&[c(&format!("GET / HTTP/1.1\r\n{fields}\r\n")), Close], 99999, true);
    assert_eq!((got.request(0).headers.len(), got.codes()), (MAX_HTTP_FIELDS, vec!["http.limit"]));
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(MAX_HTTP_INFORMATIONAL + 1);
    let got = play(&[c("GET / HTTP/1.1\r\n\r\n"), s(&hints), Close], 99999, true);
    assert_eq!((got.http[0].informational.len(), got.codes()), (MAX_HTTP_INFORMATIONAL, vec!["http.limit"]));
}

#[test]
fn broken_chunks_are_told() {
    let got = run(&[
        c("GET / HTTP/1.1\r\n\r\n"),
        s(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ),
        Close,
    ]);
    assert_eq!((got.http.len(), got.codes()), (2, vec!["http.malformed-body"]));
}

fn any_event() -> impl Strategy<Value = Event> {
    let piece = prop_oneof![
        Just("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        Just("POST /p HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc".to_owned()),
        Just("CONNECT a:1 HTTP/1.1\r\n\r\n".to_owned()),
        Just("GET /up HTTP/1.1\r\nUpgrade: x\r\n\r\n".to_owned()),
        Just("HEAD / HTTP/1.1\r\n\r\n".to_owned()),
        Just("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab".to_owned()),
        Just("HTTP/1.1 100 Continue\r\n\r\n".to_owned()),
        Just("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n".to_owned()),
        Just("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
        Just("HTTP/1.1 101 S\r\n\r\n".to_owned()),
        Just("5\r\n".to_owned()),
        Just("GET /simple\r\n".to_owned()),
        "[ -~\r\n\u{e9}\0]{0,20}".prop_map(|text| text),
        Just("HTTP/1.1  200".to_owned()),
        Just("\r\n".to_owned()),
    ];
    let direction = prop_oneof![Just(C), Just(S)];
    prop_oneof![
        12 => (direction.clone(), piece).prop_map(|(direction, text)| Bytes(direction, text.into_bytes())),
        1 => (direction.clone(), 0u64..20).prop_map(|(direction, length)| Gap(direction, length)),
        1 => (direction, prop_oneof![Just(EndCause::Fin), Just(EndCause::Reset)])
            .prop_map(|(direction, cause)| End(direction, cause)),
    ]
}

/// Nothing follows the end of a direction, and a reset ends both.
fn may_follow(event: &Event, over: &mut [bool; 2]) -> bool {
    match event {
        Bytes(direction, _) | Gap(direction, _) => !over[direction.index()],
        End(direction, cause) => {
            let before = std::mem::replace(&mut over[direction.index()], true);
            over[direction.reverse().index()] |= *cause == EndCause::Reset;
            !before
        }
        Close => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_script_in_any_split(mut events in proptest::collection::vec(any_event(), 1..14), piece in 1usize..30, from_start: bool) {
        let mut over = [false; 2];
        events.retain(|event| may_follow(event, &mut over));
        events.push(Close);
        let whole = play(&events, usize::MAX, from_start);
        let split = play(&events, piece, from_start);
        prop_assert_eq!(&split.http, &whole.http);
        prop_assert_eq!(&split.findings, &whole.findings);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
        play(&[Bytes(C, bytes.clone()), Bytes(S, bytes), Close], piece, false);
    }
}

#[test]
fn a_head_that_is_cut_is_reported_as_far_as_it_goes() {
    let got = play(
        &[
            c("GET /x HTTP/1.1\r\nHost: a.example\r\nAccept: te"),
            Gap(C, 300),
            s("HTTP/1.1 200 OK\r\nContent-Ty"),
            End(S, EndCause::Fin),
            Close,
        ],
        1 << 20,
        true,
    );
    assert_eq!(got.http.len(), 1);
    assert_eq!(
        (got.request(0).target.as_deref().unwrap(), got.request(0).authority.as_deref()),
        ("/x", Some("a.example"))
    );
    assert_eq!((got.response(0).status.unwrap(), got.response(0).packet), (200, PacketNumber::new(0, 3)));
}

#[test]
fn shoutcast_answers_icy() {
    let got = play(&[c("GET / HTTP/1.0\r\n\r\n"), s("ICY 200 OK\r\nicy-br:24\r\n\r\nmusic"), Close], 1 << 20, true);
    let response = got.response(0);
    assert_eq!((response.status.unwrap(), response.version.as_str(), response.body_bytes), (200, "ICY", 5));
}
