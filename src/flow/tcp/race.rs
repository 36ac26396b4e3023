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
    /// The last payload of either direction.
    last_data: Option<Timestamp>,
    /// How long no data had been on their way when the first FIN or RST came, in nanoseconds.
    pub idle_before_close_ns: Option<i64>,
    /// Data that came after a silence, while nobody has answered them.
    resumed: Option<Box<Data>>,
    /// The first data a side sent behind the other one's FIN.
    behind_fin: Option<Box<Data>>,
    fin_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Data {
    side: Side,
    packet: PacketNumber,
    ts: Timestamp,
    sequence_number: u32,
    idle_ns: i64,
}

/// A race that the other side lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Race {
    /// Who closed.
    pub closer: Side,
    /// The data that were lost.
    pub data: PacketNumber,
    /// How long after the FIN they were sent, in nanoseconds; none when no FIN was captured.
    pub after_fin_ns: Option<i64>,
    /// How long the connection had been idle when it was closed, in nanoseconds, or when it was used again, if there was
    /// no FIN.
    pub idle_ns: Option<i64>,
}

impl Connection {
    /// Remembers what `segment` says of silences. Before anything else is concluded from it.
    pub(super) fn watch(&mut self, segment: &Segment<'_>, direction: Direction) {
        let (side, flags, ts) = (direction.sender(), segment.header.flags, segment.at.timestamp);
        let is_end = flags.fin() || flags.rst();
        if segment.length == 0 && !is_end && self.activity.resumed.is_none() {
            return;
        }
        if is_end && self.activity.idle_before_close_ns.is_none() {
            self.activity.idle_before_close_ns = self.activity.last_data.map(|last| ts.since(last).max(0));
        }
        if flags.fin() {
            self.activity.fin_at.get_or_insert(ts);
        }
        let answers = |data: &Data| {
            data.side != side
                && !flags.rst()
                && segment.acknowledged().is_some_and(|ack| before(data.sequence_number, ack))
        };
        if self.activity.resumed.as_deref().is_some_and(answers) {
            self.activity.resumed = None;
        }
        // A keep-alive's byte and what is sent again are no use of the connection.
        let is_new = self.end(side).next.is_none_or(|next| !before(segment.header.sequence_number, next));
        if segment.length == 0 || !is_new || flags.syn() || flags.rst() {
            return;
        }
        let idle_ns = self.activity.last_data.map_or(0, |last| ts.since(last));
        let sequence_number = segment.header.sequence_number;
        let data = Data { side, packet: segment.at.number, ts, sequence_number, idle_ns };
        if self.end(side.other()).fin.is_some() && self.end(side).fin.is_none() && !is_farewell(segment) {
            self.activity.behind_fin.get_or_insert_with(|| Box::new(data));
        } else if idle_ns >= IDLE_NS && self.activity.resumed.is_none() {
            self.activity.resumed = Some(Box::new(data));
        }
        self.activity.last_data = Some(ts);
    }

    /// The race that ended this connection, if one did.
    pub(super) fn race(&self) -> Option<Race> {
        let closer = self.reset_by?;
        let idle_ns = self.activity.idle_before_close_ns;
        let is_theirs = |data: &&Data| data.side == closer.other();
        if self.end(closer).fin.is_some() {
            let data = self.activity.behind_fin.as_deref().filter(is_theirs)?;
            let after_fin_ns = self.activity.fin_at.map(|fin| data.ts.since(fin));
            return Some(Race { closer, data: data.packet, after_fin_ns, idle_ns });
        }
        let data = self.activity.resumed.as_deref().filter(is_theirs)?;
        Some(Race { closer, data: data.packet, after_fin_ns: None, idle_ns: Some(data.idle_ns) })
    }
}

/// Whether the segment only takes leave: data together with a FIN, or what looks like TLS's `close_notify`, which nobody
/// misses.
fn is_farewell(segment: &Segment<'_>) -> bool {
    let is_alert = matches!(segment.payload, [21, 3, 0..=4, ..]) && segment.length <= LONGEST_ALERT;
    // In TLS 1.3 an alert looks like data of 19 bytes behind the record's header (RFC 9846 5.2).
    let is_hidden_alert = matches!(segment.payload, [23, 3, 3, 0, 19, ..]) && segment.length == 24;
    segment.header.flags.fin() || is_alert || is_hidden_alert
}
