//! Key logs, and sessions that are opened with them.
use super::driver::script;
use crate::{app::tls::key_log, record::Secrets};

/// A key log: every line is used, passed over or counted as bad, and nothing of it can be shown.
pub fn tls_key_log(bytes: &[u8]) {
    let parsed = key_log::parse(bytes, 0);
    assert!(parsed.log.len() as u64 <= parsed.used, "more secrets than lines");
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    assert!(parsed.used + parsed.passed_over + parsed.bad <= lines, "more counted than there are");
    // Line by line it says the same.
    let apart = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(|line| key_log::parse(line, 0));
    let (used, bad) = apart.fold((0, 0), |(used, bad), line| (used + line.used, bad + line.bad));
    let mark = bytes.starts_with(b"\xef\xbb\xbf") || bytes.windows(4).any(|four| four[1..] == *b"\xef\xbb\xbf");
    assert!(mark || (used, bad) == (parsed.used, parsed.bad), "lines depend on each other");
    let mut secrets = Secrets::default();
    secrets.add(parsed.log, 0);
    secrets.add(key_log::parse(bytes, 7).log, 7);
    assert!(format!("{secrets:?}").len() < 100);
}

/// A key log, two bytes of its length before it, and the script of a TLS session (as for `tls_session`) that it opens.
pub fn tls_decrypt(bytes: &[u8]) {
    let Some(([high, low], rest)) = bytes.split_first_chunk() else { return };
    let (log, steps) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
    // Half of it from the start, half later: sessions look again.
    let (first, second) = log.split_at(log.len() / 2);
    let mut secrets = Secrets::default();
    secrets.add(key_log::parse(log, 0).log, 0);
    script("tls", steps, &secrets);
    script("dtls", steps, &secrets);
    let mut late = Secrets::expected();
    late.add(key_log::parse(first, 3).log, 3);
    late.add(key_log::parse(second, 9).log, 9);
    script("tls", steps, &late);
}
