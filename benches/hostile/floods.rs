//! Writes a capture made to hurt to standard output: `floods KIND PACKETS`. No part of the package: `measure.py` compiles it with
//! `rustc -O` and pipes it into wireglass, so that nothing of it is ever on a disk.
use std::{
    env,
    io::{self, BufWriter, Write},
};

struct Capture<W: Write> {
    out: W,
    packets: u64,
    packet: Vec<u8>,
}

type Ends = ([u8; 4], [u8; 4]);

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];
const SYN: u8 = 2;
const ACK: u8 = 16;

impl<W: Write> Capture<W> {
    fn new(mut out: W, link: u32) -> io::Result<Self> {
        for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, link] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out, packets: 0, packet: Vec::new() })
    }

    /// Writes `self.packet`, a microsecond after the one before it.
    fn write(&mut self) -> io::Result<()> {
        let micros = 1_700_000_000_000_000 + self.packets;
        self.packets += 1;
        let length = self.packet.len() as u32;
        let mut head = [0; 16];
        for (place, word) in [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length].into_iter().enumerate() {
            head[place * 4..place * 4 + 4].copy_from_slice(&word.to_le_bytes());
        }
        self.out.write_all(&head)?;
        self.out.write_all(&self.packet)
    }

    fn ip(&mut self, protocol: u8, ends: Ends, id: u16, fragment: u16, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.packet.clear();
        self.packet.extend_from_slice(&[0x45, 0]);
        self.packet.extend_from_slice(&(length as u16 + 20).to_be_bytes());
        self.packet.extend_from_slice(&id.to_be_bytes());
        self.packet.extend_from_slice(&fragment.to_be_bytes());
        self.packet.extend_from_slice(&[64, protocol, 0, 0]);
        self.packet.extend_from_slice(&ends.0);
        self.packet.extend_from_slice(&ends.1);
        parts.iter().for_each(|part| self.packet.extend_from_slice(part));
        self.write()
    }

    fn ip6(&mut self, next: u8, source: u64, parts: &[&[u8]]) -> io::Result<()> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.packet.clear();
        self.packet.extend_from_slice(&[0x60, 0, 0, 0]);
        self.packet.extend_from_slice(&(length as u16).to_be_bytes());
        self.packet.extend_from_slice(&[next, 64, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0]);
        self.packet.extend_from_slice(&source.to_be_bytes());
        self.packet.extend_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        parts.iter().for_each(|part| self.packet.extend_from_slice(part));
        self.write()
    }

    fn udp(&mut self, ends: Ends, ports: (u16, u16), payload: &[u8]) -> io::Result<()> {
        let mut head = [0; 8];
        head[..2].copy_from_slice(&ports.0.to_be_bytes());
        head[2..4].copy_from_slice(&ports.1.to_be_bytes());
        head[4..6].copy_from_slice(&(payload.len() as u16 + 8).to_be_bytes());
        self.ip(17, ends, 0, 0, &[&head, payload])
    }

    fn tcp(&mut self, ends: Ends, ports: (u16, u16), numbers: (u32, u32), flags: u8, payload: &[u8]) -> io::Result<()> {
        let mut head = [0; 20];
        head[..2].copy_from_slice(&ports.0.to_be_bytes());
        head[2..4].copy_from_slice(&ports.1.to_be_bytes());
        head[4..8].copy_from_slice(&numbers.0.to_be_bytes());
        head[8..12].copy_from_slice(&numbers.1.to_be_bytes());
        head[12..16].copy_from_slice(&[0x50, flags, 0xff, 0xff]);
        self.ip(6, ends, 0, 0, &[&head, payload])
    }

    fn handshake(&mut self, port: u16, to: u16) -> io::Result<()> {
        self.tcp((CLIENT, SERVER), (port, to), (99, 0), SYN, &[])?;
        self.tcp((SERVER, CLIENT), (to, port), (499, 100), SYN | ACK, &[])?;
        self.tcp((CLIENT, SERVER), (port, to), (100, 500), ACK, &[])
    }

    /// One connection whose client sends the same bytes again and again, `size` a segment.
    fn stream(&mut self, to: u16, begin: &[u8], count: u64, size: usize, next: &mut dyn FnMut() -> Vec<u8>) -> io::Result<()> {
        self.handshake(1000, to)?;
        let mut sequence = 100u32;
        self.tcp((CLIENT, SERVER), (1000, to), (sequence, 500), ACK, begin)?;
        sequence = sequence.wrapping_add(begin.len() as u32);
        let mut buffer = Vec::new();
        for _ in 0..count {
            while buffer.len() < size {
                buffer.extend(next());
            }
            let rest = buffer.split_off(size);
            self.tcp((CLIENT, SERVER), (1000, to), (sequence, 500), ACK, &buffer)?;
            sequence = sequence.wrapping_add(size as u32);
            buffer = rest;
        }
        Ok(())
    }
}

/// A host for each number, so that all are different.
fn host(number: u64) -> [u8; 4] {
    let [.., a, b, c] = number.to_be_bytes();
    [11 + (number >> 24) as u8, a, b, c]
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, kind, count] = &arguments[..] else { panic!("floods KIND PACKETS") };
    let count: u64 = count.parse().unwrap();
    let out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    if let Some(block) = kind.strip_prefix("pcapng-") {
        return pcapng(out, block, count);
    }
    let link = if kind == "arp" { 1 } else { 101 };
    let mut c = Capture::new(out, link)?;
    match kind.as_str() {
        "syn" => {
            for n in 0..count {
                c.tcp((host(n), SERVER), (1024 + (n % 60_000) as u16, 80), (n as u32, 0), SYN, &[])?;
            }
        }
        "udp" => {
            for n in 0..count {
                c.udp((host(n), SERVER), (1024 + (n % 60_000) as u16, 9), b"x")?;
            }
        }
        "dns" | "dns-one-flow" => {
            for n in 0..count {
                let mut query = (n as u16).to_be_bytes().to_vec();
                query.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 8]);
                query.extend_from_slice(format!("{n:08x}").as_bytes());
                query.extend_from_slice(b"\x07example\0\0\x01\0\x01");
                let from = if kind == "dns" { host(n) } else { CLIENT };
                c.udp((from, SERVER), (1024, 53), &query)?;
            }
        }
        "same-ports" => {
            for n in 0..count {
                c.tcp((CLIENT, SERVER), (1000, 80), ((n as u32).wrapping_mul(7777), 0), SYN, &[])?;
            }
        }
        "one-byte" => {
            let begin = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {count}\r\n\r\n");
            c.stream(80, begin.as_bytes(), count, 1, &mut || b"x".to_vec())?;
        }
        "one-byte-header" => c.stream(80, b"GET / HTTP/1.1\r\nX: ", count, 1, &mut || b"x".to_vec())?,
        "fragments" => {
            for n in 0..count {
                c.ip(17, (host(n), SERVER), n as u16, 0x2000, &[&[0; 8]])?;
            }
        }
        "fragments6" => {
            for n in 0..count {
                c.ip6(44, n, &[&[17, 0, 0, 1], &(n as u32).to_be_bytes(), &[0; 8]])?;
            }
        }
        "fragments-whole" => {
            // Datagrams of 1000 fragments, the last one first.
            for n in 0..count {
                let (id, place) = ((n / 1000) as u16, 999 - (n % 1000) as u16);
                let more = if place == 999 { 0 } else { 0x2000 };
                c.ip(17, (CLIENT, SERVER), id, more | place, &[&[0, 9, 0, 9, 0x1f, 0x40, 0, 0]])?;
            }
        }
        "fragments6-whole" => {
            for n in 0..count {
                let (id, place) = ((n / 1000) as u32, 999 - (n % 1000) as u16);
                let offset = place << 3 | u16::from(place != 999);
                c.ip6(44, 1, &[&[17, 0], &offset.to_be_bytes(), &id.to_be_bytes(), &[0, 9, 0, 9, 0x1f, 0x40, 0, 0]])?;
            }
        }
        "reordered" | "holes" | "overlaps" => {
            c.handshake(1000, 80)?;
            for n in 0..count {
                let place = match kind.as_str() {
                    // Windows of 1000 segments, each backwards.
                    "reordered" => n / 1000 * 1000 + (999 - n % 1000),
                    "holes" => n * 2 + 1,
                    _ => n / 8,
                };
                let sequence = 100u32.wrapping_add((place * 2) as u32);
                c.tcp((CLIENT, SERVER), (1000, 80), (sequence, 500), ACK, if n % 2 == 0 { b"abcd" } else { b"xy" })?;
            }
        }
        "icmp" => {
            for n in 0..count {
                let id = (n as u16).to_be_bytes();
                c.ip(1, (host(n), SERVER), 0, 0, &[&[8, 0, 0, 0], &id, &[0, 1], b"abcdefgh"])?;
            }
        }
        "icmp-errors" => {
            for n in 0..count {
                let mut quote = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0];
                quote.extend_from_slice(&SERVER);
                quote.extend_from_slice(&host(n));
                quote.extend_from_slice(&[4, 0, 0, 53, 0, 8, 0, 0]);
                c.ip(1, (host(n), SERVER), 0, 0, &[&[3, 1, 0, 0, 0, 0, 0, 0], &quote])?;
            }
        }
        "arp" => {
            for n in 0..count {
                c.packet.clear();
                c.packet.extend_from_slice(&[0xff; 6]);
                let mac = [2, 0, host(n)[0], host(n)[1], host(n)[2], host(n)[3]];
                c.packet.extend_from_slice(&mac);
                c.packet.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
                c.packet.extend_from_slice(&mac);
                c.packet.extend_from_slice(&host(n));
                c.packet.extend_from_slice(&[0; 6]);
                c.packet.extend_from_slice(&SERVER);
                c.write()?;
            }
        }
        "client-hello" => {
            for n in 0..count / 2 {
                let (from, port) = (host(n), 1024 + (n % 60_000) as u16);
                c.tcp((from, SERVER), (port, 443), (99, 0), SYN, &[])?;
                c.tcp((from, SERVER), (port, 443), (100, 1), ACK, &hello(format!("h{n}.example").as_bytes()))?;
            }
        }
        "quic-initial" => {
            for n in 0..count {
                let mut packet = vec![0xc3, 0, 0, 0, 1, 8];
                packet.extend_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                packet.extend_from_slice(&[0, 0, 0x44, 0x90]);
                packet.resize(1200, n as u8);
                c.udp((host(n), SERVER), (4000, 443), &packet)?;
            }
        }
        "rapid-reset" => {
            let mut stream = 1u32;
            c.stream(80, PREFACE, count, 1400, &mut || {
                let id = stream.to_be_bytes();
                stream = stream.wrapping_add(2) & 0x7fff_ffff;
                let mut both = vec![0, 0, 4, 1, 5, id[0], id[1], id[2], id[3], 0x82, 0x84, 0x86, 0x90];
                both.extend_from_slice(&[0, 0, 4, 3, 0, id[0], id[1], id[2], id[3], 0, 0, 0, 8]);
                both
            })?;
        }
        "continuation" => {
            let begin = [PREFACE, &[0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]].concat();
            c.stream(80, &begin, count, 1400, &mut || {
                let mut frame = vec![0, 0x10, 0, 9, 0, 0, 0, 0, 1];
                frame.resize(9 + 0x1000, 0x82);
                frame
            })?;
        }
        "hpack-bomb" => {
            // A name of 4000 bytes goes into the table, then 16000 references to it in each block.
            let mut first = vec![0, 0x0f, 0xa6, 1, 5, 0, 0, 0, 1, 0x40, 0x7f, 0xa1, 0x1e];
            first.resize(first.len() + 4000, b'n');
            first.push(0);
            let begin = [PREFACE, &first].concat();
            let mut stream = 3u32;
            c.stream(80, &begin, count, 1400, &mut || {
                let id = stream.to_be_bytes();
                stream = stream.wrapping_add(2) & 0x7fff_ffff;
                let mut frame = vec![0, 0x3e, 0x80, 1, 5, id[0], id[1], id[2], id[3]];
                frame.resize(9 + 16_000, 0xbe);
                frame
            })?;
        }
        "dns-bomb" => {
            let mut message = vec![0, 7, 0x81, 0x80, 0, 1, 0, 98, 0, 0, 0, 0];
            for length in [63, 63, 63, 61] {
                message.push(length);
                message.resize(message.len() + usize::from(length), 7);
            }
            message.extend_from_slice(&[0, 0, 16, 0, 1]);
            for _ in 0..98 {
                message.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xc0, 12]);
            }
            for n in 0..count {
                c.udp((SERVER, host(n)), (53, 1024), &message)?;
            }
        }
        other => panic!("no kind {other}"),
    }
    c.out.flush()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn hello(name: &[u8]) -> Vec<u8> {
    let prefixed = |octets: usize, bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[4 - octets..], bytes].concat();
    let names = prefixed(2, &[&[0][..], &prefixed(2, name)].concat());
    let extension = [&[0, 0][..], &prefixed(2, &names)].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &prefixed(2, &extension)].concat();
    [&[22, 3, 1][..], &prefixed(2, &[&[1][..], &prefixed(3, &body)].concat())].concat()
}

/// Tiny blocks of a kind, with a packet at the end.
fn pcapng(mut out: impl Write, block: &str, count: u64) -> io::Result<()> {
    let make = |kind: u32, body: &[u8]| {
        let length = (body.len() + 12) as u32;
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body, &length.to_le_bytes()].concat()
    };
    out.write_all(&make(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]))?;
    let interface = make(1, &[101, 0, 0, 0, 0, 0, 4, 0]);
    out.write_all(&interface)?;
    let packet = |options: &[u8]| {
        let head = [[0u32.to_le_bytes(), 0u32.to_le_bytes(), 7u32.to_le_bytes(), 20u32.to_le_bytes(), 20u32.to_le_bytes()].concat()];
        let ip = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        make(6, &[&head[0], &ip[..], options].concat())
    };
    let repeated = match block {
        "unknown" => make(0x4321, &[]),
        "interfaces" => interface,
        "secrets" => make(10, &[&0x544c_534bu32.to_le_bytes()[..], &4u32.to_le_bytes(), b"# a\n"].concat()),
        "comments" => packet(&[1, 0, 4, 0, b'n', b'o', b't', b'e', 0, 0, 0, 0]),
        "sections" => make(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
        other => panic!("no kind of block {other}"),
    };
    for _ in 0..count {
        out.write_all(&repeated)?;
    }
    if block != "sections" {
        out.write_all(&packet(&[]))?;
    }
    out.flush()
}
