//! A TCP connection made of whole cloth, as a pcap in memory: two endpoints' bytes in segments with right numbers and
//! checksums, on a clock of its own.

/// 2024-06-15 12:00:00 UTC in seconds.
pub const CAPTURED: i64 = 1_718_452_800;
/// The path's round-trip time; the capture is made at the client.
pub const ROUND_TRIP_NS: i64 = 20_000_000;

const ADDRESSES: [[u8; 4]; 2] = [[10, 9, 0, 1], [10, 9, 0, 2]];
const SEGMENT_BYTES: usize = 1400;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Client,
    Server,
}

impl End {
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// The connection so far.
pub struct Wire {
    file: Vec<u8>,
    now: i64,
    ports: [u16; 2],
    next: [u32; 2],
    last: End,
}

impl Wire {
    /// Opened by the three-way handshake.
    pub fn open(server_port: u16) -> Self {
        let mut file = Vec::new();
        // Classic pcap with nanoseconds, Ethernet.
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 0x4_0000, 1] {
            file.extend(word.to_le_bytes());
        }
        let mut wire = Self { file, now: 0, ports: [50_000, server_port], next: [1000, 5000], last: End::Client };
        wire.segment(End::Client, 0x02, &[]);
        wire.now += ROUND_TRIP_NS;
        wire.segment(End::Server, 0x12, &[]);
        wire.now += 20_000;
        wire.segment(End::Client, 0x10, &[]);
        wire
    }

    /// Time passes.
    pub fn wait(&mut self, nanoseconds: i64) {
        self.now += nanoseconds;
    }

    /// Bytes, after the time that an answer takes.
    pub fn send(&mut self, from: End, bytes: &[u8]) {
        if from == End::Server && self.last == End::Client {
            self.now += ROUND_TRIP_NS;
        }
        self.last = from;
        for part in bytes.chunks(SEGMENT_BYTES) {
            self.now += 100_000;
            self.segment(from, 0x18, part);
        }
        self.now += 50_000;
        self.segment(from.other(), 0x10, &[]);
    }

    /// FIN of one side, acknowledged by the other.
    pub fn fin(&mut self, from: End) {
        self.now += 1_000_000;
        self.segment(from, 0x11, &[]);
        self.now += 50_000;
        self.segment(from.other(), 0x10, &[]);
    }

    /// Both sides close.
    pub fn close(&mut self, first: End) {
        self.fin(first);
        self.fin(first.other());
    }

    /// RST of one side.
    pub fn reset(&mut self, from: End) {
        self.now += 1_000_000;
        self.segment(from, 0x14, &[]);
    }

    /// A packet of another connection: the capture goes on.
    pub fn elsewhere(&mut self) {
        let ports = std::mem::replace(&mut self.ports, [40_000, 9]);
        let next = self.next;
        self.segment(End::Client, 0x02, &[]);
        (self.ports, self.next) = (ports, next);
    }

    /// The capture.
    pub fn into_pcap(self) -> Vec<u8> {
        self.file
    }

    fn segment(&mut self, from: End, flags: u8, payload: &[u8]) {
        let (me, you) = match from {
            End::Client => (0, 1),
            End::Server => (1, 0),
        };
        let mut tcp = Vec::new();
        tcp.extend(self.ports[me].to_be_bytes());
        tcp.extend(self.ports[you].to_be_bytes());
        tcp.extend(self.next[me].to_be_bytes());
        let acknowledgment = if flags & 0x10 == 0 { 0 } else { self.next[you] };
        tcp.extend(acknowledgment.to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let mut pseudo = [ADDRESSES[me], ADDRESSES[you]].concat();
        pseudo.extend([0, 6]);
        pseudo.extend((tcp.len() as u16).to_be_bytes());
        pseudo.extend(&tcp);
        tcp.splice(16..18, checksum(&pseudo).to_be_bytes());
        let mut ip = vec![0x45, 0];
        ip.extend((20 + tcp.len() as u16).to_be_bytes());
        ip.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        ip.extend([ADDRESSES[me], ADDRESSES[you]].concat());
        let sum = checksum(&ip);
        ip.splice(10..12, sum.to_be_bytes());
        let mut frame = vec![2, 0, 0, 0, 0, you as u8, 2, 0, 0, 0, 0, me as u8, 8, 0];
        frame.extend(ip);
        frame.extend(tcp);
        let seconds = CAPTURED + self.now.div_euclid(1_000_000_000);
        let fraction = self.now.rem_euclid(1_000_000_000);
        for word in [seconds as u32, fraction as u32, frame.len() as u32, frame.len() as u32] {
            self.file.extend(word.to_le_bytes());
        }
        self.file.extend(frame);
        self.next[me] = self.next[me].wrapping_add(payload.len() as u32 + u32::from(flags & 3 != 0));
    }
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
