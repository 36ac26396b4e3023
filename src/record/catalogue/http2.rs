//! Findings about HTTP/2 as a protocol of frames; what its requests met is HTTP's.
use super::{ERROR, Entry, NOTE_OR_WARNING, WARNING};
use crate::record::Severity;

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "http2.stream-reset",
        severities: &[Severity::Note, Severity::Warning, Severity::Error],
        title: "a stream was given up before it was complete",
        explanation: "RST_STREAM ends one request of the connection; the others go on. Its error code says why: CANCEL when \
             the client needs it no more, REFUSED_STREAM when the server did not begin with it (it may be sent again), \
             INTERNAL_ERROR when an end failed, and others when it says that its peer broke a rule.",
        reference: Some("RFC 9113 6.4, 7"),
    },
    Entry {
        code: "http2.goaway",
        severities: ERROR,
        title: "an end closed the connection because of an error",
        explanation: "GOAWAY with an error code says that its sender will not go on with this connection, and why. Requests \
             above the stream it names were not looked at and may be sent again on another connection.",
        reference: Some("RFC 9113 6.8, 7"),
    },
    Entry {
        code: "http2.flow-control-stall",
        severities: NOTE_OR_WARNING,
        title: "a sender waited for room in a flow-control window",
        explanation: "The receiver had not yet taken what was sent, and announced no more room (WINDOW_UPDATE), for the \
             stream or the whole connection. The network is not to blame: the program that receives reads slowly, or its \
             windows are too small for the distance.",
        reference: Some("RFC 9113 5.2"),
    },
    Entry {
        code: "http2.malformed",
        severities: WARNING,
        title: "frames cannot be read",
        explanation: "The bytes are no valid frames or header blocks: damage, a gap of the capture, or a broken or hostile \
             sender. As the compression of header fields depends on all before, what follows may stay unread.",
        reference: Some("RFC 9113 5.4.1"),
    },
    Entry {
        code: "http2.rapid-reset",
        severities: WARNING,
        title: "a client opened many streams and reset them at once",
        explanation: "Each request costs the server work, and the reset makes room for the next one, so that no limit of \
             concurrent streams holds the client back: the attack known as Rapid Reset (CVE-2023-44487). Update the \
             server, and limit resets per connection.",
        reference: Some("RFC 9113 10.5"),
    },
    Entry {
        code: "http2.limit",
        severities: WARNING,
        title: "more came in an HTTP/2 connection than is kept",
        explanation: "To bound memory, only so many streams of one connection are followed, and only so much of each \
             header block is kept; what is beyond is left out.",
        reference: None,
    },
];
