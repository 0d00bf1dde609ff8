//! After each login every cursor is named once, in pages, and `Synced` is reported once.

use hubbub_codec::ids::{Conversation, GroupId, LogId, Seq};
use hubbub_codec::proto;
use hubbub_codec::session::Event;

use crate::rig::{Down, Rig, Up, run, sync_ids, with_peer};

fn syncs(frames: &[proto::ClientFrame]) -> Vec<proto::Sync> {
    let sync = |frame: &proto::ClientFrame| match &frame.body {
        Some(Up::Sync(sync)) => Some(sync.clone()),
        _ => None,
    };
    frames.iter().filter_map(sync).collect()
}

#[test]
fn names_all_cursors_in_pages_and_the_others_last() {
    let mut rig = Rig::new();
    for group in 1..=2_500 {
        rig.session.restore_cursor(Conversation::Group(GroupId(group)), LogId(1), Seq(group)).unwrap();
    }
    let frames = rig.login();
    let asked = syncs(&frames);
    let shape: Vec<_> = asked.iter().map(|sync| (sync.cursors.len(), sync.include_others)).collect();
    assert_eq!(shape, [(1_000, false), (1_000, false), (500, true)]);
    let seqs: Vec<_> = asked.iter().flat_map(|sync| &sync.cursors).map(|c| c.seq).collect();
    assert_eq!(seqs, (1..=2_500).collect::<Vec<_>>());

    rig.events();
    for id in sync_ids(&frames) {
        assert!(rig.events().is_empty());
        let page = |more| {
            Down::Synced(proto::Synced {
                conversations: vec![proto::ConversationState {
                    conversation: Some(with_peer().into()),
                    ..Default::default()
                }],
                more,
            })
        };
        rig.say(id, page(true));
        rig.say(id, page(false));
    }
    let events = rig.events();
    assert!(matches!(&events[..], [Event::Synced(states)] if states.len() == 6));
}

#[test]
fn a_conversation_without_a_cursor_is_left_to_the_server() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 3)));
    rig.disconnect();
    let asked = syncs(&rig.login());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].cursors.len(), 1);
    assert!(asked[0].include_others);
    rig.finish_sync();
}

#[test]
fn may_leave_the_others_out() {
    let mut rig = Rig::with(|config| config.sync_others = false);
    let asked = syncs(&rig.login());
    assert_eq!(asked, [proto::Sync::default()]);
}
