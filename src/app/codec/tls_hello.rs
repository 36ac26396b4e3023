//! What a carrier of TLS needs of the hellos that pass through it, to find and derive its own keys: not more than their
//! beginnings. QUIC needs the client random, and which cipher suite was chosen (RFC 9001, section 5).
use nom::{
    IResult, Parser,
    bytes::complete::take,
    combinator::verify,
    multi::length_data,
    number::complete::{be_u16, be_u24, u8},
};

/// Handshake types (RFC 9846, section 4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// The random of a ServerHello that is a HelloRetryRequest (RFC 9846, section 4.1.3).
const HELLO_RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Bytes of a ServerHello's beginning that [`server_hello`] reads at most.
pub const SERVER_HELLO_HEAD_BYTES: usize = 4 + 2 + 32 + 1 + 255 + 2;

/// Bytes of a ClientHello's beginning that [`client_hello`] reads.
pub const CLIENT_HELLO_HEAD_BYTES: usize = 4 + 2 + 32;

/// The beginning of a ServerHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello {
    /// Whether it is a HelloRetryRequest.
    pub is_hello_retry_request: bool,
    /// The chosen cipher suite.
    pub cipher_suite: u16,
}

/// The random of the ClientHello that `message` begins with: a handshake message, header and all, or its beginning.
#[must_use]
pub fn client_hello(message: &[u8]) -> Option<[u8; 32]> {
    let (_, random) = random(message, CLIENT_HELLO).ok()?;
    random.try_into().ok()
}

/// The same of a ServerHello.
#[must_use]
pub fn server_hello(message: &[u8]) -> Option<ServerHello> {
    let (rest, random) = random(message, SERVER_HELLO).ok()?;
    let (_, (_session_id, cipher_suite)) = (length_data(u8), be_u16::<_, nom::error::Error<_>>).parse(rest).ok()?;
    Some(ServerHello { is_hello_retry_request: random == HELLO_RETRY_RANDOM, cipher_suite })
}

/// The random in a hello of this type, with what is behind it.
fn random(message: &[u8], kind: u8) -> IResult<&[u8], &[u8]> {
    let (rest, _) = (verify(u8, |first| *first == kind), be_u24, be_u16).parse(message)?;
    take(32_usize).parse(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello(kind: u8, random: [u8; 32], rest: &[u8]) -> Vec<u8> {
        [&[kind, 0, 1, 0, 3, 3][..], &random, rest].concat()
    }

    #[test]
    fn beginnings_are_enough() {
        assert_eq!(client_hello(&hello(CLIENT_HELLO, [7; 32], &[])), Some([7; 32]));
        let chosen = |is_hello_retry_request, cipher_suite| Some(ServerHello { is_hello_retry_request, cipher_suite });
        assert_eq!(server_hello(&hello(SERVER_HELLO, [7; 32], &[1, 9, 0x13, 3])), chosen(false, 0x1303));
        assert_eq!(server_hello(&hello(SERVER_HELLO, HELLO_RETRY_RANDOM, &[0, 0x13, 1])), chosen(true, 0x1301));
    }

    #[test]
    fn others_and_cut_ones_are_not() {
        assert_eq!(client_hello(&hello(SERVER_HELLO, [7; 32], &[])), None);
        assert_eq!(server_hello(&hello(CLIENT_HELLO, [7; 32], &[0, 0x13, 1])), None);
        let whole = hello(SERVER_HELLO, [7; 32], &[1, 9, 0x13, 3]);
        for length in 0..whole.len() {
            assert_eq!(server_hello(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (client_hello(&bytes), server_hello(&bytes));
        }
    }
}
