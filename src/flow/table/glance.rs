//! What is open in a table, for a display: counts, the flows that moved last, and those that were opened last. A bounded part
//! of the flows is looked at, however many there are.
use std::collections::VecDeque;

use super::{Kind, Slot, Table};
use crate::{
    flow::Consumer,
    limits,
    record::{FlowFacts, OpenConnection, OpenFlows},
};

/// Kept from packet to packet only where somebody looks.
#[derive(Default)]
pub(super) struct Watch {
    open: OpenFlows,
    /// The TCP connections opened last, as slot and what opened it.
    newest: VecDeque<(u32, u64)>,
    /// Flows in which something was under way when they were looked at, and that may since have been overtaken by others.
    kept: Vec<(u32, u64)>,
}

impl Watch {
    pub(super) fn opened<T>(&mut self, number: u32, slot: &Slot<T>) {
        let count = self.count(&slot.kind);
        *count = count.saturating_add(1);
        if matches!(slot.kind, Kind::Tcp(_) | Kind::Syn(_)) {
            if self.newest.len() >= limits::GLANCE_NEWEST {
                self.newest.pop_front();
            }
            self.newest.push_back((number, slot.opened));
        }
    }

    pub(super) fn closed(&mut self, kind: &Kind) {
        let count = self.count(kind);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, kind: &Kind) -> &mut u64 {
        match kind {
            Kind::Tcp(_) | Kind::Syn(_) => &mut self.open.tcp,
            Kind::Udp(_) => &mut self.open.udp,
            Kind::Bare(_) => &mut self.open.other,
        }
    }
}

/// A flow that is looked at.
pub struct Open<'t, T> {
    /// Its ends.
    pub facts: &'t FlowFacts,
    /// What reads it.
    pub conversation: &'t T,
    /// The connection, where it is one; what it carries is not filled in.
    pub connection: Option<OpenConnection>,
}

impl<C: Consumer> Table<C> {
    /// From now on, remembers what [`Table::glance`] needs. To be asked before the first packet.
    pub fn watch(&mut self) {
        self.watch = Some(Box::default());
    }

    /// How many flows are open; nothing without [`Table::watch`].
    #[must_use]
    pub fn open_by_kind(&self) -> OpenFlows {
        self.watch.as_ref().map(|watch| watch.open).unwrap_or_default()
    }

    /// Shows open flows: the [`limits::GLANCE_FLOWS`] that moved last, those that were answered before all others; the [`limits::GLANCE_NEWEST`] connections that were
    /// opened last, and those of which `look` said before that they are to be kept in sight.
    pub fn glance(&mut self, look: &mut dyn FnMut(&Open<'_, C::Conversation>) -> bool) {
        let Some(mut watch) = self.watch.take() else { return };
        let mut numbers =
            Vec::with_capacity(limits::GLANCE_FLOWS.saturating_add(limits::GLANCE_NEWEST.saturating_mul(3)));
        // Of those that were answered, and, if only a few, of those that were only begun or are over.
        for (tentative, most) in [(false, limits::GLANCE_FLOWS), (true, limits::GLANCE_NEWEST)] {
            let most = most.max(limits::GLANCE_FLOWS.saturating_sub(numbers.len())).saturating_add(numbers.len());
            let mut next = self.moved_last(tentative);
            while let Some(slot) = self.slot(next).filter(|_| numbers.len() < most) {
                numbers.push(next);
                next = slot.older;
            }
        }
        let still_open = |(number, opened): &(u32, u64)| self.slot(*number).is_some_and(|slot| slot.opened == *opened);
        watch.newest.retain(still_open);
        watch.kept.retain(still_open);
        numbers.extend(watch.newest.iter().chain(&watch.kept).map(|(number, _)| *number));
        numbers.sort_unstable();
        numbers.dedup();
        watch.kept.clear();
        for number in numbers {
            let Some(slot) = self.slot(number) else { continue };
            let connection = match &slot.kind {
                Kind::Tcp(connection) => Some(connection.glance(&slot.facts)),
                Kind::Syn(syn) => Some(syn.connection().glance(&slot.facts)),
                Kind::Udp(_) | Kind::Bare(_) => None,
            };
            let is_kept = look(&Open { facts: &slot.facts, conversation: &slot.conversation, connection });
            if is_kept && watch.kept.len() < limits::GLANCE_KEPT {
                watch.kept.push((number, slot.opened));
            }
        }
        self.watch = Some(watch);
    }
}
