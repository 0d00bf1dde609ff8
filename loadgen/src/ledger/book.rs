//! The ledger of one conversation, of the kind that its server allows: with the server's numbers, or by names alone.

use super::Account;
use super::conversation::ConversationLedger;
use super::slot::MessageName;
use super::unnumbered::UnnumberedLedger;

/// See the module. What the two kinds have in common; arrivals they take in their own ways.
#[derive(Debug)]
pub enum Book {
    /// The server numbers the entries of each conversation.
    Numbered(ConversationLedger),
    /// It does not.
    Unnumbered(Box<UnnumberedLedger>),
}

impl Book {
    /// The numbered one, if that is what it is.
    pub fn numbered_mut(&mut self) -> Option<&mut ConversationLedger> {
        match self {
            Self::Numbered(ledger) => Some(ledger),
            Self::Unnumbered(_) => None,
        }
    }

    /// The other one.
    pub fn unnumbered_mut(&mut self) -> Option<&mut UnnumberedLedger> {
        match self {
            Self::Numbered(_) => None,
            Self::Unnumbered(ledger) => Some(ledger),
        }
    }

    /// The counter that the next send of a member will have.
    #[must_use]
    pub fn next_counter(&self, member: u32) -> u32 {
        match self {
            Self::Numbered(ledger) => ledger.next_counter(member),
            Self::Unnumbered(ledger) => ledger.next_counter(member),
        }
    }

    /// A member has sent.
    pub fn note_send(&mut self, member: u32) {
        match self {
            Self::Numbered(ledger) => ledger.note_send(member),
            Self::Unnumbered(ledger) => ledger.note_send(member),
        }
    }

    /// The server refused a send for good.
    pub fn note_refused(&mut self, name: MessageName, account: &mut Account) {
        match self {
            Self::Numbered(ledger) => ledger.note_refused(account),
            Self::Unnumbered(ledger) => ledger.note_refused(name, account),
        }
    }

    /// Whether nothing is open: no send without its answer, no message without all its members.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Numbered(ledger) => ledger.is_settled(),
            Self::Unnumbered(ledger) => ledger.is_settled(),
        }
    }

    /// Whether a member lacks something that exists.
    #[must_use]
    pub fn lags(&self, member: u32) -> bool {
        match self {
            Self::Numbered(ledger) => ledger.lags(member),
            Self::Unnumbered(ledger) => ledger.lags(member),
        }
    }

    /// Judges what is left. `asked(member)`: what it lacks is lost rather than pending.
    pub fn finish(&mut self, asked: impl Fn(u32) -> bool, account: &mut Account) {
        match self {
            Self::Numbered(ledger) => ledger.finish(asked, account),
            Self::Unnumbered(ledger) => ledger.finish(asked, account),
        }
    }
}
