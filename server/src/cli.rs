//! The command line: what `hubbub` can be told to do, and doing it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};

use crate::auth::{secret, tokens};
use crate::config::{self, Config, Durability, Overrides, Sources};
use crate::descriptors::{self, Division};
use crate::{compact, logging, serve};

const EXAMPLES: &str = "\
Examples:
  hubbub                                   clients on 127.0.0.1:7400, a page at http://127.0.0.1:7402/, data in ./hubbub-data
  hubbub token --user 42                   a token to try things with, valid for a day
  hubbub --data-dir /srv/chat --shards 4   flags win over everything else
  hubbub --config hubbub.toml              see deploy/hubbub.example.toml for every key
  hubbub compact --data-dir /srv/chat      what was revoked or has expired is gone from disk
  hubbub check-config --config hubbub.toml says what is wrong with it, or what is in effect

Values come from the defaults, then the file (--config or HUBBUB_CONFIG), then the environment
(HUBBUB_DATA_DIR, HUBBUB_LISTEN, ...; a key in a table: HUBBUB_LIMITS__FRAME_BYTES_MAX), then flags.
Metrics are on http://127.0.0.1:7480/metrics. SIGTERM and SIGINT stop it in good order.";

/// A durable chat server.
///
/// Without a command it serves: clients connect over TCP, messages are kept in the data directory, and a message that
/// was acknowledged is on disk.
#[derive(Debug, Parser)]
#[command(name = "hubbub", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve clients (the same as no command)
    Serve(ServeArgs),
    /// Print a login token for a user
    Token(TokenArgs),
    /// Print the configuration in effect, or everything that is wrong with it
    CheckConfig(ConfigArgs),
    /// Have what was revoked or has expired gone from disk now
    Compact(CompactArgs),
}

#[derive(Debug, Args)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What to log, as in RUST_LOG: info, debug, info,hubbub_server=trace, ...
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Args)]
struct ConfigArgs {
    /// Configuration file (TOML); none by default
    #[arg(long, value_name = "FILE", env = "HUBBUB_CONFIG")]
    config: Option<PathBuf>,
    /// Where everything is kept [default: ./hubbub-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where clients connect [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where browsers connect [default: 127.0.0.1:7402]
    #[arg(long, value_name = "ADDRESS")]
    http_listen: Option<SocketAddr>,
    /// Take listeners without TLS beyond loopback: a proxy in front of them speaks TLS
    #[arg(long)]
    plaintext_behind_proxy: bool,
    /// Where metrics are served [default: 127.0.0.1:7480]
    #[arg(long, value_name = "ADDRESS")]
    metrics_listen: Option<SocketAddr>,
    /// How far an acknowledged message is safe [default: fsync]
    #[arg(long, value_enum)]
    durability: Option<Durability>,
    /// Threads that serve clients [default: 0, one for each core]
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
}

/// Have what was revoked or has expired gone from disk now.
///
/// A server deletes it by itself, but its files are rewritten only from time to time, within some weeks. This rewrites all
/// of them. The server must not be running.
#[derive(Debug, Args)]
struct CompactArgs {
    /// The data directory of the server [default: ./hubbub-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file of the server (TOML)
    #[arg(long, value_name = "FILE", env = "HUBBUB_CONFIG")]
    config: Option<PathBuf>,
}

/// Print a login token for a user.
///
/// The token is signed with the secret file that the server uses: the configured one, or the one that a server made in
/// its data directory. It is printed on standard output and nowhere else.
#[derive(Debug, Args)]
struct TokenArgs {
    /// The user, a number from 1; the first login makes the account
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    user: u64,
    /// How long it is valid: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_time)]
    expires: Duration,
    /// The secret file [default: the configured one, or DATA_DIR/token-secret]
    #[arg(long, value_name = "FILE", conflicts_with = "data_dir")]
    secret_file: Option<PathBuf>,
    /// The data directory of the server [default: ./hubbub-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The configuration file of the server (TOML)
    #[arg(long, value_name = "FILE", env = "HUBBUB_CONFIG")]
    config: Option<PathBuf>,
}

/// Does what the command line says; `out` is standard output.
///
/// # Errors
/// What it says cannot be done; the text is for the person who typed it.
pub fn run(cli: Cli, out: &mut impl Write) -> anyhow::Result<()> {
    match cli.command {
        None => serve(&cli.serve),
        Some(Command::Serve(args)) => serve(&args),
        Some(Command::Token(args)) => writeln!(out, "{}", make_token(&args)?).context("cannot write the token"),
        Some(Command::CheckConfig(args)) => check_config(&args, out),
        Some(Command::Compact(args)) => run_compact(&args, out),
    }
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, config::Problems> {
        let overrides = Overrides {
            data_dir: self.data_dir.clone(),
            listen: self.listen,
            http_listen: self.http_listen,
            plaintext_behind_proxy: self.plaintext_behind_proxy.then_some(true),
            metrics_listen: self.metrics_listen,
            durability: self.durability,
            shards: self.shards,
        };
        sources(self.config.clone(), overrides).load()
    }
}

fn sources(file: Option<PathBuf>, overrides: Overrides) -> Sources {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with("HUBBUB_"))
        .collect();
    Sources { file, environment, overrides }
}

fn serve(args: &ServeArgs) -> anyhow::Result<()> {
    logging::init(args.log.as_deref()).context("the log cannot be started; check --log and RUST_LOG")?;
    let config = args.config.load()?;
    config.validate()?;
    serve::run(config)
}

fn check_config(args: &ConfigArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let config = args.load()?;
    let limit = descriptors::hard_limit().context("the limit of open files is not known")?;
    let division = Division::new(&config, limit);
    let problems = [config.validate().err(), division.as_ref().err().cloned()];
    let problems: Vec<_> = problems.into_iter().flatten().flat_map(|problems| problems.0).collect();
    let division = match division {
        Ok(division) if problems.is_empty() => division,
        _ => return Err(config::Problems(problems).into()),
    };
    write!(
        out,
        "ok\n\n# In effect:\n{}\n# Derived here:\n# {} shards; {division}\n# {}\n",
        config::effective(&config),
        config.shards_count(),
        match config.token_secret_path() {
            Some(path) => format!("token secret in {}", path.display()),
            None => "no token secret".to_owned(),
        },
    )
    .context("cannot write the configuration")
}

fn run_compact(args: &CompactArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let overrides = Overrides { data_dir: args.data_dir.clone(), ..Overrides::default() };
    compact::run(&sources(args.config.clone(), overrides).load()?, out)
}

fn make_token(args: &TokenArgs) -> anyhow::Result<String> {
    let path = match &args.secret_file {
        Some(path) => path.clone(),
        None => configured_secret(args)?,
    };
    let secret = secret::load(&path).map_err(|error| match error {
        secret::SecretError::Missing { path } => anyhow::anyhow!(
            "no token secret in {}: start hubbub once, which makes it, or say where it is with --secret-file or --data-dir",
            path.display()
        ),
        error => anyhow::anyhow!("{}: {}", path.display(), error.advice()),
    })?;
    let expires_at = SystemTime::now().checked_add(args.expires).context("--expires is too far away")?;
    tokens::sign(&secret, args.user, expires_at).context("the token cannot be signed")
}

fn configured_secret(args: &TokenArgs) -> anyhow::Result<PathBuf> {
    let mut config = sources(args.config.clone(), Overrides::default()).load()?;
    if let Some(data_dir) = &args.data_dir {
        // Asked for by name, so it wins over a configured file.
        config.data_dir.clone_from(data_dir);
        config.auth = config::Auth::default();
    }
    config.token_secret_path().context(
        "this configuration takes tokens of others only (auth.jwt_key_files, auth.jwks_file); \
         set auth.token_secret_file to take those that are made here, too",
    )
}

/// A positive number with a unit: s, m, h or d.
fn parse_time(text: &str) -> Result<Duration, String> {
    const WAY_OUT: &str = "write a number from 1 with s, m, h or d, such as 30m, 24h or 7d";
    let (number, seconds) = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)]
        .into_iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)))
        .ok_or(WAY_OUT)?;
    let number: u64 = number.parse().map_err(|_| WAY_OUT)?;
    let time = number.checked_mul(seconds).filter(|time| (1..=u64::from(u32::MAX)).contains(time));
    time.map(Duration::from_secs).ok_or_else(|| WAY_OUT.to_owned())
}

#[cfg(test)]
mod tests;
