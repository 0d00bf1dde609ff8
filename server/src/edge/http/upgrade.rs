//! From HTTP to WebSocket: what a request must say to become one, and who may ask.

use super::answer::Answer;
use super::request::Request;
use super::{HttpStatus, Site};
use crate::metrics::UpgradeRefusal;
use hubbub_codec::websocket::SUBPROTOCOL;
use hubbub_codec::websocket::handshake::{self, VERSION};

/// The answer that begins the WebSocket, or the refusal.
pub(super) fn check(request: &Request<'_>, site: &Site, is_secure: bool) -> Result<Answer, Answer> {
    use UpgradeRefusal as Why;
    let asks = request.has_token("Connection", "upgrade") && request.has_token("Upgrade", "websocket");
    if !asks || request.is_old() {
        let text = "here is a WebSocket: ask for it with Connection: Upgrade and Upgrade: websocket";
        return Err(refuse(HttpStatus::UpgradeRequired, Why::NotWebsocket, text));
    }
    if request.only("Sec-WebSocket-Version") != Some(VERSION) {
        return Err(refuse(HttpStatus::UpgradeRequired, Why::Version, "this server speaks version 13 of WebSocket"));
    }
    let Some(key) = request.only("Sec-WebSocket-Key").filter(|key| handshake::is_key(key)) else {
        let text = "Sec-WebSocket-Key must be there once, with sixteen bytes in base64";
        return Err(refuse(HttpStatus::BadRequest, Why::Key, text));
    };
    if !is_from_our_page(request, site, is_secure) {
        let text = "pages of this origin may not connect here (http.origins lists more that may)";
        return Err(refuse(HttpStatus::Forbidden, Why::Origin, text));
    }
    if !request.elements("Sec-WebSocket-Protocol").any(|offered| offered == SUBPROTOCOL) {
        let text = "the subprotocol hubbub.v1 must be offered in Sec-WebSocket-Protocol";
        return Err(refuse(HttpStatus::BadRequest, Why::Subprotocol, text));
    }
    Ok(Answer::switching(&handshake::accept(key), SUBPROTOCOL))
}

fn refuse(status: HttpStatus, why: UpgradeRefusal, text: &str) -> Answer {
    let answer = Answer::error(status, text).refusing(why);
    if status == HttpStatus::UpgradeRequired {
        answer.header("Upgrade", "websocket").header("Sec-WebSocket-Version", VERSION)
    } else {
        answer
    }
}

/// Browsers say which page asks, and a page of somebody else must not; other programs need not say anything.
fn is_from_our_page(request: &Request<'_>, site: &Site, is_secure: bool) -> bool {
    if request.all("Origin").next().is_none() {
        return true;
    }
    let Some(origin) = request.only("Origin") else { return false };
    let scheme = if is_secure { "https://" } else { "http://" };
    let own = origin.strip_prefix(scheme).zip(request.only("Host"));
    own.is_some_and(|(from, host)| from.eq_ignore_ascii_case(host))
        || site.origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin))
}
