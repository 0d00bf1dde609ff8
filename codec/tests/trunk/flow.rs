//! Nobody sends what the other has no room for.

use bytes::{Bytes, BytesMut};
use hubbub_codec::trunk::{Overrun, TrunkError, TrunkEvent, TrunkFrame};

use crate::rig::{WINDOW_BYTES, hear, open_trunk, said};

#[test]
fn sending_stops_at_the_window_and_goes_on_with_credit() {
    let mut trunk = open_trunk();
    let channel = trunk.open(None).unwrap();
    said(&mut trunk);
    let all = Bytes::from((0..150).collect::<Vec<u8>>());
    let mut left = all.clone();
    trunk.send(channel, &mut left);
    assert_eq!(said(&mut trunk), [TrunkFrame::Data(channel, all.slice(..100))]);
    assert_eq!(left, all.slice(100..));
    trunk.send(channel, &mut left);
    assert_eq!((said(&mut trunk), left.len()), (vec![], 50));
    assert_eq!(hear(&mut trunk, &[TrunkFrame::Credit(channel, 30)]), Ok(vec![TrunkEvent::Writable(channel)]));
    trunk.send(channel, &mut left);
    assert_eq!(said(&mut trunk), [TrunkFrame::Data(channel, all.slice(100..130))]);
    assert_eq!(left.len(), 20);
}

#[test]
fn credit_is_given_back_half_a_window_at_a_time() {
    let mut trunk = open_trunk();
    let channel = trunk.open(None).unwrap();
    said(&mut trunk);
    let data = TrunkFrame::Data(channel, Bytes::from(vec![0; 49]));
    assert_eq!(
        hear(&mut trunk, std::slice::from_ref(&data)),
        Ok(vec![TrunkEvent::Data(channel, BytesMut::zeroed(49))])
    );
    trunk.taken(channel, 49);
    assert_eq!(said(&mut trunk), []);
    hear(&mut trunk, &[data]).unwrap();
    trunk.taken(channel, 49);
    assert_eq!(said(&mut trunk), [TrunkFrame::Credit(channel, 98)]);
}

#[test]
fn a_server_that_overruns_a_window_is_wrong() {
    let overrun = |frame: fn(_) -> TrunkFrame| {
        let mut trunk = open_trunk();
        let channel = trunk.open(None).unwrap();
        hear(&mut trunk, &[frame(channel)])
    };
    for wrong in [
        overrun(|channel| TrunkFrame::Data(channel, Bytes::from(vec![0; WINDOW_BYTES as usize + 1]))),
        overrun(|channel| TrunkFrame::Credit(channel, 1)),
        overrun(|channel| TrunkFrame::Credit(channel, u32::MAX)),
        overrun(|channel| TrunkFrame::Credit(channel, 0)),
    ] {
        assert_eq!(wrong, Err(TrunkError::Overrun(Overrun)));
    }
}
