//! Verdicts, for people and for CI. A writer escapes for its format; what a capture says reaches no terminal as it is.
mod github;
mod junit;
mod sarif;
mod tap;
#[cfg(test)]
mod tests;
mod text;

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::verdict::{Changed, Difference, Judged, Line, Verdict};

/// The formats of `--report`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// JUnit's XML, as GitLab and Jenkins read it.
    Junit,
    /// Test Anything Protocol, version 14.
    Tap,
    /// Annotations of GitHub Actions.
    Github,
    /// SARIF 2.1.0.
    Sarif,
}

/// How a report looks.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether to colour the text.
    pub color: bool,
    /// Columns of a line, where there is a terminal.
    pub width: Option<usize>,
    /// What holds is listed too, of each capture.
    pub all: bool,
}

/// Writes `judged`, one for each capture and SPEC.
///
/// # Errors
/// What the output said.
pub fn write(format: Format, out: &mut dyn Write, judged: &[Judged], options: &Options) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, judged, options),
        Format::Junit => junit::write(out, judged),
        Format::Tap => tap::write(out, judged),
        Format::Github => github::write(out, judged),
        Format::Sarif => sarif::write(out, judged),
    }
}

/// What is said of a verdict that does not hold, line by line: for formats that take a text.
fn explained(judged: &Judged, verdict: &Verdict) -> Vec<String> {
    let mut lines = vec![
        format!("assertion: {} ({}:{})", verdict.name, judged.spec, verdict.line),
        format!("capture:   {}", judged.capture),
        format!("expected:  {}", verdict.expected),
        format!("found:     {}", verdict.found),
    ];
    lines.extend(verdict.note.iter().map(|note| format!("note:      {note}")));
    for proof in &verdict.proofs {
        lines.push(format!("  {}  {}", proof.heading, proof.place()));
        lines.extend(proof.values.iter().map(|(path, value)| format!("    {path} = {value}")));
        lines.extend(proof.command(&judged.capture).map(|command| format!("    {command}")));
    }
    lines.extend(more(verdict.proofs_total, verdict.proofs.len()).map(|more| format!("  {more}")));
    for difference in &verdict.differences {
        lines.extend(of_difference(judged, difference).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(more(verdict.differences_total, verdict.differences.len()).map(|more| format!("  {more}")));
    lines
}

/// Fields of one record that are listed in a report.
const LINES: usize = 40;

/// What is said of a record of a snapshot.
fn of_difference(judged: &Judged, difference: &Difference) -> Vec<String> {
    let place = difference.proof.place();
    let mut lines = vec![format!(
        "{} {} ({}:{})  {place}",
        difference.proof.heading,
        difference.what.words(),
        judged.spec,
        difference.line
    )];
    lines.extend(difference.lines.iter().take(LINES).map(|line| match line {
        Line::Expected(text) => format!("  - {text}"),
        Line::Found(text) => format!("  + {text}"),
    }));
    lines
        .extend(more(difference.lines.len() as u64, LINES.min(difference.lines.len())).map(|more| format!("  {more}")));
    if difference.what != Changed::Gone {
        lines.extend(difference.proof.command(&judged.capture).map(|command| format!("  {command}")));
    }
    lines
}

/// `... and 3 more`.
fn more(total: u64, shown: usize) -> Option<String> {
    let left = total.saturating_sub(shown as u64);
    (left > 0).then(|| format!("... and {left} more"))
}

/// Text for XML: its special characters, and those it cannot hold, written out.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => out.push_str(&letter.escape_unicode().to_string()),
            letter if crate::report::escape::is_hidden(letter) => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{}", crate::report::escape::escape(letter.encode_utf8(&mut [0; 4])));
            }
            letter => out.push(letter),
        }
    }
    out
}
