//! Retention: what every device holds is not kept, the floor says so, and members choose for their conversation.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::retention::Mode;
use hubbub_codec::proto::{self, ErrorCode, Retention};

fn of(mode: Mode, ttl_seconds: u64) -> Option<Retention> {
    Some(Retention { mode: mode.into(), ttl_seconds })
}

/// A server that looks through a conversation after each entry.
fn eager(default: &str) -> Setup {
    Setup::new().config(&format!("retention.default = \"{default}\"\nretention.drop_entries_min = 1"))
}

/// Waits until the floor has risen to a seq, and tells what History then says.
#[track_caller]
fn at_floor(raw: &mut Raw, conversation: hubbub_codec::ids::Conversation, floor: u64) -> proto::Entries {
    wait_for("the floor", || {
        let page = entries_of(raw.ask(whole(conversation, false)));
        assert!(page.floor <= floor, "no more than every device holds is dropped");
        (page.floor == floor).then_some(page)
    })
}

#[test]
fn what_every_device_of_every_member_holds_is_dropped() {
    let mut server = eager("until_delivered").start();
    let (mut alice, mut bob, chat) = talk(&server, &["one", "two", "three"]);
    let (mut tablet, states) = Raw::login_and_sync(&server, 20, 2);
    assert_eq!(states[0].retention, of(Mode::UntilDelivered, 0));
    done(alice.ask(delivered(chat, 3)));
    done(bob.ask(read(chat, 3)));
    done(tablet.ask(delivered(chat, 1)));
    // The tablet holds one; the next entry makes the server look.
    assert_eq!(seq(alice.ask(to_user(20, "four"))), 4);
    let page = at_floor(&mut alice, chat, 1);
    assert_eq!((page.after_seq, page.skip_from_seq, page.head, page.entries.len()), (1, Some(0), 4, 3));
    done(tablet.ask(delivered(chat, 3)));
    assert_eq!(seq(alice.ask(to_user(20, "five"))), 5);
    let page = at_floor(&mut alice, chat, 3);
    assert_eq!((page.after_seq, page.entries.len()), (3, 2));
    assert!(entries_of(alice.ask(history_before(chat, 3, 10))).entries.is_empty(), "below the floor is no error");
    for restarted in [false, true] {
        if restarted {
            server.kill();
            server.start_again();
        }
        let mut device = Raw::login(&server, 20, 3 + u64::from(restarted));
        let states = device.sync(vec![cursor(chat, 0, 0)], true);
        assert_eq!((states[0].floor, states[0].head, states[0].unread), (3, 5, 2));
        let mut log = Reader::new(chat);
        log.read_up_to(&mut device, 5);
        assert_eq!(log.texts(), ["four", "five"]);
        if !restarted {
            server.wait_for_metric("hubbub_entries_expired_total", |count| count == 3.0);
        }
    }
}

#[test]
fn a_device_that_is_away_is_waited_for_until_it_is_revoked() {
    let server = eager("until_delivered").start();
    let (mut alice, mut bob, chat) = talk(&server, &["one", "two", "three"]);
    drop(Raw::login(&server, 20, 2));
    let (mut carol, _) = Raw::login_and_sync(&server, 30, 1);
    assert_eq!(seq(alice.ask(to_user(30, "one"))), 1);
    let other = direct(10, 30);
    for (device, chat, up_to) in [(&mut bob, chat, 3), (&mut carol, other, 1)] {
        done(alice.ask(delivered(chat, up_to)));
        done(device.ask(delivered(chat, up_to)));
    }
    assert_eq!(seq(alice.ask(to_user(20, "four"))), 4);
    assert_eq!(seq(alice.ask(to_user(30, "two"))), 2);
    at_floor(&mut alice, other, 1);
    assert_eq!(at_floor(&mut alice, chat, 0).entries.len(), 4, "Bob's tablet has had nothing");
    done(bob.ask(Up::RevokeDevice(proto::RevokeDevice { device_id: 2 })));
    assert_eq!(seq(alice.ask(to_user(20, "five"))), 5);
    assert_eq!(at_floor(&mut alice, chat, 3).entries.len(), 2);
}

#[test]
fn members_choose_and_everybody_learns_of_it() {
    let mut server = Server::start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    assert_eq!(alice.sync(vec![cursor(chat, 0, 0)], false)[0].retention, of(Mode::Forever, 0));
    done(bob.ask(set_retention(chat, "week", Mode::Ttl, 604_800)));
    done(alice.ask(set_retention(chat, "same", Mode::Ttl, 604_800)));
    let shown = newest(&mut alice, chat);
    assert_eq!(shown.len(), 2, "what is so already is no entry");
    match shown[1].event.clone().and_then(|event| event.event) {
        Some(Event::RetentionChanged(changed)) => assert_eq!(changed.retention, of(Mode::Ttl, 604_800)),
        other => panic!("{other:?}"),
    }
    server.kill();
    server.start_again();
    let (mut alice, states) = Raw::login_and_sync(&server, 10, 1);
    assert_eq!(states[0].retention, of(Mode::Ttl, 604_800));
    done(alice.ask(set_retention(chat, "as usual", Mode::Default, 0)));
    assert_eq!(alice.sync(vec![cursor(chat, 0, 3)], false)[0].retention, of(Mode::Forever, 0), "never DEFAULT");
}

#[test]
fn in_a_group_its_owner_and_admins_choose() {
    let server = eager("ttl").start();
    let mut people = people(&server, 4);
    let group_id = team(&mut people, 3);
    let chat = group(group_id);
    let retention = |raw: &mut Raw| group_of(raw.ask(get_group(group_id, 0, 0))).retention;
    assert_eq!(retention(&mut people[2]), of(Mode::Ttl, 30 * 86_400));
    for (at, code) in [(2, ErrorCode::Forbidden), (3, ErrorCode::UnknownConversation)] {
        assert_eq!(people[at].ask_in_vain(set_retention(chat, "x", Mode::Forever, 0)).code(), code);
    }
    done(people[1].ask(set_retention(chat, "admin", Mode::UntilDelivered, 0)));
    assert_eq!(retention(&mut people[2]), of(Mode::UntilDelivered, 0));
    done(people[0].ask(set_retention(chat, "owner", Mode::Ttl, 60)));
    assert_eq!(retention(&mut people[2]), of(Mode::Ttl, 60));
    for (mode, seconds, field) in [
        (Mode::Ttl, 59, "retention.ttl_seconds"),
        (Mode::Ttl, 315_360_001, "retention.ttl_seconds"),
        (Mode::Ttl, 0, "retention.ttl_seconds"),
    ] {
        let error = people[0].ask_in_vain(set_retention(chat, "bad", mode, seconds));
        assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, field));
    }
    let Up::SetRetention(sound) = set_retention(chat, "bad", Mode::Forever, 0) else { unreachable!() };
    let unknown = Some(Retention { mode: 9, ttl_seconds: 0 });
    for (request, field) in [
        (proto::SetRetention { retention: None, ..sound.clone() }, "retention"),
        (proto::SetRetention { retention: unknown, ..sound.clone() }, "retention.mode"),
        (proto::SetRetention { conversation: None, ..sound.clone() }, "conversation"),
        (proto::SetRetention { name: None, ..sound }, "name"),
    ] {
        assert_eq!(people[0].ask_in_vain(Up::SetRetention(request)).field, field);
    }
}
