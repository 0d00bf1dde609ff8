//! Many worlds: all processors, the first failure of each seed, and the shortest run that still fails.

use crate::run;
use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Seeds that once found a fault, and with how many steps: they are run on every test run. A seed means another world
/// after each change of the simulator, so an old one only adds a world; what it found has a test of its own.
pub const REGRESSIONS: &[(u64, usize)] = &[(111_015, 3_000), (208_196, 2_910)];

/// A world in which something did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which world.
    pub seed: u64,
    /// The fewest steps that were found to fail.
    pub steps: usize,
    /// What did not hold after so many steps.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, steps, what } = self;
        write!(f, "seed {seed}: {what}\nrepeat it: make sim SEED={seed} STEPS={steps}")
    }
}

/// Runs a world, and on a failure looks for fewer steps that fail, too.
///
/// # Errors
/// What did not hold, in the shortest run that was found.
pub fn run_and_shrink(seed: u64, steps: usize) -> Result<(), Failure> {
    let Err(found) = run(seed, steps, false) else { return Ok(()) };
    let mut shortest = Failure { seed, steps: found.steps, what: found.what };
    // A world that rests earlier is another one, so failing is not monotone in the steps: this halving finds a short
    // run, not surely the shortest.
    let (mut passes, mut fails) = (0, found.steps);
    while passes + 1 < fails {
        let middle = passes.midpoint(fails);
        match run(seed, middle, false) {
            Ok(_) => passes = middle,
            Err(found) => {
                fails = found.steps.min(middle);
                shortest = Failure { seed, steps: fails, what: found.what };
            }
        }
    }
    Err(shortest)
}

/// Runs the worlds of these seeds on so many threads; every failure, by seed. Stops taking seeds after the first one
/// unless told to go on.
#[must_use]
pub fn run_many(seeds: Range<u64>, steps: usize, threads: usize, keep_going: bool) -> Vec<Failure> {
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    if let Err(failure) = run_and_shrink(seed, steps) {
                        failures.lock().expect("no thread panics with it").push(failure);
                        if !keep_going {
                            next.store(seeds.end, Relaxed);
                        }
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no thread panics with it");
    failures.sort_by_key(|failure: &Failure| failure.seed);
    failures
}
