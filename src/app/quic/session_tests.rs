//! The session on the RFCs' sample packets.
use proptest::prelude::*;

use super::{session::Quic, vectors::*};
use crate::{
    app::{Said as Out, Session, Sink},
    record::{Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, Input, PacketRef, Transport, Wanted},
};

fn run(datagrams: &[(Direction, Vec<u8>)]) -> Vec<Out> {
    let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Udp,
        client: end(1),
        server: end(443),
        client_certainty: Certainty::Assumed,
    };
    let context = Context {
        flow: &flow,
        packet: PacketRef::default(),
        origins: &[],
        from_start: true,
        round_trip_ns: None,
        server_round_trip_ns: None,
        secrets: crate::record::Secrets::none(),
    };
    let (mut said, mut session) = (Vec::new(), Quic::default());
    for (direction, bytes) in datagrams {
        let mut out = Sink::new(Wanted::usual(), true, &mut said);
        session.input(Input::Datagram { direction: *direction, bytes }, &context, &mut out);
    }
    said
}

fn inner(said: &[Out]) -> Vec<(u64, Direction, u64, usize)> {
    let inner = |said: &Out| match said {
        Out::Inner { channel, direction, offset, bytes, .. } => Some((*channel, *direction, *offset, bytes.len())),
        _ => None,
    };
    said.iter().filter_map(inner).collect()
}

const THERE: Direction = Direction::ClientToServer;
const BACK: Direction = Direction::ServerToClient;

#[test]
fn both_hellos_are_handed_on_whichever_way_the_client_sends() {
    for (client, server) in [(V1_CLIENT, V1_SERVER), (V2_CLIENT, V2_SERVER)] {
        for way in [THERE, BACK] {
            let said = run(&[(way, hex(client)), (way.reverse(), hex(server))]);
            assert_eq!(inner(&said), [(0, way, 0, 241), (0, way.reverse(), 0, 90)]);
        }
    }
}

#[test]
fn a_server_alone_says_nothing() {
    assert_eq!(inner(&run(&[(BACK, hex(V1_SERVER))])), []);
}

#[test]
fn a_retry_is_told_once() {
    let retry = (BACK, hex(V1_RETRY));
    let said = run(&[(THERE, hex(V1_CLIENT)), retry.clone(), retry]);
    assert_eq!(said.iter().filter(|said| matches!(said, Out::Record(_))).count(), 1);
}

#[test]
fn coalesced_packets_are_all_read() {
    let both = [hex(V1_SERVER), hex(V1_SERVER), vec![0x40; 30]].concat();
    let said = run(&[(THERE, hex(V1_CLIENT)), (BACK, both)]);
    // What came twice is handed on once.
    assert_eq!(inner(&said).len(), 2);
    let Some(Out::Note(last)) = said.last() else { panic!("a note") };
    assert_eq!(last.info, "Protected Payload (KP0)");
}

proptest! {
    #[test]
    fn arbitrary_bytes_and_prefixes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..1200) {
        run(&[(THERE, bytes), (BACK, hex(V1_CLIENT)[..cut].to_vec()), (THERE, hex(V2_CLIENT)[..cut].to_vec())]);
    }
}
