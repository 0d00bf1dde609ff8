//! An application on the client library's own session: bytes from the simulated network go in, and every event that the
//! session reports is checked.
//!
//! What the library promises to applications is checked here: entries come once, in order and without a gap; each
//! request is answered once, over any number of connections; marks never go back.

use crate::client::Invitation;
use crate::device::{check_signal, check_skip, read_signal, signal_body};
use crate::dice::Dice;
use crate::ledger::Ledger;
use crate::names::{to_codec, to_core};
use crate::presence::{Seen, Told};
use crate::server::{ConnectionId, Server};
use bytes::BytesMut;
use hubbub_codec::content::{GoneReason, NewBody, Retention, Role};
use hubbub_codec::ids as codec;
use hubbub_codec::proto;
use hubbub_codec::session::{
    CallId, CallStep, Event, GroupChange, InviteTerms, Mute, OutgoingMessage, Recipient, Reply, RequestId, SendId,
    SendRefused, Session, SessionConfig, Signal, SignalKind, StatusChange, Visibility,
};
use hubbub_codec::statuses::{Status, Statuses};
use hubbub_codec::timeline::Timeline;
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, GroupId, MessageId, MessageName, Seq, UserId};
use hubbub_core::records;
use hubbub_core::request::{self, Action};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub struct App {
    /// Whose.
    pub user: UserId,
    /// Its device.
    pub id: DeviceId,
    /// While it is connected.
    pub connection: Option<ConnectionId>,
    session: Session,
    habits: Habits,
    /// Received, and not a whole frame.
    unread: BytesMut,
    /// What was reported of each log.
    logs: BTreeMap<Conversation, Reported>,
    /// What it amounts to.
    timelines: BTreeMap<Conversation, Timeline>,
    sends: BTreeMap<SendId, Sending>,
    requests: BTreeSet<RequestId>,
    /// What it says of itself, by the request that says so, and whether it is invisible from then on.
    says: BTreeMap<RequestId, (String, Option<bool>)>,
    told: Told,
    marks: BTreeMap<(Conversation, codec::UserId), (u64, u64)>,
    statuses: Statuses,
    /// Names in the order in which they were given, by conversation.
    named: BTreeMap<Conversation, Vec<ClientMessageId>>,
    /// Invitations it was given.
    pub invitations: Vec<Invitation>,
    /// A `Synced` was reported since the last login.
    synced: bool,
}

/// What differs from one application to the next.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    delivered_interval: Duration,
    delivered_entries: u32,
    backoff_max: Duration,
    sends_in_flight_max: u16,
    sends_queued_max: u16,
    buffered_entries_max: u32,
}

impl Habits {
    /// Some habits.
    #[must_use]
    pub fn some(dice: &mut Dice) -> Habits {
        Habits {
            delivered_interval: Duration::from_millis(dice.between(1, 200) as u64),
            delivered_entries: dice.between(1, 64) as u32,
            backoff_max: Duration::from_millis(dice.between(5, 200) as u64),
            sends_in_flight_max: *dice.pick(&[1, 3, 48]).unwrap_or(&1),
            sends_queued_max: dice.between(4, 256) as u16,
            buffered_entries_max: dice.between(1, 256) as u32,
        }
    }

    fn config(&self, device: DeviceId, seed: u64) -> SessionConfig {
        SessionConfig {
            delivered_interval: self.delivered_interval,
            delivered_entries: self.delivered_entries,
            backoff_min: Duration::from_millis(5),
            backoff_max: self.backoff_max,
            sends_in_flight_max: self.sends_in_flight_max,
            sends_queued_max: self.sends_queued_max,
            buffered_entries_max: self.buffered_entries_max,
            seed,
            ..SessionConfig::new("a token", device.0)
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Reported {
    log_id: codec::LogId,
    seq: Seq,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    conversation: Conversation,
    name: ClientMessageId,
}

impl App {
    /// A newly installed application.
    #[must_use]
    pub fn new(user: UserId, id: DeviceId, dice: &mut Dice) -> App {
        let habits = Habits::some(dice);
        App {
            user,
            id,
            connection: None,
            session: Session::new(habits.config(id, dice.number()), Duration::ZERO),
            habits,
            unread: BytesMut::new(),
            logs: BTreeMap::new(),
            timelines: BTreeMap::new(),
            sends: BTreeMap::new(),
            requests: BTreeSet::new(),
            says: BTreeMap::new(),
            told: Told::default(),
            marks: BTreeMap::new(),
            statuses: Statuses::new(codec::UserId(user.0)),
            named: BTreeMap::new(),
            invitations: Vec::new(),
            synced: false,
        }
    }

    /// Conversations it has heard of.
    #[must_use]
    pub fn conversations(&self) -> Vec<Conversation> {
        self.logs.keys().copied().collect()
    }

    /// The highest contiguous seq that its session holds.
    #[must_use]
    pub fn cursor(&self, conversation: &Conversation) -> Seq {
        self.session.cursor(&to_codec(conversation)).map_or(Seq(0), |(_, seq)| Seq(seq.0))
    }

    /// Whether everything it asked was answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.session.is_ready() && self.synced && self.sends.is_empty() && self.requests.is_empty()
    }

    /// What it waits for, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        let App { user, id, session, synced, sends, requests, .. } = self;
        format!("{user}/{id}: ready {}, synced {synced}, {sends:?}, {requests:?}", session.is_ready())
    }

    // ---- Connections ----

    /// Connects when its session wants to.
    pub fn connect(&mut self, server: &mut Server) {
        if self.session.reconnect_at().is_none_or(|at| at > server.elapsed) {
            return;
        }
        self.connection = Some(server.connect_bytes(self.user, self.id));
        self.unread.clear();
        self.session.handle_connected(server.elapsed);
        self.settle(server);
    }

    /// The connection is gone.
    pub fn lose_connection(&mut self, server: &mut Server) {
        if self.connection.take().is_some() {
            self.synced = false;
            self.told.forget();
            self.session.handle_disconnected(server.elapsed);
            self.settle(server);
        }
    }

    /// The process ends and starts anew, with its data or (a new install under the same id) without.
    pub fn restart(&mut self, server: &mut Server, with_data: bool, dice: &mut Dice) {
        self.lose_connection(server);
        let config = self.habits.config(self.id, dice.number());
        let old = std::mem::replace(&mut self.session, Session::new(config, server.elapsed));
        self.requests.clear();
        self.says.clear();
        self.marks.clear();
        self.statuses = Statuses::new(codec::UserId(self.user.0));
        self.sends.clear();
        if !with_data {
            self.timelines.clear();
            return self.logs.clear();
        }
        for (conversation, log_id, seq) in old.cursors() {
            self.session.restore_cursor(conversation, log_id, seq).expect("there are few conversations");
        }
        for unanswered in old.unanswered() {
            let (to, message) = (unanswered.to, unanswered.message);
            let sent = self.session.resume_send(server.elapsed, to, message, unanswered.name, unanswered.after_seq);
            self.note_send(sent.expect("as many were queued before"));
        }
    }

    /// Does what is due.
    pub fn wake(&mut self, server: &mut Server) {
        if self.session.poll_timeout().is_some_and(|at| at <= server.elapsed) {
            self.session.handle_timeout(server.elapsed);
            self.settle(server);
        }
    }

    /// Reads some bytes.
    pub fn read(&mut self, server: &mut Server, dice: &mut Dice) {
        let Some(bytes) = self.connection.and_then(|id| server.read_bytes(id, dice)) else { return };
        self.unread.extend_from_slice(&bytes);
        if let Err(error) = self.session.handle_bytes(server.elapsed, &mut self.unread) {
            panic!("{}/{}: the server breaks the rules: {error}", self.user, self.id);
        }
        self.settle(server);
    }

    /// Writes what the session wants to write, and hears what it reports.
    fn settle(&mut self, server: &mut Server) {
        if let (Some(bytes), Some(id)) = (self.session.poll_transmit(), self.connection) {
            server.write_bytes(id, &bytes);
        }
        while let Some(event) = self.session.poll_event() {
            self.take(server, event);
        }
        if self.session.should_close()
            && let Some(id) = self.connection
        {
            server.disconnect(id);
            self.lose_connection(server);
        }
    }

    // ---- Asking ----

    /// Appends something to a conversation, now or when it is connected.
    pub fn append(&mut self, server: &mut Server, conversation: Conversation, action: Action) {
        let now = server.elapsed;
        let group = match conversation {
            Conversation::Group(group) => codec::GroupId(group.0),
            Conversation::Direct { .. } => codec::GroupId(0),
        };
        let asked = match action {
            Action::Message { body, .. } => {
                let to = match conversation.peer_of(self.user) {
                    Some(peer) => Recipient::User(codec::UserId(peer.0)),
                    None => Recipient::Group(group),
                };
                let message = OutgoingMessage { body, ..OutgoingMessage::default() };
                if let Ok(id) = self.session.send(now, to, message) {
                    self.note_send(id);
                }
                return self.settle(server);
            }
            Action::AddMembers(users) if !users.is_empty() => self.session.add_members(now, group, &numbers(&users)),
            Action::RemoveMembers(users) if !users.is_empty() => {
                self.session.remove_members(now, group, &numbers(&users))
            }
            Action::Edit { seq, body, .. } => {
                let new = NewBody { body, content_type: String::new() };
                self.session.edit(now, &to_codec(&conversation), codec::Seq(seq.0), new)
            }
            Action::Revoke(seq) => self.session.revoke(now, &to_codec(&conversation), codec::Seq(seq.0)),
            Action::React { seq, emoji, remove: false } => {
                self.session.react(now, &to_codec(&conversation), codec::Seq(seq.0), &emoji)
            }
            Action::React { seq, emoji, remove: true } => {
                self.session.unreact(now, &to_codec(&conversation), codec::Seq(seq.0), &emoji)
            }
            Action::SetRetention(retention) => {
                let retention = match retention {
                    None => Retention::ServerDefault,
                    Some(records::Retention::Forever) => Retention::Forever,
                    Some(records::Retention::Ttl { seconds }) => Retention::TtlSeconds(u64::from(seconds)),
                    Some(records::Retention::UntilDelivered) => Retention::UntilDelivered,
                };
                self.session.set_retention(now, &to_codec(&conversation), retention)
            }
            Action::Leave => self.session.leave(now, group),
            Action::DeleteGroup => self.session.delete_group(now, group),
            Action::UpdateGroup { title, settings } => {
                let settings = settings.map(|settings| proto::GroupSettings {
                    announcement_only: settings.announcement_only,
                    members_may_add: settings.members_may_add,
                });
                self.session.update_group(now, group, GroupChange { title, settings })
            }
            Action::SetRole { member, role } => {
                let role = match role {
                    records::Role::Member => Role::Member,
                    records::Role::Admin => Role::Admin,
                    records::Role::Owner => Role::Owner,
                };
                self.session.set_role(now, group, codec::UserId(member.0), role)
            }
            Action::MuteMember { member, mute } => {
                let mute = match mute {
                    request::Mute::Lift => Mute::Lift,
                    request::Mute::Seconds(seconds) => Mute::ForSeconds(seconds),
                    request::Mute::UntilLifted => Mute::UntilLifted,
                };
                self.session.mute_member(now, group, codec::UserId(member.0), mute)
            }
            _ => return,
        };
        self.note_request(asked);
        self.settle(server);
    }

    fn note_send(&mut self, id: SendId) {
        let sent = self.session.unanswered().find(|unanswered| unanswered.id == id).expect("it was just queued");
        let own = codec::UserId(self.user.0);
        let conversation = match sent.to {
            Recipient::User(user) => codec::Conversation::direct(own, user).expect("nobody writes to themselves"),
            Recipient::Group(group) => codec::Conversation::Group(group),
        };
        let conversation = to_core(&conversation);
        let name = ClientMessageId::new(sent.name.as_bytes()).expect("as long as the protocol's");
        let named = self.named.entry(conversation).or_default();
        if !named.contains(&name) {
            named.push(name);
        }
        assert!(self.sends.insert(id, Sending { conversation, name }).is_none(), "each send has an id of its own");
    }

    fn note_request(&mut self, asked: Result<RequestId, SendRefused>) {
        if let Ok(id) = asked {
            assert!(self.requests.insert(id), "each request has an id of its own");
        }
    }

    /// Makes a group.
    pub fn create_group(&mut self, server: &mut Server, members: &[UserId]) {
        let asked = self.session.create_group(server.elapsed, "team", &numbers(members));
        self.note_request(asked);
        self.settle(server);
    }

    /// The person has seen a log up to a seq.
    pub fn mark(&mut self, server: &mut Server, conversation: Conversation, seq: Seq) {
        let seq = codec::Seq(seq.0);
        self.session.read(server.elapsed, &to_codec(&conversation), seq).expect("there are few conversations");
        self.settle(server);
    }

    /// Asks about a conversation.
    pub fn look(&mut self, server: &mut Server, conversation: Conversation, dice: &mut Dice) {
        use proto::history::Position;
        let (now, limit) = (server.elapsed, dice.between(1, 10) as u32);
        let seq = dice.below(30) as u64;
        let id = to_codec(&conversation);
        let asked = match (dice.below(4), conversation) {
            (0, _) => self.session.history(now, &id, Position::AfterSeq(seq), limit),
            (1, _) => self.session.history(now, &id, Position::BeforeSeq(seq + 1), limit),
            (2, Conversation::Group(group)) => {
                self.session.get_group(now, codec::GroupId(group.0), codec::UserId(0), limit)
            }
            _ => self.session.list_conversations(now, bytes::Bytes::new(), limit),
        };
        self.note_request(asked);
        self.settle(server);
    }

    /// Looks at the end of a log, and asks who holds a message of one's own.
    pub fn probe(&mut self, server: &mut Server, conversation: Conversation, own: Option<Seq>) {
        use proto::history::Position;
        let (now, id) = (server.elapsed, to_codec(&conversation));
        let asked = self.session.history(now, &id, Position::BeforeSeq(u64::MAX), 50);
        self.note_request(asked);
        if let Some(seq) = own {
            let asked = self.session.message_info(now, &id, codec::Seq(seq.0), codec::UserId(0), 3);
            self.note_request(asked);
        }
        self.settle(server);
    }

    /// Makes an invitation, or voids all of a group.
    pub fn invite(&mut self, server: &mut Server, group: GroupId, dice: &mut Dice) {
        let (now, group) = (server.elapsed, codec::GroupId(group.0));
        let asked = if dice.per_mille(200) {
            self.session.revoke_invites(now, group)
        } else {
            self.session.create_invite(now, group, InviteTerms { valid_seconds: 60, uses_max: dice.below(3) as u32 })
        };
        self.note_request(asked);
        self.settle(server);
    }

    /// Joins by an invitation.
    pub fn join(&mut self, server: &mut Server, token: &str) {
        let asked = self.session.join_group(server.elapsed, token);
        self.note_request(asked);
        self.settle(server);
    }

    /// Signals in a conversation; the body tells how far it had read the log. Without a connection it is dropped.
    pub fn signal(&mut self, server: &mut Server, conversation: Conversation, dice: &mut Dice) {
        let call = |step| SignalKind::Call(CallId(1), step);
        let kinds = [SignalKind::Typing, SignalKind::Custom, call(CallStep::Offer), call(CallStep::HangUp)];
        let kind = *dice.pick(&kinds).expect("there are some");
        let body = signal_body(self.cursor(&conversation), server.next_signal());
        let _ = self.session.signal(server.elapsed, &to_codec(&conversation), Signal { kind, body });
        self.settle(server);
    }

    /// Watches these, from now on and over connections.
    pub fn watch(&mut self, server: &mut Server, users: &[UserId]) {
        let asked = self.session.watch(server.elapsed, &numbers(users));
        self.note_request(asked);
        self.settle(server);
    }

    /// Watches these no more; nobody when it is not told whom.
    pub fn unwatch(&mut self, server: &mut Server, users: Option<&[UserId]>) {
        let now = server.elapsed;
        let asked = match users {
            Some(users) => self.session.unwatch(now, &numbers(users)),
            None => self.session.unwatch_all(now),
        };
        self.note_request(asked);
        self.settle(server);
    }

    /// Whom it watches, and what it was told.
    pub fn watched(&self) -> (Vec<UserId>, &Told) {
        (self.session.watched().iter().map(|user| UserId(user.0)).collect(), &self.told)
    }

    /// Changes how others see its user.
    pub fn set_status(&mut self, server: &mut Server, status: &str, invisible: Option<bool>) {
        let visibility = invisible.map(|it| if it { Visibility::Invisible } else { Visibility::Visible });
        let change = StatusChange { visibility, status: Some(status.to_owned()) };
        let asked = self.session.set_status(server.elapsed, change);
        if let Ok(request) = asked {
            self.says.insert(request, (status.to_owned(), invisible));
        }
        self.note_request(asked);
        self.settle(server);
    }

    /// Blocks users, or not any more.
    pub fn block(&mut self, server: &mut Server, users: &[UserId], blocked: bool) {
        let (now, users) = (server.elapsed, numbers(users));
        let asked = if blocked { self.session.block(now, &users) } else { self.session.unblock(now, &users) };
        self.note_request(asked);
        self.settle(server);
    }

    /// Asks whom its user has blocked.
    pub fn list_blocked(&mut self, server: &mut Server) {
        let asked = self.session.list_blocked(server.elapsed);
        self.note_request(asked);
        self.settle(server);
    }

    // ---- Hearing ----

    fn take_presence(&mut self, server: &Server, users: &[proto::UserPresence], pushed: bool) {
        users.iter().for_each(|user| self.told.note(server.life(), UserId(user.user), Seen::from(user), pushed));
    }

    fn take(&mut self, server: &mut Server, event: Event) {
        if server.trace {
            println!("  {}/{} hears {event:?}", self.user, self.id);
        }
        match event {
            Event::Synced(states) => self.take_synced(&states),
            Event::Entries { conversation, log_id, entries, .. } => {
                self.take_entries(&mut server.ledger, to_core(&conversation), log_id, &entries);
            }
            Event::Sent { id, conversation, seq, message_id, duplicate, .. } => {
                let sending = self.sends.remove(&id).expect("each send is answered once");
                assert_eq!(to_core(&conversation), sending.conversation, "it went where it was sent");
                let name = MessageName { sender: self.user, device: self.id, client_message_id: sending.name };
                server.ledger.note_ack(&sending.conversation, name, Seq(seq.0), MessageId(message_id.0));
                server.ledger.duplicates += u64::from(duplicate);
            }
            Event::SendFailed { id, error } => {
                self.sends.remove(&id).expect("each send is answered once");
                let unknown = error.code() == proto::ErrorCode::ResendUnknown;
                assert!(!unknown || server.forgets(), "nothing is older than the window here");
            }
            Event::Receipts { conversation, receipts, .. } => {
                self.statuses.note_receipts(&conversation, &receipts);
                for receipt in receipts {
                    self.take_marks(to_core(&conversation), &receipt);
                }
            }
            Event::Reply { request, reply } => {
                assert!(self.requests.remove(&request), "each request is answered once");
                if let Some((status, invisible)) = self.says.remove(&request) {
                    server.ledger.check_status(self.user, &status, invisible);
                }
                self.take_reply(server, reply);
            }
            Event::Presence(users) => self.take_presence(server, &users, true),
            Event::RequestFailed { request, .. } => {
                self.says.remove(&request);
                assert!(self.requests.remove(&request), "each request is answered once");
            }
            Event::Signalled { conversation, signal, .. } => {
                let (seq, _) = read_signal(&signal.body);
                check_signal(&server.ledger, self.user, &to_core(&conversation), seq);
            }
            Event::ConversationChanged { conversation, .. } => {
                self.logs.entry(to_core(&conversation)).or_default();
            }
            Event::LogReset { conversation, log_id, .. } => {
                assert!(server.has_lost_power(), "no log begins anew by itself");
                let conversation = to_core(&conversation);
                self.logs.insert(conversation, Reported { log_id, seq: Seq(0) });
                self.timelines.remove(&conversation);
                self.marks.retain(|(of, _), _| *of != conversation);
                self.statuses.reset(&to_codec(&conversation));
            }
            Event::FatalError { error } | Event::CredentialsNeeded { error } => {
                panic!("{}/{} is refused for good: {error:?}", self.user, self.id)
            }
            Event::Ended(ending) => panic!("{}/{} has ended: {ending:?}", self.user, self.id),
            _ => {}
        }
    }

    fn take_synced(&mut self, states: &[proto::ConversationState]) {
        self.synced = true;
        for state in states.iter().filter(|state| state.log_id != 0) {
            self.statuses.note_state(state);
            let id = codec::Conversation::try_from(&state.conversation).expect("a conversation");
            let held = self.session.cursor(&id).map_or(0, |(_, seq)| seq.0);
            assert!(held >= state.head, "synced {id} to {held}, though its head is {}", state.head);
            // Receipts of the meantime were reported before, and say more.
            self.raise_marks(to_core(&id), codec::UserId(self.user.0), (state.delivered, state.read));
            if let Some(peer) = id.peer(codec::UserId(self.user.0)) {
                self.raise_marks(to_core(&id), peer, (state.peer_delivered, state.peer_read));
            }
        }
    }

    fn raise_marks(&mut self, conversation: Conversation, user: codec::UserId, (delivered, read): (u64, u64)) {
        let known = self.marks.entry((conversation, user)).or_default();
        *known = (known.0.max(delivered), known.1.max(read));
    }

    fn take_marks(&mut self, conversation: Conversation, receipt: &proto::Receipt) {
        let user = codec::UserId(receipt.user);
        let known = self.marks.entry((conversation, user)).or_default();
        let rise = receipt.delivered >= known.0 && receipt.read >= known.1;
        assert!(rise, "marks of {user} in {conversation:?} never go back: {known:?}, then {receipt:?}");
        *known = (receipt.delivered, receipt.read);
    }

    fn take_entries(
        &mut self,
        ledger: &mut Ledger,
        conversation: Conversation,
        log_id: codec::LogId,
        entries: &[proto::Entry],
    ) {
        let reported = self.logs.entry(conversation).or_default();
        let known = std::mem::replace(&mut reported.log_id, log_id);
        assert!(known.0 == 0 || known == log_id, "a log begins anew with a word");
        for entry in entries {
            let seq = Seq(entry.seq);
            assert!(seq > reported.seq, "{}/{} is told {seq} of {conversation:?} again", self.user, self.id);
            check_skip(ledger, self.user, &conversation, reported.seq, Seq(seq.0 - 1));
            check_entry(ledger, self.user, &conversation, entry);
            self.timelines.entry(conversation).or_default().push(entry);
            reported.seq = seq;
            ledger.taken += 1;
        }
    }

    fn take_reply(&mut self, server: &mut Server, reply: Reply) {
        let ledger = &server.ledger;
        match reply {
            Reply::History(run) => {
                let conversation = codec::Conversation::try_from(&run.conversation).expect("a conversation");
                for entry in run.entries {
                    let written = as_written(ledger, &to_core(&conversation), entry);
                    check_entry(ledger, self.user, &to_core(&conversation), &written);
                }
            }
            Reply::Sent(sent) => {
                let entry = ledger.entry(&to_core(&sent.conversation), Seq(sent.seq.0));
                let id = entry.map(|entry| entry.message_id.0);
                assert_eq!(id, Some(sent.message_id.0), "an answered operation is durable");
            }
            Reply::Presence(users) => self.take_presence(server, &users, false),
            Reply::Invite(invite) => self.invitations.push(Invitation::Token(invite.token)),
            Reply::Group(group) => {
                let conversation = to_core(&codec::Conversation::Group(codec::GroupId(group.group)));
                assert!(ledger.head(&conversation) >= Seq(group.head.max(1)), "the group is durable");
                self.logs.entry(conversation).or_default();
            }
            _ => {}
        }
    }

    // ---- Rest ----

    /// What it sent stands in the order in which it was sent, where that is promised; and what its cursors have jumped
    /// over is not for its user.
    pub fn check(&self, ledger: &Ledger, refusals: bool, told_all: bool) {
        for (conversation, named) in &self.named {
            // What was refused while one had blocked the other may be sent again later.
            let refusals = refusals || ledger.blocks.have_touched(conversation);
            let ordered = self.habits.sends_in_flight_max == 1 || (!refusals && is_direct(conversation));
            let stored = ledger.names_of(conversation, self.user, self.id);
            let places: Vec<usize> = stored.filter_map(|name| named.iter().position(|sent| sent == name)).collect();
            assert!(
                !ordered || ledger.went_back() || places.is_sorted(),
                "{}/{} sent to {conversation:?} in another order: {places:?}",
                self.user,
                self.id
            );
        }
        for (conversation, reported) in &self.logs {
            check_skip(ledger, self.user, conversation, reported.seq, self.cursor(conversation));
        }
        self.logs.keys().for_each(|conversation| self.check_statuses(ledger, conversation, told_all));
        self.timelines.iter().for_each(|(id, timeline)| self.check_timeline(ledger, id, timeline));
        self.logs.keys().for_each(|conversation| self.check_delivered(ledger, conversation));
    }

    /// What it holds of a log that it has followed since is what the log amounts to.
    fn check_timeline(&self, ledger: &Ledger, conversation: &Conversation, timeline: &Timeline) {
        let Some(whole) = ledger.timeline(conversation) else { return };
        let spans = ledger.store.spans(conversation, self.user);
        let Some(span) = spans.last().filter(|span| span.left.is_none()) else { return };
        // Below the floor the entries that change a message may have been gone before this device came.
        let floor = ledger.store.record(conversation).map_or(Seq(0), |record| record.floor);
        let kept = timeline.messages().filter(|(seq, _)| seq.0 >= span.joined.0 && seq.0 > floor.0);
        for (seq, message) in kept {
            let whole = whole.message(seq);
            let same = whole == Some(message) || (message.gone.is_some() && message.body.is_empty());
            assert!(same, "{}/{} sees {seq} of {conversation:?} as {message:?}, not {whole:?}", self.user, self.id);
            let revoked = whole.is_some_and(|whole| whole.gone == Some(GoneReason::Revoked));
            assert!(!revoked || message.gone.is_some(), "{}/{} keeps {seq}, which was revoked", self.user, self.id);
        }
    }

    /// What became of its user's messages in a direct conversation is never more than what the other person's marks
    /// say, and just that when no push found the way blocked and neither has blocked the other.
    fn check_statuses(&self, ledger: &Ledger, conversation: &Conversation, told_all: bool) {
        let Some(peer) = conversation.peer_of(self.user) else { return };
        let told_all = told_all && !ledger.is_cut(self.user, peer);
        let (delivered, read) = ledger.store.marks(conversation, peer);
        for seq in (1..=ledger.head(conversation).0).map(Seq) {
            let truth = match seq {
                seq if seq <= read => Status::Read,
                seq if seq <= delivered => Status::Delivered,
                _ => Status::Sent,
            };
            let told = self.statuses.of(&to_codec(conversation), codec::Seq(seq.0));
            let right = if told_all { told == truth } else { told <= truth };
            assert!(right, "{}/{} takes {seq} of {conversation:?} for {told:?}, not {truth:?}", self.user, self.id);
        }
    }

    /// The server knows what it holds.
    fn check_delivered(&self, ledger: &Ledger, conversation: &Conversation) {
        let follows = ledger.store.is_present(conversation, self.user);
        let (held, known) = (self.cursor(conversation), ledger.store.marks(conversation, self.user).0);
        let reported = self.logs.get(conversation).map_or(Seq(0), |log| log.seq);
        assert!(
            !follows || known >= reported.min(held),
            "{}/{} holds {reported} of {conversation:?}, and the server knows of {known}",
            self.user,
            self.id
        );
    }
}

fn check_entry(ledger: &Ledger, user: UserId, conversation: &Conversation, entry: &proto::Entry) {
    let seq = Seq(entry.seq);
    assert!(ledger.may_see(user, conversation, seq), "{user} takes {seq} of {conversation:?}, and may not see it");
    let said = ledger.said(conversation, seq).expect("what is reported is durable");
    assert!(is_said(entry, said), "{seq} of {conversation:?} is reported as {entry:?}, and was {said:?}");
}

/// An entry without what `History` shows besides.
fn as_written(ledger: &Ledger, conversation: &Conversation, mut entry: proto::Entry) -> proto::Entry {
    if entry.edited.take().is_some()
        && let Some(said) = ledger.said(conversation, Seq(entry.seq))
    {
        (entry.body, entry.content_type) = (said.body.clone(), said.content_type.clone());
    }
    entry.reactions.clear();
    entry
}

/// Whether an entry is what was decided, or what is left of it.
fn is_said(entry: &proto::Entry, said: &proto::Entry) -> bool {
    if let (Some(left), Some(edited)) = (edited(entry), edited(said))
        && left.body.is_empty()
    {
        return left.seq == edited.seq && entry.message_id == said.message_id;
    }
    if entry.event_type() == proto::EventType::Gone {
        let nothing = entry.body.is_empty() && entry.content_type.is_empty();
        return nothing && (entry.message_id, entry.ordinal) == (said.message_id, said.ordinal);
    }
    entry == said
}

fn edited(entry: &proto::Entry) -> Option<&proto::MessageEdited> {
    match entry.event.as_ref()?.event.as_ref()? {
        proto::event::Event::MessageEdited(edited) => Some(edited),
        _ => None,
    }
}

fn is_direct(conversation: &Conversation) -> bool {
    matches!(conversation, Conversation::Direct { .. })
}

fn numbers(users: &[UserId]) -> Vec<codec::UserId> {
    users.iter().map(|user| codec::UserId(user.0)).collect()
}
