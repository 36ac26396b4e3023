//! What a display filter adds to finding the headers of a packet, when nothing passes.
use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use wireglass::{
    filter::{Fact, Filter, Packet},
    record::{Header, Layer, LinkType, PlainHeaders},
    wire,
};

fn main() {
    divan::main();
}

/// Ethernet, IPv4, TCP with timestamps, 1448 bytes of payload; as in `decode`.
fn tcp_frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend_from_slice(&[0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend_from_slice(&[0xc8, 0x22, 1, 0xbb, 0, 0, 0, 7, 0, 0, 0, 9, 0x80, 0x18, 0x20, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    frame.resize(1514, 7);
    frame
}

/// A packet of which nothing but its headers is known.
struct Plain<'a> {
    bytes: &'a [u8],
    plain: Option<PlainHeaders>,
}

impl Packet for Plain<'_> {
    fn plain_headers(&self) -> Option<&PlainHeaders> {
        self.plain.as_ref()
    }
    fn headers(&self) -> &[Header] {
        panic!("these filters ask for nothing else")
    }
    fn bytes(&self, _: bool) -> &[u8] {
        self.bytes
    }
    fn tree(&self) -> &[Layer] {
        &[]
    }
    fn told(&self) -> &[Layer] {
        &[]
    }
    fn told_bytes(&self) -> &[u8] {
        self.bytes
    }
    fn fact(&self, _: Fact, _: usize) -> Option<i128> {
        None
    }
    fn protocols(&self) -> &str {
        ""
    }
    fn judged(&self, _: &str) -> bool {
        false
    }
}

/// Filters that no packet passes; the empty one is decoding alone.
const FILTERS: [&str; 7] = [
    "",
    "udp",
    "udp.port == 53",
    "tcp.port == 80",
    "ip.addr == 192.168.0.0/16",
    "tcp.flags.syn == 1 and not tcp.flags.ack == 1",
    "ip.src == 10.9.9.9 or tcp.port in {80, 8000..8080} or tcp.len > 2000",
];

#[divan::bench(args = FILTERS)]
fn decode_and_ask(bencher: Bencher<'_, '_>, text: &str) {
    // Frames as far apart in memory as in a capture.
    let frames = vec![tcp_frame(); 64];
    let filter = (!text.is_empty()).then(|| Filter::new(text).expect("it compiles"));
    let mut batch = Vec::with_capacity(frames.len());
    bencher.counter(ItemsCount::new(frames.len())).bench_local(|| {
        // As the engine does: a batch is decoded, then asked about.
        batch.clear();
        batch.extend(frames.iter().map(|frame| wire::decode(LinkType::ETHERNET, black_box(frame), 1514)));
        let batch = black_box(&batch);
        if let Some(filter) = &filter {
            for (frame, decoded) in frames.iter().zip(batch) {
                let plain = wire::plain_headers(LinkType::ETHERNET, frame, decoded);
                assert!(!filter.matches(&Plain { bytes: frame, plain }));
            }
        }
    });
}
