//! One worker: owns some of the shards and takes their packets through flows and sessions.
use super::{
    checksums::Kind,
    consumer::{Emitted, Outlet},
    glance::{Piece, Window},
    inner::Opened,
    place::Noted,
    route::{Parcel, Routed},
};
use crate::{
    flow::{Packet, Settings, Table},
    limits,
    record::{Connection, FlowId, FlowKey, PacketNumber, PacketRef, Timestamp},
    wire::{ChecksumStatus, TransportHeader},
};

/// Shards `first`, `first + step`, ... and where their results go.
pub struct Worker {
    tables: Vec<Table<Outlet>>,
    first: usize,
    step: usize,
    outlet: Outlet,
    /// What flows had carried a while ago, where somebody looks.
    window: Window,
}

impl Worker {
    /// Worker `first` of `step` workers. `settings` are for all shards together.
    pub fn new(first: usize, step: usize, settings: Settings, outlet: Outlet) -> Self {
        let per_shard = settings.per_shard();
        let tables = (first..limits::SHARDS).step_by(step).map(|_| Table::new(per_shard)).collect();
        Self { tables, first, step, outlet, window: Window::default() }
    }

    /// The same, for somebody who looks at what is open.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.tables.iter_mut().for_each(Table::watch);
        self
    }

    /// This worker's part of what is open at `now`.
    pub fn glance(&mut self, now: Timestamp) -> Piece {
        self.window.look(now, &mut self.tables, &self.outlet)
    }

    /// Takes the packets of a parcel that are this worker's, and lets time pass to the parcel's end.
    pub fn process(&mut self, parcel: &Parcel) {
        self.outlet.use_secrets(&parcel.secrets);
        for (place, routed) in parcel.routed.iter().enumerate() {
            self.packet(parcel, place, routed);
        }
        self.pass_time(parcel);
    }

    /// Takes one packet, if it is this worker's; answers what sessions said about it, when notes are wanted.
    pub fn packet_notes(&mut self, parcel: &Parcel, place: usize) -> Vec<Noted> {
        self.packet_flow(parcel, place).1
    }

    /// The same, and the flow it belongs to.
    pub fn packet_flow(&mut self, parcel: &Parcel, place: usize) -> (Option<FlowId>, Vec<Noted>) {
        self.outlet.use_secrets(&parcel.secrets);
        let routed = parcel.routed.get(place);
        let flow = routed.and_then(|routed| self.packet(parcel, place, routed));
        (flow, self.outlet.take_notes())
    }

    /// What secrets opened since this was asked last, when that is kept.
    pub fn take_opened(&mut self) -> Vec<Opened> {
        self.outlet.take_opened()
    }

    /// The connection that `routed` is a packet of, as it would be reported now.
    pub fn connection(&self, routed: &Routed, key: &FlowKey) -> Option<Connection> {
        let shard = routed.shard.map(usize::from)?;
        self.tables.get(shard.checked_sub(self.first)? / self.step)?.connection(key, &self.outlet)
    }

    /// Closes what is due at the end of the parcel, so that results do not depend on where parcels end.
    pub fn pass_time(&mut self, parcel: &Parcel) {
        if let Some(clock) = parcel.clock() {
            for table in &mut self.tables {
                table.expire(clock, |moment| parcel.reached(moment), &mut self.outlet);
            }
        }
    }

    /// The capture is over: closes the flows that packets up to `opener` opened. Asked again with a later one, until all
    /// are closed; the records of all open flows at once would take much more memory than the flows.
    pub fn finish(&mut self, at: PacketRef, opener: PacketNumber) {
        for table in &mut self.tables {
            table.finish_up_to(at, opener, &mut self.outlet);
        }
    }

    /// The records so far, in the order of the run, to be taken out.
    pub fn emitted(&mut self) -> &mut Vec<Emitted> {
        self.outlet.emitted()
    }

    /// Where the results went.
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// Takes one packet, if it is this worker's; answers its flow.
    fn packet(&mut self, parcel: &Parcel, place: usize, routed: &Routed) -> Option<FlowId> {
        let Some(shard) = routed.shard.map(usize::from) else {
            // Nobody's flow; its checksums are all there is to look at.
            if place % self.step == self.first {
                self.verify(routed, parcel.view(routed), parcel.packet_ref(place));
            }
            return None;
        };
        if shard % self.step != self.first {
            return None;
        }
        let (bytes, at) = (parcel.view(routed), parcel.packet_ref(place));
        let checksum = self.verify(routed, bytes, at);
        let table = self.tables.get_mut(shard / self.step)?;
        let head = &parcel.batch.heads[place];
        let packet = Packet {
            at,
            clock: routed.clock,
            bytes,
            decoded: &routed.decoded,
            wire_length: head.wire_length,
            encapsulated: parcel.encapsulated(head, routed),
            checksum,
        };
        table.expire(routed.clock, |moment| parcel.reached(moment), &mut self.outlet);
        let conversation = table.packet(&packet, &mut self.outlet)?;
        // What runs right above IP is in the hierarchy already, and an ICMP error is no packet of the flow that it quotes.
        if routed.decoded.payload_length > 0 && routed.decoded.flow_transport().is_some() {
            conversation.count(routed.node, packet.wire_length, &mut self.outlet);
        }
        Some(conversation.flow())
    }

    /// Verifies the checksums of the innermost network header and of what it carries; answers the latter's verdict.
    #[inline]
    fn verify(&mut self, routed: &Routed, bytes: &[u8], at: PacketRef) -> ChecksumStatus {
        let decoded = &routed.decoded;
        let checksums = self.outlet.checksums_mut();
        // The header of a reassembled datagram never was on a wire.
        if !routed.reassembled {
            match decoded.network_checksum(bytes) {
                ChecksumStatus::Good => checksums.good(Kind::Ipv4),
                ChecksumStatus::Bad => checksums.wrong(Kind::Ipv4, decoded.network_checksum_is_left(bytes), at),
                ChecksumStatus::Unverified => {}
            }
        }
        let kind = match decoded.transport {
            TransportHeader::Tcp => Kind::Tcp,
            TransportHeader::Udp => Kind::Udp,
            TransportHeader::Icmp | TransportHeader::Icmpv6 => Kind::Icmp,
            TransportHeader::None | TransportHeader::Fragment | TransportHeader::Other(_) => {
                return ChecksumStatus::Unverified;
            }
        };
        let status = decoded.transport_checksum(bytes);
        match status {
            ChecksumStatus::Good => checksums.good(kind),
            ChecksumStatus::Bad => checksums.wrong(kind, decoded.transport_checksum_is_left(bytes), at),
            ChecksumStatus::Unverified => {}
        }
        status
    }
}
