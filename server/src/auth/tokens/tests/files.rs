//! Files of keys: which are taken, and what happens when they change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::at;
use crate::auth::tokens::test_signer::{Signer, jwks};
use crate::auth::tokens::{KeyFileError, KeyFiles, TokenVerifier};
use crate::config::Config;

/// Replaces a file as careful people do: it is the old or the new one, never a part.
fn replace(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(draft, path).unwrap();
}

fn token(signer: &Signer) -> String {
    signer.token(None, &json!({"sub": "42", "exp": at(60)}))
}

fn takes(verifier: &TokenVerifier, token: &str) -> bool {
    verifier.verify(token).is_ok()
}

struct Place {
    dir: tempfile::TempDir,
    config: Config,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap(), config: Config::default() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        replace(&path, text);
        path
    }
}

#[test]
fn a_changed_document_counts_and_its_old_keys_do_not() {
    let mut place = Place::new();
    let [old, new] = [Signer::ed25519(), Signer::p256()];
    let path = place.file("jwks.json", &jwks(&[old.jwk(Some("a"))]));
    place.config.auth.jwks_file = Some(path.clone());
    let mut files = KeyFiles::new(&place.config);
    let verifier = files.load(&place.config.auth).unwrap();
    let (by_old, by_new) = (token(&old), token(&new));

    files.refresh(&verifier);
    assert!(takes(&verifier, &by_old) && !takes(&verifier, &by_new));
    replace(&path, &jwks(&[old.jwk(Some("a")), new.jwk(Some("b"))]));
    assert!(!takes(&verifier, &by_new), "nothing changes without a look");
    files.refresh(&verifier);
    assert!(takes(&verifier, &by_old) && takes(&verifier, &by_new), "both, while the issuer changes over");
    replace(&path, &jwks(&[new.jwk(Some("b"))]));
    files.refresh(&verifier);
    assert!(!takes(&verifier, &by_old) && takes(&verifier, &by_new));
    // In place, as `cp` does it.
    fs::write(&path, jwks(&[old.jwk(Some("a")), new.jwk(Some("b"))])).unwrap();
    files.refresh(&verifier);
    assert!(takes(&verifier, &by_old));
}

#[test]
fn a_broken_file_changes_nothing_and_a_mended_one_does() {
    let mut place = Place::new();
    let [old, new, other] = [Signer::ed25519(), Signer::ed25519(), Signer::p256()];
    let path = place.file("jwks.json", &jwks(&[old.jwk(None)]));
    let pem = place.file("key.pem", "-----BEGIN NOTHING-----\n-----END NOTHING-----\n");
    replace(&pem, &Signer::rsa().pem());
    place.config.auth.jwks_file = Some(path.clone());
    place.config.auth.jwt_key_files = vec![pem.clone()];
    let mut files = KeyFiles::new(&place.config);
    let verifier = files.load(&place.config.auth).unwrap();
    for broken in ["", "{", "{\"keys\": []}", "{\"keys\": [{\"kty\": \"OKP\"}]}"] {
        replace(&path, broken);
        files.refresh(&verifier);
        assert!(takes(&verifier, &token(&old)), "{broken}");
    }
    fs::remove_file(&path).unwrap();
    files.refresh(&verifier);
    assert!(takes(&verifier, &token(&old)), "it is gone");
    // Another file goes its own way meanwhile.
    replace(&pem, &other.pem());
    files.refresh(&verifier);
    assert!(takes(&verifier, &token(&old)) && takes(&verifier, &token(&other)));
    replace(&path, &jwks(&[new.jwk(None)]));
    files.refresh(&verifier);
    assert!(!takes(&verifier, &token(&old)) && takes(&verifier, &token(&new)));
}

#[test]
fn a_secret_can_be_changed_too() {
    let mut place = Place::new();
    let [one, two] = ["one secret of at least thirty-two bytes", "two secrets of at least thirty-two bytes"];
    let path = place.file("secret", one);
    place.config.auth.token_secret_file = Some(path.clone());
    let mut files = KeyFiles::new(&place.config);
    let verifier = files.load(&place.config.auth).unwrap();
    let claims = json!({"sub": "42", "exp": at(60)});
    let [by_one, by_two] = [one, two].map(|key| super::encode(jsonwebtoken::Algorithm::HS256, &claims, key));
    assert!(takes(&verifier, &by_one) && !takes(&verifier, &by_two));
    replace(&path, two);
    files.refresh(&verifier);
    assert!(!takes(&verifier, &by_one) && takes(&verifier, &by_two));
    fs::write(&path, "short").unwrap();
    files.refresh(&verifier);
    assert!(takes(&verifier, &by_two));
}

#[test]
fn a_pem_file_may_hold_several_keys() {
    let mut place = Place::new();
    let signers = Signer::each();
    let text: String = signers.iter().map(Signer::pem).collect();
    place.config.auth.jwt_key_files = vec![place.file("keys.pem", &format!("Keys of ours\n{text}"))];
    let verifier = KeyFiles::new(&place.config).load(&place.config.auth).unwrap();
    assert!(signers.iter().all(|signer| takes(&verifier, &token(signer))));
}

#[test]
fn unusable_files_are_refused_with_the_way_out() {
    /// RSA with 1024 bits, made with `openssl genrsa 1024 | openssl rsa -pubout`.
    const SHORT_RSA: &str = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDrcYu8ljm/tVoWp2LQYQRt6eZy\n\
        +DxXzZqxUYsivFnvT+Dq9hTbIuKepTfDRqE74Qwoox1PuZQqk2Rx9dfPBDGYCayu\n\
        ZZ5i39FyLBrlyJ7EmuxQcer4TYiJM8ps3iFIEWv9CDTuecD5blNCjigUvJcKNMcT\n\
        jXFSqLD+4Bfw/FPKhQIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    /// P-384, made with `openssl ecparam -name secp384r1 -genkey -noout | openssl ec -pubout`.
    const P384: &str = "-----BEGIN PUBLIC KEY-----\n\
        MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEnPAzlgOBoMCFs47hslaEPgKaQQUct5uA\n\
        /yec7NTbd5phUxqMBerkTxg4ByddHGscOKPriCjsdtEN7aGw64+U6SP3KxCY+GlP\n\
        e6qSNRtiJ1r79gjadBVpQvM92XrvECL7\n\
        -----END PUBLIC KEY-----\n";
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let (ed, rsa) = (Signer::ed25519(), Signer::rsa());
    let with = |jwk: serde_json::Value, name: &str, value: serde_json::Value| {
        let mut jwk = jwk;
        jwk[name] = value;
        jwks(&[jwk])
    };
    let place = Place::new();
    let refusal = |name: &str, text: &str| -> KeyFileError {
        let mut config = Config::default();
        let path = place.file(name, text);
        match name {
            "pem" => config.auth.jwt_key_files = vec![path],
            _ => config.auth.jwks_file = Some(path),
        }
        assert_eq!(KeyFiles::problems(&config).len(), 1, "{text}");
        KeyFiles::new(&config).load(&config.auth).expect_err(text)
    };
    for (name, text, part) in [
        ("pem", "".to_owned(), "openssl pkey"),
        ("pem", "0123456789abcdef0123456789abcdef".to_owned(), "openssl pkey"),
        ("pem", PRIVATE.to_owned(), "private key, which no server needs"),
        ("pem", CERTIFICATE.to_owned(), "openssl x509"),
        ("pem", SHORT_RSA.to_owned(), "2048"),
        ("pem", P384.to_owned(), "no RSA, P-256 or Ed25519"),
        ("pem", format!("{}{P384}", ed.pem()), "no RSA, P-256 or Ed25519"),
        ("pem", "x".repeat((1 << 20) + 1), "right file"),
        ("jwks", ed.pem(), "no JWKS document"),
        ("jwks", "[]".to_owned(), "no JWKS document"),
        ("jwks", jwks(&[]), "it is empty"),
        ("jwks", jwks(&[json!({"kty": "oct", "k": "AAAA"})]), "type RSA"),
        ("jwks", jwks(&[json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"})]), "type RSA"),
        ("jwks", jwks(&[json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})]), "no point of P-256"),
        ("jwks", jwks(&[json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"})]), "no Ed25519 key"),
        ("jwks", jwks(&[json!({"kty": "OKP", "crv": "Ed25519", "x": 7})]), "wrong type"),
        ("jwks", jwks(&[json!({"kty": "RSA", "e": "AQAB"})]), "missing"),
        ("jwks", jwks(&[json!({"kty": "RSA", "n": "w7w=", "e": "AQAB"})]), "not base64url"),
        ("jwks", with(rsa.jwk(None), "n", "wQ".repeat(60).into()), "RSA"),
        ("jwks", with(rsa.jwk(None), "alg", "PS256".into()), "another algorithm"),
        ("jwks", with(ed.jwk(None), "use", "enc".into()), "not meant for signatures"),
        ("jwks", with(ed.jwk(None), "key_ops", json!(["encrypt"])), "not meant for signatures"),
    ] {
        let error = refusal(name, &text);
        assert!(error.advice.contains(part), "{part}: {error}");
        assert!(error.key.starts_with("auth.jw"), "{}", error.key);
    }
    let mut config = Config::default();
    config.auth.jwks_file = Some("/nonexistent/jwks.json".into());
    assert!(KeyFiles::problems(&config)[0].advice.contains("no such file"));
}

#[test]
fn keys_for_other_things_are_passed_over() {
    let mut place = Place::new();
    let (ed, p256) = (Signer::ed25519(), Signer::p256());
    let mut marked = p256.jwk(Some("b"));
    marked["alg"] = "ES256".into();
    marked["use"] = "sig".into();
    marked["key_ops"] = json!(["verify"]);
    marked["x5t"] = "whatever".into();
    let document = jwks(&[
        json!({"kty": "oct", "k": "AAAA", "kid": "secret"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}),
        json!("not even an object"),
        ed.jwk(None),
        marked,
    ]);
    place.config.auth.jwks_file = Some(place.file("jwks.json", &document));
    let verifier = KeyFiles::new(&place.config).load(&place.config.auth).unwrap();
    assert!(takes(&verifier, &token(&ed)) && takes(&verifier, &token(&p256)));
}
