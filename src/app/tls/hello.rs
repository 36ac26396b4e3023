//! From hellos as parsed to hellos as reported, fingerprints included.
use super::{
    extensions::{self, kind},
    fingerprint, parser,
};
use crate::record::{ClientHello, PacketRef, ServerHello, TlsTransport};

/// A ClientHello for the report, and what the handshake needs of it.
pub(super) struct ReadClientHello {
    pub(super) hello: ClientHello,
    pub(super) session_id: Vec<u8>,
    /// Whether a ticket that is not empty was offered (RFC 5077).
    pub(super) ticket: bool,
    pub(super) early_data: bool,
}

/// Reads a ClientHello. `record_version` is what stood in the record's header.
pub(super) fn read_client(
    parsed: &parser::ClientHello<'_>,
    transport: TlsTransport,
    record_version: Option<u16>,
    packet: PacketRef,
) -> ReadClientHello {
    let sslv2 = parsed.suite_size == 3;
    let mut hello = ClientHello {
        packet: packet.number,
        ts: packet.timestamp,
        record_version,
        legacy_version: parsed.legacy_version,
        cipher_suites: parsed.suites().collect(),
        // An SSLv2 frame's session id is not TLS's, and always empty in practice.
        session_id_length: u8::try_from(parsed.session_id.len()).unwrap_or(u8::MAX),
        extensions: Vec::with_capacity(24),
        ..ClientHello::default()
    };
    let (mut first_alpn, mut ticket, mut early_data) = (None, false, false);
    for (number, body) in parsed.extensions.iter() {
        hello.extensions.push(number);
        match number {
            kind::SERVER_NAME if hello.server_name.is_none() => {
                hello.server_name = extensions::server_name(body).map(text)
            }
            kind::ALPN if hello.alpn.is_empty() => {
                first_alpn = extensions::alpn(body).next();
                hello.alpn = extensions::alpn(body).map(text).collect();
            }
            kind::SUPPORTED_GROUPS => hello.groups = extensions::numbers(body).collect(),
            kind::EC_POINT_FORMATS => hello.point_formats = extensions::point_formats(body).to_vec(),
            kind::SIGNATURE_ALGORITHMS => hello.signature_algorithms = extensions::numbers(body).collect(),
            kind::SUPPORTED_VERSIONS => hello.supported_versions = extensions::client_versions(body).collect(),
            kind::SESSION_TICKET => ticket = !body.is_empty(),
            kind::EARLY_DATA => early_data = true,
            kind::ENCRYPTED_CLIENT_HELLO => hello.encrypted_client_hello = true,
            _ => {}
        }
    }
    if !sslv2 {
        hello.ja3_raw = fingerprint::ja3_raw(&hello);
        hello.ja3 = fingerprint::md5_hex(&hello.ja3_raw);
        (hello.ja4, hello.ja4_raw) = fingerprint::ja4(&hello, transport, first_alpn);
    }
    ReadClientHello { hello, session_id: parsed.session_id.to_vec(), ticket, early_data }
}

/// Reads a ServerHello or HelloRetryRequest.
pub(super) fn read_server(
    parsed: &parser::ServerHello<'_>,
    record_version: Option<u16>,
    packet: PacketRef,
) -> ServerHello {
    let find = |number| parsed.extensions.find(number);
    let mut hello = ServerHello {
        packet: packet.number,
        ts: packet.timestamp,
        record_version,
        legacy_version: parsed.legacy_version,
        supported_version: find(kind::SUPPORTED_VERSIONS).and_then(extensions::number),
        cipher_suite: parsed.cipher_suite,
        extensions: parsed.extensions.iter().map(|(number, _)| number).collect(),
        alpn: find(kind::ALPN).and_then(|body| extensions::alpn(body).next()).map(text),
        session_id: fingerprint::hex(parsed.session_id),
        hello_retry_request: parsed.is_hello_retry_request(),
        ..ServerHello::default()
    };
    hello.ja3s_raw = fingerprint::ja3s_raw(&hello);
    hello.ja3s = fingerprint::md5_hex(&hello.ja3s_raw);
    hello
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
