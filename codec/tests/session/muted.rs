//! A mute is told at once: it lasts longer than a queue should wait.

use hubbub_codec::ids::GroupId;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient};

use crate::rig::{Down, Rig, error, sends};

#[test]
fn whatever_the_action() {
    for action in [Action::Retry, Action::GiveUp] {
        let mut rig = Rig::ready();
        let to = Recipient::Group(GroupId(5));
        rig.session.send(rig.now, to, OutgoingMessage::text("but")).unwrap();
        let id = sends(&rig.sent())[0].0;
        rig.say(id, Down::Error(error(action, ErrorCode::Muted, 3_600_000)));
        let events = rig.events();
        assert!(
            matches!(&events[..], [Event::SendFailed { error, .. }] if error.retry_after_ms == 3_600_000),
            "{events:?}"
        );
    }
}
