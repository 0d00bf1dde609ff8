//! A Prometheus of our own for a test: on a free port, with its data in a temporary directory, and asked over HTTP.

use super::{DEADLINE, wait_for};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running Prometheus. It ends when this goes out of scope.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    directory: tempfile::TempDir,
}

impl Prometheus {
    /// Starts one that keeps `rules` and scrapes `jobs` (name and address) twice a second; `None`, and a word on the
    /// terminal, where it is not installed. In CI that is a failure.
    pub(crate) fn start(rules: &Path, jobs: &[(&str, SocketAddr)]) -> Option<Prometheus> {
        let mut command = program("prometheus")?;
        let directory = tempfile::tempdir().unwrap();
        let rules = rules.canonicalize().expect("there are rules");
        let mut config = format!(
            "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 1s }}\n\
             rule_files: [\"{}\"]\nscrape_configs:\n",
            rules.display()
        );
        for (job, address) in jobs {
            let _ = writeln!(config, "- {{ job_name: {job}, static_configs: [{{ targets: [\"{address}\"] }}] }}");
        }
        std::fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        command.current_dir(directory.path()).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.args([&format!("--web.listen-address={address}"), "--log.level=warn"]);
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut prometheus = Prometheus { child, address, directory };
        prometheus.wait_until_ready();
        Some(prometheus)
    }

    /// The program that checks rules and configurations, if it is installed.
    pub(crate) fn promtool() -> Option<Command> {
        program("promtool")
    }

    fn wait_until_ready(&mut self) {
        wait_for("Prometheus", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                panic!("Prometheus has ended: {status}: {log}");
            }
            let connected = TcpStream::connect(self.address).is_ok();
            (connected && self.get("/-/ready").is_ok()).then_some(())
        });
    }

    /// The result of an expression now.
    ///
    /// # Errors
    /// What Prometheus has against it.
    pub(crate) fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encoded(expression)))?;
        let data = &answer["data"];
        match data["resultType"].as_str() {
            Some("vector") => Ok(data["result"].as_array().cloned().unwrap_or_default()),
            _ => Ok(vec![data["result"].clone()]),
        }
    }

    /// Whether an expression shows anything: a number, not merely "not a number".
    pub(crate) fn shows(&self, expression: &str) -> bool {
        let result = self.query(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        result.iter().any(|sample| sample["value"][1].as_str().is_some_and(|value| value != "NaN"))
    }

    /// All rules that it keeps.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules").unwrap();
        let groups = answer["data"]["groups"].as_array().expect("groups").iter();
        groups.flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }

    fn get(&self, path: &str) -> Result<Value, String> {
        let mut stream = TcpStream::connect(self.address).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
        let value = serde_json::from_str(body).unwrap_or(Value::Null);
        if head.contains(" 200 ") { Ok(value) } else { Err(format!("{head}\n{body}")) }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(name: &str) -> Option<Command> {
    if Command::new(name).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "{name} is missing: run scripts/setup.sh --tests");
        // Past the capture of the test's output.
        let _ = std::io::stderr().write_all(b"SKIPPED: prometheus is missing; run scripts/setup.sh --tests\n");
        return None;
    }
    Some(Command::new(name))
}

/// As a parameter of an address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => encoded.push(byte.into()),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
        encoded
    })
}
