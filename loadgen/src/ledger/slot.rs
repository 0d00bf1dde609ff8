//! One entry of a log while it is not settled: what it must be, who has it, and when the group had it.

/// A message by its sender and the sender's counter in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageName {
    /// The sender's place among the members.
    pub sender: u32,
    /// Counts its sends in this conversation, from 0.
    pub counter: u32,
}

/// What a member was handed at a seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A whole message of this run and conversation.
    Message(MessageName),
    /// A damaged message, or one from another conversation.
    Corrupt,
    /// Something else: a membership change, an entry from before this run, a body that is gone.
    Other,
}

/// What is known of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A member was handed this message; its sender has no `Sent` for this seq.
    Seen(MessageName),
    /// The sender's `Sent` names this seq.
    Acked(MessageName),
    /// Not a message of this run.
    Other,
}

impl Known {
    /// The message, if it is one.
    #[must_use]
    pub fn message(self) -> Option<MessageName> {
        match self {
            Self::Seen(name) | Self::Acked(name) => Some(name),
            Self::Nothing | Self::Other => None,
        }
    }
}

/// An entry that is not settled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot {
    /// What it is.
    pub known: Known,
    /// Whether it was a first attempt, whose order counts.
    pub judged: bool,
    /// Members that were handed something at this seq.
    pub arrivals: u32,
    /// Of these: not live.
    pub on_sync: u32,
    /// Of these: with a content other than `known`.
    pub wrong: u32,
    /// Live arrivals at members other than the sender.
    pub others: u32,
    /// How long the first of them took, in microseconds.
    pub(super) first_us: u32,
    /// How long the middle one took.
    pub(super) median_us: u32,
}

/// How long one message took to all other members of its group, in microseconds from the intended send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fanout {
    /// To the first.
    pub first_us: u64,
    /// To the one in the middle (of an even number: the earlier one).
    pub median_us: u64,
    /// To the last.
    pub last_us: u64,
}

impl Slot {
    /// Counts a live arrival at a member other than the sender; the last of `others_max` completes the fan-out. A message
    /// that somebody had to catch up with has no completion time.
    pub fn note_live(&mut self, took_us: u64, others_max: u32) -> Option<Fanout> {
        let took_us = u32::try_from(took_us).unwrap_or(u32::MAX);
        self.others += 1;
        if self.others == 1 {
            self.first_us = took_us;
        }
        if self.others == others_max.div_ceil(2) {
            self.median_us = took_us;
        }
        (self.others == others_max).then(|| Fanout {
            first_us: self.first_us.into(),
            median_us: self.median_us.into(),
            last_us: took_us.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_takes_what_the_ledger_promises() {
        assert!(size_of::<Slot>() <= 40, "{}", size_of::<Slot>());
    }

    #[test]
    fn the_last_of_the_others_completes_a_fan_out() {
        let mut slot = Slot::default();
        assert_eq!(slot.note_live(10, 4), None);
        assert_eq!(slot.note_live(20, 4), None);
        assert_eq!(slot.note_live(30, 4), None);
        assert_eq!(slot.note_live(40, 4), Some(Fanout { first_us: 10, median_us: 20, last_us: 40 }));
    }

    #[test]
    fn one_recipient_is_first_middle_and_last() {
        let fanout = Slot::default().note_live(7, 1);
        assert_eq!(fanout, Some(Fanout { first_us: 7, median_us: 7, last_us: 7 }));
    }
}
