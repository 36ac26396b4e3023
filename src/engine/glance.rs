//! What is open now, put together from the workers' tables for a display. Bounded: of each shard so many flows are looked at
//! (`limits::GLANCE_*`), whatever their number, and so many of each kind are handed on.
//!
//! What a connection carried lately is the difference to what it had carried a second or two ago, which is remembered for the
//! flows that were looked at. Nothing is counted per packet for it. A connection that was idle for long among thousands of
//! busy ones is known as busy from the second look on.
use std::cmp::Reverse;

use hashbrown::HashMap;

use super::consumer::Outlet;
use crate::{
    flow::{Consumer, Open, Table},
    limits,
    record::{Capture, FlowId, Glance, OpenConnection, OpenExchange, OpenFlows, TcpState, Timestamp},
};

/// What flows carry is compared over at least this time, in nanoseconds, and at most over twice as much.
const WINDOW_NS: i64 = 1_000_000_000;

/// What the reader knows of a run at a moment.
pub struct Base {
    /// When.
    pub now: Timestamp,
    /// The captures so far.
    pub captures: Vec<Capture>,
}

/// One worker's part of what is open.
#[derive(Default)]
pub struct Piece {
    window_ns: i64,
    open: OpenFlows,
    newest: Vec<OpenConnection>,
    busiest: Vec<OpenConnection>,
    underway: Vec<OpenExchange>,
}

impl Base {
    /// The whole of it.
    pub fn with(&self, pieces: impl IntoIterator<Item = Piece>) -> Glance {
        let mut all = Piece::default();
        for piece in pieces {
            all.window_ns = all.window_ns.max(piece.window_ns);
            all.open.tcp += piece.open.tcp;
            all.open.udp += piece.open.udp;
            all.open.other += piece.open.other;
            all.newest.extend(piece.newest);
            all.busiest.extend(piece.busiest);
            all.underway.extend(piece.underway);
        }
        all.cut();
        let Piece { window_ns, open, newest, busiest, underway } = all;
        Glance { now: self.now, captures: self.captures.clone(), open, newest, busiest, window_ns, underway }
    }
}

impl Piece {
    /// Takes a connection in.
    fn connection(&mut self, connection: OpenConnection) {
        self.newest.push(connection.clone());
        self.busiest.push(connection);
        // Sorted now and then, so that most of what is offered is dropped soon.
        if self.busiest.len() >= limits::GLANCE_ROWS * 4 {
            self.cut();
        }
    }

    /// Keeps the best of each, in order. The order is total: it does not depend on how many workers there were.
    fn cut(&mut self) {
        self.newest.sort_unstable_by_key(|connection| Reverse((connection.start_ts, connection.flow)));
        self.newest.truncate(limits::GLANCE_ROWS);
        self.busiest.sort_unstable_by_key(|connection| {
            let sum = |bytes: [u64; 2]| bytes[0].saturating_add(bytes[1]);
            let recent = connection.recent_bytes.map_or(0, sum);
            (Reverse(recent), is_over(connection), Reverse(sum(connection.bytes)), connection.flow)
        });
        self.busiest.truncate(limits::GLANCE_ROWS);
        self.underway.sort_unstable_by_key(|exchange| (exchange.underway.since(), exchange.flow));
        self.underway.truncate(limits::GLANCE_ROWS);
    }
}

/// Whether it is only open for late packets.
fn is_over(connection: &OpenConnection) -> bool {
    let over = |now: &crate::record::StateNow| matches!(now.state, Some(TcpState::Closed | TcpState::TimeWait));
    connection.states.iter().all(over)
}

/// What the flows that were looked at had carried, at two moments: the later one takes the earlier one's place in time.
#[derive(Default)]
pub struct Window {
    earlier: Remembered,
    later: Remembered,
}

#[derive(Default)]
struct Remembered {
    at: Option<Timestamp>,
    bytes: HashMap<FlowId, [u64; 2], foldhash::fast::RandomState>,
}

impl Window {
    /// One worker's part of what is open at `now`.
    pub fn look(&mut self, now: Timestamp, tables: &mut [Table<Outlet>], outlet: &Outlet) -> Piece {
        let due = self.later.at.is_none_or(|at| now.since(at).saturating_abs() >= WINDOW_NS);
        let mut seen = Remembered { at: Some(now), ..Remembered::default() };
        let mut piece = Piece {
            window_ns: self.earlier.at.or(self.later.at).map_or(0, |at| now.since(at).max(0)),
            ..Piece::default()
        };
        for table in tables {
            let open = table.open_by_kind();
            piece.open.tcp += open.tcp;
            piece.open.udp += open.udp;
            piece.open.other += open.other;
            table.glance(&mut |flow: &Open<'_, _>| {
                if let Some(mut connection) = flow.connection.clone() {
                    if due {
                        seen.bytes.insert(connection.flow, connection.bytes);
                    }
                    connection.application = outlet.application(flow.conversation);
                    connection.recent_bytes = self.recent(&connection);
                    piece.connection(connection);
                }
                let underway = flow.conversation.underway();
                let waits = underway.is_some();
                piece.underway.extend(underway.map(|underway| OpenExchange {
                    flow: flow.facts.id,
                    client: flow.facts.client,
                    server: flow.facts.server,
                    underway,
                }));
                waits
            });
        }
        piece.cut();
        if due {
            self.earlier = std::mem::replace(&mut self.later, seen);
        }
        piece
    }

    /// What a connection carried since the earlier of the two moments at which it was looked at.
    fn recent(&self, connection: &OpenConnection) -> Option<[u64; 2]> {
        let since = self.earlier.at.or(self.later.at)?;
        if connection.start_ts > since {
            return Some(connection.bytes);
        }
        let before = self.earlier.bytes.get(&connection.flow).or_else(|| self.later.bytes.get(&connection.flow))?;
        Some([0, 1].map(|side: usize| connection.bytes[side].saturating_sub(before[side])))
    }
}
