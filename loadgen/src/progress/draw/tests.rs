//! The dashboard as text: what stands where, on the smallest screen and on a large one.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::engine::plan::Plan;
use crate::engine::report::{Second, Setup};
use crate::latency::{Sparse, Times};
use crate::server_figures::Sample;

fn plan() -> Plan {
    let scenario = crate::scenario::Scenario { clients: 1_200, ..crate::scenario::Scenario::load("direct").unwrap() };
    let server = "127.0.0.1:7400";
    let plan = serde_json::json!({ "scenario": scenario, "seed": 1, "run_id": 1, "first_user": 1, "server": server });
    serde_json::from_value(plan).unwrap()
}

fn times(us: u64) -> Sparse {
    let mut times = Times::default();
    times.record(us);
    (&times).into()
}

/// Three seconds of one thread, the last of them measured.
fn series(plan: &Plan, late_us: u64) -> Series {
    let mut series = Series::new(1, plan);
    for at_s in 1..=3 {
        series.add(&Second {
            at_s,
            offered: 1_000 * u64::from(at_s),
            accepted: 990,
            delivered: 2_000,
            connected: 1_199,
            synced: 1_180,
            unanswered: 7,
            copies_in_flight: 13,
            cpu_ns: 420_000_000,
            waited_ns: 50_000_000,
            ack: times(8_000),
            delivery: times(5_000),
            slip: times(late_us),
            error_kinds: [("RateLimited".to_owned(), 4)].into_iter().collect(),
            ..Second::default()
        });
        let mut sample = Sample::default();
        (sample.pid, sample.cpu_us) = (Some(1), Some(u64::from(at_s) * 250_000));
        sample.rss_bytes = Some(64 << 20);
        series.add_sample(f64::from(at_s), sample);
    }
    series
}

fn screen(size: (u16, u16), moment: &Moment<'_>, said: &[String]) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(|frame| dashboard(frame, moment, said, false)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..size.1).map(|y| row(y).trim_end().to_owned()).collect()
}

fn traffic(size: (u16, u16), late_us: u64, said: &[String]) -> Vec<String> {
    let plan = plan();
    let series = series(&plan, late_us);
    let stage = Stage::Traffic { series: &series, elapsed_us: 5 * SECOND_US };
    screen(size, &Moment { plan: &plan, stage }, said)
}

/// Whether one row holds all of these, in their order.
fn has_row(rows: &[String], words: &[&str]) -> bool {
    rows.iter().any(|row| {
        let mut rest = row.as_str();
        words.iter().all(|word| match rest.split_once(word) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

#[test]
fn the_smallest_screen_has_everything() {
    let rows = traffic((80, 24), 300, &["the server was killed".to_owned()]);
    let expected: [&[&str]; 18] = [
        &["direct · 1,200 clients", "q: end the traffic"],
        &["measure · ", "s left"],
        &["Load", "Latency"],
        &["offered", "3,000", "last second", "measured"],
        &["accepted", "990", "acknowledged 99%", "8 ms", "8 ms"],
        &["delivered", "2,000", "delivered 50%", "5 ms", "5 ms"],
        &["1,199 logged in, 1,180 synced, of 1,200", "delivered 99%"],
        &["so far 2,970 of 6,000 accepted", "delivered max"],
        &["Server", "Generator"],
        &["CPU", "0.25 cores", "so far the figures are the server's"],
        &["memory", "64 MiB", "sends late 99%", "300 µs", "300 µs"],
        &["busiest shard", "–", "busiest thread", "42%", "42%"],
        &["commit 50%", "waited for CPU", "5%", "5%"],
        &["commit 99%", "unanswered", "7"],
        &["deepest mailbox", "copies on the way", "13"],
        &["sessions"],
        &["Errors", "News"],
        &["12  RateLimited", "the server was killed"],
    ];
    for words in expected {
        assert!(has_row(&rows, words), "{words:?} in\n{}", rows.join("\n"));
    }
}

#[test]
fn a_generator_at_its_limit_says_whose_figures_these_are_not() {
    let limit = traffic((80, 24), 7_000, &[]);
    assert!(has_row(&limit, &["its own limit: not the server's figures"]), "{}", limit.join("\n"));
    let unclear = traffic((80, 24), 3_000, &[]);
    assert!(has_row(&unclear, &["unclear whose figures these are"]), "{}", unclear.join("\n"));
}

#[test]
fn the_setup_says_how_far_it_is() {
    let plan = plan();
    let setups = [Setup { worker: 0, clients: 1_200, synced: 300, conversations: 600, opened: 0 }];
    let rows = screen((80, 24), &Moment { plan: &plan, stage: Stage::Setup(&setups) }, &["two processes".to_owned()]);
    assert!(has_row(&rows, &["300 of 1,200 clients logged in"]), "{}", rows.join("\n"));
    assert!(has_row(&rows, &["two processes"]));
}

#[test]
fn any_size_can_be_drawn() {
    for size in [(1, 1), (20, 5), (80, 10), (81, 25), (240, 80)] {
        let rows = traffic(size, 300, &["news".to_owned()]);
        assert_eq!(rows.len(), usize::from(size.1));
    }
}
