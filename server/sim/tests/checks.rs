//! Every check can fail: a server with a fault is found out within some seeds, by a check that is meant for it.

use hubbub_sim::run_sabotaged;
use hubbub_sim::sabotage::Sabotage;

/// Worlds within which each fault must show.
const SEEDS: u64 = 200;
const STEPS: usize = 1_500;

#[test]
fn every_fault_is_found() {
    let passes: Vec<String> = Sabotage::ALL.iter().filter_map(|(sabotage, words)| missed(*sabotage, words)).collect();
    assert!(passes.is_empty(), "{}", passes.join("; "));
}

/// How a fault escaped the checks that are meant for it.
fn missed(sabotage: Sabotage, words: &[&str]) -> Option<String> {
    let found = (0..SEEDS).filter_map(|seed| Some(run_sabotaged(seed, STEPS, sabotage).err()?.what));
    let mut others = Vec::new();
    for what in found {
        if words.iter().any(|word| what.contains(word)) {
            return None;
        }
        others.push(what);
    }
    Some(match others.first() {
        None => format!("{sabotage:?} passes in {SEEDS} worlds"),
        Some(what) => format!("{sabotage:?} is found by other checks only: {what}"),
    })
}
