//! A run over several processes is one run: one result, one ledger, one exit code.

use std::process::Command;

use hubbub_loadgen::report::result::RunResult;

use super::fake::{Fake, Fault};
use super::secret_file;

fn run_in_two_processes(fault: Fault) -> (i32, RunResult, String) {
    let (fake, secret, out) = (Fake::start(fault), secret_file(), tempfile::tempdir().unwrap());
    let output = Command::new(env!("CARGO_BIN_EXE_hubbub-load"))
        .args(["run", "direct", "--clients", "40", "--rate", "1000", "--duration", "1s", "--ramp", "200ms"])
        .args(["--processes", "2", "--metrics", "none", "--server", &fake.address.to_string()])
        .arg("--secret-file")
        .arg(secret.path())
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    let text = std::fs::read_to_string(out.path().join("result.json")).unwrap();
    assert!(std::fs::read_to_string(out.path().join("report.html")).unwrap().contains("</html>"));
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), serde_json::from_str(&text).unwrap(), shown)
}

#[test]
fn two_processes_close_one_ledger() {
    let (code, result, shown) = run_in_two_processes(Fault::Nothing);
    assert_eq!(code, 0);
    assert!(result.ledger.closed && result.ledger.totals.accepted > 500, "{:?}", result.ledger);
    assert_eq!((result.environment.processes, result.environment.threads), (2, 2));
    assert!(result.latency_us.delivery.is_some());
    assert!(shown.contains("2 processes"), "{shown}");
}

#[test]
fn a_loss_in_one_process_is_a_loss_of_the_run() {
    let (code, result, _) = run_in_two_processes(Fault::LoseBody);
    assert_eq!(code, 1);
    assert!(!result.ledger.closed && result.ledger.totals.lost > 0, "{:?}", result.ledger);
}
