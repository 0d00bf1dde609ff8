//! Flags that let the harness start the server itself.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::run::Request;
use crate::run::own_server::Settings;

/// The name of the server's log, beside the result.
const LOG_NAME: &str = "server.log";

/// A server of the harness's own.
#[derive(Debug, Clone, Default, Args)]
pub struct OwnServerArgs {
    /// Start this server program for the run, on free ports, and end it afterwards; its log goes to DIR of --out. Its
    /// settings come from HUBBUB_... variables and from what follows `--`. Scenarios that disturb the server need it.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["server", "secret_file", "metrics", "pid"])]
    pub own_server: Option<PathBuf>,

    /// The data directory of the own server, kept afterwards [default: a temporary one].
    #[arg(long, value_name = "DIR", requires = "own_server")]
    pub own_server_dir: Option<PathBuf>,

    /// Further flags for the own server, after `--`.
    #[arg(last = true, requires = "own_server", value_name = "SERVER FLAGS")]
    pub server_flags: Vec<String>,
}

impl OwnServerArgs {
    /// Has the run start a server, if one was asked for; its log goes to `out`.
    pub fn apply(&self, request: &mut Request, out: &Path) {
        request.own_server = self.own_server.as_ref().map(|program| Settings {
            program: program.clone(),
            data_dir: self.own_server_dir.clone(),
            flags: self.server_flags.clone(),
            environment: Vec::new(),
            log: out.join(LOG_NAME),
            transports: request.plan.transports(),
        });
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn parses(words: &str) -> bool {
        Cli::try_parse_from(["hubbub-load", "run", "direct"].into_iter().chain(words.split(' '))).is_ok()
    }

    #[test]
    fn an_own_server_takes_flags_and_no_address() {
        assert!(parses("--own-server bin/hubbub --own-server-dir data -- --durability os --shards 1"));
        assert!(!parses("--own-server bin/hubbub --server 127.0.0.1:7400"));
        assert!(!parses("--own-server-dir data"));
        assert!(!parses("-q -- --shards 1"));
    }

    #[test]
    fn its_log_lies_beside_the_result() {
        let arguments = OwnServerArgs { own_server: Some("bin/hubbub".into()), ..OwnServerArgs::default() };
        let scenario = crate::scenario::Scenario::load("idle").unwrap();
        let plan = crate::engine::plan::Plan::new(scenario, 1, 1, 1, "127.0.0.1:1".parse().unwrap());
        let mut request = Request::new(plan, PathBuf::new());
        arguments.apply(&mut request, Path::new("out"));
        assert_eq!(request.own_server.unwrap().log, Path::new("out/server.log"));
    }
}
