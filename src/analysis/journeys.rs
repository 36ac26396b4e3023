//! HTTP transactions that belong together: a redirect and what follows it, a failure and its retry, a cookie that is set and
//! sent back, an upgrade and its answer, the two legs of a request that a proxy or balancer passes on. Each is joined when the
//! later of the two is complete, within bounds; what can be read in two ways is not joined.
use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
};

use super::finding;
use crate::{
    limits::{MAX_JOINED_TRANSACTIONS, MAX_SAME_REQUESTS},
    record::{
        Certainty, Endpoint, Evidence, Finding, FlowId, Http, HttpLink, HttpRequest, PacketNumber, Severity, Timestamp,
    },
};

/// A client follows a redirect, or tries again, within this time, in nanoseconds.
const SOON_NS: i64 = 60_000_000_000;
/// Redirects in a row that are called a chain: each costs a round trip or more, and browsers give up after 20.
const LONG_CHAIN: u32 = 5;
/// Pairs of a proxy and a server behind it that are counted.
const MAX_PAIRS: usize = 256;
/// Failures of gateways that are explained one by one.
const MAX_EXPLAINED: usize = 256;

/// What was seen last, by key; the oldest makes room.
#[derive(Debug)]
struct Recent<K, V> {
    by_key: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.by_key.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MAX_JOINED_TRANSACTIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }

    /// What is kept of `key`, if it `fits`: then it is kept no longer. (Its key stays in the order, so that one put in again
    /// may be forgotten early.)
    fn take(&mut self, key: &K, fits: impl Fn(&V) -> bool) -> Option<V> {
        let found = self.by_key.get(key).is_some_and(fits);
        if found { self.by_key.remove(key) } else { None }
    }

    fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// A transaction that something may follow.
#[derive(Clone, Copy, Debug)]
struct Seen {
    flow: FlowId,
    packet: PacketNumber,
    ts: Timestamp,
}

/// A transaction, as it may be the other leg of another.
#[derive(Debug)]
struct Leg {
    flow: FlowId,
    packet: PacketNumber,
    client: Endpoint,
    server: Endpoint,
    start: Timestamp,
    /// None when it got no response.
    end: Option<Timestamp>,
    status: Option<u16>,
    marks: Marks,
    /// Method and target, where a gateway failed.
    what: String,
    /// It is joined as what a proxy sent.
    taken: bool,
}

/// What a request carries through a proxy.
#[derive(Debug, Default)]
struct Marks {
    trace: Option<String>,
    request_id: Option<String>,
    /// For whom it is, the last proxy's own client last.
    forwarded_for: Option<String>,
}

/// A proxy's endpoint and a server that it asks.
#[derive(Debug)]
struct Pair {
    front: Endpoint,
    back: Endpoint,
    count: u64,
    evidence: Evidence,
    certainty: Certainty,
}

/// All that was seen of transactions and may matter to later ones.
#[derive(Debug, Default)]
pub(super) struct Journeys {
    /// With how many redirects there were in a row.
    redirects: Recent<(u16, IpAddr, String), (Seen, u32)>,
    failures: Recent<(u16, IpAddr, String, String), Seen>,
    cookies: Recent<(u16, IpAddr, String, String), HttpLink>,
    upgrades: Recent<FlowId, HttpRequest>,
    legs: HashMap<u64, VecDeque<Leg>>,
    order: VecDeque<u64>,
    pairs: Vec<Pair>,
    explained: Vec<Finding>,
    forgotten: u64,
}

impl Journeys {
    /// A transaction is complete, and will be written next.
    pub fn link(&mut self, http: &mut Http) {
        self.upgrade(http);
        let Some(flow) = http.subject.flow else { return };
        let Some(request) = &http.request else { return };
        let file = flow.opener.file();
        let client = http.client.address;
        let seen = Seen { flow, packet: request.packet, ts: request.ts };
        let follows = |before: &Seen| {
            let passed = seen.ts.since(before.ts);
            (0..=SOON_NS).contains(&passed) && (before.flow, before.packet) != (seen.flow, seen.packet)
        };
        let url = match self.redirects.is_empty() && self.failures.is_empty() && !may_be_followed(http) {
            true => None,
            false => request.url(),
        };
        if let Some(url) = url {
            let method = request.method.clone().unwrap_or_default();
            // One request follows a redirect, and one repeats a failure: the next like it is on its own.
            let redirected = self.redirects.take(&(file, client, url.clone()), |(before, _)| follows(before));
            let so_far = redirected.map_or(0, |(_, count)| count);
            if let Some((before, _)) = redirected {
                http.meaning.redirected_from = Some(link(&before, Certainty::Implied, "location"));
            }
            let key = (file, client, method, url);
            if let Some(before) = self.failures.take(&key, follows) {
                http.meaning.retry_of = Some(link(&before, Certainty::Implied, "method and target"));
            }
            if failed(http) && http.meaning.method_idempotent == Some(true) {
                self.failures.insert(key, seen);
            }
            if let Some(to) = http.meaning.redirect.as_ref().and_then(|redirect| redirect.url.clone()) {
                let ts = http.response.as_ref().map_or(seen.ts, |response| response.ts);
                let count = so_far.saturating_add(1);
                if count == LONG_CHAIN && self.explained.len() < MAX_EXPLAINED {
                    self.explained.push(chain(http, &to));
                }
                self.redirects.insert((file, client, to), (Seen { ts, ..seen }, count));
            }
        }
        self.cookies(http, seen, file);
        self.legs(http, seen);
    }

    fn cookies(&mut self, http: &mut Http, seen: Seen, file: u16) {
        let client = http.client.address;
        if !self.cookies.is_empty() {
            for cookie in &mut http.meaning.cookies_sent {
                let set = self.cookies.get(&(file, client, cookie.name.clone(), cookie.value.clone()));
                cookie.set_by = set.cloned();
            }
        }
        for cookie in &http.meaning.cookies_set {
            let by = link(&seen, Certainty::Observed, "set-cookie");
            self.cookies.insert((file, client, cookie.name.clone(), cookie.value.clone()), by);
        }
    }

    /// Stream 1 of HTTP/2 behind an upgrade answers the request that asked for it.
    fn upgrade(&mut self, http: &mut Http) {
        let Some(flow) = http.subject.flow else { return };
        let switched = http.response.as_ref().is_some_and(|response| response.status == Some(101));
        if let (true, Some(request)) = (switched, &http.request) {
            let to_h2c = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case("upgrade") && value.to_ascii_lowercase().contains("h2c")
            };
            if request.headers.iter().any(to_h2c) {
                self.upgrades.insert(flow, request.clone());
            }
        }
        if http.stream_id == Some(1)
            && http.request.is_none()
            && let Some(request) = self.upgrades.get(&flow)
        {
            let seen = Seen { flow, packet: request.packet, ts: request.ts };
            http.meaning.upgraded_from = Some(link(&seen, Certainty::Observed, "upgrade"));
            http.request = Some(request.clone());
        }
    }

    fn legs(&mut self, http: &mut Http, seen: Seen) {
        let Some(request) = &http.request else { return };
        let (Some(method), Some(target)) = (request.method.as_deref(), request.target.as_deref()) else { return };
        // One leg may ask with the whole URL and the other with the path.
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
            None => target,
        };
        let mut hasher = DefaultHasher::new();
        (seen.flow.opener.file(), method, path).hash(&mut hasher);
        let key = hasher.finish();
        let this = Leg {
            flow: seen.flow,
            packet: seen.packet,
            client: http.client,
            server: http.server,
            start: seen.ts,
            end: http.response.as_ref().map(|response| response.ts.plus(http.download_ns.unwrap_or(0))),
            status: http.response.as_ref().and_then(|response| response.status),
            marks: marks(request),
            what: match http.response.as_ref().and_then(|response| response.status) {
                Some(502..=504) => format!("{method} {}", path.chars().take(120).collect::<String>()),
                _ => String::new(),
            },
            taken: false,
        };
        if let Some(others) = self.legs.get_mut(&key) {
            // Requests that were complete before this one: a proxy hears from behind before it answers.
            let mut joined = Vec::new();
            for other in others.iter_mut().filter(|other| !other.taken) {
                if let Some((certainty, by)) = joins(&this, other) {
                    other.taken = true;
                    joined.push(HttpLink { flow: other.flow, packet: other.packet, certainty, by });
                    pair(&mut self.pairs, &this, other, certainty);
                    explain(&mut self.explained, &this, other);
                }
            }
            http.meaning.forwarded_as = joined;
            // And one whose answer did not wait for this one.
            let mut fronts = others.iter().filter_map(|other| joins(other, &this).map(|how| (other, how)));
            if let (Some((front, (certainty, by))), None) = (fronts.next(), fronts.next()) {
                http.meaning.forwarded_from = Some(HttpLink { flow: front.flow, packet: front.packet, certainty, by });
                pair(&mut self.pairs, front, &this, certainty);
                explain(&mut self.explained, front, &this);
            }
        }
        let taken = http.meaning.forwarded_from.is_some();
        self.remember(key, Leg { taken, ..this });
    }

    fn remember(&mut self, key: u64, leg: Leg) {
        let same = self.legs.entry(key).or_default();
        same.push_back(leg);
        self.order.push_back(key);
        if same.len() > MAX_SAME_REQUESTS {
            same.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
        if self.order.len() > MAX_JOINED_TRANSACTIONS
            && let Some(oldest) = self.order.pop_front()
            && let Some(same) = self.legs.get_mut(&oldest)
        {
            same.pop_front();
            if same.is_empty() {
                self.legs.remove(&oldest);
            }
        }
    }

    /// What was found, in a fixed order.
    pub fn findings(&mut self) -> Vec<Finding> {
        let mut found = std::mem::take(&mut self.explained);
        let mut pairs = std::mem::take(&mut self.pairs);
        pairs.sort_by_key(|pair| (pair.front, pair.back));
        for of_front in pairs.chunk_by(|a, b| a.front == b.front) {
            let Some(first) = of_front.first() else { continue };
            let total: u64 = of_front.iter().map(|pair| pair.count).sum();
            let shares: Vec<_> =
                of_front.iter().map(|pair| format!("{} {} of {total}", pair.back, pair.count)).collect();
            let evidence: Evidence = of_front.iter().flat_map(|pair| pair.evidence.numbers().iter().copied()).collect();
            let title = match of_front {
                [only] => format!("{} passes requests on to {}", only.front, only.back),
                several => format!("{} divides requests between {} servers", first.front, several.len()),
            };
            let how = match of_front.iter().all(|pair| pair.certainty == Certainty::Observed) {
                true => "Identifiers that both requests carry say so.",
                false => "Method, target, addresses and times agree; `certainty` of each link says what it rests on.",
            };
            let explanation = format!("Requests seen on both sides: {}. {how}", shares.join(", "));
            let ends = (None, None, Some(first.front));
            found.push(finding(Severity::Note, "http.proxied", ends, evidence, (title, &explanation), "RFC 9110 3.7"));
        }
        found
    }
}

/// A client that is sent on and on.
fn chain(http: &Http, to: &str) -> Finding {
    let to: String = to.chars().take(120).collect();
    let title = format!("{LONG_CHAIN} redirects in a row, the last to {to}");
    let told = "Each costs the client a round trip at least. Where they lead back to where they began (a cookie that is not \
                kept, http and https that send to one another), the client gives up in the end. `redirected_from` of each \
                record leads back along the chain.";
    let ends = (http.subject.flow, Some(http.client), Some(http.server));
    let evidence = http.subject.evidence.clone();
    finding(Severity::Warning, "http.redirect-chain", ends, evidence, (title, told), "RFC 9110 15.4")
}

fn link(seen: &Seen, certainty: Certainty, by: &'static str) -> HttpLink {
    HttpLink { flow: seen.flow, packet: seen.packet, certainty, by }
}

/// Whether another request may come of this transaction.
fn may_be_followed(http: &Http) -> bool {
    http.meaning.redirect.is_some() || (failed(http) && http.meaning.method_idempotent == Some(true))
}

/// Whether a client may well try again.
fn failed(http: &Http) -> bool {
    match http.response.as_ref().map(|response| response.status) {
        None => true,
        Some(status) => matches!(status, Some(408 | 421 | 425 | 429 | 500..=504)),
    }
}

fn marks(request: &HttpRequest) -> Marks {
    let mut marks = Marks::default();
    for (name, value) in &request.headers {
        match name.len() {
            // Version, trace, parent, flags (W3C Trace Context 3.2): the trace stays the same from hop to hop.
            11 if name.eq_ignore_ascii_case("traceparent") => {
                marks.trace = value.split('-').nth(1).filter(|trace| trace.len() == 32).map(str::to_owned);
            }
            12 if name.eq_ignore_ascii_case("x-request-id") => marks.request_id = Some(value.clone()),
            15 if name.eq_ignore_ascii_case("x-forwarded-for") => {
                marks.forwarded_for = value.rsplit(',').next().map(|last| last.trim().to_owned());
            }
            9 if name.eq_ignore_ascii_case("x-real-ip") => {
                marks.forwarded_for.get_or_insert_with(|| value.trim().to_owned());
            }
            _ => {}
        }
    }
    marks
}

/// Whether `back` was sent for the sake of `front`, and what says so. The keys of both are the same.
fn joins(front: &Leg, back: &Leg) -> Option<(Certainty, &'static str)> {
    if front.flow == back.flow || front.client == back.client {
        return None;
    }
    // The same ends once more are another try, and the same port from elsewhere is the same connection, translated.
    let same_ends = front.client.address == back.client.address && front.server == back.server;
    let translated = front.client.port == back.client.port;
    if same_ends || translated {
        return None;
    }
    let end = front.end?;
    let began_within = back.start >= front.start && back.start <= end;
    let gave_up = matches!(front.status, Some(499 | 502..=504)) || back.end.is_none();
    let ended_within = back.end.is_none_or(|back| back <= end) || gave_up;
    if !began_within || !ended_within {
        return None;
    }
    let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
    if same(&front.marks.trace, &back.marks.trace) {
        return Some((Certainty::Observed, "traceparent"));
    }
    if same(&front.marks.request_id, &back.marks.request_id) {
        return Some((Certainty::Observed, "x-request-id"));
    }
    // Identifiers that differ say that they are not the same.
    if front.marks.trace.is_some() && back.marks.trace.is_some() {
        return None;
    }
    if let Some(named) = &back.marks.forwarded_for {
        let same = named.parse::<IpAddr>().is_ok_and(|named| named == front.client.address);
        return same.then_some((Certainty::Implied, "x-forwarded-for"));
    }
    if front.server.address == back.client.address {
        return Some((Certainty::Implied, "addresses"));
    }
    // A proxy with an address on each side.
    let elsewhere = front.server.address != back.server.address && front.client.address != back.client.address;
    elsewhere.then_some((Certainty::Assumed, "target and time"))
}

fn pair(pairs: &mut Vec<Pair>, front: &Leg, back: &Leg, certainty: Certainty) {
    let known = pairs.iter().position(|pair| (pair.front, pair.back) == (front.server, back.server));
    let place = match known {
        Some(place) => place,
        None if pairs.len() < MAX_PAIRS => {
            let (front, back) = (front.server, back.server);
            pairs.push(Pair { front, back, count: 0, evidence: Evidence::new(), certainty });
            pairs.len().saturating_sub(1)
        }
        None => return,
    };
    if let Some(pair) = pairs.get_mut(place) {
        pair.count = pair.count.saturating_add(1);
        pair.evidence.add(front.packet);
        pair.evidence.add(back.packet);
        if certainty != Certainty::Observed {
            pair.certainty = certainty;
        }
    }
}

/// What was behind a gateway's 502, 503 or 504.
fn explain(explained: &mut Vec<Finding>, front: &Leg, back: &Leg) {
    let Some(status @ 502..=504) = front.status else { return };
    if explained.len() >= MAX_EXPLAINED {
        return;
    }
    let (gateway, server) = (front.server, back.server);
    let waited = front.end.map_or(0, |end| end.since(back.start));
    let (seconds, milliseconds) = (waited.div_euclid(1_000_000_000), waited.rem_euclid(1_000_000_000) / 1_000_000);
    let what = &front.what;
    let (title, explanation) = match (back.status, back.end) {
        (Some(answer), Some(end)) if front.end.is_some_and(|told| end <= told) => (
            format!("{what} answered {status}: {server} behind {gateway} had answered {answer}"),
            format!(
                "The gateway asked {server} (flow {}, packet {}) and passed its failure on. Look there.",
                back.flow, back.packet
            ),
        ),
        _ => (
            format!(
                "{what} answered {status}: {server} behind {gateway} had not answered after {seconds}.{milliseconds:03} s"
            ),
            format!(
                "The gateway asked {server} (flow {}, packet {}), got no answer in time, and told its client so. Either \
                 that server is too slow or stuck, or the gateway's time limit is too short for this request.",
                back.flow, back.packet
            ),
        ),
    };
    let evidence: Evidence = [front.packet, back.packet].into_iter().collect();
    let ends = (Some(front.flow), Some(front.client), Some(gateway));
    let reference = "RFC 9110 15.6";
    explained.push(finding(Severity::Error, "http.gateway-cause", ends, evidence, (title, &explanation), reference));
}

#[cfg(test)]
#[path = "journeys_tests.rs"]
mod tests;
