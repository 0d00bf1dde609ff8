//! Who somebody is: everything of authentication that needs neither a shard nor the store.
//!
//! `tokens` verifies JSON Web Tokens, `session_token` the tokens this server gives out; `hasher` keeps the slow hashing
//! of `password` away from the shards; `rules` says what names, e-mail addresses and passwords may look like;
//! `attempts` counts logins by address; `brief_token` knows gateways and operators. No secret of anybody ever goes into an error, a log or a `Debug` output.
//!
//! How a login goes through them:
//!
//! - With a JWT: `node.verifier.verify`. With a session token: `session_token::parse`, then `TokenHash::matches` with
//!   what the user's home keeps for that device. Neither is charged unless it fails; then `node.attempts.admit`, and its
//!   refusal is the answer where it refuses.
//! - With a password: `attempts.admit`, `rules::email`, then `Hasher::try_submit` of a `Verify` with what is kept, or with
//!   `None` where there is no such account: it takes as long, and the answer is the same.
//! - A registration, or a new password: `attempts.admit`, the `rules`, then `Hasher::try_submit` of a `Hash`.

pub mod attempts;
pub mod brief_token;
pub mod hasher;
pub mod password;
pub mod rules;
pub mod secret;
pub mod session_token;
pub mod tokens;
