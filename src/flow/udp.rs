//! A UDP flow: counts per side. Its datagrams go to the reader as they come.
use crate::record::{Direction, Evidence, FlowFacts, PacketRef, Side, Subject, Udp, UdpSide};

/// A UDP flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    first: PacketRef,
    last: PacketRef,
    counts: [Counts; 2],
    pub done: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    packets: u64,
    wire_bytes: u64,
    payload_bytes: u64,
}

impl Flow {
    pub fn new(at: PacketRef) -> Self {
        Self { first: at, last: at, counts: [Counts::default(); 2], done: false }
    }

    pub fn datagram(&mut self, direction: Direction, at: PacketRef, wire_length: u32, payload_length: u32) {
        self.last = at;
        if let Some(counts) = self.counts.get_mut(direction.index()) {
            counts.packets = counts.packets.saturating_add(1);
            counts.wire_bytes = counts.wire_bytes.saturating_add(u64::from(wire_length));
            counts.payload_bytes = counts.payload_bytes.saturating_add(u64::from(payload_length));
        }
    }

    pub fn record(&self, facts: &FlowFacts, application: Option<&'static str>) -> Udp {
        let [client, server] = self.counts;
        let mut evidence: Evidence = [self.first.number, self.last.number].into_iter().collect();
        let packets = client.packets.saturating_add(server.packets);
        evidence.add_unlisted(packets.saturating_sub(evidence.total()));
        let side = |side: Side, counts: Counts| UdpSide {
            endpoint: facts.endpoint(side),
            packets: counts.packets,
            wire_bytes: counts.wire_bytes,
            payload_bytes: counts.payload_bytes,
        };
        Udp {
            subject: Subject::new(facts.id, evidence),
            community_id: facts.into(),
            start_ts: self.first.timestamp,
            end_ts: self.last.timestamp,
            application,
            tunnel: Vec::new(),
            client: side(Side::Client, client),
            server: side(Side::Server, server),
        }
    }
}
