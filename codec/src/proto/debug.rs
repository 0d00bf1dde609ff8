//! `Debug` of the messages that hold secrets or what people wrote: everything but those. `build.rs` has the same list.

use std::fmt;

use super::{
    ChangePassword, Edit, Entry, Invite, JoinGroup, LoggedIn, Login, MessageEdited, OpenTrunk, PasswordLogin, Profile,
    Register, Send, Signal, Signalled, login, password_login, send,
};

macro_rules! shown {
    ($($message:ident { $($field:ident),* })*) => {$(
        impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut shown = f.debug_struct(stringify!($message));
                $(shown.field(stringify!($field), &self.$field);)*
                shown.finish_non_exhaustive()
            }
        }
    )*};
}

shown! {
    Register { name }
    Login { method, device_id, platform, want_session_token }
    PasswordLogin { who }
    OpenTrunk { shard }
    LoggedIn { user_id, created, session_token_expires_us }
    ChangePassword { keep_other_devices }
    Profile { user, created_us }
    Invite { group, expires_us, uses_max }
    JoinGroup { name }
    Entry {
        seq, message_id, sender, device_id, client_message_id, time_us, ordinal, event_type, kind, content_type,
        reply_to_seq, event, edited, gone_reason, reactions
    }
    Send { to, name, kind, content_type, reply_to_seq }
    Edit { conversation, name, seq, content_type }
    MessageEdited { seq, content_type }
    Signal { conversation, kind, call_id }
    Signalled { conversation, from, from_device, kind, call_id }
}

impl fmt::Debug for login::Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jwt(_) => "Jwt(..)",
            Self::Password(_) => "Password(..)",
            Self::SessionToken(_) => "SessionToken(..)",
        })
    }
}

impl fmt::Debug for password_login::Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Email(_) => f.write_str("Email(..)"),
            Self::UserId(user) => write!(f, "UserId({user})"),
        }
    }
}

impl fmt::Debug for send::To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "User({user})"),
            Self::Group(group) => write!(f, "Group({group})"),
        }
    }
}
