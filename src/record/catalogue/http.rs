//! Findings about HTTP.
use super::{ERROR, Entry, NOTE, NOTE_OR_WARNING, WARNING, WARNING_OR_ERROR};

pub static ENTRIES: &[Entry] = &[
    Entry {
        code: "http.server-error",
        severities: WARNING_OR_ERROR,
        title: "the server answered with 5xx",
        explanation: "The server, or one behind it, failed although the request may be fine. 502 and 504 come from a \
             gateway: the server behind it refused, closed or reset the connection (502), or was too slow (504); \
             look behind the gateway. 503 is a server that is overloaded or taken out of service. After 500, the \
             server's log knows why.",
        reference: Some("RFC 9110 15.6"),
    },
    Entry {
        code: "http.client-error",
        severities: NOTE,
        title: "the server answered with 4xx",
        explanation: "The server says that the request is at fault: nothing under this target (404), no or wrong \
             credentials (401, 403), too many requests (429), a request that cannot be understood (400).",
        reference: Some("RFC 9110 15.5"),
    },
    Entry {
        code: "http.truncated-body",
        severities: WARNING,
        title: "a response ended before it was complete",
        explanation: "The connection ended before all of the announced content had come, so what the client holds is \
             incomplete. The server failed while it wrote, or something between the two cut the connection, often \
             after a time limit.",
        reference: Some("RFC 9112 8"),
    },
    Entry {
        code: "http.slow",
        severities: NOTE,
        title: "the first byte of a response took long",
        explanation: "The request had arrived whole, and the server took this long to begin its answer, network included. \
             Compare with the connection's round trip: what is more than that is the server's time.",
        reference: None,
    },
    Entry {
        code: "http.no-response",
        severities: WARNING_OR_ERROR,
        title: "a request got no response",
        explanation: "The connection ended before any answer came. Closed by the server: a keep-alive timeout that crossed \
             the request (see tcp.close-race), or a server that gave up. Closed by the client: its timeout is \
             shorter than the server's work. Reset: the server crashed or closed with the request unread, or a \
             device in between cut the connection. Repeat the request only when its method is idempotent.",
        reference: Some("RFC 9112 9.3.1"),
    },
    Entry {
        code: "http.to-tls-port",
        severities: ERROR,
        title: "plain HTTP was sent to a port that expects TLS",
        explanation: "The server's answer says so: a TLS alert, or the page \"The plain HTTP request was sent to \
             HTTPS port\". The address should begin with https, or the port is the wrong one. Behind a proxy, look \
             whether it is set to speak TLS to this server.",
        reference: Some("RFC 9110 4.2.2"),
    },
    Entry {
        code: "http.malformed-body",
        severities: WARNING,
        title: "a chunked body is not chunked as it says",
        explanation: "A chunk has no valid size, or no line end behind it, so where the message ends cannot be told, and \
             what follows on the connection cannot be read.",
        reference: Some("RFC 9112 7.1"),
    },
    Entry {
        code: "http.smuggling-risk",
        severities: WARNING,
        title: "two recipients may disagree about where a message ends",
        explanation: "The message has two lengths, or a length in a form that is not allowed. A proxy and the server behind \
             it may read it differently: what one takes for content, the other may take for the next request. That \
             is how requests are smuggled past a proxy's rules.",
        reference: Some("RFC 9112 6.3, 11.2"),
    },
    Entry {
        code: "http.plaintext-credentials",
        severities: NOTE,
        title: "credentials travel without encryption",
        explanation: "Everybody on the path can read them, and they are in this capture. Use HTTPS, and change the \
             password.",
        reference: Some("RFC 7617 4"),
    },
    Entry {
        code: "http.invalid-host",
        severities: NOTE_OR_WARNING,
        title: "a request without Host, or with several",
        explanation: "A server must answer 400 to such a request in HTTP/1.1. A proxy and a server that choose by different \
             fields, or by none, may send it to different sites; several Host fields are also a way past a proxy's rules.",
        reference: Some("RFC 9112 3.2"),
    },
    Entry {
        code: "websocket.accept-mismatch",
        severities: WARNING,
        title: "the server's answer to the WebSocket key is wrong",
        explanation: "The server must answer the client's random key with a hash of it. Another answer is a cached one, or \
             comes from a server that does not speak WebSocket; the client has to fail the connection.",
        reference: Some("RFC 6455 4.2.2"),
    },
    Entry {
        code: "websocket.malformed",
        severities: WARNING,
        title: "a WebSocket frame breaks the protocol",
        explanation: "A frame of the client without a mask, a reserved opcode or bit, a fragmented or overlong control frame, a \
             continuation of nothing: who receives it must fail the connection. Either it is no WebSocket, or one of the \
             two, or a proxy between them, does not follow the protocol.",
        reference: Some("RFC 6455 5"),
    },
    Entry {
        code: "websocket.closed-abnormally",
        severities: NOTE_OR_WARNING,
        title: "a WebSocket connection was closed with a code of failure",
        explanation: "Only 1000 (done) and 1001 (going away) are a normal end. Others say why it failed: 1002 and 1007 are broken \
             protocol or text, 1008 a rule of the application, 1009 a message that is too big, 1011 a failure of the \
             server. Codes from 3000 on mean what the application says.",
        reference: Some("RFC 6455 7.4"),
    },
    Entry {
        code: "websocket.no-close",
        severities: NOTE,
        title: "a WebSocket connection ended without a Close frame",
        explanation: "Its programs see code 1006. A program that ended or crashed, the idle timeout of a proxy or translator, or \
             a network that was lost. Pings more often than that timeout keep the connection open.",
        reference: Some("RFC 6455 7.1.5"),
    },
    Entry {
        code: "websocket.limit",
        severities: NOTE,
        title: "more broken rules than are told",
        explanation: "Only the first 16 kinds of broken rules of one WebSocket connection are told: it is hardly one.",
        reference: None,
    },
    Entry {
        code: "http.redirect-chain",
        severities: WARNING,
        title: "many redirects in a row",
        explanation: "A client was sent on five times in a row. Each costs a round trip at least. Where they lead back to where \
             they began (a cookie that is not kept, http and https that send to one another), the client gives up in the \
             end; browsers do after 20.",
        reference: Some("RFC 9110 15.4"),
    },
    Entry {
        code: "http.gateway-cause",
        severities: ERROR,
        title: "what was behind a gateway's 502, 503 or 504",
        explanation: "The capture holds both legs of the request: what the client asked the gateway, and what the gateway asked \
             the server behind it. The finding names that server, and whether it failed itself or had not answered when \
             the gateway gave up. Both legs are joined by identifiers they carry (traceparent, X-Request-ID), by \
             X-Forwarded-For, or by method, target, addresses and times.",
        reference: Some("RFC 9110 15.6"),
    },
    Entry {
        code: "http.proxied",
        severities: NOTE,
        title: "a proxy or balancer passes requests on",
        explanation: "Requests were seen on both sides of it, so its choice of servers and its own delay can be told. Each `http` \
             record says which request it was sent for (`forwarded_from`) or as what it was passed on (`forwarded_as`), \
             and how certain that is.",
        reference: Some("RFC 9110 3.7"),
    },
    Entry {
        code: "http.decompression-bomb",
        severities: WARNING,
        title: "content becomes far longer when it is decoded",
        explanation: "Told with --export-objects. Decoding was stopped where the content became 200 times as long as what was \
             sent and more than 16 MiB, or longer than 1 GiB. No usual content gains as much: this is how decompression \
             bombs look, which fill the memory or the disk of who opens them.",
        reference: Some("RFC 9110 8.4"),
    },
    Entry {
        code: "http.undecodable-content",
        severities: WARNING,
        title: "content is not coded as its header says",
        explanation: "Told with --export-objects. Content-Encoding or Transfer-Encoding names a coding, but the content does \
             not decode, or ends in the middle. Its recipient fails on it: a server or proxy that coded twice, not at \
             all, or broke off, or content that was changed on the way.",
        reference: Some("RFC 9110 8.4"),
    },
    Entry {
        code: "http.export-limit",
        severities: NOTE,
        title: "objects were not written, as a limit was reached",
        explanation: "Told with --export-objects. One run writes at most 100,000 objects and 16 GiB, and collects 4,096 at \
             once. Filter the capture (-f) to get the others.",
        reference: None,
    },
    Entry {
        code: "http.limit",
        severities: NOTE,
        title: "more came in a message than is kept",
        explanation: "A limit that bounds memory was reached on this connection: a start line, header or chunk line longer \
             than any common server takes, or more requests in flight. Its HTTP records may be incomplete.",
        reference: None,
    },
];
