//! The known name most like one that is not known.

/// The one of `known` most like `name`, if one is close.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Longer names than any that are known cannot be meant, and comparing them costs the product of both lengths.
    if name.len() > 100 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 3 + 1)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (place, y) in row.iter_mut().zip(std::iter::once(None).chain(b.iter().map(Some))) {
            let above = *place;
            *place = match y {
                None => left,
                Some(y) => (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1),
            };
            left = *place;
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("tcp.prt", "tcp.port", 1),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn far_names_are_not_suggested() {
        assert_eq!(nearest("tcp.prt", ["tcp.port", "udp.port"]), Some("tcp.port"));
        assert_eq!(nearest("xyzzy", ["tcp.port", "udp.port"]), None);
        assert_eq!(nearest(&"a".repeat(101), ["a"]), None);
    }
}
