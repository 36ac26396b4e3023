//! How long it takes to find the headers of a packet, and to sum its bytes.
use std::hint::black_box;

use divan::{Bencher, counter::BytesCount};
use wireglass::{
    record::LinkType,
    wire::{self, Sum},
};

fn main() {
    divan::main();
}

/// Ethernet, IPv4, TCP with timestamps, 1448 bytes of payload.
fn tcp_frame() -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend_from_slice(&[0x45, 0, 5, 0xdc, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend_from_slice(&[0xc8, 0x22, 1, 0xbb, 0, 0, 0, 7, 0, 0, 0, 9, 0x80, 0x18, 0x20, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    frame.resize(1514, 7);
    frame
}

/// Frames as far apart in memory as in a capture, so that the branch predictor is what helps, not one hot line.
fn frames() -> Vec<Vec<u8>> {
    vec![tcp_frame(); 64]
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let frames = frames();
    bencher.counter(frames.len()).bench_local(|| {
        for frame in &frames {
            black_box(wire::decode(LinkType::ETHERNET, black_box(frame), 1514));
        }
    });
}

#[divan::bench]
fn decode_and_key(bencher: Bencher<'_, '_>) {
    let frames = frames();
    bencher.counter(frames.len()).bench_local(|| {
        for frame in &frames {
            let decoded = wire::decode(LinkType::ETHERNET, black_box(frame), 1514);
            black_box(decoded.flow_key(frame));
        }
    });
}

#[divan::bench]
fn tcp_header_and_options(bencher: Bencher<'_, '_>) {
    let frame = tcp_frame();
    let decoded = wire::decode(LinkType::ETHERNET, &frame, 1514);
    bencher.bench_local(|| {
        let frame = black_box(&frame);
        (black_box(&decoded).tcp_header(frame), decoded.tcp_options(frame).last())
    });
}

#[divan::bench(args = [64, 1460, 65536])]
fn checksum(bencher: Bencher<'_, '_>, length: usize) {
    let bytes = vec![7u8; length];
    bencher.counter(BytesCount::new(length)).bench_local(|| Sum::new().add_bytes(black_box(&bytes)).checksum());
}

#[divan::bench]
fn describe(bencher: Bencher<'_, '_>) {
    let frame = tcp_frame();
    bencher.bench_local(|| wire::describe(LinkType::ETHERNET, black_box(&frame), 1514));
}
