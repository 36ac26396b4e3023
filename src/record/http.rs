//! `http`: one request with its response.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Side, Subject, Timestamp};

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
}

/// What HTTP runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum HttpOver {
    Tcp,
    Tls,
    Quic,
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
}
