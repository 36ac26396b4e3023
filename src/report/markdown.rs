//! Markdown: the report for people, for a ticket or a wiki. Everything from the network is inert text.
use std::io::{self, Write as _};

use super::{
    Options, Output, Writer,
    escape::escape,
    summary::{Summary, Table, headline, hierarchy, remarks, symbol},
    units,
};
use crate::{
    limits,
    record::{Record, RecordKind},
};

/// Gathers the records and prints the page at the end.
pub struct MarkdownWriter {
    out: Output,
    options: Options,
    summary: Summary,
}

impl MarkdownWriter {
    /// Writes to `out`. With `all`, at most [`limits::MAX_DOCUMENT_ROWS`] rows a section; a cut is said.
    #[must_use]
    pub fn new(out: Output, options: Options) -> Self {
        let rows = if options.all { limits::MAX_DOCUMENT_ROWS } else { limits::TABLE_ROWS };
        Self { out, options, summary: Summary::new(rows) }
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        let out = &mut self.out;
        let cut = match table.shown {
            shown if shown < table.total => format!(", {} shown", units::count(shown)),
            _ => String::new(),
        };
        writeln!(out, "\n## {} ({}{cut}, {})\n", table.title, units::count(table.total), table.order)?;
        let titles: Vec<&str> = table.columns.iter().map(|column| column.title).collect();
        writeln!(out, "| {} |", titles.join(" | "))?;
        let rules: Vec<&str> = table.columns.iter().map(|column| if column.right { "---:" } else { "---" }).collect();
        writeln!(out, "| {} |", rules.join(" | "))?;
        for row in &table.rows {
            let cells: Vec<String> = row.iter().map(|cell| inert(&cell.text)).collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

impl Writer for MarkdownWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.summary.add(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.options.wanted.has(RecordKind::Capture) {
            for capture in &self.summary.captures {
                let parts: Vec<String> =
                    headline(capture, self.options.time).iter().map(|part| inert(&part.text)).collect();
                writeln!(self.out, "# {}\n", parts.first().map_or("", String::as_str))?;
                writeln!(self.out, "{}\n", parts.get(1..).unwrap_or_default().join(" · "))?;
                for remark in remarks(capture) {
                    writeln!(self.out, "**{}**\n", inert(&remark.text))?;
                }
                for line in hierarchy(capture) {
                    writeln!(self.out, "    {}", line.replace('`', "'"))?;
                }
            }
        }
        let is_quiet = self.summary.has_statistics() && self.summary.problems.is_empty();
        if self.options.wanted.has(RecordKind::Finding) && !is_quiet {
            let problems = &self.summary.problems;
            if problems.is_empty() {
                writeln!(self.out, "\nNo problems found.")?;
            } else {
                writeln!(self.out, "\n## Problems: {}\n", problems.tally())?;
                let several = self.summary.several_files();
                for problem in problems.sorted() {
                    let (sign, code) = (symbol(problem.first.severity), problem.first.code);
                    let (title, evidence) = (inert(&problem.title()), inert(&problem.evidence(several)));
                    writeln!(self.out, "- {sign} `{code}` **{title}** ({evidence})  ")?;
                    if !problem.first.explanation.is_empty() {
                        writeln!(self.out, "  {}", inert(&escape(&problem.first.explanation)))?;
                    }
                }
            }
        }
        for table in self.summary.talkers(&self.options).into_iter().chain(self.summary.tables(&self.options)) {
            self.table(&table)?;
        }
        self.out.flush()
    }
}

/// Escaped text in which Markdown and HTML see nothing but text, not even a bare address to make a link of.
pub(super) fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_link = match c {
            ':' => rest.peek() == Some(&'/'),
            '.' => out.get(out.len().saturating_sub(3)..).is_some_and(|before| before.eq_ignore_ascii_case("www")),
            _ => false,
        };
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' | '@' => out.extend(['\\', c]),
            c if is_link => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn text_stays_text() {
        assert_eq!(inert("<b>&|"), "&lt;b&gt;&amp;\\|");
        assert_eq!(inert("![x](http://e)"), "\\!\\[x\\](http\\://e)");
        assert_eq!(inert("www.e.example 10.0.0.1:80"), "www\\.e.example 10.0.0.1:80");
    }
}
