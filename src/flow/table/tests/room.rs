//! Where there is no room for more flows: which are closed, and what counts.
use super::*;

const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;

impl Wire {
    fn of(settings: Settings) -> Self {
        Self { table: Table::new(settings), ..Self::new(1) }
    }

    /// A segment of the connection from the client's `port`.
    fn on(&mut self, port: u16, way: char, bits: u8, numbers: (u32, u32), payload: &[u8]) {
        let ports = if way == '>' { (port, 80) } else { (80, port) };
        let mut body = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
        body.extend_from_slice(&numbers.0.to_be_bytes());
        body.extend_from_slice(&numbers.1.to_be_bytes());
        body.extend_from_slice(&[0x50, bits, 0x10, 0, 0, 0, 0, 0]);
        body.extend_from_slice(payload);
        let (from, to) = if way == '>' { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
        self.ip(6, from, to, &body);
    }

    fn establish(&mut self, port: u16) {
        self.on(port, '>', SYN, (100, 0), &[]);
        self.on(port, '<', SYN | ACK, (500, 101), &[]);
        self.on(port, '>', ACK, (101, 501), &[]);
        self.on(port, '>', ACK, (101, 501), b"hello");
    }

    fn closed_early(&self) -> Vec<u16> {
        self.told.connections().iter().map(|connection| connection.client.port).collect()
    }
}

#[test]
fn a_flood_of_syns_leaves_established_connections_alone() {
    let mut wire = Wire::new(8);
    (1..=6).for_each(|port| wire.establish(port));
    // Then nothing but SYNs, none of which is answered. They may have a quarter of the places.
    for port in 1000..3000 {
        wire.on(port, '>', SYN, (7, 0), &[]);
    }
    assert_eq!(wire.table.open_flows(), 8);
    assert_eq!(wire.told.limits.len(), 2000 - 2);
    assert!(wire.closed_early().iter().all(|port| *port >= 1000), "{:?}", wire.closed_early());
    // Who was there before is still read.
    wire.on(3, '>', ACK, (106, 501), b" again");
    assert!(wire.told.inputs.ends_with(&["0  again".to_owned()]));
    // With all places taken by established ones, a flood gets its quarter and no more.
    let mut wire = Wire::new(8);
    (1..=8).for_each(|port| wire.establish(port));
    for port in 1000..3000 {
        wire.on(port, '>', SYN, (7, 0), &[]);
    }
    let real = wire.closed_early().iter().filter(|port| **port < 1000).copied().collect::<Vec<_>>();
    assert_eq!(real, [1, 2], "the idlest two");
}

#[test]
fn without_a_flood_the_idlest_makes_room() {
    let mut wire = Wire::new(8);
    (1..=8).for_each(|port| wire.establish(port));
    wire.on(1, '>', ACK, (106, 501), b"x");
    // A connection that is being opened is not given up for one that nobody uses.
    (10..=13).for_each(|port| wire.establish(port));
    assert_eq!(wire.closed_early(), [2, 3, 4, 5]);
}

#[test]
fn what_is_over_goes_before_what_is_open() {
    let mut wire = Wire::new(8);
    (1..=8).for_each(|port| wire.establish(port));
    for port in [6, 7] {
        wire.on(port, '>', ACK | FIN, (106, 501), &[]);
        wire.on(port, '<', ACK | FIN, (501, 107), &[]);
        wire.on(port, '>', ACK, (107, 502), &[]);
    }
    wire.on(20, '>', SYN, (7, 0), &[]);
    assert_eq!(wire.closed_early(), [6]);
}

#[test]
fn bytes_that_streams_hold_count() {
    let settings = Settings { max_flow_bytes: 20 * limits::BYTES_PER_FLOW, ..Settings::default() };
    let mut wire = Wire::of(settings);
    (1..=4).for_each(|port| wire.establish(port));
    assert_eq!(wire.table.flow_bytes(), 4 * limits::BYTES_PER_FLOW);
    // The same as with MAX_FLOW_BYTES, which is more. Behind a hole, as much as fills all room: the idle ones go, who holds it stays.
    for place in 0..60 {
        wire.on(4, '>', ACK, (2000 + place * 1000, 501), &[b'x'; 1000]);
    }
    assert_eq!(wire.closed_early(), [1, 2, 3]);
    assert_eq!(wire.told.limits, ["capture.flow-limit"; 3]);
    // The hole is filled: nothing is held.
    wire.on(4, '>', ACK, (106, 501), &[b'y'; 2000 - 106]);
    assert_eq!(wire.table.flow_bytes(), limits::BYTES_PER_FLOW);
    let told = wire.finish();
    assert_eq!(told.bytes_of(0).len(), 4 * 5 + 2000 - 106 + 60_000);
}

#[test]
fn small_flows_take_little() {
    let settings = Settings { max_flow_bytes: 10 * limits::BYTES_PER_SMALL_FLOW, ..Settings::default() };
    let mut wire = Wire::of(settings);
    for port in 0..30 {
        wire.on(port, '>', SYN, (7, 0), &[]);
    }
    assert_eq!((wire.table.open_flows(), wire.told.limits.len()), (10, 20));
    for port in 0..30 {
        wire.udp(1000 + port);
    }
    assert_eq!(wire.table.flow_bytes(), 10 * limits::BYTES_PER_SMALL_FLOW);
    // A slot holds all that a lone SYN is.
    let slot = std::mem::size_of::<Slot<[u64; 16]>>();
    assert!(slot <= 512, "{slot}");
    wire.finish();
}

#[test]
fn a_syn_becomes_the_same_connection_later() {
    let options = [2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0];
    let mut wire = Wire::new(10);
    wire.with_options('>', SYN.into(), (100, 0), &options, &[]);
    assert!(matches!(wire.table.slots.get(0).unwrap().kind, Kind::Syn(_)));
    let key = wire.table.slots.get(0).unwrap().key;
    let lone = wire.table.connection(&key, &wire.told).unwrap();
    assert_eq!((lone.client.packets, lone.client.mss, lone.client.window_scale), (1, Some(1460), Some(7)));
    wire.with_options('<', (SYN | ACK).into(), (500, 101), &options, &[]);
    let report = wire.table.connection(&key, &wire.told).unwrap();
    assert_eq!((report.client.mss, report.client.window_scale), (Some(1460), Some(7)));
    assert_eq!(states(&report, Side::Client), [SynSent, Established]);
    assert!(report.handshake.syn_ack_packet.is_some());
    wire.finish();
}
