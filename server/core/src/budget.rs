//! What one user may still do, all devices together: messages, their bytes, group operations, resends.
//!
//! A budget exists from the first request that is charged until its user has been away for a while and every bucket
//! is full again, so that leaving and coming back gains nothing. Sessions know the place of theirs: charging looks
//! nothing up.

use crate::bucket::{Bucket, Rate, RetryAfterMs};
use crate::ids::Timestamp;
use crate::request::{Action, Refusal};
use crate::settings::UserRates;
use std::num::NonZeroU32;

/// Where a user's budget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BudgetIndex(NonZeroU32);

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// An entry that a person writes, with so many bytes of theirs.
    Message { bytes: usize },
    /// A change of a group.
    GroupOperation,
}

impl Cost {
    pub(crate) fn of(action: &Action) -> Cost {
        match action {
            Action::Message { body, content_type, .. } | Action::Edit { body, content_type, .. } => {
                Cost::Message { bytes: body.len() + content_type.len() }
            }
            Action::React { emoji, .. } => Cost::Message { bytes: emoji.len() },
            Action::Revoke(_) => Cost::Message { bytes: 0 },
            _ => Cost::GroupOperation,
        }
    }
}

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    messages: Bucket,
    bytes: Bucket,
    group_operations: Bucket,
    searches: Bucket,
}

impl Budget {
    /// Charges a request, whole or not at all. A resend is charged for the search that it may need, too: whether it
    /// does is known at the conversation's home only.
    pub(crate) fn charge(
        &mut self,
        cost: Cost,
        resend: bool,
        rates: &UserRates,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut next = *self;
        match cost {
            Cost::Message { bytes } => {
                next.messages = admit(self.messages, 1, &rates.messages, now, "limits.user_messages_per_second")?;
                next.bytes = admit(self.bytes, bytes as u64, &rates.bytes, now, "limits.user_bytes_per_second")?;
            }
            Cost::GroupOperation => {
                let (rate, setting) = (&rates.group_operations, "limits.user_group_operations_per_minute");
                next.group_operations = admit(self.group_operations, 1, rate, now, setting)?;
            }
        }
        if resend {
            next.searches = admit(self.searches, 1, &rates.searches, now, "dedup.searches_per_second")?;
        }
        *self = next;
        Ok(())
    }

    /// Whether forgetting it would change nothing.
    fn is_full(&self, now: Timestamp) -> bool {
        [self.messages, self.bytes, self.group_operations, self.searches].iter().all(|bucket| bucket.is_full(now))
    }
}

fn admit(bucket: Bucket, units: u64, rate: &Rate, now: Timestamp, setting: &'static str) -> Result<Bucket, Refusal> {
    let refused = |RetryAfterMs(retry_after_ms)| Refusal::RateLimited { setting, retry_after_ms };
    bucket.admit(units, rate, now).map_err(refused)
}

/// The budgets of the users homed on a shard.
#[derive(Debug, Default)]
pub(crate) struct Budgets {
    places: slab::Slab<Budget>,
}

impl Budgets {
    /// A full one.
    pub(crate) fn insert(&mut self) -> BudgetIndex {
        let index = self.places.insert(Budget::default()) as u32;
        BudgetIndex(NonZeroU32::MIN.saturating_add(index))
    }

    pub(crate) fn get(&mut self, index: BudgetIndex) -> &mut Budget {
        &mut self.places[index.0.get() as usize - 1]
    }

    /// Forgets a budget whose user is gone, if that changes nothing; false when it is still needed.
    pub(crate) fn release(&mut self, index: BudgetIndex, now: Timestamp) -> bool {
        let full = self.get(index).is_full(now);
        if full {
            self.places.remove(index.0.get() as usize - 1);
        }
        full
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.places.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> UserRates {
        UserRates {
            messages: Rate::per_second(1, 3),
            bytes: Rate::per_second(10, 100),
            group_operations: Rate::per_minute(1, 1),
            searches: Rate::per_second(1, 1),
        }
    }

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    #[test]
    fn a_refused_request_is_not_charged_at_all() {
        let (mut budget, rates) = (Budget::default(), rates());
        for _ in 0..10 {
            let refusal = budget.charge(Cost::Message { bytes: 101 }, true, &rates, NOW).unwrap_err();
            assert!(matches!(refusal, Refusal::RateLimited { setting: "limits.user_bytes_per_second", .. }));
        }
        assert_eq!(budget.charge(Cost::Message { bytes: 100 }, true, &rates, NOW), Ok(()));
        let refusal = budget.charge(Cost::Message { bytes: 0 }, true, &rates, NOW).unwrap_err();
        assert_eq!(refusal, Refusal::RateLimited { setting: "dedup.searches_per_second", retry_after_ms: 1_000 });
        assert_eq!(budget.charge(Cost::Message { bytes: 0 }, false, &rates, NOW), Ok(()));
    }

    #[test]
    fn a_budget_is_kept_until_it_is_full() {
        let (mut budgets, rates) = (Budgets::default(), rates());
        let index = budgets.insert();
        budgets.get(index).charge(Cost::GroupOperation, false, &rates, NOW).unwrap();
        assert!(!budgets.release(index, NOW.plus_ms(59_999)));
        assert!(budgets.release(index, NOW.plus_ms(60_000)));
        assert_eq!(budgets.len(), 0);
    }
}
