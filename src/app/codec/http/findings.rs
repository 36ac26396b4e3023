//! What in a transaction is worth attention whatever the version, with its proof.
use crate::record::{Context, Finding, Http, HttpResponse, Severity, Subject};

/// From when on a first byte is called slow: one second, in nanoseconds.
const SLOW_NS: i64 = 1_000_000_000;

/// `GET /path` for titles; the target is cut where it is long.
pub fn what(http: &Http) -> String {
    let Some(request) = &http.request else { return "a request that was not seen".to_owned() };
    let method = request.method.as_deref().unwrap_or("a request");
    let Some(target) = request.target.as_deref() else { return format!("{method} of an unknown target") };
    let cut = target.char_indices().nth(120);
    match cut.and_then(|(end, _)| target.get(..end)) {
        Some(start) => format!("{method} {start}..."),
        None => format!("{method} {target}"),
    }
}

/// A finding about a transaction, without explanation and reference.
pub fn finding(http: &Http, severity: Severity, code: &'static str, title: String) -> Finding {
    Finding {
        subject: http.subject.clone(),
        client: Some(http.client),
        server: Some(http.server),
        severity,
        code,
        title,
        explanation: String::new(),
        reference: None,
    }
}

/// One about a connection, resting on the packet at hand.
pub fn of_connection(severity: Severity, code: &'static str, title: String, context: &Context<'_>) -> Finding {
    Finding {
        subject: Subject::new(context.flow.id, [context.packet.number].into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation: String::new(),
        reference: None,
    }
}

/// A status that says that something failed.
pub fn status(http: &Http, response: &HttpResponse) -> Option<Finding> {
    let status = response.status?;
    let (code, severity) = match status {
        400..=499 => ("http.client-error", Severity::Note),
        502..=504 => ("http.server-error", Severity::Error),
        500..=599 => ("http.server-error", Severity::Warning),
        _ => return None,
    };
    let reason = response.reason.as_deref().unwrap_or_default();
    let title = format!("{} answered {status} {reason}", what(http)).trim_end().to_owned();
    Some(Finding {
        explanation: meaning(status).to_owned(),
        reference: Some(if status < 500 { "RFC 9110 15.5" } else { "RFC 9110 15.6" }),
        ..finding(http, severity, code, title)
    })
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "The server could not understand the request: compare its syntax and framing with RFC 9112.",
        401 => "Authentication is required, or the credentials sent were refused.",
        403 => "The server understood the request and refuses it: authentication will not help.",
        404 => "The server has nothing under this target.",
        405 => "The target exists but not with this method; the Allow field lists those that work.",
        407 => "The proxy requires authentication.",
        408 => "The server gave up waiting for the request to arrive whole.",
        411 => "The server wants a Content-Length.",
        413 => "The request's content is larger than the server takes; it may close without reading the rest.",
        414 => "The target is longer than the server takes.",
        421 => {
            "The request reached a server that does not answer for this host: often connection reuse for another name."
        }
        429 => "The client sent too many requests; Retry-After may say how long to wait.",
        431 => "The header fields are larger than the server takes; often too many cookies.",
        _ if status < 500 => "The server says that the request is at fault.",
        501 => "The server does not know the method.",
        502 => {
            "A gateway or proxy got no valid answer from the server behind it: that server refused, reset or closed the \
                connection. Look behind the gateway, not at it."
        }
        503 => {
            "The server, or every server behind a balancer, is overloaded or taken out of service. Retry-After may \
                say for how long."
        }
        504 => {
            "A gateway or proxy waited in vain for the server behind it: that server is slow or unreachable. Compare \
                the time to first byte with the gateway's timeout."
        }
        505 => "The server does not speak this version of HTTP.",
        _ => "The server failed although the request may be fine; its log knows why.",
    }
}

/// A first byte that took long.
pub fn slow(http: &Http) -> Option<Finding> {
    let ttfb = http.ttfb_ns.filter(|&ttfb| ttfb > SLOW_NS)?;
    let (seconds, hundredths) = (ttfb.div_euclid(1_000_000_000), ttfb.rem_euclid(1_000_000_000).div_euclid(10_000_000));
    let mut explanation =
        "The request had arrived whole and the server took this long to begin its answer, network included.".to_owned();
    if http.pipelined {
        explanation.push_str(" Part of it is waiting for the response before it on the same connection.");
    }
    let title = format!("{} waited {seconds}.{hundredths:02} s for the first byte", what(http));
    Some(Finding { explanation, ..finding(http, Severity::Note, "http.slow", title) })
}
