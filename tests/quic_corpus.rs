//! Runs the QUIC session over the third-party captures and looks for every ClientHello the truth names. Skipped,
//! loudly, without `WIREGLASS_CORPUS` (the directory with `pcaps/` and `truth/`). Rows of file formats not read
//! here are counted apart, and so are rows whose sender and receiver have fewer whole ClientHellos than rows.
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use etherparse::{LaxSlicedPacket, TransportSlice};
use wireglass::{
    app::{Carrier, Said, Session, Sink, quic},
    record::{
        Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, FlowKey, Input, PacketRef, Transport, Wanted,
    },
};

type Streams = HashMap<(u64, Direction), BTreeMap<u64, Vec<u8>>>;

struct Flow {
    facts: FlowFacts,
    session: Box<dyn Session>,
    streams: Streams,
}

/// Packets of a little-endian pcapng whose interfaces share a link type (simple and obsolete blocks are passed over).
fn pcapng(bytes: &[u8]) -> Option<(u32, Vec<&[u8]>)> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (word(8)? == 0x1a2b_3c4d).then_some(())?;
    let (mut at, mut link, mut all) = (0, None, Vec::new());
    while let (Some(kind), Some(length @ 12..)) = (word(at), word(at + 4)) {
        match kind {
            1 => link = link.or(Some(word(at + 8)? & 0xffff)),
            6 => all.push(bytes.get(at + 28..at + 28 + word(at + 20)? as usize)?),
            _ => {}
        }
        at += length as usize;
    }
    Some((link?, all))
}

/// Packets of a pcap or pcapng, or nothing for another format.
fn packets(bytes: &[u8]) -> Option<(u32, Vec<&[u8]>)> {
    let little = match bytes.get(..4)? {
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => true,
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => false,
        [0x0a, 0x0d, 0x0d, 0x0a] => return pcapng(bytes),
        _ => return None,
    };
    let word = |at: usize| {
        let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) })
    };
    let (mut at, mut all) = (24, Vec::new());
    while let Some(length) = word(at + 8) {
        let Some(packet) = bytes.get(at + 16..at + 16 + length as usize) else { break };
        all.push(packet);
        at += 16 + length as usize;
    }
    Some((word(20)?, all))
}

fn udp(link: u32, packet: &[u8]) -> Option<(Endpoint, Endpoint, &[u8])> {
    let sliced = match link {
        1 => LaxSlicedPacket::from_ethernet(packet).ok()?,
        101 => LaxSlicedPacket::from_ip(packet).ok()?,
        113 => LaxSlicedPacket::from_ether_type(
            etherparse::EtherType(u16::from_be_bytes(packet.get(14..16)?.try_into().ok()?)),
            packet.get(16..)?,
        ),
        0 => LaxSlicedPacket::from_ip(packet.get(4..)?).ok()?,
        _ => return None,
    };
    let (source, destination) = match sliced.net.as_ref()? {
        etherparse::LaxNetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        etherparse::LaxNetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return None,
    };
    let Some(TransportSlice::Udp(udp)) = &sliced.transport else { return None };
    let end = |address, port| Endpoint { address, port };
    Some((end(source, udp.source_port()), end(destination, udp.destination_port()), udp.payload()))
}

fn whole_client_hello(stream: &BTreeMap<u64, Vec<u8>>) -> bool {
    let mut whole: Vec<u8> = Vec::new();
    for (offset, bytes) in stream {
        let Some(known) = whole.len().checked_sub(*offset as usize) else { break };
        whole.extend(bytes.iter().skip(known));
    }
    matches!(whole[..], [1, a, b, c, ..] if whole.len() >= 4 + u32::from_be_bytes([0, a, b, c]) as usize)
}

/// Sender and receiver of every whole ClientHello in a capture, with how often.
fn client_hellos(bytes: &[u8]) -> Option<HashMap<(Endpoint, Endpoint), usize>> {
    let (link, packets) = packets(bytes)?;
    let mut flows: HashMap<FlowKey, Flow> = HashMap::new();
    for packet in packets {
        let Some((source, destination, payload)) = udp(link, packet) else { continue };
        let flow = flows.entry(FlowKey::new(Transport::Udp, source, destination)).or_insert_with(|| Flow {
            facts: FlowFacts {
                id: FlowId::default(),
                transport: Transport::Udp,
                client: source,
                server: destination,
                client_certainty: Certainty::Assumed,
            },
            session: (quic::PROTOCOL.session)(Carrier::Udp),
            streams: Streams::default(),
        });
        let direction = if source == flow.facts.client { Direction::ClientToServer } else { Direction::ServerToClient };
        let context = Context {
            flow: &flow.facts,
            packet: PacketRef::default(),
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: wireglass::record::Secrets::none(),
        };
        let mut said = Vec::new();
        let mut out = Sink::new(Wanted::usual(), false, &mut said);
        flow.session.input(Input::Datagram { direction, bytes: payload }, &context, &mut out);
        for said in said {
            if let Said::Inner { channel, direction, offset, bytes, .. } = said {
                let kept = flow.streams.entry((channel, direction)).or_default().entry(offset).or_default();
                if kept.len() < bytes.len() {
                    *kept = bytes;
                }
            }
        }
    }
    let mut found = HashMap::new();
    for flow in flows.values() {
        for ((_, direction), stream) in &flow.streams {
            if whole_client_hello(stream) {
                let sender = flow.facts.endpoint(direction.sender());
                let receiver = flow.facts.endpoint(direction.sender().other());
                *found.entry((sender, receiver)).or_default() += 1;
            }
        }
    }
    Some(found)
}

/// Rows with transport quic of a table: sender and receiver.
fn rows(table: &Path) -> Vec<(Endpoint, Endpoint)> {
    let Ok(text) = fs::read_to_string(table) else { return Vec::new() };
    let mut lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let Some(names) = lines.next() else { return Vec::new() };
    let place = |name| names.iter().position(|known| *known == name);
    let wanted = ["src", "sport", "dst", "dport", "transport"].map(place);
    let row = |line: Vec<&str>| {
        let [source, source_port, destination, destination_port, transport] = wanted.map(|at| line.get(at?).copied());
        let end =
            |address: &str, port: &str| Some(Endpoint { address: address.parse().ok()?, port: port.parse().ok()? });
        (transport? == "quic").then_some(())?;
        Some((end(source?, source_port?)?, end(destination?, destination_port?)?))
    };
    lines.filter_map(row).collect()
}

#[test]
fn client_hellos_of_the_corpus_are_found() {
    let Ok(corpus) = std::env::var("WIREGLASS_CORPUS") else {
        eprintln!("SKIPPED: set WIREGLASS_CORPUS to check QUIC against the corpus");
        return;
    };
    let corpus = Path::new(&corpus);
    let (mut found, mut missed, mut fewer, mut unread) = (0, 0, 0, 0);
    for repository in fs::read_dir(corpus.join("truth")).unwrap().flatten() {
        for truth in fs::read_dir(repository.path()).into_iter().flatten().flatten() {
            let mut expected = rows(&truth.path().join("ts46_clients.tsv"));
            if expected.is_empty() {
                expected = rows(&truth.path().join("tls_clients.tsv"));
            }
            if expected.is_empty() {
                continue;
            }
            let capture = corpus.join("pcaps").join(repository.file_name()).join(truth.file_name());
            let Some(mut hellos) = fs::read(&capture).ok().and_then(|bytes| client_hellos(&bytes)) else {
                eprintln!("{:4} rows in another format: {}", expected.len(), capture.display());
                unread += expected.len();
                continue;
            };
            let (mut missed_here, mut fewer_here) = (0, 0);
            for row in &expected {
                match hellos.get_mut(row) {
                    Some(left) if *left > 0 => *left -= 1,
                    Some(_) => fewer_here += 1,
                    None => missed_here += 1,
                }
            }
            if missed_here + fewer_here > 0 {
                let rows = expected.len();
                eprintln!("{missed_here:4} missed, {fewer_here} repeated, of {rows} rows: {}", capture.display());
            }
            missed += missed_here;
            fewer += fewer_here;
            found += expected.len() - missed_here - fewer_here;
        }
    }
    eprintln!("found {found}, missed {missed}, repeated rows {fewer}, not read {unread}");
    assert!(found > 0, "the corpus has QUIC");
    assert!(found * 100 >= (found + missed) * 90, "fewer than 90 % of the ClientHellos were found");
}
