//! A signal is written at once or not at all, and comes out as what it was.

use bytes::Bytes;
use hubbub_codec::ids::{DeviceId, UserId};
use hubbub_codec::proto::{self, SignalKind as Kind};
use hubbub_codec::session::{CallId, CallStep, Event, Signal, SignalDropped, SignalKind};

use crate::rig::{Down, Rig, Up, with_peer};

const CALL: CallId = CallId(77);

fn all() -> Vec<(Signal, Kind, u64)> {
    let call = |step| Signal::call(CALL, step, Bytes::from_static(b"sdp"));
    vec![
        (Signal::typing(), Kind::Typing, 0),
        (Signal::typing_stopped(), Kind::TypingStopped, 0),
        (Signal { kind: SignalKind::Custom, body: Bytes::from_static(b"x") }, Kind::Custom, 0),
        (call(CallStep::Offer), Kind::CallOffer, 77),
        (call(CallStep::Answer), Kind::CallAnswer, 77),
        (call(CallStep::Candidate), Kind::CallCandidate, 77),
        (call(CallStep::HangUp), Kind::CallHangUp, 77),
    ]
}

#[test]
fn there_and_back() {
    for (signal, kind, call_id) in all() {
        let mut rig = Rig::ready();
        rig.session.signal(rig.now, &with_peer(), signal.clone()).unwrap();
        let frames = rig.sent();
        assert_eq!(frames[0].request_id, 0);
        let Some(Up::Signal(sent)) = frames[0].body.clone() else { panic!("{frames:?}") };
        assert_eq!((sent.kind(), sent.call_id, &sent.body), (kind, call_id, &signal.body));
        rig.push(Down::Signalled(proto::Signalled {
            conversation: sent.conversation,
            from: 20,
            from_device: 3,
            kind: sent.kind,
            body: sent.body,
            call_id: sent.call_id,
        }));
        let expected =
            Event::Signalled { conversation: with_peer(), from: UserId(20), from_device: DeviceId(3), signal };
        assert_eq!(rig.events(), [expected]);
    }
}

#[test]
fn nothing_is_kept_for_later() {
    let mut rig = Rig::ready();
    rig.disconnect();
    assert_eq!(rig.session.signal(rig.now, &with_peer(), Signal::typing()), Err(SignalDropped::NotReady));
    assert!(rig.login().iter().all(|frame| !matches!(frame.body, Some(Up::Signal(_)))));
}

#[test]
fn too_long_is_refused_here() {
    let mut rig = Rig::ready();
    let signal = Signal::call(CALL, CallStep::Offer, vec![0; 8 * 1024 + 1]);
    let refused = rig.session.signal(rig.now, &with_peer(), signal);
    assert_eq!(refused, Err(SignalDropped::TooLong { length: 8_193, max: 8_192 }));
}

#[test]
fn nobody_answered() {
    let mut rig = Rig::ready();
    let push = |kind: i32| {
        Down::Signalled(proto::Signalled {
            conversation: Some(with_peer().into()),
            from: 20,
            kind,
            call_id: 77,
            ..Default::default()
        })
    };
    rig.push(push(Kind::CallRingTimeout.into()));
    let expected = Event::RingTimeout { conversation: with_peer(), caller: UserId(20), call: CALL };
    assert_eq!(rig.events(), [expected]);
    // A kind of a later version is counted, and nothing else.
    rig.push(push(99));
    assert!(rig.events().is_empty());
    assert_eq!(rig.session.stats().unknown_frames, 1);
}
