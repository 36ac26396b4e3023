//! `wireglass check FILE... --expect SPEC`: captures as tests.
use std::{
    fs,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use clap::{Args, ValueEnum};

use super::{
    analyze::{self, unnumbered},
    args::{Color, KeyArgs, ResourceArgs, TrustArgs},
    certificates, complain,
    exit::{Ended, Failure},
    keys, plan,
    progress::ProgressLine,
    save,
};
use crate::{
    check::{
        self, Judge, Judged, Spec,
        report::{self, Format},
    },
    engine,
    limits::{MAX_SNAPSHOT_RECORDS, MAX_SPEC_BYTES},
    record::{Capture, RecordKind, Wanted},
    report::Writer,
};

const EXAMPLES: &str = "\
Examples:
  wireglass check a.pcap --expect a.toml                   does it hold? (exit status 1: no)
  wireglass check a.pcap --expect a.toml --bless           write what is there as the snapshot
  wireglass check captures/*.pcap --expect every.toml      each capture by itself
  wireglass check tests/*/expect.toml                      captures that the SPECs name (files = ...)
  wireglass check a.pcap --expect a.toml --report junit    for CI; also tap, github, sarif

A SPEC says what must hold, in TOML:
  [[check]]
  every = \"tls\"
  expect = 'version >= 1.2 and outcome == established'

  [[check]]
  none = \"finding\"
  where = 'severity > note'

  [[check]]
  p95 = \"http.ttfb_ns\"
  is = \"< 200 ms\"

  [[check]]
  values = \"dns.query.name\"
  exactly = [\"www.lab.example\"]

Besides: exists, count, min, max, mean, median, sum, among, include. Questions are in the language
of -Y, about fields of records (`wireglass schema`). Exit status: 0 all hold, 1 some do not, 3 a
capture is unreadable or damaged, 4 a SPEC is wrong.";

/// `wireglass check`.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct CheckArgs {
    /// Captures, each judged by itself [default: those that SPEC names in `files`]; `-` is standard input. What ends with
    /// .toml is a SPEC
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A capture, as tcpdump, tshark and Zeek spell it
    #[arg(short = 'r', value_name = "FILE")]
    pub read: Vec<PathBuf>,
    /// What must hold, in TOML; several SPECs are each asked of each capture
    #[arg(short = 'e', long, value_name = "SPEC")]
    pub expect: Vec<PathBuf>,
    /// Write the records of the capture into SPEC as its snapshot, instead of comparing them; the rest of SPEC stays as it
    /// is. A SPEC that is not there is made
    #[arg(long)]
    pub bless: bool,
    /// How verdicts are printed
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub report: ReportFormat,
    /// List what holds, too, of each of several captures
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub keys: KeyArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub resources: ResourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// How verdicts are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// JUnit's XML, for GitLab, Jenkins and others
    Junit,
    /// Test Anything Protocol 14
    Tap,
    /// Annotations of GitHub Actions, at the lines of SPEC
    Github,
    /// SARIF 2.1.0
    Sarif,
}

/// Runs the command.
pub fn check(args: &CheckArgs) -> Result<Ended, Failure> {
    // No capture is called so.
    let is_spec = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let given: Vec<PathBuf> =
        args.read.iter().chain(args.files.iter().filter(|path| !is_spec(path))).cloned().collect();
    let specs: Vec<&PathBuf> = args.expect.iter().chain(args.files.iter().filter(is_spec)).collect();
    if specs.is_empty() {
        let why = "nothing says what must hold. Try: wireglass check FILE --expect SPEC.toml; --bless makes a SPEC";
        return Err(Failure::Usage(why.to_owned()));
    }
    let mut runs: Vec<(Wish, Vec<PathBuf>)> = Vec::new();
    // All SPECs are read before the first capture is: a mistake in one is told at once.
    for path in specs {
        let wish = Wish::read(path, args.bless)?;
        let files = if given.is_empty() { wish.files() } else { given.clone() };
        if files.is_empty() {
            let name = path.display();
            return Err(Failure::Usage(format!(
                "no capture given. Try: wireglass check FILE --expect {name}, or write files = [\"FILE\"] into {name}"
            )));
        }
        if args.bless && files.len() > 1 {
            let why = format!(
                "--bless writes the snapshot of one capture; {} were given for {}",
                files.len(),
                path.display()
            );
            return Err(Failure::Usage(why));
        }
        runs.push((wish, files));
    }
    let mut judged = Vec::new();
    let mut is_bad_capture = false;
    for (wish, files) in &runs {
        for file in files {
            let one = judge(wish, file, args)?;
            let says_enough = one.damage.is_none() || wish.spec.judges_damage();
            is_bad_capture |= one.unreadable.is_some() || !says_enough;
            judged.push(one);
        }
    }
    let format = match args.report {
        ReportFormat::Text => Format::Text,
        ReportFormat::Junit => Format::Junit,
        ReportFormat::Tap => Format::Tap,
        ReportFormat::Github => Format::Github,
        ReportFormat::Sarif => Format::Sarif,
    };
    let options = report::Options { color: plan::color(args.color), width: plan::width(), all: args.all };
    let mut out = BufWriter::new(io::stdout());
    report::write(format, &mut out, &judged, &options).map_err(Failure::Output)?;
    Ok(if judged.iter().any(|one| one.verdicts.iter().any(|verdict| !verdict.holds)) {
        Ended::Failed
    } else if is_bad_capture {
        Ended::Damaged
    } else {
        Ended::Done
    })
}

/// A SPEC, and where it is from.
struct Wish {
    path: PathBuf,
    text: String,
    spec: Spec,
}

impl Wish {
    /// Reads a SPEC; with `makes`, one that is not there is empty.
    fn read(path: &Path, makes: bool) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = match fs::File::open(path) {
            Ok(file) => {
                let mut text = String::new();
                let most = MAX_SPEC_BYTES as u64;
                file.take(most.saturating_add(1))
                    .read_to_string(&mut text)
                    .map_err(|error| Failure::Usage(format!("cannot read {name}: {error}")))?;
                text
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && makes => String::new(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::Usage(format!("there is no {name}. --bless makes it, from what the capture has")));
            }
            Err(error) => return Err(Failure::Usage(format!("cannot read {name}: {error}"))),
        };
        let mut spec = Spec::parse(&name, &text).map_err(|mistake| Failure::Filter(mistake.to_string()))?;
        if makes {
            spec.will_be_blessed();
        } else if spec.assertions.is_empty() && spec.snapshot.is_none() {
            let why = "it asks nothing, so everything would pass: write a [[check]], or let --bless write a snapshot";
            return Err(Failure::Filter(format!("{name}: {why}")));
        }
        Ok(Self { path: path.to_owned(), text, spec })
    }

    /// A path that the SPEC names, from where it is.
    fn beside(&self, name: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(name)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.spec.files.iter().map(|name| self.beside(name)).collect()
    }
}

/// Reads one capture and judges it. What makes it unreadable is part of the answer, as others may be readable.
fn judge(wish: &Wish, file: &Path, args: &CheckArgs) -> Result<Judged, Failure> {
    let started = Instant::now();
    let name = analyze::name(file);
    let unreadable = |reason: String| Judged {
        spec: wish.spec.name.clone(),
        capture: name.clone(),
        unreadable: Some(reason),
        ..Judged::default()
    };
    let files = [file.to_owned()];
    let wanted = wish.spec.wanted().with(RecordKind::Capture);
    let settings = |wanted: Wanted| -> Result<engine::Settings, Failure> {
        let mut keys = args.keys.clone();
        keys.keylog.extend(wish.spec.keylog.iter().map(|name| wish.beside(name)));
        let stop = Arc::new(AtomicBool::new(false));
        Ok(plan::engine_settings(&args.resources, wanted, None, None, vec![name.clone()], stop, keys::given(&keys)?))
    };
    let mut run_settings = settings(wanted)?;
    run_settings.trust = Some(trust(wish, &args.trust)?);
    let selection = match wish.spec.filter.clone() {
        Some(filter) => match save::select(&files, filter, settings(wanted)?, true) {
            Ok(selection) => Some(selection),
            Err(Failure::Unreadable(reason)) => return Ok(unreadable(reason)),
            Err(failure) => return Err(failure),
        },
        None => None,
    };
    unnumbered(selection.as_ref().map_or(0, |selection| selection.unnumbered));
    let source = match analyze::open(&files) {
        Ok(source) => source,
        Err(Failure::Unreadable(reason)) => return Ok(unreadable(reason)),
        Err(failure) => return Err(failure),
    };
    let mut judge = Judge::new(&wish.spec);
    let mut line = ProgressLine::new();
    let mut selected;
    let writer: &mut dyn Writer = match selection {
        Some(selection) => {
            selected = engine::Selected::new(&mut judge, selection);
            &mut selected
        }
        None => &mut judge,
    };
    let outcome = engine::run(source, run_settings, writer, &mut |progress| line.update(progress));
    drop(line);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return Ok(unreadable(format!("{name}: {error}"))),
    };
    let mut blessed = None;
    if args.bless {
        blessed = Some(bless(wish, &judge)?);
    }
    let mut judged = judge.verdicts(&name, !args.bless);
    judged.blessed = blessed;
    judged.damage = outcome.captures.iter().find_map(|capture| damage(capture, args.resources.strict));
    judged.duration_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(judged)
}

/// What is wrong with a capture itself; with `strict`, losses too.
fn damage(capture: &Capture, strict: bool) -> Option<String> {
    if let Some(damage) = &capture.damage {
        return Some(format!("at byte {}: {}", damage.offset, damage.what));
    }
    let dropped = capture.dropped.filter(|dropped| strict && *dropped > 0);
    let backwards = Some(capture.timestamps_backwards).filter(|count| strict && *count > 0);
    dropped
        .map(|dropped| format!("{dropped} packets were dropped while capturing"))
        .or_else(|| backwards.map(|count| format!("{count} timestamps run backwards")))
}

/// Whom to trust, as the command line and the SPEC say.
fn trust(wish: &Wish, args: &TrustArgs) -> Result<Arc<crate::app::tls::trust::Trust>, Failure> {
    let said = wish.spec.now.as_deref().map(certificates::parse_moment).transpose();
    let said = said.map_err(|why| Failure::Filter(format!("{}: now: {why}", wish.spec.name)))?;
    let ca = args.ca.iter().cloned().chain(wish.spec.ca.iter().map(|name| wish.beside(name))).collect();
    certificates::trust(&TrustArgs { ca, system_roots: args.system_roots, now: args.now.or(said) })
}

/// Writes the snapshot, whole or not at all; answers its number of records.
fn bless(wish: &Wish, judge: &Judge<'_>) -> Result<usize, Failure> {
    let Some(found) = judge.found() else {
        return Err(Failure::Usage(format!(
            "the capture has more than {MAX_SNAPSHOT_RECORDS} records for a snapshot: name fewer types in [snapshot], or a filter"
        )));
    };
    let name = wish.path.display();
    let failed = |error: io::Error| Failure::Usage(format!("cannot write {name}: {error}"));
    let text = check::bless(&wish.text, &wish.spec, found.to_vec())
        .map_err(|reason| Failure::Usage(format!("cannot write the snapshot into {name}: {reason}")))?;
    if text.len() > MAX_SPEC_BYTES {
        return Err(Failure::Usage(format!(
            "the snapshot would make {name} longer than {MAX_SPEC_BYTES} bytes: name fewer types in [snapshot]"
        )));
    }
    if text == wish.text {
        return Ok(found.len());
    }
    // A link is followed: what it leads to is replaced, not the link.
    let target = fs::canonicalize(&wish.path).unwrap_or_else(|_| wish.path.clone());
    let mut beside = target.clone().into_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let write = || -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        if let Ok(before) = fs::metadata(&target) {
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&beside, &target)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside))).map_err(failed)?;
    if wish.text.is_empty() {
        complain(&format!("{name}: written; read it before you rely on it"));
    }
    Ok(found.len())
}
