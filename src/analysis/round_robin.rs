//! Names with several addresses: in which order a server hands them out, and which of them clients then use.
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::dns::Transaction;
use crate::{
    limits,
    record::{AddressShare, ChosenAddress, Endpoint, Evidence, FlowId, Rotation, RoundRobin, Subject, Timestamp},
};

/// A connection counts as the use of an answer within this time after it, in nanoseconds: programs keep answers longer
/// than their time to live, but not for ever.
const USED_WITHIN_NS: i64 = 3_600_000_000_000;

/// A TCP connection or UDP flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connected {
    pub flow: FlowId,
    pub start: Timestamp,
    pub client: Endpoint,
    pub server: Endpoint,
}

/// For each file, client and address: when an answer named it, which name's, and at which place.
type Given = HashMap<(u16, IpAddr, IpAddr), Vec<(Timestamp, usize, u64)>>;

/// Answers to one question by one server.
#[derive(Default)]
struct Answers<'a> {
    /// In the order in which they were sent.
    all: Vec<(&'a Transaction, Vec<IpAddr>)>,
    connections: Vec<ChosenAddress>,
}

/// The names that `all` shows with several addresses and several answers. `all` are in the order of their queries.
pub(super) fn round_robins(all: &[Transaction], connections: &[Connected]) -> Vec<RoundRobin> {
    let mut names: BTreeMap<(u16, Endpoint, &str, &str), Answers<'_>> = BTreeMap::new();
    for one in all.iter().filter(|one| matches!(one.record_type.as_str(), "A" | "AAAA")) {
        let Some(told) = one.told.as_deref().filter(|told| !told.truncated) else { continue };
        let addresses: Vec<IpAddr> = told.addresses().collect();
        if !addresses.is_empty() {
            let key = (one.file(), one.server, one.name.as_str(), one.record_type.as_str());
            names.entry(key).or_default().all.push((one, addresses));
        }
    }
    names.retain(|_, answers| answers.is_worth_telling());
    for answers in names.values_mut() {
        answers.all.sort_by_key(|(one, _)| one.told.as_ref().map(|told| (told.ts, told.packet)));
    }
    choose(&mut names, connections);
    names
        .into_iter()
        .filter_map(|((_, server, name, record_type), answers)| answers.record(server, name, record_type))
        .collect()
}

/// Finds for each connection the answer it was opened after.
fn choose(names: &mut BTreeMap<(u16, Endpoint, &str, &str), Answers<'_>>, connections: &[Connected]) {
    let mut given: Given = HashMap::new();
    for (name, ((file, ..), answers)) in names.iter().enumerate() {
        for (one, addresses) in &answers.all {
            let Some(told) = &one.told else { continue };
            for (position, address) in (1..).zip(addresses) {
                given.entry((*file, one.client.address, *address)).or_default().push((told.ts, name, position));
            }
        }
    }
    given.values_mut().for_each(|answers| answers.sort_unstable());
    let mut chosen: Vec<(usize, ChosenAddress)> = Vec::new();
    for one in connections {
        let key = (one.flow.opener.file(), one.client.address, one.server.address);
        let Some(answers) = given.get(&key) else { continue };
        let before = answers.partition_point(|(ts, ..)| *ts <= one.start);
        let Some((ts, name, position)) = before.checked_sub(1).and_then(|last| answers.get(last)).copied() else {
            continue;
        };
        let after_answer_ns = one.start.since(ts);
        if after_answer_ns <= USED_WITHIN_NS {
            let (flow, ts, client, server) = (one.flow, one.start, one.client, one.server);
            chosen.push((name, ChosenAddress { flow, ts, client, server, position, after_answer_ns }));
        }
    }
    chosen.sort_by_key(|(name, chosen)| (*name, chosen.ts, chosen.flow));
    let mut chosen = chosen.into_iter().peekable();
    for (place, answers) in names.values_mut().enumerate() {
        while let Some((_, connection)) = chosen.next_if(|(name, _)| *name == place) {
            answers.connections.push(connection);
        }
    }
}

impl Answers<'_> {
    /// Several answers, and several addresses to choose from.
    fn is_worth_telling(&self) -> bool {
        let mut addresses = self.all.iter().flat_map(|(_, addresses)| addresses);
        let first = addresses.next();
        self.all.len() > 1 && addresses.any(|address| Some(address) != first)
    }

    fn rotation(&self) -> Rotation {
        let lists: Vec<&[IpAddr]> = self.all.iter().map(|(_, addresses)| addresses.as_slice()).collect();
        let Some(first) = lists.first().copied() else { return Rotation::Fixed };
        let sorted = |list: &[IpAddr]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        let members = sorted(first);
        if lists.iter().all(|list| *list == first) {
            Rotation::Fixed
        } else if lists.iter().any(|list| sorted(list) != members) {
            Rotation::Varying
        } else if lists.iter().all(|list| is_turned(first, list)) && first.len() > 2 {
            Rotation::Cyclic
        } else if first.len() <= 2 {
            // Two can only take turns; that they do each time makes a circle of it.
            let turns = lists.windows(2).all(|pair| matches!(pair, [one, next] if one != next));
            if turns { Rotation::Cyclic } else { Rotation::Shuffled }
        } else {
            Rotation::Shuffled
        }
    }

    fn record(&self, server: Endpoint, name: &str, record_type: &str) -> Option<RoundRobin> {
        let mut shares: Vec<AddressShare> = Vec::new();
        let mut places: HashMap<IpAddr, usize> = HashMap::new();
        for (_, addresses) in &self.all {
            for (position, address) in addresses.iter().enumerate() {
                let place = *places.entry(*address).or_insert_with(|| {
                    shares.push(AddressShare { address: *address, given: 0, first: 0, connections: 0 });
                    shares.len().saturating_sub(1)
                });
                if let Some(share) = shares.get_mut(place) {
                    share.given = share.given.saturating_add(1);
                    share.first = share.first.saturating_add(u64::from(position == 0));
                }
            }
        }
        for connection in &self.connections {
            if let Some(share) = places.get(&connection.server.address).and_then(|place| shares.get_mut(*place)) {
                share.connections = share.connections.saturating_add(1);
            }
        }
        let (first, _) = self.all.first()?;
        let evidence: Evidence = self.all.iter().filter_map(|(one, _)| Some(one.told.as_ref()?.packet)).collect();
        Some(RoundRobin {
            subject: Subject { flow: Some(first.flow), file: None, evidence },
            server,
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            responses: self.all.len() as u64,
            rotation: self.rotation(),
            addresses_total: shares.len() as u64,
            addresses: shares.into_iter().take(limits::MAX_SHARED_ADDRESSES).collect(),
            orders: self.all.iter().take(limits::MAX_LISTED_IN_STEP).map(|(_, addresses)| addresses.clone()).collect(),
            connections_total: self.connections.len() as u64,
            connections: self.connections.iter().take(limits::MAX_CHOSEN_CONNECTIONS).cloned().collect(),
        })
    }
}

/// Whether `list` is `first`, begun at another place.
fn is_turned(first: &[IpAddr], list: &[IpAddr]) -> bool {
    let start = list.first().and_then(|head| first.iter().position(|address| address == head));
    start.is_some_and(|start| {
        let turned = first.iter().cycle().skip(start).take(first.len());
        list.len() == first.len() && turned.eq(list)
    })
}
