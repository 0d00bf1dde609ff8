//! A number is free again when both sides have said that the channel is over.

use bytes::Bytes;
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkEnd, TrunkError, TrunkEvent, TrunkFrame};

use crate::rig::{CHANNELS_MAX, hear, open_trunk, said};

fn close(channel: ChannelId) -> TrunkFrame {
    TrunkFrame::Close(channel, ChannelEnd::Over)
}

#[test]
fn there_are_as_many_as_there_may_be() {
    let mut trunk = open_trunk();
    let opened: Vec<_> = (0..CHANNELS_MAX).map(|_| trunk.open(None).unwrap()).collect();
    assert_eq!(opened, [1, 2, 3].map(ChannelId));
    assert_eq!(trunk.open(None), None);
    let address = Some("192.0.2.1".parse().unwrap());
    said(&mut trunk);
    assert_eq!(hear(&mut trunk, &[close(ChannelId(2))]), Ok(vec![TrunkEvent::Closed(ChannelId(2), ChannelEnd::Over)]));
    assert_eq!(said(&mut trunk), [close(ChannelId(2))], "who hears it first answers");
    assert_eq!(trunk.open(address), Some(ChannelId(2)));
    assert_eq!(said(&mut trunk), [TrunkFrame::Open(ChannelId(2), address)]);
}

#[test]
fn a_closed_one_is_not_heard_and_not_used_until_the_server_says_so() {
    let mut trunk = open_trunk();
    let channel = trunk.open(None).unwrap();
    trunk.close(channel);
    trunk.close(channel);
    assert_eq!(said(&mut trunk), [TrunkFrame::Open(channel, None), close(channel)], "once");
    trunk.send(channel, &mut Bytes::from_static(b"too late"));
    let late = [TrunkFrame::Data(channel, Bytes::from_static(b"late")), TrunkFrame::Credit(channel, 1)];
    assert_eq!(hear(&mut trunk, &late), Ok(vec![]));
    assert_eq!(trunk.open(None), Some(ChannelId(2)));
    assert_eq!(hear(&mut trunk, &[close(channel)]), Ok(vec![]));
    assert_eq!(trunk.open(None), Some(channel));
}

#[test]
fn both_may_close_at_once() {
    let mut trunk = open_trunk();
    let channel = trunk.open(None).unwrap();
    trunk.close(channel);
    said(&mut trunk);
    assert_eq!(hear(&mut trunk, &[close(channel)]), Ok(vec![]));
    assert_eq!(said(&mut trunk), [], "we have said it already");
}

#[test]
fn what_has_no_place_is_an_error() {
    for frame in [
        close(ChannelId(1)),
        close(ChannelId(CHANNELS_MAX + 1)),
        TrunkFrame::Data(ChannelId(1), Bytes::from_static(b"x")),
        TrunkFrame::Credit(ChannelId(1), 1),
        TrunkFrame::Open(ChannelId(1), None),
        TrunkFrame::Ping(1),
    ] {
        let mut trunk = open_trunk();
        assert!(matches!(hear(&mut trunk, &[frame]), Err(TrunkError::Unexpected(_))));
    }
}

#[test]
fn the_server_ends_it_with_a_word() {
    let mut trunk = open_trunk();
    trunk.ping(7);
    assert_eq!(said(&mut trunk), [TrunkFrame::Ping(7)]);
    assert_eq!(hear(&mut trunk, &[TrunkFrame::Pong(7)]), Ok(vec![TrunkEvent::Pong(7)]));
    let end = TrunkFrame::End(TrunkEnd::Stopping, "the server stops".to_owned());
    let ended = hear(&mut trunk, &[end]).unwrap_err();
    assert_eq!(ended, TrunkError::Ended(TrunkEnd::Stopping, "the server stops".to_owned()));
}
