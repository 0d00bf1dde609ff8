//! Calls that ring in the conversations of one shard, and when each has rung for long enough.
//!
//! Bounded, and in memory only: a call that rings while the server dies is not timed out by it.

use crate::ids::{Conversation, DeviceId, Timestamp, UserId};
use std::collections::BTreeMap;

/// Calls that ring on one shard, at most.
pub(crate) const RINGS_MAX: usize = 4_096;
/// Calls that ring in one conversation, at most.
pub(crate) const RINGS_PER_CONVERSATION_MAX: usize = 16;

/// Names a call.
type Call = (Conversation, u64);

/// Who made an offer, and until when it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ring {
    pub(crate) caller: UserId,
    pub(crate) device: DeviceId,
    due: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Rings {
    by_call: BTreeMap<Call, Ring>,
    /// INVARIANT: one for each ring.
    by_due: BTreeMap<(Timestamp, Call), ()>,
}

impl Rings {
    /// A call begins to ring, or goes on as it did. False when there is no room.
    pub(crate) fn begin(&mut self, call: Call, caller: UserId, device: DeviceId, due: Timestamp) -> bool {
        if self.by_call.contains_key(&call) {
            return true;
        }
        let of_conversation = self.by_call.range((call.0, 0)..=(call.0, u64::MAX)).count();
        if self.by_call.len() >= RINGS_MAX || of_conversation >= RINGS_PER_CONVERSATION_MAX {
            return false;
        }
        self.by_call.insert(call, Ring { caller, device, due });
        self.by_due.insert((due, call), ());
        true
    }

    /// How many ring.
    pub(crate) fn len(&self) -> usize {
        self.by_call.len()
    }

    /// A call was taken or ended.
    pub(crate) fn end(&mut self, call: Call) {
        if let Some(ring) = self.by_call.remove(&call) {
            self.by_due.remove(&(ring.due, call));
        }
    }

    /// The next call that has rung for long enough: it rings no more.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<(Call, Ring)> {
        let (&(due, call), ()) = self.by_due.first_key_value()?;
        if due > now {
            return None;
        }
        self.by_due.remove(&(due, call));
        let ring = self.by_call.remove(&call).expect("each has its time");
        Some((call, ring))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GroupId;

    fn call(group: u64, id: u64) -> Call {
        (Conversation::Group(GroupId(group)), id)
    }

    fn begin(rings: &mut Rings, group: u64, id: u64, due: i64) -> bool {
        rings.begin(call(group, id), UserId(1), DeviceId(2), Timestamp(due))
    }

    #[test]
    fn calls_time_out_in_order_and_ended_ones_do_not() {
        let mut rings = Rings::default();
        for (id, due) in [(1, 30), (2, 10), (3, 20), (2, 99)] {
            assert!(begin(&mut rings, 1, id, due));
        }
        rings.end(call(1, 3));
        rings.end(call(1, 4));
        assert!(rings.pop_due(Timestamp(9)).is_none());
        let ended: Vec<u64> = std::iter::from_fn(|| rings.pop_due(Timestamp(30))).map(|(call, _)| call.1).collect();
        assert_eq!(ended, [2, 1]);
        assert!(rings.by_call.is_empty() && rings.by_due.is_empty());
    }

    #[test]
    fn there_is_room_for_so_many() {
        let mut rings = Rings::default();
        for group in 0..(RINGS_MAX / RINGS_PER_CONVERSATION_MAX) as u64 {
            for id in 1..=RINGS_PER_CONVERSATION_MAX as u64 {
                assert!(begin(&mut rings, group, id, 1));
            }
            assert!(!begin(&mut rings, group, 1_000, 1), "a conversation has its share");
        }
        assert!(!begin(&mut rings, 1_000_000, 1, 1), "a shard has its limit");
        rings.end(call(0, 1));
        assert!(begin(&mut rings, 1_000_000, 1, 1));
    }
}
