//! What people see while it runs: a dashboard on a terminal, plain lines elsewhere. It writes to standard error; standard
//! output is for the summary. Nothing here can fail a run, and nothing here is on the way of a message.
//!
//! | file | owns |
//! |---|---|
//! | `plain` | lines for logs and pipes |
//! | `live` | the terminal: taken, read for keys, and given back whatever happens |
//! | `draw` | what the dashboard looks like, from figures alone |
//! | `page` | the same for Prometheus, over HTTP |

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::engine::plan::Plan;
use crate::engine::report::Setup;
use crate::series::Series;

mod draw;
mod live;
mod page;
mod plain;

use anyhow::Context;
use live::Live;
use page::Page;
use plain::Plain;

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// A dashboard where there is a terminal, lines elsewhere.
    #[default]
    Auto,
    /// Lines.
    Plain,
    /// Not at all.
    Quiet,
}

/// Where a run is.
#[derive(Clone, Copy)]
pub enum Stage<'a> {
    /// Clients log in, conversations are opened.
    Setup(&'a [Setup]),
    /// Traffic or drain.
    Traffic {
        /// The seconds until now.
        series: &'a Series,
        /// From the start of the traffic.
        elapsed_us: u64,
    },
}

/// A run at one moment.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// What is run.
    pub plan: &'a Plan,
    /// Where it is.
    pub stage: Stage<'a>,
}

/// Something that shows a run. It decides itself how often.
trait View {
    /// One line that stays.
    fn say(&mut self, words: &str);

    /// The run now; called many times a second.
    fn show(&mut self, moment: &Moment<'_>);
}

/// The views of a run; their end gives the terminal back.
pub struct Progress(Vec<Box<dyn View>>);

impl Progress {
    /// A view by `mode`. Keys that ask for the end are counted in `interrupts`, as signals are.
    #[must_use]
    pub fn new(mode: Mode, interrupts: &Arc<AtomicU32>) -> Self {
        let is_terminal = std::io::stderr().is_terminal() && std::io::stdin().is_terminal();
        let live = || Live::start(Arc::clone(interrupts)).ok().flatten();
        match mode {
            Mode::Quiet => Self(Vec::new()),
            Mode::Auto if is_terminal => match live() {
                Some(live) => Self(vec![Box::new(live)]),
                None => Self(vec![Box::<Plain>::default()]),
            },
            Mode::Auto | Mode::Plain => Self(vec![Box::<Plain>::default()]),
        }
    }

    /// Also shows the run to Prometheus, at `http://LISTEN/metrics`.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn serve(&mut self, listen: SocketAddr) -> anyhow::Result<()> {
        let page = Page::start(listen).with_context(|| format!("--metrics-listen {listen} cannot be bound"))?;
        self.0.push(Box::new(page));
        Ok(())
    }

    /// One line that stays.
    pub fn say(&mut self, words: &str) {
        self.0.iter_mut().for_each(|view| view.say(words));
    }

    /// The run now.
    pub fn show(&mut self, moment: &Moment<'_>) {
        self.0.iter_mut().for_each(|view| view.show(moment));
    }

    /// Shows nothing more.
    pub fn finish(&mut self) {
        self.0.clear();
    }
}

/// How far a setup is: a word, a part from 0 to 1, and a sentence.
fn setup_words(setups: &[Setup], clients: u32) -> (&'static str, f64, String) {
    use crate::report::format::count;
    let sum = |field: fn(&Setup) -> u32| setups.iter().map(field).sum::<u32>();
    let (synced, opened, conversations) =
        (sum(|setup| setup.synced), sum(|setup| setup.opened), sum(|setup| setup.conversations));
    let part = |done: u32, all: u32| f64::from(done) / f64::from(all.max(1));
    let words = |done: u32, all: u32, what| format!("{} of {} {what}", count(done.into()), count(all.into()));
    match synced < clients {
        true => ("connect", part(synced, clients), words(synced, clients, "clients logged in")),
        false => ("open", part(opened, conversations), words(opened, conversations, "conversations open")),
    }
}

/// The phase of a traffic, and how much of the traffic is over, 0 to 1.
fn phase(plan: &Plan, elapsed_us: u64) -> (&'static str, f64) {
    let word = match elapsed_us {
        elapsed if elapsed < plan.ramp_us() => "ramp",
        elapsed if elapsed < plan.traffic_us() => "measure",
        _ => "drain",
    };
    (word, (elapsed_us as f64 / plan.traffic_us().max(1) as f64).min(1.0))
}
