//! What may be wrong with what the other end sends.

use super::close::CloseCode;

/// A WebSocket frame that breaks the rules. The connection cannot be continued: close it with [`Fault::code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A reserved bit is set, and no extension was agreed on that would give it a meaning.
    #[error("a WebSocket frame with a reserved bit")]
    ReservedBit,
    /// An opcode that has no meaning.
    #[error("a WebSocket frame of the reserved opcode {0}")]
    ReservedOpcode(u8),
    /// A client must mask.
    #[error("a WebSocket frame of a client without a mask")]
    NotMasked,
    /// A server must not mask.
    #[error("a WebSocket frame of a server with a mask")]
    Masked,
    /// A length in more bytes than it needs, or with its highest bit set.
    #[error("a WebSocket frame whose length is not written as it must be")]
    Length,
    /// A close, ping or pong of more than 125 bytes.
    #[error("a WebSocket control frame of more than 125 bytes")]
    ControlTooLong,
    /// A close, ping or pong in pieces.
    #[error("a WebSocket control frame in pieces")]
    ControlInPieces,
    /// A piece that continues no message.
    #[error("a WebSocket frame that continues nothing")]
    NothingToContinue,
    /// A message inside of another.
    #[error("a WebSocket message before the end of the one before")]
    MessageInMessage,
    /// Text, where everything is binary.
    #[error("a WebSocket message of text; this protocol is binary")]
    Text,
    /// A message longer than the caller takes.
    #[error("a WebSocket message of {length} bytes or more is over the limit of {max}")]
    TooLong {
        /// Its bytes, as far as it is known.
        length: u64,
        /// The limit, in bytes.
        max: usize,
    },
    /// A close of one byte, or with a code that nobody may send.
    #[error("a WebSocket close without a valid code")]
    CloseCode,
    /// A close whose reason is not UTF-8.
    #[error("a WebSocket close whose reason is not UTF-8")]
    CloseReason,
}

impl Fault {
    /// What to close with.
    #[must_use]
    pub fn code(self) -> CloseCode {
        match self {
            Fault::Text => CloseCode::UNSUPPORTED,
            Fault::TooLong { .. } => CloseCode::TOO_LONG,
            Fault::CloseReason => CloseCode::INVALID_PAYLOAD,
            _ => CloseCode::PROTOCOL,
        }
    }
}
