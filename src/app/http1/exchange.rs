//! A request with its response: what is known of them while they are open, and how they are reported.
use super::findings::{self, Place};
use crate::{
    app::{
        Sink,
        codec::http::{meaning, redact::FormWatch},
    },
    limits::{MAX_CHUNK_EXTENSIONS, MAX_HTTP_FIELDS},
    record::{
        Context, Direction, EndCause, Evidence, Http, HttpMeaning, HttpOver, PacketRef, Record, RecordKind, Subject,
    },
};

/// A request with its response, as far as they are here.
pub struct Exchange {
    /// What will be reported.
    pub http: Box<Http>,
    pub to_head: bool,
    pub connect: bool,
    pub upgrade: bool,
    pub request_first: Option<PacketRef>,
    pub request_last: Option<PacketRef>,
    pub request_done: bool,
    /// Where the response before this one ended, if this request was sent before.
    pub previous_ended: Option<PacketRef>,
    /// The final response's head was seen.
    pub responded: bool,
    pub response_done: bool,
    pub response_first: Option<PacketRef>,
    pub response_last: Option<PacketRef>,
    pub response_head: Option<PacketRef>,
    pub request_head: Option<PacketRef>,
    /// The connection ended inside the response's content; bytes still due, where known.
    pub cut: Option<Option<u64>>,
    /// Content that the capture does not hold.
    pub lost_bytes: u64,
    /// Where recipients may disagree about the end of a message.
    pub ambiguities: Vec<(Place, &'static str)>,
    /// Host fields of a request in HTTP/1.1.
    pub hosts: Option<u8>,
    /// Chunks made no sense.
    pub broken: Option<Place>,
    pub basic_credentials: bool,
    pub form: Option<FormWatch>,
    /// The connection ended and no response had come.
    pub unanswered: Option<Unanswered>,
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
}

impl From<EndCause> for Unanswered {
    fn from(cause: EndCause) -> Self {
        match cause {
            EndCause::Fin => Self::ServerClosed,
            EndCause::Reset => Self::Reset,
        }
    }
}

impl Exchange {
    /// Nothing is known of it yet; `requests` is the way its request travels.
    pub fn new(over: HttpOver, requests: Direction, context: &Context<'_>) -> Self {
        let sender = requests.sender();
        let http = Http {
            subject: Subject::default(),
            client: context.flow.endpoint(sender),
            server: context.flow.endpoint(sender.other()),
            version: String::new(),
            stream_id: None,
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
            to_head: false,
            connect: false,
            upgrade: false,
            request_first: None,
            request_last: None,
            request_done: false,
            previous_ended: None,
            responded: false,
            response_done: false,
            response_first: None,
            response_last: None,
            response_head: None,
            request_head: None,
            cut: None,
            lost_bytes: 0,
            ambiguities: Vec::new(),
            hosts: None,
            broken: None,
            basic_credentials: false,
            form: None,
            unanswered: None,
        }
    }

    /// Trailer fields of a message.
    pub fn add_trailers(&mut self, place: Place, more: Vec<(String, String)>) {
        let trailers = match place {
            Place::Request => self.http.request.as_mut().map(|request| &mut request.trailers),
            Place::Response => self.http.response.as_mut().map(|response| &mut response.trailers),
        };
        if let Some(trailers) = trailers {
            let room = MAX_HTTP_FIELDS.saturating_sub(trailers.len());
            trailers.extend(more.into_iter().take(room));
        }
    }

    /// Chunk extensions, each once.
    ///
    /// Whether there was room for them.
    pub fn add_extensions(&mut self, more: Vec<String>) -> bool {
        let listed = &mut self.http.meaning.chunk_extensions;
        for extension in more {
            if listed.contains(&extension) {
                continue;
            }
            if listed.len() >= MAX_CHUNK_EXTENSIONS {
                return false;
            }
            listed.push(extension);
        }
        true
    }

    /// Reports it as it is.
    pub fn report(mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let mut places = [
            self.request_first,
            self.request_head,
            self.request_last,
            self.response_first,
            self.response_head,
            self.response_last,
        ];
        places.sort_unstable_by_key(|place| place.map(|packet| packet.index));
        let evidence: Evidence = places.into_iter().flatten().map(|packet| packet.number).collect();
        self.http.subject = Subject::new(context.flow.id, evidence);
        if let (Some(asked), Some(first)) = (self.request_last, self.response_first) {
            // A response that began before its request had ended has no such time.
            let in_order = self.request_done && asked.index <= first.index;
            self.http.ttfb_ns = in_order.then(|| first.timestamp.since(asked.timestamp));
        }
        if let (Some(first), Some(last)) = (self.response_first, self.response_last) {
            self.http.download_ns = Some(last.timestamp.since(first.timestamp));
        }
        // What another response kept from being answered.
        if let (Some(asked), Some(ended)) = (self.request_last, self.previous_ended) {
            self.http.meaning.queued_ns = Some(ended.timestamp.since(asked.timestamp)).filter(|wait| *wait > 0);
        }
        meaning::annotate(&mut self.http);
        let found = if out.wants(RecordKind::Finding) { findings::of(&self) } else { Vec::new() };
        out.record(Record::Http(self.http));
        for finding in found {
            out.finding(finding);
        }
    }
}
