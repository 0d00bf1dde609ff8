//! A conversation as one of its members sees it: what syncs and lists tell.

use crate::conversation::Log;
use crate::ids::{Conversation, Seq, UserId};
use crate::records::{MutedUntil, Retention, Span};
use crate::request::ConversationState;

impl Log {
    /// A conversation as a user sees it to whom these spans are visible. Where [`Log::unread_from`] does not know the
    /// ordinal, `unread` lacks its subtraction.
    pub(crate) fn state_for(
        &self,
        conversation: Conversation,
        user: UserId,
        spans: &[Span],
        retention: Retention,
    ) -> ConversationState {
        let (delivered, read) = self.cursors.of(user);
        let member = self.members.present(user);
        let in_group = member.filter(|_| matches!(conversation, Conversation::Group(_)));
        ConversationState {
            conversation,
            member: self.is_open(spans),
            log_id: self.log_id,
            head: self.visible_head(spans),
            floor: self.record.floor,
            delivered,
            read,
            unread: self.committed_ordinal - self.unread_from(user, spans).unwrap_or(0),
            member_count: self.members.count(),
            title: self.record.title.clone(),
            peer: self.peer_marks(&conversation, user),
            blocked: self.is_blocked(),
            role: in_group.map(|member| member.role),
            muted_until: member.map_or(MutedUntil::NO, |member| member.muted_until),
            retention: Some(retention),
        }
    }

    /// The durable marks of a direct conversation's two users, of those who have any: (user, delivered, read). None
    /// while one has blocked the other: then neither is told anything new of the other.
    pub(crate) fn marks_of_both(&self, conversation: Conversation) -> Vec<(UserId, Seq, Seq)> {
        let Conversation::Direct { low, high } = conversation else { return Vec::new() };
        if self.is_blocked() {
            return Vec::new();
        }
        let marks = [low, high].map(|user| (user, self.cursors.of(user)));
        let some = marks.into_iter().filter(|(_, marks)| *marks != (Seq(0), Seq(0)));
        some.map(|(user, (delivered, read))| (user, delivered, read)).collect()
    }

    /// The ordinal from which a member has unread entries; `Err` with its seq when it must be looked up. Whoever is no
    /// member any more has none.
    pub(crate) fn unread_from(&self, user: UserId, spans: &[Span]) -> Result<u64, Seq> {
        let joined = spans.last().map_or(Seq(1), |span| span.joined);
        let (_, read) = self.cursors.of(user);
        let seq = read.max(Seq(joined.0 - 1)).max(self.record.floor);
        if seq >= self.committed || !self.is_open(spans) {
            Ok(self.committed_ordinal)
        } else if seq == self.record.floor {
            // The block that ends there may have been removed.
            Ok(self.record.history().floor_ordinal)
        } else if seq == Seq(0) || self.committed_ordinal == self.committed.0 {
            Ok(seq.0)
        } else {
            Err(seq)
        }
    }
}
