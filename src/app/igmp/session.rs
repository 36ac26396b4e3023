//! What one host or querier says to one address.
use std::net::IpAddr;

use super::messages::{self, Change, Message, Query};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span},
    },
    limits,
    record::{Context, Direction, Endpoint, PacketRef},
};

/// IGMP's reader.
#[derive(Debug, Default)]
pub(super) struct Igmp(Membership);

/// MLD's reader.
#[derive(Debug, Default)]
pub(super) struct Mld(Membership);

impl Messages for Igmp {
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        self.0.packet(direction, messages::igmp(bytes), context, out);
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        std::mem::take(&mut self.0).tell("igmp", context, out);
    }
}

impl Messages for Mld {
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        self.0.packet(direction, messages::mld(bytes), context, out);
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        std::mem::take(&mut self.0).tell("mld", context, out);
    }
}

/// Groups of which the same was said, and when it was said last.
#[derive(Debug, Default)]
struct Groups {
    groups: Vec<(IpAddr, u16)>,
    last: Option<(Direction, PacketRef)>,
}

impl Groups {
    /// Adds one; false when there is no room.
    fn add(&mut self, group: IpAddr, sources: u16, said: (Direction, PacketRef)) -> bool {
        self.last = Some(said);
        if let Some((_, known)) = self.groups.iter_mut().find(|(known, _)| *known == group) {
            *known = sources;
            return true;
        }
        let has_room = self.groups.len() < limits::MAX_MULTICAST_GROUPS;
        if has_room {
            self.groups.push((group, sources));
        }
        has_room
    }

    fn write(&self, name: &'static str, sheet: &mut Sheet) {
        let Some((direction, packet)) = self.last else { return };
        let names = self.groups.iter().map(|(group, sources)| match sources {
            0 => group.to_string(),
            1 => format!("{group} (1 source)"),
            _ => format!("{group} ({sources} sources)"),
        });
        sheet.list(name, names, direction, packet);
    }
}

#[derive(Debug, Default)]
struct Membership {
    span: Span,
    /// The highest version spoken.
    version: Option<(u8, Direction, PacketRef)>,
    /// The last query about all groups, and how many came.
    general: Option<(Query, Direction, PacketRef)>,
    general_queries: u64,
    queried: Groups,
    reported: Groups,
    joined: Groups,
    blocked: Groups,
    left: Groups,
    reports: u64,
}

impl Membership {
    fn packet(
        &mut self,
        direction: Direction,
        message: Option<Message<'_>>,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let Some(message) = message else { return };
        let said = (direction, context.packet);
        self.span.see(context.packet);
        let is_v6 = context.flow.client.address.is_ipv6();
        let mut has_room = true;
        let version = match message {
            Message::Query(query) => {
                if query.group.is_unspecified() {
                    self.general = Some((query, direction, context.packet));
                    self.general_queries = self.general_queries.saturating_add(1);
                } else {
                    has_room = self.queried.add(query.group, 0, said);
                }
                query.version
            }
            Message::Report { version, group } => {
                self.reports = self.reports.saturating_add(1);
                has_room = self.reported.add(group, 0, said);
                version
            }
            Message::Leave(group) => {
                has_room = self.left.add(group, 0, said);
                if is_v6 { 1 } else { 2 }
            }
            Message::Records(records) => {
                self.reports = self.reports.saturating_add(1);
                for (change, group, sources) in records {
                    let groups = match change {
                        Change::Member => &mut self.reported,
                        Change::Joined => &mut self.joined,
                        Change::Left => &mut self.left,
                        Change::Blocked => &mut self.blocked,
                    };
                    has_room &= groups.add(group, sources, said);
                }
                if is_v6 { 2 } else { 3 }
            }
        };
        if self.version.is_none_or(|(known, ..)| known < version) {
            self.version = Some((version, direction, context.packet));
        }
        if !has_room {
            out.limit(&limits::ABOVE_IP);
        }
    }

    fn tell(self, protocol: &'static str, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some((version, direction, packet)) = self.version else { return };
        let mut sheet = Sheet::default();
        sheet.add("version", version.to_string(), direction, packet);
        if let Some((query, direction, packet)) = self.general {
            sheet.add("general_queries", self.general_queries.to_string(), direction, packet);
            sheet.add("maximum_response_ms", query.response_ms.to_string(), direction, packet);
            if let Some((robustness, interval)) = query.querier {
                sheet.add("robustness", robustness.to_string(), direction, packet);
                sheet.add("query_interval_s", interval.to_string(), direction, packet);
            }
        }
        self.queried.write("queried", &mut sheet);
        self.joined.write("joined", &mut sheet);
        self.reported.write("reported", &mut sheet);
        self.blocked.write("blocked_sources", &mut sheet);
        self.left.write("left", &mut sheet);
        sheet.count("reports", self.reports, direction, self.span.last);
        // The port of an MLD flow is no port.
        let [client, server] = [context.flow.client, context.flow.server].map(|end| Endpoint { port: 0, ..end });
        sheet.tell(protocol, self.span, (client, server), context, out);
    }
}
