//! A mistake in a SPEC: file, line, column, and the line with the place marked.
use std::{fmt, ops::Range};

use crate::report::escape::escape;

/// What is wrong with a SPEC, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The SPEC's name as given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong, a sentence without its full stop.
    pub reason: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
    /// The line.
    text: String,
    /// Characters of it that are marked.
    marked: usize,
}

/// Characters of a line shown on each side of a mistake.
const SHOWN: usize = 60;

impl Mistake {
    /// At these bytes of `text`.
    pub fn new(file: &str, text: &str, at: Range<usize>, reason: impl Into<String>) -> Self {
        let (line, column) = place(text, at.start);
        let whole = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default().trim_end_matches('\r');
        let marked = text.get(at).and_then(|marked| marked.lines().next()).map_or(1, |line| line.chars().count());
        Self {
            file: file.to_owned(),
            line,
            column,
            reason: reason.into(),
            suggestion: None,
            text: whole.to_owned(),
            marked: marked.clamp(1, SHOWN),
        }
    }

    /// With what was probably meant.
    #[must_use]
    pub fn suggest(self, suggestion: Option<String>) -> Self {
        Self { suggestion, ..self }
    }
}

/// Line and column, both from 1, of a byte of `text`.
#[must_use]
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = text.get(..at).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", escape(&self.file), self.line, self.column, escape(&self.reason))?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, ". Did you mean {}?", escape(suggestion))?;
        }
        let skipped = self.column.saturating_sub(1).saturating_sub(SHOWN);
        let indent = self.column.saturating_sub(1).saturating_sub(skipped);
        // What a terminal would act on is shown as a space: columns must stay columns.
        let plain = |letter: char| if crate::report::escape::is_hidden(letter) { ' ' } else { letter };
        let shown: String = self.text.chars().skip(skipped).take(indent + self.marked + SHOWN).map(plain).collect();
        write!(f, "\n    {}\n    {}{}", shown.trim_end(), " ".repeat(indent), "^".repeat(self.marked))
    }
}

impl std::error::Error for Mistake {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown() {
        let text = "a = 1\nis = 'tls.versoin >= 1'\n";
        let mistake = Mistake::new("x.toml", text, 12..23, "no such field").suggest(Some("`tls.version`".to_owned()));
        let expected = "x.toml:2:7: no such field. Did you mean `tls.version`?\n    is = 'tls.versoin >= 1'\n          ^^^^^^^^^^^";
        assert_eq!(mistake.to_string(), expected);
    }

    #[test]
    fn places_outside_are_the_end() {
        assert_eq!(place("ab\nc", 99), (2, 2));
        assert_eq!(place("é", 1), (1, 1));
        assert_eq!(place("", 0), (1, 1));
        let _ = Mistake::new("x", "a\u{1b}b", 5..2, "y\u{1b}").to_string();
    }
}
