//! `--keylog` and `--rsa-key`: what the user gives to open protected traffic. What is read here never goes into a message.
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{args::KeyArgs, exit::Failure};
use crate::{
    app::tls::{key_log, private_key},
    capture::MoreLines,
    engine, limits,
    record::Secrets,
};

/// What was given, key logs read to their end.
///
/// # Errors
/// A file cannot be read, or holds no key.
pub fn given(args: &KeyArgs) -> Result<engine::Given, Failure> {
    let mut given = keys(args)?;
    for path in &args.keylog {
        let text = read(path)?;
        let parsed = key_log::parse(&text, 0);
        given.bad_lines = given.bad_lines.saturating_add(parsed.bad);
        given.secrets.add(parsed.log, 0);
    }
    Ok(given)
}

/// What was given, for a live run, and what asks for the lines that key logs have grown by: they need not be there yet.
///
/// # Errors
/// A private key cannot be read.
#[cfg_attr(not(feature = "live"), allow(dead_code))]
pub fn growing(args: &KeyArgs) -> Result<(engine::Given, Option<MoreLines>), Failure> {
    let mut given = keys(args)?;
    // They come with the packets; of its own an interface has none.
    given.ignore_captured = false;
    given.will_come = !args.keylog.is_empty();
    let mut files: Vec<Growing> = args.keylog.iter().cloned().map(Growing::new).collect();
    let more: Option<MoreLines> =
        given.will_come.then(|| Box::new(move || files.iter_mut().flat_map(Growing::more).collect()) as MoreLines);
    Ok((given, more))
}

fn keys(args: &KeyArgs) -> Result<engine::Given, Failure> {
    let mut secrets = Secrets::default();
    for path in &args.rsa_key {
        let key =
            private_key::read(&read(path)?).map_err(|error| Failure::Usage(format!("{}: {error}", name(path))))?;
        secrets.add_key(key);
    }
    Ok(engine::Given { secrets, ignore_captured: args.ignore_secrets, ..engine::Given::default() })
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

/// A file's content, if it is not too long.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::Usage(format!("cannot read {}: {error}", name(path)));
    let mut bytes = Vec::new();
    let most = limits::MAX_SECRET_BYTES as u64;
    File::open(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(Failure::Usage(format!(
            "{} is longer than {most} bytes: give the part that is needed",
            name(path)
        )));
    }
    Ok(bytes)
}

/// A key log that another program may be writing.
struct Growing {
    path: PathBuf,
    file: Option<File>,
    /// A line whose end is not there yet.
    begun: Vec<u8>,
    left: usize,
}

/// Bytes of a line whose end does not come: no line of a key log is nearly as long.
const LONGEST_LINE: usize = 4096;

impl Growing {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, begun: Vec::new(), left: limits::MAX_SECRET_BYTES }
    }

    /// The lines that were ended since the last call.
    fn more(&mut self) -> Vec<u8> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return Vec::new() };
        let mut bytes = std::mem::take(&mut self.begun);
        let before = bytes.len();
        // An error is like no news: the next call may have some.
        let _ = file.take(self.left as u64).read_to_end(&mut bytes);
        self.left = self.left.saturating_sub(bytes.len() - before);
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.begun = bytes.split_off(whole);
        if self.begun.len() > LONGEST_LINE { std::mem::take(&mut self.begun) } else { bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_growing_file_gives_whole_lines() {
        let path = std::env::temp_dir().join(format!("wireglass-growing-{}", std::process::id()));
        let mut growing = Growing::new(path.clone());
        assert!(growing.more().is_empty(), "it is not there yet");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"one\ntw").unwrap();
        assert_eq!(growing.more(), b"one\n");
        assert!(growing.more().is_empty());
        file.write_all(b"o\nthree").unwrap();
        assert_eq!(growing.more(), b"two\n");
        std::fs::remove_file(&path).unwrap();
    }
}
