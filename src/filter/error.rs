//! What is wrong with a filter: where, why, and what was probably meant.
use std::{fmt, ops::Range};

/// A mistake in a filter. Displayed over several lines, the place marked with carets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The whole filter.
    text: String,
    /// Which of its bytes are wrong; empty at the end of the text when something is missing there.
    pub at: Range<usize>,
    /// What is wrong with them, a sentence without its full stop.
    pub reason: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Mistake {
    pub(crate) fn new(at: Range<usize>, reason: impl Into<String>) -> Self {
        Self { text: String::new(), at, reason: reason.into(), suggestion: None }
    }

    pub(crate) fn suggest(self, suggestion: Option<impl Into<String>>) -> Self {
        Self { suggestion: suggestion.map(Into::into), ..self }
    }

    pub(super) fn within(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// The column of the first wrong character, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.text.get(..self.at.start).unwrap_or(&self.text).chars().count().saturating_add(1)
    }
}

/// Characters of a filter shown on each side of a mistake.
const SHOWN: usize = 60;

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column();
        let marked = self.text.get(self.at.clone()).unwrap_or_default().chars().count().clamp(1, SHOWN);
        // What a terminal would act on is shown as a space: columns must stay columns.
        let plain = |letter: char| if letter.is_control() || is_bidirectional(letter) { ' ' } else { letter };
        let words = |text: &str| text.chars().map(plain).collect::<String>();
        write!(f, "bad display filter, column {column}: {}", words(&self.reason))?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, ". Did you mean {}?", words(suggestion))?;
        }
        let skipped = column.saturating_sub(1).saturating_sub(SHOWN);
        let length = column.saturating_sub(1).saturating_sub(skipped).saturating_add(marked).saturating_add(SHOWN);
        let shown: String = self.text.chars().skip(skipped).take(length).map(plain).collect();
        let indent = " ".repeat(column.saturating_sub(1).saturating_sub(skipped));
        write!(f, "\n    {}\n    {indent}{}", shown.trim_end(), "^".repeat(marked))
    }
}

/// Whether it changes the direction of the text around it.
fn is_bidirectional(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl std::error::Error for Mistake {}
