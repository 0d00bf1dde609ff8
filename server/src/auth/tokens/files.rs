//! The files that keys come from: reading them, and reading them again when they change.
//!
//! Each file keeps what it held when it was last sound. A file that has become unreadable or nonsense is reported once
//! and changes nothing until it changes again.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::{error, info};

use super::keys::{Key, KeySet};
use super::{TokenVerifier, jwks};
use crate::auth::secret::{self, Secret};
use crate::config::{Auth, Config};
use crate::file_watch::{Stamp, stamp};

/// More than this is read from no file.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why a file gives no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {advice}", path.display())]
pub struct KeyFileError {
    /// The configuration key that names the file.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it and what to do.
    pub advice: String,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A secret for HS256.
    Secret,
    /// Public keys in PEM.
    Pem,
    /// A JWKS document.
    Jwks,
}

impl Kind {
    fn config_key(self) -> &'static str {
        match self {
            Kind::Secret => "auth.token_secret_file",
            Kind::Pem => "auth.jwt_key_files",
            Kind::Jwks => "auth.jwks_file",
        }
    }

    fn read(self, path: &Path) -> Result<(Vec<Key>, usize), String> {
        match self {
            Kind::Secret => {
                secret::load(path).map(|secret: Secret| (vec![Key::secret(&secret)], 0)).map_err(|error| error.advice())
            }
            Kind::Pem => pem_keys(&contents(path)?).map(|keys| (keys, 0)),
            Kind::Jwks => jwks::parse(&contents(path)?),
        }
    }
}

struct KeyFile {
    kind: Kind,
    path: PathBuf,
    seen: Option<Stamp>,
    keys: Vec<Key>,
}

impl KeyFile {
    fn new(kind: Kind, path: PathBuf) -> KeyFile {
        KeyFile { kind, path, seen: None, keys: Vec::new() }
    }

    /// Reads it, whatever was read before.
    fn load(&mut self) -> Result<(), KeyFileError> {
        // Before the contents: what is written between the two is then seen as a change, later.
        self.seen = stamp(&self.path);
        let (keys, passed_over) = self.kind.read(&self.path).map_err(|advice| KeyFileError {
            key: self.kind.config_key(),
            path: self.path.clone(),
            advice,
        })?;
        let (path, count) = (self.path.display(), keys.len());
        match passed_over {
            0 => info!("token keys: {count} in {path}"),
            _ => info!("token keys: {count} in {path}, and {passed_over} that are of no use here"),
        }
        self.keys = keys;
        Ok(())
    }

    /// Reads it again if it has changed: whether it has new keys.
    fn refresh(&mut self) -> bool {
        if stamp(&self.path) == self.seen {
            return false;
        }
        let loaded = self.load();
        if let Err(error) = &loaded {
            error!("{} = {error}; the keys that were read before stay in use", error.key);
        }
        loaded.is_ok()
    }
}

/// All configured files.
pub struct KeyFiles(Vec<KeyFile>);

impl KeyFiles {
    /// The files that a configuration names; nothing is read.
    pub fn new(config: &Config) -> KeyFiles {
        let auth = &config.auth;
        let secret = config.token_secret_path().map(|path| KeyFile::new(Kind::Secret, path));
        let pem = auth.jwt_key_files.iter().map(|path| KeyFile::new(Kind::Pem, path.clone()));
        let jwks = auth.jwks_file.iter().map(|path| KeyFile::new(Kind::Jwks, path.clone()));
        KeyFiles(secret.into_iter().chain(pem).chain(jwks).collect())
    }

    /// Reads all of them and makes a verifier, for the audiences and issuers of `config`.
    ///
    /// # Errors
    /// A file gives no keys.
    pub fn load(&mut self, config: &Auth) -> Result<Arc<TokenVerifier>, KeyFileError> {
        self.0.iter_mut().try_for_each(KeyFile::load)?;
        Ok(Arc::new(TokenVerifier::with_keys(self.keys(), config)))
    }

    /// Reads those again that have changed, and gives the verifier the new keys. Problems go to the log.
    pub fn refresh(&mut self, verifier: &TokenVerifier) {
        // Not `any`, which would stop at the first.
        let changed = self.0.iter_mut().map(KeyFile::refresh).filter(|changed| *changed).count();
        if changed > 0 {
            verifier.replace_keys(self.keys());
        }
    }

    /// What is wrong with the files of public keys. (The secret file is judged with the rest of the configuration.)
    pub(crate) fn problems(config: &Config) -> Vec<KeyFileError> {
        let files = KeyFiles::new(config).0.into_iter().filter(|file| file.kind != Kind::Secret);
        let problem = |file: KeyFile| {
            let advice = file.kind.read(&file.path).err()?;
            Some(KeyFileError { key: file.kind.config_key(), path: file.path, advice })
        };
        files.filter_map(problem).collect()
    }

    fn keys(&self) -> KeySet {
        KeySet::new(self.0.iter().flat_map(|file| file.keys.iter().cloned()).collect())
    }
}

impl std::fmt::Debug for KeyFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|file| &file.path)).finish()
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err("there is no such file; put it there, or correct its path".to_owned())
        }
        Err(error) => Err(format!("it cannot be read ({error}); check its owner and mode")),
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
            Err(format!("it holds more than {FILE_BYTES_MAX} bytes; is this the right file?"))
        }
        Ok(_) => Ok(bytes),
    }
}

fn pem_keys(text: &[u8]) -> Result<Vec<Key>, String> {
    const ADVICE: &str = "`openssl pkey -in PRIVATE.pem -pubout` prints the public key that belongs here";
    let blocks = pem::parse_many(text).map_err(|_| format!("it is not PEM; {ADVICE}"))?;
    if blocks.is_empty() {
        return Err(format!("there is no key in it; {ADVICE}"));
    }
    let key = |block: &pem::Pem| match block.tag() {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Key::public(block.contents()).map_err(str::to_owned),
        "CERTIFICATE" => {
            Err("it is a certificate; `openssl x509 -in FILE -pubkey -noout` prints its public key".to_owned())
        }
        tag if tag.ends_with("PRIVATE KEY") => Err(format!("it is a private key, which no server needs; {ADVICE}")),
        _ => Err(format!("it is no public key; {ADVICE}")),
    };
    blocks.iter().map(key).collect()
}
