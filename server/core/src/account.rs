//! What is kept of people: accounts, the addresses that lead to them, and their devices.
//!
//! An address, a password's hash and a token's hash never show in `Debug` output.

use crate::ids::{Timestamp, UserId};
use std::fmt;

macro_rules! hidden {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    };
}

/// An e-mail address in its one form: no white space around it, in lower case. The edge sees to that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(Box<str>);
hidden!(Email);

impl Email {
    /// Takes an address that is in its one form.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> Email {
        Email(text.into())
    }

    /// The address, for keeping and for its owner.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is kept of a password: an opaque text (PHC format).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);
hidden!(PasswordHash);

impl PasswordHash {
    /// Takes what a hasher has made.
    #[must_use]
    pub fn new(text: impl Into<Box<str>>) -> PasswordHash {
        PasswordHash(text.into())
    }

    /// The text, for keeping and for verifying.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is kept of a session token: the SHA-256 of its secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);
hidden!(TokenHash);

impl TokenHash {
    /// Takes a hash.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> TokenHash {
        TokenHash(bytes)
    }

    /// The hash, for keeping.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are of the same token; takes as long wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &TokenHash) -> bool {
        let pairs = self.0.iter().zip(other.0);
        std::hint::black_box(pairs.fold(0, |different, (a, b)| different | (a ^ b))) == 0
    }
}

/// A user's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// When it was made.
    pub created: Timestamp,
    /// What is known of its person; `None` for an account that a token made and nobody has filled in.
    pub person: Option<Box<Person>>,
}

impl AccountRecord {
    /// An account of which nothing is known.
    #[must_use]
    pub fn bare(created: Timestamp) -> AccountRecord {
        AccountRecord { created, person: None }
    }

    /// What is kept of its password.
    #[must_use]
    pub fn password(&self) -> Option<&PasswordHash> {
        self.person.as_ref()?.password.as_ref()
    }

    /// Its address.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.person.as_ref()?.email.as_ref()
    }
}

/// What a person has told of themselves. Empty texts were not told.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Person {
    /// Leads to this account.
    pub email: Option<Email>,
    /// Opens it.
    pub password: Option<PasswordHash>,
    /// What others see.
    pub name: Box<str>,
    /// A few words.
    pub about: Box<str>,
    /// Where a picture is found; opaque.
    pub picture: Box<str>,
}

/// Whom an address belongs to. The account is the truth: once `reserved_until` is over, the address is the user's if
/// the account says so, and free if it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailRecord {
    /// The whole address, since the key holds a hash of it.
    pub email: Email,
    /// Whose it is, or is about to be.
    pub user: UserId,
    /// Until then it is taken, whether the account is there or not.
    pub reserved_until: Timestamp,
}

/// One of a user's devices.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeviceRecord {
    /// For people to recognise it by.
    pub name: Box<str>,
    /// What it runs on, in its own words.
    pub platform: Box<str>,
    /// Its first login.
    pub created: Timestamp,
    /// When it was last connected, to within about an hour.
    pub last_seen: Timestamp,
    /// What opens its sessions, besides a signed token and the password.
    pub token: Option<Box<TokenRecord>>,
    /// When it was revoked: the row is then a tombstone, which says which signed tokens are too old.
    pub revoked: Option<Timestamp>,
}

/// A session token, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// What a token is compared with.
    pub hash: TokenHash,
    /// When it ends.
    pub expires: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_hashes_match_only_themselves() {
        let hash = TokenHash::new([7; 32]);
        assert!(hash.matches(&TokenHash::new([7; 32])));
        for at in 0..32 {
            let mut other = [7; 32];
            other[at] ^= 1 << (at % 8);
            assert!(!hash.matches(&TokenHash::new(other)));
        }
    }

    #[test]
    fn nothing_secret_shows() {
        let person = Person {
            email: Some(Email::new("ada@example.org")),
            password: Some(PasswordHash::new("$argon2id$secret")),
            ..Person::default()
        };
        let token = TokenRecord { hash: TokenHash::new([222; 32]), expires: Timestamp(1) };
        let shown = format!("{person:?} {token:?}");
        assert!(!shown.contains("ada@") && !shown.contains("argon2id") && !shown.contains("222"), "{shown}");
    }
}
