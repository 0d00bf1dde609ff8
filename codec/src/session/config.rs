//! What a session is told at its birth.
//!
//! Every bound of a session is a number here; none grows with what the peer sends.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::credentials::Credentials;
use crate::ids::DeviceId;

/// Who logs in, from what, and within which bounds. Start from [`SessionConfig::new`] and change fields.
#[derive(Clone)]
pub struct SessionConfig {
    /// What the first login is made with. Later ones use the session token, when the server gave one.
    pub credentials: Credentials,
    /// With a JWT: also ask for a session token, so that reconnects need no valid JWT. Password logins always get one.
    pub want_session_token: bool,
    /// Chosen once by the application, at install; not 0.
    pub device_id: DeviceId,
    /// For people to recognise the device by, at most 64 bytes.
    pub device_name: Cow<'static, str>,
    /// Such as `android`, at most 64 bytes.
    pub platform: Cow<'static, str>,
    /// For the operator's log, at most 64 bytes.
    pub client_name: Cow<'static, str>,
    /// For the operator's log, at most 64 bytes.
    pub client_version: Cow<'static, str>,
    /// Also sync the conversations that have no cursor here, and subscribe to those that begin later.
    pub sync_others: bool,
    /// How long received entries wait for company before they are acknowledged (200 ms).
    pub delivered_interval: Duration,
    /// How many received entries are acknowledged without waiting (64).
    pub delivered_entries: u32,
    /// The least time between a lost connection and the next attempt; doubles with each failure (500 ms).
    pub backoff_min: Duration,
    /// The longest such time (60 s).
    pub backoff_max: Duration,
    /// How long the server may take for the login, or for the answer to a ping (30 s).
    pub reply_timeout: Duration,
    /// Most requests of the application on the wire without their replies (48). The server's own limit counts too.
    /// With 1, sends keep their order even when the server refuses one of them for now.
    pub sends_in_flight_max: u16,
    /// Most requests held by the session, on the wire or waiting for it; more are refused (256).
    pub sends_queued_max: u16,
    /// Most entries held for one conversation while a gap before them is fetched; more are fetched again (256).
    pub buffered_entries_max: u32,
    /// Most conversations followed; the server's talk of further ones is a protocol error (100,000).
    pub conversations_max: u32,
    /// Longest frame accepted from the server, in bytes after the prefix (1 MiB: above what servers announce).
    pub frame_bytes_max: usize,
    /// Source of all randomness of the session: jitter, and the names of messages. Two runs of one device must not
    /// share it, or their messages may share names; [`SessionConfig::new`] draws a fresh one.
    pub seed: u64,
}

impl SessionConfig {
    /// The defaults, for these credentials (a bare string is a JWT) and this device, with a fresh seed.
    #[must_use]
    pub fn new(credentials: impl Into<Credentials>, device_id: impl Into<DeviceId>) -> Self {
        Self { credentials: credentials.into(), device_id: device_id.into(), ..Self::default() }
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            credentials: Credentials::from(""),
            want_session_token: false,
            device_id: DeviceId(1),
            device_name: Cow::Borrowed(""),
            platform: Cow::Borrowed(std::env::consts::OS),
            client_name: Cow::Borrowed(env!("CARGO_PKG_NAME")),
            client_version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
            sync_others: true,
            delivered_interval: Duration::from_millis(200),
            delivered_entries: 64,
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            reply_timeout: Duration::from_secs(30),
            sends_in_flight_max: 48,
            sends_queued_max: 256,
            buffered_entries_max: 256,
            conversations_max: 100_000,
            frame_bytes_max: 1024 * 1024,
            seed: RandomState::new().hash_one(0),
        }
    }
}

impl std::fmt::Debug for SessionConfig {
    /// Without the credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionConfig")
            .field("device_id", &self.device_id)
            .field("device_name", &self.device_name)
            .field("sync_others", &self.sync_others)
            .finish_non_exhaustive()
    }
}
