//! A worker that is killed in the middle of a run: what the others account for is kept, and the result says what is missing.

use hubbub_loadgen::certify::Verdict;

use super::super::fake::{Fake, Fault};
use super::super::secret_file;
use super::{Ended, TOKEN, Worker, assert_serves, endless_program, failed_result, wait_until};

#[test]
fn the_loss_of_a_worker_is_a_clear_result() {
    let (fake, secret, out) = (Fake::start(Fault::Nothing), secret_file(), tempfile::tempdir().unwrap());
    let (kept, lost) = (Worker::start(), Worker::start());
    let token = out.path().join("token");
    std::fs::write(&token, TOKEN).unwrap();
    let mut command = endless_program(&fake, secret.path(), out.path());
    command.args(["--workers", &format!("{},{}", kept.address, lost.address)]).arg("--worker-token-file").arg(&token);
    let run = Ended(command.spawn().unwrap());
    wait_until("messages are on their way", || fake.bodies().len() > 300);
    lost.signal("-KILL");
    let result = failed_result(run, out.path());
    assert!(!result.ledger.closed && result.verdict == Verdict::Generator, "{:?}", result.ledger);
    let why = result.ended_early.unwrap();
    assert!(why.contains(&lost.address) && !why.contains(&kept.address), "{why}");
    assert_eq!(result.ledger.unaccounted_clients, 10);
    assert!(result.ledger.faults[0].contains(&lost.address), "{:?}", result.ledger.faults);
    assert!(result.verdict_reasons[0].contains("lost"), "{:?}", result.verdict_reasons);
    // The other one's account is whole.
    let totals = &result.ledger.totals;
    assert!(totals.accepted > 0 && totals.is_closed(), "{totals:?}");
    let [one, two] = result.workers.try_into().unwrap();
    assert!(one.lost.is_none() && one.cpu_share.is_some() && two.lost.is_some() && two.cpu_share.is_none());
    assert_serves(&kept);
}
