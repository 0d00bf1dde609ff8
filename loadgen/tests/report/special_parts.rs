//! Storms, returns, presence and groups by size are shown where there were any, and what went wrong in them is seen.

use hubbub_loadgen::latency::Summary;
use hubbub_loadgen::report::comebacks::{FanoutBySize, Offline, Presence, Storm};
use hubbub_loadgen::report::markdown::summary;
use hubbub_loadgen::report::result::RunResult;

use super::{all, full, has_class, read_page, text};

fn times(us: u64) -> Option<Summary> {
    Some(Summary { p50: us, p90: 2 * us, p99: 5 * us, p999: 6 * us, max: 7 * us, mean: 1.0, count: 10, saturated: 0 })
}

fn class(members_from: u32, members_to: Option<u32>) -> FanoutBySize {
    let us = u64::from(members_from) * 100;
    FanoutBySize { members_from, members_to, first: times(us), median: times(2 * us), last: times(3 * us) }
}

fn special() -> RunResult {
    let mut result = full();
    result.latency_us.fanout_by_size = vec![class(10, Some(99)), class(100, Some(999)), class(10_000, None)];
    result.storm = Some(Storm { dropped: 500, synced_50_s: Some(0.7), synced_99_s: Some(2.5), ..Storm::default() });
    result.offline = Some(Offline { returned: 40, synced_all_s: Some(1.5), ..Offline::default() });
    result.presence = Some(Presence { watched: 900, wrong: 0, settled_s: 1.0 });
    result
}

#[test]
fn each_part_has_its_table() {
    let markdown = summary(&special());
    read_page(&special(), |root| {
        let headings: Vec<String> = all(root, "h2").into_iter().map(text).collect();
        for heading in ["Fan-out by group size", "Storm", "Return of those who were away", "Presence at the end"] {
            assert!(headings.iter().any(|one| one == heading), "{heading} in {headings:?}");
            assert!(markdown.contains(&format!("### {heading}\n")), "{heading}");
        }
        let faults: Vec<String> = all(root, "tr").into_iter().filter(|row| has_class(row, "fault")).map(text).collect();
        assert!(faults.contains(&"All synced afternever".to_owned()), "{faults:?}");
    });
    read_page(&full(), |root| assert!(!text(root).contains("Return of those")));
}

#[test]
fn classes_of_sizes_are_compared_in_a_picture() {
    let dots = |result: &RunResult| {
        read_page(result, |root| {
            let sizes = all(root, "figure").into_iter().find(|figure| has_class(figure, "sizes"));
            sizes.map(|figure| all(figure, "circle").len())
        })
    };
    assert_eq!(dots(&special()), Some(3 * 3 * 2), "first, middle and last, at 50% and 99%, of three classes");
    let mut one_class = special();
    one_class.latency_us.fanout_by_size.truncate(1);
    assert_eq!(dots(&one_class), None);
}

#[test]
fn watchers_who_saw_something_else_are_no_success() {
    let mut result = special();
    result.presence = Some(Presence { watched: 900, wrong: 3, settled_s: 10.0 });
    read_page(&result, |root| {
        let headline = all(root, "h1")[0];
        assert!(text(headline).starts_with("3 watchers saw") && has_class(&headline, "bad"), "{}", text(headline));
    });
}
