//! The cached tier never answers wrongly: either as the disk would, or not at all.

use crate::fixture::{Scribe, block, group, open, page_after};
use hubbub_core::ids::{LogId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, ConversationRecord, MemberRecord, MutedUntil, Read, ReadResult, Role, Span, Write,
};
use hubbub_store::Tier;

fn reads() -> Vec<Read> {
    vec![
        Read::Conversation(group(1)),
        Read::User(UserId(1)),
        page_after(group(1), 0),
        Read::FindName { conversation: group(1), after: Seq(0), up_to: Seq(9), name: crate::fixture::name(5) },
        Read::MissingUsers(vec![UserId(1), UserId(2)]),
    ]
}

fn record() -> ConversationRecord {
    ConversationRecord {
        title: "tea".to_owned(),
        owner: UserId(1),
        created_by: None,
        created: Timestamp(1),
        log_id: LogId(1),
        floor: Seq(0),
        notified_up_to: Seq(0),
        group: None,
        history: None,
        blocks: None,
    }
}

fn member() -> MemberRecord {
    let spans = vec![Span { joined: Seq(1), left: None }];
    MemberRecord { role: Role::Owner, muted_until: MutedUntil::NO, spans }
}

#[test]
fn it_answers_from_memory_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    Scribe::new(&store).commit(
        &store,
        [
            Write::PutAccount(UserId(1), AccountRecord::bare(Timestamp(1))),
            Write::PutConversation(group(1), record()),
            Write::PutMember(group(1), UserId(1), member()),
            Write::PutBlock(group(1), block(1, 9, 50)),
        ],
    );
    let written: Vec<_> = reads().iter().map(|read| store.read(read, Tier::Cached).unwrap()).collect();
    assert!(written.iter().all(Option::is_some), "what was just written is in memory");
    store.close().unwrap();
    drop(store);

    for (read, expected) in reads().iter().zip(written) {
        let store = open(directory.path());
        assert_eq!(store.read(read, Tier::Cached).unwrap(), None, "{read:?} before the disk was read");
        assert_eq!(store.read(read, Tier::Any).unwrap(), expected);
        assert_eq!(store.read(read, Tier::Cached).unwrap(), expected, "{read:?} after it was");
    }
}

#[test]
fn long_answers_are_left_to_those_who_may_wait() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let users = |count| (1..=count).map(UserId);
    let mut scribe = Scribe::new(&store);
    scribe.commit(&store, [Write::PutConversation(group(1), record())]);
    for (members, is_answered) in [(500, true), (600, false)] {
        scribe.commit(&store, users(members).map(|user| Write::PutMember(group(1), user, member())));
        scribe.commit(&store, users(members).map(|user| Write::PutAccount(user, AccountRecord::bare(Timestamp(1)))));
        for read in [Read::Conversation(group(1)), Read::MissingUsers(users(members).collect())] {
            let cached = store.read(&read, Tier::Cached).unwrap();
            assert_eq!(cached.is_some(), is_answered, "{members}");
            let any = store.read(&read, Tier::Any).unwrap();
            assert!(cached.is_none() || cached == any);
            if let Some(ReadResult::Conversation(Some(stored))) = any {
                assert_eq!(stored.members.len() as u64, members);
            }
        }
    }
}
