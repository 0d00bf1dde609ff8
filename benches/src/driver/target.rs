//! A server or a floor as a child process, on a directory and ports of its own.

use std::fmt;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use hubbub_server::auth::secret::{self, Secret};
use hubbub_server::auth::tokens;
use tempfile::TempDir;

use super::engine::Identity;
use super::process::Used;

/// Where the binaries are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `hubbub`.
    pub server: PathBuf,
    /// `hubbub-floor`.
    pub floor: PathBuf,
    /// `hubbub-load`.
    pub load: PathBuf,
    /// An older `hubbub`, to be compared with.
    pub older: Option<PathBuf>,
    /// Where servers keep their data; a directory on a real disk.
    pub data: PathBuf,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The null relay.
    Floor,
    /// The server, durable as far as the page cache.
    Os,
    /// The server, durable on disk.
    Fsync,
    /// The server without a write-ahead log.
    None,
    /// An older server, durable as far as the page cache.
    Older,
}

impl Kind {
    /// Whether this is the server.
    #[must_use]
    pub fn is_server(self) -> bool {
        self != Kind::Floor
    }

    fn durability(self) -> &'static str {
        match self {
            Kind::Floor => "",
            Kind::Os | Kind::Older => "os",
            Kind::Fsync => "fsync",
            Kind::None => "none",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Floor => f.write_str("floor"),
            Kind::Older => f.write_str("older hubbub"),
            server => write!(f, "hubbub {}", server.durability()),
        }
    }
}

/// A running process; it is killed and its data removed when this is dropped.
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// Its threads.
    pub threads: u16,
    /// Where clients connect.
    pub address: SocketAddr,
    /// Where its metrics are; the floor has none.
    pub metrics: Option<SocketAddr>,
    /// The file with the secret that signs tokens; the floor has none.
    pub secret_file: Option<PathBuf>,
    signer: Signer,
    child: Child,
    _data: TempDir,
}

/// Descriptors for the store; the rest is for connections, of which a measurement needs 18,000.
const STORE_FILES_MAX: &str = "512";
/// Limits on what one client may do, which are for people: the few clients of a measurement drive what many would.
const PEOPLES_LIMITS: [&str; 4] = [
    "user_messages_per_second",
    "user_bytes_per_second",
    "user_group_operations_per_minute",
    "connection_requests_per_second",
];
const START_PATIENCE: Duration = Duration::from_secs(60);
const TOKEN_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

impl Target {
    /// Starts a process and waits until clients may come.
    ///
    /// # Errors
    /// It cannot be started, or ends at once.
    pub fn start(binaries: &Binaries, kind: Kind, threads: u16) -> anyhow::Result<Target> {
        let data = tempfile::Builder::new().prefix("hubbub-bench-").tempdir_in(&binaries.data)?;
        let threads_text = threads.to_string();
        let mut command = if kind.is_server() {
            let older = binaries.older.as_ref().filter(|_| kind == Kind::Older);
            let mut command = Command::new(older.unwrap_or(&binaries.server));
            command.arg("--data-dir").arg(data.path());
            command.args(["--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log", "warn"]);
            if older.is_none() {
                // One from before it was there does not know it.
                command.args(["--http-listen", "127.0.0.1:0"]);
            }
            command.args(["--durability", kind.durability(), "--shards", &threads_text]);
            command.env("HUBBUB_STORAGE__FILES_MAX", STORE_FILES_MAX);
            lift_limits(&mut command)?;
            command
        } else {
            let mut command = Command::new(&binaries.floor);
            command.args(["--threads", &threads_text]).stdout(Stdio::piped());
            command
        };
        let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start {command:?}"))?;
        let (address, metrics) = match child.stdout.take() {
            Some(stdout) => {
                let mut line = String::new();
                BufReader::new(stdout).read_line(&mut line)?;
                (line.trim().parse().context("the floor's first line is no address")?, None)
            }
            None => wait_for_addresses(data.path(), &mut child)?,
        };
        let secret_file = kind.is_server().then(|| data.path().join("token-secret"));
        let signer = Signer::new(secret_file.as_deref())?;
        Ok(Target { kind, threads, address, metrics, secret_file, signer, child, _data: data })
    }

    /// A user who can log in here.
    ///
    /// # Errors
    /// The token cannot be signed.
    pub fn identity(&self, user: u64) -> anyhow::Result<Identity> {
        self.signer.identity(user)
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the process has used.
    pub(super) fn used(&self) -> anyhow::Result<Used> {
        Used::read(self.child.id())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Nothing of it is needed any more, so there is no reason to stop it in good order.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Switches off what [`PEOPLES_LIMITS`] names, as far as this server (it may be an older one) knows it.
fn lift_limits(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let known = Command::new(&program).arg("check-config").output().with_context(|| format!("{program:?}"))?;
    let known = String::from_utf8_lossy(&known.stdout).into_owned();
    for limit in PEOPLES_LIMITS.iter().filter(|limit| known.contains(**limit)) {
        command.env(format!("HUBBUB_LIMITS__{}", limit.to_uppercase()), "0");
    }
    Ok(())
}

fn wait_for_addresses(data: &Path, child: &mut Child) -> anyhow::Result<(SocketAddr, Option<SocketAddr>)> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        if let Ok(text) = std::fs::read_to_string(data.join("addresses.json")) {
            let addresses: serde_json::Value = serde_json::from_str(&text)?;
            let clients = addresses["clients"].as_str().context("addresses.json names no clients")?;
            let metrics = addresses["metrics"].as_str().and_then(|address| address.parse().ok());
            return Ok((clients.parse()?, metrics));
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server ended at once: {status}");
        }
        ensure!(Instant::now() < deadline, "the server is not ready after {START_PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Signs tokens, as the server wants them or (for the floor) as nobody looks at them.
pub struct Signer(Secret);

impl Signer {
    /// A signer with the secret of a file, or with any secret.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn new(secret_file: Option<&Path>) -> anyhow::Result<Signer> {
        Ok(Signer(match secret_file {
            Some(path) => secret::load(path)?,
            None => Secret::from_bytes(*b"the floor looks at no token at all"),
        }))
    }

    /// A user with a token.
    ///
    /// # Errors
    /// The token cannot be signed.
    pub fn identity(&self, user: u64) -> anyhow::Result<Identity> {
        let token = tokens::sign(&self.0, user, SystemTime::now() + TOKEN_LIFETIME)?;
        Ok(Identity { user, token })
    }
}
