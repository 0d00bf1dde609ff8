//! Session tokens: what a client that logged in with a password comes back with.
//!
//! A token is `hub1_` and then, in base64url without padding, the user id and the device id (8 bytes each, big-endian)
//! and 32 random bytes. Only the SHA-256 of the random bytes is kept: who reads the store cannot log in, and a hash
//! that is made in a microsecond is enough for what cannot be guessed. The ids say where to look; they prove nothing.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hubbub_core::ids::{DeviceId, UserId};
use zeroize::Zeroizing;

/// What every token begins with.
const PREFIX: &str = "hub1_";
/// The two ids.
const IDS_BYTES: usize = 16;
/// The random part.
const SECRET_BYTES: usize = 32;
/// All of it.
const TOKEN_BYTES: usize = IDS_BYTES + SECRET_BYTES;
/// Length of a token as text, in bytes.
pub const TOKEN_TEXT_BYTES: usize = PREFIX.len() + TOKEN_BYTES / 3 * 4;

/// A token as the client has it. It does not show, and its memory is overwritten when it is dropped.
pub struct SessionToken(Zeroizing<String>);

impl SessionToken {
    /// The token itself. It goes into the one answer that gives it to its client, and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken(hidden)")
    }
}

/// What is kept of a token. It does not show, and is compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Takes one that was kept; `None` when it has not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<TokenHash> {
        bytes.try_into().ok().map(TokenHash)
    }

    /// The hash, for keeping.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are of the same token. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &TokenHash) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }

    fn of(secret: &[u8]) -> TokenHash {
        TokenHash(digest(&SHA256, secret).as_ref().try_into().expect("a SHA-256 has 32 bytes"))
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(hidden)")
    }
}

/// What a token says. Whether it is still good is for who keeps the hashes.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Whose token it says to be. Not 0.
    pub user: UserId,
    /// Of which device. Not 0.
    pub device: DeviceId,
    /// What must be kept for it.
    pub hash: TokenHash,
}

/// Makes a token, and what to keep of it.
///
/// # Errors
/// The system has no randomness.
pub fn make(user: UserId, device: DeviceId) -> Result<(SessionToken, TokenHash), getrandom::Error> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    bytes[..8].copy_from_slice(&user.0.to_be_bytes());
    bytes[8..IDS_BYTES].copy_from_slice(&device.0.to_be_bytes());
    getrandom::fill(&mut bytes[IDS_BYTES..])?;
    let hash = TokenHash::of(&bytes[IDS_BYTES..]);
    // Large enough from the start: no copy stays behind.
    let mut text = Zeroizing::new(String::with_capacity(TOKEN_TEXT_BYTES));
    text.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&bytes[..], &mut text);
    Ok((SessionToken(text), hash))
}

/// Takes a token apart; `None` when it is none.
#[must_use]
pub fn parse(text: &str) -> Option<Claim> {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    let digits = text.strip_prefix(PREFIX).filter(|_| text.len() == TOKEN_TEXT_BYTES)?;
    let length = URL_SAFE_NO_PAD.decode_slice(digits, &mut bytes[..]).ok()?;
    let id = |from: usize| Some(u64::from_be_bytes(bytes[from..from + 8].try_into().ok()?)).filter(|id| *id != 0);
    let (user, device) = (UserId(id(0)?), DeviceId(id(8)?));
    (length == TOKEN_BYTES).then(|| Claim { user, device, hash: TokenHash::of(&bytes[IDS_BYTES..]) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn made(user: u64, device: u64) -> (SessionToken, TokenHash) {
        make(UserId(user), DeviceId(device)).unwrap()
    }

    #[test]
    fn a_token_says_whose_it_is_and_matches_what_was_kept() {
        for (user, device) in [(1, 1), (42, 7), (u64::MAX, u64::MAX)] {
            let (token, kept) = made(user, device);
            assert_eq!(token.expose().len(), TOKEN_TEXT_BYTES);
            let claim = parse(token.expose()).unwrap();
            assert_eq!((claim.user, claim.device), (UserId(user), DeviceId(device)));
            assert!(claim.hash.matches(&kept));
            assert!(TokenHash::from_bytes(claim.hash.as_bytes()).unwrap().matches(&kept));
        }
    }

    #[test]
    fn tokens_are_random() {
        let tokens: HashSet<String> = (0..100).map(|_| made(1, 1).0.expose().to_owned()).collect();
        assert_eq!(tokens.len(), 100);
        assert!(!made(1, 1).1.matches(&made(1, 1).1));
    }

    #[test]
    fn the_form_is_fixed() {
        let text = format!("hub1_AAAAAAAAAAUAAAAAAAABAP{}", "_".repeat(42));
        let claim = parse(&text).unwrap();
        assert_eq!((claim.user, claim.device), (UserId(5), DeviceId(256)));
        // sha256sum of 32 bytes ff.
        let expected = "af9613760f72635fbdb44a5a0a63c39f12af30f950a6ee5c971be188e89c4051";
        let shown: String = claim.hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = made(1, 2).0.expose().to_owned();
        let digits = &good[PREFIX.len()..];
        let cases = [
            String::new(),
            "hub1_".to_owned(),
            digits.to_owned(),
            format!("hub2_{digits}"),
            format!("HUB1_{digits}"),
            format!("{good}A"),
            format!("{good}="),
            good[..good.len() - 1].to_owned(),
            format!(" {}", &good[..good.len() - 1]),
            good.replacen(&digits[..1], "+", 1),
            format!("hub1_{}ä", &digits[..62]),
            "é".repeat(40),
            "x".repeat(100_000),
        ];
        for text in &cases {
            assert!(parse(text).is_none(), "{text}");
        }
        for ids in [[0, 1], [1, 0], [0, 0]] {
            let mut bytes = ids.map(u64::to_be_bytes).concat();
            bytes.extend([7; 32]);
            assert!(parse(&format!("hub1_{}", URL_SAFE_NO_PAD.encode(bytes))).is_none(), "{ids:?}");
        }
    }

    #[test]
    fn one_other_bit_is_another_token() {
        let (token, kept) = made(1, 2);
        let mut bytes = URL_SAFE_NO_PAD.decode(&token.expose()[PREFIX.len()..]).unwrap();
        for bit in 8 * IDS_BYTES..8 * TOKEN_BYTES {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let claim = parse(&format!("hub1_{}", URL_SAFE_NO_PAD.encode(&bytes))).unwrap();
            assert!(!claim.hash.matches(&kept));
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn nothing_shows() {
        let (token, hash) = made(1, 2);
        assert_eq!(format!("{token:?} {hash:?}"), "SessionToken(hidden) TokenHash(hidden)");
        let claim = parse(token.expose()).unwrap();
        assert_eq!(format!("{claim:?}"), "Claim { user: UserId(1), device: DeviceId(2), hash: TokenHash(hidden) }");
    }
}
