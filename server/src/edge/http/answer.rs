//! What is answered: a status, some headers, and bytes that are shared with everybody who asks for them.

use super::super::page::{File, POLICY};
use super::request::Request;
use crate::metrics::{HttpStatus, UpgradeRefusal};
use bytes::Bytes;
use std::fmt::Write as _;
use std::time::SystemTime;

/// An answer to one request.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: HttpStatus,
    /// Why it is no WebSocket, if one was asked for.
    pub refusal: Option<UpgradeRefusal>,
    /// Nothing is said or read after it.
    pub closes: bool,
    /// Without the empty line at its end.
    head: String,
    body: Bytes,
}

impl Answer {
    fn new(status: HttpStatus, body: Bytes) -> Answer {
        let head = format!("HTTP/1.1 {} {}\r\n", status.label(), status.reason());
        Answer { status, refusal: None, closes: false, head, body }
    }

    /// What went wrong, in a line of text.
    pub(super) fn error(status: HttpStatus, text: &str) -> Answer {
        let answer = Answer::new(status, Bytes::from(format!("{text}\n")));
        answer.header("Content-Type", "text/plain; charset=utf-8").header("Cache-Control", "no-store").with_length()
    }

    /// A method that there is not, and those that there are.
    pub(super) fn not_allowed(methods: &str) -> Answer {
        Answer::error(HttpStatus::MethodNotAllowed, "this method is not for this path").header("Allow", methods)
    }

    /// A file of the page, or that the client `knows` it already.
    pub(super) fn file(file: &'static File, knows: bool) -> Answer {
        let answer = if knows {
            Answer::new(HttpStatus::NotModified, Bytes::new())
        } else {
            let answer = Answer::new(HttpStatus::Ok, Bytes::from_static(file.body));
            answer.header("Content-Type", file.content_type).with_length()
        };
        answer.header("Cache-Control", file.cache_control).header("ETag", &file.etag)
    }

    /// The end of HTTP on this connection.
    pub(super) fn switching(accept: &str, subprotocol: &str) -> Answer {
        let answer = Answer::new(HttpStatus::SwitchingProtocols, Bytes::new());
        let answer = answer.header("Connection", "Upgrade").header("Upgrade", "websocket");
        answer.header("Sec-WebSocket-Accept", accept).header("Sec-WebSocket-Protocol", subprotocol)
    }

    /// With one more header.
    pub(super) fn header(mut self, name: &str, value: &str) -> Answer {
        let _ = write!(self.head, "{name}: {value}\r\n"); // A string takes everything.
        self
    }

    fn with_length(self) -> Answer {
        let length = self.body.len().to_string();
        self.header("Content-Length", &length)
    }

    pub(super) fn refusing(mut self, why: UpgradeRefusal) -> Answer {
        self.refusal = Some(why);
        self
    }

    /// The same without its body, if only the head was asked for.
    pub(super) fn for_request(mut self, request: &Request<'_>) -> Answer {
        if request.method == "HEAD" {
            self.body = Bytes::new();
        }
        self
    }

    /// The last one of its connection.
    pub(super) fn closing(mut self) -> Answer {
        // A WebSocket has an end of its own.
        if !self.closes && self.status != HttpStatus::SwitchingProtocols {
            self.closes = true;
            return self.header("Connection", "close");
        }
        self
    }

    /// With what stands in every answer.
    pub(super) fn at(self, now: SystemTime) -> Answer {
        let answer = self.header("Date", &httpdate::fmt_http_date(now));
        if answer.status == HttpStatus::SwitchingProtocols {
            return answer;
        }
        let answer = answer.header("Content-Security-Policy", POLICY).header("X-Content-Type-Options", "nosniff");
        answer.header("Referrer-Policy", "no-referrer").header("Cross-Origin-Opener-Policy", "same-origin")
    }

    /// Its bytes: the head, and the body, which may be empty.
    pub fn into_bytes(mut self) -> (Bytes, Bytes) {
        self.head.push_str("\r\n");
        (Bytes::from(self.head), self.body)
    }
}
