//! Zeek's view of a connection: `conn_state` and `history`, kept as Zeek 8 keeps them so that they come out the same.
//! The originator is Zeek's own: the sender of the first packet, unless that is a SYN-ACK.
use super::sequence;

/// What Zeek calls the state of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Inactive,
    SynSent,
    SynAckSent,
    Partial,
    Established,
    Closed,
    Reset,
}

#[derive(Clone, Debug, Default)]
struct End {
    state: State,
    seen: u8,
    started: bool,
    start: u32,
    last: u32,
    last_syn: u32,
    last_fin: u32,
    last_reset: u32,
    bytes: bool,
    retransmissions: u32,
    zero_windows: u32,
    /// Whether it was established before it closed.
    was_established: bool,
    gaps: u32,
    /// Behind the last byte in order.
    in_order: u32,
    /// Bytes behind a hole: where they start and end, in order.
    ahead: Vec<(u32, u32)>,
}

const SYN: u8 = 1;
const FIN: u8 = 2;
const RST: u8 = 4;
const DATA: u8 = 8;
const ACK: u8 = 16;
const MULTI: u8 = 32;

/// Pieces behind holes remembered of each end; Zeek remembers all.
const MAX_AHEAD: usize = 32;

/// Letters kept at most; real connections have fewer than 30.
const MAX_HISTORY: usize = 60;

/// What Zeek needs to know of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Whether Zeek's originator sent it.
    pub from_originator: bool,
    /// SYN flag.
    pub syn: bool,
    /// ACK flag.
    pub ack: bool,
    /// FIN flag.
    pub fin: bool,
    /// RST flag.
    pub rst: bool,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number; means something with ACK.
    pub acknowledgment: u32,
    /// Payload length on the wire, in bytes.
    pub length: u32,
    /// Window field.
    pub window: u16,
}

impl End {
    fn is_clean(&self) -> bool {
        self.state == State::Established || self.state == State::Closed && self.was_established
    }

    /// It sent the bytes from `start` to `end`.
    fn sent(&mut self, start: u32, end: u32) {
        if sequence::distance(self.in_order, start) > 0 {
            if self.ahead.len() < MAX_AHEAD {
                let place = self.ahead.partition_point(|(other, _)| sequence::distance(*other, start) > 0);
                self.ahead.insert(place, (start, end));
            }
        } else if sequence::distance(self.in_order, end) > 0 {
            self.in_order = end;
            self.join();
        }
    }

    /// Takes in what was behind a hole that is none any more.
    fn join(&mut self) {
        let mut in_order = self.in_order;
        self.ahead.retain(|(start, end)| {
            let joins = sequence::distance(in_order, *start) <= 0;
            if joins && sequence::distance(in_order, *end) > 0 {
                in_order = *end;
            }
            !joins
        });
        self.in_order = in_order;
    }

    /// The peer acknowledged: how many holes before that are given up.
    fn acknowledged(&mut self, ack: u32) -> u32 {
        let past_fin = self.seen & FIN != 0 && sequence::distance(self.last_fin, ack) > 0;
        let up_to = if past_fin { self.last_fin } else { ack };
        let mut gaps: u32 = 0;
        while sequence::distance(self.in_order, up_to) > 0 {
            gaps = gaps.saturating_add(1);
            self.in_order = match self.ahead.first() {
                Some((start, _)) if sequence::distance(*start, up_to) > 0 => *start,
                _ => up_to,
            };
            self.join();
        }
        gaps
    }
}

/// Zeek's record of one connection.
#[derive(Clone, Debug, Default)]
pub struct Zeek {
    ends: [End; 2],
    history: Vec<u8>,
}

impl Zeek {
    /// Marks that the roles were swapped against the direction of the first packet.
    pub fn flipped(&mut self) {
        self.history.push(b'^');
    }

    /// Takes a segment.
    pub fn segment(&mut self, seen: &Seen) {
        let [first, second] = &mut self.ends;
        let (end, peer) = if seen.from_originator { (first, second) } else { (second, first) };
        let mut letters = Letters { history: &mut self.history, upper: seen.from_originator };
        let span = seen.length.wrapping_add(u32::from(seen.syn)).wrapping_add(u32::from(seen.fin));
        let last = seen.sequence.wrapping_add(span);
        if !end.started {
            end.started = true;
            end.start = seen.sequence;
            end.last = seen.sequence;
        }
        history_of_flags(end, &mut letters, seen);
        if !seen.syn && !seen.rst && seen.window == 0 && peer.seen & FIN == 0 {
            end.zero_windows = end.zero_windows.saturating_add(1);
            letters.scaled(b'W', end.zero_windows);
        }
        if seen.syn && seen.length > 0 {
            end.retransmissions = end.retransmissions.saturating_add(1);
            letters.scaled(b'T', end.retransmissions);
        }
        let known = end.state;
        advance(end, peer, seen);
        end.was_established |= end.state == State::Established;
        peer.was_established |= peer.state == State::Established;
        if seen.syn {
            end.in_order = seen.sequence.wrapping_add(1);
            end.ahead.clear();
        }
        if seen.ack && !seen.rst {
            let clean = end.is_clean() && peer.is_clean();
            let gaps = peer.acknowledged(seen.acknowledgment);
            let mut letters = Letters { history: &mut *letters.history, upper: !seen.from_originator };
            for _ in 0..if clean { gaps } else { 0 } {
                peer.gaps = peer.gaps.saturating_add(1);
                letters.scaled(b'G', peer.gaps);
            }
        }
        if seen.length > 0 {
            end.sent(seen.sequence.wrapping_add(u32::from(seen.syn)), last.wrapping_sub(u32::from(seen.fin)));
        }
        let ahead = sequence::distance(end.last, last);
        if (seen.syn || seen.rst) && ahead.unsigned_abs() > 1_048_576
            || seen.fin && end.last == end.start.wrapping_add(1)
        {
            end.last = last;
        } else if known == State::Reset {
            // Zeek trusts no sequence number after a reset.
        } else if ahead > 0 {
            end.last = last;
        } else if seen.length > 0 {
            end.retransmissions = end.retransmissions.saturating_add(1);
            letters.scaled(b'T', end.retransmissions);
        }
        end.bytes |= seen.length > 0;
    }

    /// Zeek's `history`.
    #[must_use]
    pub fn history(&self) -> String {
        String::from_utf8_lossy(&self.history).into_owned()
    }

    /// Zeek's `conn_state`.
    #[must_use]
    pub fn conn_state(&self) -> &'static str {
        use State::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
        let [originator, responder] = &self.ends;
        let absent = |state: State| matches!(state, Inactive | Partial);
        match (originator.state, responder.state) {
            (SynSent | SynAckSent, Reset) => "REJ",
            (Reset, Reset) if !originator.bytes && !responder.bytes => "REJ",
            (state, Reset) => {
                if absent(state) {
                    "RSTRH"
                } else {
                    "RSTR"
                }
            }
            (Reset, state) if absent(state) => {
                let opened = self.history.iter().find(|letter| **letter != b'^') == Some(&b'S');
                if opened { "RSTOS0" } else { "OTH" }
            }
            (Reset, _) => "RSTO",
            (Closed, Closed) => "SF",
            (Closed, state) => {
                if absent(state) {
                    "SH"
                } else {
                    "S2"
                }
            }
            (state, Closed) => {
                if absent(state) {
                    "SHR"
                } else {
                    "S3"
                }
            }
            (SynSent, Inactive) => "S0",
            (Established, Established) => "S1",
            _ => "OTH",
        }
    }
}

struct Letters<'a> {
    history: &'a mut Vec<u8>,
    upper: bool,
}

impl Letters<'_> {
    fn add(&mut self, letter: u8) {
        if self.history.len() < MAX_HISTORY {
            self.history.push(if self.upper { letter } else { letter.to_ascii_lowercase() });
        }
    }

    /// Once, then again at the 10th, 100th, ... time.
    fn scaled(&mut self, letter: u8, count: u32) {
        if count.checked_ilog10().is_some_and(|power| 10u32.checked_pow(power) == Some(count)) {
            self.add(letter);
        }
    }

    fn once(&mut self, end: &mut End, mask: u8, letter: u8) -> bool {
        if end.seen & mask != 0 {
            return false;
        }
        end.seen |= mask;
        self.add(letter);
        true
    }
}

fn history_of_flags(end: &mut End, letters: &mut Letters<'_>, seen: &Seen) {
    match (seen.syn, seen.fin, seen.rst) {
        (false, false, false) => {
            if seen.length > 0 {
                letters.once(end, DATA, b'D');
            } else if seen.ack {
                letters.once(end, ACK, b'A');
            }
        }
        (true, false, false) => {
            let letter = if seen.ack { b'H' } else { b'S' };
            if letters.once(end, SYN, letter) {
                end.last_syn = seen.sequence;
            } else if end.last_syn != seen.sequence && !seen.ack {
                end.last_syn = seen.sequence;
                letters.add(letter);
            }
        }
        (false, true, false) => {
            let place = seen.sequence.wrapping_add(seen.length);
            if letters.once(end, FIN, b'F') {
                end.last_fin = place;
            } else if end.last_fin != place {
                end.last_fin = place;
                letters.add(b'F');
            }
        }
        (false, false, true) => {
            if letters.once(end, RST, b'R') {
                end.last_reset = seen.sequence;
            } else if end.last_reset != seen.sequence {
                end.last_reset = seen.sequence;
                letters.add(b'R');
            }
        }
        (_, true, true) => {
            letters.once(end, MULTI, b'I');
        }
        _ => {
            letters.once(end, MULTI, b'Q');
        }
    }
}

fn advance(end: &mut End, peer: &mut End, seen: &Seen) {
    match end.state {
        State::Inactive => {
            if seen.syn {
                end.state = match (seen.ack, peer.state) {
                    (true, State::SynSent) => {
                        peer.state = State::Established;
                        State::Established
                    }
                    (true, _) => State::SynAckSent,
                    // A simultaneous open.
                    (false, State::SynSent) => {
                        peer.state = State::Established;
                        State::Established
                    }
                    (false, _) => State::SynSent,
                };
            }
            if seen.fin {
                end.state = State::Closed;
            }
            if seen.rst {
                end.state = State::Reset;
            }
            if end.state == State::Inactive {
                end.state = State::Partial;
            }
        }
        State::SynSent | State::SynAckSent | State::Partial | State::Established => {
            if seen.syn && seen.ack && end.state == State::SynSent && peer.state == State::SynSent {
                end.state = State::Established;
                peer.state = State::Established;
            }
            if seen.fin {
                end.state = State::Closed;
                // A reset behind the peer's own FIN counts no more once both have closed.
                if peer.state == State::Reset && peer.seen & FIN != 0 {
                    peer.state = State::Closed;
                }
            }
            if seen.rst {
                end.state = State::Reset;
            }
        }
        // A reset after both have closed is no news.
        State::Closed => {
            if seen.rst && peer.state != State::Closed {
                end.state = State::Reset;
            }
        }
        State::Reset => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeek(script: &[(bool, &str, u32, u32)]) -> (String, &'static str) {
        let mut zeek = Zeek::default();
        for (from_originator, flags, sequence, length) in script {
            let seen = Seen {
                from_originator: *from_originator,
                syn: flags.contains('S'),
                ack: flags.contains('A'),
                fin: flags.contains('F'),
                rst: flags.contains('R'),
                sequence: *sequence,
                acknowledgment: 0,
                length: *length,
                window: 1000,
            };
            zeek.segment(&seen);
        }
        (zeek.history(), zeek.conn_state())
    }

    #[test]
    fn whole_connection() {
        let script = [
            (true, "S", 10, 0),
            (false, "SA", 50, 0),
            (true, "A", 11, 0),
            (true, "A", 11, 5),
            (false, "A", 51, 7),
            (true, "FA", 16, 0),
            (false, "FA", 58, 0),
            (true, "A", 17, 0),
        ];
        assert_eq!(zeek(&script), ("ShADdFf".into(), "SF"));
    }

    #[test]
    fn refused_silent_and_reset() {
        assert_eq!(zeek(&[(true, "S", 1, 0)]), ("S".into(), "S0"));
        assert_eq!(zeek(&[(true, "S", 1, 0), (false, "RA", 0, 0)]), ("Sr".into(), "REJ"));
        let reset = [(true, "S", 1, 0), (false, "SA", 9, 0), (true, "R", 2, 0)];
        assert_eq!(zeek(&reset), ("ShR".into(), "RSTO"));
    }

    #[test]
    fn retransmitted_data_is_noted_in_powers_of_ten() {
        let mut script = vec![(true, "A", 1, 5)];
        script.extend(std::iter::repeat_n((true, "A", 1, 5), 10));
        assert_eq!(zeek(&script).0, "DTT");
    }
}
