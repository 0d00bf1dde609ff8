//! Every change that a log can record comes out as a type; what is not known comes out as such.

use hubbub_codec::content::{Change, Content, GoneReason, MutedUntil, Retention, Role};
use hubbub_codec::ids::UserId;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, Entry, EventType};

fn change(event: Option<Event>) -> Change {
    let entry =
        Entry { event_type: EventType::Application.into(), event: Some(proto::Event { event }), ..Default::default() };
    match Content::of(&entry) {
        Content::Change(change) => change,
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_and_roles() {
    let left = proto::MemberLeft { member: 10, new_owner: 20 };
    let expected = Change::MemberLeft { member: UserId(10), new_owner: Some(UserId(20)) };
    assert_eq!(change(Some(Event::MemberLeft(left))), expected);
    let left = proto::MemberLeft { member: 10, new_owner: 0 };
    assert!(matches!(change(Some(Event::MemberLeft(left))), Change::MemberLeft { new_owner: None, .. }));
    let role = proto::RoleChanged { member: 10, role: proto::Role::Owner.into(), previous_owner: 20 };
    let expected = Change::RoleChanged { member: UserId(10), role: Role::Owner, previous_owner: Some(UserId(20)) };
    assert_eq!(change(Some(Event::RoleChanged(role))), expected);
}

#[test]
fn mutes() {
    for (until_us, until) in [(0, MutedUntil::NotMuted), (-1, MutedUntil::UntilLifted), (5, MutedUntil::TimeUs(5))] {
        let muted = proto::MemberMuted { member: 10, until_us };
        assert_eq!(change(Some(Event::MemberMuted(muted))), Change::MemberMuted { member: UserId(10), until });
    }
}

#[test]
fn what_a_later_version_says() {
    assert_eq!(change(None), Change::Unknown);
    let role = proto::RoleChanged { member: 10, role: 99, previous_owner: 0 };
    assert_eq!(change(Some(Event::RoleChanged(role))), Change::Unknown);
    let retention = proto::Retention { mode: 99, ttl_seconds: 1 };
    let changed = proto::RetentionChanged { retention: Some(retention) };
    assert_eq!(change(Some(Event::RetentionChanged(changed))), Change::Unknown);
    assert_eq!(Content::of(&Entry { event_type: 99, ..Default::default() }), Content::Unknown);
    let gone = Entry { event_type: EventType::Gone.into(), gone_reason: 99, ..Default::default() };
    assert_eq!(Content::of(&gone), Content::Gone(GoneReason::Unknown));
}

#[test]
fn retention_there_and_back() {
    for retention in
        [Retention::ServerDefault, Retention::Forever, Retention::TtlSeconds(60), Retention::UntilDelivered]
    {
        assert_eq!(Retention::of(&retention.into()), Some(retention));
    }
}

#[test]
fn no_body_in_debug() {
    let entry = Entry { event_type: EventType::User.into(), body: "between us".into(), ..Default::default() };
    let edited = proto::MessageEdited { seq: 1, body: "between us".into(), ..Default::default() };
    let shown = format!("{:?} {:?}", Content::of(&entry), change(Some(Event::MessageEdited(edited))));
    assert!(!shown.contains("between us"), "{shown}");
}
