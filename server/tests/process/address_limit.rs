//! One address has at most `limits.connections_per_address_max` connections; one that it ends makes room.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};

fn from(server: &Server, address: [u8; 4]) -> Raw {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket.connect(&server.clients.into()).unwrap();
    Raw::over(TcpStream::from(socket))
}

#[test]
fn an_address_at_its_limit_is_turned_away_and_others_are_not() {
    let server = Setup::new().config("limits.connections_per_address_max = 3").start();
    // Users of both shards: a connection that moves stays counted.
    let mut here: Vec<Raw> = (1..=3)
        .map(|user| {
            let mut raw = from(&server, [127, 0, 0, 5]);
            raw.log_in(&server, user, 1);
            raw
        })
        .collect();
    let error = from(&server, [127, 0, 0, 5]).last_error();
    assert_eq!((error.code(), error.action()), (ErrorCode::Overloaded, Action::Retry));
    let mut other = from(&server, [127, 0, 0, 6]);
    other.log_in(&server, 4, 1);
    here.iter_mut().for_each(|raw| drop(raw.so_far()));
    drop(here.pop());
    server.wait_for_metric("hubbub_connections", |connections| connections == 3.0);
    let mut next = from(&server, [127, 0, 0, 5]);
    next.log_in(&server, 5, 1);
}
