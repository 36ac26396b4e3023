//! The whole path, from a capture file to records that nobody prints: `cargo bench --bench run`, on the capture of
//! WIREGLASS_BENCH (default: a fixture).
#![allow(clippy::unwrap_used, missing_docs)]
use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use wireglass::{capture, engine, flow, fuzzing, limits, record::Wanted};

fn main() {
    divan::main();
}

fn path() -> PathBuf {
    let fixture = || Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/page_load/capture.pcap");
    std::env::var_os("WIREGLASS_BENCH").map_or_else(fixture, PathBuf::from)
}

#[divan::bench(args = [1, 2], sample_count = 10, sample_size = 1)]
fn run(bencher: divan::Bencher<'_, '_>, threads: usize) {
    let path = path();
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return;
    }
    bencher.bench_local(|| {
        let settings = engine::Settings {
            flow: flow::Settings {
                max_flows: limits::MAX_FLOWS,
                maximum_segment_lifetime_ns: 60_000_000_000,
                wanted: Wanted::usual(),
                ..flow::Settings::default()
            },
            threads,
            filter: None,
            max_packets: None,
            stop: Arc::new(AtomicBool::new(false)),
            files: Vec::new(),
            trust: None,
            given: engine::Given::default(),
            save: None,
            asking: None,
        };
        let source = capture::open(&path, 0).unwrap();
        engine::run(source, settings, &mut fuzzing::Nowhere, &mut |_| {}).unwrap()
    });
}
