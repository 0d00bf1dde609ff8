//! Whatever the server sends, the session neither panics nor reports an entry twice or out of order.

use bytes::BytesMut;
use hubbub_codec::content::NewBody;
use hubbub_codec::ids::{Seq, UserId};
use hubbub_codec::proto;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::rig::{Down, PEER, Rig, error, ms, run, sent_reply, with_peer};

#[derive(Debug, Clone)]
enum Step {
    Say(u64, Down),
    Pass(u64),
    Send,
    Edit,
    Watch(u64),
    Logout,
    Reconnect,
}

fn entries() -> impl Strategy<Value = Down> {
    let (log_id, skip) = (7..9_u32, proptest::option::of(0..30_u64));
    (0..30_u64, 0..5_u64, log_id, skip).prop_map(|(after, count, log_id, skip)| {
        let mut entries = run(after, after + count);
        entries.log_id = log_id;
        entries.skip_from_seq = skip;
        Down::Entries(entries)
    })
}

fn body() -> impl Strategy<Value = Down> {
    let refusal = (0..5_i32, 0..30_i32, 0..500_u32).prop_map(|(action, code, after)| {
        let mut refused = error(proto::error::Action::Retry, proto::ErrorCode::Internal, after);
        (refused.action, refused.code) = (action, code);
        Down::Error(refused)
    });
    prop_oneof![
        8 => entries(),
        2 => (0..30_u64).prop_map(sent_reply),
        2 => refusal,
        1 => any::<bool>().prop_map(|more| Down::Synced(proto::Synced { more, ..Default::default() })),
        1 => Just(Down::Done(proto::Done {})),
        1 => Just(Down::Pong(proto::Pong::default())),
        1 => (0..6_i32).prop_map(|reason| Down::Bye(proto::Bye { reason, ..Default::default() })),
        1 => Just(Down::Group(proto::Group::default())),
        1 => Just(Down::Receipts(proto::Receipts::default())),
        1 => (0..10_i32).prop_map(|kind| Down::Signalled(proto::Signalled {
            conversation: Some(with_peer().into()),
            kind,
            ..Default::default()
        })),
        1 => vec(any::<u64>(), 0..3).prop_map(|users| {
            let users = users.into_iter().map(|user| proto::UserPresence { user, ..Default::default() });
            Down::Presence(proto::Presence { users: users.collect() })
        }),
        1 => Just(Down::Profile(proto::Profile::default())),
        1 => Just(Down::Registered(proto::Registered::default())),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let request_id = prop_oneof![3 => Just(0), 2 => 1..20_u64];
    prop_oneof![
        6 => (request_id, body()).prop_map(|(id, body)| Step::Say(id, body)),
        1 => (0..2_000_u64).prop_map(Step::Pass),
        1 => Just(Step::Send),
        1 => Just(Step::Edit),
        1 => any::<u64>().prop_map(Step::Watch),
        1 => Just(Step::Logout),
        1 => Just(Step::Reconnect),
    ]
}

fn reconnect(rig: &mut Rig) {
    rig.disconnect();
    if rig.session.is_stopped() {
        rig.session.set_credentials(rig.now, "token");
    }
    rig.login();
}

proptest! {
    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..200), logged_in in any::<bool>()) {
        let mut rig = if logged_in { Rig::ready() } else { Rig::new() };
        rig.connect();
        let _ = rig.session.handle_bytes(rig.now, &mut BytesMut::from(&input[..]));
        rig.pass(ms(1_000));
    }

    #[test]
    fn any_frames(steps in vec(step(), 0..60)) {
        let mut rig = Rig::with(|config| config.buffered_entries_max = 8);
        rig.login();
        let mut next = None;
        for step in steps {
            match step {
                Step::Say(id, body) => {
                    if rig.try_say(id, body).is_err() || rig.session.should_close() {
                        reconnect(&mut rig);
                    }
                }
                Step::Pass(time_ms) => rig.pass(ms(time_ms)),
                Step::Send => {
                    let message = OutgoingMessage::text("x");
                    let _ = rig.session.send(rig.now, Recipient::User(PEER), message);
                }
                Step::Edit => {
                    let _ = rig.session.edit(rig.now, &with_peer(), Seq(1), NewBody::text("y"));
                }
                Step::Watch(user) => {
                    let _ = rig.session.watch(rig.now, &[UserId(user)]);
                }
                Step::Logout => {
                    let _ = rig.session.logout(rig.now, false);
                }
                Step::Reconnect => reconnect(&mut rig),
            }
            rig.sent();
            for event in rig.events() {
                match event {
                    Event::LogReset { .. } => next = None,
                    Event::Entries { entries, .. } => {
                        for entry in entries {
                            prop_assert!(next.is_none_or(|next| entry.seq >= next));
                            next = Some(entry.seq + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
