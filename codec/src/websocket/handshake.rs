//! The keys of the opening handshake: what the client sends in `Sec-WebSocket-Key`, and what the server must make of it.
//!
//! They prove that the server speaks WebSocket and means this request. They are no secrets.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

/// The version of the protocol: what `Sec-WebSocket-Version` must say.
pub const VERSION: &str = "13";

/// Bytes of a key before they are written in base64.
const NONCE_BYTES: usize = 16;

/// What every server puts behind the key (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Reads keys whose last bits are not zero, too: the example in section 4.1 of the RFC is one.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The value of `Sec-WebSocket-Key` for sixteen random bytes.
#[must_use]
pub fn key(nonce: [u8; NONCE_BYTES]) -> String {
    STANDARD.encode(nonce)
}

/// Whether a key is sixteen bytes in base64.
#[must_use]
pub fn is_key(key: &str) -> bool {
    let mut nonce = [0; NONCE_BYTES + 2];
    LENIENT.decode_slice(key, &mut nonce) == Ok(NONCE_BYTES)
}

/// The value of `Sec-WebSocket-Accept` for a key.
#[must_use]
pub fn accept(key: &str) -> String {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        assert!(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key("AQIDBAUGBwgJCgsMDQ4PEC=="));
        for none in ["", "dGhlIHNhbXBsZSBub25jZQ", "AAAA", "dGhlIHNhbXBsZSBub25jZSEh", "!GhlIHNhbXBsZSBub25jZQ=="] {
            assert!(!is_key(none), "{none}");
        }
    }
}
