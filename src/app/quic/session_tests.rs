//! The session on the RFCs' sample packets, and on packets that are sealed here.
use proptest::prelude::*;
use ring::aead::{self, quic::HeaderProtectionKey};

use super::{
    header::ConnectionId, keys::initial_secrets, protection::next_secret, session::Quic, vectors::*, version::Version,
};
use crate::{
    app::{
        Said as Out, Session, Sink,
        codec::{aead::nonce, hkdf::expand_into},
    },
    record::{
        CarrierEvent, Certainty, Context, Direction, Endpoint, FlowFacts, FlowId, Input, KeyLog, PacketRef,
        QuicPacketType, Record, RecordKind, Secret, SecretLabel, Secrets, Transport, Wanted,
    },
};

fn run(datagrams: &[(Direction, Vec<u8>)]) -> Vec<Out> {
    let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Udp,
        client: end(1),
        server: end(443),
        client_certainty: Certainty::Assumed,
    };
    let context = Context {
        flow: &flow,
        packet: PacketRef::default(),
        origins: &[],
        from_start: true,
        round_trip_ns: None,
        server_round_trip_ns: None,
        hop_limit: None,
        secrets: crate::record::Secrets::none(),
    };
    let (mut said, mut session) = (Vec::new(), Quic::default());
    for (direction, bytes) in datagrams {
        let mut out = Sink::new(Wanted::usual(), true, &mut said);
        session.input(Input::Datagram { direction: *direction, bytes }, &context, &mut out);
    }
    said
}

fn inner(said: &[Out]) -> Vec<(u64, Direction, u64, usize)> {
    let inner = |said: &Out| match said {
        Out::Inner { channel, direction, offset, bytes, .. } => Some((*channel, *direction, *offset, bytes.len())),
        _ => None,
    };
    said.iter().filter_map(inner).collect()
}

const THERE: Direction = Direction::ClientToServer;
const BACK: Direction = Direction::ServerToClient;

#[test]
fn both_hellos_are_handed_on_whichever_way_the_client_sends() {
    for (client, server) in [(V1_CLIENT, V1_SERVER), (V2_CLIENT, V2_SERVER)] {
        for way in [THERE, BACK] {
            let said = run(&[(way, hex(client)), (way.reverse(), hex(server))]);
            assert_eq!(inner(&said), [(0, way, 0, 241), (0, way.reverse(), 0, 90)]);
        }
    }
}

#[test]
fn a_server_alone_says_nothing() {
    assert_eq!(inner(&run(&[(BACK, hex(V1_SERVER))])), []);
}

#[test]
fn a_retry_is_told_once() {
    let retry = (BACK, hex(V1_RETRY));
    let said = run(&[(THERE, hex(V1_CLIENT)), retry.clone(), retry]);
    assert_eq!(said.iter().filter(|said| matches!(said, Out::Record(_))).count(), 1);
}

#[test]
fn coalesced_packets_are_all_read() {
    let both = [hex(V1_SERVER), hex(V1_SERVER), vec![0x40; 30]].concat();
    let said = run(&[(THERE, hex(V1_CLIENT)), (BACK, both)]);
    // What came twice is handed on once.
    assert_eq!(inner(&said).len(), 2);
    let Some(Out::Note(last)) = said.last() else { panic!("a note") };
    assert_eq!(last.info, "Protected Payload (KP0)");
}

proptest! {
    #[test]
    fn arbitrary_bytes_and_prefixes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..1200) {
        run(&[(THERE, bytes), (BACK, hex(V1_CLIENT)[..cut].to_vec()), (THERE, hex(V2_CLIENT)[..cut].to_vec())]);
    }
}

/// What seals packets, as an endpoint does.
struct Sealer {
    key: aead::LessSafeKey,
    iv: [u8; 12],
    header: HeaderProtectionKey,
}

impl Sealer {
    fn new(suite: u16, secret: &[u8], version: Version) -> Self {
        let (algorithm, header, length): (&aead::Algorithm, &aead::quic::Algorithm, usize) = match suite {
            0x1301 => (&aead::AES_128_GCM, &aead::quic::AES_128, 16),
            0x1302 => (&aead::AES_256_GCM, &aead::quic::AES_256, 32),
            _ => (&aead::CHACHA20_POLY1305, &aead::quic::CHACHA20, 32),
        };
        let labels = version.labels();
        let mut bytes = [0; 32];
        expand_into(secret, "tls13 ", labels.key, &mut bytes[..length]).unwrap();
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &bytes[..length]).unwrap());
        expand_into(secret, "tls13 ", labels.header, &mut bytes[..length]).unwrap();
        let header = HeaderProtectionKey::new(header, &bytes[..length]).unwrap();
        let mut iv = [0; 12];
        expand_into(secret, "tls13 ", labels.iv, &mut iv).unwrap();
        Self { key, iv, header }
    }

    /// The same after `updates` key updates: the key of header protection stays.
    fn updated(suite: u16, secret: &[u8], version: Version, updates: usize) -> Self {
        let mut latest = secret.to_vec();
        for _ in 0..updates {
            latest = next_secret(&latest, version.labels()).unwrap();
        }
        Self { header: Self::new(suite, secret, version).header, ..Self::new(suite, &latest, version) }
    }

    /// `header` without the packet number, of which `number_bytes` are sent.
    fn seal(&self, mut header: Vec<u8>, number: u64, number_bytes: usize, payload: &[u8]) -> Vec<u8> {
        let number_at = header.len();
        header[0] |= number_bytes as u8 - 1;
        header.extend(&number.to_be_bytes()[8 - number_bytes..]);
        let mut sealed = payload.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(nonce(&self.iv, number));
        self.key.seal_in_place_append_tag(nonce, aead::Aad::from(&header), &mut sealed).unwrap();
        let mut packet = [header, sealed].concat();
        let mask = self.header.new_mask(&packet[number_at + 4..number_at + 20]).unwrap();
        packet[0] ^= mask[0] & if packet[0] & 0x80 != 0 { 0x0f } else { 0x1f };
        packet[number_at..].iter_mut().zip(&mask[1..=number_bytes]).for_each(|(byte, mask)| *byte ^= mask);
        packet
    }

    fn long(&self, kind: u8, version: Version, ids: (&[u8], &[u8]), number: u64, payload: &[u8]) -> Vec<u8> {
        let kind = if version == Version::V2 { (kind + 1) % 4 } else { kind };
        let mut header = vec![0xc0 | kind << 4];
        header.extend(version.0.to_be_bytes());
        for id in [ids.0, ids.1] {
            header.push(id.len() as u8);
            header.extend(id);
        }
        if kind == u8::from(version == Version::V2) {
            header.push(0);
        }
        header.extend((0x4000 | (2 + payload.len() + 16) as u16).to_be_bytes());
        self.seal(header, number, 2, payload)
    }

    fn short(&self, id: &[u8], phase: bool, number: u64, payload: &[u8]) -> Vec<u8> {
        let header = [&[0x40 | u8::from(phase) << 2][..], id].concat();
        self.seal(header, number, 2, payload)
    }
}

const CLIENT_RANDOM: &str = "ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c";
const SERVER_ID: [u8; 8] = [0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5];
const INITIAL: u8 = 0;
const ZERO_RTT: u8 = 1;
const HANDSHAKE: u8 = 2;

fn crypto(offset: u8, bytes: &[u8]) -> Vec<u8> {
    [&[6, offset][..], &(0x4000 | bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn message(kind: u8, length: u8) -> Vec<u8> {
    [vec![kind, 0, 0, length], vec![kind; usize::from(length)]].concat()
}

/// A connection that RFC 9001's or RFC 9369's sample ClientHello opens, with secrets of our own.
struct Case {
    version: Version,
    suite: u16,
    said: Vec<Out>,
    session: Quic,
    secrets: Secrets,
    packets: u64,
}

/// Secrets by their labels; those of SHA-384 are longer.
fn secret(label: SecretLabel, suite: u16) -> Vec<u8> {
    vec![label as u8 + 1; if suite == 0x1302 { 48 } else { 32 }]
}

const LABELS: [SecretLabel; 5] = [
    SecretLabel::ClientEarlyTraffic,
    SecretLabel::ClientHandshakeTraffic,
    SecretLabel::ServerHandshakeTraffic,
    SecretLabel::ClientTraffic,
    SecretLabel::ServerTraffic,
];

impl Case {
    fn new(version: Version, suite: u16) -> Self {
        let mut log = KeyLog::default();
        for label in LABELS {
            log.add(hex(CLIENT_RANDOM).try_into().unwrap(), label, Secret::new(&secret(label, suite)), 0);
        }
        let mut secrets = Secrets::default();
        secrets.add(log, 0);
        let mut case = Self { version, suite, said: Vec::new(), session: Quic::default(), secrets, packets: 0 };
        let hello = if version == Version::V2 { V2_CLIENT } else { V1_CLIENT };
        case.datagram(THERE, &hex(hello));
        case
    }

    fn sealer(&self, label: SecretLabel) -> Sealer {
        Sealer::new(self.suite, &secret(label, self.suite), self.version)
    }

    /// The server's Initial packet, with the suite.
    fn server_hello(&self) -> Vec<u8> {
        let original = ConnectionId::new(&hex("8394c8f03e515708")).unwrap();
        let [_, secret] = initial_secrets(&self.version.initial_constants()[0], &original).unwrap();
        let mut frames = hex(SERVER_FRAMES);
        let at = frames.windows(2).position(|two| two == [0x13, 0x01]).unwrap();
        frames[at..at + 2].copy_from_slice(&self.suite.to_be_bytes());
        Sealer::new(0x1301, &secret, self.version).long(INITIAL, self.version, (&[], &SERVER_ID), 1, &frames)
    }

    fn handshake(&self, direction: Direction, number: u64, payload: &[u8]) -> Vec<u8> {
        let (label, ids): (_, (&[u8], &[u8])) = match direction {
            THERE => (SecretLabel::ClientHandshakeTraffic, (&SERVER_ID, &[])),
            BACK => (SecretLabel::ServerHandshakeTraffic, (&[], &SERVER_ID)),
        };
        self.sealer(label).long(HANDSHAKE, self.version, ids, number, payload)
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8]) {
        self.input(Input::Datagram { direction, bytes });
    }

    fn input(&mut self, input: Input<'_>) {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Udp,
            client: end(1),
            server: end(443),
            client_certainty: Certainty::Assumed,
        };
        let packet = PacketRef { index: self.packets, ..PacketRef::default() };
        self.packets += 1;
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: &self.secrets,
        };
        let mut out = Sink::new(Wanted::usual().with(RecordKind::QuicPacket), false, &mut self.said);
        self.session.input(input, &context, &mut out);
    }

    /// The packets so far: type, number, frames.
    fn packets(&self) -> Vec<(QuicPacketType, Option<u64>, String)> {
        let packet = |said: &Out| match said {
            Out::Record(Record::QuicPacket(packet)) => {
                Some((packet.packet_type, packet.packet_number, packet.frames.join(" ")))
            }
            _ => None,
        };
        self.said.iter().filter_map(packet).collect()
    }

    fn last(&self) -> (QuicPacketType, Option<u64>, String) {
        self.packets().pop().unwrap()
    }

    fn events(&self) -> Vec<(Direction, CarrierEvent)> {
        let event = |said: &Out| match said {
            Out::InnerNotice { notice, .. } => Some((notice.direction, notice.event.clone())),
            _ => None,
        };
        self.said.iter().filter_map(event).collect()
    }

    /// What was handed on in a direction, which must be without holes.
    fn stream(&self, wanted: Direction) -> Vec<u8> {
        let mut stream = Vec::new();
        for said in &self.said {
            if let Out::Inner { direction, offset, bytes, .. } = said
                && *direction == wanted
            {
                assert_eq!(*offset, stream.len() as u64);
                stream.extend(bytes);
            }
        }
        stream
    }

    fn findings(&self) -> Vec<String> {
        let finding = |said: &Out| match said {
            Out::Record(Record::Finding(finding)) => Some(finding.title.clone()),
            _ => None,
        };
        self.said.iter().filter_map(finding).collect()
    }
}

const SUITES: [u16; 3] = [0x1301, 0x1302, 0x1303];

/// A whole handshake and data, in three datagrams, as a server with a short chain sends them.
fn whole(case: &mut Case) {
    let flight = [message(8, 90), message(20, 32)].concat();
    let ticket = message(4, 100);
    let (early, client, server) = (
        case.sealer(SecretLabel::ClientEarlyTraffic),
        case.sealer(SecretLabel::ClientTraffic),
        case.sealer(SecretLabel::ServerTraffic),
    );
    let version = case.version;
    case.datagram(THERE, &early.long(ZERO_RTT, version, (&hex("8394c8f03e515708"), &[]), 0, &[0x0b, 0, 4, 1, 2, 3, 4]));
    let hello = case.server_hello();
    let first = [hello, case.handshake(BACK, 0, &crypto(0, &flight)), server.short(&[], false, 0, &[0x0b, 3, 1, 7])];
    case.datagram(BACK, &first.concat());
    let finished =
        [case.handshake(THERE, 0, &crypto(0, &message(20, 32))), client.short(&SERVER_ID, false, 1, &[1, 0, 0])];
    case.datagram(THERE, &finished.concat());
    case.datagram(BACK, &server.short(&[], false, 1, &[&[0x1e][..], &crypto(0, &ticket)].concat()));
    case.datagram(THERE, &client.short(&SERVER_ID, false, 2, &[0x0b, 0, 1, 9]));
}

#[test]
fn all_levels_open_under_all_suites_of_both_versions() {
    use QuicPacketType::{Handshake, Initial, OneRtt, ZeroRtt};
    for (version, suite) in [Version::V1, Version::V2].into_iter().flat_map(|v| SUITES.map(|suite| (v, suite))) {
        let mut case = Case::new(version, suite);
        whole(&mut case);
        let packet = |kind, number, frames: &str| (kind, Some(number), frames.to_owned());
        let expected = [
            packet(Initial, 2, "CRYPTO PADDING"),
            packet(ZeroRtt, 0, "STREAM"),
            packet(Initial, 1, "ACK CRYPTO"),
            packet(Handshake, 0, "CRYPTO"),
            packet(OneRtt, 0, "STREAM"),
            packet(Handshake, 0, "CRYPTO"),
            packet(OneRtt, 1, "PING PADDING"),
            packet(OneRtt, 1, "DONE CRYPTO"),
            packet(OneRtt, 2, "STREAM"),
        ];
        assert_eq!(case.packets(), expected, "{version:?} {suite:04x}");
        let server = case.stream(BACK);
        assert_eq!(server[90..], [message(8, 90), message(20, 32), message(4, 100)].concat());
        assert_eq!(case.stream(THERE)[241..], message(20, 32));
        let data = |opened, of_application| CarrierEvent::Data { opened, of_application };
        let events = [
            (THERE, CarrierEvent::Opened),
            (THERE, CarrierEvent::EarlyData { opened: true }),
            (BACK, CarrierEvent::Opened),
            (BACK, data(true, true)),
            (THERE, data(true, false)),
            (BACK, CarrierEvent::Confirmed),
            (BACK, data(true, false)),
            (THERE, data(true, true)),
        ];
        assert_eq!(case.events(), events);
        case.input(Input::Close);
        assert_eq!(case.findings(), [] as [String; 0]);
    }
}

/// Without secrets the same packets are told of once each, where they may show something.
#[test]
fn packets_that_stay_closed_are_told_of() {
    let mut case = Case::new(Version::V1, 0x1301);
    case.secrets = Secrets::default();
    whole(&mut case);
    let data = CarrierEvent::Data { opened: false, of_application: true };
    let length = |bytes: u64| CarrierEvent::HandshakeClosed { length: 2 + bytes + 16 };
    let events = [
        (THERE, CarrierEvent::EarlyData { opened: false }),
        (BACK, length(4 + 94 + 36)),
        (BACK, data.clone()),
        (THERE, length(4 + 36)),
        (THERE, data.clone()),
        (BACK, data),
    ];
    assert_eq!(case.events(), events);
    assert!(case.findings().is_empty());
}

#[test]
fn the_suite_need_not_be_known() {
    for suite in SUITES {
        let mut case = Case::new(Version::V1, suite);
        let packet = case.handshake(BACK, 0, &crypto(0, &message(8, 90)));
        case.datagram(BACK, &packet);
        assert_eq!(case.last().1, Some(0), "{suite:04x}");
        // The ServerHello that it overtook: what was held comes behind it.
        assert!(case.stream(BACK).is_empty());
        let hello = case.server_hello();
        case.datagram(BACK, &hello);
        assert_eq!(case.stream(BACK)[90..], message(8, 90));
    }
}

#[test]
fn keys_are_updated_seen_or_unseen() {
    for (version, suite) in [(Version::V1, 0x1303), (Version::V2, 0x1302), (Version::V1, 0x1301)] {
        let mut case = Case::new(version, suite);
        whole(&mut case);
        let base = secret(SecretLabel::ClientTraffic, suite);
        let sealer = |updates| Sealer::updated(suite, &base, version, updates);
        let ping = [1, 0, 0, 0];
        let mut open = |updates: usize, number: u64| {
            case.datagram(THERE, &sealer(updates).short(&SERVER_ID, updates % 2 == 1, number, &ping));
            case.last().1
        };
        assert_eq!(open(1, 10), Some(10));
        assert_eq!(open(0, 9), Some(9), "of the phase before, late");
        assert_eq!(open(1, 11), Some(11));
        assert_eq!(open(2, 20), Some(20));
        assert_eq!(open(1, 12), Some(12));
        // A whole phase, then two, are missing from the capture.
        assert_eq!(open(4, 40), Some(40));
        assert_eq!(open(7, 70), Some(70));
        assert_eq!(open(6, 69), Some(69));
        assert_eq!(open(7, 71), Some(71));
        assert_eq!(open(3, 72), None, "long gone");
        assert_eq!(open(8, 0x4000), Some(0x4000));
    }
}

#[test]
fn connection_ids_are_learnt() {
    let mut case = Case::new(Version::V1, 0x1301);
    whole(&mut case);
    let (client, server) = (case.sealer(SecretLabel::ClientTraffic), case.sealer(SecretLabel::ServerTraffic));
    let id = |id: &[u8]| [&[0x18, 1, 0, id.len() as u8][..], id, &[0; 16]].concat();
    case.datagram(BACK, &server.short(&[], false, 6, &[id(b"another"), id(b"longer than one")].concat()));
    case.datagram(THERE, &client.short(b"another", false, 7, &[1, 0, 0, 0]));
    assert_eq!(case.last().1, Some(7));
    case.datagram(THERE, &client.short(b"longer than one", false, 8, &[1, 0, 0, 0]));
    assert_eq!(case.last().1, Some(8));
    // Given in a packet that the capture does not hold.
    case.datagram(THERE, &client.short(b"8 bytes.", false, 9, &[1, 0, 0, 0]));
    assert_eq!(case.last().1, Some(9));
    case.datagram(THERE, &client.short(b"unknown", false, 10, &[1, 0, 0, 0]));
    assert_eq!(case.last().1, None);
    case.input(Input::Close);
    assert!(case.findings().is_empty(), "what is not surely of this connection is no failure");
}

#[test]
fn keys_that_do_not_fit_are_told_once() {
    let mut case = Case::new(Version::V1, 0x1301);
    let other = Sealer::new(0x1301, &[99; 32], Version::V1);
    let hello = case.server_hello();
    case.datagram(BACK, &hello);
    for number in 0..50 {
        case.datagram(BACK, &other.long(HANDSHAKE, Version::V1, (&[], &SERVER_ID), number, &crypto(0, &[0; 40])));
    }
    assert_eq!(case.last().1, None);
    case.input(Input::Close);
    assert_eq!(case.findings(), ["The keys given for this QUIC connection open none of 32 packets"]);
    // One that was changed on its way, among others.
    let mut case = Case::new(Version::V1, 0x1303);
    whole(&mut case);
    let mut packet = case.sealer(SecretLabel::ClientTraffic).short(&SERVER_ID, false, 7, &[1; 30]);
    packet[20] ^= 1;
    case.datagram(THERE, &packet);
    case.input(Input::Close);
    assert_eq!(case.findings(), ["1 of 8 QUIC packets do not authenticate with the connection's keys"]);
}

#[test]
fn suites_that_quic_does_not_use_are_told() {
    let mut case = Case::new(Version::V1, 0x1305);
    let hello = case.server_hello();
    case.datagram(BACK, &hello);
    let packet = case.handshake(BACK, 0, &crypto(0, &[0; 40]));
    case.datagram(BACK, &packet);
    case.input(Input::Close);
    assert_eq!(case.findings(), ["Keys are there, but QUIC packets under cipher suite 0x1305 cannot be opened"]);
}

#[test]
fn secrets_may_come_late() {
    let mut case = Case::new(Version::V1, 0x1301);
    case.secrets = Secrets::expected();
    let hello = case.server_hello();
    case.datagram(BACK, &hello);
    let packet = case.handshake(BACK, 0, &crypto(0, &message(8, 90)));
    case.datagram(BACK, &packet);
    assert_eq!(case.last().1, None);
    let mut log = KeyLog::default();
    let label = SecretLabel::ServerHandshakeTraffic;
    log.add(hex(CLIENT_RANDOM).try_into().unwrap(), label, Secret::new(&secret(label, 0x1301)), 3);
    case.secrets.add(log, 3);
    let packet = case.handshake(BACK, 1, &crypto(94, &message(20, 32)));
    case.datagram(BACK, &packet);
    assert_eq!(case.last().1, Some(1));
    // The message that passed unread leaves a hole; how long it is nobody can say, so nothing behind it is read.
    case.input(Input::Close);
    assert_eq!(case.stream(BACK).len(), 90);
    assert!(case.findings().is_empty());
}

#[test]
fn a_close_is_told_once_with_its_alert() {
    let mut case = Case::new(Version::V1, 0x1301);
    let hello = case.server_hello();
    case.datagram(BACK, &hello);
    for number in 0..2 {
        let packet = case.handshake(THERE, number, &[0x1c, 0x41, 0x2a, 6, 2, b'n', b'o']);
        case.datagram(THERE, &packet);
    }
    assert_eq!(case.events(), [(THERE, CarrierEvent::Opened), (THERE, CarrierEvent::Alert(42))]);
}

proptest! {
    /// Packets changed at any place, and cut at any place, among good ones.
    #[test]
    fn changed_packets_open_for_nobody(at in 0_usize..60, bit in 0_u32..8, cut in 0_usize..60) {
        let mut case = Case::new(Version::V1, 0x1301);
        whole(&mut case);
        let packet = case.sealer(SecretLabel::ClientTraffic).short(&SERVER_ID, false, 7, &[1; 30]);
        let mut changed = packet.clone();
        changed[at % packet.len()] ^= 1 << bit;
        let before = case.packets().iter().filter(|(_, number, _)| number.is_some()).count();
        case.datagram(THERE, &changed);
        case.datagram(THERE, &packet[..cut.min(packet.len() - 1)]);
        let after = case.packets().iter().filter(|(_, number, _)| number.is_some()).count();
        prop_assert_eq!(before, after);
        case.datagram(THERE, &packet);
        prop_assert_eq!(case.last().1, Some(7));
    }
}
