//! Numbers that hold nothing for this member are jumped over, not asked for.

use hubbub_codec::session::{Event, Source};

use crate::rig::{Down, Rig, histories, run, with_peer};

#[test]
fn a_sync_page_says_what_to_jump() {
    let mut rig = Rig::ready();
    let mut page = run(100, 103);
    page.skip_from_seq = Some(0);
    rig.push(Down::Entries(page));
    let events = rig.events();
    let [Event::Entries { entries, source, .. }] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(*source, Source::CatchUp);
    assert_eq!(entries[0].seq, 101);
    assert!(histories(&rig.sent()).is_empty());
}

#[test]
fn an_empty_page_moves_the_cursor() {
    let mut rig = Rig::ready();
    let mut page = run(50, 50);
    page.skip_from_seq = Some(0);
    rig.push(Down::Entries(page));
    assert_eq!(rig.session.cursor(&with_peer()).unwrap().1.0, 50);
    rig.push(Down::Entries(run(50, 51)));
    assert_eq!(rig.reported(), [51]);
}

#[test]
fn a_jump_from_above_the_cursor_is_a_gap() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 3)));
    let mut page = run(10, 11);
    page.skip_from_seq = Some(5);
    rig.push(Down::Entries(page));
    assert_eq!(rig.reported(), [1, 2, 3]);
    let asked = histories(&rig.sent());
    let mut answer = run(3, 5);
    answer.skip_from_seq = Some(3);
    rig.say(asked[0].0, Down::Entries(answer));
    assert_eq!(rig.reported(), [4, 5, 11]);
}

#[test]
fn history_may_jump_too() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(60, 61)));
    let asked = histories(&rig.sent());
    let mut answer = run(58, 60);
    answer.skip_from_seq = Some(0);
    rig.say(asked[0].0, Down::Entries(answer));
    assert_eq!(rig.reported(), [59, 60, 61]);
}
