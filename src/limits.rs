//! Every cap in the program, with its unit and reason. Reaching one is reported, never silent: those that a flow or a
//! reader may reach again and again are a [`Limit`] each, counted and told once for the whole capture.

mod applications;
mod checks;
mod neighborhood;
pub mod promises;
mod statistics;

pub use applications::*;
pub use checks::*;
pub use neighborhood::*;
pub use statistics::*;

/// A cap as it is told to the user when it was reached.
#[derive(Debug)]
pub struct Limit {
    /// Code of the finding.
    pub code: &'static str,
    /// What happened each time, after the number of times: `1000 flows were closed early`.
    pub what: &'static str,
    /// Why it is so and what to do.
    pub explanation: &'static str,
}

/// [`MAX_FLOWS`] and [`MAX_FLOW_BYTES`], or what the user set.
pub static FLOWS: Limit = Limit {
    code: "capture.flow-limit",
    what: "flows were closed early to make room for others",
    explanation: "To bound memory, a flow of a part of the table is closed when a new one needs its place: the idlest of those \
                  that nobody has answered or that are over, as long as they are a quarter of all, else the idlest. What \
                  follows of it is reported as another flow. Raise --max-flows or --max-memory, or filter the capture.",
};

/// [`MAX_FRAGMENTED_DATAGRAMS`] and [`MAX_FRAGMENT_BYTES`].
pub static FRAGMENTS: Limit = Limit {
    code: "capture.fragment-limit",
    what: "incomplete IP datagrams were given up to make room for others",
    explanation: "To bound memory, only so many fragmented datagrams are put together at once; the oldest is given up, and \
                  what it carried is missing from its flow. Many incomplete datagrams at once are an attack or heavy loss.",
};

/// 65535 paths of protocols.
pub static PROTOCOL_PATHS: Limit = Limit {
    code: "capture.protocol-limit",
    what: "packets are missing from the protocol hierarchy",
    explanation: "The hierarchy holds 65535 different stacks of protocols; packets with further ones were analyzed but not \
                  counted there. No real network has so many: the capture is damaged or made to confuse.",
};

/// [`MAX_OUT_OF_ORDER_BYTES`], [`MAX_OUT_OF_ORDER_SEGMENTS`] and [`MAX_PENDING_BYTES`].
pub static REASSEMBLY: Limit = Limit {
    code: "tcp.reassembly-limit",
    what: "times more was held back in a TCP stream than is kept, and a part of it was given up",
    explanation: "To bound memory, bytes that wait for a hole to be filled, or for the end of a message, are kept up to a \
                  limit. Beyond it the hole, or the message, is treated as lost: the protocol above goes on behind it.",
};

/// [`MAX_INNER_CHANNELS`], and the buffers of those streams.
pub static INNER_STREAMS: Limit = Limit {
    code: "capture.inner-limit",
    what: "times bytes inside another protocol were left out",
    explanation: "To bound memory, only so many streams inside one flow are read, and only so much of each is held back.",
};

/// [`MAX_DNS_OUTSTANDING`] and the numbers of records and questions listed.
pub static DNS: Limit = Limit {
    code: "dns.limit",
    what: "times more DNS queries or records came than are kept",
    explanation: "To bound memory, only so many queries of one flow wait for their answer, and only so many records of one \
                  message are listed; what is beyond is left out.",
};

/// [`MAX_HTTP2_STREAMS`], [`MAX_HTTP2_FRAME_BYTES`], [`MAX_HTTP2_HEADER_BLOCK_BYTES`], [`MAX_HTTP2_HEADER_LIST_BYTES`],
/// [`MAX_HTTP_FIELDS`], [`MAX_HPACK_TABLE_BYTES`], [`MAX_HTTP2_SEARCH_BYTES`].
pub static HTTP2: Limit = Limit {
    code: "http2.limit",
    what: "times more came in an HTTP/2 connection than is kept",
    explanation: "To bound memory, header blocks and what they unpack to, the table that headers refer to, and the streams \
                  open at once are kept up to a limit. Beyond it fields are left out, or a stream is reported before it is \
                  over. No real client or server needs as much: this is how header bombs and floods of frames look.",
};

/// [`MAX_HANDSHAKE_MESSAGE_BYTES`], [`MAX_CERTIFICATES`] and the like.
pub static TLS: Limit = Limit {
    code: "tls.limit",
    what: "times more came in a TLS handshake than is kept",
    explanation: "To bound memory, handshake messages are read up to a length, and only so many certificates, alerts and \
                  fragments of one handshake are kept; what is beyond is left out.",
};

/// [`MAX_QUIC_RETRIES`].
pub static QUIC: Limit = Limit {
    code: "quic.limit",
    what: "times more came in a QUIC connection than is kept",
    explanation: "To bound memory, only so many Retry packets of one connection attempt are remembered; if the client followed \
                  another one, its packets stay closed. A server sends one.",
};

/// [`MAX_COMMENTS`].
pub static COMMENTS: Limit = Limit {
    code: "capture.comment-limit",
    what: "comments in the capture file were left out",
    explanation: "To bound memory, only the first 1024 comments of a pcapng file are kept for the report. -w copies all of them.",
};

/// Fixed number of parts the flows are divided into. Caps, evictions and expiry are per shard, so that nothing
/// depends on how many workers there are.
pub const SHARDS: usize = 64;

/// Open flows at most, all shards together.
pub const MAX_FLOWS: usize = 1_000_000;

/// Bytes that all open flows may take: 262,144 TCP connections, or a million UDP flows and lone SYNs. With what the program
/// takes otherwise, no flood needs a GiB.
pub const MAX_FLOW_BYTES: u64 = 768 << 20;

/// Bytes that a lone SYN and a flow without TCP cost; measured: fuzz/README.md.
pub const BYTES_PER_SMALL_FLOW: u64 = 640;

/// Bytes that a session costs besides twice its own size, which stands for what it keeps on the heap. Measured: 0.4 kB for DNS, 2 kB
/// for a ping, 4 kB for a TLS handshake that was only begun (fuzz/README.md).
pub const BYTES_PER_SESSION: u64 = 256;

/// Bytes that a segment held out of order costs besides its own.
pub const BYTES_PER_HELD_SEGMENT: usize = 64;

/// Bytes of a stream that a session may leave unconsumed in one direction: more than any sane header, and a TLS
/// handshake message with a long certificate chain.
pub const MAX_PENDING_BYTES: usize = 1 << 18;

/// Bytes held out of order in one direction, waiting for a hole to be filled.
pub const MAX_OUT_OF_ORDER_BYTES: usize = 1 << 20;

/// Segments held out of order in one direction.
pub const MAX_OUT_OF_ORDER_SEGMENTS: usize = 1024;

/// Bytes offered to probes before a stream is given up as unknown.
pub const MAX_PROBE_BYTES: usize = 4096;

/// State transitions listed in a connection record.
pub const MAX_TRANSITIONS: usize = 64;
/// Points of a `window_series`: as many as a small chart shows, 1.5 KiB a direction at most. When there are more, every second
/// one is given up.
pub const MAX_WINDOW_SAMPLES: usize = 64;

/// Fragmented datagrams being reassembled at once.
pub const MAX_FRAGMENTED_DATAGRAMS: usize = 1024;

/// Bytes of fragments held at once.
pub const MAX_FRAGMENT_BYTES: usize = 16 << 20;

/// How long a fragmented datagram may take, in nanoseconds (RFC 791 recommends 15 s, RFC 8200 60 s).
pub const FRAGMENT_TIMEOUT_NS: i64 = 60_000_000_000;

/// Longest packet that is believed, in bytes: above any real MTU and above the largest offloaded segment.
pub const MAX_PACKET_BYTES: usize = 1 << 20;

/// Headers followed inside one packet, tunnels included.
pub const MAX_LAYERS: usize = 24;

/// Connections whose numbers `packets` shows relative to their beginning, 80 bytes each; numbers of later ones are shown
/// as they are on the wire.
pub const MAX_RELATIVE_FLOWS: usize = 1 << 18;

/// Extension headers followed in one IPv6 packet. A sender needs at most one of each and a second Destination Options
/// (RFC 8200 section 4.1); the rest is for senders who ignore that, and 256 of the shortest fill a packet of 2 KiB.
pub const MAX_EXTENSIONS: usize = 256;

/// Encapsulations followed inside one packet.
pub const MAX_TUNNEL_DEPTH: u8 = 8;

/// Bytes in a capture's read buffer: few enough that they are still in the second-level cache when they are analyzed.
pub const READ_BUFFER_BYTES: usize = 1 << 18;

/// Inner streams of one flow: QUIC connections that share a pair of ports, decrypted streams.
pub const MAX_INNER_CHANNELS: usize = 64;

/// Bytes that an open TCP connection costs, its buffers aside. Measured: 2850 with its handshake and a first segment
/// (benches/RESULTS.md).
pub const BYTES_PER_FLOW: u64 = 3072;

/// Bytes one DNS record's data may take as text: above what 64 KiB of octets need in hex. Only lists of compressed
/// names could exceed it; they are printed as octets then.
pub const MAX_DNS_DATA_TEXT_BYTES: usize = 1 << 18;

/// DNS records listed per section of one message; 64 KiB could hold some 6000 empty ones.
pub const MAX_DNS_RECORDS: usize = 4096;

/// Bytes of names and data listed per DNS message: 64 KiB of compressed names could unpack to a hundred times as much.
pub const MAX_DNS_MESSAGE_TEXT_BYTES: usize = 1 << 20;

/// Questions listed of one DNS message.
pub const MAX_DNS_QUESTIONS: usize = 256;

/// EDNS options listed of one DNS message.
pub const MAX_DNS_EDNS_OPTIONS: usize = 64;

/// DNS queries of one flow that wait for their answer; the oldest is reported unanswered when one more comes.
pub const MAX_DNS_OUTSTANDING: usize = 1024;

/// Answered DNS transactions of one flow remembered to recognise repeated answers.
pub const MAX_DNS_ANSWERED: usize = 64;
/// Bytes of an HTTP/1 start line: four times what common servers allow (8 KiB).
pub const MAX_HTTP_START_LINE_BYTES: usize = 32 << 10;

/// Bytes of an HTTP/1 start line with its header fields: half of what a stream may hold back, and above what any
/// common server or browser takes.
pub const MAX_HTTP_HEAD_BYTES: usize = 128 << 10;

/// Header fields kept of one HTTP message; those beyond only count.
pub const MAX_HTTP_FIELDS: usize = 512;

/// Bytes of one line inside a chunked body: a chunk size with its extensions, or a trailer field.
pub const MAX_HTTP_CHUNK_LINE_BYTES: usize = 16 << 10;

/// HTTP/1 requests of one connection that wait for their response: more than any client pipelines.
pub const MAX_HTTP_PIPELINED: usize = 256;

/// Informational (1xx) responses kept before one final response.
pub const MAX_HTTP_INFORMATIONAL: usize = 16;

/// Bytes of HPACK's dynamic table kept per direction: what browsers offer (65536), sixteen times the default.
pub const MAX_HPACK_TABLE_BYTES: usize = 64 << 10;

/// Longest HTTP/2 frame read whole, in bytes: eight times the default maximum. DATA passes unread, of any length.
pub const MAX_HTTP2_FRAME_BYTES: usize = 128 << 10;

/// Bytes of one header block, a HEADERS frame with its CONTINUATION frames: above what any common server takes.
pub const MAX_HTTP2_HEADER_BLOCK_BYTES: usize = 256 << 10;

/// Bytes of fields kept of one header block, as RFC 9113 6.5.2 counts them (name, value and 32 each). A block may unpack
/// to 4000 times its length; what is beyond is decoded for the table's sake only.
pub const MAX_HTTP2_HEADER_LIST_BYTES: usize = 256 << 10;

/// Streams of one HTTP/2 connection open at once: ten times what servers usually allow.
pub const MAX_HTTP2_STREAMS: usize = 1024;

/// Streams that ended, remembered so that what still comes of them is not taken for new ones.
pub const MAX_HTTP2_ENDED_STREAMS: usize = 256;

/// Bytes searched for the next HTTP/2 frame after a gap before a direction is given up: some of the longest frames.
pub const MAX_HTTP2_SEARCH_BYTES: usize = 1 << 20;
/// Bytes a compressed Certificate message (RFC 8879) may unpack to: what an uncompressed one may have
/// ([`MAX_HANDSHAKE_MESSAGE_BYTES`]). The format allows 16 MiB.
pub const MAX_UNPACKED_CERTIFICATE_BYTES: usize = MAX_HANDSHAKE_MESSAGE_BYTES;

/// Compressed Certificate messages unpacked per handshake: one of each side, and some of a client that is asked again.
pub const MAX_COMPRESSED_CERTIFICATES: usize = 4;

/// Longest TLS handshake message that is put together from several records or datagrams, in bytes: a long certificate
/// chain. Longer ones pass unread.
pub const MAX_HANDSHAKE_MESSAGE_BYTES: usize = 1 << 18;

/// Certificates read from one message: longer chains are hostile.
pub const MAX_CERTIFICATES: usize = 32;

/// Signed certificate timestamps listed of one certificate, staple or extension: browsers ask for two or three, the most
/// seen is some ten.
pub const MAX_SCTS: usize = 32;

/// Statements read of one OCSP response: a staple is about one certificate.
pub const MAX_OCSP_RESPONSES: usize = 32;

/// Certificates of responders tried in one OCSP response: one is usual.
pub const MAX_OCSP_CERTIFICATES: usize = 4;

/// TLS hellos reported per flow: renegotiations that are not encrypted are rare.
pub const MAX_TLS_HELLOS: usize = 64;

/// Certificate chains whose verdict a worker keeps: reaching it costs time only, as they are judged again.
pub const MAX_KEPT_VERDICTS: usize = 1024;

/// SNMP and NetBIOS requests of a flow that wait for their answer; of more the oldest counts as unanswered.
pub const MAX_OUTSTANDING_REQUESTS: usize = 256;

/// Virtual routers kept of one flow of VRRP or CARP: a router has a few dozen of its 255 on a link.
pub const MAX_VIRTUAL_ROUTERS: usize = 64;

/// Times without a longer silence kept of one master of a virtual router.
pub const MAX_REIGNS: usize = 32;

/// Priorities told of one master of a virtual router.
pub const MAX_PRIORITIES: usize = 8;

/// Security associations, or compression parameters, told of one flow: rekeying makes a new one each hour or so. As many as
/// facts fit into a record, but for one.
pub const MAX_SECURITY_ASSOCIATIONS: usize = MAX_APPLICATION_FACTS - 1;

/// Sessions listed of one flow of RSVP.
pub const MAX_RSVP_SESSIONS: usize = 16;

/// Routers compared with others on their links: some 0.5 MB of what they said.
pub const MAX_COMPARED_ROUTERS: usize = 1024;

/// Pairs of routers told of that cannot become neighbours.
pub const MAX_LINK_FINDINGS: usize = 64;

/// Longest user name or host name that SOCKS 4 may end with a zero byte, in bytes; names have 255 at most.
pub const MAX_SOCKS_TEXT_BYTES: usize = 512;

/// Longest element of XMPP which is waited for before TLS is asked for, in bytes; longer ones pass. Requests for TLS have a few
/// dozen.
pub const MAX_STARTTLS_LINE_BYTES: usize = 4096;

/// Bytes of a connection that may pass before TLS is asked for (STARTTLS); greetings and capabilities are far shorter.
pub const MAX_BEFORE_STARTTLS: u64 = 1 << 16;

/// Alerts listed per TLS handshake.
pub const MAX_TLS_ALERTS: usize = 16;

/// Distinguished names listed of certificate_authorities in one TLS message: servers that name all they trust have 150.
pub const MAX_LISTED_AUTHORITIES: usize = 32;

/// Phases listed per TLS handshake: twice what the longest handshake has.
pub const MAX_TLS_PHASES: usize = 64;

/// DTLS handshake messages being put together at once, per direction: a flight has fewer.
pub const MAX_DTLS_MESSAGES: usize = 16;

/// Bytes searched for the next TLS record after a gap before a direction is given up: some of the longest records.
pub const MAX_TLS_SEARCH_BYTES: usize = 1 << 20;
/// Records in a row that keys may fail to open before a direction's records pass unread: more than a peer would send after
/// the first that does not authenticate, which ends its connection.
pub const MAX_TLS_FAILURES: u32 = 32;

/// Attempts of that kind in one direction of a flow, in all.
pub const MAX_TLS_KEY_ATTEMPTS: u32 = 1 << 14;

/// Bytes of early data held until the server is seen to take it; OpenSSL allows 16 KiB.
pub const MAX_TLS_EARLY_BYTES: usize = 1 << 18;

/// Bytes of an encrypted premaster secret: an RSA modulus of 16384 bits.
pub const MAX_RSA_BYTES: usize = 2048;

/// Rows of a section that a table shows unless asked for all: what a person still reads.
pub const TABLE_ROWS: usize = 20;

/// Flows of one shard that a display looks at each time, those that moved last: all that are open where there are not more than
/// 4096 of them, and no more work however many there are (`tests/glance.rs` says how much).
pub const GLANCE_FLOWS: usize = 64;

/// Connections of one shard that were opened last, which a display looks at besides.
pub const GLANCE_NEWEST: usize = 16;

/// Flows of one shard in which something waits, which a display keeps in sight.
pub const GLANCE_KEPT: usize = 16;

/// Rows of each kind that a display is given: more than a terminal has lines.
pub const GLANCE_ROWS: usize = 100;

/// Rows of each kind that a display keeps of what is complete, to be scrolled through.
pub const SCREEN_ROWS: usize = 200;

/// Rows of each kind that a display takes in between two looks, a quarter of a second: nobody reads more, and making one costs
/// microseconds.
pub const SCREEN_ROWS_AT_ONCE: usize = 50;

/// Names of servers that a display remembers for the connections it shows.
pub const SCREEN_NAMES: usize = 4096;

/// Rows of a section that Markdown and HTML hold when asked for all; they are kept in memory until the end.
pub const MAX_DOCUMENT_ROWS: usize = 100_000;

/// Hosts counted for the busiest ones before the quietest half is forgotten: about 1 MiB.
pub const MAX_TALKERS: usize = 16_384;

/// Codes of findings listed in a report; the catalogue has fewer.
pub const MAX_FINDING_CODES: usize = 256;
/// Bytes of the first read of a file: many files opened together (a rotated set) hold one such buffer each.
pub const FIRST_READ_BYTES: usize = 1 << 16;

/// Longest pcapng block that is held in memory, in bytes (Wireshark's own limit); a longer one is damage.
pub const MAX_BLOCK_BYTES: usize = 16 << 20;

/// Interfaces of one pcapng file: more than any machine has, few enough that a hostile file fills no memory.
pub const MAX_INTERFACES: usize = 1 << 14;

/// Bytes of TLS secrets kept from one capture: some 200 000 sessions.
pub const MAX_SECRET_BYTES: usize = 64 << 20;

/// Bytes of the newest TLS secrets that each further file of a rotated capture begins with: some 3000 sessions. A session's
/// secrets open nothing without its handshake, so what is older is of no use there.
pub const MAX_CARRIED_SECRET_BYTES: usize = 1 << 20;

/// Comments kept from one capture until they are taken.
pub const MAX_COMMENTS: usize = 1024;
/// QUIC connections followed at once between the same two ports: one is usual, load generators reuse ports.
pub const MAX_QUIC_CONNECTIONS: usize = 64;

/// Control packets of OpenVPN held until those before them come, per direction and key: its window is 8 packets.
pub const MAX_OPENVPN_EARLY_PACKETS: usize = 8;

/// Longest of them, in bytes: they are made to fit a datagram.
pub const MAX_OPENVPN_EARLY_BYTES: usize = 2048;

/// Retry packets remembered per QUIC connection: one answers each Initial packet of a client's first flight.
pub const MAX_QUIC_RETRIES: usize = 8;

/// CRYPTO bytes taken per QUIC connection, at all levels and of both sides; those of a handshake with long certificate
/// chains on both sides, and some tickets. Retransmitted ones count again.
pub const MAX_QUIC_CRYPTO_BYTES: usize = 1 << 19;

/// How far, in bytes, CRYPTO data may lie ahead of what is next at its level: hellos and chains are a few KiB, with
/// post-quantum keys too, and endpoints need not keep more than 4 KiB (RFC 9000 7.5).
pub const MAX_QUIC_CRYPTO_AHEAD_BYTES: u64 = 1 << 16;

/// Pieces of CRYPTO data held per level until those before them come: browsers cut a ClientHello into some twenty.
pub const MAX_QUIC_CRYPTO_PIECES: usize = 128;

/// Packets of a QUIC direction for which keys of more than one update ahead are derived: those that do not open are forged
/// or damaged, but for the first behind a long hole in the capture.
pub const MAX_QUIC_UPDATE_ATTEMPTS: u32 = 256;

/// Connection IDs remembered per side of a QUIC connection: endpoints keep eight or fewer in use.
pub const MAX_QUIC_CONNECTION_IDS: usize = 16;

/// Address pairs in the list of those that moved most bytes.
pub const TOP_TALKERS: usize = 256;

/// Records listed of a DNS query that waits for its answer: an UPDATE or NOTIFY carries few, and many queries may wait.
pub const MAX_DNS_QUERY_RECORDS: usize = 16;

/// Zone transfers followed at once in one connection; real ones hold one.
pub const MAX_DNS_TRANSFERS: usize = 4;

/// Bytes of records kept of one zone transfer, beyond its first message: a zone may be of any size.
pub const MAX_DNS_TRANSFER_BYTES: usize = 1 << 20;

/// Longest DTLS handshake message put together from fragments, in bytes; all of a direction's together hold no more.
/// One small fragment makes room for the whole message, so this is less than over TCP.
pub const MAX_DTLS_MESSAGE_BYTES: usize = 1 << 16;

/// Separate ranges of a DTLS message: more would make each further fragment costly.
pub const MAX_DTLS_RANGES: usize = 128;

/// When a capture is over, open flows are closed in rounds of those that so many packets opened, so that their records are
/// never all in memory.
pub const FINISHED_AT_ONCE: u64 = 2048;

/// Segments that `connection` holds back until it is known whether they were lost: more than a large window holds.
pub const MAX_SEGMENTS_HELD: usize = 4096;

/// Lines that `connection` draws unless asked for all; what lies between its beginning and its end is summed up.
pub const MAX_LADDER_ROWS: usize = 300;

/// The same in an SVG picture, which must stay one that can be looked at: some 6000 pixels high.
pub const MAX_PICTURE_ROWS: usize = 160;
/// Connections remembered until the end of a capture, to be compared with one another: 10 MB of them.
pub const MAX_COMPARED_CONNECTIONS: usize = 1 << 16;

/// Hosts and servers of which it is remembered how often connections to or from them failed.
pub const MAX_WATCHED_HOSTS: usize = 4096;

/// Authorities that are not trusted of which it is remembered for whom they sign: a network has a handful.
pub const MAX_COMPARED_AUTHORITIES: usize = 256;

/// Sites remembered of each: three are enough to tell something.
pub const MAX_COMPARED_SITES: usize = 64;

/// DNS transactions remembered until the end of a capture, to be compared with one another: some 10 MB of them.
pub const MAX_COMPARED_QUERIES: usize = 1 << 14;

/// Truncated DNS answers that wait to be asked for again over TCP.
pub const MAX_TRUNCATED_ANSWERS: usize = 256;

/// Records, servers and addresses listed of one answer in a resolution, and answers listed of a name with several
/// addresses.
pub const MAX_LISTED_IN_STEP: usize = 16;

/// Queries listed of one resolution: a cold resolver needs some ten, with DNSSEC some thirty.
pub const MAX_RESOLUTION_STEPS: usize = 64;

/// Names one resolution is after: aliases and the names of servers.
pub const MAX_RESOLUTION_NAMES: usize = 64;

/// Questions one resolver works on at once, as far as its queries are told apart.
pub const MAX_OPEN_RESOLUTIONS: usize = 32;

/// Addresses listed of a name with several.
pub const MAX_SHARED_ADDRESSES: usize = 64;

/// Connections listed that chose one of them.
pub const MAX_CHOSEN_CONNECTIONS: usize = 32;

/// [`MAX_COMPARED_QUERIES`].
pub static DNS_COMPARISON: Limit = Limit {
    code: "dns.comparison-limit",
    what: "DNS transactions were not compared with all others",
    explanation: "To bound memory, only the first 16,384 DNS transactions of a capture are joined into resolutions and \
                  compared with one another. All of them are reported.",
};

/// [`MAX_COMPARED_AUTHORITIES`] and [`MAX_COMPARED_SITES`].
pub static TLS_COMPARISON: Limit = Limit {
    code: "tls.comparison-limit",
    what: "TLS handshakes were not looked at for signs of inspection",
    explanation: "To bound memory, only the first 256 authorities that are not trusted, and the first 64 sites of each, are \
                  compared. All handshakes are reported.",
};

/// [`MAX_COMPARED_CONNECTIONS`] and [`MAX_WATCHED_HOSTS`].
pub static COMPARISON: Limit = Limit {
    code: "capture.comparison-limit",
    what: "TCP connections were not compared with all others",
    explanation: "To bound memory, only the first 65,536 connections of a capture are compared with one another (address \
                  translation, initial sequence numbers), and failures are counted for 4,096 hosts. Filter the capture to \
                  see the others.",
};

/// Longest object that `--export-objects` writes, in bytes, decoded: one fits on any disk, and larger downloads are images
/// and archives that the capture's own server gives out better.
pub const MAX_OBJECT_BYTES: u64 = 1 << 30;

/// Times that decoded content may be as long as what was sent: what Apache httpd believes
/// (`DeflateInflateRatioLimit`). Text gains 3 to 20 times; bombs gain 1000 times with gzip, more with others.
pub const MAX_OBJECT_RATIO: u64 = 200;

/// Bytes of decoded content to which [`MAX_OBJECT_RATIO`] does not apply: small content that gains much does no harm.
pub const FREE_OBJECT_BYTES: u64 = 16 << 20;

/// Content codings taken off one message; real ones have one.
pub const MAX_CONTENT_CODINGS: usize = 4;

/// Window of zstd content, as a power of two: 8 MiB (RFC 9659 3).
pub const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// Objects that `--export-objects` writes in one run: more files in one directory serve nobody.
pub const MAX_EXPORTED_OBJECTS: u64 = 100_000;

/// Bytes that it writes in one run.
pub const MAX_EXPORTED_BYTES: u64 = 16 << 30;

/// Messages whose content is being collected at once; with [`OBJECT_BUFFER_BYTES`] of each in memory, 64 MiB.
pub const MAX_OPEN_OBJECTS: usize = 4096;

/// Bytes of content held in memory before it goes to a file.
pub const OBJECT_BUFFER_BYTES: usize = 16 << 10;

/// Bytes of a file name that `--export-objects` gives: below the 255 of file systems, with room for a number.
pub const MAX_OBJECT_NAME_BYTES: usize = 160;

/// Cookies listed of one message: browsers keep 180 for a site at most.
pub const MAX_HTTP_COOKIES: usize = 256;

/// HTTP transactions remembered at once for each of what others may belong to: redirects, cookies that were set, failures that
/// may be tried again, and requests that a proxy may have passed on.
pub const MAX_JOINED_TRANSACTIONS: usize = 4096;

/// Those among them with the same method and path that are looked through for the other leg of a request.
pub const MAX_SAME_REQUESTS: usize = 16;

/// Different broken rules told of one WebSocket connection.
pub const MAX_WEBSOCKET_FAULTS: usize = 16;

/// [`MAX_WEBSOCKET_FAULTS`].
pub static WEBSOCKET: Limit = Limit {
    code: "websocket.limit",
    what: "times more broken rules were met in a WebSocket connection than are told",
    explanation: "Only the first 16 kinds of broken rules of one connection are told: it is hardly a WebSocket.",
};

/// Chunk extensions listed of one transaction, each different from the others.
pub const MAX_CHUNK_EXTENSIONS: usize = 16;
/// Bytes of a display filter: far more than anybody types; a list of thousands of addresses fits.
pub const MAX_FILTER_BYTES: usize = 1 << 18;

/// Levels of parentheses and operators inside each other in a display filter: bounds the stack that asking it takes.
pub const MAX_FILTER_DEPTH: usize = 64;

/// Regular expressions in a display filter; more alternatives fit into one.
pub const MAX_FILTER_PATTERNS: usize = 32;

/// Bytes that the compiled form of a regular expression in a display filter may take, and as many for its cache: with
/// [`MAX_FILTER_PATTERNS`] no filter takes more than 64 MiB.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Bytes of a followed stream that are held back until it is known whether secrets open it: TLS handshakes, and what is
/// said before STARTTLS, are far shorter.
pub const MAX_FOLLOW_HELD_BYTES: usize = 1 << 20;

/// Pieces of a followed stream that are held back for the same reason.
pub const MAX_FOLLOW_HELD: usize = 16 << 10;

/// Flows of `live -Y` that are remembered to have a packet that passed; 50 MB. The one that passed first is forgotten first.
pub const MAX_PASSING_FLOWS: usize = 1 << 20;

/// What [`LIVE_QUEUE_BYTES`] left out of the analysis of `live -w`.
pub static NOT_ANALYZED: Limit = Limit {
    code: "capture.not-analyzed",
    what: "packets were captured and written, but not analyzed",
    explanation: "The analysis had fallen behind the capture and the queue in memory was full. With -w the file comes first: the \
                  packets are in it, under the numbers that are missing here. Analyze the file to have the whole report, or \
                  capture fewer packets with -f.",
};

/// Bytes of captured packets that wait in memory for the analysis of `live -w`, beside the kernel's buffer: half a second
/// of a full gigabit, so that a burst or a slow disk of the report's reader costs nothing. Without `-w` packets wait in
/// the kernel's buffer only.
pub const LIVE_QUEUE_BYTES: usize = 64 << 20;

/// Bytes of one interface's packets that wait in `live` until those of the other interfaces are known to be later. When
/// an interface brings more within some 30 ms (4 Gbit/s), the order between interfaces is given up for them.
pub const LIVE_MERGE_BYTES: usize = 16 << 20;

/// Changes of a live interface (down, up, gone) that are listed.
pub const MAX_INTERFACE_EVENTS: usize = 16;

/// Numbers that a TLS record may have after a gap, or when its secrets came late, which are all tried: a gap that a
/// handshake's or a window's worth of records fits in.
pub const TLS_NUMBER_WINDOW: u32 = 64;
