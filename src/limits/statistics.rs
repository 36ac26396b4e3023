//! Caps of the command `statistics`.
use super::Limit;

/// Conversations that `statistics` counts on one layer: some 200 bytes each. Packets of further ones are told, not counted.
pub const MAX_STATISTICS_CONVERSATIONS: usize = 1 << 18;

/// Pairs of sender and hop limit that `statistics` counts: some 64 bytes each. A sender has one or two.
pub const MAX_STATISTICS_HOPS: usize = 1 << 17;

/// Intervals of time in which `statistics` counts when their length is given: some 200 bytes each.
pub const MAX_STATISTICS_INTERVALS: usize = 1 << 16;

/// The same when it chooses their length itself: it begins with short ones and makes them longer as the capture goes on.
pub const MAX_STATISTICS_STEPS: usize = 1 << 13;

/// Filters whose packets `statistics` counts over time: more lines fit no terminal.
pub const MAX_STATISTICS_LINES: usize = 8;

/// [`MAX_STATISTICS_CONVERSATIONS`], [`MAX_STATISTICS_HOPS`] and [`MAX_STATISTICS_INTERVALS`].
pub static STATISTICS: Limit = Limit {
    code: "capture.statistics-limit",
    what: "times a packet is missing from a table of the statistics",
    explanation: "To bound memory, the statistics hold 262,144 conversations of each layer, 131,072 pairs of sender and hop \
                  limit, and 65,536 intervals of time. Packets that belong to further ones are missing there, and with the \
                  conversations from the endpoints; the hierarchy and the lengths count all. Filter with -f, or choose a longer \
                  interval.",
};
