//! Invitations: whoever holds the token joins, and nobody else.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{ErrorCode, GroupSettings, MemberJoined, RevokeInvites, error::Action};

#[test]
fn who_holds_an_invitation_joins_and_all_devices_agree_on_when() {
    let mut server = Server::start();
    let mut people = people(&server, 6);
    let group_id = team(&mut people, 3);
    assert_eq!(people[2].ask_in_vain(create_invite(group_id, 0)).code(), ErrorCode::Forbidden);
    assert_eq!(people[3].ask_in_vain(create_invite(group_id, 0)).code(), ErrorCode::UnknownConversation);
    let invite = invite_of(people[1].ask(create_invite(group_id, 2)));
    assert_eq!((invite.group, invite.uses_max), (group_id, 2));
    assert!(invite.token.starts_with("hubi1_") && invite.expires_us > 0, "{invite:?}");
    assert_eq!(seq(people[0].ask(to_group(group_id, "before"))), 3);
    let joined = group_of(people[3].ask(join_group("in", &invite.token)));
    assert_eq!((joined.group, joined.member_count, joined.head, joined.duplicate), (group_id, 4, 4, false));
    assert!(changed(&mut people[3], group_id));
    assert_eq!(seq(people[3].ask(to_group(group_id, "hello"))), 5);
    let expected = Some(Event::MemberJoined(MemberJoined { member: 4, invited_by: 2 }));
    for person in &mut people[..3] {
        assert_eq!(events(person, group_id, 5)[3], expected);
    }
    let mut log = Reader::new(group(group_id));
    log.read_up_to(&mut people[3], 5);
    assert_eq!((log.entries[0].seq, log.entries[0].sender), (4, 4));
    // A member is told of the group it is in; that uses up nothing, and leaves no entry.
    let again = group_of(people[3].ask(join_group("again", &invite.token)));
    assert_eq!((again.head, again.duplicate), (5, true));
    server.kill();
    server.start_again();
    let mut late: Vec<Raw> = [5, 6].map(|user| Raw::login_and_sync(&server, user, 1).0).into();
    assert_eq!(group_of(late[0].ask(join_group("in", &invite.token))).member_count, 5);
    let error = late[1].ask_in_vain(join_group("in", &invite.token));
    assert_eq!((error.code(), error.action()), (ErrorCode::InviteInvalid, Action::GiveUp));
}

#[test]
fn what_is_no_invitation_lets_nobody_in() {
    let server = Server::start();
    let mut people = people(&server, 3);
    let group_id = team(&mut people, 2);
    let invite = invite_of(people[0].ask(create_invite(group_id, 0)));
    for token in ["", "hubi1_", "hubi2_AAAA", &invite.token[..37], &format!("{}A", invite.token)] {
        let error = people[2].ask_in_vain(join_group("in", token));
        assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, "token"), "{token:?}");
    }
    let mut guess = invite.token.clone();
    let last = if guess.pop() == Some('A') { 'B' } else { 'A' };
    guess.push(last);
    assert_eq!(people[2].ask_in_vain(join_group("in", &guess)).code(), ErrorCode::InviteInvalid);
    // A group that does not exist.
    let error = people[2].ask_in_vain(join_group("in", "hubi1_AAAAAAAAAAcAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(error.code(), ErrorCode::InviteInvalid);
    done(people[1].ask(Up::RevokeInvites(RevokeInvites { group: group_id })));
    assert_eq!(people[2].ask_in_vain(join_group("in", &invite.token)).code(), ErrorCode::InviteInvalid);
}

#[test]
fn members_invite_where_the_settings_say_so_and_never_revoke() {
    let server = Server::start();
    let mut people = people(&server, 4);
    let group_id = team(&mut people, 3);
    let open = GroupSettings { announcement_only: false, members_may_add: true };
    done(people[0].ask(update_group(group_id, "open", None, Some(open))));
    let invite = invite_of(people[2].ask(create_invite(group_id, 0)));
    let revoke = || Up::RevokeInvites(RevokeInvites { group: group_id });
    assert_eq!(people[2].ask_in_vain(revoke()).code(), ErrorCode::Forbidden);
    assert_eq!(group_of(people[3].ask(join_group("in", &invite.token))).member_count, 4);
    // Removal voids no invitation; revoking does.
    done(people[1].ask(remove_members(group_id, "out", &[4])));
    assert_eq!(group_of(people[3].ask(join_group("back", &invite.token))).member_count, 4);
    done(people[1].ask(remove_members(group_id, "out again", &[4])));
    done(people[1].ask(revoke()));
    assert_eq!(people[3].ask_in_vain(join_group("back again", &invite.token)).code(), ErrorCode::InviteInvalid);
}

#[test]
fn a_secret_is_neither_on_the_servers_disk_nor_in_its_log() {
    let mut server = Setup::new().log("trace").start();
    let mut people = people(&server, 3);
    let group_id = team(&mut people, 2);
    let token = invite_of(people[0].ask(create_invite(group_id, 0))).token;
    group_of(people[2].ask(join_group("in", &token)));
    // What a killed server leaves is its write-ahead log, where everything stands as it was written.
    server.kill();
    let (_, secret) = hubbub_server::invite::parse(&token).expect("a token");
    let hash = hubbub_server::invite::hash(&secret);
    let mut found = 0;
    let mut paths = vec![server.data_dir()];
    while let Some(file) = paths.pop() {
        if file.is_dir() {
            paths.extend(std::fs::read_dir(&file).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let content = std::fs::read(&file).unwrap();
        let holds = |needle: &[u8]| content.windows(needle.len()).any(|window| window == needle);
        found += usize::from(holds(&hash.0));
        assert!(!holds(&secret.0) && !holds(token.as_bytes()), "{}", file.display());
    }
    assert!(found > 0, "what recognises the secret is there, so this test looks in the right place");
    assert!(!server.log().contains(&token));
}
