//! Muting a member: it reads on, it may not write, and everybody knows until when.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{ErrorCode, error::Action};

#[test]
fn a_muted_member_reads_on_and_writes_again_when_it_is_lifted() {
    let mut server = Server::start();
    let mut people = people(&server, 4);
    let group_id = team(&mut people, 3);
    for (who, whom, code) in [
        (3, 2, ErrorCode::Forbidden),
        (2, 1, ErrorCode::Forbidden),
        (1, 1, ErrorCode::Forbidden),
        (1, 4, ErrorCode::Invalid),
        (4, 3, ErrorCode::UnknownConversation),
    ] {
        assert_eq!(people[who - 1].ask_in_vain(mute(group_id, "hush", whom, 60)).code(), code, "{who} {whom}");
    }
    done(people[1].ask(mute(group_id, "an hour", 3, 3_600)));
    let error = people[2].ask_in_vain(to_group(group_id, "but"));
    assert_eq!((error.code(), error.action()), (ErrorCode::Muted, Action::GiveUp));
    assert!((1..=3_600_000).contains(&error.retry_after_ms), "{error:?}");
    done(people[1].ask(mute(group_id, "for good", 3, u32::MAX)));
    assert_eq!(seq(people[0].ask(to_group(group_id, "go on"))), 5);
    let until: Vec<i64> = events(&mut people[2], group_id, 5)
        .into_iter()
        .filter_map(|event| match event {
            Some(Event::MemberMuted(muted)) => Some(muted).filter(|muted| muted.member == 3).map(|it| it.until_us),
            _ => None,
        })
        .collect();
    assert!(until.len() == 2 && until[0] > 0 && until[1] == -1, "{until:?}");
    server.kill();
    server.start_again();
    let (mut member, states) = Raw::login_and_sync(&server, 3, 1);
    assert_eq!(states[0].muted_until_us, -1);
    let error = member.ask_in_vain(to_group(group_id, "still?"));
    assert_eq!((error.code(), error.action(), error.retry_after_ms), (ErrorCode::Muted, Action::GiveUp, 0));
    let (mut owner, _) = Raw::login_and_sync(&server, 1, 1);
    let now = group_of(owner.ask(get_group(group_id, 0, 0)));
    assert_eq!((member_of(&now, 3).muted_until_us, member_of(&now, 2).muted_until_us), (-1, 0));
    done(owner.ask(mute(group_id, "speak", 3, 0)));
    assert_eq!(seq(member.ask(to_group(group_id, "thank you"))), 7);
}
