//! Caps of `check`. Reaching one makes an assertion fail and is said there: what was not looked at must not pass.

/// Bytes of a SPEC, its snapshot included: snapshots of thousands of connections fit. Its parsed form takes some 20 times as
/// much.
pub const MAX_SPEC_BYTES: usize = 8 << 20;

/// Assertions in a SPEC: every record is put to each.
pub const MAX_CHECKS: usize = 1024;

/// Numbers kept of one assertion for its percentile; 16 MiB.
pub const MAX_CHECK_NUMBERS: usize = 1 << 20;

/// Different values kept of one assertion about a set.
pub const MAX_CHECK_VALUES: usize = 1 << 16;

/// Records kept for a snapshot; some 10 KiB each. More than anybody would read through when they change.
pub const MAX_SNAPSHOT_RECORDS: usize = 10_000;

/// Records shown with an assertion that does not hold; the others are counted.
pub const MAX_OFFENDERS: usize = 5;

/// Records of a snapshot whose difference is shown, for each type; the others are counted.
pub const MAX_DIFFERENCES: usize = 50;

/// Elements of two lists that are compared to find which were inserted (their product is the work); longer ones are compared
/// by place.
pub const MAX_ALIGNED: usize = 1 << 16;
