//! TCP's numbers as people read them: relative to where each side began, windows as scaled as they were agreed on.
//!
//! This is for one line a packet only; what a connection's numbers mean is for `flow::tcp`.
use std::collections::HashMap;

use crate::{
    limits::MAX_RELATIVE_FLOWS,
    record::{FlowKey, Transport},
    wire::{Decoded, TcpNumbers, TcpOption, TransportHeader},
};

/// What is known of one side of a connection.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// The number that is shown as 0.
    base: Option<u32>,
    /// Its SYN, with the shift of the window scale option in it.
    syn: Option<(u32, Option<u8>)>,
}

/// Both sides of every connection, the one with the lower endpoint first.
#[derive(Debug, Default)]
pub struct Relative {
    connections: HashMap<FlowKey, [Side; 2]>,
}

impl Relative {
    /// The numbers of a segment, for the line about it. `None` when it is none, or when too many connections are kept:
    /// then numbers are as on the wire.
    pub fn numbers(&mut self, decoded: &Decoded, bytes: &[u8]) -> Option<TcpNumbers> {
        if decoded.transport != TransportHeader::Tcp {
            return None;
        }
        let header = decoded.tcp_header(bytes)?;
        let (source, destination) = decoded.endpoints(bytes)?;
        let key = FlowKey::new(Transport::Tcp, source, destination);
        if self.connections.len() >= MAX_RELATIVE_FLOWS && !self.connections.contains_key(&key) {
            return None;
        }
        let sides = self.connections.entry(key).or_default();
        if source > destination {
            sides.swap(0, 1);
        }
        let [own, other] = &mut *sides;
        if header.flags.syn() {
            let shift = decoded.tcp_options(bytes).find_map(|option| match option {
                TcpOption::WindowScale(shift) => Some(shift.min(14)),
                _ => None,
            });
            if own.syn.is_some_and(|(number, _)| number != header.sequence_number) && !header.flags.ack() {
                // The ports are used again.
                *other = Side::default();
            }
            own.base = Some(header.sequence_number);
            own.syn = Some((header.sequence_number, shift));
        }
        // Without a SYN, what is seen first is shown as 1.
        let base = *own.base.get_or_insert(header.sequence_number.wrapping_sub(1));
        let mut acknowledged = 0;
        if header.flags.ack() {
            acknowledged = *other.base.get_or_insert(header.acknowledgment_number.wrapping_sub(1));
        }
        let shift = match (own.syn, other.syn) {
            // Windows in segments with SYN are never scaled, and both sides must have agreed (RFC 7323 section 2.2).
            (Some((_, Some(shift))), Some((_, Some(_)))) if !header.flags.syn() => shift,
            _ => 0,
        };
        if source > destination {
            sides.swap(0, 1);
        }
        Some(TcpNumbers {
            sequence_base: base,
            acknowledgment_base: acknowledged,
            window: u32::from(header.window) << shift,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::LinkType, wire};

    /// An Ethernet frame with a segment from port 1 to port 2, or back.
    fn segment(back: bool, flags: u8, numbers: (u32, u32), window: u16, shift: Option<u8>) -> Vec<u8> {
        let mut bytes = vec![0; 12];
        bytes.extend([8, 0, 0x45, 0, 0, if shift.is_some() { 44 } else { 40 }, 0, 0, 0, 0, 64, 6, 0, 0]);
        let (from, to) = if back { (2, 1) } else { (1, 2) };
        bytes.extend([10, 0, 0, from, 10, 0, 0, to, 0, from, 0, to]);
        bytes.extend(numbers.0.to_be_bytes());
        bytes.extend(numbers.1.to_be_bytes());
        bytes.extend([if shift.is_some() { 0x60 } else { 0x50 }, flags]);
        bytes.extend(window.to_be_bytes());
        bytes.extend([0, 0, 0, 0]);
        bytes.extend(shift.map(|shift| [3, 3, shift, 0]).unwrap_or_default().iter().take(if shift.is_some() {
            4
        } else {
            0
        }));
        bytes
    }

    fn line(relative: &mut Relative, bytes: &[u8]) -> String {
        let decoded = wire::decode(LinkType::ETHERNET, bytes, bytes.len() as u32);
        let numbers = relative.numbers(&decoded, bytes);
        wire::summary_with(&decoded, bytes, numbers)
    }

    #[test]
    fn a_handshake_counts_from_zero_and_scales_windows() {
        let mut relative = Relative::default();
        let all = [
            (segment(false, 2, (u32::MAX, 0), 1000, Some(7)), "1 → 2 [SYN] Seq=0 Win=1000 Len=0 WS=128"),
            (segment(true, 18, (500, 0), 2000, Some(2)), "2 → 1 [SYN, ACK] Seq=0 Ack=1 Win=2000 Len=0 WS=4"),
            (segment(false, 16, (0, 501), 10, None), "1 → 2 [ACK] Seq=1 Ack=1 Win=1280 Len=0"),
            // The ports again, with other numbers and no scale.
            (segment(false, 2, (7000, 0), 1000, None), "1 → 2 [SYN] Seq=0 Win=1000 Len=0"),
            (segment(true, 18, (900, 7001), 2000, None), "2 → 1 [SYN, ACK] Seq=0 Ack=1 Win=2000 Len=0"),
        ];
        for (bytes, expected) in all {
            assert_eq!(line(&mut relative, &bytes), expected);
        }
    }

    #[test]
    fn without_a_syn_the_first_number_is_one() {
        let mut relative = Relative::default();
        let expected = "2 → 1 [ACK] Seq=1 Ack=1 Win=10 Len=0";
        assert_eq!(line(&mut relative, &segment(true, 16, (5_000, 77), 10, None)), expected);
        let expected = "1 → 2 [ACK] Seq=1 Ack=3 Win=10 Len=0";
        assert_eq!(line(&mut relative, &segment(false, 16, (77, 5_002), 10, None)), expected);
    }
}
