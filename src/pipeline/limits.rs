//! The numbers of a pipeline file: default, legal range and unit of each, in one table.
//!
//! Reads: nothing. Writes: nothing. Never: another place for a default.

/// A whole number that a section may set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// The key, its unit in its name.
    pub key: &'static str,
    /// Used when the key is absent.
    pub default: u64,
    /// Used instead for the embedded sandbox, which shares the machine with the run.
    pub sandbox: u64,
    /// Least legal value.
    pub min: u64,
    /// Most.
    pub max: u64,
}

const fn limit(key: &'static str, default: u64, range: (u64, u64)) -> Limit {
    Limit {
        key,
        default,
        sandbox: default,
        min: range.0,
        max: range.1,
    }
}

// [load]
pub(super) const CONCURRENCY_START: Limit = Limit {
    sandbox: 8,
    ..limit("concurrency_start", 32, (1, 4096))
};
pub(super) const CONCURRENCY_MAX: Limit = Limit {
    sandbox: 64,
    ..limit("concurrency_max", 1024, (1, 4096))
};
pub(super) const MAX_ATTEMPTS: Limit = limit("max_attempts", 6, (1, 100));
pub(super) const BACKOFF_START: Limit = limit("backoff_start_ms", 250, (1, 60_000));
pub(super) const BACKOFF_MAX: Limit = limit("backoff_max_ms", 30_000, (1, 600_000));
pub(super) const RETRY_AFTER_MAX: Limit = limit("retry_after_max_secs", 300, (1, 86_400));
pub(super) const CONNECT_TIMEOUT: Limit = limit("connect_timeout_secs", 10, (1, 600));
pub(super) const REQUEST_TIMEOUT: Limit = limit("request_timeout_secs", 60, (1, 3_600));
pub(super) const SAME_REFUSALS: Limit =
    limit("stop_after_same_refusals", 200, (0, u32::MAX as u64));
// [scope]
pub(super) const CALENDAR_BATCH: Limit = limit("calendar_batch", 50, (1, 1_000_000));
// [keep]
pub(super) const KEEP_RUNS: Limit = limit("runs", 7, (1, 10_000));
pub(super) const KEEP_FAILED_DAYS: Limit = limit("failed_days", 30, (0, 3_650));

// [notify]
pub(super) const NOTIFY_TIMEOUT: Limit = limit("timeout_secs", 15, (1, 600));
// [sif]
pub(super) const SIF_MAX_BUFFER: Limit = limit("max_buffer", 1 << 20, (4096, 1 << 31));
pub(super) const SIF_POLL: Limit = limit("poll_every_ms", 2_000, (1, 3_600_000));
pub(super) const SIF_IDLE_POLLS: Limit = limit("idle_polls", 30, (1, 1_000_000));
pub(super) const SIF_PARALLEL: Limit = limit("parallel", 8, (1, 256));
pub(super) const SIF_BUNDLE: Limit = limit("bundle_events", 1, (1, 10_000));
/// More requests per second than any target takes.
pub(super) const MOST_PER_SECOND: f64 = 100_000.0;

/// All of them, for the check of the documentation.
#[cfg(test)]
pub(super) const ALL: [Limit; 18] = [
    CONCURRENCY_START,
    CONCURRENCY_MAX,
    MAX_ATTEMPTS,
    BACKOFF_START,
    BACKOFF_MAX,
    RETRY_AFTER_MAX,
    CONNECT_TIMEOUT,
    REQUEST_TIMEOUT,
    SAME_REFUSALS,
    CALENDAR_BATCH,
    KEEP_RUNS,
    KEEP_FAILED_DAYS,
    NOTIFY_TIMEOUT,
    SIF_MAX_BUFFER,
    SIF_POLL,
    SIF_IDLE_POLLS,
    SIF_PARALLEL,
    SIF_BUNDLE,
];
