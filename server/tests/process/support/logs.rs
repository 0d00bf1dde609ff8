//! What the tests of log operations share: two people who talk, and looks at a log.

use super::{Down, Raw, Server, direct, seq, to_user, whole};
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{Entries, Entry};

/// Users 10 and 20, logged in and synced, and their conversation, in which 10 has said these words.
pub(crate) fn talk(server: &Server, words: &[&str]) -> (Raw, Raw, Conversation) {
    let (mut alice, _) = Raw::login_and_sync(server, 10, 1);
    let (bob, _) = Raw::login_and_sync(server, 20, 1);
    for (at, word) in words.iter().enumerate() {
        assert_eq!(seq(alice.ask(to_user(20, word))), at as u64 + 1);
    }
    (alice, bob, direct(10, 20))
}

#[track_caller]
pub(crate) fn entries_of(answer: Down) -> Entries {
    match answer {
        Down::Entries(entries) => entries,
        other => panic!("no entries: {other:?}"),
    }
}

/// The log in its newest form.
#[track_caller]
pub(crate) fn newest(raw: &mut Raw, conversation: Conversation) -> Vec<Entry> {
    entries_of(raw.ask(whole(conversation, false))).entries
}

/// The log as it was written.
#[track_caller]
pub(crate) fn written(raw: &mut Raw, conversation: Conversation) -> Vec<Entry> {
    entries_of(raw.ask(whole(conversation, true))).entries
}
