//! `http`: one request with its response.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Endpoint, PacketNumber, Subject, Timestamp};

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
    /// Whether the request was sent before the response to the one before it had ended.
    pub pipelined: bool,
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

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HttpRequest {
    /// The packet that completed its header.
    pub packet: PacketNumber,
    /// When.
    pub ts: Timestamp,
    /// Version as sent.
    pub version: String,
    /// Method.
    pub method: String,
    /// Request-target as sent.
    pub target: String,
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
    /// Status code.
    pub status: u16,
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
}
