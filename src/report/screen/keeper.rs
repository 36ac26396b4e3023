//! What the screen remembers between looks, in bounded memory, and the view it makes of it: text with meaning, without a size.
use std::collections::VecDeque;

use hashbrown::HashMap;

use super::{
    Source,
    panes::{self, Listed, Row},
};
use crate::{
    limits,
    record::{Capture, FlowId, Glance, OpenFlows, Record, RecordKind, Timestamp, Wanted},
    report::{
        escape::escape,
        summary::{Cell, Column, Problems, Style},
        units,
    },
};

const SECOND_NS: i64 = 1_000_000_000;
/// Rates are taken over at least this time.
const RATE_NS: i64 = SECOND_NS;
/// Seconds of which the rate is remembered for the little chart.
const HISTORY: usize = 120;
/// A wire is called silent when nothing came for this time.
const SILENT_NS: i64 = 2 * SECOND_NS;
/// A clock that jumps by more than this was set; the chart does not draw the gap.
const JUMP_NS: i64 = HISTORY as i64 * SECOND_NS;

/// Panes of a view.
pub(super) const PANES: usize = 6;

/// What is to be seen at a moment. Everything from the wire is escaped.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub(super) interfaces: Vec<String>,
    pub(super) filters: Vec<String>,
    /// Since the first look, in nanoseconds.
    pub(super) lasted_ns: i64,
    /// Since the last packet came, in nanoseconds, where that is long.
    pub(super) silent_ns: Option<i64>,
    pub(super) packets: u64,
    pub(super) wire_bytes: u64,
    /// Packets and bytes a second.
    pub(super) rate: Option<(u64, u64)>,
    pub(super) open: OpenFlows,
    /// Bytes of each second, the latest last.
    pub(super) history: Vec<u64>,
    /// What each interface counted.
    pub(super) counts: Vec<Vec<Cell>>,
    /// What went wrong with capturing.
    pub(super) warnings: Vec<Cell>,
    pub(super) panes: Vec<Pane>,
}

/// A part of the screen.
#[derive(Clone, Debug, Default)]
pub(super) struct Pane {
    pub title: &'static str,
    /// What stands beside the title.
    pub beside: Vec<Cell>,
    /// What the rows are sorted by.
    pub order: &'static str,
    pub columns: &'static [Column],
    pub rows: Vec<Vec<Cell>>,
    /// Whether it is shown, title only, while it has no rows.
    pub stays: bool,
    /// The lower, the longer it stays where there is little room.
    pub rank: u8,
}

/// Rows of what is complete, the latest in front.
#[derive(Default)]
struct Ring {
    rows: VecDeque<(Timestamp, Row)>,
    /// Rows made since the last look.
    fresh: usize,
    total: u64,
}

impl Ring {
    fn add(&mut self, at: Timestamp, make: impl FnOnce() -> Row) {
        self.total += 1;
        if self.fresh >= limits::SCREEN_ROWS_AT_ONCE {
            return;
        }
        self.fresh += 1;
        self.rows.push_front((at, make()));
        self.rows.truncate(limits::SCREEN_ROWS);
    }
}

/// The names by which clients called the servers of their connections.
#[derive(Default)]
struct Names {
    names: HashMap<FlowId, String, foldhash::fast::RandomState>,
    order: VecDeque<FlowId>,
}

impl Names {
    fn add(&mut self, flow: FlowId, name: &str) {
        if self.names.contains_key(&flow) {
            return;
        }
        if self.order.len() >= limits::SCREEN_NAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        self.order.push_back(flow);
        self.names.insert(flow, name.chars().take(panes::MAX_NAME_CHARACTERS).collect());
    }
}

/// How much had come at a moment.
#[derive(Clone, Copy, Default)]
struct Count {
    at: Timestamp,
    packets: u64,
    bytes: u64,
}

/// Gathers what happens.
pub(super) struct Keeper {
    source: Source,
    wanted: Wanted,
    began: Option<Timestamp>,
    now: Timestamp,
    /// When packets came last.
    moved: Option<Timestamp>,
    counts: VecDeque<Count>,
    /// By interface: when, and how many packets it had received.
    received: HashMap<String, VecDeque<(Timestamp, u64)>, foldhash::fast::RandomState>,
    history: VecDeque<u64>,
    /// The second of which the history's last entry is, and what had come when it began.
    second: Option<(i64, u64)>,
    names: Names,
    tls: Ring,
    dns: Ring,
    http: Ring,
    problems: Problems,
}

impl Keeper {
    pub fn new(source: Source, wanted: Wanted) -> Self {
        Self {
            source,
            wanted,
            began: None,
            now: Timestamp::default(),
            moved: None,
            counts: VecDeque::new(),
            received: HashMap::default(),
            history: VecDeque::new(),
            second: None,
            names: Names::default(),
            tls: Ring::default(),
            dns: Ring::default(),
            http: Ring::default(),
            problems: Problems::default(),
        }
    }

    /// Takes in what is complete.
    pub fn record(&mut self, record: &Record) {
        let at = self.now;
        match record {
            Record::Tls(tls) => {
                if let (Some(flow), Some(name)) = (tls.subject.flow, &tls.server_name) {
                    self.names.add(flow, name);
                }
                self.tls.add(at, || panes::row_of(Listed::Tls, record));
            }
            Record::Http(http) => {
                let authority = http.request.as_ref().and_then(|request| request.authority.as_deref());
                if let (Some(flow), Some(name)) = (http.subject.flow, authority) {
                    self.names.add(flow, name);
                }
                self.http.add(at, || panes::row_of(Listed::Http, record));
            }
            Record::Dns(_) => self.dns.add(at, || panes::row_of(Listed::Dns, record)),
            Record::Finding(finding) => self.problems.add(finding),
            _ => {}
        }
    }

    /// Takes in how the run stands.
    pub fn glance(&mut self, glance: &Glance) {
        self.now = glance.now;
        self.began.get_or_insert(glance.now);
        for ring in [&mut self.tls, &mut self.dns, &mut self.http] {
            ring.fresh = 0;
        }
        let sum = |count: fn(&Capture) -> u64| glance.captures.iter().map(count).fold(0, u64::saturating_add);
        let count =
            Count { at: glance.now, packets: sum(|capture| capture.packets), bytes: sum(|capture| capture.wire_bytes) };
        // The machine's clock was set back: what was before cannot be compared.
        if self.counts.back().is_some_and(|before| count.at < before.at) {
            self.counts.clear();
            self.received.clear();
        }
        if self.counts.back().is_none_or(|before| before.packets != count.packets) {
            self.moved = Some(glance.now);
        }
        self.counts.push_back(count);
        while self.counts.get(1).is_some_and(|next| count.at.since(next.at) >= RATE_NS) {
            self.counts.pop_front();
        }
        self.chart(count);
        for interface in glance.captures.iter().flat_map(|capture| &capture.interfaces) {
            let (Some(name), Some(received)) = (&interface.name, interface.received) else { continue };
            if !self.received.contains_key(name) && self.received.len() >= panes::MAX_INTERFACES {
                continue;
            }
            let counts = self.received.entry_ref(name.as_str()).or_default();
            counts.push_back((glance.now, received));
            while counts.get(1).is_some_and(|next| glance.now.since(next.0) >= RATE_NS) {
                counts.pop_front();
            }
        }
    }

    /// Adds to the chart of bytes by seconds.
    fn chart(&mut self, count: Count) {
        let this = count.at.nanoseconds().div_euclid(SECOND_NS);
        let Some((second, before)) = self.second else {
            self.second = Some((this, count.bytes));
            self.history.push_back(0);
            return;
        };
        if this < second || (this - second) * SECOND_NS > JUMP_NS {
            self.second = Some((this, count.bytes));
            return;
        }
        let came = count.bytes.saturating_sub(before);
        if let Some(last) = self.history.back_mut() {
            *last += came;
        }
        self.history.extend((second..this).map(|_| 0));
        while self.history.len() > HISTORY {
            self.history.pop_front();
        }
        self.second = Some((this, count.bytes));
    }

    /// What is to be seen now.
    pub fn view(&self, glance: &Glance) -> View {
        let last = self.counts.back().copied().unwrap_or_default();
        let silent_ns = self.moved.or(self.began).map(|moved| self.now.since(moved)).filter(|ns| *ns >= SILENT_NS);
        let rate = self.counts.front().and_then(|first| {
            let ns = last.at.since(first.at);
            per_second(last.packets.saturating_sub(first.packets), ns)
                .zip(per_second(last.bytes.saturating_sub(first.bytes), ns))
        });
        let capture = self.source.filters.iter().map(|filter| ("-f", filter));
        let filters = capture.chain(self.source.display_filter.iter().map(|filter| ("-Y", filter)));
        let interfaces: Vec<_> = glance.captures.iter().flat_map(|capture| &capture.interfaces).collect();
        View {
            interfaces: self.source.interfaces.iter().map(|name| escape(name).into_owned()).collect(),
            filters: filters.map(|(option, filter)| format!("{option} {}", escape(filter))).collect(),
            lasted_ns: self.began.map_or(0, |began| self.now.since(began).max(0)),
            silent_ns,
            packets: last.packets,
            wire_bytes: last.bytes,
            rate,
            open: glance.open,
            // The second that is not over would look like less than it is.
            history: self.history.iter().copied().take(self.history.len().saturating_sub(1)).collect(),
            counts: interfaces
                .iter()
                .take(panes::MAX_INTERFACES)
                .map(|interface| {
                    // Of one alone the line above tells.
                    let rate = (interfaces.len() > 1).then(|| self.interface_rate(interface.name.as_deref())).flatten();
                    panes::interface(interface, rate)
                })
                .collect(),
            warnings: glance.captures.iter().flat_map(panes::warnings).collect(),
            panes: self.panes(glance),
        }
    }

    /// How many names, and rows and counts, are held.
    #[cfg(test)]
    pub fn held(&self) -> (usize, usize) {
        let rows = self.tls.rows.len() + self.dns.rows.len() + self.http.rows.len();
        let received: usize = self.received.values().map(VecDeque::len).sum();
        assert_eq!(self.names.names.len(), self.names.order.len());
        (self.names.order.len(), rows + received + self.counts.len() + self.history.len())
    }

    fn interface_rate(&self, name: Option<&str>) -> Option<u64> {
        let counts = self.received.get(name?)?;
        let (first, last) = (counts.front()?, counts.back()?);
        per_second(last.1.saturating_sub(first.1), last.0.since(first.0))
    }

    fn panes(&self, glance: &Glance) -> Vec<Pane> {
        let name = |flow| self.names.names.get(&flow).map(String::as_str);
        let open = |what: &str| Cell { text: what.to_owned(), style: Style::Plain };
        let busiest = glance.busiest.iter().map(|one| panes::busy(one, name(one.flow), glance)).collect();
        let newest = glance.newest.iter().map(|one| panes::new(one, name(one.flow), glance)).collect();
        let listed = |listed, ring: &Ring| -> Vec<Vec<Cell>> {
            let waiting = glance.underway.iter().filter_map(|exchange| panes::waiting(listed, exchange, self.now));
            let complete = ring.rows.iter().map(|(at, row)| panes::with_age(row, self.now.since(*at)));
            waiting.chain(complete).collect()
        };
        let waiting =
            |listed| -> u64 { glance.underway.iter().filter(|exchange| panes::is_of(listed, exchange)).count() as u64 };
        let beside = |ring: &Ring, waiting: u64| -> Vec<Cell> {
            let under_way = Cell { text: format!("{} under way", units::count(waiting)), style: Style::Bold };
            std::iter::once(open(&units::count(ring.total))).chain((waiting > 0).then_some(under_way)).collect()
        };
        let problems = self.problems.sorted();
        let problems_beside = match self.problems.is_empty() {
            true => Cell { text: "none so far".to_owned(), style: Style::Dim },
            false => open(&self.problems.tally()),
        };
        let shown = |kind: RecordKind, pane: Pane| if self.wanted.has(kind) { pane } else { Pane::default() };
        vec![
            Pane {
                title: "Connections",
                beside: vec![open(&format!("{} open or just over", units::count(glance.open.tcp)))],
                order: "busiest first",
                columns: panes::BUSY,
                rows: busiest,
                stays: true,
                rank: 0,
            },
            Pane {
                title: "Newest",
                beside: Vec::new(),
                order: "connections, latest first",
                columns: panes::NEW,
                rows: newest,
                stays: false,
                rank: 5,
            },
            shown(
                RecordKind::Tls,
                Pane {
                    title: "TLS",
                    beside: beside(&self.tls, waiting(Listed::Tls)),
                    order: "under way, then latest first",
                    columns: panes::columns(Listed::Tls),
                    rows: listed(Listed::Tls, &self.tls),
                    stays: false,
                    rank: 3,
                },
            ),
            shown(
                RecordKind::Dns,
                Pane {
                    title: "DNS",
                    beside: beside(&self.dns, 0),
                    order: "latest first",
                    columns: panes::columns(Listed::Dns),
                    rows: listed(Listed::Dns, &self.dns),
                    stays: false,
                    rank: 4,
                },
            ),
            shown(
                RecordKind::Http,
                Pane {
                    title: "HTTP",
                    beside: beside(&self.http, waiting(Listed::Http)),
                    order: "waiting, then latest first",
                    columns: panes::columns(Listed::Http),
                    rows: listed(Listed::Http, &self.http),
                    stays: false,
                    rank: 2,
                },
            ),
            shown(
                RecordKind::Finding,
                Pane {
                    title: "Problems",
                    beside: vec![problems_beside],
                    order: if problems.is_empty() { "" } else { "gravest first" },
                    columns: panes::PROBLEMS,
                    rows: problems.iter().map(|problem| panes::problem(problem)).collect(),
                    stays: true,
                    rank: 1,
                },
            ),
        ]
    }
}

/// So many in so many nanoseconds, a second.
fn per_second(count: u64, ns: i64) -> Option<u64> {
    let ns = u128::try_from(ns).ok().filter(|ns| *ns > 0)?;
    u64::try_from(u128::from(count) * 1_000_000_000 / ns).ok()
}
