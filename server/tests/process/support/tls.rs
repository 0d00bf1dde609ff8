//! Servers with TLS, and clients that trust them.

use super::{Raw, Server, Setup};
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::net::{IpAddr, Ipv6Addr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// A certificate for localhost that signs itself, and its key, in files.
#[derive(Debug)]
pub(crate) struct Certificate {
    dir: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Certificate {
        Certificate::with(|_| {})
    }

    /// With other properties than the usual ones.
    pub(crate) fn with(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let made = Certificate { der: certificate.der().clone(), dir };
        std::fs::write(made.file(), certificate.pem()).unwrap();
        write_private(&made.key_file(), &key.serialize_pem());
        made
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join("certificate.pem")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }

    pub(crate) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Puts another pair into this one's files.
    pub(crate) fn become_like(&self, other: &Certificate) {
        for (from, to) in [(other.file(), self.file()), (other.key_file(), self.key_file())] {
            let draft = to.with_extension("draft");
            std::fs::copy(from, &draft).unwrap();
            std::fs::rename(draft, to).unwrap();
        }
    }

    /// Clients that trust it, with all versions that the server speaks.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        self.client_of(rustls::ALL_VERSIONS)
    }

    /// Clients that trust it, with these versions.
    pub(crate) fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let config = builder.with_protocol_versions(versions).unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn write_private(path: &Path, text: &str) {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

impl Setup {
    /// With a listener for TLS that shows a certificate.
    pub(crate) fn tls(self, certificate: &Certificate) -> Setup {
        self.config("tls.listen = \"127.0.0.1:0\"").certified(certificate)
    }

    /// Shows a certificate where it speaks TLS.
    pub(crate) fn certified(self, certificate: &Certificate) -> Setup {
        let (file, key) = (certificate.file(), certificate.key_file());
        self.config(&format!("tls.certificate_file = {file:?}\ntls.key_file = {key:?}"))
    }
}

impl Raw {
    /// Connects to the listener for TLS, and says nothing.
    #[track_caller]
    pub(crate) fn connect_tls(server: &Server, config: &Arc<ClientConfig>) -> Raw {
        let stream = TcpStream::connect(server.tls.expect("it listens for TLS")).expect("the server accepts");
        Raw::over_tls(stream, config)
    }

    /// Connects with TLS and logs in.
    #[track_caller]
    pub(crate) fn login_tls(server: &Server, config: &Arc<ClientConfig>, user: u64, device: u64) -> Raw {
        let mut raw = Raw::connect_tls(server, config);
        raw.log_in(server, user, device);
        raw
    }
}

/// A PROXY header (version 2) that names a client.
pub(crate) fn proxy_header(client: &str) -> Vec<u8> {
    let ports = [0x1f, 0x90, 0, 80];
    let (family, addresses) = match client.parse().unwrap() {
        IpAddr::V4(address) => (0x11, [&address.octets()[..], &[127, 0, 0, 1]].concat()),
        IpAddr::V6(address) => (0x21, [&address.octets()[..], &Ipv6Addr::LOCALHOST.octets()].concat()),
    };
    let length = u16::try_from(addresses.len() + ports.len()).unwrap().to_be_bytes();
    [&b"\r\n\r\n\0\r\nQUIT\n\x21"[..], &[family], &length, &addresses, &ports].concat()
}
