//! Reads one log as the protocol tells clients to, and fails on any gap, duplicate or reorder.

use super::{Down, Raw};
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{Entries, Entry};

/// A cursor in one log, with the entries that moved it.
pub(crate) struct Reader {
    conversation: Conversation,
    /// Which life of the log; 0 before the first entry.
    pub(crate) log_id: u32,
    /// The highest contiguous seq.
    pub(crate) cursor: u64,
    /// What came, in order.
    pub(crate) entries: Vec<Entry>,
}

impl Reader {
    /// Nothing read.
    #[track_caller]
    pub(crate) fn new(conversation: Conversation) -> Reader {
        Reader::after(conversation, 0)
    }

    /// Everything up to a seq is held.
    #[track_caller]
    pub(crate) fn after(conversation: Conversation, cursor: u64) -> Reader {
        Reader { conversation, log_id: 0, cursor, entries: Vec::new() }
    }

    /// Reads pushes until the cursor has reached `seq`.
    #[track_caller]
    pub(crate) fn read_up_to(&mut self, raw: &mut Raw, seq: u64) {
        while self.cursor < seq {
            let conversation = self.conversation;
            let run = raw.push(|body| match body {
                Down::Entries(run) if Conversation::try_from(&run.conversation) == Ok(conversation) => {
                    Some(run.clone())
                }
                _ => None,
            });
            self.take(run);
        }
    }

    /// Takes a run. Unlike a real client it does not even put up with what it has already.
    #[track_caller]
    pub(crate) fn take(&mut self, run: Entries) {
        let follows = run.after_seq == self.cursor || run.skip_from_seq == Some(self.cursor);
        assert!(follows, "at {}, a run after {} (skip from {:?})", self.cursor, run.after_seq, run.skip_from_seq);
        assert!(self.log_id == 0 || self.log_id == run.log_id, "another log");
        assert_ne!(run.log_id, 0);
        self.log_id = run.log_id;
        self.cursor = run.after_seq;
        for entry in run.entries {
            assert_eq!(entry.seq, self.cursor + 1);
            self.cursor = entry.seq;
            self.entries.push(entry);
        }
    }

    /// The texts of what came.
    #[track_caller]
    pub(crate) fn texts(&self) -> Vec<String> {
        self.entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect()
    }
}
