//! Thresholds decide the exit code, and the result says what became of each.

use std::process::{Command, Output};

use hubbub_loadgen::report::result::RunResult;

use super::fake::{Fake, Fault};
use super::secret_file;

fn run_with(thresholds: &str) -> (Output, Option<RunResult>) {
    let (fake, secret, out) = (Fake::start(Fault::Nothing), secret_file(), tempfile::tempdir().unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_hubbub-load"))
        .args(["run", "direct", "--clients", "10", "--rate", "200", "--duration", "500ms", "--ramp", "100ms"])
        .args(["--metrics", "none", "--server", &fake.address.to_string(), "--thresholds", thresholds, "--secret-file"])
        .arg(secret.path())
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    let text = std::fs::read_to_string(out.path().join("result.json")).ok();
    (output, text.map(|text| serde_json::from_str(&text).unwrap()))
}

#[test]
fn thresholds_that_hold_are_good() {
    let (output, result) = run_with("loss=0,deliver_p99<10s,accepted_rate>1/s,errors<1%");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    let thresholds = result.unwrap().thresholds;
    assert!(thresholds.len() == 4 && thresholds.iter().all(|threshold| threshold.passed), "{thresholds:?}");
}

#[test]
fn a_threshold_that_does_not_hold_fails_a_run_whose_ledger_closed() {
    let (output, result) = run_with("loss=0,ack_p50>1s");
    let result = result.unwrap();
    assert_eq!((output.status.code(), result.ledger.closed), (Some(1), true));
    assert_eq!(result.thresholds.iter().map(|threshold| threshold.passed).collect::<Vec<_>>(), [true, false]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED: ack_p50>1s"));
}

#[test]
fn what_was_not_measured_fails() {
    let (output, result) = run_with("server_cpu_cores<100");
    let outcome = &result.unwrap().thresholds[0];
    assert_eq!((output.status.code(), outcome.measured), (Some(1), None));
    assert!(outcome.words.contains("was not measured"), "{outcome:?}");
}

#[test]
fn a_wrong_name_is_refused_before_anything_runs() {
    let (output, result) = run_with("loss=0,ackp99<1s");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), result.is_none()), (Some(2), true));
    assert!(words.contains("Did you mean `ack_p99`?") && words.contains("^^^^^^"), "{words}");
}
