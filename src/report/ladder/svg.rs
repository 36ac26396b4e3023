//! The picture as SVG: a sequence diagram of plain elements, without scripts or anything from elsewhere. Time runs down;
//! arrows slope by the time that segments take. Everything written is text with its markup escaped.
use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{
    Picture,
    fold::{Row, States, What, from},
    text::{legend, side_name},
    words::{self, Look, Messages},
};
use crate::{
    record::{Certainty, Connection, Direction, Segment, Severity, Side},
    report::{
        summary::symbol,
        units,
        width::{cut, cut_middle, width, wrap},
    },
};

/// Width of the picture; its height follows from what is in it.
const WIDTH: i32 = 1000;
/// Where the lifelines stand.
const CLIENT: i32 = 210;
const SERVER: i32 = 790;
/// Height of a line of text.
const LINE: i32 = 18;
/// From one arrow to the next, at least and at most.
const CLOSE: i32 = 26;
const FAR: i32 = 60;
/// How far an arrow falls from one side to the other, at least and at most.
const FLAT: i32 = 4;
const STEEP: i32 = 18;
/// Columns of a label on an arrow, and of a line of text.
const LABEL_COLUMNS: usize = 76;
const TEXT_COLUMNS: usize = 140;

/// Colours are written out twice: not everything that shows SVG knows variables.
const STYLE: &str = "\
text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#1f2328}\
.page{fill:#fff}.title{font-size:15px;font-weight:bold}.small{font-size:11px}.strong{font-weight:bold}\
.dim{fill:#6e7781}.warn{fill:#9a6700}.bad{fill:#cf222e}.head{fill:#1f2328}\
.life{stroke:#8c959f;stroke-width:2}.band{fill:#f6f8fa;stroke:#8c959f;stroke-dasharray:2 3}\
.arrow{fill:none;stroke:#1f2328;stroke-width:1.4}.again{stroke-dasharray:6 4}\
.arrow.warn{fill:none;stroke:#9a6700}.arrow.bad{fill:none;stroke:#cf222e}\
@media (prefers-color-scheme:dark){.page{fill:#0d1117}text,.head{fill:#e6edf3}.dim{fill:#8d96a0}.warn{fill:#d29922}\
.bad{fill:#ff7b72}.life{stroke:#6e7681}.band{fill:#161b22;stroke:#6e7681}.arrow{stroke:#e6edf3}\
.arrow.warn{stroke:#d29922}.arrow.bad{stroke:#ff7b72}}";

/// Writes the picture.
pub fn write(picture: &Picture<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut sheet = Sheet::default();
    let title = words::title(picture.connection, picture.beside);
    let heading = format!("connection {} · {}", picture.name(), title.first().map_or("", String::as_str));
    sheet.text(24, 30, "title", "start", &cut(&heading, 105));
    let rest = title.get(1..).unwrap_or_default().join(" · ");
    sheet.y = 50;
    sheet.paragraph("dim", &rest);
    for (name, text) in words::facts(picture.connection, picture.beside) {
        for (place, line) in wrap(&text, TEXT_COLUMNS - 14).iter().enumerate() {
            if place == 0 {
                sheet.text(24, sheet.y, "dim", "start", name);
            }
            sheet.text(120, sheet.y, "", "start", line);
            sheet.y += LINE;
        }
    }
    sheet.y += LINE / 2;
    ladder(picture, &mut sheet);
    sheet.y += LINE;
    for line in legend(picture) {
        sheet.paragraph("dim small", &line);
    }
    problems(picture, &mut sheet);
    let height = sheet.y + LINE;
    let summary = format!("{}. {}", words::closed(&picture.connection.close), rest);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n\
         <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>",
        markup(&heading),
        markup(&summary)
    )?;
    out.write_all(sheet.svg.as_bytes())?;
    writeln!(out, "</svg>")
}

fn problems(picture: &Picture<'_>, sheet: &mut Sheet) {
    let findings = picture.findings();
    sheet.y += LINE / 2;
    if findings.is_empty() {
        sheet.paragraph("", "No problems found.");
        return;
    }
    sheet.paragraph("strong", "Problems");
    for finding in findings {
        let class = match finding.severity {
            Severity::Error => "bad",
            Severity::Warning => "warn",
            Severity::Note => "",
        };
        let title = super::escaped(&finding.title);
        let sign = symbol(finding.severity);
        sheet.paragraph(class, &format!("{sign} {}  {title}  {}", finding.code, picture.proof(finding)));
        sheet.paragraph("dim small", &super::escaped(&finding.explanation));
        sheet.y += 4;
    }
}

/// How an arrow falls: the part of its way before the capture point, and the one behind it, in pixels.
struct Slope {
    to_server: (i32, i32),
    to_client: (i32, i32),
}

impl Slope {
    /// From the handshake's halves: the time from the capture point to each side and back.
    fn of(connection: &Connection) -> Self {
        let handshake = &connection.handshake;
        let server = handshake.syn_to_syn_ack_ns.unwrap_or(0).max(0);
        let client = handshake.syn_ack_to_ack_ns.unwrap_or(0).max(0);
        let round_trip = server.saturating_add(client);
        // Of the whole picture, a way takes as much as it takes of the connection's life, within what can be read.
        let share = round_trip as f64 / connection.duration_ns.max(1) as f64;
        let fall = (f64::from(FLAT) + share * 80.0).min(f64::from(STEEP)) as i32;
        let near = if round_trip == 0 { 0.5 } else { client as f64 / round_trip as f64 };
        let before = (f64::from(fall) * near) as i32;
        Self { to_server: (before, fall - before), to_client: (fall - before, before) }
    }

    fn way(&self, direction: Direction) -> (i32, i32) {
        match direction {
            Direction::ClientToServer => self.to_server,
            Direction::ServerToClient => self.to_client,
        }
    }
}

fn ladder(picture: &Picture<'_>, sheet: &mut Sheet) {
    let connection = picture.connection;
    let messages = Messages::new(picture.beside);
    let slope = Slope::of(connection);
    sheet.y += LINE;
    for (x, side) in [(CLIENT, &connection.client), (SERVER, &connection.server)] {
        let name = if x == CLIENT { Side::Client } else { Side::Server };
        sheet.text(x, sheet.y, "strong", "middle", side_name(name));
        sheet.text(x, sheet.y + 15, "dim small", "middle", &cut_middle(&words::endpoint(side), 40));
    }
    sheet.y += 24;
    let top = sheet.y;
    // The lifelines are drawn first, below everything; how long they are shows at the end.
    let place = sheet.svg.len();
    sheet.y += STEEP + 4;
    let typical = connection.duration_ns.max(1) as f64 / picture.rows.len().max(1) as f64;
    let mut before: Option<&Row> = None;
    for row in &picture.rows {
        if let Some(before) = before {
            let passed = row.ts.since(before.ts).max(0) as f64;
            let extra = (passed / typical * f64::from(CLOSE) / 2.0).min(f64::from(FAR - CLOSE)) as i32;
            sheet.y += CLOSE + extra;
        }
        sheet.row(row, &slope, &messages, connection);
        before = Some(row);
    }
    sheet.y += STEEP + 10;
    let bottom = sheet.y;
    let mut lines = String::new();
    for x in [CLIENT, SERVER] {
        let _ = writeln!(lines, "<line class=\"life\" x1=\"{x}\" y1=\"{top}\" x2=\"{x}\" y2=\"{bottom}\"/>");
    }
    sheet.svg.insert_str(place, &lines);
}

/// What was drawn so far, and how far down.
#[derive(Default)]
struct Sheet {
    svg: String,
    y: i32,
}

// Writing to a string cannot fail.
impl Sheet {
    /// `text` must be escaped; its markup is escaped here.
    fn text(&mut self, x: i32, y: i32, class: &str, anchor: &str, text: &str) {
        let _ = writeln!(
            self.svg,
            "<text x=\"{x}\" y=\"{y}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>",
            markup(text)
        );
    }

    fn paragraph(&mut self, class: &str, text: &str) {
        for line in wrap(text, TEXT_COLUMNS) {
            self.text(24, self.y, class, "start", &line);
            self.y += LINE;
        }
    }

    fn row(&mut self, row: &Row, slope: &Slope, messages: &Messages<'_>, connection: &Connection) {
        let y = self.y;
        let time = |sheet: &mut Self| {
            sheet.text(8, y + 4, "dim small", "start", &units::duration(row.ts.since(words::origin(connection))));
        };
        match &row.what {
            What::Start => self.states(&row.states, [y; 2]),
            What::Segment(segment) => {
                time(self);
                let (before, behind) = slope.way(segment.direction);
                let ends = match segment.direction {
                    Direction::ClientToServer => [y - before, y + behind],
                    Direction::ServerToClient => [y + behind, y - before],
                };
                self.arrow(segment, ends, messages);
                self.states(&row.states, ends);
                self.text(WIDTH - 8, y + 4, "dim small", "end", &format!("#{}", segment.packet.number));
            }
            What::Event { text, packet } => {
                time(self);
                self.band(y, text, "");
                self.states(&row.states, [y; 2]);
                if let Some(number) = packet {
                    self.text(WIDTH - 8, y + 4, "dim small", "end", &format!("#{number}"));
                }
            }
            What::Missing { side, bytes } => {
                let way = if from(*side) == Direction::ClientToServer { "→" } else { "←" };
                self.band(y, &format!("{way} {}", words::missing(*side, *bytes)), "warn");
            }
            What::Folded(folded) => {
                time(self);
                self.band(y, &format!("⋮ {}", words::folded(folded)), "dim");
            }
        }
    }

    /// A note across both lifelines.
    fn band(&mut self, y: i32, text: &str, class: &str) {
        let (left, width) = (CLIENT - 12, SERVER - CLIENT + 24);
        let top = y - 10;
        let _ = writeln!(
            self.svg,
            "<rect class=\"band\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"20\" rx=\"4\"/>"
        );
        self.text((CLIENT + SERVER) / 2, y + 4, &format!("{class} small"), "middle", &cut_middle(text, 84));
    }

    fn states(&mut self, states: &States, ends: [i32; 2]) {
        let places = [(CLIENT - 10, "end"), (SERVER + 10, "start")];
        for ((state, y), (x, anchor)) in states.iter().zip(ends).zip(places) {
            if let Some(state) = state {
                let class = if state.1 == Certainty::Observed { "strong" } else { "dim" };
                self.text(x, y + 4, class, anchor, &words::state(*state));
            }
        }
    }

    /// From the sender's lifeline to the receiver's; a lost segment ends on its way.
    fn arrow(&mut self, segment: &Segment, ends: [i32; 2], messages: &Messages<'_>) {
        let class = match words::look(segment) {
            Look::Problem => "bad",
            Look::Caution => "warn",
            Look::Plain => "",
        };
        let again = if words::is_again(segment) { " again" } else { "" };
        let (from, to, start, end) = match segment.direction {
            Direction::ClientToServer => (CLIENT, SERVER, ends[0], ends[1]),
            Direction::ServerToClient => (SERVER, CLIENT, ends[1], ends[0]),
        };
        let (to, end) =
            if segment.is_lost { (from + (to - from) * 3 / 4, start + (end - start) * 3 / 4) } else { (to, end) };
        let _ = writeln!(
            self.svg,
            "<line class=\"arrow {class}{again}\" x1=\"{from}\" y1=\"{start}\" x2=\"{to}\" y2=\"{end}\"/>"
        );
        if segment.is_lost {
            let (left, right, top, bottom) = (to - 6, to + 6, end - 6, end + 6);
            let _ = writeln!(
                self.svg,
                "<path class=\"arrow {class}\" d=\"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}\"/>"
            );
        } else {
            let back = if to > from { -9 } else { 9 };
            let (x, top, bottom) = (to + back, end - 4, end + 4);
            let head = if class.is_empty() { "head" } else { class };
            let _ = writeln!(
                self.svg,
                "<path class=\"{head}\" d=\"M{to} {end}L{x} {top}L{x} {bottom}Z\" transform=\"rotate({:.1} {to} {end})\"/>",
                angle(ends)
            );
        }
        let label = messages.label(segment);
        let label = messages.wait(segment, false).map_or(label.clone(), |wait| format!("{label}   ({wait})"));
        let label = cut_middle(&label, if segment.is_lost { LABEL_COLUMNS * 3 / 4 } else { LABEL_COLUMNS });
        let (x, y) = ((from + to) / 2, (start + end) / 2 - 5);
        let _ = writeln!(
            self.svg,
            "<text x=\"{x}\" y=\"{y}\" class=\"small {class}\" text-anchor=\"middle\" transform=\"rotate({:.1} {x} {y})\"\
             {}>{}</text>",
            angle(ends),
            squeeze(&label),
            markup(&label)
        );
    }
}

/// How a line between the lifelines leans, in degrees.
fn angle(ends: [i32; 2]) -> f64 {
    f64::from(ends[1] - ends[0]).atan2(f64::from(SERVER - CLIENT)).to_degrees()
}

/// Wide labels are told their width, so that no font makes them run over the lifelines.
fn squeeze(label: &str) -> String {
    let room = SERVER - CLIENT - 40;
    if width(label) as i32 * 7 > room {
        format!(" textLength=\"{room}\" lengthAdjust=\"spacingAndGlyphs\"")
    } else {
        String::new()
    }
}

/// Text in which XML sees no markup, and no character that XML forbids. Takes escaped text.
fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
