//! The one clock of a run: `CLOCK_MONOTONIC` in microseconds.
//!
//! All processes on one machine read the same clock, so a time written into a message by one of them means the same
//! in another. It says nothing about the time of day and means nothing on another
//! machine: what crosses to one is translated (`workers::clock_offset`).

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Microseconds per second.
pub const SECOND_US: u64 = 1_000_000;

/// Now, in microseconds since the machine started.
#[must_use]
pub fn now_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.unsigned_abs() * SECOND_US + now.tv_nsec.unsigned_abs() / 1_000
}

/// The same moment as the client session takes it.
#[must_use]
pub fn as_duration(at_us: u64) -> Duration {
    Duration::from_micros(at_us)
}

/// Seconds as microseconds; negative and endless ones become the nearest value there is.
#[must_use]
pub fn seconds_us(seconds: f64) -> u64 {
    (seconds * SECOND_US as f64).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back() {
        let before = now_us();
        assert!(now_us() >= before);
    }

    #[test]
    fn seconds_are_converted_without_overflow() {
        assert_eq!(seconds_us(1.5), 1_500_000);
        assert_eq!(seconds_us(-1.0), 0);
        assert_eq!(seconds_us(f64::INFINITY), u64::MAX);
    }
}
