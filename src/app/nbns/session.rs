//! One flow of the NetBIOS name service.
use std::collections::VecDeque;

use super::parser::{Message, message};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Facts, Fields, add_all, note, number, words},
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Value},
};

/// The session.
#[derive(Debug, Default)]
pub(super) struct Nbns {
    facts: Facts,
    waiting: VecDeque<(u16, PacketRef)>,
    requests: u64,
    responses: u64,
    last: Option<(Direction, PacketRef)>,
}

impl Nbns {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], packet: PacketRef, out: &mut Sink<'_>) {
        let Ok((_, read)) = message(bytes) else { return };
        say(&read, out);
        self.facts.see(packet);
        self.last = Some((direction, packet));
        if !read.is_response() {
            if !self.waiting.iter().any(|(id, _)| *id == read.id) {
                if self.waiting.len() >= limits::MAX_OUTSTANDING_REQUESTS {
                    self.waiting.pop_front();
                    self.facts.leave_out();
                }
                self.waiting.push_back((read.id, packet));
            }
            self.requests = self.requests.saturating_add(1);
            self.facts.add(operation(read.opcode()).0, read.name.clone(), direction, packet);
            for address in &read.addresses {
                self.facts.add("address", address.to_string(), direction, packet);
            }
            return;
        }
        self.responses = self.responses.saturating_add(1);
        let place = self.waiting.iter().position(|(id, _)| *id == read.id);
        if let Some((_, asked)) = place.and_then(|place| self.waiting.remove(place)) {
            let waited = packet.timestamp.since(asked.timestamp);
            self.facts.first("answered_after_ns", waited.to_string(), direction, packet);
        }
        let answer = match read.code() {
            0 if read.addresses.is_empty() => read.name.clone(),
            0 => {
                let addresses: Vec<String> = read.addresses.iter().take(8).map(ToString::to_string).collect();
                format!("{} {}", read.name, addresses.join(", "))
            }
            code => format!("{}: {}", read.name, error(code)),
        };
        self.facts.add("answer", answer, direction, packet);
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some((direction, packet)) = self.last
            && self.requests > 1
        {
            self.facts.add("requests", self.requests.to_string(), direction, packet);
            self.facts.add("responses", self.responses.to_string(), direction, packet);
        }
        self.facts.tell("nbns", context, out);
    }
}

/// Name of a fact, and Wireshark's word.
fn operation(opcode: u16) -> (&'static str, &'static str) {
    match opcode {
        0 => ("query", "Name query"),
        5 => ("registration", "Registration"),
        6 => ("release", "Release"),
        7 => ("wait", "Wait and acknowledgment (WACK)"),
        8 | 9 => ("refresh", "Refresh"),
        15 => ("registration", "Multi-homed registration"),
        _ => ("request", "Unknown operation"),
    }
}

/// RFC 1002 4.2.6, 4.2.14.
fn error(code: u16) -> String {
    let words = match code {
        1 => "format error",
        2 => "server failure",
        3 => "no such name",
        4 => "not supported",
        5 => "refused",
        6 => "the name is somebody else's",
        7 => "the name is in conflict",
        _ => return format!("error {code}"),
    };
    words.to_owned()
}

/// Wireshark's words.
fn say(read: &Message, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let mut fields: Fields = vec![
        ("nbns.id", number(read.id)),
        ("nbns.flags", number(read.flags)),
        ("nbns.flags.response", Value::Bool(read.is_response())),
        ("nbns.flags.opcode", number(read.opcode())),
        ("nbns.name", words(read.name.clone())),
        ("nbns.type", number(read.kind)),
    ];
    add_all(&mut fields, "nbns.addr", read.addresses.iter().map(|address| words(address.to_string())).collect());
    let kind = match read.kind {
        0x20 => "NB",
        0x21 => "NBSTAT",
        _ => "",
    };
    let (operation, kind) = (operation(read.opcode()).1, if read.opcode() == 0 { kind } else { "NB" });
    let about = match (read.is_response(), read.addresses.first()) {
        (false, _) => read.name.clone(),
        (true, address) => address.map_or_else(String::new, ToString::to_string),
    };
    let response = if read.is_response() { " response" } else { "" };
    let info = format!("{operation}{response} {kind} {about}").trim_end().to_owned();
    note("nbns", info, fields, out);
}

impl Session for Nbns {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context.packet, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}
