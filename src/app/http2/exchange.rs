//! A stream's request with its response: what is known of them while it is open, and how they are reported.
use super::{
    findings, frame,
    message::Message,
    window::{self, Window},
};
use crate::{
    app::{Sink, codec::http::meaning},
    limits::MAX_HTTP_INFORMATIONAL,
    record::{
        Context, Direction, EndCause, Evidence, Http, HttpMeaning, HttpOver, HttpRequest, HttpReset, HttpResponse,
        PacketRef, Record, RecordKind, Subject,
    },
};

/// A stream (RFC 9113 5.1) with what travels on it.
pub struct Exchange {
    /// What will be reported.
    pub http: Box<Http>,
    pub request_first: Option<PacketRef>,
    pub request_head: Option<PacketRef>,
    pub request_last: Option<PacketRef>,
    /// The client's part ended (END_STREAM).
    pub request_done: bool,
    pub response_first: Option<PacketRef>,
    pub response_head: Option<PacketRef>,
    pub response_last: Option<PacketRef>,
    /// The server's part ended.
    pub response_done: bool,
    /// Content of the response that the capture does not hold.
    pub lost_bytes: u64,
    /// Whether content of the client's and the server's is missing from the capture, or may be.
    pub content_lost: [bool; 2],
    pub basic_credentials: bool,
    /// What the client and the server may send.
    pub windows: [Window; 2],
    /// How the connection ended before a response came.
    pub unanswered: Option<Unanswered>,
    /// The connection ended inside the response.
    pub cut: bool,
}

/// How a request went without response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The server sent FIN.
    ServerClosed,
    /// The client sent FIN and no answer came after it.
    ClientClosed,
    /// Either side sent RST.
    Reset,
    /// The server's GOAWAY said that it had not acted on it (RFC 9113 6.8).
    NotProcessed,
}

impl From<EndCause> for Unanswered {
    fn from(cause: EndCause) -> Self {
        match cause {
            EndCause::Fin => Self::ServerClosed,
            EndCause::Reset => Self::Reset,
        }
    }
}

/// The packets that brought the beginning and the end of something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    pub first: PacketRef,
    pub last: PacketRef,
}

impl Exchange {
    /// Nothing is known of it yet; `requests` is the way its request travels.
    pub fn new(stream: u32, over: HttpOver, requests: Direction, context: &Context<'_>) -> Self {
        let sender = requests.sender();
        let http = Http {
            subject: Subject::default(),
            client: context.flow.endpoint(sender),
            server: context.flow.endpoint(sender.other()),
            version: "2".to_owned(),
            stream_id: Some(u64::from(stream)),
            over,
            request: None,
            response: None,
            informational: Vec::new(),
            ttfb_ns: None,
            download_ns: None,
            pipelined: false,
            promised_on: None,
            reset: None,
            grpc_status: None,
            meaning: HttpMeaning::default(),
            serial: 0,
        };
        Self {
            http: Box::new(http),
            request_first: None,
            request_head: None,
            request_last: None,
            request_done: false,
            response_first: None,
            response_head: None,
            response_last: None,
            response_done: false,
            lost_bytes: 0,
            content_lost: [false; 2],
            basic_credentials: false,
            windows: [Window::new(window::INITIAL); 2],
            unanswered: None,
            cut: false,
        }
    }

    /// A request's header section.
    pub fn request(&mut self, message: Message, span: Span) {
        self.request_first = Some(span.first);
        self.request_head = Some(span.last);
        self.request_last = Some(span.last);
        self.basic_credentials = message.basic_credentials;
        let authority = message.authority.or(message.host);
        // CONNECT names its target by the authority alone (RFC 9113 8.5).
        let connect = message.method.as_deref() == Some("CONNECT");
        let target = message.path.or_else(|| authority.clone().filter(|_| connect));
        self.http.request = Some(HttpRequest {
            packet: span.last.number,
            ts: span.last.timestamp,
            version: "2".to_owned(),
            method: message.method,
            target,
            scheme: message.scheme,
            authority,
            user_agent: message.user_agent,
            headers: message.fields,
            content_type: message.content_type,
            content_length: message.content_length,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        });
    }

    /// A response's header section, an informational one included. False when there are more of those than are kept.
    pub fn response(&mut self, message: Message, span: Span) -> bool {
        let informational = message.status.is_some_and(|status| status < 200);
        let response = HttpResponse {
            packet: span.last.number,
            ts: span.last.timestamp,
            version: "2".to_owned(),
            status: message.status,
            reason: None,
            content_type: message.content_type,
            content_length: message.content_length,
            headers: message.fields,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        };
        if informational {
            let room = self.http.informational.len() < MAX_HTTP_INFORMATIONAL;
            if room {
                self.http.informational.push(response);
            }
            return room;
        }
        self.http.grpc_status = message.grpc_status;
        self.http.response = Some(response);
        self.response_first = self.response_first.or(Some(span.first));
        self.response_head = Some(span.last);
        self.response_last = Some(span.last);
        true
    }

    /// A second header section (RFC 9113 8.1): trailers.
    pub fn trailers(&mut self, message: Message, is_request: bool, span: Span) {
        match (is_request, &mut self.http.request, &mut self.http.response) {
            (true, Some(request), _) => {
                request.trailers = message.fields;
                self.request_last = Some(span.last);
            }
            (false, _, Some(response)) => {
                response.trailers = message.fields;
                self.response_last = Some(span.last);
            }
            _ => {}
        }
        if !is_request {
            self.http.grpc_status = message.grpc_status.or(self.http.grpc_status);
        }
    }

    /// Content: `bytes` of it passed, `missing` more are not in the capture.
    pub fn content(&mut self, bytes: u64, missing: u64, is_request: bool, last: PacketRef) {
        match (is_request, &mut self.http.request, &mut self.http.response) {
            (true, Some(request), _) => {
                request.body_bytes = request.body_bytes.saturating_add(bytes);
                self.request_last = Some(last);
            }
            (false, _, Some(response)) => {
                response.body_bytes = response.body_bytes.saturating_add(bytes);
                self.response_last = Some(last);
                self.lost_bytes = self.lost_bytes.saturating_add(missing);
            }
            _ => {}
        }
    }

    /// RST_STREAM.
    pub fn reset(&mut self, direction: Direction, code: u32, packet: PacketRef) {
        self.http.reset.get_or_insert(HttpReset {
            packet: packet.number,
            ts: packet.timestamp,
            side: direction.sender(),
            code,
            name: frame::error_name(code),
        });
    }

    /// Reports it as it is.
    pub fn report(mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.http.request.is_none() && self.http.response.is_none() {
            // Only its content was seen, or how it ended.
            return;
        }
        let mut places = [
            self.request_first,
            self.request_head,
            self.request_last,
            self.response_first,
            self.response_head,
            self.response_last,
        ];
        places.sort_unstable_by_key(|place| place.map(|packet| packet.index));
        let numbers = places.into_iter().flatten().map(|packet| packet.number);
        let evidence: Evidence = numbers.chain(self.http.reset.as_ref().map(|reset| reset.packet)).collect();
        self.http.subject = Subject::new(context.flow.id, evidence);
        if let (Some(asked), Some(first)) = (self.request_last, self.response_first) {
            // A response that began before its request had ended has no such time, nor has one that nobody asked for.
            let in_order = self.request_done && asked.index <= first.index && self.http.promised_on.is_none();
            self.http.ttfb_ns = in_order.then(|| first.timestamp.since(asked.timestamp));
        }
        if let (Some(first), Some(last)) = (self.response_first, self.response_last) {
            self.http.download_ns = Some(last.timestamp.since(first.timestamp));
        }
        meaning::annotate(&mut self.http);
        let found = if out.wants(RecordKind::Finding) { findings::of(&self) } else { Vec::new() };
        out.record(Record::Http(self.http));
        for finding in found {
            out.finding(finding);
        }
    }
}
