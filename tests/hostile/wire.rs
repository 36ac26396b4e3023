//! Captures written byte by byte.

pub const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub const SERVER: [u8; 4] = [10, 0, 0, 2];

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const ACK: u8 = 16;

/// A capture of IPv4 packets without a link header.
pub struct Capture {
    pub bytes: Vec<u8>,
    micros: u64,
}

impl Capture {
    pub fn new() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 101] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        Self { bytes, micros: 1_700_000_000_000_000 }
    }

    pub fn packet(&mut self, packet: &[u8]) {
        self.micros += 100;
        let length = packet.len() as u32;
        for word in [(self.micros / 1_000_000) as u32, (self.micros % 1_000_000) as u32, length, length] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes.extend_from_slice(packet);
    }

    /// An IPv4 packet. `fragment` is the field of flags and offset.
    pub fn ip(&mut self, protocol: u8, ends: ([u8; 4], [u8; 4]), id: u16, fragment: u16, payload: &[u8]) {
        let mut packet = vec![0x45, 0];
        packet.extend_from_slice(&(payload.len() as u16 + 20).to_be_bytes());
        packet.extend_from_slice(&id.to_be_bytes());
        packet.extend_from_slice(&fragment.to_be_bytes());
        packet.extend_from_slice(&[64, protocol, 0, 0]);
        packet.extend_from_slice(&ends.0);
        packet.extend_from_slice(&ends.1);
        packet.extend_from_slice(payload);
        self.packet(&packet);
    }

    pub fn udp(&mut self, from: ([u8; 4], u16), to: ([u8; 4], u16), payload: &[u8]) {
        let mut datagram = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        datagram.extend_from_slice(&(payload.len() as u16 + 8).to_be_bytes());
        datagram.extend_from_slice(&[0, 0]);
        datagram.extend_from_slice(payload);
        self.ip(17, (from.0, to.0), 0, 0, &datagram);
    }

    pub fn tcp(&mut self, from: ([u8; 4], u16), to: ([u8; 4], u16), numbers: (u32, u32), flags: u8, payload: &[u8]) {
        let mut segment = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        segment.extend_from_slice(&numbers.0.to_be_bytes());
        segment.extend_from_slice(&numbers.1.to_be_bytes());
        segment.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend_from_slice(payload);
        self.ip(6, (from.0, to.0), 0, 0, &segment);
    }

    /// A connection from the client's `port` to the server's `to`, with its handshake.
    pub fn connect(&mut self, port: u16, to: u16) -> Connection {
        let connection = Connection { port, to, sent: 100, received: 500 };
        self.tcp((CLIENT, port), (SERVER, to), (99, 0), SYN, &[]);
        self.tcp((SERVER, to), (CLIENT, port), (499, 100), SYN | ACK, &[]);
        self.tcp((CLIENT, port), (SERVER, to), (100, 500), ACK, &[]);
        connection
    }
}

/// Where a connection is.
pub struct Connection {
    port: u16,
    to: u16,
    sent: u32,
    received: u32,
}

impl Connection {
    /// Sends bytes in segments of at most `size`.
    pub fn ask(&mut self, capture: &mut Capture, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size) {
            capture.tcp((CLIENT, self.port), (SERVER, self.to), (self.sent, self.received), ACK, piece);
            self.sent = self.sent.wrapping_add(piece.len() as u32);
        }
    }

    /// The same, from the server.
    pub fn answer(&mut self, capture: &mut Capture, bytes: &[u8], size: usize) {
        for piece in bytes.chunks(size) {
            capture.tcp((SERVER, self.to), (CLIENT, self.port), (self.received, self.sent), ACK, piece);
            self.received = self.received.wrapping_add(piece.len() as u32);
        }
    }

    /// Bytes from the client at a distance from where it is.
    pub fn ask_at(&mut self, capture: &mut Capture, ahead: u32, bytes: &[u8]) {
        let numbers = (self.sent.wrapping_add(ahead), self.received);
        capture.tcp((CLIENT, self.port), (SERVER, self.to), numbers, ACK, bytes);
    }

    pub fn close(self, capture: &mut Capture) {
        let (client, server) = ((CLIENT, self.port), (SERVER, self.to));
        capture.tcp(client, server, (self.sent, self.received), ACK | FIN, &[]);
        capture.tcp(server, client, (self.received, self.sent.wrapping_add(1)), ACK | FIN, &[]);
        capture.tcp(client, server, (self.sent.wrapping_add(1), self.received.wrapping_add(1)), ACK, &[]);
    }
}

/// A DNS name of labels that may hold any bytes.
pub fn dns_name(labels: &[&[u8]]) -> Vec<u8> {
    let mut name: Vec<u8> = labels.iter().flat_map(|label| [&[label.len() as u8], *label].concat()).collect();
    name.push(0);
    name
}

pub fn dns_header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

/// Something with its length before it, in `octets`.
pub fn prefixed(octets: usize, bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[4 - octets..], bytes].concat()
}

/// A TLS record.
pub fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &prefixed(2, bytes)].concat()
}

/// A TLS handshake message in a record.
pub fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &[&[kind][..], &prefixed(3, body)].concat())
}

/// A ClientHello with a server name and an application protocol.
pub fn client_hello(server_name: &[u8], alpn: &[u8]) -> Vec<u8> {
    let extension = |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &prefixed(2, body)].concat();
    let names = prefixed(2, &[&[0][..], &prefixed(2, server_name)].concat());
    let extensions = [extension(0, &names), extension(16, &prefixed(2, &prefixed(1, alpn)))].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &prefixed(2, &extensions)].concat();
    handshake(1, &body)
}

/// A ServerHello of TLS 1.2.
pub fn server_hello() -> Vec<u8> {
    handshake(2, &[&[3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat())
}

/// A Certificate message.
pub fn certificates(list: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> = list.iter().flat_map(|der| prefixed(3, der)).collect();
    handshake(11, &prefixed(3, &list))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..=127 => vec![tag, length as u8],
        128..=255 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, content.to_vec()].concat()
}

/// A certificate (unsigned, which nobody checks) whose subject, issuer and DNS name are `name`.
pub fn certificate(name: &[u8]) -> Vec<u8> {
    let common_name = der(0x30, &[der(6, &[0x55, 4, 3]), der(12, name)].concat());
    let named = der(0x30, &der(0x31, &common_name));
    let algorithm = der(0x30, &[der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])].concat());
    let validity = der(0x30, &[der(23, b"200101000000Z"), der(23, b"400101000000Z")].concat());
    let curve = [der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), der(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])];
    let key = der(0x30, &[der(0x30, &curve.concat()), der(3, &[&[0, 4][..], &[1; 64]].concat())].concat());
    let alternative = der(0x30, &der(0x82, name));
    let extension = der(0x30, &[der(6, &[0x55, 0x1d, 17]), der(4, &alternative)].concat());
    let extensions = der(0xa3, &der(0x30, &extension));
    let version = der(0xa0, &der(2, &[2]));
    let parts = [version, der(2, &[1]), algorithm.clone(), named.clone(), validity, named, key, extensions];
    der(0x30, &[der(0x30, &parts.concat()), algorithm, der(3, &[0, 0x30, 0])].concat())
}
