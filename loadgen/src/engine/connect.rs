//! Connections: their pace, their source addresses, and the life of each.
//!
//! One small task for each client connects, reads until the connection is over, and begins anew when the session wants
//! it. Refusals are no reason to stop: the server may be restarting.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::route;
use super::thread::Thread;
use super::wire::OpenLine;
use crate::clock::{SECOND_US, now_us};

/// Most connections from one source address. Beyond it, finding a free port costs up to 0.4 ms (measured).
pub(super) const CONNECTIONS_PER_ADDRESS_MAX: u32 = 4_000;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Turns of at most so much time are made up for when the thread was late.
const MAKE_UP_US: u64 = 20_000;

/// The pace of connecting of one thread: so many a second, so many under way.
#[derive(Debug)]
pub(super) struct Pacer {
    under_way: Arc<Semaphore>,
    next_us: Cell<u64>,
    gap_us: Cell<u64>,
    /// Wakes who is away: it may be time to come back.
    recalled: Notify,
    /// The same for those who wait without a task.
    recall: Cell<bool>,
}

impl Pacer {
    pub(super) fn new(per_second: f64, under_way_max: u32) -> Self {
        Self {
            under_way: Arc::new(Semaphore::new(under_way_max.max(1) as usize)),
            next_us: Cell::new(0),
            gap_us: Cell::new((SECOND_US as f64 / per_second) as u64),
            recalled: Notify::new(),
            recall: Cell::new(false),
        }
    }

    /// From now on everybody connects when they want to.
    pub(super) fn lift(&self) {
        self.gap_us.set(0);
        self.next_us.set(0);
        self.under_way.add_permits(Semaphore::MAX_PERMITS / 2 - self.under_way.available_permits());
    }

    /// Lets everybody who is away look again when they are to come back.
    pub(super) fn recall(&self) {
        self.recalled.notify_waiters();
        self.recall.set(true);
    }

    /// Whether everybody was told to look again since the last call.
    pub(super) fn take_recall(&self) -> bool {
        self.recall.take()
    }

    /// When the next connection may begin, in microseconds of the clock.
    pub(super) fn next_us(&self) -> u64 {
        self.next_us.get()
    }

    /// A turn, if it has come: for those who wait without a task. What was missed for a little while is made up for.
    pub(super) fn try_admit(&self, now_us: u64) -> Option<OwnedSemaphorePermit> {
        if self.next_us.get() > now_us {
            return None;
        }
        let permit = Arc::clone(&self.under_way).try_acquire_owned().ok()?;
        self.next_us.set(self.next_us.get().max(now_us.saturating_sub(MAKE_UP_US)) + self.gap_us.get());
        Some(permit)
    }

    /// Waits for a turn; the next connection may begin while the permit of this one is held, up to the limit.
    async fn admit(&self) -> OwnedSemaphorePermit {
        let permit = Arc::clone(&self.under_way).acquire_owned().await;
        let at_us = self.next_us.get().max(now_us());
        self.next_us.set(at_us + self.gap_us.get());
        sleep_until(at_us).await;
        permit.expect("the semaphore is never closed")
    }
}

/// A client's life, from its first connection to the end of the run.
pub(super) async fn live(thread: Rc<RefCell<Thread>>, index: u32, pacer: Rc<Pacer>) {
    let (server, source) = thread.borrow().addresses(index);
    loop {
        let wanted_us = thread.borrow().connect_at_us(index);
        let Some(at_us) = wanted_us else {
            return;
        };
        if at_us > now_us() {
            let recalled = pacer.recalled.notified();
            tokio::select! {
                () = sleep_until(at_us) => {}
                () = recalled => {}
            }
            continue;
        }
        let permit = pacer.admit().await;
        thread.borrow_mut().begin_connecting(index);
        match connect(server, source).await {
            Ok(stream) => {
                let stream = Rc::new(stream);
                let opened = open(&thread, index, &stream).await;
                let line = match opened {
                    Ok(line) => line,
                    Err(error) => {
                        drop(permit);
                        thread.borrow_mut().handle_connect_error(index, &error);
                        continue;
                    }
                };
                thread.borrow_mut().handle_connected(index, Rc::clone(&stream), line, permit);
                let why = read_to_end(&thread, index, &stream).await;
                thread.borrow_mut().handle_disconnected(index, &why);
            }
            Err(error) => {
                drop(permit);
                thread.borrow_mut().handle_connect_error(index, &error);
            }
        }
    }
}

/// Goes through the handshakes that the client's transport has.
async fn open(thread: &RefCell<Thread>, index: u32, stream: &TcpStream) -> io::Result<Option<OpenLine>> {
    let line = thread.borrow().line(index);
    let Some(line) = line else { return Ok(None) };
    let mut line = line?;
    // In a box: a client is idle for most of its life, and its task should not keep room for this.
    let shaking = Box::pin(tokio::time::timeout(CONNECT_TIMEOUT, route::shake_hands(stream, &mut line)));
    let first = shaking.await.map_err(|_| io::Error::other("the handshakes took longer than 10 seconds"))??;
    Ok(Some(OpenLine { line, first }))
}

/// Reads until the connection is over; says why it is.
async fn read_to_end(thread: &RefCell<Thread>, index: u32, stream: &TcpStream) -> String {
    loop {
        if let Err(error) = stream.readable().await {
            return format!("read: {error}");
        }
        loop {
            match thread.borrow_mut().handle_readable(index, stream) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => return why,
            }
        }
    }
}

/// Waits until a blocked socket takes more, and goes on writing.
pub(super) async fn write_on(thread: Rc<RefCell<Thread>>, index: u32, stream: Rc<TcpStream>) {
    // A broken socket is the reader's affair.
    let _ = stream.writable().await;
    thread.borrow_mut().handle_writable(index);
}

pub(super) async fn connect(server: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = match server {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, socket.connect(server));
    let stream = connecting.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The address that a client connects from: on loopback one of 127.0.0.0/8 for each 4,000 clients, else what the system
/// chooses.
pub(super) fn source_address(server: SocketAddr, client: u32) -> Option<IpAddr> {
    if !server.is_ipv4() || !server.ip().is_loopback() {
        return None;
    }
    let block = client / CONNECTIONS_PER_ADDRESS_MAX;
    let [high, low] = u16::try_from(2 + block).unwrap_or(u16::MAX).to_be_bytes();
    Some(Ipv4Addr::new(127, 0, high, low).into())
}

/// Whether a failure to connect is for want of something on the generator's side.
pub(super) fn is_own_limit(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let own = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::ADDRINUSE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| own.contains(&errno))
}

async fn sleep_until(at_us: u64) {
    let wait_us = at_us.saturating_sub(now_us());
    if wait_us > 0 {
        tokio::time::sleep(Duration::from_micros(wait_us)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_address_serves_4_000_clients() {
        let server = "127.0.0.1:7400".parse().unwrap();
        let of = |client| source_address(server, client).unwrap().to_string();
        assert_eq!((of(0), of(3_999), of(4_000)), ("127.0.0.2".into(), "127.0.0.2".into(), "127.0.0.3".into()));
        assert_eq!(of(1_020_000), "127.0.1.1");
        assert_eq!(source_address("10.0.0.1:7400".parse().unwrap(), 0), None);
        assert_eq!(source_address("[::1]:7400".parse().unwrap(), 0), None);
    }

    #[test]
    fn want_of_descriptors_is_the_generators_own() {
        assert!(is_own_limit(&rustix::io::Errno::MFILE.into()));
        assert!(!is_own_limit(&rustix::io::Errno::CONNREFUSED.into()));
    }
}
