//! The report for people: what is this, what went wrong, who talked, how did each handshake and transaction go.
mod layout;
mod style;

use std::io::{self, Write as _};

pub(super) use layout::{fixed_row, fixed_widths};
pub(super) use style::{finish, paint};

use super::{
    Options, Output, Writer,
    summary::{Cell, Problem, SECTIONS, Show, Style, Summary, Table, headline, hierarchy, remarks, symbol},
    units,
    width::{cut_middle, pad_left, pad_right, width, wrap},
};
use crate::{
    limits,
    record::{Capture, Record, RecordKind, Timestamp},
};

/// Columns of a line at least: narrower terminals wrap by themselves.
pub const MIN_WIDTH: usize = 24;

/// Gathers the records and prints the report at the end. Its memory does not grow with the capture.
pub struct TableWriter {
    out: Output,
    options: Options,
    summary: Summary,
}

impl TableWriter {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Output, options: Options) -> Self {
        Self { out, options, summary: Summary::new(limits::TABLE_ROWS) }
    }

    /// The same, but `all` of `options` keeps up to [`limits::MAX_DOCUMENT_ROWS`] rows a section instead of streaming them.
    #[must_use]
    pub fn whole(out: Output, options: Options) -> Self {
        let rows = if options.all { limits::MAX_DOCUMENT_ROWS } else { limits::TABLE_ROWS };
        Self { out, options, summary: Summary::new(rows) }
    }

    /// From now on, lines have so many columns at most.
    pub fn set_columns(&mut self, columns: Option<usize>) {
        self.options.width = columns;
    }

    /// The report of what came so far: for a display that is refreshed.
    #[must_use]
    pub fn report_so_far(&self) -> String {
        report(&self.summary, &self.options)
    }
}

impl Writer for TableWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.summary.add(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(report(&self.summary, &self.options).as_bytes())?;
        self.out.flush()
    }
}

/// Prints every row as its record comes, its kind before it, in fixed widths; what concerns the whole comes at the end.
pub struct StreamedTables {
    out: Output,
    options: Options,
    summary: Summary,
    previous: Option<Timestamp>,
    headed: Vec<RecordKind>,
    last: Option<RecordKind>,
}

/// Columns of the kind before a streamed row.
const KIND_WIDTH: usize = 11;

impl StreamedTables {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Output, options: Options) -> Self {
        // No rows are kept.
        Self { out, options, summary: Summary::new(0), previous: None, headed: Vec::new(), last: None }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", finish(line, self.options.color))
    }
}

impl Writer for StreamedTables {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.summary.add_totals(record);
        let kind = record.kind();
        let Some(section) = SECTIONS.iter().find(|section| section.kind == kind) else { return Ok(()) };
        if !self.options.wanted.has(kind) {
            return Ok(());
        }
        let show =
            Show { origin: self.options.origin, time: self.options.time, several_files: self.summary.several_files() };
        let columns = section.all_columns(&show);
        let widths = layout::fixed_widths(&columns, self.options.columns().saturating_sub(KIND_WIDTH));
        let name = |style: Style| paint(style, &pad_right(kind.type_name(), KIND_WIDTH));
        // Headings come once a kind, so that the rest can be filtered by its first word.
        if !self.headed.contains(&kind) {
            self.headed.push(kind);
            let titles: Vec<Cell> =
                columns.iter().map(|column| Cell { text: column.title.to_owned(), style: Style::Dim }).collect();
            let heading = format!("{}{}", name(Style::Dim), layout::fixed_row(&columns, &titles, &widths));
            self.line(&heading)?;
        }
        self.last = Some(kind);
        for cells in section.rows(record, &show, &mut self.previous) {
            let line = format!("{}{}", name(Style::Plain), layout::fixed_row(&columns, &cells, &widths));
            self.line(&line)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        let mut page = Page::new(&self.options);
        if self.last.is_some() {
            page.blank();
        }
        page.captures(&self.summary);
        page.problems(&self.summary);
        if let Some(talkers) = self.summary.talkers(&self.options) {
            page.section(&talkers);
        }
        self.out.write_all(page.text.as_bytes())?;
        self.out.flush()
    }
}

fn report(summary: &Summary, options: &Options) -> String {
    let mut page = Page::new(options);
    page.captures(summary);
    page.problems(summary);
    if let Some(talkers) = summary.talkers(options) {
        page.section(&talkers);
    }
    for table in summary.tables(options) {
        page.section(&table);
    }
    page.foot(summary);
    page.text
}

/// Lines so far.
struct Page<'a> {
    options: &'a Options,
    text: String,
}

impl<'a> Page<'a> {
    fn new(options: &'a Options) -> Self {
        Self { options, text: String::new() }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(&finish(line, self.options.color));
        self.text.push('\n');
    }

    /// An empty line between two parts.
    fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Parts joined by ` · `, as many to a line as fit.
    fn joined(&mut self, parts: &[(String, Style)], indent: usize) {
        let most = self.options.columns();
        let (mut line, mut used) = (String::new(), 0);
        for (text, style) in parts {
            let before = if used == 0 { "" } else { " · " };
            let text = cut_middle(text, most.saturating_sub(indent));
            if used > 0 && used + width(before) + width(&text) > most {
                self.line(&line);
                line = format!("{}{}", " ".repeat(indent), paint(*style, &text));
                used = indent + width(&text);
            } else {
                line.push_str(before);
                line.push_str(&paint(*style, &text));
                used += width(before) + width(&text);
            }
        }
        self.line(&line);
    }

    fn captures(&mut self, summary: &Summary) {
        if self.options.wanted.has(RecordKind::Capture) {
            for capture in &summary.captures {
                self.capture(capture);
            }
        }
    }

    fn capture(&mut self, capture: &Capture) {
        let most = self.options.columns();
        let parts: Vec<(String, Style)> =
            headline(capture, self.options.time).into_iter().map(|part| (part.text, part.style)).collect();
        self.joined(&parts, 2);
        for remark in remarks(capture) {
            let sign = if remark.style == Style::Red { "✖ " } else { "▲ " };
            for (place, line) in wrap(&remark.text, most - 2).iter().enumerate() {
                self.line(&paint(remark.style, &format!("{}{line}", if place == 0 { sign } else { "  " })));
            }
        }
        for line in hierarchy(capture) {
            self.hierarchy_line(&line, most);
        }
    }

    /// A line of the hierarchy; what does not fit goes on below, indented.
    fn hierarchy_line(&mut self, line: &str, most: usize) {
        let start = line.find('▸').unwrap_or(0);
        let indent = width(line.get(..start).unwrap_or_default()).min(most / 3) + 2;
        // A name stays with its count.
        let mut rest: Vec<String> = Vec::new();
        for word in line.split(' ') {
            match rest.last_mut() {
                Some(name) if word.starts_with(|c: char| c.is_ascii_digit()) => name.extend([" ", word]),
                _ => rest.push(word.to_owned()),
            }
        }
        let mut first = true;
        while !rest.is_empty() {
            let before = if first { 0 } else { indent };
            let mut taken = 0;
            let mut text = String::new();
            for word in &rest {
                let longer = if taken == 0 { word.clone() } else { format!("{text} {word}") };
                if taken > 0 && before + width(&longer) > most {
                    break;
                }
                text = longer;
                taken += 1;
            }
            let text = format!("{}{}", " ".repeat(before), cut_middle(&text, most - before));
            self.line(&paint(Style::Dim, &text));
            rest.drain(..taken);
            first = false;
        }
    }

    /// The title of a section, what it counts beside it, and the order at the right.
    fn title(&mut self, title: &str, beside: &str, right: &str) {
        let title = &cut_middle(title, self.options.columns().saturating_sub(width(beside) + 2));
        let left = width(title) + 2 + width(beside);
        let room = self.options.columns().min(super::DEFAULT_WIDTH).saturating_sub(left);
        let right = if !right.is_empty() && width(right) + 2 <= room { pad_left(right, room) } else { String::new() };
        self.line(&format!("{}  {beside}{}", paint(Style::Bold, title), paint(Style::Dim, &right)));
    }

    fn problems(&mut self, summary: &Summary) {
        let read_anything = summary.captures.is_empty() || summary.captures.iter().any(|capture| capture.packets > 0);
        if !self.options.wanted.has(RecordKind::Finding) || (summary.problems.is_empty() && !read_anything) {
            return;
        }
        if summary.problems.is_empty() && summary.has_statistics() {
            return;
        }
        self.blank();
        if summary.problems.is_empty() {
            self.line("No problems found.");
            return;
        }
        self.title("Problems", &cut_middle(&summary.problems.tally(), self.options.columns().saturating_sub(10)), "");
        let problems = summary.problems.sorted();
        let code_width = problems.iter().map(|problem| width(problem.first.code)).max().unwrap_or(0);
        let several_files = summary.several_files();
        for problem in problems {
            self.problem(problem, code_width, several_files);
        }
    }

    fn problem(&mut self, problem: &Problem, code_width: usize, several_files: bool) {
        let most = self.options.columns();
        let sign = symbol(problem.first.severity);
        let evidence = problem.evidence(several_files);
        let explanation = super::escape::escape(&problem.first.explanation);
        let beside = 4 + code_width + 2;
        let bold = if problem.style() == Style::Plain { Style::Plain } else { Style::Bold };
        // Narrow: the code has its own line.
        if most < beside + 40 {
            let head = format!("{sign} {}", cut_middle(problem.first.code, most.saturating_sub(4)));
            self.line(&format!("  {}", paint(problem.style(), &head)));
            for line in wrap(&problem.title(), most - 4) {
                self.line(&format!("    {}", paint(bold, &line)));
            }
            for text in [evidence.as_str(), &explanation] {
                for line in wrap(text, most - 4) {
                    self.line(&format!("    {}", paint(Style::Dim, &line)));
                }
            }
            return;
        }
        let room = most - beside;
        let evidence = cut_middle(&evidence, room.saturating_sub(4));
        let titles = wrap(&problem.title(), room);
        let beside_first = titles.first().map_or(0, |line| width(line)) + 2 + width(&evidence) <= room;
        for (place, line) in titles.iter().enumerate() {
            let head = if place == 0 {
                format!(
                    "  {} {}  ",
                    paint(problem.style(), sign),
                    paint(problem.style(), &pad_right(problem.first.code, code_width))
                )
            } else {
                " ".repeat(beside)
            };
            let end = if place == 0 && beside_first {
                pad_left(
                    &evidence,
                    room.min(super::DEFAULT_WIDTH - beside.min(80)).max(width(line) + 2 + width(&evidence))
                        - width(line),
                )
            } else {
                String::new()
            };
            self.line(&format!("{head}{}{}", paint(bold, line), paint(Style::Dim, &end)));
        }
        let mut below = wrap(&explanation, room.min(100));
        if !beside_first && !evidence.is_empty() {
            below.insert(0, evidence);
        }
        for line in below {
            self.line(&format!("{}{}", " ".repeat(beside), paint(Style::Dim, &line)));
        }
    }

    fn section(&mut self, table: &Table) {
        self.blank();
        let shown = table.shown;
        let beside = units::count(table.total);
        let order = if shown < table.total {
            format!("{} of {}, {}", units::count(shown), units::count(table.total), table.order)
        } else {
            table.order.clone()
        };
        self.title(table.title, &beside, &order);
        for line in layout::body(table, self.options.columns()) {
            self.line(&line);
        }
    }

    fn foot(&mut self, summary: &Summary) {
        let Some(program) = self.options.program.as_deref() else { return };
        let mut hints: Vec<(String, Style)> = Vec::new();
        let mut hint = |text: String| hints.push((text, Style::Dim));
        if let ([file], Some(flow)) = (summary.files.as_slice(), summary.first_connection())
            && self.options.wanted.has(RecordKind::Connection)
        {
            hint(format!("{program} connection {} {flow} explains one", super::escape::escape(file)));
        }
        if summary.is_cut(self.options) {
            hint("--all shows every row".to_owned());
        }
        if !hints.is_empty() {
            hints.push(("--format ndjson for scripts".to_owned(), Style::Dim));
            self.blank();
            self.joined(&hints, 0);
        }
    }
}
