//! Annotations of GitHub Actions (workflow commands), at the line of the SPEC; then what people read in the log.
use std::io::{self, Write};

use super::{Options, explained, of_difference, text};
use crate::{check::verdict::Judged, report::escape::escape};

/// Writes a command for each assertion that does not hold, of a snapshot for each record that differs.
pub fn write(out: &mut dyn Write, judged: &[Judged]) -> io::Result<()> {
    for one in judged {
        if let Some(reason) = &one.unreadable {
            command(
                out,
                "error",
                &one.spec,
                1,
                &format!("{} cannot be read", one.capture),
                std::slice::from_ref(reason),
            )?;
        }
        if let Some(damage) = &one.damage {
            command(
                out,
                "warning",
                &one.spec,
                1,
                &format!("{} is damaged", one.capture),
                std::slice::from_ref(damage),
            )?;
        }
        for verdict in one.verdicts.iter().filter(|verdict| !verdict.holds) {
            if verdict.differences.is_empty() {
                let title = format!("{}: {}", verdict.name, verdict.found);
                command(out, "error", &one.spec, verdict.line, &title, &explained(one, verdict))?;
            }
            for difference in &verdict.differences {
                let title = format!("{}: {} {}", verdict.name, difference.proof.heading, difference.what.words());
                command(out, "error", &one.spec, difference.line, &title, &of_difference(one, difference))?;
            }
        }
    }
    // A group, so that the log is short until somebody opens it.
    writeln!(out, "::group::wireglass check")?;
    text::write(out, judged, &Options::default())?;
    writeln!(out, "::endgroup::")?;
    out.flush()
}

fn command(out: &mut dyn Write, level: &str, file: &str, line: usize, title: &str, lines: &[String]) -> io::Result<()> {
    let lines: Vec<_> = lines.iter().map(|line| escape(line)).collect();
    let (file, title) = (property(&escape(file)), property(&escape(title)));
    writeln!(out, "::{level} file={file},line={line},title={title}::{}", data(&lines.join("\n")))
}

/// As `@actions/core` escapes the message of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As it escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
