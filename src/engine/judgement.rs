//! What the flow thinks of a TCP segment, under Wireshark's names: for filters that ask for `tcp.analysis`.
//!
//! The flow counts; what its counters moved by with a segment says what it took the segment for.
use std::collections::HashMap;

use super::{
    route::{Parcel, Routed},
    segments::Counted,
    worker::Worker,
};
use crate::{
    limits::MAX_RELATIVE_FLOWS,
    record::{Endpoint, FlowId, FlowKey},
};

/// Judgements passed on one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged(u16);

/// Wireshark's names; a judgement's place is its bit.
const NAMES: [&str; 10] = [
    "tcp.analysis.retransmission",
    "tcp.analysis.fast_retransmission",
    "tcp.analysis.spurious_retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.duplicate_ack",
    "tcp.analysis.zero_window",
    "tcp.analysis.window_full",
    "tcp.analysis.keep_alive",
    "tcp.analysis.zero_window_probe",
    "tcp.analysis.flags",
];

impl Judged {
    /// Whether the judgement of this name was passed.
    pub fn has(self, name: &str) -> bool {
        match NAMES.iter().position(|known| *known == name) {
            // Any of them.
            Some(place) if place == NAMES.len() - 1 => self.0 != 0,
            Some(place) => self.0 & 1 << place != 0,
            None => false,
        }
    }
}

/// What was counted of every connection.
#[derive(Default)]
pub struct Judge {
    counted: HashMap<FlowKey, (FlowId, [Counted; 2])>,
    left_out: u64,
}

impl Judge {
    /// Judges the packet at `place`, which `worker` has just taken.
    pub fn judge(&mut self, parcel: &Parcel, routed: &Routed, worker: &Worker) -> Judged {
        self.of(parcel, routed, worker).unwrap_or_default()
    }

    /// Packets that were not judged, because there were too many connections.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    fn of(&mut self, parcel: &Parcel, routed: &Routed, worker: &Worker) -> Option<Judged> {
        let view = parcel.view(routed);
        let header = routed.decoded.tcp_header(view)?;
        let key = routed.decoded.flow_key(view)?;
        let (source, _) = routed.decoded.endpoints(view)?;
        let known = worker.connection(routed, &key)?;
        let id = known.subject.flow?;
        if self.counted.len() >= MAX_RELATIVE_FLOWS && !self.counted.contains_key(&key) {
            self.left_out += 1;
            return None;
        }
        let now = [Counted::of(&known.client), Counted::of(&known.server)];
        let before = match self.counted.insert(key, (id, now)) {
            Some((earlier, counted)) if earlier == id => counted,
            _ => Default::default(),
        };
        let client = Endpoint { address: known.client.address, port: known.client.port };
        let own = usize::from(source != client);
        let (was, is) = (before.get(own)?, now.get(own)?);
        let flags = header.flags;
        let moved = [
            is.retransmissions > was.retransmissions,
            is.fast > was.fast,
            is.spurious > was.spurious,
            is.out_of_order > was.out_of_order,
            is.duplicate_acks > was.duplicate_acks,
            header.window == 0 && !flags.syn() && !flags.fin() && !flags.rst(),
            is.window_full > was.window_full,
            is.keep_alives > was.keep_alives,
            is.window_probes > was.window_probes,
        ];
        let bits = moved.iter().enumerate().fold(0, |bits, (place, moved)| bits | u16::from(*moved) << place);
        Some(Judged(bits))
    }
}
