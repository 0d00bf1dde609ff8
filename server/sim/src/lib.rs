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
//! | `client` | whoever speaks with the server: one of the next two |
//! | `device` | a plain device, which keeps the rules of the protocol in the core's language |
//! | `app` | an application of the client library, in bytes |
//! | `presence` | what a client was told of those it watches |
//! | `names` | conversations in the names of both |
//! | `ledger` | what must hold, whatever happens |
//! | `blocks` | who has blocked whom, and what may pass meanwhile |
//! | `dice` | all chance |
//! | `rules` | who may do what in a group, judged from its log |
//! | `sabotage` | faults of the server, to show that the checks find them |
//! | `seeds` | many worlds, and the shortest run that fails |

pub mod app;
pub mod blocks;
pub mod client;
pub mod device;
pub mod dice;
pub mod lanes;
pub mod ledger;
pub mod names;
pub mod presence;
pub mod rules;
pub mod sabotage;
pub mod seeds;
pub mod server;
pub mod world;

use sabotage::Sabotage;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::{Summary, World};

/// What did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Steps after which it is found, at most as many as were asked for.
    pub steps: usize,
    /// What the check said.
    pub what: String,
}

/// Runs the world of a seed.
///
/// # Errors
/// What did not hold, and after how many steps.
pub fn run(seed: u64, steps: usize, trace: bool) -> Result<Summary, Broken> {
    run_world(World::new(seed, trace), steps)
}

/// Runs the world of a seed with a fault in its server.
///
/// # Errors
/// What did not hold, and after how many steps.
pub fn run_sabotaged(seed: u64, steps: usize, sabotage: Sabotage) -> Result<Summary, Broken> {
    run_world(World::new(seed, false).sabotaged(sabotage), steps)
}

fn run_world(mut world: World, steps: usize) -> Result<Summary, Broken> {
    catch_unwind(AssertUnwindSafe(|| world.run(steps))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
        Broken { steps: world.steps(), what: text.to_owned() }
    })
}
