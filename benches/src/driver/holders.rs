//! Processes that hold idle connections, because one process may not open enough of them.
//!
//! A holder is this binary again. It reads how many connections to hold, a number a line, and answers each with the
//! same line once it does.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};

use super::engine::{ClientKey, Engine};
use super::target::{Signer, Target};

/// How many processes share a crowd.
const PROCESSES: usize = 2;
/// Clients of one process at most, for user ids and source addresses.
const CLIENTS_MAX: usize = 16_000;

struct Holder {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A crowd of idle connections; they close when this is dropped.
pub(super) struct Holders(Vec<Holder>);

impl Holders {
    /// Starts the processes; they hold nothing yet.
    pub(super) fn start(target: &Target, users_from: u64) -> anyhow::Result<Holders> {
        let holders = (0..PROCESSES).map(|n| Holder::start(target, users_from, n));
        Ok(Holders(holders.collect::<anyhow::Result<_>>()?))
    }

    /// Opens or closes connections until there are so many in all.
    pub(super) fn hold(&mut self, total: usize) -> anyhow::Result<()> {
        let share = total / self.0.len();
        for holder in &mut self.0 {
            writeln!(holder.input, "{share}")?;
        }
        for holder in &mut self.0 {
            let mut line = String::new();
            holder.output.read_line(&mut line)?;
            ensure!(line.trim() == share.to_string(), "a holder failed; its error stands above");
        }
        Ok(())
    }
}

impl Holder {
    fn start(target: &Target, users_from: u64, n: usize) -> anyhow::Result<Holder> {
        let first = n * CLIENTS_MAX;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("hold").args(["--address", &target.address.to_string()]);
        command.args(["--first", &first.to_string(), "--users-from", &(users_from + first as u64).to_string()]);
        if let Some(path) = &target.secret_file {
            command.arg("--secret-file").arg(path);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start a holder")?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Holder { child, input, output })
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a holder is told on its command line.
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    /// Where to connect
    #[arg(long)]
    address: SocketAddr,
    /// Number of the first connection among those of all processes
    #[arg(long)]
    first: usize,
    /// The first user
    #[arg(long)]
    users_from: u64,
    /// What signs the tokens; any secret when it is not given
    #[arg(long)]
    secret_file: Option<PathBuf>,
}

/// Holds as many connections as each line of the input says, until it ends.
///
/// # Errors
/// A connection was refused or ended.
pub fn hold(args: &HoldArgs) -> anyhow::Result<()> {
    hubbub_server::descriptors::raise_limit()?;
    let signer = Signer::new(args.secret_file.as_deref())?;
    let mut engine = Engine::new(args.address, args.first)?;
    let mut held: Vec<ClientKey> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let total: usize = line?.trim().parse()?;
        ensure!(total <= CLIENTS_MAX, "a holder holds at most {CLIENTS_MAX} connections");
        if total < held.len() {
            engine.close(held.drain(total..));
        } else {
            let users = (held.len()..total).map(|n| args.users_from + n as u64);
            let identities = users.map(|user| signer.identity(user)).collect::<anyhow::Result<Vec<_>>>()?;
            held.extend(engine.open(identities)?);
        }
        println!("{total}");
    }
    Ok(())
}
