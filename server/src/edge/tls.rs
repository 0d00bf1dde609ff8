//! The server's end of one TLS connection, without IO and without a buffer of its own.
//!
//! Records are decrypted where they were read, and what is to be said is encrypted into a buffer of the caller's. What a
//! connection owns while it is idle is its keys. The bytes of a record that has not come whole stay with the caller,
//! which hands them in again at each call: the library remembers where in them it stands.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{Error, HandshakeKind, PeerIncompatible, ProtocolVersion, ServerConfig};

use crate::metrics::{TlsFailure, TlsHandshake};

/// What a record holds at most, in bytes of plaintext.
const RECORD_BYTES: usize = 16 * 1024;
/// What a record needs besides its plaintext, at most: header, explicit nonce, content type and tag.
const OVERHEAD_BYTES: usize = 64;
/// Most bytes of a hello and whatever else comes before anybody is known, unfinished: one whole record.
const HANDSHAKE_BYTES_MAX: usize = RECORD_BYTES + 2 * 1024;
/// Most alerts that are said after a fault. There is one.
const LAST_RECORDS_MAX: usize = 4;

/// Why a TLS connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The other side broke the rules, or speaks nothing that we do.
    #[error("TLS: {0}")]
    Protocol(#[from] Error),
    /// The handshake holds more than any honest one.
    #[error("TLS: the handshake is too long")]
    TooLong,
    /// Something was to be said before there were keys, or after there were too many records under them.
    #[error("TLS: nothing can be encrypted now")]
    CannotEncrypt,
}

impl TlsFault {
    /// Under which name it counts.
    pub fn kind(&self) -> TlsFailure {
        match self {
            TlsFault::Protocol(Error::InvalidMessage(_) | Error::InappropriateMessage { .. }) => TlsFailure::NotTls,
            TlsFault::Protocol(Error::PeerIncompatible(why)) => match why {
                PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::Tls13RequiredForQuic
                | PeerIncompatible::SupportedVersionsExtensionRequired => TlsFailure::Version,
                _ => TlsFailure::NothingInCommon,
            },
            TlsFault::Protocol(Error::NoApplicationProtocol) => TlsFailure::NothingInCommon,
            TlsFault::Protocol(Error::AlertReceived(_)) => TlsFailure::Alert,
            TlsFault::TooLong => TlsFailure::NotTls,
            _ => TlsFailure::Protocol,
        }
    }
}

/// See the module.
pub struct Tls {
    connection: UnbufferedServerConnection,
    established: bool,
    /// The client has said that it will say no more.
    over: bool,
    /// We have said so.
    closed: bool,
}

impl Tls {
    /// Of a connection about which nothing is known.
    ///
    /// # Errors
    /// The configuration is not sound.
    pub fn new(config: &Arc<ServerConfig>) -> Result<Tls, Error> {
        let connection = UnbufferedServerConnection::new(config.clone())?;
        Ok(Tls { connection, established: false, over: false, closed: false })
    }

    /// Whether the handshake is over, so that frames can be sent.
    pub fn is_established(&self) -> bool {
        self.established
    }

    /// Whether the client has said that it will say no more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Takes what has come: everything since the last byte that was used. Appends what the client says to `plain`, and
    /// what is to be sent for the handshake to `out`. How many bytes were used; the others belong in front of what comes
    /// next.
    ///
    /// # Errors
    /// The connection cannot go on; `out` holds the alert that says why.
    pub fn open(&mut self, came: &mut [u8], plain: &mut BytesMut, out: &mut Vec<u8>) -> Result<usize, TlsFault> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(&mut came[used..]);
            let mut done = false;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        plain.put_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut record)) => append(out, |room| record.encode(room))?,
                // It is in `out`, which is as good.
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => self.over = true,
                // Ready to write, waiting for more, or closed.
                Ok(_) => done = true,
                Err(error) => {
                    self.append_alert(&mut came[used + discard..], out);
                    return Err(error.into());
                }
            }
            used += discard;
            if done {
                break;
            }
        }
        self.established = !self.connection.is_handshaking();
        if !self.established && came.len() - used > HANDSHAKE_BYTES_MAX {
            return Err(TlsFault::TooLong);
        }
        Ok(used)
    }

    /// What was agreed on, once that is so.
    pub fn handshake(&self) -> Option<TlsHandshake> {
        let resumed = self.connection.handshake_kind()? == HandshakeKind::Resumed;
        Some(match (self.connection.protocol_version()?, resumed) {
            (ProtocolVersion::TLSv1_3, false) => TlsHandshake::Full13,
            (ProtocolVersion::TLSv1_3, true) => TlsHandshake::Resumed13,
            (_, false) => TlsHandshake::Full12,
            (_, true) => TlsHandshake::Resumed12,
        })
    }

    /// Appends `plain`, encrypted, to `out`. `rest` is what [`Tls::open`] has not used.
    ///
    /// # Errors
    /// There are no keys yet, or they are used up.
    pub fn seal(&mut self, rest: &mut [u8], plain: &[u8], out: &mut Vec<u8>) -> Result<(), TlsFault> {
        self.writing(rest, out, |traffic, out| {
            for record in plain.chunks(RECORD_BYTES) {
                append_sized(out, record.len() + OVERHEAD_BYTES, |room| traffic.encrypt(record, room))?;
            }
            Ok(())
        })
    }

    /// Appends the word that nothing more follows to `out`, once, if there was a handshake.
    pub fn close(&mut self, rest: &mut [u8], out: &mut Vec<u8>) {
        if self.established && !std::mem::replace(&mut self.closed, true) {
            // Without keys there is nobody to tell.
            let _ = self.writing(rest, out, |traffic, out| {
                append_sized(out, OVERHEAD_BYTES, |room| traffic.queue_close_notify(room))
            });
        }
    }

    fn writing(
        &mut self,
        rest: &mut [u8],
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Traffic<'_>, &mut Vec<u8>) -> Result<(), TlsFault>,
    ) -> Result<(), TlsFault> {
        loop {
            match self.connection.process_tls_records(rest).state? {
                ConnectionState::WriteTraffic(mut traffic) => return write(&mut traffic, out),
                ConnectionState::EncodeTlsData(mut record) => append(out, |room| record.encode(room))?,
                ConnectionState::TransmitTlsData(sent) => sent.done(),
                _ => return Err(TlsFault::CannotEncrypt),
            }
        }
    }

    /// After a fault the library has a record ready that names it.
    fn append_alert(&mut self, rest: &mut [u8], out: &mut Vec<u8>) {
        for _ in 0..LAST_RECORDS_MAX {
            let Ok(ConnectionState::EncodeTlsData(mut record)) = self.connection.process_tls_records(rest).state else {
                return;
            };
            if append(out, |room| record.encode(room)).is_err() {
                return;
            }
        }
    }
}

type Traffic<'a> = rustls::unbuffered::WriteTraffic<'a, rustls::server::ServerConnectionData>;

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("established", &self.established).finish_non_exhaustive()
    }
}

/// How many bytes were needed, when there was no room for them.
trait Needs {
    fn needs(&self) -> Option<usize>;
}

impl Needs for EncodeError {
    fn needs(&self) -> Option<usize> {
        match self {
            EncodeError::InsufficientSize(error) => Some(error.required_size),
            EncodeError::AlreadyEncoded => None,
        }
    }
}

impl Needs for EncryptError {
    fn needs(&self) -> Option<usize> {
        match self {
            EncryptError::InsufficientSize(error) => Some(error.required_size),
            EncryptError::EncryptExhausted => None,
        }
    }
}

fn append<E: Needs>(out: &mut Vec<u8>, write: impl FnMut(&mut [u8]) -> Result<usize, E>) -> Result<(), TlsFault> {
    append_sized(out, 0, write)
}

/// Appends what `write` writes, into as much room as it needs; `likely` bytes at first.
fn append_sized<E: Needs>(
    out: &mut Vec<u8>,
    likely: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
) -> Result<(), TlsFault> {
    let at = out.len();
    let mut room = likely;
    loop {
        out.resize(at + room, 0);
        match write(&mut out[at..]) {
            Ok(written) => {
                out.truncate(at + written);
                return Ok(());
            }
            Err(error) => match error.needs().filter(|needed| *needed > room) {
                Some(needed) => room = needed,
                None => {
                    out.truncate(at);
                    return Err(TlsFault::CannotEncrypt);
                }
            },
        }
    }
}
