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

/// Bytes of the first read of a file: many files opened together (a rotated set) hold one such buffer each.
pub const FIRST_READ_BYTES: usize = 1 << 16;

/// Longest pcapng block that is held in memory, in bytes (Wireshark's own limit); a longer one is damage.
pub const MAX_BLOCK_BYTES: usize = 16 << 20;

/// Interfaces of one pcapng file: more than any machine has, few enough that a hostile file fills no memory.
pub const MAX_INTERFACES: usize = 1 << 14;

/// Bytes of TLS secrets kept from one capture: some 200 000 sessions.
pub const MAX_SECRET_BYTES: usize = 64 << 20;

/// Comments kept from one capture until they are taken.
pub const MAX_COMMENTS: usize = 1024;
