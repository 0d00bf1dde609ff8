//! What the server allows, from its `Welcome`.

use std::time::Duration;

use crate::frame::FRAME_BYTES_MAX_DEFAULT;
use crate::proto;

/// What the server allows, as far as a client has to mind it; the defaults hold until `Welcome`. Small, because a
/// process may hold a million.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    frame_bytes_max: u32,
    body_bytes_max: u32,
    requests_in_progress_max: u32,
    signal_bytes_max: u32,
    keepalive_ms: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let frame_bytes_max = FRAME_BYTES_MAX_DEFAULT as u32;
        Self {
            frame_bytes_max,
            body_bytes_max: frame_bytes_max - 1024,
            requests_in_progress_max: 64,
            signal_bytes_max: 8 * 1024,
            keepalive_ms: 240_000,
        }
    }
}

impl Limits {
    /// A field that the server left at 0 keeps its default.
    pub(super) fn from_welcome(welcome: &proto::Welcome) -> Self {
        let said = |value: u32, default: u32| if value == 0 { default } else { value };
        let limits = welcome.limits.unwrap_or_default();
        let default = Self::default();
        Self {
            frame_bytes_max: said(limits.frame_bytes_max, default.frame_bytes_max),
            body_bytes_max: said(limits.body_bytes_max, default.body_bytes_max),
            requests_in_progress_max: said(limits.requests_in_progress_max, default.requests_in_progress_max),
            signal_bytes_max: said(limits.signal_bytes_max, default.signal_bytes_max),
            keepalive_ms: said(welcome.keepalive_ms, default.keepalive_ms),
        }
    }

    pub(super) fn frame_bytes_max(&self) -> usize {
        self.frame_bytes_max as usize
    }

    pub(super) fn body_bytes_max(&self) -> usize {
        self.body_bytes_max as usize
    }

    pub(super) fn requests_in_progress_max(&self) -> usize {
        self.requests_in_progress_max as usize
    }

    pub(super) fn signal_bytes_max(&self) -> usize {
        self.signal_bytes_max as usize
    }

    pub(super) fn keepalive(&self) -> Duration {
        Duration::from_millis(self.keepalive_ms.into())
    }
}
