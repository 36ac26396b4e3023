//! Resolvers at work: which of their own queries belong to which question of a client, from the root down.
//!
//! A query of a resolver belongs to the question that was open when it was sent and that it helps to answer: the same
//! name, an alias or a server's name that an earlier step brought up, or a parent of one of these (RFC 9156).
use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use super::dns::{Told, Transaction};
use crate::{
    limits,
    record::{AnswerSource, Endpoint, Evidence, Referral, Resolution, ResolutionStep, StepOutcome, Subject, Timestamp},
};

/// A resolver whose client's query was not captured goes on with a resolution within this time, in nanoseconds.
const PAUSE_NS: i64 = 5_000_000_000;

/// Names that a resolution is after.
#[derive(Default)]
struct Wanted(HashSet<String>);

impl Wanted {
    fn of(name: &str) -> Self {
        Self(HashSet::from([name.to_owned()]))
    }

    /// How well a query for `name` fits: 2 exactly, 1 as the parent of a name, 0 not at all.
    fn fits(&self, name: &str) -> u8 {
        // Some resolvers ask for `_.example.com` on their way down.
        let parent = name.strip_prefix("_.").unwrap_or(name);
        if self.0.contains(name) { 2 } else { u8::from(self.0.iter().any(|wanted| is_below(wanted, parent))) }
    }

    /// Takes in what a response brought up.
    fn learn(&mut self, told: &Told) {
        let room = limits::MAX_RESOLUTION_NAMES.saturating_sub(self.0.len());
        let aliases = told.answers.iter().filter(|record| matches!(record.record_type.as_str(), "CNAME" | "DNAME"));
        let aliases = aliases.map(|record| record.data.to_ascii_lowercase());
        let servers = told.delegation.iter().flat_map(|(_, servers)| servers.iter().cloned());
        self.0.extend(aliases.chain(servers).take(room));
    }
}

/// Whether `name` is `parent` or below it.
fn is_below(name: &str, parent: &str) -> bool {
    parent == "." || name.strip_suffix(parent).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// A question being answered.
struct Open<'a> {
    question: Option<&'a Transaction>,
    wanted: Wanted,
    steps: Vec<&'a Transaction>,
    end: Timestamp,
}

/// Which zones' servers are known by address or name, as referrals told, in order of time.
#[derive(Default)]
struct Zones<'a> {
    addresses: HashMap<(u16, IpAddr), &'a str>,
    names: HashMap<(u16, &'a str), &'a str>,
}

impl<'a> Zones<'a> {
    /// The zone for which `step`'s server was asked, and what its response says of others.
    fn of(&mut self, step: &'a Transaction) -> Option<&'a str> {
        let (file, server) = (step.file(), step.server.address);
        let Some(told) = step.told.as_deref() else { return self.addresses.get(&(file, server)).copied() };
        let own = match &told.delegation {
            // Only the root hands out top-level domains.
            Some((zone, _)) if is_referral(told) && !zone.contains('.') => Some("."),
            Some((zone, _)) if told.authoritative && is_below(&step.name, zone) => Some(zone.as_str()),
            _ if step.name == "." && step.record_type == "NS" && told.authoritative => Some("."),
            _ => told.soa.as_deref().filter(|zone| told.authoritative && is_below(&step.name, zone)),
        };
        if let Some(zone) = own {
            self.addresses.insert((file, server), zone);
        }
        let zone = self.addresses.get(&(file, server)).copied();
        if let Some((zone, servers)) = told.delegation.as_ref().filter(|_| is_referral(told)) {
            for server in servers {
                self.names.insert((file, server), zone);
            }
            for (_, address) in told.glue.iter().filter(|(name, _)| servers.contains(name)) {
                self.addresses.insert((file, *address), zone);
            }
        } else if let Some(zone) = self.names.get(&(file, step.name.as_str())) {
            // The address of a server that came without glue.
            self.addresses.extend(told.addresses().map(|address| ((file, address), *zone)));
        }
        zone
    }
}

/// Whether a response only says whom to ask instead.
fn is_referral(told: &Told) -> bool {
    told.rcode == "NOERROR"
        && !told.authoritative
        && told.answers.is_empty()
        && told.soa.is_none()
        && told.delegation.as_ref().is_some_and(|(zone, _)| zone != ".")
}

/// The resolutions that `all` show, in the order of their questions. `all` are in the order of their queries.
pub(super) fn resolutions(all: &[Transaction]) -> Vec<Resolution> {
    // Who asks somebody; of a host that never does nothing can be told.
    // A host that asks itself is none: its names are anonymised, or its resolver runs beside the program.
    let others = all.iter().filter(|one| one.client.address != one.server.address);
    let askers: HashSet<(u16, IpAddr)> = others.map(|one| (one.file(), one.client.address)).collect();
    let mut open: HashMap<(u16, IpAddr), Vec<Open<'_>>> = HashMap::new();
    let mut done: Vec<Open<'_>> = Vec::new();
    for one in all {
        // It may be a step of what its client is asked for.
        if let Some(questions) = open.get_mut(&(one.file(), one.client.address)) {
            close(questions, one.sent, &mut done);
            if let Some(best) = best(questions, one) {
                best.steps.push(one);
                best.end = if best.question.is_some() { best.end } else { best.end.max(one.end()) };
                if let Some(told) = &one.told {
                    best.wanted.learn(told);
                }
            } else if !one.recursion_desired {
                questions.extend(unasked(one));
            }
        } else if !one.recursion_desired {
            open.entry((one.file(), one.client.address)).or_default().extend(unasked(one));
        }
        // And it may be a question to a resolver.
        let resolver = (one.file(), one.server.address);
        if one.recursion_desired && askers.contains(&resolver) {
            let questions = open.entry(resolver).or_default();
            close(questions, one.sent, &mut done);
            if questions.len() >= limits::MAX_OPEN_RESOLUTIONS {
                done.push(questions.remove(0));
            }
            let wanted = Wanted::of(&one.name);
            questions.push(Open { question: Some(one), wanted, steps: Vec::new(), end: one.end() });
        }
    }
    done.extend(open.into_values().flatten());
    // What is known of zones is learned in the order of time.
    let first =
        |open: &Open<'_>| open.question.or(open.steps.first().copied()).map(|one| (one.file(), one.sent, one.packet));
    done.sort_by_key(|open| first(open));
    let mut zones = Zones::default();
    done.iter().filter_map(|open| open.record(&mut zones)).collect()
}

/// A resolution whose question was not captured: only a resolver asks without wishing for recursion.
fn unasked(one: &Transaction) -> Option<Open<'_>> {
    let mut wanted = Wanted::of(&one.name);
    wanted.learn(one.told.as_deref()?);
    Some(Open { question: None, wanted, steps: vec![one], end: one.end() })
}

/// Takes out what was over at `now`.
fn close<'a>(questions: &mut Vec<Open<'a>>, now: Timestamp, done: &mut Vec<Open<'a>>) {
    let over = |open: &mut Open<'_>| match open.question {
        Some(_) => open.end < now,
        None => now.since(open.end) > PAUSE_NS,
    };
    done.extend(questions.extract_if(.., over));
}

/// The question that `one` helps to answer: the one it fits best, the oldest of equals.
fn best<'o, 'a>(questions: &'o mut [Open<'a>], one: &Transaction) -> Option<&'o mut Open<'a>> {
    let fit = |open: &Open<'_>| {
        let fit = open.wanted.fits(&one.name);
        let exactly =
            open.question.is_some_and(|question| question.record_type == one.record_type && question.name == one.name);
        // Without its question, a resolution is known by its first steps: names grow on the way down (RFC 9156).
        let grows = open.question.is_none()
            && fit == 0
            && open.wanted.0.iter().any(|name| name != "." && is_below(&one.name, name));
        if exactly { 3 } else { fit.max(u8::from(grows)) }
    };
    let (mut place, mut most) = (None, 0);
    for (candidate, open) in questions.iter().enumerate() {
        let fit = fit(open);
        if fit > most {
            (place, most) = (Some(candidate), fit);
        }
    }
    questions.get_mut(place?)
}

impl<'a> Open<'a> {
    /// What is told of it; nothing where nobody is seen at work.
    fn record(&self, zones: &mut Zones<'a>) -> Option<Resolution> {
        let first = self.question.or(self.steps.first().copied())?;
        let told = self.question.and_then(|question| question.told.as_deref());
        let start = first.sent;
        let mut upstream_ns = 0_i64;
        let mut evidence = Evidence::new();
        for one in self.question.iter().chain(&self.steps) {
            evidence.add(one.packet);
            if let Some(told) = &one.told {
                evidence.add(told.packet);
            }
        }
        let all: Vec<ResolutionStep> = self.steps.iter().map(|step| record_step(step, start, zones)).collect();
        for step in &all {
            upstream_ns = upstream_ns.saturating_add(step.latency_ns.unwrap_or(0));
        }
        let referred = all.iter().any(|step| step.outcome == StepOutcome::Referral);
        if self.question.is_none() && !(referred && all.len() > 1) {
            return None;
        }
        let last =
            self.steps.iter().rev().find_map(|step| step.told.as_deref().filter(|told| !told.answers.is_empty()));
        let answers = told.or(last).map(|told| told.answers.as_slice()).unwrap_or_default();
        let aliases = answers.iter().filter(|record| record.record_type == "CNAME");
        // On the way down names may grow (RFC 9156): what is meant is the longest.
        let longer = |target: &'a Transaction, step: &&'a Transaction| {
            if is_below(&step.name, &target.name) { *step } else { target }
        };
        let target =
            self.question.unwrap_or_else(|| self.steps.iter().fold(first, |target, step| longer(target, step)));
        let given = answers.iter().filter(|record| record.record_type == target.record_type);
        let source = match (told, all.is_empty()) {
            (None, _) => self.question.is_none().then_some(AnswerSource::Asked),
            (Some(_), false) => Some(AnswerSource::Asked),
            (Some(told), true) if told.authoritative => Some(AnswerSource::Authoritative),
            (Some(_), true) => Some(AnswerSource::Cache),
        };
        let end = match self.question {
            Some(_) => told.map(|told| told.ts),
            None => self.steps.iter().filter_map(|step| step.told.as_ref()).map(|told| told.ts).max(),
        };
        Some(Resolution {
            subject: Subject { flow: Some(first.flow), file: None, evidence },
            client: self.question.map(|question| question.client),
            server: match self.question {
                Some(question) => question.server,
                None => Endpoint { port: 53, ..first.client },
            },
            name: target.name.clone(),
            record_type: target.record_type.clone(),
            start_ts: start,
            duration_ns: end.map(|end| end.since(start).max(0)),
            source,
            rcode: told.map(|told| told.rcode.clone()),
            aliases: aliases.map(|record| record.data.to_ascii_lowercase()).collect(),
            answers: given.map(|record| record.data.clone()).collect(),
            upstream_ns,
            steps_total: all.len() as u64,
            steps: all.into_iter().take(limits::MAX_RESOLUTION_STEPS).collect(),
        })
    }
}

fn record_step<'a>(step: &'a Transaction, start: Timestamp, zones: &mut Zones<'a>) -> ResolutionStep {
    let zone = zones.of(step).map(str::to_owned);
    let told = step.told.as_deref();
    let referral = told.filter(|told| is_referral(told)).and_then(|told| {
        let (zone, servers) = told.delegation.clone()?;
        let glue = told.glue.iter().filter(|(name, _)| servers.contains(name)).map(|(_, address)| *address).collect();
        Some(Referral { zone, servers, glue })
    });
    ResolutionStep {
        flow: step.flow,
        packet: step.packet,
        response_packet: told.map(|told| told.packet),
        server: step.server,
        zone,
        name: step.name.clone(),
        record_type: step.record_type.clone(),
        offset_ns: step.sent.since(start).max(0),
        latency_ns: told.map(|told| told.ts.since(step.sent).max(0)),
        tries: step.tries,
        outcome: outcome(step),
        rcode: told.map(|told| told.rcode.clone()),
        authoritative: told.is_some_and(|told| told.authoritative),
        referral,
        answers: told.map(|told| told.answers.clone()).unwrap_or_default(),
    }
}

fn outcome(step: &Transaction) -> StepOutcome {
    let Some(told) = step.told.as_deref() else {
        return if step.unreachable { StepOutcome::Unreachable } else { StepOutcome::Unanswered };
    };
    let of_type =
        |record: &crate::record::DnsRecord| step.record_type == "ANY" || record.record_type == step.record_type;
    match told.rcode.as_str() {
        _ if told.truncated => StepOutcome::Truncated,
        "NOERROR" if told.answers.iter().any(of_type) => StepOutcome::Answer,
        "NOERROR" if !told.answers.is_empty() => StepOutcome::Alias,
        "NOERROR" if is_referral(told) => StepOutcome::Referral,
        "NOERROR" => StepOutcome::NoData,
        "NXDOMAIN" => StepOutcome::NameError,
        _ => StepOutcome::Failure,
    }
}
