//! TLS without IO: ciphertext in and out, nothing kept in between but keys.
//!
//! What came and is no whole record, or belongs to a message that is not whole, stays with the caller, who hands it in again
//! at each call: the library remembers where in it it stands.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus};
use rustls::{AlertDescription, CertificateError, Error};

use super::error::LineError;
use crate::trust::Trust;

/// A record's header, nonce and tag, and room to spare.
const RECORD_BYTES: usize = 64;

/// Plaintext of one record.
const FRAGMENT_BYTES: usize = 16_384;

/// The client's end of a TLS connection.
pub(super) struct Tls {
    connection: Box<UnbufferedClientConnection>,
    is_open: bool,
}

impl Tls {
    pub(super) fn new(host: &str, trust: &Trust) -> Result<Self, LineError> {
        let name = ServerName::try_from(host).map_err(|_| LineError::Name(host.to_owned()))?.to_owned();
        let connection = UnbufferedClientConnection::new(Arc::clone(&trust.config()), name);
        let connection = Box::new(connection.map_err(|error| Self::in_words(host, &error))?);
        Ok(Self { connection, is_open: false })
    }

    /// The handshake is done, and the server is who it says.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes whole records off `input`: what was in them goes to `plain`, what TLS itself has to say to `out`.
    pub(super) fn read(&mut self, input: &mut BytesMut, plain: &mut BytesMut, out: &mut BytesMut) -> Result<(), Error> {
        self.turn(input, plain, &[], out)
    }

    /// Encrypts `plain`; the handshake must be done. `rest` is what [`Tls::read`] has left.
    pub(super) fn write(&mut self, rest: &mut BytesMut, plain: &[u8], out: &mut BytesMut) -> Result<(), Error> {
        self.turn(rest, &mut BytesMut::new(), plain, out)
    }

    /// Says goodbye, or why there will be no connection.
    pub(super) fn close(&mut self, rest: &mut BytesMut, out: &mut BytesMut) {
        loop {
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(rest);
            match state {
                // An alert waits here when the server was not accepted.
                Ok(ConnectionState::EncodeTlsData(mut data)) => drop(fill(out, |room| data.encode(room))),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    drop(fill(out, |room| traffic.queue_close_notify(room)));
                    return;
                }
                _ => return,
            }
        }
    }

    /// An error of the TLS library for people.
    pub(super) fn in_words(host: &str, error: &Error) -> LineError {
        let host = host.to_owned();
        match error {
            Error::InvalidCertificate(error) => certificate_in_words(host, error),
            // What is no record of TLS at all.
            Error::InvalidMessage(_) => LineError::NoTls(host),
            Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure) => {
                LineError::Tls { host, why: format!("{error}; this client speaks TLS 1.3 and 1.2") }
            }
            other => LineError::Tls { host, why: other.to_string() },
        }
    }

    fn turn(
        &mut self,
        input: &mut BytesMut,
        plain_in: &mut BytesMut,
        plain_out: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), Error> {
        loop {
            let UnbufferedStatus { mut discard, state } = self.connection.process_tls_records(input);
            let goes_on = match state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    fill(out, |room| data.encode(room))?;
                    true
                }
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    true
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        plain_in.extend_from_slice(record.payload);
                    }
                    true
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    self.is_open = true;
                    if !plain_out.is_empty() {
                        out.reserve(sealed_bytes(plain_out.len()));
                        fill(out, |room| traffic.encrypt(plain_out, room))?;
                    }
                    false
                }
                // The server's goodbye: its end of the connection says the same, and comes at once.
                Ok(ConnectionState::PeerClosed) => true,
                Ok(_) => false,
                Err(error) => {
                    input.advance(discard);
                    return Err(error);
                }
            };
            input.advance(discard);
            if !goes_on {
                return Ok(());
            }
        }
    }
}

/// Bytes that so much plaintext becomes, at most.
fn sealed_bytes(plain: usize) -> usize {
    plain + (plain / FRAGMENT_BYTES + 1) * RECORD_BYTES
}

/// Lets `write` append to `out`, with as much room as it needs.
fn fill<E: Needs>(out: &mut BytesMut, mut write: impl FnMut(&mut [u8]) -> Result<usize, E>) -> Result<(), Error> {
    let begin = out.len();
    let mut room = (out.capacity() - begin).max(RECORD_BYTES);
    loop {
        out.resize(begin + room, 0);
        match write(&mut out[begin..]) {
            Ok(written) => {
                out.truncate(begin + written);
                return Ok(());
            }
            Err(error) => {
                out.truncate(begin);
                room = error.needs().filter(|needs| *needs > room).ok_or(Error::EncryptError)?;
            }
        }
    }
}

/// How much room was asked for.
trait Needs {
    fn needs(&self) -> Option<usize>;
}

impl Needs for EncodeError {
    fn needs(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(InsufficientSizeError { required_size }) => Some(*required_size),
            Self::AlreadyEncoded => None,
        }
    }
}

impl Needs for EncryptError {
    fn needs(&self) -> Option<usize> {
        match self {
            Self::InsufficientSize(InsufficientSizeError { required_size }) => Some(*required_size),
            Self::EncryptExhausted => None,
        }
    }
}

fn certificate_in_words(host: String, error: &CertificateError) -> LineError {
    use CertificateError as Wrong;
    match error {
        Wrong::UnknownIssuer | Wrong::BadSignature => LineError::UnknownAuthority(host),
        Wrong::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            LineError::OtherName { host, names: presented.join(", ") }
        }
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
            LineError::OtherName { host, names: "another name".to_owned() }
        }
        Wrong::Expired | Wrong::ExpiredContext { .. } | Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            LineError::NotValidNow(host)
        }
        other => LineError::Certificate { host, why: other.to_string() },
    }
}
