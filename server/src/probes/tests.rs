//! The endpoint over real sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;

use super::*;
use crate::config::Config;
use crate::endpoint::{HEADER_BYTES_MAX, HEADERS_MAX};

/// The process has one recorder, so the tests share it.
fn exporter() -> Exporter {
    static EXPORTER: OnceLock<Exporter> = OnceLock::new();
    EXPORTER.get_or_init(|| Exporter::install().unwrap()).clone()
}

fn started() -> Probes {
    let sources = Sources {
        exporter: exporter(),
        node: NodeMetrics::register(&Config::default()),
        disk: Arc::new(FreeSpace::new(std::path::Path::new("/"), 1).unwrap()),
        each_second: Box::new(|| {}),
        before_scrape: Box::new(|node| node.set_mailbox_ages([Duration::from_secs(7)])),
    };
    Probes::start("127.0.0.1:0".parse().unwrap(), sources).unwrap()
}

/// Sends bytes and reads until the server closes.
fn ask(probes: &Probes, request: &str) -> String {
    let mut socket = TcpStream::connect(probes.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may answer and close before it has read everything.
    let _ = socket.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(probes: &Probes, path: &str) -> String {
    ask(probes, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
}

#[test]
fn metrics_are_served_with_fresh_figures() {
    let probes = started();
    let answer = get(&probes, "/metrics");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("hubbub_mailbox_age_seconds{shard=\"0\"} 7"), "{answer}");
    let pid = format!("process_pid {}\n", std::process::id());
    assert!(answer.contains(&pid) && answer.contains("# TYPE process_cpu_seconds_total counter"), "{answer}");
    assert!(!answer.contains("hubbub_disk_free_bytes 0\n"), "{answer}");
}

#[test]
fn health_follows_the_server() {
    let probes = started();
    for (health, status, text) in
        [(None, "503", "starting"), (Some(Health::Ready), "200", "ok"), (Some(Health::Stopping), "503", "stopping")]
    {
        health.into_iter().for_each(|health| probes.set_health(health));
        let answer = get(&probes, "/healthz");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.contains(text), "{answer}");
    }
}

#[test]
fn everything_else_is_refused() {
    let probes = started();
    let long_header = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEADER_BYTES_MAX));
    let many_headers = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(HEADERS_MAX + 1));
    for (request, status) in [
        ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405"),
        (long_header.as_str(), "431"),
        (many_headers.as_str(), "431"),
        ("\0\0\0\x05hello\r\n\r\n", "400"),
    ] {
        let answer = ask(&probes, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request:?}: {answer}");
    }
}

#[test]
fn a_stopped_endpoint_is_gone_also_for_open_connections() {
    let probes = started();
    let address = probes.address();
    let mut silent = TcpStream::connect(address).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert!(get(&probes, "/healthz").contains("starting"));
    probes.stop();
    assert!(matches!(silent.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn an_address_in_use_is_an_error() {
    let probes = started();
    let sources = Sources {
        exporter: exporter(),
        node: NodeMetrics::register(&Config::default()),
        disk: Arc::new(FreeSpace::new(std::path::Path::new("/"), 1).unwrap()),
        each_second: Box::new(|| {}),
        before_scrape: Box::new(|_| {}),
    };
    let error = Probes::start(probes.address(), sources).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
