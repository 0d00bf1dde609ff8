//! Lists with states: what each home says of a conversation, and that a list always comes to an end.

use super::team::{ADMIN, MEMBER, OTHER, OWNER, STRANGER, Team};
use super::world::{World, check, dm, list, message};
use hubbub_core::request::{Action, Mute, Reply};

#[test]
fn each_conversation_tells_its_state_as_the_caller_sees_it() {
    let mut team = Team::new();
    let (a, b) = (team.users[MEMBER], team.users[OTHER]);
    assert_eq!(team.ask(OWNER, message()), "sent 3");
    let muted = Action::MuteMember { member: a, mute: Mute::Seconds(60) };
    assert_eq!(team.ask(ADMIN, muted), "done");
    team.world.send(team.clients[OTHER], dm(a, b), "x");
    team.world.mark(team.clients[MEMBER], team.group, 4, 2);
    team.world.go();
    team.world.take(team.clients[MEMBER]);
    let line = team.answer(MEMBER, list(None, 10, true));
    assert_eq!(line, "conversations [dm head 1 unread 1] [group head 4 read 2 unread 1 muted]");
    let line = team.answer(ADMIN, list(None, 10, true));
    assert_eq!(line, "conversations [group head 4 unread 1 Admin]");
    assert_eq!(team.answer(STRANGER, list(None, 10, true)), "conversations ");
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let mut team = Team::new();
    for who in [OWNER, ADMIN] {
        team.world.send(team.clients[who], dm(team.users[who], team.users[OTHER]), "x");
    }
    team.world.go();
    let mut dms = [OWNER, ADMIN].map(|who| dm(team.users[who], team.users[OTHER]));
    dms.sort();
    assert_eq!(
        team.answer(OTHER, list(None, 2, true)),
        "conversations [dm head 1 unread 1] [dm head 1 unread 1], more"
    );
    assert_eq!(team.answer(OTHER, list(Some(dms[1]), 2, true)), "conversations [group head 2]");
    assert_eq!(team.answer(OTHER, list(Some(team.group), 2, true)), "conversations ");
}

#[test]
fn a_first_message_is_on_both_lists_when_it_is_acked() {
    for shards in [1, 2] {
        let mut world = World::new(shards);
        let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
        let (alice, bob) = (world.online(a), world.login(b));
        world.hold_commits = true;
        world.send(alice, dm(a, b), "x");
        let mut acked = false;
        while !acked {
            world.go();
            acked = world.take(alice).iter().any(|line| line == "sent 1");
            assert!(acked || world.commit(), "it is acked in the end");
        }
        world.hold_commits = false;
        world.take(bob);
        world.request(alice, list(None, 10, true));
        world.go();
        assert_eq!(world.take(alice).pop().as_deref(), Some("conversations [dm head 1 unread 1]"));
        world.request(bob, list(None, 10, true));
        check(&mut world, bob, &["conversations [dm head 1 unread 1]"]);
    }
}

#[test]
fn a_crash_between_the_homes_leaves_it_on_both_lists_or_neither_acked() {
    for commits in 0..10 {
        let mut world = World::new(2);
        let (a, b) = (world.user_on(0, 0), world.user_on(1, 1));
        let alice = world.online(a);
        world.online(b);
        world.hold_commits = true;
        world.send(alice, dm(a, b), "x");
        world.go();
        for _ in 0..commits {
            world.commit();
            world.go();
        }
        let acked = world.take(alice).contains(&"sent 1".to_owned());
        world.hold_commits = false;
        world.crash();
        world.go();
        let (alice, bob) = (world.login(a), world.login(b));
        let lists = [alice, bob].map(|client| {
            world.request(client, list(None, 10, true));
            world.go();
            world.take(client).pop().expect("an answer")
        });
        let heads = lists.each_ref().map(|line| line.contains("head 1"));
        assert_eq!(heads, [acked; 2], "after {commits} commits: {lists:?}");
        assert_eq!(lists[0].contains("[dm"), lists[1].contains("[dm"), "after {commits} commits: {lists:?}");
        world.resend(alice, dm(a, b), "x", 0);
        world.go();
        world.request(bob, list(None, 10, true));
        world.go();
        assert_eq!(world.take(bob).pop().as_deref(), Some("conversations [dm head 1 unread 1]"));
    }
}

#[test]
fn a_state_that_cannot_be_read_is_left_out() {
    let mut team = Team::new();
    let (a, b) = (team.users[MEMBER], team.users[OTHER]);
    team.world.send(team.clients[OTHER], dm(a, b), "x");
    team.ask(OWNER, message());
    // Both are in memory; what is unread in the group must be looked up, since its log is not of messages alone.
    team.world.mark(team.clients[MEMBER], team.group, 2, 2);
    team.world.go();
    team.world.take(team.clients[MEMBER]);
    team.world.fail_reads = true;
    assert_eq!(team.answer(MEMBER, list(None, 10, true)), "conversations [dm head 1 unread 1] group");
    team.world.fail_reads = false;
    assert_eq!(
        team.answer(MEMBER, list(None, 10, true)),
        "conversations [dm head 1 unread 1] [group head 3 read 2 unread 1]"
    );
}

#[test]
fn a_state_tells_nothing_that_is_not_durable() {
    let mut team = Team::new();
    team.world.hold_commits = true;
    let update = Action::UpdateGroup { title: Some("not yet".to_owned()), settings: None };
    team.world.act(team.clients[OWNER], team.group, "title", update);
    team.world.go();
    team.world.take(team.clients[MEMBER]);
    team.world.request(team.clients[MEMBER], list(None, 10, true));
    team.world.go();
    assert!(team.world.take(team.clients[MEMBER]).is_empty());
    while team.world.commit() {
        team.world.go();
    }
    let told = match team.world.last_reply.take() {
        Some(Reply::Conversations { conversations, .. }) => conversations[0].state.clone().expect("a state").title,
        other => panic!("{other:?}"),
    };
    assert_eq!(told, "not yet");
}

#[test]
fn a_session_that_is_gone_leaves_its_list_behind_without_harm() {
    let mut team = Team::new();
    team.world.hold_messages = true;
    for who in [OWNER, ADMIN, MEMBER, OTHER] {
        team.world.request(team.clients[who], list(None, 10, true));
        team.world.close(team.clients[who]);
    }
    team.world.hold_messages = false;
    team.world.go();
    let client = team.world.login(team.users[MEMBER]);
    team.world.request(client, list(None, 10, true));
    check(&mut team.world, client, &["conversations [group head 2]"]);
}

#[test]
fn lists_that_wait_are_bounded() {
    let mut team = Team::new();
    team.world.hold_messages = true;
    // The group is homed on one of the two shards: those of the other wait for it.
    let waiting = [OWNER, ADMIN].map(|who| {
        for _ in 0..2_000 {
            team.world.request(team.clients[who], list(None, 10, true));
        }
        team.world.go();
        team.world.take(team.clients[who])
    });
    let refused = |lines: &Vec<String>| lines.iter().filter(|line| *line == "refused: Overloaded").count();
    assert_eq!(waiting.iter().map(refused).sum::<usize>(), 2_000 - 1_024);
    team.world.hold_messages = false;
    team.world.go();
    assert_eq!(team.answer(MEMBER, list(None, 10, true)), "conversations [group head 2]");
}
