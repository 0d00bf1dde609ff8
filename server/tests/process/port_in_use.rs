//! A server that cannot have an address says so and does nothing else; the one that has it is not disturbed.

use crate::support::*;
use std::net::{SocketAddr, TcpListener};

const ANYWHERE: &str = "127.0.0.1:0";

fn anywhere() -> SocketAddr {
    ANYWHERE.parse().unwrap()
}

fn accounts(server: &Server) {
    drop(Raw::login(server, 10, 1));
    drop(Raw::login(server, 20, 1));
}

#[test]
fn a_second_server_is_refused_either_port() {
    let server = Server::start();
    accounts(&server);
    let dir = tempfile::tempdir().unwrap();
    let taken = [("listen", server.clients, anywhere()), ("metrics_listen", anywhere(), server.metrics)];
    for (key, clients, metrics) in taken {
        let address = if key == "listen" { clients } else { metrics };
        let said = Setup::new().start_in_vain(dir.path(), clients, metrics);
        assert!(said.contains(&format!("{key} = {address}")), "{said}");
        assert!(said.contains("choose another address"), "{said}");
        assert!(!dir.path().join("data/addresses.json").exists());
        // The first one serves on.
        assert!(matches!(Raw::login(&server, 10, 1).ask(to_user(20, key)), Down::Sent(_)));
        assert!(server.scrape().contains("hubbub_info"));
    }
}

#[test]
fn somebody_elses_port_is_refused_too() {
    let other = TcpListener::bind(ANYWHERE).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let said = Setup::new().start_in_vain(dir.path(), other.local_addr().unwrap(), anywhere());
    assert!(said.contains("cannot be bound"), "{said}");
}
