//! What in an HTTP/1 exchange is worth attention, with its proof.
use super::exchange::{Exchange, Unanswered};
use crate::record::{Context, Evidence, Finding, HttpOver, HttpResponse, PacketNumber, Severity, Subject};

/// From when on a first byte is called slow: one second, in nanoseconds.
const SLOW_NS: i64 = 1_000_000_000;

/// Which message of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Request,
    Response,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// All findings of one exchange, its subject filled in.
pub fn of(exchange: &Exchange) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(response) = &exchange.http.response {
        status(exchange, response, &mut found);
        cut(exchange, response, &mut found);
    }
    slow(exchange, &mut found);
    unanswered(exchange, &mut found);
    framing(exchange, &mut found);
    credentials(exchange, &mut found);
    found
}

/// A limit of this program was reached.
pub fn limit(what: &str, context: &Context<'_>) -> Finding {
    Finding {
        subject: Subject::new(context.flow.id, [context.packet.number].into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity: Severity::Note,
        code: "http.limit",
        title: format!("HTTP: {what}"),
        explanation: "A limit that bounds memory was reached on this connection; its HTTP records may be incomplete."
            .to_owned(),
        reference: None,
    }
}

/// Whether the first bytes of an answer say that the server wanted TLS: a TLS alert, or the page that servers send then.
pub fn expects_tls(answer: &[u8]) -> bool {
    const PAGES: [&[u8]; 3] = [
        b"plain HTTP request was sent to HTTPS port",
        b"speaking plain HTTP to an SSL",
        b"HTTP request to an HTTPS server",
    ];
    match answer {
        [21, 3, 0..=4, 0, 2, 1 | 2, _, ..] => true,
        [b'H', b'T', b'T', b'P', b'/', _, _, _, b' ', b'4', ..] => {
            PAGES.iter().any(|page| memchr::memmem::find(answer, page).is_some())
        }
        _ => false,
    }
}

/// Plain HTTP was spoken to a port that expects TLS; `answer` is the packet that says so.
pub fn to_tls_port(answer: PacketNumber, context: &Context<'_>) -> Finding {
    Finding {
        subject: Subject::new(context.flow.id, [answer].into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity: Severity::Error,
        code: "http.to-tls-port",
        title: "Plain HTTP was sent to a port that expects TLS".to_owned(),
        explanation: "The server's answer says so. The address should begin with https, or the port is the wrong one."
            .to_owned(),
        reference: Some("RFC 9110 4.2.2"),
    }
}

/// `GET /path` for titles; the target is cut where it is long.
fn what(exchange: &Exchange) -> String {
    match &exchange.http.request {
        Some(request) => {
            let cut = request.target.char_indices().nth(120);
            match cut.and_then(|(end, _)| request.target.get(..end)) {
                Some(start) => format!("{} {start}...", request.method),
                None => format!("{} {}", request.method, request.target),
            }
        }
        None => "a request that was not seen".to_owned(),
    }
}

fn finding(exchange: &Exchange, severity: Severity, code: &'static str, title: String) -> Finding {
    let http = &exchange.http;
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

fn status(exchange: &Exchange, response: &HttpResponse, found: &mut Vec<Finding>) {
    let (code, severity) = match response.status {
        400..=499 => ("http.client-error", Severity::Note),
        502..=504 => ("http.server-error", Severity::Error),
        500..=599 => ("http.server-error", Severity::Warning),
        _ => return,
    };
    let reason = response.reason.as_deref().unwrap_or_default();
    let title = format!("{} answered {} {reason}", what(exchange), response.status).trim_end().to_owned();
    found.push(Finding {
        explanation: meaning(response.status).to_owned(),
        reference: Some(if response.status < 500 { "RFC 9110 15.5" } else { "RFC 9110 15.6" }),
        ..finding(exchange, severity, code, title)
    });
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

fn cut(exchange: &Exchange, response: &HttpResponse, found: &mut Vec<Finding>) {
    let Some(missing) = exchange.cut else { return };
    let title = match missing {
        Some(bytes) => {
            let title = format!("Response to {} ended {bytes} bytes before its Content-Length", what(exchange));
            title.replace("ended 1 bytes", "ended 1 byte")
        }
        None => format!("Response to {} ended in the middle", what(exchange)),
    };
    let lost = match exchange.lost_bytes {
        0 => String::new(),
        bytes => format!(" The capture lacks {bytes} bytes of it besides."),
    };
    found.push(Finding {
        explanation: format!(
            "The connection ended after {} bytes of content had been seen. What the client holds is incomplete.{lost}",
            response.body_bytes
        ),
        reference: Some("RFC 9112 8"),
        ..finding(exchange, Severity::Warning, "http.truncated-body", title)
    });
}

fn slow(exchange: &Exchange, found: &mut Vec<Finding>) {
    let Some(ttfb) = exchange.http.ttfb_ns.filter(|&ttfb| ttfb > SLOW_NS) else { return };
    let (seconds, hundredths) = (ttfb.div_euclid(1_000_000_000), ttfb.rem_euclid(1_000_000_000).div_euclid(10_000_000));
    let mut explanation =
        "The request had arrived whole and the server took this long to begin its answer, network included.".to_owned();
    if exchange.http.pipelined {
        explanation.push_str(" Part of it is waiting for the response before it on the same connection.");
    }
    found.push(Finding {
        explanation,
        ..finding(
            exchange,
            Severity::Note,
            "http.slow",
            format!("{} waited {seconds}.{hundredths:02} s for the first byte", what(exchange)),
        )
    });
}

fn unanswered(exchange: &Exchange, found: &mut Vec<Finding>) {
    let Some(cause) = exchange.unanswered.filter(|_| exchange.http.request.is_some()) else { return };
    let (severity, how, why) = match cause {
        Unanswered::ServerClosed => (
            Severity::Warning,
            "closed",
            "The server closed the connection instead of answering: a keep-alive timeout that crossed the request, a \
             server that gave up, or one that expects TLS on this port. Repeat it only when the method is idempotent.",
        ),
        Unanswered::ClientClosed => (
            Severity::Warning,
            "closed by the client",
            "The client closed the connection before any answer came: its timeout is shorter than the server's work, or \
             its user gave up. A gateway that does so answers 504 to its own client.",
        ),
        Unanswered::Reset => (
            Severity::Error,
            "reset",
            "The connection was reset before any answer: the server crashed or closed with the request unread, a device \
             in between cut it, or the client gave up.",
        ),
    };
    let title = format!("{} got no response: the connection was {how}", what(exchange));
    found.push(Finding {
        explanation: why.to_owned(),
        reference: Some("RFC 9112 9.3.1"),
        ..finding(exchange, severity, "http.no-response", title)
    });
}

fn framing(exchange: &Exchange, found: &mut Vec<Finding>) {
    if let Some(place) = exchange.broken {
        let title = format!("The {} of {} is not chunked as it says", place.name(), what(exchange));
        found.push(Finding {
            explanation: "A chunk has no valid size or no line end behind it. Where the message ends cannot be told."
                .to_owned(),
            reference: Some("RFC 9112 7.1"),
            ..finding(exchange, Severity::Warning, "http.malformed-body", title)
        });
    }
    for place in [Place::Request, Place::Response] {
        let signs: Vec<_> = exchange.ambiguities.iter().filter(|(at, _)| *at == place).map(|(_, what)| *what).collect();
        if signs.is_empty() {
            continue;
        }
        let title = format!("The {} of {} has {}", place.name(), what(exchange), signs.join(", "));
        found.push(Finding {
            explanation:
                "Two recipients of this message, such as a proxy and the server behind it, may disagree about \
                          where it ends; what one takes for content the other may take for the next message."
                    .to_owned(),
            reference: Some("RFC 9112 6.3, 11.2"),
            ..finding(exchange, Severity::Warning, "http.smuggling-risk", title)
        });
    }
}

fn credentials(exchange: &Exchange, found: &mut Vec<Finding>) {
    let in_form = exchange.form.is_some_and(|form| form.found());
    if exchange.http.over != HttpOver::Tcp || !(exchange.basic_credentials || in_form) {
        return;
    }
    let kind = if exchange.basic_credentials { "Basic credentials" } else { "a password in a form" };
    let numbers: [Option<PacketNumber>; 2] =
        [exchange.http.request.as_ref().map(|request| request.packet), exchange.request_last.map(|last| last.number)];
    let evidence: Evidence = numbers.into_iter().flatten().collect();
    let title = format!("{} carries {kind} without encryption", what(exchange));
    let mut found_here = finding(exchange, Severity::Note, "http.plaintext-credentials", title);
    found_here.subject.evidence = evidence;
    found_here.explanation = "Everybody on the path can read them. Use HTTPS.".to_owned();
    found_here.reference = Some("RFC 7617 4");
    found.push(found_here);
}
