//! A coordinator that is killed leaves its workers free for the next run.

use super::super::fake::{Fake, Fault};
use super::super::{scenario, secret_file};
use super::{Ended, TOKEN, Worker, fleet, program, run_over, wait_until};

#[test]
fn a_worker_outlives_its_coordinator() {
    let (fake, secret, out) = (Fake::start(Fault::Nothing), secret_file(), tempfile::tempdir().unwrap());
    let worker = Worker::start();
    let mut command = program();
    command.args(["run", "direct", "--clients", "10", "--rate", "200", "--duration", "600s", "--metrics", "none"]);
    command.args(["--workers", &worker.address, "--server", &fake.address.to_string()]);
    command.env("HUBBUB_LOAD_TOKEN", TOKEN).arg("--secret-file").arg(secret.path()).arg("--out").arg(out.path());
    let run = Ended(command.spawn().unwrap());
    wait_until("messages are on their way", || fake.bodies().len() > 50);
    drop(run);
    let next = Fake::start(Fault::Nothing);
    wait_until("the worker serves the next run", || {
        match run_over(&next, scenario("direct", 4), fleet(vec![worker.address.clone()])) {
            Ok(result) => result.ledger.closed,
            Err(error) => {
                assert!(format!("{error:#}").contains("busy"), "{error:#}");
                false
            }
        }
    });
}
