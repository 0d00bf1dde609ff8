//! The tokens of machines and operators: who may open a trunk, and who may administer.
//!
//! Each kind has a secret of its own that signs it (HS256) and an audience, so that whoever may sign users' tokens opens no
//! trunk, a gateway signs no user's token, and neither stops the server. They live for minutes: a copied one is soon of no
//! use. What one says is only that its bearer has the secret; nothing of it ever goes into an error or a log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hubbub_codec::trunk;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::tokens::{TOKEN_BYTES_MAX, TokenError};

/// How far the clocks of gateway and server may differ, in seconds.
const LEEWAY_SECONDS: u64 = 5;

/// The longest that such a token may live, in seconds.
pub const LIFE_SECONDS_MAX: u64 = trunk::TOKEN_LIFE_SECONDS_MAX;

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A trunk, for a gateway.
    Trunk,
    /// The admin listener.
    Admin,
}

impl Audience {
    /// What such a token names as its audience (`aud`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Audience::Trunk => trunk::TOKEN_AUDIENCE,
            Audience::Admin => "hubbub.admin",
        }
    }

    fn not_signed(self) -> &'static str {
        match self {
            Audience::Trunk => "the trunk secret has not signed it",
            Audience::Admin => "the admin secret has not signed it",
        }
    }

    fn not_named(self) -> &'static str {
        match self {
            Audience::Trunk => "its audience (aud) must be hubbub.trunk",
            Audience::Admin => "its audience (aud) must be hubbub.admin",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    exp: u64,
}

/// Checks tokens of one audience. The signature is compared in constant time.
pub struct BriefVerifier {
    audience: Audience,
    key: DecodingKey,
    validation: Validation,
}

impl BriefVerifier {
    /// A verifier of tokens that were signed with `secret` for `audience`.
    #[must_use]
    pub fn new(secret: &Secret, audience: Audience) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_audience(&[audience.name()]);
        validation.set_required_spec_claims(&["exp", "aud"]);
        Self { audience, key: DecodingKey::from_secret(secret.expose()), validation }
    }

    /// Whether a token is to be trusted.
    ///
    /// # Errors
    /// It is not, or its time is over, or it would live for more than five minutes.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<(), TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid("it is longer than 4096 bytes"));
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation);
        let claims = decoded.map_err(|error| refusal(&error, self.audience))?.claims;
        let now_seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if claims.exp > now_seconds.saturating_add(LIFE_SECONDS_MAX + LEEWAY_SECONDS) {
            return Err(TokenError::Invalid("it may live for five minutes at most (exp)"));
        }
        Ok(())
    }
}

impl std::fmt::Debug for BriefVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BriefVerifier").field("audience", &self.audience).finish_non_exhaustive()
    }
}

fn refusal(error: &Error, audience: Audience) -> TokenError {
    TokenError::Invalid(match error.kind() {
        ErrorKind::ExpiredSignature => return TokenError::Expired,
        ErrorKind::InvalidSignature => audience.not_signed(),
        ErrorKind::ImmatureSignature => "its time has not begun",
        ErrorKind::InvalidAudience | ErrorKind::InvalidClaimFormat(_) => audience.not_named(),
        ErrorKind::MissingRequiredClaim(claim) if claim == "aud" => audience.not_named(),
        ErrorKind::MissingRequiredClaim(_) => "it has no expiry (exp)",
        ErrorKind::InvalidAlgorithm => "its algorithm is not HS256",
        _ => "it is malformed, or lacks its audience (aud) or expiry (exp)",
    })
}

/// Signs a token for `audience` that is valid for `life`.
///
/// # Errors
/// The signer failed; a sound secret gives it no reason to.
pub fn sign(secret: &Secret, audience: Audience, life: Duration) -> Result<String, Error> {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + life;
    let claims = Claims { aud: audience.name().to_owned(), exp: expires.as_secs() };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

    fn verify(algorithm: Algorithm, secret: &[u8], claims: &Value) -> Result<(), TokenError> {
        let token = jsonwebtoken::encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap();
        BriefVerifier::new(&Secret::from_bytes(SECRET), Audience::Trunk).verify(&token, SystemTime::now())
    }

    fn in_seconds(seconds: i64) -> i64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + seconds
    }

    #[test]
    fn what_is_signed_here_is_good() {
        let secret = Secret::from_bytes(SECRET);
        for (audience, other) in [(Audience::Trunk, Audience::Admin), (Audience::Admin, Audience::Trunk)] {
            let token = sign(&secret, audience, Duration::from_secs(LIFE_SECONDS_MAX)).unwrap();
            assert_eq!(BriefVerifier::new(&secret, audience).verify(&token, SystemTime::now()), Ok(()));
            let foreign = BriefVerifier::new(&secret, other).verify(&token, SystemTime::now()).unwrap_err();
            assert!(foreign.to_string().contains(other.name()), "{foreign}");
        }
    }

    #[test]
    fn others_are_refused() {
        let good = json!({"aud": "hubbub.trunk", "exp": in_seconds(60)});
        assert_eq!(verify(Algorithm::HS256, SECRET, &good), Ok(()));
        let refused = |algorithm, secret, claims: &Value| verify(algorithm, secret, claims).unwrap_err().to_string();
        let foreign = refused(Algorithm::HS256, b"another secret of thirty-two byte", &good);
        assert!(foreign.contains("has not signed"), "{foreign}");
        assert!(refused(Algorithm::HS512, SECRET, &good).contains("HS256"));
        for (claims, reason) in [
            (json!({"aud": "hubbub.trunk", "exp": in_seconds(-60)}), "expired"),
            (json!({"aud": "hubbub.trunk", "exp": in_seconds(3_600)}), "five minutes"),
            (json!({"aud": "somebody else", "exp": in_seconds(60)}), "hubbub.trunk"),
            (json!({"exp": in_seconds(60)}), "aud"),
            (json!({"aud": "hubbub.trunk"}), "exp"),
            // A user's token.
            (json!({"sub": "42", "exp": in_seconds(60)}), "aud"),
        ] {
            let text = refused(Algorithm::HS256, SECRET, &claims);
            assert!(text.contains(reason), "{claims}: {text}");
        }
    }

    #[test]
    fn garbage_is_refused() {
        let verifier = BriefVerifier::new(&Secret::from_bytes(SECRET), Audience::Trunk);
        for token in ["", "a.b.c", &"x".repeat(5_000)] {
            assert!(verifier.verify(token, SystemTime::now()).is_err());
        }
    }
}
