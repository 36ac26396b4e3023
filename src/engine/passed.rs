//! What passed of a capture, when not all of it did: counted in the reader, told in the capture's record.
use crate::{
    capture::PacketHead,
    record::{Capture, Timestamp},
};

/// Packets that a filter or a count let pass.
#[derive(Clone, Copy, Default)]
pub(super) struct Passed {
    packets: u64,
    captured_bytes: u64,
    wire_bytes: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    backwards: u64,
}

impl Passed {
    /// One more.
    pub(super) fn add(&mut self, head: &PacketHead) {
        self.packets += 1;
        self.captured_bytes += u64::from(head.captured_length);
        self.wire_bytes += u64::from(head.wire_length);
        self.backwards += u64::from(self.last.is_some_and(|last| head.timestamp < last));
        self.first.get_or_insert(head.timestamp);
        self.last = Some(head.timestamp);
    }

    /// Puts the counts in the place of those of the source, which has read more.
    pub(super) fn describe(self, capture: &mut Capture) {
        capture.packets = self.packets;
        capture.captured_bytes = self.captured_bytes;
        capture.wire_bytes = self.wire_bytes;
        capture.first_ts = self.first;
        capture.last_ts = self.last;
        capture.timestamps_backwards = self.backwards;
    }
}
