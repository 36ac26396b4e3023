//! The keep-alive race: one side closes an idle connection while the other one uses it again. What has to be remembered of
//! silences and of data behind a FIN to tell it.
use super::{connection::Connection, segment::Segment, sequence::before};
use crate::record::{Direction, PacketNumber, Side, Timestamp};

/// A silence from this length on, in nanoseconds, makes a connection idle. The shortest idle timeouts in use are a second
/// or two.
const IDLE_NS: i64 = 900_000_000;

/// A TLS alert record with its header, encrypted ones included: with a CBC cipher and a SHA-384 MAC.
const LONGEST_ALERT: u32 = 5 + 16 + 64;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// The last payload of either direction, and whose it was.
    last_data: Option<(Side, Timestamp)>,
    /// How long no data had been on their way when the first FIN or RST came, in nanoseconds.
    idle_before_close_ns: Option<i64>,
    last_use: Option<Box<Use>>,
    fin_at: Option<Timestamp>,
}

/// The last time a side began to send when everything before had been answered: a request, as a rule.
#[derive(Clone, Copy, Debug)]
struct Use {
    side: Side,
    packet: PacketNumber,
    ts: Timestamp,
    sequence_number: u32,
    /// Since the data before it, in nanoseconds.
    idle_ns: i64,
    /// It acknowledged the other side's FIN: its sender's host knew that there would be no answer.
    knew: bool,
}

/// A race that the other side lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Race {
    /// Who closed.
    pub closer: Side,
    /// The data that were lost.
    pub data: PacketNumber,
    /// How long after the FIN they passed the capture, in nanoseconds: less than zero when they crossed a FIN that was
    /// still on its way. None when no FIN was captured.
    pub after_fin_ns: Option<i64>,
    /// How long the connection had been idle when it was closed, in nanoseconds, or when it was used again, if there was
    /// no FIN.
    pub idle_ns: Option<i64>,
}

impl Connection {
    /// Remembers what `segment` says of silences. Before anything else is concluded from it.
    #[inline]
    pub(super) fn watch(&mut self, segment: &Segment<'_>, direction: Direction) {
        let flags = segment.header.flags;
        if flags.fin() || flags.rst() {
            self.watch_end(segment);
        }
        if segment.length == 0 || flags.syn() || flags.rst() {
            return;
        }
        let (side, ts) = (direction.sender(), segment.at.timestamp);
        let sequence_number = segment.header.sequence_number;
        let own = self.end(side);
        // A keep-alive's byte and what is sent again are no use of the connection.
        if own.next.is_some_and(|next| before(sequence_number, next)) {
            return;
        }
        let previous = self.activity.last_data.replace((side, ts));
        let own = self.end(side);
        if own.fin.is_none()
            && own.unacknowledged() == 0
            && previous.is_none_or(|(sender, last)| sender != side || ts.since(last) >= IDLE_NS)
            && !is_farewell(segment)
        {
            let idle_ns = previous.map_or(0, |(_, last)| ts.since(last).max(0));
            let fin = self.end(side.other()).fin;
            let knew = fin.zip(segment.acknowledged()).is_some_and(|(fin, ack)| before(fin, ack));
            let this = Use { side, packet: segment.at.number, ts, sequence_number, idle_ns, knew };
            match &mut self.activity.last_use {
                Some(last) => **last = this,
                none => *none = Some(Box::new(this)),
            }
        }
    }

    #[cold]
    fn watch_end(&mut self, segment: &Segment<'_>) {
        let ts = segment.at.timestamp;
        let idle_ns = self.activity.last_data.map(|(_, last)| ts.since(last).max(0));
        self.activity.idle_before_close_ns = self.activity.idle_before_close_ns.or(idle_ns);
        if segment.header.flags.fin() {
            self.activity.fin_at.get_or_insert(ts);
        }
    }

    /// The race that ended this connection, if one did.
    pub(super) fn race(&self) -> Option<Race> {
        let closer = self.reset_by?;
        let lost = self.activity.last_use.as_deref().filter(|last| last.side == closer.other())?;
        // What the closer's host had taken was lost in another way.
        if self.end(lost.side).acknowledged.is_some_and(|acknowledged| before(lost.sequence_number, acknowledged)) {
            return None;
        }
        let data = lost.packet;
        if self.end(closer).fin.is_none() {
            // Who closes itself waits for no answer.
            if self.end(lost.side).fin.is_some() {
                return None;
            }
            let idle_ns = Some(lost.idle_ns).filter(|idle| *idle >= IDLE_NS)?;
            return Some(Race { closer, data, after_fin_ns: None, idle_ns: Some(idle_ns) });
        }
        let after_fin_ns = self.activity.fin_at.map(|fin| lost.ts.since(fin))?;
        let idle_ns = self.idle_before_close_ns();
        // Last words to somebody who has just said goodbye: TLS's alert, QUIT, unbind. Nobody misses them.
        if lost.knew && idle_ns.is_none_or(|idle| idle < IDLE_NS) {
            return None;
        }
        Some(Race { closer, data, after_fin_ns: Some(after_fin_ns), idle_ns })
    }

    /// How long no data had been on their way when the first FIN or RST came, in nanoseconds. A request that crossed the
    /// FIN was no news to its sender.
    pub(super) fn idle_before_close_ns(&self) -> Option<i64> {
        let idle_ns = self.activity.idle_before_close_ns?;
        let crossed = self.activity.last_use.as_deref().zip(self.activity.fin_at).filter(|(last, fin)| {
            let acknowledged = self.end(last.side).acknowledged;
            last.ts <= *fin && acknowledged.is_none_or(|acknowledged| !before(last.sequence_number, acknowledged))
        });
        Some(crossed.map_or(idle_ns, |(last, fin)| last.idle_ns.saturating_add(fin.since(last.ts))))
    }
}

/// Whether the segment only takes leave: data together with a FIN, or what looks like TLS's `close_notify`, which nobody
/// misses.
fn is_farewell(segment: &Segment<'_>) -> bool {
    let is_alert = matches!(segment.payload, [21, 3, 0..=4, ..]) && segment.length <= LONGEST_ALERT;
    // In TLS 1.3 an alert looks like data of 19 bytes behind the record's header (RFC 9846 5.2).
    let is_hidden_alert = matches!(segment.payload, [23, 3, _, 0, 19, ..]) && segment.length == 24;
    segment.header.flags.fin() || is_alert || is_hidden_alert
}
