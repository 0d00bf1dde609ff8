//! Who somebody is: everything of authentication that needs neither a shard nor the store.
//!
//! `tokens` verifies JSON Web Tokens, `session_token` the tokens this server gives out; `hasher` keeps the slow hashing
//! of `password` away from the shards; `rules` says what names, e-mail addresses and passwords may look like;
//! `attempts` counts logins by address. No secret of anybody ever goes into an error, a log or a `Debug` output.

pub mod attempts;
pub mod hasher;
pub mod password;
pub mod rules;
pub mod secret;
pub mod session_token;
pub mod tokens;
