//! Every cap in the program, with its unit and reason. Reaching one is reported, never silent.

/// Fixed number of parts the flows are divided into. Caps, evictions and expiry are per shard, so that nothing
/// depends on how many workers there are.
pub const SHARDS: usize = 64;

/// Open flows at most, all shards together: about 1 GiB at the worst.
pub const MAX_FLOWS: usize = 2_000_000;

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

/// Encapsulations followed inside one packet.
pub const MAX_TUNNEL_DEPTH: u8 = 8;

/// Bytes in a capture's read buffer.
pub const READ_BUFFER_BYTES: usize = 1 << 20;

/// Longest TLS handshake message that is put together from several records or datagrams, in bytes: a long certificate
/// chain. Longer ones pass unread.
pub const MAX_HANDSHAKE_MESSAGE_BYTES: usize = 1 << 18;

/// Certificates read from one message: longer chains are hostile.
pub const MAX_CERTIFICATES: usize = 32;

/// TLS hellos reported per flow: renegotiations that are not encrypted are rare.
pub const MAX_TLS_HELLOS: usize = 64;

/// Alerts listed per TLS handshake.
pub const MAX_TLS_ALERTS: usize = 16;

/// Phases listed per TLS handshake: twice what the longest handshake has.
pub const MAX_TLS_PHASES: usize = 64;

/// DTLS handshake messages being put together at once, per direction: a flight has fewer.
pub const MAX_DTLS_MESSAGES: usize = 16;

/// Bytes searched for the next TLS record after a gap before a direction is given up: some of the longest records.
pub const MAX_TLS_SEARCH_BYTES: usize = 1 << 20;

/// Longest DTLS handshake message put together from fragments, in bytes; all of a direction's together hold no more.
/// One small fragment makes room for the whole message, so this is less than over TCP.
pub const MAX_DTLS_MESSAGE_BYTES: usize = 1 << 16;

/// Separate ranges of a DTLS message: more would make each further fragment costly.
pub const MAX_DTLS_RANGES: usize = 128;
