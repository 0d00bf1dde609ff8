//! A log that began anew voids the cursor: the application is told, and the log is read again.

use hubbub_codec::ids::{LogId, Seq};
use hubbub_codec::proto;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient};

use crate::rig::{Down, LOG_ID, PEER, Rig, error, run, sends, sync_ids, with_peer};

fn reset(log_id: u32, head: u64) -> proto::Error {
    let mut refused = error(proto::error::Action::FixRequest, proto::ErrorCode::LogReset, 0);
    refused.log_reset = Some(proto::LogReset { conversation: Some(with_peer().into()), log_id, floor: 0, head });
    refused
}

#[test]
fn the_sync_goes_on() {
    let mut rig = Rig::new();
    rig.session.restore_cursor(with_peer(), LogId(LOG_ID), Seq(40)).unwrap();
    let sync = sync_ids(&rig.login());
    rig.say(sync[0], Down::Error(reset(8, 12)));
    assert!(rig.sent().is_empty());

    let mut page = run(2, 12);
    page.log_id = 8;
    page.skip_from_seq = Some(0);
    rig.push(Down::Entries(page));
    rig.say(sync[0], Down::Synced(proto::Synced::default()));
    let events = rig.events();
    assert!(matches!(events[0], Event::LoggedIn { .. }));
    let told = Event::LogReset { conversation: with_peer(), log_id: LogId(8), floor: Seq(0), head: Seq(12) };
    assert_eq!(events[1], told);
    assert!(matches!(&events[2], Event::Entries { entries, .. } if entries.len() == 10));
    assert!(matches!(events[3], Event::Synced(_)));
    assert_eq!(events.len(), 4);
    assert_eq!(rig.session.cursor(&with_peer()), Some((LogId(8), Seq(12))));
}

#[test]
fn a_reset_after_the_sync_leaves_the_connection_alone() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 9)));
    rig.events();
    rig.push(Down::Error(reset(8, 3)));
    assert!(matches!(rig.events()[..], [Event::LogReset { .. }]));
    assert!(!rig.session.should_close());
    let mut page = run(0, 3);
    page.log_id = 8;
    page.skip_from_seq = Some(0);
    rig.push(Down::Entries(page));
    assert_eq!(rig.reported(), [1, 2, 3]);
}

#[test]
fn a_push_of_another_life_resets_too() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 9)));
    rig.events();
    rig.sent();
    let mut push = run(3, 4);
    push.log_id = 8;
    rig.push(Down::Entries(push));
    assert!(matches!(rig.events()[..], [Event::LogReset { .. }]));
    assert_eq!(sync_ids(&rig.sent()).len(), 1);
    let mut page = run(0, 4);
    page.log_id = 8;
    rig.push(Down::Entries(page));
    assert_eq!(rig.reported(), [1, 2, 3, 4]);
}

#[test]
fn an_unanswered_send_is_searched_in_all_of_the_new_log() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 40)));
    rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text("x")).unwrap();
    rig.sent();
    let sync = {
        rig.disconnect();
        sync_ids(&rig.login())
    };
    rig.say(sync[0], Down::Error(reset(8, 12)));
    rig.disconnect();
    let again = sends(&rig.login());
    assert_eq!(again[0].1.name.as_ref().unwrap().after_seq, 0);
}
