//! The five traces of RFC 8448, opened with their secrets, in one piece and byte by byte: every message, every alert and
//! all application data.
use wireglass::{
    app::{Carrier, Said, Sink, registry, tls::key_log},
    record::{
        Certainty, Context, Direction, EndCause, Endpoint, FlowFacts, FlowId, Input, PacketNumber, PacketRef, Progress,
        Record, RecordKind, Resumption, Secrets, Timestamp, Tls, TlsOutcome, Transport,
    },
};

/// A trace: its name, its secrets as a key log, and what was sent.
struct Trace {
    name: String,
    keys: String,
    sent: Vec<(Direction, Vec<u8>)>,
}

fn traces() -> Vec<Trace> {
    let mut traces: Vec<Trace> = Vec::new();
    for line in include_str!("rfc8448.txt").lines().filter(|line| !line.starts_with('#')) {
        let (first, rest) = line.split_once(' ').unwrap();
        if first == "=" {
            traces.push(Trace { name: rest.to_owned(), keys: String::new(), sent: Vec::new() });
            continue;
        }
        let trace = traces.last_mut().unwrap();
        let direction = match first {
            "C" => Direction::ClientToServer,
            "S" => Direction::ServerToClient,
            _ => {
                trace.keys += &format!("{line}\n");
                continue;
            }
        };
        let bytes = rest.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16));
        trace.sent.push((direction, bytes.map(Result::unwrap).collect()));
    }
    traces
}

struct Outcome {
    tls: Vec<Tls>,
    /// Content types inside, of both directions in order.
    types: Vec<u8>,
    /// Application data of client and server.
    data: [Vec<u8>; 2],
    findings: usize,
}

/// Offers the trace in pieces of at most so many bytes, as the engine would.
fn replay(trace: &Trace, secrets: &Secrets, piece: usize) -> Outcome {
    let end = |last, port| Endpoint { address: [10, 0, 0, last].into(), port };
    let (id, transport) = (FlowId { opener: PacketNumber::new(0, 1), depth: 0 }, Transport::Tcp);
    let (client, server) = (end(1, 40_000), end(2, 443));
    let flow = FlowFacts { id, transport, client, server, client_certainty: Certainty::Observed };
    let protocol = registry::PROTOCOLS.iter().find(|protocol| protocol.name == "tls").unwrap();
    let mut session = (protocol.session)(Carrier::Tcp);
    let (mut said, mut index, mut pending, mut begun) = (Vec::new(), 0_u64, [Vec::new(), Vec::new()], [false; 2]);
    let wanted = RecordKind::ALL.into_iter().collect();
    let mut ask = |input: Input<'_>, from_start: bool, index: u64, said: &mut Vec<Said>| {
        let packet =
            PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(index as i64 * 1000) };
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets,
        };
        session.input(input, &context, &mut Sink::new(wanted, true, said))
    };
    for (direction, bytes) in &trace.sent {
        for bytes in bytes.chunks(piece) {
            index += 1;
            let pending: &mut Vec<u8> = &mut pending[direction.index()];
            pending.extend_from_slice(bytes);
            while !pending.is_empty() {
                let input = Input::Stream { direction: *direction, bytes: pending };
                let from_start = !std::mem::replace(&mut begun[direction.index()], true);
                let (used, again) = match ask(input, from_start, index, &mut said) {
                    Progress::Consumed(used) | Progress::Need { consumed: used, .. } => (used, false),
                    Progress::Skip(used) => (usize::try_from(used).unwrap(), true),
                    Progress::Done | Progress::HandOver(_) => panic!("TLS goes on"),
                };
                assert!(used <= pending.len(), "nothing of an opened session passes unseen");
                pending.drain(..used);
                begun[direction.index()] |= used > 0;
                if !again {
                    break;
                }
            }
        }
    }
    assert!(pending.iter().all(Vec::is_empty));
    for direction in Direction::BOTH {
        ask(Input::End { direction, cause: EndCause::Fin }, false, index, &mut said);
    }
    ask(Input::Close, false, index, &mut said);
    let mut outcome = Outcome { tls: Vec::new(), types: Vec::new(), data: [Vec::new(), Vec::new()], findings: 0 };
    for said in said {
        match said {
            Said::Record(Record::Tls(tls)) => outcome.tls.push(*tls),
            Said::Record(Record::TlsRecord(record)) => outcome.types.extend(record.content_type),
            Said::Record(Record::Finding(finding)) => {
                outcome.findings += usize::from(finding.code.starts_with("tls.decryption"));
            }
            Said::Inner { carrier, direction, offset, bytes, .. } => {
                let data = &mut outcome.data[direction.index()];
                assert_eq!((carrier, offset), (Carrier::Tls, data.len() as u64));
                data.extend(bytes);
            }
            _ => {}
        }
    }
    outcome
}

fn phases(tls: &Tls) -> Vec<&'static str> {
    assert!(tls.phases.iter().all(|phase| phase.certainty == Certainty::Observed), "{:?}", tls.phases);
    tls.phases.iter().map(|phase| phase.name).collect()
}

#[test]
fn every_trace_is_opened() {
    let flight = ["encrypted_extensions", "certificate", "certificate_verify", "finished"];
    for trace in traces() {
        let mut secrets = Secrets::default();
        secrets.add(key_log::parse(trace.keys.as_bytes(), 0).log, 0);
        for piece in [usize::MAX >> 1, 700, 1] {
            let name = trace.name.as_str();
            let Outcome { tls, types, data, findings } = replay(&trace, &secrets, piece);
            let [tls] = tls.as_slice() else { panic!("{name}: {} handshakes", tls.len()) };
            assert_eq!((tls.decrypted, tls.outcome, findings), (true, TlsOutcome::Established, 0), "{name}");
            assert_eq!(tls.cipher_suite.as_ref().unwrap().name, "TLS_AES_128_GCM_SHA256");
            let closes: Vec<&str> = tls.alerts.iter().map(|alert| alert.description.as_str()).collect();
            assert_eq!(closes, ["close_notify", "close_notify"], "{name}");
            let fifty: Vec<u8> = (0..50).collect();
            let (expected, certificates, expected_types, expected_data): (Vec<&str>, usize, &[u8], [Vec<u8>; 2]) =
                match name {
                    "simple 1-RTT" => (
                        [
                            &["client_hello", "server_hello"][..],
                            &flight,
                            &["finished", "new_session_ticket", "application_data"],
                        ]
                        .concat(),
                        1,
                        &[22, 22, 22, 22, 22, 23, 23, 21, 21],
                        [fifty.clone(), fifty],
                    ),
                    "resumed 0-RTT" => (
                        vec![
                            "client_hello",
                            "early_data",
                            "server_hello",
                            "encrypted_extensions",
                            "finished",
                            "end_of_early_data",
                            "finished",
                            "application_data",
                        ],
                        0,
                        &[22, 23, 22, 22, 22, 22, 23, 23, 21, 21],
                        [[b"ABCDEF".to_vec(), fifty.clone()].concat(), fifty],
                    ),
                    "HelloRetryRequest" => (
                        [
                            &["client_hello", "hello_retry_request", "client_hello", "server_hello"][..],
                            &flight,
                            &["finished"],
                        ]
                        .concat(),
                        1,
                        &[22, 22, 22, 22, 22, 22, 21, 21],
                        [Vec::new(), Vec::new()],
                    ),
                    "client authentication" => (
                        vec![
                            "client_hello",
                            "server_hello",
                            "encrypted_extensions",
                            "certificate_request",
                            "certificate",
                            "certificate_verify",
                            "finished",
                            "certificate",
                            "certificate_verify",
                            "finished",
                        ],
                        1,
                        &[22, 22, 22, 22, 21, 21],
                        [Vec::new(), Vec::new()],
                    ),
                    "compatibility mode" => (
                        [
                            &["client_hello", "server_hello", "change_cipher_spec"][..],
                            &flight,
                            &["change_cipher_spec", "finished"],
                        ]
                        .concat(),
                        1,
                        &[22, 22, 20, 22, 20, 22, 21, 21],
                        [Vec::new(), Vec::new()],
                    ),
                    other => panic!("{other}"),
                };
            assert_eq!(phases(tls), expected, "{name}");
            assert_eq!(tls.certificates.len(), certificates, "{name}");
            assert_eq!(types, expected_types, "{name}");
            assert_eq!(data, expected_data, "{name}");
            let psk = name == "resumed 0-RTT";
            assert_eq!(tls.resumption, Some(if psk { Resumption::Psk } else { Resumption::None }), "{name}");
            assert_eq!(tls.client_certificate_requested, Some(name == "client authentication"), "{name}");
        }
    }
    assert_eq!(traces().len(), 5);
}

/// Secrets that come while the session is under way open what follows: after the handshake, application data.
#[test]
fn late_secrets_open_what_follows() {
    let trace = &traces()[0];
    let mut secrets = Secrets::expected();
    // Packets count from 1; the sixth brings the first application data.
    secrets.add(key_log::parse(trace.keys.as_bytes(), 6).log, 6);
    let Outcome { data, types, findings, .. } = replay(trace, &secrets, usize::MAX >> 1);
    assert_eq!((data.map(|data| data.len()), findings), ([50, 50], 0));
    assert_eq!(types, [22, 22, 23, 23, 23, 23, 23, 21, 21]);
}

/// Half of the secrets: what they do not open stays closed, and is no failure.
#[test]
fn missing_secrets_are_no_failure() {
    let trace = &traces()[0];
    let kept: String =
        trace.keys.lines().filter(|line| line.contains("TRAFFIC_SECRET_0")).map(|line| format!("{line}\n")).collect();
    let mut secrets = Secrets::default();
    secrets.add(key_log::parse(kept.as_bytes(), 0).log, 0);
    let Outcome { data, findings, tls, .. } = replay(trace, &secrets, usize::MAX >> 1);
    assert_eq!((data.map(|data| data.len()), findings), ([50, 50], 0));
    assert_eq!(tls.len(), 1);
    let kept: String =
        trace.keys.lines().filter(|line| line.contains("HANDSHAKE")).map(|line| format!("{line}\n")).collect();
    let mut secrets = Secrets::default();
    secrets.add(key_log::parse(kept.as_bytes(), 0).log, 0);
    let Outcome { data, findings, tls, .. } = replay(trace, &secrets, usize::MAX >> 1);
    assert_eq!((data.map(|data| data.len()), findings), ([0, 0], 0));
    assert_eq!((tls[0].certificates.len(), tls[0].decrypted), (1, true));
}
