//! What packets hold, on one line and by Wireshark's names.
use super::parser::{self, KexInit, Packet};
use crate::{
    app::codec::{draft::Draft, facts::text},
    record::{Direction, Side, Value},
};

/// A line of identification.
pub(super) fn identification(direction: Direction, line: &[u8], draft: &mut Draft) {
    draft.say(", ", &format!("{}: Protocol ({})", sender(direction), text(line)));
    draft.text("ssh.protocol", line);
    of_server(direction, draft);
}

/// A packet in the clear.
pub(super) fn packet(direction: Direction, packet: &Packet<'_>, draft: &mut Draft) {
    draft.say(", ", &format!("{}: {}", sender(direction), parser::message_name(packet.message)));
    draft.number("ssh.packet_length", packet.length);
    draft.number("ssh.padding_length", packet.padding);
    draft.number("ssh.message_code", packet.message);
    of_server(direction, draft);
}

/// So many encrypted bytes.
pub(super) fn encrypted(direction: Direction, length: usize, draft: &mut Draft) {
    if length > 0 {
        draft.say(", ", &format!("{}: Encrypted packet (len={length})", sender(direction)));
        of_server(direction, draft);
    }
}

fn of_server(direction: Direction, draft: &mut Draft) {
    draft.flag("ssh.direction", direction == Direction::ServerToClient);
}

fn sender(direction: Direction) -> &'static str {
    match direction {
        Direction::ClientToServer => "Client",
        Direction::ServerToClient => "Server",
    }
}

/// What an offer lists, by Wireshark's names.
pub(super) fn lists(offer: &KexInit, hassh: &str, side: Side, draft: &mut Draft) {
    let [encryption, encryption_back] = &offer.encryption;
    let [mac, mac_back] = &offer.mac;
    let [compression, compression_back] = &offer.compression;
    for (name, list) in [
        ("ssh.kex_algorithms", &offer.key_exchange),
        ("ssh.server_host_key_algorithms", &offer.host_key),
        ("ssh.encryption_algorithms_client_to_server", encryption),
        ("ssh.encryption_algorithms_server_to_client", encryption_back),
        ("ssh.mac_algorithms_client_to_server", mac),
        ("ssh.mac_algorithms_server_to_client", mac_back),
        ("ssh.compression_algorithms_client_to_server", compression),
        ("ssh.compression_algorithms_server_to_client", compression_back),
    ] {
        draft.field(name, Value::Text(list.clone()));
    }
    let name = if side == Side::Client { "ssh.kex.hassh" } else { "ssh.kex.hasshserver" };
    draft.field(name, Value::Text(hassh.to_owned()));
}
