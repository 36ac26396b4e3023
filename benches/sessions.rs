//! What a message costs in each protocol's session, records built: `cargo bench --bench sessions`.
use divan::{Bencher, black_box};
use wireglass::{
    app::{Carrier, Said, Session, Sink, registry},
    record::{Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, Input, PacketRef, Transport, Wanted},
};

fn main() {
    divan::main();
}

fn facts() -> FlowFacts {
    let end = |last, port| Endpoint { address: [10, 0, 0, last].into(), port };
    FlowFacts {
        id: FlowId::default(),
        transport: Transport::Tcp,
        client: end(1, 40_000),
        server: end(2, 53),
        client_certainty: Certainty::Observed,
    }
}

fn session(name: &str, carrier: Carrier) -> Box<dyn Session> {
    let protocol = registry::PROTOCOLS.iter().find(|protocol| protocol.name == name).expect("it is registered");
    (protocol.session)(carrier)
}

fn drive(session: &mut dyn Session, inputs: &[Input<'_>], said: &mut Vec<Said>) {
    let flow = facts();
    let packet = PacketRef::default();
    let context = Context {
        flow: &flow,
        packet,
        origins: &[],
        from_start: true,
        round_trip_ns: None,
        server_round_trip_ns: None,
        hop_limit: None,
        secrets: wireglass::record::Secrets::none(),
    };
    said.clear();
    for input in inputs {
        session.input(*input, &context, &mut Sink::new(Wanted::usual(), false, said));
    }
}

/// A query and its answer of four records.
#[divan::bench]
fn dns_exchange(bencher: Bencher<'_, '_>) {
    let question = b"\x03www\x07example\x03com\0\0\x01\0\x01";
    let query = [b"\0\x07\x01\0\0\x01\0\0\0\0\0\0", question.as_slice()].concat();
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\x01\x02\x03";
    let answer = [b"\0\x07\x81\x80\0\x01\0\x04\0\0\0\0", question.as_slice(), &record.repeat(4)].concat();
    let mut said = Vec::new();
    bencher.bench_local(|| {
        let inputs = [
            Input::Datagram { direction: Direction::ClientToServer, bytes: black_box(&query) },
            Input::Datagram { direction: Direction::ServerToClient, bytes: black_box(&answer) },
        ];
        drive(session("dns", Carrier::Udp).as_mut(), &inputs, &mut said);
        assert_eq!(said.len(), 1);
    });
}

/// A request and its response, eight fields each.
#[divan::bench]
fn http_exchange(bencher: Bencher<'_, '_>) {
    let fields = "Host: www.example.com\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nAccept-Language: en\r\n\
                  Accept-Encoding: gzip\r\nCache-Control: no-cache\r\nX-One: 1\r\nX-Two: 2\r\n\r\n";
    let request = format!("GET /index.html HTTP/1.1\r\n{fields}");
    let response = format!("HTTP/1.1 204 No Content\r\n{fields}");
    let mut said = Vec::new();
    bencher.bench_local(|| {
        let inputs = [
            Input::Stream { direction: Direction::ClientToServer, bytes: black_box(request.as_bytes()) },
            Input::Stream { direction: Direction::ServerToClient, bytes: black_box(response.as_bytes()) },
        ];
        drive(session("http", Carrier::Tcp).as_mut(), &inputs, &mut said);
        assert_eq!(said.len(), 1);
    });
}

/// A request and its response on a stream of a connection under way, eight fields each, all of them in the table.
#[divan::bench]
fn http2_exchange(bencher: Bencher<'_, '_>) {
    let frame = |number: u8, flags: u8, stream: u32, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[number, flags], &stream.to_be_bytes(), payload].concat()
    };
    // Six literals that enter the table, then references to them.
    let literals: Vec<u8> =
        (b'a'..=b'f').flat_map(|name| [&[0x40, 1, name, 8], [b'v'; 8].as_slice()].concat()).collect();
    let references: Vec<u8> = (0xbe..=0xc3).collect();
    let preface = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frame(4, 0, 0, &[])].concat();
    let first = [&[0x82, 0x84], literals.as_slice()].concat();
    let answer = [&[0x88], literals.as_slice()].concat();
    let mut said = Vec::new();
    let mut http2 = session("http2", Carrier::Tcp);
    let begin = [
        Input::Stream { direction: Direction::ClientToServer, bytes: &preface },
        Input::Stream { direction: Direction::ServerToClient, bytes: &frame(4, 0, 0, &[]) },
        Input::Stream { direction: Direction::ClientToServer, bytes: &frame(1, 5, 1, &first) },
        Input::Stream { direction: Direction::ServerToClient, bytes: &frame(1, 5, 1, &answer) },
    ];
    drive(http2.as_mut(), &begin, &mut said);
    let (asked, answered) =
        ([&[0x82, 0x84], references.as_slice()].concat(), [&[0x88], references.as_slice()].concat());
    let mut stream = 1;
    bencher.bench_local(|| {
        stream += 2;
        let (request, response) = (frame(1, 5, stream, &asked), frame(1, 5, stream, &answered));
        let inputs = [
            Input::Stream { direction: Direction::ClientToServer, bytes: black_box(&request) },
            Input::Stream { direction: Direction::ServerToClient, bytes: black_box(&response) },
        ];
        drive(http2.as_mut(), &inputs, &mut said);
        assert_eq!(said.len(), 1);
    });
}

/// A segment inside a 16 KiB record of application data, which nobody needs.
#[divan::bench]
fn tls_application_data(bencher: Bencher<'_, '_>) {
    let mut segment = vec![23, 3, 3, 0x40, 0];
    segment.resize(1460, 0);
    let (mut tls, mut said) = (session("tls", Carrier::Tcp), Vec::new());
    bencher.bench_local(|| {
        let input = Input::Stream { direction: Direction::ServerToClient, bytes: black_box(&segment) };
        drive(tls.as_mut(), &[input], &mut said);
    });
}
