//! Dashboards and rules have something to show: a real Prometheus scrapes a server under load, and every expression is
//! asked for. A typing error in a metric's name, a metric that went away and a label that is not there all end here.

use crate::support::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Expressions that show nothing while all is well, each with the reason.
const MAY_BE_EMPTY: &str = include_str!("../../../deploy/grafana/may-be-empty.txt");

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// An expression with where it stands.
struct Shown {
    place: String,
    expression: String,
}

#[test]
fn every_expression_of_every_dashboard_and_rule_shows_something() {
    let server =
        open_to_strangers().tls(&Certificate::new()).unlimited().config("limits.body_bytes_max = 1000").start();
    let rules = deploy().join("prometheus/rules.yml");
    let harness = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let jobs = [("hubbub", server.metrics), ("hubbub-load", harness)];
    let Some(prometheus) = Prometheus::start(&rules, &jobs) else { return };
    let mut waiting = dashboard_expressions();
    assert!(waiting.len() > 80, "{}", waiting.len());
    waiting.extend(rule_expressions(&prometheus));
    waiting.retain(|shown| !may_be_empty(&shown.expression) || prometheus.query(&shown.expression).is_err());
    // A rate needs a value from before.
    wait_until("a first scrape", || prometheus.shows("hubbub_sends_total"));
    std::thread::scope(|scope| {
        let mut scenario = small("mixed", 60, 15.0);
        scenario.group.as_mut().unwrap().members = 30;
        scenario.community_users = Some(50);
        let shown = request(&server, scenario, &["--metrics-listen", &harness.to_string()]);
        scope.spawn(|| run_load(shown));
        scope.spawn(|| misbehave(&server));
        let end = Instant::now() + DEADLINE;
        while !waiting.is_empty() && Instant::now() < end {
            waiting.retain(|shown| !prometheus.shows(&shown.expression));
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let left: Vec<_> = waiting.iter().map(|Shown { place, expression }| format!("\n{place}: {expression}")).collect();
    assert!(left.is_empty(), "these show nothing:{}", left.concat());
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
}

/// What happens only when somebody is wrong, slow or unlucky.
fn misbehave(server: &Server) {
    registered(server, "Ada", "ada@example.org");
    let mut raw = greeted(server);
    raw.ask(by_email("ada@example.org", "the wrong password", 1));
    let (mut alice, _) = Raw::login_and_sync(server, 1, 9);
    alice.ask_in_vain(to_user(2, &"x".repeat(2_000)));
    alice.ask(to_user(2, "once"));
    alice.ask(Up::Send(message(hubbub_codec::proto::send::To::User(2), resent("once", 0), "once")));
}

fn may_be_empty(expression: &str) -> bool {
    let exceptions = MAY_BE_EMPTY.lines().filter(|line| !line.starts_with('#'));
    exceptions.filter_map(|line| line.split_once(": ")).any(|(part, _)| expression.contains(part))
}

fn dashboard_expressions() -> Vec<Shown> {
    let mut shown = Vec::new();
    for entry in std::fs::read_dir(deploy().join("grafana")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for panel in dashboard["panels"].as_array().expect("panels") {
                let targets = panel["targets"].as_array().into_iter().flatten();
                shown.extend(targets.map(|target| Shown {
                    place: format!("{}: {}", dashboard["title"], panel["title"]),
                    expression: with_variables(target["expr"].as_str().expect("an expression")),
                }));
            }
        }
    }
    shown
}

fn with_variables(expression: &str) -> String {
    let expression = expression.replace("$job", "hubbub").replace("$instance", ".*").replace("$__rate_interval", "15s");
    assert!(!expression.contains('$'), "a variable that is not known: {expression}");
    expression
}

/// Recording rules as they are; of alerts every selector, since the whole shows something only when somebody is to wake.
fn rule_expressions(prometheus: &Prometheus) -> Vec<Shown> {
    let rules = prometheus.rules();
    assert!(rules.len() > 30, "{}", rules.len());
    rules
        .iter()
        .flat_map(|rule| {
            let (name, query) = (rule["name"].as_str().unwrap(), rule["query"].as_str().unwrap());
            let expressions = match rule["type"].as_str() {
                Some("recording") => vec![name.to_owned()],
                _ => selectors(query),
            };
            expressions.into_iter().map(move |expression| Shown { place: name.to_owned(), expression })
        })
        .collect()
}

/// Metrics with their labels, as an expression names them.
fn selectors(query: &str) -> Vec<String> {
    let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == ':';
    let mut found = BTreeSet::new();
    let mut rest = query;
    while let Some(start) = rest.find(|character: char| character.is_ascii_alphabetic()) {
        rest = &rest[start..];
        let name = &rest[..rest.find(|character| !is_name(character)).unwrap_or(rest.len())];
        rest = &rest[name.len()..];
        let labels = match rest.strip_prefix('{').and_then(|rest| rest.find('}')) {
            Some(end) => &rest[..end + 2],
            None => "",
        };
        rest = &rest[labels.len()..];
        if ["hubbub_", "process_", "instance:", "instance_shard:", "up", "scrape_"]
            .iter()
            .any(|beginning| name.starts_with(beginning))
        {
            found.insert(format!("{name}{labels}"));
        }
    }
    found.into_iter().collect()
}

#[test]
fn every_runbook_that_is_named_is_there_and_every_one_is_named() {
    let runbooks = deploy().join("../docs/runbooks");
    let pages: BTreeSet<String> = std::fs::read_dir(&runbooks)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let rules = std::fs::read_to_string(deploy().join("prometheus/rules.yml")).unwrap();
    let named = |line: &str| line.trim().strip_prefix("runbook: docs/runbooks/").map(str::to_owned);
    let by_alerts: BTreeSet<String> = rules.lines().filter_map(named).collect();
    assert_eq!(pages, by_alerts);
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect::<Vec<_>>();
    let texts: String = pages.iter().map(|page| std::fs::read_to_string(runbooks.join(page)).unwrap()).collect();
    let index = std::fs::read_to_string(runbooks.join("README.md")).unwrap();
    for alert in &alerts {
        assert!(texts.contains(&format!("`{alert}`")) && index.contains(&format!("`{alert}`")), "{alert}");
    }
    for (page, dashboard) in dashboard_runbooks() {
        assert!(pages.contains(&page), "{dashboard} names {page}");
    }
}

fn dashboard_runbooks() -> Vec<(String, String)> {
    let mut named = Vec::new();
    for entry in std::fs::read_dir(deploy().join("grafana")).unwrap() {
        let path = entry.unwrap().path();
        let text = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { continue };
        let links = text.split("\"${runbooks}/").skip(1).filter_map(|rest| rest.split('"').next());
        named.extend(
            links.filter(|page| *page != "README.md").map(|page| (page.to_owned(), path.display().to_string())),
        );
    }
    named
}

#[test]
fn promtool_agrees() {
    let rules = deploy().join("prometheus");
    for words in
        [["check", "rules", "rules.yml"], ["test", "rules", "rules_test.yml"], ["check", "config", "prometheus.yml"]]
    {
        let Some(mut promtool) = Prometheus::promtool() else { return };
        let output = promtool.current_dir(&rules).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
