//! The configuration: one value that says everything about how a server runs.
//!
//! A value is taken from the defaults, then a TOML file, then the environment, then flags, each overriding the one
//! before. Whatever is wrong is refused before the server starts, all of it at once, each with its key, its value, the
//! limit and the way out. A secret is never part of the configuration, only the path to it.

mod nearest;
mod render;
mod schema;
mod sources;
mod validate;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::metrics::Transport;

pub use render::{effective, example};
pub use schema::{
    Auth, Calls, Commit, Config, Dedup, Durability, Http, KEYS, Key, Limits, Messages, Presence, Proxy, Readers,
    Receipts, Retention, RetentionDefault, Shutdown, Storage, Sync, Tls, Trunk, keys,
};
pub use sources::{Overrides, Sources};

/// The name of the secret file that is made in the data directory when none is configured.
pub const TOKEN_SECRET_NAME: &str = "token-secret";

impl Config {
    /// Where the token secret is: as configured, or in the data directory. `None` when there is none, because only
    /// tokens of others are taken.
    pub fn token_secret_path(&self) -> Option<PathBuf> {
        let generated = || self.data_dir.join(TOKEN_SECRET_NAME);
        let configured = self.auth.token_secret_file.clone();
        configured.or_else(|| (!self.auth.has_public_keys()).then(generated))
    }

    /// Whether strangers may register: as configured, or where only this machine can connect.
    pub fn is_open_to_strangers(&self) -> bool {
        let is_local = self.listeners().iter().all(|(_, address, _)| address.ip().is_loopback());
        self.auth.registration.unwrap_or(is_local && !self.plaintext_behind_proxy && self.proxy.trusted.is_empty())
    }

    /// Where clients connect: the key, the address, and how they speak there.
    pub fn listeners(&self) -> Vec<(&'static str, SocketAddr, Transport)> {
        let all = [
            ("listen", self.listen, Transport::Tcp),
            ("tls.listen", self.tls.listen, Transport::Tls),
            ("http.listen", self.http.listen, Transport::Http),
            ("http.tls_listen", self.http.tls_listen, Transport::Https),
        ];
        all.into_iter().filter_map(|(key, address, transport)| Some((key, address?, transport))).collect()
    }

    /// Longest body of a signal, in bytes: as configured, and never more than a frame holds.
    pub fn signal_bytes_max(&self) -> usize {
        self.limits.signal_bytes_max.min(self.limits.frame_bytes_max - validate::FRAME_OVERHEAD_BYTES as usize)
    }

    /// How many shards run: as configured, or one for each core and never more than there are partitions.
    pub fn shards_count(&self) -> usize {
        match self.shards {
            0 => cores().min(self.storage.partitions as usize).max(1),
            shards => shards,
        }
    }
}

impl Auth {
    /// Whether others than the owner of the token secret may sign tokens.
    pub fn has_public_keys(&self) -> bool {
        self.jwks_file.is_some() || !self.jwt_key_files.is_empty()
    }
}

/// Cores that this process may use.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, variable or file at fault.
    pub key: String,
    /// The refused value as it would be written; empty when the text says it all.
    pub value: String,
    /// What is wrong and what to do about it.
    pub text: String,
}

impl Problem {
    /// A problem with one value.
    pub(crate) fn new(key: impl Into<String>, value: impl fmt::Display, text: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.to_string(), text: text.into() }
    }

    /// A problem that is not about one value.
    pub(crate) fn of(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(key, "", text)
    }

    fn in_file(path: &Path, line: usize, text: impl Into<String>) -> Self {
        Self::of(format!("{}:{line}", path.display()), text)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.as_str() {
            "" => write!(f, "{}: {}", self.key, self.text),
            value => write!(f, "{} = {value}: {}", self.key, self.text),
        }
    }
}

/// Everything that is wrong with the configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// `Ok` when there are none.
    pub(crate) fn unless_empty(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
