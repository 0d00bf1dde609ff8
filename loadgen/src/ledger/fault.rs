//! What the ledger found wrong, one by one: which message, where, and what happened to it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::slot::MessageName;

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A copy of an accepted message did not arrive whole, although the recipient came to the end of the log.
    Lost,
    /// A copy had not arrived at a recipient that could not be asked.
    Pending,
    /// A copy was handed out again, or a message is stored a second time.
    Duplicated,
    /// Something came, or is stored, after what it must be before, or in another message's place.
    Reordered,
    /// Numbers were passed over.
    Gap,
    /// A body was damaged, in the wrong conversation, or never sent.
    Corrupt,
    /// A log began anew.
    LogReset,
    /// There was no room to account for it.
    Unaccounted,
}

/// One fault. What does not apply or is not known is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// What kind.
    pub kind: FaultKind,
    /// Whose log, as the server names it.
    pub conversation: String,
    /// The user who sent the message.
    pub sender: Option<u64>,
    /// The sender's counter of its messages in this conversation, from 0.
    pub counter: Option<u32>,
    /// The number in the log.
    pub seq: Option<u64>,
    /// The user at whom it was noticed.
    pub recipient: Option<u64>,
    /// What happened, in words.
    pub detail: String,
}

impl Fault {
    /// A fault of a conversation.
    pub fn new(kind: FaultKind, conversation: &impl fmt::Display, detail: impl Into<String>) -> Self {
        Self {
            kind,
            conversation: conversation.to_string(),
            sender: None,
            counter: None,
            seq: None,
            recipient: None,
            detail: detail.into(),
        }
    }

    /// Of this message; `users` are the members by place.
    #[must_use]
    pub fn of(self, name: MessageName, users: &[u64]) -> Self {
        Self { sender: users.get(name.sender as usize).copied(), counter: Some(name.counter), ..self }
    }

    /// At this number of the log.
    #[must_use]
    pub fn seq(self, seq: u64) -> Self {
        Self { seq: Some(seq), ..self }
    }

    /// Noticed at this member.
    #[must_use]
    pub fn at(self, member: u32, users: &[u64]) -> Self {
        Self { recipient: users.get(member as usize).copied(), ..self }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Pending => "pending",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Gap => "gap",
            Self::Corrupt => "corrupt",
            Self::LogReset => "log reset",
            Self::Unaccounted => "unaccounted",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.kind, self.conversation)?;
        if let Some(seq) = self.seq {
            write!(f, ", seq {seq}")?;
        }
        if let (Some(sender), Some(counter)) = (self.sender, self.counter) {
            write!(f, ", message {counter} of user {sender}")?;
        }
        if let Some(recipient) = self.recipient {
            write!(f, ", at user {recipient}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_words_name_everything_that_is_known() {
        let name = MessageName { sender: 1, counter: 7 };
        let fault = Fault::new(FaultKind::Lost, &"group(5)", "it did not arrive");
        let fault = fault.of(name, &[100, 101]).seq(9).at(0, &[100, 101]);
        assert_eq!(fault.to_string(), "lost in group(5), seq 9, message 7 of user 101, at user 100: it did not arrive");
        let reset = Fault::new(FaultKind::LogReset, &"direct(1, 2)", "the log began anew");
        assert_eq!(reset.to_string(), "log reset in direct(1, 2): the log began anew");
    }
}
