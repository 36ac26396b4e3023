//! Display filters: the first line is one, what follows is a capture to ask it of.
use std::{
    collections::BTreeSet,
    io::Cursor,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{capture, engine, filter::Filter, flow};

/// Whatever is typed, the mistake lies in it and is told without control characters; what compiles is asked of every
/// packet, and of each packet either the filter or its opposite holds.
pub fn filter_language(bytes: &[u8]) {
    let place = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..place]);
    let filter = match Filter::new(&text) {
        Ok(filter) => filter,
        Err(mistake) => {
            let shown = mistake.to_string();
            assert!(mistake.at.start <= mistake.at.end && mistake.at.end <= text.len(), "{mistake:?}");
            assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
            return;
        }
    };
    let capture = bytes.get(place + 1..).unwrap_or_default();
    let all = passing(None, capture);
    let passed = passing(Some(filter), capture);
    // What is as deep as it may be has no opposite.
    if let Ok(opposite) = Filter::new(&format!("not ({text})")) {
        // Times since the packet displayed before depend on what passes.
        if !text.contains("displayed") {
            let refused = passing(Some(opposite), capture);
            assert!(passed.is_disjoint(&refused), "{text}: both hold");
            assert_eq!(passed.len() + refused.len(), all.len(), "{text}: neither holds");
        }
    }
    assert!(passed.is_subset(&all));
}

fn passing(filter: Option<Filter>, capture: &[u8]) -> BTreeSet<u64> {
    let mut passed = BTreeSet::new();
    let Ok(source) = capture::from_reader(Box::new(Cursor::new(capture.to_vec())), "fuzz", 0, None) else {
        return passed;
    };
    let settings = engine::Settings {
        flow: flow::Settings { max_flows: 1 << 12, ..flow::Settings::default() },
        threads: 1,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: Vec::new(),
        trust: None,
        given: engine::Given::default(),
        save: None,
        asking: None,
    };
    let mut show = |packet: &crate::record::Packet, _: &[u8], _| {
        passed.insert(packet.number.number());
        Ok(())
    };
    engine::packets(source, settings, filter, &mut show).expect("memory can be read");
    passed
}
