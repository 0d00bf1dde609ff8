//! `docs/metrics.md`: what every metric is, from the list of them. A test keeps the file as it is written here.

use std::fmt::Write as _;

use metrics::Unit;

use super::labels::{
    AcceptFailure, CloseReason, FrameIn, FrameOut, HttpStatus, Limit, LoginMethod, ProxyHeader, Refusal, TlsFailure,
    Transport, UpgradeRefusal, WebsocketClose,
};
use super::names;
use super::{Kind, METRICS, Metric};

/// A label of some metrics, and the values that it has.
struct Label {
    name: &'static str,
    metrics: &'static [&'static str],
    values: &'static str,
}

/// Every label. Values come from closed lists, the configuration or the number of shards: their number is bounded.
const LABELS: &[Label] = &[
    Label {
        name: "shard",
        metrics: &[
            names::MAILBOX_DEPTH,
            names::MAILBOX_AGE,
            names::MAILBOX_BACKLOG,
            names::COMMIT_PENDING_BYTES,
            names::SHARD_BUSY_SECONDS,
            names::SHARD_TURNS,
        ],
        values: "number of the shard, from 0",
    },
    Label { name: "direction", metrics: &[names::FRAMES, names::FRAME_BYTES], values: "`in` or `out`" },
    Label { name: "kind", metrics: &[names::FRAMES, names::FRAME_BYTES], values: "kind of the frame" },
    Label {
        name: "reason",
        metrics: &[
            names::REFUSALS,
            names::CLOSES,
            names::TLS_FAILURES,
            names::UPGRADES_REFUSED,
            names::ACCEPT_FAILURES,
        ],
        values: "why",
    },
    Label { name: "status", metrics: &[names::HTTP_ANSWERS], values: "of the answer" },
    Label { name: "by", metrics: &[names::WEBSOCKET_CLOSES], values: "`client` or `server`" },
    Label { name: "code", metrics: &[names::WEBSOCKET_CLOSES], values: "code of the close" },
    Label { name: "transport", metrics: &[names::TRANSPORT_CONNECTIONS], values: "kind of listener" },
    Label {
        name: "outcome",
        metrics: &[names::TLS_HANDSHAKES, names::PROXY_HEADERS],
        values: "of a handshake `full`, or `resumed` by a ticket; of a header",
    },
    Label { name: "method", metrics: &[names::LOGINS], values: "how" },
    Label { name: "setting", metrics: &[names::LIMITED], values: "key of the configuration" },
    Label {
        name: "family",
        metrics: &[names::STORE_BYTES, names::STORE_MEMTABLE_BYTES, names::STORE_KEYS],
        values: "column family",
    },
    Label { name: "level", metrics: &[names::STORE_FILES], values: "0 to 6" },
    Label {
        name: "version",
        metrics: &[names::INFO, names::TLS_HANDSHAKES],
        values: "of the server, or of TLS (`1.2`, `1.3`)",
    },
    Label { name: "durability", metrics: &[names::INFO], values: "`fsync`, `os` or `none`" },
    Label { name: "shards", metrics: &[names::INFO], values: "number of shards" },
];

/// Sections of the page: the beginnings of the names that they hold. The last one holds the rest.
const SECTIONS: &[(&str, &[&str])] = &[
    (
        "Connections and sessions",
        &[
            "hubbub_connections",
            "hubbub_devices",
            "hubbub_trunk",
            "hubbub_frame",
            "hubbub_outbound",
            "hubbub_closes",
            "hubbub_tls",
            "hubbub_transport",
            "hubbub_http",
            "hubbub_upgrades",
            "hubbub_websocket",
            "hubbub_accept",
            "hubbub_proxy",
        ],
    ),
    ("Logins and passwords", &["hubbub_login", "hubbub_password"]),
    (
        "Messages",
        &[
            "hubbub_sends",
            "hubbub_entries",
            "hubbub_ack",
            "hubbub_fanout",
            "hubbub_pages",
            "hubbub_resends",
            "hubbub_resyncs",
            "hubbub_syncs",
            "hubbub_signals",
            "hubbub_calls",
            "hubbub_users",
            "hubbub_conversations",
        ],
    ),
    ("Refusals and limits", &["hubbub_refusals", "hubbub_limited"]),
    ("Shards", &["hubbub_shard", "hubbub_mailbox"]),
    ("Commits", &["hubbub_commit"]),
    ("Store and disk", &["hubbub_store", "hubbub_disk", "hubbub_storage"]),
    ("The process", &["process_"]),
    ("Others", &[""]),
];

/// The names of a metric's labels.
#[must_use]
pub fn labels_of(metric: &str) -> Vec<&'static str> {
    LABELS.iter().filter(|label| label.metrics.contains(&metric)).map(|label| label.name).collect()
}

/// The page.
#[must_use]
pub fn document() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut left: Vec<&Metric> = METRICS.iter().collect();
    for (title, beginnings) in SECTIONS {
        let belongs = |metric: &&Metric| beginnings.iter().any(|beginning| metric.name.starts_with(beginning));
        let (here, others): (Vec<_>, Vec<_>) = left.into_iter().partition(belongs);
        left = others;
        if !here.is_empty() {
            let _ = write!(page, "\n## {title}\n\n| name | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
            here.into_iter().for_each(|metric| page.push_str(&row(metric)));
        }
    }
    page + "\n## Labels\n\n| label | values |\n|---|---|\n" + &label_rows()
}

const INTRODUCTION: &str = "\
# Metrics

What a server tells at `http://METRICS_LISTEN/metrics` (Prometheus' text format). This page is written from the list in
`server/src/metrics/names.rs`; a test keeps it so (`UPDATE_DOCS=1 cargo test --release -p hubbub-server --lib document`).

Every series exists from the start of the server (a certificate's where TLS is on), so that a rate is right from its
first event on. Labels have closed lists of values: no user, conversation or address is ever one. Shards publish once a
second, and so does the store; what the process uses, the disk and the age of mailboxes are read at the scrape. A limit
stands beside what is used of it, under the same name with `max` in it.
";

fn row(metric: &Metric) -> String {
    let Metric { name, kind, help, .. } = metric;
    let labels = labels_of(name).join(", ");
    format!("| `{name}` | {} | {} | {labels} | {help} |\n", kind.name(), unit(metric))
}

fn unit(metric: &Metric) -> &'static str {
    match (metric.unit, metric.kind) {
        (Unit::Seconds, _) => "seconds",
        (Unit::Bytes, _) if metric.name.ends_with("_per_second") => "bytes per second",
        (Unit::Bytes, _) => "bytes",
        (_, Kind::Gauge) if metric.help.starts_with("1 while") || metric.help.starts_with("Always 1") => "0 or 1",
        _ => "",
    }
}

fn label_rows() -> String {
    let lists: [(&str, &[&[&str]]); 8] = [
        ("kind", &[FrameIn::LABELS, FrameOut::LABELS]),
        (
            "reason",
            &[Refusal::LABELS, CloseReason::LABELS, TlsFailure::LABELS, UpgradeRefusal::LABELS, AcceptFailure::LABELS],
        ),
        ("outcome", &[ProxyHeader::LABELS]),
        ("status", &[HttpStatus::LABELS]),
        ("code", &[WebsocketClose::LABELS]),
        ("transport", &[Transport::LABELS]),
        ("method", &[LoginMethod::LABELS]),
        ("setting", &[Limit::LABELS]),
    ];
    let values = |label: &Label| match lists.iter().find(|(name, _)| *name == label.name) {
        Some((_, lists)) => {
            let lists =
                lists.iter().map(|list| list.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "));
            format!("{}: {}", label.values, lists.collect::<Vec<_>>().join("; or "))
        }
        None => label.values.to_owned(),
    };
    LABELS.iter().map(|label| format!("| `{}` | {} |\n", label.name, values(label))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_committed_page_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == document(), "run the tests once with UPDATE_DOCS=1 and commit docs/metrics.md");
    }

    #[test]
    fn names_follow_the_conventions() {
        for Metric { name, kind, unit, help } in METRICS {
            let counts = matches!(kind, Kind::Counter | Kind::FractionalCounter);
            assert_eq!(name.ends_with("_total"), counts, "{name}: a counter ends in _total, and nothing else does");
            let stem = name.strip_suffix("_total").unwrap_or(name);
            let stem = stem.strip_suffix("_per_second").unwrap_or(stem);
            assert_eq!(stem.ends_with("_seconds"), *unit == Unit::Seconds, "{name}: {unit:?}");
            assert_eq!(stem.ends_with("_bytes"), *unit == Unit::Bytes, "{name}: {unit:?}");
            assert!(name.starts_with("hubbub_") || name.starts_with("process_"), "{name}");
            assert!(help.ends_with('.') && !help.contains(['|', '\n']), "{name}: {help}");
        }
    }
}
