//! A device: a client that keeps the rules of the protocol, and checks that the server does.

use crate::client::Invitation;
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::presence::{Seen, Told};
use crate::server::{ConnectionId, Frame, Server};
use bytes::Bytes;
use hubbub_core::entry::{Entries, EntryHeader};
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, GroupId, LogId, MessageName, Seq, UserId};
use hubbub_core::message::Summary;
use hubbub_core::records::{GroupSettings, InviteHash, Page, PagePosition};
use hubbub_core::request::{
    Action, Append, InviteSecret, NewInvite, Refusal, Reply, Request, StatusChange, SyncCursor,
};
use hubbub_core::signal::{Signal, SignalKind};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug)]
pub struct Device {
    /// Whose.
    pub user: UserId,
    /// Its id.
    pub id: DeviceId,
    /// While it is connected.
    pub connection: Option<ConnectionId>,
    /// Logged in.
    pub ready: bool,
    /// The server may be at its limits.
    pub refusals: bool,
    /// Invitations it was given.
    pub invitations: Vec<Invitation>,
    next_request: u64,
    pending: BTreeMap<u64, Pending>,
    cursors: BTreeMap<Conversation, Cursor>,
    /// What was not acked, in order.
    outbox: Vec<Outgoing>,
    sent: u64,
    /// What was refused once, or may have been: others may have passed it.
    passed: BTreeSet<ClientMessageId>,
    marks: BTreeMap<(Conversation, UserId), (Seq, Seq)>,
    /// Whom it wants to watch.
    wanted: BTreeSet<UserId>,
    /// Whom it has asked for on this connection.
    asked: BTreeSet<UserId>,
    /// Unwatched, as far as the server has not said so.
    leaving: BTreeMap<u64, Vec<UserId>>,
    told: Told,
    /// What became of own messages in groups.
    summaries: BTreeMap<(Conversation, Seq), Summary>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    log_id: LogId,
    seq: Seq,
    /// The highest seq that is known to exist.
    known: Seq,
    repairing: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pending {
    Outgoing(ClientMessageId),
    Repair(Conversation),
    Mark,
    Signal,
    Invite(GroupId, InviteHash),
    RevokeInvites,
    Sync,
    Watch(Vec<UserId>),
    Unwatch,
    /// What it says of itself from then on.
    Status(Box<str>, Option<bool>),
    Block,
    Other,
}

/// Something with a name, which is sent until it is answered.
#[derive(Clone, Debug)]
struct Outgoing {
    conversation: Option<Conversation>,
    request: Request,
    client_message_id: ClientMessageId,
    /// Was on the wire, and may be stored.
    tried: bool,
    /// Waits for an answer on this connection.
    waiting: bool,
}

impl Device {
    /// A new device.
    #[must_use]
    pub fn new(user: UserId, id: DeviceId) -> Device {
        Device {
            user,
            id,
            connection: None,
            ready: false,
            refusals: false,
            invitations: Vec::new(),
            next_request: 10,
            pending: BTreeMap::new(),
            cursors: BTreeMap::new(),
            outbox: Vec::new(),
            sent: 0,
            passed: BTreeSet::new(),
            marks: BTreeMap::new(),
            wanted: BTreeSet::new(),
            asked: BTreeSet::new(),
            leaving: BTreeMap::new(),
            told: Told::default(),
            summaries: BTreeMap::new(),
        }
    }

    /// Conversations it has heard of.
    #[must_use]
    pub fn conversations(&self) -> Vec<Conversation> {
        self.cursors.keys().copied().collect()
    }

    /// The highest contiguous seq that it holds.
    #[must_use]
    pub fn cursor(&self, conversation: &Conversation) -> Seq {
        self.cursors.get(conversation).map_or(Seq(0), |cursor| cursor.seq)
    }

    /// Whether everything it asked was answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.ready && self.pending.is_empty() && self.outbox.is_empty() && self.wanted == self.asked
    }

    /// What it waits for, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}/{}: ready {}, {:?}, {} to send", self.user, self.id, self.ready, self.pending, self.outbox.len())
    }

    // ---- Connections ----

    /// Connects anew.
    pub fn connect(&mut self, server: &mut Server) {
        self.connection = Some(server.connect(self.user, self.id));
        self.forget_connection();
    }

    /// The connection is gone.
    pub fn lose_connection(&mut self) {
        self.connection = None;
        self.forget_connection();
    }

    fn forget_connection(&mut self) {
        self.ready = false;
        self.pending.clear();
        for outgoing in &mut self.outbox {
            // Among acquaintances no message is refused unless the server is at a limit.
            let direct = outgoing.is_direct_message();
            if outgoing.waiting && (self.refusals || !direct) {
                self.passed.insert(outgoing.client_message_id);
            }
            outgoing.waiting = false;
        }
        self.cursors.values_mut().for_each(|cursor| cursor.repairing = false);
        self.asked.clear();
        self.leaving.clear();
        self.told.forget();
    }

    fn request(&mut self, server: &mut Server, pending: Pending, request: Request) {
        let Some(connection) = self.connection else { return };
        self.next_request += 1;
        self.pending.insert(self.next_request, pending);
        server.write(connection, self.next_request, request);
    }

    fn begin(&mut self, server: &mut Server) {
        self.ready = true;
        let cursors: Vec<SyncCursor> = self
            .cursors
            .iter()
            .filter(|(_, c)| c.log_id != LogId(0))
            .map(|(conversation, c)| SyncCursor { conversation: *conversation, log_id: c.log_id, seq: c.seq })
            .collect();
        // In two parts when there is enough for two.
        let (first, last) = cursors.split_at(cursors.len() / 2);
        if !first.is_empty() {
            self.request(server, Pending::Sync, Request::Sync { cursors: first.to_vec(), include_others: false });
        }
        self.request(server, Pending::Sync, Request::Sync { cursors: last.to_vec(), include_others: true });
        self.flush(server);
    }

    /// Names a conversation in a further sync, as a client may.
    pub fn sync_again(&mut self, server: &mut Server, conversation: Conversation) {
        // Two cursors under way, of which the first is void, would be answered one after the other.
        let syncing = self.pending.values().any(|pending| *pending == Pending::Sync);
        if syncing && server.has_lost_power() {
            return;
        }
        let Some(cursor) = self.cursors.get(&conversation).filter(|cursor| cursor.log_id != LogId(0)) else { return };
        let cursors = vec![SyncCursor { conversation, log_id: cursor.log_id, seq: cursor.seq }];
        self.request(server, Pending::Sync, Request::Sync { cursors, include_others: false });
    }

    // ---- Asking ----

    fn next_name(&mut self) -> ClientMessageId {
        self.sent += 1;
        ClientMessageId::new(&self.sent.to_be_bytes()).expect("8 bytes")
    }

    /// Appends something to a conversation, now or when it is connected.
    pub fn append(&mut self, server: &mut Server, conversation: Conversation, action: Action) {
        let client_message_id = self.next_name();
        let after = self.cursors.entry(conversation).or_default().known;
        let append = Append { client_message_id, resend: false, after, action };
        let request = Request::Append { conversation, append };
        self.outbox.push(Outgoing::new(Some(conversation), request, client_message_id));
        self.flush(server);
    }

    /// Makes a group.
    pub fn create_group(&mut self, server: &mut Server, members: Vec<UserId>) {
        let client_message_id = self.next_name();
        let request = Request::CreateGroup {
            client_message_id,
            title: "team".to_owned(),
            members,
            settings: GroupSettings::default(),
        };
        self.outbox.push(Outgoing::new(None, request, client_message_id));
        self.flush(server);
    }

    /// Sends what does not wait for an answer, in order: what was tried before as a resend.
    pub fn flush(&mut self, server: &mut Server) {
        if !self.ready {
            return;
        }
        self.watch_wanted(server);
        let mut out = std::mem::take(&mut self.outbox);
        for outgoing in out.iter_mut().filter(|outgoing| !outgoing.waiting) {
            // The first attempt may have been refused while one had blocked the other.
            let blocks = &server.ledger.blocks;
            if outgoing.tried && outgoing.conversation.is_some_and(|id| blocks.have_touched(&id)) {
                self.passed.insert(outgoing.client_message_id);
            }
            outgoing.waiting = true;
            let mut request = outgoing.request.clone();
            if let Request::Append { append, .. } = &mut request {
                append.resend = outgoing.tried;
            }
            outgoing.tried = true;
            self.request(server, Pending::Outgoing(outgoing.client_message_id), request);
        }
        self.outbox = out;
    }

    /// Marks what it holds as delivered, or as read.
    pub fn mark(&mut self, server: &mut Server, conversation: Conversation, seq: Seq, read: bool, answer: bool) {
        let (Some(connection), true) = (self.connection, self.ready) else { return };
        let (delivered, read) = if read { (Seq(0), seq) } else { (seq, Seq(0)) };
        let request = Request::Mark { conversation, delivered, read };
        if answer {
            self.request(server, Pending::Mark, request);
        } else {
            server.write(connection, 0, request);
        }
    }

    /// Makes an invitation, or voids all of a group.
    pub fn invite(&mut self, server: &mut Server, group: GroupId, dice: &mut Dice) {
        if !self.ready {
            return;
        }
        if dice.per_mille(200) {
            return self.request(server, Pending::RevokeInvites, Request::RevokeInvites(group));
        }
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&dice.number().to_be_bytes());
        let (hash, secret) = (InviteHash(hash), InviteSecret([0; 16]));
        let invite = NewInvite { secret, hash, valid_seconds: 60, uses_max: dice.below(3) as u32 };
        self.request(server, Pending::Invite(group, hash), Request::CreateInvite { group, invite });
    }

    /// Signals in a conversation; the body tells how far it had read the log.
    pub fn signal(&mut self, server: &mut Server, conversation: Conversation, kind: SignalKind, answer: bool) {
        let (Some(connection), true) = (self.connection, self.ready) else { return };
        let body = signal_body(self.cursor(&conversation), server.next_signal());
        let call_id = u64::from(!matches!(kind, SignalKind::Typing | SignalKind::TypingStopped | SignalKind::Custom));
        let request = Request::Signal { conversation, signal: Box::new(Signal { kind, body, call_id }) };
        if answer {
            self.request(server, Pending::Signal, request);
        } else {
            server.write(connection, 0, request);
        }
    }

    /// Watches these, from now on and over connections.
    pub fn watch(&mut self, server: &mut Server, users: &[UserId]) {
        self.wanted.extend(users);
        if self.ready {
            self.ask_for(server, users.to_vec());
        }
    }

    /// Watches these no more; nobody when it is not told whom.
    pub fn unwatch(&mut self, server: &mut Server, users: Option<&[UserId]>) {
        let gone = users.map_or_else(|| self.asked.iter().copied().collect(), <[UserId]>::to_vec);
        match users {
            Some(users) => self.wanted.retain(|user| !users.contains(user)),
            None => self.wanted.clear(),
        }
        if self.ready {
            self.asked.retain(|user| !gone.contains(user));
            self.request(server, Pending::Unwatch, Request::Unwatch(users.map(<[UserId]>::to_vec)));
            self.leaving.insert(self.next_request, gone);
        }
    }

    /// Asks for those whom it wants to watch and has not asked for.
    fn watch_wanted(&mut self, server: &mut Server) {
        let users: Vec<UserId> = self.wanted.difference(&self.asked).copied().collect();
        if !users.is_empty() {
            self.ask_for(server, users);
        }
    }

    fn ask_for(&mut self, server: &mut Server, users: Vec<UserId>) {
        self.asked.extend(&users);
        self.request(server, Pending::Watch(users.clone()), Request::Watch(users));
    }

    /// Whom it watches, and what it was told.
    pub fn watched(&self) -> (Vec<UserId>, &Told) {
        (self.wanted.iter().copied().collect(), &self.told)
    }

    /// Changes how others see its user.
    pub fn set_status(&mut self, server: &mut Server, status: &str, invisible: Option<bool>) {
        if self.ready {
            let change = StatusChange { invisible, status: Some(status.into()) };
            self.request(server, Pending::Status(status.into(), invisible), Request::SetStatus(change));
        }
    }

    /// Blocks users, or not any more.
    pub fn block(&mut self, server: &mut Server, users: Vec<UserId>, blocked: bool) {
        if self.ready {
            let request = if blocked { Request::Block(users) } else { Request::Unblock(users) };
            self.request(server, Pending::Block, request);
        }
    }

    /// Asks something else.
    pub fn ask(&mut self, server: &mut Server, request: Request) {
        if self.ready {
            self.request(server, Pending::Other, request);
        }
    }

    // ---- Hearing ----

    /// Takes a frame.
    pub fn take(&mut self, server: &mut Server, frame: Frame) {
        if server.trace {
            println!("  {}/{} hears {frame:?}", self.user, self.id);
        }
        match frame {
            Frame::Reply(_, Reply::LoggedIn { .. }) => self.begin(server),
            Frame::Reply(_, Reply::Refused(Refusal::ReadFailed)) if !self.ready => {}
            Frame::Reply(request_id, reply) => self.take_reply(server, request_id, reply),
            Frame::Run(run) => {
                let page = Page { after: Seq(run.first.0 - 1), last: run.last, entries: run.entries, ordinal: None };
                self.take_entries(server, run.conversation, run.log_id, None, &page, true);
            }
            Frame::Page { conversation, log_id, from, page } => {
                self.take_entries(server, conversation, log_id, Some(from), &page, true);
            }
            Frame::Receipts(push) => {
                for (user, delivered, read) in push.receipts {
                    self.take_marks(push.conversation, user, delivered, read);
                }
            }
            Frame::Summaries(conversation, summaries) => {
                for summary in summaries {
                    self.take_summary(conversation, summary);
                }
            }
            Frame::Presence(users) => {
                for presence in users {
                    let of = presence.user;
                    let watched = self.asked.contains(&of) || self.leaving.values().flatten().any(|user| *user == of);
                    assert!(watched, "{}/{} is told of {of}, whom it does not watch", self.user, self.id);
                    self.told.note(server.life(), of, Seen::from(&presence), true);
                }
            }
            Frame::Signal(push) => {
                let (seq, _) = read_signal(&push.signal.body);
                check_signal(&server.ledger, self.user, &push.conversation, seq);
            }
            Frame::Membership(conversation, _) => {
                self.cursors.entry(conversation).or_default();
            }
            Frame::Replaced => panic!("{}/{} is replaced by nobody", self.user, self.id),
        }
    }

    fn take_summary(&mut self, conversation: Conversation, summary: Summary) {
        let known = self.summaries.insert((conversation, summary.seq), summary).unwrap_or(summary);
        let never_back = summary.delivered >= known.delivered && summary.read >= known.read;
        assert!(never_back, "counts of {} in {conversation:?} never go back", summary.seq);
    }

    fn take_marks(&mut self, conversation: Conversation, user: UserId, delivered: Seq, read: Seq) {
        let known = self.marks.entry((conversation, user)).or_default();
        assert!(delivered >= known.0 && read >= known.1, "marks of {user} in {conversation:?} never go back");
        *known = (delivered, read);
    }

    fn take_reply(&mut self, server: &mut Server, request_id: u64, reply: Reply) {
        if let Reply::LogReset { conversation, .. } = reply {
            return self.begin_anew(server, conversation);
        }
        let pending = self.pending.remove(&request_id);
        match (pending.expect("an answer belongs to a request"), reply) {
            (Pending::Outgoing(name), reply) => self.take_answer(server, name, reply),
            (Pending::Repair(conversation), Reply::History { log_id, skip_from, page, head, .. }) => {
                let cursor = self.cursors.entry(conversation).or_default();
                cursor.repairing = false;
                cursor.known = cursor.known.min(head).max(cursor.seq);
                self.take_entries(server, conversation, log_id, skip_from, &page, false);
                self.repair(server, conversation);
            }
            (Pending::Repair(conversation), Reply::Refused(Refusal::ReadFailed)) => {
                self.cursors.entry(conversation).or_default().repairing = false;
                self.repair(server, conversation);
            }
            (Pending::Sync, Reply::Synced(states)) => {
                for state in states.iter().filter(|state| state.log_id != LogId(0)) {
                    let id = state.conversation;
                    let known = self.cursors.get(&id).map_or(LogId(0), |cursor| cursor.log_id);
                    if known != LogId(0) && known != state.log_id {
                        self.begin_anew(server, id);
                    }
                    let held = self.cursor(&id);
                    assert!(held >= state.head, "synced {id:?} to {held}, though its head is {}", state.head);
                    self.take_marks(id, self.user, state.delivered, state.read);
                    if let Some(peer) = id.peer_of(self.user) {
                        self.take_marks(id, peer, state.peer.0, state.peer.1);
                    }
                }
            }
            (Pending::Mark, Reply::Done | Reply::Refused(Refusal::ReadFailed)) => {}
            (Pending::Mark, Reply::Refused(Refusal::BeyondHead { .. } | Refusal::UnknownConversation))
                if server.has_lost_power() => {}
            (Pending::Invite(group, hash), Reply::Invite { .. }) => {
                self.invitations.push(Invitation::Hash(group, hash));
            }
            (Pending::RevokeInvites, Reply::Done) => {}
            (Pending::Invite(..) | Pending::RevokeInvites, Reply::Refused(_)) => {}
            (Pending::Signal, Reply::Done | Reply::Refused(Refusal::Overloaded | Refusal::ReadFailed)) => {}
            (
                Pending::Signal,
                Reply::Refused(
                    Refusal::UnknownConversation | Refusal::Forbidden(_) | Refusal::Muted { .. } | Refusal::Blocked,
                ),
            ) => {}
            (Pending::Watch(_), Reply::Presence(users)) => {
                for presence in users {
                    self.told.note(server.life(), presence.user, Seen::from(&presence), false);
                }
            }
            (Pending::Watch(users), Reply::Refused(Refusal::ReadFailed)) => {
                let users: Vec<UserId> = users.into_iter().filter(|user| self.wanted.contains(user)).collect();
                if !users.is_empty() {
                    self.ask_for(server, users);
                }
            }
            (Pending::Watch(users), Reply::Refused(Refusal::Limit { .. })) => {
                self.unwatch(server, Some(&users));
            }
            (Pending::Unwatch, Reply::Done) => _ = self.leaving.remove(&request_id),
            (Pending::Status(status, invisible), Reply::Done) => {
                server.ledger.check_status(self.user, &status, invisible);
            }
            (Pending::Status(..) | Pending::Block, Reply::Refused(Refusal::StorageFull)) => {}
            (Pending::Block, Reply::Done) => {}
            (Pending::Block, Reply::Refused(Refusal::UnknownUser(_) | Refusal::Limit { .. } | Refusal::ReadFailed)) => {
            }
            (Pending::Other, Reply::Blocked(_)) => {}
            (Pending::Other, Reply::MessageInfo(_)) => {}
            (Pending::Other, Reply::Refused(Refusal::UnknownMessage(_) | Refusal::Forbidden(_))) => {}
            (Pending::Other, Reply::History { .. } | Reply::Group(_) | Reply::Conversations { .. }) => {}
            (Pending::Other, Reply::Refused(Refusal::UnknownConversation | Refusal::ReadFailed)) => {}
            (pending, reply) => panic!("{pending:?} of {}/{} is answered with {reply:?}", self.user, self.id),
        }
    }

    /// The log is another one than that of the cursor.
    fn begin_anew(&mut self, server: &Server, conversation: Conversation) {
        let cursor = self.cursors.insert(conversation, Cursor::default());
        assert!(server.has_lost_power(), "no log begins anew by itself: {cursor:?}");
        self.marks.retain(|(of, _), _| *of != conversation);
        self.summaries.retain(|(of, _), _| *of != conversation);
        // What was sent may stand anywhere in the new log.
        for outgoing in self.outbox.iter_mut().filter(|outgoing| outgoing.conversation == Some(conversation)) {
            if let Request::Append { append, .. } = &mut outgoing.request {
                append.after = Seq(0);
            }
        }
    }

    fn take_answer(&mut self, server: &mut Server, client_message_id: ClientMessageId, reply: Reply) {
        let at = self.outbox.iter().position(|outgoing| outgoing.client_message_id == client_message_id);
        let at = at.expect("what is answered was asked");
        match reply {
            Reply::Refused(
                Refusal::Overloaded | Refusal::StorageFull | Refusal::ReadFailed | Refusal::RateLimited { .. },
            ) => {
                self.outbox[at].waiting = false;
                self.passed.insert(client_message_id);
                return;
            }
            Reply::Refused(Refusal::ResendUnknown) => {
                assert!(server.forgets(), "nothing is older than the window here");
            }
            Reply::Refused(_) => {}
            // A reaction that changes nothing is answered with the message.
            Reply::Sent { seq, duplicate: true, .. } if self.outbox[at].reacts_to() == Some(seq) => {}
            Reply::Sent { conversation, seq, message_id, duplicate, .. } => {
                let name = MessageName { sender: self.user, device: self.id, client_message_id };
                server.ledger.note_ack(&conversation, name, seq, message_id);
                server.ledger.duplicates += u64::from(duplicate);
                self.know(conversation, seq);
            }
            Reply::Group(info) => {
                let conversation = Conversation::Group(info.group);
                let name = MessageName { sender: self.user, device: self.id, client_message_id };
                let durable = match self.outbox[at].conversation {
                    None => server.ledger.seq_of(&conversation, &name) == Some(Seq(1)),
                    Some(_) => server.ledger.store.member(&conversation, self.user).is_some(),
                };
                assert!(durable, "the group, or the membership, is durable");
                self.cursors.entry(conversation).or_default();
            }
            Reply::Done => {}
            other => panic!("{client_message_id:?} is answered with {other:?}"),
        }
        self.outbox.remove(at);
    }

    fn know(&mut self, conversation: Conversation, seq: Seq) {
        let cursor = self.cursors.entry(conversation).or_default();
        cursor.known = cursor.known.max(seq);
    }

    /// The rule of the protocol for a run of entries.
    fn take_entries(
        &mut self,
        server: &mut Server,
        conversation: Conversation,
        log_id: LogId,
        skip_from: Option<Seq>,
        page: &Page,
        pushed: bool,
    ) {
        let known = self.cursors.get(&conversation).map_or(LogId(0), |cursor| cursor.log_id);
        if known != LogId(0) && known != log_id {
            self.begin_anew(server, conversation);
        }
        self.know(conversation, page.last);
        let cursor = self.cursors.entry(conversation).or_default();
        let held = cursor.seq;
        if page.after > held && skip_from.is_none_or(|from| from > held) {
            let anew = known != log_id;
            assert!(!pushed || anew, "{}/{} holds {held} of {conversation:?} and is sent {page:?}", self.user, self.id);
            return self.repair(server, conversation);
        }
        cursor.log_id = log_id;
        cursor.seq = held.max(page.last).max(page.after);
        if page.after > held {
            check_skip(&server.ledger, self.user, &conversation, held, page.after);
        }
        for entry in Entries::new(&page.entries) {
            let header = EntryHeader::decode(entry).expect("an entry");
            let ledger = &mut server.ledger;
            if header.seq > held {
                ledger.taken += 1;
                assert!(ledger.may_see(self.user, &conversation, header.seq), "a device takes what its user may see");
            } else {
                ledger.repeated += 1;
            }
        }
    }

    fn repair(&mut self, server: &mut Server, conversation: Conversation) {
        let cursor = self.cursors.entry(conversation).or_default();
        if cursor.known > cursor.seq && !cursor.repairing {
            cursor.repairing = true;
            let position = PagePosition::After(cursor.seq);
            let request = Request::History { conversation, position, limit: 50, raw: true };
            self.request(server, Pending::Repair(conversation), request);
        }
    }

    /// What it sent stands in the order in which it was sent, save for what was refused or may have been.
    pub fn check_order(&self, ledger: &Ledger) {
        for conversation in self.cursors.keys() {
            let own = ledger.names_of(conversation, self.user, self.id).filter(|name| !self.passed.contains(name));
            let own: Vec<&[u8]> = own.map(ClientMessageId::as_bytes).collect();
            assert!(
                own.is_sorted() || ledger.went_back(),
                "{}/{} sent to {conversation:?} in another order",
                self.user,
                self.id
            );
        }
    }
}

/// What a device jumps over must be nothing that its user may see, unless it held nothing: a conversation that it did
/// not name starts after what another device has acknowledged, or near the head.
pub fn check_skip(ledger: &Ledger, user: UserId, conversation: &Conversation, held: Seq, after: Seq) {
    let delivered = ledger.store.marks(conversation, user).0;
    let tail = ledger.visible_head(user, conversation).0.saturating_sub(SYNC_ENTRIES_MAX);
    for seq in (held.0 + 1..=after.0).map(Seq) {
        let started_later = held == Seq(0) && (seq <= delivered || seq.0 <= tail);
        let hidden = ledger.may_be_gone(conversation, seq) || !ledger.may_see(user, conversation, seq);
        assert!(hidden || started_later, "{user} jumps over {seq} of {conversation:?}, from {held} to {after}");
    }
}

/// Whoever sent a signal had read the log up to `seq`: it is for those who were members then, or became so later.
pub fn check_signal(ledger: &Ledger, user: UserId, conversation: &Conversation, seq: Seq) {
    let spans = ledger.store.spans(conversation, user);
    let member = spans.into_iter().any(|span| span.left.is_none_or(|left| left >= seq));
    assert!(member || ledger.went_back(), "{user} is signalled in {conversation:?} after {seq}, and is no member");
}

/// The body of a signal: how far its sender had read the log, and its number.
#[must_use]
pub fn signal_body(seq: Seq, number: u64) -> Bytes {
    [seq.0.to_be_bytes(), number.to_be_bytes()].concat().into()
}

/// What the body of a signal says; zeros when it says nothing.
#[must_use]
pub fn read_signal(body: &[u8]) -> (Seq, u64) {
    let number = |at: usize| body.get(at..at + 8).and_then(|part| part.try_into().ok()).map_or(0, u64::from_be_bytes);
    (Seq(number(0)), number(8))
}

/// A conversation that a client does not name starts so many entries before its head.
pub const SYNC_ENTRIES_MAX: u64 = 20;

impl Outgoing {
    fn is_direct_message(&self) -> bool {
        let direct = matches!(self.conversation, Some(Conversation::Direct { .. }));
        direct
            && matches!(&self.request, Request::Append { append, .. } if matches!(append.action, Action::Message { .. }))
    }

    fn reacts_to(&self) -> Option<Seq> {
        match &self.request {
            Request::Append { append: Append { action: Action::React { seq, .. }, .. }, .. } => Some(*seq),
            _ => None,
        }
    }

    fn new(conversation: Option<Conversation>, request: Request, client_message_id: ClientMessageId) -> Outgoing {
        Outgoing { conversation, request, client_message_id, tried: false, waiting: false }
    }
}

/// The group of a conversation.
#[must_use]
pub fn group_of(conversation: &Conversation) -> Option<GroupId> {
    match conversation {
        Conversation::Group(group) => Some(*group),
        Conversation::Direct { .. } => None,
    }
}
