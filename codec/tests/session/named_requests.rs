//! Every request that appends is named: it goes out again after a lost connection under the same name, as a resend, in
//! its place among the others of its conversation, and is answered once.

use hubbub_codec::content::{NewBody, Retention, Role};
use hubbub_codec::ids::{Conversation, GroupId, Seq, UserId};
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ClientFrame, ErrorCode, MessageName};
use hubbub_codec::session::{
    Event, GroupChange, Mute, OutgoingMessage, Recipient, Reply, RequestId, SendRefused, Sent, Session,
};

use crate::rig::{Down, PEER, Rig, Up, error, ms, run, sent_reply, with_peer};

const GROUP: GroupId = GroupId(5);

fn name(frame: &ClientFrame) -> MessageName {
    let name = match frame.body.clone().unwrap() {
        Up::Edit(it) => it.name,
        Up::Revoke(it) => it.name,
        Up::React(it) => it.name,
        Up::SetRetention(it) => it.name,
        Up::CreateGroup(it) => it.name,
        Up::JoinGroup(it) => it.name,
        Up::AddMembers(it) => it.name,
        Up::RemoveMembers(it) => it.name,
        Up::Leave(it) => it.name,
        Up::UpdateGroup(it) => it.name,
        Up::SetRole(it) => it.name,
        Up::MuteMember(it) => it.name,
        Up::DeleteGroup(it) => it.name,
        Up::Send(it) => it.name,
        other => panic!("{other:?}"),
    };
    name.expect("a name")
}

type Ask = fn(&mut Rig) -> Result<RequestId, SendRefused>;

fn asking(
    ask: impl FnOnce(&mut Session, std::time::Duration) -> Result<RequestId, SendRefused>,
    rig: &mut Rig,
) -> Result<RequestId, SendRefused> {
    ask(&mut rig.session, rig.now)
}

/// Each named request but a send, with an answer that fits it.
fn all() -> Vec<(Ask, Down)> {
    let done = || Down::Done(proto::Done {});
    let group = || Down::Group(proto::Group { group: GROUP.0, ..Default::default() });
    vec![
        (|rig| asking(|s, now| s.edit(now, &with_peer(), Seq(3), NewBody::text("new")), rig), sent_reply(9)),
        (|rig| asking(|s, now| s.revoke(now, &with_peer(), Seq(3)), rig), sent_reply(9)),
        (|rig| asking(|s, now| s.react(now, &with_peer(), Seq(3), "👍"), rig), sent_reply(9)),
        (|rig| asking(|s, now| s.unreact(now, &with_peer(), Seq(3), "👍"), rig), sent_reply(9)),
        (|rig| asking(|s, now| s.set_retention(now, &with_peer(), Retention::TtlSeconds(60)), rig), done()),
        (|rig| asking(|s, now| s.create_group(now, "friends", &[PEER]), rig), group()),
        (|rig| asking(|s, now| s.join_group(now, "invitation"), rig), group()),
        (|rig| asking(|s, now| s.add_members(now, GROUP, &[PEER]), rig), done()),
        (|rig| asking(|s, now| s.remove_members(now, GROUP, &[PEER]), rig), done()),
        (|rig| asking(|s, now| s.leave(now, GROUP), rig), done()),
        (|rig| asking(|s, now| s.update_group(now, GROUP, GroupChange::default()), rig), done()),
        (|rig| asking(|s, now| s.set_role(now, GROUP, PEER, Role::Admin), rig), done()),
        (|rig| asking(|s, now| s.mute_member(now, GROUP, UserId(7), Mute::UntilLifted), rig), done()),
        (|rig| asking(|s, now| s.delete_group(now, GROUP), rig), done()),
    ]
}

#[test]
fn a_lost_connection_in_the_middle_of_each() {
    for (ask, answer) in all() {
        let mut rig = Rig::ready();
        let request = ask(&mut rig).unwrap();
        let first = rig.sent();
        assert_eq!(first.len(), 1);
        assert!(!name(&first[0]).resend);
        rig.disconnect();
        rig.events();
        let again: Vec<_> = rig.login().into_iter().filter(|frame| frame.request_id == first[0].request_id).collect();
        assert_eq!(again.len(), 1, "{first:?}");
        assert!(name(&again[0]).resend);
        assert_eq!(name(&again[0]).client_message_id, name(&first[0]).client_message_id);
        rig.finish_sync();
        rig.events();
        rig.say(again[0].request_id, answer.clone());
        let events = rig.events();
        let [Event::Reply { request: answered, .. }] = &events[..] else { panic!("{events:?}") };
        assert_eq!(*answered, request);
        // Answered for good: nothing is left to send again, and a second answer is an error.
        assert!(rig.try_say(again[0].request_id, answer).is_err());
    }
}

#[test]
fn each_is_held_while_the_server_says_later() {
    for (ask, _) in all() {
        for code in [ErrorCode::RateLimited, ErrorCode::Overloaded] {
            let mut rig = Rig::ready();
            ask(&mut rig).unwrap();
            let first = rig.sent();
            rig.say(first[0].request_id, Down::Error(error(Action::Retry, code, 500)));
            rig.pass(ms(499));
            assert!(rig.sent().is_empty());
            rig.pass(ms(1));
            // Over a rate nothing was done, and nothing need be searched for.
            assert_eq!(name(&rig.sent()[0]).resend, code != ErrorCode::RateLimited);
            assert!(rig.events().is_empty());
        }
    }
}

#[test]
fn they_keep_their_place_among_sends() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 4)));
    let send =
        |rig: &mut Rig, text| rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text(text)).unwrap();
    send(&mut rig, "one");
    rig.session.edit(rig.now, &with_peer(), Seq(2), NewBody::text("new")).unwrap();
    let first = rig.sent();
    assert!(first.iter().all(|frame| name(frame).after_seq == 4));
    rig.push(Down::Entries(run(4, 6)));
    rig.disconnect();
    send(&mut rig, "two");
    rig.session.react(rig.now, &with_peer(), Seq(2), "👍").unwrap();
    let after = rig.login();
    let named: Vec<_> = after
        .iter()
        .filter(|frame| frame.request_id >= first[0].request_id)
        .filter(|frame| matches!(frame.body, Some(Up::Send(_) | Up::Edit(_) | Up::React(_))))
        .collect();
    let order: Vec<_> = named.iter().map(|frame| (name(frame).resend, name(frame).after_seq)).collect();
    assert_eq!(order, [(true, 4), (true, 4), (false, 6), (false, 6)]);
    assert!(matches!(named[1].body, Some(Up::Edit(_))));
    assert!(matches!(named[3].body, Some(Up::React(_))));
}

#[test]
fn a_held_edit_holds_back_its_conversation_only() {
    let mut rig = Rig::ready();
    rig.session.edit(rig.now, &with_peer(), Seq(2), NewBody::text("new")).unwrap();
    let id = rig.sent()[0].request_id;
    rig.say(id, Down::Error(error(Action::Retry, ErrorCode::RateLimited, 300)));
    rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text("behind")).unwrap();
    rig.session.react(rig.now, &Conversation::Group(GROUP), Seq(1), "👍").unwrap();
    let meanwhile = rig.sent();
    assert!(matches!(&meanwhile[..], [ClientFrame { body: Some(Up::React(_)), .. }]));
    rig.pass(ms(300));
    let later = rig.sent();
    assert!(matches!(later[0].body, Some(Up::Edit(_))));
    assert!(matches!(later[1].body, Some(Up::Send(_))));
}

#[test]
fn the_entry_that_records_it_is_told() {
    let mut rig = Rig::ready();
    let request = rig.session.revoke(rig.now, &with_peer(), Seq(2)).unwrap();
    let id = rig.sent()[0].request_id;
    rig.say(id, sent_reply(9));
    let sent = Sent { conversation: with_peer(), seq: Seq(9), message_id: 1_009.into(), time_us: 5, duplicate: false };
    assert_eq!(rig.events(), [Event::Reply { request, reply: Reply::Sent(sent) }]);
}
