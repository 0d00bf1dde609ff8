//! Threads in processes of their own on this machine: as many connections as one process may hold are not always enough.
//!
//! A child is this program again (`hubbub-load worker-process`): its task comes as one line of JSON on its standard input,
//! then one line for each command; its reports leave as lines of JSON on its standard output. It ends with its input, so
//! none outlives its parent, and it is in a process group of its own, so that Ctrl-C in a terminal reaches the parent
//! alone.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;

use super::local::Threads;
use super::task::{Command, Task};
use crate::engine::report::Report;
use crate::host;

/// How long a child may take to end by itself before it is killed.
const END_PATIENCE: Duration = Duration::from_secs(3);

/// How often an ending child is looked at.
const END_LOOK: Duration = Duration::from_millis(5);

/// The processes of a task.
pub(super) struct Children(Vec<(Child, ChildStdin)>);

impl Children {
    /// Starts `program` once for each task; what the threads there tell comes by `told`.
    ///
    /// # Errors
    /// When one cannot be started; none is left behind then.
    pub(super) fn start(program: &Path, tasks: &[Task], told: &Sender<Report>) -> anyhow::Result<Self> {
        let mut children = Self(Vec::new());
        for task in tasks {
            children.0.push(start_child(program, task, told.clone())?);
        }
        Ok(children)
    }

    pub(super) fn command(&mut self, command: Command) {
        for (_, input) in &mut self.0 {
            // A child that is gone has said so by the end of its output.
            let _ = write_line(input, &command);
        }
    }

    /// Resident memory of all of them, in bytes.
    pub(super) fn rss_bytes(&self) -> u64 {
        self.0.iter().filter_map(|(child, _)| host::process_rss_bytes(child.id())).sum()
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        self.command(Command::Abandon);
        let (mut children, inputs): (Vec<_>, Vec<_>) = self.0.drain(..).unzip();
        drop(inputs);
        let until = Instant::now() + END_PATIENCE;
        for child in &mut children {
            end(child, until);
        }
    }
}

/// Waits for the end of a child, and makes it when it does not come: a stopped process reads no commands.
fn end(child: &mut Child, until: Instant) {
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < until {
        std::thread::sleep(END_LOOK);
    }
    // Both fail only for a process that is gone.
    let _ = child.kill();
    let _ = child.wait();
}

fn write_line(output: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, value)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn start_child(program: &Path, task: &Task, told: Sender<Report>) -> anyhow::Result<(Child, ChildStdin)> {
    let mut command = std::process::Command::new(program);
    command.arg("worker-process").stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    let mut child = command.spawn().context("a worker process could not be started")?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut input = input.context("a worker process without input")?;
    let output = output.context("a worker process without output")?;
    write_line(&mut input, task).context("a worker process did not take its task")?;
    let (pid, unfinished) = (child.id(), task.shares.iter().map(|share| share.worker).collect());
    std::thread::spawn(move || pass_on(pid, output, unfinished, &told));
    Ok((child, input))
}

/// Passes a child's reports on until it ends; its end is its loss when it owes something.
fn pass_on(pid: u32, output: ChildStdout, mut unfinished: BTreeSet<u32>, told: &Sender<Report>) {
    let mut why = "ended before its work was done".to_owned();
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(report) => {
                match &report {
                    Report::Finished(part) => drop(unfinished.remove(&part.worker)),
                    Report::Lost { threads, .. } => unfinished.retain(|thread| !threads.contains(thread)),
                    _ => {}
                }
                // Nobody listens any more when the run is over.
                let _ = told.send(report);
            }
            Err(error) => {
                why = format!("said something strange: {error}");
                break;
            }
        }
    }
    if !unfinished.is_empty() {
        let reason = format!("the worker process {pid} {why}");
        let _ = told.send(Report::Lost { threads: unfinished.into_iter().collect(), reason });
    }
}

/// What a child does: takes its task from standard input and reports on standard output until all its threads are done.
///
/// # Errors
/// When the task cannot be read, or nobody takes the reports.
pub fn serve_parent() -> anyhow::Result<()> {
    let mut lines = std::io::stdin().lock().lines();
    let task = lines.next().context("no task")?.context("the task cannot be read")?;
    let task: Task = serde_json::from_str(&task).context("the task is not one")?;
    let mut unfinished = task.shares.len();
    let (told, reports) = channel();
    let threads = Threads::start(task, &told);
    drop((lines, told));
    std::thread::spawn(move || obey(&threads));
    let mut output = std::io::stdout().lock();
    while unfinished > 0 {
        let report = reports.recv().context("all threads are gone")?;
        unfinished -= usize::from(matches!(report, Report::Finished(_) | Report::Lost { .. }));
        write_line(&mut output, &report).context("nobody listens")?;
    }
    Ok(())
}

/// Does what the parent says; its end is the end.
fn obey(threads: &Threads) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        threads.command(serde_json::from_str(&line).unwrap_or(Command::Abandon));
    }
    threads.command(Command::Abandon);
}
