//! Reads a JWKS document (RFC 7517): the public keys of whoever signs tokens.
//!
//! Keys of other types, for other uses or algorithms are passed over, as the standard asks: issuers publish what they
//! like in one document. A symmetric key is passed over, too: a secret belongs into a file that is kept secret.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::Value;

use super::keys::Key;

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// The members of a key that matter here.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The usable keys of a document, and how many were passed over.
///
/// # Errors
/// It is no JWKS document, or no key in it is usable; the text says why.
pub(super) fn parse(text: &[u8]) -> Result<(Vec<Key>, usize), String> {
    let document: Document =
        serde_json::from_slice(text).map_err(|error| format!("it is no JWKS document ({error})"))?;
    let read: Vec<_> = document.keys.into_iter().map(|key| usable(key)).collect();
    let all = read.len();
    let first_reason = read.iter().find_map(|key| key.as_ref().err().copied()).unwrap_or("it is empty");
    let keys: Vec<Key> = read.into_iter().flatten().collect();
    match keys.len() {
        0 => Err(format!("no key in it is usable: {first_reason}")),
        usable => Ok((keys, all - usable)),
    }
}

fn usable(value: Value) -> Result<Key, &'static str> {
    let jwk: Jwk = serde_json::from_value(value).map_err(|_| "a member of a key has the wrong type")?;
    let verifies = |operations: &Vec<String>| operations.iter().any(|operation| operation == "verify");
    if jwk.r#use.as_deref().is_some_and(|r#use| r#use != "sig") || !jwk.key_ops.as_ref().is_none_or(verifies) {
        return Err("a key is not meant for signatures");
    }
    let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => rsa(&jwk),
        ("EC", Some("P-256")) => point(&jwk),
        ("OKP", Some("Ed25519")) => Key::ed25519(&bytes(&jwk.x)?),
        _ => Err("a key is not of type RSA, EC (P-256) or OKP (Ed25519)"),
    }?;
    if jwk.alg.is_some_and(|algorithm| algorithm != name(key.algorithm())) {
        return Err("a key is meant for another algorithm than RS256, ES256 or EdDSA");
    }
    Ok(key.named(jwk.kid))
}

/// The name of an algorithm as a document writes it.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::ES256 => "ES256",
        _ => "EdDSA",
    }
}

fn rsa(jwk: &Jwk) -> Result<Key, &'static str> {
    // Some issuers write a zero in front, as in DER.
    let number = |text| bytes(text).map(|bytes| bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>());
    let components = RsaPublicKeyComponents { n: number(&jwk.n)?, e: number(&jwk.e)? };
    let der: PublicKeyX509Der<'_> = components.as_der().map_err(|_| "an RSA key is malformed")?;
    Key::rsa(der.as_ref())
}

fn point(jwk: &Jwk) -> Result<Key, &'static str> {
    const UNCOMPRESSED: u8 = 4;
    Key::p256(&[vec![UNCOMPRESSED], bytes(&jwk.x)?, bytes(&jwk.y)?].concat())
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, &'static str> {
    let text = member.as_ref().ok_or("a member of a key is missing")?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "a member of a key is not base64url")
}
