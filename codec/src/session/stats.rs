//! What a session counted since its birth.

/// Counters of one session; they only rise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Bytes given to `handle_bytes` that belonged to complete frames, prefixes included.
    pub bytes_in: u64,
    /// Bytes handed out by `poll_transmit`.
    pub bytes_out: u64,
    /// Complete frames received.
    pub frames_in: u64,
    /// Frames written.
    pub frames_out: u64,
    /// Entries received that were held already, and not reported again.
    pub dropped_duplicates: u64,
    /// Gaps that were closed by `History`.
    pub repaired_gaps: u64,
    /// Entries that were fetched to close them.
    pub repaired_entries: u64,
    /// Entries dropped because too many were waiting behind a gap; they were fetched later.
    pub dropped_buffered: u64,
    /// Requests that were put on the wire again.
    pub resends: u64,
    /// Requests that the server refused for now because there were too many (`RATE_LIMITED`); those that can be are sent again
    /// later, and may be overtaken by what was on the wire behind them.
    pub rate_limited: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Frames of a kind that this version does not know.
    pub unknown_frames: u64,
}
