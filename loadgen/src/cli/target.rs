//! Flags that say which server, whose users, and how many threads drive them.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::protocol::{ProtocolArgs, ProtocolName};
use super::transport::TransportArgs;
use super::worker::TOKEN_VARIABLE;
use crate::engine::plan::{Plan, TrunkPlan};
use crate::engine::route::{self, Route};
use crate::ledger::room::LEDGER_BYTES_DEFAULT;
use crate::progress::Mode;
use crate::run::Request;
use crate::scenario::Scenario;
use crate::server_figures::METRICS_DEFAULT;
use crate::workers::secret::{Secret, Token};
use crate::workers::{Fleet, SILENCE};

/// First user ids are drawn up to here, so that runs on one store do not meet, and ids stay exact in JSON.
const FIRST_USER_MAX: u64 = 1 << 50;

/// The server, and the generator beside it.
#[derive(Debug, Clone, Args)]
pub struct TargetArgs {
    /// The server's address for clients, with its transport: `tls://chat.example:7401`, `ws://…`, `wss://…`; without one it is
    /// that of --transport. For a mix of transports several, with commas. Unless given this machine and the usual port (7400
    /// for TCP, 7401 for TLS, 7402 for WebSocket, 7403 within TLS; 1883 for MQTT).
    #[arg(long, value_delimiter = ',', value_name = "HOST:PORT")]
    pub server: Vec<String>,

    /// What the clients speak.
    #[command(flatten)]
    pub protocol: ProtocolArgs,

    /// The file that holds the server's token secret; tokens are signed with it (HS256).
    #[arg(long, default_value = "hubbub-data/token-secret", value_name = "FILE")]
    pub secret_file: PathBuf,

    /// Decides who talks to whom and when: the same seed and scenario give the same schedule.
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,

    /// The user id of the first client; drawn anew for each run unless given, so that runs on one store do not meet.
    #[arg(long, alias = "users-from", value_name = "ID")]
    pub first_user: Option<u64>,

    /// The server's metrics page (`none`: do not look).
    #[arg(long, default_value = METRICS_DEFAULT, value_name = "URL")]
    pub metrics: String,

    /// The server's process on this machine, when its metrics do not name it.
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,

    /// Generator threads in all; half of the cores unless given, so that a server beside it has the other half. With
    /// --workers: on each of them; one for each core unless given here or there.
    #[arg(long, value_name = "N")]
    pub threads: Option<u32>,

    /// Generator processes; as many as the limit on descriptors asks for unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub processes: Option<u32>,

    /// Memory for messages that are not settled yet, 40 bytes each, in all; when it is used up the traffic ends.
    #[arg(long, default_value_t = LEDGER_BYTES_DEFAULT, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(40_000..))]
    pub ledger_bytes: u64,

    /// Machines that drive the clients instead of this one: `host1:7500,host2:7500`, where `hubbub-load worker` listens.
    #[arg(long, value_delimiter = ',', value_name = "HOST:PORT,…", conflicts_with = "processes")]
    pub workers: Vec<String>,

    /// The file that holds the token of the workers; else it is taken from the variable HUBBUB_LOAD_TOKEN.
    #[arg(long, value_name = "FILE", requires = "workers")]
    pub worker_token_file: Option<PathBuf>,

    /// Over what the clients come.
    #[command(flatten)]
    pub transport: TransportArgs,

    /// With `--transport trunk`: how many of them, at least one for each shard of the server; one for each 10,000 clients
    /// unless given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub trunks: Option<u32>,

    /// With `--transport trunk`: the file that holds the server's trunk secret (its `trunk.secret_file`).
    #[arg(long, value_name = "FILE", required_if_eq("transport", "trunk"))]
    pub trunk_secret_file: Option<PathBuf>,

    /// Show the run to Prometheus while it goes on, at `http://ADDRESS/metrics` (such as 127.0.0.1:7490).
    #[arg(long, value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Show progress as plain lines on a terminal, too; elsewhere they are always plain.
    #[arg(long)]
    pub plain: bool,

    /// Show no progress.
    #[arg(long, short = 'q')]
    pub quiet: bool,
}

impl TargetArgs {
    /// Everything that a run of `scenario` needs to know. Each call draws a new run and, unless `--first-user` fixes them,
    /// new users.
    ///
    /// # Errors
    /// When the server's name has no address, or the protocol cannot carry the scenario.
    pub fn request(&self, scenario: Scenario) -> anyhow::Result<Request> {
        let run_id = fresh_run_id();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (routes, authority) = self.routes()?;
        let server = routes.first().context("there is a route")?.address;
        let threads = self.threads.unwrap_or_else(|| u32::try_from(cores / 2).unwrap_or(u32::MAX)).max(1);
        Ok(Request {
            plan: Plan {
                protocol: self.protocol.protocol(&scenario)?,
                scenario,
                seed: self.seed,
                run_id,
                first_user: self.first_user.unwrap_or(1 + run_id % FIRST_USER_MAX),
                server,
                routes,
                authority,
                ledger_bytes: self.ledger_bytes,
                trunks: self.trunk_plan()?,
            },
            secret_file: self.protocol.secret_file(&self.secret_file),
            metrics: self.metrics(),
            pid: self.pid,
            threads,
            processes: self.processes,
            fleet: self.fleet()?,
            progress: self.progress(),
            metrics_listen: self.metrics_listen,
            own_server: None,
        })
    }

    fn fleet(&self) -> anyhow::Result<Option<Fleet>> {
        if self.workers.is_empty() {
            return Ok(None);
        }
        let token = match &self.worker_token_file {
            Some(file) => Token::read(file)?,
            None => {
                let token = std::env::var(TOKEN_VARIABLE);
                let token =
                    token.with_context(|| format!("--workers needs --worker-token-file or {TOKEN_VARIABLE}"))?;
                Token::new(token.as_bytes())?
            }
        };
        Ok(Some(Fleet { addresses: self.workers.clone(), token, threads_each: self.threads, silence: SILENCE }))
    }

    /// How progress is shown.
    #[must_use]
    pub fn progress(&self) -> Mode {
        match (self.quiet, self.plain) {
            (true, _) => Mode::Quiet,
            (false, true) => Mode::Plain,
            (false, false) => Mode::Auto,
        }
    }

    /// The page to look at; Hubbub's usual one only when it is Hubbub that is driven.
    fn metrics(&self) -> Option<String> {
        let is_foreign = self.protocol.protocol != ProtocolName::Hubbub && self.metrics == METRICS_DEFAULT;
        (self.metrics != "none" && !is_foreign).then(|| self.metrics.clone())
    }

    /// The ways to the server, and what to trust on them.
    fn routes(&self) -> anyhow::Result<(Vec<Route>, Option<String>)> {
        let is_ours = self.protocol.protocol == ProtocolName::Hubbub;
        let routes = match (is_ours, &*self.server) {
            (false, []) => self.transport.routes(&[self.protocol.server_default().to_owned()])?,
            (_, servers) => self.transport.routes(servers)?,
        };
        let names = route::name(&routes);
        anyhow::ensure!(
            names == "tcp" || !self.transport.is_trunk(),
            "--transport trunk goes over plain TCP, not {names}: gateways stand beside the server; use the address of its listener for TCP"
        );
        anyhow::ensure!(
            names == "tcp" || is_ours,
            "--protocol mqtt is driven over plain TCP, not {names}: use the broker's plain listener"
        );
        let has_tls = names.contains("tls") || names.contains("wss");
        anyhow::ensure!(has_tls || self.transport.tls_ca.is_none(), "--tls-ca needs TLS: --transport tls or wss");
        Ok((routes, self.transport.authority()?))
    }

    fn trunk_plan(&self) -> anyhow::Result<Option<TrunkPlan>> {
        if !self.transport.is_trunk() {
            let unfit = self.trunks.is_some() || self.trunk_secret_file.is_some();
            anyhow::ensure!(!unfit, "--trunks and --trunk-secret-file need --transport trunk");
            return Ok(None);
        }
        let is_ours = self.protocol.protocol == ProtocolName::Hubbub;
        anyhow::ensure!(is_ours, "--transport trunk is Hubbub's own: other protocols have no trunks");
        let file = self.trunk_secret_file.as_deref().context("--transport trunk needs --trunk-secret-file")?;
        Ok(Some(TrunkPlan { count: self.trunks, secret: Secret::read_of_trunks(file)? }))
    }
}

/// Another number each time: the standard library's hash keys are drawn from the system.
fn fresh_run_id() -> u64 {
    RandomState::new().hash_one(std::process::id()) | 1
}
