//! Received entries are acknowledged in batches, and the last marks are repeated after each login.

use hubbub_codec::ids::Seq;

use crate::rig::{Down, Rig, Up, delivered, ms, run, with_peer};

#[test]
fn after_the_interval() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 2)));
    rig.pass(ms(150));
    rig.push(Down::Entries(run(2, 3)));
    rig.pass(ms(49));
    assert!(rig.sent().is_empty());
    rig.pass(ms(1));
    assert_eq!(delivered(&rig.sent()), [3]);
    rig.pass(ms(1_000));
    assert!(rig.sent().is_empty());
}

#[test]
fn at_once_when_there_are_many() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 63)));
    assert!(rig.sent().is_empty());
    rig.push(Down::Entries(run(63, 64)));
    assert_eq!(delivered(&rig.sent()), [64]);
}

#[test]
fn duplicates_are_not_acknowledged_again() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 2)));
    rig.pass(ms(200));
    assert_eq!(delivered(&rig.sent()), [2]);
    rig.push(Down::Entries(run(0, 2)));
    rig.pass(ms(200));
    assert!(rig.sent().is_empty());
}

#[test]
fn marks_are_repeated_after_a_login() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 4)));
    rig.session.read(rig.now, &with_peer(), Seq(3)).unwrap();
    rig.session.read(rig.now, &with_peer(), Seq(2)).unwrap();
    let reads = |frames: &[hubbub_codec::proto::ClientFrame]| {
        let mark = |frame: &hubbub_codec::proto::ClientFrame| match &frame.body {
            Some(Up::Read(read)) => Some(read.up_to_seq),
            _ => None,
        };
        frames.iter().filter_map(mark).collect::<Vec<_>>()
    };
    assert_eq!(reads(&rig.sent()), [3]);
    rig.disconnect();
    let after = rig.login();
    assert_eq!(delivered(&after), [4]);
    assert_eq!(reads(&after), [3]);
    rig.pass(ms(1_000));
    assert!(delivered(&rig.sent()).is_empty());
}

#[test]
fn a_mark_made_offline_goes_out_with_the_login() {
    let mut rig = Rig::new();
    rig.session.read(rig.now, &with_peer(), Seq(9)).unwrap();
    let after = rig.login();
    assert!(after.iter().any(|frame| matches!(&frame.body, Some(Up::Read(read)) if read.up_to_seq == 9)));
}
