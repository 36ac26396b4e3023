//! HTML: the report for people as one page that needs nothing else: no scripts, no fonts, no requests.
use std::io::{self, Write as _};

use super::{
    Options, Output, Writer,
    escape::escape,
    summary::{Style, Summary, Table, headline, hierarchy, remarks, symbol},
    units,
};
use crate::{
    limits,
    record::{Record, RecordKind},
};

const HEAD: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>wireglass report</title>
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<style>
:root{color-scheme:light dark;--red:light-dark(#b3261e,#ff8a80);--yellow:light-dark(#8a5a00,#ffca5f);--dim:light-dark(#6b7280,#9ca3af)}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}
h1{font-size:1.4rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}h2 small{font-weight:normal;color:var(--dim)}
pre,td,code{font-family:ui-monospace,monospace;font-size:.85rem}pre{color:var(--dim);white-space:pre-wrap}
.scroll{overflow-x:auto}table{border-collapse:collapse}
th{text-align:left;font-weight:normal;font-size:.85rem;color:var(--dim);position:sticky;top:0}
th,td{padding:.15rem 1rem .15rem 0;white-space:nowrap}td{max-width:32rem;overflow:hidden;text-overflow:ellipsis}
tr:hover td{background:light-dark(#f3f4f6,#1f2937)}
.r{text-align:right}.red{color:var(--red)}.yellow{color:var(--yellow)}.dim{color:var(--dim)}.bold{font-weight:600}
dt{margin-top:.6rem}dd{margin:0 0 0 1.4rem;color:var(--dim)}
</style></head><body>
";

/// Gathers the records and prints the page at the end.
pub struct HtmlWriter {
    out: Output,
    options: Options,
    summary: Summary,
}

impl HtmlWriter {
    /// Writes to `out`. With `all`, at most [`limits::MAX_DOCUMENT_ROWS`] rows a section; a cut is said.
    #[must_use]
    pub fn new(out: Output, options: Options) -> Self {
        let rows = if options.all { limits::MAX_DOCUMENT_ROWS } else { limits::TABLE_ROWS };
        Self { out, options, summary: Summary::new(rows) }
    }

    fn captures(&mut self) -> io::Result<()> {
        for capture in &self.summary.captures {
            let parts: Vec<String> =
                headline(capture, self.options.time).iter().map(|part| quoted(&part.text)).collect();
            writeln!(self.out, "<h1>{}</h1>", parts.first().map_or("", String::as_str))?;
            writeln!(self.out, "<p>{}</p>", parts.get(1..).unwrap_or_default().join(" · "))?;
            for remark in remarks(capture) {
                writeln!(self.out, "<p class=\"{}\">{}</p>", class(remark.style), quoted(&remark.text))?;
            }
            writeln!(self.out, "<pre>{}</pre>", quoted(&hierarchy(capture).join("\n")))?;
        }
        Ok(())
    }

    fn problems(&mut self) -> io::Result<()> {
        let problems = &self.summary.problems;
        if problems.is_empty() {
            return writeln!(self.out, "<p>No problems found.</p>");
        }
        writeln!(self.out, "<h2>Problems <small>{}</small></h2>\n<dl>", problems.tally())?;
        let several = self.summary.several_files();
        for problem in problems.sorted() {
            let (sign, code) = (symbol(problem.first.severity), quoted(problem.first.code));
            let (title, evidence) = (quoted(&problem.title()), quoted(&problem.evidence(several)));
            let colour = class(problem.style());
            writeln!(
                self.out,
                "<dt><span class=\"{colour}\">{sign} <code>{code}</code></span> {title} <span class=\"dim\">{evidence}</span></dt>"
            )?;
            writeln!(self.out, "<dd>{}</dd>", quoted(&escape(&problem.first.explanation)))?;
        }
        writeln!(self.out, "</dl>")
    }

    fn table(&mut self, table: &Table) -> io::Result<()> {
        let shown = table.shown;
        let cut = if shown < table.total { format!(", {} shown", units::count(shown)) } else { String::new() };
        writeln!(
            self.out,
            "<h2>{} <small>{}{cut}, {}</small></h2>",
            table.title,
            units::count(table.total),
            table.order
        )?;
        write!(self.out, "<div class=\"scroll\"><table><tr>")?;
        for column in &table.columns {
            write!(self.out, "<th{}>{}</th>", if column.right { " class=\"r\"" } else { "" }, column.title)?;
        }
        writeln!(self.out, "</tr>")?;
        for row in &table.rows {
            write!(self.out, "<tr>")?;
            for (column, cell) in table.columns.iter().zip(row) {
                let right = if column.right { "r " } else { "" };
                let text = quoted(&cell.text);
                write!(self.out, "<td class=\"{right}{}\" title=\"{text}\">{text}</td>", class(cell.style))?;
            }
            writeln!(self.out, "</tr>")?;
        }
        writeln!(self.out, "</table></div>")
    }
}

impl Writer for HtmlWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.summary.add(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(HEAD.as_bytes())?;
        if self.options.wanted.has(RecordKind::Capture) {
            self.captures()?;
        }
        let is_quiet = self.summary.has_statistics() && self.summary.problems.is_empty();
        if self.options.wanted.has(RecordKind::Finding) && !is_quiet {
            self.problems()?;
        }
        for table in self.summary.talkers(&self.options).into_iter().chain(self.summary.tables(&self.options)) {
            self.table(&table)?;
        }
        writeln!(self.out, "</body></html>")?;
        self.out.flush()
    }
}

fn class(style: Style) -> &'static str {
    match style {
        Style::Plain => "plain",
        Style::Red => "red",
        Style::Yellow => "yellow",
        Style::Dim => "dim",
        Style::Bold => "bold",
    }
}

/// Text for element content and quoted attributes.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
