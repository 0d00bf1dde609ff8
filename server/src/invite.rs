//! Tokens of invitations: `hubi1_` and, in URL-safe base64 without padding, the group's id (8 bytes, big-endian) and a
//! secret of 16 random bytes.
//!
//! Only the token's holders and this file know the form. The secret is never stored, logged or compared: the core
//! recognises it by its hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_core::ids::GroupId;
use hubbub_core::records::InviteHash;
use hubbub_core::request::InviteSecret;

/// Says what kind of token it is, and of which form.
const PREFIX: &str = "hubi1_";

/// A secret that nobody can guess.
///
/// # Panics
/// When the system gives no randomness; nothing that needs it may go on then.
#[must_use]
pub fn new_secret() -> InviteSecret {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).expect("the system gives randomness once it has started");
    InviteSecret(secret)
}

/// What the core recognises a secret by. The secret is random and long, so a plain hash tells nothing of it.
#[must_use]
pub fn hash(secret: &InviteSecret) -> InviteHash {
    let hash = digest(&SHA256, &secret.0);
    InviteHash(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}

/// The token to be handed to whoever is invited.
#[must_use]
pub fn token(group: GroupId, secret: &InviteSecret) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&group.0.to_be_bytes());
    bytes[8..].copy_from_slice(&secret.0);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// What a token says; `None` when it is none.
#[must_use]
pub fn parse(token: &str) -> Option<(GroupId, InviteSecret)> {
    let mut bytes = [0; 24];
    let read = URL_SAFE_NO_PAD.decode_slice(token.strip_prefix(PREFIX)?, &mut bytes).ok()?;
    let (group, secret) = bytes.split_first_chunk::<8>().expect("24 bytes");
    (read == bytes.len())
        .then(|| (GroupId(u64::from_be_bytes(*group)), InviteSecret(secret.try_into().expect("the other 16"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_says_where_and_whom_it_lets_in() {
        let (group, secret) = (GroupId(0x0102_0304_0506_0708), InviteSecret([0xfb; 16]));
        let token = token(group, &secret);
        assert_eq!(token, "hubi1_AQIDBAUGBwj7-_v7-_v7-_v7-_v7-_v7");
        assert_eq!(parse(&token), Some((group, secret)));
        assert_ne!(new_secret(), new_secret());
        assert_eq!(format!("{secret:?}"), "InviteSecret(..)");
    }

    #[test]
    fn the_hash_is_sha_256() {
        let expected = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
        let hash: String = hash(&InviteSecret([0; 16])).0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected);
    }

    proptest! {
        #[test]
        fn what_is_no_token_is_refused(text in ".{0,60}", cut in 0_usize..38) {
            prop_assert_eq!(parse(&text), None);
            let whole = token(GroupId(7), &InviteSecret([1; 16]));
            prop_assert_eq!(parse(&whole[..cut]), None);
            prop_assert_eq!(parse(&format!("{whole}A")), None);
        }
    }
}
