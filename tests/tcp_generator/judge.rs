//! Compares what we say with what the hosts lived.
use std::net::{IpAddr, Ipv4Addr};

use wireglass::{
    flow::{Consumer, Packet, Settings, Table},
    record::{
        Certainty, CloseKind, Connection, Context, FlowFacts, FlowId, Input, LinkType, PacketNumber, PacketRef,
        Progress, Record, RecordKind, Side, TcpState, Timestamp, Wanted, WhichSide,
    },
    wire,
};

use crate::{
    host::{Lived, address},
    world::{Captured, Run},
};

#[derive(Default)]
struct Collector(Vec<Connection>);

impl Consumer for Collector {
    type Conversation = ();

    fn open(&mut self, _: &FlowFacts) {}

    fn input(&mut self, (): &mut (), input: Input<'_>, _: &Context<'_>) -> Progress {
        match input {
            Input::Stream { bytes, .. } => Progress::Consumed(bytes.len()),
            _ => Progress::Consumed(0),
        }
    }

    fn take_reoffer(&mut self, (): &mut ()) -> bool {
        false
    }

    fn application(&self, (): &()) -> Option<&'static str> {
        None
    }

    fn emit(&mut self, _: u64, _: FlowId, record: Record) {
        if let Record::Connection(connection) = record {
            self.0.push(*connection);
        }
    }

    fn limit(&mut self, _: &'static wireglass::limits::Limit, _: PacketRef) {}
}

/// smoltcp keeps TIME-WAIT for ten seconds.
const MSL_NS: i64 = 5_000_000_000;

/// What we make of a capture; `end` is when it was switched off, in microseconds.
pub fn analyze(capture: &[Captured], end: Option<i64>) -> Vec<Connection> {
    let wanted = [RecordKind::Connection].into_iter().collect::<Wanted>();
    let mut table =
        Table::new(Settings { max_flows: 1_000, maximum_segment_lifetime_ns: MSL_NS, wanted, ..Settings::default() });
    let mut collector = Collector::default();
    let mut clock = Timestamp::MIN;
    let mut at = PacketRef::default();
    for (index, packet) in (0u64..).zip(capture) {
        let timestamp = Timestamp(packet.time * 1000);
        clock = clock.max(timestamp);
        at = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp };
        table.expire(clock, |_| at, &mut collector);
        let wire_length = packet.bytes.len() as u32;
        let decoded = wire::decode(LinkType(101), &packet.bytes, wire_length);
        let checksum = decoded.transport_checksum(&packet.bytes);
        let packet =
            Packet { at, clock, bytes: &packet.bytes, decoded: &decoded, checksum, wire_length, encapsulated: None };
        table.packet(&packet, &mut collector);
    }
    if let Some(end) = end {
        table.expire(Timestamp(end * 1000), |_| at, &mut collector);
    }
    table.finish(at, &mut collector);
    collector.0.sort_by_key(|connection| connection.subject.flow);
    collector.0
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Score {
    pub connections: u64,
    pub packets: u64,
    pub observed: u64,
    pub contradicted: Vec<String>,
    /// Simultaneous openings of which the tap missed all that tells them from ordinary ones.
    pub hidden: u64,
    pub implied: u64,
    pub implied_lived: u64,
    pub assumed: u64,
    /// State changes that the endpoints lived, in connections of which the tap saw something of that side.
    pub lived: u64,
    pub found: u64,
    /// Of those, the ones we were sure of.
    pub found_observed: u64,
    pub finals: u64,
    pub finals_right: u64,
    pub initiators: u64,
    pub initiators_right: u64,
    pub kinds: u64,
    pub kinds_right: u64,
    pub wrong_kinds: std::collections::BTreeMap<String, u64>,
    /// States that were implied and not lived, by name.
    pub not_lived: std::collections::BTreeMap<String, u64>,
    /// Changes lived and not found, by name.
    pub missed: std::collections::BTreeMap<String, u64>,
    pub wrong_finals: std::collections::BTreeMap<String, u64>,
    pub implied_by: std::collections::BTreeMap<String, u64>,
}

impl Score {
    pub fn add(&mut self, other: Self) {
        self.connections += other.connections;
        self.packets += other.packets;
        self.observed += other.observed;
        self.contradicted.extend(other.contradicted);
        self.hidden += other.hidden;
        self.implied += other.implied;
        self.implied_lived += other.implied_lived;
        self.assumed += other.assumed;
        self.lived += other.lived;
        self.found += other.found;
        self.found_observed += other.found_observed;
        self.finals += other.finals;
        self.finals_right += other.finals_right;
        self.initiators += other.initiators;
        self.initiators_right += other.initiators_right;
        self.kinds += other.kinds;
        self.kinds_right += other.kinds_right;
        for (mine, others) in [
            (&mut self.not_lived, other.not_lived),
            (&mut self.missed, other.missed),
            (&mut self.wrong_finals, other.wrong_finals),
            (&mut self.implied_by, other.implied_by),
            (&mut self.wrong_kinds, other.wrong_kinds),
        ] {
            for (name, count) in others {
                *mine.entry(name).or_insert(0) += count;
            }
        }
    }
}

fn host_of(address_of_side: IpAddr) -> usize {
    usize::from(address_of_side == IpAddr::V4(Ipv4Addr::from(address(1).octets())))
}

/// What an endpoint lived, as RFC 9293 has it: where smoltcp takes two steps in one, both.
fn as_the_rfc_has_it(log: &[Lived]) -> Vec<TcpState> {
    let mut states: Vec<TcpState> = Vec::new();
    for entry in log {
        match (states.last(), entry.state) {
            // 3.10.7.4, fifth: the ACK makes it ESTABLISHED; eighth: then the FIN of the same segment counts.
            (Some(TcpState::SynReceived), TcpState::CloseWait) => states.push(TcpState::Established),
            // The same: the ACK of its FIN first, then the peer's FIN.
            (Some(TcpState::FinWait1), TcpState::TimeWait) => states.push(TcpState::FinWait2),
            _ => {}
        }
        states.push(entry.state);
    }
    states
}

/// For each of `said`, its place in `lived`, in order, as early as possible.
fn place(said: &[TcpState], lived: &[TcpState]) -> Result<Vec<usize>, usize> {
    let mut places = Vec::new();
    let mut from = 0;
    for (index, state) in said.iter().enumerate() {
        let Some(found) = lived.get(from..).and_then(|rest| rest.iter().position(|lived| lived == state)) else {
            return Err(index);
        };
        places.push(from + found);
        from += found + 1;
    }
    Ok(places)
}

/// Judges what we say of the first packets of a run; `whole` says that it is all of them.
pub fn judge(run: &Run, length: usize, whole: bool) -> Score {
    let capture = &run.capture[..length];
    let connections = analyze(capture, whole.then_some(run.end));
    let mut score = Score { packets: length as u64, ..Score::default() };
    for (index, connection) in connections.iter().enumerate() {
        let first = connection.subject.flow.unwrap().opener.number() as usize - 1;
        let behind =
            connections.get(index + 1).map_or(length, |next| next.subject.flow.unwrap().opener.number() as usize - 1);
        let packets = &capture[first..behind];
        score.connections += 1;
        for side in [Side::Client, Side::Server] {
            let host =
                host_of(if side == Side::Client { connection.client.address } else { connection.server.address });
            judge_side(run, connection, side, host, packets, whole, &mut score);
        }
        if whole && run.tap.is_faithful() {
            judge_close(run, connection, packets, &mut score);
        }
    }
    score
}

fn judge_side(
    run: &Run,
    connection: &Connection,
    side: Side,
    host: usize,
    packets: &[Captured],
    whole: bool,
    score: &mut Score,
) {
    let said: Vec<_> = connection.transitions.iter().filter(|transition| transition.side == side).collect();
    let own = packets.iter().filter(|packet| packet.tag.host == host).map(|packet| packet.tag);
    let log = &run.logs[host];
    let Some(first) = own.clone().map(|tag| tag.incarnation).min() else {
        score.observed += said.iter().filter(|transition| transition.certainty == Certainty::Observed).count() as u64;
        if said.iter().any(|transition| transition.certainty == Certainty::Observed) {
            score.contradicted.push(format!("{side:?} sent nothing: {said:?}"));
        }
        return;
    };
    let last = own.clone().map(|tag| tag.incarnation).max().unwrap_or(first);
    let seen: std::collections::BTreeSet<u32> = own.clone().map(|tag| tag.incarnation).collect();
    // What it had lived when it sent the last packet that the tap has.
    let bound = own.clone().map(|tag| tag.lived).max().unwrap_or(0);
    let within = |entry: &&Lived| (first..=last).contains(&entry.incarnation) && seen.contains(&entry.incarnation);
    let by_then: Vec<Lived> = log[..bound].iter().filter(within).copied().collect();
    let ever: Vec<Lived> = log.iter().filter(within).copied().collect();
    let (by_then, ever) = (as_the_rfc_has_it(&by_then), as_the_rfc_has_it(&ever));
    let observed: Vec<TcpState> =
        said.iter().filter(|transition| transition.certainty == Certainty::Observed).map(|t| t.to).collect();
    score.observed += observed.len() as u64;
    let words: Vec<String> = said.iter().map(|t| format!("{}{}", t.to.name(), mark(t.certainty))).collect();
    let places = match place(&observed, &by_then) {
        Ok(places) => places,
        Err(_) if is_hidden_simultaneous_open(run, host, &by_then, packets) => {
            score.hidden += 1;
            return;
        }
        Err(index) => {
            score.contradicted.push(format!(
                "{side:?} (host {host}): {} was not lived; we say {words:?}, it lived {by_then:?}; ever {ever:?}",
                observed[index].name()
            ));
            return;
        }
    };
    if !whole {
        return;
    }
    // Those implied: between what is sure before and behind them.
    let mut sure = places.iter();
    let mut from = 0;
    let mut found = vec![false; ever.len()];
    let mut found_observed = 0;
    let mut upcoming = sure.next().copied();
    for transition in &said {
        match transition.certainty {
            Certainty::Observed => {
                let at = upcoming.unwrap_or(from);
                // An implied one may have been found behind the earliest place.
                let at = if at < from {
                    let later = ever.get(from..).and_then(|rest| rest.iter().position(|lived| *lived == transition.to));
                    later.map_or(at, |later| from + later)
                } else {
                    at
                };
                found[at] = true;
                found_observed += 1;
                from = at + 1;
                upcoming = sure.next().copied();
            }
            Certainty::Implied => {
                score.implied += 1;
                *score.implied_by.entry(transition.to.name().to_owned()).or_insert(0) += 1;
                let until = upcoming.unwrap_or(ever.len()).max(from);
                match ever.get(from..until).and_then(|rest| rest.iter().position(|lived| *lived == transition.to)) {
                    Some(at) => {
                        score.implied_lived += 1;
                        found[from + at] = true;
                        from += at + 1;
                    }
                    None => *score.not_lived.entry(transition.to.name().to_owned()).or_insert(0) += 1,
                }
            }
            Certainty::Assumed => {
                score.assumed += 1;
                if let Some(at) =
                    ever.get(from..).and_then(|rest| rest.iter().position(|lived| *lived == transition.to))
                {
                    found[from + at] = true;
                    from += at + 1;
                }
            }
        }
    }
    for (at, state) in ever.iter().enumerate() {
        let opening = at == 0 && matches!(state, TcpState::Closed | TcpState::Listen) || *state == TcpState::Listen;
        if opening {
            continue;
        }
        score.lived += 1;
        if found[at] {
            score.found += 1;
        } else {
            *score.missed.entry(state.name().to_owned()).or_insert(0) += 1;
        }
    }
    score.found_observed += found_observed;
    let own_final = if side == Side::Client { connection.client.final_state } else { connection.server.final_state };
    if let (Some(ours), Some(mut lived)) = (own_final, ever.last().copied()) {
        if lived == TcpState::Listen {
            lived = TcpState::Closed;
        }
        score.finals += 1;
        if ours == lived {
            score.finals_right += 1;
        } else {
            *score.wrong_finals.entry(format!("{} for {}", ours.name(), lived.name())).or_insert(0) += 1;
        }
    }
}

/// A simultaneous opening of which the tap missed this side's SYN-ACK and the peer's SYN: what is left is, bit by bit, an
/// ordinary handshake, whose third packet an endpoint in SYN-RECEIVED sent.
fn is_hidden_simultaneous_open(run: &Run, host: usize, lived: &[TcpState], packets: &[Captured]) -> bool {
    let flags = |packet: &Captured| packet.bytes[33] & 0x12;
    let crossed = lived.windows(2).any(|pair| pair == [TcpState::SynSent, TcpState::SynReceived]);
    // What came behind that third packet came too late to doubt it.
    let third = packets.iter().rposition(|packet| packet.tag.host == host && flags(packet) == 0x10).unwrap_or(0);
    let newest = |host: usize| packets.iter().filter(|one| one.tag.host == host).map(|one| one.tag.incarnation).max();
    let newest = [newest(0), newest(1)];
    let tells = |packet: &&Captured| {
        flags(packet) == (if packet.tag.host == host { 0x12 } else { 0x02 })
            && Some(packet.tag.incarnation) == newest[packet.tag.host]
    };
    let first = packets
        .iter()
        .position(|one| one.tag.host == host && flags(one) == 0x10 && Some(one.tag.incarnation) == newest[host]);
    let told = packets[..first.unwrap_or(third)].iter().any(|packet| tells(&packet));
    !run.tap.is_faithful() && crossed && !told
}

fn mark(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Observed => "",
        Certainty::Implied => "?",
        Certainty::Assumed => "??",
    }
}

/// How it ended and who began, where what both endpoints lived says so.
fn judge_close(run: &Run, connection: &Connection, packets: &[Captured], score: &mut Score) {
    let life = |host: usize| -> Option<Vec<Lived>> {
        let own = packets.iter().filter(|packet| packet.tag.host == host).map(|packet| packet.tag.incarnation);
        let (first, last) = (own.clone().min()?, own.max()?);
        (first == last).then(|| run.logs[host].iter().filter(|entry| entry.incarnation == first).copied().collect())
    };
    let hosts = [host_of(connection.client.address), host_of(connection.server.address)];
    let (Some(client), Some(server)) = (life(hosts[0]), life(hosts[1])) else { return };
    let goes = |log: &[Lived], from: TcpState, to: TcpState| {
        log.windows(2).any(|pair| pair[0].state == from && pair[1].state == to)
    };
    let was = |log: &[Lived], state: TcpState| log.iter().any(|entry| entry.state == state);
    let orderly = |log: &[Lived]| goes(log, TcpState::LastAck, TcpState::Closed) || was(log, TcpState::TimeWait);
    let cut_off = |log: &[Lived]| goes(log, TcpState::Established, TcpState::Closed);
    let by_reset = |packet: &Captured| packet.bytes[33] & 0x04 != 0;
    let truth = if orderly(&client) && orderly(&server) {
        Some(CloseKind::Graceful)
    } else if cut_off(&client) && cut_off(&server) && packets.iter().any(by_reset) {
        Some(CloseKind::Reset)
    } else {
        None
    };
    if let Some(truth) = truth {
        score.kinds += 1;
        if connection.close.kind == truth {
            score.kinds_right += 1;
        } else {
            *score.wrong_kinds.entry(format!("{:?} for {truth:?}", connection.close.kind)).or_insert(0) += 1;
        }
    }
    // Who closes first is told by who closed before the other's FIN had come; where both did, both.
    let truth = match [&client, &server].map(|log| (was(log, TcpState::FinWait1), was(log, TcpState::CloseWait))) {
        [(true, false), (false, true)] => WhichSide::Client,
        [(false, true), (true, false)] => WhichSide::Server,
        [(true, false), (true, false)] if was(&client, TcpState::Closing) && was(&server, TcpState::Closing) => {
            WhichSide::Both
        }
        _ => return,
    };
    let Some(ours) = connection.close.initiator else { return };
    score.initiators += 1;
    if ours == truth {
        score.initiators_right += 1;
    } else {
        *score.wrong_kinds.entry(format!("begun by {ours:?} for {truth:?}")).or_insert(0) += 1;
    }
}
