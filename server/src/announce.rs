//! What a starting server says of itself: in the log, and in `DATA_DIR/addresses.json` for scripts.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use crate::config::Config;
use crate::descriptors::Division;
use crate::metrics::Transport;

/// The name of the file with the addresses.
pub const ADDRESSES_NAME: &str = "addresses.json";

/// What the log shows first: what runs here and how.
pub fn starting(config: &Config, division: &Division) {
    info!("hubbub {}", env!("CARGO_PKG_VERSION"));
    info!("data in {}, durability {}", config.data_dir.display(), config.durability.name());
    info!("{} shards, {} partitions", config.shards_count(), config.storage.partitions);
    info!("{division}");
    let open = config.listeners().into_iter();
    for (key, address, _) in open.filter(|(_, address, how)| how.is_plaintext() && !address.ip().is_loopback()) {
        warn!(
            "{key} = {address} is beyond this machine and without TLS (plaintext_behind_proxy): a proxy must stand before it"
        );
    }
}

/// Where the token secret is, and how to try things with it. Never the secret.
pub fn token_secret(config: &Config, path: &Path, created: bool) {
    if created {
        info!("made a random token secret in {}", path.display());
    }
    info!("token secret in {}; a token to try things with: {}", path.display(), token_command(config));
}

fn token_command(config: &Config) -> String {
    match &config.auth.token_secret_file {
        Some(path) => format!("hubbub token --user 42 --secret-file {}", path.display()),
        None if config.data_dir == Config::default().data_dir => "hubbub token --user 42".to_owned(),
        None => format!("hubbub token --user 42 --data-dir {}", config.data_dir.display()),
    }
}

/// Says that clients may come now: in the log, and in the file, which appears whole or not at all.
///
/// The addresses are those really bound, so a configured port 0 shows as the port that was found. The file is an object
/// with `metrics`, and, where they are on, `clients` (plain TCP) and `tls` (each `host:port`), and `pid`.
///
/// # Errors
/// The file cannot be written.
pub fn ready(config: &Config, clients: &[(Transport, SocketAddr)], metrics: SocketAddr) -> io::Result<()> {
    write_addresses(&config.data_dir, clients, metrics)?;
    for (transport, address) in clients {
        let scheme = transport.label();
        match transport {
            Transport::Tcp | Transport::Tls => info!("clients on {address} ({scheme})"),
            Transport::Http | Transport::Https if config.http.page => {
                info!("the chat page is at {scheme}://{address}/")
            }
            Transport::Http | Transport::Https => info!("WebSockets at {scheme}://{address}/ws"),
        }
    }
    info!("metrics on http://{metrics}/metrics");
    Ok(())
}

/// Removes the file; call it when clients are no longer accepted. That it is not there is fine.
pub fn gone(config: &Config) {
    let _ = fs::remove_file(addresses_path(&config.data_dir));
}

fn addresses_path(data_dir: &Path) -> PathBuf {
    data_dir.join(ADDRESSES_NAME)
}

fn write_addresses(data_dir: &Path, clients: &[(Transport, SocketAddr)], metrics: SocketAddr) -> io::Result<()> {
    let path = addresses_path(data_dir);
    let draft = path.with_extension("json.draft");
    // An address holds nothing that JSON would have to escape.
    let name = |transport: &Transport| match transport {
        Transport::Tcp => "clients",
        other => other.label(),
    };
    let clients: String =
        clients.iter().map(|(transport, address)| format!("\"{}\":\"{address}\",", name(transport))).collect();
    let text = format!("{{{clients}\"metrics\":\"{metrics}\",\"pid\":{}}}\n", std::process::id());
    File::create(&draft)?.write_all(text.as_bytes())?;
    fs::rename(&draft, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_json_and_replace_older_ones() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        let address = |text: &str| text.parse().unwrap();
        ready(&config, &[(Transport::Tcp, address("127.0.0.1:1"))], address("127.0.0.1:2")).unwrap();
        let clients = [(Transport::Tcp, address("127.0.0.1:3")), (Transport::Tls, address("0.0.0.0:5"))];
        ready(&config, &clients, address("[::1]:4")).unwrap();
        let text = fs::read_to_string(dir.path().join("addresses.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "clients": "127.0.0.1:3", "tls": "0.0.0.0:5", "metrics": "[::1]:4", "pid": std::process::id()
        });
        assert_eq!(value, expected);
        gone(&config);
        gone(&config);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_hint_works_with_the_configuration_at_hand() {
        let mut config = Config::default();
        assert_eq!(token_command(&config), "hubbub token --user 42");
        config.data_dir = "/srv/chat".into();
        assert_eq!(token_command(&config), "hubbub token --user 42 --data-dir /srv/chat");
        config.auth.token_secret_file = Some("/etc/secret".into());
        assert_eq!(token_command(&config), "hubbub token --user 42 --secret-file /etc/secret");
    }
}
