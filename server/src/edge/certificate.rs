//! The certificate that clients of the TLS listeners are shown: reading it, and reading it again when it changes.
//!
//! Certificate and key are one thing in two files. When either changes both are read, and only a pair that belongs
//! together takes the place of the one before: new connections meet the old pair or the new one, never a mixture, and
//! those that are open are not touched. A pair that is not sound is reported and changes nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, Ticketer};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, Error, InconsistentKeys, RootCertStore, ServerConfig};
use tracing::{error, info, warn};

use crate::auth::secret;
use crate::config::Tls;
use crate::file_watch::{Stamp, stamp};
use crate::metrics;

/// More than this is read from no file.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Tickets after a handshake. A client comes back with one, and is given another then.
const TICKETS: usize = 1;
/// The one protocol that the HTTP listener speaks.
const ALPN_HTTP: &[u8] = b"http/1.1";

/// Why files are of no use for TLS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {advice}", path.display())]
pub struct CertificateFault {
    /// The configuration key that names the file.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it and what to do.
    pub advice: String,
    /// Each file is sound by itself: one of them may be about to be replaced.
    apart: bool,
}

/// A certificate that may be shown, and when it may.
#[derive(Debug)]
struct Certificate {
    certified: Arc<CertifiedKey>,
    not_before: Option<UnixTime>,
    not_after: Option<UnixTime>,
}

/// The two files.
#[derive(Debug)]
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    seen: [Option<Stamp>; 2],
    /// What was read last did not belong together; it is looked at once more.
    apart: bool,
}

impl CertificateFiles {
    /// The files that a configuration names, if it names both; nothing is read.
    pub fn new(config: &Tls) -> Option<CertificateFiles> {
        let (certificate, key) = (config.certificate_file.clone()?, config.key_file.clone()?);
        Some(CertificateFiles { certificate, key, seen: [None; 2], apart: false })
    }

    /// What is wrong with them.
    pub fn problem(&self) -> Option<CertificateFault> {
        self.read().err()
    }

    /// Reads them, for the TLS listeners.
    ///
    /// # Errors
    /// They are of no use.
    pub fn load(&mut self) -> Result<TlsServer, CertificateFault> {
        self.seen = self.stamps();
        let certificate = self.read()?;
        self.announce(&certificate);
        TlsServer::new(certificate).map_err(|error| self.fault_of_certificate(error.to_string()))
    }

    /// Reads them again if they have changed, and shows new clients what they hold then. Problems go to the log.
    pub fn refresh(&mut self, server: &TlsServer) {
        let stamps = self.stamps();
        if stamps == self.seen && !self.apart {
            return;
        }
        self.seen = stamps;
        match self.read() {
            Ok(certificate) => {
                self.apart = false;
                self.announce(&certificate);
                server.show(certificate);
            }
            // Whoever replaces two files does it one after the other.
            Err(fault) if fault.apart && !self.apart => self.apart = true,
            Err(fault) => {
                self.apart = false;
                error!("{} = {fault}; the certificate that was read before stays in use", fault.key);
            }
        }
    }

    fn stamps(&self) -> [Option<Stamp>; 2] {
        [stamp(&self.certificate), stamp(&self.key)]
    }

    fn announce(&self, certificate: &Certificate) {
        info!("TLS certificate in {}", self.certificate.display());
        let (now, path) = (UnixTime::now(), self.certificate.display());
        if certificate.not_after.is_some_and(|end| end < now) {
            warn!("the TLS certificate in {path} has expired: clients will refuse it; replace it");
        } else if certificate.not_before.is_some_and(|begin| begin > now) {
            warn!("the time of the TLS certificate in {path} has not begun: clients will refuse it until then");
        }
    }

    fn read(&self) -> Result<Certificate, CertificateFault> {
        let chain = chain_in(&self.certificate).map_err(|advice| self.fault_of_certificate(advice))?;
        let key = key_in(&self.key).map_err(|advice| self.fault_of_key(advice))?;
        let provider = provider();
        let private = provider.key_provider.load_private_key(key);
        let private = private.map_err(|_| {
            self.fault_of_key(
                "it is no private key that TLS can use (ECDSA P-256 or P-384, Ed25519, or RSA)".to_owned(),
            )
        })?;
        let certified = CertifiedKey::new(chain, private);
        match certified.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(Error::InconsistentKeys(_)) => {
                let advice = format!("it is not the key of the certificate in {}", self.certificate.display());
                return Err(CertificateFault { apart: true, ..self.fault_of_key(advice) });
            }
            Err(error) => {
                return Err(self.fault_of_certificate(format!("its first certificate is not sound ({error})")));
            }
        }
        let (not_before, not_after) = validity(&certified.cert[0], provider);
        Ok(Certificate { certified: Arc::new(certified), not_before, not_after })
    }

    fn fault_of_certificate(&self, advice: String) -> CertificateFault {
        CertificateFault { key: "tls.certificate_file", path: self.certificate.clone(), advice, apart: false }
    }

    fn fault_of_key(&self, advice: String) -> CertificateFault {
        CertificateFault { key: "tls.key_file", path: self.key.clone(), advice, apart: false }
    }
}

fn chain_in(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let file =
        File::open(path).map_err(|error| format!("it cannot be read ({error}); check its path, owner and mode"))?;
    let bytes = contents(file)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if chain.is_empty() => {
            Err("there is no certificate in it; it must be PEM, the server's own first".to_owned())
        }
        Ok(chain) => Ok(chain),
        Err(error) => Err(format!("it is not sound PEM ({error})")),
    }
}

fn key_in(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let file = secret::open_private(path).map_err(|error| match error {
        secret::SecretError::Missing { .. } => "there is no such file; put it there, or correct its path".to_owned(),
        error => error.advice(),
    })?;
    let bytes = zeroize::Zeroizing::new(contents(file)?);
    // An error of the library may show a line of the file.
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => "there is no private key in it; it must be PEM".to_owned(),
        _ => "it is not sound PEM".to_owned(),
    })
}

fn contents(file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read ({error})"))?;
    match bytes.len() as u64 {
        0..=FILE_BYTES_MAX => Ok(bytes),
        _ => Err(format!("it holds more than {FILE_BYTES_MAX} bytes; is this the right file?")),
    }
}

/// From when to when a certificate is valid. The library judges a certificate at a time, and says the border that is
/// crossed there; who signed it does not matter for that.
fn validity(certificate: &CertificateDer<'_>, provider: &CryptoProvider) -> (Option<UnixTime>, Option<UnixTime>) {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else { return (None, None) };
    let nobody = RootCertStore::empty();
    let at = |seconds: u64| {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], time, algorithms).err()
    };
    let not_before = match at(0) {
        Some(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => Some(not_before),
        _ => None,
    };
    let not_after = match at(u64::MAX / 2) {
        Some(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => Some(not_after),
        _ => None,
    };
    (not_before, not_after)
}

fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: std::sync::OnceLock<Arc<CryptoProvider>> = std::sync::OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider()))
}

/// What TLS listeners share. A change of the certificate shows to whoever connects afterwards.
#[derive(Debug)]
pub struct TlsServer {
    shown: Arc<Shown>,
    /// For frames at once; no protocol has to be named.
    frames: Arc<ServerConfig>,
    /// For HTTP.
    http: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Shown(RwLock<Certificate>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().certified.clone())
    }
}

impl TlsServer {
    fn new(certificate: Certificate) -> Result<TlsServer, Error> {
        let shown = Arc::new(Shown(RwLock::new(certificate)));
        let mut frames = ServerConfig::builder_with_provider(provider().clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        // Tickets hold all that a resumption needs, so that nothing is remembered for clients that are away.
        frames.ticketer = Ticketer::new()?;
        frames.session_storage = Arc::new(NoServerSessionStorage {});
        frames.send_tls13_tickets = TICKETS;
        let mut http = frames.clone();
        http.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        Ok(TlsServer { shown, frames: Arc::new(frames), http: Arc::new(http) })
    }

    /// For a listener of frames.
    pub fn frames(&self) -> &Arc<ServerConfig> {
        &self.frames
    }

    /// For a listener of HTTP.
    pub fn http(&self) -> &Arc<ServerConfig> {
        &self.http
    }

    fn show(&self, certificate: Certificate) {
        *self.shown.0.write() = certificate;
        self.publish();
    }

    /// Tells the metrics until when the certificate is valid.
    pub fn publish(&self) {
        let not_after = self.shown.0.read().not_after;
        metrics::certificate_until(not_after.map_or(0, |time| time.as_secs()));
    }
}
