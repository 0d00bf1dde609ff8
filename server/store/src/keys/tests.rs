use super::*;
use proptest::prelude::*;

fn conversations() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        any::<u64>().prop_map(|id| Conversation::Group(GroupId(id))),
        (any::<u64>(), any::<u64>()).prop_filter_map("two people", |(a, b)| Conversation::direct(UserId(a), UserId(b))),
    ]
}

proptest! {
    #[test]
    fn blocks_sort_by_seq_within_their_conversation(conversation in conversations(), a: u64, b: u64) {
        let key = |seq| block(&conversation, Seq(seq));
        prop_assert_eq!(key(a).as_ref().cmp(key(b).as_ref()), a.cmp(&b));
    }

    #[test]
    fn a_conversations_range_holds_its_rows_and_no_others(one in conversations(), other in conversations(), seq: u64, user: u64, device: u64) {
        prop_assume!(one != other);
        let range = all_of_conversation(&one);
        let holds = |key: &Key| (range.lower.as_ref()..range.upper.as_ref()).contains(&key.as_ref());
        for (of, expected) in [(&one, true), (&other, false)] {
            let cursor = cursor(of, UserId(user), DeviceId(device));
            for key in [block(of, Seq(seq)), member(of, UserId(user)), cursor, outbox(&Owner::Conversation(*of), MessageId(seq))] {
                prop_assert_eq!(holds(&key), expected);
            }
        }
    }

    #[test]
    fn a_slots_range_holds_its_rows_and_no_others(conversation in conversations(), slot: u8, seq: u64) {
        let range = all_of_slot(Slot(slot));
        let key = block(&conversation, Seq(seq));
        let holds = (range.lower.as_ref()..range.upper.as_ref()).contains(&key.as_ref());
        prop_assert_eq!(holds, key.slot() == Slot(slot));
        prop_assert_eq!(key.slot(), slot_of_conversation(&conversation));
    }

    #[test]
    fn what_a_key_is_about_comes_back(conversation in conversations(), user: u64, device: u64) {
        let of_cursor = cursor(&conversation, UserId(user), DeviceId(device));
        let mut rest = all_of_conversation(&conversation).rest(of_cursor.as_ref());
        prop_assert_eq!((split_id(&mut rest), split_id(&mut rest), split_id(&mut rest)), (Some(user), Some(device), None));
        let of_membership = membership(UserId(user), &conversation);
        let mut rest = all_of_user(UserId(user)).rest(of_membership.as_ref());
        prop_assert_eq!(split_conversation(&mut rest), Some(conversation));
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn an_outbox_row_tells_its_owner(conversation in conversations(), user: u64, n: u64) {
        for owner in [Owner::Conversation(conversation), Owner::User(UserId(user))] {
            let key = outbox(&owner, MessageId(n));
            prop_assert_eq!(key.slot(), slot_of_owner(&owner));
            let mut rest = all_of_slot(key.slot()).rest(key.as_ref());
            prop_assert_eq!((split_owner(&mut rest), split_id(&mut rest)), (Some(owner), Some(n)));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut rest = bytes.as_slice();
        let _ = split_conversation(&mut rest);
        let _ = split_owner(&mut bytes.as_slice());
        let _ = partition_of(&bytes);
        let _ = all_of_user(UserId(1)).rest(&bytes);
    }
}

#[test]
fn partitions_are_named_by_number() {
    for number in [0, 1, 255] {
        assert_eq!(partition_of(partition(PartitionId(number)).as_ref()), Some(PartitionId(number)));
    }
    assert!([STORE, SLOT_TABLE, RUN].into_iter().all(|key| partition_of(key).is_none()));
}
