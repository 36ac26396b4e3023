//! How wide text is on a terminal, and how it is made to fit. Takes escaped text.
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes on a terminal: CJK and emoji take two.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// `text`, its middle replaced by `…` when it is wider than `most` columns. Never cuts through a visible character.
#[must_use]
pub fn cut_middle(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    if most == 0 {
        return String::new();
    }
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let head_room = most / 2;
    let (mut head, mut head_width) = (0, 0);
    while let Some(piece) = graphemes.get(head) {
        if head_width + width(piece) > head_room {
            break;
        }
        head_width += width(piece);
        head += 1;
    }
    let tail_room = most - 1 - head_width;
    let (mut tail, mut tail_width) = (graphemes.len(), 0);
    while let Some(piece) = tail.checked_sub(1).filter(|at| *at >= head).and_then(|at| graphemes.get(at)) {
        if tail_width + width(piece) > tail_room {
            break;
        }
        tail_width += width(piece);
        tail -= 1;
    }
    let join = |head: usize, tail: usize| {
        let ends = [graphemes.get(..head).unwrap_or_default(), graphemes.get(tail..).unwrap_or_default()];
        format!("{}…{}", ends[0].concat(), ends[1].concat())
    };
    let mut cut = join(head, tail);
    // A few scripts are wider together than apart.
    while width(&cut) > most && (head > 0 || tail < graphemes.len()) {
        if tail < graphemes.len() {
            tail += 1
        } else {
            head -= 1
        }
        cut = join(head, tail);
    }
    cut
}

/// `text`, its end replaced by `…` when it is wider than `most` columns. Never cuts through a visible character.
#[must_use]
pub fn cut_end(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(1);
    let mut kept = String::new();
    for piece in text.graphemes(true) {
        let before = kept.len();
        kept.push_str(piece);
        if width(&kept) > room {
            kept.truncate(before);
            break;
        }
    }
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// As [`cut_middle`], but where `text` is `one → other` both sides stay recognisable: each is cut on its own.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    const ARROW: &str = " → ";
    let sides = text.split_once(ARROW).filter(|_| width(text) > most && most >= 16);
    let Some((one, other)) = sides else { return cut_middle(text, most) };
    let room = most - width(ARROW);
    // The shorter side leaves what it does not need to the longer one.
    let half = room / 2;
    let (left, right) = match (width(one), width(other)) {
        (short, _) if short <= half => (short, room - short),
        (_, short) if short <= half => (room - short, short),
        _ => (half, room - half),
    };
    format!("{}{ARROW}{}", cut_middle(one, left), cut_middle(other, right))
}

/// `text` and spaces behind it up to `columns`.
#[must_use]
pub fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` and spaces before it up to `columns`.
#[must_use]
pub fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// `text` in lines of at most `most` columns, broken between words; a word that is wider is cut in its middle.
#[must_use]
pub fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer) <= most {
            line = longer;
        } else {
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            line = cut_middle(word, most);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wide_characters_are_measured() {
        assert_eq!(width("日本"), 4);
        assert_eq!(width("é"), 1);
        assert_eq!(pad_right("日本", 6), "日本  ");
        assert_eq!(pad_left("9", 3), "  9");
    }

    #[test]
    fn the_middle_is_cut() {
        assert_eq!(cut_middle("abcdefgh", 8), "abcdefgh");
        assert_eq!(cut_middle("abcdefgh", 5), "ab…gh");
        assert_eq!(cut_middle("日本語日本語", 6), "日…語");
        assert_eq!(cut_middle("abc", 1), "…");
        assert_eq!(cut_middle("abc", 0), "");
    }

    #[test]
    fn both_ends_stay_recognisable() {
        assert_eq!(
            cut("10.0.0.1:40000 → [2001:db8::5054:ff:fe12:3456]:443", 36),
            "10.0.0.1:40000 → [2001:db8…3456]:443"
        );
        assert_eq!(cut("aaaaaaaaaaaaaaa → bbbbbbbbbbbbbbb", 17), "aaa…aaa → bbb…bbb");
        assert_eq!(cut("a → b", 5), "a → b");
    }

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible", 5), ["in…le"]);
        assert!(wrap("", 5).is_empty());
    }

    proptest! {
        #[test]
        fn cut_text_fits(text in any::<String>(), most in 0usize..40) {
            let text = crate::report::escape::escape(&text);
            prop_assert!(width(&cut_middle(&text, most)) <= most);
            let pair = format!("{text} → {text}");
            prop_assert!(width(&cut(&pair, most)) <= most);
            prop_assert!(wrap(&text, most.max(1)).iter().all(|line| width(line) <= most.max(1)));
        }
    }
}
