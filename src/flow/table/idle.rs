//! Which flows were idle longest, what they hold, and which of them is closed when there is no room. Not their expiry.
use super::{Consumer, Kind, NONE, Slot, Table};
use crate::{limits, record::PacketRef};

/// A list of flows, linked through their slots: the idlest first.
#[derive(Clone, Copy)]
pub(super) struct Idle {
    idlest: u32,
    newest: u32,
    length: usize,
}

impl Default for Idle {
    fn default() -> Self {
        Self { idlest: NONE, newest: NONE, length: 0 }
    }
}

impl Kind {
    /// Whether little is lost when it is closed early: nobody has answered its SYN or its only packet, or it is over.
    fn is_tentative(&self) -> bool {
        match self {
            Self::Syn(_) => true,
            Self::Tcp(connection) => connection.is_tentative(),
            Self::Udp(flow) | Self::Bare(flow) => flow.packets() <= 1,
        }
    }

    /// Bytes that it takes, as far as they are counted.
    fn bytes(&self) -> u64 {
        match self {
            Self::Syn(_) | Self::Udp(_) | Self::Bare(_) => limits::BYTES_PER_SMALL_FLOW,
            Self::Tcp(connection) => limits::BYTES_PER_FLOW.saturating_add(connection.held_bytes()),
        }
    }
}

impl<C: Consumer> Table<C> {
    /// Bytes that its flows take, as far as they are counted: a fixed part of each and of its session, and what
    /// TCP's streams hold back.
    #[must_use]
    pub fn flow_bytes(&self) -> u64 {
        self.bytes
    }

    /// A packet of a flow was looked at: it is the newest of its list, and may hold more or less than before.
    pub(super) fn settle(&mut self, number: u32, consumer: &C) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        let tentative = slot.kind.is_tentative();
        let bytes = slot.kind.bytes().saturating_add(consumer.bytes(&slot.conversation));
        let (before, was_tentative) = (std::mem::replace(&mut slot.bytes, bytes), slot.is_tentative);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(bytes);
        if was_tentative != tentative || self.list(tentative).newest != number {
            self.unlink(number);
            self.link(number, tentative);
        }
    }

    /// The same of a new flow.
    pub(super) fn settle_new(&mut self, number: u32) {
        let Some(slot) = self.slots.get_mut(number) else { return };
        let (tentative, bytes) = (slot.kind.is_tentative(), slot.kind.bytes());
        slot.bytes = bytes;
        self.bytes = self.bytes.saturating_add(bytes);
        self.link(number, tentative);
    }

    /// Closes flows until another one of this kind has room.
    pub(super) fn make_room(&mut self, kind: &Kind, at: PacketRef, consumer: &mut C) {
        let most = self.settings.max_flows.max(1);
        while (self.index.len() >= most || self.bytes.saturating_add(kind.bytes()) > self.settings.max_flow_bytes)
            && self.evict(NONE, at, consumer)
        {}
    }

    /// Closes flows until what the others hold suits the limit, but not `number`.
    #[inline]
    pub(super) fn shrink(&mut self, number: u32, at: PacketRef, consumer: &mut C) {
        while self.bytes > self.settings.max_flow_bytes && self.evict(number, at, consumer) {}
    }

    /// Closes a flow, but not `spared`; false when there is none. The idlest of those that were only begun, or are over,
    /// as long as they are a quarter of all: a flood of them cannot push out more of the others than that, and when
    /// there is no flood, a connection that is being opened is not given up for one that nobody uses.
    fn evict(&mut self, spared: u32, at: PacketRef, consumer: &mut C) -> bool {
        let many = self.list(true).length.saturating_mul(4) >= self.index.len();
        let victim = [many, !many].map(|tentative| self.list(tentative).idlest);
        let Some(victim) = victim.into_iter().find(|number| *number != NONE && *number != spared) else { return false };
        consumer.limit(&limits::FLOWS, at);
        self.close(victim, at, None, consumer);
        true
    }

    /// The flow of a list that moved last.
    pub(super) fn moved_last(&self, tentative: bool) -> u32 {
        self.list(tentative).newest
    }

    fn list(&self, tentative: bool) -> &Idle {
        let [settled, begun] = &self.idle;
        if tentative { begun } else { settled }
    }

    fn list_mut(&mut self, tentative: bool) -> &mut Idle {
        let [settled, begun] = &mut self.idle;
        if tentative { begun } else { settled }
    }

    pub(super) fn unlink(&mut self, number: u32) {
        let links = |slot: &Slot<C::Conversation>| (slot.older, slot.newer, slot.is_tentative);
        let Some((older, newer, tentative)) = self.slot(number).map(links) else { return };
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.list_mut(tentative).idlest = newer,
        }
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.list_mut(tentative).newest = older,
        }
        let list = self.list_mut(tentative);
        list.length = list.length.saturating_sub(1);
    }

    fn link(&mut self, number: u32, tentative: bool) {
        let before = self.list(tentative).newest;
        if let Some(slot) = self.slot_mut(number) {
            (slot.older, slot.newer, slot.is_tentative) = (before, NONE, tentative);
        }
        match self.slot_mut(before) {
            Some(slot) => slot.newer = number,
            None => self.list_mut(tentative).idlest = number,
        }
        let list = self.list_mut(tentative);
        (list.newest, list.length) = (number, list.length.saturating_add(1));
    }
}
