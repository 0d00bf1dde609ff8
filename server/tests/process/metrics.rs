//! What a running server exposes: every family is described and named by Prometheus' conventions, and no series comes
//! into being because people do something, so that nothing they do can make the page grow.

use crate::support::*;
use hubbub_server::metrics::{Kind, METRICS, Metric, labels_of};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;

/// Series of the page of a server with two shards, at most.
const SERIES_MAX: usize = 700;

/// A series: name and labels.
type Series = (String, BTreeMap<String, String>);

#[test]
fn every_family_is_described_and_bounded() {
    let server = Setup::new().tls(&Certificate::new()).start();
    let page = whole_page(&server);
    for Metric { name, kind, help, .. } in METRICS {
        assert!(page.contains(&format!("\n# HELP {name} {help}\n")), "{name} has no help");
        assert!(page.contains(&format!("\n# TYPE {name} {}\n", kind.name())), "{name} has no type, or another one");
    }
    assert!(page.contains("\nhubbub_ready 1\n"), "it is");
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: Vec<_> = types.map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(families.len(), METRICS.len(), "each family once: {families:?}");
    let series = series(&page);
    assert!(series.len() < SERIES_MAX, "{}", series.len());
    for (name, labels) in &series {
        let metric =
            METRICS.iter().find(|metric| is_of(name, metric)).unwrap_or_else(|| panic!("{name} is not listed"));
        let names: BTreeSet<_> = labels.keys().map(String::as_str).filter(|label| *label != "le").collect();
        assert_eq!(names, labels_of(metric.name).into_iter().collect(), "{name}");
        let plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte));
        assert!(labels.values().all(|value| value.len() <= 48 && plain(value)), "{name}: {labels:?}");
    }
}

#[test]
fn what_people_do_makes_no_series() {
    let server = Setup::new().unlimited().start();
    let before = series(&whole_page(&server));
    let mut scenario = small("mixed", 40, 1.0);
    (scenario.group.as_mut().unwrap().members, scenario.community_users) = (20, Some(30));
    let result = load(&server, scenario);
    assert!(result.is_good(), "{:?}", result.errors);
    server.wait_for_metric("hubbub_sends_total", |sends| sends > 0.0);
    TcpStream::connect(server.clients).unwrap().write_all(b"this is no frame at all\n").unwrap();
    server.wait_for_metric("hubbub_refusals_total", |refusals| refusals > 0.0);
    let after = series(&server.scrape());
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&Series>::new());
    assert_eq!(before.difference(&after).collect::<Vec<_>>(), Vec::<&Series>::new());
}

/// Shards show themselves as they start, these two last.
fn whole_page(server: &Server) -> String {
    let has = |page: &str, shard| page.contains(&format!("\nhubbub_shard_busy_seconds_total{{shard=\"{shard}\"}} "));
    wait_for("all series", || Some(server.scrape()).filter(|page| has(page, 0) && has(page, 1)))
}

fn is_of(series: &str, metric: &Metric) -> bool {
    let end = series.strip_prefix(metric.name);
    match metric.kind {
        Kind::Histogram(_) => matches!(end, Some("_bucket" | "_sum" | "_count")),
        _ => end == Some(""),
    }
}

fn series(page: &str) -> BTreeSet<Series> {
    let (_, body) = page.split_once("\r\n\r\n").expect("an HTTP answer");
    let samples = body.lines().filter(|line| !line.starts_with('#') && line.contains(' '));
    samples.map(|line| one_series(line.rsplit_once(' ').unwrap().0)).collect()
}

fn one_series(text: &str) -> Series {
    let Some((name, labels)) = text.split_once('{') else { return (text.to_owned(), BTreeMap::new()) };
    let labels = labels.trim_end_matches('}').split("\",").map(|label| {
        let (name, value) = label.split_once("=\"").expect("a label");
        (name.to_owned(), value.trim_end_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect())
}
