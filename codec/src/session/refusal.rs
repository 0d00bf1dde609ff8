//! Why a request was not taken, and how a server can break the rules.

use crate::frame::FrameError;
use crate::ids::NameError;

/// Why a request was not taken. Nothing was queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    /// `SessionConfig::sends_queued_max` requests wait for their answers: try again after the next one.
    #[error("{max} requests wait for their answers already")]
    QueueFull {
        /// `SessionConfig::sends_queued_max`.
        max: usize,
    },
    /// The body is over the server's limit.
    #[error("a body of {length} bytes is over the limit of {max}")]
    BodyTooLong {
        /// In bytes.
        length: usize,
        /// `Limits.body_bytes_max`, in bytes.
        max: usize,
    },
    /// The request would not fit into a frame.
    #[error("a request of {length} bytes is over the frame limit of {max}")]
    FrameTooLong {
        /// In bytes.
        length: usize,
        /// `Limits.frame_bytes_max`, in bytes.
        max: usize,
    },
    /// The session was replaced or failed for good, and will not connect by itself.
    #[error("the session has stopped")]
    Stopped,
}

/// The server broke the rules: close the connection (`handle_disconnected` follows as after any loss).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A length prefix of 0 or over the limit.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Not a `ServerFrame`.
    #[error("not a server frame: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A conversation without a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A body that has no place here, such as entries before the login.
    #[error("a frame that has no place here: {0}")]
    Unexpected(&'static str),
    /// Entries that do not follow each other.
    #[error("entry {found} where {expected} must be")]
    NotContiguous {
        /// The seq that had to come.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// More conversations than `SessionConfig::conversations_max`.
    #[error("more than {max} conversations")]
    TooManyConversations {
        /// The limit.
        max: usize,
    },
}
