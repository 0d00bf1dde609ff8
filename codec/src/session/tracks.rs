//! Where this device stands in each log: the cursors, and the rule by which entries move them.
//!
//! Promises: what passes is reported once, in order, without a gap. Never does a cursor move by anything but the rule
//! in `chat.proto` (at `Entries`), a restored cursor, or a reset of the log.

use super::refusal::ProtocolError;
use super::repair::Gap;
use crate::ids::{Conversation, LogId, Seq};
use crate::proto;

/// One conversation. Kept small: a process may hold millions.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) conversation: Conversation,
    pub(super) log_id: LogId,
    /// The next `Sync` has to name it.
    pub(super) sync_wanted: bool,
    /// It has a cursor of its own; the server need not choose where to begin.
    pub(super) named: bool,
    /// Entries came since the last `Delivered`.
    pub(super) unacknowledged: bool,
    /// The highest contiguous seq reported.
    pub(super) cursor: u64,
    /// The highest seq heard of.
    pub(super) head: u64,
    /// The person's mark.
    pub(super) read: u64,
    /// What waits behind a gap.
    pub(super) gap: Option<Box<Gap>>,
}

/// What the rule says of a run of entries.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// The cursor has moved, or stands where it was; that many entries at the front are duplicates.
    Take { duplicates: usize },
    /// Something before them is missing.
    Gap,
}

impl Track {
    /// Moves the cursor over a run of entries that [`check_contiguous`] has passed.
    pub(super) fn advance(&mut self, run: &proto::Entries) -> Verdict {
        let last = last_seq(run);
        self.head = self.head.max(last).max(run.head);
        let held = if run.after_seq <= self.cursor {
            self.cursor - run.after_seq
        } else if run.skip_from_seq.is_some_and(|skip| skip <= self.cursor) {
            0
        } else {
            return Verdict::Gap;
        };
        self.cursor = self.cursor.max(last);
        self.named = true;
        let duplicates = run.entries.len().min(usize::try_from(held).unwrap_or(usize::MAX));
        Verdict::Take { duplicates }
    }
}

/// The seq up to which a run tells everything.
pub(super) fn last_seq(run: &proto::Entries) -> u64 {
    run.after_seq.saturating_add(run.entries.len() as u64)
}

/// The first entry is `after_seq + 1`, and each is one more than the one before.
pub(super) fn check_contiguous(run: &proto::Entries) -> Result<(), ProtocolError> {
    let mut expected = run.after_seq;
    for entry in &run.entries {
        expected = expected.wrapping_add(1);
        if entry.seq != expected || expected == 0 {
            return Err(ProtocolError::NotContiguous { expected, found: entry.seq });
        }
    }
    Ok(())
}

/// All conversations of a session, by name.
///
/// A sorted vector: it takes no memory until it is used and little after, and it is always walked in the same order.
#[derive(Debug, Default)]
pub(super) struct Tracks(Vec<Track>);

impl Tracks {
    pub(super) fn get(&self, conversation: &Conversation) -> Option<&Track> {
        let at = self.find(conversation).ok()?;
        Some(&self.0[at])
    }

    pub(super) fn get_mut(&mut self, conversation: &Conversation) -> Option<&mut Track> {
        let at = self.find(conversation).ok()?;
        Some(&mut self.0[at])
    }

    /// The conversation's place, made if need be.
    pub(super) fn entry(&mut self, conversation: Conversation, max: u32) -> Result<&mut Track, ProtocolError> {
        let at = match self.find(&conversation) {
            Ok(at) => at,
            Err(_) if self.0.len() >= max as usize => {
                return Err(ProtocolError::TooManyConversations { max: max as usize });
            }
            Err(at) => {
                if self.0.len() == self.0.capacity() {
                    // By half, not twofold, and from one: most sessions know a few conversations.
                    self.0.reserve_exact((self.0.len() / 2).max(1));
                }
                self.0.insert(at, Track::new(conversation));
                at
            }
        };
        Ok(&mut self.0[at])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Track> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Track> {
        self.0.iter_mut()
    }

    fn find(&self, conversation: &Conversation) -> Result<usize, usize> {
        self.0.binary_search_by(|track| track.conversation.cmp(conversation))
    }
}

impl Track {
    fn new(conversation: Conversation) -> Self {
        Self {
            conversation,
            log_id: LogId(0),
            sync_wanted: false,
            named: false,
            unacknowledged: false,
            cursor: 0,
            head: 0,
            read: 0,
            gap: None,
        }
    }

    /// The log began anew: whatever was known of its numbers is void.
    pub(super) fn reset(&mut self, log_id: LogId, head: Seq) {
        self.log_id = log_id;
        self.cursor = 0;
        self.head = head.0;
        self.read = 0;
        self.gap = None;
        self.named = true;
        self.unacknowledged = false;
    }

    pub(super) fn to_cursor(&self) -> proto::Cursor {
        proto::Cursor { conversation: Some(self.conversation.into()), log_id: self.log_id.0, seq: self.cursor }
    }
}
