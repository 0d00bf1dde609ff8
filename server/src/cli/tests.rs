//! The command line as people type it.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use super::*;
use crate::auth::tokens::TokenVerifier;

/// What a command prints, or why it fails.
fn hubbub(arguments: &[&str]) -> Result<String, String> {
    let cli = Cli::try_parse_from([&["hubbub"], arguments].concat()).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    run(cli, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

fn data_dir_with_secret() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    secret::load_or_create(&dir.path().join(config::TOKEN_SECRET_NAME)).unwrap();
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_shows_examples_and_the_order_of_sources() {
    let help = hubbub(&["--help"]).unwrap_err();
    for part in ["hubbub token --user 42", "HUBBUB_LIMITS__FRAME_BYTES_MAX", "--durability", "check-config", "7480"] {
        assert!(help.contains(part), "{part}\n{help}");
    }
}

#[test]
fn no_command_serves() {
    for arguments in [&["hubbub", "--shards", "3"][..], &["hubbub", "serve", "--shards", "3"]] {
        let cli = Cli::try_parse_from(arguments).unwrap();
        let serve = match cli.command {
            None => cli.serve,
            Some(Command::Serve(serve)) => serve,
            Some(other) => panic!("{other:?}"),
        };
        assert_eq!(serve.config.shards, Some(3));
    }
}

#[test]
fn a_printed_token_is_accepted() {
    let dir = data_dir_with_secret();
    let path = dir.path().join(config::TOKEN_SECRET_NAME);
    for source in [["--data-dir", text(dir.path())], ["--secret-file", text(&path)]] {
        let token = hubbub(&["token", "--user", "42", source[0], source[1]]).unwrap();
        let verifier = TokenVerifier::new(&secret::load(&path).unwrap());
        assert_eq!(verifier.verify(token.trim_end()).map(|verified| verified.user.0), Ok(42));
    }
}

#[test]
fn without_a_secret_the_way_out_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = hubbub(&["token", "--user", "42", "--data-dir", text(dir.path())]).unwrap_err();
    assert!(error.contains("start hubbub once") && error.contains("--secret-file"), "{error}");
}

#[test]
fn impossible_tokens_are_refused() {
    for arguments in [&["--user", "0"][..], &["--user", "ada"], &["--user", "1", "--expires", "soon"], &[]] {
        assert!(hubbub(&[&["token"], arguments].concat()).is_err(), "{arguments:?}");
    }
}

#[test]
fn times_have_units() {
    for (text, seconds) in [("1s", 1), ("30m", 1_800), ("24h", 86_400), ("7d", 604_800)] {
        assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)));
    }
    for text in ["", "h", "24", "-1h", "0s", "1.5h", "1w", "99999999999999999d"] {
        assert!(parse_time(text).is_err(), "{text}");
    }
}

#[test]
fn where_only_others_sign_no_token_is_made() {
    let dir = data_dir_with_secret();
    let file = dir.path().join("hubbub.toml");
    fs::write(&file, format!("data_dir = \"{}\"\nauth.jwks_file = \"/etc/jwks.json\"", dir.path().display())).unwrap();
    let error = hubbub(&["token", "--user", "42", "--config", text(&file)]).unwrap_err();
    assert!(error.contains("auth.token_secret_file"), "{error}");
    hubbub(&["token", "--user", "42", "--config", text(&file), "--data-dir", text(dir.path())]).unwrap();
}

#[test]
fn a_sound_configuration_is_shown_without_the_secret() {
    let dir = data_dir_with_secret();
    let shown = hubbub(&["check-config", "--data-dir", text(dir.path()), "--durability", "os"]).unwrap();
    assert!(shown.starts_with("ok\n") && shown.contains("durability = \"os\"\n"), "{shown}");
    let secret = fs::read_to_string(dir.path().join(config::TOKEN_SECRET_NAME)).unwrap();
    assert!(!shown.contains(secret.trim_end()));
    let effective: Config = toml::from_str(shown.trim_start_matches("ok\n")).unwrap();
    assert_eq!(effective.durability, Durability::Os);
}

#[test]
fn every_problem_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hubbub.toml");
    fs::write(&file, "shards = 300\n[limits]\nconnections_max = 2_000_000_000\nkeepalive_ms = 0\n").unwrap();
    let error = hubbub(&["check-config", "--config", text(&file), "--data-dir", text(dir.path())]).unwrap_err();
    for part in ["3 problems", "shards = 300", "limits.connections_max = 2000000000", "limits.keepalive_ms = 0"] {
        assert!(error.contains(part), "{part}\n{error}");
    }
}
