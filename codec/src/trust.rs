//! Whose certificates a client believes.
//!
//! A server's certificate must be signed by somebody trusted, be valid now, and be for the name that was connected to. There
//! is no way to do without: a server with a certificate of its own making is reached by trusting that certificate.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Certificates that are believed; clones share them, and the tickets by which TLS connections are resumed.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
}

/// Why nothing can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The machine knows no authorities.
    #[error(
        "this machine has no certificates of authorities ({0}): install its package ca-certificates, or trust a certificate of your own"
    )]
    NoPlatform(String),
    /// What was given is no certificate.
    #[error("no certificate in PEM (-----BEGIN CERTIFICATE-----): {0}")]
    NoCertificate(String),
    /// The file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, #[source] io::Error),
}

impl Trust {
    /// What the machine trusts: for servers with a certificate from a public authority, or from one that was installed
    /// on the machine. Reads it from the disk.
    ///
    /// # Errors
    /// [`TrustError::NoPlatform`].
    pub fn platform() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let why = found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            return Err(TrustError::NoPlatform(why));
        }
        Ok(Self::of(roots))
    }

    /// These certificates (PEM, one after the other) and no others: of a private authority, or of the server itself.
    ///
    /// # Errors
    /// [`TrustError::NoCertificate`].
    pub fn only(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TrustError::NoCertificate(error.to_string()))?;
            roots.add(certificate).map_err(|error| TrustError::NoCertificate(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(TrustError::NoCertificate("there is none".to_owned()));
        }
        Ok(Self::of(roots))
    }

    /// [`Trust::only`] what is in a file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn only_file(path: &Path) -> Result<Self, TrustError> {
        let pem = std::fs::read(path).map_err(|error| TrustError::Unreadable(path.display().to_string(), error))?;
        Self::only(&pem)
    }

    /// Makes a whole handshake for each connection, and keeps no tickets: for programs that stand for many clients.
    #[must_use]
    pub fn without_resumption(self) -> Self {
        let mut config = Arc::unwrap_or_clone(self.config);
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config) }
    }

    fn of(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("the provider has the suites of both versions");
        Self { config: Arc::new(builder.with_root_certificates(roots).with_no_client_auth()) }
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}
