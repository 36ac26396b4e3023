//! `live -w`: packets go into a file before they are analyzed.
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::LiveArgs;
use crate::{
    capture::{Batch, InterfaceOptions, More, PacketSource, PcapWriter, PcapngWriter, ReadProgress},
    record::{Capture, Timestamp},
};

/// Packets go on to the analysis, and into a file.
pub struct Tee {
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
    /// Beside `source`, into `path`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn new(source: Box<dyn PacketSource>, path: &Path, args: &LiveArgs) -> io::Result<Self> {
        let output = BufWriter::new(File::create(path)?);
        let classic = path.extension().is_some_and(|extension| extension == "pcap");
        let file = if classic {
            CaptureFile::Pcap { file: Some(output), writer: None, snap_length: args.snap_length }
        } else {
            let program = concat!("wireglass ", env!("CARGO_PKG_VERSION"));
            let options = InterfaceOptions {
                snap_length: args.snap_length,
                name: args.interfaces.first().cloned(),
                filter: args.filters.first().cloned(),
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
