//! What a crash leaves halfway between the homes of a conversation and its members is completed after it.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::send::To;
use std::collections::BTreeSet;

const MEMBERS: std::ops::RangeInclusive<u64> = 1..=8;
const GROUPS: u64 = 60;
const FRIENDS: std::ops::Range<u64> = 100..160;

/// All conversations that a user belongs to.
fn listed(raw: &mut Raw) -> BTreeSet<Conversation> {
    let (mut found, mut after) = (BTreeSet::new(), Default::default());
    loop {
        let request = hubbub_codec::proto::ListConversations { after, limit: 0, with_states: false };
        let Down::Conversations(page) = raw.ask(Up::ListConversations(request)) else { panic!("no page") };
        found.extend(page.conversations.iter().map(|it| Conversation::try_from(&it.conversation).unwrap()));
        if page.next.is_empty() {
            return found;
        }
        after = page.next;
    }
}

#[test]
fn memberships_are_completed_after_a_crash() {
    let others: Vec<u64> = MEMBERS.skip(1).collect();
    let title = |n: u64| format!("group {n}");
    let mut server = Server::start();
    for user in MEMBERS.chain(FRIENDS) {
        drop(Raw::login(&server, user, 1));
    }
    for round in 0..3 {
        let (first, last) = (round * GROUPS, (round + 1) * GROUPS);
        let mut raw = Raw::login(&server, 1, 1);
        let ids: Vec<u64> = (first..last).map(|n| raw.say(create_group(&title(n), &others))).collect();
        raw.answer_to(ids[round as usize * 7]);
        server.kill();
        server.start_again();
        // Whatever was made of each is finished by asking again.
        let mut raw = Raw::login(&server, 1, 1);
        let groups: BTreeSet<Conversation> = (first..last)
            .map(|n| match raw.ask(create_group(&title(n), &others)) {
                Down::Group(made) => {
                    assert_eq!((made.head, made.member_count), (1, 8));
                    group(made.group)
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(groups.len() as u64, GROUPS);
        for user in MEMBERS {
            let mut raw = Raw::login(&server, user, 2);
            wait_until("all memberships", || listed(&mut raw).is_superset(&groups));
        }
    }
}

#[test]
fn first_words_are_completed_after_a_crash() {
    let mut server = Server::start();
    for user in [1].into_iter().chain(FRIENDS) {
        drop(Raw::login(&server, user, 1));
    }
    for answered in [0, 20] {
        let mut raw = Raw::login(&server, 1, 1);
        let text = format!("hello {answered}");
        let ids: Vec<u64> = FRIENDS.map(|friend| raw.say(to_user(friend, &text))).collect();
        raw.answer_to(ids[answered]);
        server.kill();
        server.start_again();
        let mut raw = Raw::login(&server, 1, 1);
        for friend in FRIENDS {
            let again = message(To::User(friend), resent(&text, 0), &text);
            assert!(matches!(raw.ask(Up::Send(again)), Down::Sent(_)));
        }
        for friend in FRIENDS {
            let mut raw = Raw::login(&server, friend, 1);
            wait_until("the conversation", || listed(&mut raw).contains(&direct(1, friend)));
            let Down::Entries(page) = raw.ask(history_after(direct(1, friend), 0, 0)) else { panic!("no history") };
            let same = page.entries.iter().filter(|entry| entry.body == text.as_str()).count();
            assert_eq!(same, 1, "{text} to {friend}");
        }
    }
}
