//! DNS transactions of a run, kept small to be compared with one another: answers that were too long and asked for again
//! over TCP, retries from other ports, servers that do not agree, ids that can be guessed.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::IpAddr,
};

use super::finding;
use crate::{
    limits,
    record::{
        Dns, DnsLink, DnsRecord, DnsTransport, Endpoint, Evidence, Finding, FlowId, PacketNumber, Severity, Timestamp,
    },
};

/// A client whose answer was truncated asks again within this time, in nanoseconds.
const AGAIN_OVER_TCP_NS: i64 = 30_000_000_000;
/// Resolvers send a query that was not answered again within this time, in nanoseconds: 5 s is usual (resolv.conf(5)).
const AGAIN_NS: i64 = 15_000_000_000;
/// Answers of different servers are compared when they are this near, in nanoseconds: later, the name may have changed.
const SAME_TIME_NS: i64 = 60_000_000_000;
/// Ids of one client that must be predictable before it is called so.
const PREDICTABLE: usize = 8;

/// A query and what came of it.
#[derive(Debug)]
pub(super) struct Transaction {
    pub flow: FlowId,
    pub client: Endpoint,
    pub server: Endpoint,
    pub transport: DnsTransport,
    pub id: u16,
    /// In lower case.
    pub name: String,
    pub record_type: String,
    pub recursion_desired: bool,
    pub packet: PacketNumber,
    pub sent: Timestamp,
    pub tries: u64,
    pub unreachable: bool,
    pub waited_ns: i64,
    pub told: Option<Box<Told>>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Told {
    pub packet: PacketNumber,
    pub ts: Timestamp,
    pub rcode: String,
    pub authoritative: bool,
    pub truncated: bool,
    pub answers: Vec<DnsRecord>,
    /// NS records of the authority section: zone and servers.
    pub delegation: Option<(String, Vec<String>)>,
    /// Owner of the SOA of the authority section.
    pub soa: Option<String>,
    /// Addresses of the additional section.
    pub glue: Vec<(String, IpAddr)>,
}

impl Told {
    /// The answers that are addresses.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.answers.iter().filter_map(address)
    }
}

/// The address a record holds.
fn address(record: &DnsRecord) -> Option<IpAddr> {
    matches!(record.record_type.as_str(), "A" | "AAAA").then(|| record.data.parse().ok()).flatten()
}

fn lower(mut name: String) -> String {
    name.make_ascii_lowercase();
    name
}

impl Transaction {
    /// Takes what is compared out of a record; none when it is no question and answer between two.
    fn new(dns: Dns) -> Option<Self> {
        let query = dns.query?;
        if dns.opcode != "QUERY" || !matches!(dns.transport, DnsTransport::Udp | DnsTransport::Tcp) {
            return None;
        }
        let told = dns.response.map(|response| {
            let authority = || response.authority.iter();
            let delegation = authority().find(|record| record.record_type == "NS").map(|first| {
                let same = authority().filter(|record| record.record_type == "NS" && record.name == first.name);
                let servers = same.take(limits::MAX_LISTED_IN_STEP).map(|record| lower(record.data.clone()));
                (lower(first.name.clone()), servers.collect())
            });
            let soa = authority().find(|record| record.record_type == "SOA").map(|record| lower(record.name.clone()));
            let glue =
                response.additional.iter().filter_map(|record| Some((lower(record.name.clone()), address(record)?)));
            let glue = glue.take(limits::MAX_LISTED_IN_STEP).collect();
            let mut answers = response.answers;
            // Signatures and long data are of no use here.
            answers.retain(|record| record.record_type != "RRSIG");
            answers.truncate(limits::MAX_LISTED_IN_STEP);
            answers.shrink_to_fit();
            for record in &mut answers {
                if let Some((cut, _)) = record.data.char_indices().nth(MAX_DATA_CHARACTERS) {
                    record.data.truncate(cut);
                    record.data.push('…');
                }
            }
            Box::new(Told {
                packet: response.packet,
                ts: response.ts,
                rcode: response.rcode,
                authoritative: response.authoritative,
                truncated: response.truncated,
                answers,
                delegation,
                soa,
                glue,
            })
        });
        Some(Self {
            flow: dns.subject.flow?,
            client: dns.client,
            server: dns.server,
            transport: dns.transport,
            id: dns.id,
            name: lower(query.name?),
            record_type: query.record_type?,
            recursion_desired: query.recursion_desired,
            packet: query.packet,
            sent: query.ts,
            tries: dns.retransmissions.saturating_add(1),
            unreachable: dns.unreachable.is_some(),
            waited_ns: dns.waited_ns.unwrap_or(0),
            told,
        })
    }

    /// The file it is in: what is in different files is not compared.
    pub fn file(&self) -> u16 {
        self.flow.opener.file()
    }

    /// The last moment at which it was under way.
    pub fn end(&self) -> Timestamp {
        self.told.as_ref().map_or_else(|| self.sent.plus(self.waited_ns), |told| told.ts)
    }

    /// `A www.example.com`.
    pub fn asked(&self) -> String {
        format!("{} {}", self.record_type, self.name)
    }

    fn same_question(&self, other: &Self) -> bool {
        self.file() == other.file()
            && self.client.address == other.client.address
            && self.record_type == other.record_type
            && self.name == other.name
    }

    fn ends(&self) -> (Option<FlowId>, Option<Endpoint>, Option<Endpoint>) {
        (Some(self.flow), Some(self.client), Some(self.server))
    }

    fn packets(&self) -> impl Iterator<Item = PacketNumber> {
        std::iter::once(self.packet).chain(self.told.as_ref().map(|told| told.packet))
    }
}

/// Characters kept of a record's data.
const MAX_DATA_CHARACTERS: usize = 255;

/// A truncated answer that was not asked for again yet.
#[derive(Debug)]
struct TooLong {
    ends: (u16, IpAddr, IpAddr),
    name: String,
    record_type: String,
    ts: Timestamp,
    link: DnsLink,
}

/// The transactions of a run.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pub all: Vec<Transaction>,
    too_long: VecDeque<TooLong>,
}

impl Transactions {
    /// Looks at a record before it is written: over TCP it may ask again for what UDP could not carry.
    pub fn link(&mut self, dns: &mut Dns) {
        let (Some(flow), Some(query)) = (dns.subject.flow, &dns.query) else { return };
        let ends = (flow.opener.file(), dns.client.address, dns.server.address);
        let question = query.name.as_ref().zip(query.record_type.as_ref());
        let Some((name, record_type)) = question else { return };
        match (dns.transport, &dns.response) {
            (DnsTransport::Udp, Some(response)) if response.truncated => {
                if self.too_long.len() >= limits::MAX_TRUNCATED_ANSWERS {
                    self.too_long.pop_front();
                }
                let link = DnsLink { flow, packet: response.packet };
                let (name, record_type) = (name.clone(), record_type.clone());
                self.too_long.push_back(TooLong { ends, name, record_type, ts: response.ts, link });
            }
            (DnsTransport::Tcp, _) => {
                let fits = |before: &TooLong| {
                    before.ends == ends
                        && before.name.eq_ignore_ascii_case(name)
                        && before.record_type == *record_type
                        && (0..=AGAIN_OVER_TCP_NS).contains(&query.ts.since(before.ts))
                };
                if let Some(place) = self.too_long.iter().rposition(fits) {
                    dns.truncated_before = self.too_long.remove(place).map(|before| before.link);
                }
            }
            _ => {}
        }
    }

    /// Keeps a transaction; false when there was no room.
    pub fn add(&mut self, dns: Dns) -> bool {
        if self.all.len() >= limits::MAX_COMPARED_QUERIES {
            return false;
        }
        self.all.extend(Transaction::new(dns));
        true
    }

    /// Puts them into the order of their queries.
    pub fn sort(&mut self) {
        self.all.sort_unstable_by_key(|transaction| (transaction.file(), transaction.sent, transaction.packet));
    }

    /// What was found. Sorted before.
    pub fn findings(&self) -> Vec<Finding> {
        let mut questions: BTreeMap<(u16, IpAddr, &str, &str), Vec<&Transaction>> = BTreeMap::new();
        for one in &self.all {
            let key = (one.file(), one.client.address, one.name.as_str(), one.record_type.as_str());
            questions.entry(key).or_default().push(one);
        }
        let mut findings: Vec<Finding> = Vec::new();
        for same in questions.values() {
            findings.extend(truncated(same));
            findings.extend(retried(same));
        }
        findings.extend(self.differing());
        findings.extend(self.predictable());
        findings
    }

    /// Different servers that gave one client different answers.
    fn differing(&self) -> Vec<Finding> {
        let mut names: BTreeMap<(u16, &str, &str), Vec<&Transaction>> = BTreeMap::new();
        for one in &self.all {
            // What a resolver is told by authoritative servers is no second opinion.
            if one.recursion_desired && matches!(one.record_type.as_str(), "A" | "AAAA") {
                names.entry((one.file(), &one.name, &one.record_type)).or_default().push(one);
            }
        }
        names.values().filter_map(|same| differing(same)).collect()
    }

    /// Clients whose ids can be guessed.
    fn predictable(&self) -> Vec<Finding> {
        let mut clients: BTreeMap<(u16, IpAddr), Vec<&Transaction>> = BTreeMap::new();
        for one in self.all.iter().filter(|one| one.transport == DnsTransport::Udp) {
            clients.entry((one.file(), one.client.address)).or_default().push(one);
        }
        clients.values().filter_map(|of_client| predictable(of_client)).collect()
    }
}

/// Answers to one question of one client that did not fit, and what came of them.
fn truncated(same: &[&Transaction]) -> Vec<Finding> {
    let is_cut = |one: &&&Transaction| one.told.as_ref().is_some_and(|told| told.truncated);
    let find = |one: &&Transaction| {
        let told = one.told.as_ref()?;
        let over_tcp = same.iter().find(|again| {
            again.transport == DnsTransport::Tcp
                && again.server.address == one.server.address
                && (0..=AGAIN_OVER_TCP_NS).contains(&again.sent.since(told.ts))
        });
        let mut evidence: Evidence = one.packets().collect();
        let (what, explanation) = match over_tcp {
            Some(again) => {
                again.packets().for_each(|packet| evidence.add(packet));
                let came = match &again.told {
                    Some(answer) => format!("answered {} after the first query", span(answer.ts.since(one.sent))),
                    None => "not answered there either".to_owned(),
                };
                (
                    format!("asked again over TCP (flow {}), {came}", again.flow),
                    "The answer did not fit into a datagram, so the client had to ask again over TCP: a second question, \
                     and the handshake before it. A larger EDNS buffer (1232 bytes) or a smaller answer avoids that.",
                )
            }
            None => (
                "not asked again over TCP".to_owned(),
                "The answer did not fit into a datagram. A client has to ask again over TCP, or use what it got; this \
                 capture shows no second query. A firewall that blocks TCP port 53 would explain it.",
            ),
        };
        let title = format!("{}: the answer was truncated and {what}", one.asked());
        Some(finding(Severity::Note, "dns.truncated", one.ends(), evidence, (title, explanation), "RFC 7766 5"))
    };
    let over_udp = same.iter().filter(|one| one.transport == DnsTransport::Udp);
    over_udp.filter(is_cut).filter_map(find).collect()
}

/// One question that was asked until it was answered.
fn retried(same: &[&Transaction]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut failed: Vec<&Transaction> = Vec::new();
    for one in same {
        if failed.last().is_some_and(|last| one.sent.since(last.sent) > AGAIN_NS) {
            failed.clear();
        }
        let Some(told) = &one.told else {
            failed.push(one);
            continue;
        };
        let Some(first) = failed.first() else { continue };
        let tries: u64 = failed.iter().chain([one]).map(|attempt| attempt.tries).sum();
        let servers: BTreeSet<IpAddr> = failed.iter().map(|attempt| attempt.server.address).collect();
        let silent: Vec<String> = servers.iter().map(IpAddr::to_string).collect();
        let evidence = failed.iter().map(|attempt| attempt.packet).chain(one.packets()).collect();
        let title = format!(
            "{}: answered by {} at the {} try, after {}",
            one.asked(),
            one.server.address,
            ordinal(tries),
            span(told.ts.since(first.sent))
        );
        let explanation = format!(
            "{} did not answer before. Whatever waited for the name waited for the timeouts of the resolver: look why the \
             server or the path to it lost the query.",
            silent.join(", ")
        );
        findings.push(finding(
            Severity::Warning,
            "dns.retried",
            one.ends(),
            evidence,
            (title, &explanation),
            "RFC 1035 4.2.1",
        ));
        failed.clear();
    }
    findings
}

fn ordinal(number: u64) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        _ => format!("{number}th"),
    }
}

/// Answers to one question by different servers that have nothing in common.
fn differing(same: &[&Transaction]) -> Option<Finding> {
    let answered = same.iter().filter_map(|one| Some((*one, one.told.as_ref()?)));
    // One answer of each server is enough, the first.
    let mut servers: BTreeMap<IpAddr, (&Transaction, &Told)> = BTreeMap::new();
    for (one, told) in
        answered.filter(|(_, told)| matches!(told.rcode.as_str(), "NOERROR" | "NXDOMAIN") && !told.truncated)
    {
        servers.entry(one.server.address).or_insert((one, told));
    }
    let all: Vec<_> = servers.into_values().collect();
    let pairs = all
        .iter()
        .enumerate()
        .flat_map(|(place, one)| all.iter().skip(place.saturating_add(1)).map(move |other| (one, other)));
    let differ = |((one, first), (other, second)): &(&(&Transaction, &Told), &(&Transaction, &Told))| {
        let sets = [first, second].map(|told| told.addresses().collect::<BTreeSet<_>>());
        let [ours, theirs] = &sets;
        // One of them asked the other.
        let chained = one.client.address == other.server.address || other.client.address == one.server.address;
        !chained
            && other.sent.since(one.sent).saturating_abs() <= SAME_TIME_NS
            && (first.rcode != second.rcode || (ours.is_disjoint(theirs) && (!ours.is_empty() || !theirs.is_empty())))
    };
    let ((one, first), (other, second)) = pairs.into_iter().find(differ)?;
    let says = |told: &Told| match told.addresses().next() {
        Some(address) => address.to_string(),
        None if told.rcode == "NOERROR" => "no such record".to_owned(),
        None => told.rcode.clone(),
    };
    let title = format!(
        "{}: {} says {}, {} says {}",
        one.asked(),
        one.server.address,
        says(first),
        other.server.address,
        says(second)
    );
    let explanation = "Two servers give different answers to the same question. Content networks do that on purpose, to \
                       send each client to a near server; otherwise one of them serves old data, another view of the zone, \
                       or false answers.";
    let evidence = one.packets().chain(other.packets()).collect();
    Some(finding(Severity::Note, "dns.differing-answers", one.ends(), evidence, (title, explanation), "RFC 1034 4.3.1"))
}

/// Ids of one client that count up or stay.
fn predictable(of_client: &[&Transaction]) -> Option<Finding> {
    let steps = of_client.windows(2).filter_map(|pair| match pair {
        // Who repeats a question may repeat its id.
        [one, next] if !one.same_question(next) => Some(next.id.wrapping_sub(one.id)),
        _ => None,
    });
    let mut counts: HashMap<u16, usize> = HashMap::new();
    let mut all = 0_usize;
    for step in steps {
        all = all.saturating_add(1);
        let count = counts.entry(step).or_default();
        *count = count.saturating_add(1);
    }
    let count = |step| counts.get(&step).copied().unwrap_or(0);
    let (same, up) = (count(0), count(1));
    let how = match () {
        () if same >= PREDICTABLE && same.saturating_mul(10) >= all.saturating_mul(9) => "always the same",
        () if up >= PREDICTABLE && up.saturating_mul(10) >= all.saturating_mul(9) => "one more than the last",
        () => return None,
    };
    let first = of_client.first()?;
    let evidence = of_client.iter().map(|one| one.packet).collect();
    let explanation = "Whoever knows the id of the next query can answer it before the real server does, and plant a false \
                       address. Resolvers must choose ids, and ports, at random.";
    let title = format!("{} sends queries whose id is {how}", first.client.address);
    let ends = (None, Some(first.client), Some(first.server));
    Some(finding(Severity::Warning, "dns.predictable-id", ends, evidence, (title, explanation), "RFC 5452 9.2"))
}

/// A time span in words.
pub(super) fn span(nanoseconds: i64) -> String {
    match nanoseconds.max(0) {
        less @ ..=999_999 => format!("{} µs", less / 1_000),
        less @ ..=999_999_999 => format!("{} ms", less / 1_000_000),
        more => format!("{}.{} s", more / 1_000_000_000, more / 100_000_000 % 10),
    }
}
