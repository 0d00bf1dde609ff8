//! Lists of conversations with their states: complete, as the caller sees them, and there before the first ack.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{ConversationState, Conversations, ErrorCode, Role};

fn page(answer: Down) -> Conversations {
    match answer {
        Down::Conversations(page) => page,
        other => panic!("no page: {other:?}"),
    }
}

fn states(raw: &mut Raw) -> Vec<ConversationState> {
    let listed = page(raw.ask(list_with_states(Default::default(), 0))).conversations;
    listed.into_iter().map(|listed| listed.state.expect("a state")).collect()
}

/// Enough pairs for every combination of homes on two shards.
const PAIRS: [(u64, u64); 8] = [(10, 20), (11, 21), (12, 22), (13, 23), (24, 14), (25, 15), (26, 16), (27, 17)];

#[test]
fn a_direct_conversation_is_on_both_lists_when_its_first_message_is_acked() {
    let mut server = Server::start();
    for (a, b) in PAIRS {
        let (mut alice, _) = Raw::login_and_sync(&server, a, 1);
        let (mut bob, _) = Raw::login_and_sync(&server, b, 1);
        assert_eq!(seq(alice.ask(to_user(b, "hello"))), 1);
        assert!(matches!(alice.ask(read(direct(a, b), 1)), Down::Done(_)));
        for (raw, unread) in [(&mut bob, 1), (&mut alice, 0)] {
            let states = states(raw);
            let state = &states[0];
            assert_eq!(states.len(), 1);
            assert_eq!(Conversation::try_from(&state.conversation), Ok(direct(a, b)));
            assert_eq!((state.head, state.floor, state.member, state.member_count), (1, 0, true, 2));
            assert_eq!((state.unread, state.role()), (unread, Role::Unspecified));
            assert_ne!(state.log_id, 0);
        }
        assert!(matches!(bob.ask(read(direct(a, b), 1)), Down::Done(_)));
        let state = states(&mut bob).remove(0);
        assert_eq!((state.delivered, state.read, state.unread), (1, 1, 0));
    }
    server.kill();
    server.start_again();
    for (a, b) in PAIRS {
        let (mut bob, _) = Raw::login_and_sync(&server, b, 1);
        let state = states(&mut bob).remove(0);
        assert_eq!(Conversation::try_from(&state.conversation), Ok(direct(a, b)));
        assert_eq!((state.head, state.read, state.unread), (1, 1, 0));
    }
}

#[test]
fn pages_with_states_go_through_all_conversations_once() {
    let server = Server::start();
    let mut people = people(&server, 9);
    let mut expected: Vec<Conversation> = (2..=9).map(|user| direct(1, user)).collect();
    for user in 2..=9 {
        assert_eq!(seq(people[user - 1].ask(to_user(1, "hi"))), 1);
        assert_eq!(seq(people[user - 1].ask(to_user(1, "are you there?"))), 2);
    }
    for n in 0..6 {
        let made = group_of(people[1].ask(create_group(&format!("G{n}"), &[1]))).group;
        assert_eq!(seq(people[1].ask(to_group(made, "hello"))), 2);
        assert!(changed(&mut people[0], made));
        expected.push(group(made));
    }
    let (mut seen, mut after, mut pages) = (Vec::new(), Default::default(), 0);
    loop {
        let page = page(people[0].ask(list_with_states(after, 5)));
        for listed in page.conversations {
            let conversation = Conversation::try_from(&listed.conversation).unwrap();
            let state = listed.state.expect("a state");
            assert_eq!(Conversation::try_from(&state.conversation), Ok(conversation));
            let is_group = matches!(conversation, Conversation::Group(_));
            assert_eq!((state.head, state.unread), (2, if is_group { 1 } else { 2 }), "{state:?}");
            assert_eq!(state.role(), if is_group { Role::Member } else { Role::Unspecified });
            assert_eq!(state.name.is_empty(), !is_group);
            seen.push(conversation);
        }
        pages += 1;
        after = page.next;
        if after.is_empty() {
            break;
        }
    }
    seen.sort();
    expected.sort();
    assert_eq!((pages, seen), (3, expected));
}

#[test]
fn a_page_with_states_has_at_most_a_hundred() {
    let server = Server::start();
    let (mut person, _) = Raw::login_and_sync(&server, 1, 1);
    let error = person.ask_in_vain(list_with_states(Default::default(), 101));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "limit"));
    assert!(page(person.ask(list_with_states(Default::default(), 100))).conversations.is_empty());
}
