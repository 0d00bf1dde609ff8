//! Reading a log at its home: pages for sessions that catch up, and history.
//!
//! Only what is durable is read, so an answer leaves at once; and because it leaves before the next commit's runs do,
//! a page that reaches the head and the runs after it arrive in order.

use super::{PendingRead, Shard};
use crate::conversation::Log;
use crate::ids::{Conversation, LogId, Seq, UserId};
use crate::message::{Message, Next, Pull, PullAnswer, PullPage, ReceiptsPush, SessionMessage, Start};
use crate::records::{Page, PagePosition, PageRequest, Read, Span};
use crate::request::{Caller, ConversationState, Refusal, Reply};

impl Shard {
    pub(super) fn pull(&mut self, home: usize, pull: Pull) {
        let place = &self.homes[home];
        let conversation = place.id;
        let known = place.log().and_then(|log| Some((log, log.visible_spans(pull.user)?)));
        let Some((log, spans)) = known else {
            let state = pull.with_state.then(|| ConversationState::none(conversation));
            return self.send_page(conversation, pull, PullAnswer::NotAMember, state);
        };
        let from = match start_of(log, pull.user, spans, pull.start, self.settings.sync_entries_max) {
            Ok(from) => from,
            Err(()) => {
                let reset =
                    PullAnswer::Reset { log_id: log.log_id, floor: log.record.floor, head: log.visible_head(spans) };
                return self.send_page(conversation, pull, reset, None);
            }
        };
        let (after, up_to) = log.visible_after(spans, from).unwrap_or((from, from));
        let retention = self.retention_of(&log.record);
        let state = pull.with_state.then(|| Box::new(log.state_for(conversation, pull.user, spans, retention)));
        // Without it `unread` is every message there is.
        let ordinal_at = if pull.with_state { log.unread_from(pull.user, spans).err() } else { None };
        if after >= up_to && ordinal_at.is_none() {
            let nothing = Page { after, last: after, ..Page::default() };
            return self.answer_pull(conversation, pull, from, state, nothing, false);
        }
        let request = PageRequest {
            conversation,
            position: PagePosition::After(after),
            up_to,
            entries_max: self.settings.page_entries_max,
            bytes_max: self.settings.page_bytes_max,
            ordinal_at,
            overlay: false,
        };
        let pending = PendingRead::Pull(conversation, pull, from, state, ordinal_at.is_some());
        self.read(pending, Read::Page(request));
    }

    pub(super) fn answer_pull(
        &mut self,
        conversation: Conversation,
        pull: Pull,
        from: Seq,
        state: Option<Box<ConversationState>>,
        page: Page,
        counts_all: bool,
    ) {
        // The log may have been dropped from memory since the read was asked for: then ask again.
        let home = self.home_by_id.get(&conversation).copied();
        let known = home.and_then(|home| {
            let log = self.homes[home].log()?;
            Some((home, log, log.visible_spans(pull.user)?))
        });
        let Some((home, log, spans)) = known else { return self.pull_failed(conversation, pull) };
        let next = match log.visible_after(spans, page.last) {
            Some((after, up_to)) if after < up_to || after > page.last => Next::More,
            Some(_) => Next::Live,
            None => Next::Ended,
        };
        let marks = log.marks_of_both(conversation);
        let state = state.map(|mut state| {
            if counts_all {
                // What held the mark may have been removed since the page was asked for: then the floor is above it.
                let read = page.ordinal.unwrap_or(log.record.history().floor_ordinal);
                state.unread = state.unread.saturating_sub(read);
            }
            // Marks that rose while the page was read went to those who followed already.
            marks.iter().for_each(|&(of, delivered, read)| state.raise_marks(of == pull.user, delivered, read));
            *state
        });
        let answer = PullAnswer::Page { log_id: log.log_id, from, page, next };
        if next == Next::Live {
            self.homes[home].followers.insert(pull.shard);
            self.renew_summaries(home, pull.user);
        }
        self.counters.pages += 1;
        let renew = next == Next::Live && state.is_none() && !marks.is_empty();
        self.send_page(conversation, pull, answer, state);
        if renew {
            // It was behind, or read a long log: marks that were shown meanwhile have passed it by.
            let receipts = ReceiptsPush { conversation, receipts: marks };
            self.send(pull.shard, Message::ToSession(SessionMessage::Receipts(receipts)));
        }
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

    // ---- History ----

    pub(super) fn history(&mut self, home: usize, caller: Caller, position: PagePosition, limit: usize, raw: bool) {
        let place = &self.homes[home];
        let conversation = place.id;
        let known = place.log().and_then(|log| Some((log, log.visible_spans(caller.user)?)));
        let Some((log, spans)) = known else {
            return self.refuse(caller, Refusal::UnknownConversation);
        };
        let (skip_from, stretch) = match position {
            PagePosition::After(asked) => {
                let (after, up_to) = log.visible_after(spans, asked).unwrap_or((asked, asked));
                let read = (PagePosition::After(after), up_to, usize::MAX);
                (Some(asked), if after < up_to { Ok(read) } else { Err(after) })
            }
            PagePosition::Before(before) => {
                let stretch = log.visible_before(spans, before).ok_or(Seq(0));
                let read = stretch.map(|(lowest, below)| {
                    (PagePosition::Before(below), Seq(below.0 - 1), (below.0 - lowest.0) as usize)
                });
                (None, read)
            }
        };
        let (position, up_to, visible) = match stretch {
            Ok(stretch) => stretch,
            Err(at) => {
                let page = Page { after: at, last: at, ..Page::default() };
                return self.answer_history(conversation, caller, skip_from, page);
            }
        };
        let request = PageRequest {
            conversation,
            position,
            up_to,
            entries_max: limit.min(visible).min(self.settings.page_entries_max),
            bytes_max: self.settings.page_bytes_max,
            ordinal_at: None,
            overlay: !raw && log.record.history().overlaid,
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
        let known = home.and_then(|log| Some((log, log.visible_spans(caller.user)?)));
        let Some((log, spans)) = known else { return self.refuse(caller, Refusal::ReadFailed) };
        let (log_id, floor, head) = (log.log_id, log.record.floor, log.visible_head(spans));
        self.reply_now(caller.reply_to, Reply::History { conversation, log_id, skip_from, page, floor, head });
    }
}

/// Where a session starts; `Err` when its cursor is void.
fn start_of(log: &Log, user: UserId, spans: &[Span], start: Start, entries_max: u64) -> Result<Seq, ()> {
    let tail = Seq(log.visible_head(spans).0.saturating_sub(entries_max));
    match start {
        Start::Cursor(seq, log_id) if seq > log.committed || (log_id != LogId(0) && log_id != log.log_id) => Err(()),
        Start::Cursor(seq, _) => Ok(seq),
        Start::Since(seq) => Ok(seq.min(log.committed)),
        Start::Delivered => Ok(log.cursors.of(user).0.min(log.committed).max(tail)),
        Start::Tail => Ok(tail),
    }
}
