//! Packets that are in a capture twice: how many of each file, and whether both were captured at the same place.
use std::sync::Arc;

use super::checksums::Wrong as Listed;
use crate::{
    flow::Copied,
    record::{Capture, Finding, PacketRef, Severity, Subject},
};

/// Copies from which on it is the way of capturing, not of the network: so many, and a packet in so many.
const SYSTEMATIC: (u64, u64) = (10, 20);

/// Copies by file.
#[derive(Clone, Debug, Default)]
pub struct Copies {
    files: Vec<OfFile>,
}

#[derive(Clone, Debug, Default)]
struct OfFile {
    copies: Listed,
    /// Those whose hop limit is not that of the other.
    elsewhere: u64,
}

impl Copies {
    /// The packet `at` is the copy of an earlier one.
    #[cold]
    pub fn add(&mut self, at: PacketRef, copied: Copied) {
        let file = usize::from(at.number.file());
        if self.files.len() <= file {
            self.files.resize_with(file + 1, OfFile::default);
        }
        if let Some(of) = self.files.get_mut(file) {
            of.copies.add(at);
            of.elsewhere += u64::from(copied == Copied::OtherHops);
        }
    }

    /// Adds what another worker found.
    pub fn merge(&mut self, other: &Self) {
        if self.files.len() < other.files.len() {
            self.files.resize_with(other.files.len(), OfFile::default);
        }
        for (mine, theirs) in self.files.iter_mut().zip(&other.files) {
            mine.copies.merge(&theirs.copies);
            mine.elsewhere += theirs.elsewhere;
        }
    }

    /// One finding for each of `captures` in which it is systematic. `files` are their names, when there are several.
    #[must_use]
    pub fn findings(&self, captures: &[Capture], files: &[Arc<str>]) -> Vec<Finding> {
        let (least, one_in) = SYSTEMATIC;
        let of_files = self.files.iter().zip(captures).enumerate();
        let systematic =
            of_files.filter(|(_, (of, capture))| of.copies.count() >= least.max(capture.packets.div_ceil(one_in)));
        let finding = |(file, (of, capture)): (usize, (&OfFile, &Capture))| {
            let copies = of.copies.count();
            let percent = copies.saturating_mul(100).checked_div(capture.packets).unwrap_or(0);
            let apart = of.elsewhere.saturating_mul(2) > copies;
            let (title, explanation) = match apart {
                true => (
                    format!(
                        "{copies} of {} packets ({percent} %) are in the capture twice, captured on both sides of a router",
                        capture.packets
                    ),
                    "Both have the same identification and numbers, but not the same hop limit: one was captured before a router and \
                     one behind it. Times between them are the router's. Packets, bytes and rates count both; retransmissions do \
                     not. Filter by interface, VLAN or Ethernet address to see one side.",
                ),
                false => (
                    format!("{copies} of {} packets ({percent} %) are in the capture twice", capture.packets),
                    "Both have the same identification, numbers and hop limit, so the sender sent them once: a mirror port (SPAN) that \
                     copies packets as they enter and again as they leave the switch, or a capture on several interfaces. Packets, \
                     bytes and rates count both; retransmissions do not. Mirror one direction only, or take the copies out: \
                     editcap -d.",
                ),
            };
            Finding {
                subject: Subject { flow: None, file: files.get(file).cloned(), evidence: of.copies.evidence() },
                client: None,
                server: None,
                severity: Severity::Warning,
                code: "capture.duplicated-packets",
                title,
                explanation: explanation.to_owned(),
                reference: Some("RFC 6864 4.3"),
            }
        };
        systematic.map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{PacketNumber, Timestamp};

    fn copies(numbers: impl Iterator<Item = u64>, copied: Copied) -> Copies {
        let mut copies = Copies::default();
        for number in numbers {
            let at = PacketRef { index: number, number: PacketNumber::new(0, number), timestamp: Timestamp::MIN };
            copies.add(at, copied);
        }
        copies
    }

    fn capture(packets: u64) -> [Capture; 1] {
        [Capture { packets, ..Capture::default() }]
    }

    #[test]
    fn a_few_copies_are_the_networks() {
        let few = copies(1..=9, Copied::SameHops);
        assert!(few.findings(&capture(18), &[]).is_empty());
        let rare = copies(1..=40, Copied::SameHops);
        assert!(rare.findings(&capture(801), &[]).is_empty());
        assert_eq!(rare.findings(&capture(800), &[]).len(), 1);
    }

    #[test]
    fn the_same_finding_for_any_number_of_workers() {
        let one = copies(1..=60, Copied::SameHops).findings(&capture(120), &[]);
        let mut several = copies((1..=60).filter(|number| number % 3 == 0), Copied::SameHops);
        several.merge(&copies((1..=60).filter(|number| number % 3 != 0), Copied::SameHops));
        assert_eq!(several.findings(&capture(120), &[]), one);
        assert_eq!(one[0].title, "60 of 120 packets (50 %) are in the capture twice");
        let apart = copies(1..=60, Copied::OtherHops).findings(&capture(120), &[]);
        assert!(apart[0].title.ends_with("both sides of a router"), "{}", apart[0].title);
    }
}
