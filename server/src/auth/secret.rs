//! The token secret: the file that signs and verifies login tokens.
//!
//! The key is the file's text without white space at its end. A secret is never shown: it has no `Display`, its
//! `Debug` says nothing, and errors name only the path.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Shortest secret: as long as what HMAC-SHA-256 puts out (RFC 7518, section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// More than this is read from no secret file.
const SECRET_BYTES_MAX: u64 = 4_096;
/// Who may do nothing with the file: the group may not write it, others may not do anything.
const FORBIDDEN_MODE: u32 = 0o027;
/// Random bytes in a secret that is made here; written as hexadecimal digits.
const GENERATED_BYTES: usize = 32;

/// The key of the login tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Takes a key as it is; for tests and tools.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The key itself. It goes to the signer and the verifier, and nowhere else.
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// Why there is no usable secret.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what they mean")]
pub enum SecretError {
    #[error("{}: there is no such file", path.display())]
    Missing { path: PathBuf },
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: its mode is {mode:03o}", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{}: it holds {bytes} bytes", path.display())]
    TooShort { path: PathBuf, bytes: usize },
    #[error("{}: it holds more than {SECRET_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
}

impl SecretError {
    /// What is wrong and what to do about it, without the path at its front.
    pub fn advice(&self) -> String {
        match self {
            Self::Missing { path } => {
                format!("there is no such file; make it with `(umask 077; openssl rand -hex 32 > {})`", path.display())
            }
            Self::Unreadable { source, .. } => {
                format!("it cannot be read ({source}); check its owner and mode")
            }
            Self::Exposed { path, mode } => {
                format!(
                    "its mode is {mode:03o}, so others than its owner can get at it; run `chmod 600 {}`",
                    path.display()
                )
            }
            Self::TooShort { bytes, .. } => {
                format!(
                    "it holds {bytes} bytes and at least {SECRET_BYTES_MIN} are needed; write a longer one, such as `openssl rand -hex 32` prints"
                )
            }
            Self::TooLong { .. } => {
                format!("it holds more than {SECRET_BYTES_MAX} bytes; is this the right file?")
            }
        }
    }
}

/// Reads and checks a secret file.
///
/// # Errors
/// The file is missing, unreadable, open to others, too short or too long.
pub fn load(path: &Path) -> Result<Secret, SecretError> {
    let mut bytes = Vec::new();
    let read = open_private(path)?.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
    check_length(path, bytes)
}

/// Opens a file that holds a secret of any kind.
///
/// # Errors
/// It is missing, unreadable, or open to others.
pub(crate) fn open_private(path: &Path) -> Result<File, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => SecretError::Missing { path: path.to_owned() },
        _ => unreadable(error),
    })?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    if mode & FORBIDDEN_MODE != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    Ok(file)
}

fn check_length(path: &Path, mut bytes: Vec<u8>) -> Result<Secret, SecretError> {
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return Err(SecretError::TooLong { path: path.to_owned() });
    }
    bytes.truncate(bytes.trim_ascii_end().len());
    match bytes.len() {
        short if short < SECRET_BYTES_MIN => Err(SecretError::TooShort { path: path.to_owned(), bytes: short }),
        _ => Ok(Secret(bytes)),
    }
}

/// Reads the secret file, or makes it with a random secret when it is not there. Says whether it was made.
///
/// The file appears whole and with mode 0600 or not at all, also when several servers start at once or one is killed
/// in the middle. The directory must exist.
///
/// # Errors
/// As [`load`], or the file cannot be written.
pub fn load_or_create(path: &Path) -> Result<(Secret, bool), SecretError> {
    match load(path) {
        Err(SecretError::Missing { .. }) => {
            let created = create(path).map_err(|source| SecretError::Unreadable { path: path.to_owned(), source })?;
            load(path).map(|secret| (secret, created))
        }
        loaded => loaded.map(|secret| (secret, false)),
    }
}

/// Makes the file; `false` when somebody else was faster.
fn create(path: &Path) -> io::Result<bool> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written = write_new(&draft, &random_hex()?);
    // A link fails where a rename would replace: whoever is first decides the secret.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft); // A draft that stays behind harms nobody.
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path).map(|()| true),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

/// 64 hexadecimal digits and a newline.
fn random_hex() -> io::Result<String> {
    let mut bytes = [0; GENERATED_BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file_with(dir: &Path, text: &str, mode: u32) -> PathBuf {
        let path = dir.join(format!("secret-{mode:o}-{}", text.len()));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_made_secret_is_random_private_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token-secret");
        let (first, created) = load_or_create(&path).unwrap();
        assert!(created);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.len(), 65);
        assert!(text.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()) && text.ends_with('\n'));
        assert_eq!(first.expose(), text.trim_end().as_bytes());
        assert_eq!(load_or_create(&path).unwrap(), (first.clone(), false));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft stays behind");

        let (other, _) = load_or_create(&dir.path().join("other")).unwrap();
        assert_ne!(first, other);
    }

    #[test]
    fn servers_that_start_at_once_agree_on_one_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token-secret");
        let first = write_new(&path, &"a".repeat(64));
        assert!(first.is_ok());
        assert!(!create(&path).unwrap(), "an existing secret is never replaced");
        assert_eq!(load(&path).unwrap(), Secret::from_bytes("a".repeat(64)));
    }

    #[test]
    fn unusable_files_are_refused_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(5_000);
        let good = "0123456789abcdef0123456789abcdef";
        for (text, mode, advice) in [
            (good, 0o644, "chmod 600"),
            (good, 0o604, "chmod 600"),
            (good, 0o660, "chmod 600"),
            ("short\n", 0o600, "at least 32"),
            ("", 0o600, "at least 32"),
            (long.as_str(), 0o600, "right file"),
        ] {
            let error = load(&file_with(dir.path(), text, mode)).unwrap_err();
            assert!(error.advice().contains(advice), "{mode:o}: {}", error.advice());
        }
        let missing = load(&dir.path().join("nothing")).unwrap_err();
        assert!(matches!(missing, SecretError::Missing { .. }) && missing.advice().contains("openssl rand"));
    }

    #[test]
    fn white_space_at_the_end_is_no_part_of_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let key = "0123456789abcdef 0123456789abcdef";
        for (end, mode) in [("", 0o600), ("\n", 0o400), (" \r\n\n", 0o640)] {
            let path = file_with(dir.path(), &format!("{key}{end}"), mode);
            assert_eq!(load(&path).unwrap().expose(), key.as_bytes());
        }
    }

    #[test]
    fn a_secret_does_not_show() {
        assert_eq!(format!("{:?}", Secret::from_bytes("hunter2")), "Secret(hidden)");
    }
}
