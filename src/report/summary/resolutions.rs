//! Rows of resolutions, with their steps below as a tree, and of names with several addresses, with their shares below.
use super::cells::{absent, duration, flow, plain, styled};
use super::sections::{Cell, Show, Style};
use super::top::Key;
use crate::{
    record::{AnswerSource, Record, Resolution, ResolutionStep, Rotation, RoundRobin, StepOutcome, Timestamp},
    report::units,
};

/// Data of a list that are shown; the rest is counted.
const SHOWN: usize = 2;

fn listed(data: &[String]) -> String {
    let first: Vec<&str> = data.iter().take(SHOWN).map(String::as_str).collect();
    let more = if data.len() > SHOWN { format!(" +{}", data.len() - SHOWN) } else { String::new() };
    format!("{}{more}", first.join(", "))
}

fn nothing() -> Cell {
    Cell::default()
}

/// The glyph before the `place`th of `count` branches.
fn branch(place: usize, count: usize) -> &'static str {
    if place + 1 == count { "└─ " } else { "├─ " }
}

/// Failures first, then the slowest.
pub fn resolution_key(record: &Record) -> Key {
    let Record::Resolution(resolution) = record else { return (0, 0) };
    let failed = resolution.source.is_none() || resolution.rcode.as_deref().is_some_and(|rcode| rcode == "SERVFAIL");
    let steps = resolution.steps_total > 0;
    let time = resolution.duration_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0);
    (u64::from(failed) * 2 + u64::from(steps), time)
}

pub fn resolution(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Resolution(resolution) = record else { return Vec::new() };
    let by = resolution.server.address;
    let asked = match resolution.client {
        Some(client) => format!("{} asks {by}", client.address),
        None => format!("somebody asks {by}"),
    };
    vec![
        flow(&resolution.subject),
        styled(&format!("{} {}", resolution.name, resolution.record_type), Style::Bold),
        plain(&asked),
        resolution_answer(resolution),
        nothing(),
        duration(resolution.duration_ns),
        nothing(),
    ]
}

fn resolution_answer(resolution: &Resolution) -> Cell {
    let from = match resolution.source {
        Some(AnswerSource::Asked) => "",
        Some(AnswerSource::Cache) => " from its cache",
        Some(AnswerSource::Authoritative) => " from its own zone",
        None => return styled("no answer", Style::Red),
    };
    match resolution.rcode.as_deref() {
        Some("NOERROR") | None if resolution.answers.is_empty() => styled(&format!("no such record{from}"), Style::Dim),
        Some("NOERROR") | None => plain(&format!("{}{from}", listed(&resolution.answers))),
        Some("NXDOMAIN") => styled(&format!("NXDOMAIN{from}"), Style::Yellow),
        Some(rcode) => styled(rcode, Style::Red),
    }
}

fn step(step: &ResolutionStep, place: usize, count: usize) -> Vec<Cell> {
    let zone = match step.zone.as_deref() {
        Some(".") => "root ".to_owned(),
        Some(zone) => format!("{zone} "),
        None => String::new(),
    };
    vec![
        styled(&step.flow.to_string(), Style::Dim),
        plain(&format!("{}{zone}{}", branch(place, count), step.server.address)),
        plain(&format!("{} {}", step.name, step.record_type)),
        step_answer(step),
        duration(Some(step.offset_ns)),
        duration(step.latency_ns),
        styled(&units::count(step.tries), if step.tries > 1 { Style::Yellow } else { Style::Dim }),
    ]
}

fn step_answer(step: &ResolutionStep) -> Cell {
    let data = |kind: &str| -> Vec<String> {
        step.answers.iter().filter(|answer| answer.record_type == kind).map(|answer| answer.data.clone()).collect()
    };
    let authoritative = if step.authoritative { ", authoritative" } else { "" };
    match (step.outcome, &step.referral) {
        (StepOutcome::Referral, Some(referral)) => {
            let glue: Vec<String> = referral.glue.iter().map(ToString::to_string).collect();
            let glue = if glue.is_empty() { String::new() } else { format!(" ({})", listed(&glue)) };
            plain(&format!("ask {}: {}{glue}", referral.zone, listed(&referral.servers)))
        }
        (StepOutcome::Referral, None) => absent(),
        (StepOutcome::Answer, _) => plain(&format!("{}{authoritative}", listed(&data(&step.record_type)))),
        (StepOutcome::Alias, _) => plain(&format!("see {}{authoritative}", listed(&data("CNAME")))),
        (StepOutcome::NoData, _) => styled(&format!("no such record{authoritative}"), Style::Dim),
        (StepOutcome::NameError, _) => styled(&format!("NXDOMAIN{authoritative}"), Style::Yellow),
        (StepOutcome::Truncated, _) => styled("truncated", Style::Yellow),
        (StepOutcome::Failure, _) => styled(step.rcode.as_deref().unwrap_or("failed"), Style::Red),
        (StepOutcome::Unanswered, _) => styled("no answer", Style::Red),
        (StepOutcome::Unreachable, _) => styled("unreachable", Style::Red),
    }
}

/// The names of which most answers were seen first.
pub fn round_robin_key(record: &Record) -> Key {
    match record {
        Record::RoundRobin(round_robin) => (round_robin.responses, round_robin.connections_total),
        _ => (0, 0),
    }
}

pub fn round_robin(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::RoundRobin(round_robin) = record else { return Vec::new() };
    let order = match round_robin.rotation {
        Rotation::Fixed => "always the same",
        Rotation::Cyclic => "turns in a circle",
        Rotation::Shuffled => "any order",
        Rotation::Varying => "changing sets",
    };
    let used = match round_robin.connections_total {
        0 => absent(),
        number => plain(&units::count(number)),
    };
    vec![
        flow(&round_robin.subject),
        styled(&round_robin.name, Style::Bold),
        plain(&round_robin.record_type),
        plain(&round_robin.server.address.to_string()),
        plain(order),
        nothing(),
        plain(&units::counted(round_robin.responses, "answer")),
        used,
    ]
}

fn shares(round_robin: &RoundRobin) -> Vec<Vec<Cell>> {
    let count = round_robin.addresses.len();
    let percent =
        |part: u64| part.saturating_mul(100).saturating_add(round_robin.responses / 2) / round_robin.responses.max(1);
    let used = round_robin.connections_total > 0;
    let row = |(place, share): (usize, &crate::record::AddressShare)| {
        vec![
            nothing(),
            plain(&format!("{}{}", branch(place, count), share.address)),
            nothing(),
            nothing(),
            nothing(),
            plain(&format!("{} × ({} %)", units::count(share.first), percent(share.first))),
            plain(&format!("{} ×", units::count(share.given))),
            if used { plain(&units::count(share.connections)) } else { absent() },
        ]
    };
    round_robin.addresses.iter().enumerate().map(row).collect()
}

/// What stands below a record's own row.
pub fn rows_below(record: &Record) -> Vec<Vec<Cell>> {
    match record {
        Record::Resolution(resolution) => {
            let count = resolution.steps.len();
            resolution.steps.iter().enumerate().map(|(place, one)| step(one, place, count)).collect()
        }
        Record::RoundRobin(round_robin) => shares(round_robin),
        _ => Vec::new(),
    }
}
