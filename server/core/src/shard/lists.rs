//! Lists of a user's conversations, and the states that some of them tell.
//!
//! What a conversation's state is, only its home knows. A list with states waits for the homes of its page; each of
//! them answers once, with nothing when its store cannot be read, so a list always comes to an end.

use super::{PendingRead, Shard};
use crate::ids::Conversation;
use crate::message::{ConversationMessage, ListId, Message, ReceiptsPush, SessionMessage, StateQuery};
use crate::records::{PagePosition, PageRequest, Read};
use crate::request::{Caller, ConversationState, ListedConversation, Refusal, Reply};
use crate::sessions::User;
use std::ops::Bound;

/// Most lists of one shard that wait for states.
const LISTS_MAX: usize = 1_024;

/// A list that waits for states.
#[derive(Debug)]
pub(super) struct PendingList {
    caller: Caller,
    conversations: Vec<ListedConversation>,
    more: bool,
    /// States that have not come.
    waiting: usize,
}

impl Shard {
    pub(super) fn list_conversations(
        &mut self,
        caller: Caller,
        after: Option<Conversation>,
        limit: usize,
        with_states: bool,
    ) {
        let Some(User::Ready(user)) = self.users.get(&caller.user) else { return };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut conversations: Vec<ListedConversation> = user
            .memberships
            .range((start, Bound::Unbounded))
            .filter(|(_, membership)| membership.member)
            .take(limit + 1)
            .map(|(&conversation, &membership)| ListedConversation { conversation, membership, state: None })
            .collect();
        let more = conversations.len() > limit;
        conversations.truncate(limit);
        let waiting = if with_states { conversations.len() } else { 0 };
        let list = PendingList { caller, conversations, more, waiting };
        match waiting {
            0 => self.answer_list(list),
            _ if self.lists.len() >= LISTS_MAX => self.refuse(caller, Refusal::Overloaded),
            _ => self.ask_states(list),
        }
    }

    fn ask_states(&mut self, list: PendingList) {
        let user = list.caller.user;
        let asked: Vec<Conversation> = list.conversations.iter().map(|listed| listed.conversation).collect();
        let query = StateQuery { user, shard: self.id, list: ListId(self.lists.insert(list) as u32) };
        for conversation in asked {
            self.send_home(conversation, ConversationMessage::State(query));
        }
    }

    fn answer_list(&mut self, list: PendingList) {
        let PendingList { caller, conversations, more, .. } = list;
        let partition = self.slots.partition_of_user(caller.user);
        self.reply_gated(partition, caller.reply_to, Reply::Conversations { conversations, more });
    }

    /// A home has answered.
    pub(super) fn handle_listed_state(
        &mut self,
        id: ListId,
        conversation: &Conversation,
        state: Option<Box<ConversationState>>,
    ) {
        let list = self.lists.get_mut(id.0 as usize).expect("each home answers once, and then the list ends");
        let at = list.conversations.binary_search_by_key(conversation, |listed| listed.conversation);
        list.conversations[at.expect("homes answer what they were asked")].state = state;
        list.waiting -= 1;
        if list.waiting == 0 {
            let list = self.lists.remove(id.0 as usize);
            self.answer_list(list);
        }
    }

    /// What a list will say of marks must not be older than what is pushed before it.
    pub(super) fn raise_listed_marks(&mut self, receipts: &ReceiptsPush) {
        for (_, list) in &mut self.lists {
            let at = list.conversations.binary_search_by_key(&receipts.conversation, |listed| listed.conversation);
            let Some(state) = at.ok().and_then(|at| list.conversations[at].state.as_mut()) else { continue };
            for &(user, delivered, read) in &receipts.receipts {
                state.raise_marks(user == list.caller.user, delivered, read);
            }
        }
    }

    // ---- At the conversation's home ----

    /// Tells the state of a conversation once it is durable.
    pub(super) fn tell_state(&mut self, home: usize, query: StateQuery) {
        let place = &self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let known = place.log().and_then(|log| Some((log, log.visible_spans(query.user)?)));
        let Some((log, spans)) = known else {
            return self.answer_state(query, conversation, Some(Box::new(ConversationState::none(conversation))));
        };
        let retention = self.retention_of(&log.record);
        let state = Box::new(log.state_for(conversation, query.user, spans, retention));
        match log.unread_from(query.user, spans) {
            Ok(_) => {
                let answer = SessionMessage::State(query.list, conversation, Some(state));
                self.send_gated(partition, query.shard, Message::ToSession(answer));
            }
            Err(seq) => {
                let request = PageRequest {
                    conversation,
                    position: PagePosition::After(log.committed),
                    up_to: log.committed,
                    entries_max: 1,
                    bytes_max: 0,
                    ordinal_at: Some(seq),
                    overlay: false,
                };
                self.read_gated(partition, PendingRead::State(conversation, query, state), Read::Page(request));
            }
        }
    }

    /// The ordinal has come from which the user has unread entries (`None`: the store could not be read).
    pub(super) fn state_read(
        &mut self,
        conversation: Conversation,
        query: StateQuery,
        mut state: Box<ConversationState>,
        ordinal: Option<u64>,
    ) {
        let state = ordinal.map(|ordinal| {
            state.unread = state.unread.saturating_sub(ordinal);
            state
        });
        self.answer_state(query, conversation, state);
    }

    pub(super) fn answer_state(
        &mut self,
        query: StateQuery,
        conversation: Conversation,
        state: Option<Box<ConversationState>>,
    ) {
        let answer = SessionMessage::State(query.list, conversation, state);
        self.send(query.shard, Message::ToSession(answer));
    }
}
