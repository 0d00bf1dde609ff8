//! Limits by address count the address that a trusted proxy names.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use std::net::TcpStream;

fn behind_proxy(server: &Server, address: &str) -> Raw {
    let mut raw = Raw::over(TcpStream::connect(server.clients).unwrap());
    raw.write_all(&proxy_header(address)).unwrap();
    raw
}

#[test]
fn connections_and_logins_count_where_the_client_is() {
    let limits = "proxy.trusted = [\"127.0.0.1\"]\nlimits.connections_per_address_max = 2\n\
                  limits.address_logins_per_minute = 1\nlimits.address_logins_burst = 2";
    let server = Setup::new().config(limits).start();
    let mut here = [(); 2].map(|()| behind_proxy(&server, "198.51.100.1"));
    for (user, raw) in (1..).zip(&mut here) {
        raw.log_in(&server, user, 1);
    }
    assert_eq!(behind_proxy(&server, "198.51.100.1").last_error().code(), ErrorCode::Overloaded);
    // The others of an IPv6 customer count together.
    let mut there = ["2001:db8::1", "2001:db8::2"].map(|address| behind_proxy(&server, address));
    there.iter_mut().for_each(|raw| drop(raw.hello()));
    assert_eq!(behind_proxy(&server, "2001:db8::3").last_error().code(), ErrorCode::Overloaded);
    here.iter_mut().for_each(|raw| drop(raw.so_far()));
    server.wait_for_metric("hubbub_closes_total{reason=\"address_limit\"}", |count| count == 2.0);

    // Logins that fail are charged to the client as well: a third with a password has to wait, elsewhere it is looked at.
    let guess = |address: &str| {
        let mut raw = behind_proxy(&server, address);
        raw.hello();
        raw.ask_in_vain(by_email("nobody@example.com", "not the password", 1)).code()
    };
    let codes: Vec<ErrorCode> = (0..3).map(|_| guess("203.0.113.5")).collect();
    assert_eq!(codes, [ErrorCode::WrongCredentials, ErrorCode::WrongCredentials, ErrorCode::RateLimited]);
    assert_eq!(guess("203.0.113.6"), ErrorCode::WrongCredentials);
}
