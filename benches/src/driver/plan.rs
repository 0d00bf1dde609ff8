//! What is measured against what, in which order, how often.

use std::collections::BTreeMap;
use std::time::Duration;

use super::harness;
use super::scrape;
use super::target::{Binaries, Kind, Target};
use super::workload::{self, Crowds, Placement, Point, Record, Sample, Times};

/// A part of the measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Section {
    /// One-to-one within one shard, one thread.
    Direct,
    /// Groups, one thread.
    Group,
    /// Idle connections and logins, one thread.
    Idle,
    /// One-to-one with the other durabilities, one thread.
    Durability,
    /// One-to-one on two threads, within a shard and across.
    Shards,
    /// The load harness itself, beside a server of one thread.
    Harness,
    /// Scrapes of the metrics of a server of two threads with 15,000 sessions under load.
    Scrape,
}

/// Messages that each sender keeps in flight, one after the other.
pub const IN_FLIGHT: [u64; 4] = [1, 8, 16, 64];
/// Groups: members, and how many of them send.
const GROUPS: [(usize, usize); 4] = [(100, 1), (100, 8), (1_000, 1), (1_000, 8)];

/// How much of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often everything is measured, in turns.
    pub rounds: usize,
    /// How often, at most, idle crowds are: they take long and vary little.
    pub idle_rounds: usize,
    /// The parts.
    pub sections: Vec<Section>,
    /// Pairs that talk one to one.
    pub pairs: usize,
    /// Messages that each of their senders keeps in flight.
    pub in_flight: Vec<u64>,
    /// How long each point takes.
    pub times: Times,
    /// The same for the load harness, which asks the system less often how much was used.
    pub harness_times: Times,
    /// How large the idle crowds are.
    pub crowds: Crowds,
    /// How often the metrics are scraped.
    pub scrapes: u32,
}

impl Plan {
    /// A first look (`quick`), or figures to publish.
    #[must_use]
    pub fn new(rounds: usize, quick: bool, pairs: usize, sections: Vec<Section>) -> Plan {
        let ms = Duration::from_millis;
        let times = if quick {
            Times { warm_up: ms(300), window: ms(700) }
        } else {
            Times { warm_up: ms(500), window: ms(2_000) }
        };
        let harness_times = Times { warm_up: ms(1_000), window: ms(if quick { 2_000 } else { 5_000 }) };
        let idle = if quick { Duration::from_secs(2) } else { Duration::from_secs(5) };
        let crowds = Crowds { small: 2_000, large: 18_000, idle };
        let idle_rounds = if quick { 1 } else { 3 };
        let (in_flight, scrapes) = (IN_FLIGHT.to_vec(), if quick { 10 } else { 30 });
        Plan { rounds, idle_rounds, sections, pairs, in_flight, times, harness_times, crowds, scrapes }
    }

    /// Which processes are started in each round, in this order, with what to do on each.
    fn runs(&self, round: usize) -> Vec<Run> {
        let has = |section| self.sections.contains(&section);
        let direct = Work::Direct(Placement::Same);
        let mut alone = Vec::new();
        if has(Section::Direct) || has(Section::Durability) {
            alone.push(direct);
        }
        if has(Section::Group) {
            alone.extend(GROUPS.map(|(members, senders)| Work::Group(members, senders)));
        }
        let mut runs = vec![(Kind::Floor, 1, alone.clone()), (Kind::Os, 1, alone)];
        if has(Section::Idle) && round < self.idle_rounds {
            // On fresh processes: what others have freed would hold the newcomers.
            runs.extend([(Kind::Floor, 1, vec![Work::Idle]), (Kind::Os, 1, vec![Work::Idle])]);
        }
        if has(Section::Durability) {
            runs.extend([(Kind::Fsync, 1, vec![direct]), (Kind::None, 1, vec![direct])]);
        }
        if has(Section::Shards) {
            let both = vec![direct, Work::Direct(Placement::Across)];
            runs.extend([(Kind::Floor, 2, both.clone()), (Kind::Os, 2, both)]);
        }
        if has(Section::Harness) {
            runs.push((Kind::Os, 1, vec![Work::HarnessDirect]));
            if round < self.idle_rounds {
                runs.push((Kind::Os, 1, vec![Work::HarnessMemory]));
            }
        }
        if has(Section::Scrape) && round < self.idle_rounds {
            runs.push((Kind::Os, 2, vec![Work::Scrape]));
        }
        runs.retain(|(_, _, works)| !works.is_empty());
        runs
    }

    /// Measures everything, telling on standard error what it does.
    ///
    /// # Errors
    /// A process cannot be started, or a workload failed.
    pub fn execute(&self, binaries: &Binaries) -> anyhow::Result<Results> {
        let mut results = Results::default();
        for round in 0..self.rounds {
            let mut runs = self.runs(round);
            if binaries.older.is_some() {
                runs = with_older(runs, round);
            }
            for (kind, threads, works) in runs {
                let target = Target::start(binaries, kind, threads)?;
                for work in works {
                    let mut record = |point: Point, sample: Sample| {
                        eprintln!(
                            "round {:>2}  {:12} x{threads}  {:42} {:>9.2} {:4} {:>9.0}/s {:>5.2} cpus",
                            round + 1,
                            kind.to_string(),
                            point.to_string(),
                            sample.value,
                            point.unit(),
                            sample.rate,
                            sample.cpus
                        );
                        results.0.entry(Key { threads, point, kind }).or_default().push(sample);
                    };
                    self.measure(binaries, &target, work, &mut record)
                        .map_err(|error| error.context(format!("{kind} with {threads} threads: {work:?}")))?;
                }
            }
        }
        Ok(results)
    }

    fn measure(&self, binaries: &Binaries, target: &Target, work: Work, record: Record<'_>) -> anyhow::Result<()> {
        match work {
            Work::Direct(placement) => {
                workload::direct(target, placement, self.pairs, &self.in_flight, self.times, record)
            }
            Work::Group(members, senders) => workload::group(target, members, senders, self.times, record),
            Work::Idle => workload::idle(target, self.crowds, record),
            Work::HarnessDirect => harness::direct(binaries, target, self.pairs, self.harness_times, record),
            Work::HarnessMemory => harness::memory(binaries, target, record),
            Work::Scrape => scrape::scrape(binaries, target, self.scrapes, record),
        }
    }
}

/// A process to start, with how many threads, and what is done with it.
type Run = (Kind, u16, Vec<Work>);

/// Lets the older server do, right before or right after, what the server does; who is first takes turns.
fn with_older(runs: Vec<Run>, round: usize) -> Vec<Run> {
    let mut all = Vec::with_capacity(runs.len() * 2);
    for run in runs {
        let older = (run.0 == Kind::Os).then(|| (Kind::Older, run.1, run.2.clone()));
        let first = round.is_multiple_of(2);
        all.extend(older.clone().filter(|_| first));
        all.push(run);
        all.extend(older.filter(|_| !first));
    }
    all
}

/// What is done with a process.
#[derive(Clone, Copy, Debug)]
enum Work {
    Direct(Placement),
    Group(usize, usize),
    Idle,
    HarnessDirect,
    HarnessMemory,
    Scrape,
}

/// Names a series of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Threads that serve clients.
    pub threads: u16,
    /// What was measured.
    pub point: Point,
    /// On what.
    pub kind: Kind,
}

/// All samples, by round.
#[derive(Debug, Default)]
pub struct Results(pub BTreeMap<Key, Vec<Sample>>);

impl Results {
    /// The values of a series, one for each round in which it was measured.
    #[must_use]
    pub fn values(&self, key: Key) -> Vec<f64> {
        let samples = self.0.get(&key).map_or(&[][..], |samples| samples);
        samples.iter().map(|sample| sample.value).collect()
    }

    /// One series as multiples of another, round by round; none of what was nothing.
    #[must_use]
    pub fn ratios(&self, of: Key, to: Key) -> Vec<f64> {
        let pairs = self.values(of).into_iter().zip(self.values(to));
        pairs.filter(|&(_, to)| to > 0.0).map(|(of, to)| of / to).collect()
    }
}
