//! What machines ask of a running server: `GET /metrics` and `GET /healthz`, without authentication.
//!
//! It also keeps the once-a-second chores that belong to no shard: the disk's free space, and what the store tells of
//! itself.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode};
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::disk_space::FreeSpace;
use crate::endpoint::{Answer, Bounds, Endpoint, accept_loop, text, wrong_method};
use crate::metrics::{Exporter, NodeMetrics};
use crate::process::Usage;

/// Scrapers and health checks.
const BOUNDS: Bounds = Bounds { connections_max: 32, connection_deadline: Duration::from_secs(60) };
const CHORES_PERIOD: Duration = Duration::from_secs(1);
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
    /// Runs once a second, for figures that cost too much for each scrape, such as what the store tells of itself. It
    /// must not block for long.
    pub each_second: Box<dyn Fn() + Send>,
    /// Runs before each scrape, for figures that must be of that moment. It must cost microseconds.
    pub before_scrape: Box<dyn Fn(&NodeMetrics) + Send>,
}

/// The running endpoint; stops when dropped.
#[derive(Debug)]
pub struct Probes {
    endpoint: Endpoint,
    health: Arc<AtomicU8>,
}

impl Probes {
    /// Binds the address and starts the thread; `/healthz` says `starting`.
    ///
    /// # Errors
    /// The address cannot be bound or the thread cannot be started.
    pub fn start(listen: SocketAddr, sources: Sources) -> io::Result<Self> {
        let health = Arc::new(AtomicU8::new(Health::Starting as u8));
        let page = Page { sources, health: health.clone() };
        let endpoint = Endpoint::start(listen, "probes", |listener| serve(listener, page))?;
        Ok(Self { endpoint, health })
    }

    /// The address really bound.
    pub fn address(&self) -> SocketAddr {
        self.endpoint.address()
    }

    /// What `/healthz` says from now on.
    pub fn set_health(&self, health: Health) {
        self.health.store(health as u8, Relaxed);
    }

    /// Ends the thread and its connections.
    pub fn stop(self) {
        self.endpoint.stop();
    }
}

struct Page {
    sources: Sources,
    health: Arc<AtomicU8>,
}

async fn serve(listener: TcpListener, page: Page) {
    let page = Rc::new(page);
    let shown = page.clone();
    let answer = move |request| std::future::ready(shown.answer(&request));
    tokio::select! {
        () = accept_loop(listener, BOUNDS, answer) => {}
        () = chores_loop(&page.sources) => {}
    }
}

async fn chores_loop(sources: &Sources) {
    let mut ticks = interval(CHORES_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        (sources.each_second)();
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

impl Page {
    fn answer<B>(&self, request: &Request<B>) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return wrong_method("GET, HEAD");
        }
        match request.uri().path() {
            "/metrics" => self.metrics(),
            "/healthz" => self.healthz(),
            _ => text(StatusCode::NOT_FOUND, "here are /metrics and /healthz\n"),
        }
    }

    fn metrics(&self) -> Answer {
        let Sources { exporter, node, disk, before_scrape, .. } = &self.sources;
        before_scrape(node);
        node.set_disk(disk);
        node.set_ready(self.health.load(Relaxed) == Health::Ready as u8);
        match Usage::now() {
            Ok(usage) => node.set_usage(&usage),
            Err(error) => warn!("this process's usage is not known: {error}"),
        }
        let mut response = text(StatusCode::OK, exporter.render());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
        response
    }

    fn healthz(&self) -> Answer {
        let health = self.health.load(Relaxed);
        if health == Health::Ready as u8 {
            text(StatusCode::OK, "ok\n")
        } else if health == Health::Stopping as u8 {
            text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n")
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, "starting\n")
        }
    }
}

#[cfg(test)]
mod tests;
