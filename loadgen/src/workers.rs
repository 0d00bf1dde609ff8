//! The engine's threads, in this process or in children of it. A process here may open a limited number of descriptors,
//! so a large population is spread over several.
//!
//! A child is this program again (`hubbub-load worker-process`): its task comes as one line of JSON on its standard input,
//! then one line for each command; its reports leave as lines of JSON on its standard output. A community, and so a
//! conversation, is always within one thread of one process.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::engine::plan::{Plan, Share};
use crate::engine::report::Report;
use crate::engine::{self, Control};
use crate::population::{communities, divide};

/// Descriptors that a process keeps for other things than connections.
pub const DESCRIPTORS_SPARE: u64 = 200;

/// How the reason begins when a process of the generator is gone.
pub const WORKER_LOST: &str = "a worker process";

/// What a child is told first.
#[derive(Debug, Serialize, Deserialize)]
struct Task {
    plan: Plan,
    shares: Vec<Share>,
    secret_file: PathBuf,
}

/// What a child is told later.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    Start { at_us: u64 },
    Stop,
    Abandon,
}

/// All threads of a run.
pub struct Workers {
    reports: Receiver<Report>,
    control: Arc<Control>,
    children: Vec<(Child, ChildStdin)>,
    /// How many threads there are.
    pub threads: u32,
    /// In how many processes.
    pub processes: u32,
}

/// How many processes `clients` need, when each may open `descriptors_max`.
#[must_use]
pub fn processes_needed(clients: u32, descriptors_max: u64) -> u32 {
    let room = descriptors_max.saturating_sub(DESCRIPTORS_SPARE).max(1);
    u32::try_from(u64::from(clients).div_ceil(room)).unwrap_or(u32::MAX)
}

/// The secret that tokens are signed with: the file's text without the white space at its end, as the server reads it.
/// An empty path stands for no secret (an MQTT broker that asks for no password).
///
/// # Errors
/// When the file cannot be read or is empty.
pub fn read_secret(path: &Path) -> anyhow::Result<Arc<[u8]>> {
    if path.as_os_str().is_empty() {
        return Ok(Arc::default());
    }
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| {
        format!(
            "--secret-file {shown} cannot be read; the server keeps its own as `token-secret` in its data directory"
        )
    })?;
    let secret = bytes.trim_ascii_end();
    anyhow::ensure!(!secret.is_empty(), "--secret-file {shown} is empty");
    Ok(secret.into())
}

impl Workers {
    /// Starts `threads` threads: in this process when `processes` is 1, else in that many children.
    ///
    /// # Errors
    /// When the secret cannot be read or a child cannot be started.
    pub fn start(plan: &Plan, secret_file: &Path, threads: u32, processes: u32) -> anyhow::Result<Self> {
        let ranges = divide(&communities(&plan.scenario), threads.max(processes));
        let threads = ranges.len() as u32;
        let processes = processes.min(threads).max(1);
        let shares: Vec<Share> =
            (0..).zip(ranges).map(|(worker, communities)| Share { worker, workers: threads, communities }).collect();
        let secret = read_secret(secret_file)?;
        let (told, reports) = channel();
        let mut workers = Self { reports, control: Arc::default(), children: Vec::new(), threads, processes };
        if processes == 1 {
            let plan = Arc::new(plan.clone());
            for share in shares {
                let (plan, secret) = (Arc::clone(&plan), Arc::clone(&secret));
                engine::spawn(plan, share, secret, Arc::clone(&workers.control), told.clone());
            }
            return Ok(workers);
        }
        for process in 0..processes {
            let mine = shares.iter().filter(|share| share.worker % processes == process).cloned().collect();
            let task = Task { plan: plan.clone(), shares: mine, secret_file: secret_file.to_owned() };
            workers.children.push(start_child(process, &task, told.clone())?);
        }
        Ok(workers)
    }

    /// The next report, if one comes in time.
    ///
    /// # Errors
    /// When all threads are gone without a word.
    pub fn next_report(&self, timeout: Duration) -> anyhow::Result<Option<Report>> {
        match self.reports.recv_timeout(timeout) {
            Ok(report) => Ok(Some(report)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => anyhow::bail!("all generator threads are gone"),
        }
    }

    /// Sets the start of the traffic.
    pub fn start_at(&mut self, at_us: u64) {
        self.control.start_at(at_us);
        self.command(Command::Start { at_us });
    }

    /// Ends the traffic; the drain follows.
    pub fn stop(&mut self) {
        self.control.stop();
        self.command(Command::Stop);
    }

    /// Ends everything.
    pub fn abandon(&mut self) {
        self.control.abandon();
        self.command(Command::Abandon);
    }

    /// CPU time of all generator processes, in microseconds.
    #[must_use]
    pub fn cpu_us(&self) -> u64 {
        let pids = self.children.iter().map(|(child, _)| child.id()).chain([std::process::id()]);
        pids.filter_map(crate::host::process_cpu_us).sum()
    }

    /// Resident memory of all generator processes, in bytes.
    #[must_use]
    pub fn rss_bytes(&self) -> u64 {
        let pids = self.children.iter().map(|(child, _)| child.id()).chain([std::process::id()]);
        pids.filter_map(crate::host::process_rss_bytes).sum()
    }

    fn command(&mut self, command: Command) {
        for (_, input) in &mut self.children {
            // A child that is gone has said so by the end of its output.
            let _ = write_line(input, &command);
        }
    }
}

impl Drop for Workers {
    /// Children end by themselves when their input ends; none is left behind.
    fn drop(&mut self) {
        self.abandon();
        for (mut child, input) in self.children.drain(..) {
            drop(input);
            let _ = child.wait();
        }
    }
}

fn write_line(output: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn start_child(process: u32, task: &Task, told: Sender<Report>) -> anyhow::Result<(Child, ChildStdin)> {
    let program = std::env::current_exe().context("this program's own path is not known")?;
    let mut child = std::process::Command::new(program)
        .arg("worker-process")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("a worker process could not be started")?;
    let mut input = child.stdin.take().context("a worker process without input")?;
    let output = child.stdout.take().context("a worker process without output")?;
    write_line(&mut input, task).context("a worker process did not take its task")?;
    let mut unfinished = task.shares.len();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(report) => {
                    unfinished -= usize::from(matches!(report, Report::Finished(_)));
                    let _ = told.send(report);
                }
                Err(error) => {
                    let reason = format!("{WORKER_LOST} ({process}) said something strange: {error}");
                    let _ = told.send(Report::Failed { reason });
                }
            }
        }
        if unfinished > 0 {
            let reason = format!("{WORKER_LOST} ({process}) ended before its work was done");
            let _ = told.send(Report::Failed { reason });
        }
    });
    Ok((child, input))
}

/// What a child does: takes its task from standard input and reports on standard output until all its threads are done.
///
/// # Errors
/// When the task cannot be read.
pub fn serve_parent() -> anyhow::Result<()> {
    let mut lines = std::io::stdin().lock().lines();
    let task = lines.next().context("no task")?.context("the task cannot be read")?;
    let task: Task = serde_json::from_str(&task).context("the task is not one")?;
    let secret = read_secret(&task.secret_file)?;
    let (plan, control) = (Arc::new(task.plan), Arc::<Control>::default());
    let (told, reports) = channel();
    let mut unfinished = task.shares.len();
    for share in task.shares {
        engine::spawn(Arc::clone(&plan), share, Arc::clone(&secret), Arc::clone(&control), told.clone());
    }
    let commanded = Arc::clone(&control);
    drop(lines);
    std::thread::spawn(move || obey(&commanded));
    let mut output = std::io::stdout().lock();
    while unfinished > 0 {
        let report = reports.recv().context("all threads are gone")?;
        unfinished -= usize::from(matches!(report, Report::Finished(_)));
        write_line(&mut output, &report).context("nobody listens")?;
    }
    Ok(())
}

/// Does what the parent says; its end is the end.
fn obey(control: &Control) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Command::Start { at_us }) => control.start_at(at_us),
            Ok(Command::Stop) => control.stop(),
            Ok(Command::Abandon) | Err(_) => control.abandon(),
        }
    }
    control.abandon();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_processes_as_descriptors_ask_for() {
        assert_eq!(processes_needed(2_000, 20_000), 1);
        assert_eq!(processes_needed(19_800, 20_000), 1);
        assert_eq!(processes_needed(19_801, 20_000), 2);
        assert_eq!(processes_needed(100_000, 20_000), 6);
    }

    #[test]
    fn a_secret_is_the_text_without_its_last_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token-secret");
        std::fs::write(&path, " abc \n\n").unwrap();
        assert_eq!(&*read_secret(&path).unwrap(), b" abc");
        std::fs::write(&path, "\n").unwrap();
        assert!(read_secret(&path).unwrap_err().to_string().contains("is empty"));
        let missing = read_secret(&directory.path().join("none")).unwrap_err().to_string();
        assert!(missing.contains("token-secret"), "{missing}");
    }
}
