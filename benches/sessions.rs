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
