//! Login tokens: JSON Web Tokens signed with HS256, whose subject is the user id in decimal.
//!
//! A token is refused unless it says HS256, is signed with this server's secret, has a subject and an expiry, and its
//! time is now. What it claims besides (issuer, names, …) is not looked at, except an audience: a token made for
//! somebody else is refused. Nothing of a token ever goes into an error or a log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// How far the clocks of signer and server may differ, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can never be accepted; the text says why, in words for the client.
    #[error("the token is not valid: {0}")]
    Invalid(&'static str),
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
}

/// What a token made here claims.
#[derive(Serialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// What is read of a token. The library checks that it has a subject and an expiry, and names the one that is missing.
#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    sub: String,
}

/// Checks tokens. Cheap to share and to use: some microseconds for each token.
pub struct TokenVerifier {
    key: DecodingKey,
    validation: Validation,
}

impl TokenVerifier {
    /// A verifier of tokens that were signed with `secret`.
    pub fn new(secret: &Secret) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        Self { key: DecodingKey::from_secret(secret.expose()), validation }
    }

    /// The user that a token names. Never 0.
    ///
    /// # Errors
    /// The token is not to be trusted, or its time is over.
    pub fn verify(&self, token: &str) -> Result<u64, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid("it is longer than 4096 bytes"));
        }
        let decoded = jsonwebtoken::decode::<Subject>(token, &self.key, &self.validation).map_err(refusal)?;
        user_of(&decoded.claims.sub)
            .ok_or(TokenError::Invalid("its subject is not a user id (a decimal number from 1)"))
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier").finish_non_exhaustive()
    }
}

/// Signs a token for `user` (not 0) that is valid until `expires_at`.
///
/// # Errors
/// The signer failed; a sound secret gives it no reason to.
pub fn sign(secret: &Secret, user: u64, expires_at: SystemTime) -> Result<String, Error> {
    let exp = expires_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let claims = Claims { sub: user.to_string(), exp };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.expose()))
}

/// A user id in its one form: decimal digits, no sign, no zero in front.
fn user_of(subject: &str) -> Option<u64> {
    let canonical = subject.bytes().all(|byte| byte.is_ascii_digit()) && !subject.starts_with('0');
    if canonical { subject.parse().ok() } else { None }
}

fn refusal(error: Error) -> TokenError {
    TokenError::Invalid(match error.kind() {
        ErrorKind::ExpiredSignature => return TokenError::Expired,
        ErrorKind::InvalidSignature => "its signature does not match",
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
            "its algorithm is not HS256"
        }
        ErrorKind::ImmatureSignature => "its time has not begun",
        ErrorKind::InvalidAudience => "it was made for another audience",
        ErrorKind::MissingRequiredClaim(claim) if claim == "exp" => "it has no expiry (exp)",
        ErrorKind::MissingRequiredClaim(_) => "it has no subject (sub)",
        ErrorKind::InvalidClaimFormat(_) => "a claim has the wrong type",
        _ => "it is malformed, or not signed with HS256",
    })
}

#[cfg(test)]
mod tests;
