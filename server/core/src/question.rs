//! What the edge asks on behalf of somebody who has not logged in (or changes a password), and the answers.
//!
//! The asker is a connection, not a session: the core keeps nothing for it but what is under way, and the edge throws
//! away an answer that nobody waits for any more. Every question has exactly one answer.

use crate::account::{Email, PasswordHash};
use crate::ids::UserId;
use crate::request::Refusal;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Makes an account.
    Register(Box<Registration>),
    /// Asks what a password is to be compared with.
    Credentials(Who),
}

/// An account to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Drawn by lot, so free in all likelihood. Not 0.
    pub user: UserId,
    /// Leads to it.
    pub email: Email,
    /// What others see.
    pub name: Box<str>,
    /// Opens it.
    pub password: PasswordHash,
}

/// Whom somebody says to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By address.
    Email(Email),
    /// By id.
    User(UserId),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The account is durable.
    Registered(UserId),
    /// To [`Question::Credentials`]; `None` when there is no such account.
    Credentials(Option<Box<Credentials>>),
    /// It could not be done.
    Refused(Refusal),
}

/// What a password is compared with, and what a new one must differ from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub user: UserId,
    /// `None` for an account without a password.
    pub password: Option<PasswordHash>,
    /// Its address.
    pub email: Option<Email>,
    /// Its name.
    pub name: Box<str>,
}
