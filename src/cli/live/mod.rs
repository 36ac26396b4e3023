//! `wireglass live`: the same report from an interface; `wireglass interfaces`: what can be captured from.
mod args;
#[cfg(feature = "live")]
mod screen;
#[cfg(feature = "live")]
mod tee;

pub use args::LiveArgs;

use super::exit::{Ended, Failure};

#[cfg(not(feature = "live"))]
const NOT_BUILT: &str = "this wireglass was built without live capture (cargo feature `live`, which needs libpcap). \
     Build it with the default features, or pipe: tcpdump -w - | wireglass -";

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub fn live(_: &LiveArgs) -> Result<Ended, Failure> {
    Err(Failure::Capture(NOT_BUILT.to_owned()))
}

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub fn interfaces() -> Result<Ended, Failure> {
    Err(Failure::Capture(NOT_BUILT.to_owned()))
}

#[cfg(feature = "live")]
pub use compiled::{interfaces, live};

#[cfg(feature = "live")]
mod compiled {
    use std::{
        io::{self, BufWriter, IsTerminal, LineWriter, Write},
        sync::{Arc, atomic::AtomicBool},
        time::Duration,
    };

    use signal_hook::{consts, flag};

    use super::{
        Ended, Failure, LiveArgs,
        screen::{self, Terminal},
        tee::Tee,
    };
    use crate::{
        capture::{
            PacketSource,
            live::{self, LiveError, LiveOptions, LiveSource},
        },
        cli::{analyze, args::Format, certificates, complain, keys, objects, plan, progress::ProgressLine},
        engine,
        record::Wanted,
        report::{
            self, Writer,
            screen::{ScreenWriter, Source},
            table::TableWriter,
        },
    };

    /// Runs the command.
    pub fn live(args: &LiveArgs) -> Result<Ended, Failure> {
        let display_filter = plan::display_filter(args.display_filter.as_deref())?;
        if display_filter.is_some() && args.write.is_some() {
            let why = "with -w all packets are captured, whatever -Y says: give -f to capture fewer, or filter what was \
                       written: wireglass packets FILE -Y FILTER -w OUT";
            return Err(Failure::Usage(why.to_owned()));
        }
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            // A second signal ends at once, should the first not be enough.
            let registered = flag::register_conditional_default(signal, Arc::clone(&stop))
                .and_then(|_| flag::register(signal, Arc::clone(&stop)));
            registered.map_err(|error| Failure::Capture(format!("cannot watch for signals: {error}")))?;
        }
        let wanted = plan::wanted(&args.output)?;
        let trust = certificates::trust(&args.trust)?;
        let options = LiveOptions {
            device: args.interface.clone(),
            snap_length: args.snap_length,
            promiscuous: !args.no_promiscuous,
            filter: args.filter.clone(),
            duration: args.duration.map(Duration::from_secs),
            ..LiveOptions::default()
        };
        let source = LiveSource::open(options, Arc::clone(&stop)).map_err(|error| match error {
            LiveError::Filter(error) => Failure::Filter(error.to_string()),
            other => Failure::Capture(other.to_string()),
        })?;
        complain(&format!("capturing on {}; Ctrl-C ends and reports", args.interface));
        let mut source: Box<dyn PacketSource> = Box::new(source);
        if let Some(path) = &args.write {
            let teed = Tee::new(source, path, args);
            source =
                Box::new(teed.map_err(|error| Failure::Usage(format!("cannot write {}: {error}", path.display())))?);
        }
        let out: Box<dyn Write + Send> = if args.line_buffered {
            Box::new(LineWriter::new(io::stdout()))
        } else {
            Box::new(BufWriter::new(io::stdout()))
        };
        let shows = screen::is_wanted(args);
        let writer: Box<dyn Writer + Send> =
            if shows { screened(args, out, wanted, &stop)? } else { analyze::writer_to(out, &args.output, wanted)? };
        let writer = certificates::exporting(writer, args.export_certs.as_deref(), wanted)?;
        let mut writer = objects::exporting(writer, args.export_objects.as_deref(), wanted)?;
        let wanted = certificates::needed(args.export_certs.as_deref(), wanted);
        let wanted = objects::needed(args.export_objects.as_deref(), wanted);
        let names = vec![args.interface.clone()];
        let given = keys::growing(&args.keys)?;
        let mut settings = plan::engine_settings(&args.resources, wanted, None, args.count, names, stop, given);
        settings.trust = Some(trust);
        let asking = display_filter.map(|filter| engine::Asking::new(filter, settings.flow));
        let mut passing;
        let writer: &mut dyn Writer = match &asking {
            Some(asking) => {
                passing = asking.writer(writer.as_mut());
                // One behind the other: what has passed so far is then no question of threads.
                settings.threads = 1;
                &mut passing
            }
            None => writer.as_mut(),
        };
        settings.asking = asking;
        // With records on the same terminal a line of progress would be in their way.
        let tells = !shows && (args.output.format == Format::Table || !io::stdout().is_terminal());
        let mut line = tells.then(ProgressLine::new);
        let mut tell = |progress| line.iter_mut().for_each(|line| line.update(progress));
        let outcome = engine::run(source, settings, writer, &mut tell);
        drop(line);
        let outcome = outcome.map_err(Failure::Output)?;
        Ok(analyze::judge(&outcome.captures, args.resources.strict))
    }

    /// The writer that shows the screen of a run, and reports at the end.
    fn screened(
        args: &LiveArgs,
        out: Box<dyn Write + Send>,
        wanted: Wanted,
        stop: &Arc<AtomicBool>,
    ) -> Result<Box<dyn Writer + Send>, Failure> {
        // What was captured is gone, unless it was written: no command of the hints would find it.
        let options = report::Options { program: None, ..analyze::options(&args.output, wanted) };
        let terminal = Terminal::new(Arc::clone(stop), options.color)
            .map_err(|error| Failure::Usage(format!("cannot use this terminal ({error}): give --no-screen")))?;
        let source = Source {
            interfaces: vec![args.interface.clone()],
            filter: args.filter.clone(),
            display_filter: args.display_filter.clone(),
        };
        let report = TableWriter::new(out, options);
        Ok(Box::new(ScreenWriter::new(report, Box::new(terminal), source, wanted)))
    }

    /// Lists the interfaces.
    pub fn interfaces() -> Result<Ended, Failure> {
        let devices = live::interfaces().map_err(|error| Failure::Capture(error.to_string()))?;
        let allowed = live::allowed();
        let mut out = io::stdout().lock();
        let widest = devices.iter().map(|device| device.name.len()).max().unwrap_or(0);
        for device in devices {
            let state = if device.up { "up" } else { "down" };
            let addresses: Vec<String> = device.addresses.iter().map(ToString::to_string).collect();
            let description = device.description.map_or(String::new(), |text| format!("  {text}"));
            let line = format!("{:widest$}  {state:4}  {}{description}", device.name, addresses.join(" "));
            writeln!(out, "{}", line.trim_end()).map_err(Failure::Output)?;
        }
        if allowed == Some(false) {
            complain(&format!("capturing is not allowed now; allow it with: {}", live::remedy()));
        }
        Ok(Ended::Done)
    }
}
