//! Rows of numerical neighbours never mix: reads see exactly what belongs to what they name.

use crate::fixture::{Scribe, block, open, page, page_after, read};
use hubbub_core::ids::{Conversation, DeviceId, GroupId, Seq, Timestamp, UserId};
use hubbub_core::records::{AccountRecord, CursorRecord, MembershipRecord, Read, ReadResult, Write};
use hubbub_store::Store;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Ids whose bytes make prefixes of each other likely.
fn id() -> impl Strategy<Value = u64> {
    let bytes = prop_oneof![Just(0u8), Just(1), Just(2), Just(0xff), any::<u8>()];
    proptest::collection::vec(bytes, 8).prop_map(|bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        id().prop_map(|id| Conversation::Group(GroupId(id))),
        (id(), id()).prop_filter_map("two people", |(a, b)| Conversation::direct(UserId(a), UserId(b))),
    ]
}

#[test]
fn neighbours_are_told_apart() {
    let memberships = proptest::collection::vec((id(), conversation(), 1..99u64), 1..40);
    proptest!(ProptestConfig::with_cases(24), |(rows in memberships)| {
        let directory = tempfile::tempdir().unwrap();
        for store in [Store::memory(16), open(directory.path())] {
            check(&store, &rows);
        }
    });
}

fn check(store: &Store, rows: &[(u64, Conversation, u64)]) {
    let mut users: BTreeMap<u64, BTreeMap<Conversation, MembershipRecord>> = BTreeMap::new();
    let mut heads: BTreeMap<Conversation, u64> = BTreeMap::new();
    let mut scribe = Scribe::new(store);
    for &(user, conversation, n) in rows {
        let membership = MembershipRecord { joined: Seq(n), version: Seq(n), member: true };
        users.entry(user).or_default().insert(conversation, membership);
        let head = heads.entry(conversation).or_default();
        *head += 1;
        let cursor = CursorRecord { delivered: Seq(n), ..CursorRecord::default() };
        scribe.commit(
            store,
            [
                Write::PutAccount(UserId(user), AccountRecord::bare(Timestamp(1))),
                Write::PutMembership(UserId(user), conversation, membership),
                Write::PutBlock(conversation, block(*head, 1, 10)),
                Write::PutCursor(conversation, UserId(user), DeviceId(n), cursor),
            ],
        );
    }
    for (user, memberships) in users {
        let ReadResult::User(Some(found)) = read(store, &Read::User(UserId(user))) else { panic!("no user {user}") };
        let found: BTreeMap<_, _> = found.memberships.into_iter().collect();
        assert_eq!(found, memberships);
    }
    for (conversation, head) in heads {
        let page = page(store, &page_after(conversation, 0));
        assert_eq!((page.after, page.last), (Seq(0), Seq(head)));
    }
}
