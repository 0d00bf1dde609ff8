//! Listening sockets: one for each shard on the same address, so that the kernel spreads connections over shards.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};

use crate::metrics::Transport;

/// Connections that wait to be accepted, per shard.
const BACKLOG: i32 = 4_096;

/// The sockets of one address, by shard, and how clients speak there.
#[derive(Debug)]
pub struct Bound {
    /// How clients speak.
    pub transport: Transport,
    /// One for each shard.
    pub sockets: Vec<TcpListener>,
}

/// Where clients really connect: a configured port 0 is the port that was found.
///
/// # Errors
/// The kernel does not say.
pub fn addresses(bound: &[Bound]) -> io::Result<Vec<(Transport, SocketAddr)>> {
    bound.iter().map(|bound| Ok((bound.transport, bound.sockets[0].local_addr()?))).collect()
}

/// Each shard's sockets, one of each address.
pub fn by_shard(bound: Vec<Bound>, shards: usize) -> Vec<Vec<(Transport, TcpListener)>> {
    let mut by_shard: Vec<Vec<_>> = (0..shards).map(|_| Vec::new()).collect();
    for Bound { transport, sockets } in bound {
        by_shard.iter_mut().zip(sockets).for_each(|(own, socket)| own.push((transport, socket)));
    }
    by_shard
}

/// Binds one listener for each shard; a port of 0 becomes the same free port for all.
///
/// # Errors
/// Somebody else already listens there (even one that would share the port with us), or the address is not ours.
pub fn bind(address: SocketAddr, shards: usize) -> io::Result<Vec<TcpListener>> {
    probe(address)?;
    let first = listener(address)?;
    let bound = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..shards {
        listeners.push(listener(bound)?);
    }
    Ok(listeners)
}

/// Without `SO_REUSEPORT` a bind fails where anybody listens; with it, two servers would split the clients.
fn probe(address: SocketAddr) -> io::Result<()> {
    let socket = socket(address)?;
    socket.bind(&address.into())
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Sockets of an earlier run that the kernel still remembers must not keep us from starting.
    socket.set_reuse_address(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shards_share_a_port_that_nobody_else_has() {
        let listeners = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        let taken = bind(address, 1).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
