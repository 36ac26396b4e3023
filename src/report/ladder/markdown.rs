//! The picture for a ticket or a wiki: facts and problems as Markdown, the ladder in a fence.
use std::io::{self, Write};

use super::{Picture, text, words};
use crate::report::{Options, markdown::inert, summary::symbol, table::finish};

/// Columns of the ladder: what fits on a page without scrolling.
const COLUMNS: usize = 110;

/// Writes the page.
pub fn write(picture: &Picture<'_>, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let title = words::title(picture.connection, picture.beside);
    writeln!(out, "# Connection {}: {}\n", picture.name(), inert(title.first().map_or("", String::as_str)))?;
    let rest: Vec<String> = title.iter().skip(1).map(|part| inert(part)).collect();
    if !rest.is_empty() {
        writeln!(out, "{}\n", rest.join(" · "))?;
    }
    writeln!(out, "| | |\n| --- | --- |")?;
    for (name, text) in words::facts(picture.connection, picture.beside) {
        writeln!(out, "| **{name}** | {} |", inert(&text))?;
    }
    let ladder: Vec<String> = text::ladder(picture, options, COLUMNS).iter().map(|line| finish(line, false)).collect();
    // A fence that no text inside can close.
    let longest = ladder.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    writeln!(out, "\n## Ladder\n\n{fence}text")?;
    for line in &ladder {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "{fence}\n")?;
    for (title, extensions) in words::extensions(picture.beside) {
        writeln!(out, "## {}\n\n| extension | |\n| --- | --- |", inert(&title))?;
        for (name, text) in extensions {
            writeln!(out, "| {} | {} |", inert(&name), inert(&text))?;
        }
        writeln!(out)?;
    }
    let findings = picture.findings();
    if findings.is_empty() {
        return writeln!(out, "No problems found.");
    }
    writeln!(out, "## Problems\n")?;
    for finding in findings {
        let (sign, code) = (symbol(finding.severity), finding.code);
        let reference = finding.reference.map_or_else(String::new, |reference| format!(" ({reference})"));
        let title = inert(&super::escaped(&finding.title));
        writeln!(out, "- {sign} `{code}` **{title}** {}  ", inert(&picture.proof(finding)))?;
        writeln!(out, "  {}{reference}", inert(&super::escaped(&finding.explanation)))?;
    }
    Ok(())
}

/// Backticks in a row.
fn longest_run(line: &str) -> usize {
    line.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
