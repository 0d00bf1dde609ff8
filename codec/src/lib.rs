//! The Hubbub protocol for native clients: frames, messages, and a client session without IO.
//!
//! | module | what it is |
//! |---|---|
//! | [`proto`] | the messages of `proto/chat/v1/chat.proto` |
//! | [`frame`] | lengths before messages: how they lie on a connection |
//! | [`ids`] | types for the numbers that name things |
//! | [`content`], [`timeline`] | what entries say, and what a log amounts to: edits, reactions, members |
//! | [`statuses`] | sent, delivered and read of one's own messages |
//! | [`registration`] | making an account |
//! | [`session`] | one device's session: login, cursors, resends, gaps, acknowledgements; bytes in, bytes and events out |
//! | [`endpoint`], [`trust`] | where a server is, what carries the frames there, whose certificates are believed |
//! | [`mod@line`] | TLS and WebSocket between a socket and a session, without IO |
//! | [`trunk`] | for gateways: many connections over one |
//! | [`websocket`] | the same frames as messages of a WebSocket, for both ends |
#![cfg_attr(feature = "tokio", doc = "| [`client`] | the session on a tokio runtime |")]
#![cfg_attr(not(feature = "tokio"), doc = "| `client` | the session on a tokio runtime (feature `tokio`) |")]
//!
//! An application with an event loop of its own drives a [`session::Session`]; one on tokio takes the ready `client`.
//! Here both ends are in memory: a session logs in, sends a message, and a few lines of server answer it.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::BytesMut;
//! use hubbub_codec::frame::{append_frame, decode_frame};
//! use hubbub_codec::ids::{Conversation, DeviceId, Seq, UserId};
//! use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame, server_frame};
//! use hubbub_codec::session::{Event, OutgoingMessage, Recipient, Session, SessionConfig};
//! use prost::Message;
//!
//! const ALICE: UserId = UserId(10);
//! const BOB: UserId = UserId(20);
//!
//! /// A server that stores every message as number 1.
//! fn answer(frame: ClientFrame) -> Option<ServerFrame> {
//!     use server_frame::Body;
//!     let conversation = Conversation::direct(ALICE, BOB).unwrap();
//!     let body = match frame.body? {
//!         client_frame::Body::Hello(_) => Body::Welcome(proto::Welcome {
//!             version: 1,
//!             ..Default::default()
//!         }),
//!         client_frame::Body::Login(_) => Body::LoggedIn(proto::LoggedIn {
//!             user_id: ALICE.0,
//!             created: true,
//!             ..Default::default()
//!         }),
//!         client_frame::Body::Sync(_) => Body::Synced(proto::Synced::default()),
//!         client_frame::Body::Send(_) => Body::Sent(proto::Sent {
//!             conversation: Some(conversation.into()),
//!             seq: 1,
//!             ..Default::default()
//!         }),
//!         _ => return None,
//!     };
//!     Some(ServerFrame {
//!         request_id: frame.request_id,
//!         body: Some(body),
//!     })
//! }
//!
//! // The application owns the clock and the connection.
//! let now = Duration::ZERO;
//! let mut session = Session::new(SessionConfig::new("header.claims.signature", DeviceId(1)), now);
//! let id = session.send(now, Recipient::User(BOB), OutgoingMessage::text("Good morning"))?;
//! session.handle_connected(now);
//!
//! let mut sent = None;
//! while let Some(mut written) = session.poll_transmit() {
//!     let mut received = BytesMut::new();
//!     while let Some(payload) = decode_frame(&mut written, 65_536)? {
//!         if let Some(reply) = answer(ClientFrame::decode(payload)?) {
//!             append_frame(&reply, &mut received);
//!         }
//!     }
//!     session.handle_bytes(now, &mut received)?;
//!     while let Some(event) = session.poll_event() {
//!         match event {
//!             Event::LoggedIn { user_id, .. } => assert_eq!(user_id, ALICE),
//!             Event::Sent { id, seq, .. } => sent = Some((id, seq)),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(sent, Some((id, Seq(1))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "tokio")]
pub mod client;
pub mod content;
pub mod endpoint;
pub mod frame;
pub mod ids;
pub mod line;
pub mod proto;
pub mod registration;
pub mod session;
pub mod statuses;
pub mod timeline;
pub mod trunk;
#[cfg(feature = "tls")]
pub mod trust;
#[cfg(not(feature = "tls"))]
pub mod trust {
    //! Whose certificates a client believes: a build without the feature `tls` has no use for them.

    /// Nothing: there is no value of this type.
    #[derive(Debug, Clone, Copy)]
    pub enum Trust {}
}
pub mod websocket;
