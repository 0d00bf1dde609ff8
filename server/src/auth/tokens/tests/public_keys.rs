//! Public keys: which tokens they accept, and how a key is chosen.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{KEY, at, encode, secret};
use crate::auth::tokens::keys::{Key, KeySet};
use crate::auth::tokens::test_signer::Signer;
use crate::auth::tokens::{TokenError, TokenVerifier, Verified, jwks};
use crate::config::Auth;

fn verifier(keys: Vec<Key>) -> TokenVerifier {
    TokenVerifier::with_keys(KeySet::new(keys), &Auth::default())
}

/// A key without a name.
fn unnamed(signer: &Signer) -> Key {
    Key::public(&signer.der()).unwrap()
}

fn named(signers: &[(&str, &Signer)]) -> Vec<Key> {
    let keys: Vec<Value> = signers.iter().map(|(name, signer)| signer.jwk(Some(name))).collect();
    jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap().0
}

fn claims() -> Value {
    json!({"sub": "42", "exp": at(60)})
}

fn user(verifier: &TokenVerifier, token: &str) -> Result<u64, TokenError> {
    verifier.verify(token).map(|verified| verified.user.0)
}

fn reason(verifier: &TokenVerifier, token: &str) -> &'static str {
    match verifier.verify(token) {
        Err(TokenError::Invalid(text)) => text,
        other => panic!("{token}: {other:?}"),
    }
}

#[test]
fn each_algorithm_is_accepted_with_the_key_it_belongs_to() {
    let (signers, strangers) = (Signer::each(), Signer::each());
    let sets =
        [signers.iter().map(unnamed).collect(), named(&[("a", &signers[0]), ("b", &signers[1]), ("c", &signers[2])])];
    for keys in sets {
        let verifier = verifier(keys);
        for (signer, stranger) in signers.iter().zip(&strangers) {
            let token = signer.token(None, &claims());
            assert_eq!(user(&verifier, &token), Ok(42), "{}", signer.algorithm());
            assert_eq!(reason(&verifier, &stranger.token(None, &claims())), "its signature does not match");
            let (message, signature) = token.rsplit_once('.').unwrap();
            let other_claims = URL_SAFE_NO_PAD.encode(json!({"sub": "43", "exp": at(60)}).to_string());
            let tampered = format!("{}.{other_claims}.{signature}", message.split('.').next().unwrap());
            assert_eq!(reason(&verifier, &tampered), "its signature does not match");
            let expired = signer.token(None, &json!({"sub": "42", "exp": at(-60)}));
            assert_eq!(user(&verifier, &expired), Err(TokenError::Expired));
        }
    }
}

#[test]
fn a_public_key_never_passes_for_a_secret() {
    for signer in Signer::each() {
        let jwk = signer.jwk(None);
        let member = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap_or("")).unwrap();
        let secrets = [
            signer.der(),
            signer.pem().into_bytes(),
            signer.pem().trim_end().as_bytes().to_vec(),
            jwk.to_string().into_bytes(),
            member("x"),
            member("n"),
        ];
        for keys in [vec![unnamed(&signer)], vec![Key::secret(&secret()), unnamed(&signer)]] {
            let verifier = verifier(keys);
            for secret in &secrets {
                let key = jsonwebtoken::EncodingKey::from_secret(secret);
                let header = jsonwebtoken::Header::new(Algorithm::HS256);
                let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
                assert!(verifier.verify(&token).is_err(), "{}", signer.algorithm());
            }
        }
    }
}

#[test]
fn what_the_header_says_does_not_change_a_keys_algorithm() {
    let signers = Signer::each();
    let mut keys: Vec<Key> = signers.iter().map(unnamed).collect();
    keys.push(Key::secret(&secret()));
    let verifier = verifier(keys);
    for signer in &signers {
        for algorithm in ["RS256", "ES256", "EdDSA", "HS256", "RS384", "RS512", "PS256", "ES384", "HS512"] {
            let token = signer.token_with(&json!({"alg": algorithm}), &claims());
            assert_eq!(user(&verifier, &token).is_ok(), algorithm == signer.algorithm(), "{algorithm}");
        }
        for algorithm in [json!("none"), json!("None"), json!(""), json!("rs256"), json!(null), json!(["RS256"])] {
            let token = signer.token_with(&json!({ "alg": algorithm }), &claims());
            let (message, _) = token.rsplit_once('.').unwrap();
            assert!(reason(&verifier, &token).contains("malformed"), "{algorithm}");
            assert!(reason(&verifier, &format!("{message}.")).contains("malformed"), "{algorithm}, unsigned");
        }
    }
}

#[test]
fn a_named_key_is_the_only_one_that_is_tried() {
    let [a, b, unnamed_one] = [Signer::ed25519(), Signer::ed25519(), Signer::ed25519()];
    let mut keys = vec![unnamed(&unnamed_one), Key::secret(&secret())];
    keys.extend(named(&[("a", &a), ("b", &b), ("rsa", &Signer::rsa())]));
    let verifier = verifier(keys);
    for (signer, kid, accepted) in [
        (&a, Some("a"), true),
        (&b, Some("b"), true),
        (&a, Some("b"), false),
        (&b, Some("a"), false),
        (&a, Some("rsa"), false),
        (&a, Some("A"), false),
        (&a, None, true),
        (&b, None, true),
        (&unnamed_one, None, true),
        // Its signer has a name for it that this server was not told.
        (&unnamed_one, Some("elsewhere"), true),
        (&unnamed_one, Some("a"), false),
        (&a, Some("elsewhere"), false),
    ] {
        assert_eq!(verifier.verify(&signer.token(kid, &claims())).is_ok(), accepted, "{kid:?}");
    }
    let header = jsonwebtoken::Header { kid: Some("a".to_owned()), ..jsonwebtoken::Header::new(Algorithm::HS256) };
    let key = jsonwebtoken::EncodingKey::from_secret(KEY.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
    assert!(reason(&verifier, &token).contains("no HS256 key"), "the name belongs to another key");
}

#[test]
fn a_token_is_tried_with_a_bounded_number_of_keys() {
    let signers: Vec<Signer> = (0..20).map(|_| Signer::ed25519()).collect();
    let names: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let pairs: Vec<(&str, &Signer)> = names.iter().map(String::as_str).zip(&signers).collect();
    let verifier = verifier(named(&pairs));
    for (n, (name, signer)) in pairs.into_iter().enumerate() {
        assert_eq!(verifier.verify(&signer.token(None, &claims())).is_ok(), n < 16, "{n}");
        assert!(verifier.verify(&signer.token(Some(name), &claims())).is_ok(), "{n}");
    }
}

#[test]
fn audiences_and_issuers_are_those_configured() {
    let both = |audience: &[&str], issuer: &[&str]| Auth {
        jwt_audience: audience.iter().map(|text| (*text).to_owned()).collect(),
        jwt_issuer: issuer.iter().map(|text| (*text).to_owned()).collect(),
        ..Auth::default()
    };
    for (config, more, reason) in [
        (both(&[], &[]), json!({}), None),
        (both(&[], &[]), json!({"iss": "anybody"}), None),
        (both(&[], &[]), json!({"aud": "chat"}), Some("another audience")),
        (both(&["chat", "talk"], &[]), json!({"aud": "talk"}), None),
        (both(&["chat", "talk"], &[]), json!({"aud": ["mail", "chat"]}), None),
        (both(&["chat"], &[]), json!({"aud": "mail"}), Some("another audience")),
        (both(&["chat"], &[]), json!({"aud": ["mail"]}), Some("another audience")),
        (both(&["chat"], &[]), json!({}), Some("no audience")),
        (both(&["chat"], &[]), json!({"aud": 7}), Some("no audience")),
        (both(&[], &["us"]), json!({"iss": "us"}), None),
        (both(&[], &["us", "them"]), json!({"iss": "them"}), None),
        (both(&[], &["us"]), json!({"iss": "Us"}), Some("not one that is trusted")),
        (both(&[], &["us"]), json!({}), Some("no issuer")),
        (both(&["chat"], &["us"]), json!({"aud": "chat", "iss": "us"}), None),
        (both(&["chat"], &["us"]), json!({"aud": "chat", "iss": "them"}), Some("not one that is trusted")),
    ] {
        let verifier = TokenVerifier::with_keys(KeySet::new(vec![Key::secret(&secret())]), &config);
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match (verifier.verify(&encode(Algorithm::HS256, &claims, KEY)), reason) {
            (Ok(_), None) => {}
            (Err(TokenError::Invalid(text)), Some(part)) if text.contains(part) => {}
            (found, _) => panic!("{config:?}, {claims}: {found:?}"),
        }
    }
}

#[test]
fn the_time_of_making_is_passed_on() {
    let verifier = TokenVerifier::new(&secret());
    for (iat, expected) in [
        (json!(1_700_000_000), Some(1_700_000_000)),
        (json!(1_700_000_000.75), Some(1_700_000_000)),
        (json!(0), Some(0)),
        (json!(null), None),
    ] {
        let token = encode(Algorithm::HS256, &json!({"sub": "42", "exp": at(60), "iat": iat}), KEY);
        let expected = Verified { user: hubbub_core::ids::UserId(42), issued_at_seconds: expected };
        assert_eq!(verifier.verify(&token), Ok(expected), "{iat}");
    }
    assert_eq!(verifier.verify(&encode(Algorithm::HS256, &claims(), KEY)).unwrap().issued_at_seconds, None);
    for iat in [json!(-1), json!("yesterday"), json!([1])] {
        let token = encode(Algorithm::HS256, &json!({"sub": "42", "exp": at(60), "iat": iat}), KEY);
        assert!(verifier.verify(&token).is_err(), "{iat}");
    }
}
