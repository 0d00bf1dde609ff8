//! The newest messages of a group, and how many members hold each and have read it.
//!
//! Counts come from durable marks alone: a member counts for a message that it may see, did not write, and whose mark
//! has passed it. Marks only rise and spans never shrink behind them, so counts never fall; whoever has left since
//! still counts. When the group is loaded, who wrote what is not known yet: it is read at the first mark or the first
//! session that follows, and counted anew from all marks. Until then marks are only noted.
//!
//! What changed is pushed to the authors at most so often; this file says when, and never what is pushed to whom.

use crate::conversation::{Cursors, Log, Members};
use crate::ids::{Conversation, Seq, Timestamp, UserId};
use crate::message::Summary;
use crate::records::Span;
use std::collections::VecDeque;

/// So many messages are counted.
const MESSAGES_MAX: usize = 64;
/// So many entries are looked through for them after loading; changes of the group are among them.
pub(crate) const ENTRIES_RECALLED_MAX: usize = 128;

/// See the module.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Ascending.
    messages: VecDeque<Message>,
    older: Older,
    /// Something is to be pushed: the shard looks at this group with each tick.
    pub(crate) queued: bool,
    /// Nothing is pushed before.
    quiet_until: Timestamp,
}

/// Messages before those that were written since the group was loaded.
#[derive(Debug)]
enum Older {
    /// Counted, too, as far as there is room.
    Known,
    /// Not known; what lies in `(low, high]` is to be pushed.
    Unknown { low: Seq, high: Seq },
    /// Those below `below` are being read.
    Awaited { below: Seq, low: Seq, high: Seq },
}

#[derive(Debug)]
struct Message {
    author: UserId,
    summary: Summary,
    changed: bool,
}

impl Message {
    fn new(seq: Seq, author: UserId) -> Message {
        Message { author, summary: Summary { seq, delivered: 0, read: 0 }, changed: false }
    }
}

/// A user's marks `(delivered, read)`.
type Marks = (Seq, Seq);

impl Recent {
    /// Of a group that begins.
    pub(crate) fn new() -> Recent {
        Recent { messages: VecDeque::new(), older: Older::Known, queued: false, quiet_until: Timestamp(0) }
    }

    /// Of a group that was loaded.
    pub(crate) fn of_stored() -> Recent {
        let older = Older::Unknown { low: Seq(u64::MAX), high: Seq(0) };
        Recent { older, ..Recent::new() }
    }

    /// Takes note of a new message.
    pub(crate) fn push(&mut self, seq: Seq, author: UserId) {
        if self.messages.len() == MESSAGES_MAX {
            self.messages.pop_front();
            self.older = Older::Known;
        }
        self.messages.push_back(Message::new(seq, author));
    }

    /// A member's marks have risen. True when that changed a count.
    fn raise(&mut self, user: UserId, spans: &[Span], from: Marks, to: Marks) -> bool {
        let start = self.messages.partition_point(|message| message.summary.seq <= from.0.min(from.1));
        let mut any = false;
        for message in self.messages.range_mut(start..) {
            let summary = &mut message.summary;
            if summary.seq > to.0 {
                break;
            }
            if message.author == user || !sees(spans, summary.seq) {
                continue;
            }
            let passes = |from: Seq, to: Seq| summary.seq > from && summary.seq <= to;
            let (delivered, read) = (passes(from.0, to.0), passes(from.1, to.1));
            summary.delivered += u32::from(delivered);
            summary.read += u32::from(read);
            message.changed |= delivered || read;
            any |= delivered || read;
        }
        any
    }

    /// Counts everything anew.
    fn recount(&mut self, members: &Members, cursors: &Cursors) {
        for message in &mut self.messages {
            (message.summary.delivered, message.summary.read) = (0, 0);
        }
        for (user, marks) in cursors.users() {
            if let Some(member) = members.get(user) {
                self.raise(user, &member.spans, (Seq(0), Seq(0)), marks);
            }
        }
    }

    /// Has an author's messages pushed again, for a session that may have missed it. True when there are any.
    fn renew(&mut self, author: UserId) -> bool {
        if let Older::Unknown { low, high } | Older::Awaited { low, high, .. } = &mut self.older {
            // Once for each load: then all authors are told everything.
            (*low, *high) = (Seq(0), Seq(u64::MAX));
            return false;
        }
        let own = self.messages.iter_mut().filter(|message| message.author == author && message.summary.delivered > 0);
        let mut any = false;
        own.for_each(|message| (message.changed, any) = (true, true));
        any
    }

    /// Whether changes may be pushed now.
    pub(crate) fn is_due(&self, now: Timestamp, interval_ms: u64) -> bool {
        // A clock that steps back must not keep it quiet for longer than the interval.
        now >= self.quiet_until || now.plus_ms(interval_ms) < self.quiet_until
    }

    /// Takes what changed, with the authors.
    pub(crate) fn take_changed(&mut self, now: Timestamp, interval_ms: u64) -> Vec<(UserId, Summary)> {
        self.queued = false;
        self.quiet_until = now.plus_ms(interval_ms);
        let changed = self
            .messages
            .iter_mut()
            .filter_map(|message| std::mem::take(&mut message.changed).then_some((message.author, message.summary)));
        changed.collect()
    }
}

/// Whether a member with these spans may see an entry.
pub(crate) fn sees(spans: &[Span], seq: Seq) -> bool {
    spans.iter().any(|span| span.joined <= seq && span.left.is_none_or(|left| seq < left))
}

impl Log {
    /// A user's durable marks have risen. True when a count changed.
    pub(crate) fn count_marks(&mut self, user: UserId, from: Marks, to: Marks) -> bool {
        let Some(recent) = &mut self.recent else { return false };
        match &mut recent.older {
            Older::Known => {
                let spans = self.members.get(user).map_or(&[][..], |member| &member.spans);
                recent.raise(user, spans, from, to)
            }
            Older::Unknown { low, high } | Older::Awaited { low, high, .. } => {
                *low = (*low).min(from.0).min(from.1);
                *high = (*high).max(to.0);
                false
            }
        }
    }

    /// Whether older messages must be read now, because there is something to push: those up to this seq.
    pub(crate) fn recall_up_to(&mut self) -> Option<Seq> {
        let recent = self.recent.as_mut()?;
        let Older::Unknown { low, high } = recent.older else { return None };
        if low >= high {
            return None;
        }
        let below = recent.messages.front().map_or(self.head.next(), |oldest| oldest.summary.seq);
        recent.older = Older::Awaited { below, low, high };
        Some(Seq(below.0 - 1))
    }

    /// The older messages, ascending, as they were asked for up to a seq; `None` when they could not be read. True when
    /// a count that authors know may have changed.
    pub(crate) fn recalled(&mut self, up_to: Seq, authors: Option<&[(Seq, UserId)]>) -> bool {
        let Some(recent) = &mut self.recent else { return false };
        let Older::Awaited { below, low, high } = recent.older else { return false };
        if below != up_to.next() {
            return false;
        }
        let Some(authors) = authors else {
            recent.older = Older::Unknown { low, high };
            return false;
        };
        recent.older = Older::Known;
        for &(seq, author) in authors.iter().rev().take(MESSAGES_MAX - recent.messages.len()) {
            recent.messages.push_front(Message::new(seq, author));
        }
        recent.recount(&self.members, &self.cursors);
        let mut any = false;
        for message in &mut recent.messages {
            message.changed = message.summary.delivered > 0 && message.summary.seq > low && message.summary.seq <= high;
            any |= message.changed;
        }
        any
    }

    /// A session of a user may have missed pushes: has them repeated. True when there are any.
    pub(crate) fn renew_summaries(&mut self, author: UserId) -> bool {
        self.recent.as_mut().is_some_and(|recent| recent.renew(author))
    }

    /// How many members hold a message and have read it, its author excepted.
    pub(crate) fn summary_of(&self, conversation: &Conversation, seq: Seq, author: UserId) -> Summary {
        let mut summary = Summary { seq, delivered: 0, read: 0 };
        for (user, marks) in self.cursors.users() {
            let (delivered, read) = if self.is_blocked() { self.marks_shown(conversation, user) } else { marks };
            let counts = delivered >= seq && user != author;
            if counts && self.members.get(user).is_some_and(|member| sees(&member.spans, seq)) {
                summary.delivered += 1;
                summary.read += u32::from(read >= seq);
            }
        }
        summary
    }
}
