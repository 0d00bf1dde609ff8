//! The operator's endpoint: `GET /metrics` and `GET /healthz` over HTTP/1, on an address and a thread of its own.
//!
//! It also keeps the once-a-second chores that belong to no shard: the disk's free space and the recorder's upkeep.
//! Requests have no body and small headers, connections are few and have a deadline; a scraper can cost the server
//! nothing but the scrape.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use crate::disk_space::FreeSpace;
use crate::metrics::{Exporter, NodeMetrics};
use crate::process::Usage;

/// Scrapers and health checks at one time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 32;
/// A connection may live this long, however slowly it reads.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);
const HEADER_DEADLINE: Duration = Duration::from_secs(5);
const HEADER_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 32;
const CHORES_PERIOD: Duration = Duration::from_secs(1);
/// How long accepting pauses when it fails for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The media type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether clients are served, as `/healthz` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Health {
    /// Not yet: 503.
    Starting,
    /// Yes: 200.
    Ready,
    /// No more: 503.
    Stopping,
}

/// What the endpoint shows and keeps.
pub struct Sources {
    /// The process's recorder.
    pub exporter: Exporter,
    /// Where the disk and the process are shown.
    pub node: NodeMetrics,
    /// The disk, sampled here once a second.
    pub disk: Arc<FreeSpace>,
    /// Runs before each scrape, for figures that are only worth asking for then, such as store sizes. It must not
    /// block for long.
    pub before_scrape: Box<dyn Fn(&NodeMetrics) + Send>,
}

/// The running endpoint; stops when dropped.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    health: Arc<AtomicU8>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Binds the address and starts the thread; `/healthz` says `starting`.
    ///
    /// # Errors
    /// The address cannot be bound or the thread cannot be started.
    pub fn start(listen: SocketAddr, sources: Sources) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let health = Arc::new(AtomicU8::new(Health::Starting as u8));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shown = health.clone();
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            let tasks = tokio::task::LocalSet::new();
            tasks.block_on(&runtime, serve(listener, Endpoint { sources, health: shown }, stopped));
        })?;
        Ok(Self { address, health, stop: Some(stop), thread: Some(thread) })
    }

    /// The address really bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `/healthz` says from now on.
    pub fn set_health(&self, health: Health) {
        self.health.store(health as u8, Relaxed);
    }

    /// Ends the thread and its connections.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // A panic there has already ended the process.
        }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.end();
    }
}

struct Endpoint {
    sources: Sources,
    health: Arc<AtomicU8>,
}

async fn serve(listener: TcpListener, endpoint: Endpoint, stopped: oneshot::Receiver<()>) {
    let endpoint = std::rc::Rc::new(endpoint);
    tokio::select! {
        () = accept_loop(listener, endpoint.clone()) => {}
        () = chores_loop(&endpoint.sources) => {}
        _ = stopped => {}
    }
}

async fn accept_loop(listener: TcpListener, endpoint: std::rc::Rc<Endpoint>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a non-blocking listener inside a runtime");
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let Ok((socket, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let endpoint = endpoint.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let response = endpoint.answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_DEADLINE)
                .max_headers(HEADERS_MAX)
                .max_buf_size(HEADER_BYTES_MAX)
                .serve_connection(TokioIo::new(socket), service);
            let _ = timeout(CONNECTION_DEADLINE, connection).await; // A scraper that fails tells its own operator.
            drop(place);
        });
    }
}

async fn chores_loop(sources: &Sources) {
    let mut ticks = interval(CHORES_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        sources.exporter.run_upkeep();
        sample_disk(&sources.disk);
    }
}

fn sample_disk(disk: &FreeSpace) {
    match disk.sample() {
        Ok(Some(true)) => {
            warn!("the disk is nearly full ({} bytes free): sends are refused, reads go on", disk.free_bytes())
        }
        Ok(Some(false)) => info!("the disk has room again ({} bytes free): sends are accepted", disk.free_bytes()),
        Ok(None) => {}
        Err(error) => warn!("the free space of the disk is not known: {error}"),
    }
}

impl Endpoint {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is served here\n".to_owned());
            response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/healthz" => self.healthz(),
            _ => text(StatusCode::NOT_FOUND, "here are /metrics and /healthz\n".to_owned()),
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        let Sources { exporter, node, disk, before_scrape } = &self.sources;
        before_scrape(node);
        node.set_disk(disk.free_bytes(), disk.is_full());
        match Usage::now() {
            Ok(usage) => node.set_usage(&usage),
            Err(error) => warn!("this process's usage is not known: {error}"),
        }
        let mut response = text(StatusCode::OK, exporter.render());
        response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(METRICS_TYPE));
        response
    }

    fn healthz(&self) -> Response<Full<Bytes>> {
        let health = self.health.load(Relaxed);
        if health == Health::Ready as u8 {
            text(StatusCode::OK, "ok\n".to_owned())
        } else if health == Health::Stopping as u8 {
            text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned())
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned())
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
