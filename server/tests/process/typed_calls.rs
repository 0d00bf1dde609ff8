//! The client library's calls and events, each against the real server: what they ask for is what happens.

use crate::support::*;
use hubbub_codec::client::{Client, register};
use hubbub_codec::content::{NewBody, Retention, Role};
use hubbub_codec::ids::{Conversation, DeviceId, GroupId, Seq, UserId};
use hubbub_codec::proto::history::Position;
use hubbub_codec::proto::{self, ErrorCode};
use hubbub_codec::registration::NewAccount;
use hubbub_codec::session::{
    CallId, CallStep, Credentials, Ending, Event, GroupChange, InviteTerms, Mute, OutgoingMessage, ProfileChange,
    Recipient, SessionConfig, Signal, SignalKind, StatusChange, Visibility,
};
use hubbub_codec::statuses::{Status, Statuses};
use hubbub_codec::timeline::Timeline;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Mutex, Notify};

/// A client, and everything that it was told.
struct Person {
    client: Client,
    told: Arc<(Mutex<Vec<Event>>, Notify)>,
}

impl Person {
    async fn connect(server: &Server, device: u64, credentials: impl Into<Credentials>) -> Person {
        let (client, mut events) = Client::connect(server.clients, SessionConfig::new(credentials, DeviceId(device)));
        let told = Arc::new((Mutex::new(Vec::new()), Notify::new()));
        let person = Person { client, told: told.clone() };
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                told.0.lock().await.push(event);
                told.1.notify_one();
            }
        });
        person.hears("a sync", |event| matches!(event, Event::Synced(_)).then_some(())).await;
        person
    }

    /// Waits until the person was told something.
    async fn hears<T>(&self, what: &str, look: impl Fn(&Event) -> Option<T>) -> T {
        let hears = async {
            loop {
                if let Some(found) = self.told.0.lock().await.iter().find_map(&look) {
                    return found;
                }
                self.told.1.notified().await;
            }
        };
        tokio::time::timeout(DEADLINE, hears).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
    }

    /// Waits until the log has come up to a seq, and folds it.
    async fn timeline(&self, conversation: Conversation, head: Seq) -> Timeline {
        let fold = async {
            loop {
                let mut timeline = Timeline::default();
                for event in self.told.0.lock().await.iter() {
                    if let Event::Entries { conversation: of, entries, .. } = event
                        && *of == conversation
                    {
                        timeline.extend(entries);
                    }
                }
                if timeline.head() >= head {
                    return timeline;
                }
                self.told.1.notified().await;
            }
        };
        tokio::time::timeout(DEADLINE, fold).await.expect("the log in time")
    }

    async fn says(&self, to: Recipient, text: &str) -> hubbub_codec::client::Sent {
        self.client.send(to, OutgoingMessage::text(text)).await.unwrap()
    }
}

fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

fn code<T: std::fmt::Debug>(answer: Result<T, hubbub_codec::client::RequestError>) -> ErrorCode {
    match answer {
        Err(hubbub_codec::client::RequestError::Failed(error)) => error.code(),
        other => panic!("{other:?}"),
    }
}

const ALICE: UserId = UserId(10);
const BOB: UserId = UserId(20);
const CAROL: UserId = UserId(30);

async fn jwt(server: &Server, user: UserId, device: u64) -> Person {
    Person::connect(server, device, server.token(user.0)).await
}

#[test]
fn an_account_from_registration_to_logout() {
    let server = open_to_strangers().start();
    run(async {
        let address = server.clients;
        let account = || NewAccount::new("Zoë", "zoe@example.org", PASSWORD);
        let user = register(address, account()).await.unwrap();
        assert!(register(address, account()).await.is_err(), "the address has an account");

        let phone = Person::connect(&server, 1, Credentials::email("zoe@example.org", PASSWORD)).await;
        let token = phone.hears("a session token", |event| match event {
            Event::LoggedIn { user_id, session_token, .. } => session_token.clone().filter(|_| *user_id == user),
            _ => None,
        });
        let token = token.await;
        let laptop = Person::connect(&server, 2, Credentials::user(user, PASSWORD)).await;

        let change = ProfileChange { about: Some("At sea".into()), ..Default::default() };
        phone.client.update_profile(change).await.unwrap();
        let profile = laptop.client.own_profile().await.unwrap();
        assert_eq!((&*profile.name, &*profile.about, &*profile.email), ("Zoë", "At sea", "zoe@example.org"));

        phone.client.rename_device(DeviceId(2), "Laptop").await.unwrap();
        let devices = phone.client.list_devices().await.unwrap();
        let shown: Vec<_> = devices.iter().map(|d| (d.device_id, &*d.name, d.connected, d.current)).collect();
        assert_eq!(shown.len(), 2);
        assert_eq!((shown[0].0, shown[0].2, shown[0].3), (1, true, true));
        assert_eq!(shown[1], (2, "Laptop", true, false));

        phone.client.revoke_device(DeviceId(2)).await.unwrap();
        laptop.hears("the end", |e| matches!(e, Event::Ended(Ending::Revoked)).then_some(())).await;
        phone.client.change_password(PASSWORD, "another good one", false).await.unwrap();
        phone.client.logout(false).await.unwrap();
        phone.hears("the end", |e| matches!(e, Event::Ended(Ending::LoggedOut)).then_some(())).await;

        // The token went with the logout, the old password with the change.
        for stale in [Credentials::SessionToken(token.secret.clone()), Credentials::user(user, PASSWORD)] {
            let config = SessionConfig::new(stale, DeviceId(1));
            let (_client, mut events) = Client::connect(address, config);
            let refused = async {
                while let Some(event) = events.next().await {
                    if matches!(event, Event::CredentialsNeeded { .. }) {
                        return;
                    }
                }
                panic!("the client ended");
            };
            tokio::time::timeout(DEADLINE, refused).await.unwrap();
        }
        Person::connect(&server, 1, Credentials::user(user, "another good one")).await;
    });
}

#[test]
fn a_direct_conversation_with_all_that_people_do_in_one() {
    let server = Server::start();
    run(async {
        let (alice, bob) = (jwt(&server, ALICE, 1).await, jwt(&server, BOB, 1).await);
        let first = alice.says(Recipient::User(BOB), "at ten").await;
        let chat = first.conversation;
        let answer = OutgoingMessage { reply_to_seq: first.seq, ..OutgoingMessage::text("fine, and bring the papers") };
        let second = bob.client.send(Recipient::User(ALICE), answer).await.unwrap();

        let edit = alice.client.edit(chat, first.seq, NewBody::text("at nine")).await.unwrap();
        bob.client.react(chat, first.seq, "👍").await.unwrap();
        bob.client.react(chat, first.seq, "🎉").await.unwrap();
        bob.client.unreact(chat, first.seq, "🎉").await.unwrap();
        assert_eq!(code(alice.client.edit(chat, second.seq, NewBody::text("mine")).await), ErrorCode::Forbidden);
        let last = bob.client.revoke(chat, second.seq).await.unwrap();

        let (of_alice, of_bob) = (alice.timeline(chat, last.seq).await, bob.timeline(chat, last.seq).await);
        assert_eq!(of_alice, of_bob);
        let message = of_alice.message(first.seq).unwrap();
        assert_eq!((&message.body[..], message.edited), (&b"at nine"[..], Some(edit.seq)));
        assert_eq!(message.reactions.iter().map(|(e, users)| (&**e, users.len())).collect::<Vec<_>>(), [("👍", 1)]);
        assert!(of_alice.message(second.seq).unwrap().gone.is_some());

        let newest = alice.client.history(chat, Position::AfterSeq(0), 10).await.unwrap();
        assert_eq!(&newest.entries[0].body[..], b"at nine");
        assert!(newest.entries[0].edited.is_some() && newest.entries[0].reactions[0].count == 1);
        let raw = alice.client.history_raw(chat, Position::AfterSeq(0), 10).await.unwrap();
        assert_eq!(&raw.entries[0].body[..], b"at ten");
        assert!(raw.entries[0].edited.is_none() && raw.entries[1].body.is_empty());

        bob.client.read(chat, last.seq).await.unwrap();
        alice
            .hears("that it was read", |event| {
                let mut statuses = Statuses::new(ALICE);
                let Event::Receipts { conversation, receipts, .. } = event else { return None };
                statuses.note_receipts(conversation, receipts);
                (statuses.of(&chat, first.seq) == Status::Read).then_some(())
            })
            .await;
        let info = alice.client.message_info(chat, first.seq, UserId(0), 0).await.unwrap();
        assert_eq!(info.summary.unwrap().read_count, 1);

        alice.client.set_retention(chat, Retention::TtlSeconds(3_600)).await.unwrap();
        let list = bob.client.list_conversations_with_states(Default::default(), 10).await.unwrap();
        let state = list.conversations[0].state.clone().unwrap();
        assert_eq!(state.retention.unwrap().ttl_seconds, 3_600);
        assert_eq!((state.head, state.member), (last.seq.0 + 1, true));
    });
}

#[test]
fn a_group_from_its_making_to_its_end() {
    let server = Server::start();
    run(async {
        let (alice, bob, carol) =
            (jwt(&server, ALICE, 1).await, jwt(&server, BOB, 1).await, jwt(&server, CAROL, 1).await);
        let made = alice.client.create_group("Harbour", vec![BOB]).await.unwrap();
        let group = GroupId(made.group);
        let log = Conversation::Group(group);

        alice.client.set_role(group, BOB, Role::Admin).await.unwrap();
        let invite = bob.client.create_invite(group, InviteTerms::default()).await.unwrap();
        assert_eq!(carol.client.join_group(&*invite.token).await.unwrap().member_count, 3);
        bob.client.revoke_invites(group).await.unwrap();

        bob.client.mute_member(group, CAROL, Mute::UntilLifted).await.unwrap();
        let refused = carol.client.send(Recipient::Group(group), OutgoingMessage::text("hello?")).await;
        assert_eq!(code(refused), ErrorCode::Muted);
        bob.client.mute_member(group, CAROL, Mute::Lift).await.unwrap();
        let settings = proto::GroupSettings { announcement_only: true, members_may_add: false };
        let change = GroupChange { title: Some("Docks".into()), settings: Some(settings) };
        bob.client.update_group(group, change).await.unwrap();
        let refused = carol.client.send(Recipient::Group(group), OutgoingMessage::text("hello?")).await;
        assert_eq!(code(refused), ErrorCode::Forbidden);

        let said = bob.says(Recipient::Group(group), "the ship is in").await;
        carol.timeline(log, said.seq).await;
        carol.client.read(log, said.seq).await.unwrap();
        bob.hears("who has read it", |event| match event {
            Event::Receipts { summaries, .. } => {
                summaries.iter().find(|summary| summary.seq == said.seq.0 && summary.read_count >= 1).map(|_| ())
            }
            _ => None,
        })
        .await;

        alice.client.set_role(group, BOB, Role::Owner).await.unwrap();
        let described = carol.client.get_group(group, UserId(0), 10).await.unwrap();
        let roles: BTreeMap<u64, proto::Role> = described.members.iter().map(|m| (m.user, m.role())).collect();
        assert_eq!(
            (described.owner, roles[&ALICE.0], roles[&CAROL.0]),
            (BOB.0, proto::Role::Admin, proto::Role::Member)
        );
        assert_eq!((&*described.title, described.settings), ("Docks", Some(settings)));

        bob.client.remove_members(group, vec![CAROL]).await.unwrap();
        assert_eq!(code(carol.client.get_group(group, UserId(0), 10).await), ErrorCode::UnknownConversation);
        bob.client.delete_group(group).await.unwrap();
        let ended = |event: &Event| match event {
            Event::ConversationChanged { conversation, member: false } => (*conversation == log).then_some(()),
            _ => None,
        };
        alice.hears("the group's end", ended).await;
        let head = alice.client.history(log, Position::BeforeSeq(u64::MAX), 1).await.unwrap().head;
        let (of_alice, of_bob) = (alice.timeline(log, Seq(head)).await, bob.timeline(log, Seq(head)).await);
        assert_eq!(of_alice, of_bob);
        assert!(of_alice.is_deleted() && of_alice.title() == "Docks");
    });
}

#[test]
fn presence_signals_and_blocks() {
    let server = Server::start();
    run(async {
        let (alice, bob) = (jwt(&server, ALICE, 1).await, jwt(&server, BOB, 1).await);
        let chat = alice.says(Recipient::User(BOB), "hello").await.conversation;
        bob.timeline(chat, Seq(1)).await;
        alice.timeline(chat, Seq(1)).await;

        let now = alice.client.watch(vec![BOB]).await.unwrap();
        assert!(now[0].online && now[0].user == BOB.0);
        let hide = StatusChange { visibility: Some(Visibility::Invisible), status: None };
        bob.client.set_status(hide).await.unwrap();
        alice
            .hears("that Bob is gone", |event| match event {
                Event::Presence(users) => users.iter().find(|user| user.user == BOB.0 && !user.online).map(|_| ()),
                _ => None,
            })
            .await;

        let call = CallId(7);
        bob.client.signal(chat, Signal::typing()).await.unwrap();
        bob.client.signal(chat, Signal::call(call, CallStep::Offer, "an offer")).await.unwrap();
        let signalled = |wanted: SignalKind| {
            move |event: &Event| match event {
                Event::Signalled { from, signal, .. } => (*from == BOB && signal.kind == wanted).then_some(()),
                _ => None,
            }
        };
        alice.hears("typing", signalled(SignalKind::Typing)).await;
        alice.hears("the call", signalled(SignalKind::Call(call, CallStep::Offer))).await;
        alice.client.signal(chat, Signal::call(call, CallStep::HangUp, "")).await.unwrap();

        alice.client.block(vec![BOB]).await.unwrap();
        assert_eq!(alice.client.list_blocked().await.unwrap(), [BOB]);
        let refused = bob.client.send(Recipient::User(ALICE), OutgoingMessage::text("are you there?")).await;
        assert_eq!(code(refused), ErrorCode::Blocked);
        assert_eq!(code(bob.client.react(chat, Seq(1), "👍").await), ErrorCode::Blocked);
        alice.client.unblock(vec![BOB]).await.unwrap();
        assert_eq!(bob.says(Recipient::User(ALICE), "there you are").await.seq, Seq(2));
    });
}
