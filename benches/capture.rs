//! Reading speed: `cargo bench --bench capture`, on the captures of WIREGLASS_BENCH (default: the fixture page_load).
#![allow(clippy::unwrap_used, missing_docs)]
use std::path::Path;

use wireglass::capture::{Batch, More, open};

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn read(bencher: divan::Bencher<'_, '_>) {
    let path = std::env::var("WIREGLASS_BENCH")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/page_load/capture.pcap").to_owned());
    if !Path::new(&path).exists() {
        eprintln!("SKIPPED: {path} is not there");
        return;
    }
    let count = || {
        let mut source = open(Path::new(&path), 0).unwrap();
        let mut batch = Batch::default();
        let mut packets = 0_usize;
        loop {
            let more = source.next_batch(&mut batch).unwrap();
            packets += batch.heads.len();
            if more == More::No {
                return packets;
            }
        }
    };
    let packets = count();
    bencher.counter(divan::counter::ItemsCount::new(packets)).bench_local(count);
}
