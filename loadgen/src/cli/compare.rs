//! `hubbub-load compare`: results side by side.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::NOT_MET;
use super::output::show;
use super::run::{make_directory, write_file};
use super::shares::parse_share;
use crate::compare::sides::{Side, Sides};
use crate::compare::{chosen, compare, words};
use crate::figures::{Figure, figure, names, nearest};

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompareArgs {
    /// Two results: the base, and what is compared with it.
    #[arg(num_args = 2, value_names = ["BASE", "NEW"], conflicts_with_all = ["base", "new"])]
    pub files: Vec<PathBuf>,

    /// Results of several runs of the base.
    #[arg(long, value_delimiter = ',', value_name = "FILES", requires = "new")]
    pub base: Vec<PathBuf>,

    /// Results of several runs of what is compared with it.
    #[arg(long, value_delimiter = ',', value_name = "FILES", requires = "base")]
    pub new: Vec<PathBuf>,

    /// Figures to compare, by the names that thresholds use; the usual ones unless given.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = parse_figure)]
    pub figures: Vec<&'static Figure>,

    /// Exit with 1 when a figure is worse by more than this, beyond the spread of the runs (where that is known).
    #[arg(long, value_parser = parse_share, value_name = "PERCENT")]
    pub fail_on_worse: Option<f64>,

    /// Compare also what says nothing: other scenarios, other seeds, ledgers that did not close.
    #[arg(long)]
    pub force: bool,

    /// Where `comparison.json` and `comparison.md` are written; nowhere unless given.
    #[arg(long, short = 'o', value_name = "DIR")]
    pub out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Several runs on each side tell how much runs of the same server differ. Without that, ratios are shown and no more.

Exit codes: 0 compared; 1 a figure is worse than --fail-on-worse allows; 2 the results cannot be compared.

Examples:
  hubbub-load compare old/result.json new/result.json
  hubbub-load compare --base a1.json,a2.json,a3.json --new b1.json,b2.json,b3.json --fail-on-worse 10%";

fn parse_figure(name: &str) -> Result<&'static Figure, String> {
    let near = || nearest(name).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
    figure(name).ok_or_else(|| format!("there is no figure `{name}`.{} Known are: {}", near(), names()))
}

impl CompareArgs {
    /// Compares, prints the table, writes the files.
    ///
    /// # Errors
    /// When a file is no result, the results say nothing about each other, or a file cannot be written.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let sides = self.sides()?;
        if !self.force {
            sides.check()?;
        }
        let comparison = compare(&sides, &chosen(&self.figures, &sides), self.fail_on_worse);
        let markdown = words::markdown(&comparison);
        show(&markdown)?;
        if let Some(out) = &self.out {
            make_directory(out)?;
            write_file(out, "comparison.json", &(serde_json::to_string_pretty(&comparison)? + "\n"))?;
            write_file(out, "comparison.md", &markdown)?;
        }
        Ok(if comparison.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(NOT_MET) })
    }

    fn sides(&self) -> anyhow::Result<Sides> {
        let (base, new) = match self.files.as_slice() {
            [base, new] => (std::slice::from_ref(base), std::slice::from_ref(new)),
            _ => (self.base.as_slice(), self.new.as_slice()),
        };
        anyhow::ensure!(!base.is_empty() && !new.is_empty(), "name two results, or give --base and --new");
        Ok(Sides { base: read(base)?, new: read(new)? })
    }
}

fn read(files: &[PathBuf]) -> anyhow::Result<Side> {
    let mut side = Side::default();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        side.add(&file.display().to_string(), &text)?;
    }
    Ok(side)
}
