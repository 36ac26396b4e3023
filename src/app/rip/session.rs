//! One flow of RIP: what a router announces.
use super::parser::{Entry, INFINITY, Message, NextGenerationEntry, rip, ripng};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Facts, Fields, add_all, note, number, words},
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Value},
};

/// The session.
#[derive(Debug)]
pub(super) struct Rip {
    is_next_generation: bool,
    facts: Facts,
    messages: [u64; 2],
    routes: usize,
    /// Routes of one response that are not told, at most.
    left_out: usize,
    last: Option<(Direction, PacketRef)>,
}

impl Rip {
    pub(super) fn new(is_next_generation: bool) -> Self {
        Self { is_next_generation, facts: Facts::default(), messages: [0; 2], routes: 0, left_out: 0, last: None }
    }

    fn name(&self) -> &'static str {
        if self.is_next_generation { "ripng" } else { "rip" }
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8], packet: PacketRef, out: &mut Sink<'_>) {
        if self.is_next_generation {
            if let Ok((_, message)) = ripng(bytes) {
                say_next_generation(&message, out);
                let routes = next_generation_routes(&message.entries);
                self.message(direction, (message.command, message.version), routes, packet);
            }
        } else if let Ok((_, message)) = rip(bytes) {
            say(&message, out);
            for entry in &message.entries {
                if let Entry::Authentication(kind) = entry {
                    self.facts.first("authentication", authentication_name(*kind), direction, packet);
                }
            }
            let routes = message.entries.iter().filter_map(|entry| route(entry, message.version)).collect();
            self.message(direction, (message.command, message.version), routes, packet);
        }
    }

    fn message(
        &mut self,
        direction: Direction,
        (command, version): (u8, u8),
        routes: Vec<(String, u32)>,
        packet: PacketRef,
    ) {
        self.facts.see(packet);
        self.last = Some((direction, packet));
        self.facts.either("version", version.to_string(), direction, packet);
        let name = command_name(command);
        self.facts.either("command", name, direction, packet);
        if let Some(count) = self.messages.get_mut(usize::from(command == 2)) {
            *count = count.saturating_add(1);
        }
        if command != 2 {
            return;
        }
        let mut left_out = 0_usize;
        for (route, metric) in routes {
            let metric = if metric >= INFINITY { "not reachable".to_owned() } else { format!("metric {metric}") };
            let route = format!("{route} {metric}");
            if self.facts.knows("route", &route) {
                continue;
            }
            if self.routes >= limits::MAX_RIP_ROUTES {
                left_out = left_out.saturating_add(1);
            } else {
                self.routes = self.routes.saturating_add(1);
                self.facts.add("route", route, direction, packet);
            }
        }
        self.left_out = self.left_out.max(left_out);
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some((direction, packet)) = self.last {
            let [requests, responses] = self.messages;
            if responses > 1 {
                self.facts.add("responses", responses.to_string(), direction, packet);
            }
            if requests > 1 {
                self.facts.add("requests", requests.to_string(), direction, packet);
            }
            if self.left_out > 0 {
                self.facts.add("more_routes", self.left_out.to_string(), direction, packet);
            }
        }
        let name = self.name();
        self.facts.tell(name, context, out);
    }
}

fn command_name(command: u8) -> String {
    match command {
        1 => "request".to_owned(),
        2 => "response".to_owned(),
        _ => format!("command {command}"),
    }
}

fn authentication_name(kind: u16) -> String {
    match kind {
        1 => "digest behind the message".to_owned(),
        2 => "password in the clear".to_owned(),
        3 => "keyed hash".to_owned(),
        _ => format!("type {kind}"),
    }
}

fn route(entry: &Entry, version: u8) -> Option<(String, u32)> {
    let Entry::Route { family: 2, address, mask, next_hop, metric, .. } = *entry else { return None };
    let mut text = address.to_string();
    if version > 1 {
        text.push_str(&format!("/{}", mask.leading_ones()));
        if !next_hop.is_unspecified() {
            text.push_str(&format!(" via {next_hop}"));
        }
    }
    Some((text, metric))
}

fn next_generation_routes(entries: &[NextGenerationEntry]) -> Vec<(String, u32)> {
    let mut via = String::new();
    let mut routes = Vec::new();
    for entry in entries {
        if entry.is_next_hop() {
            via = if entry.prefix.is_unspecified() { String::new() } else { format!(" via {}", entry.prefix) };
        } else {
            routes.push((format!("{}/{}{via}", entry.prefix, entry.length), entry.metric.into()));
        }
    }
    routes
}

/// Wireshark's words.
fn say(message: &Message<Entry>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let mut fields: Fields = vec![("rip.command", number(message.command)), ("rip.version", number(message.version))];
    let routes = || {
        message.entries.iter().filter_map(|entry| match *entry {
            Entry::Route { family: 2, tag, address, mask, next_hop, metric } => {
                Some((tag, address, mask, next_hop, metric))
            }
            _ => None,
        })
    };
    let families = message.entries.iter().map(|entry| match entry {
        Entry::Route { family, .. } => number(*family),
        Entry::Authentication(_) => number(u16::MAX),
    });
    add_all(&mut fields, "rip.family", families.collect());
    add_all(&mut fields, "rip.ip", routes().map(|route| words(route.1.to_string())).collect());
    if message.version > 1 {
        add_all(&mut fields, "rip.route_tag", routes().map(|route| number(route.0)).collect());
        let masks = routes().map(|route| words(std::net::Ipv4Addr::from_bits(route.2).to_string()));
        add_all(&mut fields, "rip.netmask", masks.collect());
        add_all(&mut fields, "rip.next_hop", routes().map(|route| words(route.3.to_string())).collect());
    }
    let metrics = message.entries.iter().filter_map(|entry| match entry {
        Entry::Route { metric, .. } => Some(number(*metric)),
        Entry::Authentication(_) => None,
    });
    add_all(&mut fields, "rip.metric", metrics.collect());
    note("rip", capital(message.command), fields, out);
}

fn say_next_generation(message: &Message<NextGenerationEntry>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let entries = || message.entries.iter();
    let mut fields: Fields = vec![("ripng.cmd", number(message.command)), ("ripng.version", number(message.version))];
    let all = |read: fn(&NextGenerationEntry) -> Value| entries().map(read).collect::<Vec<_>>();
    add_all(&mut fields, "ripng.rte.ipv6_prefix", all(|entry| words(entry.prefix.to_string())));
    add_all(&mut fields, "ripng.rte.prefix_length", all(|entry| number(entry.length)));
    add_all(&mut fields, "ripng.rte.metric", all(|entry| number(entry.metric)));
    let command = capital(message.command);
    note("ripng", format!("Command {command}, Version {}", message.version), fields, out);
}

fn capital(command: u8) -> String {
    match command {
        1 => "Request".to_owned(),
        2 => "Response".to_owned(),
        _ => format!("Unknown ({command})"),
    }
}

impl Session for Rip {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context.packet, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}
