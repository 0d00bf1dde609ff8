//! What it costs a server to show its metrics: 15,000 sessions under a mixed load, and one scrape a second.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::harness;
use super::target::{Binaries, Target};
use super::workload::{Point, Record, Sample};

/// Sessions that are open meanwhile.
const CLIENTS: u64 = 15_000;
/// Time between two scrapes.
const PERIOD: Duration = Duration::from_secs(1);
/// The thread that answers and keeps the store's figures fresh.
const THREAD: &str = "probes";
/// How long everybody may take to log in.
const PATIENCE: Duration = Duration::from_secs(300);

/// Scrapes while the load harness lets everybody talk: how long the slowest scrape took, and what part of a core all of
/// them used, the once-a-second look at the store included.
///
/// # Errors
/// The harness failed, or the server shows no metrics.
pub(super) fn scrape(binaries: &Binaries, target: &Target, scrapes: u32, record: Record<'_>) -> anyhow::Result<()> {
    let metrics = target.metrics.context("only a server has metrics")?;
    let duration = format!("{}s", u64::from(scrapes) * PERIOD.as_secs() + 5);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            harness::run(binaries, target, |command| {
                command.args(["mixed", "--clients", &CLIENTS.to_string(), "--rate", "2000", "--group-rate", "50"]);
                command.args(["--duration", &duration, "--ramp", "1s", "--connect-rate", "5000"]);
            })
        });
        let deadline = Instant::now() + PATIENCE;
        while shown(&get(metrics)?, "hubbub_sends_total") < 1.0
            || shown(&get(metrics)?, "hubbub_devices_logged_in") < CLIENTS as f64 * 0.95
        {
            ensure!(Instant::now() < deadline && !load.is_finished(), "not everybody is there after {PATIENCE:?}");
            std::thread::sleep(PERIOD);
        }
        let (before, begun) = (cpu_ns(target.pid())?, Instant::now());
        let mut times = Vec::new();
        for n in 1..=scrapes {
            let asked = Instant::now();
            let page = get(metrics)?;
            times.push(asked.elapsed());
            ensure!(shown(&page, "hubbub_devices_logged_in") > CLIENTS as f64 * 0.9, "they left");
            std::thread::sleep((PERIOD * n).saturating_sub(begun.elapsed()));
        }
        let share = (cpu_ns(target.pid())? - before) as f64 / begun.elapsed().as_nanos() as f64;
        times.sort();
        let sample = |value| Sample { value, rate: 0.0, cpus: share };
        record(Point::ScrapeMedian, sample(times[times.len() / 2].as_secs_f64() * 1e3));
        record(Point::ScrapeSlowest, sample(times[times.len() - 1].as_secs_f64() * 1e3));
        record(Point::ScrapeCpu, sample(share * 1e2));
        load.join().map_err(|_| anyhow::anyhow!("the harness panicked"))??;
        Ok(())
    })
}

fn get(metrics: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(metrics)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// A metric without labels; 0 when it is not there.
fn shown(page: &str, name: &str) -> f64 {
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_default()
}

/// CPU time of [`THREAD`], in nanoseconds.
fn cpu_ns(pid: u32) -> anyhow::Result<u64> {
    for thread in fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task"))? {
        let thread = thread?.path();
        if fs::read_to_string(thread.join("comm"))?.trim() == THREAD {
            let text = fs::read_to_string(thread.join("schedstat"))?;
            return Ok(text.split_whitespace().next().context("an empty schedstat")?.parse()?);
        }
    }
    anyhow::bail!("the server has no thread {THREAD}")
}
