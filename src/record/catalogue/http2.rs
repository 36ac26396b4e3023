//! Findings about HTTP/2 and gRPC.
use super::{ANY, ERROR, Entry, NOTE_OR_WARNING, WARNING};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "http2.stream-reset",
        severities: ANY,
        title: "a stream was cut off before its response had ended",
        explanation: "One end sent RST_STREAM, and the error code says why. CANCEL from the client: it does not need the \
             response any more, because its user went elsewhere or its time was up. REFUSED_STREAM: nothing was done, \
             and the request may be repeated safely. INTERNAL_ERROR: the sender failed, and its log knows why. The \
             others say that the peer broke a rule. The connection and its other streams go on.",
        reference: Some("RFC 9113 6.4, 7"),
    },
    Entry {
        code: "http2.goaway",
        severities: ERROR,
        title: "an end gave the whole connection up with an error",
        explanation: "GOAWAY with an error code ends the connection and every stream on it. PROTOCOL_ERROR and its like: the \
             sender says that its peer broke a rule; one of the two, or a device between them, is wrong. \
             ENHANCE_YOUR_CALM: the peer sent too much. Streams above the number it names were not acted on, and may be \
             repeated whatever their method.",
        reference: Some("RFC 9113 6.8, 7"),
    },
    Entry {
        code: "http2.flow-control-stall",
        severities: NOTE_OR_WARNING,
        title: "a sender had to wait for the receiver's window",
        explanation: "The sender had sent all that the receiver allowed on the stream or connection, and went on only after a \
             WINDOW_UPDATE. A window that is smaller than bandwidth times round-trip time slows every transfer down to \
             one window a round trip; a receiver that reads slowly does so as well. The initial window is 65535 bytes \
             unless SETTINGS says otherwise.",
        reference: Some("RFC 9113 5.2"),
    },
    Entry {
        code: "http2.malformed",
        severities: WARNING,
        title: "a frame or header block breaks the rules",
        explanation: "A receiver must answer it with a connection error, so expect GOAWAY and an end of the connection. A \
             sender with a bug, an attack, or a device that changed what it does not understand. Told once per \
             direction; headers that follow may not be decodable.",
        reference: Some("RFC 9113 5.4.1"),
    },
    Entry {
        code: "http2.rapid-reset",
        severities: WARNING,
        title: "the client opened and reset many streams at once",
        explanation: "Each costs the server work and never counts against its limit of open streams: so do attacks known as \
             rapid reset (CVE-2023-44487), and clients that give up on everything at once.",
        reference: Some("RFC 9113 10.5"),
    },
    Entry {
        code: "http2.limit",
        severities: WARNING,
        title: "more came in an HTTP/2 connection than is kept",
        explanation: "A limit that bounds memory was reached: header blocks and what they unpack to, the table that headers \
             refer to, or the streams open at once. Fields are left out, or a stream is reported before it is over. No \
             real client or server needs as much: this is how header bombs and floods of frames look.",
        reference: None,
    },
    Entry {
        code: "grpc.error",
        severities: ANY,
        title: "a gRPC call failed",
        explanation: "A gRPC call's outcome stands in the trailers (grpc-status), while the HTTP status is 200 all the same. \
             UNAVAILABLE and INTERNAL are the server's, DEADLINE_EXCEEDED is the client's patience, the others say what \
             was wrong with the call.",
        reference: None,
    },
];
