//! CONNECTION_CLOSE: what its error code means (RFC 9000, section 20).
use super::frames::Frame;
use crate::record::CarrierEvent;

/// Codes that carry a TLS alert in their low byte (RFC 9001, section 4.8).
const CRYPTO_ERRORS: std::ops::RangeInclusive<u64> = 0x0100..=0x01ff;

/// Characters of the sender's own words that are passed on.
const MAX_REASON_CHARACTERS: usize = 200;

/// What to tell the reader of the CRYPTO stream; null for other frames.
pub fn event(frame: &Frame<'_>) -> Option<CarrierEvent> {
    let Frame::ConnectionClose { code, by_application, reason } = *frame else { return None };
    let alert = u8::try_from(code & 0xff).ok().filter(|_| !by_application && CRYPTO_ERRORS.contains(&code));
    Some(
        alert.map_or_else(|| CarrierEvent::Closed { reason: words(code, by_application, reason) }, CarrierEvent::Alert),
    )
}

fn words(code: u64, by_application: bool, reason: &[u8]) -> String {
    let said: String = String::from_utf8_lossy(reason).chars().take(MAX_REASON_CHARACTERS).collect();
    let mut words = match error(code).filter(|_| !by_application) {
        Some(name) => name.to_owned(),
        None if by_application => format!("the application's error 0x{code:x}"),
        None => format!("the transport's error 0x{code:x}"),
    };
    if !said.is_empty() {
        words.push_str(&format!(", in its words `{said}`"));
    }
    words
}

/// IANA's name of a transport error.
fn error(code: u64) -> Option<&'static str> {
    Some(match code {
        0x00 => "NO_ERROR",
        0x01 => "INTERNAL_ERROR",
        0x02 => "CONNECTION_REFUSED",
        0x03 => "FLOW_CONTROL_ERROR",
        0x04 => "STREAM_LIMIT_ERROR",
        0x05 => "STREAM_STATE_ERROR",
        0x06 => "FINAL_SIZE_ERROR",
        0x07 => "FRAME_ENCODING_ERROR",
        0x08 => "TRANSPORT_PARAMETER_ERROR",
        0x09 => "CONNECTION_ID_LIMIT_ERROR",
        0x0a => "PROTOCOL_VIOLATION",
        0x0b => "INVALID_TOKEN",
        0x0c => "APPLICATION_ERROR",
        0x0d => "CRYPTO_BUFFER_EXCEEDED",
        0x0e => "KEY_UPDATE_ERROR",
        0x0f => "AEAD_LIMIT_REACHED",
        0x10 => "NO_VIABLE_PATH",
        // RFC 9368.
        0x11 => "VERSION_NEGOTIATION_ERROR",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_and_other_reasons() {
        let close = |code, by_application, reason: &'static [u8]| {
            event(&Frame::ConnectionClose { code, by_application, reason }).unwrap()
        };
        assert_eq!(close(0x012a, false, b"bad certificate"), CarrierEvent::Alert(42));
        let closed = |code, by_application, reason| match close(code, by_application, reason) {
            CarrierEvent::Closed { reason } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(closed(0x02, false, b"busy"), "CONNECTION_REFUSED, in its words `busy`");
        assert_eq!(closed(0x0100, true, b""), "the application's error 0x100");
        assert_eq!(closed(0x0200, false, b""), "the transport's error 0x200");
        assert_eq!(event(&Frame::HandshakeDone), None);
    }
}
