//! A status never goes back, and is what the highest marks say, in whatever order they came.

use hubbub_codec::ids::{Conversation, GroupId, Seq, UserId};
use hubbub_codec::proto::{ConversationState, Receipt, ReceiptSummary};
use hubbub_codec::statuses::{Status, Statuses};
use proptest::collection::vec;
use proptest::prelude::*;

const ME: UserId = UserId(10);
const PEER: UserId = UserId(20);
const SEQS: u64 = 12;

fn chat() -> Conversation {
    Conversation::direct(ME, PEER).unwrap()
}

fn group() -> Conversation {
    Conversation::Group(GroupId(5))
}

#[derive(Debug, Clone)]
enum Word {
    Receipt { user: UserId, delivered: u64, read: u64 },
    State { delivered: u64, read: u64 },
    Summary { seq: u64, delivered: u32, read: u32 },
}

fn word() -> impl Strategy<Value = Word> {
    let mark = || 0..SEQS;
    prop_oneof![
        (prop_oneof![Just(ME), Just(PEER), Just(UserId(30))], mark(), mark())
            .prop_map(|(user, delivered, read)| Word::Receipt { user, delivered, read }),
        (mark(), mark()).prop_map(|(delivered, read)| Word::State { delivered, read }),
        (1..SEQS, 0..4_u32, 0..4_u32).prop_map(|(seq, delivered, read)| Word::Summary { seq, delivered, read }),
    ]
}

fn hear(statuses: &mut Statuses, word: &Word, others: u32) {
    match *word {
        Word::Receipt { user, delivered, read } => {
            statuses.note_receipts(&chat(), &[Receipt { user: user.0, delivered, read }]);
        }
        Word::State { delivered, read } => statuses.note_state(&ConversationState {
            conversation: Some(chat().into()),
            peer_delivered: delivered,
            peer_read: read,
            ..Default::default()
        }),
        Word::Summary { seq, delivered, read } => {
            let summary = ReceiptSummary { seq, delivered_count: delivered, read_count: read };
            statuses.note_summaries(&group(), &[summary], others);
        }
    }
}

/// Looks through everything that was ever said.
fn naive(words: &[Word], others: u32, conversation: &Conversation, seq: u64) -> Status {
    let says = |word: &Word| match *word {
        Word::Receipt { user, delivered, read } if user == PEER && *conversation == chat() => (delivered, read),
        Word::State { delivered, read } if *conversation == chat() => (delivered, read),
        Word::Summary { seq, delivered, read } if *conversation == group() && others > 0 => {
            (if delivered >= others { seq } else { 0 }, if read >= others { seq } else { 0 })
        }
        _ => (0, 0),
    };
    if words.iter().any(|word| says(word).1 >= seq) {
        Status::Read
    } else if words.iter().any(|word| says(word).0 >= seq) {
        Status::Delivered
    } else {
        Status::Sent
    }
}

proptest! {
    #[test]
    fn as_a_naive_reader_sees_it(words in vec(word(), 0..20), others in 0..4_u32) {
        let mut statuses = Statuses::new(ME);
        for heard in 0..=words.len() {
            for conversation in [chat(), group()] {
                for seq in 1..=SEQS {
                    let expected = naive(&words[..heard], others, &conversation, seq);
                    prop_assert_eq!(statuses.of(&conversation, Seq(seq)), expected);
                }
            }
            if let Some(word) = words.get(heard) {
                hear(&mut statuses, word, others);
            }
        }
    }

    #[test]
    fn never_back_while_members_come_and_go(words in vec((word(), 0..4_u32), 0..20)) {
        let mut statuses = Statuses::new(ME);
        let mut before = [Status::Sent; SEQS as usize];
        for (word, others) in words {
            hear(&mut statuses, &word, others);
            for (seq, before) in (1..).zip(&mut before) {
                let now = statuses.of(&group(), Seq(seq));
                prop_assert!(now >= *before);
                *before = now;
            }
        }
    }
}

#[test]
fn a_new_life_of_a_log_begins_with_sent() {
    let mut statuses = Statuses::new(ME);
    hear(&mut statuses, &Word::State { delivered: 9, read: 9 }, 0);
    assert_eq!(statuses.of(&chat(), Seq(9)), Status::Read);
    statuses.reset(&chat());
    assert_eq!(statuses.of(&chat(), Seq(1)), Status::Sent);
}
