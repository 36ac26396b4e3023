//! IMAP's literals (RFC 9051 4.3): a line that ends with `{n}` goes on behind the n bytes that follow it.

/// The length of the literal that a line announces: `{12}`, `{12+}` (RFC 7888), `~{12}` (RFC 3516).
pub fn announced(line: &[u8]) -> Option<u64> {
    let inside = line.strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    let number = inside.get(open.saturating_add(1)..)?;
    let number = number.strip_suffix(b"+").or_else(|| number.strip_suffix(b"-")).unwrap_or(number);
    let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(number).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        for (line, length) in [
            (&b"a1 LOGIN {5}"[..], Some(5)),
            (b"* 1 FETCH (BODY[] {310}", Some(310)),
            (b"a APPEND x {12+}", Some(12)),
            (b"a APPEND x ~{0}", Some(0)),
            (b"{}", None),
            (b"{x}", None),
            (b"a {12} b", None),
            (b"{99999999999999999999999}", None),
        ] {
            assert_eq!(announced(line), length, "{}", line.escape_ascii());
        }
    }
}
