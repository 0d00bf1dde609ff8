use super::*;
use crate::metrics::UpgradeRefusal;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn site() -> Site {
    Site { page: true, origins: vec!["https://chat.example".to_owned()] }
}

fn ask(request: &str) -> Option<Answer> {
    Http::new(false).take(&mut BytesMut::from(request), &site(), NOW)
}

/// Status, whether the connection closes, head and body.
fn answer(request: &str) -> (HttpStatus, bool, String, usize) {
    let answer = ask(request).expect("a whole request");
    let (status, closes) = (answer.status, answer.closes);
    let (head, body) = answer.into_bytes();
    let head = String::from_utf8(head.to_vec()).unwrap();
    assert_eq!(head.contains("\r\nConnection: close\r\n"), closes, "{head}");
    assert!(head.contains("\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), "{head}");
    (status, closes, head, body.len())
}

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here:7402\r\n{more}\r\n")
}

#[test]
fn requests_get_the_status_that_fits() {
    use HttpStatus::*;
    let long_path = format!("/{}", "a".repeat(3_000));
    let many = "A: b\r\n".repeat(70);
    for (request, status, closes) in [
        (get("/", ""), Ok, false),
        (get("/?a=b", ""), Ok, false),
        (get("http://here:7402/", ""), Ok, false),
        (get("http://here:7402", ""), Ok, false),
        (get("/", "Content-Length: 0\r\n"), Ok, false),
        (get("/", "Connection: Keep-Alive, Close\r\n"), Ok, true),
        ("GET / HTTP/1.0\r\n\r\n".to_owned(), Ok, true),
        (get("/index.html", ""), NotFound, false),
        (get("/assets/../index.html", ""), NotFound, false),
        (get("*", ""), NotFound, false),
        ("POST / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), MethodNotAllowed, false),
        ("HEAD /ws HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), MethodNotAllowed, false),
        ("DELETE /nothing HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), NotFound, false),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), BadRequest, true),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n".to_owned(), BadRequest, true),
        (get("/", "Host: there\r\n"), BadRequest, true),
        (get("/", "Transfer-Encoding: chunked\r\n"), BadRequest, true),
        (get("/", "Content-Length: x\r\n"), BadRequest, true),
        (get("/", "Content-Length: +0\r\n"), BadRequest, true),
        (get("/", "Content-Length: 0\r\nContent-Length: 5\r\n"), BadRequest, true),
        (get("/", "Content-Length: 5\r\n"), TooLarge, true),
        (get("/", "Bad Header: x\r\n"), BadRequest, true),
        (get("/", "A: b\r\n folded\r\n"), BadRequest, true),
        (get(&long_path, ""), UriTooLong, true),
        (get("/", &many), HeadersTooLarge, true),
        ("GET / HTTP/2.0\r\n\r\n".to_owned(), VersionNotSupported, true),
        ("\x16\x03\x01\x02\0\x01\0".to_owned(), BadRequest, true),
        ("\0\0\0\x10".to_owned(), BadRequest, true),
        (get("/ws", ""), UpgradeRequired, false),
    ] {
        let (found, found_closes, ..) = answer(&request);
        assert_eq!((found, found_closes), (status, closes), "{request}");
    }
}

#[test]
fn the_page_has_the_headers_it_needs() {
    let (_, _, head, bytes) = answer(&get("/", ""));
    for header in [
        "HTTP/1.1 200 OK",
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-cache",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Opener-Policy: same-origin",
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        &format!("Content-Length: {bytes}"),
    ] {
        assert!(head.split("\r\n").any(|line| line == header), "{header}\n{head}");
    }
    let (_, _, of_head, none) = answer(&get("/", "").replacen("GET", "HEAD", 1));
    assert_eq!((of_head, none), (head.clone(), 0));
    let tag = head.split("\r\n").find_map(|line| line.strip_prefix("ETag: ")).unwrap();
    let (status, _, head, none) = answer(&get("/", &format!("If-None-Match: \"x\", {tag}\r\n")));
    assert_eq!((status, none), (HttpStatus::NotModified, 0));
    assert!(!head.contains("Content-Length"));
}

#[test]
fn without_a_page_there_is_only_the_websocket() {
    let site = Site { page: false, origins: Vec::new() };
    let ask = |path: &str| Http::new(false).take(&mut BytesMut::from(&*get(path, "")), &site, NOW).unwrap().status;
    assert_eq!((ask("/"), ask("/ws")), (HttpStatus::NotFound, HttpStatus::UpgradeRequired));
}

#[test]
fn a_head_that_does_not_end_is_bounded() {
    let part = get("/", "A: b\r\n");
    let part = &part[..part.len() - 2];
    assert!(ask(part).is_none());
    assert!(ask("").is_none());
    let long = format!("{part}{}", "C: d\r\n".repeat(2_000));
    assert_eq!(answer(&long).0, HttpStatus::HeadersTooLarge);
    assert_eq!(answer(&format!("{part}X: {}", "y".repeat(9_000))).0, HttpStatus::HeadersTooLarge);
    assert_eq!(answer(&"G".repeat(9_000)).0, HttpStatus::UriTooLong);
}

#[test]
fn many_requests_may_come_at_once_but_not_for_ever() {
    let mut came = BytesMut::from(&*get("/", "").repeat(40));
    let mut http = Http::new(false);
    let closes: Vec<bool> = (0..32).map(|_| http.take(&mut came, &site(), NOW).unwrap().closes).collect();
    assert_eq!(closes.iter().position(|closes| *closes), Some(31));
}

// ---- The way to a WebSocket ----

const UPGRADE: [&str; 6] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: chat, hubbub.v1",
    "Origin: http://here:7402",
];

/// The usual headers, of which those with the name of the first one are replaced by it.
fn upgrade(header: &str) -> String {
    let name = header.split(':').next().unwrap();
    let others = UPGRADE.into_iter().filter(|line| line.split(':').next() != Some(name));
    let lines: Vec<&str> = others.chain([header].into_iter().filter(|line| line.contains(": "))).collect();
    get("/ws", &format!("{}\r\n", lines.join("\r\n")))
}

#[test]
fn upgrades_that_may_be() {
    for header in [
        "User-Agent: x",
        "Origin",
        "Origin: HTTP://HERE:7402",
        "Origin: https://chat.example",
        "Connection: keep-alive, upgrade",
        "Upgrade: h2c, WEBSOCKET",
        "Sec-WebSocket-Protocol: hubbub.v1",
        "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: hubbub.v1",
        "Sec-WebSocket-Extensions: permessage-deflate",
    ] {
        let (status, closes, head, _) = answer(&upgrade(header).replacen("HTTP://", "http://", 1));
        assert_eq!((status, closes), (HttpStatus::SwitchingProtocols, false), "{header}");
        assert!(!head.contains("Extensions"));
    }
}

#[test]
fn upgrades_that_may_not_be_say_why() {
    use HttpStatus::*;
    use UpgradeRefusal as Why;
    for (header, status, why) in [
        ("Connection: close", UpgradeRequired, Why::NotWebsocket),
        ("Upgrade: h2c", UpgradeRequired, Why::NotWebsocket),
        ("Upgrade", UpgradeRequired, Why::NotWebsocket),
        ("Sec-WebSocket-Version: 8", UpgradeRequired, Why::Version),
        ("Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13", UpgradeRequired, Why::Version),
        ("Sec-WebSocket-Version", UpgradeRequired, Why::Version),
        ("Sec-WebSocket-Key: short", BadRequest, Why::Key),
        ("Sec-WebSocket-Key", BadRequest, Why::Key),
        ("Origin: https://here:7402", Forbidden, Why::Origin),
        ("Origin: http://here", Forbidden, Why::Origin),
        ("Origin: http://chat.example", Forbidden, Why::Origin),
        ("Origin: https://chat.example.evil", Forbidden, Why::Origin),
        ("Origin: null", Forbidden, Why::Origin),
        ("Origin: http://here:7402\r\nOrigin: http://here:7402", Forbidden, Why::Origin),
        ("Sec-WebSocket-Protocol: hubbub.v2", BadRequest, Why::Subprotocol),
        ("Sec-WebSocket-Protocol", BadRequest, Why::Subprotocol),
    ] {
        let refused = ask(&upgrade(header)).unwrap();
        assert_eq!((refused.status, refused.refusal), (status, Some(why)), "{header}");
        let (_, _, head, _) = answer(&upgrade(header));
        let asks = head.contains("\r\nSec-WebSocket-Version: 13\r\n") && head.contains("\r\nUpgrade: websocket\r\n");
        assert_eq!(asks, status == UpgradeRequired, "{header}");
    }
}

#[test]
fn over_tls_our_origin_is_https() {
    let ask = |origin: &str| {
        let mut came = BytesMut::from(&*upgrade(&format!("Origin: {origin}://here:7402")));
        Http::new(true).take(&mut came, &site(), NOW).unwrap().status
    };
    assert_eq!((ask("https"), ask("http")), (HttpStatus::SwitchingProtocols, HttpStatus::Forbidden));
}
