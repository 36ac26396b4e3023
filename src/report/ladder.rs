//! `wireglass connection`: one connection as textbooks draw it, both ends' states on their lifelines.
use std::io::{self, Write as _};

use super::{
    Options, Output,
    escape::escape,
    summary::Style,
    table::{finish, paint},
    units,
    width::{cut, cut_middle, pad_left, pad_right, width, wrap},
};
use crate::record::{
    Certainty, Connection, Direction, Finding, Record, Segment, Severity, Side, Timestamp, Transition,
};

/// Columns of the states' names: `[SYN-RECEIVED]`.
const STATE: usize = 14;
const TIME: usize = 10;
const NUMBER: usize = 7;

/// Segments in a row without a state change or a message, from which they are folded into one line.
const FOLD: usize = 4;

/// Segments drawn at most; a longer connection is cut in the middle, and it is said.
const MOST_SEGMENTS: usize = 400;

/// Draws one connection: its header, its ladder, its problems.
pub struct Ladder<'a> {
    out: Output,
    options: &'a Options,
    connection: &'a Connection,
    /// What else was reported of the flow: findings, TLS and HTTP.
    beside: &'a [Record],
    rows: Vec<Segment>,
    left_out: u64,
    /// Last state shown, by side.
    shown: [String; 2],
}

impl<'a> Ladder<'a> {
    /// Of `connection`, with the other records of its flow.
    #[must_use]
    pub fn new(out: Output, options: &'a Options, connection: &'a Connection, beside: &'a [Record]) -> Self {
        Self { out, options, connection, beside, rows: Vec::new(), left_out: 0, shown: Default::default() }
    }

    /// Takes the next segment.
    pub fn segment(&mut self, segment: Segment) {
        if self.rows.len() == MOST_SEGMENTS {
            // The end of a connection tells more than its middle.
            self.rows.remove(MOST_SEGMENTS / 2);
            self.left_out += 1;
        }
        self.rows.push(segment);
    }

    /// Draws.
    ///
    /// # Errors
    /// What the output said.
    pub fn draw(mut self) -> io::Result<()> {
        self.head()?;
        self.blank()?;
        self.ladder()?;
        self.close()?;
        self.problems()?;
        self.out.flush()
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", finish(line, self.options.color))
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    fn head(&mut self) -> io::Result<()> {
        let connection = self.connection;
        let flow = connection.subject.flow.unwrap_or_default();
        let end = |side: &crate::record::ConnectionSide| {
            crate::record::Endpoint { address: side.address, port: side.port }.to_string()
        };
        let mut parts = vec![format!("{} → {}", end(&connection.client), end(&connection.server))];
        let tls = self.beside.iter().find_map(|record| if let Record::Tls(tls) = record { Some(tls) } else { None });
        match (tls, connection.application) {
            (Some(tls), _) => {
                let version = tls.version.clone().unwrap_or_else(|| "TLS".to_owned());
                let name = tls.server_name.as_deref().unwrap_or_default();
                parts.push(escape(&format!("{version} {name}")).trim().to_owned());
            }
            (None, Some(application)) => parts.push(application.to_owned()),
            (None, None) => {}
        }
        parts.extend(connection.vantage.map(|vantage| {
            use crate::record::Vantage::{Between, NearClient, NearServer};
            match vantage {
                NearClient => "captured near the client",
                NearServer => "captured near the server",
                Between => "captured between the two",
            }
            .to_owned()
        }));
        if connection.client_certainty != Certainty::Observed {
            parts.push("joined late: who is the client is assumed".to_owned());
        }
        let title = paint(Style::Bold, &format!("connection {flow}"));
        let columns = self.options.columns();
        let mut line = title;
        for part in parts {
            let part = cut_middle(&part, columns.saturating_sub(3));
            if width(&line) + 3 + width(&part) > columns {
                self.line(&line)?;
                line = format!("  {part}");
            } else {
                line = format!("{line} · {part}");
            }
        }
        self.line(&line)
    }

    /// Columns of the arrows.
    fn arrow(&self) -> usize {
        self.options.columns().saturating_sub(TIME + 2 + 2 * STATE + 2 + NUMBER + 2).clamp(12, 76)
    }

    fn ladder(&mut self) -> io::Result<()> {
        let arrow = self.arrow();
        let head = format!(
            "{}  {} {} {}",
            pad_left("time", TIME),
            pad_right("client", STATE),
            " ".repeat(arrow),
            pad_right("server", STATE)
        );
        self.line(&paint(Style::Dim, &head))?;
        let rows = std::mem::take(&mut self.rows);
        let changes =
            |row: &Segment| self.connection.transitions.iter().any(|step| step.packet == Some(row.packet.number));
        let plain: Vec<bool> = rows
            .iter()
            .map(|row| !row.is_control && row.notes.is_empty() && !row.is_repeated && !changes(row))
            .collect();
        let cut_at = (self.left_out > 0).then_some(MOST_SEGMENTS / 2);
        let mut place = 0;
        while place < rows.len() {
            if cut_at == Some(place) {
                self.line(&format!("{}  ⋮ {} left out", " ".repeat(TIME), units::counted(self.left_out, "segment")))?;
            }
            let run = plain[place..].iter().take_while(|plain| **plain).count();
            if run >= FOLD {
                self.folded(&rows[place..place + run])?;
                place += run;
            } else {
                self.row(&rows[place], arrow)?;
                place += 1;
            }
        }
        let late: Vec<&Transition> = self.connection.transitions.iter().filter(|step| step.packet.is_none()).collect();
        for step in late {
            let states = self.states(&[step]);
            let since = step.ts.since(self.connection.start_ts);
            let text = pad_right(&paint(Style::Dim, step.event), arrow);
            self.line(&format!("{}  {} {text} {}", time(since), states[0], states[1]))?;
        }
        Ok(())
    }

    /// Both lifelines after `steps`: the states that changed, the others blank.
    fn states(&mut self, steps: &[&Transition]) -> [String; 2] {
        let mut cells = [String::new(), String::new()];
        for step in steps {
            let side = usize::from(step.side == Side::Server);
            cells[side] = match step.certainty {
                Certainty::Observed => step.to.name().to_owned(),
                Certainty::Implied | Certainty::Assumed => format!("[{}]", step.to.name()),
            };
        }
        let mut out = [String::new(), String::new()];
        for (side, cell) in cells.into_iter().enumerate() {
            let is_sure = !cell.starts_with('[');
            let padded = pad_right(&cell, STATE);
            out[side] = paint(if is_sure { Style::Plain } else { Style::Dim }, &padded);
            if !cell.is_empty() {
                self.shown[side] = cell;
            }
        }
        out
    }

    fn row(&mut self, row: &Segment, arrow: usize) -> io::Result<()> {
        let steps: Vec<&Transition> =
            self.connection.transitions.iter().filter(|step| step.packet == Some(row.packet.number)).collect();
        let states = self.states(&steps);
        let mut words = vec![row.flags.clone()];
        if row.is_control || row.payload_length > 0 {
            words.push(format!("seq {}", row.sequence_number));
        }
        words.extend(row.acknowledgment_number.map(|number| format!("ack {number}")));
        if row.payload_length > 0 {
            words.push(format!("len {}", row.payload_length));
        }
        words.extend(row.options.iter().cloned());
        let label = if row.notes.is_empty() {
            words.join("  ").trim().to_owned()
        } else {
            escape(&row.notes.join(", ")).into_owned()
        };
        let label = if row.is_repeated { format!("{label}  again") } else { label };
        let body = draw_arrow(row.direction, &label, arrow);
        let body = if row.is_repeated { paint(Style::Yellow, &body) } else { body };
        let body = if row.flags.contains("RST") { paint(Style::Red, &body) } else { body };
        let number = paint(Style::Dim, &pad_left(&format!("#{}", row.packet.number), NUMBER));
        let since = row.packet.timestamp.since(self.connection.start_ts);
        self.line(&format!("{}  {} {body} {} {number}", time(since), states[0], states[1]))
    }

    fn folded(&mut self, rows: &[Segment]) -> io::Result<()> {
        let bytes = |direction| {
            let sent = rows.iter().filter(|row| row.direction == direction);
            units::bytes(sent.map(|row| u64::from(row.payload_length)).sum())
        };
        let at = |row: Option<&Segment>| row.map_or(Timestamp::default(), |row| row.packet.timestamp);
        let lasted = at(rows.last()).since(at(rows.first()));
        let numbers = rows.first().zip(rows.last()).map(|(first, last)| (first.packet.number, last.packet.number));
        let (first, last) = numbers.unwrap_or_default();
        let text = format!(
            "⋮  {}, {} ↑, {} ↓, {}  #{first}-{last}",
            units::counted(rows.len() as u64, "segment"),
            bytes(Direction::ClientToServer),
            bytes(Direction::ServerToClient),
            units::duration(lasted),
        );
        let indent = " ".repeat(TIME + 2 + STATE + 1);
        let text = cut(&format!("{indent}{text}"), self.options.columns());
        self.line(&paint(Style::Dim, &text))
    }

    fn close(&mut self) -> io::Result<()> {
        let close = self.connection.close;
        let kind = match close.kind {
            crate::record::CloseKind::Graceful => "closed cleanly",
            crate::record::CloseKind::HalfClosed => "half closed: one side sent FIN, the other did not",
            crate::record::CloseKind::Reset => "reset",
            crate::record::CloseKind::Refused => "refused",
            crate::record::CloseKind::Aborted => "given up before it was established",
            crate::record::CloseKind::TimedOut => "never answered",
            crate::record::CloseKind::Open => "still open at the end of the capture",
        };
        let by = close.initiator.map_or(String::new(), |side| format!(", begun by {}", which(side)));
        let waits = close.time_wait.map_or(String::new(), |side| format!("; TIME-WAIT at {}", which(side)));
        let late = match close.late_packets {
            0 => String::new(),
            late => format!("; {} after that", units::counted(late, "packet")),
        };
        self.blank()?;
        let text =
            format!("{kind}{by}{waits}{late} · [state] is implied by what was seen, not shown by its own packets");
        for line in wrap(&text, self.options.columns()) {
            self.line(&line)?;
        }
        Ok(())
    }

    fn problems(&mut self) -> io::Result<()> {
        let findings: Vec<&Finding> = self
            .beside
            .iter()
            .filter_map(|record| if let Record::Finding(finding) = record { Some(finding.as_ref()) } else { None })
            .collect();
        if findings.is_empty() {
            return self.line("No problems found.");
        }
        self.blank()?;
        self.line(&paint(Style::Bold, "Problems"))?;
        for finding in findings {
            let (mark, style) = match finding.severity {
                Severity::Error => ("✖", Style::Red),
                Severity::Warning => ("▲", Style::Yellow),
                Severity::Note => ("·", Style::Dim),
            };
            let numbers = finding.subject.evidence.numbers().iter().take(4);
            let proof: Vec<String> = numbers.map(|number| format!("#{number}")).collect();
            let text = format!("{}  {}  {}", finding.code, escape(&finding.title), proof.join(" "));
            let columns = self.options.columns();
            for (place, line) in wrap(&text, columns.saturating_sub(4)).iter().enumerate() {
                let lead = if place == 0 { paint(style, mark) } else { " ".to_owned() };
                self.line(&format!("  {lead} {line}"))?;
            }
            for line in wrap(&escape(&finding.explanation), columns.saturating_sub(6)) {
                self.line(&paint(Style::Dim, &format!("      {line}")))?;
            }
        }
        Ok(())
    }
}

fn which(side: crate::record::WhichSide) -> &'static str {
    match side {
        crate::record::WhichSide::Client => "the client",
        crate::record::WhichSide::Server => "the server",
        crate::record::WhichSide::Both => "both",
    }
}

/// Milliseconds since the connection's first packet.
fn time(nanoseconds: i64) -> String {
    pad_left(&format!("{:.1} ms", nanoseconds as f64 / 1e6), TIME)
}

/// `├─ SYN ───▶` or `◀─── SYN ACK ─┤`, `columns` wide.
fn draw_arrow(direction: Direction, label: &str, columns: usize) -> String {
    let label = cut(label, columns.saturating_sub(6));
    let rest = "─".repeat(columns.saturating_sub(width(&label) + 5));
    match direction {
        Direction::ClientToServer => format!("├─ {label} {rest}▶"),
        Direction::ServerToClient => format!("◀{rest} {label} ─┤"),
    }
}
