//! Whole runs in memory: settings, inputs and outputs.
use std::{
    io::{self, Cursor},
    sync::{Arc, LazyLock, Mutex, PoisonError, atomic::AtomicBool},
};

use crate::{
    app::tls::trust::Trust,
    capture::{self, PacketSource},
    engine, flow,
    record::{Record, RecordKind, Wanted},
    report::{self, Writer, escape::is_hidden},
};

/// Every kind of record.
pub(super) fn everything() -> Wanted {
    RecordKind::ALL.into_iter().collect()
}

/// Few flows at once, so that memory stays small.
pub(super) fn settings(threads: usize, wanted: Wanted) -> engine::Settings {
    static TRUST: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::mozilla().with_now(1_700_000_000)));
    engine::Settings {
        flow: flow::Settings { max_flows: 1 << 12, wanted, ..flow::Settings::default() },
        threads,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: vec!["fuzz".to_owned()],
        trust: Some(Arc::clone(&TRUST)),
        given: engine::Given::default(),
        save: None,
        asking: None,
    }
}

/// A file of any kind, if it is one.
pub(super) fn open(bytes: &[u8]) -> Option<Box<dyn PacketSource>> {
    capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None).ok()
}

/// What a run over `source` says in a format.
pub(super) fn run(source: Box<dyn PacketSource>, threads: usize, format: report::Format) -> Vec<u8> {
    let out = Shared::default();
    let options = report::Options { width: Some(100), wanted: everything(), ..report::Options::default() };
    let mut writer = report::writer(format, Box::new(out.clone()), options).expect("no CSV here");
    engine::run(source, settings(threads, everything()), writer.as_mut(), &mut |_| {})
        .expect("memory can be read and written");
    out.take()
}

/// Text for people: lines without anything a terminal would obey or hide.
pub(super) fn assert_harmless(text: &[u8]) {
    let text = std::str::from_utf8(text).expect("reports are UTF-8");
    let hidden = text.chars().find(|letter| is_hidden(*letter) && *letter != '\n');
    assert_eq!(hidden, None, "{text}");
}

/// One JSON object a line, none of them with anything a terminal would obey in it.
pub(super) fn assert_lines(text: &[u8]) {
    assert_harmless(text);
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde_json::Value>(line).expect("each line is JSON");
    }
}

/// Bytes written by a writer that is given away.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the records.
#[derive(Default)]
pub(super) struct Gathered(pub(super) Vec<Record>);

impl Writer for Gathered {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.0.push(record.clone());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
