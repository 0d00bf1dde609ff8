//! Which tokens are accepted, and why the others are not.

mod files;
mod public_keys;

use serde_json::{Value, json};

use super::*;

const KEY: &str = "a secret of at least thirty-two bytes";

fn secret() -> Secret {
    Secret::from_bytes(KEY)
}

fn verify(token: &str) -> Result<u64, TokenError> {
    TokenVerifier::new(&secret()).verify(token).map(|verified| verified.user.0)
}

/// Seconds since the epoch, some seconds from now.
fn at(seconds: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + seconds
}

fn encode(algorithm: Algorithm, claims: &Value, key: &str) -> String {
    jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

fn hs256(claims: Value) -> String {
    encode(Algorithm::HS256, &claims, KEY)
}

/// Unpadded URL-safe base64, written out so that a forged token owes nothing to the library under test.
fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).for_each(|i| text.push(DIGITS[(number >> (18 - 6 * i)) as usize & 63] as char));
    }
    text
}

fn forged(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{}.{signature}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()))
}

#[test]
fn what_was_signed_here_is_accepted() {
    for user in [1, 42, u64::MAX] {
        let token = sign(&secret(), user, SystemTime::now() + Duration::from_secs(60)).unwrap();
        assert_eq!(verify(&token), Ok(user));
    }
}

#[test]
fn further_claims_do_not_matter() {
    let token = hs256(json!({"sub": "42", "exp": at(60), "iat": at(0), "iss": "somebody", "name": "Ada"}));
    assert_eq!(verify(&token), Ok(42));
}

#[test]
fn clocks_may_differ_by_seconds() {
    assert_eq!(verify(&hs256(json!({"sub": "42", "exp": at(-2)}))), Ok(42));
    assert_eq!(verify(&hs256(json!({"sub": "42", "exp": at(60), "nbf": at(2)}))), Ok(42));
}

#[test]
fn an_expired_token_is_told_apart() {
    assert_eq!(verify(&hs256(json!({"sub": "42", "exp": at(-60)}))), Err(TokenError::Expired));
    assert_eq!(verify(&sign(&secret(), 42, UNIX_EPOCH).unwrap()), Err(TokenError::Expired));
}

#[test]
fn tokens_that_prove_nothing_are_refused() {
    let good = json!({"sub": "42", "exp": at(60)});
    let none = json!({"alg": "none", "typ": "JWT"});
    let cases = [
        ("", "malformed"),
        ("a.b", "malformed"),
        ("a.b.c", "malformed"),
        (&encode(Algorithm::HS256, &good, "another secret of thirty-two bytes!"), "signature"),
        (&encode(Algorithm::HS384, &good, KEY), "HS256"),
        (&encode(Algorithm::HS512, &good, KEY), "HS256"),
        (&forged(&none, &good, ""), "HS256"),
        (&forged(&json!({"alg": "RS256"}), &good, "AAAA"), "no RS256 key"),
        (&forged(&json!({"alg": "HS256"}), &good, ""), "signature"),
        (&forged(&json!({"typ": "JWT"}), &good, "AAAA"), "malformed"),
        (&format!("{}x", hs256(good.clone())), ""),
        (&"x".repeat(TOKEN_BYTES_MAX + 1), "4096"),
    ];
    for (token, reason) in cases {
        match verify(token) {
            Err(TokenError::Invalid(text)) => assert!(text.contains(reason), "{token}: {text}"),
            other => panic!("{token}: {other:?}"),
        }
    }
}

#[test]
fn tokens_whose_claims_do_not_serve_are_refused() {
    let cases = [
        (json!({"sub": "42"}), "exp"),
        (json!({"exp": at(60)}), "sub"),
        (json!({"sub": "42", "exp": "soon"}), "exp"),
        (json!({"sub": "42", "exp": at(60), "nbf": at(60)}), "not begun"),
        (json!({"sub": "42", "exp": at(60), "aud": "elsewhere"}), "audience"),
        (json!({"sub": 42, "exp": at(60)}), ""),
        (json!({"sub": "ada", "exp": at(60)}), "user id"),
        (json!({"sub": "", "exp": at(60)}), "user id"),
        (json!({"sub": "0", "exp": at(60)}), "user id"),
        (json!({"sub": "042", "exp": at(60)}), "user id"),
        (json!({"sub": "+42", "exp": at(60)}), "user id"),
        (json!({"sub": "-1", "exp": at(60)}), "user id"),
        (json!({"sub": "18446744073709551616", "exp": at(60)}), "user id"),
        (json!(["42"]), ""),
    ];
    for (claims, reason) in cases {
        match verify(&hs256(claims.clone())) {
            Err(TokenError::Invalid(text)) => assert!(text.contains(reason), "{claims}: {text}"),
            other => panic!("{claims}: {other:?}"),
        }
    }
}

#[test]
fn changed_claims_break_the_signature() {
    let token = hs256(json!({"sub": "42", "exp": at(60)}));
    let parts: Vec<&str> = token.split('.').collect();
    let claims = base64url(json!({"sub": "43", "exp": at(60)}).to_string().as_bytes());
    let tampered = format!("{}.{claims}.{}", parts[0], parts[2]);
    assert_eq!(verify(&tampered), Err(TokenError::Invalid("its signature does not match")));
}
