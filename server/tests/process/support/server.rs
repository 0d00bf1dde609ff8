//! A server process on a directory of its own: start, look into, kill, start again.

use super::{Certificate, Transport, wait_for, wait_until};
use hubbub_server::auth::{secret, tokens};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The binary under test, in an environment without settings of the person who runs the tests.
pub(crate) fn hubbub() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
    clean(&mut command);
    command
}

fn clean(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HUBBUB_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    shards: usize,
    config: String,
    wrapper: Vec<String>,
    log: String,
    transport: Transport,
    /// What it shows to clients of that transport.
    certificate: Option<Arc<Certificate>>,
}

impl Setup {
    /// Two shards, so that users and conversations are homed apart, and otherwise the defaults.
    pub(crate) fn new() -> Setup {
        Setup {
            shards: 2,
            config: String::new(),
            wrapper: Vec::new(),
            log: "info".to_owned(),
            transport: Transport::Tcp,
            certificate: None,
        }
    }

    /// Another number of shards.
    pub(crate) fn shards(mut self, shards: usize) -> Setup {
        self.shards = shards;
        self
    }

    /// More configuration: lines of TOML, keys with their tables (`limits.keepalive_ms = 1000`).
    pub(crate) fn config(mut self, lines: &str) -> Setup {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Without limits on what one user may do in a short time, for floods.
    pub(crate) fn unlimited(self) -> Setup {
        self.config(
            "limits.user_messages_per_second = 0\nlimits.user_bytes_per_second = 0\n\
             limits.user_group_operations_per_minute = 0\nlimits.connection_requests_per_second = 0",
        )
    }

    /// Runs the server under another program.
    pub(crate) fn wrapper(mut self, words: &[&str]) -> Setup {
        self.wrapper = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Clients come over this transport, which the configuration allows.
    pub(crate) fn comes_over(self, transport: Transport) -> Setup {
        Setup { transport, ..self }
    }

    /// Shows this certificate to them.
    pub(crate) fn shows(self, certificate: Certificate) -> Setup {
        let setup = self.certified(&certificate);
        Setup { certificate: Some(Arc::new(certificate)), ..setup }
    }

    /// What to log.
    pub(crate) fn log(mut self, filter: &str) -> Setup {
        self.log = filter.to_owned();
        self
    }

    /// Starts it and waits until clients may come.
    pub(crate) fn start(self) -> Server {
        Server::start_in(self, Arc::new(tempfile::tempdir().expect("a temporary directory")))
    }

    /// Starts it with another address for clients.
    pub(crate) fn start_on(self, listen: SocketAddr) -> Server {
        Server::start_on(self, Arc::new(tempfile::tempdir().expect("a temporary directory")), listen)
    }

    /// Starts it and expects that it ends by itself, with a failure: what it said.
    pub(crate) fn start_in_vain(self, dir: &Path, listen: SocketAddr, metrics: SocketAddr) -> String {
        let mut running = Running::spawn(&self, dir, listen, metrics, &[]);
        let status = wait_for("the end of a server that cannot start", || running.child.try_wait().unwrap());
        let log = running.log();
        assert!(!status.success() && status.signal().is_none(), "{status}: {log}");
        log
    }
}

/// A process with what it has said so far.
struct Running {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    /// With further variables of its environment.
    fn spawn(
        setup: &Setup,
        dir: &Path,
        listen: SocketAddr,
        metrics: SocketAddr,
        variables: &[(&str, SocketAddr)],
    ) -> Running {
        let config = dir.join("hubbub.toml");
        std::fs::write(&config, format!("shards = {}\n{}", setup.shards, setup.config)).unwrap();
        let mut words = setup.wrapper.clone();
        words.push(env!("CARGO_BIN_EXE_hubbub").to_owned());
        let mut command = Command::new(&words[0]);
        clean(&mut command);
        command.args(&words[1..]).arg("--config").arg(config).arg("--data-dir").arg(dir.join("data"));
        command.args(["--listen", &listen.to_string(), "--metrics-listen", &metrics.to_string()]);
        // Not on a port that another server may have.
        command.env("HUBBUB_HTTP__LISTEN", "127.0.0.1:0");
        command.args(["--log", &setup.log]);
        command.envs(variables.iter().map(|(name, address)| (name, address.to_string())));
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the server's binary runs");
        let log = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let (log, mut stderr) = (log.clone(), child.stderr.take().expect("it is piped"));
            move || {
                let mut part = [0; 4_096];
                while let Ok(count @ 1..) = stderr.read(&mut part) {
                    log.lock().unwrap().extend_from_slice(&part[..count]);
                }
            }
        });
        Running { child, log, reader: Some(reader) }
    }

    fn log(&mut self) -> String {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            // The pipe ends with the process: all that it said is there after that.
            self.reader.take().map(|reader| reader.join());
        }
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }
}

/// A server that clients can connect to. It is killed when it goes out of scope; its log is shown if the test failed.
pub(crate) struct Server {
    setup: Setup,
    dir: Arc<TempDir>,
    running: Running,
    /// What earlier runs said.
    earlier: String,
    /// The process itself, also under a wrapper.
    pid: u32,
    /// Where clients connect.
    pub(crate) clients: SocketAddr,
    /// Where clients connect with TLS, if they may.
    pub(crate) tls: Option<SocketAddr>,
    /// Where browsers connect.
    pub(crate) http: SocketAddr,
    /// Where they do with TLS, if they may.
    pub(crate) https: Option<SocketAddr>,
    /// Where metrics are.
    pub(crate) metrics: SocketAddr,
}

impl Server {
    /// With the defaults.
    pub(crate) fn start() -> Server {
        Setup::new().start()
    }

    fn start_in(setup: Setup, dir: Arc<TempDir>) -> Server {
        Server::start_on(setup, dir, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    fn start_on(setup: Setup, dir: Arc<TempDir>, listen: SocketAddr) -> Server {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = Running::spawn(&setup, dir.path(), listen, anywhere, &[]);
        let mut server = Server {
            setup,
            dir,
            running,
            earlier: String::new(),
            pid: 0,
            clients: anywhere,
            tls: None,
            http: anywhere,
            https: None,
            metrics: anywhere,
        };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&mut self) {
        let path = self.data_dir().join("addresses.json");
        let value = wait_for("addresses.json", || {
            if let Some(status) = self.running.child.try_wait().unwrap() {
                panic!("the server ended instead of starting: {status}");
            }
            let text = std::fs::read_to_string(&path).ok()?;
            let value: serde_json::Value = serde_json::from_str(&text).expect("addresses.json is JSON");
            // One that a killed server left behind names another process.
            let pid = value["pid"].as_u64().expect("a process id") as u32;
            (pid != self.pid).then_some(value)
        });
        let address = |name: &str| value[name].as_str().map(|text| text.parse().expect("an address"));
        self.clients = address("clients").expect("clients have one");
        self.metrics = address("metrics").expect("metrics have one");
        self.tls = address("tls");
        self.http = address("http").expect("browsers have one");
        self.https = address("https");
        self.pid = value["pid"].as_u64().expect("a process id") as u32;
    }

    /// How the clients of the test come.
    pub(crate) fn transport(&self) -> Transport {
        self.setup.transport
    }

    /// What it shows to them.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.setup.certificate.as_deref()
    }

    /// Where it keeps everything.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A directory for the test's own files.
    pub(crate) fn scratch_dir(&self) -> &Path {
        self.dir.path()
    }

    /// A token for a user, valid for an hour.
    pub(crate) fn token(&self, user: u64) -> String {
        self.token_until(user, SystemTime::now() + Duration::from_secs(3_600))
    }

    /// A token for a user.
    pub(crate) fn token_until(&self, user: u64, expires_at: SystemTime) -> String {
        let secret = secret::load(&self.data_dir().join("token-secret")).expect("the server has made a secret");
        tokens::sign(&secret, user, expires_at).expect("a token")
    }

    // ---- Ends and beginnings ----

    /// Ends it without any chance to do something about it.
    pub(crate) fn kill(&mut self) {
        self.signal("KILL");
        self.wait_for_end();
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        self.signal("TERM");
    }

    /// Waits until it has ended.
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        wait_for("the end of the server", || self.running.child.try_wait().unwrap())
    }

    /// An orderly stop, which must succeed.
    pub(crate) fn stop(&mut self) {
        self.ask_to_stop();
        let status = self.wait_for_end();
        assert!(status.success(), "{status}");
    }

    /// Starts it again: same data, same ports for clients.
    pub(crate) fn start_again(&mut self) {
        self.earlier = self.log();
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let same = [
            ("HUBBUB_TLS__LISTEN", self.tls),
            ("HUBBUB_HTTP__LISTEN", Some(self.http)),
            ("HUBBUB_HTTP__TLS_LISTEN", self.https),
        ];
        let same: Vec<_> = same.into_iter().filter_map(|(name, address)| Some((name, address?))).collect();
        self.running = Running::spawn(&self.setup, self.dir.path(), self.clients, anywhere, &same);
        self.wait_until_ready();
    }

    /// Starts it again with another configuration.
    pub(crate) fn start_again_with(&mut self, setup: Setup) {
        self.setup = setup;
        self.start_again();
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own `kill`, since there is no other way without unsafe code.
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid)]).status().unwrap();
        assert!(status.success(), "kill -{name} {}", self.pid);
    }

    /// Whether it is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.running.child.try_wait().unwrap().is_none()
    }

    // ---- Looks ----

    /// All that it has logged, over all its runs.
    pub(crate) fn log(&mut self) -> String {
        format!("{}{}", self.earlier, self.running.log())
    }

    /// The value of a metric, as `/metrics` shows it, summed over labels; `None` when it is not there.
    pub(crate) fn metric(&self, name: &str) -> Option<f64> {
        let text = self.scrape();
        let values: Vec<f64> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                (series == name || series.starts_with(&format!("{name}{{"))).then(|| value.parse().unwrap())
            })
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// Waits until a metric has a value. They are published once a second.
    pub(crate) fn wait_for_metric(&self, name: &str, is_right: impl Fn(f64) -> bool) {
        wait_until(name, || self.metric(name).is_some_and(&is_right));
    }

    /// The whole page of metrics.
    pub(crate) fn scrape(&self) -> String {
        scrape(self.metrics)
    }

    /// Resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("the kernel tells");
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kilobytes * 1_024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() && self.pid != 0 {
            let _ = Command::new("sh").args(["-c", &format!("kill -KILL {} 2>&1", self.pid)]).output();
        }
        let _ = self.running.child.kill();
        let _ = self.running.child.wait();
        if std::thread::panicking() {
            eprintln!("---- log of the server ----\n{}---- end ----", self.log());
        }
    }
}

/// The page of metrics of any server.
pub(crate) fn scrape(metrics: SocketAddr) -> String {
    let mut stream = TcpStream::connect(metrics).unwrap();
    stream.set_read_timeout(Some(super::DEADLINE)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}
