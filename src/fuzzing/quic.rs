//! QUIC: headers and frames by themselves, and sessions, with secrets and without.
use super::driver::{script, session};
use crate::{
    app::{
        quic::{
            frames::frames,
            header::{Level, is_long, long},
        },
        tls::key_log,
    },
    record::Secrets,
};

/// The packets of a datagram, and the same bytes as frames: nothing is read beyond them, and nothing twice.
pub fn quic_header(bytes: &[u8]) {
    let mut rest = bytes;
    while rest.first().is_some_and(|first| is_long(*first)) {
        let Ok((after, packet)) = long(rest) else { break };
        assert!(after.len() < rest.len(), "a packet has a header");
        assert_eq!(packet.packet.len() + after.len(), rest.len());
        assert!(packet.number_offset <= packet.packet.len());
        assert_eq!(packet.whole().is_some(), packet.is_whole());
        assert!(packet.whole().is_none_or(|whole| whole.len() <= packet.packet.len()));
        rest = after;
    }
    for level in [Level::Initial, Level::Early, Level::Handshake, Level::Application] {
        assert!(frames(bytes, level, false).count() <= bytes.len());
    }
    assert!(frames(bytes, Level::Initial, true).count() <= bytes.len());
}

/// A script, see [`session`]; and the same behind a key log, two bytes of whose length come first.
pub fn quic_session(bytes: &[u8]) {
    session("quic", bytes);
    let Some(([high, low], rest)) = bytes.split_first_chunk() else { return };
    let (log, steps) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes([*high, *low]))));
    let (first, second) = log.split_at(log.len() / 2);
    let mut secrets = Secrets::default();
    secrets.add(key_log::parse(log, 0).log, 0);
    script("quic", steps, &secrets);
    // Half of it from the start, half later: sessions look again.
    let mut late = Secrets::expected();
    late.add(key_log::parse(first, 0).log, 0);
    late.add(key_log::parse(second, 5).log, 5);
    script("quic", steps, &late);
}
