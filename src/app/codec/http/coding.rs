//! Content codings (RFC 9110 8.4.1): what was done to content before it was sent, and taking it off again. What decoders
//! give is bounded, whatever they are given.
use std::{
    error, fmt,
    io::{self, BufRead, BufReader, Cursor, Read},
};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::bufread::{DeflateDecoder, GzDecoder, ZlibDecoder};

use crate::limits::{FREE_OBJECT_BYTES, MAX_CONTENT_CODINGS, MAX_OBJECT_BYTES, MAX_OBJECT_RATIO};

/// A coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, `x-gzip` (RFC 1952).
    Gzip,
    /// `deflate`: zlib (RFC 1950), or bare DEFLATE (RFC 1951) as some servers send it.
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878, RFC 9659).
    Zstd,
    /// One that is not taken off, by its name.
    Other(String),
}

impl Coding {
    /// Its registered name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Other(name) => name,
        }
    }

    /// Whether this build can take it off.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Self::Gzip | Self::Deflate | Self::Brotli => true,
            Self::Zstd => cfg!(feature = "zstd"),
            Self::Other(_) => false,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "identity" | "chunked" => return None,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            other => Self::Other(other.to_owned()),
        })
    }
}

/// The codings of a message in the order in which they were applied: Content-Encoding, then Transfer-Encoding. Those that
/// change nothing, and `chunked`, which is framing, are left out.
#[must_use]
pub fn codings(fields: &[(String, String)]) -> Vec<Coding> {
    let of = |name: &'static str| {
        let lines = fields.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        lines.flat_map(|(_, value)| value.split(',')).filter_map(|coding| Coding::named(coding.trim()))
    };
    of("content-encoding").chain(of("transfer-encoding")).collect()
}

/// Bounds of what decoding may give.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes at most.
    pub bytes: u64,
    /// Times the coded length at most.
    pub ratio: u64,
    /// Bytes that are allowed whatever the ratio.
    pub free: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { bytes: MAX_OBJECT_BYTES, ratio: MAX_OBJECT_RATIO, free: FREE_OBJECT_BYTES }
    }
}

impl Bounds {
    /// Bytes that content of `coded` bytes may become.
    fn of(self, coded: u64) -> u64 {
        coded.saturating_mul(self.ratio).max(self.free).min(self.bytes)
    }
}

/// Content became longer than its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the decoded content is longer than is believed")
    }
}

impl error::Error for TooLong {}

/// How decoding failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More came out than is believed.
    TooLong,
    /// The coded content ends in the middle.
    Truncated,
    /// It is not in that coding.
    Corrupt,
}

impl From<&io::Error> for Fault {
    fn from(error: &io::Error) -> Self {
        match error.get_ref() {
            Some(inner) if inner.is::<TooLong>() => Self::TooLong,
            _ if error.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Corrupt,
        }
    }
}

/// Content with `codings` taken off, and how many of them were: from the last on, up to one that is not known. `length` is
/// that of `coded`.
///
/// # Errors
/// `coded` cannot be read.
pub fn decoder<'r>(
    coded: Box<dyn BufRead + 'r>,
    length: u64,
    codings: &[Coding],
    bounds: Bounds,
) -> io::Result<(Box<dyn BufRead + 'r>, usize)> {
    let (mut content, mut taken) = (coded, 0_usize);
    for coding in codings.iter().rev().take(MAX_CONTENT_CODINGS).take_while(|coding| coding.is_known()) {
        let decoded: Box<dyn Read + 'r> = match coding {
            Coding::Gzip => Box::new(Gzip { member: Some(GzDecoder::new(content)), begun: false }),
            Coding::Deflate => deflate(content)?,
            Coding::Brotli => Box::new(Brotli::new(content)),
            Coding::Zstd => zstandard(content)?,
            Coding::Other(_) => return Ok((content, taken)),
        };
        content = Box::new(BufReader::new(Bounded { content: decoded, left: bounds.of(length) }));
        taken = taken.saturating_add(1);
    }
    Ok((content, taken))
}

/// Ends with an error where more comes than is believed.
struct Bounded<R> {
    content: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        let length = u64::try_from(count).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(length).ok_or_else(|| io::Error::other(TooLong))?;
        Ok(count)
    }
}

/// Members of a gzip file in a row (RFC 1952 2.2); what follows them and is none, is passed over as browsers do.
struct Gzip<R: BufRead> {
    member: Option<GzDecoder<R>>,
    begun: bool,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.begun = true;
                return Ok(count);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { break };
            if rest.fill_buf()?.first() == Some(&0x1f) {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// zlib says so in its first two bytes (RFC 1950 2.2); a DEFLATE stream can begin with them only by chance.
fn deflate<'r>(mut coded: Box<dyn BufRead + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    let mut start = Vec::with_capacity(2);
    (&mut coded).take(2).read_to_end(&mut start)?;
    let is_zlib = match start.as_slice() {
        &[method, flags] => method & 0x0f == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31),
        _ => false,
    };
    let whole = Cursor::new(start).chain(coded);
    Ok(match is_zlib {
        true => Box::new(ZlibDecoder::new(whole)),
        false => Box::new(DeflateDecoder::new(whole)),
    })
}

#[cfg(feature = "zstd")]
fn zstandard<'r>(coded: Box<dyn BufRead + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(coded)?;
    decoder.window_log_max(crate::limits::MAX_ZSTD_WINDOW_LOG)?;
    Ok(Box::new(decoder))
}

#[cfg(not(feature = "zstd"))]
fn zstandard<'r>(coded: Box<dyn BufRead + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    // Not reached: the coding is not known to this build.
    Ok(Box::new(coded))
}

/// Brotli with windows of at most 16 MiB, as RFC 7932 has them: the crate's own reader takes larger ones too.
struct Brotli<R> {
    coded: R,
    state: BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
    over: bool,
}

impl<R> Brotli<R> {
    fn new(coded: R) -> Self {
        let allocators = [StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default()];
        let [bytes, words, tables] = allocators;
        Self { coded, state: BrotliState::new_strict(bytes, words, tables), over: false }
    }
}

impl<R: BufRead> Read for Brotli<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let coded = self.coded.fill_buf()?;
            let (mut left, mut used) = (coded.len(), 0);
            let (mut room, mut written, mut total) = (buffer.len(), 0, 0);
            let ended = coded.is_empty();
            let result = BrotliDecompressStream(
                &mut left,
                &mut used,
                coded,
                &mut room,
                &mut written,
                buffer,
                &mut total,
                &mut self.state,
            );
            self.coded.consume(used);
            self.over = matches!(result, BrotliResult::ResultSuccess);
            match result {
                BrotliResult::ResultFailure => return Err(io::ErrorKind::InvalidData.into()),
                _ if written > 0 || self.over => return Ok(written),
                BrotliResult::NeedsMoreInput if ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write};
    use proptest::prelude::*;

    use super::*;

    const TEXT: &[u8] = b"It was the best of times, it was the worst of times, it was the age of wisdom.";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// What comes out, and how it failed.
    fn decode_with(coded: &[u8], codings: &[Coding], bounds: Bounds) -> (Vec<u8>, Option<Fault>) {
        let (mut content, _) = decoder(Box::new(coded), coded.len() as u64, codings, bounds).unwrap();
        let (mut out, mut piece) = (Vec::new(), [0; 777]);
        loop {
            match content.read(&mut piece) {
                Ok(0) => return (out, None),
                Ok(count) => out.extend_from_slice(&piece[..count]),
                Err(error) => return (out, Some(Fault::from(&error))),
            }
        }
    }

    fn decode(coded: &[u8], codings: &[Coding]) -> (Vec<u8>, Option<Fault>) {
        decode_with(coded, codings, Bounds::default())
    }

    fn fields(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_in_the_order_they_were_applied() {
        let all = fields(&[
            ("Content-Encoding", "deflate, identity,"),
            ("transfer-encoding", "X-Gzip, chunked"),
            ("content-encoding", "BR"),
        ]);
        assert_eq!(codings(&all), [Coding::Deflate, Coding::Brotli, Coding::Gzip]);
        assert_eq!(codings(&fields(&[("content-encoding", "aes128gcm")])), [Coding::Other("aes128gcm".to_owned())]);
    }

    #[test]
    fn each_coding_is_taken_off() {
        for (coded, coding) in [(gzip(TEXT), Coding::Gzip), (zlib(TEXT), Coding::Deflate), (raw(TEXT), Coding::Deflate)]
        {
            assert_eq!(decode(&coded, &[coding]), (TEXT.to_vec(), None));
        }
        // "hello world" by Node's zlib.brotliCompressSync.
        let hello = [0x0b, 0x05, 0x80, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77, 0x6f, 0x72, 0x6c, 0x64, 0x03];
        assert_eq!(decode(&hello, &[Coding::Brotli]), (b"hello world".to_vec(), None));
        assert_eq!(decode(&hello[..9], &[Coding::Brotli]).1, Some(Fault::Truncated));
        assert_eq!(decode(TEXT, &[]), (TEXT.to_vec(), None));
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn zstandard_is_taken_off_up_to_its_window() {
        let coded = zstd::encode_all(TEXT, 3).unwrap();
        assert_eq!(decode(&coded, &[Coding::Zstd]), (TEXT.to_vec(), None));
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(crate::limits::MAX_ZSTD_WINDOW_LOG + 1).unwrap();
        encoder.write_all(TEXT).unwrap();
        // Without its length in the header, the frame claims its window.
        let wide = encoder.finish().unwrap();
        assert_eq!(decode(&wide, &[Coding::Zstd]), (Vec::new(), Some(Fault::Corrupt)));
    }

    #[test]
    fn several_in_a_row() {
        let coded = gzip(&zlib(&gzip(TEXT)));
        assert_eq!(decode(&coded, &[Coding::Gzip, Coding::Deflate, Coding::Gzip]), (TEXT.to_vec(), None));
        let unknown = [Coding::Other("compress".to_owned()), Coding::Gzip];
        let (content, taken) = decoder(Box::new(&coded[..]), 1, &unknown, Bounds::default()).unwrap();
        drop(content);
        assert_eq!(taken, 1);
    }

    #[test]
    fn members_in_a_row_and_what_follows() {
        let mut coded = [gzip(&TEXT[..20]), gzip(&TEXT[20..])].concat();
        assert_eq!(decode(&coded, &[Coding::Gzip]), (TEXT.to_vec(), None));
        coded.extend_from_slice(b"\0\0junk");
        assert_eq!(decode(&coded, &[Coding::Gzip]), (TEXT.to_vec(), None));
    }

    #[test]
    fn faults_are_told_apart() {
        let coded = gzip(&TEXT.repeat(100));
        let (out, fault) = decode(&coded[..coded.len() - 20], &[Coding::Gzip]);
        assert_eq!(fault, Some(Fault::Truncated));
        assert!(TEXT.repeat(100).starts_with(&out));
        assert_eq!(decode(TEXT, &[Coding::Gzip]), (Vec::new(), Some(Fault::Corrupt)));
        assert_eq!(decode(&[0xff; 40], &[Coding::Brotli]).1, Some(Fault::Corrupt));
    }

    /// Each bound, and each layer of a bomb in a bomb.
    #[test]
    fn bombs_end() {
        let zeros = vec![0; 4 << 20];
        let bounds = Bounds { bytes: 1 << 21, ratio: 100, free: 1 << 16 };
        let bomb = gzip(&zeros);
        let (out, fault) = decode_with(&bomb, &[Coding::Gzip], bounds);
        assert_eq!(fault, Some(Fault::TooLong));
        let by_ratio = bomb.len() as u64 * 100;
        assert!(by_ratio < bounds.bytes && out.len() as u64 <= by_ratio && out.len() > 1 << 16, "{}", out.len());
        let (out, fault) = decode_with(&bomb, &[Coding::Gzip], Bounds { ratio: 100_000, ..bounds });
        assert_eq!(fault, Some(Fault::TooLong));
        assert!(out.len() <= 1 << 21 && out.len() > 1 << 20, "{}", out.len());
        // The outer layer alone is too long, though nothing of the inner one would come out.
        let nested = gzip(&[gzip(b""), zeros.clone()].concat());
        let layers = [Coding::Deflate, Coding::Gzip];
        assert!(decode_with(&nested, &layers, bounds).1.is_some());
        let bounds = Bounds { free: 8 << 20, bytes: 8 << 20, ..bounds };
        assert_eq!(decode_with(&bomb, &[Coding::Gzip], bounds), (zeros, None));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0usize..4) {
            let kinds = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
            let bounds = Bounds { bytes: 1 << 20, ratio: 1000, free: 1 << 20 };
            let (out, _) = decode_with(&bytes, &kinds[kind..=kind], bounds);
            prop_assert!(out.len() <= 1 << 20);
        }

        /// Decoders are others' work: streams that are nearly right reach further into them than any bytes do.
        #[test]
        fn damaged_streams(kind in 0usize..4, damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..8)) {
            const SEEDS: [(&[u8], Coding); 4] = [
                (include_bytes!("../../../../fuzz/corpus/http_coding/gzip"), Coding::Gzip),
                (include_bytes!("../../../../fuzz/corpus/http_coding/zlib"), Coding::Deflate),
                (include_bytes!("../../../../fuzz/corpus/http_coding/brotli"), Coding::Brotli),
                (include_bytes!("../../../../fuzz/corpus/http_coding/zstd"), Coding::Zstd),
            ];
            let (seed, coding) = &SEEDS[kind];
            let mut coded = seed[2..].to_vec();
            for (place, byte) in damage {
                let place = usize::from(place) % coded.len();
                coded[place] = byte;
            }
            let bounds = Bounds { bytes: 1 << 20, ratio: 1000, free: 1 << 16 };
            let (out, _) = decode_with(&coded, std::slice::from_ref(coding), bounds);
            prop_assert!(out.len() <= 1 << 20);
        }

        #[test]
        fn every_cut(cut in 0usize..60) {
            let coded = zlib(TEXT);
            let (out, fault) = decode(&coded[..cut.min(coded.len() - 1)], &[Coding::Deflate]);
            prop_assert!(fault.is_some() || out.len() < TEXT.len());
            prop_assert!(TEXT.starts_with(&out));
        }
    }
}
