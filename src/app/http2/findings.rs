//! What on a stream or connection is worth attention, with its proof.
use super::{
    exchange::{Exchange, Unanswered},
    frame,
    window::Stall,
};
use crate::{
    app::codec::http::findings::{finding, of_connection, slow, status, what},
    record::{Context, Direction, Evidence, Finding, HttpOver, PacketNumber, Severity, Side, Subject},
};

/// Together this long without a window is worth telling: a tenth of a second, in nanoseconds.
const STALL_NS: i64 = 100_000_000;

/// This long is worth a warning: a second, in nanoseconds.
const LONG_STALL_NS: i64 = 1_000_000_000;

/// All findings of one exchange, its subject filled in.
pub fn of(exchange: &Exchange) -> Vec<Finding> {
    let http = &exchange.http;
    let mut found = Vec::new();
    found.extend(http.response.as_ref().and_then(|response| status(http, response)));
    found.extend(slow(http));
    found.extend(reset(exchange));
    found.extend(grpc(exchange));
    found.extend(unanswered(exchange));
    found.extend(cut(exchange));
    for direction in Direction::BOTH {
        let stall = exchange.windows.get(direction.index()).and_then(|window| window.stall());
        found.extend(stall.and_then(|stall| stalled(exchange, direction, stall)));
    }
    if exchange.basic_credentials && matches!(http.over, HttpOver::Tcp | HttpOver::Sctp) {
        let title = format!("{} carries Basic credentials without encryption", what(http));
        let mut one = finding(http, Severity::Note, "http.plaintext-credentials", title);
        one.subject.evidence = http.request.iter().map(|request| request.packet).collect();
        one.explanation = "Everybody on the path can read them. Use HTTPS.".to_owned();
        one.reference = Some("RFC 7617 4");
        found.push(one);
    }
    found
}

fn code_name(code: u32) -> String {
    frame::error_name(code).map_or_else(|| format!("error {code:#x}"), str::to_owned)
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

/// RST_STREAM, unless it only says that the rest of a request is not needed (RFC 9113 8.1) or tidies up a finished stream.
fn reset(exchange: &Exchange) -> Option<Finding> {
    let reset = exchange.http.reset.as_ref()?;
    if reset.code == 0 || exchange.response_done {
        return None;
    }
    let (severity, why) = match (reset.code, reset.side) {
        (8, Side::Client) => (
            Severity::Note,
            "The client does not need the response any more: its user went elsewhere, or its time was up. What the server \
             still does for it is in vain.",
        ),
        (8, Side::Server) => {
            (Severity::Warning, "The server gave the stream up, often because what stands behind it did.")
        }
        (7, _) => (
            Severity::Warning,
            "The stream was refused before any work was done: the request may be repeated safely. Often too many were open.",
        ),
        (11, _) => (Severity::Warning, "The peer sends more than this end wants to take: slow down."),
        (2, _) => (Severity::Error, "This end failed while it worked on the stream; its log knows why."),
        (13, _) => (Severity::Warning, "The server wants this request over HTTP/1.1."),
        _ => (Severity::Error, "This end says that the peer broke a rule of the protocol."),
    };
    let sender = side_name(reset.side);
    let state = if exchange.http.response.is_some() { "its response had ended" } else { "any response" };
    let title = format!("{} was reset by the {sender} before {state}: {}", what(&exchange.http), code_name(reset.code));
    let mut one = finding(&exchange.http, severity, "http2.stream-reset", title);
    one.explanation = why.to_owned();
    one.reference = Some("RFC 9113 6.4, 7");
    Some(one)
}

fn grpc(exchange: &Exchange) -> Option<Finding> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let code = exchange.http.grpc_status.filter(|&code| code != 0)?;
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("not registered");
    let severity = match code {
        2 | 13 | 14 | 15 => Severity::Error,
        4 | 8 => Severity::Warning,
        _ => Severity::Note,
    };
    let title = format!("{} ended with gRPC status {code} ({name})", what(&exchange.http));
    let mut one = finding(&exchange.http, severity, "grpc.error", title);
    one.explanation = "The HTTP status tells nothing about it: the call's outcome stands in the trailers.".to_owned();
    Some(one)
}

fn unanswered(exchange: &Exchange) -> Option<Finding> {
    let cause = exchange.unanswered.filter(|_| exchange.http.request.is_some() && exchange.http.reset.is_none())?;
    let (severity, how, why) = match cause {
        Unanswered::ServerClosed => (
            Severity::Warning,
            "the connection was closed",
            "The server closed the connection while the stream was open, and no GOAWAY said that it had not acted on the \
             request. Repeat it only when the method is idempotent.",
        ),
        Unanswered::ClientClosed => (
            Severity::Warning,
            "the connection was closed by the client",
            "The client closed the connection before any answer came: its timeout is shorter than the server's work, or \
             its user gave up.",
        ),
        Unanswered::Reset => (
            Severity::Error,
            "the connection was reset",
            "The connection was reset while the stream was open: an end crashed or gave up, or a device in between cut it.",
        ),
        Unanswered::NotProcessed => (
            Severity::Warning,
            "the server was going away",
            "The server's GOAWAY says that it did not act on the request: it may be repeated on another connection, \
             whatever its method.",
        ),
    };
    let title = format!("{} got no response: {how}", what(&exchange.http));
    let mut one = finding(&exchange.http, severity, "http.no-response", title);
    one.explanation = why.to_owned();
    one.reference = Some("RFC 9113 6.8, 8.7");
    Some(one)
}

fn cut(exchange: &Exchange) -> Option<Finding> {
    let response = exchange.http.response.as_ref().filter(|_| exchange.cut && exchange.http.reset.is_none())?;
    let title = format!("Response to {} ended in the middle", what(&exchange.http));
    let mut one = finding(&exchange.http, Severity::Warning, "http.truncated-body", title);
    let lost = match exchange.lost_bytes {
        0 => String::new(),
        bytes => format!(" The capture lacks {bytes} bytes of it besides."),
    };
    one.explanation = format!(
        "The connection ended after {} bytes of content had been seen, and no END_STREAM. What the client holds is \
         incomplete.{lost}",
        response.body_bytes
    );
    one.reference = Some("RFC 9113 8.1.1");
    Some(one)
}

fn milliseconds(nanoseconds: i64) -> i64 {
    nanoseconds.div_euclid(1_000_000)
}

fn times(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{times} times") }
}

fn stall_words(stall: Stall, sender: Side) -> String {
    format!(
        "The {} had sent all that the other end allowed, and had to wait {} for a WINDOW_UPDATE, together {} ms and at most \
         {} ms. The receiver's window is too small for the path's round-trip time, or it reads slowly.",
        side_name(sender),
        times(stall.times),
        milliseconds(stall.total_ns),
        milliseconds(stall.longest_ns),
    )
}

fn stall_severity(stall: Stall) -> Option<Severity> {
    match stall.total_ns {
        LONG_STALL_NS.. => Some(Severity::Warning),
        STALL_NS.. => Some(Severity::Note),
        _ => None,
    }
}

fn stall_evidence(stall: Stall) -> Evidence {
    [stall.longest.0.number, stall.longest.1.number].into_iter().collect()
}

fn stalled(exchange: &Exchange, direction: Direction, stall: Stall) -> Option<Finding> {
    let severity = stall_severity(stall)?;
    let title = format!(
        "{} stood still for {} ms in all: no window on its stream",
        what(&exchange.http),
        milliseconds(stall.total_ns)
    );
    let mut one = finding(&exchange.http, severity, "http2.flow-control-stall", title);
    one.subject.evidence = stall_evidence(stall);
    one.explanation = stall_words(stall, direction.sender());
    one.reference = Some("RFC 9113 5.2");
    Some(one)
}

/// The whole connection had no window left.
pub fn connection_stalled(direction: Direction, stall: Stall, context: &Context<'_>) -> Option<Finding> {
    let severity = stall_severity(stall)?;
    let title = format!(
        "All streams from the {} stood still for {} ms in all: no window on the connection",
        side_name(direction.sender()),
        milliseconds(stall.total_ns)
    );
    Some(Finding {
        subject: Subject::new(context.flow.id, stall_evidence(stall)),
        explanation: stall_words(stall, direction.sender()),
        reference: Some("RFC 9113 5.2"),
        ..of_connection(severity, "http2.flow-control-stall", title, context)
    })
}

/// GOAWAY with an error.
pub fn goaway(side: Side, last: u32, code: u32, packet: PacketNumber, context: &Context<'_>) -> Finding {
    let title = format!("The {} gave the connection up: {}", side_name(side), code_name(code));
    let why = match code {
        1 | 3 | 5 | 6 | 9 => {
            "It says that its peer broke a rule of the protocol; one of the two, or a device between, is wrong."
        }
        2 => "It failed; its log knows why.",
        11 => "Its peer sent more than it wants to take.",
        12 => "TLS as negotiated is too weak for it.",
        _ => "The error code says why.",
    };
    Finding {
        subject: Subject::new(context.flow.id, [packet].into_iter().collect()),
        explanation: format!("{why} Streams above {last} were not acted on and may be repeated safely."),
        reference: Some("RFC 9113 6.8, 7"),
        ..of_connection(Severity::Error, "http2.goaway", title, context)
    }
}

/// What a receiver must answer with a connection error.
pub fn malformed(side: Side, what: &str, packet: PacketNumber, context: &Context<'_>) -> Finding {
    let title = format!("The {} sent {what}", side_name(side));
    Finding {
        subject: Subject::new(context.flow.id, [packet].into_iter().collect()),
        explanation:
            "The receiver must end the connection with an error. Headers that follow in this direction may not be \
                      decodable."
                .to_owned(),
        reference: Some("RFC 9113 5.4.1"),
        ..of_connection(Severity::Warning, "http2.malformed", title, context)
    }
}

/// Many streams opened and reset at once.
pub fn rapid_reset(resets: u32, context: &Context<'_>) -> Finding {
    let title = format!("The client opened and reset {resets} streams before any response");
    Finding {
        explanation:
            "Each costs the server work and never counts against its limit of open streams: so do attacks known as \
                      rapid reset (CVE-2023-44487), and clients that give up on everything at once."
                .to_owned(),
        reference: Some("RFC 9113 10.5"),
        ..of_connection(Severity::Warning, "http2.rapid-reset", title, context)
    }
}
