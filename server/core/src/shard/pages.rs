//! Reading a log at its home: pages for sessions that catch up, and history.
//!
//! Only what is durable is read, so an answer leaves at once; and because it leaves before the next commit's runs do,
//! a page that reaches the head and the runs after it arrive in order.

use super::{PendingRead, Shard};
use crate::conversation::Log;
use crate::ids::{Conversation, LogId, Seq, UserId};
use crate::message::{Message, Next, Pull, PullAnswer, PullPage, SessionMessage, Start};
use crate::records::{MemberRecord, Page, PagePosition, PageRequest, Read};
use crate::request::{Caller, ConversationState, Refusal, Reply};

impl Shard {
    pub(super) fn pull(&mut self, home: usize, pull: Pull) {
        let place = &self.homes[home];
        let conversation = place.id;
        let known = place.log().and_then(|log| Some((log, log.members.get(pull.user)?)));
        let Some((log, member)) = known else {
            let state = pull.with_state.then(|| ConversationState::none(conversation));
            return self.send_page(conversation, pull, PullAnswer::NotAMember, state);
        };
        let from = match start_of(log, pull.user, pull.start, self.settings.sync_entries_max) {
            Ok(from) => from,
            Err(()) => {
                let reset =
                    PullAnswer::Reset { log_id: log.log_id, floor: log.record.floor, head: log.visible_head(member) };
                return self.send_page(conversation, pull, reset, None);
            }
        };
        let (after, up_to) = log.visible_after(&member.spans, from).unwrap_or((from, from));
        let ordinal_at = if pull.with_state { unknown_ordinal(log, pull.user) } else { None };
        if after >= up_to && ordinal_at.is_none() {
            return self.answer_pull(conversation, pull, from, Page { after, last: after, ..Page::default() });
        }
        let request = PageRequest {
            conversation,
            position: PagePosition::After(after),
            up_to,
            entries_max: self.settings.page_entries_max,
            bytes_max: self.settings.page_bytes_max,
            ordinal_at,
        };
        self.read(PendingRead::Pull(conversation, pull, from), Read::Page(request));
    }

    pub(super) fn answer_pull(&mut self, conversation: Conversation, pull: Pull, from: Seq, page: Page) {
        // The log may have been dropped from memory since the read was asked for: then ask again.
        let home = self.home_by_id.get(&conversation).copied();
        let known = home.and_then(|home| {
            let log = self.homes[home].log()?;
            Some((home, log, log.members.get(pull.user)?))
        });
        let Some((home, log, member)) = known else { return self.pull_failed(conversation, pull) };
        let next = match log.visible_after(&member.spans, page.last) {
            Some((after, up_to)) if after < up_to || after > page.last => Next::More,
            Some(_) if log.members.present(pull.user).is_some() => Next::Live,
            Some(_) => Next::More,
            None => Next::Ended,
        };
        let state = pull.with_state.then(|| self.state_for(log, conversation, pull.user, member, page.ordinal));
        let answer = PullAnswer::Page { log_id: log.log_id, from, page, next };
        if next == Next::Live {
            self.homes[home].followers.insert(pull.shard);
        }
        self.counters.pages += 1;
        self.send_page(conversation, pull, answer, state);
    }

    pub(super) fn pull_failed(&mut self, conversation: Conversation, pull: Pull) {
        self.send_page(conversation, pull, PullAnswer::Failed, None);
    }

    fn send_page(
        &mut self,
        conversation: Conversation,
        pull: Pull,
        answer: PullAnswer,
        state: Option<ConversationState>,
    ) {
        let page = PullPage { conversation, session: pull.session, start: pull.start, answer, state };
        self.send(pull.shard, Message::ToSession(SessionMessage::Page(Box::new(page))));
    }

    fn state_for(
        &self,
        log: &Log,
        conversation: Conversation,
        user: UserId,
        member: &MemberRecord,
        ordinal: Option<u64>,
    ) -> ConversationState {
        let (delivered, read) = log.cursors.of(user);
        let read_ordinal = ordinal.unwrap_or_else(|| known_ordinal(log, read));
        ConversationState {
            conversation,
            member: log.members.present(user).is_some(),
            log_id: log.log_id,
            head: log.visible_head(member),
            floor: log.record.floor,
            delivered,
            read,
            unread: log.committed_ordinal.saturating_sub(read_ordinal),
            member_count: log.members.count(),
            title: log.record.title.clone(),
            peer: conversation.peer_of(user).map_or((Seq(0), Seq(0)), |peer| log.cursors.of(peer)),
        }
    }

    // ---- History ----

    pub(super) fn history(&mut self, home: usize, caller: Caller, position: PagePosition, limit: usize) {
        let place = &self.homes[home];
        let conversation = place.id;
        let known = place.log().and_then(|log| Some((log, log.members.get(caller.user)?)));
        let Some((log, member)) = known else {
            return self.refuse(caller, Refusal::UnknownConversation);
        };
        let (stretch, skip_from) = match position {
            PagePosition::After(after) => {
                let stretch = log.visible_after(&member.spans, after).filter(|(after, up_to)| after < up_to);
                (stretch.map(|(after, up_to)| (PagePosition::After(after), up_to, usize::MAX)), Some(after))
            }
            PagePosition::Before(before) => {
                let stretch = log.visible_before(&member.spans, before);
                let page = stretch.map(|(lowest, below)| {
                    (PagePosition::Before(below), Seq(below.0 - 1), (below.0 - lowest.0) as usize)
                });
                (page, None)
            }
        };
        let Some((position, up_to, visible)) = stretch else {
            let at = skip_from.unwrap_or(Seq(0));
            let page = Page { after: at, last: at, ..Page::default() };
            return self.answer_history(conversation, caller, skip_from, page);
        };
        let request = PageRequest {
            conversation,
            position,
            up_to,
            entries_max: limit.min(visible).min(self.settings.page_entries_max),
            bytes_max: self.settings.page_bytes_max,
            ordinal_at: None,
        };
        self.read(PendingRead::History(conversation, caller, skip_from), Read::Page(request));
    }

    pub(super) fn answer_history(
        &mut self,
        conversation: Conversation,
        caller: Caller,
        skip_from: Option<Seq>,
        page: Page,
    ) {
        let home = self.home_by_id.get(&conversation).and_then(|&home| self.homes[home].log());
        let known = home.and_then(|log| Some((log, log.members.get(caller.user)?)));
        let Some((log, member)) = known else { return self.refuse(caller, Refusal::ReadFailed) };
        let (log_id, floor, head) = (log.log_id, log.record.floor, log.visible_head(member));
        self.reply_now(caller.reply_to, Reply::History { conversation, log_id, skip_from, page, floor, head });
    }
}

/// Where a session starts; `Err` when its cursor is void.
fn start_of(log: &Log, user: UserId, start: Start, entries_max: u64) -> Result<Seq, ()> {
    let tail = Seq(log.committed.0.saturating_sub(entries_max));
    match start {
        Start::Cursor(seq, log_id) if seq > log.committed || (log_id != LogId(0) && log_id != log.log_id) => Err(()),
        Start::Cursor(seq, _) => Ok(seq),
        Start::Delivered => Ok(log.cursors.of(user).0.min(log.committed).max(tail)),
        Start::Tail => Ok(tail),
    }
}

/// USER entries up to a seq, where that follows from what is in memory.
fn known_ordinal(log: &Log, seq: Seq) -> u64 {
    if log.committed_ordinal == log.committed.0 { seq.0 } else { log.committed_ordinal.min(seq.0) }
}

/// The seq of the read mark, when its ordinal must be looked up to tell what is unread.
fn unknown_ordinal(log: &Log, user: UserId) -> Option<Seq> {
    let (_, read) = log.cursors.of(user);
    let known = log.committed_ordinal == log.committed.0 || read == Seq(0) || read >= log.committed;
    (!known).then_some(read)
}
