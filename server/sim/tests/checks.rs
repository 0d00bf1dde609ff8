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
    let mut broken = (0..SEEDS).filter_map(|seed| run_sabotaged(seed, STEPS, sabotage).err());
    let Some(found) = broken.next() else { return Some(format!("{sabotage:?} passes in {SEEDS} worlds")) };
    let meant = words.iter().any(|word| found.what.contains(word));
    (!meant).then(|| format!("{sabotage:?} is found by another check: {}", found.what))
}
