//! A server that the harness starts for one run, and ends with it.
//!
//! Never touches a process that it did not start: signals go to a child that has not been waited for, so its number
//! cannot be another one's. The child has a process group of its own: a Ctrl-C at the terminal is for the harness,
//! which still closes its ledger with the server's help. When this value goes, the process goes.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use hubbub_codec::endpoint::Transport;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use super::certificate::Certificate;

/// How long a start may take, with whatever the store has to do for it.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// How long an orderly stop may take before it is ended with force.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a start and an end are looked for.
const POLL: Duration = Duration::from_millis(5);

/// Lines of the log that an error shows.
const LOG_LINES_SHOWN: usize = 5;

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's program.
    pub program: PathBuf,
    /// Where it keeps its data; `None`: in a temporary directory that goes with it.
    pub data_dir: Option<PathBuf>,
    /// Further flags for it.
    pub flags: Vec<String>,
    /// Variables of its environment, beside those of the harness's own.
    pub environment: Vec<(String, String)>,
    /// Where its log goes; written anew.
    pub log: PathBuf,
    /// What clients come over, beside plain TCP; those with TLS are shown a certificate that is made for it.
    pub transports: Vec<Transport>,
}

/// What `addresses.json` says.
#[derive(Debug, Deserialize)]
struct Addresses {
    clients: SocketAddr,
    #[serde(default)]
    tls: Option<SocketAddr>,
    #[serde(default)]
    http: Option<SocketAddr>,
    #[serde(default)]
    https: Option<SocketAddr>,
    metrics: SocketAddr,
    pid: u32,
}

impl Addresses {
    /// Any free ports, for these.
    fn wanted(transports: &[Transport]) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let wanted = |transport| transports.contains(&transport).then_some(anywhere);
        Self {
            clients: anywhere,
            tls: wanted(Transport::Tls),
            // It listens there in any case, and not on a port that another one may have.
            http: Some(anywhere),
            https: wanted(Transport::WebSocketTls),
            metrics: anywhere,
            pid: 0,
        }
    }

    /// The server's keys for those that no flag is for.
    fn variables(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        let all = [
            ("HUBBUB_TLS__LISTEN", self.tls),
            ("HUBBUB_HTTP__LISTEN", self.http),
            ("HUBBUB_HTTP__TLS_LISTEN", self.https),
        ];
        all.into_iter().filter_map(|(variable, address)| Some((variable, address?)))
    }
}

/// A running server, or one between two lives.
#[derive(Debug)]
pub struct OwnServer {
    settings: Settings,
    data_dir: PathBuf,
    /// Removed with the value.
    _temporary: Option<TempDir>,
    log: File,
    child: Option<Child>,
    /// Where it listens; port 0 before its first life.
    addresses: Addresses,
    certificate: Option<Certificate>,
}

impl OwnServer {
    /// Starts one on ports that are free, and waits until clients may come.
    ///
    /// # Errors
    /// When it cannot be started, or ends instead of listening; with the last lines of its log.
    pub fn start(settings: Settings) -> anyhow::Result<Self> {
        let temporary = match settings.data_dir {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("hubbub-load-").tempdir().context("no temporary directory")?),
        };
        let parent = temporary.as_ref().map(|dir| dir.path().join("data"));
        let data_dir = settings.data_dir.clone().or(parent).context("no data directory")?;
        let shown = settings.log.display();
        let log = File::create(&settings.log).with_context(|| format!("the server's log {shown} cannot be written"))?;
        let has_tls = settings.transports.iter().any(|transport| transport.has_tls());
        let certificate = has_tls.then(Certificate::make).transpose()?;
        let addresses = Addresses::wanted(&settings.transports);
        let mut server = Self { settings, data_dir, _temporary: temporary, log, child: None, addresses, certificate };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it: on its old ports for clients when it had some. Its metrics may move.
    ///
    /// # Errors
    /// As [`OwnServer::start`].
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let shown = self.settings.program.display();
        let mut command = Command::new(&self.settings.program);
        command.arg("--data-dir").arg(&self.data_dir);
        command.args(["--listen", &self.addresses.clients.to_string(), "--metrics-listen", "127.0.0.1:0"]);
        for (variable, address) in self.addresses.variables() {
            command.env(variable, address.to_string());
        }
        if let Some(certificate) = &self.certificate {
            command.env("HUBBUB_TLS__CERTIFICATE_FILE", certificate.file());
            command.env("HUBBUB_TLS__KEY_FILE", certificate.key_file());
        }
        command.args(&self.settings.flags).process_group(0);
        command.envs(self.settings.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log.try_clone().context("no descriptor")?);
        let child = command.spawn().with_context(|| format!("--own-server {shown} cannot be run"))?;
        self.child = Some(child);
        self.addresses = self.wait_until_it_listens()?;
        Ok(())
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<Addresses> {
        let (path, end) = (self.data_dir.join("addresses.json"), Instant::now() + START_TIMEOUT);
        loop {
            if let Some(status) = self.ended() {
                anyhow::bail!("the own server ended instead of starting ({status}){}", self.last_words());
            }
            // One that a killed server left behind names another process.
            if let Some(addresses) = read_addresses(&path).filter(|found| Some(found.pid) == self.pid()) {
                return Ok(addresses);
            }
            anyhow::ensure!(Instant::now() < end, "the own server did not start in time{}", self.last_words());
            std::thread::sleep(POLL);
        }
    }

    /// Where clients connect; the same over all its lives.
    #[must_use]
    pub fn clients(&self) -> SocketAddr {
        self.addresses.clients
    }

    /// The same for a transport; `None` when it does not listen for it.
    #[must_use]
    pub fn address(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Tcp => Some(self.addresses.clients),
            Transport::Tls => self.addresses.tls,
            Transport::WebSocket => self.addresses.http,
            Transport::WebSocketTls => self.addresses.https,
        }
    }

    /// The certificate that it shows, in PEM; it is for `localhost`.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.certificate.as_ref().map(Certificate::pem)
    }

    /// Where its metrics are, in this life.
    #[must_use]
    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.addresses.metrics)
    }

    /// The secret that its tokens are signed with.
    #[must_use]
    pub fn secret_file(&self) -> PathBuf {
        self.data_dir.join("token-secret")
    }

    /// Its process; `None` between two lives.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// How it ended, when it has done so by itself; it is between two lives then.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        Some(status)
    }

    /// Sends it a signal, if it lives.
    pub fn signal(&self, signal: Signal) {
        let pid = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            // It can only fail because the process is gone, which is noticed elsewhere.
            let _ = kill_process(pid, signal);
        }
    }

    /// Ends it without any chance to do something about it.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// An orderly stop; with force when it takes too long. How it ended by itself; `None` when force was needed, or it was
    /// not there.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        // A process that was stopped does not hear anything else.
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let end = Instant::now() + STOP_TIMEOUT;
        while self.child.is_some() && Instant::now() < end {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            std::thread::sleep(POLL);
        }
        self.kill();
        None
    }

    /// The end of its log, for an error.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.settings.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        let shown = self.settings.log.display();
        match last.is_empty() {
            true => format!("; its log {shown} is empty"),
            false => format!("; the end of its log {shown}:\n  {}", last.join("\n  ")),
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read_addresses(path: &Path) -> Option<Addresses> {
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A program of a few lines of shell that stands for a server.
    fn script(dir: &Path, lines: &str) -> Settings {
        let program = dir.join("server.sh");
        std::fs::write(&program, format!("#!/bin/sh\nwhile [ $# -gt 0 ]; do\n  [ \"$1\" = --data-dir ] && dir=$2\n  [ \"$1\" = --listen ] && listen=$2\n  shift\ndone\nmkdir -p \"$dir\"\n{lines}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Settings {
            program,
            data_dir: None,
            flags: Vec::new(),
            environment: Vec::new(),
            log: dir.join("server.log"),
            transports: Vec::new(),
        }
    }

    const LISTENS: &str = "[ $listen = 127.0.0.1:0 ] && listen=127.0.0.1:7\n\
        echo \"{\\\"clients\\\":\\\"$listen\\\",\\\"metrics\\\":\\\"127.0.0.1:8\\\",\\\"pid\\\":$$}\" > $dir/addresses.json\n\
        echo life >&2\ntrap 'exit 0' TERM\nwhile :; do sleep 0.01; done";

    fn is_there(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn it_keeps_its_port_over_its_lives_and_its_log_has_them_all() {
        let dir = tempfile::tempdir().unwrap();
        let mut server = OwnServer::start(script(dir.path(), LISTENS)).unwrap();
        let first = server.pid().unwrap();
        assert_eq!((server.clients().port(), server.metrics_url().as_str()), (7, "http://127.0.0.1:8/metrics"));
        server.kill();
        assert!(!is_there(first) && server.pid().is_none());
        server.start_again().unwrap();
        let second = server.pid().unwrap();
        assert_ne!(first, second);
        assert!(server.stop().is_some_and(|status| status.success()), "it ends when it is asked to");
        assert_eq!(std::fs::read_to_string(dir.path().join("server.log")).unwrap(), "life\nlife\n");
        assert!(!is_there(second));
    }

    #[test]
    fn nothing_is_left_when_it_goes_even_of_one_that_was_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let server = OwnServer::start(script(dir.path(), LISTENS)).unwrap();
        let (pid, data_dir) = (server.pid().unwrap(), server.data_dir.clone());
        server.signal(Signal::STOP);
        drop(server);
        assert!(!is_there(pid) && !data_dir.exists());
    }

    #[test]
    fn one_that_does_not_start_shows_what_it_said() {
        let dir = tempfile::tempdir().unwrap();
        let error = OwnServer::start(script(dir.path(), "echo no such luck >&2; exit 3")).unwrap_err().to_string();
        assert!(error.contains("no such luck") && error.contains("exit status: 3"), "{error}");
        let missing = Settings { program: "/no/such/program".into(), ..script(dir.path(), "") };
        assert!(OwnServer::start(missing).unwrap_err().to_string().contains("/no/such/program"));
    }
}
