//! The listener for browsers, asked for pages: the chat page with its headers, and an answer, an end and nothing else for
//! whatever is no request.

use crate::support::*;
use std::io::Write;

fn get(path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: here\r\n{more}\r\n")
}

#[test]
fn the_page_and_its_files_come_with_their_headers() {
    let server = Server::start();
    let page = all_said_to(&server, get("/", "Connection: close\r\n").as_bytes());
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for header in [
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-cache",
        "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer",
        "Cross-Origin-Opener-Policy: same-origin",
        "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
    ] {
        assert!(page.split("\r\n").any(|line| line == header), "{header}: {page}");
    }
    let files: Vec<&str> = page.split('"').filter_map(|part| part.strip_prefix("./assets/")).collect();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let said = all_said_to(&server, get(&format!("/assets/{file}"), "Connection: close\r\n").as_bytes());
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{file}");
        assert!(said.contains("\r\nCache-Control: public, max-age=31536000, immutable\r\n"), "{file}");
    }
}

#[test]
fn requests_behind_each_other_are_answered_in_order_and_head_has_no_body() {
    let server = Server::start();
    let head = get("/", "").replacen("GET", "HEAD", 1);
    let asked = [get("/nothing", ""), head, get("/ws", ""), get("/", "Connection: close\r\n")].concat();
    let said = all_said_to(&server, asked.as_bytes());
    let statuses: Vec<&str> = said.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["404", "200", "426", "200"]);
    let of_head = said.split("HTTP/1.1 ").nth(2).unwrap();
    assert!(of_head.contains("Content-Length: ") && of_head.ends_with("\r\n\r\n"), "{of_head}");
}

#[test]
fn without_a_page_there_is_none() {
    let server = Setup::new().config("http.page = false").start();
    let said = all_said_to(&server, get("/", "Connection: close\r\n").as_bytes());
    assert!(said.starts_with("HTTP/1.1 404 "), "{said}");
    drop(Socket::login(&server, 1, 1));
}

#[test]
fn what_is_no_request_is_answered_once_and_harms_nobody() {
    let server = Server::start();
    let mut alice = Socket::login(&server, 501, 1);
    let many = format!("{}\r\n", "A: b\r\n".repeat(2_000));
    let long = get(&format!("/{}", "a".repeat(5_000)), "");
    for (bytes, status) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], "400"),
        (b"\0\0\0\x05hello", "400"),
        (b"hello there\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "413"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        (get("/", &many).as_bytes(), "431"),
        (long.as_bytes(), "414"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
    ] {
        let said = all_said_to(&server, bytes);
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
        assert!(said.contains("\r\nConnection: close\r\n"), "{said}");
        assert!(
            matches!(alice.ask(Up::Ping(hubbub_codec::proto::Ping { nonce: 7 })), Down::Pong(pong) if pong.nonce == 7)
        );
    }
}

#[test]
fn a_request_that_does_not_end_is_cut_off() {
    let server = Setup::new().config("limits.login_deadline_ms = 400").start();
    let part = &upgrade_request(&server, "hubbub.v1", "http://here")[..100];
    let said = all_said_to(&server, part.as_bytes());
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    // One that says nothing is not told anything.
    assert_eq!(all_said_to(&server, b""), "");
    // A byte now and then is no request either.
    let mut stream = connect_http(&server);
    let mut bytes = part.bytes().cycle();
    wait_until("the end of a request that trickles", || stream.write_all(&[bytes.next().unwrap()]).is_err());
}
