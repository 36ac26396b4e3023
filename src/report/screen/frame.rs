//! From one drawing to the next: only the lines that differ are written, in one piece, so that nothing flickers.
use std::fmt::Write as _;

use crate::report::{table::finish, width::width};

/// Nothing is shown before all of an update has come (synchronized output, mode 2026); terminals that do not know it ignore it.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// What a terminal of some size shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    columns: usize,
    /// One for each of its lines, with colour.
    lines: Vec<String>,
    /// Columns each takes.
    widths: Vec<usize>,
}

impl Frame {
    /// Of `lines` as [`draw`](super::draw) makes them, for a terminal of so many columns.
    #[must_use]
    pub fn new(lines: &[String], columns: usize, color: bool) -> Self {
        let widths = lines.iter().map(|line| width(&finish(line, false))).collect();
        Self { columns, lines: lines.iter().map(|line| finish(line, color)).collect(), widths }
    }

    /// Whether both are for the same size.
    #[must_use]
    pub fn is_as_large_as(&self, other: &Self) -> bool {
        (self.columns, self.lines.len()) == (other.columns, other.lines.len())
    }

    /// What to write so that a terminal of this size shows this, whatever somebody else has written to it meanwhile.
    #[must_use]
    pub fn anew(&self) -> String {
        let other = Self { lines: vec!["\n".to_owned(); self.lines.len()], ..self.clone() };
        self.changes(Some(&other))
    }

    /// What to write to a terminal that shows `before`, so that it shows this; all of it when nothing is known of what it shows.
    /// Empty when it does already.
    #[must_use]
    pub fn changes(&self, before: Option<&Self>) -> String {
        let known = before.filter(|before| before.is_as_large_as(self));
        let mut changes = String::new();
        if known.is_none() {
            changes.push_str("\x1b[0m\x1b[2J");
        }
        for (place, (line, width)) in self.lines.iter().zip(&self.widths).enumerate() {
            if known.and_then(|before| before.lines.get(place)).map_or(line.is_empty(), |shown| shown == line) {
                continue;
            }
            // Writing to a string cannot fail.
            let _ = write!(changes, "\x1b[{};1H{line}", place + 1);
            // Behind the last column the cursor still stands on it: erasing there would take the last character.
            if *width < self.columns {
                changes.push_str("\x1b[K");
            }
        }
        if changes.is_empty() { changes } else { format!("{BEGIN}{changes}{END}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(lines: &[&str]) -> Frame {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Frame::new(&lines, 5, false)
    }

    #[test]
    fn only_what_differs_is_written() {
        let first = frame(&["one", "two", "three"]);
        assert_eq!(
            first.changes(None),
            "\x1b[?2026h\x1b[0m\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Htwo\x1b[K\x1b[3;1Hthree\x1b[?2026l",
            "a full line is not erased behind its end"
        );
        assert_eq!(first.changes(Some(&first)), "");
        assert_eq!(first.anew(), first.changes(None).replace("\x1b[0m\x1b[2J", ""));
        let second = frame(&["one", "2", "three"]);
        assert_eq!(second.changes(Some(&first)), "\x1b[?2026h\x1b[2;1H2\x1b[K\x1b[?2026l");
        let emptied = frame(&["", "2", "three"]);
        assert_eq!(emptied.changes(Some(&second)), "\x1b[?2026h\x1b[1;1H\x1b[K\x1b[?2026l");
    }

    #[test]
    fn another_size_is_drawn_anew() {
        let (small, large) = (frame(&["one"]), frame(&["one", ""]));
        assert!(large.changes(Some(&small)).contains("\x1b[2J"));
    }
}
