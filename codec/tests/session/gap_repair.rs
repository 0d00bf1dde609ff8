//! Nothing after a gap is reported before `History` has closed it; what waits meanwhile is bounded.

use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::history::Position;
use hubbub_codec::session::{Event, Source};

use crate::rig::{Down, Rig, error, histories, ms, run};

#[test]
fn asks_once_and_reports_in_order() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 2)));
    assert_eq!(rig.reported(), [1, 2]);
    rig.push(Down::Entries(run(5, 6)));
    rig.push(Down::Entries(run(6, 8)));
    assert!(rig.reported().is_empty());
    let asked = histories(&rig.sent());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1.position, Some(Position::AfterSeq(2)));

    rig.say(asked[0].0, Down::Entries(run(2, 5)));
    let sources: Vec<_> = rig
        .events()
        .into_iter()
        .map(|event| match event {
            Event::Entries { entries, source, .. } => (source, entries.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sources, [(Source::Repair, 3), (Source::Live, 1), (Source::Live, 2)]);
    let stats = rig.session.stats();
    assert_eq!((stats.repaired_gaps, stats.repaired_entries), (1, 3));
    assert!(histories(&rig.sent()).is_empty());
}

#[test]
fn asks_for_entries_as_they_would_have_been_pushed() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(9, 10)));
    let first = histories(&rig.sent());
    rig.say(first[0].0, Down::Entries(run(0, 4)));
    let second = histories(&rig.sent());
    assert!(first[0].1.raw && second[0].1.raw, "the newest form is no entry of the log");
}

#[test]
fn asks_on_until_the_gap_is_closed() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(9, 10)));
    let first = histories(&rig.sent());
    rig.say(first[0].0, Down::Entries(run(0, 4)));
    let second = histories(&rig.sent());
    assert_eq!(second[0].1.position, Some(Position::AfterSeq(4)));
    rig.say(second[0].0, Down::Entries(run(4, 9)));
    assert_eq!(rig.reported(), (1..=10).collect::<Vec<_>>());
    assert_eq!(rig.session.stats().repaired_gaps, 1);
}

#[test]
fn what_does_not_fit_is_fetched_later() {
    let mut rig = Rig::with(|config| config.buffered_entries_max = 4);
    rig.login();
    rig.push(Down::Entries(run(2, 6)));
    rig.push(Down::Entries(run(6, 9)));
    assert_eq!(rig.session.stats().dropped_buffered, 3);
    let first = histories(&rig.sent());
    rig.say(first[0].0, Down::Entries(run(0, 2)));
    let second = histories(&rig.sent());
    assert_eq!(second[0].1.position, Some(Position::AfterSeq(6)));
    rig.say(second[0].0, Down::Entries(run(6, 9)));
    assert_eq!(rig.reported(), (1..=9).collect::<Vec<_>>());
}

#[test]
fn an_answer_that_does_not_help_is_not_asked_for_at_once() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(5, 6)));
    let first = histories(&rig.sent());
    rig.say(first[0].0, Down::Entries(run(0, 0)));
    assert!(histories(&rig.sent()).is_empty());
    rig.pass(ms(1_000));
    let again = histories(&rig.sent());
    assert_eq!(again.len(), 1);
    let overloaded = error(Action::Retry, ErrorCode::Overloaded, 300);
    rig.say(again[0].0, Down::Error(overloaded));
    rig.pass(ms(299));
    assert!(histories(&rig.sent()).is_empty());
    rig.pass(ms(1));
    let third = histories(&rig.sent());
    rig.say(third[0].0, Down::Entries(run(0, 5)));
    assert_eq!(rig.reported(), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_lost_connection_leaves_the_gap_to_the_sync() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 1)));
    rig.push(Down::Entries(run(4, 5)));
    rig.sent();
    rig.disconnect();
    assert!(histories(&rig.login()).is_empty());
    rig.push(Down::Entries(run(1, 5)));
    assert_eq!(rig.reported(), [1, 2, 3, 4, 5]);
    assert_eq!(rig.session.stats().dropped_duplicates, 0);
}

#[test]
fn a_refused_repair_reports_nothing_after_the_gap() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(5, 6)));
    let asked = histories(&rig.sent());
    let gone = error(Action::GiveUp, ErrorCode::UnknownConversation, 0);
    rig.say(asked[0].0, Down::Error(gone));
    assert!(rig.reported().is_empty());
    rig.pass(ms(10_000));
    assert!(histories(&rig.sent()).is_empty());
}
