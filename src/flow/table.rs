//! The flows of one shard: look-up, expiry on packet time, and the cap on their number.
use std::marker::PhantomData;

use super::{Consumer, Packet, Settings};
use crate::record::{PacketRef, Timestamp};

/// The flows of one shard.
pub struct Table<C: Consumer> {
    settings: Settings,
    consumer: PhantomData<C>,
}

impl<C: Consumer> Table<C> {
    /// An empty table.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, consumer: PhantomData }
    }

    /// Takes a TCP or UDP packet, or an ICMP error that quotes one. Answers with the conversation it belongs to.
    pub fn packet<'t>(&'t mut self, packet: &Packet<'_>, consumer: &mut C) -> Option<&'t mut C::Conversation> {
        let _ = (packet, consumer, self.settings);
        None
    }

    /// Closes the flows whose deadline is at or before `clock`. `reached` tells the packet by which a moment was
    /// reached: the first one whose clock is at or after it. Cheap when nothing is due.
    pub fn expire(&mut self, clock: Timestamp, reached: impl Fn(Timestamp) -> PacketRef, consumer: &mut C) {
        let _ = (clock, reached, consumer);
    }

    /// The capture is over: closes every flow, in the order they were opened.
    pub fn finish(&mut self, at: PacketRef, consumer: &mut C) {
        let _ = (at, consumer);
    }

    /// How many flows are open.
    #[must_use]
    pub fn open_flows(&self) -> usize {
        0
    }
}
