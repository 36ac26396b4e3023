//! CompressedCertificate (RFC 8879): a Certificate message of TLS 1.3 in a compressed form, unpacked within bounds.
use std::io::Read;

use nom::{
    IResult, Parser,
    multi::length_data,
    number::complete::{be_u16, be_u24},
};

use crate::limits;

/// Bytes of brotli's input read at once; messages are a few thousand.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// Why a message was not unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It says that it unpacks to more than [`limits::MAX_UNPACKED_CERTIFICATE_BYTES`], or does so without saying.
    TooLong,
    /// It does not unpack, or not to the length that it says.
    Damaged,
    /// The algorithm (TLS Certificate Compression Algorithm IDs registry) is not known here.
    Unknown(u16),
}

impl Refusal {
    /// In a sentence.
    pub(super) fn words(&self) -> String {
        match self {
            Self::TooLong => format!(
                "It unpacks to more than {} bytes, and no real chain of certificates is that long: this is how a \
                 decompression bomb looks.",
                limits::MAX_UNPACKED_CERTIFICATE_BYTES
            ),
            Self::Damaged => {
                "It does not unpack, or not to the length that it says; the receiver must break off (bad_certificate)."
                    .into()
            }
            Self::Unknown(algorithm) => format!("The algorithm, {algorithm}, is not known here."),
        }
    }
}

/// Unpacks a CompressedCertificate's body; what comes out is a Certificate's.
pub(super) fn unpack(body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let read: IResult<&[u8], (u16, u32, &[u8])> = (be_u16, be_u24, length_data(be_u24)).parse(body);
    let Ok((_, (algorithm, length, packed))) = read else { return Err(Refusal::Damaged) };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > limits::MAX_UNPACKED_CERTIFICATE_BYTES {
        return Err(Refusal::TooLong);
    }
    let unpacked = match algorithm {
        1 => stream(flate2::read::ZlibDecoder::new(packed), length)?,
        2 => stream(brotli_decompressor::Decompressor::new(packed, BROTLI_BUFFER_BYTES), length)?,
        3 => zstandard(packed, length)?,
        other => return Err(Refusal::Unknown(other)),
    };
    if unpacked.len() == length { Ok(unpacked) } else { Err(Refusal::Damaged) }
}

/// All that comes out, but not more than one byte beyond what was announced.
fn stream(unpacking: impl Read, length: usize) -> Result<Vec<u8>, Refusal> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
    unpacking.take(most).read_to_end(&mut unpacked).map_err(|_| Refusal::Damaged)?;
    Ok(unpacked)
}

/// In one step, into a buffer of the announced length: so that the window, which a frame may claim to be of any size, needs
/// no memory.
#[cfg(feature = "zstd")]
fn zstandard(packed: &[u8], length: usize) -> Result<Vec<u8>, Refusal> {
    zstd::bulk::decompress(packed, length).map_err(|_| Refusal::Damaged)
}

#[cfg(not(feature = "zstd"))]
fn zstandard(_: &[u8], _: usize) -> Result<Vec<u8>, Refusal> {
    Err(Refusal::Unknown(3))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn message(algorithm: u16, length: usize, packed: &[u8]) -> Vec<u8> {
        let u24 = |length: usize| (length as u32).to_be_bytes()[1..].to_vec();
        [&algorithm.to_be_bytes()[..], &u24(length), &u24(packed.len()), packed].concat()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut packing = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packing.write_all(bytes).unwrap();
        packing.finish().unwrap()
    }

    /// A brotli stream of one uncompressed meta-block (RFC 7932 9.2), and the empty last one.
    fn brotli(bytes: &[u8]) -> Vec<u8> {
        // WBITS 16 (0), ISLAST 0, MNIBBLES 4 (00), MLEN - 1, ISUNCOMPRESSED 1, from the lowest bit on.
        let header = (bytes.len() as u32 - 1) << 4 | 1 << 20;
        [&header.to_le_bytes()[..3], bytes, &[3]].concat()
    }

    #[test]
    fn all_three_algorithms() {
        let bytes: Vec<u8> = b"a certificate ".repeat(100);
        assert_eq!(unpack(&message(1, bytes.len(), &zlib(&bytes))), Ok(bytes.clone()));
        assert_eq!(unpack(&message(2, bytes.len(), &brotli(&bytes))), Ok(bytes.clone()));
        #[cfg(feature = "zstd")]
        assert_eq!(unpack(&message(3, bytes.len(), &zstd::bulk::compress(&bytes, 3).unwrap())), Ok(bytes));
        assert_eq!(unpack(&message(4, 3, b"abc")), Err(Refusal::Unknown(4)));
    }

    #[test]
    fn bombs_and_lies_are_refused() {
        let bytes = vec![0; 1 << 22];
        let packed = zlib(&bytes);
        assert!(packed.len() < 8192);
        assert_eq!(unpack(&message(1, bytes.len(), &packed)), Err(Refusal::TooLong));
        // It says that it is short.
        assert_eq!(unpack(&message(1, 1000, &packed)), Err(Refusal::Damaged));
        assert_eq!(unpack(&message(1, 20, &zlib(b"shorter"))), Err(Refusal::Damaged));
        #[cfg(feature = "zstd")]
        assert_eq!(unpack(&message(3, 1000, &zstd::bulk::compress(&bytes, 3).unwrap())), Err(Refusal::Damaged));
        assert_eq!(unpack(&message(2, 20, &brotli(b"shorter"))), Err(Refusal::Damaged));
        assert_eq!(unpack(&[0, 1, 0]), Err(Refusal::Damaged));
    }

    proptest! {
        #[test]
        fn any_bytes(algorithm in 0_u16..5, length in 0_usize..2000, packed in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(unpacked) = unpack(&message(algorithm, length, &packed)) {
                prop_assert_eq!(unpacked.len(), length);
            }
        }
    }
}
