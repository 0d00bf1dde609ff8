//! Some hundreds of short worlds, on every test run.

use hubbub_sim::seeds::{REGRESSIONS, run_and_shrink, run_many};
use std::collections::BTreeSet;
use std::thread::available_parallelism;

/// Enough for each kind of fault to meet each kind of request; few enough for some seconds.
const SEEDS: u64 = 600;
const STEPS: usize = 1_500;

#[test]
fn what_is_promised_holds_in_every_world() {
    let threads = available_parallelism().map_or(1, usize::from);
    if let Some(failure) = run_many(0..SEEDS, STEPS, threads, false).first() {
        panic!("{failure}");
    }
}

/// A world in which nothing happens proves nothing.
#[test]
fn everything_happens() {
    let mut seen = BTreeSet::new();
    let (mut presences, mut lost, mut cuts) = (0, 0, 0);
    for summary in (0..120).flat_map(|seed| hubbub_sim::run(seed, STEPS, false)) {
        (presences, lost) = (presences + summary.presences, lost + summary.presences_lost);
        cuts += summary.cuts;
        seen.extend(summary.entries.into_keys());
    }
    assert!(presences > 0 && lost > 0 && cuts > 0, "{presences} presences, {lost} lost, {cuts} blocks");
    let kinds = [
        "added",
        "created",
        "deleted",
        "edited",
        "joined",
        "left",
        "message",
        "muted",
        "reacted",
        "removed",
        "retention",
        "revoked",
        "role",
        "updated",
    ];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), kinds);
}

#[test]
fn what_failed_once_holds_now() {
    for &(seed, steps) in REGRESSIONS {
        if let Err(failure) = run_and_shrink(seed, steps) {
            panic!("{failure}");
        }
    }
}

#[test]
fn a_seed_always_does_the_same() {
    for seed in 0..5 {
        let runs = [(); 2].map(|()| hubbub_sim::run(seed, STEPS, false).map(|summary| format!("{summary:?}")));
        assert_eq!(runs[0], runs[1]);
    }
}
