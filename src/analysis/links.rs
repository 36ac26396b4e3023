//! Routers on a link that should agree and do not: two masters of one virtual router (VRRP), a master that was replaced, and
//! OSPF routers whose terms keep them from becoming neighbours.
//!
//! Which link a packet was on is not known; that two routers are on the same one is taken from the virtual router's addresses, and from
//! the network that both say they are in.
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use super::finding;
use crate::{
    limits,
    record::{Endpoint, Evidence, Finding, LinkFact, Master, OspfTerms, PacketNumber, PacketRef, Severity},
};

/// What routers said.
#[derive(Debug, Default)]
pub(super) struct Links {
    masters: Vec<Master>,
    terms: Vec<OspfTerms>,
}

impl Links {
    /// Adds what one said; false when there was no room.
    pub fn add(&mut self, fact: LinkFact) -> bool {
        let has_room = self.masters.len().max(self.terms.len()) < limits::MAX_COMPARED_ROUTERS;
        if has_room {
            match fact {
                LinkFact::Master(master) => self.masters.push(master),
                LinkFact::Terms(terms) => self.terms.push(terms),
            }
        }
        has_room
    }

    /// What is worth attention.
    pub fn findings(mut self) -> Vec<Finding> {
        let mut findings = self.masters();
        findings.extend(self.neighbours());
        findings
    }

    fn masters(&mut self) -> Vec<Finding> {
        let mut groups: BTreeMap<(u8, u8, Vec<IpAddr>), Vec<Master>> = BTreeMap::new();
        for master in std::mem::take(&mut self.masters) {
            let key = (master.version, master.virtual_router_id, master.addresses.clone());
            groups.entry(key).or_default().push(master);
        }
        let mut findings = Vec::new();
        for ((_, id, addresses), masters) in groups {
            let mut reigns: Vec<Reign<'_>> = masters
                .iter()
                .flat_map(|master| {
                    master.reigns.iter().map(move |&(first, last, packets)| Reign { master, first, last, packets })
                })
                .collect();
            reigns.sort_unstable_by_key(|reign| (reign.first.index, reign.master.flow));
            let of: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            let of = of.join(", ");
            findings.extend(two_masters(&reigns, id, &of));
            findings.extend(changes(&reigns, id, &of));
        }
        findings
    }

    /// Pairs of OSPF routers in one network that speak at the same time and cannot become neighbours.
    fn neighbours(&mut self) -> Vec<Finding> {
        let mut networks: BTreeMap<(Ipv4Addr, Ipv4Addr), Vec<OspfTerms>> = BTreeMap::new();
        for terms in std::mem::take(&mut self.terms) {
            // Virtual links and links without addresses say 0; hosts say all ones.
            if !terms.mask.is_unspecified() && !terms.mask.is_broadcast() {
                let network = Ipv4Addr::from_bits(terms.router.to_bits() & terms.mask.to_bits());
                networks.entry((network, terms.mask)).or_default().push(terms);
            }
        }
        let mut findings = Vec::new();
        let mut told = BTreeSet::new();
        for routers in networks.values_mut() {
            routers.sort_unstable_by_key(|terms| (terms.first.index, terms.flow));
            for (place, one) in routers.iter().enumerate() {
                for other in routers.iter().skip(place + 1) {
                    let pair = (one.router.min(other.router), one.router.max(other.router));
                    if findings.len() < limits::MAX_LINK_FINDINGS && !told.contains(&pair) {
                        let found = mismatch(one, other);
                        if found.is_some() {
                            told.insert(pair);
                        }
                        findings.extend(found);
                    }
                }
            }
        }
        findings
    }
}

/// A time during which a router advertised itself as the master without a break.
#[derive(Clone, Copy, Debug)]
struct Reign<'a> {
    master: &'a Master,
    first: PacketRef,
    last: PacketRef,
    packets: u64,
}

fn end(address: IpAddr) -> Option<Endpoint> {
    Some(Endpoint { address, port: 0 })
}

/// Two routers that advertise themselves for longer than a hand-over takes: each hears no one, or does not listen.
fn two_masters(reigns: &[Reign<'_>], id: u8, addresses: &str) -> Option<Finding> {
    let mut best: Option<(i64, Reign<'_>, Reign<'_>)> = None;
    for (place, one) in reigns.iter().enumerate() {
        for other in reigns.iter().skip(place + 1).filter(|other| other.master.router != one.master.router) {
            let start = one.first.timestamp.max(other.first.timestamp);
            let overlap = one.last.timestamp.min(other.last.timestamp).since(start);
            // Within this both must have advertised: a reign has no longer silence.
            let needed = one.master.interval_ns.max(other.master.interval_ns).saturating_mul(4);
            let is_long = overlap >= needed && one.packets >= 3 && other.packets >= 3;
            if is_long && best.is_none_or(|(longest, ..)| overlap > longest) {
                best = Some((overlap, *one, *other));
            }
        }
    }
    let (overlap, one, other) = best?;
    let evidence: BTreeSet<PacketNumber> =
        [one.first, one.last, other.first, other.last].map(|packet| packet.number).into_iter().collect();
    let explanation = "Of routers with the same virtual router identifier only the one of the highest priority may advertise; the others \
         hear it and are silent. Two at once do not hear one another (a filter for 224.0.0.18, ff02::12 or IP protocol 112, \
         a link that is cut between them), or do not accept what they hear (another version, interval, or authentication). Both \
         answer for the virtual address, and traffic goes to either.";
    let (router, rival) = (one.master, other.master);
    let tenths = overlap / 100_000_000;
    let title = format!(
        "Virtual router {id} ({addresses}) has two masters for {}.{} s: {} (priority {}) and {} (priority {})",
        tenths / 10,
        tenths % 10,
        router.router,
        router.priority,
        rival.router,
        rival.priority
    );
    Some(finding(
        Severity::Error,
        "vrrp.two-masters",
        (Some(one.master.flow), end(router.router), end(rival.router)),
        evidence.into_iter().collect(),
        (title, explanation),
        "RFC 9568 6.4.3",
    ))
}

/// Masters that follow one another.
fn changes(reigns: &[Reign<'_>], id: u8, addresses: &str) -> Option<Finding> {
    let mut steps: Vec<(Reign<'_>, Reign<'_>)> = Vec::new();
    let mut current: Option<Reign<'_>> = None;
    for reign in reigns {
        match current {
            Some(before) if before.master.router == reign.master.router => {}
            // Both at once: that is told as such.
            Some(before) if before.last.timestamp > reign.first.timestamp.plus(reign.master.interval_ns) => continue,
            Some(before) => steps.push((before, *reign)),
            None => {}
        }
        current = Some(*reign);
    }
    let &(from, to) = steps.first()?;
    let evidence: BTreeSet<PacketNumber> =
        steps.iter().flat_map(|(from, to)| [from.last.number, to.first.number]).collect();
    let silence_ms = to.first.timestamp.since(from.last.timestamp) / 1_000_000;
    let more = match steps.len() {
        1 => String::new(),
        more => format!("; it changed {more} times"),
    };
    let explanation = "Another router advertises the virtual address now: the one before failed, was shut down (it resigns with \
         priority 0 then), or one of a higher priority came back. For as long as nobody advertised, hosts had no router. Many changes \
         are a link or a router that comes and goes.";
    let title = format!(
        "The master of virtual router {id} ({addresses}) changed from {} to {}, {silence_ms} ms after its last advertisement{more}",
        from.master.router, to.master.router
    );
    let severity = if steps.len() > 2 { Severity::Warning } else { Severity::Note };
    let flow = (Some(to.master.flow), end(from.master.router), end(to.master.router));
    Some(finding(
        severity,
        "vrrp.master-changed",
        flow,
        evidence.into_iter().collect(),
        (title, explanation),
        "RFC 9568 6.4",
    ))
}

fn mismatch(one: &OspfTerms, other: &OspfTerms) -> Option<Finding> {
    let longest_ns =
        i64::from(one.dead_interval_s.max(other.dead_interval_s).min(65_535)).saturating_mul(1_000_000_000);
    let is_at_once = one.first.timestamp <= other.last.timestamp.plus(longest_ns)
        && other.first.timestamp <= one.last.timestamp.plus(longest_ns);
    // Who is heard is accepted.
    let is_heard = one.neighbours.contains(&other.router_id) || other.neighbours.contains(&one.router_id);
    if one.router == other.router || one.router_id == other.router_id || !is_at_once || is_heard {
        return None;
    }
    let mut differences = Vec::new();
    let mut differ = |what: &str, one: String, other: String| {
        if one != other {
            differences.push(format!("{what} {one} and {other}"));
        }
    };
    differ("area", one.area.to_string(), other.area.to_string());
    differ("hello interval", format!("{} s", one.hello_interval_s), format!("{} s", other.hello_interval_s));
    differ("dead interval", format!("{} s", one.dead_interval_s), format!("{} s", other.dead_interval_s));
    differ("authentication type", one.authentication.to_string(), other.authentication.to_string());
    if differences.is_empty() {
        return None;
    }
    let title = format!(
        "OSPF routers {} and {} in one network cannot become neighbours: {}",
        one.router,
        other.router,
        differences.join(", ")
    );
    let explanation = "A Hello is dropped unless area, network mask, both intervals and authentication are the receiver's own. Neither lists \
         the other among those it heard. Set the same on both interfaces, or keep them on different links: that they are on one is \
         concluded from their addresses and masks.";
    let evidence: Evidence = [one.first.number, other.first.number].into_iter().collect();
    let flow = (Some(one.flow), end(one.router.into()), end(other.router.into()));
    Some(finding(Severity::Warning, "ospf.terms-mismatch", flow, evidence, (title, explanation), "RFC 2328 10.5"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FlowId, Timestamp};

    fn packet(number: u64, second: i64) -> PacketRef {
        PacketRef { index: number, number: PacketNumber::new(0, number), timestamp: Timestamp::from_parts(second, 0) }
    }

    fn master(last: u8, reigns: &[(u64, i64, i64)]) -> LinkFact {
        LinkFact::Master(Master {
            flow: FlowId { opener: PacketNumber::new(0, last.into()), depth: 0 },
            router: IpAddr::from([10, 0, 0, last]),
            version: 3,
            virtual_router_id: 7,
            addresses: vec![[10, 0, 0, 254].into()],
            priority: 100,
            interval_ns: 1_000_000_000,
            reigns: reigns
                .iter()
                .map(|&(number, from, to)| (packet(number, from), packet(number + 50, to), 10))
                .collect(),
        })
    }

    fn codes(facts: Vec<LinkFact>) -> Vec<(&'static str, Severity)> {
        let mut links = Links::default();
        facts.into_iter().for_each(|fact| assert!(links.add(fact)));
        links.findings().into_iter().map(|finding| (finding.code, finding.severity)).collect()
    }

    #[test]
    fn masters_that_follow_one_another_are_no_rivals() {
        // The higher one comes back, and both advertise once within a second.
        let facts = vec![master(1, &[(1, 0, 10), (200, 29, 60)]), master(2, &[(100, 13, 30)])];
        assert_eq!(codes(facts), [("vrrp.master-changed", Severity::Note)]);
        assert_eq!(codes(vec![master(1, &[(1, 0, 10), (200, 29, 60)])]), []);
        let flapping =
            vec![master(1, &[(1, 0, 10), (200, 24, 30), (400, 44, 50)]), master(2, &[(100, 14, 20), (300, 34, 40)])];
        assert_eq!(codes(flapping), [("vrrp.master-changed", Severity::Warning)]);
    }

    #[test]
    fn two_masters_at_once_are_an_error() {
        let facts = vec![master(1, &[(1, 0, 60)]), master(2, &[(100, 13, 30)])];
        assert_eq!(codes(facts), [("vrrp.two-masters", Severity::Error)]);
        // Another set of addresses is another virtual router, on another link.
        let LinkFact::Master(mut other) = master(2, &[(100, 13, 30)]) else { panic!() };
        other.addresses = vec![[10, 1, 0, 254].into()];
        assert_eq!(codes(vec![master(1, &[(1, 0, 60)]), LinkFact::Master(other)]), []);
    }

    fn terms(last: u8, hello: u16, area: u8, neighbours: &[u8]) -> LinkFact {
        LinkFact::Terms(OspfTerms {
            flow: FlowId::default(),
            router: [10, 0, 0, last].into(),
            router_id: [1, 1, 1, last].into(),
            area: [0, 0, 0, area].into(),
            mask: [255, 255, 255, 0].into(),
            hello_interval_s: hello,
            dead_interval_s: u32::from(hello) * 4,
            authentication: 0,
            neighbours: neighbours.iter().map(|last| [1, 1, 1, *last].into()).collect(),
            first: packet(last.into(), 0),
            last: packet(last.into(), 100),
        })
    }

    #[test]
    fn terms_are_compared_within_a_network() {
        let warning = [("ospf.terms-mismatch", Severity::Warning)];
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), terms(2, 10, 0, &[])]), []);
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), terms(2, 30, 0, &[])]), warning);
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), terms(2, 10, 1, &[])]), warning);
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), terms(2, 30, 0, &[1])]), [], "who is heard is accepted");
        let LinkFact::Terms(mut far) = terms(2, 30, 0, &[]) else { panic!() };
        far.router = [10, 0, 1, 2].into();
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), LinkFact::Terms(far.clone())]), []);
        (far.router, far.first, far.last) = ([10, 0, 0, 2].into(), packet(9, 500), packet(9, 600));
        assert_eq!(codes(vec![terms(1, 10, 0, &[]), LinkFact::Terms(far)]), [], "set anew in between");
    }
}
