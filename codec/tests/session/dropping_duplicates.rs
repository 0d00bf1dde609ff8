//! Entries that are held already are not reported again, and are counted.

use crate::rig::{Down, Rig, run, with_peer};

#[test]
fn repeated_and_overlapping_runs() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 3)));
    rig.push(Down::Entries(run(0, 3)));
    rig.push(Down::Entries(run(1, 5)));
    rig.push(Down::Entries(run(5, 6)));
    assert_eq!(rig.reported(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(rig.session.stats().dropped_duplicates, 3 + 2);
    assert_eq!(rig.session.cursor(&with_peer()).unwrap().1.0, 6);
}

#[test]
fn entries_that_do_not_follow_each_other_are_an_error() {
    let mut rig = Rig::ready();
    let mut broken = run(0, 3);
    broken.entries[1].seq = 5;
    assert!(rig.try_say(0, Down::Entries(broken)).is_err());
    assert!(rig.reported().is_empty());
}
