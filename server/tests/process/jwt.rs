//! Tokens that others sign: every algorithm logs in, and a replaced file of keys takes effect while the server runs.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use serde_json::json;
use signer::{Signer, jwks};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

#[path = "../../src/auth/tokens/test_signer.rs"]
#[allow(dead_code, reason = "it is shared with the unit tests, which need more of it")]
mod signer;

fn token(signer: &Signer, kid: &str, user: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"sub": user.to_string(), "iat": now, "exp": now + 3_600, "iss": "issuer", "aud": "chat"});
    signer.token(Some(kid), &claims)
}

/// Logs in with a token: the user, or why not.
fn log_in(server: &Server, token: &str) -> Result<u64, ErrorCode> {
    let mut raw = Raw::connect(server);
    raw.hello();
    match raw.ask(login(token.to_owned(), 1)) {
        Down::LoggedIn(logged_in) => Ok(logged_in.user_id),
        Down::Error(error) => Err(error.code()),
        other => panic!("{other:?}"),
    }
}

fn replace(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::rename(draft, path).unwrap();
}

#[test]
fn tokens_of_each_algorithm_log_in_until_their_key_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("jwks.json");
    let signers = Signer::each();
    let documents: Vec<_> = signers.iter().map(|signer| signer.jwk(Some(signer.algorithm()))).collect();
    replace(&path, &jwks(&documents));
    let config = format!(
        "auth.jwks_file = \"{}\"\nauth.jwt_audience = [\"chat\"]\nauth.jwt_issuer = [\"issuer\"]",
        path.display()
    );
    let mut server = Setup::new().config(&config).start();
    assert!(!server.data_dir().join("token-secret").exists(), "no other key is made");

    let tokens: Vec<String> =
        (1..).zip(&signers).map(|(user, signer)| token(signer, signer.algorithm(), user)).collect();
    for (user, token) in (1..).zip(&tokens) {
        assert_eq!(log_in(&server, token), Ok(user));
    }
    let stranger = Signer::ed25519();
    assert_eq!(log_in(&server, &token(&stranger, "EdDSA", 4)), Err(ErrorCode::TokenInvalid));

    let successor = Signer::p256();
    let new = token(&successor, "new", 5);
    assert_eq!(log_in(&server, &new), Err(ErrorCode::TokenInvalid));
    replace(&path, &jwks(&[successor.jwk(Some("new"))]));
    wait_until("the new key to count", || log_in(&server, &new) == Ok(5));
    for token in &tokens {
        assert_eq!(log_in(&server, token), Err(ErrorCode::TokenInvalid));
    }

    replace(&path, "{ this is no JSON");
    wait_until("the broken file to be noticed", || server.log().contains("stay in use"));
    assert_eq!(log_in(&server, &new), Ok(5));

    server.stop();
    let log = server.log();
    for token in tokens.iter().chain([&new]) {
        assert!(!log.contains(token.rsplit('.').next().unwrap()), "a token is in the log");
    }
}
