//! Making an account, without IO: one connection, `Hello` and `Register`, one answer.
//!
//! Promises: writes once, and ends with one outcome. It cannot be resent: when the connection is lost before the
//! answer, the account may have been made, and a second attempt is then refused with `EMAIL_TAKEN`.
//!
//! ```
//! use bytes::BytesMut;
//! use hubbub_codec::frame::append_frame;
//! use hubbub_codec::proto::{self, ServerFrame, server_frame::Body};
//! use hubbub_codec::registration::{NewAccount, Registration};
//!
//! let account = NewAccount::new("Alice", "alice@example.org", "correct horse battery staple");
//! let mut registration = Registration::new(account);
//! let to_be_written = registration.handle_connected();
//! assert!(!to_be_written.is_empty());
//!
//! // What a server would say:
//! let mut received = BytesMut::new();
//! let welcome = proto::Welcome { version: 1, registration: true, ..Default::default() };
//! let registered = proto::Registered { user_id: 7 };
//! append_frame(&ServerFrame { request_id: 1, body: Some(Body::Welcome(welcome)) }, &mut received);
//! append_frame(&ServerFrame { request_id: 2, body: Some(Body::Registered(registered)) }, &mut received);
//!
//! let user = registration.handle_bytes(&mut received)?.expect("the answer is there");
//! assert_eq!(user.0, 7);
//! # Ok::<(), hubbub_codec::registration::RegistrationError>(())
//! ```

use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::frame::{FRAME_BYTES_MAX_DEFAULT, append_frame, decode_frame_mut};
use crate::ids::UserId;
use crate::proto::client_frame::Body as Up;
use crate::proto::server_frame::Body as Down;
use crate::proto::{self, ClientFrame, ServerFrame};
use crate::session::{ProtocolError, Secret};

const HELLO: u64 = 1;
const REGISTER: u64 = 2;

/// What an account is made of. `Debug` shows the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAccount {
    name: String,
    email: String,
    password: Secret,
}

/// One attempt to make an account.
#[derive(Debug)]
pub struct Registration {
    account: NewAccount,
}

/// Why no account was made, as far as is known.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RegistrationError {
    /// The server refused: `EMAIL_TAKEN`, `INVALID` with the field at fault, `FORBIDDEN`, `OVERLOADED`, ...
    #[error("{}", .0.message)]
    Refused(Box<proto::Error>),
    /// The server says goodbye.
    #[error("the server is about to close the connection")]
    Bye,
    /// The server broke the rules.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

impl NewAccount {
    /// `name`: what others see, 1 to 64 characters. `email`: at most 254 bytes. `password`: at most 128 characters; the
    /// server says in its refusal how many are needed.
    #[must_use]
    pub fn new(name: impl Into<String>, email: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { name: name.into(), email: email.into(), password: password.into() }
    }
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Registration {
    /// An attempt with this account.
    #[must_use]
    pub fn new(account: NewAccount) -> Self {
        Self { account }
    }

    /// The connection stands: what to write.
    #[must_use]
    pub fn handle_connected(&mut self) -> Bytes {
        let hello = proto::Hello {
            version_min: 1,
            version_max: 1,
            client_name: env!("CARGO_PKG_NAME").to_owned(),
            client_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let NewAccount { name, email, password } = self.account.clone();
        let register = proto::Register { name, email, password: password.expose().to_owned() };
        let mut written = BytesMut::new();
        for (request_id, body) in [(HELLO, Up::Hello(hello)), (REGISTER, Up::Register(register))] {
            append_frame(&ClientFrame { request_id, body: Some(body) }, &mut written);
        }
        written.freeze()
    }

    /// Takes the complete frames off `input`. `None` until the answer is there; then the connection may be closed, or
    /// be used for nothing else.
    ///
    /// # Errors
    /// [`RegistrationError`]: the attempt is over.
    pub fn handle_bytes(&mut self, input: &mut BytesMut) -> Result<Option<UserId>, RegistrationError> {
        while let Some(payload) = decode_frame_mut(input, FRAME_BYTES_MAX_DEFAULT).map_err(ProtocolError::from)? {
            let frame = ServerFrame::decode(payload).map_err(ProtocolError::from)?;
            match frame.body {
                Some(Down::Welcome(welcome)) if welcome.version == 1 => {}
                Some(Down::Registered(registered)) if frame.request_id == REGISTER => {
                    return Ok(Some(UserId(registered.user_id)));
                }
                Some(Down::Error(error)) => return Err(RegistrationError::Refused(Box::new(error))),
                Some(Down::Bye(_)) => return Err(RegistrationError::Bye),
                None => {}
                Some(_) => return Err(ProtocolError::Unexpected("something else than the answer").into()),
            }
        }
        Ok(None)
    }
}
