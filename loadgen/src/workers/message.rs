//! What a coordinator and a worker say to each other, once both have proved themselves.

use serde::{Deserialize, Serialize};

use super::task::{Command, Task};
use crate::engine::report::Report;
use crate::environment::Environment;

/// The longest message to a worker, in bytes: a task, with its scenario.
pub(super) const TO_WORKER_BYTES_MAX: u32 = 4 << 20;

/// The longest message to a coordinator: the part of a thread. With every histogram full to its last bucket it is an eighth
/// of this (see the tests).
pub(super) const TO_COORDINATOR_BYTES_MAX: u32 = 64 << 20;

/// Which program this is. Both ends must be the same: the seed means the same schedule only in the same code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Program {
    /// Its version.
    pub(super) version: String,
    /// A hash over its sources.
    pub(super) sources: String,
}

impl Program {
    pub(super) fn this() -> Self {
        Self { version: env!("CARGO_PKG_VERSION").into(), sources: env!("HUBBUB_LOAD_SOURCES").into() }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (sources {})", self.version, self.sources)
    }
}

/// A machine that takes part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What it is called.
    pub hostname: String,
    /// Its kernel's release.
    pub kernel: String,
    /// CPUs that may be used.
    pub cores: u32,
    /// Version of `hubbub-load` there.
    pub version: String,
    /// Threads that it offers.
    pub threads: u32,
    /// Processes that it was told to use.
    pub processes: Option<u32>,
    /// Descriptors that each of them may open.
    pub descriptors_max: u64,
}

impl Profile {
    /// This machine, with so much of it to give.
    #[must_use]
    pub fn of_this_machine(threads: u32, processes: Option<u32>) -> Self {
        let environment = Environment::of_this_machine();
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self {
            hostname,
            kernel: environment.kernel,
            cores: u32::try_from(environment.cores).unwrap_or(u32::MAX),
            version: environment.version,
            threads,
            processes,
            descriptors_max: environment.descriptors_max,
        }
    }
}

/// What a worker says first.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Welcome {
    /// It is yours.
    Ready(Profile),
    /// Somebody else's run is under way.
    Busy,
    /// It is another program.
    Other(Program),
}

/// To a worker, after its welcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToWorker {
    /// What its machine does; once.
    Task { task: Box<Task>, processes: u32 },
    /// To all its threads.
    Command(Command),
    /// Sign of life, once a second; asks for the time.
    Ping { sent_us: u64 },
    /// The run is over.
    End,
}

/// To the coordinator, after the welcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToCoordinator {
    /// A thread's.
    Report(Report),
    /// The time there, between the sending of the ping and the arrival of this.
    Pong { sent_us: u64, at_us: u64 },
    /// Resident memory of all its processes.
    Status { rss_bytes: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    use crate::engine::report::Part;
    use crate::latency::{CEILING_US, Times};

    #[test]
    fn a_part_with_every_bucket_used_fits_four_times() {
        let mut full = Times::default();
        let mut value = 1_u64;
        while value < CEILING_US {
            full.record(value);
            value += (value / 2_048).max(1);
        }
        let (mut part, full) = (serde_json::to_value(Part::default()).unwrap(), serde_json::to_value(full).unwrap());
        assert!(fill(&mut part["latencies"], &full) > 10);
        let part: Part = serde_json::from_value(part).unwrap();
        let bytes = serde_json::to_vec(&ToCoordinator::Report(Report::Finished(Box::new(part)))).unwrap().len();
        assert!(4 * bytes < TO_COORDINATOR_BYTES_MAX as usize, "{bytes}");
    }

    /// Puts `full` in the place of every histogram; says how many there were.
    fn fill(value: &mut Value, full: &Value) -> usize {
        if value.get("counts").is_some() {
            *value = full.clone();
            return 1;
        }
        match value {
            Value::Object(fields) => fields.values_mut().map(|field| fill(field, full)).sum(),
            Value::Array(elements) => elements.iter_mut().map(|element| fill(element, full)).sum(),
            _ => 0,
        }
    }
}
