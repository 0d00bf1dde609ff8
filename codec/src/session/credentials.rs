//! How a device proves who its user is, and how it keeps that from being seen.
//!
//! Promises: nothing here shows a secret in `Debug`; a password is forgotten as soon as a session token stands for it.

use std::fmt;

use crate::ids::UserId;
use crate::proto;
use crate::proto::login::Method;
use crate::proto::password_login::Who;

/// A password or a token. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// The secret itself, to be kept where secrets are kept.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a login is made with. A bare string is a JWT.
///
/// ```
/// use hubbub_codec::session::Credentials;
///
/// let typed = Credentials::email("alice@example.org", "correct horse battery staple");
/// assert_eq!(format!("{typed:?}"), "Password(..)");
/// let kept = Credentials::SessionToken("from LoggedIn, of an earlier run".into());
/// # let _ = kept;
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A signed token (compact form, at most 4 KiB) whose subject is the user.
    Jwt(Secret),
    /// See [`Credentials::email`] and [`Credentials::user`]. Used for one login; later ones use the session token.
    Password(Box<PasswordLogin>),
    /// What an earlier login of this device gave ([`Event::LoggedIn`](super::Event::LoggedIn)).
    SessionToken(Secret),
}

/// An account by one of its names, and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordLogin {
    account: Account,
    password: Secret,
}

#[derive(Clone, PartialEq, Eq)]
enum Account {
    Email(Box<str>),
    User(UserId),
}

impl Credentials {
    /// An e-mail address and a password.
    #[must_use]
    pub fn email(email: impl Into<Box<str>>, password: impl Into<Secret>) -> Self {
        let account = Account::Email(email.into());
        Self::Password(Box::new(PasswordLogin { account, password: password.into() }))
    }

    /// A user id and a password.
    #[must_use]
    pub fn user(user: UserId, password: impl Into<Secret>) -> Self {
        let account = Account::User(user);
        Self::Password(Box::new(PasswordLogin { account, password: password.into() }))
    }

    pub(super) fn to_method(&self) -> Method {
        match self {
            Self::Jwt(token) => Method::Jwt(token.expose().to_owned()),
            Self::SessionToken(token) => Method::SessionToken(token.expose().to_owned()),
            Self::Password(login) => Method::Password(proto::PasswordLogin {
                who: Some(match &login.account {
                    Account::Email(email) => Who::Email(email.to_string()),
                    Account::User(user) => Who::UserId(user.0),
                }),
                password: login.password.expose().to_owned(),
            }),
        }
    }
}

impl From<String> for Credentials {
    fn from(jwt: String) -> Self {
        Self::Jwt(jwt.into())
    }
}

impl From<&str> for Credentials {
    fn from(jwt: &str) -> Self {
        Self::Jwt(jwt.into())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jwt(_) => "Jwt(..)",
            Self::Password(_) => "Password(..)",
            Self::SessionToken(_) => "SessionToken(..)",
        })
    }
}

impl fmt::Debug for PasswordLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordLogin(..)")
    }
}

/// Stands for the person's credentials in later logins of this device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionToken {
    /// For [`Credentials::SessionToken`] in a later run of the application.
    pub secret: Secret,
    /// When it ends: microseconds since the Unix epoch, UTC. Logins with it may move this on.
    pub expires_us: i64,
}

/// Whether an error says that the login needs other credentials.
pub(super) fn are_refused_by(error: &proto::Error) -> bool {
    use proto::ErrorCode::{DeviceRevoked, TokenExpired, TokenInvalid, WrongCredentials};
    error.action() == proto::error::Action::Reauthenticate
        || matches!(error.code(), TokenInvalid | TokenExpired | WrongCredentials | DeviceRevoked)
}
