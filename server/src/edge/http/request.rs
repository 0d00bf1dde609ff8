//! The head of a request, parsed where it lies.

use super::answer::Answer;
use super::{HEAD_BYTES_MAX, TARGET_BYTES_MAX};
use crate::metrics::HttpStatus;
use httparse::{EMPTY_HEADER, Error, Header, Status};

/// Most headers of a request.
const HEADERS_MAX: usize = 64;

/// What the bytes begin with.
pub(super) enum Parsed<'a> {
    /// A part of a request.
    Part,
    /// A request.
    Whole(Request<'a>),
}

/// See the module.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// What is asked for, without the query.
    pub(super) path: &'a str,
    /// 1 of HTTP/1.1.
    minor_version: u8,
    headers: Vec<Header<'a>>,
    /// Where the next request begins.
    pub(super) head_bytes: usize,
}

impl<'a> Request<'a> {
    /// The request that bytes begin with, or how one is answered that is none.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Parsed<'a>, Answer> {
        let bytes = &bytes[..bytes.len().min(HEAD_BYTES_MAX)];
        let mut headers = [EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let head_bytes = match request.parse(bytes) {
            Ok(Status::Complete(bytes)) => bytes,
            Ok(Status::Partial) => return Ok(Parsed::Part),
            Err(error) => return Err(refuse(error)),
        };
        let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
        if target.len() > TARGET_BYTES_MAX {
            return Err(Answer::error(HttpStatus::UriTooLong, "what is asked for is at most 2 KiB"));
        }
        let minor_version = request.version.unwrap_or_default();
        let headers = request.headers.to_vec();
        Ok(Parsed::Whole(Request { method, path: path(target), minor_version, headers, head_bytes }))
    }

    /// Whether it has a host where it must, and no body.
    pub(super) fn check(&self) -> Result<(), Answer> {
        let bad = |text| Err(Answer::error(HttpStatus::BadRequest, text));
        if self.all("Host").count() > 1 || (self.minor_version > 0 && self.only("Host").is_none()) {
            return bad("a request names its host once");
        }
        if self.all("Transfer-Encoding").next().is_some() {
            return bad("a request has no body here");
        }
        match (self.all("Content-Length").count(), self.only("Content-Length")) {
            (0, _) | (1, Some("0")) => Ok(()),
            (1, Some(length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(Answer::error(HttpStatus::TooLarge, "a request has no body here"))
            }
            _ => bad("the length of the body is no number"),
        }
    }

    /// The values of a header, as far as they are text.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        // What is no text is a value, too: one that nothing can be equal to.
        named.map(|header| std::str::from_utf8(header.value).unwrap_or_default().trim_matches([' ', '\t']))
    }

    /// The value of a header that is there once and not empty.
    pub(super) fn only(&self, name: &str) -> Option<&'a str> {
        let mut values = self.all(name);
        let value = values.next().filter(|value| !value.is_empty());
        if values.next().is_some() { None } else { value }
    }

    /// Whether a header that is a list has an element, however it is written.
    pub(super) fn has_token(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// The elements of a header that is a list.
    pub(super) fn elements(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(|element| element.trim_matches([' ', '\t']))
    }

    /// Whether nothing more is asked on this connection.
    pub(super) fn wants_close(&self) -> bool {
        self.has_token("Connection", "close") || self.is_old()
    }

    /// Whether it is of HTTP/1.0.
    pub(super) fn is_old(&self) -> bool {
        self.minor_version == 0
    }
}

/// What is asked for, without scheme and authority (which a proxy may send), and without the query.
fn path(target: &str) -> &str {
    let behind_scheme = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://"));
    let target = behind_scheme.map_or(target, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
    target.split(['?', '#']).next().unwrap_or_default()
}

fn refuse(error: Error) -> Answer {
    match error {
        Error::TooManyHeaders => Answer::error(HttpStatus::HeadersTooLarge, "a request has at most 64 headers"),
        Error::Version => Answer::error(HttpStatus::VersionNotSupported, "this server speaks HTTP/1.1"),
        error => Answer::error(HttpStatus::BadRequest, &format!("not an HTTP request ({error})")),
    }
}
