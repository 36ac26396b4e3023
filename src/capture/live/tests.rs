//! What needs the right to capture; says so when it is not there. More is in `tests/live.rs`.
use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::*;
use crate::{
    capture::{Batch, More, PacketSource},
    record::LinkType,
};

fn choice(name: &str, filter: &str) -> InterfaceChoice {
    InterfaceChoice { name: name.to_owned(), filter: Some(filter.to_owned()) }
}

fn may_capture() -> bool {
    let may = allowed() == Some(true);
    if !may {
        eprintln!("SKIPPED: not allowed to capture");
    }
    may
}

#[test]
fn captures_loopback_and_stops() {
    if !may_capture() {
        return;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let options = LiveOptions {
        interfaces: vec![choice("lo", "udp port 47011")],
        duration: Some(Duration::from_secs(5)),
        ..LiveOptions::default()
    };
    let mut source = LiveSource::open(options, Arc::clone(&stop)).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..3 {
        socket.send_to(b"wireglass", "127.0.0.1:47011").unwrap();
    }
    let began = Instant::now();
    let mut batch = Batch::default();
    while source.description().packets < 3 && source.next_batch(&mut batch).unwrap() == More::Yes {
        assert!(began.elapsed() < Duration::from_secs(5), "three packets were sent");
    }
    let head = batch.heads.last().unwrap();
    assert_eq!(head.number.number(), 3);
    assert_eq!(head.link_type, LinkType::ETHERNET);
    assert!(batch.bytes(head).ends_with(b"wireglass"));
    stop.store(true, Ordering::Relaxed);
    while source.next_batch(&mut batch).unwrap() == More::Yes {
        assert!(began.elapsed() < Duration::from_secs(5), "it was stopped");
    }
    let capture = source.description();
    assert_eq!((capture.packets, capture.dropped), (3, Some(0)));
    // The kernel counts what passes a loopback as it goes out and as it comes in; libpcap hands it on once.
    assert_eq!(capture.interfaces[0].received, Some(6));
    assert_eq!(source.counts().now()[0].captured, 3);
}

/// The same packets through two interfaces of different kinds: `lo` twice, as itself and as part of `any`.
#[test]
fn interfaces_are_merged_by_time() {
    if !may_capture() {
        return;
    }
    for immediate in [false, true] {
        let options = LiveOptions {
            interfaces: vec![choice("lo", "udp port 47012"), choice("any", "udp port 47012")],
            max_packets: Some(400),
            duration: Some(Duration::from_secs(10)),
            immediate,
            ..LiveOptions::default()
        };
        let mut source = LiveSource::open(options, Arc::new(AtomicBool::new(false))).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..100 {
            socket.send_to(b"wireglass", "127.0.0.1:47012").unwrap();
        }
        let (mut heads, mut batch, began) = (Vec::new(), Batch::default(), Instant::now());
        loop {
            let more = source.next_batch(&mut batch).unwrap();
            heads.append(&mut batch.heads);
            if heads.len() == 200 || more == More::No {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(8), "{} packets", heads.len());
        }
        let of = |interface| heads.iter().filter(|head| head.interface == interface).count();
        assert_eq!((of(0), of(1)), (100, 100));
        assert!(heads.iter().filter(|head| head.interface == 1).all(|head| head.link_type != LinkType::ETHERNET));
        assert!(heads.is_sorted_by_key(|head| head.timestamp), "in the order of time");
        assert!(heads.iter().zip(1..).all(|(head, number)| head.number.number() == number));
        assert_eq!(source.description().timestamps_backwards, 0);
        assert_eq!(source.description().link_types.len(), 2);
    }
}

#[test]
fn what_cannot_be_captured_says_why() {
    if allowed() != Some(true) {
        eprintln!("SKIPPED: not allowed to capture");
        return;
    }
    let open = |name: &str, filter: &str| {
        let options = LiveOptions { interfaces: vec![choice(name, filter)], ..LiveOptions::default() };
        LiveSource::open(options, Arc::new(AtomicBool::new(false))).err().unwrap()
    };
    assert!(matches!(open("no-such-if", "udp"), LiveError::NoSuchDevice { .. }));
    assert!(matches!(open("lo", "udp portt 1"), LiveError::Filter(_)));
    assert!(matches!(open("lo", "host example.com"), LiveError::Filter(_)));
}
