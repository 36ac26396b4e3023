//! DHCP transactions (RFC 2131, RFC 8415), put together from messages that are in several flows: one `application` record
//! each, and what the wire proves to be wrong.
use std::collections::BTreeMap;

use super::finding;
use crate::{
    limits,
    record::{
        Application, ApplicationFact, ApplicationPart, DhcpMessageKind, Endpoint, Evidence, Finding, FlowId, PacketRef,
        PartKind, Severity, Side, Subject,
    },
};

/// A message this long after the agreement, in nanoseconds, begins another transaction, though it has the same id: some
/// clients never change it.
const RENEWED_AFTER_NS: i64 = 10_000_000_000;

/// A client that asks again waits so long at least, in nanoseconds (RFC 8415 7.6: 1 s, RFC 2131 4.1: 4 s, both less a random
/// part); what comes sooner is the same packet captured twice.
const REPEATED_AFTER_NS: i64 = 500_000_000;

/// Transactions by what identifies them, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Leases {
    all: Vec<Transaction>,
    /// Where the latest of each kind is: version, id, client.
    latest: BTreeMap<(bool, u32, String), usize>,
}

#[derive(Debug)]
struct Transaction {
    is_v6: bool,
    id: u32,
    who: String,
    flow: FlowId,
    first: PacketRef,
    client: Endpoint,
    server: Endpoint,
    server_seen: bool,
    messages: Vec<ApplicationFact>,
    more_messages: usize,
    facts: Vec<ApplicationFact>,
    more_facts: usize,
    evidence: Evidence,
    /// First and last search and question of the client.
    asked: Option<(PacketRef, PacketRef)>,
    questions: u64,
    answers: u64,
    offers: Vec<(String, PacketRef)>,
    agreed: Option<PacketRef>,
    refused: Option<(PacketRef, Option<String>)>,
    declined: Option<PacketRef>,
}

/// Servers told of one transaction.
const TOLD_SERVERS: usize = 8;

impl Leases {
    /// Takes a message; false when there is no place for its transaction.
    pub(super) fn add(&mut self, part: ApplicationPart) -> bool {
        let ApplicationPart { flow, source, destination, packet, facts, kind, .. } = part;
        let PartKind::Dhcp { is_v6, transaction, client, message, name, server, reason } = kind else { return true };
        let key = (is_v6, transaction, client);
        let known = self
            .latest
            .get(&key)
            .copied()
            .filter(|place| self.all.get(*place).is_some_and(|known| !known.is_over(message, packet)));
        let place = match known {
            Some(place) => place,
            None if self.all.len() >= limits::MAX_COMPARED_PARTS => return false,
            None => {
                let place = self.all.len();
                let (client, server) =
                    if is_of_server(message) { (destination, source) } else { (source, destination) };
                self.all.push(Transaction::new((is_v6, transaction, key.2.clone()), flow, packet, client, server));
                self.latest.insert(key, place);
                place
            }
        };
        if let Some(known) = self.all.get_mut(place) {
            known.add((message, name), (source, packet), (server, reason), facts);
        }
        true
    }

    /// The records, with the packet that each began with.
    pub(super) fn records(&mut self) -> Vec<(u64, Application)> {
        self.all.iter_mut().map(|transaction| (transaction.first.index, transaction.record())).collect()
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.all.iter().flat_map(Transaction::findings).collect()
    }
}

fn is_of_server(message: DhcpMessageKind) -> bool {
    matches!(message, DhcpMessageKind::Offer | DhcpMessageKind::Agreement | DhcpMessageKind::Refusal)
}

impl Transaction {
    fn new(
        (is_v6, id, who): (bool, u32, String),
        flow: FlowId,
        first: PacketRef,
        client: Endpoint,
        server: Endpoint,
    ) -> Self {
        Self {
            is_v6,
            id,
            who,
            flow,
            first,
            client,
            server,
            server_seen: false,
            messages: Vec::new(),
            more_messages: 0,
            facts: Vec::new(),
            more_facts: 0,
            evidence: Evidence::new(),
            asked: None,
            questions: 0,
            answers: 0,
            offers: Vec::new(),
            agreed: None,
            refused: None,
            declined: None,
        }
    }

    /// Whether a message of the client with the same id begins another transaction.
    fn is_over(&self, message: DhcpMessageKind, packet: PacketRef) -> bool {
        let ended = self.agreed.or(self.refused.as_ref().map(|(packet, _)| *packet));
        match (ended, message) {
            (Some(_), DhcpMessageKind::Search) => true,
            (Some(ended), DhcpMessageKind::Ask | DhcpMessageKind::Release) => {
                packet.timestamp.since(ended.timestamp) > RENEWED_AFTER_NS
            }
            _ => false,
        }
    }

    fn add(
        &mut self,
        (message, name): (DhcpMessageKind, &'static str),
        (source, packet): (Endpoint, PacketRef),
        (server, reason): (Option<String>, Option<String>),
        facts: Vec<(&'static str, String, Side, PacketRef)>,
    ) {
        self.evidence.add(packet.number);
        let of_server = is_of_server(message);
        let side = if of_server { Side::Server } else { Side::Client };
        if self.messages.len() < limits::MAX_DHCP_MESSAGES {
            self.messages.push(fact("message", name.to_owned(), side, packet));
        } else {
            self.more_messages += 1;
        }
        if of_server {
            self.answers += 1;
            if !std::mem::replace(&mut self.server_seen, true) {
                self.server = source;
            }
        }
        match message {
            DhcpMessageKind::Search | DhcpMessageKind::Ask => {
                self.questions += 1;
                let first = self.asked.map_or(packet, |(first, _)| first);
                self.asked = Some((first, packet));
            }
            DhcpMessageKind::Offer => {
                let server = server.unwrap_or_else(|| source.address.to_string());
                if !self.offers.iter().any(|(known, _)| *known == server) && self.offers.len() < TOLD_SERVERS {
                    self.offers.push((server, packet));
                }
            }
            DhcpMessageKind::Agreement => {
                self.agreed.get_or_insert(packet);
            }
            DhcpMessageKind::Refusal => {
                self.refused.get_or_insert((packet, reason));
            }
            DhcpMessageKind::Decline => {
                self.declined.get_or_insert(packet);
            }
            DhcpMessageKind::Release | DhcpMessageKind::Other => {}
        }
        for (name, value, side, packet) in facts {
            let is_known = |known: &ApplicationFact| known.name == name && known.value == value;
            if self.facts.iter().any(is_known) {
                continue;
            }
            if self.facts.len() < limits::MAX_APPLICATION_FACTS {
                self.facts.push(fact(name, value, side, packet));
            } else {
                self.more_facts += 1;
            }
        }
    }

    fn record(&mut self) -> Application {
        let mut facts = std::mem::take(&mut self.messages);
        if self.more_messages > 0 {
            facts.push(fact("more_messages", self.more_messages.to_string(), Side::Client, self.first));
        }
        facts.push(fact("transaction", format!("0x{:x}", self.id), Side::Client, self.first));
        if let (Some((asked, _)), Some(agreed)) = (self.asked, self.agreed)
            && agreed.index > asked.index
        {
            let took = agreed.timestamp.since(asked.timestamp);
            facts.push(fact("completed_after_ns", took.to_string(), Side::Server, agreed));
        }
        // One place is for saying that there is more.
        let places = limits::MAX_APPLICATION_FACTS.saturating_sub(facts.len() + 1);
        if self.facts.len() > places {
            self.more_facts += self.facts.len() - places;
            self.facts.truncate(places);
        }
        facts.append(&mut self.facts);
        if self.more_facts > 0 {
            facts.push(fact("more_facts", self.more_facts.to_string(), Side::Server, self.first));
        }
        Application {
            subject: Subject { flow: Some(self.flow), file: None, evidence: self.evidence.clone() },
            client: self.client,
            server: self.server,
            protocol: if self.is_v6 { "dhcpv6" } else { "dhcp" },
            facts,
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let ends = || (Some(self.flow), Some(self.client), Some(self.server));
        let (name, rule) = if self.is_v6 { ("DHCPv6", "RFC 8415 18") } else { ("DHCP", "RFC 2131 4.3.2") };
        let evidence = |packets: &[PacketRef]| packets.iter().map(|packet| packet.number).collect::<Evidence>();
        if let Some((refused, reason)) = &self.refused {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            let title = format!("A {name} server refuses {}{reason}", self.who);
            let explanation = "The client asked for an address that the server does not give it: it moved to another network, \
                               the lease is somebody else's by now, or the pool is empty. A client that is refused begins \
                               again from the start, which costs it some seconds; one that is refused again and again \
                               has no address. The server's log says why.";
            let about = evidence(&[self.asked.map_or(*refused, |(_, last)| last), *refused]);
            findings.push(finding(Severity::Warning, "dhcp.nak", ends(), about, (title, explanation), rule));
        }
        if let Some((first, last)) = self.asked
            && self.answers == 0
            && last.timestamp.since(first.timestamp) >= REPEATED_AFTER_NS
        {
            let lasted = last.timestamp.since(first.timestamp) / 100_000_000;
            // Every host asks for IPv6 addresses, whether the network has any or not.
            let severity = if self.is_v6 { Severity::Note } else { Severity::Warning };
            let title = format!(
                "No {name} server answers {}: asked {} times in {}.{} s",
                self.who,
                self.questions,
                lasted / 10,
                lasted % 10
            );
            let explanation = "The client repeats its question, and no answer is in the capture. The server may be down, or out of \
                               the client's network without a relay between them; a switch may drop the answers (DHCP \
                               snooping); or they pass elsewhere. Without an address the client gives itself one from \
                               169.254.0.0/16, or has none.";
            let about = (title, explanation);
            findings.push(finding(severity, "dhcp.unanswered", ends(), evidence(&[first, last]), about, rule));
        }
        if self.offers.len() > 1 {
            let servers: Vec<&str> = self.offers.iter().map(|(server, _)| server.as_str()).collect();
            let title =
                format!("{} {name} servers offer {} an address: {}", servers.len(), self.who, servers.join(", "));
            let explanation = "Which one a client takes is chance. That is as it should be only where the servers share their pool \
                               (failover). A second server that nobody planned, as in a router that somebody brought along, \
                               gives wrong addresses and gateways to those that take its offer.";
            let offers: Vec<PacketRef> = self.offers.iter().map(|(_, packet)| *packet).collect();
            let about = (title, explanation);
            findings.push(finding(Severity::Warning, "dhcp.several-servers", ends(), evidence(&offers), about, rule));
        }
        if let Some(declined) = self.declined {
            let title = format!("{} declines the address it was given: somebody else has it", self.who);
            let explanation = "The client tried the address and was answered by another host. Somebody set that address by hand \
                               out of the server's pool, or two servers give the same addresses.";
            let about = (title, explanation);
            findings.push(finding(Severity::Warning, "dhcp.declined", ends(), evidence(&[declined]), about, rule));
        }
        findings
    }
}

fn fact(name: &'static str, value: String, side: Side, packet: PacketRef) -> ApplicationFact {
    ApplicationFact { name, value, side, packet: packet.number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{PacketNumber, Timestamp};

    fn at(index: u64, seconds: i64) -> PacketRef {
        PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp: Timestamp(seconds * 1_000_000_000) }
    }

    fn part(index: u64, seconds: i64, message: DhcpMessageKind, server: Option<&str>) -> ApplicationPart {
        let end = |address: [u8; 4], port| Endpoint { address: address.into(), port };
        let (client, broadcast) = (end([0; 4], 68), end([255; 4], 67));
        let (answer, group) = (end([10, 0, 0, 1], 67), end([255; 4], 68));
        let (source, destination) = if is_of_server(message) { (answer, group) } else { (client, broadcast) };
        let kind = PartKind::Dhcp {
            is_v6: false,
            transaction: 7,
            client: "02:00".to_owned(),
            message,
            name: "Some",
            server: server.map(str::to_owned),
            reason: None,
        };
        let packet = at(index, seconds);
        let facts = vec![("host_name", "host".to_owned(), Side::Client, packet)];
        let flow = FlowId { opener: PacketNumber::new(0, index + 1), depth: 0 };
        ApplicationPart { flow, source, destination, packet, last: packet, facts, kind }
    }

    fn run(parts: Vec<ApplicationPart>) -> (Vec<Application>, Vec<&'static str>) {
        let mut leases = Leases::default();
        assert!(parts.into_iter().all(|part| leases.add(part)));
        let findings = leases.findings().into_iter().map(|finding| finding.code).collect();
        (leases.records().into_iter().map(|(_, record)| record).collect(), findings)
    }

    use DhcpMessageKind::{Agreement, Ask, Offer, Refusal, Search};

    #[test]
    fn four_messages_of_two_flows_are_one_record() {
        let (records, findings) = run(vec![
            part(0, 0, Search, None),
            part(1, 1, Offer, Some("a")),
            part(2, 1, Ask, None),
            part(3, 2, Agreement, Some("a")),
        ]);
        let [record] = records.as_slice() else { panic!("{records:?}") };
        assert_eq!(findings, [""; 0]);
        let names: Vec<&str> = record.facts.iter().map(|fact| fact.name).collect();
        let expected = ["message", "message", "message", "message", "transaction", "completed_after_ns", "host_name"];
        assert_eq!(names, expected);
        assert_eq!(record.server.address.to_string(), "10.0.0.1");
        assert_eq!(record.facts[5].value, "2000000000");
    }

    #[test]
    fn trouble_is_told() {
        let searches = || vec![part(0, 0, Search, None), part(1, 4, Search, None)];
        assert_eq!(run(searches()).1, ["dhcp.unanswered"]);
        assert_eq!(run(searches().into_iter().take(1).collect()).1, [""; 0], "the answer may still come");
        let twice = vec![part(0, 0, Search, None), part(1, 0, Search, None)];
        assert_eq!(run(twice).1, [""; 0], "captured twice");
        let offered = [part(2, 4, Offer, Some("a")), part(3, 4, Offer, Some("a"))];
        assert_eq!(run(searches().into_iter().chain(offered).collect()).1, [""; 0], "one server twice");
        let offered = [part(2, 4, Offer, Some("a")), part(3, 4, Offer, Some("b"))];
        assert_eq!(run(searches().into_iter().chain(offered).collect()).1, ["dhcp.several-servers"]);
        assert_eq!(run(vec![part(0, 0, Ask, None), part(1, 0, Refusal, None)]).1, ["dhcp.nak"]);
    }

    #[test]
    fn the_same_id_later_is_another_transaction() {
        let renewal = |seconds| vec![part(0, 0, Ask, None), part(1, 0, Agreement, None), part(2, seconds, Ask, None)];
        assert_eq!(run(renewal(5)).0.len(), 1);
        assert_eq!(run(renewal(1800)).0.len(), 2);
    }
}
