//! `hubbub-load scenarios`: the built-in scenarios, to read and to start from.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::output::show;
use crate::scenario::{BUILT_IN, Scenario, built_in};

/// The built-in scenarios.
#[derive(Debug, Args)]
pub struct ScenariosArgs {
    /// What about them.
    #[command(subcommand)]
    pub command: Option<ScenariosCommand>,
}

/// What about scenarios.
#[derive(Debug, Clone, Subcommand)]
pub enum ScenariosCommand {
    /// One line for each.
    List,
    /// The whole file, comments included.
    Show {
        /// As listed.
        name: String,
    },
}

impl ScenariosArgs {
    /// Prints the list, or a scenario.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        match &self.command {
            None | Some(ScenariosCommand::List) => {
                for (name, _) in BUILT_IN {
                    show(format_args!("{name:<11} {}\n", Scenario::load(name)?.about))?;
                }
                show("\n`hubbub-load scenarios show NAME` prints one; edit it and run the file.\n")?;
            }
            Some(ScenariosCommand::Show { name }) => {
                let text = built_in(name).with_context(|| format!("there is no built-in scenario `{name}`"))?;
                show(text)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
