//! Captures that are built and not cut out of noise: lengths and checksums are right, so that what lies deep is reached. The
//! bytes choose links, tags, tunnels, headers, hosts, what is said, and how it is damaged.
use super::{
    choices::Choices,
    headers, runs,
    templates::{SERVICES, Service},
};
use crate::{
    capture::PcapWriter,
    record::{Direction, LinkType, Record, Timestamp},
    wire::{self, ChecksumStatus, Sum},
};

/// Link types of whole captures.
const LINKS: [u16; 5] = [1, 101, 113, 276, 0];

/// What a packet must be found to be.
struct Built {
    bytes: Vec<u8>,
    ports: [u16; 2],
    payload: Vec<u8>,
}

/// Where both directions of a TCP connection are.
#[derive(Clone, Copy, Default)]
struct Stream {
    next: [u32; 2],
    is_open: bool,
}

/// A capture of packets as the bytes say. Each is read as it was built; a whole run over them finds no damage and counts all.
pub fn generated_capture(bytes: &[u8]) {
    let mut next = Choices::new(bytes);
    let link = LinkType(next.of(&LINKS));
    let mut builder = Builder { link, streams: [Stream::default(); 64] };
    let mut file = PcapWriter::new(Vec::new(), link, 262_144).expect("memory can be written");
    let (mut count, mut now) = (0_u64, Timestamp(1_700_000_000_000_000_000));
    while !next.is_empty() && count < 60 {
        for built in builder.packets(&mut next) {
            let length = built.bytes.len() as u32;
            check(link, &built);
            file.packet(now, length, &built.bytes).expect("memory can be written");
            now = now.plus(50_000);
            count += 1;
        }
        now = now.plus(i64::from(next.octet()).pow(4));
    }
    let file = file.finish().expect("memory can be written");
    let mut gathered = runs::Gathered::default();
    let source = runs::open(&file).expect("what was written is a capture");
    crate::engine::run(source, runs::settings(1, runs::everything()), &mut gathered, &mut |_| {})
        .expect("memory can be read");
    for record in &gathered.0 {
        match record {
            Record::Capture(capture) => assert_eq!((capture.packets, capture.damage.is_some()), (count, false)),
            Record::Finding(finding) => {
                assert!(!finding.code.contains("checksum"), "{}: {:?}", finding.code, finding.subject.evidence);
            }
            _ => {}
        }
    }
    let mut line = Vec::new();
    for record in &gathered.0 {
        line.clear();
        crate::report::ndjson::write_json(&mut line, record).expect("memory can be written");
        runs::assert_lines(&line);
    }
}

/// Decoding finds what was built.
fn check(link: LinkType, built: &Built) {
    let length = built.bytes.len() as u32;
    let decoded = wire::decode(link, &built.bytes, length);
    assert_eq!(decoded.stop, None, "{:02x?}", built.bytes);
    assert_ne!(decoded.network_checksum(&built.bytes), ChecksumStatus::Bad);
    assert_ne!(decoded.transport_checksum(&built.bytes), ChecksumStatus::Bad, "{:02x?}", built.bytes);
    if built.ports != [0, 0] {
        let (from, to) = decoded.endpoints(&built.bytes).expect("it has ports");
        assert_eq!([from.port, to.port], built.ports);
        assert!(decoded.payload(&built.bytes) == built.payload, "{:02x?}", built.bytes);
    }
    headers::check(link, &built.bytes, length);
}

struct Builder {
    link: LinkType,
    streams: [Stream; 64],
}

impl Builder {
    /// The packets of one step: mostly one, a handshake three.
    fn packets(&mut self, next: &mut Choices<'_>) -> Vec<Built> {
        let place = next.octet() & 63;
        let service = &SERVICES[usize::from(place) % SERVICES.len()];
        let around = next.octet();
        let envelope = Envelope { link: self.link, around, v6: around & 1 == 1, place };
        if service.is_tcp {
            return self.tcp(&envelope, service, next);
        }
        let direction = Direction::BOTH[usize::from(next.below(2))];
        if service.port == 0 {
            let message = payload(service, direction, next);
            return vec![envelope.bare(direction, &message, next)];
        }
        let payload = payload(service, direction, next);
        vec![envelope.udp(direction, service.port, &payload)]
    }

    fn tcp(&mut self, envelope: &Envelope, service: &Service, next: &mut Choices<'_>) -> Vec<Built> {
        const FIN: u8 = 1;
        const SYN: u8 = 2;
        const RST: u8 = 4;
        const PUSH_ACK: u8 = 0x18;
        const ACK: u8 = 0x10;
        let stream = &mut self.streams[usize::from(envelope.place)];
        let what = next.octet();
        let direction = Direction::BOTH[usize::from(what & 1)];
        let side = direction.index();
        let mut built = Vec::new();
        let client = Direction::ClientToServer;
        let server = Direction::ServerToClient;
        if !stream.is_open && what & 0xc0 != 0xc0 {
            stream.is_open = true;
            stream.next = [next.word().into(), u32::MAX - u32::from(next.octet())];
            let options = next.octet();
            let [a, b] = stream.next;
            built.push(envelope.tcp(client, service.port, [a, 0], SYN, options, &[]));
            built.push(envelope.tcp(server, service.port, [b, a.wrapping_add(1)], SYN | ACK, options, &[]));
            stream.next = [a.wrapping_add(1), b.wrapping_add(1)];
            built.push(envelope.tcp(client, service.port, stream.next, ACK, options & 4, &[]));
        }
        let mut segment = |stream: &mut Stream, flags: u8, back: u32, data: &[u8]| {
            let numbers = [stream.next[side].wrapping_sub(back), stream.next[1 - side]];
            built.push(envelope.tcp(direction, service.port, numbers, flags, what & 4, data));
            if back == 0 {
                let taken = data.len() as u32 + u32::from(flags & (FIN | SYN) != 0);
                stream.next[side] = stream.next[side].wrapping_add(taken);
            }
        };
        match what >> 1 & 15 {
            0..=8 => {
                let data = payload(service, direction, next);
                // In segments of a size, or in one.
                let size = if what & 0x20 == 0 { 1400 } else { usize::from(next.octet()) + 1 };
                data.chunks(size).take(40).for_each(|data| segment(stream, PUSH_ACK, 0, data));
            }
            9 => segment(stream, ACK, 0, &[]),
            10 => segment(stream, FIN | ACK, 0, &[]),
            11 => segment(stream, RST | ACK, 0, &[]),
            12 => {
                // Again, or over one another.
                let length = usize::from(next.octet());
                let data = next.take(length).to_vec();
                segment(stream, ACK, u32::from(next.octet()), &data);
            }
            13 => {
                // A hole.
                stream.next[side] = stream.next[side].wrapping_add(u32::from(next.word()));
                segment(stream, ACK, 0, &[]);
            }
            14 => stream.is_open = false,
            _ => {
                let flags = next.octet();
                segment(stream, flags, u32::from(next.octet()), &[]);
            }
        }
        built
    }
}

/// What is said: a template, a template with a few bytes changed, a part of one, or any bytes.
fn payload(service: &Service, direction: Direction, next: &mut Choices<'_>) -> Vec<u8> {
    let templates = if direction == Direction::ClientToServer { service.client } else { service.server };
    let how = next.octet();
    let mut said = match templates.get(usize::from(how >> 4) % templates.len().max(1)) {
        Some(template) if how & 3 != 3 => template.to_vec(),
        _ => {
            let length = usize::from(next.octet()) * (1 + usize::from(how >> 6));
            next.take(length).to_vec()
        }
    };
    match how & 3 {
        1 => {
            for _ in 0..=next.below(4) {
                let (place, byte) = (usize::from(next.octet()), next.octet());
                let length = said.len().max(1);
                if let Some(there) = said.get_mut(place % length) {
                    *there = byte;
                }
            }
        }
        2 => {
            let place = usize::from(next.octet());
            if how & 4 == 0 {
                said.truncate(place);
            } else {
                let length = usize::from(next.octet());
                let inserted = next.take(length);
                said.splice(place.min(said.len())..place.min(said.len()), inserted.iter().copied());
            }
        }
        _ => {}
    }
    // More than a UDP datagram may not be.
    said.truncate(1400);
    said
}

/// What is around a message: link, tags, tunnels, addresses.
struct Envelope {
    link: LinkType,
    around: u8,
    v6: bool,
    place: u8,
}

impl Envelope {
    fn hosts(&self, direction: Direction) -> [u8; 2] {
        let hosts = [1 + (self.place >> 4), 9];
        if direction == Direction::ClientToServer { hosts } else { [hosts[1], hosts[0]] }
    }

    fn ports(&self, direction: Direction, service: u16) -> [u16; 2] {
        let ports = [40_000 + u16::from(self.place), service];
        if direction == Direction::ClientToServer { ports } else { [ports[1], ports[0]] }
    }

    fn pseudo(&self, direction: Direction, protocol: u8, length: usize) -> Sum {
        let [from, to] = self.hosts(direction).map(|host| address(self.v6, host));
        Sum::new().add_pseudo_header(from, to, protocol, length as u32)
    }

    fn udp(&self, direction: Direction, service: u16, payload: &[u8]) -> Built {
        let ports = self.ports(direction, service);
        let length = payload.len() + 8;
        let mut datagram =
            [ports[0].to_be_bytes(), ports[1].to_be_bytes(), (length as u16).to_be_bytes(), [0; 2]].concat();
        datagram.extend_from_slice(payload);
        let sum = self.pseudo(direction, 17, length).add_bytes(&datagram).checksum();
        // Zero means that there is none.
        datagram[6..8].copy_from_slice(&if sum == 0 { u16::MAX } else { sum }.to_be_bytes());
        Built { bytes: self.wrap(direction, 17, &datagram), ports, payload: payload.to_vec() }
    }

    fn tcp(
        &self,
        direction: Direction,
        service: u16,
        numbers: [u32; 2],
        flags: u8,
        options: u8,
        payload: &[u8],
    ) -> Built {
        let ports = self.ports(direction, service);
        let mut list = Vec::new();
        if flags & 2 != 0 {
            list.extend([2, 4, 5, 0xb4]);
            if options & 1 != 0 {
                list.extend([1, 3, 3, 7]);
            }
            if options & 2 != 0 {
                list.extend([1, 1, 4, 2]);
            }
        }
        if options & 4 != 0 {
            list.extend([1, 1, 8, 10, 0, 0, 0, self.place, 0, 0, 0, 1]);
        }
        if options & 8 != 0 {
            list.extend([254, 4, 0xf9, 0x89]);
        }
        let words = 5 + list.len() / 4;
        let mut segment = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
        numbers.iter().for_each(|number| segment.extend(number.to_be_bytes()));
        segment.extend([(words as u8) << 4, flags, 0x20, 0, 0, 0, 0, 0]);
        segment.extend(list);
        segment.extend_from_slice(payload);
        let sum = self.pseudo(direction, 6, segment.len()).add_bytes(&segment).checksum();
        segment[16..18].copy_from_slice(&sum.to_be_bytes());
        Built { bytes: self.wrap(direction, 6, &segment), ports, payload: payload.to_vec() }
    }

    /// A message right above IP: ICMP with its checksum, or that of a protocol that needs none.
    fn bare(&self, direction: Direction, message: &[u8], next: &mut Choices<'_>) -> Built {
        let mut message = message.to_vec();
        message.resize(message.len().max(8), 0);
        let protocol = if self.v6 { 58 } else { 1 };
        let kinds: &[u8] = if self.v6 { &[128, 129, 1, 3, 134, 135, 136] } else { &[8, 0, 3, 11, 5] };
        message[0] = next.of(kinds);
        message[2..4].fill(0);
        let start = if self.v6 { self.pseudo(direction, protocol, message.len()) } else { Sum::new() };
        let sum = start.add_bytes(&message).checksum();
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        Built { bytes: self.wrap(direction, protocol, &message), ports: [0, 0], payload: Vec::new() }
    }

    /// Network header, tunnel, link header.
    fn wrap(&self, direction: Direction, protocol: u8, message: &[u8]) -> Vec<u8> {
        let hosts = self.hosts(direction);
        let mut packet = if self.v6 {
            let with_headers = self.extended(protocol, message);
            ipv6(hosts, with_headers.0, &with_headers.1)
        } else {
            ipv4(hosts, protocol, message, usize::from(self.around >> 1 & 1) * 4)
        };
        let mut v6 = self.v6;
        match self.around >> 2 & 7 {
            // In one another.
            1 => {
                packet = ipv4([21, 22], if v6 { 41 } else { 4 }, &packet, 0);
                v6 = false;
            }
            2 => {
                packet = ipv6([21, 22], if v6 { 41 } else { 4 }, &packet);
                v6 = true;
            }
            // GRE.
            3 => {
                let kind: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
                packet = ipv4([21, 22], 47, &[&[0, 0], &kind[..], &packet].concat(), 0);
                v6 = false;
            }
            // VXLAN.
            4 => {
                let frame = ethernet(v6, &[], &packet);
                let datagram = [
                    &[0xc0, 0, 0x12, 0xb5][..],
                    &(frame.len() as u16 + 16).to_be_bytes(),
                    &[0, 0],
                    &[8, 0, 0, 0, 0, 0, 7, 0],
                    &frame,
                ];
                packet = ipv4([21, 22], 17, &datagram.concat(), 0);
                v6 = false;
            }
            _ => {}
        }
        let kind: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
        match self.link.0 {
            1 => {
                let tags: &[[u8; 4]] = match self.around >> 5 & 3 {
                    0 | 3 => &[],
                    1 => &[[0x81, 0, 0, 7]],
                    _ => &[[0x88, 0xa8, 0, 7], [0x81, 0, 0x20, 9]],
                };
                ethernet(v6, tags, &packet)
            }
            113 => [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, hosts[0], 0, 0][..], &kind, &packet].concat(),
            276 => [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, hosts[0], 0, 0], &packet].concat(),
            0 => [&if v6 { [30, 0, 0, 0] } else { [2, 0, 0, 0] }[..], &packet].concat(),
            _ => packet,
        }
    }

    /// Extension headers of IPv6 in front of a message.
    fn extended(&self, protocol: u8, message: &[u8]) -> (u8, Vec<u8>) {
        let padded = |follows: u8| vec![follows, 0, 1, 4, 0, 0, 0, 0];
        match self.around >> 1 & 1 | self.around >> 6 & 2 {
            1 => (0, [padded(protocol), message.to_vec()].concat()),
            2 => (60, [padded(protocol), message.to_vec()].concat()),
            3 => (0, [padded(60), padded(protocol), message.to_vec()].concat()),
            _ => (protocol, message.to_vec()),
        }
    }
}

fn address(v6: bool, host: u8) -> std::net::IpAddr {
    if v6 { std::net::Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host.into()).into() } else { [10, 0, 0, host].into() }
}

fn ethernet(v6: bool, tags: &[[u8; 4]], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    tags.iter().for_each(|tag| frame.extend(tag));
    frame.extend(if v6 { [0x86, 0xdd] } else { [8, 0] });
    frame.extend_from_slice(packet);
    // Short frames are padded.
    frame.resize(frame.len().max(60), 0);
    frame
}

fn ipv4(hosts: [u8; 2], protocol: u8, message: &[u8], options: usize) -> Vec<u8> {
    let header = 20 + options;
    let mut bytes = vec![0x40 | (header / 4) as u8, 0];
    bytes.extend(((message.len() + header) as u16).to_be_bytes());
    bytes.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, hosts[0], 10, 0, 0, hosts[1]]);
    bytes.extend(&[0x94, 4, 0, 0][..options]);
    let sum = Sum::new().add_bytes(&bytes).checksum();
    bytes[10..12].copy_from_slice(&sum.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

fn ipv6(hosts: [u8; 2], protocol: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((message.len() as u16).to_be_bytes());
    bytes.extend([protocol, 64]);
    for host in hosts {
        bytes.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    bytes.extend_from_slice(message);
    bytes
}
