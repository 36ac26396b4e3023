//! The picture for a terminal: one lifeline each side, an arrow between them for each segment. On a narrow terminal the
//! states stand below their segment.
use super::{
    Picture,
    fold::{Row, States, What},
    words::{self, Look, Messages},
};
use crate::{
    record::{Certainty, Direction, Mark, Segment, Severity, Side, Timestamp},
    report::{
        Options, TimeStyle,
        summary::{Style, symbol},
        table::paint,
        units,
        width::{cut, cut_end, cut_middle, pad_left, pad_right, width, wrap},
    },
};

/// Lines narrower than this have no room for two lifelines.
const NARROW: usize = 84;
/// Columns of an arrow at most: longer ones are harder to follow.
const LONGEST_ARROW: usize = 72;
/// Columns of the names of facts: `round trip`.
const FACT: usize = 12;

/// Columns of an extension's name: `application_layer_protocol_negotiation` is the longest that is common.
const EXTENSION: usize = 38;

/// The page, marked but not coloured.
pub fn page(picture: &Picture<'_>, options: &Options) -> Vec<String> {
    let mut lines = head(picture, options.columns());
    lines.push(String::new());
    lines.extend(ladder(picture, options, options.columns()));
    lines.push(String::new());
    lines.extend(problems(picture, options.columns()));
    lines.extend(extensions(picture, options.columns()));
    lines
}

/// The extensions of TLS messages, and what they say.
fn extensions(picture: &Picture<'_>, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (title, extensions) in words::extensions(picture.beside) {
        lines.extend(wrap(&title, columns).iter().map(|line| paint(Style::Bold, line)));
        for (name, text) in extensions {
            if columns < NARROW {
                lines.push(format!("  {}", paint(Style::Dim, &cut(&name, columns.saturating_sub(2)))));
                lines.extend(wrap(&text, columns.saturating_sub(4)).iter().map(|part| format!("    {part}")));
                continue;
            }
            for (place, part) in wrap(&text, columns.saturating_sub(EXTENSION + 4)).iter().enumerate() {
                let name = if place == 0 { cut(&name, EXTENSION) } else { String::new() };
                lines.push(format!("  {}  {part}", paint(Style::Dim, &pad_right(&name, EXTENSION))));
            }
        }
        lines.push(String::new());
    }
    lines
}

fn head(picture: &Picture<'_>, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = paint(Style::Bold, &format!("connection {}", picture.name()));
    for part in words::title(picture.connection, picture.beside) {
        let part = cut(&part, columns.saturating_sub(3));
        if width(&line) + 3 + width(&part) > columns {
            lines.push(std::mem::replace(&mut line, format!("  {part}")));
        } else {
            line = format!("{line} · {part}");
        }
    }
    lines.push(line);
    for (name, text) in words::facts(picture.connection, picture.beside) {
        for (place, part) in wrap(&text, columns.saturating_sub(FACT + 2)).iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            lines.push(format!("  {}{part}", paint(Style::Dim, &pad_right(name, FACT))));
        }
    }
    lines
}

/// The ladder alone, `columns` wide.
pub fn ladder(picture: &Picture<'_>, options: &Options, columns: usize) -> Vec<String> {
    let layout = Layout::new(picture, options, columns);
    let mut lines = Vec::new();
    if !layout.is_narrow {
        lines.push(layout.heading());
    }
    let mut clock = Clock::new(picture, options);
    for row in &picture.rows {
        // What happens at no moment of its own has none, and does not count for the next one.
        let time = match row.what {
            What::Start | What::Missing { .. } | What::Folded(_) => String::new(),
            What::Segment(_) | What::Event { .. } => clock.time(row.ts),
        };
        lines.extend(layout.row(row, &pad_left(&time, layout.time)));
    }
    lines.extend(legend(picture).iter().flat_map(|text| wrap(text, columns)).map(|line| paint(Style::Dim, &line)));
    lines
}

/// What the signs in the picture mean, where they occur.
pub fn legend(picture: &Picture<'_>) -> Vec<String> {
    let mut legend = Vec::new();
    let states = || picture.rows.iter().flat_map(|row| row.states).flatten();
    if states().any(|(_, certainty)| certainty != Certainty::Observed) {
        legend.push("[STATE] is implied by what was seen; its own side sent nothing that shows it".to_owned());
    }
    let is_lost = |row: &Row| matches!(&row.what, What::Segment(segment) if segment.is_lost);
    if picture.rows.iter().any(is_lost) {
        legend.push(
            "✗ was not acknowledged and was sent again: lost behind the capture point, or its ACK was".to_owned(),
        );
    }
    let is_needless = |row: &Row| matches!(&row.what, What::Segment(segment) if segment.marks.contains(&Mark::SpuriousRetransmission));
    if picture.rows.iter().any(is_needless) {
        legend.push("needless: what was sent again had arrived, as the receiver's answers show".to_owned());
    }
    legend
}

/// Moments as the user wants them.
struct Clock {
    style: TimeStyle,
    origin: Timestamp,
    previous: Option<Timestamp>,
    /// Decimals, and nanoseconds of the unit.
    unit: (usize, f64, &'static str),
}

impl Clock {
    fn new(picture: &Picture<'_>, options: &Options) -> Self {
        let lasted = picture.connection.duration_ns.max(0);
        let unit = match lasted {
            0..10_000_000 => (3, 1e6, " ms"),
            10_000_000..100_000_000_000 => (1, 1e6, " ms"),
            _ => (2, 1e9, " s"),
        };
        Self { style: options.time, origin: words::origin(picture.connection), previous: None, unit }
    }

    fn time(&mut self, ts: Timestamp) -> String {
        let (decimals, size, unit) = self.unit;
        let before = self.previous.replace(ts);
        // The unit stands in the first line only.
        let unit = if before.is_none() { unit.to_owned() } else { " ".repeat(unit.len()) };
        let since = |from: Timestamp| format!("{:.decimals$}{unit}", ts.since(from) as f64 / size);
        let moment = || chrono::DateTime::from_timestamp_nanos(ts.nanoseconds());
        match self.style {
            TimeStyle::Relative => since(self.origin),
            TimeStyle::Delta => since(before.unwrap_or(ts)),
            TimeStyle::Utc => moment().format("%H:%M:%S%.6f").to_string(),
            TimeStyle::Local => moment().with_timezone(&chrono::Local).format("%H:%M:%S%.6f").to_string(),
            TimeStyle::Epoch => {
                let ns = ts.nanoseconds();
                format!("{}.{:06}", ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000) / 1_000)
            }
        }
    }
}

struct Layout<'a> {
    messages: Messages<'a>,
    is_narrow: bool,
    columns: usize,
    time: usize,
    state: usize,
    arrow: usize,
    number: usize,
    wait: usize,
    /// Whether only the larger part of a wait has room.
    brief: bool,
}

impl<'a> Layout<'a> {
    fn new(picture: &Picture<'a>, options: &Options, columns: usize) -> Self {
        let messages = Messages::new(picture.beside);
        let mut clock = Clock::new(picture, options);
        let (mut time, mut state, mut number, mut wait, mut brief_wait) = (7, 6, 2, 0, 0);
        for row in &picture.rows {
            time = time.max(width(&clock.time(row.ts)) + 1);
            state = row.states.iter().flatten().map(|at| width(&words::state(*at))).fold(state, usize::max);
            if let What::Segment(segment) = &row.what {
                number = number.max(width(&segment.packet.number.to_string()) + 1);
                wait = wait.max(messages.wait(segment, false).map_or(0, |wait| width(&wait) + 2));
                brief_wait = brief_wait.max(messages.wait(segment, true).map_or(0, |wait| width(&wait) + 2));
            }
        }
        let around = time + 2 + state + 1 + 1 + state + 2 + number;
        let fits = |wait: usize| columns >= around + wait + 50;
        let brief = !fits(wait);
        if brief {
            wait = if fits(brief_wait) { brief_wait } else { 0 };
        }
        let arrow = columns.saturating_sub(around + wait).min(LONGEST_ARROW);
        Self { messages, is_narrow: columns < NARROW, columns, time, state, arrow, number, wait, brief }
    }

    fn heading(&self) -> String {
        let (client, server) = (pad_right("client", self.state), pad_right("server", self.state));
        let time = pad_left("time", self.time);
        paint(Style::Dim, &format!("{time}  {client} {} {server}", " ".repeat(self.arrow)))
    }

    fn row(&self, row: &Row, time: &str) -> Vec<String> {
        if self.is_narrow {
            return self.narrow_row(row, time);
        }
        let [client, server] = self.states(&row.states);
        let line = |time: &str, body: &str, behind: &str| format!("{time}  {client} {body} {server}  {behind}");
        let blank = " ".repeat(self.time);
        let body = |text: &str| {
            let text = cut_end(text, self.arrow);
            paint(Style::Dim, &format!("{text}{}", " ".repeat(self.arrow.saturating_sub(width(&text)))))
        };
        vec![match &row.what {
            What::Start => line(&blank, &" ".repeat(self.arrow), ""),
            What::Segment(segment) => {
                let number = pad_left(&format!("#{}", segment.packet.number), self.number);
                let wait = self.messages.wait(segment, self.brief).filter(|_| self.wait > 0);
                let wait = wait.map_or_else(String::new, |wait| format!("  {wait}"));
                line(time, &self.arrow(segment), &paint(Style::Dim, &format!("{number}{wait}")))
            }
            What::Event { text, packet } => {
                let number = packet.map_or_else(String::new, |number| format!("#{number}"));
                line(time, &dotted(text, self.arrow), &paint(Style::Dim, &pad_left(&number, self.number)))
            }
            What::Missing { side, bytes } => {
                line(&blank, &paint(Style::Yellow, &dotted(&words::missing(*side, *bytes), self.arrow)), "")
            }
            What::Folded(folded) => {
                let text = format!("⋮  {}", words::folded(folded));
                // Nothing stands behind it: it may be longer than an arrow.
                if width(&text) > self.arrow {
                    let indent = " ".repeat(self.time + 2 + self.state + 1);
                    return vec![paint(Style::Dim, &cut_end(&format!("{indent}{text}"), self.columns))];
                }
                line(&blank, &body(&text), "")
            }
        }]
    }

    /// Both lifelines: the states that changed, the others blank.
    fn states(&self, states: &States) -> [String; 2] {
        states.map(|state| match state {
            None => " ".repeat(self.state),
            Some((_, certainty)) => {
                let style = if certainty == Certainty::Observed { Style::Plain } else { Style::Dim };
                paint(style, &pad_right(&state.map(words::state).unwrap_or_default(), self.state))
            }
        })
    }

    /// `├─ SYN ───▶`, `◀─── SYN ACK ─┤`, `├─ SYN ───✗`.
    fn arrow(&self, segment: &Segment) -> String {
        let label = cut_middle(&self.messages.label(segment), self.arrow.saturating_sub(7));
        let stroke = if words::is_again(segment) { "╌" } else { "─" };
        let rest = stroke.repeat(self.arrow.saturating_sub(width(&label) + 5));
        let short = stroke.repeat(self.arrow.saturating_sub(width(&label) + 5) / 4 * 3);
        let gap = " ".repeat(width(&rest).saturating_sub(width(&short)));
        let drawn = match (segment.direction, segment.is_lost) {
            (Direction::ClientToServer, false) => format!("├{stroke} {label} {rest}▶"),
            (Direction::ServerToClient, false) => format!("◀{rest} {label} {stroke}┤"),
            (Direction::ClientToServer, true) => format!("├{stroke} {label} {short}✗{gap}"),
            (Direction::ServerToClient, true) => format!("{gap}✗{short} {label} {stroke}┤"),
        };
        paint(style(segment), &drawn)
    }

    fn narrow_row(&self, row: &Row, time: &str) -> Vec<String> {
        let indent = " ".repeat(self.time + 2);
        let room = self.columns.saturating_sub(self.time + 2);
        let mut lines = match &row.what {
            What::Start => Vec::new(),
            What::Segment(segment) => {
                let sign = match (segment.direction, segment.is_lost) {
                    (Direction::ClientToServer, false) => "─▶",
                    (Direction::ServerToClient, false) => "◀─",
                    (Direction::ClientToServer, true) => "─✗",
                    (Direction::ServerToClient, true) => "✗─",
                };
                let number = format!("#{}", segment.packet.number);
                let room = room.saturating_sub(width(sign) + 2 + width(&number));
                let label = cut_middle(&self.messages.label(segment), room);
                let label = pad_right(&format!("{sign} {label}"), room + width(sign) + 1);
                vec![format!("{time}  {} {}", paint(style(segment), &label), paint(Style::Dim, &number))]
            }
            What::Event { text, packet } => {
                let number = packet.map_or_else(String::new, |number| format!(" #{number}"));
                vec![format!("{time}  {}", cut_end(&format!("┄ {text}{number}"), room))]
            }
            What::Missing { side, bytes } => {
                vec![format!(
                    "{indent}{}",
                    paint(Style::Yellow, &cut_end(&format!("┄ {} ┄", words::missing(*side, *bytes)), room))
                )]
            }
            What::Folded(folded) => wrap(&format!("⋮ {}", words::folded(folded)), room)
                .iter()
                .map(|line| format!("{indent}{}", paint(Style::Dim, line)))
                .collect(),
        };
        let changed: Vec<String> = ["client", "server"]
            .into_iter()
            .zip(row.states)
            .filter_map(|(side, state)| state.map(|state| format!("{side} {}", words::state(state))))
            .collect();
        if !changed.is_empty() {
            lines.extend(
                wrap(&changed.join(" · "), room).iter().map(|line| format!("{indent}{}", paint(Style::Bold, line))),
            );
        }
        lines
    }
}

fn style(segment: &Segment) -> Style {
    match words::look(segment) {
        Look::Problem => Style::Red,
        Look::Caution => Style::Yellow,
        Look::Plain => Style::Plain,
    }
}

/// `┄┄┄ text ┄┄┄`, `columns` wide.
fn dotted(text: &str, columns: usize) -> String {
    let text = cut_end(text, columns.saturating_sub(4));
    let rest = columns.saturating_sub(width(&text) + 2);
    let left = rest / 2;
    format!("{} {text} {}", "┄".repeat(left), "┄".repeat(rest - left))
}

fn problems(picture: &Picture<'_>, columns: usize) -> Vec<String> {
    let findings = picture.findings();
    if findings.is_empty() {
        return vec!["No problems found.".to_owned()];
    }
    let mut lines = vec![format!("{}  {}", paint(Style::Bold, "Problems"), units::count(findings.len() as u64))];
    for finding in findings {
        let style = match finding.severity {
            Severity::Error => Style::Red,
            Severity::Warning => Style::Yellow,
            Severity::Note => Style::Plain,
        };
        let proof = picture.proof(finding);
        let title = super::escaped(&finding.title);
        let sign = paint(style, symbol(finding.severity));
        let room = columns.saturating_sub(4);
        let head = format!("{}  {title}", paint(style, finding.code));
        if width(finding.code) + 2 + width(&title) + 2 + width(&proof) <= room {
            lines.push(format!("  {sign} {head}  {}", paint(Style::Dim, &proof)));
        } else {
            let code = cut_middle(finding.code, room);
            lines.push(format!("  {sign} {}", paint(style, &code)));
            lines.extend(wrap(&title, room).iter().map(|line| format!("    {line}")));
            lines.extend(wrap(&proof, room).iter().map(|line| format!("    {}", paint(Style::Dim, line))));
        }
        let text = super::escaped(&finding.explanation);
        lines.extend(wrap(&text, room.min(100)).iter().map(|line| format!("    {}", paint(Style::Dim, line))));
    }
    lines
}

/// A side as the tables name it.
pub fn side_name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}
