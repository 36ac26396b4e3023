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

/// Steps of one side that may still turn out not to have happened.
const MAX_DOUBTS: usize = 4;

/// A step that only the peer's segments imply, while nothing its own side sent has proven it.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    from: Option<TcpState>,
    to: TcpState,
    /// Its place among the entries, if it is kept.
    entry: Option<u8>,
}

/// Both endpoints' states and how they came about.
#[derive(Debug, Default)]
pub(super) struct Machine {
    states: [Option<TcpState>; 2],
    pub entries: Vec<Entry>,
    pub total: u64,
    /// The last steps of each side since it was last seen for sure in a state, the oldest first.
    doubts: [[Option<Doubt>; MAX_DOUBTS]; 2],
    /// The numbers seen are not those the connection began with: nothing is sure any more.
    pub lost_track: bool,
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

    fn doubts(&mut self, side: Side) -> &mut [Option<Doubt>; MAX_DOUBTS] {
        let [client, server] = &mut self.doubts;
        if side == Side::Client { client } else { server }
    }

    /// Whether the state `side` is in is only implied.
    pub fn is_doubtful(&self, side: Side) -> bool {
        self.doubts.get(place(side)).is_some_and(|doubts| doubts.iter().any(Option::is_some))
    }

    /// Takes the step that `event` asks for, if there is one; as sure as the rule says.
    pub fn apply(&mut self, side: Side, event: Event, packet: Option<PacketNumber>, ts: Timestamp) -> bool {
        let from = self.state(side);
        let Some(step) = state::next(from, event) else {
            return false;
        };
        self.record(side, from, step, packet, ts);
        true
    }

    /// The same, but no surer than `certainty`.
    pub fn apply_as(
        &mut self,
        side: Side,
        event: Event,
        certainty: Certainty,
        packet: Option<PacketNumber>,
        ts: Timestamp,
    ) -> bool {
        let from = self.state(side);
        let Some(step) = state::next(from, event) else {
            return false;
        };
        let certainty = step.certainty.max(certainty);
        self.record(side, from, Step { certainty, ..step }, packet, ts);
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
        let sure = step.certainty == Certainty::Observed && !self.lost_track;
        let step = if sure { step } else { Step { certainty: step.certainty.max(Certainty::Implied), ..step } };
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
        let doubts = self.doubts(side);
        if step.certainty != Certainty::Implied {
            *doubts = [None; MAX_DOUBTS];
            return;
        }
        if doubts.last().is_some_and(Option::is_some) {
            doubts.rotate_left(1);
            if let Some(last) = doubts.last_mut() {
                *last = None;
            }
        }
        if let Some(free) = doubts.iter_mut().find(|doubt| doubt.is_none()) {
            *free = Some(Doubt { from, to: step.to, entry: kept.and_then(|kept| u8::try_from(kept).ok()) });
        }
    }

    /// What `side` sent proves that it was in `state`. Of the steps before that, nothing is said.
    pub fn prove(&mut self, side: Side, state: TcpState) {
        if self.lost_track {
            return;
        }
        let found = self.doubts(side).iter().position(|doubt| doubt.is_some_and(|doubt| doubt.to == state));
        let Some(found) = found else { return };
        let doubts = self.doubts(side);
        let entry = doubts.get(found).copied().flatten().and_then(|doubt| doubt.entry);
        // It and those before it have happened: none of them can be taken back any more.
        doubts.rotate_left(found.saturating_add(1));
        for gone in doubts.iter_mut().rev().take(found.saturating_add(1)) {
            *gone = None;
        }
        if let Some(entry) = entry.and_then(|index| self.entries.get_mut(usize::from(index))) {
            entry.step.certainty = Certainty::Observed;
        }
    }

    /// What `side` sent shows that its last step did not happen (yet).
    pub fn revoke(&mut self, side: Side) -> bool {
        let last = self.doubts(side).iter_mut().rev().find(|doubt| doubt.is_some());
        let Some(Doubt { from, entry, .. }) = last.and_then(Option::take) else {
            return false;
        };
        self.set(side, from);
        self.total = self.total.saturating_sub(1);
        let Some(index) = entry.map(usize::from).filter(|index| *index < self.entries.len()) else { return true };
        self.entries.remove(index);
        for doubt in self.doubts.iter_mut().flatten().flatten() {
            if let Some(other) = &mut doubt.entry
                && usize::from(*other) > index
            {
                *other = other.saturating_sub(1);
            }
        }
        true
    }
}
