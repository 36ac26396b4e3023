//! Who is the client of a flow: proven by a SYN, else guessed by the ports, else the first sender.
use crate::{
    record::{Certainty, Endpoint},
    wire::{
        TcpFlags,
        ends::{Ends, Role},
    },
};

/// Ports above 1023 that servers commonly listen on.
const SERVER_PORTS: [u16; 30] = [
    1080, 1433, 1521, 1883, 1900, 2049, 3128, 3306, 3389, 3478, 4789, 5060, 5222, 5353, 5355, 5432, 5672, 5900, 5985,
    6379, 6443, 8000, 8080, 8081, 8443, 8883, 8888, 9092, 9200, 27017,
];

/// The two ends by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Roles {
    pub client: Endpoint,
    pub server: Endpoint,
    pub certainty: Certainty,
}

/// Of a TCP connection whose first segment goes from `source` to `destination`.
pub(super) fn of_tcp(source: Endpoint, destination: Endpoint, flags: TcpFlags) -> Roles {
    if flags.syn() && !flags.rst() {
        let (client, server) = if flags.ack() { (destination, source) } else { (source, destination) };
        return Roles { client, server, certainty: Certainty::Observed };
    }
    of_udp(source, destination)
}

/// Of a flow without TCP and UDP whose first message has these ends: the one who asks is the client.
pub(super) fn of_message(ends: &Ends) -> Roles {
    match ends.role {
        Role::Asks => Roles { client: ends.source, server: ends.destination, certainty: Certainty::Observed },
        Role::Answers => Roles { client: ends.destination, server: ends.source, certainty: Certainty::Observed },
        Role::Unknown => of_udp(ends.source, ends.destination),
    }
}

/// Of a flow that nothing but its ports tells.
pub(super) fn of_udp(source: Endpoint, destination: Endpoint) -> Roles {
    let swapped = rank(source.port) > rank(destination.port);
    let (client, server) = if swapped { (destination, source) } else { (source, destination) };
    Roles { client, server, certainty: Certainty::Assumed }
}

/// How likely a server listens on `port`.
fn rank(port: u16) -> u8 {
    match port {
        1..=1023 => 3,
        _ if SERVER_PORTS.contains(&port) => 2,
        // Below the ephemeral ranges of Linux, the BSDs and Windows.
        1024..=32767 => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(port: u16) -> Endpoint {
        Endpoint { address: "10.0.0.1".parse().unwrap(), port }
    }

    #[test]
    fn ports_tell() {
        assert_eq!(of_udp(end(53), end(40000)).server.port, 53);
        assert_eq!(of_udp(end(40000), end(53)).server.port, 53);
        assert_eq!(of_udp(end(8080), end(2000)).server.port, 8080);
        assert_eq!(of_udp(end(40000), end(50000)).client.port, 40000);
        assert_eq!(of_udp(end(50000), end(40000)).client.port, 50000);
    }

    #[test]
    fn a_syn_proves() {
        let roles = of_tcp(end(80), end(40000), TcpFlags::SYN);
        assert_eq!((roles.client.port, roles.certainty), (80, Certainty::Observed));
    }
}
