//! The end of a group: everybody is told, nobody goes on, and what was read can be read again.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{ErrorCode, ListConversations};

#[test]
fn everybody_leaves_at_the_entry_that_says_so() {
    let mut server = Server::start();
    let mut people = people(&server, 4);
    let group_id = team(&mut people, 4);
    assert_eq!(seq(people[3].ask(to_group(group_id, "while it lasts"))), 3);
    let invite = invite_of(people[0].ask(create_invite(group_id, 0)));
    for who in [1, 2] {
        assert_eq!(people[who].ask_in_vain(delete_group(group_id, "end")).code(), ErrorCode::Forbidden);
    }
    done(people[0].ask(delete_group(group_id, "end")));
    for person in &mut people {
        let events = events(person, group_id, 4);
        assert!(matches!(events[3], Some(Event::GroupDeleted(_))), "{events:?}");
        while changed(person, group_id) {}
        assert_eq!(person.ask_in_vain(to_group(group_id, "anybody?")).code(), ErrorCode::UnknownConversation);
        assert_eq!(person.ask_in_vain(get_group(group_id, 0, 0)).code(), ErrorCode::UnknownConversation);
        assert_eq!(person.ask_in_vain(delete_group(group_id, "twice")).code(), ErrorCode::UnknownConversation);
        assert_eq!(person.ask_in_vain(join_group("back", &invite.token)).code(), ErrorCode::InviteInvalid);
        let list = person.ask(Up::ListConversations(ListConversations::default()));
        assert!(matches!(list, Down::Conversations(page) if page.conversations.is_empty()));
    }
    server.kill();
    server.start_again();
    for user in 1..=4 {
        let (mut person, states) = Raw::login_and_sync(&server, user, 1);
        assert!(states.iter().all(|state| !state.member), "{states:?}");
        match person.ask(history_after(group(group_id), 0, 0)) {
            Down::Entries(entries) => assert_eq!((entries.entries.len(), entries.head), (4, 4)),
            other => panic!("{other:?}"),
        }
        let states = person.sync(vec![cursor(group(group_id), 0, 2)], false);
        assert_eq!((states[0].member, states[0].head), (false, 4));
        assert_eq!(person.ask_in_vain(to_group(group_id, "still nobody?")).code(), ErrorCode::UnknownConversation);
    }
}
