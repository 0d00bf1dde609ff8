//! Why the core refuses. Each text is for people: what was refused, which limit, the way out.

use crate::ids::{Seq, UserId};

/// Why a request was refused; one variant for each different reaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A user of the request has no account.
    #[error("user {0} does not exist: an account is made at the user's first login")]
    UnknownUser(UserId),
    /// There is no such conversation, or the caller is no member; the two are not told apart.
    #[error("there is no such conversation, or you are no member of it")]
    UnknownConversation,
    /// A member may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// A member was muted.
    #[error("you may not write in this group for a while: an admin has muted you")]
    Muted {
        /// For how many milliseconds yet; 0: until an admin lifts it.
        retry_after_ms: u64,
    },
    /// An invitation that lets nobody in.
    #[error("this invitation is unknown, used up, revoked or over; ask for another one")]
    InviteInvalid,
    /// A field is wrong.
    #[error("{field}: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// In what way.
        why: &'static str,
    },
    /// Over a limit.
    #[error("{field} is {got}, and this server allows {limit} ({setting})")]
    Limit {
        /// Which field.
        field: &'static str,
        /// The configuration key of the limit.
        setting: &'static str,
        /// The limit.
        limit: u64,
        /// What was asked.
        got: u64,
    },
    /// Too much in a short time.
    #[error("too much in a short time ({setting}): wait {retry_after_ms} ms")]
    RateLimited {
        /// The configuration key of the limit.
        setting: &'static str,
        /// When the same request is admitted, if nothing else comes before.
        retry_after_ms: u32,
    },
    /// The server is at a limit of its own.
    #[error("the server is at its limit of uncommitted messages; try again shortly")]
    Overloaded,
    /// The disk is nearly full.
    #[error("the server's disk is nearly full; reading goes on, sending waits until the operator makes room")]
    StorageFull,
    /// A resend outside of the searched window.
    #[error("this resend is older than what the server searches; it may be stored or not")]
    ResendUnknown,
    /// A mark beyond the head.
    #[error("up_to_seq {got} is beyond the head {head} of the conversation")]
    BeyondHead {
        /// The head.
        head: Seq,
        /// What was asked.
        got: Seq,
    },
    /// A message is older than may be edited or revoked.
    #[error("the message is too old for this: the server allows {limit_s} seconds ({setting})")]
    TooOld {
        /// The configuration key of the limit.
        setting: &'static str,
        /// The limit.
        limit_s: u64,
    },
    /// Nothing of that kind can be done to what is at that seq, if anything is.
    #[error("there is no message at seq {0} that this could be done to")]
    UnknownMessage(Seq),
    /// The store could not be read.
    #[error("the server could not read its store; try again")]
    ReadFailed,
    /// The session token is not that of the device.
    #[error("the session token is not valid (any more): log in with a signed token or a password")]
    TokenInvalid,
    /// The session token's time is over.
    #[error("the session token has expired: log in with a signed token or a password")]
    TokenExpired,
    /// The device was revoked.
    #[error("this device was revoked: a signed token that is issued later, or the password, opens it again")]
    DeviceRevoked,
    /// The user or the password is wrong.
    #[error("the e-mail address, user or password is wrong")]
    WrongCredentials,
    /// The old password of a change is wrong.
    #[error("the old password is wrong")]
    WrongPassword,
    /// The address has an account.
    #[error("this e-mail address has an account")]
    EmailTaken,
    /// The user has as many devices as may be.
    #[error("this user has {limit} devices, as many as limits.devices_per_user_max allows: revoke one of them first")]
    TooManyDevices {
        /// How many.
        limit: usize,
    },
    /// A text breaks a rule for people.
    #[error("{field}: {rule}")]
    Rule {
        /// Which field.
        field: &'static str,
        /// The rule, in a sentence.
        rule: Box<str>,
    },
    /// Something that happens once in a lifetime, such as an id that was drawn twice.
    #[error("this could not be done now; try again")]
    Unlucky,
    /// One of the two users has blocked the other.
    #[error("one of you has blocked the other")]
    Blocked,
    /// A newer session of the same device is open.
    #[error("a newer connection of this device has logged in")]
    DeviceReplaced,
}

impl Refusal {
    /// The configuration key of the limit that was met, if it was one; `fixed` for limits that no key changes.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        match self {
            Refusal::Limit { setting, .. } | Refusal::RateLimited { setting, .. } | Refusal::TooOld { setting, .. } => {
                Some(setting)
            }
            Refusal::TooManyDevices { .. } => Some("limits.devices_per_user_max"),
            Refusal::StorageFull => Some("storage.free_bytes_min"),
            _ => None,
        }
    }
}
