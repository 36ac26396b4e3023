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

/// Bytes one DNS record's data may take as text: above what 64 KiB of octets need in hex. Only lists of compressed
/// names could exceed it; they are printed as octets then.
pub const MAX_DNS_DATA_TEXT_BYTES: usize = 1 << 18;

/// DNS records listed per section of one message; 64 KiB could hold some 6000 empty ones.
pub const MAX_DNS_RECORDS: usize = 4096;

/// Questions listed of one DNS message.
pub const MAX_DNS_QUESTIONS: usize = 256;

/// DNS queries of one flow that wait for their answer; the oldest is reported unanswered when one more comes.
pub const MAX_DNS_OUTSTANDING: usize = 1024;

/// Answered DNS transactions of one flow remembered to recognise repeated answers.
pub const MAX_DNS_ANSWERED: usize = 64;

/// Records listed of a DNS query that waits for its answer: an UPDATE or NOTIFY carries few, and many queries may wait.
pub const MAX_DNS_QUERY_RECORDS: usize = 16;

/// Zone transfers followed at once in one connection; real ones hold one.
pub const MAX_DNS_TRANSFERS: usize = 4;

/// Bytes of records kept of one zone transfer, beyond its first message: a zone may be of any size.
pub const MAX_DNS_TRANSFER_BYTES: usize = 1 << 20;
