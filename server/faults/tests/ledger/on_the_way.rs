//! Frames that are lost, doubled or swapped on their way to a socket are put right by client sessions: they are counted, and
//! the ledger closes.

use super::{Outcome, pairs, run_with};

fn closes_with(faults: &str) -> Outcome {
    let outcome = run_with(faults, pairs(2.0));
    let ledger = &outcome.result.ledger;
    assert!(ledger.closed && ledger.faults.is_empty() && ledger.totals.accepted > 1_000, "{ledger:?}");
    outcome
}

#[test]
fn dropped_frames_are_repaired() {
    let outcome = closes_with("drop_frame=100");
    assert!(
        outcome.planted("drop_frame") > 10 && outcome.result.ledger.repaired_gaps > 0,
        "{:?}",
        outcome.result.ledger
    );
}

#[test]
fn doubled_frames_are_dropped() {
    let outcome = closes_with("double_frame=100");
    let (ledger, planted) = (&outcome.result.ledger, outcome.planted("double_frame"));
    assert!(ledger.dropped_duplicates >= planted, "{planted}: {ledger:?}");
    assert_eq!(ledger.repaired_gaps, 0);
}

#[test]
fn swapped_frames_are_repaired() {
    let outcome = closes_with("swap_frames=100");
    assert!(
        outcome.planted("swap_frames") > 10 && outcome.result.ledger.repaired_gaps > 0,
        "{:?}",
        outcome.result.ledger
    );
}
