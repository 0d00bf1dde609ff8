//! A run for Prometheus: `GET /metrics` with what the clients see, second by second, beside what the server says of itself.
//!
//! The view renders the page once a second; a thread hands it to whoever connects, one after the other. A scraper can
//! cost a run nothing but the page.

use std::fmt::{Display, Write as _};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Moment, Stage, View};
use crate::report::result::Quantiles;
use crate::series::Series;

/// How often the page is rendered.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one scraper may take to ask and to read.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(500);
/// A request that is longer than this is none.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// See the module.
pub(super) struct Page {
    text: Arc<Mutex<String>>,
    rendered: Option<Instant>,
}

impl Page {
    /// Listens, for as long as the process lives.
    ///
    /// # Errors
    /// The address cannot be bound, or a thread not be started.
    pub(super) fn start(listen: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let page = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let _ = answer(stream, &page); // A scraper that fails tells its own operator.
            }
        })?;
        Ok(Self { text, rendered: None })
    }
}

impl View for Page {
    fn say(&mut self, _: &str) {}

    fn show(&mut self, moment: &Moment<'_>) {
        if self.rendered.is_none_or(|rendered| rendered.elapsed() >= PAUSE) {
            self.rendered = Some(Instant::now());
            *self.text.lock().unwrap_or_else(PoisonError::into_inner) = render(moment);
        }
    }
}

fn answer(mut stream: TcpStream, page: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(SCRAPE_TIMEOUT))?;
    stream.set_write_timeout(Some(SCRAPE_TIMEOUT))?;
    let (mut request, mut part) = (Vec::new(), [0; 1024]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&part[..read]),
        }
    }
    let (status, body) = match request.starts_with(b"GET /metrics ") {
        true => ("200 OK", page),
        false => ("404 Not Found", "here is /metrics\n"),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

/// The page of a moment. During the setup there are only clients.
fn render(moment: &Moment<'_>) -> String {
    let mut page = String::new();
    let scenario = &moment.plan.scenario;
    metric(&mut page, "clients", "gauge", "Clients of the scenario.", &[("", f64::from(scenario.clients))]);
    match moment.stage {
        Stage::Setup(setups) => synced(&mut page, setups.iter().map(|setup| setup.synced).sum()),
        Stage::Traffic { series, .. } => traffic(&mut page, series),
    }
    page
}

fn synced(page: &mut String, clients: u32) {
    metric(page, "clients_synced", "gauge", "Clients that are logged in and have caught up.", &[("", clients.into())]);
}

fn traffic(page: &mut String, series: &Series) {
    let sofar = series.sofar();
    synced(page, sofar.synced());
    for (name, help, value) in [
        ("sends_offered_total", "Messages that the schedule wanted to be sent.", sofar.offered),
        ("sends_accepted_total", "Messages that were acknowledged.", sofar.accepted),
        ("deliveries_total", "Copies that reached recipients other than the sender.", sofar.delivered),
        ("errors_total", "Errors of all kinds that clients met.", sofar.errors.values().sum()),
    ] {
        metric(page, name, "counter", help, &[("", value as f64)]);
    }
    for (name, help, value) in [
        ("sends_unanswered", "Messages that were sent and have no answer yet.", sofar.unanswered()),
        ("copies_in_flight", "Copies that are due and have not arrived yet.", sofar.copies_in_flight()),
    ] {
        metric(page, name, "gauge", help, &[("", value as f64)]);
    }
    let newest = series.newest(1);
    let Some(point) = newest.first() else { return };
    quantiles(page, "ack_seconds", "Intended send to acknowledgement, in the newest second.", point.ack);
    quantiles(page, "delivery_seconds", "Intended send to each recipient, in the newest second.", point.delivery);
    quantiles(page, "fanout_last_seconds", "Intended send to the last recipient in a group.", point.fanout_last);
    let late = point.slip_us_p99.map_or(0.0, |slip| slip as f64 / 1e6);
    metric(page, "slip_seconds", "gauge", "How late messages were sent that the schedule wanted: p99.", &[("", late)]);
    let busiest = point.generator_busiest.unwrap_or_default();
    metric(
        page,
        "thread_busy_ratio",
        "gauge",
        "CPU of the generator's busiest thread: 1 is one core.",
        &[("", busiest)],
    );
}

fn quantiles(page: &mut String, name: &str, help: &str, quantiles: Option<Quantiles>) {
    let Some(Quantiles { p50, p99, p999, max }) = quantiles else { return };
    let values = [("0.5", p50), ("0.99", p99), ("0.999", p999), ("1", max)];
    let values = values.map(|(quantile, us)| (format!("{{quantile=\"{quantile}\"}}"), us as f64 / 1e6));
    metric(page, name, "gauge", help, &values);
}

fn metric(page: &mut String, name: &str, kind: &str, help: &str, values: &[(impl Display, f64)]) {
    let _ = writeln!(page, "# HELP hubbub_load_{name} {help}\n# TYPE hubbub_load_{name} {kind}");
    for (labels, value) in values {
        let _ = writeln!(page, "hubbub_load_{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_page_is_handed_out_and_nothing_else_is() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let page = Page::start(address).unwrap();
        *page.text.lock().unwrap() = "hubbub_load_clients 5\n".to_owned();
        let answer = ask(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhubbub_load_clients 5\n"), "{answer}");
        assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn quantiles_are_in_seconds() {
        let mut page = String::new();
        let of = Quantiles { p50: 1_000, p99: 20_000, p999: 30_000, max: 2_000_000 };
        quantiles(&mut page, "ack_seconds", "Help.", Some(of));
        assert!(page.contains("\nhubbub_load_ack_seconds{quantile=\"0.99\"} 0.02\n"), "{page}");
        assert!(
            page.contains("# TYPE hubbub_load_ack_seconds gauge\n") && page.ends_with("{quantile=\"1\"} 2\n"),
            "{page}"
        );
    }
}
