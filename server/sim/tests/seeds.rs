//! Some hundreds of short worlds, on every test run.

/// Enough for each kind of fault to meet each kind of request; few enough for a few seconds.
const SEEDS: u64 = 600;
const STEPS: usize = 1_500;

#[test]
fn what_is_promised_holds_in_every_world() {
    for seed in 0..SEEDS {
        if let Err(failure) = hubbub_sim::run(seed, STEPS, false) {
            panic!("seed {seed}: {failure}");
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
