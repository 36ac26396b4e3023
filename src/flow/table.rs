//! The flows of one shard: look-up, expiry on packet time, and the cap on their number.
mod glance;
mod idle;
mod slots;
mod syn;

pub use glance::Open;

use std::{collections::BTreeMap, hash::BuildHasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use idle::Idle;
use slots::{Slot, Slots, UNSEEN, Way};
use syn::Syn;

use super::{
    Consumer, Packet, Settings,
    ip_header::{explicit_congestion_notification, identification},
    roles,
    tcp::{connection::Connection, segment::Segment},
    udp,
};
use crate::{
    limits,
    record::{
        Certainty, Context, Direction, FlowFacts, FlowId, FlowKey, Input, PacketNumber, PacketRef, Progress, Record,
        RecordKind, Side, Timestamp, Transport, Wanted,
    },
    wire::TransportHeader,
};

mod errors;

const NONE: u32 = u32::MAX;
const SECOND_NS: i64 = 1_000_000_000;

/// The flows of one shard.
pub struct Table<C: Consumer> {
    settings: Settings,
    hasher: RandomState,
    index: HashTable<u32>,
    slots: Slots<C::Conversation>,
    free: Vec<u32>,
    /// Flows that others have answered, and those that were only begun or are over.
    idle: [Idle; 2],
    /// What the flows take, as far as it is counted.
    bytes: u64,
    timers: Timers,
    /// Where somebody looks at what is open.
    watch: Option<Box<glance::Watch>>,
    /// Once the capture is over: the flows still open, by the packets that opened them, the last one first.
    finishing: Option<Vec<(PacketNumber, u32)>>,
}

enum Kind {
    Syn(Syn),
    Tcp(Box<Connection>),
    Udp(udp::Flow),
    /// Messages right above IP, or ARP: read like datagrams, without a record of the flow itself.
    Bare(udp::Flow),
}

/// Slots by the second in which to look at them again. A slot whose deadline has moved on is set anew.
#[derive(Default)]
struct Timers {
    seconds: BTreeMap<i64, Vec<(u32, u64)>>,
}

impl Timers {
    fn set(&mut self, second: i64, slot: u32, opened: u64) {
        self.seconds.entry(second).or_default().push((slot, opened));
    }
}

/// The second at whose start a moment is past: rounded up.
fn second_after(moment: Timestamp) -> i64 {
    let ns = moment.nanoseconds();
    ns.div_euclid(SECOND_NS).saturating_add(i64::from(ns.rem_euclid(SECOND_NS) != 0))
}

/// From when a flow's idle time counts: its packet's own time when the clock does not believe that yet, else the flow
/// would be long overdue as soon as it does.
fn newest(packet: &Packet<'_>) -> Timestamp {
    packet.clock.max(packet.at.timestamp)
}

impl<C: Consumer> Table<C> {
    /// An empty table.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            hasher: RandomState::default(),
            index: HashTable::new(),
            slots: Slots::default(),
            free: Vec::new(),
            idle: Default::default(),
            bytes: 0,
            timers: Timers::default(),
            watch: None,
            finishing: None,
        }
    }

    /// Takes a packet of TCP, UDP, ARP or whatever is right above IP, or an ICMP error that quotes one. Answers with the
    /// conversation it belongs to.
    ///
    /// Call [`Table::expire`] with the packet's clock before.
    pub fn packet<'t>(&'t mut self, packet: &Packet<'_>, consumer: &mut C) -> Option<&'t mut C::Conversation> {
        let decoded = packet.decoded;
        let transport = match decoded.transport {
            TransportHeader::Tcp => Transport::Tcp,
            TransportHeader::Udp => Transport::Udp,
            _ => return self.without_ports(packet, consumer),
        };
        let key = decoded.flow_key(packet.bytes)?;
        let (source, destination) = decoded.endpoints(packet.bytes)?;
        let way = Way::new(source, destination, packet);
        let found = self.find_way(&key, way);
        if transport == Transport::Udp {
            let slot = match found {
                Some(slot) => slot,
                None => {
                    let roles = roles::of_udp(source, destination);
                    let kind = Kind::Udp(udp::Flow::new(packet.at));
                    self.open(key, way, roles, transport, packet, kind, consumer)?
                }
            };
            self.datagram(slot, source == self.slot(slot)?.facts.client, packet, consumer);
            self.settle(slot, consumer);
            return self.slot_mut(slot).map(|slot| &mut slot.conversation);
        }
        let header = decoded.tcp_header(packet.bytes)?;
        let segment = Segment {
            header,
            payload: decoded.payload(packet.bytes),
            length: decoded.payload_wire_length,
            options: decoded.tcp_options(packet.bytes),
            at: packet.at,
            wire_length: packet.wire_length,
            identification: identification(packet),
            hop_limit: decoded.hop_limit(packet.bytes).unwrap_or(0),
            ecn: explicit_congestion_notification(packet),
        };
        let mut slot = found;
        let mut earlier = None;
        if let Some(known) = found {
            self.slot_mut(known)?.kind.promote();
            let direction = self.direction(known, source == self.slot(known)?.facts.client);
            if let Some(Slot { kind: Kind::Tcp(connection), .. }) = self.slot(known)
                && connection.is_over_with(&segment, direction)
            {
                earlier = self.close(known, packet.at, None, consumer);
                slot = None;
            }
        }
        let slot = match slot {
            Some(slot) => slot,
            None => {
                let roles = roles::of_tcp(source, destination, header.flags);
                let direction =
                    if roles.client == source { Direction::ClientToServer } else { Direction::ServerToClient };
                if earlier.is_none()
                    && let Some(syn) = Syn::of(&segment, decoded.hop_limit(packet.bytes))
                {
                    let slot = self.open(key, way, roles, transport, packet, Kind::Syn(syn), consumer)?;
                    return self.slot_mut(slot).map(|slot| &mut slot.conversation);
                }
                let mut connection = Connection::new(&segment, direction);
                connection.set_first_hop_limit(decoded.hop_limit(packet.bytes));
                if let Some(Slot { kind: Kind::Tcp(earlier), facts, .. }) = &earlier {
                    let opener = if facts.client == source { Side::Client } else { Side::Server };
                    connection.set_reuse_of(earlier, facts.id, &segment, opener);
                }
                self.open(key, way, roles, transport, packet, Kind::Tcp(Box::new(connection)), consumer)?
            }
        };
        let direction = self.direction(slot, source == self.slot(slot)?.facts.client);
        self.segment(slot, &segment, direction, newest(packet), consumer);
        self.settle(slot, consumer);
        self.shrink(slot, packet.at, consumer);
        self.slot_mut(slot).map(|slot| &mut slot.conversation)
    }

    /// Takes a packet without TCP and UDP.
    fn without_ports<'t>(&'t mut self, packet: &Packet<'_>, consumer: &mut C) -> Option<&'t mut C::Conversation> {
        let Some(ends) = packet.decoded.ends(packet.bytes) else { return self.icmp(packet, consumer) };
        let key = ends.key();
        let way = Way::new(ends.source, ends.destination, packet);
        let slot = match self.find_way(&key, way) {
            Some(slot) => slot,
            None => {
                let roles = roles::of_message(&ends);
                self.open(key, way, roles, ends.transport, packet, Kind::Bare(udp::Flow::new(packet.at)), consumer)?
            }
        };
        self.datagram(slot, ends.source == self.slot(slot)?.facts.client, packet, consumer);
        self.settle(slot, consumer);
        self.slot_mut(slot).map(|slot| &mut slot.conversation)
    }

    /// Closes the flows whose deadline is at or before `clock`. `reached` tells the packet by which a moment was
    /// reached: the first one whose clock is at or after it. Cheap when nothing is due.
    pub fn expire(&mut self, clock: Timestamp, reached: impl Fn(Timestamp) -> PacketRef, consumer: &mut C) {
        let now = clock.nanoseconds().div_euclid(SECOND_NS);
        while let Some(entry) = self.timers.seconds.first_entry() {
            let second = *entry.key();
            if second > now {
                return;
            }
            for (number, opened) in entry.remove() {
                let Some(slot) = self.slot_mut(number) else { continue };
                if slot.opened != opened || slot.armed != second {
                    continue;
                }
                let deadline = slot.deadline;
                if deadline > second {
                    slot.armed = deadline;
                    self.timers.set(deadline, number, opened);
                    continue;
                }
                let moment = Timestamp::from_parts(deadline, 0);
                self.close(number, reached(moment), Some(moment), consumer);
            }
        }
    }

    /// The capture is over: closes every flow, in the order they were opened.
    pub fn finish(&mut self, at: PacketRef, consumer: &mut C) {
        self.finish_up_to(at, PacketNumber::MAX, consumer);
    }

    /// The capture is over: closes the flows that packets up to `opener` opened, in that order. Nothing but more of this
    /// may come after.
    pub fn finish_up_to(&mut self, at: PacketRef, opener: PacketNumber, consumer: &mut C) {
        if self.finishing.is_none() {
            let mut open: Vec<(PacketNumber, u32)> =
                self.slots.filled().map(|(number, slot)| (slot.facts.id.opener, number)).collect();
            open.sort_unstable_by(|one, other| other.cmp(one));
            self.finishing = Some(open);
            self.timers = Timers::default();
            self.index = HashTable::new();
        }
        while let Some((_, number)) = self.finishing.as_mut().and_then(|open| open.pop_if(|(by, _)| *by <= opener)) {
            if let Some(mut slot) = self.slots.take(number) {
                self.bytes = self.bytes.saturating_sub(slot.bytes);
                self.report(&mut slot, at, None, consumer);
            }
        }
    }

    /// The open TCP connection with this key, as it would be reported now.
    #[must_use]
    pub fn connection(&self, key: &FlowKey, consumer: &C) -> Option<crate::record::Connection> {
        let slot = self.slot(self.find(key)?)?;
        match &slot.kind {
            Kind::Syn(syn) => Some(syn.connection().record(&slot.facts, consumer.application(&slot.conversation))),
            Kind::Tcp(connection) => Some(connection.record(&slot.facts, consumer.application(&slot.conversation))),
            Kind::Udp(_) | Kind::Bare(_) => None,
        }
    }

    /// How many flows are open.
    #[must_use]
    pub fn open_flows(&self) -> usize {
        self.index.len()
    }

    fn slot(&self, number: u32) -> Option<&Slot<C::Conversation>> {
        self.slots.get(number)
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Slot<C::Conversation>> {
        self.slots.get_mut(number)
    }

    fn find(&self, key: &FlowKey) -> Option<u32> {
        let hash = self.hasher.hash_one(key.words());
        self.index.find(hash, |number| self.slot(*number).is_some_and(|slot| slot.key == *key)).copied()
    }

    fn direction(&self, _number: u32, from_client: bool) -> Direction {
        if from_client { Direction::ClientToServer } else { Direction::ServerToClient }
    }

    /// The flow of a packet that goes this way. Two virtual networks may have the same addresses: of a direction that was seen
    /// in another network, it is another flow. The directions of one flow may be in different networks, as where each
    /// router sends into the receiver's (RFC 9135 section 4).
    #[inline]
    fn find_way(&mut self, key: &FlowKey, way: Way) -> Option<u32> {
        let first = self.find(key)?;
        match self.slot(first)?.networks.get(way.place) {
            Some(network) if *network == way.network => Some(first),
            _ => self.find_network(key, way),
        }
    }

    /// The same where the first flow with the key was not seen to have packets like this one: one that was; else one whose
    /// other direction is in the same network; else one whose other direction is in whatever network.
    #[cold]
    fn find_network(&mut self, key: &FlowKey, way: Way) -> Option<u32> {
        let hash = self.hasher.hash_one(key.words());
        let rank = |slot: &Slot<C::Conversation>| {
            let (own, other) = (slot.networks.get(way.place)?, slot.networks.get(1usize.checked_sub(way.place)?)?);
            match (*own, *other) {
                (own, _) if own == way.network => Some(2),
                (UNSEEN, other) if other == way.network => Some(1),
                (UNSEEN, _) => Some(0),
                _ => None,
            }
        };
        let candidates = self.index.iter_hash(hash).filter_map(|number| {
            let slot = self.slots.get(*number).filter(|slot| slot.key == *key)?;
            Some((rank(slot)?, std::cmp::Reverse(slot.opened), *number))
        });
        let (_, _, number) = candidates.max()?;
        let slot = self.slots.get_mut(number)?;
        *slot.networks.get_mut(way.place)? = way.network;
        Some(number)
    }

    #[allow(clippy::too_many_arguments)] // one call per kind of flow; a struct would only rename them
    fn open(
        &mut self,
        key: FlowKey,
        way: Way,
        roles: roles::Roles,
        transport: Transport,
        packet: &Packet<'_>,
        kind: Kind,
        consumer: &mut C,
    ) -> Option<u32> {
        self.make_room(&kind, packet.at, consumer);
        let facts = FlowFacts {
            id: FlowId { opener: packet.at.number, depth: packet.decoded.depth },
            transport,
            client: roles.client,
            server: roles.server,
            client_certainty: roles.certainty,
        };
        let conversation = consumer.open(&facts);
        let hash = self.hasher.hash_one(key.words());
        let number = match self.free.pop() {
            Some(number) => number,
            None => self.slots.grow()?,
        };
        let opened = packet.at.index;
        let idle = match &kind {
            Kind::Udp(_) | Kind::Bare(_) => self.settings.udp_idle_ns,
            Kind::Syn(_) => Connection::handshake_limit_ns(&self.settings),
            Kind::Tcp(connection) => connection.idle_limit_ns(&self.settings),
        };
        let deadline = second_after(newest(packet).plus(idle));
        self.timers.set(deadline, number, opened);
        let mut networks = [UNSEEN; 2];
        if let Some(network) = networks.get_mut(way.place) {
            *network = way.network;
        }
        let tunnel = packet.encapsulated.map(|encapsulated| encapsulated.tunnels().into()).unwrap_or_default();
        let slot = Slot {
            key,
            hash,
            older: NONE,
            newer: NONE,
            is_tentative: true,
            bytes: 0,
            deadline,
            armed: deadline,
            opened,
            facts,
            conversation,
            kind,
            networks,
            tunnel,
        };
        if let Some(watch) = &mut self.watch {
            watch.opened(number, &slot);
        }
        self.slots.put(number, slot);
        self.settle_new(number);
        let slots = &self.slots;
        self.index.insert_unique(hash, number, |number| slots.get(*number).map_or(0, |slot| slot.hash));
        Some(number)
    }

    /// Sets when it expires next, counted from `clock`.
    fn rearm(&mut self, number: u32, clock: Timestamp, idle_ns: i64) {
        let Some(slot) = self.slot_mut(number) else { return };
        let deadline = second_after(clock.plus(idle_ns));
        slot.deadline = deadline;
        if deadline < slot.armed {
            slot.armed = deadline;
            let opened = slot.opened;
            self.timers.set(deadline, number, opened);
        }
    }

    fn datagram(&mut self, number: u32, from_client: bool, packet: &Packet<'_>, consumer: &mut C) {
        let direction = self.direction(number, from_client);
        if let Some(slot) = self.slot_mut(number)
            && let (Kind::Udp(flow) | Kind::Bare(flow), transport) = (&mut slot.kind, slot.facts.transport)
        {
            let lengths = (packet.wire_length, packet.decoded.payload_wire_length);
            let hop_limit = packet.decoded.hop_limit(packet.bytes);
            flow.datagram(direction, packet.at, hop_limit, lengths);
            if transport == Transport::Udp {
                let mark = udp::Mark::of(packet, identification(packet), hop_limit.unwrap_or(0));
                if let Some(copied) = flow.copied(direction, mark) {
                    consumer.copied(packet.at, copied);
                }
            }
            if !flow.done {
                let bytes = match transport {
                    Transport::Udp => packet.decoded.payload(packet.bytes),
                    _ => packet.decoded.message(packet.bytes),
                };
                let context = Context {
                    flow: &slot.facts,
                    packet: packet.at,
                    origins: &[],
                    from_start: false,
                    round_trip_ns: None,
                    server_round_trip_ns: None,
                    hop_limit,
                    secrets: crate::record::Secrets::none(),
                };
                let input = Input::Datagram { direction, bytes };
                flow.done = consumer.input(&mut slot.conversation, input, &context) == Progress::Done;
            }
        }
        self.rearm(number, newest(packet), self.settings.udp_idle_ns);
    }

    fn segment(
        &mut self,
        number: u32,
        segment: &Segment<'_>,
        direction: Direction,
        clock: Timestamp,
        consumer: &mut C,
    ) {
        let settings = self.settings;
        let Some(slot) = self.slot_mut(number) else { return };
        let Slot { facts, conversation, kind: Kind::Tcp(connection), .. } = slot else { return };
        if let Some(copied) = connection.segment(segment, direction) {
            consumer.copied(segment.at, copied);
        }
        let flags = segment.header.flags;
        if flags.syn() && (direction == Direction::ClientToServer) != flags.ack() {
            facts.client_certainty = Certainty::Observed;
        }
        let round_trip_ns = (connection.round_trip_ns(), connection.server_round_trip_ns());
        let mut reader =
            Reader { facts, conversation, consumer, at: segment.at, round_trip_ns, again: false, done: false };
        connection.deliver(segment, direction, &mut |input, origins, start| reader.read(input, origins, start));
        for way in [direction.reverse(), direction] {
            if std::mem::take(&mut reader.again) && !reader.done {
                connection
                    .offer_again(way, segment.at, &mut |input, origins, start| reader.read(input, origins, start));
            }
        }
        if reader.done {
            connection.set_done();
        }
        if connection.take_overflow() {
            reader.consumer.limit(&limits::REASSEMBLY, segment.at);
        }
        let idle = connection.idle_limit_ns(&settings);
        self.rearm(number, clock, idle);
    }

    /// Takes a flow out and reports it. `deadline` is the moment when time alone closed it.
    fn close(
        &mut self,
        number: u32,
        at: PacketRef,
        deadline: Option<Timestamp>,
        consumer: &mut C,
    ) -> Option<Slot<C::Conversation>> {
        self.unlink(number);
        let mut slot = self.slots.take(number)?;
        self.bytes = self.bytes.saturating_sub(slot.bytes);
        self.free.push(number);
        if let Some(watch) = &mut self.watch {
            watch.closed(&slot.kind);
        }
        if let Ok(entry) = self.index.find_entry(slot.hash, |other| *other == number) {
            entry.remove();
        }
        self.report(&mut slot, at, deadline, consumer);
        Some(slot)
    }

    /// Tells the consumer all that is left to tell of a flow that was taken out.
    fn report(&self, slot: &mut Slot<C::Conversation>, at: PacketRef, deadline: Option<Timestamp>, consumer: &mut C) {
        let wanted = self.settings.wanted;
        slot.kind.promote();
        let round_trip_ns = match &slot.kind {
            Kind::Tcp(connection) => (connection.round_trip_ns(), connection.server_round_trip_ns()),
            Kind::Syn(_) | Kind::Udp(_) | Kind::Bare(_) => (None, None),
        };
        let facts = slot.facts;
        let conversation = &mut slot.conversation;
        let mut reader = Reader { facts: &facts, conversation, consumer, at, round_trip_ns, again: false, done: false };
        if let Kind::Tcp(connection) = &mut slot.kind {
            if let Some(deadline) = deadline {
                connection.expired(deadline);
            }
            if !connection.is_done() {
                connection.flush(at, &mut |input, origins, start| reader.read(input, origins, start));
            }
        }
        reader.read(Input::Close, &[], false);
        let application = consumer.application(&slot.conversation);
        match &slot.kind {
            Kind::Tcp(connection) => {
                if let Some(probe) = connection.probe(&facts).filter(|_| wants_errors(wanted)) {
                    consumer.probe(at.index, probe);
                }
                if wanted.has(RecordKind::Connection) {
                    let mut record = connection.record(&facts, application);
                    record.tunnel = slot.tunnel.to_vec();
                    consumer.emit(at.index, facts.id, Record::Connection(Box::new(record)));
                }
                if wanted.has(RecordKind::Finding) {
                    consumer.fact(at.index, connection.fact(&facts));
                    for finding in connection.findings(&facts, deadline.unwrap_or(at.timestamp)) {
                        consumer.emit(at.index, facts.id, Record::Finding(Box::new(finding)));
                    }
                }
            }
            Kind::Udp(flow) => {
                if let Some(probe) = flow.probe(&facts).filter(|_| wants_errors(wanted)) {
                    consumer.probe(at.index, probe);
                }
                if wanted.has(RecordKind::Udp) {
                    let mut record = flow.record(&facts, application);
                    record.tunnel = slot.tunnel.to_vec();
                    consumer.emit(at.index, facts.id, Record::Udp(Box::new(record)));
                }
            }
            Kind::Syn(_) | Kind::Bare(_) => {}
        }
    }
}

/// Passes what a stream offers on to the consumer.
struct Reader<'a, C: Consumer> {
    facts: &'a FlowFacts,
    conversation: &'a mut C::Conversation,
    consumer: &'a mut C,
    at: PacketRef,
    /// Of the path, and of its part between the capture and the server.
    round_trip_ns: (Option<i64>, Option<i64>),
    again: bool,
    done: bool,
}

impl<C: Consumer> Reader<'_, C> {
    fn read(&mut self, input: Input<'_>, origins: &[crate::record::Origin], from_start: bool) -> Progress {
        if self.done && input != Input::Close {
            return Progress::Done;
        }
        let context = Context {
            flow: self.facts,
            packet: self.at,
            origins,
            from_start,
            round_trip_ns: self.round_trip_ns.0,
            server_round_trip_ns: self.round_trip_ns.1,
            hop_limit: None,
            secrets: crate::record::Secrets::none(),
        };
        let progress = self.consumer.input(self.conversation, input, &context);
        self.again |= self.consumer.take_reoffer(self.conversation);
        self.done |= progress == Progress::Done;
        progress
    }
}

/// Whether anybody is interested in ICMP errors and traceroutes.
fn wants_errors(wanted: Wanted) -> bool {
    wanted.has(RecordKind::Finding) || wanted.has(RecordKind::Path)
}

#[cfg(test)]
mod tests;
