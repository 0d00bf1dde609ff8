//! HTTP/1 for operators: a listener on an address and a thread of its own, whatever it answers.
//!
//! Connections are few and have a deadline, headers are small and come in time; who asks here can cost the server
//! nothing but the answer, and keeps no client waiting. What is answered is for `probes` (everybody who can connect) and
//! `admin` (who has the secret).

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

const HEADER_DEADLINE: Duration = Duration::from_secs(5);
/// Most bytes of a request's head.
pub(crate) const HEADER_BYTES_MAX: usize = 8 * 1024;
/// Most headers of a request.
pub(crate) const HEADERS_MAX: usize = 32;
/// How long accepting pauses when it fails for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is answered.
pub(crate) type Answer = Response<Full<Bytes>>;

/// What the connections of an endpoint may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections at one time; further ones wait to be accepted.
    pub(crate) connections_max: usize,
    /// A connection may live this long, however slowly it reads.
    pub(crate) connection_deadline: Duration,
}

/// A running endpoint; stops when dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Binds the address and starts a thread of that name, on which `serve` runs until the endpoint stops.
    ///
    /// # Errors
    /// The address cannot be bound or the thread cannot be started.
    pub(crate) fn start<S, F>(listen: SocketAddr, name: &str, serve: S) -> io::Result<Self>
    where
        S: FnOnce(tokio::net::TcpListener) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let tasks = tokio::task::LocalSet::new();
            tasks.block_on(&runtime, async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a non-blocking listener");
                tokio::select! {
                    () = serve(listener) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address really bound.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the thread and its connections.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // A panic there has already ended the process.
        }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.end();
    }
}

/// Accepts connections and answers their requests, for ever.
pub(crate) async fn accept_loop<A, F>(listener: tokio::net::TcpListener, bounds: Bounds, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + 'static,
    F: Future<Output = Answer> + 'static,
{
    let places = Arc::new(Semaphore::new(bounds.connections_max));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let answer = answer.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let answered = answer(request);
                async move { Ok::<_, Infallible>(answered.await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_DEADLINE)
                .max_headers(HEADERS_MAX)
                .max_buf_size(HEADER_BYTES_MAX)
                .serve_connection(TokioIo::new(socket), service);
            let _ = timeout(bounds.connection_deadline, connection).await; // Who fails here tells its own operator.
            drop(place);
        });
    }
}

/// An answer of plain text.
pub(crate) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

/// The answer to a method that is not served here.
pub(crate) fn wrong_method(allowed: &'static str) -> Answer {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, format!("only {allowed} is served here\n"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
