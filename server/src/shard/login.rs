//! `Login` and the rest of what a greeted connection may say: each method up to its proof, then the way into the core.
//!
//! A signed token is verified here. A session token is compared at its user's home, by the core; a password by the
//! hasher (see `passwords`). What fails is charged to the connection's address. No secret leaves this file but for the
//! answer that it belongs to.

use super::connection::{Line, Name, Stage, session};
use super::reading::Stop;
use super::{Passenger, Shard};
use crate::auth::session_token::{self, SessionToken};
use crate::auth::tokens::TokenError;
use crate::metrics::{FrameOut, LoginMethod};
use crate::wire;
use hubbub_codec::proto;
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::login::Method;
use hubbub_codec::proto::{ClientFrame, ErrorCode};
use hubbub_core::account::TokenHash;
use hubbub_core::ids::{DeviceId, Timestamp, UserId};
use hubbub_core::machine::{Input, Open, Proof};
use hubbub_core::request::SessionId;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;
use tracing::debug;

/// Who a connection says to be, as far as that could be checked here.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: UserId,
    pub(super) generation: u64,
    pub(super) request_id: u64,
    proof: Proof,
    device: Device,
    /// A session token that was made for it.
    token: Option<(SessionToken, TokenHash)>,
}

/// What a client says of its device.
#[derive(Clone, Debug)]
pub(super) struct Device {
    id: DeviceId,
    name: Box<str>,
    platform: Box<str>,
}

/// Why a login is refused before the core hears of it: code and sentence.
pub(super) type LoginError = (ErrorCode, String);

impl Shard {
    /// A frame of a connection that has said hello.
    pub(super) fn log_in(&mut self, id: (u32, u32), frame: ClientFrame) -> Option<Stop> {
        let request_id = frame.request_id;
        match frame.body {
            Some(Body::Login(login)) => self.begin_login(id, request_id, login),
            Some(Body::Register(register)) => {
                self.begin_registration(id, request_id, register);
                None
            }
            Some(Body::OpenTrunk(open)) => self.begin_trunk(id, request_id, &open),
            Some(Body::Ping(ping)) => {
                self.pong(id, request_id, ping.nonce);
                None
            }
            _ => {
                self.break_off(id, ErrorCode::NotLoggedIn, "log in first: the next frame must be Login".to_owned());
                None
            }
        }
    }

    fn begin_login(&mut self, id: (u32, u32), request_id: u64, mut login: proto::Login) -> Option<Stop> {
        let method = login.method.take();
        let proven = match (device_of(&login), method) {
            (Ok(device), Some(Method::Password(password))) => {
                self.begin_password_login(id, request_id, device, password);
                return None;
            }
            (Ok(device), Some(Method::Jwt(token))) => self.verify(&token, device, &login, request_id),
            (Ok(device), Some(Method::SessionToken(token))) => self.claim(&token, device, request_id),
            (Ok(_), None) => Err((ErrorCode::Invalid, "the login method is missing or not known here".to_owned())),
            (Err(error), _) => Err(error),
        };
        match proven {
            Ok(login) => self.admit(id, login),
            Err((code, message)) => {
                debug!("a login was refused: {message}");
                self.charge_failure(id);
                self.refuse_login(id, request_id, code, message);
                None
            }
        }
    }

    fn verify(
        &self,
        token: &str,
        device: Device,
        login: &proto::Login,
        request_id: u64,
    ) -> Result<Box<Login>, LoginError> {
        let verified = self.node.verifier.verify(token).map_err(|error| match error {
            TokenError::Expired => (ErrorCode::TokenExpired, error.to_string()),
            TokenError::Invalid(_) => (ErrorCode::TokenInvalid, error.to_string()),
        })?;
        let issued = verified.issued_at_seconds.map(|seconds| Timestamp(0).plus_ms(seconds.saturating_mul(1_000)));
        let proof = Proof::SignedToken { issued };
        self.login(verified.user, device, request_id, proof, login.want_session_token)
    }

    fn claim(&self, token: &str, device: Device, request_id: u64) -> Result<Box<Login>, LoginError> {
        let claim = session_token::parse(token).filter(|claim| claim.device == device.id);
        let invalid = || (ErrorCode::TokenInvalid, "this is no session token of this device".to_owned());
        let claim = claim.ok_or_else(invalid)?;
        let proof = Proof::SessionToken(TokenHash::new(*claim.hash.as_bytes()));
        self.login(claim.user, device, request_id, proof, false)
    }

    /// A login with what proves it, and with a session token when one is wanted.
    pub(super) fn login(
        &self,
        user: UserId,
        device: Device,
        request_id: u64,
        proof: Proof,
        with_token: bool,
    ) -> Result<Box<Login>, LoginError> {
        let token = match with_token.then(|| session_token::make(user, device.id)) {
            Some(Ok((token, hash))) => Some((token, TokenHash::new(*hash.as_bytes()))),
            Some(Err(_)) => return Err((ErrorCode::Internal, "the server has no randomness".to_owned())),
            None => None,
        };
        let generation = self.node.next_generation();
        Ok(Box::new(Login { user, generation, request_id, proof, device, token }))
    }

    /// A login that may go on: opened here, or moved to the user's home.
    pub(super) fn admit(&mut self, id: (u32, u32), login: Box<Login>) -> Option<Stop> {
        self.be_known(id);
        let connection = &mut self.connections[id.0 as usize];
        connection.user = login.user;
        connection.stage = Stage::Opening;
        if self.slots.shard_of_user(login.user) != self.shard_id() {
            return Some(Stop::Move(Passenger::Login(login)));
        }
        self.open(id, *login);
        None
    }

    /// A connection has shown who it is, and counts as a stranger no more.
    pub(super) fn be_known(&mut self, id: Name) {
        if std::mem::take(&mut self.connections[id.0 as usize].stranger) {
            self.node.strangers.fetch_sub(1, Relaxed);
        }
    }

    /// Asks the core, on the user's home.
    pub(super) fn open(&mut self, id: (u32, u32), login: Login) {
        let session = session(id);
        let Login { user, generation, request_id, proof, device, token } = login;
        self.counters.login(match proof {
            Proof::SignedToken { .. } => LoginMethod::Jwt,
            Proof::Password(_) => LoginMethod::Password,
            Proof::SessionToken(_) => LoginMethod::SessionToken,
        });
        let new_token = token.map(|(token, hash)| {
            self.new_tokens.insert(id, token);
            hash
        });
        let Device { id: device, name: device_name, platform } = device;
        let open = Open { session, user, device, generation, request_id, proof, device_name, platform, new_token };
        self.input(Input::Open(Box::new(open)));
    }

    /// The core has opened the session.
    pub(super) fn logged_in(
        &mut self,
        session: SessionId,
        request_id: u64,
        created: bool,
        token_expires: Option<Timestamp>,
    ) {
        let id = (session.index, session.generation);
        let Some(connection) = self.connection(id) else { return };
        connection.stage = Stage::Open;
        let user = connection.user;
        self.wake(id);
        self.counters.devices_logged_in += 1;
        let token = if self.new_tokens.is_empty() { None } else { self.new_tokens.remove(&id) };
        let token = token.as_ref().map_or("", SessionToken::expose);
        let frame = wire::logged_in_frame(request_id, user, created, token, token_expires);
        self.queue(session.index, FrameOut::LoggedIn, frame);
    }

    // ---- Addresses ----

    /// Where a client is; `None` for one of a gateway that does not say.
    pub(super) fn address(&self, id: Name) -> Option<IpAddr> {
        match &self.connections[id.0 as usize].line {
            Line::Channel(channel) => channel.address,
            Line::Socket(socket) | Line::Trunk(socket, _) => {
                let told = socket.layers.as_ref().and_then(|layers| layers.address());
                let peer = || socket.write.as_ref().and_then(|write| write.peer_addr().ok()).map(|peer| peer.ip());
                Some(told.or_else(peer).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
            }
        }
    }

    /// Charges a failed login to its address. The connection closes in any case.
    pub(super) fn charge_failure(&self, id: Name) {
        if let Some(address) = self.address(id) {
            let _ = self.node.attempts.admit(address, Instant::now());
        }
    }
}

fn device_of(login: &proto::Login) -> Result<Device, LoginError> {
    if login.device_id == 0 {
        return Err((ErrorCode::Invalid, "device_id must not be 0".to_owned()));
    }
    if login.device_name.len() > wire::NAME_BYTES_MAX || login.platform.len() > wire::NAME_BYTES_MAX {
        let message = format!("device_name and platform are at most {} bytes", wire::NAME_BYTES_MAX);
        return Err((ErrorCode::Invalid, message));
    }
    let (name, platform) = (login.device_name.as_str().into(), login.platform.as_str().into());
    Ok(Device { id: DeviceId(login.device_id), name, platform })
}
