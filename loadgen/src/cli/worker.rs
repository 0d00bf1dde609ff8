//! `hubbub-load worker`: this machine, for runs that are started elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use super::output::show;
use crate::workers::secret::Token;
use crate::workers::{SILENCE, Worker, WorkerConfig};

/// Where a token is looked for when no file is named.
pub(super) const TOKEN_VARIABLE: &str = "HUBBUB_LOAD_TOKEN";

/// How this machine lends itself.
#[derive(Debug, Args)]
#[command(after_help = WORKER_EXAMPLES)]
pub struct WorkerArgs {
    /// Where to listen. Everything that comes must prove that it has the token.
    #[arg(long, default_value = "127.0.0.1:7500", value_name = "ADDR:PORT")]
    pub listen: String,

    /// The file that holds the token, which the coordinator must have, too.
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    pub token_file: Option<PathBuf>,

    /// The token itself. On the command line, everybody on this machine can read it.
    #[arg(long, value_name = "TOKEN", env = TOKEN_VARIABLE, hide_env_values = true)]
    pub token: Option<String>,

    /// Threads that it offers; one for each core unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub threads: Option<u32>,

    /// Generator processes; as many as the limit on descriptors asks for unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub processes: Option<u32>,

    /// Say nothing of what happens.
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

const WORKER_EXAMPLES: &str = "\
Make a token once, and copy it to all machines:
  openssl rand -hex 32 > worker-token
On each machine that is to drive clients:
  hubbub-load worker --listen 10.0.0.11:7500 --token-file worker-token
Where the run is started and its result is written:
  hubbub-load run mixed -n 100000 --server 10.0.0.1:7400 --secret-file token-secret \\
      --workers 10.0.0.11:7500,10.0.0.12:7500 --worker-token-file worker-token

It serves one run at a time, and goes on until it is stopped. The first line on standard output says where it listens.";

impl WorkerArgs {
    /// Serves until the process is stopped.
    ///
    /// # Errors
    /// When there is no token worth the name, or the address cannot be listened on.
    pub fn execute(&self) -> anyhow::Result<ExitCode> {
        let config = WorkerConfig {
            token: self.token()?,
            threads: self.threads,
            processes: self.processes,
            program: std::env::current_exe().context("this program's own path is not known")?,
            silence: SILENCE,
            quiet: self.quiet,
        };
        let worker = Worker::bind(&self.listen, config)?;
        show(format_args!("worker listens on {}\n", worker.address()?))?;
        worker.serve()
    }

    fn token(&self) -> anyhow::Result<Token> {
        match (&self.token_file, &self.token) {
            (Some(file), _) => Token::read(file),
            (None, Some(token)) => Token::new(token.as_bytes()),
            (None, None) => anyhow::bail!("give --token-file, --token or {TOKEN_VARIABLE}"),
        }
    }
}
