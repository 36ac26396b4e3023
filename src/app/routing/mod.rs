//! Protocols between routers of which only the first facts are told: EIGRP (RFC 7868), PIM version 2 (RFC 7761) and RSVP
//! (RFC 2205). Messages are counted by type, and what a router says of itself is kept.
mod eigrp;
mod pim;
mod rsvp;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// EIGRP.
pub static EIGRP: Protocol = Protocol {
    name: "eigrp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(88) if eigrp::header(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<eigrp::Eigrp>>::default(),
};

/// PIM.
pub static PIM: Protocol = Protocol {
    name: "pim",
    probe: |asked| match asked.carrier {
        Carrier::Ip(103) if pim::kind(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<pim::Pim>>::default(),
};

/// RSVP.
pub static RSVP: Protocol = Protocol {
    name: "rsvp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(46) if rsvp::kind(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<rsvp::Rsvp>>::default(),
};

/// Messages counted by what they are, in the order in which they came first.
#[derive(Debug, Default)]
struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    fn see(&mut self, name: &'static str) {
        match self.0.iter().position(|(known, _)| *known == name).and_then(|place| self.0.get_mut(place)) {
            Some((_, count)) => *count = count.saturating_add(1),
            // There are as many as types, a dozen at most.
            None => self.0.push((name, 1)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, count)| format!("{name} {count}"))
    }
}
