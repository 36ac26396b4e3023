//! One flow of DHCPv6: each message is read by itself.
use super::{
    parser6::{Message, addresses, client_name, leases, message, option, statuses},
    session::part,
};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Fields, add_all, hex, note, number, text, words},
    },
    limits,
    record::{Context, DhcpMessageKind, Direction, Input, PartKind, Progress, Side, Value},
};

/// The session.
#[derive(Debug, Default)]
pub(super) struct Dhcpv6;

/// Wireshark's name of a message, what it does, and who sends it.
fn message_type(kind: u8) -> (&'static str, DhcpMessageKind, Side) {
    use DhcpMessageKind::{Agreement, Ask, Decline, Offer, Other, Release, Search};
    match kind {
        1 => ("Solicit", Search, Side::Client),
        2 => ("Advertise", Offer, Side::Server),
        3 => ("Request", Ask, Side::Client),
        4 => ("Confirm", Ask, Side::Client),
        5 => ("Renew", Ask, Side::Client),
        6 => ("Rebind", Ask, Side::Client),
        7 => ("Reply", Agreement, Side::Server),
        8 => ("Release", Release, Side::Client),
        9 => ("Decline", Decline, Side::Client),
        10 => ("Reconfigure", Other, Side::Server),
        11 => ("Information-request", Ask, Side::Client),
        14 => ("Leasequery", Ask, Side::Client),
        15 => ("Leasequery-reply", Agreement, Side::Server),
        _ => ("Unknown", Other, Side::Client),
    }
}

/// RFC 8415 21.13.
fn status_name(code: u16) -> String {
    match code {
        1 => "UnspecFail".to_owned(),
        2 => "NoAddrsAvail".to_owned(),
        3 => "NoBinding".to_owned(),
        4 => "NotOnLink".to_owned(),
        5 => "UseMulticast".to_owned(),
        6 => "NoPrefixAvail".to_owned(),
        _ => format!("status {code}"),
    }
}

impl Dhcpv6 {
    fn datagram(direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some((read, _)) = message(bytes) else { return };
        if read.options.len() >= limits::MAX_DHCP_OPTIONS {
            out.limit(&limits::APPLICATION);
        }
        say(&read, out);
        let (name, mut kind, side) = message_type(read.kind);
        let packet = context.packet;
        let mut facts = Vec::new();
        let mut add = |name: &'static str, value: String| facts.push((name, value, side, packet));
        if let Some(link) = read.relay_link {
            add("relay_link", link.to_string());
        }
        let (mut client, mut server) = (String::new(), None);
        for (kind, content) in &read.options {
            match *kind {
                option::CLIENT => {
                    client = hex(content);
                    if side == Side::Client {
                        add("client_duid", client.clone());
                    }
                }
                option::SERVER => {
                    server = Some(hex(content));
                    add("server_duid", hex(content));
                }
                option::ADDRESSES | option::TEMPORARY | option::PREFIXES => {
                    for (what, value, valid) in leases(content, *kind == option::TEMPORARY) {
                        let name = match (what, side, read.kind) {
                            ("address", Side::Client, _) => "requested_address",
                            ("address", _, 2) => "offered_address",
                            ("address", ..) => "address",
                            (_, Side::Client, _) => "requested_prefix",
                            (_, _, 2) => "offered_prefix",
                            _ => "prefix",
                        };
                        add(name, value);
                        if side == Side::Server {
                            add(
                                "lease_time",
                                if valid == u32::MAX { "for ever".to_owned() } else { format!("{valid} s") },
                            );
                        }
                    }
                }
                option::NAME_SERVERS => {
                    let few: Vec<String> = addresses(content).iter().take(8).map(ToString::to_string).collect();
                    add("name_servers", few.join(", "));
                }
                option::CLIENT_NAME => {
                    if let Some(name) = client_name(content) {
                        add("client_name", name);
                    }
                }
                // Behind the enterprise's number, each with its length.
                option::VENDOR_CLASS => {
                    if let Some(class) = content.get(6..) {
                        add("vendor_class", text(class));
                    }
                }
                _ => {}
            }
        }
        let mut reason = None;
        for (code, words) in statuses(&read.options) {
            if code != 0 {
                let told = if words.is_empty() {
                    status_name(code)
                } else {
                    format!("{}: {}", status_name(code), text(words))
                };
                add("status", told.clone());
                reason = Some(told);
            }
        }
        if reason.is_some() && side == Side::Server {
            kind = DhcpMessageKind::Refusal;
        }
        let kind = PartKind::Dhcp {
            is_v6: true,
            transaction: read.transaction,
            client,
            message: kind,
            name,
            server: server.filter(|_| side == Side::Server),
            reason,
        };
        out.part(part(direction, context, facts, kind));
    }
}

/// Wireshark's words.
fn say(read: &Message<'_>, out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let kinds: Vec<Value> = if read.outer_kind == read.kind {
        vec![number(read.kind)]
    } else {
        vec![number(read.outer_kind), number(read.kind)]
    };
    let mut fields = Fields::new();
    add_all(&mut fields, "dhcpv6.msgtype", kinds);
    fields.push(("dhcpv6.xid", number(read.transaction)));
    add_all(&mut fields, "dhcpv6.option.type", read.options.iter().map(|(kind, _)| number(*kind)).collect());
    let duids = read.options.iter().filter(|(kind, _)| matches!(*kind, option::CLIENT | option::SERVER));
    add_all(&mut fields, "dhcpv6.duid.bytes", duids.map(|(_, content)| words(hex(content))).collect());
    let mut told = Vec::new();
    for (kind, content) in &read.options {
        if matches!(*kind, option::ADDRESSES | option::TEMPORARY) {
            let found = leases(content, *kind == option::TEMPORARY);
            told.extend(found.into_iter().filter(|(what, ..)| *what == "address").map(|(_, address, _)| address));
        }
    }
    add_all(&mut fields, "dhcpv6.iaaddr.ip", told.iter().map(|address| words(address.clone())).collect());
    let name = match read.outer_kind {
        12 => "Relay-forw",
        13 => "Relay-reply",
        _ => message_type(read.kind).0,
    };
    let mut info = format!("{name} XID: 0x{:06x}", read.transaction);
    for (kind, content) in &read.options {
        if *kind == option::CLIENT {
            info.push_str(&format!(" CID: {}", hex(content)));
        }
    }
    for address in told {
        info.push_str(&format!(" IAA: {address}"));
    }
    note("dhcpv6", info, fields, out);
}

impl Session for Dhcpv6 {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        if let Input::Datagram { direction, bytes } = input {
            Self::datagram(direction, bytes, context, out);
        }
        Progress::Consumed(0)
    }
}
