//! `tls`: one handshake. `tls_record`: one record, on request. Certificates are `certificate`'s.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Certainty, Endpoint, LeafMarks, OcspStaple, PacketNumber, Side, Subject, Timestamp, Verification};

/// What carries the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum TlsTransport {
    Tcp,
    Quic,
    Dtls,
}

/// One TLS handshake.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Tls {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// Sender of the ClientHello.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// What carries it.
    pub transport: TlsTransport,
    /// Negotiated version, such as `TLS 1.3`; null before a ServerHello.
    pub version: Option<String>,
    /// server_name of the first ClientHello (RFC 6066).
    pub server_name: Option<String>,
    /// Negotiated application protocol, where it can be seen (RFC 7301).
    pub alpn: Option<String>,
    /// ClientHellos, two after a HelloRetryRequest.
    pub client_hellos: Vec<ClientHello>,
    /// ServerHellos, a HelloRetryRequest among them.
    pub server_hellos: Vec<ServerHello>,
    /// The chosen cipher suite, explained.
    pub cipher_suite: Option<CipherSuite>,
    /// The group of the key exchange, by IANA's name.
    pub group: Option<String>,
    /// Whether, and how, an earlier session was resumed.
    pub resumption: Option<Resumption>,
    /// Whether the client offered early data.
    pub early_data: bool,
    /// Whether the server asked for the client's certificate; null when that part is encrypted.
    pub client_certificate_requested: Option<bool>,
    /// The handshake's messages in order.
    pub phases: Vec<Phase>,
    /// From the first ClientHello to the later Finished of both sides, after which both may send and believe: the
    /// client's in TLS 1.3, the server's in a full handshake before it. In nanoseconds.
    pub handshake_ns: Option<i64>,
    /// Alerts that could be read: all, where the session was decrypted.
    pub alerts: Vec<Alert>,
    /// How it went.
    pub outcome: TlsOutcome,
    /// Why it failed, when it did.
    pub failure: Option<TlsFailure>,
    /// SHA-256 of the certificates shown by the server, leaf first.
    pub certificates: Vec<String>,
    /// Verdict on the server's certificates; null while none was judged.
    pub verification: Option<Verification>,
    /// SHA-256 of the certificates shown by the client (mutual TLS), leaf first.
    pub client_certificates: Vec<String>,
    /// Verdict on the client's certificates, as `verification` is on the server's: what a server with the given
    /// authorities would make of them. Clients' authorities are mostly private, so `unknown_ca` is common and says little.
    pub client_verification: Option<Verification>,
    /// What the OCSP response that the server stapled says (RFC 6066 8); null when there was none to be seen.
    pub ocsp_staple: Option<OcspStaple>,
    /// Whether records of the handshake, or behind it, were decrypted with keys that were given.
    pub decrypted: bool,
    /// What the server's own certificate shows when many are compared; not part of reports.
    #[serde(skip)]
    pub marks: Option<Box<LeafMarks>>,
}

/// A ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ClientHello {
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Version in the record header; 0x0002 in an SSLv2 frame; null in QUIC.
    pub record_version: Option<u16>,
    /// Version in the message (RFC 9846 4.1.2).
    pub legacy_version: u16,
    /// server_name.
    pub server_name: Option<String>,
    /// Protocols offered.
    pub alpn: Vec<String>,
    /// Suites in wire order, GREASE kept. Three-byte numbers in an SSLv2 hello.
    pub cipher_suites: Vec<u32>,
    /// Extension types in wire order, GREASE kept.
    pub extensions: Vec<u16>,
    /// supported_versions in wire order.
    pub supported_versions: Vec<u16>,
    /// supported_groups in wire order.
    pub groups: Vec<u16>,
    /// ec_point_formats in wire order.
    pub point_formats: Vec<u8>,
    /// signature_algorithms in wire order.
    pub signature_algorithms: Vec<u16>,
    /// Length of legacy_session_id in bytes.
    pub session_id_length: u8,
    /// Whether an encrypted ClientHello is inside (RFC 9849).
    pub encrypted_client_hello: bool,
    /// JA3 fingerprint, MD5 in hex.
    pub ja3: String,
    /// What JA3 hashes.
    pub ja3_raw: String,
    /// JA4 fingerprint.
    pub ja4: String,
    /// JA4 with the lists in place of hashes.
    pub ja4_raw: String,
}

/// A ServerHello or HelloRetryRequest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct ServerHello {
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Version in the record header; null in QUIC.
    pub record_version: Option<u16>,
    /// Version in the message.
    pub legacy_version: u16,
    /// The supported_versions extension's value.
    pub supported_version: Option<u16>,
    /// The chosen suite's number.
    pub cipher_suite: u32,
    /// Extension types in wire order.
    pub extensions: Vec<u16>,
    /// The chosen application protocol, where it is in this message.
    pub alpn: Option<String>,
    /// legacy_session_id_echo or session_id, in hex.
    pub session_id: String,
    /// Whether it is a HelloRetryRequest (RFC 9846 4.1.4).
    pub hello_retry_request: bool,
    /// JA3S fingerprint, MD5 in hex.
    pub ja3s: String,
    /// What JA3S hashes.
    pub ja3s_raw: String,
}

/// A cipher suite, explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CipherSuite {
    /// IANA's number.
    pub id: u32,
    /// IANA's name.
    pub name: String,
    /// How the key is agreed: `RSA`, `DHE`, `ECDHE`, `PSK`, `any` in TLS 1.3.
    pub key_exchange: String,
    /// How the server proves itself: `RSA`, `ECDSA`, `DSS`, `PSK`, `anonymous`, `any` in TLS 1.3.
    pub authentication: String,
    /// Record protection, such as `AES-128-GCM`.
    pub encryption: String,
    /// Hash of the PRF or HKDF, else of the MAC.
    pub hash: String,
    /// Whether keys found later cannot open this session.
    pub forward_secrecy: Option<bool>,
}

/// How a session was resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resumption {
    /// A full handshake.
    None,
    /// By session id (RFC 5246).
    SessionId,
    /// By ticket (RFC 5077).
    Ticket,
    /// By pre-shared key (RFC 9846).
    Psk,
}

/// One step of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Phase {
    /// The message's name in snake case.
    pub name: &'static str,
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// Since the phase before, in nanoseconds.
    pub since_previous_ns: Option<i64>,
    /// Whose time most of that was; null in the same packet, or when TCP measured no round trip.
    pub waiting_for: Option<WaitingFor>,
    /// The part of that time which the way to the sender and back does not explain, in nanoseconds: its own time.
    pub thinking_ns: Option<i64>,
    /// How sure this is: encrypted messages are implied, unless they were decrypted.
    pub certainty: Certainty,
}

/// Whose time passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum WaitingFor {
    Client,
    Server,
    Network,
}

/// An alert (RFC 9846 section 6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alert {
    /// The packet.
    pub packet: PacketNumber,
    /// Who sent it.
    pub side: Side,
    /// `warning` or `fatal`.
    pub level: String,
    /// IANA's name, such as `unknown_ca`.
    pub description: String,
}

/// How a handshake went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsOutcome {
    /// Both sides went on to protected application data.
    Established,
    /// It was refused or broken off.
    Failed,
    /// The capture does not show the end.
    Incomplete,
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TlsFailure {
    /// How it ended: IANA's name of the fatal alert; else `encrypted_alert` (known by its size and place), `closed` (FIN),
    /// `reset` (RST), `silence`, or `not_tls`.
    pub code: String,
    /// Who gave up, or kept silent.
    pub side: Option<Side>,
    /// What happened and why, in sentences.
    pub explanation: String,
    /// Why, as far as what both sides sent proves or suggests it.
    pub cause: Option<TlsFailureCause>,
    /// The last message that was seen before.
    pub after: Option<&'static str>,
}

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TlsFailureCause {
    /// No protocol version in common.
    NoCommonVersion,
    /// No cipher suite in common.
    NoCommonCipherSuite,
    /// No group in common.
    NoCommonGroup,
    /// No signature algorithm in common, or no certificate for one.
    NoCommonSignatureAlgorithm,
    /// One of the three above, or the name; which one is not to be seen.
    NoCommonParameters,
    /// No application protocol in common (ALPN).
    NoCommonApplicationProtocol,
    /// The server does not serve the name that was asked for.
    UnknownServerName,
    /// The server chose what the client had not offered.
    NotOffered,
    /// Diffie-Hellman with too short a prime.
    WeakKeyExchange,
    /// The client said that it does not accept the server's certificate.
    CertificateRefused,
    /// The client broke off right after the server's certificate.
    CertificateProbablyRefused,
    /// The server asked for a certificate and got none.
    ClientCertificateMissing,
    /// The server said that it does not accept the client's certificate.
    ClientCertificateRefused,
    /// The server broke off right after the client's flight: its certificate is missing or not accepted.
    ClientCertificateProbablyRefused,
    /// The server supports a newer version than this fallback (RFC 7507).
    FallbackRefused,
    /// A signature, a key or a record does not fit.
    KeysDisagree,
    /// The pre-shared key is not known.
    UnknownPsk,
    /// An extension is missing, or was not asked for.
    Extensions,
    /// A message that does not follow the protocol, or not at that point.
    ProtocolError,
    /// The other side does not speak TLS.
    NotTls,
    /// The user or application cancelled.
    Cancelled,
    /// A side failed for a reason of its own.
    InternalError,
    /// Closed or reset right after ClientHello, without an alert.
    BrokenOffAfterHello,
    /// Closed or reset later, without an alert.
    BrokenOff,
    /// No answer, and no end.
    Silence,
}

/// One TLS record as it passed.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TlsRecord {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The flow's client.
    pub client: Endpoint,
    /// The flow's server.
    pub server: Endpoint,
    /// What carried it.
    pub transport: TlsTransport,
    /// The packet that completed it.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// ContentType on the wire, of what is inside where the record was decrypted; null in an SSLv2 frame, and
    /// where DTLS 1.3 hides it.
    pub content_type: Option<u8>,
    /// Version on the wire.
    pub version: u16,
    /// Length of the fragment in bytes.
    pub length: u16,
    /// Handshake messages that end in this record, those that were decrypted too.
    pub handshake_types: Vec<u8>,
    /// The alert, when it is readable.
    pub alert: Option<RecordAlert>,
    /// Whether the content is encrypted: that of application data always, else where it could not be decrypted.
    pub encrypted: bool,
}

/// An alert's two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecordAlert {
    /// AlertLevel: 1 warning, 2 fatal.
    pub level: u8,
    /// AlertDescription's number.
    pub description: u8,
}
