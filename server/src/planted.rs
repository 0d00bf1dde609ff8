//! Faults on purpose, so that the ledger of the load harness can be shown to find them. Compiled only with the feature
//! `planted-faults`, which no build of the server enables: `hubbub-faulty` in `server/faults` does.
//!
//! A build with this feature serves nobody unless [`VARIABLE`] names what it breaks, and its log says loudly that it does,
//! and in the end how often it did.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use hubbub_core::ids::Conversation;
use hubbub_core::request::{Request, SessionId};
use tracing::error;

/// The environment variable that names faults: `lose_body=1000,swap_frames=200` breaks one message in a thousand and one
/// frame in two hundred. It is no setting of the server, so its name does not begin like one.
pub const VARIABLE: &str = "PLANTED_FAULTS";

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A message is stored and shown without its body.
    LoseBody,
    /// A message is stored under two numbers.
    StoreTwice,
    /// Two messages of a session are stored in each other's place.
    Swap,
    /// A message is shown to those who are there, and stored without its body.
    LoseStored,
    /// A pushed frame of entries does not reach one socket.
    DropFrame,
    /// It is written twice.
    DoubleFrame,
    /// It is written after the next one of the same log.
    SwapFrames,
}

const FAULTS: [(Fault, &str); 7] = [
    (Fault::LoseBody, "lose_body"),
    (Fault::StoreTwice, "store_twice"),
    (Fault::Swap, "swap"),
    (Fault::LoseStored, "lose_stored"),
    (Fault::DropFrame, "drop_frame"),
    (Fault::DoubleFrame, "double_frame"),
    (Fault::SwapFrames, "swap_frames"),
];

/// How often each fault was planted by this process.
static PLANTED: [AtomicU64; FAULTS.len()] = [const { AtomicU64::new(0) }; FAULTS.len()];

/// How often each is planted: one in so many; 0: never.
static RATES: OnceLock<[u64; FAULTS.len()]> = OnceLock::new();

/// The variable does not name faults.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this build breaks messages on purpose, for tests of the load harness, and serves nobody unless {VARIABLE} names what it breaks: {problem}"
)]
pub struct Unnamed {
    problem: String,
}

/// Reads the variable, and says loudly what this process will do.
///
/// # Errors
/// The variable is not set, or is no list of `fault=one_in_so_many`.
pub fn begin() -> Result<(), Unnamed> {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let rates = parse(&text)?;
    error!("PLANTED FAULTS: this server breaks messages ON PURPOSE ({VARIABLE}={text}). It must never serve people.");
    RATES.get_or_init(|| rates);
    Ok(())
}

/// Says how often it did.
pub fn end() {
    error!("PLANTED FAULTS in this run: {}", Counts);
}

struct Counts;

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((_, name), count) in FAULTS.iter().zip(&PLANTED) {
            write!(f, "{name}={} ", count.load(Relaxed))?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<[u64; FAULTS.len()], Unnamed> {
    let mut rates = [0; FAULTS.len()];
    let problem = |problem: String| Unnamed { problem };
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let known = || FAULTS.map(|(_, name)| name).join(", ");
        let (name, rate) =
            word.split_once('=').ok_or_else(|| problem(format!("`{word}` is not like lose_body=1000")))?;
        let at = FAULTS.iter().position(|(_, known)| *known == name);
        let at = at.ok_or_else(|| problem(format!("there is no `{name}`; there are {}", known())))?;
        rates[at] = rate.parse().map_err(|_| problem(format!("`{rate}` is no number")))?;
    }
    match rates.iter().any(|rate| *rate > 0) {
        true => Ok(rates),
        false => Err(problem("it names none".to_owned())),
    }
}

/// What a shard knows of its faults.
#[derive(Debug, Default)]
pub(crate) struct Planting {
    seen: [u64; FAULTS.len()],
    /// Requests whose answers are for nobody.
    pub(crate) unanswered: Vec<(SessionId, u64)>,
    /// Messages that wait to change places with the next one there.
    pub(crate) held_messages: HashMap<(SessionId, Conversation), (u64, Request)>,
    /// Frames that wait for the next one there.
    pub(crate) held_frames: HashMap<(SessionId, Conversation), Bytes>,
}

impl Planting {
    /// Counts an opportunity; true when the fault is to be planted at it.
    pub(crate) fn is_due(&mut self, fault: Fault) -> bool {
        let at = FAULTS.iter().position(|(known, _)| *known == fault).expect("all faults are listed");
        let rate = RATES.get().map_or(0, |rates| rates[at]);
        self.seen[at] += 1;
        rate > 0 && self.seen[at].is_multiple_of(rate)
    }
}

/// A fault was planted.
pub(crate) fn note(fault: Fault) {
    let at = FAULTS.iter().position(|(known, _)| *known == fault).expect("all faults are listed");
    PLANTED[at].fetch_add(1, Relaxed);
}
