//! `report`, the first record of a run, and `capture`, the last: what was read, and what was wrong with it.
use schemars::JsonSchema;
use serde::Serialize;

use super::Timestamp;

/// The version of the record format; bumped when a field is renamed or dropped.
pub const SCHEMA_VERSION: &str = "1";

/// First record of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Report {
    /// Version of these records.
    pub schema_version: &'static str,
    /// Version of wireglass.
    pub version: &'static str,
    /// The captures, as given.
    pub files: Vec<String>,
}

/// A capture: what it holds and whether it was whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Capture {
    /// Name as given.
    pub file: String,
    /// `pcap` or `pcapng`, with the compression after a plus sign (`pcap+gzip`); `live`.
    pub format: String,
    /// `little` or `big`; null for a live capture.
    pub byte_order: Option<String>,
    /// Link types, by name.
    pub link_types: Vec<String>,
    /// Snap length in bytes, the largest of all interfaces; null when unlimited or unknown.
    pub snap_length: Option<u64>,
    /// Packets read.
    pub packets: u64,
    /// Bytes of them in the capture.
    pub captured_bytes: u64,
    /// Bytes of them on the wire.
    pub wire_bytes: u64,
    /// Earliest... of the first packet in the file.
    pub first_ts: Option<Timestamp>,
    /// Of the last packet in the file.
    pub last_ts: Option<Timestamp>,
    /// The capturing interfaces.
    pub interfaces: Vec<Interface>,
    /// Packets the capturing system says it lost; null when it does not say.
    pub dropped: Option<u64>,
    /// Packets older than the one before them.
    pub timestamps_backwards: u64,
    /// TCP connections that began in this file.
    pub tcp_connections: u64,
    /// Where and why reading stopped early or skipped something.
    pub damage: Option<Damage>,
    /// Protocol hierarchy: one entry a path.
    pub protocols: Vec<ProtocolCount>,
}

impl Capture {
    /// Packets that were captured and not analyzed, of all interfaces.
    #[must_use]
    pub fn not_analyzed(&self) -> u64 {
        self.interfaces.iter().filter_map(|interface| interface.not_analyzed).fold(0, u64::saturating_add)
    }
}

/// A capturing interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Interface {
    /// Its name, where the file says so.
    pub name: Option<String>,
    /// Its link type, by name.
    pub link_type: String,
    /// Snap length in bytes; null when unlimited.
    pub snap_length: Option<u64>,
    /// Packets it received, by its statistics. Of a live capture: packets that passed the capture filter; on Linux those
    /// that the kernel dropped for want of room are among them.
    pub received: Option<u64>,
    /// Packets it dropped, by its statistics. Of a live capture: the sum of the next two.
    pub dropped: Option<u64>,
    /// Packets the kernel dropped because the capture's buffer was full (`--buffer-size`); null when it does not say.
    pub dropped_by_kernel: Option<u64>,
    /// Packets the interface or its driver dropped since the capture began; null when it does not say.
    pub dropped_by_interface: Option<u64>,
    /// Packets that were captured and written (`live -w`) and not analyzed, because the analysis had fallen behind. They are
    /// in the file under their numbers. Null but for a live capture.
    pub not_analyzed: Option<u64>,
    /// What happened to the interface while it was captured from, in order; the first 16 of it.
    pub events: Vec<InterfaceEvent>,
}

impl Interface {
    /// Whether it went away while it was captured from.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.events.iter().any(|event| event.what == InterfaceChange::Gone)
    }
}

/// Something that happened to an interface during a live capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InterfaceEvent {
    /// When it was noticed: by the machine's clock, up to a second late.
    pub ts: Timestamp,
    /// What happened.
    pub what: InterfaceChange,
}

/// How an interface changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceChange {
    /// It was set down: nothing passes until it is up again.
    Down,
    /// It is up, but the other end is not: no carrier.
    NoCarrier,
    /// It is up again, and captured from.
    Up,
    /// It is no more: it was deleted, unplugged or moved elsewhere, and what was captured ends here.
    Gone,
}

/// Where a file is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Damage {
    /// Byte offset in the (uncompressed) file.
    pub offset: u64,
    /// What was expected and found.
    pub what: String,
}

/// A node of the protocol hierarchy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProtocolCount {
    /// Protocols from the link upwards, `eth:ip:tcp`.
    pub path: String,
    /// Packets at this node or deeper.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
}
