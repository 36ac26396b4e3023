//! Rows of applications: what a flow says of itself, wrapped into as many lines as it takes.
use super::{
    cells::{flow, plain, styled},
    sections::{Cell, Show, Style},
};
use crate::{
    record::{Application, ApplicationFact, Endpoint, Record, Timestamp},
    report::{units, width::width},
};

/// Facts that a table has no room for; the records have them.
const MINOR: [&str; 9] = [
    "methods_offered",
    "method",
    "bound",
    "capabilities",
    "features",
    "hassh",
    "hassh_server",
    "data_connections",
    "strict_key_exchange",
];
/// Facts whose value says what it is.
const PLAIN: [&str; 8] = ["command", "destination", "reply", "banner", "hello", "software", "message", "outcome"];
/// Columns of a line, so that it stands in full beside flow and protocol on a terminal of 80.
const LINE_COLUMNS: usize = 60;
/// Lines of one flow.
const MOST_LINES: usize = 6;
const BETWEEN: &str = " · ";

/// The first row of a record.
pub fn application(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Application(application) = record else { return Vec::new() };
    vec![
        flow(&application.subject),
        plain(application.protocol),
        plain(&end(application.server)),
        lines(application).into_iter().next().unwrap_or_default(),
    ]
}

/// The rows below it.
pub fn rows_below(record: &Record) -> Vec<Vec<Cell>> {
    let Record::Application(application) = record else { return Vec::new() };
    let row = |line| vec![Cell::default(), Cell::default(), Cell::default(), line];
    lines(application).into_iter().skip(1).map(row).collect()
}

/// An end; without its port where there are no ports.
fn end(end: Endpoint) -> String {
    if end.port == 0 { end.address.to_string() } else { end.to_string() }
}

/// What it says, in lines.
fn lines(application: &Application) -> Vec<Cell> {
    let mut lines: Vec<(String, bool)> = Vec::new();
    let mut left_out = 0_u64;
    let mut before = "";
    for fact in application.facts.iter().filter(|fact| is_worth_a_line(fact, application)) {
        let words = words(fact, before);
        before = fact.name;
        let trouble = fact.value.contains("refused");
        let fits = left_out == 0
            && lines.last().is_some_and(|(line, _)| {
                width(line).saturating_add(width(&words)).saturating_add(width(BETWEEN)) <= LINE_COLUMNS
            });
        if fits && let Some((line, troubled)) = lines.last_mut() {
            line.push_str(BETWEEN);
            line.push_str(&words);
            *troubled |= trouble;
        } else if lines.len() < MOST_LINES {
            lines.push((words, trouble));
        } else {
            left_out += 1;
        }
    }
    if left_out > 0
        && let Some((line, _)) = lines.last_mut()
    {
        line.push_str(&format!("{BETWEEN}+{left_out}"));
    }
    lines.into_iter().map(|(line, trouble)| styled(&line, if trouble { Style::Yellow } else { Style::Plain })).collect()
}

fn is_worth_a_line(fact: &ApplicationFact, application: &Application) -> bool {
    let named_in_banner = || {
        let banner = application.facts.iter().find(|other| other.name == "banner");
        banner.is_some_and(|banner| banner.value.contains(&fact.value))
    };
    !MINOR.contains(&fact.name) && fact.value != "none" && !(fact.name == "software" && named_in_banner())
}

/// A fact in words. Its name stands before the first of several only.
fn words(fact: &ApplicationFact, before: &str) -> String {
    if fact.name == before || PLAIN.contains(&fact.name) {
        return fact.value.clone();
    }
    if let Some((name, ns)) = fact.name.strip_suffix("_ns").zip(fact.value.parse().ok()) {
        return format!("{} {}", name.replace('_', " "), units::duration(ns));
    }
    let name =
        fact.name.strip_suffix("_software").or_else(|| fact.name.strip_suffix("_algorithm")).unwrap_or(fact.name);
    format!("{} {}", name.replace('_', " "), fact.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Evidence, FlowId, PacketNumber, Side, Subject};

    fn shown(facts: &[(&'static str, &str)]) -> Vec<String> {
        let end = Endpoint { address: [10, 0, 0, 1].into(), port: 21 };
        let fact = |(name, value): &(&'static str, &str)| ApplicationFact {
            name,
            value: (*value).to_owned(),
            side: Side::Client,
            packet: PacketNumber::default(),
        };
        let application = Application {
            subject: Subject::new(FlowId::default(), Evidence::new()),
            client: end,
            server: end,
            protocol: "ftp",
            facts: facts.iter().map(fact).collect(),
        };
        lines(&application).into_iter().map(|cell| cell.text).collect()
    }

    #[test]
    fn facts_are_wrapped_and_named_once() {
        let facts = [
            ("banner", "(vsFTPd 3.0.3)"),
            ("software", "vsFTPd 3.0.3"),
            ("user", "alice"),
            ("login", "accepted"),
            ("features", "UTF8"),
            ("file", "RETR one-file-of-some-length (226)"),
            ("file", "RETR another-file-of-some-length (226)"),
            ("answered_after_ns", "1500000"),
        ];
        assert_eq!(
            shown(&facts),
            [
                "(vsFTPd 3.0.3) · user alice · login accepted",
                "file RETR one-file-of-some-length (226)",
                "RETR another-file-of-some-length (226)",
                "answered after 1.50 ms",
            ]
        );
    }

    #[test]
    fn many_facts_are_counted() {
        let long = "x".repeat(60);
        let facts: Vec<_> = (0..10).map(|_| ("file", long.as_str())).collect();
        let lines = shown(&facts);
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines[MOST_LINES - 1].ends_with(" · +4"));
    }
}
