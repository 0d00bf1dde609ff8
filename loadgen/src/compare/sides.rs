//! The results on both sides: what they have in common, and what speaks against comparing them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::figures::Figure;

/// Newest shape of `result.json` that is understood.
const SCHEMA_VERSION_MAX: u64 = crate::report::result::SCHEMA_VERSION as u64;

/// What results stand on: words and place. Where they differ, a reader should know.
const GROUND: [(&str, &str); 14] = [
    ("server version", "/server/version"),
    ("durability", "/server/durability"),
    ("shards", "/server/shards"),
    ("server address", "/environment/server"),
    ("cores", "/environment/cores"),
    ("CPU", "/environment/cpu_model"),
    ("memory", "/environment/memory_bytes"),
    ("kernel", "/environment/kernel"),
    ("kernel settings", "/environment/sysctls"),
    ("descriptors", "/environment/descriptors_max"),
    ("harness version", "/environment/version"),
    ("harness revision", "/environment/revision"),
    ("generator threads", "/environment/threads"),
    ("generator processes", "/environment/processes"),
];

/// One side: results with the names of their files.
#[derive(Debug, Clone, Default)]
pub struct Side {
    results: Vec<(String, Value)>,
}

/// Both sides.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// What is compared with.
    pub base: Side,
    /// What is compared.
    pub new: Side,
}

/// Why results are not compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidesError {
    /// No result of a run.
    #[error("{file} is no result of a run that this version understands: {reason}")]
    NoResult {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Comparing them would say nothing.
    #[error("these results say nothing about each other: {0}; --force compares them all the same")]
    Unlike(String),
}

impl Side {
    /// Takes a result.
    ///
    /// # Errors
    /// [`SidesError::NoResult`].
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), SidesError> {
        let no_result = |reason: String| SidesError::NoResult { file: file.to_owned(), reason };
        let result: Value = serde_json::from_str(text).map_err(|error| no_result(error.to_string()))?;
        // Files without a kind are older than kinds.
        let kind = result.get("kind").and_then(Value::as_str).unwrap_or("run");
        if kind != "run" {
            return Err(no_result(format!("it is a {kind}")));
        }
        match result.get("schema_version").and_then(Value::as_u64) {
            Some(1..=SCHEMA_VERSION_MAX) => {}
            version => return Err(no_result(format!("its schema_version is {version:?}"))),
        }
        self.results.push((file.to_owned(), result));
        Ok(())
    }

    /// The files.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.results.iter().map(|(file, _)| file.clone()).collect()
    }

    /// All measured values of a figure.
    #[must_use]
    pub fn values(&self, figure: &Figure) -> Vec<f64> {
        self.results.iter().filter_map(|(_, result)| figure.read(result)).collect()
    }

    /// What is found at a place, in words, each once.
    fn at(&self, pointer: &str) -> BTreeSet<String> {
        let found = self.results.iter().map(|(_, result)| result.pointer(pointer).unwrap_or(&Value::Null));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
    }
}

impl Sides {
    /// All results.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.base.results.iter().chain(&self.new.results).map(|(_, result)| result)
    }

    fn at(&self, pointer: &str) -> BTreeSet<String> {
        self.base.at(pointer).into_iter().chain(self.new.at(pointer)).collect()
    }

    /// The scenario's name.
    #[must_use]
    pub fn scenario(&self) -> String {
        self.at("/scenario").into_iter().collect::<Vec<_>>().join(", ")
    }

    /// Refuses what says nothing: other scenarios or seeds, and runs without a performance result.
    ///
    /// # Errors
    /// [`SidesError::Unlike`].
    pub fn check(&self) -> Result<(), SidesError> {
        let unlike = |words: String| Err(SidesError::Unlike(words));
        let names = self.at("/scenario");
        if names.len() > 1 {
            return unlike(format!("they ran {}", names.into_iter().collect::<Vec<_>>().join(" and ")));
        }
        let scenarios: Vec<_> = self.at("/environment/scenario").into_iter().collect();
        if let [one, other, ..] = scenarios.as_slice() {
            return unlike(format!("the scenario was run differently ({})", first_difference(one, other)));
        }
        let seeds = self.at("/environment/seed");
        if seeds.len() > 1 {
            return unlike(format!("their seeds are {}", seeds.into_iter().collect::<Vec<_>>().join(" and ")));
        }
        match self.all().find(|result| result.pointer("/ledger/closed") != Some(&Value::Bool(true))) {
            Some(_) => unlike("a ledger did not close, so there is no performance result".to_owned()),
            None => Ok(()),
        }
    }

    /// What differs in what they stand on.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let words = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>().join(", ");
        let differing = GROUND.iter().filter(|(_, pointer)| self.at(pointer).len() > 1);
        differing
            .map(|(name, pointer)| {
                format!("{name}: {} → {}", words(self.base.at(pointer)), words(self.new.at(pointer)))
            })
            .collect()
    }

    /// Runs whose figures may not be the server's.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let all = self.base.results.iter().chain(&self.new.results);
        all.filter_map(|(file, result)| {
            let verdict = result.get("verdict")?.as_str().filter(|verdict| *verdict != "server")?;
            Some(format!("{file}: the verdict is `{verdict}`, so its figures may be the generator's"))
        })
        .collect()
    }
}

/// The first line that only one of two texts has.
fn first_difference(one: &str, other: &str) -> String {
    let pair = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    pair.map_or_else(|| "one is longer".to_owned(), |(one, other)| format!("`{}` and `{}`", one.trim(), other.trim()))
}
