//! For people: what does not hold first, with what shows it; then what does, a line each.
use std::io::{self, Write};

use super::{LINES, Options, more};
use crate::{
    check::verdict::{Changed, Difference, Judged, Line, Verdict},
    report::{escape::escape, width},
};

/// Columns of a line off a terminal: logs are searched, so little is cut.
const LOG_WIDTH: usize = 500;

/// Writes the text.
pub fn write(out: &mut dyn Write, judged: &[Judged], options: &Options) -> io::Result<()> {
    let style = Style { color: options.color, width: options.width.unwrap_or(LOG_WIDTH).max(40) };
    for one in judged {
        let has_failed = !one.holds();
        style.capture(out, one)?;
        for verdict in one.verdicts.iter().filter(|verdict| !verdict.holds) {
            style.failed(out, one, verdict)?;
        }
        if has_failed || options.all || judged.len() == 1 {
            for verdict in one.verdicts.iter().filter(|verdict| verdict.holds) {
                let line = format!("{} · {}", escape(&verdict.name), escape(&verdict.found));
                writeln!(out, "  {} {}", style.good("✔"), width::cut_end(&line, style.width.saturating_sub(4)))?;
            }
        }
    }
    if judged.len() > 1 {
        let failed = judged.iter().filter(|one| !one.holds()).count();
        let assertions: usize = judged.iter().map(|one| one.verdicts.len()).sum();
        let wrong = judged.iter().flat_map(|one| &one.verdicts).filter(|verdict| !verdict.holds).count();
        let summary = if failed == 0 {
            style.good(&format!("all {assertions} assertions about {} captures hold", judged.len()))
        } else {
            style.bad(&format!(
                "{wrong} of {assertions} assertions do not hold, in {failed} of {} captures",
                judged.len()
            ))
        };
        writeln!(out, "\n{summary}")?;
    }
    out.flush()
}

struct Style {
    color: bool,
    width: usize,
}

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn good(&self, text: &str) -> String {
        self.paint("32", text)
    }

    fn bad(&self, text: &str) -> String {
        self.paint("31", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn capture(&self, out: &mut dyn Write, judged: &Judged) -> io::Result<()> {
        let wrong = judged.verdicts.iter().filter(|verdict| !verdict.holds).count();
        let right = judged.verdicts.len().saturating_sub(wrong);
        let verdict = match (wrong, judged.blessed) {
            _ if judged.unreadable.is_some() => self.bad("cannot be read"),
            (0, Some(records)) if right == 0 => self.good(&format!("snapshot of {records} records written")),
            (0, Some(records)) => self.good(&format!("snapshot of {records} records written, {right} assertions hold")),
            (0, None) if right == 0 => self.paint("33", "nothing is asked of it"),
            (0, None) => self.good(&format!("{right} hold")),
            (wrong, _) => self.bad(&format!("{wrong} of {} do not hold", judged.verdicts.len())),
        };
        let (capture, spec) = (escape(&judged.capture), escape(&judged.spec));
        writeln!(out, "{} · {} · {verdict}", self.bold(&capture), self.dim(&spec))?;
        if let Some(reason) = &judged.unreadable {
            writeln!(out, "  {} {}", self.bad("✖"), escape(reason))?;
        }
        if let Some(damage) = &judged.damage {
            writeln!(out, "  {} damaged: {}", self.paint("33", "▲"), escape(damage))?;
        }
        Ok(())
    }

    fn failed(&self, out: &mut dyn Write, judged: &Judged, verdict: &Verdict) -> io::Result<()> {
        let place = format!("{}:{}", judged.spec, verdict.line);
        let name = self.bold(&escape(&verdict.name));
        writeln!(out, "  {} {name}  {}", self.bad("✖"), self.dim(&escape(&place)))?;
        writeln!(out, "      expected  {}", escape(&verdict.expected))?;
        writeln!(out, "      found     {}", self.bad(&escape(&verdict.found)))?;
        if let Some(note) = &verdict.note {
            writeln!(out, "      {}", self.dim(&escape(note)))?;
        }
        for proof in &verdict.proofs {
            writeln!(out, "        {}  {}", escape(&proof.heading), self.dim(&proof.place()))?;
            for (path, value) in &proof.values {
                writeln!(out, "          {path} = {}", self.cut(&escape(value), path.len().saturating_add(13)))?;
            }
        }
        self.rest(out, verdict.proofs_total, verdict.proofs.len())?;
        for difference in &verdict.differences {
            self.difference(out, judged, difference)?;
        }
        self.rest(out, verdict.differences_total, verdict.differences.len())?;
        let proofs = verdict.proofs.iter().chain(verdict.differences.iter().map(|difference| &difference.proof));
        if let Some(command) = proofs.filter_map(|proof| proof.command(&judged.capture)).next() {
            writeln!(out, "      {}", self.dim(&format!("look closer: {}", escape(&command))))?;
        }
        Ok(())
    }

    fn rest(&self, out: &mut dyn Write, total: u64, shown: usize) -> io::Result<()> {
        more(total, shown).map_or(Ok(()), |more| writeln!(out, "        {}", self.dim(&more)))
    }

    fn difference(&self, out: &mut dyn Write, judged: &Judged, difference: &Difference) -> io::Result<()> {
        let heading = self.paint("36", &format!("@@ {}", escape(&difference.proof.heading)));
        let what = match difference.what {
            Changed::Other => String::new(),
            what => format!("  {}", self.bad(what.words())),
        };
        let place = format!("{}  {}:{}", difference.proof.place(), judged.spec, difference.line);
        writeln!(out, "      {heading}{what}  {}", self.dim(escape(place.trim_start()).as_ref()))?;
        for line in difference.lines.iter().take(LINES) {
            let line = match line {
                Line::Expected(text) => self.bad(&format!("- {}", self.cut(&escape(text), 10))),
                Line::Found(text) => self.good(&format!("+ {}", self.cut(&escape(text), 10))),
            };
            writeln!(out, "        {line}")?;
        }
        self.rest(out, difference.lines.len() as u64, LINES.min(difference.lines.len()))
    }

    /// `text` for what a line has left behind so many columns.
    fn cut(&self, text: &str, before: usize) -> String {
        width::cut_middle(text, self.width.saturating_sub(before).max(20))
    }
}
