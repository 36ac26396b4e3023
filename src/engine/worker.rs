//! One worker: owns some of the shards and takes their packets through flows and sessions.
use super::{
    consumer::{Emitted, Outlet},
    route::{Parcel, Routed},
};
use crate::{
    app::Note,
    flow::{Packet, Settings, Table},
    limits,
    record::{PacketNumber, PacketRef},
};

/// Shards `first`, `first + step`, ... and where their results go.
pub struct Worker {
    tables: Vec<Table<Outlet>>,
    first: usize,
    step: usize,
    outlet: Outlet,
}

impl Worker {
    /// Worker `first` of `step` workers. `settings.max_flows` is for all shards together.
    pub fn new(first: usize, step: usize, settings: Settings, outlet: Outlet) -> Self {
        let per_shard = Settings { max_flows: settings.max_flows.div_ceil(limits::SHARDS), ..settings };
        let tables = (first..limits::SHARDS).step_by(step).map(|_| Table::new(per_shard)).collect();
        Self { tables, first, step, outlet }
    }

    /// Takes the packets of a parcel that are this worker's, and lets time pass to the parcel's end.
    pub fn process(&mut self, parcel: &Parcel) {
        for (place, routed) in parcel.routed.iter().enumerate() {
            self.packet(parcel, place, routed);
        }
        self.pass_time(parcel);
    }

    /// Takes one packet, if it is this worker's; answers what sessions said about it, when notes are wanted.
    pub fn packet_notes(&mut self, parcel: &Parcel, place: usize) -> Vec<Note> {
        if let Some(routed) = parcel.routed.get(place) {
            self.packet(parcel, place, routed);
        }
        self.outlet.take_notes()
    }

    /// Closes what is due at the end of the parcel, so that results do not depend on where parcels end.
    pub fn pass_time(&mut self, parcel: &Parcel) {
        if let Some(clock) = parcel.clock() {
            for table in &mut self.tables {
                table.expire(clock, |moment| parcel.reached(moment), &mut self.outlet);
            }
        }
    }

    /// The capture is over: closes the flows whose first packet is not behind `opener`.
    pub fn finish_up_to(&mut self, opener: PacketNumber, at: PacketRef) {
        for table in &mut self.tables {
            table.finish_up_to(opener, at, &mut self.outlet);
        }
    }

    /// The records since the last call, in the order of the run.
    pub fn take_emitted(&mut self) -> Vec<Emitted> {
        self.outlet.take_emitted()
    }

    /// Where the results went.
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    fn packet(&mut self, parcel: &Parcel, place: usize, routed: &Routed) {
        let Some(shard) = routed.shard.map(usize::from) else { return };
        if shard % self.step != self.first {
            return;
        }
        let Some(table) = self.tables.get_mut(shard / self.step) else { return };
        let packet = Packet {
            at: parcel.packet_ref(place),
            clock: routed.clock,
            bytes: parcel.view(routed),
            decoded: &routed.decoded,
            wire_length: parcel.batch.heads[place].wire_length,
        };
        table.expire(routed.clock, |moment| parcel.reached(moment), &mut self.outlet);
        if let Some(conversation) = table.packet(&packet, &mut self.outlet)
            && routed.decoded.payload_length > 0
        {
            conversation.count(routed.node, packet.wire_length, &mut self.outlet);
        }
    }
}
