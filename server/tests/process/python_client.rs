//! A client in another language, written from the protocol alone: `codec/examples/client.py`.

use crate::support::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs the example client as a user of the server.
fn python(server: &Server, user: u64, words: &[&str]) -> Output {
    let python = root().join("target/python/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/setup.sh --tests", python.display());
    let output = Command::new(python)
        .arg(root().join("codec/examples/client.py"))
        .args([&server.clients.ip().to_string(), &server.clients.port().to_string(), &server.token(user), "1"])
        .args(words)
        .env("XDG_CACHE_HOME", server.scratch_dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", output.status);
    output
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_python_client_talks_with_a_rust_one() {
    let mut server = Server::start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let state = server.scratch_dir().join("state.json").display().to_string();
    let output = python(&server, 10, &["--state", &state, "--to-user", "20", "grüße", "--expect", "1"]);
    assert_eq!(lines(&output), ["1 10 grüße"]);
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 1);
    assert_eq!(log.texts(), ["grüße"]);
    // What is said while it is away, over a crash of the server, comes once, after its cursor.
    for text in ["two", "three"] {
        assert!(matches!(bob.ask(to_user(10, text)), Down::Sent(_)));
    }
    server.kill();
    server.start_again();
    let output = python(&server, 10, &["--state", &state, "--expect", "2"]);
    assert_eq!(lines(&output), ["2 20 two", "3 20 three"]);
    let output = python(&server, 10, &["--state", &state, "--to-user", "20", "four", "--expect", "1"]);
    assert_eq!(lines(&output), ["4 10 four"]);
}

#[test]
fn a_python_client_talks_in_a_group() {
    let server = Server::start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    drop(Raw::login(&server, 10, 1));
    let Down::Group(made) = bob.ask(create_group("Polyglots", &[10])) else { panic!("no group") };
    let output = python(&server, 10, &["--to-group", &made.group.to_string(), "hello", "--expect", "2"]);
    assert_eq!(lines(&output)[1], "2 10 hello");
    let mut log = Reader::new(group(made.group));
    log.read_up_to(&mut bob, 2);
}
