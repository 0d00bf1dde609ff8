//! A timeline is what a naive reader of the whole log would say, entry by entry, however the log is cut into runs.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hubbub_codec::content::{MutedUntil, Role};
use hubbub_codec::ids::{Seq, UserId};
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, Entry, EventType, GoneReason};
use hubbub_codec::timeline::Timeline;
use proptest::collection::vec;
use proptest::prelude::*;

const USERS: u64 = 4;

/// What the next entry of a log is; `at` counts back from it.
#[derive(Debug, Clone)]
enum Next {
    Message(u8),
    Gone,
    Edit { at: u64, body: u8 },
    Revoke { at: u64 },
    React { at: u64, emoji: bool, removed: bool },
    Members(Event),
}

fn members() -> impl Strategy<Value = Event> {
    let user = || 1..=USERS;
    let some = || vec(1..=USERS, 1..3);
    prop_oneof![
        (some(), user()).prop_map(|(members, owner)| Event::GroupCreated(proto::GroupCreated {
            name: "made".into(),
            owner,
            members,
            settings: None,
        })),
        some().prop_map(|members| Event::MembersAdded(proto::MembersAdded { members })),
        some().prop_map(|members| Event::MembersRemoved(proto::MembersRemoved { members })),
        (user(), 0..=USERS).prop_map(|(member, new_owner)| Event::MemberLeft(proto::MemberLeft { member, new_owner })),
        (user(), 1..4_i32, 0..=USERS).prop_map(|(member, role, previous_owner)| Event::RoleChanged(
            proto::RoleChanged { member, role, previous_owner }
        )),
        (user(), -1..3_i64).prop_map(|(member, until_us)| Event::MemberMuted(proto::MemberMuted { member, until_us })),
        user().prop_map(|member| Event::MemberJoined(proto::MemberJoined { member, invited_by: 1 })),
        Just(Event::GroupDeleted(proto::GroupDeleted {})),
        any::<bool>().prop_map(|announcement_only| Event::GroupUpdated(proto::GroupUpdated {
            title: if announcement_only { "loud" } else { "quiet" }.into(),
            settings: Some(proto::GroupSettings { announcement_only, members_may_add: false }),
        })),
    ]
}

fn next() -> impl Strategy<Value = Next> {
    let at = || 1..8_u64;
    prop_oneof![
        4 => any::<u8>().prop_map(Next::Message),
        1 => Just(Next::Gone),
        3 => (at(), any::<u8>()).prop_map(|(at, body)| Next::Edit { at, body }),
        1 => at().prop_map(|at| Next::Revoke { at }),
        4 => (at(), any::<bool>(), any::<bool>()).prop_map(|(at, emoji, removed)| Next::React { at, emoji, removed }),
        2 => members().prop_map(Next::Members),
    ]
}

fn log() -> impl Strategy<Value = Vec<Entry>> {
    vec((next(), 1..=USERS), 0..40).prop_map(|nexts| {
        let entry = |(index, (next, sender)): (usize, (Next, u64))| {
            let seq = index as u64 + 1;
            let mut entry = Entry { seq, sender, event_type: EventType::Application.into(), ..Default::default() };
            let target = |at: u64| seq.saturating_sub(at);
            let event = match next {
                Next::Message(body) => {
                    entry.event_type = EventType::User.into();
                    entry.body = Bytes::from(vec![body]);
                    return entry;
                }
                Next::Gone => {
                    entry.event_type = EventType::Gone.into();
                    entry.gone_reason = GoneReason::Expired.into();
                    return entry;
                }
                Next::Edit { at, body } => Event::MessageEdited(proto::MessageEdited {
                    seq: target(at),
                    body: Bytes::from(vec![body]),
                    content_type: String::new(),
                }),
                Next::Revoke { at } => Event::MessageRevoked(proto::MessageRevoked { seq: target(at) }),
                Next::React { at, emoji, removed } => Event::MessageReacted(proto::MessageReacted {
                    seq: target(at),
                    emoji: if emoji { "a" } else { "b" }.into(),
                    removed,
                }),
                Next::Members(event) => event,
            };
            entry.event = Some(proto::Event { event: Some(event) });
            entry
        };
        nexts.into_iter().enumerate().map(entry).collect()
    })
}

/// Every change of a log with its seq and its sender.
fn events(log: &[Entry]) -> impl DoubleEndedIterator<Item = (u64, u64, &Event)> {
    log.iter().filter_map(|entry| Some((entry.seq, entry.sender, entry.event.as_ref()?.event.as_ref()?)))
}

fn is_revoked(log: &[Entry], seq: u64) -> bool {
    events(log).any(|(_, _, event)| matches!(event, Event::MessageRevoked(revoked) if revoked.seq == seq))
}

/// Body, newest edit, whether it is gone, and who reacted with what.
type Form = (Vec<u8>, Option<u64>, bool, BTreeSet<(String, u64)>);

/// The message `seq`, from all of the log.
fn naive_message(log: &[Entry], seq: u64) -> Option<Form> {
    let entry = log.iter().find(|entry| entry.seq == seq)?;
    let gone = match entry.event_type() {
        EventType::User => is_revoked(log, seq),
        EventType::Gone => true,
        _ => return None,
    };
    if gone {
        return Some((Vec::new(), None, true, BTreeSet::new()));
    }
    let newest = events(log).rev().find_map(|(at, _, event)| match event {
        Event::MessageEdited(edited) if edited.seq == seq => Some((at, edited.body.to_vec())),
        _ => None,
    });
    let mut reactions = BTreeSet::new();
    for emoji in ["a", "b"] {
        for user in 1..=USERS {
            let last = events(log).rev().find_map(|(_, sender, event)| match event {
                Event::MessageReacted(it) if it.seq == seq && it.emoji == emoji && sender == user => Some(!it.removed),
                _ => None,
            });
            if last == Some(true) {
                reactions.insert((emoji.to_owned(), user));
            }
        }
    }
    let (edited, body) = newest.map_or((None, entry.body.to_vec()), |(at, body)| (Some(at), body));
    Some((body, edited, false, reactions))
}

/// Whether `user` is a member after all of the log, and since when: by its last coming and going.
fn naive_joined(log: &[Entry], user: u64) -> Option<u64> {
    let mut joined = None;
    for (seq, _, event) in events(log) {
        let comes = match event {
            Event::GroupCreated(it) => it.members.contains(&user),
            Event::MembersAdded(it) => it.members.contains(&user),
            Event::MemberJoined(it) => it.member == user,
            _ => false,
        };
        let goes = match event {
            Event::MembersRemoved(it) => it.members.contains(&user),
            Event::MemberLeft(it) => it.member == user,
            Event::GroupDeleted(_) => true,
            _ => false,
        };
        if goes {
            joined = None;
        } else if comes && joined.is_none() {
            joined = Some(seq);
        }
    }
    joined
}

/// The role of a member, by the last entry since it joined that gives one.
fn naive_role(log: &[Entry], user: u64, joined: u64) -> Role {
    let given = |(_, _, event): (u64, u64, &Event)| match event {
        Event::GroupCreated(it) if it.owner == user => Some(Role::Owner),
        Event::MemberLeft(it) if it.new_owner == user => Some(Role::Owner),
        Event::RoleChanged(it) if it.member == user => Role::of(it.role()),
        Event::RoleChanged(it) if it.previous_owner == user => Some(Role::Admin),
        _ => None,
    };
    events(log).rev().filter(|(seq, ..)| *seq >= joined).find_map(given).unwrap_or(Role::Member)
}

/// Until when a user is muted, by the last entry that says so or makes it the owner; whether it was a member or not.
fn naive_mute(log: &[Entry], user: u64) -> MutedUntil {
    let said = |(_, _, event): (u64, u64, &Event)| match event {
        Event::MemberMuted(it) if it.member == user => Some(MutedUntil::of(it.until_us)),
        Event::GroupCreated(it) if it.owner == user => Some(MutedUntil::NotMuted),
        Event::MemberLeft(it) if it.new_owner == user => Some(MutedUntil::NotMuted),
        Event::RoleChanged(it) if it.member == user && it.role() == proto::Role::Owner => Some(MutedUntil::NotMuted),
        _ => None,
    };
    events(log).rev().find_map(said).unwrap_or(MutedUntil::NotMuted)
}

proptest! {
    #[test]
    fn messages(log in log()) {
        let mut timeline = Timeline::default();
        for held in 0..=log.len() {
            let log_now = &log[..held];
            for seq in 1..=log.len() as u64 {
                let seen = timeline.message(Seq(seq)).map(|message| {
                    let reactions: BTreeSet<_> = message
                        .reactions
                        .iter()
                        .flat_map(|(emoji, users)| users.iter().map(move |user| (emoji.clone(), user.0)))
                        .collect();
                    let edited = message.edited.map(|seq| seq.0);
                    (message.body.to_vec(), edited, message.gone.is_some(), reactions)
                });
                prop_assert_eq!(seen, naive_message(log_now, seq), "seq {} of {}", seq, held);
            }
            if let Some(entry) = log.get(held) {
                timeline.push(entry);
            }
        }
    }

    #[test]
    fn the_members(log in log()) {
        let mut timeline = Timeline::default();
        timeline.extend(&log);
        let naive: BTreeMap<_, _> = (1..=USERS)
            .filter_map(|user| {
                let joined = naive_joined(&log, user)?;
                Some((UserId(user), (joined, naive_role(&log, user, joined), naive_mute(&log, user))))
            })
            .collect();
        let seen: BTreeMap<_, _> =
            timeline.members().iter().map(|(user, m)| (*user, (m.joined.0, m.role, m.muted))).collect();
        prop_assert_eq!(seen, naive);
        let updated = events(&log).rev().find_map(|(_, _, event)| match event {
            Event::GroupUpdated(it) => Some(it.title.clone()),
            Event::GroupCreated(it) => Some(it.name.clone()),
            _ => None,
        });
        prop_assert_eq!(timeline.title(), updated.unwrap_or_default());
    }

    #[test]
    fn runs_that_overlap_change_nothing(log in log(), cuts in vec((0..40_usize, 0..40_usize), 0..8)) {
        let mut whole = Timeline::default();
        whole.extend(&log);
        let mut cut = Timeline::default();
        let mut held = 0;
        for (back, on) in cuts {
            let from = held - back.min(held);
            let to = (held + on).min(log.len());
            cut.extend(&log[from..to]);
            held = held.max(to);
        }
        cut.extend(&log[held..]);
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn what_was_forgotten_stays_forgotten() {
    let say = |seq, event_type: EventType| Entry { seq, event_type: event_type.into(), ..Default::default() };
    let mut timeline = Timeline::default();
    timeline.extend(&[say(1, EventType::User), say(2, EventType::User)]);
    timeline.forget_up_to(Seq(1));
    let event = Event::MessageEdited(proto::MessageEdited { seq: 1, body: "new".into(), ..Default::default() });
    let edit = Entry { event: Some(proto::Event { event: Some(event) }), ..say(3, EventType::Application) };
    timeline.push(&edit);
    assert_eq!(timeline.messages().map(|(seq, _)| seq.0).collect::<Vec<_>>(), [2]);
    assert_eq!(timeline.head(), Seq(3));
}
