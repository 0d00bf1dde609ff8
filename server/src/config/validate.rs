//! Whether the values of a configuration are possible, fit together, and fit this machine's files.
//!
//! Every problem is found, not only the first, and each says what would be right. What depends on the process's file
//! descriptors is judged where they are divided (`descriptors`).

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use super::{Config, Problem, Problems};
use crate::auth::rules::PASSWORD_CHARS_MAX;
use crate::auth::secret;
use crate::auth::tokens::{KeyFileError, KeyFiles};
use crate::edge::certificate::CertificateFiles;
use crate::edge::trusted::Trusted;

/// The longest frame that may be configured.
const FRAME_BYTES_MOST: u64 = 16 << 20;
/// What a frame holds besides a message body, at most.
pub(super) const FRAME_OVERHEAD_BYTES: u64 = 1_024;
/// Slots, and therefore the most partitions, that there can be.
const PARTITIONS_MOST: u64 = 256;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
const MIB: u64 = 1 << 20;
/// TOML's integers end here.
const ANY: u64 = i64::MAX as u64;

/// What is wrong with an origin that may open a WebSocket.
fn origin_problem(origin: &str) -> Option<Problem> {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let is_origin = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', ' ', '*', ',']));
    let text =
        "an origin is a scheme and a host, with its port if it is not the usual one, as in \"https://chat.example\"";
    (!is_origin).then(|| Problem::new("http.origins", format!("[\"{origin}\"]"), text.to_owned()))
}

impl Config {
    /// Checks everything that can be checked without starting.
    ///
    /// It leaves no trace: whether a directory can be written is tried with a file that is removed at once.
    ///
    /// # Errors
    /// All problems.
    pub fn validate(&self) -> Result<(), Problems> {
        let mut problems = self.value_problems();
        problems.extend(self.data_dir_problem());
        problems.extend(self.secret_problem());
        problems.extend(self.key_file_problems());
        problems.extend(self.trunk_secret_problem());
        problems.extend(self.certificate_problem());
        Problems::unless_empty(problems)
    }

    /// Problems of the values alone, without a look at the disk.
    pub(crate) fn value_problems(&self) -> Vec<Problem> {
        let mut problems = self.range_problems();
        problems.extend(self.combination_problems());
        problems.extend(self.listener_problems());
        problems.extend(self.address_problems());
        problems.extend(self.tls_problems());
        problems.extend(self.http.origins.iter().filter_map(|origin| origin_problem(origin)));
        problems.extend(self.proxy_problem());
        problems
    }

    fn range_problems(&self) -> Vec<Problem> {
        self.ranges()
            .into_iter()
            .filter_map(|(key, value, least, most)| range_problem(key, value, least, most))
            .collect()
    }

    /// (key, value, least, most) of every number that stands for itself.
    fn ranges(&self) -> Vec<(&'static str, u64, u64, u64)> {
        let (auth, limits, storage) = (&self.auth, &self.limits, &self.storage);
        let ten_years_s = 3_650 * DAY_MS / 1_000;
        vec![
            ("auth.password_chars_min", auth.password_chars_min.into(), 8, PASSWORD_CHARS_MAX as u64),
            ("auth.hash_threads", auth.hash_threads as u64, 1, 64),
            ("auth.hash_queue_max", auth.hash_queue_max as u64, 1, 100_000),
            ("auth.session_token_days", auth.session_token_days.into(), 1, 3_650),
            ("limits.frame_bytes_max", limits.frame_bytes_max as u64, FRAME_OVERHEAD_BYTES + 1, FRAME_BYTES_MOST),
            ("limits.body_bytes_max", limits.body_bytes_max as u64, 1, FRAME_BYTES_MOST - FRAME_OVERHEAD_BYTES),
            ("limits.signal_bytes_max", limits.signal_bytes_max as u64, 1, FRAME_BYTES_MOST - FRAME_OVERHEAD_BYTES),
            ("limits.group_members_max", limits.group_members_max.into(), 2, 100_000),
            ("limits.requests_in_progress_max", limits.requests_in_progress_max.into(), 1, 4_096),
            ("limits.connection_outbound_bytes_max", limits.connection_outbound_bytes_max as u64, 1, ANY),
            ("limits.outbound_bytes_max", limits.outbound_bytes_max as u64, 1, ANY),
            ("limits.connections_per_address_max", limits.connections_per_address_max as u64, 0, ANY),
            ("limits.login_deadline_ms", limits.login_deadline_ms, 1, DAY_MS),
            ("limits.frame_deadline_ms", limits.frame_deadline_ms, 1, DAY_MS),
            ("limits.write_deadline_ms", limits.write_deadline_ms, 1, DAY_MS),
            ("limits.keepalive_ms", limits.keepalive_ms, 1, DAY_MS),
            ("limits.address_logins_per_minute", limits.address_logins_per_minute.into(), 0, 1_000_000),
            ("limits.devices_per_user_max", limits.devices_per_user_max.into(), 1, 1_000),
            ("limits.address_logins_burst", limits.address_logins_burst.into(), 1, 1_000_000),
            ("limits.user_messages_burst", limits.user_messages_burst.into(), 1, u32::MAX.into()),
            ("limits.user_bytes_per_second", limits.user_bytes_per_second, 0, ANY),
            ("limits.user_bytes_burst", limits.user_bytes_burst, 1, ANY),
            ("limits.user_group_operations_burst", limits.user_group_operations_burst.into(), 1, u32::MAX.into()),
            ("limits.connection_requests_burst", limits.connection_requests_burst.into(), 1, u32::MAX.into()),
            ("sync.entries_max", self.sync.entries_max.into(), 1, 10_000),
            ("limits.watched_users_max", limits.watched_users_max.into(), 0, 100_000),
            ("presence.timeout_ms", self.presence.timeout_ms, 1, DAY_MS),
            ("presence.grace_ms", self.presence.grace_ms, 0, DAY_MS),
            ("presence.interval_ms", self.presence.interval_ms, 0, DAY_MS),
            ("calls.ring_timeout_ms", self.calls.ring_timeout_ms, 1, DAY_MS),
            ("receipts.pushes_per_second", self.receipts.pushes_per_second.into(), 1, 10),
            ("dedup.entries_max", self.dedup.entries_max.into(), 1, 1_000_000),
            ("dedup.age_max_days", self.dedup.age_max_days.into(), 1, 3_650),
            ("dedup.searches_burst", self.dedup.searches_burst.into(), 1, u32::MAX.into()),
            ("messages.edit_age_max_s", self.messages.edit_age_max_s, 0, ten_years_s),
            ("messages.revoke_age_max_s", self.messages.revoke_age_max_s, 0, ten_years_s),
            ("retention.ttl_days", self.retention.ttl_days.into(), 1, 3_650),
            ("retention.drop_entries_min", self.retention.drop_entries_min.into(), 1, 1_000_000),
            ("retention.device_days", self.retention.device_days.into(), 1, 3_650),
            ("storage.free_bytes_min", storage.free_bytes_min, 1, ANY),
            ("storage.partitions", storage.partitions.into(), 1, PARTITIONS_MOST),
            ("storage.cache_bytes", storage.cache_bytes as u64, MIB, ANY),
            ("storage.write_buffer_bytes", storage.write_buffer_bytes as u64, MIB, ANY),
            ("commit.pending_bytes_max", self.commit.pending_bytes_max as u64, 1, ANY),
            ("readers.threads", self.readers.threads as u64, 1, 64),
            ("readers.queue_max", self.readers.queue_max as u64, 1, 1_000_000),
            ("shutdown.grace_ms", self.shutdown.grace_ms, 1, DAY_MS),
            ("trunk.channels_per_trunk_max", self.trunk.channels_per_trunk_max.into(), 1, 1 << 20),
            ("trunk.channels_max", self.trunk.channels_max as u64, 1, 1 << 30),
            ("shutdown.retry_spread_ms", self.shutdown.retry_spread_ms, 0, DAY_MS),
        ]
    }

    fn combination_problems(&self) -> Vec<Problem> {
        let (limits, storage) = (&self.limits, &self.storage);
        let frame = limits.frame_bytes_max as u64;
        let body = limits.body_bytes_max as u64;
        let most_shards = u64::from(storage.partitions);
        let mut problems = Vec::new();
        let mut refuse = |wrong: bool, key: &str, value: u64, text: String| {
            if wrong {
                problems.push(Problem::new(key, value, text));
            }
        };
        refuse(
            body + FRAME_OVERHEAD_BYTES > frame,
            "limits.body_bytes_max",
            body,
            format!(
                "a body needs {FRAME_OVERHEAD_BYTES} bytes more in its frame, and limits.frame_bytes_max is {frame}; \
             lower it to {} or raise limits.frame_bytes_max to {}",
                frame.saturating_sub(FRAME_OVERHEAD_BYTES),
                body + FRAME_OVERHEAD_BYTES
            ),
        );
        refuse(
            self.shards as u64 > most_shards,
            "shards",
            self.shards as u64,
            format!(
                "a shard owns at least one partition, and storage.partitions is {most_shards}; lower it to {most_shards} or \
             0 (one for each core), or raise storage.partitions before the store is made"
            ),
        );
        let one = limits.connection_outbound_bytes_max as u64;
        refuse(
            one < frame + 4,
            "limits.connection_outbound_bytes_max",
            one,
            format!(
                "it must hold one frame of limits.frame_bytes_max with its length; raise it to at least {}",
                frame + 4
            ),
        );
        let all = limits.outbound_bytes_max as u64;
        refuse(
            all < one,
            "limits.outbound_bytes_max",
            all,
            format!(
                "all connections together need at least limits.connection_outbound_bytes_max; raise it to at least {one}"
            ),
        );
        refuse(
            limits.user_bytes_per_second != 0 && limits.user_bytes_burst < frame,
            "limits.user_bytes_burst",
            limits.user_bytes_burst,
            format!(
                "a message of limits.frame_bytes_max would never be admitted; raise it to at least {frame}, or set \
                 limits.user_bytes_per_second to 0 (no limit)"
            ),
        );
        let pending = self.commit.pending_bytes_max as u64;
        refuse(
            pending < frame,
            "commit.pending_bytes_max",
            pending,
            format!("it must hold one frame of limits.frame_bytes_max; raise it to at least {frame}"),
        );
        let strangers = limits.connections_unauthenticated_max as u64;
        let connections = limits.connections_max as u64;
        refuse(
            connections != 0 && strangers > connections,
            "limits.connections_unauthenticated_max",
            strangers,
            format!("limits.connections_max is {connections}; lower it to that or less, or set 0 (half of it)"),
        );
        let files = storage.files_max as u64;
        refuse(
            files != 0 && files < 64,
            "storage.files_max",
            files,
            "at least 64, or 0 (a share of the file descriptors)".to_owned(),
        );
        problems
    }

    /// Two listeners that want the same port of the same address, and the want of any.
    fn listener_problems(&self) -> Vec<Problem> {
        let mut listeners: Vec<_> = self.listeners().into_iter().map(|(key, address, _)| (key, address)).collect();
        if listeners.is_empty() {
            let text = "nobody could connect: give listen, tls.listen, http.listen or http.tls_listen an address";
            return vec![Problem::new("listen", "\"\"", text)];
        }
        listeners.push(("metrics_listen", self.metrics_listen));
        let mut problems = Vec::new();
        for (at, (key, address)) in listeners.iter().enumerate() {
            if let Some((other, taken)) = listeners[..at].iter().find(|(_, taken)| meet(*taken, *address)) {
                let text = format!("{taken} is taken already ({other}); give one of them another port");
                problems.push(Problem::new(*key, format!("\"{address}\""), text));
            }
        }
        problems
    }

    fn address_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let keys_are_chosen = self.auth.token_secret_file.is_some() || self.auth.has_public_keys();
        for (key, address, transport) in self.listeners() {
            if address.ip().is_loopback() {
                continue;
            }
            let mut refuse = |text: &str| problems.push(Problem::new(key, format!("\"{address}\""), text));
            if !keys_are_chosen {
                refuse(
                    "listening beyond this machine needs keys that you chose: set auth.token_secret_file to a file with at \
                     least 32 random bytes and mode 600, or auth.jwt_key_files or auth.jwks_file to the public keys of who \
                     signs tokens, or listen on 127.0.0.1",
                );
            }
            if transport.is_plaintext() && !self.plaintext_behind_proxy {
                refuse(
                    "beyond this machine tokens, passwords and messages would cross the network as they are: let clients \
                     connect with TLS (tls.listen, tls.certificate_file and tls.key_file) and keep this on 127.0.0.1, or, \
                     behind a proxy that speaks TLS with the clients, say --plaintext-behind-proxy \
                     (plaintext_behind_proxy = true)",
                );
            }
        }
        problems
    }

    fn tls_problems(&self) -> Vec<Problem> {
        let tls = &self.tls;
        let (certificate, key) = (tls.certificate_file.is_some(), tls.key_file.is_some());
        let mut problems = Vec::new();
        if certificate != key {
            let (missing, other) =
                if key { ("tls.certificate_file", "tls.key_file") } else { ("tls.key_file", "tls.certificate_file") };
            problems.push(Problem::of(
                missing,
                format!("{other} is set, and a certificate needs its key; set both or none"),
            ));
        }
        let wants_tls = self.listeners().into_iter().filter(|(_, _, transport)| !transport.is_plaintext());
        for (wanting, address, _) in wants_tls.filter(|_| !certificate && !key) {
            let text = "TLS needs a certificate and its key; set tls.certificate_file and tls.key_file";
            problems.push(Problem::new(wanting, format!("\"{address}\""), text));
        }
        problems
    }

    fn proxy_problem(&self) -> Option<Problem> {
        let (text, why) = Trusted::parse(&self.proxy.trusted).err()?;
        Some(Problem::new("proxy.trusted", format!("[\"{text}\"]"), why))
    }

    fn certificate_problem(&self) -> Option<Problem> {
        let fault = CertificateFiles::new(&self.tls)?.problem()?;
        Some(Problem::new(fault.key, format!("\"{}\"", fault.path.display()), fault.advice))
    }

    fn data_dir_problem(&self) -> Option<Problem> {
        let shown = format!("\"{}\"", self.data_dir.display());
        if self.data_dir.as_os_str().is_empty() {
            return Some(Problem::new("data_dir", shown, "name a directory"));
        }
        let text = why_unwritable(&self.data_dir)?;
        Some(Problem::new(
            "data_dir",
            shown,
            format!("{text}; name a directory that this user may write, or change its owner or mode"),
        ))
    }

    fn secret_problem(&self) -> Option<Problem> {
        let path = self.token_secret_path()?;
        let configured = self.auth.token_secret_file.is_some();
        match secret::load(&path) {
            Ok(_) => None,
            Err(secret::SecretError::Missing { .. }) if !configured => None, // Made at first start.
            Err(secret::SecretError::Unreadable { source, .. })
                if !configured && source.kind() == ErrorKind::NotADirectory =>
            {
                None
            }
            Err(error) => {
                Some(Problem::new("auth.token_secret_file", format!("\"{}\"", path.display()), error.advice()))
            }
        }
    }

    fn trunk_secret_problem(&self) -> Option<Problem> {
        let path = self.trunk.secret_file.as_ref()?;
        let error = secret::load(path).err()?;
        Some(Problem::new("trunk.secret_file", format!("\"{}\"", path.display()), error.advice()))
    }

    fn key_file_problems(&self) -> impl Iterator<Item = Problem> {
        let problem =
            |error: KeyFileError| Problem::new(error.key, format!("\"{}\"", error.path.display()), error.advice);
        KeyFiles::problems(self).into_iter().map(problem)
    }
}

/// Whether two sockets cannot both have what they want.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (any || one.ip() == other.ip())
}

fn range_problem(key: &str, value: u64, least: u64, most: u64) -> Option<Problem> {
    let text = match value {
        value if value < least => format!("at least {least}; raise it"),
        value if value > most => format!("at most {most}; lower it"),
        _ => return None,
    };
    Some(Problem::new(key, value, text))
}

/// Why nothing can be written into a directory that is there or is to be made; `None` when it can.
fn why_unwritable(dir: &Path) -> Option<String> {
    let existing = dir.ancestors().find(|path| path.symlink_metadata().is_ok());
    let existing = match existing {
        Some(path) if !path.as_os_str().is_empty() => path,
        _ => Path::new("."),
    };
    if !existing.is_dir() {
        return Some(format!("{} is not a directory", existing.display()));
    }
    let probe = existing.join(format!(".hubbub-probe-{}", std::process::id()));
    match OpenOptions::new().write(true).create_new(true).open(&probe) {
        Ok(_) => {
            std::fs::remove_file(&probe).err().map(|error| format!("{} cannot be removed ({error})", probe.display()))
        }
        Err(error) => Some(format!("{} cannot be written ({error})", existing.display())),
    }
}
