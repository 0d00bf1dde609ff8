//! Keys that tokens are verified with, and which of them a token is tried with.
//!
//! A key has exactly one algorithm, which its type decides: a secret HS256, an RSA key RS256, a P-256 key ES256, an
//! Ed25519 key EdDSA. So nobody can make a public key pass for a secret. A key is checked when it is read: what is in
//! a set can verify.

use aws_lc_rs::rsa::PublicKey as RsaKey;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use jsonwebtoken::{Algorithm, DecodingKey};

use crate::auth::secret::Secret;

/// Most keys that one token is tried with.
const TRIES_MAX: usize = 16;
/// Bytes of an RSA modulus, least and most: 2048 and 8192 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1_024;

/// A key with its only algorithm.
#[derive(Clone)]
pub(super) struct Key {
    /// Its name (`kid`); only keys of a JWKS document have one.
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Key {
    pub(super) fn secret(secret: &Secret) -> Key {
        Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.expose()) }
    }

    /// A public key of any supported type, as a SubjectPublicKeyInfo (or an RSAPublicKey) in DER.
    pub(super) fn public(der: &[u8]) -> Result<Key, &'static str> {
        Self::rsa(der).or_else(|too_short| Self::p256(der).or_else(|_| Self::ed25519(der)).map_err(|_| too_short))
    }

    /// An RSA key in DER.
    pub(super) fn rsa(der: &[u8]) -> Result<Key, &'static str> {
        const NOT: &str = "it is no RSA, P-256 or Ed25519 public key";
        match RsaKey::from_der(der).map_err(|_| NOT)?.modulus_len() {
            bytes if RSA_BYTES.contains(&bytes) => {
                Ok(Key { id: None, algorithm: Algorithm::RS256, key: DecodingKey::from_rsa_der(der) })
            }
            _ => Err("an RSA key must have 2048 to 8192 bits"),
        }
    }

    /// A P-256 key in DER, or its point uncompressed.
    pub(super) fn p256(bytes: &[u8]) -> Result<Key, &'static str> {
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).map_err(|_| "it is no point of P-256")?;
        Ok(Key { id: None, algorithm: Algorithm::ES256, key: DecodingKey::from_ec_der(bytes) })
    }

    /// An Ed25519 key in DER, or its 32 bytes.
    pub(super) fn ed25519(bytes: &[u8]) -> Result<Key, &'static str> {
        ParsedPublicKey::new(&ED25519, bytes).map_err(|_| "it is no Ed25519 key")?;
        Ok(Key { id: None, algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(bytes) })
    }

    /// The same key under a name.
    pub(super) fn named(self, id: Option<String>) -> Key {
        Key { id, ..self }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// All keys that count at one time.
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    pub(super) fn new(keys: Vec<Key>) -> KeySet {
        KeySet(keys)
    }

    /// The keys that a token with this header may be signed with. When a key has the name that the token gives, those
    /// with that name; otherwise those without a name; all when the token gives none.
    pub(super) fn candidates(&self, algorithm: Algorithm, id: Option<&str>) -> impl Iterator<Item = &DecodingKey> {
        let known = id.is_some() && self.0.iter().any(|key| key.id.as_deref() == id);
        let fits = move |key: &&Key| match id {
            None => true,
            Some(_) if known => key.id.as_deref() == id,
            Some(_) => key.id.is_none(),
        };
        let all = self.0.iter().filter(move |key| key.algorithm == algorithm).filter(fits);
        all.take(TRIES_MAX).map(|key| &key.key)
    }
}
