//! What must hold, whatever happens: checked against what is durable, at each effect that leaves and each frame that
//! a client takes. A check that fails panics.

use crate::blocks::Blocks;
use crate::device::read_signal;
use crate::presence::Seen;
use crate::rules::{objection, objection_to_operation};
use bytes::Bytes;
use hubbub_codec::content::{Change, Content, MutedUntil, Role};
use hubbub_codec::ids as codec;
use hubbub_codec::proto;
use hubbub_codec::timeline::{Timeline, TimelineMember, TimelineMessage};
use hubbub_core::entry::{Entries, EntryHeader};
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, MessageId, MessageName, Seq, Timestamp, UserId};
use hubbub_core::machine::Effect;
use hubbub_core::message::Summary;
use hubbub_core::records::{self, Batch, Block, MemberRecord, Retention, Write};
use hubbub_core::request::{ConversationState, MessageInfo, Reply};
use hubbub_shadow::Store;
use prost::Message as _;
use std::collections::BTreeMap;

/// What is durable, what was promised, and counts.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// What is durable.
    pub store: Store,
    stored: BTreeMap<(Conversation, MessageName), Seq>,
    entries: BTreeMap<Conversation, Vec<EntryHeader>>,
    /// The same entries with what they say, as they were decided.
    said: BTreeMap<Conversation, Vec<proto::Entry>>,
    /// What they amount to.
    timelines: BTreeMap<Conversation, Timeline>,
    acked: BTreeMap<(Conversation, MessageName), (Seq, MessageId)>,
    /// Who has blocked whom.
    pub(crate) blocks: Blocks,
    /// Whether each user was invisible and what they said of themselves, in every durable state.
    presences: BTreeMap<UserId, Vec<(bool, Box<str>)>>,
    /// The latest that the clock has shown.
    pub latest: Timestamp,
    /// How long bodies are kept where nobody chose.
    pub retention: Retention,
    /// The world rests, and people only look.
    pub settled: bool,
    /// Durable entries were lost at some time.
    went_back: bool,
    /// Entries by what they say.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Messages acked.
    pub acks: u64,
    /// Entries that devices took.
    pub taken: u64,
    /// Entries that devices had already.
    pub repeated: u64,
    /// Answers that named a duplicate.
    pub duplicates: u64,
}

/// How long bodies are kept where they are kept for a time, in microseconds.
const TTL_US: i64 = 60_000_000;

impl Ledger {
    /// Nothing yet, in so many partitions.
    #[must_use]
    pub fn new(partitions: u16) -> Ledger {
        Ledger {
            store: Store::new(partitions),
            stored: BTreeMap::new(),
            entries: BTreeMap::new(),
            said: BTreeMap::new(),
            timelines: BTreeMap::new(),
            acked: BTreeMap::new(),
            blocks: Blocks::default(),
            presences: BTreeMap::new(),
            latest: Timestamp(0),
            retention: Retention::Forever,
            settled: false,
            went_back: false,
            kinds: BTreeMap::new(),
            acks: 0,
            taken: 0,
            repeated: 0,
            duplicates: 0,
        }
    }

    /// Makes a batch durable; a name must be new in its conversation.
    pub fn apply(&mut self, batch: Batch) {
        let (mut chosen, mut rewritten) = (BTreeMap::new(), Vec::new());
        for write in &batch.writes {
            match write {
                Write::PutBlock(conversation, block) => self.note_block(conversation, block),
                Write::PutConversation(conversation, record) => {
                    chosen.insert(*conversation, record.history().retention);
                }
                Write::RewriteBlock(conversation, block) => {
                    let stored = || self.store.record(conversation).and_then(|record| record.history().retention);
                    let retention = chosen.get(conversation).copied().unwrap_or_else(stored);
                    let floor = self.store.record(conversation).map_or(Seq(0), |record| record.floor);
                    rewritten.push((*conversation, block.clone(), retention.unwrap_or(self.retention), floor));
                }
                Write::PutPresence(user, record) => {
                    let shown = (record.invisible, record.status.clone());
                    self.presences.entry(*user).or_default().push(shown);
                }
                _ => {}
            }
        }
        self.store.apply(batch);
        // Who leaves in the same batch is not waited for.
        for (conversation, block, retention, floor) in rewritten {
            self.check_due(&conversation, &block, retention, floor);
        }
    }

    /// What loses its body was revoked, or has been kept for as long as it must be.
    fn check_due(&self, conversation: &Conversation, block: &Block, retention: Retention, floor: Seq) {
        let decoded = proto::Entries::decode(block.entries.clone()).expect("entries of the protocol");
        for entry in decoded.entries.iter().filter(|entry| entry.gone_reason() == proto::GoneReason::Expired) {
            let seq = Seq(entry.seq);
            let due = match retention {
                Retention::Forever => false,
                Retention::Ttl { seconds } => entry.time_us + i64::from(seconds) * 1_000_000 <= self.latest.0,
                Retention::UntilDelivered => self.is_held_by_all(conversation, seq),
            };
            assert!(due || seq <= floor, "{seq} of {conversation:?} expires early: {retention:?}");
        }
    }

    fn note_block(&mut self, conversation: &Conversation, block: &Block) {
        let decoded = proto::Entries::decode(block.entries.clone()).expect("entries of the protocol");
        for entry in decoded.entries {
            self.note_said(conversation, entry);
        }
        let entries = self.entries.entry(*conversation).or_default();
        for encoded in Entries::new(&block.entries) {
            let header = EntryHeader::decode(encoded).expect("an entry");
            assert_eq!(header.seq.0, entries.len() as u64 + 1, "{conversation:?} has no gap");
            let id_before = entries.last().map_or(MessageId(0), |last| last.message_id);
            assert!(header.message_id > id_before, "ids of {conversation:?} rise");
            let name = header.name.expect("a name");
            let known = self.stored.insert((*conversation, name), header.seq);
            // After a loss, an `after_seq` of the old log may hide what the new one holds: a resend names no log.
            assert!(known.is_none() || self.went_back, "{name:?} in {conversation:?} is stored once: {known:?}");
            entries.push(header);
        }
    }

    fn note_said(&mut self, conversation: &Conversation, entry: proto::Entry) {
        self.check_passes(conversation, &entry);
        let timeline = self.timelines.entry(*conversation).or_default();
        if let Conversation::Group(_) = conversation
            && let Some(objection) = objection(timeline, &entry)
        {
            panic!("{entry:?} in {conversation:?} was not allowed: {objection}");
        }
        *self.kinds.entry(kind(&entry)).or_default() += 1;
        if let Some(objection) = objection_to_operation(timeline, &entry) {
            panic!("{entry:?} in {conversation:?} was not allowed: {objection}");
        }
        timeline.push(&entry);
        self.said.entry(*conversation).or_default().push(entry);
    }

    /// The durable entry at a seq.
    #[must_use]
    pub fn entry(&self, conversation: &Conversation, seq: Seq) -> Option<&EntryHeader> {
        self.entries.get(conversation)?.get((seq.0 as usize).checked_sub(1)?)
    }

    /// What the durable entry at a seq said when it was decided.
    #[must_use]
    pub fn said(&self, conversation: &Conversation, seq: Seq) -> Option<&proto::Entry> {
        self.said.get(conversation)?.get((seq.0 as usize).checked_sub(1)?)
    }

    /// What all durable entries of a log amount to.
    #[must_use]
    pub fn timeline(&self, conversation: &Conversation) -> Option<&Timeline> {
        self.timelines.get(conversation)
    }

    /// Every durable state of a user's presence, in order.
    #[must_use]
    pub fn presences(&self, user: UserId) -> &[(bool, Box<str>)] {
        self.presences.get(&user).map_or(&[], Vec::as_slice)
    }

    /// The last durable seq.
    #[must_use]
    pub fn head(&self, conversation: &Conversation) -> Seq {
        Seq(self.entries.get(conversation).map_or(0, |entries| entries.len() as u64))
    }

    /// Where a name is stored.
    #[must_use]
    pub fn seq_of(&self, conversation: &Conversation, name: &MessageName) -> Option<Seq> {
        self.stored.get(&(*conversation, *name)).copied()
    }

    /// Whether durable entries were lost at some time; then a message may be stored twice, and so out of order.
    #[must_use]
    pub fn went_back(&self) -> bool {
        self.went_back
    }

    /// What a device has named in a conversation, in order.
    pub fn names_of(
        &self,
        conversation: &Conversation,
        user: UserId,
        device: DeviceId,
    ) -> impl Iterator<Item = &ClientMessageId> {
        let names = self.entries.get(conversation).into_iter().flatten().filter_map(|entry| entry.name.as_ref());
        names.filter(move |name| name.sender == user && name.device == device).map(|name| &name.client_message_id)
    }

    /// Whether a user may ever see an entry.
    #[must_use]
    pub fn may_see(&self, user: UserId, conversation: &Conversation, seq: Seq) -> bool {
        let mut spans = self.store.spans(conversation, user).into_iter();
        spans.any(|span| span.joined <= seq && span.left.is_none_or(|left| seq < left))
    }

    /// The last durable seq that a user may see; 0 when there is none.
    #[must_use]
    pub fn visible_head(&self, user: UserId, conversation: &Conversation) -> Seq {
        let mut seqs = (1..=self.head(conversation).0).rev().map(Seq);
        seqs.find(|seq| self.may_see(user, conversation, *seq)).unwrap_or(Seq(0))
    }

    // ---- Nothing leaves before it is durable ----

    /// An effect is about to leave for a session of this user.
    pub fn check_effect(&self, user: UserId, effect: &Effect) {
        match effect {
            Effect::Reply { reply, .. } => self.check_reply(user, reply),
            Effect::PushRun(run, _) => self.check_entries(user, &run.conversation, Seq(run.first.0 - 1), &run.entries),
            Effect::PushPage { conversation, page, .. } => {
                self.check_entries(user, conversation, page.after, &page.entries);
            }
            Effect::PushReceipts(push, _) => {
                for (of, delivered, read) in &push.receipts {
                    let durable = self.store.marks(&push.conversation, *of);
                    assert!(*delivered <= durable.0 && *read <= durable.1, "marks of {of} are durable when shown");
                    self.check_marks_pass(user, &push.conversation, (*of, *delivered, *read));
                }
            }
            Effect::PushSignal(push, _) => {
                self.check_signal_passes(&push.conversation, read_signal(&push.signal.body).1);
            }
            Effect::PushPresence(users, _) => {
                users.iter().for_each(|seen| self.check_presence_passes(user, seen.user, &Seen::from(seen)));
            }
            Effect::PushSummaries(conversation, summaries, _) => {
                summaries.iter().for_each(|summary| self.check_summary(user, conversation, summary));
            }
            Effect::PushMembership(_, conversation, _) => {
                let both = self.store.member(conversation, user).is_some()
                    && self.store.membership(user, conversation).is_some();
                assert!(both, "{user} is told of {conversation:?} when both homes know of it");
            }
            _ => {}
        }
    }

    fn check_info(&self, user: UserId, info: &MessageInfo) {
        self.check_summary(user, &info.conversation, &info.summary);
        for (of, delivered, read) in &info.receipts {
            let durable = self.store.marks(&info.conversation, *of);
            assert!(*delivered <= durable.0 && *read <= durable.1, "marks of {of} are durable when shown");
            self.check_marks_pass(user, &info.conversation, (*of, *delivered, *read));
        }
    }

    fn check_summary(&self, user: UserId, conversation: &Conversation, summary: &Summary) {
        let author = self.entry(conversation, summary.seq).and_then(|entry| entry.name).map(|name| name.sender);
        assert_eq!(author, Some(user), "authors are told of their own messages");
        let others = self.store.members(conversation).map(|(member, _)| member).filter(|member| *member != user);
        let others = others.filter(|member| self.may_see(*member, conversation, summary.seq));
        let marks: Vec<(Seq, Seq)> = others.map(|member| self.store.marks(conversation, member)).collect();
        let delivered = marks.iter().filter(|marks| marks.0 >= summary.seq).count();
        let read = marks.iter().filter(|marks| marks.1 >= summary.seq).count();
        let durable = summary.delivered as usize <= delivered && summary.read as usize <= read;
        assert!(durable, "{summary:?} in {conversation:?} is durable when shown: {delivered} and {read}");
        let exact = (summary.delivered as usize, summary.read as usize) == (delivered, read);
        let cut = conversation.peer_of(user).is_some_and(|peer| self.is_cut(user, peer));
        assert!(
            exact || cut || !self.settled,
            "{summary:?} in {conversation:?} is exact at rest: {delivered} and {read}"
        );
    }

    fn check_reply(&self, user: UserId, reply: &Reply) {
        match reply {
            Reply::LoggedIn { .. } => {
                assert!(self.store.has_account(user), "the account of {user} is durable");
            }
            Reply::Sent { conversation, seq, message_id, .. } => {
                let entry = self.entry(conversation, *seq);
                assert_eq!(entry.map(|entry| entry.message_id), Some(*message_id), "an ack means that it is durable");
            }
            Reply::History { conversation, page, .. } => {
                self.check_entries(user, conversation, page.after, &page.entries);
                if self.settled {
                    self.check_shown(conversation, &page.entries);
                }
            }
            Reply::MessageInfo(info) => self.check_info(user, info),
            Reply::Presence(users) => {
                users.iter().for_each(|seen| self.check_presence_passes(user, seen.user, &Seen::from(seen)));
            }
            Reply::Blocked(blocked) if self.settled => {
                let stored: Vec<UserId> = self.store.blocked_by(user).collect();
                assert_eq!(*blocked, stored, "whom {user} has blocked is told as it is stored");
            }
            Reply::Synced(states) => states.iter().for_each(|state| self.check_state(user, state)),
            Reply::Group(info) => {
                assert!(info.head <= self.head(&Conversation::Group(info.group)), "a group's head is durable");
            }
            Reply::Conversations { conversations, .. } => {
                let all = conversations.iter().all(|it| self.store.member(&it.conversation, user).is_some());
                assert!(all, "listed memberships are durable");
                conversations.iter().flat_map(|it| &it.state).for_each(|state| self.check_state(user, state));
            }
            _ => {}
        }
    }

    fn check_entries(&self, user: UserId, conversation: &Conversation, after: Seq, encoded: &[u8]) {
        for (seq, entry) in (after.0 + 1..).map(Seq).zip(Entries::new(encoded)) {
            let header = EntryHeader::decode(entry).expect("an entry");
            assert_eq!(header.seq, seq, "entries of {conversation:?} are contiguous");
            let durable = self.entry(conversation, seq).expect("what is shown is durable");
            // What has lost its body is no message any more.
            let shown = EntryHeader { is_message: durable.is_message, ..header };
            assert_eq!((&shown, header.is_message <= durable.is_message), (durable, true), "what is shown is durable");
            assert!(self.may_see(user, conversation, seq), "{user} may see {seq} of {conversation:?}");
        }
    }

    /// At rest, `History` shows what the log amounts to.
    fn check_shown(&self, conversation: &Conversation, encoded: &Bytes) {
        let shown = proto::Entries::decode(encoded.clone()).expect("entries of the protocol").entries;
        let floor = self.store.record(conversation).map_or(0, |record| record.floor.0);
        let Some(timeline) = self.timeline(conversation) else { return };
        shown.iter().filter(|entry| entry.seq > floor).for_each(|entry| check_newest(conversation, timeline, entry));
    }

    fn check_state(&self, user: UserId, state: &ConversationState) {
        let id = &state.conversation;
        if state.log_id.0 == 0 {
            return;
        }
        assert!(state.head <= self.head(id), "the head of {id:?} is durable");
        let (delivered, read) = self.store.marks(id, user);
        assert!(state.delivered <= delivered && state.read <= read, "own marks in {id:?} are durable");
        let peer = id.peer_of(user).map_or((Seq(0), Seq(0)), |peer| self.store.marks(id, peer));
        assert!(state.peer.0 <= peer.0 && state.peer.1 <= peer.1, "the other's marks in {id:?} are durable");
        if let Some(peer) = id.peer_of(user) {
            self.check_marks_pass(user, id, (peer, state.peer.0, state.peer.1));
        }
        if state.member {
            let spans = self.store.spans(id, user);
            let joined =
                spans.iter().rev().find(|span| span.joined <= state.head.next()).map_or(1, |span| span.joined.0);
            let ordinal = |seq: Seq| self.entry(id, seq).map_or(0, |entry| entry.ordinal);
            let from = state.read.max(Seq(joined - 1)).min(state.head);
            let from = from.max(state.floor.min(state.head));
            let exact = ordinal(state.head) - ordinal(from);
            // Edits and reactions count in a direct conversation whose marks rise meanwhile; what is about to expire
            // need not count any more.
            let most = if id.peer_of(user).is_some() { (state.head.0 - from.0).max(exact) } else { exact };
            let least = if self.may_be_gone(id, from.next()) { 0 } else { exact };
            assert!((least..=most).contains(&state.unread), "unread of {user} in {id:?} is {exact}: {state:?}");
        }
    }

    /// Whether the body at a seq is gone, or is due to go: the server may know of that before it is durable.
    #[must_use]
    pub fn may_be_gone(&self, conversation: &Conversation, seq: Seq) -> bool {
        let floor = self.store.record(conversation).map_or(Seq(0), |record| record.floor);
        let Some(said) = self.said(conversation, seq).filter(|_| seq > floor) else { return seq <= floor };
        let mut changes = self.said.get(conversation).into_iter().flatten().map(Content::of);
        let chosen = changes.any(|content| matches!(content, Content::Change(Change::RetentionChanged(_))));
        let old = said.time_us + TTL_US <= self.latest.0;
        (chosen || self.retention != Retention::Forever) && (old || self.is_held_by_all(conversation, seq))
    }

    fn is_held_by_all(&self, conversation: &Conversation, seq: Seq) -> bool {
        let members = self.store.members(conversation).map(|(user, _)| user);
        let mut members = members.filter(|user| self.may_see(*user, conversation, seq));
        // Whoever was away for a while may not have been waited for.
        let waited_for = |user| {
            let spans = self.store.spans(conversation, user);
            spans.last().is_some_and(|span| span.left.is_none() && span.joined <= seq)
        };
        members.all(|user| self.store.marks(conversation, user).0 >= seq || !waited_for(user))
    }

    /// Sabotage: the newest block of a log that holds an acked entry was never durable.
    pub(crate) fn lose_acked(&mut self) {
        let Some(((conversation, _), _)) = self.acked.first_key_value() else { return };
        let Some(first) = self.store.lose_block(conversation) else { return };
        self.entries.entry(*conversation).or_default().truncate(first.0 as usize - 1);
        self.said.entry(*conversation).or_default().truncate(first.0 as usize - 1);
        let mut timeline = Timeline::default();
        timeline.extend(self.said.get(conversation).into_iter().flatten());
        self.timelines.insert(*conversation, timeline);
        self.stored.retain(|(of, _), seq| of != conversation || *seq < first);
    }

    // ---- Promises ----

    /// The disk is as it was at an earlier time, which may happen to a server that does not sync: what was acked
    /// since is lost, and nobody may take the log for the one it was.
    pub fn go_back_to(&mut self, earlier: &Ledger) {
        let counts = (self.acks, self.taken, self.repeated, self.duplicates, self.latest);
        *self = earlier.clone();
        (self.acks, self.taken, self.repeated, self.duplicates, self.latest) = counts;
        self.went_back = true;
        let Ledger { stored, acked, .. } = self;
        acked.retain(|name, _| stored.contains_key(name));
    }

    /// A client has read an ack.
    pub fn note_ack(&mut self, conversation: &Conversation, name: MessageName, seq: Seq, id: MessageId) {
        self.acks += 1;
        let known = self.acked.insert((*conversation, name), (seq, id)).unwrap_or((seq, id));
        assert!(known == (seq, id) || self.went_back, "every ack of {name:?} says the same");
    }

    /// No acked message is missing, and each is where its ack said.
    pub fn check_acked(&self) {
        for ((conversation, name), (seq, id)) in &self.acked {
            let entry = self.entry(conversation, *seq).expect("an acked message is never lost");
            assert_eq!((entry.name, entry.message_id), (Some(*name), *id), "an acked message is where its ack said");
        }
    }

    /// What is stored of logs is what they amount to: in the newest form, without what was revoked, and complete above
    /// the floor.
    pub fn check_logs(&self) {
        for id in self.store.conversations() {
            let (Some(record), Some(timeline)) = (self.store.record(id), self.timeline(id)) else { continue };
            let floor = record.floor;
            let raw = self.decoded(id, false);
            let newest = self.decoded(id, true);
            let last = raw.last().map_or(0, |entry| entry.seq);
            assert_eq!(last, self.head(id).0, "the log of {id:?} ends at its head");
            assert!(raw.windows(2).all(|two| two[0].seq + 1 == two[1].seq), "{id:?} is stored without a gap");
            let first = raw.first().map_or(1, |entry| entry.seq);
            assert!(first <= floor.0 + 1, "{id:?} is kept above its floor {floor}, and begins at {first}");
            for entry in raw.iter().chain(&newest) {
                self.check_stored(id, timeline, floor, entry);
            }
            newest.iter().filter(|entry| entry.seq > floor.0).for_each(|entry| check_newest(id, timeline, entry));
        }
    }

    fn decoded(&self, conversation: &Conversation, overlay: bool) -> Vec<proto::Entry> {
        let bytes = self.store.log(conversation, overlay);
        proto::Entries::decode(&bytes[..]).expect("entries of the protocol").entries
    }

    /// What must be gone is gone, and nothing else.
    fn check_stored(&self, id: &Conversation, timeline: &Timeline, floor: Seq, entry: &proto::Entry) {
        let seq = Seq(entry.seq);
        let said = self.said(id, seq).expect("what is stored was decided");
        let of_edit = match Content::of(said) {
            Content::Change(Change::Edited { seq, .. }) => timeline.message(seq),
            _ => None,
        };
        let is_revoked = |message: Option<&TimelineMessage>| message.is_some_and(|message| message.gone.is_some());
        let revoked = is_revoked(timeline.message(codec::Seq(seq.0)));
        let has_body = !entry.body.is_empty() || edit_body(entry).is_some_and(|body| !body.is_empty());
        assert!(
            !(has_body && (revoked || is_revoked(of_edit) || seq <= floor)),
            "the body of {seq} of {id:?} is gone: {entry:?}"
        );
        let is_gone = entry.event_type() == proto::EventType::Gone;
        assert_eq!(is_gone, revoked || seq <= floor, "{seq} of {id:?} is gone or not: {entry:?}, floor {floor}");
    }

    /// What is stored of groups is what their logs amount to; and they have an owner among their members, or nobody.
    pub fn check_groups(&self) {
        for id in self.store.conversations() {
            let Some(record) = self.store.record(id).filter(|_| matches!(id, Conversation::Group(_))) else { continue };
            let timeline = self.timeline(id).expect("stored groups have a log");
            let members = self.store.members(id).filter(|(user, _)| self.store.is_present(id, *user));
            let present: BTreeMap<codec::UserId, TimelineMember> = members.map(as_said).collect();
            assert_eq!(&present, timeline.members(), "members of {id:?} are those of its log");
            assert_eq!(record.title, timeline.title(), "the title of {id:?} is that of its log");
            let settings = record.group.as_ref().map(|group| group.settings).unwrap_or_default();
            let said = timeline.settings();
            let same = (settings.announcement_only, settings.members_may_add)
                == (said.announcement_only, said.members_may_add);
            assert!(same, "the settings of {id:?} are those of its log");
            let owner = record.owner;
            let role = timeline.members().get(&codec::UserId(owner.0)).map(|member| member.role);
            let owned = role == Some(Role::Owner) || (present.is_empty() && owner == UserId(0));
            assert!(owned, "{id:?} has an owner: {owner} is {role:?}");
        }
    }
}

/// The body in an entry that records an edit.
fn edit_body(entry: &proto::Entry) -> Option<&[u8]> {
    match entry.event.as_ref()?.event.as_ref()? {
        proto::event::Event::MessageEdited(edited) => Some(&edited.body),
        _ => None,
    }
}

/// `History` shows a message as its log makes it.
fn check_newest(id: &Conversation, timeline: &Timeline, entry: &proto::Entry) {
    let Some(message) = timeline.message(codec::Seq(entry.seq)) else { return };
    assert_eq!(entry.body, message.body, "{} of {id:?} is shown in its newest form", entry.seq);
    let edited = entry.edited.as_ref().map(|edited| codec::Seq(edited.seq));
    assert_eq!(edited, message.edited, "the edit of {} of {id:?} is shown", entry.seq);
    let shown: BTreeMap<&str, usize> =
        entry.reactions.iter().map(|reaction| (reaction.emoji.as_str(), reaction.count as usize)).collect();
    let known = message.reactions.iter().map(|(emoji, users)| (emoji.as_str(), users.len())).collect();
    assert_eq!(shown, known, "the reactions to {} of {id:?} are counted", entry.seq);
}

/// What an entry says, in a word.
fn kind(entry: &proto::Entry) -> &'static str {
    match Content::of(entry) {
        Content::Message(_) => "message",
        Content::Gone(_) => "gone",
        Content::Unknown => "unknown",
        Content::Change(change) => match change {
            Change::GroupCreated { .. } => "created",
            Change::MembersAdded(_) => "added",
            Change::MembersRemoved(_) => "removed",
            Change::MemberLeft { .. } => "left",
            Change::GroupUpdated { .. } => "updated",
            Change::RoleChanged { .. } => "role",
            Change::MemberMuted { .. } => "muted",
            Change::MemberJoined { .. } => "joined",
            Change::GroupDeleted => "deleted",
            Change::Edited { .. } => "edited",
            Change::Revoked { .. } => "revoked",
            Change::Reacted { .. } => "reacted",
            Change::RetentionChanged(_) => "retention",
            Change::Unknown => "unknown",
        },
    }
}

/// A stored member as a log would tell it.
fn as_said((user, member): (UserId, &MemberRecord)) -> (codec::UserId, TimelineMember) {
    let role = match member.role {
        records::Role::Member => Role::Member,
        records::Role::Admin => Role::Admin,
        records::Role::Owner => Role::Owner,
    };
    let joined = codec::Seq(member.spans.last().map_or(0, |span| span.joined.0));
    (codec::UserId(user.0), TimelineMember { role, joined, muted: MutedUntil::of(member.muted_until.0) })
}
