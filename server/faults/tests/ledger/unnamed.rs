//! Without a name for what it breaks, the server with planted faults serves nobody.

use std::process::{Command, Stdio};

#[test]
fn it_does_not_start_unless_its_faults_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let senseless = ["", " ", "lose_body", "lose_body=x", "swap=0", "no_such_fault=1000"];
    for faults in [None].into_iter().chain(senseless.map(Some)) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub-faulty"));
        command.arg("--data-dir").arg(dir.path().join("data")).args(["--listen", "127.0.0.1:0"]);
        command.args(["--http-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"]).stdin(Stdio::null());
        command.env_remove("PLANTED_FAULTS").envs(faults.map(|faults| ("PLANTED_FAULTS", faults)));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("PLANTED_FAULTS"), "{faults:?}: {said}");
        assert!(!dir.path().join("data").exists(), "it touches nothing");
    }
}
