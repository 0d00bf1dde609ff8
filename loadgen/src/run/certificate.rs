//! The certificate of a server that the harness starts itself: for `localhost`, signed by itself, gone with the run.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context;
use tempfile::TempDir;

/// The name that it is for.
pub(super) const NAME: &str = "localhost";

/// A certificate and its key, in files that go with this value.
#[derive(Debug)]
pub(super) struct Certificate {
    dir: TempDir,
    pem: String,
}

impl Certificate {
    /// A fresh one.
    ///
    /// # Errors
    /// When there is no room for it on the disk.
    pub(super) fn make() -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).context("no certificate could be made")?;
        let dir = tempfile::Builder::new().prefix("hubbub-load-tls-").tempdir().context("no temporary directory")?;
        let certificate = Self { dir, pem: made.cert.pem() };
        std::fs::write(certificate.file(), &certificate.pem).context("the certificate cannot be written")?;
        let key = OpenOptions::new().write(true).create_new(true).mode(0o600).open(certificate.key_file());
        let key = key.and_then(|mut file| file.write_all(made.signing_key.serialize_pem().as_bytes()));
        key.context("the certificate's key cannot be written")?;
        Ok(certificate)
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join("certificate.pem")
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }
}
