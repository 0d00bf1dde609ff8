//! The end of a WebSocket: a code, and a reason for people.

use std::fmt;

use bytes::Bytes;

use super::fault::Fault;
use super::header::CONTROL_BYTES_MAX;

/// Most bytes of a reason.
pub const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Why a WebSocket ends, as numbered in RFC 6455 and at IANA. Any number that may be sent is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// All is done.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The server stops, or the page is left.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// The rules of WebSocket were broken.
    pub const PROTOCOL: CloseCode = CloseCode(1002);
    /// A kind of message that is not taken: text.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// A message that is not what it should be.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// Some other rule was broken; a frame before it has said which.
    pub const POLICY: CloseCode = CloseCode(1008);
    /// A message that is too long.
    pub const TOO_LONG: CloseCode = CloseCode(1009);
    /// Something failed in the server.
    pub const INTERNAL: CloseCode = CloseCode(1011);
    /// The server has no room now.
    pub const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);

    /// The code of a number; `None` for those that nobody may send.
    #[must_use]
    pub fn new(number: u16) -> Option<CloseCode> {
        // 1004 has no meaning; 1005, 1006 and 1015 are for programs to say that there was no close.
        let may_be_sent = matches!(number, 1000..=1003 | 1007..=1014 | 3000..=4999);
        may_be_sent.then_some(CloseCode(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a close may carry. A close without anything is allowed, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why.
    pub code: CloseCode,
    /// The same for people; UTF-8 of at most [`REASON_BYTES_MAX`] bytes.
    pub reason: Bytes,
}

impl CloseFrame {
    /// What the payload of a close says; `None` when it is empty.
    pub(super) fn decode(mut payload: Bytes) -> Result<Option<CloseFrame>, Fault> {
        if payload.is_empty() {
            return Ok(None);
        }
        let number = payload.first_chunk().map(|number| u16::from_be_bytes(*number)).ok_or(Fault::CloseCode)?;
        let code = CloseCode::new(number).ok_or(Fault::CloseCode)?;
        let reason = payload.split_off(2);
        std::str::from_utf8(&reason).map_err(|_| Fault::CloseReason)?;
        Ok(Some(CloseFrame { code, reason }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_that_may_be_sent_are_codes() {
        let valid = |number: &u16| CloseCode::new(*number).is_some();
        let some = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
        assert!(some.iter().all(valid));
        let none = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
        assert!(!none.iter().any(valid));
    }

    #[test]
    fn a_payload_is_empty_or_has_a_code_and_text() {
        let decode = |payload: &'static [u8]| CloseFrame::decode(Bytes::from_static(payload));
        assert_eq!(decode(b""), Ok(None));
        let gone = CloseFrame { code: CloseCode::GOING_AWAY, reason: Bytes::from_static("früh".as_bytes()) };
        assert_eq!(decode(b"\x03\xE9fr\xC3\xBCh"), Ok(Some(gone)));
        assert_eq!(decode(b"\x03"), Err(Fault::CloseCode));
        assert_eq!(decode(b"\x03\xED"), Err(Fault::CloseCode));
        assert_eq!(decode(b"\x03\xE8\xC3"), Err(Fault::CloseReason));
    }
}
