//! The cached tier never answers wrongly: either as the disk would, or not at all.

use crate::fixture::{Scribe, block, group, open, page_after};
use hubbub_core::ids::{LogId, Seq, Timestamp, UserId};
use hubbub_core::records::{AccountRecord, ConversationRecord, MemberRecord, MutedUntil, Read, Role, Span, Write};
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

#[test]
fn it_answers_from_memory_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let record = ConversationRecord {
        title: "tea".to_owned(),
        owner: UserId(1),
        created_by: None,
        created: Timestamp(1),
        log_id: LogId(1),
        floor: Seq(0),
        notified_up_to: Seq(0),
        group: None,
    };
    let member = MemberRecord {
        role: Role::Owner,
        muted_until: MutedUntil::NO,
        spans: vec![Span { joined: Seq(1), left: None }],
    };
    let store = open(directory.path());
    Scribe::new(&store).commit(
        &store,
        [
            Write::PutAccount(UserId(1), AccountRecord { created: Timestamp(1) }),
            Write::PutConversation(group(1), record),
            Write::PutMember(group(1), UserId(1), member),
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
