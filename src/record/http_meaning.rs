//! What a transaction means beyond its bytes: what its header fields say, and how it belongs to others.
use schemars::JsonSchema;
use serde::Serialize;

use super::{Certainty, FlowId, HttpRequest, PacketNumber};

/// Meaning of an `http` record's transaction. What header fields say is known with it; links point to transactions that were
/// complete before it, as records leave in that order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct HttpMeaning {
    /// Whether the method is safe: asks for no change (RFC 9110 9.2.1); null when it is not registered there.
    pub method_safe: Option<bool>,
    /// Whether the method is idempotent: may be repeated (RFC 9110 9.2.2); null when it is not registered there.
    pub method_idempotent: Option<bool>,
    /// How long the server could not answer because an earlier response on the connection was not over, in nanoseconds
    /// (head-of-line blocking); HTTP/1 only, null where nothing was waited for.
    pub queued_ns: Option<i64>,
    /// Chunk extensions of either message (RFC 9112 7.1.1), each once, at most 16.
    pub chunk_extensions: Vec<String>,
    /// Where the response sends the client.
    pub redirect: Option<HttpRedirect>,
    /// The redirect that this request follows.
    pub redirected_from: Option<HttpLink>,
    /// The request that failed before and is repeated here: same client, method and target, and an idempotent method.
    pub retry_of: Option<HttpLink>,
    /// The request of an upgrade to `h2c` that stream 1 answers (RFC 7540 3.2): `request` is a copy of it.
    pub upgraded_from: Option<HttpLink>,
    /// What passed says of caches; null when it says nothing.
    pub cache: Option<HttpCache>,
    /// Cookies that the request sends back.
    pub cookies_sent: Vec<HttpCookie>,
    /// Cookies that the response sets.
    pub cookies_set: Vec<HttpSetCookie>,
    /// Proxies and gateways on the way, as fields and the form of the target tell; null when nothing tells of one.
    pub proxy: Option<HttpProxy>,
    /// The requests by which the server of this one, a proxy or balancer, got its answer.
    pub forwarded_as: Vec<HttpLink>,
    /// The request for whose answer a proxy or balancer sent this one.
    pub forwarded_from: Option<HttpLink>,
}

/// Another transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpLink {
    /// Its flow.
    pub flow: FlowId,
    /// The packet that completed its request's header.
    pub packet: PacketNumber,
    /// `observed` when an identifier that both carry says so, `implied` when addresses, target and times agree, `assumed`
    /// when target and times do.
    pub certainty: Certainty,
    /// What says so, such as `traceparent` or `location`.
    pub by: &'static str,
}

/// A redirect (RFC 9110 15.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpRedirect {
    /// Location as sent.
    pub location: String,
    /// The URL it means, resolved against that of the request; null when the request was not seen.
    pub url: Option<String>,
    /// Whether later requests should go there at once (301, 308).
    pub permanent: bool,
}

/// What requests and responses say of caches (RFC 9111).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpCache {
    /// What came of it: `revalidated` (304 to a condition), `hit` or `miss` (a cache on the way says so, or Age does); null when
    /// nothing tells.
    pub outcome: Option<&'static str>,
    /// The field that tells.
    pub outcome_by: Option<&'static str>,
    /// Conditions of the request by name, such as `If-None-Match`.
    pub conditions: Vec<&'static str>,
    /// Cache-Control of the request.
    pub request_control: Option<String>,
    /// Cache-Control of the response.
    pub control: Option<String>,
    /// ETag.
    pub etag: Option<String>,
    /// Last-Modified.
    pub last_modified: Option<String>,
    /// Expires.
    pub expires: Option<String>,
    /// Age, in seconds: how long a cache has had it.
    pub age_seconds: Option<u64>,
    /// Vary.
    pub vary: Option<String>,
}

/// A cookie that a request sends back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpCookie {
    /// Name.
    pub name: String,
    /// The beginning of its value's SHA-256; the value itself with `--show-secrets`.
    pub value: String,
    /// The transaction that set it to this value, where it was seen.
    pub set_by: Option<HttpLink>,
}

/// A cookie that a response sets (RFC 6265 4.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpSetCookie {
    /// Name.
    pub name: String,
    /// The beginning of its value's SHA-256; the value itself with `--show-secrets`.
    pub value: String,
    /// Whether it lasts as long as the browser's session: neither Expires nor Max-Age is given.
    pub session: bool,
    /// Expires.
    pub expires: Option<String>,
    /// Max-Age, in seconds; 0 or less removes it.
    pub max_age_seconds: Option<i64>,
    /// Domain.
    pub domain: Option<String>,
    /// Path.
    pub path: Option<String>,
    /// Secure: over TLS only.
    pub secure: bool,
    /// HttpOnly: not for scripts.
    pub http_only: bool,
    /// SameSite.
    pub same_site: Option<String>,
}

/// Proxies and gateways.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HttpProxy {
    /// What the server is: `forward` (asked with a whole URL), `tunnel` (asked with CONNECT), `gateway` (its response names
    /// a proxy, or says that the server behind it failed); null when nothing tells.
    pub server: Option<&'static str>,
    /// Whether the client is a proxy itself: the request names one, or for whom it is.
    pub client_is_proxy: bool,
    /// Via of the request: the proxies that it came through, first to last.
    pub via: Vec<String>,
    /// Via of the response.
    pub response_via: Vec<String>,
    /// Whom the request is for, nearest the user first: X-Forwarded-For, Forwarded, X-Real-IP.
    pub forwarded_for: Vec<String>,
    /// Host that the user asked for (Forwarded, X-Forwarded-Host).
    pub forwarded_host: Option<String>,
    /// Scheme that the user asked with (Forwarded, X-Forwarded-Proto).
    pub forwarded_proto: Option<String>,
}

impl HttpRequest {
    /// The URL asked for (RFC 9110 7.1), without fragment; none where a part of it is not known.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        let target = self.target.as_deref()?;
        if is_absolute_url(target) {
            return Some(normal_url(target));
        }
        let scheme = self.scheme.as_deref().unwrap_or("http");
        let authority = self.authority.as_deref()?;
        target.starts_with('/').then(|| normal_url(&format!("{scheme}://{authority}{target}")))
    }
}

/// Whether a target or reference begins with a scheme and an authority.
#[must_use]
pub fn is_absolute_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// A URL with scheme and authority in lower case, the scheme's own port and the fragment left out, and a path at least.
#[must_use]
pub fn normal_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(usual).unwrap_or(&authority);
    let path = path.split('#').next().unwrap_or_default();
    let root = if path.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{authority}{root}{path}")
}
