//! Names survive the wire, and wire messages that name nothing are refused.

use bytes::Bytes;
use hubbub_codec::ids::{ClientMessageId, Conversation, GroupId, NameError, UserId};
use hubbub_codec::proto;
use hubbub_codec::proto::conversation::Kind;
use proptest::collection::vec;
use proptest::prelude::*;

fn direct(low: u64, high: u64) -> proto::Conversation {
    proto::Conversation { kind: Some(Kind::Direct(proto::Direct { low, high })) }
}

proptest! {
    #[test]
    fn direct_conversations(a in any::<u64>(), b in any::<u64>()) {
        let named = Conversation::direct(UserId(a), UserId(b));
        prop_assert_eq!(named, Conversation::direct(UserId(b), UserId(a)));
        prop_assert_eq!(named.is_none(), a == b);
        let wire = Conversation::try_from(&direct(a, b));
        if a < b {
            prop_assert_eq!(wire.ok(), named);
            prop_assert_eq!(proto::Conversation::from(named.unwrap()), direct(a, b));
            prop_assert_eq!(named.unwrap().peer(UserId(a)), Some(UserId(b)));
            prop_assert_eq!(named.unwrap().peer(UserId(b)), Some(UserId(a)));
        } else {
            prop_assert_eq!(wire, Err(NameError::DirectOrder { low: a, high: b }));
        }
    }

    #[test]
    fn groups(group in any::<u64>()) {
        let named = Conversation::Group(GroupId(group));
        let wire = proto::Conversation::from(named);
        prop_assert_eq!(Conversation::try_from(&wire), Ok(named));
    }

    #[test]
    fn client_message_ids(name in vec(any::<u8>(), 0..40)) {
        let wire = Bytes::from(name.clone());
        let parsed = ClientMessageId::try_from(&wire);
        if (1..=16).contains(&name.len()) {
            let parsed = parsed.unwrap();
            prop_assert_eq!(parsed.as_bytes(), &name[..]);
            prop_assert_eq!(Bytes::from(parsed), wire);
        } else {
            prop_assert_eq!(parsed, Err(NameError::ClientMessageIdLength { length: name.len() }));
        }
    }
}

#[test]
fn a_conversation_without_a_kind() {
    let none = proto::Conversation { kind: None };
    let refused = Err(NameError::ConversationKind);
    assert_eq!(Conversation::try_from(&none), refused);
    assert_eq!(Conversation::try_from(&Some(none)), refused);
    assert_eq!(Conversation::try_from(&None), refused);
}
