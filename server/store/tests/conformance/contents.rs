//! Every write is found again by the reads that are made for it.

use crate::fixture::{Scribe, block, direct, each_store, group, name, page, page_after, read};
use hubbub_core::ids::{Conversation, DeviceId, LogId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, ConversationRecord, CursorRecord, GroupRecord, GroupSettings, InviteHash, InviteRecord,
    MemberRecord, MembershipRecord, MutedUntil, Read, ReadResult, Role, Span, StoredConversation, StoredUser, Write,
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
        let account = AccountRecord { created: Timestamp(77) };
        let membership = |n| MembershipRecord { joined: Seq(n), version: Seq(n + 1), member: n % 2 == 0 };
        let of_user = [(direct(4, 5), membership(1)), (direct(4, 6), membership(2)), (group(1), membership(3))];
        scribe.commit(store, of_user.map(|(conversation, m)| Write::PutMembership(UserId(4), conversation, m)));
        assert_eq!(user(store, UserId(4)), None, "a membership is no account");
        scribe.commit(store, [Write::PutAccount(UserId(4), account), Write::PutAccount(UserId(5), account)]);
        assert_eq!(user(store, UserId(4)), Some(StoredUser { account, memberships: of_user.to_vec() }));
        assert_eq!(user(store, UserId(5)), Some(StoredUser { account, memberships: vec![] }));
        let asked = [6, 4, 5, u64::MAX].map(UserId).to_vec();
        let missing = ReadResult::MissingUsers(vec![UserId(6), UserId(u64::MAX)]);
        assert_eq!(read(store, &Read::MissingUsers(asked)), missing);
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
