//! Where the flows of a table are kept, and the virtual networks by which flows between the same ends are told apart.
use super::{Kind, NONE};
use crate::{
    flow::Packet,
    record::{Endpoint, FlowFacts, FlowKey, Tunnel},
};

/// A flow in its slot.
pub(super) struct Slot<T> {
    pub(super) key: FlowKey,
    pub(super) hash: u64,
    pub(super) older: u32,
    pub(super) newer: u32,
    /// Which list of idle flows it is in.
    pub(super) is_tentative: bool,
    /// What it takes, as far as that is counted.
    pub(super) bytes: u64,
    /// The second at whose start it expires if nothing comes.
    pub(super) deadline: i64,
    /// The earliest second for which a timer is set.
    pub(super) armed: i64,
    pub(super) opened: u64,
    pub(super) facts: FlowFacts,
    pub(super) conversation: T,
    pub(super) kind: Kind,
    /// The virtual networks that its packets are in: of those from the lower endpoint, and of the others.
    pub(super) networks: [u32; 2],
    /// What its first packet travelled in.
    pub(super) tunnel: Box<[Tunnel]>,
}

/// The virtual network of a direction that no packet was seen of.
pub(super) const UNSEEN: u32 = u32::MAX;

/// Which way a packet goes between the ends of its key, and in which virtual network.
#[derive(Clone, Copy)]
pub(super) struct Way {
    /// Place of its direction in [`Slot::networks`].
    pub(super) place: usize,
    pub(super) network: u32,
}

impl Way {
    #[inline]
    pub(super) fn new(source: Endpoint, destination: Endpoint, packet: &Packet<'_>) -> Self {
        let network = match packet.encapsulated {
            Some(encapsulated) if packet.decoded.depth > 0 => encapsulated.network(),
            _ => 0,
        };
        Self { place: usize::from(source > destination), network }
    }
}

/// Slots by number, in blocks, so that nothing moves when there come more of them.
pub(super) struct Slots<T> {
    blocks: Vec<Vec<Option<Slot<T>>>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Slots of a block: 20 KiB.
    const BLOCK: u32 = 64;

    pub(super) fn get(&self, number: u32) -> Option<&Slot<T>> {
        let place = number % Self::BLOCK;
        self.blocks.get((number / Self::BLOCK) as usize)?.get(place as usize)?.as_ref()
    }

    fn place(&mut self, number: u32) -> Option<&mut Option<Slot<T>>> {
        let place = number % Self::BLOCK;
        self.blocks.get_mut((number / Self::BLOCK) as usize)?.get_mut(place as usize)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Slot<T>> {
        self.place(number)?.as_mut()
    }

    pub(super) fn take(&mut self, number: u32) -> Option<Slot<T>> {
        self.place(number)?.take()
    }

    pub(super) fn put(&mut self, number: u32, slot: Slot<T>) {
        if let Some(place) = self.place(number) {
            *place = Some(slot);
        }
    }

    /// One more slot; its number, unless numbers are used up.
    pub(super) fn grow(&mut self) -> Option<u32> {
        if self.blocks.last().is_none_or(|block| block.len() == Self::BLOCK as usize) {
            self.blocks.push(Vec::with_capacity(Self::BLOCK as usize));
        }
        let full = self.blocks.len().checked_sub(1)?.checked_mul(Self::BLOCK as usize)?;
        let block = self.blocks.last_mut()?;
        let number = u32::try_from(full.checked_add(block.len())?).ok().filter(|number| *number != NONE)?;
        block.push(None);
        Some(number)
    }

    /// The slots that hold a flow, with their numbers.
    pub(super) fn filled(&self) -> impl Iterator<Item = (u32, &Slot<T>)> {
        let all = (0u32..).zip(self.blocks.iter().flatten());
        all.filter_map(|(number, slot)| slot.as_ref().map(|slot| (number, slot)))
    }
}
