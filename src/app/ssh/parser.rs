//! The messages of RFC 4253 that travel in the clear. Pure.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::{complete::be_u32, streaming},
};

/// Numbers of messages (RFC 4250 4.1.2).
pub mod message {
    pub const DISCONNECT: u8 = 1;
    pub const KEXINIT: u8 = 20;
    pub const NEWKEYS: u8 = 21;
}

/// What an end says of itself (RFC 4253 4.2): `SSH-protoversion-softwareversion SP comments`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identification<'a> {
    /// Version of the protocol: `2.0`; `1.99` for a server that does both.
    pub version: &'a [u8],
    /// Software and its version, and the comments.
    pub software: &'a [u8],
}

/// Reads a line without its end; none for lines that servers may send before it.
pub fn identification(line: &[u8]) -> Option<Identification<'_>> {
    let rest = line.strip_prefix(b"SSH-")?;
    let dash = rest.iter().position(|byte| *byte == b'-')?;
    let (version, software) = rest.split_at_checked(dash)?;
    let is_version = !version.is_empty() && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    is_version.then(|| Identification { version, software: software.get(1..).unwrap_or_default() })
}

/// Whether what this end speaks is version 1, whose packets are different ones.
pub fn is_version_1(version: &[u8]) -> bool {
    version.starts_with(b"1.") && version != b"1.99"
}

/// A binary packet in the clear (RFC 4253 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The length it begins with.
    pub length: u32,
    /// Bytes of padding.
    pub padding: u8,
    /// Number of the message.
    pub message: u8,
    /// What follows the number.
    pub body: &'a [u8],
}

/// Longest packet in the clear that is read, in bytes; all ends must take 35000 (RFC 4253 6.1), and a list of algorithms
/// has 2000.
const MAX_PACKET_BYTES: u32 = 1 << 16;

/// Reads a packet.
///
/// # Errors
/// Incomplete where bytes are missing, an error where it is no packet.
pub fn packet(input: &[u8]) -> IResult<&[u8], Packet<'_>> {
    let error = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Verify));
    let (rest, length) = streaming::be_u32(input)?;
    // Padding has 4 bytes at least, and the length itself counts towards a multiple of 8.
    if !(6..=MAX_PACKET_BYTES).contains(&length) {
        return Err(error());
    }
    let (rest, whole) = nom::bytes::streaming::take(length).parse(rest)?;
    let [padding, payload @ ..] = whole else { return Err(error()) };
    let end = payload.len().checked_sub(usize::from(*padding)).ok_or_else(error)?;
    let Some([message, body @ ..]) = payload.get(..end) else { return Err(error()) };
    Ok((rest, Packet { length, padding: *padding, message: *message, body }))
}

/// The lists of SSH_MSG_KEXINIT in their order (RFC 4253 7.1), languages left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KexInit {
    /// `kex_algorithms`.
    pub key_exchange: String,
    /// `server_host_key_algorithms`.
    pub host_key: String,
    /// `encryption_algorithms`, of the client and of the server as sender.
    pub encryption: [String; 2],
    /// `mac_algorithms`, likewise.
    pub mac: [String; 2],
    /// `compression_algorithms`, likewise.
    pub compression: [String; 2],
}

/// Reads the body of SSH_MSG_KEXINIT, the message's number left out.
///
/// # Errors
/// Where it is cut.
pub fn kex_init(body: &[u8]) -> IResult<&[u8], KexInit> {
    let (rest, _cookie) = take(16_usize).parse(body)?;
    let (rest, key_exchange) = name_list(rest)?;
    let (rest, host_key) = name_list(rest)?;
    let (rest, encryption) = (name_list, name_list).parse(rest)?;
    let (rest, mac) = (name_list, name_list).parse(rest)?;
    let (rest, compression) = (name_list, name_list).parse(rest)?;
    Ok((
        rest,
        KexInit {
            key_exchange,
            host_key,
            encryption: encryption.into(),
            mac: mac.into(),
            compression: compression.into(),
        },
    ))
}

/// Names, joined by commas (RFC 4251 5).
fn name_list(input: &[u8]) -> IResult<&[u8], String> {
    let (rest, length) = be_u32(input)?;
    let (rest, names) = take(length).parse(rest)?;
    Ok((rest, String::from_utf8_lossy(names).into_owned()))
}

/// Reason and description of SSH_MSG_DISCONNECT (RFC 4253 11.1).
///
/// # Errors
/// Where it is cut.
pub fn disconnect(body: &[u8]) -> IResult<&[u8], (u32, &[u8])> {
    let (rest, reason) = be_u32(body)?;
    let (rest, length) = be_u32(rest)?;
    let (rest, description) = take(length).parse(rest)?;
    Ok((rest, (reason, description)))
}

/// IANA's name of a reason to disconnect (RFC 4250 4.2.2), in words.
pub fn reason(number: u32) -> Option<&'static str> {
    Some(match number {
        1 => "host not allowed to connect",
        2 => "protocol error",
        3 => "key exchange failed",
        5 => "MAC error",
        6 => "compression error",
        7 => "service not available",
        8 => "protocol version not supported",
        9 => "host key not verifiable",
        10 => "connection lost",
        11 => "by application",
        12 => "too many connections",
        13 => "authentication cancelled by user",
        14 => "no more authentication methods available",
        15 => "illegal user name",
        _ => return None,
    })
}

/// Wireshark's words for a message.
pub fn message_name(number: u8) -> &'static str {
    match number {
        1 => "Disconnect",
        2 => "Ignore",
        3 => "Unimplemented",
        4 => "Debug",
        5 => "Service Request",
        6 => "Service Accept",
        7 => "Extension Information",
        20 => "Key Exchange Init",
        21 => "New Keys",
        30..=49 => "Key Exchange",
        _ => "Unknown",
    }
}
