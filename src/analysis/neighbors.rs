//! Who has which address, by ARP and Neighbor Discovery: addresses that two hosts claim, hosts that nobody finds, scans, storms
//! of announcements, and routers that contradict each other.
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::finding;
use crate::{
    limits,
    record::{
        Arp, ArpPurpose, Endpoint, Evidence, Finding, FlowId, HardwareAddress, Neighbor, NeighborOperation,
        PacketNumber, RouterAdvertisement, Severity, Station, Subject, Timestamp,
    },
};

/// Requests without an answer from which on a host is missed, and how long they took at least, in nanoseconds.
const MISSED: u64 = 3;
const MISSED_NS: i64 = 1_500_000_000;
/// Addresses that one host asks for in vain, from which on it scans, and the time per address at most, in nanoseconds.
const SCANNED: usize = 32;
const SCAN_STEP_NS: i64 = 2_000_000_000;
/// Announcements of one address by one host, from which on they are a storm, and the time for each at most, in nanoseconds.
const STORM: u64 = 20;
const STORM_STEP_NS: i64 = 3_000_000_000;
/// Replies of two hosts within this time answer the same question, in nanoseconds.
const BOTH_NS: i64 = 1_000_000_000;
/// Addresses asked for that are remembered of each host.
const MAX_ASKED: usize = 1024;
/// Until an advertisement that belongs to a solicitation in another flow, in nanoseconds (RFC 4861 6.2.6, 10).
const ANSWER_NS: i64 = 4_000_000_000;

/// Where an address belongs: captures and tunnels are different networks.
type Place = (u16, u8, IpAddr);

fn place(subject: &Subject, address: IpAddr) -> Place {
    let flow = subject.flow.unwrap_or_default();
    (flow.opener.file(), flow.depth, address)
}

/// What one link-layer address said of an address.
#[derive(Clone, Debug)]
struct Claim {
    mac: HardwareAddress,
    first: (Timestamp, PacketNumber),
    last: (Timestamp, PacketNumber),
    flow: Option<FlowId>,
    count: u64,
    /// Replies, asked for or not: somebody was told.
    replies: u64,
    /// First and last reply.
    replied: Option<(Timestamp, Timestamp)>,
    announced: u64,
    first_announced: Timestamp,
    last_announced: Timestamp,
}

#[derive(Debug, Default)]
struct Address {
    claims: Vec<Claim>,
    /// Asked by somebody who checks whether it is free, when, and with which packet.
    probes: Vec<(Timestamp, PacketNumber, Option<HardwareAddress>)>,
}

#[derive(Clone, Debug)]
struct Missed {
    flow: Option<FlowId>,
    by: IpAddr,
    evidence: Evidence,
    packets: u64,
    duration_ns: i64,
    askers: BTreeSet<IpAddr>,
}

#[derive(Debug, Default)]
struct Asker {
    address: Option<IpAddr>,
    flow: Option<FlowId>,
    asked: BTreeSet<IpAddr>,
    answered: BTreeSet<IpAddr>,
    times: Option<(Timestamp, Timestamp)>,
    evidence: Evidence,
}

#[derive(Debug)]
struct Router {
    flow: Option<FlowId>,
    says: RouterAdvertisement,
    evidence: Evidence,
}

/// An advertisement in a flow of its own that may answer a solicitation.
#[derive(Clone, Copy, Debug)]
struct Advertised {
    at: Timestamp,
    packet: PacketNumber,
    /// Null for a router's.
    target: Option<IpAddr>,
    mac: Option<HardwareAddress>,
}

/// All of a run.
#[derive(Debug, Default)]
pub(super) struct Neighbors {
    addresses: BTreeMap<Place, Address>,
    missed: BTreeMap<Place, Missed>,
    askers: BTreeMap<(u16, u8, HardwareAddress), Asker>,
    routers: BTreeMap<Place, Router>,
    advertised: std::collections::VecDeque<Advertised>,
    duplicates: Vec<Finding>,
    redirects: BTreeMap<(IpAddr, IpAddr), Finding>,
}

/// The entry of `key`; none when the table is full of others.
fn entry<K: Ord, V: Default>(table: &mut BTreeMap<K, V>, key: K) -> Option<&mut V> {
    if table.len() >= limits::MAX_COMPARED_NEIGHBORS && !table.contains_key(&key) {
        return None;
    }
    Some(table.entry(key).or_default())
}

impl Neighbors {
    /// An exchange of ARP; false when there was no room.
    pub fn arp(&mut self, arp: &Arp) -> bool {
        let mut complete = true;
        let evidence = &arp.subject.evidence;
        let first = evidence.numbers().first().copied().unwrap_or_default();
        let last = evidence.numbers().last().copied().unwrap_or_default();
        let begin = (arp.start_ts, first);
        let end = (arp.start_ts.plus(arp.duration_ns), last);
        let announced = matches!(arp.purpose, ArpPurpose::Announcement | ArpPurpose::GratuitousReply);
        let told = arp.purpose == ArpPurpose::UnsolicitedReply;
        match arp.purpose {
            ArpPurpose::Reverse | ArpPurpose::Other => return true,
            ArpPurpose::Probe => {
                complete &= self.probed(arp, begin);
            }
            _ => {
                let count = (arp.packets, if told { arp.packets } else { 0 }, if announced { arp.packets } else { 0 });
                let until = if arp.answered == Some(true) { begin } else { end };
                complete &= self.claim(&arp.subject, arp.sender, (begin, until), count);
            }
        }
        if arp.answered == Some(true) {
            complete &= self.claim(&arp.subject, arp.target, (end, end), (1, 1, 0));
        }
        if arp.answered == Some(false) && arp.purpose == ArpPurpose::Resolution {
            complete &=
                self.unanswered(&arp.subject, arp.sender.address, arp.target.address, (arp.packets, arp.duration_ns));
        }
        if let (Some(mac), ArpPurpose::Resolution) = (arp.sender.mac, arp.purpose) {
            complete &= self.asked(&arp.subject, mac, arp, (begin.0, end.0));
        }
        complete
    }

    fn probed(&mut self, arp: &Arp, begin: (Timestamp, PacketNumber)) -> bool {
        let Some(address) = entry(&mut self.addresses, place(&arp.subject, arp.target.address)) else { return false };
        let room = address.probes.len() < limits::MAX_CLAIMS;
        if room {
            address.probes.push((begin.0, begin.1, arp.sender.mac));
        }
        room
    }

    fn claim(
        &mut self,
        subject: &Subject,
        station: Station,
        (first, last): ((Timestamp, PacketNumber), (Timestamp, PacketNumber)),
        (count, replies, announced): (u64, u64, u64),
    ) -> bool {
        let Some(mac) = station.mac.filter(|_| !station.address.is_unspecified()) else { return true };
        let Some(address) = entry(&mut self.addresses, place(subject, station.address)) else { return false };
        let found = match address.claims.iter().position(|claim| claim.mac == mac) {
            Some(found) => found,
            None if address.claims.len() >= limits::MAX_CLAIMS => return false,
            None => {
                address.claims.push(Claim {
                    mac,
                    first,
                    last,
                    flow: subject.flow,
                    count: 0,
                    replies: 0,
                    replied: None,
                    announced: 0,
                    first_announced: first.0,
                    last_announced: first.0,
                });
                address.claims.len() - 1
            }
        };
        let Some(known) = address.claims.get_mut(found) else { return false };
        if announced > 0 {
            let fresh = known.announced == 0;
            known.first_announced = if fresh { first.0 } else { known.first_announced.min(first.0) };
            known.last_announced = if fresh { last.0 } else { known.last_announced.max(last.0) };
        }
        if replies > 0 {
            let (begin, end) = known.replied.unwrap_or((first.0, last.0));
            known.replied = Some((begin.min(first.0), end.max(last.0)));
        }
        if first < known.first {
            known.flow = subject.flow;
        }
        known.first = known.first.min(first);
        known.last = known.last.max(last);
        known.count = known.count.saturating_add(count);
        known.replies = known.replies.saturating_add(replies);
        known.announced = known.announced.saturating_add(announced);
        true
    }

    fn unanswered(
        &mut self,
        subject: &Subject,
        by: IpAddr,
        target: IpAddr,
        (packets, duration_ns): (u64, i64),
    ) -> bool {
        if packets < MISSED || duration_ns < MISSED_NS {
            return true;
        }
        let key = place(subject, target);
        if self.missed.len() >= limits::MAX_COMPARED_NEIGHBORS && !self.missed.contains_key(&key) {
            return false;
        }
        let missed = self.missed.entry(key).or_insert_with(|| Missed {
            flow: subject.flow,
            by,
            evidence: Evidence::new(),
            packets: 0,
            duration_ns: 0,
            askers: BTreeSet::new(),
        });
        for number in subject.evidence.numbers() {
            missed.evidence.add(*number);
        }
        missed.evidence.add_unlisted(subject.evidence.total().saturating_sub(subject.evidence.numbers().len() as u64));
        missed.packets = missed.packets.saturating_add(packets);
        missed.duration_ns = missed.duration_ns.saturating_add(duration_ns);
        if missed.askers.len() < limits::MAX_CLAIMS {
            missed.askers.insert(by);
        }
        true
    }

    fn asked(&mut self, subject: &Subject, mac: HardwareAddress, arp: &Arp, times: (Timestamp, Timestamp)) -> bool {
        let (file, depth, target) = place(subject, arp.target.address);
        let Some(asker) = entry(&mut self.askers, (file, depth, mac)) else { return false };
        if asker.asked.len() >= MAX_ASKED && !asker.asked.contains(&target) {
            return false;
        }
        if asker.asked.insert(target) {
            subject.evidence.numbers().first().into_iter().for_each(|number| asker.evidence.add(*number));
        }
        if arp.answered == Some(true) {
            asker.answered.insert(target);
        }
        asker.address.get_or_insert(arp.sender.address);
        asker.flow = asker.flow.or(subject.flow);
        let (begin, end) = asker.times.unwrap_or(times);
        asker.times = Some((begin.min(times.0), end.max(times.1)));
        true
    }

    /// An exchange of Neighbor Discovery is complete, and will be written next: what answers it in another flow is filled in.
    pub fn link(&mut self, neighbor: &mut Neighbor) {
        let wanted = match neighbor.operation {
            NeighborOperation::RouterSolicitation => None,
            NeighborOperation::NeighborSolicitation if neighbor.duplicate_address_detection => {
                neighbor.target.map(|target| target.address)
            }
            _ => return,
        };
        let last = neighbor.start_ts.plus(neighbor.duration_ns);
        let answers =
            |one: &&Advertised| one.target == wanted && one.at >= neighbor.start_ts && one.at.since(last) <= ANSWER_NS;
        // Solicitations leave when their flow ends, long after what answers them.
        if let Some(answer) = self.advertised.iter().find(answers) {
            neighbor.answered = Some(true);
            neighbor.latency_ns = Some(answer.at.since(last).max(0));
            neighbor.answer_packet = Some(answer.packet);
            if let Some(target) = &mut neighbor.target {
                target.mac = answer.mac;
            }
            neighbor.subject.evidence.add(answer.packet);
        }
    }

    /// An exchange of Neighbor Discovery was linked; false when there was no room.
    pub fn neighbor(&mut self, neighbor: &Neighbor) -> bool {
        let mut complete = true;
        let first = neighbor.subject.evidence.numbers().first().copied().unwrap_or_default();
        let begin = (neighbor.start_ts, first);
        match neighbor.operation {
            NeighborOperation::NeighborSolicitation => {
                if neighbor.duplicate_address_detection {
                    if neighbor.answered == Some(true) {
                        complete &= self.duplicate(neighbor);
                    }
                } else if neighbor.answered == Some(false)
                    && let Some(target) = neighbor.target
                {
                    let much = (neighbor.packets, neighbor.duration_ns);
                    complete &= self.unanswered(&neighbor.subject, neighbor.sender.address, target.address, much);
                }
                if let (Some(target), Some(packet), false) =
                    (neighbor.target, neighbor.answer_packet, neighbor.duplicate_address_detection)
                {
                    let at = (neighbor.start_ts.plus(neighbor.duration_ns), packet);
                    complete &= self.claim(&neighbor.subject, target, (at, at), (1, 1, 0));
                }
            }
            NeighborOperation::NeighborAdvertisement => {
                if let Some(target) = neighbor.target {
                    self.advertise(neighbor, Some(target.address), target.mac, first);
                    // To all nodes: an announcement (RFC 4861 7.2.6).
                    complete &= self.claim(&neighbor.subject, target, (begin, begin), (1, 0, 1));
                }
            }
            NeighborOperation::RouterAdvertisement => {
                self.advertise(neighbor, None, neighbor.sender.mac, first);
                if let Some(says) = &neighbor.router {
                    complete &= self.router(neighbor, says);
                }
            }
            NeighborOperation::Redirect => complete &= self.redirect(neighbor),
            NeighborOperation::RouterSolicitation => {}
        }
        complete
    }

    fn advertise(
        &mut self,
        neighbor: &Neighbor,
        target: Option<IpAddr>,
        mac: Option<HardwareAddress>,
        packet: PacketNumber,
    ) {
        if self.advertised.len() >= limits::MAX_COMPARED_NEIGHBORS {
            self.advertised.pop_front();
        }
        self.advertised.push_back(Advertised { at: neighbor.start_ts, packet, target, mac });
    }

    fn duplicate(&mut self, neighbor: &Neighbor) -> bool {
        if self.duplicates.len() >= limits::MAX_COMPARED_NEIGHBORS {
            return false;
        }
        let Some(target) = neighbor.target else { return true };
        let by = target.mac.map_or_else(String::new, |mac| format!(" by {mac}"));
        self.duplicates.push(finding(
            Severity::Warning,
            "nd.duplicate-address",
            (neighbor.subject.flow, Some(neighbor.client), Some(neighbor.server)),
            neighbor.subject.evidence.clone(),
            (
                format!("{} was already taken{by} when a host checked whether it is free", target.address),
                "Before a host uses an IPv6 address, it asks whether anybody has it; here somebody did. The host must not use \
                 the address: if it was set by hand, change one of the two; if it was made from the link-layer address, two \
                 interfaces have the same one, as copied virtual machines do. A proxy, or an attacker, may also answer for all.",
            ),
            "RFC 4862 5.4",
        ));
        true
    }

    fn router(&mut self, neighbor: &Neighbor, says: &RouterAdvertisement) -> bool {
        let key = place(&neighbor.subject, neighbor.sender.address);
        if self.routers.len() >= limits::MAX_COMPARED_NEIGHBORS && !self.routers.contains_key(&key) {
            return false;
        }
        let router = self.routers.entry(key).or_insert_with(|| Router {
            flow: neighbor.subject.flow,
            says: says.clone(),
            evidence: Evidence::new(),
        });
        for number in neighbor.subject.evidence.numbers() {
            router.evidence.add(*number);
        }
        if !says.prefixes.is_empty() {
            router.says = says.clone();
        }
        true
    }

    fn redirect(&mut self, neighbor: &Neighbor) -> bool {
        let (Some(target), Some(destination)) = (neighbor.target, neighbor.destination) else { return true };
        let by = neighbor.sender.address;
        if let Some(known) = self.redirects.get_mut(&(by, destination)) {
            neighbor.subject.evidence.numbers().iter().for_each(|number| known.subject.evidence.add(*number));
            return true;
        }
        if self.redirects.len() >= limits::MAX_COMPARED_NEIGHBORS {
            return false;
        }
        let through = if target.address == destination {
            "directly: it is on the link".to_owned()
        } else {
            format!("through {}", target.address)
        };
        let told = finding(
            Severity::Note,
            "icmp.redirect",
            (neighbor.subject.flow, Some(neighbor.client), Some(neighbor.server)),
            neighbor.subject.evidence.clone(),
            (
                format!("{by} told a host to send packets for {destination} {through}"),
                "The router passed the packet on to the very network it came from: there is a shorter way. Anybody on the link \
                 can forge such messages; most systems can be told to ignore them.",
            ),
            "RFC 4861 8",
        );
        self.redirects.insert((by, destination), told);
        true
    }

    /// What is told, in a fixed order.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for ((_, _, address), known) in &self.addresses {
            found.extend(conflict(*address, known));
            found.extend(known.claims.iter().filter_map(|claim| storm(*address, claim)));
        }
        let scanners: BTreeSet<IpAddr> =
            self.askers.values().filter(|asker| asker.scans()).filter_map(|asker| asker.address).collect();
        for (key, missed) in &self.missed {
            if !missed.askers.is_subset(&scanners) {
                found
                    .push(missed.finding(key.2, self.addresses.get(key).is_some_and(|known| !known.claims.is_empty())));
            }
        }
        found.extend(
            self.askers.iter().filter(|(_, asker)| asker.scans()).map(|((_, _, mac), asker)| asker.finding(*mac)),
        );
        found.extend(self.duplicates.iter().cloned());
        found.extend(self.several_routers());
        found.extend(self.redirects.values().cloned());
        found
    }

    fn several_routers(&self) -> Option<Finding> {
        let autonomous = |router: &Router| -> BTreeSet<String> {
            let prefixes = router.says.prefixes.iter().filter(|prefix| prefix.autonomous && prefix.valid_s > 0);
            prefixes.map(|prefix| prefix.prefix.clone()).collect()
        };
        let routers: Vec<_> = self.routers.iter().filter(|(_, router)| router.says.lifetime_s > 0).collect();
        let pairs = routers
            .iter()
            .enumerate()
            .flat_map(|(place, one)| routers.iter().skip(place + 1).map(move |other| (one, other)));
        let differ = |((one_key, one), (other_key, other)): &(&(&Place, &Router), &(&Place, &Router))| {
            let (mine, theirs) = (autonomous(one), autonomous(other));
            let same_network = (one_key.0, one_key.1) == (other_key.0, other_key.1);
            same_network && !mine.is_empty() && !theirs.is_empty() && mine.is_disjoint(&theirs)
        };
        let ((one_key, one), (other_key, other)) =
            pairs.into_iter().find(|((a, b), (c, d))| differ(&(&(*a, *b), &(*c, *d))))?;
        let list = |router: &Router| autonomous(router).into_iter().collect::<Vec<_>>().join(", ");
        let mut evidence = one.evidence.clone();
        other.evidence.numbers().iter().for_each(|number| evidence.add(*number));
        let end = |key: &Place| Some(Endpoint { address: key.2, port: 0 });
        Some(finding(
            Severity::Note,
            "nd.several-routers",
            (one.flow, end(one_key), end(other_key)),
            evidence,
            (
                format!("{} advertises {}, {} advertises {}", one_key.2, list(one), other_key.2, list(other)),
                "Hosts make themselves addresses from every prefix they hear of, and may send through either router. With two \
                 providers that is meant. Otherwise one of the two is a rogue: a device with connection sharing switched on, or \
                 an attacker who wants to be everybody's router and DNS server. Switches can filter such messages (RA guard).",
            ),
            "RFC 6104",
        ))
    }
}

/// Two who claim the same address.
fn conflict(address: IpAddr, known: &Address) -> Option<Finding> {
    let mut claims: Vec<&Claim> = known.claims.iter().collect();
    claims.sort_by_key(|claim| (claim.first, claim.mac));
    let (one, other) = claims.iter().zip(claims.iter().skip(1)).map(|(one, other)| (*one, *other)).next()?;
    let overlap = one.last > other.first;
    // Both answered the same question, unless the second had said before that it takes over.
    let both_answer = one.replied.zip(other.replied).is_some_and(|((_, before), (after, _))| {
        let taken_over = other.announced > 0 && other.first_announced <= after;
        after.since(before) <= BOTH_NS && !taken_over
    });
    let v6 = address.is_ipv6();
    let mut evidence = Evidence::new();
    let mut numbers = [one.first.1, other.first.1, one.last.1, other.last.1];
    numbers.sort_unstable();
    numbers.iter().for_each(|number| evidence.add(*number));
    let ends = (other.flow, Some(Endpoint { address, port: 0 }), None);
    let group = claims.iter().find_map(|claim| claim.mac.redundancy());
    let reference = if v6 { "RFC 4862 5.4" } else { "RFC 5227 2.4" };
    let (mac, new) = (one.mac, other.mac);
    let announced = other.announced > 0;
    if let Some(group) = group {
        return Some(finding(
            Severity::Note,
            "arp.address-moved",
            ends,
            evidence,
            (
                format!("{address} is at {mac} and at {new}: one of them is a virtual address of {group}"),
                "Several routers share this address with a virtual link-layer address, so that another one can take over when the \
                 first fails. The router's own link-layer address beside it is normal.",
            ),
            "RFC 9568 8.1",
        ));
    }
    let vouched = one.replies > 0 || other.replies > 0 || one.announced > 0 && announced;
    if both_answer || overlap && vouched {
        return Some(finding(
            Severity::Warning,
            "arp.conflict",
            ends,
            evidence,
            (
                format!("{mac} and {new} both say that they have {address}"),
                "Two interfaces claim one address, one after the other and back, so that packets reach now the one and now the \
                 other. Usual causes: the same address set by hand twice, or once by hand and once by DHCP; a copied virtual machine; a \
                 host with two interfaces on one network that answers for both; a router that answers for others (proxy ARP). \
                 Somebody who wants to read along does the same (ARP spoofing). A capture of two separate networks, or VLANs, with the \
                 same addresses looks alike.",
            ),
            reference,
        ));
    }
    if overlap {
        return None;
    }
    let (words, explanation) = if announced {
        (
            "and announced it",
            "The new owner told everybody at once, as a cluster or a pair of routers does when one takes over from the other, or a \
             host whose address was moved or interface replaced. Not an attack by itself, but whoever wants to read along would \
             do the same.",
        )
    } else {
        (
            "after that",
            "The address belongs to another interface than before: given to another host by DHCP, a machine replaced, a virtual \
             one started anew, or a phone that makes up another link-layer address. Hosts that remember the old one cannot reach \
             it until they ask again.",
        )
    };
    Some(finding(
        Severity::Note,
        "arp.address-moved",
        ends,
        evidence,
        (format!("{address} was at {mac}, {new} has it {words}"), explanation),
        reference,
    ))
}

/// Announcements without end.
fn storm(address: IpAddr, claim: &Claim) -> Option<Finding> {
    let took = claim.last_announced.since(claim.first_announced);
    let step = took / i64::try_from(claim.announced).ok()?.max(1);
    if claim.announced < STORM || step > STORM_STEP_NS {
        return None;
    }
    let mut evidence: Evidence = [claim.first.1, claim.last.1].into_iter().collect();
    evidence.add_unlisted(claim.announced.saturating_sub(evidence.total()));
    Some(finding(
        Severity::Note,
        "arp.announcement-storm",
        (claim.flow, Some(Endpoint { address, port: 0 }), None),
        evidence,
        (
            format!("{} announced {address} {} times in {} s", claim.mac, claim.announced, took / 1_000_000_000),
            "A few announcements when an interface comes up or takes over are enough. So many mean that it goes up and down, that \
             two hosts defend the same address against each other, that a cluster cannot agree who leads, or that somebody keeps \
             others' tables poisoned.",
        ),
        if address.is_ipv6() { "RFC 4861 7.2.6" } else { "RFC 5227 2.3" },
    ))
}

impl Missed {
    fn finding(&self, address: IpAddr, seen: bool) -> Finding {
        let v6 = address.is_ipv6();
        let who = match self.askers.len() {
            1 => self.by.to_string(),
            several => format!("{several} hosts"),
        };
        let until = if seen { ", though it is there at other times" } else { "" };
        finding(
            Severity::Note,
            if v6 { "nd.unanswered" } else { "arp.unanswered" },
            (self.flow, Some(Endpoint { address: self.by, port: 0 }), Some(Endpoint { address, port: 0 })),
            self.evidence.clone(),
            (
                format!("nobody answers for {address}: {who} asked {} times{until}", self.packets),
                "Without an answer nothing can be sent there: the host is down, unplugged, in another VLAN, or was never there. \
                 Who asked repeats it because no answer came, so this is no matter of where the capture was taken. What wants to \
                 reach the address fails with \"host unreachable\" after about three seconds.",
            ),
            if v6 { "RFC 4861 7.2.2" } else { "RFC 1122 2.3.2" },
        )
    }
}

impl Asker {
    fn scans(&self) -> bool {
        let Some((begin, end)) = self.times else { return false };
        let step = end.since(begin) / i64::try_from(self.asked.len()).unwrap_or(i64::MAX).max(1);
        self.asked.len() >= SCANNED && self.answered.len() * 2 < self.asked.len() && step <= SCAN_STEP_NS
    }

    fn finding(&self, mac: HardwareAddress) -> Finding {
        let address = self.address.map_or_else(String::new, |address| format!("{address} "));
        let many = if self.asked.len() >= MAX_ASKED { "more than " } else { "" };
        finding(
            Severity::Note,
            "arp.scan",
            (self.flow, self.address.map(|address| Endpoint { address, port: 0 }), None),
            self.evidence.clone(),
            (
                format!(
                    "{address}({mac}) asked for {many}{} addresses, {} answered",
                    self.asked.len(),
                    self.answered.len()
                ),
                "One host looks for all others of the network: an inventory, a scanner, a worm; or a router to which somebody outside \
                 sends packets for every address (then the capture shows those packets too).",
            ),
            "RFC 826",
        )
    }
}
