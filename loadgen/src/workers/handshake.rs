//! Who is at the other end: both sides prove that they have the token, without sending it, and agree on keys that nobody
//! else can know.
//!
//! | from | bytes |
//! |---|---|
//! | coordinator | [`MAGIC`], 32: its key for this connection (X25519) |
//! | worker | [`MAGIC`], 1: [`Answer`]; if it goes on, 32: its own key |
//! | coordinator | 32: its proof |
//! | worker | 1: [`Answer`]; if it goes on, 32: its proof |
//!
//! HKDF-SHA256, extracted with both public keys as the salt from the shared secret followed by the token, gives a proof
//! and a key for each direction, under different names. The side that connects proves itself first, so who merely finds
//! the port learns nothing to try guesses on; who only listens on the way cannot even begin, and cannot read old frames
//! once the token is known. Nothing but these few bytes is read before the proof is right.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aws_lc_rs::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::rand::SystemRandom;

use super::secret::Token;

/// How every handshake begins; the last byte is the version of it and of the frames that follow.
const MAGIC: [u8; 8] = *b"hubload\x01";

/// Bytes of a public key, a proof and a key.
const KEY_BYTES: usize = 32;

/// What a worker says to a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    GoOn = 1,
    WrongToken = 2,
    Later = 3,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    /// The other end speaks something else, or another version.
    #[error("the other end is no hubbub-load that this one understands")]
    Stranger,
    /// The worker does not accept our proof.
    #[error("the token is refused: both sides must have the same")]
    WrongToken,
    /// The other end cannot prove that it has the token.
    #[error("the other end does not know the token, and was told nothing")]
    Unproven,
    /// Somebody at our address has just failed.
    #[error("the worker answers nobody at this address for a moment, because a handshake has failed")]
    Later,
    /// Nothing came in time.
    #[error("the other end says nothing")]
    Silent,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(io::Error),
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            _ => Self::Io(error),
        }
    }
}

/// The keys of a connection, one for each direction.
#[derive(PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) to_worker: [u8; KEY_BYTES],
    pub(super) to_coordinator: [u8; KEY_BYTES],
}

/// The coordinator's end.
pub(super) fn greet_worker(stream: &mut (impl Read + Write), token: &Token) -> Result<Keys, HandshakeError> {
    let mine = Mine::draw();
    stream.write_all(&[&MAGIC, mine.public.as_slice()].concat())?;
    let magic: [u8; 8] = read(stream)?;
    if magic != MAGIC {
        return Err(HandshakeError::Stranger);
    }
    read_answer(stream)?;
    let theirs = read(stream)?;
    let salt = [mine.public, theirs];
    let root = mine.agree(&theirs, &salt, token)?;
    stream.write_all(&derive(&root, "proof of the coordinator"))?;
    read_answer(stream)?;
    let proof: [u8; KEY_BYTES] = read(stream)?;
    verify(&proof, &derive(&root, "proof of the worker"), HandshakeError::Unproven)?;
    Ok(keys(&root))
}

/// The worker's end; while `is_locked`, nobody is let in.
pub(super) fn greet_coordinator(
    stream: &mut (impl Read + Write),
    token: &Token,
    is_locked: impl FnOnce() -> bool,
) -> Result<Keys, HandshakeError> {
    let magic: [u8; 8] = read(stream)?;
    if magic != MAGIC {
        return Err(HandshakeError::Stranger);
    }
    let theirs = read(stream)?;
    if is_locked() {
        stream.write_all(&[MAGIC.as_slice(), &[Answer::Later as u8]].concat())?;
        return Err(HandshakeError::Later);
    }
    let mine = Mine::draw();
    let salt = [theirs, mine.public];
    stream.write_all(&[MAGIC.as_slice(), &[Answer::GoOn as u8], &mine.public].concat())?;
    let root = mine.agree(&theirs, &salt, token)?;
    let proof: [u8; KEY_BYTES] = read(stream)?;
    if let Err(error) = verify(&proof, &derive(&root, "proof of the coordinator"), HandshakeError::WrongToken) {
        stream.write_all(&[Answer::WrongToken as u8])?;
        return Err(error);
    }
    stream.write_all(&[&[Answer::GoOn as u8], derive(&root, "proof of the worker").as_slice()].concat())?;
    Ok(keys(&root))
}

fn read<const N: usize>(stream: &mut impl Read) -> Result<[u8; N], HandshakeError> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_answer(stream: &mut impl Read) -> Result<(), HandshakeError> {
    let [answer] = read(stream)?;
    match answer {
        answer if answer == Answer::GoOn as u8 => Ok(()),
        answer if answer == Answer::WrongToken as u8 => Err(HandshakeError::WrongToken),
        answer if answer == Answer::Later as u8 => Err(HandshakeError::Later),
        _ => Err(HandshakeError::Stranger),
    }
}

fn verify(proof: &[u8], expected: &[u8], error: HandshakeError) -> Result<(), HandshakeError> {
    verify_slices_are_equal(proof, expected).map_err(|_| error)
}

/// Our key for one connection.
struct Mine {
    private: EphemeralPrivateKey,
    public: [u8; KEY_BYTES],
}

impl Mine {
    fn draw() -> Self {
        let private =
            EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).expect("the system has random bytes");
        let public = private.compute_public_key().expect("a key that was just made has its public half");
        let public = public.as_ref().try_into().expect("X25519 keys have 32 bytes");
        Self { private, public }
    }

    /// What both sides derive everything from. A key of the other side that leads nowhere is refused.
    fn agree(self, theirs: &[u8; 32], salt: &[[u8; 32]; 2], token: &Token) -> Result<Prk, HandshakeError> {
        let theirs = UnparsedPublicKey::new(&X25519, theirs);
        agree_ephemeral(self.private, theirs, HandshakeError::Stranger, |shared| {
            // The shared secret is always 32 bytes, so the two cannot be mistaken for another pair.
            let secret = [shared, token.bytes()].concat();
            Ok(Salt::new(HKDF_SHA256, salt.as_flattened()).extract(&secret))
        })
    }
}

fn derive(root: &Prk, name: &str) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    let name = [b"hubbub-load ", name.as_bytes()];
    let output = root.expand(&name, HKDF_SHA256).expect("one block is never too long");
    output.fill(&mut bytes).expect("the output has the length of the hash");
    bytes
}

fn keys(root: &Prk) -> Keys {
    Keys { to_worker: derive(root, "key to the worker"), to_coordinator: derive(root, "key to the coordinator") }
}

/// A socket with one deadline for everything: a peer that sends a byte now and then gains nothing.
pub(super) struct Patience<'a> {
    stream: &'a TcpStream,
    until: Instant,
}

impl<'a> Patience<'a> {
    pub(super) fn new(stream: &'a TcpStream, patience: Duration) -> Self {
        Self { stream, until: Instant::now() + patience }
    }

    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for Patience<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        (&mut &*self.stream).read(buffer)
    }
}

impl Write for Patience<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        (&mut &*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn token(text: &str) -> Token {
        Token::new(text.as_bytes()).unwrap()
    }

    type Outcome = Result<Keys, HandshakeError>;

    fn shake(coordinator: &Token, worker: &Token, is_locked: bool) -> (Outcome, Outcome) {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        std::thread::scope(|scope| {
            let greeted = scope.spawn(move || greet_coordinator(&mut theirs, worker, || is_locked));
            let outcome = greet_worker(&mut ours, coordinator);
            drop(ours);
            (outcome, greeted.join().unwrap())
        })
    }

    #[test]
    fn the_same_token_gives_the_same_keys_and_never_the_same_twice() {
        let token = token("a token for these tests");
        let (ours, theirs) = shake(&token, &token, false);
        let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
        assert!(ours == theirs && ours.to_worker != ours.to_coordinator);
        assert!(shake(&token, &token, false).0.unwrap() != ours);
    }

    #[test]
    fn another_token_is_refused_on_both_sides() {
        let (ours, theirs) = shake(&token("a token for these tests"), &token("a token for this test."), false);
        assert!(matches!((ours, theirs), (Err(HandshakeError::WrongToken), Err(HandshakeError::WrongToken))));
    }

    #[test]
    fn nobody_is_let_in_for_a_moment_after_a_failure() {
        let token = token("a token for these tests");
        let (ours, theirs) = shake(&token, &token, true);
        assert!(matches!((ours, theirs), (Err(HandshakeError::Later), Err(HandshakeError::Later))));
    }

    /// What a coordinator makes of an end that plays a worker without having the token.
    fn against(play: impl FnOnce(UnixStream) + Send) -> HandshakeError {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || play(theirs));
            greet_worker(&mut ours, &token("a token for these tests")).err().unwrap()
        })
    }

    #[test]
    fn a_worker_that_accepts_everything_is_unmasked() {
        let error = against(|mut stream| {
            let _hello: [u8; 40] = read(&mut stream).unwrap();
            let public = Mine::draw().public;
            stream.write_all(&[MAGIC.as_slice(), &[Answer::GoOn as u8], &public].concat()).unwrap();
            let proof: [u8; 32] = read(&mut stream).unwrap();
            // The coordinator's own proof, sent back.
            stream.write_all(&[&[Answer::GoOn as u8], proof.as_slice()].concat()).unwrap();
        });
        assert!(matches!(error, HandshakeError::Unproven), "{error}");
    }

    #[test]
    fn what_is_no_worker_is_a_stranger() {
        let error = against(|mut stream| {
            let _hello: [u8; 40] = read(&mut stream).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        assert!(matches!(error, HandshakeError::Stranger), "{error}");
        // A public key that leads to no secret.
        let error = against(|mut stream| {
            let _hello: [u8; 40] = read(&mut stream).unwrap();
            stream.write_all(&[MAGIC.as_slice(), &[Answer::GoOn as u8], &[0; 32]].concat()).unwrap();
        });
        assert!(matches!(error, HandshakeError::Stranger), "{error}");
        let error = against(drop);
        assert!(matches!(error, HandshakeError::Io(_)), "{error}");
    }

    #[test]
    fn a_peer_that_drips_is_silent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut dripping = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        dripping.write_all(b"h").unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut patience = Patience::new(&stream, Duration::from_millis(20));
        let error = greet_coordinator(&mut patience, &token("a token for these tests"), || false).err().unwrap();
        assert!(matches!(error, HandshakeError::Silent), "{error}");
    }
}
