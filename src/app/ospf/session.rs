//! What two addresses, or a router and a group, say in OSPF.
use std::net::{IpAddr, Ipv4Addr};

use super::packet::{self, Hello, KINDS, Packet};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, finding},
    },
    limits,
    record::{Context, Direction, LinkFact, OspfTerms, PacketRef, Severity},
};

/// The session.
#[derive(Debug, Default)]
pub(super) struct Ospf {
    span: Span,
    routers: [Router; 2],
}

/// What one side says.
#[derive(Debug, Default)]
struct Router {
    span: Span,
    version: u8,
    router_id: Option<Ipv4Addr>,
    area: Option<Ipv4Addr>,
    authentication: Option<u16>,
    instance: Option<u8>,
    packets: [u64; KINDS.len()],
    /// The terms in force, until they change.
    hello: Option<Heard>,
    /// The last ones.
    told: Option<Heard>,
    neighbours: Vec<Ipv4Addr>,
    neighbours_said: PacketRef,
    /// Its interface's MTU and the packet that said so.
    mtu: Option<(u16, PacketRef)>,
    advertisements: u64,
}

/// The terms of Hellos, and since when and until when they were the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Heard {
    terms: (Option<Ipv4Addr>, u16, u32),
    priority: u8,
    designated_router: Ipv4Addr,
    backup: Ipv4Addr,
    first: PacketRef,
    last: PacketRef,
}

impl Messages for Ospf {
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(packet) = packet::read(bytes) else { return };
        self.span.see(context.packet);
        let address = context.flow.endpoint(direction.sender()).address;
        if let Some(router) = self.routers.get_mut(direction.index()) {
            router.packet(&packet, address, context, out);
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        self.find_mtu(context, out);
        let mut sheet = Sheet::default();
        for (router, way) in self.routers.iter_mut().zip(Direction::BOTH) {
            router.tell_terms(context.flow.endpoint(way.sender()).address, context, out);
            router.write(way, &mut sheet);
        }
        sheet.tell("ospf", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

impl Ospf {
    /// Two routers that describe their databases to one another with different MTUs.
    fn find_mtu(&self, context: &Context<'_>, out: &mut Sink<'_>) {
        let [one, other] = &self.routers;
        let (Some((mtu, packet)), Some((other_mtu, other_packet))) = (one.mtu, other.mtu) else { return };
        // Of virtual links it is 0.
        if mtu == other_mtu || mtu == 0 || other_mtu == 0 {
            return;
        }
        let (client, server) = (context.flow.client.address, context.flow.server.address);
        out.finding(finding(
            (Severity::Warning, "ospf.mtu-mismatch"),
            [packet, other_packet],
            (
                format!("{client} tells an interface MTU of {mtu} bytes, {server} one of {other_mtu}"),
                "A router rejects Database Descriptions with an MTU larger than its own: the two stay in ExStart or Exchange \
                 and never become adjacent, unless one is told to ignore it. Set the same MTU on both.",
            ),
            "RFC 2328 10.6",
            context,
        ));
    }
}

impl Router {
    fn packet(&mut self, packet: &Packet<'_>, address: IpAddr, context: &Context<'_>, out: &mut Sink<'_>) {
        let at = context.packet;
        self.span.see(at);
        self.version = packet.version;
        let is_same = self.router_id.is_none_or(|known| known == packet.router_id)
            && self.area.is_none_or(|known| known == packet.area)
            && (self.authentication.is_none() || self.authentication == packet.authentication);
        if !is_same {
            self.tell_terms(address, context, out);
        }
        self.router_id = Some(packet.router_id);
        self.area = Some(packet.area);
        (self.authentication, self.instance) = (packet.authentication, packet.instance);
        let place = usize::from(packet.kind).saturating_sub(1);
        if let Some(count) = self.packets.get_mut(place) {
            *count = count.saturating_add(1);
        }
        match packet.kind {
            1 => {
                if let Some(hello) = Hello::read(packet) {
                    self.hello(&hello, address, context, out);
                }
            }
            2 => {
                if let Some(mtu) = packet::interface_mtu(packet) {
                    self.mtu = Some((mtu, at));
                }
            }
            4 => {
                let count = packet::advertisements(packet).unwrap_or_default();
                self.advertisements = self.advertisements.saturating_add(count.into());
            }
            _ => {}
        }
    }

    fn hello(&mut self, hello: &Hello<'_>, address: IpAddr, context: &Context<'_>, out: &mut Sink<'_>) {
        let terms = (hello.mask, hello.hello_interval_s, hello.dead_interval_s);
        if self.hello.is_some_and(|heard| heard.terms != terms) {
            self.tell_terms(address, context, out);
        }
        let at = context.packet;
        let first = self.hello.map_or(at, |heard| heard.first);
        let Hello { priority, designated_router, backup, .. } = *hello;
        self.hello = Some(Heard { terms, priority, designated_router, backup, first, last: at });
        self.told = self.hello;
        for neighbour in hello.neighbours() {
            if self.neighbours.contains(&neighbour) {
                continue;
            }
            if self.neighbours.len() >= limits::MAX_OSPF_NEIGHBOURS {
                out.limit(&limits::ABOVE_IP);
                break;
            }
            self.neighbours.push(neighbour);
            self.neighbours_said = at;
        }
    }

    /// Hands on the terms that were in force up to now.
    fn tell_terms(&mut self, address: IpAddr, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(heard) = self.hello.take() else { return };
        let (Some(mask), hello_interval_s, dead_interval_s) = heard.terms else { return };
        let (IpAddr::V4(router), Some(router_id), Some(area)) = (address, self.router_id, self.area) else { return };
        out.link_fact(LinkFact::Terms(OspfTerms {
            flow: context.flow.id,
            router,
            router_id,
            area,
            mask,
            hello_interval_s,
            dead_interval_s,
            authentication: self.authentication.unwrap_or_default(),
            neighbours: self.neighbours.clone(),
            first: heard.first,
            last: heard.last,
        }));
    }

    fn write(&self, way: Direction, sheet: &mut Sheet) {
        if self.span.packets == 0 {
            return;
        }
        let (first, last) = (self.span.first, self.span.last);
        sheet.add("version", self.version.to_string(), way, first);
        sheet.add_some("router_id", self.router_id, way, first);
        sheet.add_some("area", self.area, way, first);
        let authentication = self.authentication.map(|authentication| match authentication {
            0 => "none".to_owned(),
            1 => "simple password".to_owned(),
            2 => "cryptographic".to_owned(),
            _ => format!("type {authentication}"),
        });
        sheet.add_some("authentication", authentication, way, first);
        sheet.add_some("instance", self.instance, way, first);
        let counts = KINDS.iter().zip(self.packets).filter(|(_, count)| *count > 0);
        sheet.list("packets", counts.map(|(name, count)| format!("{name} {count}")), way, last);
        if let Some(told) = self.told {
            sheet.add_some("network_mask", told.terms.0, way, told.last);
            sheet.add("hello_interval_s", told.terms.1.to_string(), way, told.last);
            sheet.add("dead_interval_s", told.terms.2.to_string(), way, told.last);
            sheet.add("priority", told.priority.to_string(), way, told.last);
            sheet.add("designated_router", told.designated_router.to_string(), way, told.last);
            sheet.add("backup_designated_router", told.backup.to_string(), way, told.last);
        }
        sheet.list("neighbours", &self.neighbours, way, self.neighbours_said);
        sheet.add_some("interface_mtu", self.mtu.map(|(mtu, _)| mtu), way, self.mtu.map_or(last, |(_, packet)| packet));
        sheet.count("advertisements", self.advertisements, way, last);
    }
}
