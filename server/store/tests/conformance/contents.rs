//! Every write is found again by the reads that are made for it.

use crate::fixture::{Scribe, block, direct, each_store, group, name, page, page_after, read};
use hubbub_core::account::{Email, PasswordHash, Person, TokenHash, TokenRecord};
use hubbub_core::ids::{Conversation, DeviceId, LogId, MessageId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, BlockRecord, ConversationRecord, CursorRecord, DeviceRecord, EmailRecord, GroupRecord,
    GroupSettings, InviteHash, InviteRecord, MemberRecord, MembershipRecord, MutedUntil, OwnedDevice, OwnedDevices,
    PresenceRecord, Read, ReadResult, Role, Span, StoredConversation, StoredPresence, StoredUser, Write,
};
use hubbub_store::Store;

fn record(title: &str, named: bool) -> ConversationRecord {
    ConversationRecord {
        title: title.to_owned(),
        owner: UserId(7),
        created_by: named.then(|| name(3)),
        created: Timestamp(-5),
        log_id: LogId(u32::MAX),
        floor: Seq(2),
        notified_up_to: Seq(4),
        group: named.then(|| Box::new(club())),
        history: None,
        blocks: None,
    }
}

fn member(role: Role, left: Option<u64>) -> MemberRecord {
    let first = Span { joined: Seq(1), left: Some(Seq(4)) };
    let muted_until = MutedUntil(left.map_or(-1, |left| left as i64));
    MemberRecord { role, muted_until, spans: vec![first, Span { joined: Seq(9), left: left.map(Seq) }] }
}

fn club() -> GroupRecord {
    let invite = |n: u8| InviteRecord {
        hash: InviteHash([n; 32]),
        expires: Timestamp(-i64::from(n)),
        uses_left: u32::from(n),
        by: UserId(u64::MAX),
    };
    GroupRecord {
        settings: GroupSettings { announcement_only: true, members_may_add: true },
        invites: vec![invite(0), invite(9)],
        ended: Some(Seq(0)),
    }
}

fn cursor(n: u64) -> CursorRecord {
    CursorRecord { delivered: Seq(n), read: Seq(n / 2), last_seen: Timestamp(n as i64) }
}

fn conversation(store: &Store, conversation: Conversation) -> Option<StoredConversation> {
    match read(store, &Read::Conversation(conversation)) {
        ReadResult::Conversation(found) => found.map(|found| *found),
        other => panic!("{other:?}"),
    }
}

fn user(store: &Store, user: UserId) -> Option<StoredUser> {
    match read(store, &Read::User(user)) {
        ReadResult::User(found) => found.map(|found| *found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn conversations_come_back_whole() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        for (id, title) in [(group(1), "tea"), (direct(1, 2), ""), (direct(1, 3), "")] {
            let named = title == "tea";
            assert_eq!(conversation(store, id), None);
            let members = [
                (UserId(1), member(Role::Owner, None)),
                (UserId(257), member(Role::Admin, None)),
                (UserId(258), member(Role::Member, Some(12))),
            ];
            let cursors = [
                (UserId(1), DeviceId(2), cursor(9)),
                (UserId(1), DeviceId(u64::MAX), cursor(0)),
                (UserId(258), DeviceId(1), cursor(3)),
            ];
            scribe.commit(
                store,
                [Write::PutConversation(id, record(title, named))]
                    .into_iter()
                    .chain(members.clone().map(|(user, member)| Write::PutMember(id, user, member)))
                    .chain(cursors.map(|(user, device, cursor)| Write::PutCursor(id, user, device, cursor)))
                    .chain([Write::PutBlock(id, block(1, 2, 10)), Write::PutBlock(id, block(3, 64, 10))]),
            );
            let expected = StoredConversation {
                record: record(title, named),
                members: members.to_vec(),
                cursors: cursors.to_vec(),
                head: Seq(66),
                head_ordinal: 44,
            };
            assert_eq!(conversation(store, id), Some(expected));
        }
    });
}

#[test]
fn the_last_write_of_a_row_counts() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let id = group(5);
        scribe.commit(store, [Write::PutConversation(id, record("old", true))]);
        scribe.commit(
            store,
            [
                Write::PutConversation(id, record("newer", true)),
                Write::PutConversation(id, record("newest", false)),
                Write::PutBlock(id, block(1, 3, 10)),
            ],
        );
        let mut gone = block(1, 3, 0);
        gone.last_ordinal = 2;
        scribe.commit(store, [Write::PutBlock(id, gone.clone())]);
        let found = conversation(store, id).unwrap();
        assert_eq!((found.record.title.as_str(), found.head, found.head_ordinal), ("newest", Seq(3), 2));
        assert_eq!(page(store, &page_after(id, 0)).entries, gone.entries);
    });
}

#[test]
fn users_come_back_with_their_memberships() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let account = AccountRecord::bare(Timestamp(77));
        let membership = |n| MembershipRecord { joined: Seq(n), version: Seq(n + 1), member: n % 2 == 0 };
        let of_user = [(direct(4, 5), membership(1)), (direct(4, 6), membership(2)), (group(1), membership(3))];
        scribe.commit(store, of_user.map(|(conversation, m)| Write::PutMembership(UserId(4), conversation, m)));
        assert_eq!(user(store, UserId(4)), None, "a membership is no account");
        scribe.commit(
            store,
            [Write::PutAccount(UserId(4), account.clone()), Write::PutAccount(UserId(5), account.clone())],
        );
        let (presence, blocked) = (PresenceRecord::default(), Vec::new());
        let stored = |memberships| {
            let (account, presence, blocked) = (account.clone(), presence.clone(), blocked.clone());
            Some(StoredUser { account, devices: vec![], memberships, presence, blocked })
        };
        assert_eq!(user(store, UserId(4)), stored(of_user.to_vec()));
        assert_eq!(user(store, UserId(5)), stored(vec![]));
        let asked = [6, 4, 5, u64::MAX].map(UserId).to_vec();
        let missing = ReadResult::MissingUsers(vec![UserId(6), UserId(u64::MAX)]);
        assert_eq!(read(store, &Read::MissingUsers(asked)), missing);
    });
}

fn person() -> Person {
    Person {
        email: Some(Email::new("ada@example.org")),
        password: Some(PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA")),
        name: "Ada".into(),
        about: "".into(),
        picture: "https://example.org/ada.png".into(),
    }
}

#[test]
fn accounts_come_back_with_what_was_told_and_without() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let bare = AccountRecord::bare(Timestamp(77));
        let told = AccountRecord { created: Timestamp(78), person: Some(Box::new(person())) };
        scribe.commit(
            store,
            [(4, &bare), (5, &told)].map(|(id, account)| Write::PutAccount(UserId(id), account.clone())),
        );
        for (id, account) in [(3, None), (4, Some(bare)), (5, Some(told))] {
            assert_eq!(read(store, &Read::Account(UserId(id))), ReadResult::Account(account));
        }
    });
}

#[test]
fn addresses_lead_to_whom_they_were_given_last() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let record = |email: &str, user| EmailRecord {
            email: Email::new(email),
            user: UserId(user),
            reserved_until: Timestamp(user as i64 * 7),
        };
        scribe.commit(store, (1..=50).map(|n| Write::PutEmail(record(&format!("a{n}@example.org"), n))));
        scribe.commit(store, [Write::PutEmail(record("a3@example.org", 300))]);
        for (email, user) in [("a1@example.org", 1), ("a3@example.org", 300), ("a50@example.org", 50)] {
            assert_eq!(read(store, &Read::Email(Email::new(email))), ReadResult::Email(Some(record(email, user))));
        }
        assert_eq!(read(store, &Read::Email(Email::new("a1@example.or"))), ReadResult::Email(None));
    });
}

#[test]
fn devices_come_back_with_their_user_until_they_are_forgotten() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let token = TokenRecord { hash: TokenHash::new([9; 32]), expires: Timestamp(99) };
        let seen = DeviceRecord {
            name: "phone".into(),
            platform: "Android".into(),
            created: Timestamp(1),
            last_seen: Timestamp(2),
            token: Some(Box::new(token)),
            revoked: None,
        };
        let tombstone = DeviceRecord { revoked: Some(Timestamp(0)), ..DeviceRecord::default() };
        let rows = [(4, 2, &seen), (4, u64::MAX, &tombstone), (5, 2, &tombstone)];
        let put = |(user, device, record): (u64, u64, &DeviceRecord)| {
            Write::PutDevice(UserId(user), DeviceId(device), record.clone())
        };
        scribe.commit(store, rows.map(put));
        scribe.commit(store, [4, 5].map(|id| Write::PutAccount(UserId(id), AccountRecord::bare(Timestamp(1)))));
        let owned = |user, created, devices: &[(u64, &DeviceRecord)]| OwnedDevices {
            user: UserId(user),
            created: Timestamp(created),
            devices: devices.iter().map(|(device, record)| OwnedDevice::new(DeviceId(*device), record)).collect(),
        };
        let told =
            vec![owned(5, 1, &[(2, &tombstone)]), owned(6, 0, &[]), owned(4, 1, &[(2, &seen), (u64::MAX, &tombstone)])];
        let asked = Read::Devices([5, 6, 4].map(UserId).to_vec());
        assert_eq!(read(store, &asked), ReadResult::Devices(told));
        let devices = |id| user(store, UserId(id)).unwrap().devices;
        assert_eq!(devices(4), [(DeviceId(2), seen.clone()), (DeviceId(u64::MAX), tombstone.clone())]);
        scribe.commit(store, [Write::DeleteDevice(UserId(4), DeviceId(2))]);
        assert_eq!(devices(4), [(DeviceId(u64::MAX), tombstone.clone())]);
        assert_eq!(devices(5), [(DeviceId(2), tombstone)]);
    });
}

#[test]
fn users_come_back_with_their_presence_and_blocks() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let account = AccountRecord::bare(Timestamp(77));
        let presence = |n| PresenceRecord { last_active: Timestamp(n), invisible: n % 2 == 0, status: "tea".into() };
        let block = |n| BlockRecord { since: Timestamp(9), version: MessageId(n) };
        scribe.commit(
            store,
            [
                Write::PutAccount(UserId(4), account),
                Write::PutPresence(UserId(4), presence(1)),
                Write::PutPresence(UserId(4), presence(2)),
                Write::PutBlocked(UserId(4), UserId(9), block(1)),
                Write::PutBlocked(UserId(4), UserId(7), block(2)),
                Write::PutBlocked(UserId(4), UserId(8), block(3)),
                Write::PutBlocked(UserId(5), UserId(4), block(4)),
                Write::DeleteBlocked(UserId(4), UserId(8)),
            ],
        );
        let found = user(store, UserId(4)).unwrap();
        assert_eq!(found.presence, presence(2));
        assert_eq!(found.blocked, [(UserId(7), block(2)), (UserId(9), block(1))]);
        let stored = |user, record, blocks| StoredPresence { user: UserId(user), record, blocks };
        let asked = Read::Presence { users: vec![UserId(4), UserId(6)], watcher: UserId(7) };
        let expected = vec![stored(4, presence(2), true), stored(6, PresenceRecord::default(), false)];
        assert_eq!(read(store, &asked), ReadResult::Presence(expected));
        for (user, peer, exists, blocks) in [(4, 9, true, true), (4, 8, true, false), (5, 4, false, true)] {
            let asked = Read::Acquaintance { user: UserId(user), peer: UserId(peer) };
            assert_eq!(read(store, &asked), ReadResult::Acquaintance { exists, blocks });
        }
    });
}

#[test]
fn a_conversation_without_entries_has_no_head() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        scribe.commit(store, [Write::PutBlock(group(8), block(1, 1, 10)), Write::PutBlock(group(10), block(1, 1, 10))]);
        scribe.commit(store, [Write::PutConversation(group(9), record("empty", true))]);
        let found = conversation(store, group(9)).unwrap();
        assert_eq!((found.head, found.head_ordinal, found.members.len()), (Seq(0), 0, 0));
    });
}
