//! The same packets in other ways: read in other pieces, in another format, by other numbers of workers.
use std::io::{self, Cursor, Read};

use super::{copies, runs};
use crate::{capture, report::Format};

/// Gives no more than a few bytes at once, and now and then says that it was interrupted.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    most: usize,
    state: u32,
    interrupts: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let chosen = (self.state >> 24) as usize;
        if self.interrupts && chosen.is_multiple_of(7) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let most = buffer.len().min(1 + chosen % self.most);
        self.bytes.read(&mut buffer[..most])
    }
}

/// The lines of a report but for those about the file itself.
fn about_packets(report: &[u8]) -> Vec<&[u8]> {
    let of_file = [&b"{\"type\":\"capture\""[..], b"{\"type\":\"report\""];
    let lines = report.split(|byte| *byte == b'\n');
    let is_about_file = |line: &&[u8]| {
        of_file.iter().any(|start| line.starts_with(start))
            || line.windows(16).any(|part| part == b"\"code\":\"capture.")
    };
    lines.filter(|line| !is_about_file(line)).collect()
}

/// The first byte chooses what is done otherwise, the second how; the others are a capture. The report must be the same.
pub fn differential(bytes: &[u8]) {
    let [way, how, bytes @ ..] = bytes else { return };
    let Some(source) = runs::open(bytes) else { return };
    let plain = runs::run(source, 1, Format::Ndjson);
    let pieces = |most: usize, interrupts: bool, total: Option<u64>| {
        let pieces = Pieces { bytes: Cursor::new(bytes.to_vec()), most, state: u32::from(*how), interrupts };
        capture::from_reader(Box::new(pieces), "fuzz", 0, total).expect("it could be opened before")
    };
    let many = usize::from(*how) + 1;
    let same = |other: Vec<u8>, what: &str| assert!(plain == other, "{what} makes a difference");
    match way % 9 {
        0 => same(runs::run(pieces(many, false, None), 1, Format::Ndjson), "how a reader gets its bytes"),
        1 => same(runs::run(pieces(many, true, None), 1, Format::Ndjson), "an interrupted read"),
        2 => same(runs::run(pieces(many * 64, false, None), 2, Format::Ndjson), "reading in pieces, with two workers,"),
        3 => same(runs::run(pieces(4096, false, None), 2, Format::Ndjson), "a second worker"),
        4 => same(runs::run(pieces(4096, false, None), 3, Format::Ndjson), "a third worker"),
        5 => {
            let total = Some(bytes.len() as u64);
            same(runs::run(pieces(many * 16, false, total), 1, Format::Ndjson), "knowing the length");
        }
        6 => {
            // What is damaged once packed is another matter.
            let mut packed = flate2::read::GzEncoder::new(bytes, flate2::Compression::fast());
            let mut file = Vec::new();
            packed.read_to_end(&mut file).expect("memory can be read");
            if let Some(source) = runs::open(&file) {
                compare(&plain, &runs::run(source, 1, Format::Ndjson), "gzip");
            }
        }
        form => {
            let Some((copy, saved)) = copies::copy(bytes, form == 8) else { return };
            // Secrets open what a copy without them leaves closed, and times are told as far as the format can.
            if saved.secrets > 0 || saved.untold_times > 0 {
                return;
            }
            let source = runs::open(&copy).expect("a copy is a capture");
            compare(&plain, &runs::run(source, 1, Format::Ndjson), if form == 8 { "pcap" } else { "pcapng" });
        }
    }
}

fn compare(plain: &[u8], other: &[u8], what: &str) {
    assert!(about_packets(plain) == about_packets(other), "{what} makes a difference");
}
