//! Compressed captures: gzip, Zstandard and LZ4 frames, recognised by their first bytes, never by the file's name.
use std::io::{self, Read};

/// A compression that can be recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952, several members one after another included.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The LZ4 frame format.
    Lz4,
}

impl Compression {
    /// What these first bytes open.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame, as pzstd writes first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The name after the plus sign in a capture's format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }

    /// A reader of the content.
    ///
    /// # Errors
    /// When this build cannot decompress it.
    pub(super) fn decoder(self, input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(input)),
            Self::Lz4 => {
                Box::new(Lz4 { frame: lz4_flex::frame::FrameDecoder::new(input), began: false, empty_reads: 0 })
            }
            Self::Zstd => zstd_decoder(input)?,
        })
    }
}

#[cfg(feature = "zstd")]
fn zstd_decoder(input: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::stream::read::Decoder::new(input)?))
}

#[cfg(not(feature = "zstd"))]
fn zstd_decoder(_: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this build has no Zstandard (feature `zstd`); decompress it first: zstd -d FILE",
    ))
}

/// An LZ4 reader that goes on to the next frame: the decoder answers an empty read between two frames.
struct Lz4 {
    frame: lz4_flex::frame::FrameDecoder<Box<dyn Read + Send>>,
    began: bool,
    empty_reads: u8,
}

impl Read for Lz4 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let got = self.frame.read(buffer)?;
            if got > 0 || buffer.is_empty() {
                self.began = true;
                self.empty_reads = 0;
                return Ok(got);
            }
            self.empty_reads = self.empty_reads.saturating_add(1);
            if !self.began || self.empty_reads > 2 {
                return Ok(0);
            }
        }
    }
}
