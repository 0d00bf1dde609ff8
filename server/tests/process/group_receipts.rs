//! Authors in a group see how many hold and have read their messages, and ask who: over real sockets.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{ErrorCode, GetMessageInfo, MessageInfo, ReceiptSummary};

over_each_transport! {
    authors_are_told_counts_of_their_own_messages_over_a_restart_too,
}

fn get_info(conversation: Conversation, seq: u64, after: u64, limit: u32) -> Up {
    let conversation = Some(conversation.into());
    Up::GetMessageInfo(GetMessageInfo { conversation, seq, members_after: after, members_limit: limit })
}

fn info(raw: &mut Raw, conversation: Conversation, seq: u64, after: u64, limit: u32) -> MessageInfo {
    match raw.ask(get_info(conversation, seq, after, limit)) {
        Down::MessageInfo(info) => info,
        other => panic!("{other:?}"),
    }
}

/// Waits until a session was told these counts of a message: all that it was told of it on the way.
#[track_caller]
fn told(raw: &mut Raw, seq: u64, delivered: u32, read: u32) -> Vec<(u32, u32)> {
    let mut on_the_way = Vec::new();
    raw.push(|body| {
        let Down::Receipts(receipts) = body else { return None };
        assert!(receipts.receipts.is_empty(), "no marks of single members in a group");
        let summary = receipts.summaries.iter().find(|summary| summary.seq == seq)?;
        on_the_way.push((summary.delivered_count, summary.read_count));
        (on_the_way.last() == Some(&(delivered, read))).then_some(())
    });
    assert!(on_the_way.is_sorted_by(|one, next| one.0 <= next.0 && one.1 <= next.1), "{on_the_way:?}");
    on_the_way
}

/// Every count that is waiting to be read, and none after this.
fn summaries(raw: &mut Raw) -> Vec<ReceiptSummary> {
    let frames = raw.so_far().into_iter();
    frames
        .filter_map(
            |frame| if let Some(Down::Receipts(receipts)) = frame.body { Some(receipts.summaries) } else { None },
        )
        .flatten()
        .collect()
}

fn authors_are_told_counts_of_their_own_messages_over_a_restart_too(over: Transport) {
    let mut server = Setup::new().over(over).start();
    let mut people = people(&server, 4);
    let id = group_of(people[0].ask(create_group("G", &[2, 3, 4]))).group;
    let one = seq(people[0].ask(to_group(id, "one")));
    let two = seq(people[1].ask(to_group(id, "two")));
    done(people[1].ask(delivered(group(id), two)));
    done(people[2].ask(read(group(id), one)));
    told(&mut people[0], one, 2, 2);
    done(people[2].ask(delivered(group(id), two)));
    told(&mut people[1], two, 1, 0);
    // Nobody hears of others' messages.
    assert!(summaries(&mut people[2]).is_empty());
    assert!(summaries(&mut people[0]).iter().all(|summary| summary.seq == one));
    server.kill();
    server.start_again();
    let (mut ann, _) = Raw::login_and_sync(&server, 1, 1);
    let (mut dan, _) = Raw::login_and_sync(&server, 4, 1);
    done(dan.ask(read(group(id), one)));
    told(&mut ann, one, 3, 3);
    let told = info(&mut ann, group(id), one, 0, 0);
    assert_eq!(told.summary, Some(ReceiptSummary { seq: one, delivered_count: 3, read_count: 3 }));
}

#[test]
fn many_marks_become_few_pushes() {
    let server = Setup::new().unlimited().config("receipts.pushes_per_second = 1").start();
    let mut people = people(&server, 3);
    let id = group_of(people[0].ask(create_group("G", &[2, 3]))).group;
    let seqs: Vec<u64> = (0..200).map(|n| seq(people[0].ask(to_group(id, &n.to_string())))).collect();
    let begun = std::time::Instant::now();
    for &seq in &seqs {
        for reader in [1, 2] {
            done(people[reader].ask(read(group(id), seq)));
        }
    }
    let last = *seqs.last().unwrap();
    let mut pushes = 0;
    people[0].push(|body| {
        let Down::Receipts(receipts) = body else { return None };
        pushes += 1;
        receipts.summaries.iter().any(|summary| summary.seq == last && summary.read_count == 2).then_some(())
    });
    // 400 marks: one push at once, and one for each second that it took, the last one being under way.
    let most = begun.elapsed().as_secs() as usize + 3;
    assert!(pushes <= most, "{pushes} pushes, at most {most}");
}

#[test]
fn an_author_asks_who_holds_a_message() {
    let server = Server::start();
    let mut people = people(&server, 5);
    let id = group_of(people[0].ask(create_group("G", &[2, 3, 4, 5]))).group;
    let one = seq(people[0].ask(to_group(id, "one")));
    done(people[2].ask(read(group(id), one)));
    done(people[3].ask(delivered(group(id), one)));
    let all = info(&mut people[0], group(id), one, 0, 0);
    assert_eq!(all.summary, Some(ReceiptSummary { seq: one, delivered_count: 2, read_count: 1 }));
    assert_eq!(all.member_count, 4);
    assert!(!all.more);
    let rows: Vec<(u64, u64, u64)> = all.receipts.iter().map(|row| (row.user, row.delivered, row.read)).collect();
    assert_eq!(rows, [(2, 0, 0), (3, one, one), (4, one, 0), (5, 0, 0)]);
    // In pages of three.
    let first = info(&mut people[0], group(id), one, 0, 3);
    assert!(first.more && first.receipts == all.receipts[..3] && first.summary == all.summary);
    let second = info(&mut people[0], group(id), one, 4, 3);
    assert!(!second.more && second.receipts == all.receipts[3..]);
}

#[test]
fn a_direct_conversation_has_one_row() {
    let server = Server::start();
    let mut people = people(&server, 2);
    let one = seq(people[0].ask(to_user(2, "one")));
    done(people[1].ask(delivered(direct(1, 2), one)));
    let info = info(&mut people[0], direct(1, 2), one, 0, 0);
    assert_eq!((info.member_count, info.more), (1, false));
    assert_eq!(info.summary, Some(ReceiptSummary { seq: one, delivered_count: 1, read_count: 0 }));
    assert_eq!((info.receipts[0].user, info.receipts[0].delivered), (2, one));
}

#[test]
fn whoever_may_not_know_is_refused() {
    let server = Server::start();
    let mut people = people(&server, 3);
    let id = group_of(people[0].ask(create_group("G", &[2]))).group;
    let one = seq(people[0].ask(to_group(id, "one")));
    for (who, conversation, at, code) in [
        (1, group(id), one, ErrorCode::Forbidden),
        (2, group(id), one, ErrorCode::UnknownConversation),
        (0, group(77), one, ErrorCode::UnknownConversation),
        (0, group(id), 1, ErrorCode::UnknownMessage),
        (0, group(id), one + 1, ErrorCode::UnknownMessage),
        (0, group(id), u64::MAX, ErrorCode::UnknownMessage),
        (0, group(id), 0, ErrorCode::Invalid),
    ] {
        assert_eq!(people[who].ask_in_vain(get_info(conversation, at, 0, 0)).code(), code, "user {who} at {at}");
    }
    let error = people[0].ask_in_vain(get_info(group(id), one, 0, 1_001));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "members_limit"));
}
