//! What the tests of groups share: people, answers, and the events of a log.

use super::{Down, Raw, Reader, Server, create_group, group};
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{Group, Invite, Member};

/// The users 1 to `count`, logged in and synced.
pub(crate) fn people(server: &Server, count: u64) -> Vec<Raw> {
    (1..=count).map(|user| Raw::login_and_sync(server, user, 1).0).collect()
}

/// User 1's group with users 2 to `count`, of whom 2 is made an admin; two entries.
#[track_caller]
pub(crate) fn team(people: &mut [Raw], count: u64) -> u64 {
    let made = group_of(people[0].ask(create_group("Team", &(2..=count).collect::<Vec<_>>()))).group;
    done(people[0].ask(super::set_role(made, "admin", 2, hubbub_codec::proto::Role::Admin)));
    made
}

#[track_caller]
pub(crate) fn group_of(answer: Down) -> Group {
    match answer {
        Down::Group(group) => group,
        other => panic!("no group: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn invite_of(answer: Down) -> Invite {
    match answer {
        Down::Invite(invite) => invite,
        other => panic!("no invitation: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn done(answer: Down) {
    assert!(matches!(answer, Down::Done(_)), "{answer:?}");
}

#[track_caller]
pub(crate) fn seq(answer: Down) -> u64 {
    match answer {
        Down::Sent(sent) => sent.seq,
        other => panic!("not sent: {other:?}"),
    }
}

/// Waits for news of one's membership of a group.
#[track_caller]
pub(crate) fn changed(raw: &mut Raw, group_id: u64) -> bool {
    raw.push(|body| match body {
        Down::ConversationChanged(changed) if Conversation::try_from(&changed.conversation) == Ok(group(group_id)) => {
            Some(changed.member)
        }
        _ => None,
    })
}

/// A group's log from the start to a seq, as one person is sent it: of each entry its event, `None` for messages.
#[track_caller]
pub(crate) fn events(raw: &mut Raw, group_id: u64, up_to: u64) -> Vec<Option<Event>> {
    let mut log = Reader::new(group(group_id));
    log.read_up_to(raw, up_to);
    log.entries.into_iter().map(|entry| entry.event.and_then(|event| event.event)).collect()
}

/// A member's row.
#[track_caller]
pub(crate) fn member_of(group: &Group, user: u64) -> &Member {
    group.members.iter().find(|member| member.user == user).expect("a member")
}
