//! Runs that are spread over workers, which are processes of the real program here.

mod busy;
mod child_killed;
mod coordinator_killed;
mod garbage;
mod killed;
mod shared_run;
mod silent;
mod tampered;
mod unreachable;
mod wrong_token;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use hubbub_loadgen::report::result::RunResult;
use hubbub_loadgen::run::{Request, run};
use hubbub_loadgen::scenario::Scenario;
use hubbub_loadgen::workers::secret::Token;
use hubbub_loadgen::workers::{Fleet, SILENCE};

use super::fake::Fake;
use super::{request, scenario, secret_file};

/// What the workers of these tests know.
const TOKEN: &str = "a token for these tests";

/// What is waited for comes much sooner.
const DEADLINE: Duration = Duration::from_secs(60);

/// A process that ends with the value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A worker that listens.
struct Worker {
    process: Ended,
    address: String,
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_hubbub-load"))
}

/// A run by the program itself that goes on for longer than any test, and the directory of its result.
fn endless_program(fake: &Fake, secret: &Path, out: &Path) -> Command {
    let mut command = program();
    command.args(["run", "direct", "--clients", "20", "--rate", "500", "--duration", "600s", "--ramp", "200ms"]);
    command.args(["--metrics", "none", "--server", &fake.address.to_string()]);
    command.arg("--secret-file").arg(secret).arg("--out").arg(out).stdout(Stdio::null());
    command
}

/// Waits for the end of such a run, which must say that its ledger did not close; its result.
fn failed_result(mut run: Ended, out: &Path) -> RunResult {
    let mut code = None;
    wait_until("the run ends", || {
        code = run.0.try_wait().unwrap();
        code.is_some()
    });
    assert_eq!(code.unwrap().code(), Some(1));
    serde_json::from_str(&std::fs::read_to_string(out.join("result.json")).unwrap()).unwrap()
}

impl Worker {
    /// Starts one; it says itself where it listens.
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(flags: &[&str]) -> Self {
        let mut command = program();
        command.args(["worker", "--listen", "127.0.0.1:0", "--threads", "1"]).args(flags);
        command.env("HUBBUB_LOAD_TOKEN", TOKEN);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { process: Ended(child), address }
    }

    fn signal(&self, signal: &str) {
        send_signal(self.process.0.id(), signal);
    }
}

fn send_signal(pid: u32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn fleet(addresses: Vec<String>) -> Fleet {
    Fleet { addresses, token: Token::new(TOKEN.as_bytes()).unwrap(), threads_each: None, silence: SILENCE }
}

fn request_over(fake: &Fake, scenario: Scenario, secret: &Path, fleet: Fleet) -> Request {
    Request { fleet: Some(fleet), ..request(fake, scenario, secret.to_owned()) }
}

/// A run over these workers.
fn run_over(fake: &Fake, scenario: Scenario, fleet: Fleet) -> anyhow::Result<RunResult> {
    let secret = secret_file();
    run(request_over(fake, scenario, secret.path(), fleet), &Arc::new(AtomicU32::new(0)))
}

/// That a worker still does what it is for.
fn assert_serves(worker: &Worker) {
    let fake = Fake::start(super::fake::Fault::Nothing);
    let result = run_over(&fake, scenario("direct", 4), fleet(vec![worker.address.clone()])).unwrap();
    assert!(result.ledger.closed && result.ledger.totals.accepted > 0, "{:?}", result.ledger);
}

/// Waits for a condition.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A scenario that goes on for longer than any test.
fn endless(clients: u32) -> Scenario {
    Scenario { duration_s: 600.0, ..scenario("direct", clients) }
}
