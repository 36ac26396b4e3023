//! `--export-objects DIR`: content of HTTP messages as files, with safe names, decoded within limits.
//!
//! Content is collected while it passes, in memory while it is short and in a private folder in DIR when it is longer, and
//! decoded when its transaction is complete: one object at a time, so that open ones cost little. Records come in the same
//! order whatever the number of workers, and so do names.
use std::{
    collections::HashMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Seek, Write},
    path::{Path, PathBuf},
    process,
};

use sha2::{Digest, Sha256};

use super::{complain, exit::Failure, object_names::Names};
use crate::{
    app::codec::http::{
        coding::{self, Bounds, Coding, Fault},
        findings::{finding, what},
    },
    limits::{MAX_EXPORTED_BYTES, MAX_EXPORTED_OBJECTS, MAX_OPEN_OBJECTS, OBJECT_BUFFER_BYTES},
    record::{
        Finding, FlowId, Glance, Http, HttpContent, HttpObject, HttpPiece, HttpResponse, PacketNumber, Record,
        RecordKind, Severity, Subject, Wanted,
    },
    report::Writer,
};

/// What a run must make so that objects can be exported.
#[must_use]
pub fn needed(directory: Option<&Path>, wanted: Wanted) -> Wanted {
    if directory.is_some() { wanted.with(RecordKind::Http).with_content() } else { wanted }
}

/// `writer` itself, or one that also writes objects to the directory of `--export-objects`. `wanted`: what is printed.
///
/// # Errors
/// The directory cannot be made.
pub fn exporting<'w>(
    writer: Box<dyn Writer + Send + 'w>,
    directory: Option<&Path>,
    wanted: Wanted,
) -> Result<Box<dyn Writer + Send + 'w>, Failure> {
    let Some(directory) = directory else { return Ok(writer) };
    let exporter = Exporter::new(writer, directory, wanted, Limits::default());
    Ok(Box::new(
        exporter.map_err(|error| Failure::Usage(format!("--export-objects {}: {error}", directory.display())))?,
    ))
}

/// What a run may write.
#[derive(Clone, Copy, Debug)]
struct Limits {
    objects: u64,
    bytes: u64,
    open: usize,
    buffer: usize,
    content: Bounds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects: MAX_EXPORTED_OBJECTS,
            bytes: MAX_EXPORTED_BYTES,
            open: MAX_OPEN_OBJECTS,
            buffer: OBJECT_BUFFER_BYTES,
            content: Bounds::default(),
        }
    }
}

/// What tells one message's content from another's.
type Key = (FlowId, u64, PacketNumber);

/// Content that is being collected.
#[derive(Default)]
struct Open {
    /// What came, or what came since the file was begun.
    buffer: Vec<u8>,
    /// Where it is, when there is more than a buffer holds.
    file: Option<PathBuf>,
    length: u64,
    /// Something is missing: what comes behind it is of no use.
    broken_off: Option<&'static str>,
    /// It ended as its framing says.
    ended: bool,
}

/// Passes records on, and writes what passed of content to files.
struct Exporter<'w> {
    writer: Box<dyn Writer + Send + 'w>,
    directory: PathBuf,
    /// A folder of our own in it, for what is not finished.
    workshop: PathBuf,
    limits: Limits,
    http_printed: bool,
    findings_printed: bool,
    open: HashMap<Key, Open>,
    names: Names,
    /// Bytes in the workshop.
    held: u64,
    serial: u64,
    written: u64,
    written_bytes: u64,
    partial: u64,
    not_written: u64,
    limit_told: bool,
}

impl Writer for Exporter<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Http(http) => return self.transaction(http, record),
            Record::Capture(_) => self.tell_limit()?,
            _ => {}
        }
        self.writer.record(record)
    }

    fn content(&mut self, content: &HttpContent) -> io::Result<()> {
        self.collect(content)
    }

    fn glance_every_ns(&self) -> Option<i64> {
        self.writer.glance_every_ns()
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        self.writer.glance(glance)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.writer.finish()?;
        let count = |count: u64, what: &str| if count == 0 { String::new() } else { format!("; {count} {what}") };
        complain(&format!(
            "{} object{}, {} bytes written to {}{}{}",
            self.written,
            if self.written == 1 { "" } else { "s" },
            self.written_bytes,
            self.directory.display(),
            count(self.partial, "of them incomplete (.partial)"),
            count(self.not_written, "not written, as a limit was reached"),
        ));
        Ok(())
    }
}

impl Drop for Exporter<'_> {
    fn drop(&mut self) {
        // Nothing of ours is left behind; a folder that is gone already does no harm.
        let _ = fs::remove_dir_all(&self.workshop);
    }
}

impl<'w> Exporter<'w> {
    fn new(writer: Box<dyn Writer + Send + 'w>, directory: &Path, wanted: Wanted, limits: Limits) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let workshop = workshop(directory)?;
        Ok(Self {
            writer,
            directory: directory.to_owned(),
            workshop,
            limits,
            http_printed: wanted.has(RecordKind::Http),
            findings_printed: wanted.has(RecordKind::Finding),
            open: HashMap::new(),
            names: Names::default(),
            held: 0,
            serial: 0,
            written: 0,
            written_bytes: 0,
            partial: 0,
            not_written: 0,
            limit_told: false,
        })
    }

    /// Takes a piece.
    fn collect(&mut self, content: &HttpContent) -> io::Result<()> {
        let key = (content.flow, content.stream, content.message);
        if !self.open.contains_key(&key) {
            if content.piece == HttpPiece::End {
                return Ok(());
            }
            if self.open.len() >= self.limits.open {
                self.not_written += 1;
                return Ok(());
            }
        }
        let open = self.open.entry(key).or_default();
        match &content.piece {
            HttpPiece::End => open.ended = true,
            HttpPiece::Missing => {
                open.broken_off.get_or_insert("the capture lacks a part of it");
            }
            HttpPiece::Bytes(_) if open.broken_off.is_some() => {}
            HttpPiece::Bytes(bytes) => {
                let length = open.length.saturating_add(bytes.len() as u64);
                let total = self.written_bytes.saturating_add(self.held).saturating_add(bytes.len() as u64);
                if length > self.limits.content.bytes || total > self.limits.bytes {
                    open.broken_off = Some("a limit of the export was reached");
                    return Ok(());
                }
                open.length = length;
                open.buffer.extend_from_slice(bytes);
                if open.buffer.len() >= self.limits.buffer {
                    if open.file.is_none() {
                        open.file = Some(self.workshop.join(self.serial.to_string()));
                        self.serial += 1;
                    }
                    if let Some(path) = &open.file {
                        OpenOptions::new().append(true).create(true).open(path)?.write_all(&open.buffer)?;
                        self.held += open.buffer.len() as u64;
                        open.buffer.clear();
                    }
                }
            }
        }
        Ok(())
    }

    /// A transaction is complete, and so is what passed of its content.
    fn transaction(&mut self, http: &Http, record: &Record) -> io::Result<()> {
        let stream = http.stream_id.unwrap_or(http.serial);
        let mut take = |message: PacketNumber| {
            let flow = http.subject.flow?;
            self.open.remove(&(flow, stream, message))
        };
        // A promised request has no content, and begins in the packet in which its response may begin too.
        let asked = http.request.as_ref().filter(|_| http.promised_on.is_none());
        let request = asked.and_then(|request| take(request.packet));
        let response = http.response.as_ref().and_then(|response| take(response.packet));
        if request.is_none() && response.is_none() {
            return if self.http_printed { self.writer.record(record) } else { Ok(()) };
        }
        let mut http = Box::new(http.clone());
        let mut found = Vec::new();
        if let Some(open) = request {
            let object = self.object(&http, Half::Request, open, &mut found)?;
            http.request.iter_mut().for_each(|request| request.object.clone_from(&object));
        }
        if let Some(open) = response {
            let object = self.object(&http, Half::Response, open, &mut found)?;
            http.response.iter_mut().for_each(|response| response.object.clone_from(&object));
        }
        if self.http_printed {
            self.writer.record(&Record::Http(http))?;
        }
        if self.findings_printed {
            for finding in found {
                self.writer.record(&Record::Finding(Box::new(finding)))?;
            }
        }
        Ok(())
    }

    /// Decodes content into a file.
    fn object(
        &mut self,
        http: &Http,
        half: Half,
        mut open: Open,
        found: &mut Vec<Finding>,
    ) -> io::Result<Option<HttpObject>> {
        let spooled = match &open.file {
            Some(path) => {
                let mut file = OpenOptions::new().append(true).open(path)?;
                file.write_all(&open.buffer)?;
                self.held = self.held.saturating_sub(open.length.saturating_sub(open.buffer.len() as u64));
                open.buffer.clear();
                Some(path.clone())
            }
            None if open.length == 0 => return Ok(None),
            None => None,
        };
        let fields = match half {
            Half::Request => http.request.as_ref().map(|request| &request.headers),
            Half::Response => http.response.as_ref().map(|response| &response.headers),
        };
        let codings = coding::codings(fields.map_or(&[], Vec::as_slice));
        let mut object = HttpObject {
            file: None,
            bytes: 0,
            encoded_bytes: open.length,
            coding: Vec::new(),
            complete: open.ended && open.broken_off.is_none(),
            sha256: None,
            note: open.broken_off.or((!open.ended).then_some("it ended before it was complete")).map(str::to_owned),
        };
        if self.written >= self.limits.objects || self.written_bytes >= self.limits.bytes {
            self.not_written += 1;
            (object.complete, object.note) = (false, Some("a limit of the export was reached".to_owned()));
            remove(spooled.as_deref())?;
            return Ok(Some(object));
        }
        let made = self.decode(&open, spooled.as_deref(), &codings)?;
        let whole = object.complete;
        if let Some(range) = http.response.as_ref().filter(|_| half == Half::Response).and_then(range) {
            object.note.get_or_insert(format!("a part of the whole: {range}"));
        }
        object.coding = codings.iter().rev().take(made.taken).rev().map(|coding| coding.name().to_owned()).collect();
        (object.bytes, object.sha256) = (made.bytes, Some(made.sha256));
        if let Some(note) = made.note {
            object.note = Some(note);
        }
        object.complete &= made.whole;
        match made.fault {
            Some(Fault::TooLong) => found.push(bomb(http, half, &object)),
            Some(Fault::Corrupt) => found.push(not_coded(http, half, &codings)),
            // Where the capture lacks nothing, the sender cut it.
            Some(Fault::Truncated) if whole => found.push(not_coded(http, half, &codings)),
            _ => {}
        }
        let name = self.names.name(http, half == Half::Request);
        let placed = self.place(&made.path, &name, object.complete)?;
        self.written += 1;
        self.written_bytes = self.written_bytes.saturating_add(made.bytes);
        self.partial += u64::from(!object.complete);
        object.file = Some(placed);
        if spooled.as_deref() != Some(made.path.as_path()) {
            remove(spooled.as_deref())?;
        }
        Ok(Some(object))
    }

    /// Takes codings off into a file of the workshop.
    fn decode(&mut self, open: &Open, spooled: Option<&Path>, codings: &[Coding]) -> io::Result<Made> {
        let coded = || -> io::Result<Box<dyn BufRead + '_>> {
            Ok(match spooled {
                Some(path) => Box::new(BufReader::new(File::open(path)?)),
                None => Box::new(open.buffer.as_slice()),
            })
        };
        let length = open.length;
        let room = self.limits.bytes.saturating_sub(self.written_bytes);
        let bounds = Bounds { bytes: self.limits.content.bytes.min(room), ..self.limits.content };
        let (mut content, taken) = coding::decoder(coded()?, length, codings, bounds)?;
        if taken == 0
            && let Some(path) = spooled
        {
            // It is there as it came.
            let mut hash = Sha256::new();
            pump(&mut content, |piece| {
                hash.update(piece);
                Ok(())
            })?;
            let sha256 = hex(&hash.finalize());
            let note = left_coded(codings, 0);
            return Ok(Made { path: path.to_owned(), bytes: length, sha256, taken, whole: true, note, fault: None });
        }
        let path = self.workshop.join(self.serial.to_string());
        self.serial += 1;
        let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&path)?);
        let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
        let fault = pump(&mut content, |piece| {
            hash.update(piece);
            bytes += piece.len() as u64;
            file.write_all(piece)
        })?;
        drop(content);
        let mut made = Made { path, bytes, sha256: String::new(), taken, whole: fault.is_none(), note: None, fault };
        made.note = match fault {
            None => left_coded(codings, taken),
            Some(Fault::TooLong) => Some("more came out than is believed: decoding was stopped".to_owned()),
            Some(Fault::Truncated) if open.ended => Some("the coded content ends too early".to_owned()),
            Some(Fault::Truncated) => None,
            Some(Fault::Corrupt) => Some("it is not coded as its header says".to_owned()),
        };
        if fault == Some(Fault::Corrupt) && bytes == 0 {
            // Nothing of it is in that coding: what came is worth more than nothing.
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.set_len(0)?;
            file.rewind()?;
            hash = Sha256::new();
            let mut content = coded()?;
            pump(&mut content, |piece| {
                hash.update(piece);
                file.write_all(piece)
            })?;
            (made.bytes, made.taken, made.whole) = (length, 0, true);
            made.note = Some("it is not coded as its header says, and was written as it came".to_owned());
        } else {
            file.flush()?;
        }
        made.sha256 = hex(&hash.finalize());
        Ok(made)
    }

    /// Moves a file of the workshop to a name that nobody has: the name is taken first, so that nothing is overwritten and
    /// no link is followed.
    fn place(&mut self, from: &Path, name: &str, complete: bool) -> io::Result<String> {
        loop {
            let numbered = self.names.next(name);
            let file = if complete { numbered } else { format!("{numbered}.partial") };
            let path = self.directory.join(&file);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => {
                    fs::rename(from, &path)?;
                    return Ok(file);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            }
        }
    }

    fn tell_limit(&mut self) -> io::Result<()> {
        if self.not_written == 0 || !self.findings_printed || std::mem::replace(&mut self.limit_told, true) {
            return Ok(());
        }
        let finding = Finding {
            subject: Subject::default(),
            client: None,
            server: None,
            severity: Severity::Note,
            code: "http.export-limit",
            title: format!("{} objects were not written, as a limit of the export was reached", self.not_written),
            explanation: format!(
                "One run writes at most {} objects and {} bytes, and collects {} at once. Filter the capture (-f) to \
                 get the others.",
                self.limits.objects, self.limits.bytes, self.limits.open
            ),
            reference: None,
        };
        self.writer.record(&Record::Finding(Box::new(finding)))
    }
}

/// Which message of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    Request,
    Response,
}

impl Half {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// A file in the workshop, ready to be placed.
struct Made {
    path: PathBuf,
    bytes: u64,
    sha256: String,
    /// Codings taken off.
    taken: usize,
    /// All that came is in it.
    whole: bool,
    note: Option<String>,
    fault: Option<Fault>,
}

fn left_coded(codings: &[Coding], taken: usize) -> Option<String> {
    let left = codings.len().checked_sub(taken).and_then(|left| codings.get(..left))?;
    let last = left.last()?;
    Some(format!("still coded: {} is not decoded", last.name()))
}

/// What a 206 says that it holds (RFC 9110 14.4).
fn range(response: &HttpResponse) -> Option<&str> {
    let field = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-range");
    response.headers.iter().find(field).filter(|_| response.status == Some(206)).map(|(_, value)| value.as_str())
}

/// A folder of our own, that nobody else can look into.
fn workshop(directory: &Path) -> io::Result<PathBuf> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    let mut number = 0_u32;
    loop {
        let path = directory.join(format!(".wireglass-{}-{number}", process::id()));
        match builder.create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

fn remove(path: Option<&Path>) -> io::Result<()> {
    path.map_or(Ok(()), fs::remove_file)
}

/// Gives all of `content` to `take`; answers how decoding failed.
fn pump(content: &mut dyn BufRead, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Option<Fault>> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match content.read(&mut piece) {
            Ok(0) => return Ok(None),
            Ok(count) => take(piece.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(Fault::from(&error))),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn bomb(http: &Http, half: Half, object: &HttpObject) -> Finding {
    let title = format!(
        "The {} of {} becomes more than {} times as long when it is decoded",
        half.name(),
        what(http),
        object.bytes / object.encoded_bytes.max(1)
    );
    Finding {
        explanation: format!(
            "Decoding was stopped after {} bytes, made of {} at most. No usual content gains as much: this is how \
             decompression bombs look, which fill the memory or the disk of who opens them.",
            object.bytes, object.encoded_bytes
        ),
        reference: Some("RFC 9110 8.4"),
        ..finding(http, Severity::Warning, "http.decompression-bomb", title)
    }
}

fn not_coded(http: &Http, half: Half, codings: &[Coding]) -> Finding {
    let names: Vec<_> = codings.iter().map(Coding::name).collect();
    let title = format!("The {} of {} is not valid {}", half.name(), what(http), names.join(", "));
    Finding {
        explanation:
            "Its header names this coding, but it does not decode, or ends in the middle. Its recipient fails \
                      on it: a server or proxy that coded twice, not at all, or broke off, or content that was changed \
                      on the way."
                .to_owned(),
        reference: Some("RFC 9110 8.4"),
        ..finding(http, Severity::Warning, "http.undecodable-content", title)
    }
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
