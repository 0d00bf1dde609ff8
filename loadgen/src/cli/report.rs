//! `hubbub-load report`: the page and the summary anew, from a result file of this version or an older one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use super::output::{show, show_line};
use super::run::{make_directory, write_views};
use crate::report::result::{RunResult, SCHEMA_VERSION};
use crate::report::summary::summary;

/// What to read.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A `result.json` of `hubbub-load run`.
    pub result: PathBuf,

    /// Where `report.html` and `summary.md` are written; beside the result unless given.
    #[arg(long, short = 'o', value_name = "DIR")]
    pub out: Option<PathBuf>,
}

impl ReportArgs {
    /// Reads the result, writes the files, prints the summary.
    ///
    /// # Errors
    /// When the file is no result of a run, or a file cannot be written.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let shown = self.result.display();
        let text = std::fs::read_to_string(&self.result).with_context(|| format!("{shown} cannot be read"))?;
        let result = read(&text).with_context(|| format!("{shown}"))?;
        let beside = self.result.parent().filter(|directory| !directory.as_os_str().is_empty());
        let out = self.out.as_deref().or(beside).unwrap_or(Path::new("."));
        make_directory(out)?;
        write_views(out, &result)?;
        show(summary(&result))?;
        show_line("report", out.join("report.html").display())?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A result of a run; what it is instead is said in words.
fn read(text: &str) -> anyhow::Result<RunResult> {
    let value: Value = serde_json::from_str(text).context("this is not JSON")?;
    let kind = value.get("kind").and_then(Value::as_str).unwrap_or("run");
    anyhow::ensure!(kind == "run", "this is a {kind}; a page is made of the result of a run");
    let version = value.get("schema_version").and_then(Value::as_u64).context("this is no result of hubbub-load")?;
    let known = u64::from(SCHEMA_VERSION);
    anyhow::ensure!(version <= known, "this has version {version}; this program knows versions up to {known}");
    serde_json::from_value(value).context("this is no result of a run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_says_what_it_is() {
        let words = |text| format!("{:#}", read(text).unwrap_err());
        assert!(words("{\"kind\": \"capacity\", \"schema_version\": 1}").contains("a capacity"));
        assert!(words("{\"schema_version\": 99}").contains("version 99"));
        assert!(words("{}").contains("no result"));
        assert!(words("nothing").contains("not JSON"));
    }
}
