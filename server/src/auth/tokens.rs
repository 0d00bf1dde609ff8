//! Login tokens: JSON Web Tokens whose subject is the user id in decimal.
//!
//! A token is refused unless a key of this server signed it, it has a subject and an expiry, and its time is now. The
//! algorithm (HS256, RS256, ES256 or EdDSA) is a property of the key: a token that names another one finds no key.
//! An audience and an issuer are looked at as configured; a token with an audience is refused where none is configured,
//! since it was made for somebody else. Nothing of a token ever goes into an error or a log.
//!
//! Keys come from files (`files`), which are read again when they change (`file_watch`).

mod files;
mod jwks;
mod keys;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hubbub_core::ids::UserId;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header, Validation};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::auth::secret::Secret;
use crate::config::Auth;
pub use files::{KeyFileError, KeyFiles};
use keys::{Key, KeySet};

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

/// What a good token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whom it names. Never 0.
    pub user: UserId,
    /// When it was made (`iat`), in seconds since the Unix epoch, as its signer says; `None` when it does not.
    pub issued_at_seconds: Option<u64>,
}

/// What a token made here claims.
#[derive(Serialize)]
struct Made {
    sub: String,
    iat: u64,
    exp: u64,
}

/// What is read of a token. The library checks that it has a subject and an expiry, and names the one that is missing.
#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    sub: String,
    /// A number of seconds, maybe with a fraction (RFC 7519, section 2).
    iat: Option<f64>,
}

/// Checks tokens. Cheap to share and to use: some microseconds to some tens of them for each token.
pub struct TokenVerifier {
    keys: RwLock<Arc<KeySet>>,
    /// Everything but the algorithm, which a key brings along.
    validation: Validation,
}

impl TokenVerifier {
    /// A verifier of tokens that were signed with `secret` (HS256), for no audience and by anybody.
    pub fn new(secret: &Secret) -> Self {
        Self::with_keys(KeySet::new(vec![Key::secret(secret)]), &Auth::default())
    }

    /// A verifier with the keys that are there now and the audiences and issuers of `config`.
    fn with_keys(keys: KeySet, config: &Auth) -> Self {
        Self { keys: RwLock::new(Arc::new(keys)), validation: validation(config) }
    }

    /// From now on these keys count, and no others. A token that is being verified meanwhile meets the old or the new
    /// ones, never a mixture.
    fn replace_keys(&self, keys: KeySet) {
        *self.keys.write() = Arc::new(keys);
    }

    /// What a token says, if it is to be trusted.
    ///
    /// # Errors
    /// The token is not to be trusted, or its time is over.
    pub fn verify(&self, token: &str) -> Result<Verified, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid("it is longer than 4096 bytes"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(refusal)?;
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let keys = self.keys.read().clone();
        let mut refused = no_key(header.alg);
        for key in keys.candidates(header.alg, header.kid.as_deref()) {
            match jsonwebtoken::decode::<Read>(token, key, &validation) {
                Ok(decoded) => return accept(&decoded.claims),
                Err(error) => refused = refusal(error),
            }
            if refused != WRONG_SIGNATURE {
                break; // This key made it, and it is of no use all the same.
            }
        }
        Err(refused)
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier").finish_non_exhaustive()
    }
}

fn validation(config: &Auth) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    let mut required = vec!["exp", "sub"];
    if !config.jwt_audience.is_empty() {
        validation.set_audience(&config.jwt_audience);
        required.push("aud");
    }
    if !config.jwt_issuer.is_empty() {
        validation.set_issuer(&config.jwt_issuer);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// Signs a token (HS256) for `user` (not 0) that is valid until `expires_at`.
///
/// # Errors
/// The signer failed; a sound secret gives it no reason to.
pub fn sign(secret: &Secret, user: u64, expires_at: SystemTime) -> Result<String, Error> {
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let claims = Made { sub: user.to_string(), iat: seconds(SystemTime::now()), exp: seconds(expires_at) };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.expose()))
}

fn accept(claims: &Read) -> Result<Verified, TokenError> {
    let user =
        user_of(&claims.sub).ok_or(TokenError::Invalid("its subject is not a user id (a decimal number from 1)"))?;
    match claims.iat {
        Some(iat) if iat.is_sign_negative() => Err(TokenError::Invalid("it was made before 1970 (iat)")),
        iat => Ok(Verified { user: UserId(user), issued_at_seconds: iat.map(|iat| iat as u64) }),
    }
}

/// A user id in its one form: decimal digits, no sign, no zero in front.
fn user_of(subject: &str) -> Option<u64> {
    let canonical = subject.bytes().all(|byte| byte.is_ascii_digit()) && !subject.starts_with('0');
    if canonical { subject.parse().ok() } else { None }
}

const WRONG_SIGNATURE: TokenError = TokenError::Invalid("its signature does not match");

fn no_key(algorithm: Algorithm) -> TokenError {
    TokenError::Invalid(match algorithm {
        Algorithm::HS256 => "there is no HS256 key here that it could be signed with",
        Algorithm::RS256 => "there is no RS256 key here that it could be signed with",
        Algorithm::ES256 => "there is no ES256 key here that it could be signed with",
        Algorithm::EdDSA => "there is no EdDSA key here that it could be signed with",
        _ => "its algorithm is not HS256, RS256, ES256 or EdDSA",
    })
}

fn refusal(error: Error) -> TokenError {
    TokenError::Invalid(match error.kind() {
        ErrorKind::ExpiredSignature => return TokenError::Expired,
        ErrorKind::InvalidSignature => return WRONG_SIGNATURE,
        ErrorKind::ImmatureSignature => "its time has not begun",
        ErrorKind::InvalidAudience => "it was made for another audience",
        ErrorKind::InvalidIssuer => "its issuer is not one that is trusted here",
        ErrorKind::MissingRequiredClaim(claim) => match claim.as_str() {
            "exp" => "it has no expiry (exp)",
            "aud" => "it has no audience (aud)",
            "iss" => "it has no issuer (iss)",
            _ => "it has no subject (sub)",
        },
        ErrorKind::InvalidClaimFormat(_) => "a claim has the wrong type",
        _ => "it is malformed, or its algorithm is not HS256, RS256, ES256 or EdDSA",
    })
}

#[cfg(test)]
mod test_signer;
#[cfg(test)]
mod tests;
