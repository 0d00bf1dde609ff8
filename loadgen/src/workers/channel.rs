//! Frames that only the other end of a handshake can have made and only it can read: 4 bytes of length (big-endian, of
//! what follows), then a message as JSON under AES-256-GCM.
//!
//! The nonce is the number of the frame in its direction and is not sent, so a frame that is changed, dropped, doubled,
//! reordered or sent back does not open. A reader never holds more than it was sent, up to a limit.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a channel is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChannelError {
    /// The other end closed it.
    #[error("the connection was closed")]
    Closed,
    /// Nothing came, or nothing was taken, for too long.
    #[error("nothing was heard for too long")]
    Silent,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Io(io::Error),
    /// A frame does not open.
    #[error("a frame was tampered with")]
    Tampered,
    /// A frame is longer than the limit.
    #[error("a frame of {0} bytes is too long")]
    TooLong(u64),
    /// A frame opens, and what is in it is not understood.
    #[error("a message is not understood: {0}")]
    Nonsense(serde_json::Error),
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Silent,
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// One direction's key, with the number of its next frame.
struct Sequence {
    key: LessSafeKey,
    next: u64,
}

impl Sequence {
    fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), next: 0 }
    }

    /// 2^64 frames are never sent.
    fn nonce(&mut self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[NONCE_LEN - 8..].copy_from_slice(&self.next.to_be_bytes());
        self.next += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// The writing end.
pub(super) struct Writing<W> {
    output: W,
    sequence: Sequence,
}

impl<W: Write> Writing<W> {
    pub(super) fn new(output: W, key: &[u8; 32]) -> Self {
        Self { output, sequence: Sequence::new(key) }
    }

    /// Writes one message.
    pub(super) fn send(&mut self, message: &impl Serialize) -> Result<(), ChannelError> {
        let mut bytes = serde_json::to_vec(message).map_err(ChannelError::Nonsense)?;
        let nonce = self.sequence.nonce();
        let sealed = self.sequence.key.seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes);
        sealed.map_err(|_| ChannelError::TooLong(bytes.len() as u64))?;
        let length = u32::try_from(bytes.len()).map_err(|_| ChannelError::TooLong(bytes.len() as u64))?;
        self.output.write_all(&length.to_be_bytes())?;
        self.output.write_all(&bytes)?;
        Ok(self.output.flush()?)
    }
}

impl Writing<TcpStream> {
    /// Ends the connection, in both directions.
    pub(super) fn shut_down(&self) {
        // It may be broken already, which is as good.
        let _ = self.output.shutdown(Shutdown::Both);
    }
}

/// The reading end.
pub(super) struct Reading<R> {
    input: R,
    sequence: Sequence,
    bytes_max: u32,
}

impl<R: Read> Reading<R> {
    pub(super) fn new(input: R, key: &[u8; 32], bytes_max: u32) -> Self {
        Self { input, sequence: Sequence::new(key), bytes_max }
    }

    /// Reads one message. After an error nothing more can be read.
    pub(super) fn receive<T: DeserializeOwned>(&mut self) -> Result<T, ChannelError> {
        let mut length = [0; 4];
        self.input.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > self.bytes_max {
            return Err(ChannelError::TooLong(length.into()));
        }
        // Grows with what arrives: a length alone reserves nothing.
        let mut bytes = Vec::new();
        (&mut self.input).take(length.into()).read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            return Err(ChannelError::Closed);
        }
        let nonce = self.sequence.nonce();
        let opened = self.sequence.key.open_in_place(nonce, Aad::empty(), &mut bytes);
        let plain = opened.map_err(|_| ChannelError::Tampered)?;
        serde_json::from_slice(plain).map_err(ChannelError::Nonsense)
    }
}

impl Reading<TcpStream> {
    /// Ends the connection, in both directions.
    pub(super) fn shut_down(&self) {
        // It may be broken already, which is as good.
        let _ = self.input.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [7; 32];

    fn sent(messages: &[&str]) -> Vec<u8> {
        let mut writing = Writing::new(Vec::new(), &KEY);
        messages.iter().for_each(|message| writing.send(message).unwrap());
        writing.output
    }

    fn received(bytes: &[u8]) -> Result<Vec<String>, ChannelError> {
        let mut reading = Reading::new(bytes, &KEY, 1 << 16);
        let mut messages = Vec::new();
        while !reading.input.is_empty() {
            messages.push(reading.receive()?);
        }
        Ok(messages)
    }

    #[test]
    fn messages_arrive_and_cannot_be_read_on_the_way() {
        let bytes = sent(&["one secret", "another"]);
        assert_eq!(received(&bytes).unwrap(), ["one secret", "another"]);
        assert!(!bytes.windows(6).any(|window| window == b"secret"));
        assert!(Reading::new(bytes.as_slice(), &[8; 32], 1 << 16).receive::<String>().is_err());
    }

    #[test]
    fn a_length_alone_reserves_nothing() {
        assert!(matches!(received(&[255; 8]), Err(ChannelError::TooLong(_))));
        assert!(matches!(received(&[0, 0, 255, 255, 1]), Err(ChannelError::Closed)));
        assert!(matches!(received(&[0, 0, 0, 0]), Err(ChannelError::Tampered)));
    }

    #[test]
    fn frames_out_of_their_place_do_not_open() {
        let bytes = sent(&["one", "two"]);
        let (one, two) = bytes.split_at(bytes.len() / 2);
        assert!(matches!(received(&[two, one].concat()), Err(ChannelError::Tampered)));
        assert!(matches!(received(&[one, one].concat()), Err(ChannelError::Tampered)));
        assert!(matches!(received(two), Err(ChannelError::Tampered)));
    }

    proptest! {
        #[test]
        fn a_changed_bit_is_noticed(position in 0_usize..1_000, bit in 0_u8..8) {
            let mut bytes = sent(&["a message that somebody changes on the way"]);
            let position = position % bytes.len();
            bytes[position] ^= 1 << bit;
            prop_assert!(received(&bytes).is_err());
        }

        #[test]
        fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
            prop_assert!(received(&bytes).is_err());
        }
    }
}
