//! Passwords: what is kept of one, and whether another one is the same.
//!
//! Argon2id with the parameters that OWASP's password storage cheat sheet gives for it: 19 MiB, 2 passes, 1 lane, with
//! a random salt, as a PHC string. It takes tens of milliseconds: call it in a thread of `hasher`, never on a shard.

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use zeroize::{Zeroize as _, Zeroizing};

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19 * 1_024;
/// Passes over it.
const PASSES: u32 = 2;
/// A PHC string that no known password has, with the parameters above.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What somebody typed. It does not show, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes a password in composed form (Unicode NFC), so that it does not matter which keyboard an accent came from.
    pub fn new(mut text: String) -> Password {
        if is_nfc(&text) {
            return Password(Zeroizing::new(text));
        }
        // Large enough from the start (composing makes no text more than three times as long): no copy stays behind.
        let mut composed = String::with_capacity(3 * text.len());
        composed.extend(text.nfc());
        text.zeroize();
        Password(Zeroizing::new(composed))
    }

    /// The password itself. It goes to the hash and the rules, and nowhere else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// What is kept of a password: a PHC string. It does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes one that was kept.
    pub fn from_phc(text: impl Into<String>) -> PasswordHash {
        PasswordHash(text.into())
    }

    /// The PHC string, for keeping.
    pub fn as_phc(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(hidden)")
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// There was no memory or no randomness.
    #[error("a password could not be hashed: {0}")]
    Hash(password_hash::Error),
    /// What was kept is no PHC string of Argon2.
    #[error("the kept hash of a password cannot be used: {0}")]
    Kept(password_hash::Error),
}

/// What to keep of a password, with a new random salt.
///
/// # Errors
/// There is no memory or no randomness.
pub fn hash(password: &Password) -> Result<PasswordHash, PasswordError> {
    let hash = argon2().hash_password(password.expose().as_bytes()).map_err(PasswordError::Hash)?;
    Ok(PasswordHash(hash.to_string()))
}

/// Whether the password is the one that `kept` was made of. `None` (there is no such account, or it has no password)
/// takes the same time and is never right.
///
/// # Errors
/// What was kept is unusable, or there is no memory.
pub fn verify(password: &Password, kept: Option<&PasswordHash>) -> Result<bool, PasswordError> {
    let phc = kept.map_or(NOBODYS, PasswordHash::as_phc);
    match argon2().verify_password(password.expose().as_bytes(), phc) {
        Ok(()) => Ok(kept.is_some()),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Kept(error)),
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    #[test]
    fn the_same_password_is_right_and_no_other() {
        let kept = hash(&password("correct horse")).unwrap();
        assert!(verify(&password("correct horse"), Some(&kept)).unwrap());
        for wrong in ["correct hors", "correct horsE", "correct horse ", ""] {
            assert!(!verify(&password(wrong), Some(&kept)).unwrap(), "{wrong}");
        }
    }

    #[test]
    fn each_hash_has_a_salt_of_its_own_and_the_recommended_parameters() {
        let [one, other] = [(); 2].map(|()| hash(&password("the same one")).unwrap());
        assert_ne!(one, other);
        for kept in [&one, &other] {
            assert!(kept.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", kept.as_phc());
        }
    }

    #[test]
    fn a_hash_made_elsewhere_is_understood() {
        // From the reference implementation: echo -n password | argon2 somesalt -id -v 13 -t 2 -k 65536 -p 1 -l 32
        let kept = PasswordHash::from_phc(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        );
        assert!(verify(&password("password"), Some(&kept)).unwrap());
        assert!(!verify(&password("passwort"), Some(&kept)).unwrap());
    }

    #[test]
    fn nobody_has_a_password_but_the_same_work_is_done() {
        assert!(!verify(&password("any"), None).unwrap());
        let (real, nobodys) = (hash(&password("any")).unwrap(), PasswordHash::from_phc(NOBODYS));
        let shape = |phc: &PasswordHash| {
            let parts: Vec<&str> = phc.as_phc().split('$').collect();
            (parts[1..4].join("$"), parts[4].len(), parts[5].len())
        };
        assert_eq!(shape(&real), shape(&nobodys), "parameters and the lengths of salt and hash");
        assert!(!verify(&password("any"), Some(&nobodys)).unwrap(), "it can be read");
    }

    #[test]
    fn what_was_kept_badly_is_an_error_and_not_a_match() {
        for kept in ["", "hunter22", "$argon2id$v=19$m=19456,t=2,p=1$AAAA", "$2b$10$abcdefghijklmnopqrstuv"] {
            assert!(verify(&password(kept), Some(&PasswordHash::from_phc(kept))).is_err(), "{kept}");
        }
    }

    #[test]
    fn an_accent_may_come_from_any_keyboard() {
        let kept = hash(&password("caf\u{e9} au lait")).unwrap();
        assert!(verify(&password("cafe\u{301} au lait"), Some(&kept)).unwrap());
    }

    #[test]
    fn nothing_shows() {
        let shown = format!("{:?} {:?}", password("hunter22"), PasswordHash::from_phc("$argon2id$secret"));
        assert_eq!(shown, "Password(hidden) PasswordHash(hidden)");
    }
}
