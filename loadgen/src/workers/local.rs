//! Threads of this process.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::task::{Command, Task};
use crate::engine::report::Report;
use crate::engine::{self, Control};

/// Threads that run a task here. They end by themselves, or soon after this is dropped.
pub(super) struct Threads(Arc<Control>);

impl Threads {
    /// Starts them; they tell everything by `told`.
    pub(super) fn start(task: Task, told: &Sender<Report>) -> Self {
        let (plan, control) = (Arc::new(task.plan), Arc::<Control>::default());
        for share in task.shares {
            engine::spawn(Arc::clone(&plan), share, task.secret.bytes(), Arc::clone(&control), told.clone());
        }
        Self(control)
    }

    pub(super) fn command(&self, command: Command) {
        match command {
            Command::Start { at_us } => self.0.start_at(at_us),
            Command::Stop => self.0.stop(),
            Command::Abandon => self.0.abandon(),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::engine::plan::{Plan, Share};
    use crate::scenario::Scenario;

    #[test]
    fn a_thread_that_breaks_down_is_lost_and_says_so() {
        let plan = Plan::new(Scenario::load("direct").unwrap(), 1, 1, 1, "127.0.0.1:1".parse().unwrap());
        // There are no such communities.
        let shares = vec![Share { worker: 5, workers: 6, communities: u32::MAX - 1..u32::MAX }];
        let (told, reports) = channel();
        let _threads = Threads::start(Task { plan, shares, secret: vec![1].into() }, &told);
        let Ok(Report::Lost { threads, reason }) = reports.recv() else {
            panic!("it has nothing else to tell");
        };
        assert!(threads == [5] && reason.contains("generator thread 5"), "{reason}");
    }
}
