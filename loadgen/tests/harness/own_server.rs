//! `--own-server`: the command starts the server, hands flags on, keeps its log, and ends it, also after Ctrl-C.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::fake::{Fake, Fault, SECRET};

/// A program that says it is the server, while the one in memory does the work. It ends with `exit_code` when asked to.
fn stand_in(dir: &Path, fake: &Fake, exit_code: u8) -> PathBuf {
    let (program, secret) = (dir.join("server.sh"), dir.join("secret"));
    std::fs::write(&secret, SECRET).unwrap();
    let (address, secret) = (fake.address, secret.display());
    let text = format!(
        "#!/bin/sh\n\
         echo \"flags: $*\" >&2\n\
         while [ \"$1\" != --data-dir ]; do shift; done\n\
         mkdir -p $2 && cp {secret} $2/token-secret\n\
         echo '{{\"clients\":\"{address}\",\"metrics\":\"127.0.0.1:1\",\"pid\":'$$'}}' > $2/addresses.json\n\
         trap 'echo goodbye >&2; exit {exit_code}' TERM\n\
         while :; do sleep 0.02; done\n"
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn load(dir: &Path, fake: &Fake, duration: &str) -> Child {
    load_with(stand_in(dir, fake, 0), dir, duration)
}

fn load_with(server: PathBuf, dir: &Path, duration: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_hubbub-load"))
        .args(["run", "direct", "-n", "20", "--rate", "200", "-d", duration, "--ramp", "0s", "--own-server"])
        .arg(server)
        .arg("--own-server-dir")
        .arg(dir.join("data"))
        .arg("-o")
        .arg(dir.join("out"))
        .args(["--", "--durability", "os"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The log of the stand-in, once it holds `words`.
fn log_with(dir: &Path, words: &str) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let log = std::fs::read_to_string(dir.join("out/server.log")).unwrap_or_default();
        if log.contains(words) {
            return log;
        }
        assert!(Instant::now() < end, "{words} is not in {log}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_gone(dir: &Path) -> bool {
    let addresses = std::fs::read_to_string(dir.join("data/addresses.json")).unwrap();
    let addresses: serde_json::Value = serde_json::from_str(&addresses).unwrap();
    !Path::new(&format!("/proc/{}", addresses["pid"])).exists()
}

#[test]
fn the_server_gets_its_flags_and_ends_with_the_run() {
    let (dir, fake) = (tempfile::tempdir().unwrap(), Fake::start(Fault::Nothing));
    let status = load(dir.path(), &fake, "500ms").wait().unwrap();
    assert!(status.success(), "{status}");
    let log = log_with(dir.path(), "goodbye");
    assert!(log.contains("--listen 127.0.0.1:0") && log.contains("--durability os"), "{log}");
    assert!(is_gone(dir.path()));
    assert!(dir.path().join("out/result.json").exists());
}

#[test]
fn a_server_that_does_not_end_in_good_order_is_named_in_the_result() {
    let errors = |exit_code| {
        let (dir, fake) = (tempfile::tempdir().unwrap(), Fake::start(Fault::Nothing));
        let server = stand_in(dir.path(), &fake, exit_code);
        assert!(load_with(server, dir.path(), "500ms").wait().unwrap().success());
        let text = std::fs::read_to_string(dir.path().join("out/result.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["errors"].to_string()
    };
    assert!(errors(3).contains("did not end in good order"));
    assert!(!errors(0).contains("did not end in good order"));
}

#[test]
fn the_server_ends_after_ctrl_c() {
    let (dir, fake) = (tempfile::tempdir().unwrap(), Fake::start(Fault::Nothing));
    let mut load = load(dir.path(), &fake, "300s");
    log_with(dir.path(), "flags");
    // Whether it comes in the setup or in the traffic: the end is the same.
    let interrupt = format!("kill -INT {}", load.id());
    let end = Instant::now() + Duration::from_secs(60);
    while load.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it does not end");
        let _ = Command::new("sh").args(["-c", &interrupt]).stderr(Stdio::null()).status();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(is_gone(dir.path()));
}
