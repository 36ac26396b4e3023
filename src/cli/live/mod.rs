//! `wireglass live`: the same report from an interface; `wireglass interfaces`: what can be captured from.
mod args;
#[cfg(feature = "live")]
mod interfaces;
#[cfg(feature = "live")]
mod screen;
#[cfg(feature = "live")]
mod watch;
mod written;

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
pub use self::{compiled::live, interfaces::interfaces};

#[cfg(feature = "live")]
mod compiled {
    use std::{
        io::{self, BufWriter, IsTerminal, LineWriter},
        path::{Path, PathBuf},
        sync::{Arc, atomic::AtomicBool},
    };

    use super::{
        Ended, Failure, LiveArgs, interfaces, screen,
        watch::{self, Watch},
        written,
    };
    use crate::{
        capture::{
            KeyLogged, PacketSource,
            live::{LiveOptions, LiveSource, Queued},
        },
        cli::{
            analyze,
            args::Format,
            certificates, complain, keys, objects, plan,
            privileges::{self, Places},
            progress::ProgressLine,
        },
        engine,
        report::{self, Writer},
    };

    /// Runs the command. What is done when matters: see [`privileges`].
    pub fn live(args: &LiveArgs) -> Result<Ended, Failure> {
        // What is wrong with the command line is said before anything is opened.
        let display_filter = plan::display_filter(args.display_filter.as_deref())?;
        args.written.check(display_filter.is_some())?;
        let wanted = plan::wanted(&args.output)?;
        let identity = privileges::user(args.user.as_deref())?;
        let choices = interfaces::choices(args)?;
        let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
        let names = names.join(", ");
        let watch = Watch::new()?;
        let shows = screen::is_wanted(args, format(args));

        // The interfaces, with the rights this was started with.
        let options = LiveOptions {
            interfaces: choices.clone(),
            snap_length: args.snap_length,
            promiscuous: !args.no_promiscuous,
            buffer_bytes: args.buffer_size.saturating_mul(1024),
            immediate: args.immediate_mode,
            duration: args.duration,
            max_packets: args.count,
            // The screen shows it.
            on_change: (!shows).then(watch::on_change),
            ..LiveOptions::default()
        };
        let source = LiveSource::open(options, Arc::clone(&watch.stop)).map_err(interfaces::failure)?;
        let counts = source.counts();

        // From here on as the user. Files are made, and folders.
        privileges::drop_to(identity.as_ref())?;
        let title = identity.as_ref().map(privileges::Identity::title);
        let trust = certificates::trust(&args.trust)?;
        let (given, more) = keys::growing(&args.keys)?;
        let mut source: Box<dyn PacketSource> = Box::new(source);
        if let Some(more) = more {
            source = Box::new(KeyLogged::new(source, more));
        }
        let (mut source, file) = written::writing(source, args, &choices, title.as_deref())?;
        if args.written.write.is_some() {
            // The file does not wait for the analysis. Without a file there is no queue but the kernel's, which counts what
            // it has no room for.
            source = Box::new(Queued::new(source, counts.clone()));
        }
        let (out, flusher) = output(args);
        let format = format(args);
        let writer = if shows {
            screen::writer(out, args, &choices, wanted, &watch.stop)?
        } else {
            analyze::writer_to(out, &args.output, format, wanted)?
        };
        let writer = certificates::exporting(writer, args.export_certs.as_deref(), wanted)?;
        let mut writer = objects::exporting(writer, args.export_objects.as_deref(), wanted)?;
        let wanted = certificates::needed(args.export_certs.as_deref(), wanted);
        let wanted = objects::needed(args.export_objects.as_deref(), wanted);
        // The source ends by itself, with what came before the end was asked for; the engine is not to cut it off.
        let never = Arc::new(AtomicBool::new(false));
        let mut settings =
            plan::engine_settings(&args.resources, wanted, None, None, vec![names.clone()], never, given);
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

        // All is open: the process is closed in, and threads may begin.
        let confinement = privileges::confine(&places(args));
        let who = title.map_or_else(|| "same user".to_owned(), |name| format!("user {name}"));
        if !shows {
            watch.answer(counts, format!("{who}; {confinement}"))?;
        }
        if let Some(flusher) = flusher {
            flusher.begin();
        }
        complain(&format!("capturing on {names}; Ctrl-C ends and reports"));
        // With records on the same terminal a line of progress would be in their way.
        let tells = !shows && (format == Format::Table || !io::stdout().is_terminal());
        let mut line = tells.then(ProgressLine::new);
        let mut tell = |progress| line.iter_mut().for_each(|line| line.update(progress));
        let exports = args.export_certs.is_some() || args.export_objects.is_some();
        let outcome = if args.written.is_standard_output() && !exports {
            engine::save(source, settings, None)
        } else {
            engine::run(source, settings, writer, &mut tell)
        };
        drop(line);
        let outcome = outcome.map_err(Failure::Output)?;
        let ended = analyze::judge(&outcome.captures, args.resources.strict);
        Ok(if file.is_incomplete() { Ended::Damaged } else { ended })
    }

    /// Records as they are complete where a program reads; the whole report for a person.
    fn format(args: &LiveArgs) -> Format {
        let usual = if io::stdout().is_terminal() { Format::Table } else { Format::Ndjson };
        args.output.format.unwrap_or(usual)
    }

    /// Standard output, and what keeps it from being held back.
    fn output(args: &LiveArgs) -> (report::Output, Option<watch::Flusher>) {
        if args.written.is_standard_output() {
            (Box::new(io::sink()), None)
        } else if args.line_buffered {
            (Box::new(LineWriter::new(io::stdout())), None)
        } else if format(args) == Format::Ndjson {
            let (out, flusher) = watch::flushed();
            (out, Some(flusher))
        } else {
            (Box::new(BufWriter::new(io::stdout())), None)
        }
    }

    /// What the run may still open once it is closed in.
    fn places(args: &LiveArgs) -> Places {
        let folder = |path: &Path| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let exports = args.export_certs.iter().chain(&args.export_objects).chain(&args.output.csv_dir).cloned();
        Places {
            // A key log may be made later, or be replaced.
            read: args.keys.keylog.iter().map(|path| folder(path)).collect(),
            write: args.written.write.iter().map(|path| folder(path)).chain(exports).collect(),
        }
    }
}
