//! `wireglass live`: the same report from an interface; `wireglass interfaces`: what can be captured from.
use super::{
    args::LiveArgs,
    exit::{Ended, Failure},
};

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
        fs::File,
        io::{self, BufWriter, LineWriter, Write},
        path::{Path, PathBuf},
        sync::{Arc, atomic::AtomicBool},
        time::Duration,
    };

    use signal_hook::{consts, flag};

    use super::{Ended, Failure, LiveArgs};
    use crate::{
        capture::{
            Batch, InterfaceOptions, More, PacketSource, PcapWriter, PcapngWriter, ReadProgress,
            live::{self, LiveError, LiveOptions, LiveSource},
        },
        cli::{analyze, certificates, complain, keys, objects, plan},
        engine,
        record::{Capture, Timestamp},
        report::Writer,
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
        let writer = analyze::writer_to(out, &args.output, wanted)?;
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
        complain(&format!("capturing on {}; Ctrl-C ends and reports", args.interface));
        let outcome = engine::run(source, settings, writer, &mut |_| {}).map_err(Failure::Output)?;
        Ok(analyze::judge(&outcome.captures, args.resources.strict))
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

    /// Packets go on to the analysis, and into a file.
    struct Tee {
        source: Box<dyn PacketSource>,
        file: CaptureFile,
        path: PathBuf,
        latest: Timestamp,
    }

    enum CaptureFile {
        Pcapng { writer: Option<PcapngWriter<BufWriter<File>>>, options: InterfaceOptions, described: bool },
        Pcap { file: Option<BufWriter<File>>, writer: Option<PcapWriter<BufWriter<File>>>, snap_length: u32 },
    }

    impl Tee {
        fn new(source: Box<dyn PacketSource>, path: &Path, args: &LiveArgs) -> io::Result<Self> {
            let output = BufWriter::new(File::create(path)?);
            let classic = path.extension().is_some_and(|extension| extension == "pcap");
            let file = if classic {
                CaptureFile::Pcap { file: Some(output), writer: None, snap_length: args.snap_length }
            } else {
                let program = concat!("wireglass ", env!("CARGO_PKG_VERSION"));
                let options = InterfaceOptions {
                    snap_length: args.snap_length,
                    name: Some(args.interface.clone()),
                    filter: args.filter.clone(),
                    ..InterfaceOptions::default()
                };
                let writer = Some(PcapngWriter::new(output, program, None)?);
                CaptureFile::Pcapng { writer, options, described: false }
            };
            Ok(Self { source, file, path: path.to_owned(), latest: Timestamp::default() })
        }

        fn write(&mut self, batch: &Batch) -> io::Result<()> {
            for head in &batch.heads {
                let bytes = batch.bytes(head);
                self.latest = head.timestamp;
                match &mut self.file {
                    CaptureFile::Pcapng { writer: Some(writer), options, described } => {
                        if !*described {
                            options.link_type = head.link_type;
                            writer.interface(options)?;
                            *described = true;
                        }
                        writer.packet(0, head.timestamp, head.wire_length, bytes, None)?;
                    }
                    CaptureFile::Pcap { file, writer, snap_length } => {
                        if let Some(output) = file.take() {
                            *writer = Some(PcapWriter::new(output, head.link_type, *snap_length)?);
                        }
                        if let Some(writer) = writer {
                            writer.packet(head.timestamp, head.wire_length, bytes)?;
                        }
                    }
                    CaptureFile::Pcapng { writer: None, .. } => {}
                }
            }
            // Whole at every moment: what was captured is in the file before it is analyzed.
            match &mut self.file {
                CaptureFile::Pcapng { writer: Some(writer), .. } => writer.flush(),
                CaptureFile::Pcap { writer: Some(writer), .. } => writer.flush(),
                _ => Ok(()),
            }
        }

        fn end(&mut self) -> io::Result<()> {
            let capture = self.source.description();
            match &mut self.file {
                CaptureFile::Pcapng { writer, described, .. } => {
                    let Some(mut writer) = writer.take() else { return Ok(()) };
                    if *described {
                        let received = capture.interfaces.first().and_then(|interface| interface.received);
                        writer.statistics(0, self.latest, received, capture.dropped)?;
                    }
                    writer.finish()?.flush()
                }
                CaptureFile::Pcap { writer, .. } => match writer.take() {
                    Some(writer) => writer.finish()?.flush(),
                    None => Ok(()),
                },
            }
        }
    }

    impl PacketSource for Tee {
        fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
            let more = self.source.next_batch(batch)?;
            let written = self.write(batch).and_then(|()| if more == More::No { self.end() } else { Ok(()) });
            written.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))?;
            Ok(more)
        }

        fn description(&self) -> Capture {
            self.source.description()
        }

        fn progress(&self) -> ReadProgress {
            self.source.progress()
        }
    }

    impl Drop for Tee {
        /// Stopped by a count or a signal: the file is ended all the same.
        fn drop(&mut self) {
            let _ = self.end();
        }
    }
}
