//! What in an HTTP/1 exchange is worth attention, with its proof.
use super::exchange::{Exchange, Unanswered};
use crate::{
    app::codec::http::{
        findings::{finding, of_connection, slow, status, what},
        websocket,
    },
    record::{Context, Evidence, Finding, HttpOver, HttpResponse, PacketNumber, Severity, Subject},
};

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
        found.extend(status(&exchange.http, response));
        cut(exchange, response, &mut found);
    }
    found.extend(slow(&exchange.http));
    unanswered(exchange, &mut found);
    framing(exchange, &mut found);
    hosts(exchange, &mut found);
    accept_key(exchange, &mut found);
    credentials(exchange, &mut found);
    found
}

/// A limit of this program was reached.
pub fn limit(what: &str, context: &Context<'_>) -> Finding {
    let title = format!("HTTP: {what}");
    Finding {
        explanation: "A limit that bounds memory was reached on this connection; its HTTP records may be incomplete."
            .to_owned(),
        ..of_connection(Severity::Note, "http.limit", title, context)
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

fn cut(exchange: &Exchange, response: &HttpResponse, found: &mut Vec<Finding>) {
    let Some(missing) = exchange.cut else { return };
    let title = match missing {
        Some(bytes) => {
            let title = format!("Response to {} ended {bytes} bytes before its Content-Length", what(&exchange.http));
            title.replace("ended 1 bytes", "ended 1 byte")
        }
        None => format!("Response to {} ended in the middle", what(&exchange.http)),
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
        ..finding(&exchange.http, Severity::Warning, "http.truncated-body", title)
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
    let title = format!("{} got no response: the connection was {how}", what(&exchange.http));
    found.push(Finding {
        explanation: why.to_owned(),
        reference: Some("RFC 9112 9.3.1"),
        ..finding(&exchange.http, severity, "http.no-response", title)
    });
}

fn framing(exchange: &Exchange, found: &mut Vec<Finding>) {
    if let Some(place) = exchange.broken {
        let title = format!("The {} of {} is not chunked as it says", place.name(), what(&exchange.http));
        found.push(Finding {
            explanation: "A chunk has no valid size or no line end behind it. Where the message ends cannot be told."
                .to_owned(),
            reference: Some("RFC 9112 7.1"),
            ..finding(&exchange.http, Severity::Warning, "http.malformed-body", title)
        });
    }
    for place in [Place::Request, Place::Response] {
        let signs: Vec<_> = exchange.ambiguities.iter().filter(|(at, _)| *at == place).map(|(_, what)| *what).collect();
        if signs.is_empty() {
            continue;
        }
        let title = format!("The {} of {} has {}", place.name(), what(&exchange.http), signs.join(", "));
        found.push(Finding {
            explanation:
                "Two recipients of this message, such as a proxy and the server behind it, may disagree about \
                          where it ends; what one takes for content the other may take for the next message."
                    .to_owned(),
            reference: Some("RFC 9112 6.3, 11.2"),
            ..finding(&exchange.http, Severity::Warning, "http.smuggling-risk", title)
        });
    }
}

fn hosts(exchange: &Exchange, found: &mut Vec<Finding>) {
    let Some(hosts) = exchange.hosts.filter(|&hosts| hosts != 1) else { return };
    let (severity, how) = match hosts {
        0 => (Severity::Note, "no Host field".to_owned()),
        several => (Severity::Warning, format!("{several} Host fields")),
    };
    found.push(Finding {
        explanation:
            "A server must answer 400 to such a request in HTTP/1.1. A proxy and a server that choose by different \
                      fields, or by none, may send it to different sites."
                .to_owned(),
        reference: Some("RFC 9112 3.2"),
        ..finding(&exchange.http, severity, "http.invalid-host", format!("{} has {how}", what(&exchange.http)))
    });
}

/// Whether a server's key answers the client's (RFC 6455 4.2.2).
fn accept_key(exchange: &Exchange, found: &mut Vec<Finding>) {
    let (Some(request), Some(response)) = (&exchange.http.request, &exchange.http.response) else { return };
    if response.status != Some(101) {
        return;
    }
    let field = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
    };
    let asked = field(&request.headers, "sec-websocket-key");
    let answered = field(&response.headers, "sec-websocket-accept");
    let (Some(asked), Some(answered)) = (asked, answered) else { return };
    let due = websocket::accept(&asked);
    if answered != due {
        found.push(Finding {
            explanation: format!(
                "The server answered the key {asked} with {answered}; it must be {due}. The client has to fail the \
                 connection: the answer is a cached one, or the server does not speak WebSocket."
            ),
            reference: Some("RFC 6455 4.2.2"),
            ..finding(
                &exchange.http,
                Severity::Warning,
                "websocket.accept-mismatch",
                format!("{} was answered with a wrong Sec-WebSocket-Accept", what(&exchange.http)),
            )
        });
    }
}

fn credentials(exchange: &Exchange, found: &mut Vec<Finding>) {
    let in_form = exchange.form.is_some_and(|form| form.found());
    if !matches!(exchange.http.over, HttpOver::Tcp | HttpOver::Sctp) || !(exchange.basic_credentials || in_form) {
        return;
    }
    let kind = if exchange.basic_credentials { "Basic credentials" } else { "a password in a form" };
    let numbers: [Option<PacketNumber>; 2] =
        [exchange.http.request.as_ref().map(|request| request.packet), exchange.request_last.map(|last| last.number)];
    let evidence: Evidence = numbers.into_iter().flatten().collect();
    let title = format!("{} carries {kind} without encryption", what(&exchange.http));
    let mut found_here = finding(&exchange.http, Severity::Note, "http.plaintext-credentials", title);
    found_here.subject.evidence = evidence;
    found_here.explanation = "Everybody on the path can read them. Use HTTPS.".to_owned();
    found_here.reference = Some("RFC 7617 4");
    found.push(found_here);
}
