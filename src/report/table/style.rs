//! Colour without disturbing the layout: text is marked with characters that take no columns and that escaped text
//! cannot hold; the marks become terminal codes, or nothing, when a line is done.
use crate::report::summary::Style;

const END: char = '\u{206f}';
const MARKS: [(Style, char, &str); 4] = [
    (Style::Red, '\u{206a}', "\x1b[31m"),
    (Style::Yellow, '\u{206b}', "\x1b[33m"),
    (Style::Dim, '\u{206c}', "\x1b[2m"),
    (Style::Bold, '\u{206d}', "\x1b[1m"),
];

/// `text` marked as having `style`.
pub fn paint(style: Style, text: &str) -> String {
    match MARKS.iter().find(|(of, _, _)| *of == style) {
        Some((_, mark, _)) if !text.is_empty() => format!("{mark}{text}{END}"),
        _ => text.to_owned(),
    }
}

fn is_mark(c: char) -> bool {
    MARKS.iter().any(|(_, mark, _)| *mark == c)
}

/// A line with its marks turned into terminal codes, or taken out; no blanks at its end.
pub fn finish(line: &str, color: bool) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let text = line.trim_end_matches(|c: char| c == END || c.is_whitespace());
    // The end of a style may have gone with the blanks before it.
    let is_open = text.chars().rev().find(|c| *c == END || is_mark(*c)).is_some_and(is_mark);
    for c in text.chars().chain(is_open.then_some(END)) {
        match MARKS.iter().find(|(_, mark, _)| *mark == c) {
            Some((_, _, code)) if color => out.push_str(code),
            Some(_) => {}
            None if c == END && color => out.push_str("\x1b[0m"),
            None if c == END => {}
            None => out.push(c),
        }
    }
    out
}
