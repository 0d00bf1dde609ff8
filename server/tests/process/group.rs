//! Groups: who is in, who may what, what each member sees of the log.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{ErrorCode, EventType, Role};

over_each_transport! {
    everybody_reads_the_same_log_from_the_creation_on,
    a_removed_member_gets_the_entry_that_says_so_and_nothing_after,
}

fn everybody_reads_the_same_log_from_the_creation_on(over: Transport) {
    let server = Setup::new().over(over).start();
    let mut people = people(&server, 12);
    let made = group_of(people[0].ask(create_group("Choir", &(2..=12).collect::<Vec<_>>())));
    assert_eq!((made.title.as_str(), made.owner, made.member_count, made.head), ("Choir", 1, 12, 1));
    assert!(!made.duplicate && made.log_id != 0 && made.group != 0);
    for (at, person) in people.iter_mut().enumerate() {
        assert!(changed(person, made.group));
        assert_eq!(seq(person.ask(to_group(made.group, &format!("voice {}", at + 1)))), at as u64 + 2);
    }
    for person in &mut people {
        let mut log = Reader::new(group(made.group));
        log.read_up_to(person, 13);
        assert_eq!(log.texts()[1..], (1..=12).map(|voice| format!("voice {voice}")).collect::<Vec<_>>());
        assert_eq!(log.log_id, made.log_id);
        let first = &log.entries[0];
        assert_eq!((first.event_type(), first.sender, first.ordinal), (EventType::Application, 1, 0));
        match first.event.clone().and_then(|event| event.event) {
            Some(Event::GroupCreated(created)) => {
                assert_eq!((created.name.as_str(), created.owner), ("Choir", 1));
                assert_eq!(created.members, (1..=12).collect::<Vec<_>>());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_new_member_reads_from_its_joining_on() {
    let server = Server::start();
    let mut people = people(&server, 4);
    let made = group_of(people[0].ask(create_group("Book club", &[2])));
    assert_eq!(seq(people[1].ask(to_group(made.group, "before"))), 2);
    done(people[0].ask(add_members(made.group, "add", &[3, 4, 2])));
    assert_eq!(seq(people[1].ask(to_group(made.group, "after"))), 4);
    for person in &mut people[2..4] {
        assert!(changed(person, made.group));
        let mut log = Reader::new(group(made.group));
        log.read_up_to(person, 4);
        assert_eq!(log.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 4]);
        match log.entries[0].event.clone().and_then(|event| event.event) {
            // Who was in already is passed over.
            Some(Event::MembersAdded(added)) => assert_eq!(added.members, [3, 4]),
            other => panic!("{other:?}"),
        }
        match person.ask(history_after(group(made.group), 0, 0)) {
            Down::Entries(entries) => {
                assert_eq!(entries.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 4]);
                assert_eq!((entries.after_seq, entries.skip_from_seq, entries.head), (2, Some(0), 4));
            }
            other => panic!("{other:?}"),
        }
    }
}

fn a_removed_member_gets_the_entry_that_says_so_and_nothing_after(over: Transport) {
    let server = Setup::new().over(over).start();
    let mut people = people(&server, 6);
    let made = group_of(people[0].ask(create_group("Team", &[2, 3, 4, 5, 6])));
    let conversation = group(made.group);
    let mut logs: Vec<Reader> = (0..6).map(|_| Reader::new(conversation)).collect();
    for (log, person) in logs.iter_mut().zip(&mut people) {
        log.read_up_to(person, 1);
    }
    done(people[0].ask(remove_members(made.group, "out", &[3, 4, 5, 6])));
    for at in 0..20 {
        assert_eq!(seq(people[at % 2].ask(to_group(made.group, &format!("secret {at}")))), at as u64 + 3);
    }
    logs[1].read_up_to(&mut people[1], 22);
    for at in 2..6 {
        logs[at].read_up_to(&mut people[at], 2);
        match logs[at].entries[1].event.clone().and_then(|event| event.event) {
            Some(Event::MembersRemoved(removed)) => assert_eq!(removed.members, [3, 4, 5, 6]),
            other => panic!("{other:?}"),
        }
        while changed(&mut people[at], made.group) {}
        assert!(people[at].so_far().iter().all(|frame| !matches!(frame.body, Some(Down::Entries(_)))));
        assert_eq!(people[at].ask_in_vain(to_group(made.group, "hm")).code(), ErrorCode::UnknownConversation);
        assert_eq!(people[at].ask_in_vain(get_group(made.group, 0, 0)).code(), ErrorCode::UnknownConversation);
        match people[at].ask(history_after(conversation, 0, 0)) {
            Down::Entries(entries) => {
                assert_eq!(entries.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
                assert_eq!(entries.head, 2, "what was said later is none of its business");
            }
            other => panic!("{other:?}"),
        }
        // A device that was away gets it as well, when it names the conversation.
        let mut device = Raw::login(&server, at as u64 + 1, 2);
        let states = device.sync(vec![cursor(conversation, 0, 0)], true);
        assert_eq!((states.len(), states[0].member, states[0].head), (1, false, 2));
        let mut log = Reader::new(conversation);
        log.read_up_to(&mut device, 2);
        assert!(device.so_far().is_empty());
    }
}

#[test]
fn one_who_comes_back_does_not_see_what_was_said_meanwhile() {
    let server = Server::start();
    let mut people = people(&server, 3);
    let made = group_of(people[0].ask(create_group("Team", &[2, 3])));
    for (user, person) in [(2, 1), (3, 2)] {
        done(people[0].ask(remove_members(made.group, &format!("out {user}"), &[user])));
        while changed(&mut people[person], made.group) {}
    }
    assert_eq!(seq(people[0].ask(to_group(made.group, "secret"))), 4);
    done(people[0].ask(add_members(made.group, "in", &[2, 3])));
    assert_eq!(seq(people[0].ask(to_group(made.group, "welcome back"))), 6);
    for (user, seen) in [(2, vec![1, 2, 5, 6]), (3, vec![1, 2, 3, 5, 6])] {
        let mut device = Raw::login(&server, user, 2);
        device.sync(vec![cursor(group(made.group), 0, 0)], true);
        let mut log = Reader::new(group(made.group));
        log.read_up_to(&mut device, 6);
        assert_eq!(log.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), seen);
    }
}

#[test]
fn the_member_of_longest_standing_inherits_the_group() {
    let server = Server::start();
    let mut people = people(&server, 4);
    let made = group_of(people[0].ask(create_group("Band", &[4])));
    done(people[0].ask(add_members(made.group, "second", &[3])));
    done(people[0].ask(add_members(made.group, "third", &[2])));
    for (leaver, heir) in [(1, 4), (4, 3), (3, 2), (2, 0)] {
        let person = &mut people[leaver - 1];
        done(person.ask(leave(made.group, &format!("{leaver} leaves"))));
        let entry = person.push(|body| match body {
            Down::Entries(run) => run
                .entries
                .iter()
                .find(|entry| {
                    let event = entry.event.as_ref().and_then(|event| event.event.as_ref());
                    matches!(event, Some(Event::MemberLeft(left)) if left.member == leaver as u64)
                })
                .cloned(),
            _ => None,
        });
        match entry.event.and_then(|event| event.event) {
            Some(Event::MemberLeft(left)) => assert_eq!(left.new_owner, heir as u64),
            other => panic!("{other:?}"),
        }
        if heir != 0 {
            let now = group_of(people[heir - 1].ask(get_group(made.group, 0, 0)));
            assert_eq!(now.owner, heir as u64);
            let owners: Vec<u64> =
                now.members.iter().filter(|member| member.role() == Role::Owner).map(|member| member.user).collect();
            assert_eq!(owners, [heir as u64]);
        }
    }
    assert_eq!(people[1].ask_in_vain(to_group(made.group, "alone")).code(), ErrorCode::UnknownConversation);
}

#[test]
fn only_the_owner_changes_who_belongs_to_it() {
    let server = Server::start();
    let mut people = people(&server, 4);
    let made = group_of(people[0].ask(create_group("Board", &[2, 3])));
    let (owner, others) = people.split_first_mut().unwrap();
    for request in [add_members(made.group, "x", &[4]), remove_members(made.group, "y", &[3])] {
        assert_eq!(others[0].ask_in_vain(request.clone()).code(), ErrorCode::Forbidden, "a member");
        assert_eq!(others[2].ask_in_vain(request).code(), ErrorCode::UnknownConversation, "a stranger");
    }
    assert_eq!(owner.ask_in_vain(remove_members(made.group, "me", &[1])).code(), ErrorCode::Invalid);
    let error = owner.ask_in_vain(add_members(made.group, "nobody", &[4, 999]));
    assert_eq!(error.code(), ErrorCode::UnknownUser);
    assert!(error.message.contains("999"), "{}", error.message);
    assert_eq!(owner.ask_in_vain(create_group("Ghosts", &[2, 998])).code(), ErrorCode::UnknownUser);
    let now = group_of(owner.ask(get_group(made.group, 0, 0)));
    assert_eq!((now.head, now.member_count), (1, 3), "nothing of that has left a trace");
}

#[test]
fn groups_end_at_the_limit() {
    let server = Setup::new().config("limits.group_members_max = 4").start();
    let mut people = people(&server, 6);
    let error = people[0].ask_in_vain(create_group("Five", &[2, 3, 4, 5]));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "members"));
    assert!(error.message.contains("limits.group_members_max") && error.message.contains('4'), "{}", error.message);
    let made = group_of(people[0].ask(create_group("Four", &[2, 3, 4, 1, 2])));
    assert_eq!(made.member_count, 4);
    assert_eq!(people[0].ask_in_vain(add_members(made.group, "fifth", &[5])).code(), ErrorCode::LimitExceeded);
    done(people[2].ask(leave(made.group, "room")));
    done(people[0].ask(add_members(made.group, "fifth again", &[5])));
}

#[test]
fn members_and_conversations_are_listed_in_pages() {
    let server = Server::start();
    let mut people = people(&server, 9);
    let made = group_of(people[0].ask(create_group("Nine", &(2..=9).collect::<Vec<_>>())));
    let (mut seen, mut after, mut pages) = (Vec::new(), 0, 0);
    loop {
        let page = group_of(people[3].ask(get_group(made.group, after, 4)));
        assert_eq!((page.member_count, page.head, page.log_id), (9, 1, made.log_id));
        seen.extend(page.members.iter().map(|member| (member.user, member.role(), member.joined_seq)));
        pages += 1;
        if !page.more {
            break;
        }
        after = page.members.last().unwrap().user;
    }
    let role = |user| if user == 1 { Role::Owner } else { Role::Member };
    assert_eq!((pages, seen), (3, (1..=9).map(|user| (user, role(user), 1)).collect()));

    let mut expected: Vec<u64> = vec![made.group];
    expected.extend((0..6).map(|n| group_of(people[0].ask(create_group(&format!("G{n}"), &[2]))).group));
    for _ in 0..expected.len() {
        assert!(people[1].push(|body| match body {
            Down::ConversationChanged(changed) => Some(changed.member),
            _ => None,
        }));
    }
    let (mut listed, mut next, mut pages) = (Vec::new(), Default::default(), 0);
    loop {
        let request = hubbub_codec::proto::ListConversations { after: next, limit: 3, with_states: false };
        let Down::Conversations(page) = people[1].ask(Up::ListConversations(request)) else { panic!("no page") };
        listed.extend(page.conversations.iter().map(|it| Conversation::try_from(&it.conversation).unwrap()));
        pages += 1;
        next = page.next;
        if next.is_empty() {
            break;
        }
    }
    expected.sort_unstable();
    assert_eq!((pages, listed), (3, expected.into_iter().map(group).collect()));
}

#[test]
fn making_a_group_again_gives_the_same_group() {
    let mut server = Server::start();
    let mut people = people(&server, 3);
    let made = group_of(people[0].ask(create_group("Once", &[2, 3])));
    let again = group_of(people[0].ask(create_group("Once", &[2, 3])));
    assert_eq!((again.group, again.duplicate, again.head), (made.group, true, 1));
    let another_person = group_of(people[1].ask(create_group("Once", &[1, 3])));
    assert_ne!(another_person.group, made.group);
    let another_device = group_of(Raw::login(&server, 1, 2).ask(create_group("Once", &[2, 3])));
    assert_ne!(another_device.group, made.group);
    // Both at once, before the first is durable, and after a crash.
    let ids = [people[0].say(create_group("Twice", &[2])), people[0].say(create_group("Twice", &[2]))];
    let both = ids.map(|id| group_of(people[0].answer_to(id)));
    assert_eq!((both[0].group, both[0].duplicate), (both[1].group, false));
    assert!(both[1].duplicate);
    server.kill();
    server.start_again();
    let mut person = Raw::login(&server, 1, 1);
    let again = group_of(person.ask(create_group("Once", &[2, 3])));
    assert_eq!((again.group, again.duplicate, again.head), (made.group, true, 1));
}
