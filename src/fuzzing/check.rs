//! SPECs of `check`: what stands before the first NUL byte is one, what follows is a capture to judge by it.
use std::{
    io::Cursor,
    sync::{Arc, atomic::AtomicBool},
};

use crate::{
    capture,
    check::{
        Judge, Spec, bless,
        report::{self, Format, Options},
    },
    engine, flow,
    record::RecordKind,
};

/// Whatever is written, a mistake has its place and is told without control characters. What can be read is asked of a capture;
/// reports of it say nothing a terminal would obey. What is blessed can be read, holds, and is blessed again to the same bytes.
pub fn check_spec(bytes: &[u8]) {
    let place = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..place).unwrap_or_default());
    let capture = bytes.get(place.saturating_add(1)..).unwrap_or_default();
    let spec = match Spec::parse("spec.toml", &text) {
        Ok(spec) => spec,
        Err(mistake) => {
            let shown = mistake.to_string();
            assert!(mistake.line >= 1 && mistake.column >= 1, "{mistake:?}");
            assert!(mistake.line <= text.matches('\n').count() + 1, "{mistake:?}");
            assert!(!shown.chars().any(|letter| letter.is_control() && letter != '\n'), "{shown:?}");
            return;
        }
    };
    let judge = judged(&spec, capture);
    let judged_now = [judge.verdicts("capture", true)];
    for format in [Format::Text, Format::Junit, Format::Tap, Format::Github, Format::Sarif] {
        let mut out = Vec::new();
        report::write(format, &mut out, &judged_now, &Options::default()).expect("memory can be written");
        let out = String::from_utf8(out).expect("reports are UTF-8");
        assert!(!out.chars().any(|letter| letter.is_control() && letter != '\n'), "{out:?}");
    }
    let mut spec = spec;
    spec.will_be_blessed();
    let blessed = |text: &str, spec: &Spec| {
        let judge = judged(spec, capture);
        bless(text, spec, judge.found().expect("few records").to_vec()).expect("it was read")
    };
    let once = blessed(&text, &spec);
    let again = Spec::parse("spec.toml", &once).unwrap_or_else(|mistake| panic!("{mistake}\n{once}"));
    assert_eq!(blessed(&once, &again), once, "blessed twice");
    let verdicts = judged(&again, capture).verdicts("capture", true).verdicts;
    let of_snapshot = verdicts.iter().filter(|verdict| verdict.name.starts_with("snapshot of "));
    of_snapshot.for_each(|verdict| assert!(verdict.holds, "{verdict:?}\n{once}"));
}

fn judged<'s>(spec: &'s Spec, bytes: &[u8]) -> Judge<'s> {
    let mut judge = Judge::new(spec);
    let Ok(source) = capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None) else { return judge };
    let wanted = spec.wanted().with(RecordKind::Capture);
    let settings = engine::Settings {
        flow: flow::Settings { max_flows: 1 << 12, wanted, ..flow::Settings::default() },
        threads: 1,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: vec!["fuzz".to_owned()],
        trust: None,
        given: engine::Given::default(),
        save: None,
        asking: None,
    };
    engine::run(source, settings, &mut judge, &mut |_| {}).expect("memory can be read");
    judge
}
