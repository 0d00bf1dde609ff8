//! HTTP/1.1, as little as the page and the way to a WebSocket need: GET and HEAD, no bodies, answers that are known
//! beforehand.
//!
//! Without IO. A request is taken off what came once its head is whole; nothing is kept in between but a count. What is
//! not understood is answered once and ends the connection, so that two ends can never differ on where a request begins.

mod answer;
mod request;
#[cfg(test)]
mod tests;
mod upgrade;

use super::page;
use crate::metrics::HttpStatus;
use bytes::{Buf, BytesMut};
use request::{Parsed, Request};
use std::time::SystemTime;

pub use answer::Answer;

/// Most bytes of a request: its line and its headers.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Most bytes of what is asked for.
const TARGET_BYTES_MAX: usize = 2 * 1024;
/// Most requests on one connection, which bounds what somebody can be owed who asks and does not read. The page needs four.
const REQUESTS_MAX: u8 = 32;

/// Where the WebSocket is.
const SOCKET_PATH: &str = "/ws";

/// What the server serves, and to whom.
#[derive(Debug, Default)]
pub struct Site {
    /// Whether the chat page is there.
    pub page: bool,
    /// Origins that may open a WebSocket besides the server's own, as browsers write them: `https://chat.example`.
    pub origins: Vec<String>,
}

/// One connection that speaks HTTP.
#[derive(Debug)]
pub struct Http {
    /// Whether it came over TLS, and our origin begins with `https`.
    is_secure: bool,
    requests: u8,
}

impl Http {
    /// Of a connection that has said nothing.
    pub fn new(is_secure: bool) -> Http {
        Http { is_secure, requests: 0 }
    }

    /// Takes the first request off what came: what to answer. `None` until its head is whole.
    pub fn take(&mut self, came: &mut BytesMut, site: &Site, now: SystemTime) -> Option<Answer> {
        let answer = match Request::parse(came) {
            Ok(Parsed::Whole(request)) => {
                self.requests += 1;
                let bytes = request.head_bytes;
                let is_last = request.wants_close() || self.requests >= REQUESTS_MAX;
                let answer = self.answer(&request, site).for_request(&request);
                came.advance(bytes);
                if is_last { answer.closing() } else { answer }
            }
            Ok(Parsed::Part) if came.len() < HEAD_BYTES_MAX => return None,
            Ok(Parsed::Part) => too_long(came).closing(),
            Err(answer) => answer.closing(),
        };
        Some(answer.at(now))
    }

    /// What is said to somebody whose request did not come whole in time.
    pub fn timed_out(now: SystemTime) -> Answer {
        Answer::error(HttpStatus::Timeout, "the rest of the request did not come in time").closing().at(now)
    }

    /// What is said to somebody for whom there is no room.
    pub fn overloaded(now: SystemTime) -> Answer {
        let message = "the server has as many connections as it may; try again shortly";
        Answer::error(HttpStatus::Unavailable, message).header("Retry-After", "1").closing().at(now)
    }

    fn answer(&self, request: &Request<'_>, site: &Site) -> Answer {
        if let Err(answer) = request.check() {
            return answer.closing();
        }
        let file = if site.page { page::find(request.path) } else { None };
        match (request.path, file) {
            (SOCKET_PATH, _) if request.method == "GET" => {
                upgrade::check(request, site, self.is_secure).unwrap_or_else(|refused| refused)
            }
            (SOCKET_PATH, _) => Answer::not_allowed("GET"),
            (_, None) => Answer::error(HttpStatus::NotFound, "there is nothing here"),
            (_, Some(file)) if matches!(request.method, "GET" | "HEAD") => {
                let known = request.all("If-None-Match").any(|tags| tags.contains(&file.etag));
                Answer::file(file, known)
            }
            (_, Some(_)) => Answer::not_allowed("GET, HEAD"),
        }
    }
}

/// The head has as many bytes as it may, and does not end.
fn too_long(came: &[u8]) -> Answer {
    if came.iter().take(TARGET_BYTES_MAX).any(|byte| *byte == b'\n') {
        Answer::error(HttpStatus::HeadersTooLarge, "the headers of a request are at most 8 KiB together")
    } else {
        Answer::error(HttpStatus::UriTooLong, "what is asked for is at most 2 KiB")
    }
}
