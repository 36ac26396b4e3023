//! Opening a capture by name or from any reader: what it is is told by its first bytes.
use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use thiserror::Error;

use super::{
    PacketSource,
    compressed::Compression,
    file::{FileSource, Origin, recognised},
};

/// Bytes looked at to tell what a file is.
const LOOK_BYTES: usize = 24;

/// Why a capture could not be opened. Each says what, where, and what to do.
#[derive(Debug, Error)]
pub enum OpenError {
    /// No such file.
    #[error("{name}: there is no such file; check the name (`-` is standard input)")]
    NotFound {
        /// Name as given.
        name: String,
    },
    /// Not allowed to read it.
    #[error("{name}: permission denied; become its owner, or `sudo chmod a+r {name}`")]
    Permission {
        /// Name as given.
        name: String,
    },
    /// A directory.
    #[error("{name}: is a directory; name the captures in it, as in {name}/*.pcap")]
    Directory {
        /// Name as given.
        name: String,
    },
    /// Something that is no capture.
    #[error("{name}: not a capture file: {what}; pcap and pcapng are read, also inside gzip, zstd or lz4{advice}")]
    NotACapture {
        /// Name as given.
        name: String,
        /// What the first bytes look like.
        what: String,
        /// What to do, after a semicolon; may be empty.
        advice: &'static str,
    },
    /// A compression this build has not.
    #[error("{name}: cannot be decompressed: {source}")]
    Decompress {
        /// Name as given.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Anything else.
    #[error("{name}: cannot be read: {source}; check the disk or the mount")]
    Io {
        /// Name as given.
        name: String,
        /// Why.
        source: io::Error,
    },
}

impl OpenError {
    fn from_io(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { name },
            io::ErrorKind::PermissionDenied => Self::Permission { name },
            io::ErrorKind::IsADirectory => Self::Directory { name },
            _ => Self::Io { name, source },
        }
    }
}

/// Opens a capture; `-` is standard input. An empty file, or one cut inside its header, opens and tells its damage.
///
/// # Errors
/// See [`OpenError`].
pub fn open(path: &Path, file_index: u16) -> Result<Box<dyn PacketSource>, OpenError> {
    let name = path.to_string_lossy().into_owned();
    if name == "-" {
        return open_input(Box::new(io::stdin()), name, file_index, None, true);
    }
    let file = File::open(path).map_err(|error| OpenError::from_io(&name, error))?;
    let metadata = file.metadata().map_err(|error| OpenError::from_io(&name, error))?;
    if metadata.is_dir() {
        return Err(OpenError::Directory { name });
    }
    // A named pipe or a device has no size, and must not be waited for.
    let total_bytes = metadata.is_file().then_some(metadata.len());
    open_input(Box::new(file), name, file_index, total_bytes, total_bytes.is_none())
}

/// Reads a capture from anything; packets are handed on as they arrive when `total_bytes` is unknown.
///
/// # Errors
/// See [`OpenError`].
pub fn from_reader(
    input: Box<dyn Read + Send>,
    name: impl Into<String>,
    file_index: u16,
    total_bytes: Option<u64>,
) -> Result<Box<dyn PacketSource>, OpenError> {
    open_input(input, name.into(), file_index, total_bytes, total_bytes.is_none())
}

fn open_input(
    input: Box<dyn Read + Send>,
    name: String,
    file_index: u16,
    total_bytes: Option<u64>,
    streamed: bool,
) -> Result<Box<dyn PacketSource>, OpenError> {
    let bytes_read = Arc::new(AtomicU64::new(0));
    let mut input: Box<dyn Read + Send> = Box::new(Counted { input, bytes_read: Arc::clone(&bytes_read) });
    let mut head = look(&mut input).map_err(|error| OpenError::from_io(&name, error))?;
    input = Box::new(Cursor::new(head.clone()).chain(input));
    let compression = Compression::recognise(&head);
    if let Some(compression) = compression {
        input = compression.decoder(input).map_err(|source| OpenError::Decompress { name: name.clone(), source })?;
        // An error here will come again from the source, which tells it as damage.
        let mut kept = Kept { input, error: None };
        head = look(&mut kept).unwrap_or_default();
        input = Box::new(Cursor::new(head.clone()).chain(kept));
    }
    // What is shorter than any magic number is a file cut short, not another format.
    if head.len() >= 4 && !recognised(&head) {
        let (what, advice) = resembles(&head);
        let what = match compression {
            Some(compression) => format!("{}-compressed, and inside it {what}", compression.name()),
            None => format!("it {what}"),
        };
        return Err(OpenError::NotACapture { name, what, advice });
    }
    let compression = compression.map(Compression::name);
    let origin = Origin { name, file_index, compression, streamed, bytes_read, total_bytes };
    Ok(Box::new(FileSource::new(input, origin)))
}

/// The first bytes, fewer if there are no more. What was read before an error is kept.
fn look(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(LOOK_BYTES);
    let limit = u64::try_from(LOOK_BYTES).unwrap_or(u64::MAX);
    match input.take(limit).read_to_end(&mut head) {
        Err(error) if head.is_empty() => Err(error),
        _ => Ok(head),
    }
}

/// Counts the bytes that pass.
struct Counted {
    input: Box<dyn Read + Send>,
    bytes_read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.input.read(buffer)?;
        self.bytes_read.fetch_add(u64::try_from(got).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(got)
    }
}

/// Repeats a decoder's first error: after one, decoders may answer anything.
struct Kept {
    input: Box<dyn Read + Send>,
    error: Option<(io::ErrorKind, String)>,
}

impl Read for Kept {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, what)) = &self.error {
            return Err(io::Error::new(*kind, what.clone()));
        }
        self.input.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.error = Some((error.kind(), error.to_string()));
            }
        })
    }
}

/// What first bytes look like, and what to do about it.
fn resembles(head: &[u8]) -> (String, &'static str) {
    const CONVERT: &str = "; convert it: editcap -F pcapng FILE OUT";
    let known: &[(&[u8], &str, &'static str)] = &[
        (b"BZh", "is compressed with bzip2", "; decompress it first: bzip2 -d FILE"),
        (b"\xfd7zXZ\0", "is compressed with xz", "; decompress it first: xz -d FILE"),
        (b"\x1f\x9d", "is compressed with compress", "; decompress it first: uncompress FILE"),
        (b"\x1f\x8b", "is compressed with gzip once more", "; decompress it first: gzip -d FILE"),
        (b"\x28\xb5\x2f\xfd", "is compressed with zstd once more", "; decompress it first: zstd -d FILE"),
        (b"PK\x03\x04", "is a zip archive", "; unpack it first"),
        (b"7z\xbc\xaf", "is a 7-Zip archive", "; unpack it first"),
        (b"btsnoop\0", "is a Bluetooth btsnoop capture", CONVERT),
        (b"GMBU", "is a Microsoft Network Monitor 2 capture", CONVERT),
        (b"RTSS", "is a Microsoft Network Monitor 1 capture", CONVERT),
        (b"XCP\0", "is a NetXRay or Sniffer for Windows capture", CONVERT),
        (b"TRSNIFF data", "is a Sniffer capture", CONVERT),
        (b"\x7fpeek", "is an OmniPeek capture", CONVERT),
        (b"\x7fELF", "is a program", ""),
        (b"%PDF", "is a PDF document", ""),
        (b"\x89PNG", "is a picture", ""),
        (b"CLIENT_RANDOM", "is a TLS key log", "; give it with --keylog FILE"),
        (b"#separator", "is a Zeek log", ""),
        (b"<?xml", "is XML", ""),
        (b"<!DOCTYPE", "is a web page", ""),
        (b"<html", "is a web page", ""),
        (b"{", "looks like JSON", ""),
        (b"[", "looks like JSON", ""),
    ];
    if let Some((_, what, advice)) = known.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return ((*what).to_owned(), advice);
    }
    let printable = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    if head.iter().all(printable) {
        return (format!("looks like text, beginning \"{}\"", head.escape_ascii()), "");
    }
    let shown: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (format!("begins with {}, which is no format known here", shown.join(" ")), "")
}
