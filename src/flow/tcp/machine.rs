//! The states of both endpoints, and how each came about: steps that only the peer's segments imply stay unproven until
//! their own side proves or disproves them.
use super::state::{self, Event, Step};
use crate::{
    limits,
    record::{Certainty, PacketNumber, Side, TcpState, Timestamp},
};

/// A state change as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub packet: Option<PacketNumber>,
    pub ts: Timestamp,
    pub side: Side,
    pub from: Option<TcpState>,
    pub step: Step,
}

/// Both endpoints' states and how they came about.
#[derive(Debug, Default)]
pub(super) struct Machine {
    states: [Option<TcpState>; 2],
    pub entries: Vec<Entry>,
    pub total: u64,
    /// The last step of each side, while nothing that side sent has proven it: the state before, and its entry.
    unproven: [Option<(Option<TcpState>, Option<usize>)>; 2],
}

/// Where an opening starts that nothing preceded (RFC 9293 3.3.2, figure 5): who sends a SYN had no connection; who
/// answers one was listening. Of anything else the beginning was missed.
fn before_opening(to: TcpState) -> Option<TcpState> {
    match to {
        TcpState::SynSent => Some(TcpState::Closed),
        TcpState::SynReceived => Some(TcpState::Listen),
        _ => None,
    }
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Server)
}

impl Machine {
    pub fn state(&self, side: Side) -> Option<TcpState> {
        self.states.get(place(side)).copied().flatten()
    }

    pub fn set(&mut self, side: Side, state: Option<TcpState>) {
        if let Some(slot) = self.states.get_mut(place(side)) {
            *slot = state;
        }
    }

    fn unproven(&mut self, side: Side) -> Option<&mut Option<(Option<TcpState>, Option<usize>)>> {
        self.unproven.get_mut(place(side))
    }

    pub fn is_unproven(&self, side: Side) -> bool {
        self.unproven.get(place(side)).is_some_and(Option::is_some)
    }

    pub fn apply(&mut self, side: Side, event: Event, packet: Option<PacketNumber>, ts: Timestamp) -> bool {
        let from = self.state(side);
        let Some(step) = state::next(from, event) else {
            return false;
        };
        self.record(side, from, step, packet, ts);
        true
    }

    pub fn record(
        &mut self,
        side: Side,
        from: Option<TcpState>,
        step: Step,
        packet: Option<PacketNumber>,
        ts: Timestamp,
    ) {
        self.set(side, Some(step.to));
        self.total = self.total.saturating_add(1);
        let kept = (self.entries.len() < limits::MAX_TRANSITIONS).then_some(self.entries.len());
        if kept.is_some() {
            if self.entries.is_empty() {
                // All that a connection whose SYN nobody answers ever has.
                self.entries.reserve_exact(2);
            }
            self.entries.push(Entry { packet, ts, side, from: from.or(before_opening(step.to)), step });
        }
        let implied = step.certainty == Certainty::Implied;
        if let Some(slot) = self.unproven(side) {
            *slot = implied.then_some((from, kept));
        }
    }

    /// What `side` sent proves its last step.
    pub fn prove(&mut self, side: Side) {
        let slot = self.unproven(side).and_then(Option::take);
        if let Some((_, Some(index))) = slot
            && let Some(entry) = self.entries.get_mut(index)
        {
            entry.step.certainty = Certainty::Observed;
        }
    }

    /// What `side` sent shows that its last step did not happen (yet).
    pub fn revoke(&mut self, side: Side) {
        let Some((from, index)) = self.unproven(side).and_then(Option::take) else {
            return;
        };
        self.set(side, from);
        self.total = self.total.saturating_sub(1);
        let Some(index) = index else { return };
        if index < self.entries.len() {
            self.entries.remove(index);
        }
        if let Some(Some((_, Some(other)))) = self.unproven(side.other())
            && *other > index
        {
            *other = other.saturating_sub(1);
        }
    }
}
