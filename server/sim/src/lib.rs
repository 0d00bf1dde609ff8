//! Development only: a seeded simulator of shards, store, network and clients.
//!
//! It runs the real machine of `hubbub-core` in a world where everything that can be in another order is, drawn from
//! one seed, and checks at each step what `docs/` promises of delivery. A failure names its seed and the command that
//! repeats it.
//!
//! | file | owns |
//! |---|---|
//! | `world` | people, what they do, faults, and the end of a run |
//! | `server` | shards, lanes, batches and reads under way, the edge |
//! | `lanes` | bounded queues between shards |
//! | `store` | what is durable, in plain maps |
//! | `device` | a client that keeps the rules of the protocol |
//! | `ledger` | what must hold, whatever happens |
//! | `dice` | all chance |

pub mod device;
pub mod dice;
pub mod lanes;
pub mod ledger;
pub mod server;
pub mod store;
pub mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use world::{Summary, World};

/// Runs the world of a seed.
///
/// # Errors
/// What did not hold, with the command that repeats the run.
pub fn run(seed: u64, steps: usize, trace: bool) -> Result<Summary, String> {
    catch_unwind(AssertUnwindSafe(|| World::new(seed, trace).run(steps))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
        format!("{text}\nrepeat it: cargo run --release -p hubbub-sim -- --seed {seed} --steps {steps} --trace")
    })
}
