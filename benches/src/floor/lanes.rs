//! From one thread of the floor to the others: the server's mailboxes, and what waits while a lane is full.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;

use super::relay::Shared;

/// What one thread hands to another.
pub(super) enum Handed {
    /// A connection whose user lives there, what was read of it, and the number of its login.
    Connection(TcpStream, u64, Vec<u8>, u64),
    /// A frame for a user.
    ToUser(u64, Bytes),
    /// A frame for the members of a group.
    ToGroup(u64, Bytes),
}

/// The ways out of a thread. What does not fit waits, and the thread stops reading until it has left.
pub(super) struct Lanes {
    id: usize,
    shared: Arc<Shared>,
    backlog: Vec<VecDeque<Handed>>,
    /// Threads that were sent something in this turn.
    pushed: Vec<bool>,
}

impl Lanes {
    pub(super) fn new(id: usize, shared: Arc<Shared>) -> Lanes {
        let threads = shared.mailboxes.len();
        Lanes { id, shared, backlog: (0..threads).map(|_| VecDeque::new()).collect(), pushed: vec![false; threads] }
    }

    pub(super) fn hand(&mut self, thread: usize, handed: Handed) {
        let waits = !self.backlog[thread].is_empty();
        let left = if waits { Err(handed) } else { self.shared.mailboxes[thread].push(self.id, handed) };
        match left {
            Ok(()) => self.pushed[thread] = true,
            Err(handed) => self.backlog[thread].push_back(handed),
        }
    }

    /// Sends on what has waited, and rings once for everything.
    pub(super) fn flush(&mut self) {
        for (thread, backlog) in self.backlog.iter_mut().enumerate() {
            let mailbox = &self.shared.mailboxes[thread];
            while let Some(handed) = backlog.pop_front() {
                match mailbox.push(self.id, handed) {
                    Ok(()) => self.pushed[thread] = true,
                    Err(handed) => {
                        backlog.push_front(handed);
                        break;
                    }
                }
            }
            if std::mem::take(&mut self.pushed[thread]) {
                mailbox.bell().ring();
            }
        }
    }

    /// Whether anything waits for room.
    pub(super) fn is_congested(&self) -> bool {
        self.backlog.iter().any(|backlog| !backlog.is_empty())
    }
}
