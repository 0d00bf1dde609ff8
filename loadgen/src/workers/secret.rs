//! What must never be shown: the token secret of the server under test, and the token that workers and their coordinator
//! share. Neither has a readable `Debug`, and neither crosses a network but inside an encrypted frame.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// The fewest bytes of a worker token: who can guess it may use the machine.
pub const TOKEN_BYTES_MIN: usize = 16;

/// What the server's login tokens are signed with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u8>", into = "Vec<u8>")]
pub struct Secret(Arc<[u8]>);

/// What a coordinator and its workers prove to each other that they have.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<[u8]>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<Secret> for Vec<u8> {
    fn from(secret: Secret) -> Self {
        secret.0.to_vec()
    }
}

impl Secret {
    /// A secret from its file: the text without the white space at its end, as the server reads it.
    /// An empty path stands for no secret (an MQTT broker that asks for no password).
    ///
    /// # Errors
    /// When the file cannot be read or is empty.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str().is_empty() {
            return Ok(Self(Arc::default()));
        }
        Self::read_flag("--secret-file", path, "; the server keeps its own as `token-secret` in its data directory")
    }

    /// The secret of the server's trunks, from its file.
    ///
    /// # Errors
    /// As [`Secret::read`].
    pub fn read_of_trunks(path: &Path) -> anyhow::Result<Self> {
        Self::read_flag("--trunk-secret-file", path, "; it is the server's `trunk.secret_file`")
    }

    fn read_flag(flag: &str, path: &Path, way_out: &str) -> anyhow::Result<Self> {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("{flag} {shown} cannot be read{way_out}"))?;
        let secret = bytes.trim_ascii_end();
        anyhow::ensure!(!secret.is_empty(), "{flag} {shown} is empty");
        Ok(Self(secret.into()))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Arc<[u8]> {
        Arc::clone(&self.0)
    }
}

impl Token {
    /// A token from its text; white space at its end is not part of it.
    ///
    /// # Errors
    /// When it is shorter than [`TOKEN_BYTES_MIN`].
    pub fn new(text: &[u8]) -> anyhow::Result<Self> {
        let token = text.trim_ascii_end();
        anyhow::ensure!(
            token.len() >= TOKEN_BYTES_MIN,
            "a worker token has at least {TOKEN_BYTES_MIN} bytes; make one with: openssl rand -hex 32 > worker-token"
        );
        Ok(Self(token.into()))
    }

    /// A token from its file.
    ///
    /// # Errors
    /// When the file cannot be read or holds too little.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("the token file {} cannot be read", path.display()))?;
        Self::new(&bytes).with_context(|| format!("the token file {} is of no use", path.display()))
    }

    /// The bytes, for the proofs only.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_text_without_its_last_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token-secret");
        std::fs::write(&path, " abc \n\n").unwrap();
        assert_eq!(&*Secret::read(&path).unwrap().bytes(), b" abc");
        std::fs::write(&path, "\n").unwrap();
        assert!(Secret::read(&path).unwrap_err().to_string().contains("is empty"));
        let missing = Secret::read(&directory.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("token-secret"), "{missing}");
    }

    #[test]
    fn short_tokens_are_refused_and_nothing_is_shown() {
        assert!(Token::new(b"too short\n").unwrap_err().to_string().contains("openssl"));
        let token = Token::new(b"0123456789abcdef\n").unwrap();
        assert_eq!((token.bytes().len(), format!("{token:?}")), (16, "Token(..)".to_owned()));
        let secret: Secret = serde_json::from_str("[1,2]").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
