//! Text into words and signs, each with its place.
use std::ops::Range;

use super::error::Mistake;

/// A word, a constant in quotes, or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A field, a name, or a constant without quotes.
    Word(String),
    /// `"..."` or `r"..."`, escapes resolved.
    Quoted(Vec<u8>),
    /// `'c'`.
    Letter(u8),
    /// An operator, a bracket, a comma.
    Sign(&'static str),
    /// What `[...]` behind an operand selects.
    Slice(Vec<Piece>),
    /// What `#...` behind a field selects.
    Layers(Vec<Piece>),
}

/// One part of `[...]`: bytes, or with `#` layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `i:n`: so many from here on.
    Length(i64, i64),
    /// `i-j`: from here to there, both included.
    Until(i64, i64),
    /// `i:`: from here to the end.
    Rest(i64),
    /// `i`: this one.
    One(i64),
}

/// A token and where it is.
pub(super) type Placed = (Token, Range<usize>);

/// Signs, longer ones first.
const SIGNS: [&str; 31] = [
    "===", "!==", "==", "!=", "~=", "<=", ">=", "&&", "||", "^^", "..", "<", ">", "!", "~", "&", "(", ")", "{", "}",
    ",", "+", "-", "*", "/", "%", "=", "|", "^", "@", "$",
];

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let letter = rest.chars().next().unwrap_or_default();
        if letter.is_whitespace() {
            at += letter.len_utf8();
            continue;
        }
        let (token, length) = token(rest, at)?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

fn token(rest: &str, at: usize) -> Result<(Token, usize), Mistake> {
    if rest.starts_with('"') {
        return quoted(rest, at, false);
    }
    if rest.starts_with("r\"") || rest.starts_with("R\"") {
        return quoted(rest, at, true);
    }
    if rest.starts_with('\'') {
        return letter(rest, at);
    }
    if let Some(inside) = rest.strip_prefix('[') {
        let (pieces, length) = pieces(inside, at + 1)?;
        return Ok((Token::Slice(pieces), length + 1));
    }
    if let Some(inside) = rest.strip_prefix("#[") {
        let (pieces, length) = pieces(inside, at + 2)?;
        return Ok((Token::Layers(pieces), length + 2));
    }
    if let Some(inside) = rest.strip_prefix('#') {
        let length = inside.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'-').count();
        let number = inside.get(..length).and_then(|digits| digits.parse().ok());
        let number = number.ok_or_else(|| {
            Mistake::new(
                at..at + 1 + length.max(1).min(inside.len()),
                "`#` takes the number of a layer, as in `ip.src#1`",
            )
        })?;
        return Ok((Token::Layers(vec![Piece::One(number)]), length + 1));
    }
    let length = word_length(rest);
    if length > 0 {
        return Ok((Token::Word(rest.get(..length).unwrap_or_default().to_owned()), length));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map(|sign| (Token::Sign(sign), sign.len())).ok_or_else(|| {
        let letter = rest.chars().next().unwrap_or_default();
        Mistake::new(at..at + letter.len_utf8(), format!("`{}` means nothing here", letter.escape_debug()))
    })
}

/// Length of the word at the start. `-` and `/` belong to it between letters and digits (`00-1b-44`, `10.0.0.0/8`),
/// a dot unless a second one follows (`1..5`).
fn word_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_word = |place: usize| bytes.get(place).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let belongs = match byte {
            b'_' | b':' => true,
            b'.' => bytes.get(length + 1) != Some(&b'.'),
            b'-' => length > 0 && is_word(length + 1) && is_word(length.wrapping_sub(1)),
            b'/' => {
                let before = text.get(..length).unwrap_or_default();
                let is_address = before.contains(':') || before.bytes().filter(|byte| *byte == b'.').count() == 3;
                is_address && is_word(length + 1)
            }
            _ => is_word(length),
        };
        if !belongs {
            break;
        }
        length += 1;
    }
    // A lone dot or colon is no word.
    if text.get(..length).is_some_and(|word| word.bytes().all(|byte| byte == b'.' || byte == b':') && word != "::") {
        return 0;
    }
    length
}

fn quoted(rest: &str, at: usize, raw: bool) -> Result<(Token, usize), Mistake> {
    let start = if raw { 2 } else { 1 };
    let mut bytes = Vec::new();
    let mut letters = rest.char_indices().skip(start).peekable();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '"' => return Ok((Token::Quoted(bytes), place + 1)),
            '\\' if raw => {
                bytes.push(b'\\');
                // In a raw string a backslash keeps the quote behind it, and stays itself.
                if let Some((_, '"')) = letters.peek() {
                    bytes.push(b'"');
                    letters.next();
                }
            }
            '\\' => {
                let tail = rest.get(place + 1..).unwrap_or_default();
                let (escaped, length) = escape(tail).ok_or_else(|| {
                    let shown = tail.chars().next().map(char::len_utf8).unwrap_or_default();
                    Mistake::new(
                        at + place..at + place + 1 + shown,
                        "this escape is unknown; there are \\\" \\\\ \\' \\n \\r \\t \\a \\b \\f \\v \\0 \\x41 \\101",
                    )
                })?;
                bytes.push(escaped);
                while letters.peek().is_some_and(|(next, _)| *next < place + 1 + length) {
                    letters.next();
                }
            }
            letter => bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(Mistake::new(at..at + rest.len(), "the closing quotation mark is missing"))
}

/// What follows a backslash: the byte it stands for, and how many characters it took.
fn escape(tail: &str) -> Option<(u8, usize)> {
    let first = *tail.as_bytes().first()?;
    let simple = match first {
        b'"' | b'\\' | b'\'' => first,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'x' => {
            let digits = tail.bytes().skip(1).take(2).take_while(u8::is_ascii_hexdigit).count();
            return Some((u8::from_str_radix(tail.get(1..1 + digits)?, 16).ok()?, 1 + digits));
        }
        b'0'..=b'7' => {
            let digits = tail.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            return Some((u8::from_str_radix(tail.get(..digits)?, 8).ok()?, digits));
        }
        _ => return None,
    };
    Some((simple, 1))
}

fn letter(rest: &str, at: usize) -> Result<(Token, usize), Mistake> {
    let wrong = || Mistake::new(at..at + rest.len().min(2), "one character belongs between single quotation marks");
    let inside = rest.get(1..).unwrap_or_default();
    let (byte, length) = match inside.strip_prefix('\\') {
        Some(tail) => escape(tail).map(|(byte, length)| (byte, length + 1)).ok_or_else(wrong)?,
        None => (inside.bytes().next().filter(|byte| byte.is_ascii() && *byte != b'\'').ok_or_else(wrong)?, 1),
    };
    if inside.as_bytes().get(length) != Some(&b'\'') {
        return Err(wrong());
    }
    Ok((Token::Letter(byte), length + 2))
}

/// What stands between brackets, and its length with the closing one.
fn pieces(inside: &str, at: usize) -> Result<(Vec<Piece>, usize), Mistake> {
    let end = inside
        .find(']')
        .ok_or_else(|| Mistake::new(at - 1..at + inside.len(), "the closing bracket `]` is missing"))?;
    let mut pieces = Vec::new();
    let mut start = at;
    for text in inside.get(..end).unwrap_or_default().split(',') {
        let place = start..start + text.len();
        start = place.end + 1;
        pieces.push(piece(text.trim()).ok_or_else(|| {
            Mistake::new(
                place,
                "this is no range; write `[first]`, `[first:length]`, `[first-last]`, `[first:]` or `[:length]`",
            )
        })?);
    }
    Ok((pieces, end + 1))
}

fn piece(text: &str) -> Option<Piece> {
    let number = |text: &str| {
        let (digits, negative) = text.trim().strip_prefix('-').map_or((text.trim(), false), |digits| (digits, true));
        let number: i64 = match digits.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?.into(),
            None => digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok())??.into(),
        };
        Some(if negative { -number } else { number })
    };
    if let Some((first, length)) = text.split_once(':') {
        let first = if first.trim().is_empty() { 0 } else { number(first)? };
        return Some(match length.trim() {
            "" => Piece::Rest(first),
            length => Piece::Length(first, number(length).filter(|length| *length > 0)?),
        });
    }
    // A minus in front is a sign; one behind a number means "to".
    let sign = usize::from(text.starts_with('-'));
    if let Some(to) = text.get(sign..)?.find('-').map(|place| place + sign) {
        let (first, last) = (number(text.get(..to)?)?, number(text.get(to + 1..)?)?);
        return ((first < 0) == (last < 0) && first <= last).then_some(Piece::Until(first, last));
    }
    number(text).map(Piece::One)
}
