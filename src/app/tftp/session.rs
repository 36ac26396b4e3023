//! One flow of TFTP: a request, a transfer, or both where the server answers from the port that it was asked at.
use super::parser::{Packet, error_name, packet};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Fields, note, number, text, words},
    },
    limits,
    record::{ApplicationPart, Context, Direction, Endpoint, Input, PacketRef, PartKind, Progress, Side},
};

/// A transfer.
#[derive(Debug)]
struct Transfer {
    /// Who sent its first packet: the server.
    from: Direction,
    first: PacketRef,
    last: PacketRef,
    facts: Vec<(&'static str, String, Side, PacketRef)>,
    /// Blocks with data, those sent again included, and bytes of those that were not.
    data_packets: u64,
    again: u64,
    bytes: u64,
    /// The highest block, and who sends data.
    newest: Option<(u16, Direction)>,
    /// Length of a full block.
    block_size: usize,
    /// The last block was shorter than a full one, and acknowledged.
    ends_with: Option<u16>,
    is_complete: bool,
    error: Option<(Side, String)>,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Tftp {
    transfer: Option<Transfer>,
}

impl Tftp {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Ok((_, packet)) = packet(bytes) else { return };
        say(&packet, out);
        let at = context.packet;
        if let Packet::Request { is_write, file, mode, options } = packet {
            let side = Side::Client;
            let mut facts = vec![
                ("command", if is_write { "write" } else { "read" }.to_owned(), side, at),
                ("file", text(file), side, at),
                ("mode", text(mode).to_ascii_lowercase(), side, at),
            ];
            if !options.is_empty() {
                facts.push(("options", listed(&options), side, at));
            }
            out.part(part((direction, context), (at, at), facts, PartKind::TftpRequest));
            return;
        }
        let transfer = self.transfer.get_or_insert_with(|| Transfer::new(direction, at));
        transfer.last = at;
        // Ports tell nothing here; the server begins.
        let side = if direction == transfer.from { Side::Server } else { Side::Client };
        match packet {
            Packet::Data { block, length } => transfer.data(direction, block, length),
            Packet::Acknowledgment { block } => {
                transfer.is_complete |= transfer.ends_with == Some(block);
            }
            Packet::Options(options) => {
                let size = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"blksize"));
                if let Some(size) = size.and_then(|(_, size)| text(size).parse().ok()) {
                    transfer.block_size = size;
                }
                transfer.facts.push(("options_accepted", listed(&options), side, at));
            }
            Packet::Error { code, message } => {
                let words = format!("{} ({code}): {}", error_name(code), text(message));
                if transfer.error.is_none() {
                    transfer.facts.push(("error", words.clone(), side, at));
                    transfer.error = Some((side, words));
                }
            }
            Packet::Request { .. } => {}
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(mut transfer) = self.transfer.take() else { return };
        let sender = transfer.newest.map_or(transfer.from, |(_, sender)| sender);
        let from = if sender == transfer.from { Side::Server } else { Side::Client };
        let last = transfer.last;
        if transfer.data_packets > 0 {
            let mut blocks = transfer.data_packets.saturating_sub(transfer.again).to_string();
            if transfer.again > 0 {
                blocks.push_str(&format!(", {} sent again", transfer.again));
            }
            transfer.facts.push(("blocks", blocks, from, last));
            transfer.facts.push(("bytes", transfer.bytes.to_string(), from, last));
            let lasted = last.timestamp.since(transfer.first.timestamp);
            transfer.facts.push(("lasted_ns", lasted.to_string(), from, last));
        }
        let outcome = match (&transfer.error, transfer.is_complete, transfer.ends_with) {
            (Some(_), ..) => "failed",
            (None, true, _) => "complete",
            (None, false, Some(_)) => "complete, last block not seen acknowledged",
            (None, false, None) => "not seen to its end",
        };
        transfer.facts.push(("outcome", outcome.to_owned(), from, last));
        let kind = PartKind::TftpTransfer { error: transfer.error };
        out.part(part((transfer.from, context), (transfer.first, last), transfer.facts, kind));
    }
}

impl Transfer {
    fn new(from: Direction, first: PacketRef) -> Self {
        Self {
            from,
            first,
            last: first,
            facts: Vec::new(),
            data_packets: 0,
            again: 0,
            bytes: 0,
            newest: None,
            block_size: 512,
            ends_with: None,
            is_complete: false,
            error: None,
        }
    }

    fn data(&mut self, direction: Direction, block: u16, length: usize) {
        self.data_packets = self.data_packets.saturating_add(1);
        // Numbers wrap: what is at most half of them behind came before.
        if self.newest.is_some_and(|(newest, _)| newest.wrapping_sub(block) < 0x8000) {
            self.again = self.again.saturating_add(1);
            return;
        }
        self.newest = Some((block, direction));
        self.bytes = self.bytes.saturating_add(u64::try_from(length).unwrap_or_default());
        if length < self.block_size {
            self.ends_with = Some(block);
        }
    }
}

fn part(
    (from, context): (Direction, &Context<'_>),
    (packet, last): (PacketRef, PacketRef),
    facts: Vec<(&'static str, String, Side, PacketRef)>,
    kind: PartKind,
) -> ApplicationPart {
    let end = |side: Side| -> Endpoint { context.flow.endpoint(side) };
    let (source, destination) = (end(from.sender()), end(from.sender().other()));
    ApplicationPart { flow: context.flow.id, source, destination, packet, last, facts, kind }
}

fn listed(options: &[(&[u8], &[u8])]) -> String {
    let few = options.iter().take(limits::MAX_APPLICATION_FACTS);
    let options: Vec<String> = few.map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
    options.join(", ")
}

/// Wireshark's words.
fn say(packet: &Packet<'_>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let mut fields = Fields::new();
    let info = match packet {
        Packet::Request { is_write, file, mode, options } => {
            let (opcode, name, field) = if *is_write {
                (2_u16, "Write Request", "tftp.destination_file")
            } else {
                (1, "Read Request", "tftp.source_file")
            };
            fields.extend([
                ("tftp.opcode", number(opcode)),
                (field, words(text(file))),
                ("tftp.type", words(text(mode))),
            ]);
            let options = if options.is_empty() { String::new() } else { format!(", {}", listed(options)) };
            format!("{name}, File: {}, Transfer type: {}{options}", text(file), text(mode))
        }
        Packet::Data { block, .. } => {
            fields.extend([("tftp.opcode", number(3_u8)), ("tftp.block", number(*block))]);
            format!("Data Packet, Block: {block}")
        }
        Packet::Acknowledgment { block } => {
            fields.extend([("tftp.opcode", number(4_u8)), ("tftp.block", number(*block))]);
            format!("Acknowledgement, Block: {block}")
        }
        Packet::Error { code, message } => {
            fields.extend([
                ("tftp.opcode", number(5_u8)),
                ("tftp.error.code", number(*code)),
                ("tftp.error.message", words(text(message))),
            ]);
            format!("Error Code, Code: {}, Message: {}", sentence(error_name(*code)), text(message))
        }
        Packet::Options(options) => {
            fields.push(("tftp.opcode", number(6_u8)));
            format!("Option Acknowledgement, {}", listed(options))
        }
    };
    note("tftp", info, fields, out);
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Session for Tftp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}
