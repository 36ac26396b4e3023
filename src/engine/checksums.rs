//! What the checksums of a run's packets said: how many were verified, how many were wrong, and how many of those look
//! as if the sending machine's network card was to fill them in after the capture saw them.
use std::{collections::VecDeque, sync::Arc};

use crate::record::{Evidence, Finding, PacketNumber, PacketRef, Severity, Subject};

/// Whose checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4's header checksum (RFC 791).
    Ipv4,
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// ICMP and ICMPv6.
    Icmp,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ipv4, Self::Tcp, Self::Udp, Self::Icmp];

    fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
        }
    }
}

/// Packets of one sort, such as those with a wrong checksum: how many, the first and the last.
#[derive(Clone, Debug, Default)]
pub struct Wrong {
    count: u64,
    /// The first ones and the last ones, by their place in the run.
    first: Vec<(u64, PacketNumber)>,
    last: VecDeque<(u64, PacketNumber)>,
}

impl Wrong {
    /// Packet numbers kept at either end.
    const SHOWN: usize = 4;

    /// Adds one.
    pub fn add(&mut self, at: PacketRef) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            self.first.push((at.index, at.number));
        } else {
            if self.last.len() == Self::SHOWN {
                self.last.pop_front();
            }
            self.last.push_back((at.index, at.number));
        }
    }

    /// Adds what another worker found.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        let mut all: Vec<(u64, PacketNumber)> =
            [&self.first, &other.first].into_iter().flatten().chain(&self.last).chain(&other.last).copied().collect();
        all.sort_unstable();
        let rest = all.split_off(all.len().min(Self::SHOWN));
        self.first = all;
        self.last = rest.iter().rev().take(Self::SHOWN).rev().copied().collect();
    }

    /// How many packets.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first and the last of them; the others are counted.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let mut evidence: Evidence = self.first.iter().chain(&self.last).map(|(_, number)| *number).collect();
        evidence.add_unlisted(self.count.saturating_sub(evidence.total()));
        evidence
    }
}

/// What was found out about one kind of checksum.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Checksums that could be judged, good and wrong.
    pub verified: u64,
    /// Wrong in the way of checksum offload: the field holds no more than what the card is to start from.
    pub offload: Wrong,
    /// Wrong otherwise: damaged on the way, or by the capture.
    pub bad: Wrong,
}

/// All kinds.
#[derive(Clone, Debug, Default)]
pub struct Checksums {
    kinds: [Checked; Kind::ALL.len()],
}

impl Checksums {
    /// Counts a checksum that was right.
    #[inline]
    pub fn good(&mut self, kind: Kind) {
        self.kinds[kind as usize].verified += 1;
    }

    /// Counts a checksum that was wrong.
    #[cold]
    pub fn wrong(&mut self, kind: Kind, looks_offloaded: bool, at: PacketRef) {
        let checked = &mut self.kinds[kind as usize];
        checked.verified += 1;
        if looks_offloaded { &mut checked.offload } else { &mut checked.bad }.add(at);
    }

    /// What was found out about one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &Checked {
        &self.kinds[kind as usize]
    }

    /// What a person should know of it. `files` are the captures' names, when there are several.
    #[must_use]
    pub fn findings(&self, files: &[Arc<str>]) -> Vec<Finding> {
        let finding = |wrong: &Wrong, severity, code, title, explanation: &str| Finding {
            subject: Subject {
                flow: None,
                file: wrong.first.first().and_then(|(_, first)| files.get(usize::from(first.file()))).cloned(),
                evidence: wrong.evidence(),
            },
            client: None,
            server: None,
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some("RFC 1071"),
        };
        let mut findings = Vec::new();
        for kind in Kind::ALL {
            let (checked, name) = (self.of(kind), kind.name());
            let of = |count: u64| format!("{count} of {} {name} checksums", checked.verified);
            if checked.offload.count() > 0 {
                findings.push(finding(
                    &checked.offload,
                    Severity::Note,
                    "capture.checksum-offload",
                    format!("not yet filled in when captured: {}", of(checked.offload.count())),
                    "The capture was taken on the sending machine, whose network card fills checksums in later. They say \
                     nothing of the network; the packets count like any other.",
                ));
            }
            if checked.bad.count() > 0 {
                findings.push(finding(
                    &checked.bad,
                    Severity::Warning,
                    "capture.bad-checksum",
                    format!("wrong: {}", of(checked.bad.count())),
                    "The packets were damaged on the way, changed by something that did not correct the checksum, or not \
                     yet finished by the sender's network card when captured. Receivers drop damaged packets; here they \
                     count all the same.",
                ));
            }
        }
        findings
    }

    /// Adds what another worker found out.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            mine.verified += theirs.verified;
            mine.offload.merge(&theirs.offload);
            mine.bad.merge(&theirs.bad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;

    fn at(index: u64) -> PacketRef {
        PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp::MIN }
    }

    #[test]
    fn the_same_proof_for_any_number_of_workers() {
        let mut one = Checksums::default();
        let mut several = [Checksums::default(), Checksums::default(), Checksums::default()];
        for index in 0..100u64 {
            one.wrong(Kind::Tcp, false, at(index));
            several[(index * 7 % 3) as usize].wrong(Kind::Tcp, false, at(index));
        }
        let mut merged = Checksums::default();
        several.iter().for_each(|worker| merged.merge(worker));
        let evidence = merged.of(Kind::Tcp).bad.evidence();
        assert_eq!(evidence, one.of(Kind::Tcp).bad.evidence());
        assert_eq!(evidence.total(), 100);
        let numbers: Vec<u64> = evidence.numbers().iter().map(|number| number.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 97, 98, 99, 100]);
        assert_eq!(merged.of(Kind::Udp).verified, 0);
    }
}
