//! `wireglass connection`: one connection as textbooks draw it, both ends' states on their lifelines. What is drawn is the
//! same in every format ([`fold`], [`words`]); [`text`], [`markdown`] and [`svg`] only draw it.
mod fold;
mod handshake;
mod markdown;
mod svg;
mod text;
mod words;

use std::io::{self, Write as _};

use self::fold::{Row, Sketch};
use super::{Options, Output, escape::escape, table::finish};
use crate::{
    limits,
    record::{Connection, Finding, Record, Segment},
};

/// Packet numbers named as proof of a problem.
const SHOWN_NUMBERS: usize = 6;

/// How a connection is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drawing {
    /// For a terminal.
    #[default]
    Text,
    /// For a ticket or a wiki.
    Markdown,
    /// A picture.
    Svg,
}

/// Takes the segments of one connection and draws it: its header, its ladder, its problems.
pub struct Ladder<'a> {
    connection: &'a Connection,
    /// What else was reported of the flow: findings, TLS and HTTP.
    beside: &'a [Record],
    sketch: Sketch,
}

/// Everything that is drawn.
struct Picture<'a> {
    connection: &'a Connection,
    beside: &'a [Record],
    rows: Vec<Row>,
}

impl<'a> Ladder<'a> {
    /// Of `connection`, with the other records of its flow. With `options.all`, nothing is folded.
    #[must_use]
    pub fn new(drawing: Drawing, options: &Options, connection: &'a Connection, beside: &'a [Record]) -> Self {
        let rows = if drawing == Drawing::Svg { limits::MAX_PICTURE_ROWS } else { limits::MAX_LADDER_ROWS };
        // A picture of any height would be one that nothing can show.
        let all = options.all && drawing != Drawing::Svg;
        Self { connection, beside, sketch: Sketch::new(connection, beside, all, rows) }
    }

    /// Takes the next segment.
    pub fn segment(&mut self, segment: Segment) {
        self.sketch.segment(segment);
    }

    /// Draws.
    ///
    /// # Errors
    /// What the output said.
    pub fn draw(self, drawing: Drawing, options: &Options, mut out: Output) -> io::Result<()> {
        let picture = Picture { connection: self.connection, beside: self.beside, rows: self.sketch.finish() };
        match drawing {
            Drawing::Text => {
                for line in text::page(&picture, options) {
                    writeln!(out, "{}", finish(&line, options.color))?;
                }
            }
            Drawing::Markdown => markdown::write(&picture, options, &mut out)?,
            Drawing::Svg => svg::write(&picture, &mut out)?,
        }
        out.flush()
    }
}

impl Picture<'_> {
    /// The flow's name.
    fn name(&self) -> String {
        self.connection.subject.flow.unwrap_or_default().to_string()
    }

    /// What was found about the flow, the gravest first.
    fn findings(&self) -> Vec<&Finding> {
        let findings = self.beside.iter();
        let mut findings: Vec<&Finding> = findings
            .filter_map(|record| if let Record::Finding(finding) = record { Some(finding.as_ref()) } else { None })
            .collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    /// The packets that prove a finding: `#4 #5 #6`.
    fn proof(&self, finding: &Finding) -> String {
        let numbers = finding.subject.evidence.numbers();
        let more = (numbers.len() > SHOWN_NUMBERS).then(|| "…".to_owned());
        let numbers = numbers.iter().take(SHOWN_NUMBERS).map(|number| format!("#{number}"));
        numbers.chain(more).collect::<Vec<_>>().join(" ")
    }
}

fn escaped(text: &str) -> String {
    escape(text).into_owned()
}
