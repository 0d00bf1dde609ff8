//! WebSocket (RFC 6455) as Hubbub speaks it: one binary message is one frame of [`crate::frame`] without its length.
//!
//! Without IO, for both ends: [`Reader`] takes messages off what came, the `append_` functions and [`MessageHeader`] make
//! what leaves, and [`handshake`] has the key that both ends agree on. Nothing is kept but the pieces of a message that came
//! in pieces, and no more of those than the caller allows. What breaks the rules is a [`Fault`] as soon as it shows,
//! before anything is buffered for it; a fault knows the code to close with. Extensions are not spoken, text is refused.
//!
//! ```
//! use bytes::BytesMut;
//! use hubbub_codec::websocket::{End, Incoming, Mask, Reader, append_message};
//!
//! let mut sent = BytesMut::new();
//! append_message(b"a frame's payload", Some(Mask(*b"mask")), &mut sent);
//! let mut reader = Reader::new(End::Server);
//! let Some(Incoming::Message(payload)) = reader.take(&mut sent, 65_536)? else { unreachable!() };
//! assert_eq!(payload, "a frame's payload");
//! # Ok::<(), hubbub_codec::websocket::Fault>(())
//! ```

mod close;
mod fault;
pub mod handshake;
mod header;
mod mask;
mod reader;
mod writing;

pub use close::{CloseCode, CloseFrame, REASON_BYTES_MAX};
pub use fault::Fault;
pub use header::{CONTROL_BYTES_MAX, End, HEADER_BYTES_MAX, Header, Opcode, decode_header};
pub use mask::Mask;
pub use reader::{Incoming, Reader};
pub use writing::{MessageHeader, append_close, append_empty_close, append_message, append_ping, append_pong};

/// The subprotocol that both ends must name in the handshake.
pub const SUBPROTOCOL: &str = "hubbub.v1";
