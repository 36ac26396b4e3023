//! One flow of DHCP: each message is read by itself.
use super::{
    options::{addresses, client_identifier, fact, seconds},
    parser::{Header, behind_cookie, header, options},
};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Fields, add_all, colons, note, number, text, words},
    },
    limits,
    record::{ApplicationPart, Context, DhcpMessageKind, Direction, Input, PartKind, Progress, Side, Value},
};

/// The session.
#[derive(Debug, Default)]
pub(super) struct Dhcp;

const MESSAGE_TYPE: u8 = 53;
const CLIENT_IDENTIFIER: u8 = 61;
const SERVER_IDENTIFIER: u8 = 54;
const MESSAGE: u8 = 56;
const OVERLOAD: u8 = 52;

/// Name, and what it does, of a message's type; BOOTP has none.
fn message_type(number: Option<u8>, operation: u8) -> (&'static str, DhcpMessageKind) {
    match number {
        Some(1) => ("Discover", DhcpMessageKind::Search),
        Some(2) => ("Offer", DhcpMessageKind::Offer),
        Some(3) => ("Request", DhcpMessageKind::Ask),
        Some(4) => ("Decline", DhcpMessageKind::Decline),
        Some(5) => ("ACK", DhcpMessageKind::Agreement),
        Some(6) => ("NAK", DhcpMessageKind::Refusal),
        Some(7) => ("Release", DhcpMessageKind::Release),
        Some(8) => ("Inform", DhcpMessageKind::Ask),
        Some(9) => ("Force Renew", DhcpMessageKind::Other),
        Some(10) => ("Lease query", DhcpMessageKind::Ask),
        Some(11) => ("Lease Unassigned", DhcpMessageKind::Agreement),
        Some(12) => ("Lease Unknown", DhcpMessageKind::Agreement),
        Some(13) => ("Lease Active", DhcpMessageKind::Agreement),
        Some(_) => ("Unknown", DhcpMessageKind::Other),
        None if operation == 1 => ("Boot Request", DhcpMessageKind::Ask),
        None => ("Boot Reply", DhcpMessageKind::Agreement),
    }
}

impl Dhcp {
    fn datagram(direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Ok((rest, header)) = header(bytes) else { return };
        if !matches!(header.operation, 1 | 2) {
            return;
        }
        let mut all = behind_cookie(rest).map(options).unwrap_or_default();
        if all.len() >= limits::MAX_DHCP_OPTIONS {
            out.limit(&limits::APPLICATION);
        }
        // The fields for names may hold further options (RFC 2132 9.3).
        let overload = all.iter().find(|(kind, _)| *kind == OVERLOAD).and_then(|(_, content)| content.first().copied());
        let overload = overload.unwrap_or_default();
        if overload & 1 != 0 {
            all.extend(options(header.file));
        }
        if overload & 2 != 0 {
            all.extend(options(header.server_name));
        }
        let find = |wanted: u8| all.iter().find(|(kind, _)| *kind == wanted).map(|(_, content)| *content);
        let number = find(MESSAGE_TYPE).and_then(|content| content.first().copied());
        let (name, message) = message_type(number, header.operation);
        say(&header, &all, (number, name), out);

        let side = if header.operation == 1 { Side::Client } else { Side::Server };
        let hardware = if header.hardware.is_empty() { None } else { Some(colons(header.hardware)) };
        let identifier = find(CLIENT_IDENTIFIER).map(client_identifier);
        let client = hardware.clone().or_else(|| identifier.clone()).unwrap_or_default();
        let packet = context.packet;
        let mut facts = Vec::new();
        let mut add = |name: &'static str, value: String| facts.push((name, value, side, packet));
        if side == Side::Client {
            if let Some(hardware) = hardware {
                add("client_address", hardware);
            }
            if let Some(identifier) = identifier.filter(|identifier| *identifier != client) {
                add("client_identifier", identifier);
            }
        }
        let [current, yours, next, relay] = header.addresses;
        if !current.is_unspecified() && side == Side::Client {
            add("current_address", current.to_string());
        }
        if !yours.is_unspecified() {
            add(if message == DhcpMessageKind::Offer { "offered_address" } else { "address" }, yours.to_string());
        }
        if !next.is_unspecified() && side == Side::Server {
            add("next_server", next.to_string());
        }
        if !relay.is_unspecified() {
            add("relay", relay.to_string());
        }
        if overload & 1 == 0 && header.file.first().is_some_and(|first| *first != 0) {
            add("boot_file", text(header.file));
        }
        for (kind, content) in &all {
            if let Some((name, value)) = fact(*kind, content) {
                // A client names the server that it takes.
                let is_choice = *kind == SERVER_IDENTIFIER && side == Side::Client;
                add(if is_choice { "selected_server" } else { name }, value);
            }
        }
        let server = find(SERVER_IDENTIFIER).and_then(|content| addresses(content).first().map(ToString::to_string));
        let reason = find(MESSAGE).map(text);
        let kind =
            PartKind::Dhcp { is_v6: false, transaction: header.transaction, client, message, name, server, reason };
        out.part(part(direction, context, facts, kind));
    }
}

/// A message that the session read, from who sent it.
pub(super) fn part(
    direction: Direction,
    context: &Context<'_>,
    facts: Vec<(&'static str, String, Side, crate::record::PacketRef)>,
    kind: PartKind,
) -> ApplicationPart {
    let (source, destination) =
        (context.flow.endpoint(direction.sender()), context.flow.endpoint(direction.reverse().sender()));
    let packet = context.packet;
    ApplicationPart { flow: context.flow.id, source, destination, packet, last: packet, facts, kind }
}

/// Wireshark's words.
fn say(header: &Header<'_>, all: &[(u8, &[u8])], (number_of_type, name): (Option<u8>, &str), out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let [client, yours, server, relay] = header.addresses.map(|address| words(address.to_string()));
    let mut fields: Fields = vec![
        ("dhcp.type", number(header.operation)),
        ("dhcp.hw.type", number(header.hardware_type)),
        ("dhcp.hw.len", number(header.hardware_length)),
        ("dhcp.hops", number(header.hops)),
        ("dhcp.id", number(header.transaction)),
        ("dhcp.secs", number(header.seconds)),
        ("dhcp.flags", number(header.flags)),
        ("dhcp.ip.client", client),
        ("dhcp.ip.your", yours),
        ("dhcp.ip.server", server),
        ("dhcp.ip.relay", relay),
    ];
    // The client's identifier usually holds it again.
    let identifiers = all.iter().filter_map(|(kind, content)| match (*kind, *content) {
        (CLIENT_IDENTIFIER, [1, hardware @ ..]) => Some(hardware),
        _ => None,
    });
    let fixed = Some(header.hardware).filter(|_| header.hardware_type == 1);
    let hardware = fixed.into_iter().chain(identifiers).filter(|hardware| hardware.len() == 6);
    add_all(&mut fields, "dhcp.hw.mac_addr", hardware.map(|hardware| words(colons(hardware))).collect());
    add_all(&mut fields, "dhcp.option.type", all.iter().map(|(kind, _)| number(*kind)).collect());
    for (kind, content) in all {
        let field = match kind {
            53 => content.first().map(|kind| ("dhcp.option.dhcp", number(*kind))),
            51 => seconds(content).map(|seconds| ("dhcp.option.ip_address_lease_time", number(seconds))),
            12 => Some(("dhcp.option.hostname", words(text(content)))),
            15 => Some(("dhcp.option.domain_name", words(text(content)))),
            60 => Some(("dhcp.option.vendor_class_id", words(text(content)))),
            1 | 3 | 6 | 50 | 54 => {
                let name = match kind {
                    1 => "dhcp.option.subnet_mask",
                    3 => "dhcp.option.router",
                    6 => "dhcp.option.domain_name_server",
                    50 => "dhcp.option.requested_ip_address",
                    _ => "dhcp.option.dhcp_server_id",
                };
                let addresses: Vec<Value> =
                    addresses(content).iter().map(|address| words(address.to_string())).collect();
                add_all(&mut fields, name, addresses);
                None
            }
            _ => None,
        };
        fields.extend(field);
    }
    let info = match number_of_type {
        Some(_) => format!("DHCP {name:<8} - Transaction ID 0x{:x}", header.transaction),
        None if header.operation == 1 => format!("Boot Request from {}", colons(header.hardware)),
        None => "Boot Reply".to_owned(),
    };
    note("dhcp", info, fields, out);
}

impl Session for Dhcp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        if let Input::Datagram { direction, bytes } = input {
            Self::datagram(direction, bytes, context, out);
        }
        Progress::Consumed(0)
    }
}
