//! What the load harness itself costs: `hubbub-load` beside a server, by its own account and the server's.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::target::{Binaries, Target};
use super::workload::{BODY_BYTES, Point, Record, Sample, Times};

/// Messages that each sender keeps in flight.
const IN_FLIGHT: u64 = 8;
/// Idle clients of the smaller and the larger run; one process can hold them.
const CROWDS: [u64; 2] = [2_000, 16_000];

/// Lets pairs talk in a closed loop: the CPU of server and harness for each message.
///
/// # Errors
/// The harness failed, or its ledger did not close.
pub(super) fn direct(
    binaries: &Binaries,
    target: &Target,
    pairs: usize,
    times: Times,
    record: Record<'_>,
) -> anyhow::Result<()> {
    let clients = (pairs * 2).to_string();
    let [window, warm_up] = [times.window, times.warm_up].map(|time| format!("{}ms", time.as_millis()));
    let result = run(binaries, target, |command| {
        command.args(["direct", "--one-way", "--clients", &clients, "--in-flight", &IN_FLIGHT.to_string()]);
        command.args(["--payload-bytes", &BODY_BYTES.to_string(), "--duration", &window, "--ramp", &warm_up]);
    })?;
    let rate = number(&result, "/rates/delivered_per_s")?;
    let sample = |side: &str, cpus: &str| -> anyhow::Result<Sample> {
        let value = number(&result, &format!("/{side}/cpu_us_per_delivery"))?;
        Ok(Sample { value, rate, cpus: number(&result, &format!("/{side}/{cpus}"))? })
    };
    record(Point::HarnessServer, sample("server", "cpu_cores")?);
    record(Point::HarnessDirect, sample("generator", "cpu_share")?);
    Ok(())
}

/// The resident memory of the harness for each idle client, as the slope between two crowds.
///
/// # Errors
/// The harness failed.
pub(super) fn memory(binaries: &Binaries, target: &Target, record: Record<'_>) -> anyhow::Result<()> {
    let mut resident = [0.0; 2];
    for (clients, resident) in CROWDS.iter().zip(&mut resident) {
        let result = run(binaries, target, |command| {
            command.args(["idle", "--clients", &clients.to_string(), "--duration", "1s", "--ramp", "0s"]);
            command.args(["--connect-rate", "20000", "--threads", "1"]);
        })?;
        *resident = number(&result, "/generator/rss_bytes")?;
    }
    let value = (resident[1] - resident[0]) / (CROWDS[1] - CROWDS[0]) as f64;
    record(Point::HarnessBytes, Sample { value, rate: 0.0, cpus: 0.0 });
    Ok(())
}

/// Runs the harness against a server, and reads its result.
pub(super) fn run(binaries: &Binaries, target: &Target, arguments: impl FnOnce(&mut Command)) -> anyhow::Result<Value> {
    let out = tempfile::Builder::new().prefix("hubbub-bench-load-").tempdir_in(&binaries.data)?;
    let mut command = Command::new(&binaries.load);
    command.arg("run");
    arguments(&mut command);
    command.args(["--server", &target.address.to_string(), "--pid", &target.pid().to_string()]);
    command.args(["--metrics", "none", "--quiet", "--out"]).arg(out.path());
    if let Some(path) = &target.secret_file {
        command.arg("--secret-file").arg(path);
    }
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    read(&out.path().join("result.json"))
}

fn read(path: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

fn number(result: &Value, place: &str) -> anyhow::Result<f64> {
    result.pointer(place).and_then(Value::as_f64).with_context(|| format!("the result has no number at {place}"))
}
