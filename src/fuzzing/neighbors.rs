//! Messages of ICMP, Neighbor Discovery and ARP, and what is put together from them.
use super::runs::everything;
use crate::{
    analysis::Comparison,
    app::{Carrier, Said, Sink, registry},
    record::{
        Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, IcmpErrorFact, Input, PacketNumber, PacketRef,
        Record, Secrets, Timestamp, Transport, Unreachable, icmp_error_words,
    },
};

/// Pings of both versions, with ICMP errors, and Neighbor Discovery; what they say is compared.
pub fn icmp_session(script: &[u8]) {
    for (name, number) in [("icmp", 1), ("icmp", 58), ("icmpv6", 58)] {
        run(name, Carrier::Ip(number), script);
    }
}

/// ARP; what the exchanges say is compared.
pub fn arp_session(script: &[u8]) {
    run("arp", Carrier::Arp, script);
}

/// Each step is a byte that says what and which way, one that says how long after the last and with which hop limit, one of
/// length, and so many bytes.
fn run(name: &str, carrier: Carrier, mut script: &[u8]) {
    let Some(protocol) = registry::WITHOUT_PORTS.iter().find(|protocol| protocol.name == name) else {
        panic!("no protocol is called `{name}`")
    };
    let mut session = (protocol.session)(carrier);
    let v6 = carrier == Carrier::Ip(58);
    let end = |last: u8| Endpoint { address: [10, 0, 0, last].into(), port: 7 };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: if let Carrier::Ip(number) = carrier { Transport::Ip(number) } else { Transport::Arp },
        client: end(1),
        server: end(2),
        client_certainty: Certainty::Observed,
    };
    let mut packet = PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp(0) };
    let (mut said, mut comparison) = (Vec::new(), Comparison::default());
    loop {
        let step = match script {
            [operation, time, length, rest @ ..] => Some((*operation, *time, usize::from(*length), rest)),
            _ => None,
        };
        let (operation, time, length, rest) = step.unwrap_or_default();
        packet.index += 1;
        packet.number = PacketNumber::new(0, packet.index);
        packet.timestamp = packet.timestamp.plus(i64::from(time).pow(4) * 1_000);
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: Some(time),
            secrets: Secrets::none(),
        };
        let mut out = Sink::new(everything(), true, &mut said);
        if step.is_none() {
            session.input(Input::Close, &context, &mut out);
        } else {
            let (bytes, rest) = rest.split_at(rest.len().min(length));
            script = rest;
            let direction = Direction::BOTH[usize::from(operation & 1)];
            if operation & 0x80 == 0 {
                session.input(Input::Datagram { direction, bytes }, &context, &mut out);
            } else {
                let (message_type, code) = (operation >> 3 & 15, operation >> 1 & 3);
                let (by, mtu, reason) =
                    (end(time).address, Some(u32::from(time)), icmp_error_words(v6, message_type, code));
                let notice = Unreachable { direction, by, reason, message_type, code, mtu, quoted: bytes };
                session.unreachable(&notice, &context, &mut out);
                comparison.icmp_error(&IcmpErrorFact {
                    flow: Some(flow.id),
                    own: flow.id,
                    application: None,
                    transport: [Transport::Udp, Transport::Tcp, flow.transport][usize::from(time) % 3],
                    source: flow.client,
                    target: flow.server,
                    by,
                    at: packet,
                    v6,
                    message_type,
                    code,
                    mtu,
                    gateway: None,
                    quoted_length: Some(u32::from(time) * 2),
                    told: false,
                    probe: Some((packet, time)),
                });
            }
        }
        for said in said.drain(..) {
            match said {
                Said::Record(record) => check(record, &mut comparison),
                Said::Probe(probe) => comparison.probe(probe),
                _ => {}
            }
        }
        if step.is_none() {
            break;
        }
    }
    for record in comparison.records() {
        check(record, &mut Comparison::default());
    }
    for finding in comparison.findings() {
        serde_json::to_string(&finding).expect("every finding has a JSON form");
    }
}

fn check(mut record: Record, comparison: &mut Comparison) {
    match &mut record {
        Record::IcmpEcho(echo) => {
            let sent = echo.sent.unwrap_or_default();
            assert!(echo.lost.unwrap_or_default() + echo.pending <= sent);
            assert!(echo.sent.is_none() || echo.received + echo.lost.unwrap_or_default() + echo.pending <= sent);
            assert!(echo.rtt.min_ns <= echo.rtt.mean_ns && echo.rtt.mean_ns <= echo.rtt.max_ns);
            assert!(echo.unreachable.len() as u64 <= echo.unreachable_total);
        }
        Record::Arp(arp) => {
            assert_eq!(arp.latency_ns.is_some(), arp.answered == Some(true));
            comparison.arp(arp);
        }
        Record::Neighbor(neighbor) => comparison.neighbor(neighbor),
        Record::Path(path) => {
            assert!(path.hops.windows(2).all(|two| two[0].ttl < two[1].ttl), "hops by number");
            assert!(path.hops.iter().all(|hop| hop.answered <= hop.probes));
        }
        _ => {}
    }
    serde_json::to_string(&record).expect("every record has a JSON form");
}
