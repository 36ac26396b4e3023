//! The advertisements of one router, which may be the master of several virtual ones.
use std::net::IpAddr;

use super::packet::{self, Advertisement, Kind};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, note},
    },
    limits,
    record::{Context, Direction, LinkFact, Master, PacketRef, Side},
};

/// The session.
#[derive(Debug, Default)]
pub(super) struct Vrrp {
    routers: Vec<VirtualRouter>,
}

#[derive(Debug)]
struct VirtualRouter {
    sender: Side,
    latest: Advertisement,
    span: Span,
    direction: Direction,
    /// The last priority that was not 0.
    priority: u8,
    /// Priorities in the order in which they came, 0 aside, and each one's first packet.
    priorities: Vec<(u8, PacketRef)>,
    resigned: u64,
    resignation: Option<PacketRef>,
    /// It resigned, and did not advertise since.
    is_resigned: bool,
    reigns: Vec<Span>,
}

/// A master that is silent for longer than this many intervals has been replaced (RFC 9568 6.1: three, and a skew of less
/// than one).
const SILENT_INTERVALS: i64 = 4;

impl Messages for Vrrp {
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(latest) = packet::read(bytes, context.flow.client.address) else { return };
        let sender = direction.sender();
        let known = self.routers.iter().position(|router| {
            let known = &router.latest;
            router.sender == sender
                && known.virtual_router_id == latest.virtual_router_id
                && known.kind.version() == latest.kind.version()
                && known.addresses == latest.addresses
        });
        let place = match known {
            Some(place) => place,
            None if self.routers.len() < limits::MAX_VIRTUAL_ROUTERS => {
                self.routers.push(VirtualRouter {
                    sender,
                    priority: latest.priority,
                    latest: latest.clone(),
                    span: Span::default(),
                    direction,
                    priorities: Vec::new(),
                    resigned: 0,
                    resignation: None,
                    is_resigned: false,
                    reigns: Vec::new(),
                });
                self.routers.len().saturating_sub(1)
            }
            None => {
                out.limit(&limits::ABOVE_IP);
                return;
            }
        };
        if let Some(router) = self.routers.get_mut(place) {
            router.advertised(latest, context.packet, out);
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        for router in std::mem::take(&mut self.routers) {
            router.tell(context, out);
        }
    }
}

impl VirtualRouter {
    fn advertised(&mut self, latest: Advertisement, packet: PacketRef, out: &mut Sink<'_>) {
        let is_carp = matches!(latest.kind, Kind::Carp { .. });
        let resigns = latest.priority == 0 && !is_carp;
        let limit_ns = latest.interval_ns.max(1_000_000).saturating_mul(SILENT_INTERVALS);
        let goes_on = self
            .reigns
            .last()
            .is_some_and(|reign| !self.is_resigned && packet.timestamp.since(reign.last.timestamp) <= limit_ns);
        self.span.see(packet);
        if resigns {
            self.resigned = self.resigned.saturating_add(1);
            self.resignation = Some(packet);
            self.is_resigned = true;
            if out.wants_notes() {
                let id = latest.virtual_router_id;
                note("vrrp", 3, format!("VRRP: the master of virtual router {id} resigns"), out);
            }
            self.latest = latest;
            return;
        }
        if goes_on {
            if let Some(reign) = self.reigns.last_mut() {
                reign.see(packet);
            }
        } else if self.reigns.len() < limits::MAX_REIGNS {
            let mut reign = Span::default();
            reign.see(packet);
            self.reigns.push(reign);
        } else {
            out.limit(&limits::ABOVE_IP);
        }
        self.is_resigned = false;
        if self.priorities.last().is_none_or(|(known, _)| *known != latest.priority) {
            if self.priorities.len() < limits::MAX_PRIORITIES {
                self.priorities.push((latest.priority, packet));
            } else {
                out.limit(&limits::ABOVE_IP);
            }
            self.priority = latest.priority;
        }
        self.latest = latest;
    }

    fn tell(self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Advertisement { kind, virtual_router_id, interval_ns, addresses, .. } = self.latest;
        let (way, first, last) = (self.direction, self.span.first, self.span.last);
        let mut sheet = Sheet::default();
        let (protocol, priority) = match kind {
            Kind::Carp { .. } => ("carp", "skew"),
            Kind::V2 { .. } | Kind::V3 => ("vrrp", "priority"),
        };
        sheet.add("version", kind.version().to_string(), way, first);
        sheet.add("virtual_router_id", virtual_router_id.to_string(), way, first);
        for (value, packet) in &self.priorities {
            sheet.add(priority, value.to_string(), way, *packet);
        }
        sheet.list("addresses", &addresses, way, first);
        sheet.add("interval_ms", interval_ns.checked_div(1_000_000).unwrap_or_default().to_string(), way, last);
        match kind {
            Kind::V2 { authentication } => {
                let name = match authentication {
                    0 => "none".to_owned(),
                    1 => "simple text password".to_owned(),
                    2 => "IP authentication header".to_owned(),
                    _ => format!("type {authentication}"),
                };
                sheet.add("authentication", name, way, first);
            }
            Kind::Carp { demotion } => sheet.count("demotion", demotion.into(), way, last),
            Kind::V3 => {}
        }
        sheet.add("advertisements", self.span.packets.to_string(), way, last);
        sheet.count("resigned", self.resigned, way, self.resignation.unwrap_or(last));
        sheet.count("silences", u64::try_from(self.reigns.len()).unwrap_or_default().saturating_sub(1), way, last);
        sheet.tell(protocol, self.span, (context.flow.client, context.flow.server), context, out);
        let router: IpAddr = context.flow.endpoint(self.sender).address;
        if !addresses.is_empty() && !self.reigns.is_empty() {
            out.link_fact(LinkFact::Master(Master {
                flow: context.flow.id,
                router,
                version: kind.version(),
                virtual_router_id,
                addresses,
                priority: self.priority,
                interval_ns,
                reigns: self.reigns.iter().map(|reign| (reign.first, reign.last, reign.packets)).collect(),
            }));
        }
    }
}
