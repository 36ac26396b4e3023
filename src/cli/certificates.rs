//! What the command line says of certificates: whom to trust, the moment that counts as now, and where to put copies.
use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{args::TrustArgs, complain, exit::Failure};
use crate::{
    app::tls::trust::Trust,
    record::{Certificate, Glance, Record, RecordKind, Wanted},
    report::Writer,
};

/// What certificates are judged by.
///
/// # Errors
/// A file cannot be read or holds no certificates, or the system's store cannot be found.
pub fn trust(args: &TrustArgs) -> Result<Arc<Trust>, Failure> {
    let now = args.now.or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok()
    });
    let mut trust = Trust::mozilla();
    if let Some(now) = now {
        trust = trust.with_now(now);
    }
    for file in &args.ca {
        let name = file.display().to_string();
        let pem = fs::read(file).map_err(|error| Failure::Usage(format!("--ca {name}: {error}")))?;
        trust.add_pem(&pem, &name).map_err(|error| Failure::Usage(format!("--ca {error}")))?;
    }
    if args.system_roots {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let why = found.errors.first().map_or("it is empty".to_owned(), ToString::to_string);
            return Err(Failure::Usage(format!(
                "--system-roots: the system's certificate store cannot be read: {why}"
            )));
        }
        trust.add_system(found.certs.iter().map(AsRef::as_ref));
    }
    Ok(Arc::new(trust))
}

/// `2026-11-21T00:00:00Z`, `2026-11-21` or seconds since 1970.
///
/// # Errors
/// A sentence that shows what is understood.
pub fn parse_moment(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    if let Ok(moment) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(moment.timestamp());
    }
    let day = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0));
    day.map(|day| day.and_utc().timestamp())
        .ok_or_else(|| format!("`{text}` is no moment: write 2026-11-21T00:00:00Z, 2026-11-21, or seconds since 1970"))
}

/// The record kinds a run must make so that certificates can be exported.
#[must_use]
pub fn needed(directory: Option<&Path>, wanted: Wanted) -> Wanted {
    if directory.is_some() { wanted.with(RecordKind::Certificate) } else { wanted }
}

/// `writer` itself, or one that also writes certificates to the directory of `--export-certs`. `wanted`: what is printed.
///
/// # Errors
/// The directory cannot be made.
pub fn exporting<'w>(
    writer: Box<dyn Writer + Send + 'w>,
    directory: Option<&Path>,
    wanted: Wanted,
) -> Result<Box<dyn Writer + Send + 'w>, Failure> {
    let Some(directory) = directory else { return Ok(writer) };
    fs::create_dir_all(directory)
        .map_err(|error| Failure::Usage(format!("--export-certs {}: {error}", directory.display())))?;
    Ok(Box::new(Exporter {
        writer,
        directory: directory.to_owned(),
        printed: wanted.has(RecordKind::Certificate),
        seen: HashSet::new(),
        written: 0,
        there: 0,
    }))
}

/// Writes each certificate once, named by its SHA-256, and passes records on.
struct Exporter<'w> {
    writer: Box<dyn Writer + Send + 'w>,
    directory: PathBuf,
    printed: bool,
    seen: HashSet<String>,
    written: u64,
    there: u64,
}

impl Writer for Exporter<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if let Record::Certificate(certificate) = record {
            self.export(certificate)?;
            if !self.printed {
                return Ok(());
            }
        }
        self.writer.record(record)
    }

    fn glance_every_ns(&self) -> Option<i64> {
        self.writer.glance_every_ns()
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        self.writer.glance(glance)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.writer.finish()?;
        let there = match self.there {
            0 => String::new(),
            count => format!("; {count} were there already and were left as they are"),
        };
        complain(&format!("{} certificates written to {}{there}", self.written, self.directory.display()));
        Ok(())
    }
}

impl Exporter<'_> {
    fn export(&mut self, certificate: &Certificate) -> io::Result<()> {
        if certificate.der.is_empty() || self.seen.contains(&certificate.sha256) {
            return Ok(());
        }
        self.seen.insert(certificate.sha256.clone());
        // Hexadecimal digits only: nothing of the certificate's own text becomes part of a path.
        let path = self.directory.join(format!("{}.pem", certificate.sha256));
        match create(&path) {
            Ok(mut file) => {
                file.write_all(pem(&certificate.der).as_bytes())?;
                self.written += 1;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.there += 1,
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        }
        Ok(())
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// RFC 7468.
fn pem(der: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(der.len() * 4 / 3 + 80);
    for line in der.chunks(48) {
        text.push('\n');
        for three in line.chunks(3) {
            let bits = three.iter().fold(0, |bits: u32, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
            for place in 0..4 {
                let six = (bits >> (18 - 6 * place)) as usize & 63;
                text.push(if place <= three.len() { char::from(LETTERS[six]) } else { '=' });
            }
        }
    }
    format!("-----BEGIN CERTIFICATE-----{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(parse_moment("2026-11-21"), Ok(1_795_219_200));
        assert_eq!(parse_moment("2026-11-21T01:00:00+01:00"), Ok(1_795_219_200));
        assert_eq!(parse_moment("1795219200"), Ok(1_795_219_200));
        assert!(parse_moment("tomorrow").is_err());
    }

    #[test]
    fn pem_is_what_others_read() {
        use rustls_pki_types::{CertificateDer, pem::PemObject};
        for length in 0..200 {
            let der: Vec<u8> = (0..length).map(|n: u8| n.wrapping_mul(37)).collect();
            assert_eq!(CertificateDer::from_pem_slice(pem(&der).as_bytes()).unwrap().as_ref(), der, "{length}");
            assert!(pem(&der).lines().all(|line| line.len() <= 64));
        }
    }
}
