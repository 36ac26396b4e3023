//! Whether a stream is HTTP/1.
use super::parser::{Beginning, beginning};
use crate::app::{Carrier, Probe, Verdict};

/// Certain where a start line stands with its version, wherever the port. A stream that the capture joined late may
/// begin inside a body: there a later line may be the first start line.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier == Carrier::QuicCrypto {
        return Verdict::No;
    }
    if probe.carrier == Carrier::Udp {
        return ssdp(probe.bytes);
    }
    let blank = probe.bytes.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    let bytes = probe.bytes.get(blank..).unwrap_or_default();
    match beginning(bytes) {
        Beginning::Request | Beginning::Response => Verdict::Certain,
        // Another protocol's preface.
        Beginning::Http2 => Verdict::No,
        Beginning::Incomplete { likely: true } => Verdict::Likely,
        Beginning::Incomplete { likely: false } => Verdict::Maybe,
        // HTTP/0.9, and many a text protocol with a command of the same name: only other lines may decide.
        Beginning::Simple => Verdict::Maybe,
        Beginning::Proxy => {
            let after = memchr::memchr(b'\n', bytes).and_then(|end| bytes.get(end.saturating_add(1)..));
            match after.map(beginning) {
                Some(Beginning::Request | Beginning::Response | Beginning::Http2) => Verdict::Certain,
                Some(Beginning::Incomplete { .. }) | None => Verdict::Maybe,
                Some(_) => Verdict::No,
            }
        }
        Beginning::No if probe.from_start => Verdict::No,
        Beginning::No => later(bytes),
    }
}

/// Looks for a start line further on.
fn later(bytes: &[u8]) -> Verdict {
    let found = memchr::memchr_iter(b'\n', bytes).any(|end| {
        let rest = bytes.get(end.saturating_add(1)..).unwrap_or_default();
        matches!(beginning(rest), Beginning::Request | Beginning::Response)
    });
    // What begins with a packet is found with that packet: only a line that is cut is worth waiting for.
    let last = memchr::memrchr(b'\n', bytes).and_then(|end| bytes.get(end.saturating_add(1)..));
    let cut = last.is_some_and(|last| matches!(beginning(last), Beginning::Incomplete { .. }));
    match (found, cut) {
        (true, _) => Verdict::Likely,
        (false, true) => Verdict::Maybe,
        (false, false) => Verdict::No,
    }
}

/// SSDP: a request or response of HTTP's form in a datagram.
fn ssdp(bytes: &[u8]) -> Verdict {
    let starts = [b"M-SEARCH * HTTP/1.".as_slice(), b"NOTIFY * HTTP/1.", b"HTTP/1.1 200 "];
    if starts.iter().any(|start| bytes.starts_with(start)) { Verdict::Certain } else { Verdict::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::http1::session::tests::facts, record::Direction};

    fn ask(carrier: Carrier, from_start: bool, text: &str) -> Verdict {
        let flow = facts();
        probe(&Probe { carrier, direction: Direction::ClientToServer, bytes: text.as_bytes(), from_start, flow: &flow })
    }

    #[test]
    fn verdicts() {
        for (text, from_start, expected) in [
            ("GET / HTTP/1.1\r\n", true, Verdict::Certain),
            ("\r\nGET / HTTP/1.1\r\n", true, Verdict::Certain),
            ("HTTP/1.0 200 OK\r\n", true, Verdict::Certain),
            ("PRI * HTTP/2.0\r\n", true, Verdict::No),
            ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET / HTTP/1.0\r\n", true, Verdict::Certain),
            ("GET / HT", true, Verdict::Maybe),
            ("OPTIONS rtsp://x/ RTSP/1.0\r\n", true, Verdict::No),
            ("SIP/2.0 200 OK\r\n", true, Verdict::No),
            ("</html>\r\nHTTP/1.1 200 OK\r\n", false, Verdict::Likely),
            ("</html>\r\nHTTP/1.1 200 OK\r\n", true, Verdict::No),
        ] {
            assert_eq!(ask(Carrier::Tcp, from_start, text), expected, "{text:?}");
        }
        assert_eq!(ask(Carrier::Udp, true, "NOTIFY * HTTP/1.1\r\n"), Verdict::Certain);
        assert_eq!(ask(Carrier::Udp, true, "GET / HTTP/1.1\r\n"), Verdict::No);
    }
}
