//! `live -w`: the options of writing, what they mean, and what is said of it. How a file is written is the business of
//! [`crate::capture::Ring`].
use std::{num::NonZeroU64, path::PathBuf};

use clap::Args;

/// Where captured packets go.
#[derive(Debug, Args)]
pub struct WrittenArgs {
    /// Also write the packets to this file, before they are analyzed: pcapng with interfaces, statistics and the secrets of
    /// --keylog, so that it opens by itself; pcap (nanoseconds) if the name ends with .pcap or .cap. A file that exists is
    /// overwritten. `-` is standard output, which then gets nothing else
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Begin another file before this one would be longer than so many bytes (500k, 20M, 1GiB): NAME_00001_20261121234500.pcapng
    /// and so on, each readable alone. Files that exist are never overwritten
    #[arg(long, value_name = "BYTES", value_parser = size, requires = "write")]
    pub rotate_size: Option<NonZeroU64>,
    /// Begin another file after so many seconds, even if no packet came
    #[arg(long, value_name = "SECONDS", requires = "write")]
    pub rotate_secs: Option<NonZeroU64>,
    /// Keep the newest so many files of this run: the oldest one is deleted when there is one more, or when the disk is full
    #[arg(long, value_name = "N", requires = "write")]
    pub rotate_files: Option<NonZeroU64>,
    /// With -w: a comment about the capture, in every pcapng file
    #[arg(long, value_name = "TEXT", requires = "write")]
    pub comment: Option<String>,
}

fn size(text: &str) -> Result<NonZeroU64, String> {
    let bytes = crate::cli::plan::parse_size(text)?;
    NonZeroU64::new(bytes).ok_or_else(|| "a file has one byte at least".to_owned())
}

#[cfg(feature = "live")]
pub use compiled::writing;

#[cfg(feature = "live")]
mod compiled {
    use std::{
        fs,
        io::{self, IsTerminal},
        path::{Path, PathBuf},
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use super::WrittenArgs;
    use crate::{
        capture::{
            InterfaceOptions, PacketSource, Ring, RingError, RingOptions, Rotation, SaveError, SectionOptions, Stopped,
            Tee, Told, Written,
            live::{self, InterfaceChoice},
        },
        cli::{complain, exit::Failure, live::LiveArgs},
        record::{Capture, LinkType},
        report::units::counted,
    };

    impl WrittenArgs {
        /// Whether the options make sense together. `is_filtered` says whether `-Y` was given.
        ///
        /// # Errors
        /// They do not.
        pub fn check(&self, is_filtered: bool) -> Result<(), Failure> {
            let why = if self.write.is_some() && is_filtered {
                "with -w all packets are captured, whatever -Y says: give -f to capture fewer, or filter what was \
                 written: wireglass packets FILE -Y FILTER -w OUT"
            } else if self.rotate_files.is_some() && self.rotate_size.is_none() && self.rotate_secs.is_none() {
                "--rotate-files says how many files to keep: say when to begin another one, with --rotate-size or \
                 --rotate-secs"
            } else if self.is_standard_output() && io::stdout().is_terminal() {
                "a capture is not written to a terminal: give -w a name, or pipe it: -w - | tcpdump -r -"
            } else {
                return Ok(());
            };
            Err(Failure::Usage(why.to_owned()))
        }

        /// Whether packets go to standard output, where nothing else may then.
        #[must_use]
        pub fn is_standard_output(&self) -> bool {
            self.write.as_deref().is_some_and(|path| path == Path::new("-"))
        }

        fn rotation(&self) -> Option<Rotation> {
            (self.rotate_size.is_some() || self.rotate_secs.is_some()).then(|| Rotation {
                bytes: self.rotate_size.map(u64::from),
                interval: self.rotate_secs.map(|seconds| Duration::from_secs(seconds.into())),
                files: self.rotate_files.map(u64::from),
            })
        }
    }

    /// What has become of the file.
    #[derive(Clone, Debug, Default)]
    pub struct State {
        is_incomplete: Arc<AtomicBool>,
    }

    impl State {
        /// Whether packets that were captured are missing in the file, because it could not be written any more.
        #[must_use]
        pub fn is_incomplete(&self) -> bool {
            self.is_incomplete.load(Ordering::Relaxed)
        }
    }

    /// Packets go into a file before they go on, if that was asked for.
    ///
    /// # Errors
    /// The file cannot be written. `user` is who this process has become, if it has.
    pub fn writing(
        source: Box<dyn PacketSource>,
        args: &LiveArgs,
        choices: &[InterfaceChoice],
        user: Option<&str>,
    ) -> Result<(Box<dyn PacketSource>, State), Failure> {
        let state = State::default();
        let Some(path) = &args.written.write else { return Ok((source, state)) };
        let name =
            if args.written.is_standard_output() { "standard output".to_owned() } else { path.display().to_string() };
        if is_pipe(path) {
            complain(&format!("{name}: waiting for a reader of this pipe"));
        }
        let section = SectionOptions { comment: args.written.comment.clone(), hardware: hardware(), system: system() };
        let options = RingOptions {
            path: path.clone(),
            interfaces: interfaces(&source.description(), choices),
            rotation: args.written.rotation(),
            section,
            inputs: args.keys.keylog.iter().chain(&args.keys.rsa_key).chain(&args.trust.ca).cloned().collect(),
            is_private: !args.keys.keylog.is_empty(),
        };
        let ring = Ring::create(options).map_err(|error| Failure::Usage(cannot(path, &error, user)))?;
        // Beyond `ulimit -f` a write is then an error that can be told.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        let shared = state.clone();
        let tell = move |told: Told| match told {
            Told::Ended(written) => complain(&ended(&name, &written)),
            Told::Stopped(stopped) => {
                let is_loss = stopped.error.kind() != io::ErrorKind::BrokenPipe;
                shared.is_incomplete.store(is_loss, Ordering::Relaxed);
                if is_loss || name != "standard output" {
                    complain(&self::stopped(&name, &stopped));
                }
            }
        };
        Ok((Box::new(Tee::new(source, ring, Box::new(tell))), state))
    }

    /// Why nothing can be written, and what to do.
    fn cannot(path: &Path, error: &RingError, user: Option<&str>) -> String {
        let RingError::Save(SaveError::Io { name, source }) = error else { return error.to_string() };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.display();
        match source.kind() {
            io::ErrorKind::NotFound => format!("{name}: cannot be written: there is no directory {folder}"),
            io::ErrorKind::PermissionDenied => {
                let who =
                    user.map_or("this user".to_owned(), |user| format!("user {user}, as whom capturing goes on,"));
                let what = if path.exists() { "write this file".to_owned() } else { format!("make files in {folder}") };
                let other = if user.is_some() { ", or another user with --user" } else { "" };
                format!("{name}: cannot be written ({source}): {who} may not {what}. Name another directory{other}")
            }
            _ => error.to_string(),
        }
    }

    /// What was written, for the end.
    fn ended(name: &str, written: &Written) -> String {
        let packets = counted(written.packets, "packet");
        if written.files <= 1 && written.path == Path::new(name) || name == "standard output" {
            return format!("{name}: {packets} written");
        }
        let last = written.path.display();
        let mut text = format!("{packets} written to {}, the last is {last}", counted(written.files, "file"));
        if written.deleted > 0 {
            let files = counted(written.deleted, "file");
            let packets = counted(written.deleted_packets, "packet");
            text.push_str(&format!("; the oldest {files} with {packets} were deleted, as --rotate-files asks"));
        }
        if written.deleted_early > 0 {
            let files = counted(written.deleted_early, "file");
            text.push_str(&format!(", {files} of them earlier than it asks, because the disk was full"));
        }
        text
    }

    /// Why nothing more is written.
    fn stopped(name: &str, stopped: &Stopped) -> String {
        let Stopped { error, written } = stopped;
        let packets = counted(written.packets, "packet");
        let path = if written.files == 0 { name.to_owned() } else { written.path.display().to_string() };
        let held = match written.files {
            0 | 1 => format!("{packets} are in it, and it is whole"),
            files => format!("{packets} are in {}, and all are whole", counted(files, "file")),
        };
        match error.kind() {
            io::ErrorKind::BrokenPipe => format!("{path}: its reader has gone; capturing ended after {packets}"),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!(
                "{path}: the disk is full ({error}). {held}; capturing ends here. Make room, capture less with -f or -s, \
                 or keep only the newest packets with --rotate-size and --rotate-files"
            ),
            _ => format!("{path}: cannot be written any more: {error}. {held}; capturing ends here"),
        }
    }

    fn is_pipe(path: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            fs::metadata(path).is_ok_and(|known| known.file_type().is_fifo())
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            false
        }
    }

    /// What is known of the interfaces that are captured from.
    fn interfaces(capture: &Capture, choices: &[InterfaceChoice]) -> Vec<InterfaceOptions> {
        let devices = live::interfaces().unwrap_or_default();
        let described = |name: &str| devices.iter().find(|device| device.name == name)?.description.clone();
        let options = capture.interfaces.iter().zip(choices).map(|(interface, choice)| {
            let name = interface.name.as_deref();
            InterfaceOptions {
                link_type: LinkType::from_name(&interface.link_type).unwrap_or_default(),
                snap_length: interface.snap_length.and_then(|length| u32::try_from(length).ok()).unwrap_or(0),
                name: interface.name.clone(),
                description: name.and_then(described),
                filter: choice.filter.clone(),
                speed: name.and_then(speed),
                system: system(),
            }
        });
        options.collect()
    }

    /// Bits per second, where the system knows.
    fn speed(name: &str) -> Option<u64> {
        let is_plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
        let path = is_plain.then(|| PathBuf::from("/sys/class/net").join(name).join("speed"))?;
        let megabits: u64 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
        megabits.checked_mul(1_000_000).filter(|speed| *speed > 0)
    }

    /// `Linux 6.1.0`.
    fn system() -> Option<String> {
        let read = |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok();
        let (kind, release) = (read("ostype")?, read("osrelease")?);
        Some(format!("{} {}", kind.trim(), release.trim()))
    }

    /// The processor's name.
    fn hardware() -> Option<String> {
        let text = fs::read_to_string("/proc/cpuinfo").ok()?;
        let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'))?.1.trim().to_owned();
        Some(name).filter(|name| !name.is_empty())
    }
}
