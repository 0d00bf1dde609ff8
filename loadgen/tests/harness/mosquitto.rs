//! A broker of our own for a test: mosquitto on a free port, with nothing on disk.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use hubbub_loadgen::engine::plan::{Plan, Protocol};
use hubbub_loadgen::mqtt::Version;
use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::Scenario;

pub(super) const VERSIONS: [Version; 2] = [Version::V3, Version::V5];

const START_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Broker {
    child: Child,
    pub(super) address: SocketAddr,
    directory: tempfile::TempDir,
}

/// Where a program of mosquitto is; Debian keeps the broker where only root looks.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    directories.map(|directory| directory.join(program)).find(|file| file.is_file())
}

impl Broker {
    /// A broker that lets everybody in; `None`, and a word on the terminal, where mosquitto is not installed. In CI that
    /// is a failure.
    pub(super) fn start() -> Option<Self> {
        Self::start_with("allow_anonymous true\n", |_| {})
    }

    /// A broker that lets only `user` in.
    pub(super) fn start_for(user: &str, password: &str) -> Option<Self> {
        Self::start_with("allow_anonymous false\npassword_file passwords\n", |directory| {
            let program = find("mosquitto_passwd").expect("it comes with the broker");
            let mut command = Command::new(program);
            command.current_dir(directory).args(["-c", "-b", "passwords", user, password]);
            assert!(command.status().unwrap().success());
        })
    }

    fn start_with(access: &str, prepare: impl Fn(&std::path::Path)) -> Option<Self> {
        if find("mosquitto").is_none() {
            assert!(std::env::var_os("CI").is_none(), "mosquitto is missing: run scripts/setup.sh --tests");
            // Past the capture of the test's output.
            let _ = std::io::stderr().write_all(b"SKIPPED: mosquitto is missing; run scripts/setup.sh --tests\n");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = format!(
            "user root\npersistence false\nset_tcp_nodelay true\nmax_queued_messages 100000\n{access}listener {} 127.0.0.1\n",
            address.port()
        );
        std::fs::write(directory.path().join("mosquitto.conf"), config).unwrap();
        let child = launch(&directory);
        let broker = Self { child, address, directory };
        broker.wait_until_it_listens();
        Some(broker)
    }

    /// Kills it without a word, and starts it again on the same port: whatever it held is gone.
    pub(super) fn crash(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = launch(&self.directory);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen on {}", self.address);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(super) fn request(&self, scenario: Scenario, version: Version) -> Request {
        Request {
            plan: Plan {
                scenario,
                seed: 7,
                run_id: 0x5eed,
                first_user: 1_000,
                server: self.address,
                routes: Vec::new(),
                authority: None,
                ledger_bytes: 1 << 20,
                protocol: Protocol::Mqtt { version, user: None },
                trunks: None,
            },
            secret_file: PathBuf::new(),
            metrics: None,
            pid: None,
            threads: 1,
            processes: Some(1),
            fleet: None,
            metrics_listen: None,
            progress: hubbub_loadgen::progress::Mode::Quiet,
            own_server: None,
        }
    }

    /// Runs `scenario` against it.
    pub(super) fn run(&self, scenario: Scenario, version: Version) -> RunResult {
        run(self.request(scenario, version), &Arc::new(AtomicU32::new(0))).unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(directory: &tempfile::TempDir) -> Child {
    let mut command = Command::new(find("mosquitto").expect("it was there before"));
    command.current_dir(directory.path()).args(["-c", "mosquitto.conf"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}
