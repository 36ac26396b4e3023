//! `http`: one request with its response.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, FlowId, HttpMeaning, PacketNumber, Side, Subject, Timestamp};

/// One HTTP transaction (RFC 9110).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Http {
    /// Flow and evidence.
    #[serde(flatten)]
    pub subject: Subject,
    /// The end that requests.
    pub client: Endpoint,
    /// The end that responds.
    pub server: Endpoint,
    /// `1.0`, `1.1`, `2` or `3`.
    pub version: String,
    /// Stream in HTTP/2 and 3.
    pub stream_id: Option<u64>,
    /// What HTTP runs over.
    pub over: HttpOver,
    /// The request; null when it was not seen.
    pub request: Option<HttpRequest>,
    /// The final response; null when it was not seen.
    pub response: Option<HttpResponse>,
    /// 1xx responses before it.
    pub informational: Vec<HttpResponse>,
    /// From the end of the request to the first byte of the response, in nanoseconds.
    pub ttfb_ns: Option<i64>,
    /// From the first to the last byte of the response, in nanoseconds.
    pub download_ns: Option<i64>,
    /// Whether the request was sent before the response to the one before it had ended. Never in HTTP/2 and 3, whose
    /// streams do not wait for each other.
    pub pipelined: bool,
    /// The stream on which the server promised this one (PUSH_PROMISE), in HTTP/2.
    pub promised_on: Option<u64>,
    /// How the stream was cut off (RST_STREAM), in HTTP/2.
    pub reset: Option<HttpReset>,
    /// `grpc-status`, where gRPC runs over it.
    pub grpc_status: Option<u32>,
    /// What it means.
    #[serde(flatten)]
    pub meaning: HttpMeaning,
    /// Number of the transaction in its connection, in HTTP/1: content is joined to it by this. Not reported.
    #[serde(skip)]
    pub serial: u64,
}

/// What HTTP runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum HttpOver {
    Tcp,
    Tls,
    Quic,
    /// One stream of an SCTP association (RFC 9260), its messages behind each other.
    Sctp,
}

/// A stream's end by RST_STREAM (RFC 9113 6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpReset {
    /// The packet.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Who sent it.
    pub side: Side,
    /// Error code.
    pub code: u32,
    /// Its name in RFC 9113 7, such as `CANCEL`.
    pub name: Option<&'static str>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HttpRequest {
    /// The packet that completed its header.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Version as sent.
    pub version: String,
    /// Method; null when only missed packets held it, as HTTP/2 refers to earlier headers.
    pub method: Option<String>,
    /// Request-target as sent, `:path` in HTTP/2; null when only missed packets held it.
    pub target: Option<String>,
    /// `http` or `https`, where it is known.
    pub scheme: Option<String>,
    /// Host header or `:authority`.
    pub authority: Option<String>,
    /// User-Agent.
    pub user_agent: Option<String>,
    /// Header fields in order; secrets only hashed.
    pub headers: Vec<(String, String)>,
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Length as sent.
    pub content_length: Option<String>,
    /// Bytes of content that passed, framing left out.
    pub body_bytes: u64,
    /// Trailer fields in order; secrets only hashed.
    pub trailers: Vec<(String, String)>,
    /// The file its content was written to (`--export-objects`); null without that option, and where it had no content.
    pub object: Option<HttpObject>,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HttpResponse {
    /// The packet that completed its header.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Version as sent.
    pub version: String,
    /// Status code; null when only missed packets held it.
    pub status: Option<u16>,
    /// Reason phrase.
    pub reason: Option<String>,
    /// Content-Type.
    pub content_type: Option<String>,
    /// Content-Length as sent.
    pub content_length: Option<String>,
    /// Header fields in order; secrets only hashed.
    pub headers: Vec<(String, String)>,
    /// Bytes of content that passed, framing left out.
    pub body_bytes: u64,
    /// Trailer fields in order; secrets only hashed.
    pub trailers: Vec<(String, String)>,
    /// The file its content was written to (`--export-objects`); null without that option, and where it had no content.
    pub object: Option<HttpObject>,
}

/// Content of a message as `--export-objects` wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpObject {
    /// Name of the file in the directory; null when it was not written, as `note` says.
    pub file: Option<String>,
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes of content that passed before decoding.
    pub encoded_bytes: u64,
    /// Codings that were taken off, in the order in which they had been applied (Content-Encoding, then Transfer-Encoding
    /// without `chunked`): `gzip`, `deflate`, `br`, `zstd`.
    pub coding: Vec<String>,
    /// Whether all of it is in the file. What is not ends in `.partial`.
    pub complete: bool,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Why it is not complete, not decoded or not written.
    pub note: Option<String>,
}

/// A piece of a message's content on its way to a file. Never reported itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpContent {
    /// The flow.
    pub flow: FlowId,
    /// Stream in HTTP/2, [`Http::serial`] in HTTP/1.
    pub stream: u64,
    /// The packet that completed the message's header.
    pub message: PacketNumber,
    /// What of it.
    pub piece: HttpPiece,
}

/// What a piece of content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpPiece {
    /// Bytes in order, transfer framing taken off.
    Bytes(Vec<u8>),
    /// Here some are not in the capture.
    Missing,
    /// The content ended as its framing says.
    End,
}
