//! The catalogue of findings for a terminal: a list, or one code explained.
use std::io::{self, Write as _};

use super::{
    Options, Output,
    summary::{Style, symbol},
    table::{finish, paint},
    width::{cut_end, pad_right, width, wrap},
};
use crate::record::{Severity, catalogue::Entry};

/// Columns of a line of prose at most.
const PROSE: usize = 100;

/// Lists codes under what they are about.
///
/// # Errors
/// What the output said.
pub fn list(rooms: &[(&str, Vec<&Entry>)], options: &Options, mut out: Output) -> io::Result<()> {
    let codes = rooms.iter().flat_map(|(_, entries)| entries).map(|entry| width(entry.code)).max().unwrap_or(0);
    for (place, (about, entries)) in rooms.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", finish(&paint(Style::Bold, about), options.color))?;
        for entry in entries {
            let sign =
                entry.severities.last().map_or(String::new(), |gravest| paint(style(*gravest), symbol(*gravest)));
            let room = options.columns().saturating_sub(codes + 6);
            // Too narrow for both: the meaning has its own line.
            if room < 30 {
                writeln!(out, "{}", finish(&format!("  {sign} {}", entry.code), options.color))?;
                for line in wrap(entry.title, options.columns().saturating_sub(4)) {
                    writeln!(out, "    {line}")?;
                }
            } else {
                let line = format!("  {sign} {}  {}", pad_right(entry.code, codes), cut_end(entry.title, room));
                writeln!(out, "{}", finish(&line, options.color))?;
            }
        }
    }
    out.flush()
}

/// Explains one code.
///
/// # Errors
/// What the output said.
pub fn explain(entry: &Entry, options: &Options, mut out: Output) -> io::Result<()> {
    let most = options.columns().min(PROSE);
    let head = format!("{}  {}", paint(Style::Bold, entry.code), entry.title);
    if width(entry.code) + 2 + width(entry.title) <= most {
        writeln!(out, "{}", finish(&head, options.color))?;
    } else {
        writeln!(out, "{}", finish(&paint(Style::Bold, entry.code), options.color))?;
        wrap(entry.title, most).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    let words: Vec<String> = entry
        .severities
        .iter()
        .map(|severity| paint(style(*severity), &format!("{} {}", symbol(*severity), severity_name(*severity))))
        .collect();
    let reference = entry.reference.map_or_else(String::new, |reference| format!(" · {reference}"));
    writeln!(out, "{}", finish(&format!("{}{reference}", words.join(" or ")), options.color))?;
    for paragraph in entry.explanation.split("\n\n") {
        writeln!(out)?;
        wrap(paragraph, most).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    out.flush()
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::Red,
        Severity::Warning => Style::Yellow,
        Severity::Note => Style::Plain,
    }
}

/// As in the records.
#[must_use]
pub fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
