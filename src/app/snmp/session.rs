//! One flow of SNMP: what is asked, and how it is answered.
use std::collections::VecDeque;

use super::{
    note::say,
    parser::{Pdu, Secured, error_name, kind_name, message},
};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Facts, Spread, finding, hex, text},
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Severity},
};

/// A request that waits.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: i64,
    from: Direction,
    packet: PacketRef,
    times: u64,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Snmp {
    facts: Facts,
    waiting: VecDeque<Asked>,
    /// Messages by kind.
    kinds: [u64; 9],
    requests: u64,
    answered: u64,
    again: u64,
    latency: Spread,
    names: usize,
    name_left_out: bool,
    cleartext_told: bool,
    last: Option<(Direction, PacketRef)>,
    last_name: Option<(String, Direction, PacketRef)>,
}

const RESPONSE: u8 = 2;
const REPORT: u8 = 8;

impl Snmp {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(message) = message(bytes) else { return };
        let packet = context.packet;
        self.facts.see(packet);
        self.last = Some((direction, packet));
        say(&message, out);
        let version = match message.version {
            0 => "1",
            1 => "2c",
            _ => "3",
        };
        self.facts.first("version", version, direction, packet);
        if let Some(community) = message.community {
            let shown = if out.shows_secrets() { text(community) } else { "present".to_owned() };
            self.facts.first("community", shown, direction, packet);
            self.clear(version, context, out);
        }
        if let Some(secured) = &message.secured {
            self.secured(direction, secured, packet);
        }
        let Some(data) = &message.data else {
            // What is inside is encrypted; requests and answers are told by the message's id.
            if let Some(secured) = &message.secured {
                self.exchange(direction, secured.id, secured.flags & 4 != 0, packet);
            }
            return;
        };
        if let Some(count) = self.kinds.get_mut(usize::from(data.kind)) {
            *count = count.saturating_add(1);
        }
        self.facts.first("pdu", kind_name(data.kind), direction, packet);
        // Version 3 gives the message's own id back; what is inside may be encrypted in one direction only.
        let id = message.secured.as_ref().map_or(data.request_id, |secured| secured.id);
        match data.kind {
            0 | 1 | 3 | 5 | 6 => {
                self.exchange(direction, id, true, packet);
                self.objects(direction, data, packet);
            }
            RESPONSE | REPORT => {
                self.exchange(direction, id, false, packet);
                if data.error_status != 0 {
                    let about = usize::try_from(data.error_index).ok().and_then(|index| index.checked_sub(1));
                    let about = about.and_then(|place| data.names.get(place));
                    let about = about.map_or_else(String::new, |name| format!(" ({name})"));
                    let error = format!("{}{about}", error_name(data.error_status));
                    self.facts.add("error_status", error, direction, packet);
                }
                if data.kind == REPORT
                    && let Some(name) = data.names.first()
                {
                    self.facts.add("report", report_name(name), direction, packet);
                }
                if data.missing > 0 {
                    self.facts.first(
                        "does_not_exist",
                        format!("{} of {}", data.missing, data.variables),
                        direction,
                        packet,
                    );
                }
            }
            _ => self.objects(direction, data, packet),
        }
    }

    fn secured(&mut self, direction: Direction, secured: &Secured<'_>, packet: PacketRef) {
        if !secured.engine.is_empty() {
            self.facts.first("engine_id", hex(secured.engine), direction, packet);
        }
        if !secured.user.is_empty() {
            self.facts.first("user", text(secured.user), direction, packet);
        }
        let level = match secured.flags & 3 {
            0 => "noAuthNoPriv",
            1 => "authNoPriv",
            3 => "authPriv",
            _ => "encrypted without authentication",
        };
        // The first request only asks for the engine's id, without security.
        if !secured.user.is_empty() || secured.flags & 3 != 0 {
            self.facts.either("security_level", level, direction, packet);
        }
    }

    /// A request, or its answer.
    fn exchange(&mut self, direction: Direction, id: i64, is_request: bool, packet: PacketRef) {
        if is_request {
            let same = self.waiting.iter_mut().find(|asked| asked.id == id && asked.from == direction);
            if let Some(asked) = same {
                asked.times = asked.times.saturating_add(1);
                self.again = self.again.saturating_add(1);
                return;
            }
            self.requests = self.requests.saturating_add(1);
            if self.waiting.len() >= limits::MAX_OUTSTANDING_REQUESTS {
                self.waiting.pop_front();
                self.facts.leave_out();
            }
            self.waiting.push_back(Asked { id, from: direction, packet, times: 1 });
            return;
        }
        let place = self.waiting.iter().position(|asked| asked.id == id && asked.from != direction);
        if let Some(asked) = place.and_then(|place| self.waiting.remove(place)) {
            self.answered = self.answered.saturating_add(1);
            // Of a request that was sent again nobody knows which of them was answered.
            if asked.times == 1 {
                let waited = packet.timestamp.since(asked.packet.timestamp);
                self.facts.first("answered_after_ns", waited.to_string(), direction, packet);
                self.latency.add(waited);
            }
        }
    }

    fn objects(&mut self, direction: Direction, data: &Pdu, packet: PacketRef) {
        if let Some((enterprise, kind, specific)) = &data.trap {
            let kind = match kind {
                0 => "coldStart".to_owned(),
                1 => "warmStart".to_owned(),
                2 => "linkDown".to_owned(),
                3 => "linkUp".to_owned(),
                4 => "authenticationFailure".to_owned(),
                5 => "egpNeighborLoss".to_owned(),
                _ => format!("specific {specific}"),
            };
            self.facts.add("trap", format!("{kind} of {enterprise}"), direction, packet);
        }
        for name in &data.names {
            if self.names < limits::MAX_SNMP_NAMES {
                self.names = self.names.saturating_add(1);
                self.facts.add("object", name.clone(), direction, packet);
            } else {
                self.name_left_out = true;
                self.last_name = Some((name.clone(), direction, packet));
            }
        }
    }

    fn clear(&mut self, version: &str, context: &Context<'_>, out: &mut Sink<'_>) {
        if std::mem::replace(&mut self.cleartext_told, true) {
            return;
        }
        let title = format!("An SNMP community travels in the clear (version {version})");
        let explanation = "The community of SNMP 1 and 2c is its only password, and is in every message. Whoever reads the way \
                           has it, and can ask, or set, as this station does. Use SNMPv3 with authentication and \
                           encryption, or keep such traffic in a management network.";
        let about = (Severity::Note, "snmp.cleartext-community");
        out.finding(finding(context, [context.packet], about, title, (explanation, "RFC 3414 1.1")));
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some((direction, packet)) = self.last else { return };
        if let Some((name, from, at)) = self.last_name.take() {
            self.facts.add("last_object", name, from, at);
        }
        if self.requests > 1 || (self.requests == 1 && self.answered == 0) {
            let kinds: Vec<String> = (0_u8..)
                .zip(self.kinds)
                .filter(|(_, count)| *count > 1)
                .map(|(kind, count)| format!("{count} {}", kind_name(kind)))
                .collect();
            if !kinds.is_empty() {
                self.facts.add("messages", kinds.join(", "), direction, packet);
            }
            let unanswered = self.requests.saturating_sub(self.answered);
            if unanswered > 0 {
                self.facts.add("unanswered", format!("{unanswered} of {}", self.requests), direction, packet);
            }
        }
        if self.again > 0 {
            self.facts.add("sent_again", self.again.to_string(), direction, packet);
        }
        if let (Some(mean), 2..) = (self.latency.mean(), self.latency.count) {
            self.facts.add("latency_mean_ns", mean.to_string(), direction, packet);
            self.facts.add("latency_max_ns", self.latency.max.to_string(), direction, packet);
        }
        self.facts.tell("snmp", context, out);
    }
}

/// Counters that version 3 reports instead of an answer (RFC 3414 5, RFC 3412 5).
fn report_name(name: &str) -> String {
    let words = match name {
        "1.3.6.1.6.3.15.1.1.1.0" => "unsupported security level",
        "1.3.6.1.6.3.15.1.1.2.0" => "not in time window",
        "1.3.6.1.6.3.15.1.1.3.0" => "unknown user",
        "1.3.6.1.6.3.15.1.1.4.0" => "unknown engine id",
        "1.3.6.1.6.3.15.1.1.5.0" => "wrong digest",
        "1.3.6.1.6.3.15.1.1.6.0" => "cannot be decrypted",
        "1.3.6.1.6.3.11.2.1.1.0" => "unknown security model",
        "1.3.6.1.6.3.11.2.1.2.0" => "invalid message",
        "1.3.6.1.6.3.11.2.1.3.0" => "unknown data handler",
        _ => return name.to_owned(),
    };
    words.to_owned()
}

impl Session for Snmp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}
