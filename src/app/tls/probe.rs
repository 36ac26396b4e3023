//! Whether bytes are TLS. Strict: what is claimed here nobody else gets.
use super::{
    names,
    record_layer::{self, Found, Header, content},
};
use crate::{
    app::{Carrier, Probe, Verdict},
    limits,
};

/// Asks by carrier.
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    match probe.carrier {
        Carrier::Tcp | Carrier::Tls if probe.from_start => start(probe.bytes),
        Carrier::Tcp if begins_with_hello(probe.bytes) => Verdict::Certain,
        Carrier::Tcp => middle(probe.bytes),
        Carrier::QuicCrypto => match probe.bytes {
            [] => Verdict::Maybe,
            [1 | 2, 0, ..] => Verdict::Certain,
            [1 | 2] => Verdict::Maybe,
            _ => Verdict::No,
        },
        Carrier::Udp | Carrier::Tls | Carrier::Sctp | Carrier::Ip(_) | Carrier::Arp => Verdict::No,
    }
}

/// The start of a stream: a hello, or an alert in answer to one.
fn start(bytes: &[u8]) -> Verdict {
    if let Some(total) = record_layer::sslv2_hello_length(bytes) {
        return if total <= limits::MAX_PENDING_BYTES { Verdict::Certain } else { Verdict::No };
    }
    match bytes {
        [content::HANDSHAKE, 3, 0..=4, rest @ ..] => match rest {
            [high, low, kind @ (1 | 2), h, m, l, major, minor, ..] => {
                let length = u16::from_be_bytes([*high, *low]);
                let message = u32::from_be_bytes([0, *h, *m, *l]);
                let version = matches!((major, minor), (3, 0..=4) | (0x7f, _));
                // The least hello: version, random, and three lengths with one suite and one method.
                let long_enough = message >= if *kind == 1 { 41 } else { 36 };
                let sound = length > 0 && length <= record_layer::MAX_FRAGMENT_BYTES && version && long_enough;
                if sound && message < 1 << 17 { Verdict::Certain } else { Verdict::No }
            }
            [_, _, kind, ..] if !matches!(kind, 1 | 2) => middle(bytes),
            _ => Verdict::Maybe,
        },
        [content::ALERT, 3, 0..=4, 0, 2, 1 | 2, description, ..] if names::alert(*description).is_some() => {
            Verdict::Certain
        }
        [content::ALERT, 3, 0..=4, 0, 2] | [content::ALERT, 3, 0..=4, 0, 2, 1 | 2] => Verdict::Maybe,
        [content::HANDSHAKE | content::ALERT]
        | [content::HANDSHAKE | content::ALERT, 3]
        | [content::ALERT, 3, 0..=4]
        | [content::ALERT, 3, 0..=4, 0] => Verdict::Maybe,
        // An SSLv2 hello too short to judge.
        [high, _, 1] | [high, _, 1, 0 | 3] | [high, _, 1, 0, 2, ..] | [high, _, 1, 3, 0..=4, ..]
            if high & 0x80 != 0 && bytes.len() < 11 =>
        {
            Verdict::Maybe
        }
        [high] | [high, _] if high & 0x80 != 0 => Verdict::Maybe,
        // The start may be proven and the sender still speak first in the middle, as after a handover.
        [20..=24, 3, 0..=4, ..] => middle(bytes),
        _ => Verdict::No,
    }
}

/// Whether a hello begins right here: after a proxy's answer or STARTTLS, or where a capture starts. Its record may be
/// longer than what a probe is shown.
fn begins_with_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [content::HANDSHAKE, 3, 0..=4, _, _, 1 | 2, ..]) && start(bytes) == Verdict::Certain
}

/// The middle of a stream: at least two records in a row.
fn middle(bytes: &[u8]) -> Verdict {
    let enough = bytes.len() >= limits::MAX_PROBE_BYTES;
    if let Some(header) = Header::read(bytes)
        && header.is_plausible()
    {
        return match bytes.get(header.total()..) {
            Some([]) => Verdict::Likely,
            Some(after) => match Header::read(after) {
                Some(next) if next.is_plausible() && next.version == header.version => Verdict::Certain,
                Some(_) => Verdict::No,
                None if record_layer::could_start(after) => Verdict::Likely,
                None => Verdict::No,
            },
            // A long record: its end is not here, and may be beyond what a probe is shown.
            None if enough && header.content_type == content::APPLICATION_DATA => Verdict::Likely,
            None => Verdict::Maybe,
        };
    }
    match record_layer::resynchronise(bytes, None) {
        // Two headers that agree, far from where the bytes begin.
        Found::At(_) => Verdict::Likely,
        Found::Perhaps { .. } | Found::Nowhere(_) if enough => Verdict::No,
        Found::Perhaps { .. } | Found::Nowhere(_) => Verdict::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_that_begins_with_a_hello_needs_no_end() {
        let mut bytes = vec![0x16, 3, 1, 0x15, 0x8c, 2, 0, 0, 0x4d, 3, 1];
        bytes.resize(limits::MAX_PROBE_BYTES + 1, 0x5a);
        let flow = crate::record::FlowFacts {
            id: Default::default(),
            transport: crate::record::Transport::Tcp,
            client: crate::record::Endpoint { address: [10, 0, 0, 1].into(), port: 1 },
            server: crate::record::Endpoint { address: [10, 0, 0, 2].into(), port: 2 },
            client_certainty: crate::record::Certainty::Assumed,
        };
        let direction = crate::record::Direction::ServerToClient;
        let asked = Probe { carrier: Carrier::Tcp, direction, bytes: &bytes, from_start: false, flow: &flow };
        assert_eq!(super::probe(&asked), Verdict::Certain);
        assert_eq!(super::probe(&Probe { bytes: &bytes[1..], ..asked }), Verdict::No);
    }

    #[test]
    fn hellos_are_certain_and_others_are_not() {
        let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0];
        assert_eq!(start(&hello), Verdict::Certain);
        for length in 1..hello.len() - 1 {
            assert_eq!(start(&hello[..length]), Verdict::Maybe, "{length}");
        }
        assert_eq!(start(&[0x15, 3, 3, 0, 2, 2, 40]), Verdict::Certain);
        for other in [&b"GET / HTTP/1.1\r\n"[..], b"SSH-2.0-x\r\n", &[0x16, 4, 1, 0, 5], &[0x80, 0x40, 2, 0], &[0; 16]]
        {
            assert_eq!(start(other), Verdict::No, "{other:?}");
        }
    }
}
