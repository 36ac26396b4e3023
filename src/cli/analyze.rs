//! `wireglass FILE...`: the whole report of one or more captures.
use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    args::{AnalyzeArgs, Format, OutputArgs},
    certificates, complain,
    exit::{Ended, Failure},
    keys, objects, plan,
    progress::ProgressLine,
    save,
};
use crate::{
    capture::{self, Merged, PacketSource},
    engine,
    record::{Capture, Interface, RecordKind, Wanted},
    report::{self, Writer},
};

/// Runs the command.
pub fn analyze(args: &AnalyzeArgs) -> Result<Ended, Failure> {
    let files = plan::files(&args.source)?;
    if args.separate && args.written.write.is_some() {
        return Err(Failure::Usage(
            "--separate makes several captures of the files, and -w writes one: give one of them".to_owned(),
        ));
    }
    let runs: Vec<&[PathBuf]> = if args.separate { files.chunks(1).collect() } else { vec![&files] };
    let mut ended = Ended::Done;
    for files in runs {
        if one_run(files, args)? == Ended::Damaged {
            ended = Ended::Damaged;
        }
    }
    Ok(ended)
}

fn one_run(files: &[PathBuf], args: &AnalyzeArgs) -> Result<Ended, Failure> {
    let wanted = plan::wanted(&args.output)?;
    let names: Vec<String> = files.iter().map(|file| name(file)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let settings = |wanted| -> Result<engine::Settings, Failure> {
        let filter = plan::capture_filter(args.source.filter.as_deref())?;
        let (given, stop) = (keys::given(&args.source.keys)?, Arc::clone(&stop));
        Ok(plan::engine_settings(&args.resources, wanted, filter, args.source.count, names.clone(), stop, given))
    };
    let display_filter = plan::display_filter(args.source.display_filter.as_deref())?;
    if save::is_standard_output(&args.written) {
        let captures = save::packets(&args.written, files, display_filter, &|| settings(wanted))?;
        return Ok(judge(&captures, args.resources.strict));
    }
    let mut run_settings = settings(wanted)?;
    let trust = certificates::trust(&args.trust)?;
    let writer = writer(&args.output, wanted)?;
    let writer = certificates::exporting(writer, args.export_certs.as_deref(), wanted)?;
    let mut writer = objects::exporting(writer, args.export_objects.as_deref(), wanted)?;
    let wanted = certificates::needed(args.export_certs.as_deref(), wanted);
    run_settings.flow.wanted = objects::needed(args.export_objects.as_deref(), wanted);
    run_settings.trust = Some(trust);
    let mut is_written = false;
    let selection = match display_filter {
        Some(filter) if args.written.whole_flows => {
            let selection = save::select(files, filter, settings(wanted)?, true)?;
            let save = save::saver(&args.written, files)?;
            let copied = engine::save(open(files)?, engine::Settings { save, ..settings(wanted)? }, Some(&selection));
            save::tell(&args.written, copied.map_err(save::failed)?.saved);
            is_written = true;
            Some(selection)
        }
        Some(filter) => {
            let save = save::saver(&args.written, files)?;
            let mut selection = save::select(files, filter, engine::Settings { save, ..settings(wanted)? }, true)?;
            save::tell(&args.written, selection.saved.take());
            is_written = true;
            Some(selection)
        }
        None => None,
    };
    if !is_written {
        run_settings.save = save::saver(&args.written, files)?;
    }
    let source = open(files)?;
    let mut line = ProgressLine::new();
    let mut selected;
    let writer: &mut dyn Writer = match selection {
        Some(selection) => {
            selected = engine::Selected::new(writer.as_mut(), selection);
            &mut selected
        }
        None => writer.as_mut(),
    };
    let outcome = engine::run(source, run_settings, writer, &mut |progress| line.update(progress));
    drop(line);
    let outcome = outcome.map_err(save::failed)?;
    save::tell(&args.written, outcome.saved);
    Ok(judge(&outcome.captures, args.resources.strict))
}

/// Tells that a filter could not see the streams of some packets.
pub fn unnumbered(packets: u64) {
    if packets > 0 {
        let most = crate::limits::MAX_RELATIVE_FLOWS;
        complain(&format!(
            "{packets} packets belong to streams beyond the first {most}: the filter saw no tcp.stream, tcp.seq, tcp.time_delta \
             and their like there"
        ));
    }
}

/// A file's name as given; standard input's is what people call it.
pub fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// Opens one capture, or several as one in time order.
pub fn open(files: &[PathBuf]) -> Result<Box<dyn PacketSource>, Failure> {
    let sources: Result<Vec<_>, _> = (0u16..).zip(files).map(|(index, file)| capture::open(file, index)).collect();
    let mut sources = sources.map_err(|error| Failure::Unreadable(error.to_string()))?;
    Ok(if sources.len() == 1 { sources.remove(0) } else { Box::new(Merged::new(sources)) })
}

/// The writer that the options ask for, on standard output.
pub fn writer(output: &OutputArgs, wanted: Wanted) -> Result<Box<dyn Writer + Send>, Failure> {
    let format = output.format.unwrap_or(Format::Table);
    writer_to(Box::new(BufWriter::new(io::stdout())), output, format, wanted)
}

/// What the options wish of a report.
pub fn options(output: &OutputArgs, wanted: Wanted) -> report::Options {
    report::Options {
        width: plan::width(),
        color: plan::color(output.color),
        all: output.all,
        time: plan::time(output.time),
        wanted,
        ..report::Options::default()
    }
}

/// The writer of a format, with the options' style.
pub fn writer_to(
    out: report::Output,
    output: &OutputArgs,
    format: Format,
    wanted: Wanted,
) -> Result<Box<dyn Writer + Send>, Failure> {
    let options = options(output, wanted);
    if format == Format::Csv {
        if let Some(directory) = &output.csv_dir {
            return report::csv_directory(directory).map_err(|error| {
                Failure::Usage(format!("cannot write CSV files to {}: {error}", directory.display()))
            });
        }
        let rows = RecordKind::ALL.into_iter().filter(|kind| wanted.has(*kind)).count();
        if rows != 1 {
            return Err(Failure::Usage(
                "CSV holds one record type: name it with --only, or give --csv-dir DIR to write one file for each"
                    .to_owned(),
            ));
        }
    }
    report::writer(plan::format(format), out, options).map_err(Failure::Output)
}

/// Tells of damage on standard error, and how the command ends.
pub fn judge(captures: &[Capture], strict: bool) -> Ended {
    let mut ended = Ended::Done;
    for capture in captures {
        if let Some(damage) = &capture.damage {
            complain(&format!("{}: damaged at byte {}: {}", capture.file, damage.offset, damage.what));
            ended = Ended::Damaged;
        }
        // That was told when it happened.
        if capture.interfaces.iter().any(Interface::is_gone) {
            ended = Ended::Damaged;
        }
        if strict && capture.dropped.is_some_and(|dropped| dropped > 0) {
            complain(&format!(
                "{}: {} packets were dropped while capturing",
                capture.file,
                capture.dropped.unwrap_or(0)
            ));
            ended = Ended::Damaged;
        }
        if strict && capture.not_analyzed() > 0 {
            complain(&format!("{}: {} packets were not analyzed", capture.file, capture.not_analyzed()));
            ended = Ended::Damaged;
        }
        if strict && capture.timestamps_backwards > 0 {
            complain(&format!("{}: {} timestamps run backwards", capture.file, capture.timestamps_backwards));
            ended = Ended::Damaged;
        }
    }
    ended
}
