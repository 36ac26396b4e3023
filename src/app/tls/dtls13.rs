//! What DTLS 1.3 writes in another way (RFC 9147): the unified header, epochs of which two bits are sent, connection ids
//! whose length only the hellos tell, and acknowledgments.
use super::{
    extensions::Extensions,
    parser::{self, kind},
};
use crate::record::Direction;

/// Extension type (RFC 9146 3), and the number it had before, of drafts that are still spoken.
const CONNECTION_ID: u16 = 54;
const CONNECTION_ID_OLD: u16 = 53;

/// Epochs (RFC 9147 6.1).
pub(super) const EARLY: u64 = 1;
pub(super) const HANDSHAKE: u64 = 2;
pub(super) const APPLICATION: u64 = 3;

/// Whether a version has records as RFC 9147 describes them: itself, and its drafts since the header took its form.
pub(super) fn is_dtls13(version: u16) -> bool {
    matches!(version, 0xfefc | 0x7f22..=0x7f2b)
}

/// Whether a byte begins a record with the unified header (RFC 9147 4): 001CSLEE.
pub(super) fn is_unified(byte: u8) -> bool {
    byte >> 5 == 0b001
}

/// A record with the unified header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unified<'a> {
    /// The low two bits of the epoch.
    pub(super) epoch_bits: u8,
    /// Where the record number is in the header: behind the connection id.
    pub(super) number_at: usize,
    /// Bytes of the record number that are sent: 1 or 2.
    pub(super) number_bytes: usize,
    /// The header as it was sent, with the record number encrypted.
    pub(super) header: &'a [u8],
    /// The ciphertext.
    pub(super) fragment: &'a [u8],
}

/// Reads a record with the unified header, and what follows it. `connection_id` is the length of connection ids in this
/// direction. Null when it has one and that length is not known, or when it is cut.
pub(super) fn unified(bytes: &[u8], connection_id: Option<usize>) -> Option<(Unified<'_>, &[u8])> {
    let flags = bytes.first().copied().filter(|flags| is_unified(*flags))?;
    let id_bytes = if flags & 0b1_0000 != 0 { connection_id? } else { 0 };
    let number_bytes = if flags & 0b1000 != 0 { 2 } else { 1 };
    let has_length = flags & 0b100 != 0;
    let number_at = id_bytes.checked_add(1)?;
    let length_at = number_at.checked_add(number_bytes)?;
    let (header, rest) = bytes.split_at_checked(length_at.checked_add(if has_length { 2 } else { 0 })?)?;
    let length = match header.get(length_at..)? {
        [] => rest.len(),
        length => length.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte)),
    };
    let (fragment, after) = rest.split_at_checked(length)?;
    Some((Unified { epoch_bits: flags & 0b11, number_at, number_bytes, header, fragment }, after))
}

/// The epoch that two bits stand for, when `latest` is the latest one seen: the greatest that is not more than one ahead,
/// since a peer goes on only after the other one knows; if there is none, the least one ahead. Epoch 0 is never encrypted.
pub(super) fn epoch(latest: u64, bits: u8) -> u64 {
    let bits = u64::from(bits & 0b11);
    let most = latest.saturating_add(1);
    let behind = most.wrapping_sub(bits) & 0b11;
    match most.checked_sub(behind) {
        Some(epoch) if epoch > 0 => epoch,
        _ => most.saturating_add((bits.wrapping_sub(most)) & 0b11),
    }
}

/// The number whose low `bits` bits are `low`, nearest to the one expected (RFC 9147 4.2.2).
pub(super) fn number(expected: u64, low: u64, bits: u32) -> u64 {
    let range = 1_u64 << bits.min(32);
    let same = (expected & !range.wrapping_sub(1)) | low;
    let nearest = |candidates: [Option<u64>; 3]| {
        candidates.into_iter().flatten().min_by_key(|candidate| candidate.abs_diff(expected))
    };
    nearest([Some(same), same.checked_add(range), same.checked_sub(range)]).unwrap_or(same)
}

/// Lengths of connection ids, as both hellos tell them (RFC 9146 3). Who sends the extension says what it wants to receive.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ConnectionIds {
    /// What each side wants to receive, the flow's client first.
    wanted: [Option<usize>; 2],
    client: Option<Direction>,
    answered: bool,
}

impl ConnectionIds {
    /// Takes a handshake message; looks at hellos.
    pub(super) fn message(&mut self, direction: Direction, kind: u8, body: &[u8]) {
        let extensions = match kind {
            kind::CLIENT_HELLO => {
                let Ok((_, hello)) = parser::client_hello(body, true) else { return };
                *self = Self { client: Some(direction), ..Self::default() };
                hello.extensions
            }
            kind::SERVER_HELLO => {
                let Ok((_, hello)) = parser::server_hello(body) else { return };
                if hello.is_hello_retry_request() {
                    return;
                }
                self.answered = true;
                hello.extensions
            }
            _ => return,
        };
        if let Some(wanted) = self.wanted.get_mut(direction.index()) {
            *wanted = length(extensions);
        }
    }

    /// Bytes of connection ids in records of a direction; null when they were not agreed on, or the hellos not seen.
    pub(super) fn length(&self, direction: Direction) -> Option<usize> {
        // A client may use them with early data only, which nobody does.
        let agreed = self.answered && (self.client.is_none() || self.wanted.iter().all(Option::is_some));
        self.wanted.get(direction.reverse().index()).copied().flatten().filter(|_| agreed)
    }
}

fn length(extensions: Extensions<'_>) -> Option<usize> {
    let body = extensions.find(CONNECTION_ID).or_else(|| extensions.find(CONNECTION_ID_OLD))?;
    body.first().map(|length| usize::from(*length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_forms_of_the_unified_header() {
        // RFC 9147 figure 4: full with connection id, and the least one.
        let full = [0b0011_1110, 9, 8, 7, 0x12, 0x34, 0, 2, 0xaa, 0xbb, 0x2e];
        let (record, rest) = unified(&full, Some(3)).unwrap();
        assert_eq!((record.epoch_bits, record.number_at, record.number_bytes), (2, 4, 2));
        assert_eq!((record.header, record.fragment, rest), (&full[..8], &[0xaa, 0xbb][..], &[0x2e][..]));
        assert_eq!(unified(&full, None), None);
        let (record, rest) = unified(&[0b0010_0011, 5, 1, 2, 3], None).unwrap();
        assert_eq!((record.epoch_bits, record.number_at, record.number_bytes), (3, 1, 1));
        assert_eq!((record.header.len(), record.fragment, rest), (2, &[1, 2, 3][..], &[][..]));
        // Cut, and no unified header at all.
        assert_eq!(unified(&full[..9], Some(3)), None);
        assert_eq!(unified(&[22, 0xfe, 0xfd], None), None);
    }

    #[test]
    fn two_bits_tell_the_epoch() {
        for (latest, bits, expected) in [
            (0, 1, 1),
            (0, 2, 2),
            (0, 3, 3),
            (0, 0, 4),
            (2, 2, 2),
            (2, 3, 3),
            (2, 1, 1),
            (3, 3, 3),
            (3, 0, 4),
            (3, 2, 2),
            (4, 1, 5),
            (5, 0, 4),
            (5, 3, 3),
            (7, 0, 8),
        ] {
            assert_eq!(epoch(latest, bits), expected, "{latest} {bits}");
        }
    }

    #[test]
    fn numbers_are_the_nearest() {
        assert_eq!(number(0, 5, 8), 5);
        assert_eq!(number(250, 2, 8), 258);
        assert_eq!(number(258, 250, 8), 250);
        assert_eq!(number(0x1_0000, 0xffff, 16), 0xffff);
        assert_eq!(number(0xffff, 0, 16), 0x1_0000);
        assert_eq!(number(0, 255, 8), 255);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60), id in proptest::option::of(0..300_usize)) {
            if let Some((record, rest)) = unified(&bytes, id) {
                prop_assert_eq!(record.header.len() + record.fragment.len() + rest.len(), bytes.len());
                prop_assert!(record.number_at + record.number_bytes <= record.header.len());
            }
        }

        #[test]
        fn any_epoch_and_number(latest in any::<u64>(), bits in 0..4_u8, low in any::<u16>()) {
            prop_assume!(latest < u64::MAX - 8);
            let found = epoch(latest, bits);
            prop_assert!(found > 0 && found % 4 == u64::from(bits) && found <= latest + 4);
            prop_assert_eq!(number(latest, low.into(), 16) & 0xffff, u64::from(low));
            prop_assert!(number(latest, low.into(), 16).abs_diff(latest) <= 0x1_0000);
        }
    }
}
