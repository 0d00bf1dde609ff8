//! The command line as it is typed: help, tokens, checking a configuration, and mistakes.

use crate::support::*;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

fn run(words: &[&str]) -> Output {
    hubbub().args(words).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn file(dir: &Path, text: &str) -> String {
    let path = dir.join("test.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn help_shows_the_commands_and_examples() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    for word in ["check-config", "token", "--data-dir", "Examples:", "HUBBUB_", "127.0.0.1:7400"] {
        assert!(out(&help).contains(word), "{word} is missing in {}", out(&help));
    }
    assert!(out(&run(&["token", "--help"])).contains("--expires"));
    let version = run(&["--version"]);
    assert_eq!(out(&version).trim(), format!("hubbub {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_token_of_the_command_line_opens_a_session() {
    let server = Server::start();
    let data_dir = server.data_dir().display().to_string();
    let made = run(&["token", "--user", "42", "--expires", "5m", "--data-dir", &data_dir]);
    assert!(made.status.success(), "{}", err(&made));
    let token = out(&made).trim().to_owned();
    let mut raw = Raw::connect(&server);
    raw.hello();
    assert!(matches!(raw.ask(login(token, 1)), Down::LoggedIn(logged_in) if logged_in.user_id == 42));
}

#[test]
fn a_token_needs_a_secret_and_a_user() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display().to_string();
    let none = run(&["token", "--user", "42", "--data-dir", &path]);
    assert!(!none.status.success() && out(&none).is_empty());
    assert!(err(&none).contains("start hubbub once"), "{}", err(&none));
    for words in [&["token"][..], &["token", "--user", "0"], &["token", "--user", "x"]] {
        let wrong = run(words);
        assert!(!wrong.status.success() && err(&wrong).contains("--user"), "{}", err(&wrong));
    }
}

#[test]
fn a_configuration_is_checked_without_a_trace() {
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().join("data");
    let text = format!("data_dir = \"{}\"\ndurability = \"os\"\n[limits]\nbody_bytes_max = 1234\n", data_dir.display());
    let checked = run(&["check-config", "--config", &file(dir.path(), &text)]);
    assert!(checked.status.success(), "{}", err(&checked));
    let text = out(&checked);
    assert!(text.starts_with("ok\n") && text.contains("body_bytes_max = 1234"), "{text}");
    assert!(text.contains("durability = \"os\"") && text.contains("shards"), "{text}");
    assert!(!data_dir.exists());
}

#[test]
fn every_mistake_of_a_configuration_is_named_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = "listn = \"127.0.0.1:1\"\n[limits]\nbody_bytes_max = 99_999_999\nlogin_deadline = 5\n";
    let path = file(dir.path(), text);
    let data = dir.path().display().to_string();
    for words in [&["check-config", "--config", &path][..], &["--config", &path, "--data-dir", &data]] {
        let refused = run(words);
        assert_eq!(refused.status.code(), Some(1));
        let said = err(&refused);
        // With what may have been meant.
        for word in ["listn", "listen", "limits.login_deadline", "limits.login_deadline_ms"] {
            assert!(said.contains(word), "{word} is missing in {said}");
        }
    }
    let path = file(dir.path(), "[limits]\nbody_bytes_max = 99_999_999\nkeepalive_ms = 0\n");
    let said = err(&run(&["check-config", "--config", &path]));
    assert!(said.contains("limits.body_bytes_max") && said.contains("limits.keepalive_ms"), "{said}");
    let missing = run(&["check-config", "--config", "/nowhere/hubbub.toml"]);
    assert!(!missing.status.success() && err(&missing).contains("/nowhere/hubbub.toml"));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = file(dir.path(), "durability = \"none\"\nshards = 3\n[limits]\nkeepalive_ms = 1111\n");
    let checked = hubbub()
        .args(["check-config", "--config", &path, "--durability", "os"])
        .env("HUBBUB_DURABILITY", "fsync")
        .env("HUBBUB_LIMITS__KEEPALIVE_MS", "2222")
        .output()
        .unwrap();
    let text = out(&checked);
    assert!(checked.status.success(), "{}", err(&checked));
    for line in ["durability = \"os\"", "shards = 3", "keepalive_ms = 2222"] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
    let unknown = hubbub().args(["check-config"]).env("HUBBUB_LIMITS__KEEPALIVE", "1").output().unwrap();
    assert!(!unknown.status.success() && err(&unknown).contains("HUBBUB_LIMITS__KEEPALIVE"), "{}", err(&unknown));
}

#[test]
fn a_port_of_the_world_needs_a_secret_that_was_chosen() {
    let dir = tempfile::tempdir().unwrap();
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let said = Setup::new().start_in_vain(dir.path(), everywhere, "127.0.0.1:0".parse().unwrap());
    assert!(said.contains("auth.token_secret_file"), "{said}");
}
