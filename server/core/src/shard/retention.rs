//! Retention: bodies go once they were kept for as long as their conversation keeps them, whole blocks at a time.
//!
//! In two steps, since a resend is looked for by its header: first the floor rises and the blocks below it lose their
//! bodies; blocks older than any resend that is looked for are removed, all but the newest. Logs in memory are looked
//! through again after an hour or many new entries; a slow walk over the store finds the others. Each step is bounded,
//! and nothing waits for it: a log that is being looked through serves its members meanwhile.

use super::{PendingRead, Shard};
use crate::conversation::Log;
use crate::entry::{Fate, GoneReason, rewrite};
use crate::ids::{Conversation, Seq, Slot, Timestamp};
use crate::records::{Expired, ExpiryRequest, Read, Retention, WalkRequest, Walked, Write};
use crate::slots::SLOTS;
use std::collections::VecDeque;

/// A log is looked through again after this time.
const SWEEP_MS: u64 = 3_600_000;
/// Logs in memory looked at by each tick.
const LOOKS: usize = 256;
/// Most reads of this kind under way.
const READS_MAX: usize = 16;
/// Most logs that wait for their next step; while there are more, the walk stands.
const WAITING_MAX: usize = 256;
/// Ticks between two steps of the walk: a second.
const WALK_TICKS: u32 = 10;
/// Most blocks that lose their bodies in one step, their bytes, and most blocks looked at for removal.
const BLOCKS_MAX: usize = 256;
const BYTES_MAX: usize = 512 << 10;
const REMOVED_MAX: usize = 4_096;

/// Where a shard's sweep stands.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// The last home looked at.
    at: usize,
    pub(super) reads: usize,
    /// Logs whose next step is at the next tick.
    pub(super) waiting: VecDeque<Conversation>,
    ticks: u32,
    walk: Walk,
}

#[derive(Debug, Default)]
struct Walk {
    slot: u8,
    after: Option<Conversation>,
    under_way: bool,
}

impl Shard {
    /// A tick's share of the work.
    pub(super) fn sweep_retention(&mut self) {
        if self.storage_full || self.pending_bytes >= self.settings.pending_bytes_max / 2 {
            return;
        }
        for _ in 0..self.sweeper.waiting.len() {
            let Some(conversation) = self.sweeper.waiting.pop_front() else { break };
            self.sweep_waiting(conversation);
        }
        for _ in 0..LOOKS.min(self.homes.len()) {
            self.sweeper.at = if self.sweeper.at + 1 >= self.homes.capacity() { 0 } else { self.sweeper.at + 1 };
            let at = self.sweeper.at;
            if self.sweeper.reads < READS_MAX && self.homes.get(at).is_some_and(|home| self.is_due(home.log())) {
                self.sweep_log(at);
            }
        }
        self.sweeper.ticks += 1;
        if self.sweeper.ticks >= WALK_TICKS && !self.sweeper.walk.under_way && self.sweeper.waiting.len() < WAITING_MAX
        {
            self.sweeper.ticks = 0;
            self.walk();
        }
    }

    fn sweep_waiting(&mut self, conversation: Conversation) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        let place = &self.homes[home];
        if self.sweeper.reads >= READS_MAX || place.busy.is_some() {
            self.sweeper.waiting.push_back(conversation);
        } else if place.log().is_some() {
            self.sweep_log(home);
        }
    }

    fn is_due(&self, log: Option<&Log>) -> bool {
        let Some(log) = log else { return false };
        let rests = self.retention_of(&log.record) == Retention::Forever && log.record.floor == Seq(0);
        !rests
            && (self.now >= log.sweep.at.plus_ms(SWEEP_MS)
                || log.committed.0 - log.sweep.head.0.min(log.committed.0) >= self.settings.retention.drop_entries_min)
    }

    /// Asks what may be taken away from a log, its members' homes first if that depends on their devices.
    fn sweep_log(&mut self, home: usize) {
        let now = self.now;
        let Some(log) = self.homes[home].log().filter(|log| !log.sweep.under_way) else { return };
        if self.retention_of(&log.record) == Retention::UntilDelivered && self.ask_holders(home) {
            return;
        }
        let Some(request) = self.expiry_of(home) else {
            if let Some(log) = self.homes[home].log_mut() {
                log.sweep.rest(now, log.committed);
            }
            return;
        };
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        place.log_mut().expect("only logs expire").sweep.under_way = true;
        let retention = self.retention_of(&self.homes[home].log().expect("it was just there").record);
        self.sweeper.reads += 1;
        let pending = PendingRead::Expired(conversation, retention);
        self.read_gated(partition, pending, Read::Expired(Box::new(request)));
    }

    fn expiry_of(&self, home: usize) -> Option<ExpiryRequest> {
        let place = &self.homes[home];
        let log = place.log()?;
        let (floor, dropped) = (log.record.floor, log.record.history().dropped);
        let (up_to, before) = match self.retention_of(&log.record) {
            Retention::Forever => (floor, Timestamp(i64::MIN)),
            Retention::Ttl { seconds } => (log.committed, self.before_ms(u64::from(seconds) * 1_000)),
            Retention::UntilDelivered => (self.held_by_all(log), Timestamp(i64::MAX)),
        };
        (up_to > floor || floor > dropped).then(|| ExpiryRequest {
            conversation: place.id,
            dropped,
            floor,
            up_to: up_to.max(floor),
            before,
            headers_before: self.before_ms(self.settings.dedup_age_max_ms),
            head: log.committed,
            blocks_max: BLOCKS_MAX,
            bytes_max: BYTES_MAX,
            removed_max: REMOVED_MAX,
        })
    }

    pub(super) fn before_ms(&self, ms: u64) -> Timestamp {
        Timestamp(self.now.0.saturating_sub_unsigned(ms.saturating_mul(1_000)))
    }

    /// What may be taken away from a log; `None` when the store could not be read.
    pub(super) fn expired(&mut self, conversation: Conversation, asked: Retention, answer: Option<Box<Expired>>) {
        self.sweeper.reads -= 1;
        let now = self.now;
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        let busy = self.homes[home].busy.is_some();
        let Some(log) = self.homes[home].log_mut() else { return };
        log.sweep.under_way = false;
        let Some(expired) = answer else { return log.sweep.rest(now, log.committed) };
        // Another rule holds now, or blocks may be about to be rewritten by a revocation: it is asked again.
        if busy || self.retention_of(&self.homes[home].log().expect("it was just there").record) != asked {
            return self.sweeper.waiting.push_back(conversation);
        }
        let more = expired.more;
        self.take_away(home, *expired);
        let place = &mut self.homes[home];
        let log = place.log_mut().expect("it was just there");
        if more {
            place.used = now;
            self.sweeper.waiting.push_back(conversation);
        } else {
            log.sweep.rest(now, log.committed);
        }
    }

    /// Raises the floor and takes away what is below it, in the open batch.
    fn take_away(&mut self, home: usize, expired: Expired) {
        let place = &self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let log = place.log().expect("only logs expire");
        let (old_floor, mut floor, mut history) = (log.record.floor, log.record.floor, log.record.history());
        if let Some((seq, ordinal)) = expired.removable {
            self.write(partition, Write::DropBlocks(conversation, history.dropped.next(), seq));
            self.counters.entries_removed += seq.0 - history.dropped.0;
            history.dropped = seq;
            if seq > floor {
                (floor, history.floor_ordinal) = (seq, ordinal);
            }
        }
        for block in &expired.blocks {
            self.rewrite_block(home, rewrite(block, |_| Fate::Goes(GoneReason::Expired)));
            (floor, history.floor_ordinal) = (block.last(), block.last_ordinal);
        }
        if floor > old_floor && history.overlaid {
            self.write(partition, Write::DropOverlays(conversation, old_floor.next(), floor));
        }
        self.counters.entries_expired += floor.0 - old_floor.0;
        let log = self.homes[home].log().expect("only logs expire");
        if (floor, history) != (log.record.floor, log.record.history()) {
            self.change_record(home, |record| {
                record.floor = floor;
                *record.history_mut() = history;
            });
        }
    }

    // ---- Those that are not in memory ----

    /// Looks at the next few conversations of the store.
    fn walk(&mut self) {
        let walk = &mut self.sweeper.walk;
        let own = |slot: &u8| self.slots.shard_of(self.slots.partition_of_slot(Slot(*slot))) == self.id;
        let slots = (0..SLOTS).map(|step| walk.slot.wrapping_add(step as u8));
        let Some(slot) = slots.into_iter().find(own) else { return };
        if slot != walk.slot {
            (walk.slot, walk.after) = (slot, None);
        }
        walk.under_way = true;
        let request =
            WalkRequest { slot: Slot(slot), after: walk.after, limit: self.settings.retention.walk_conversations };
        self.read(PendingRead::Walk, Read::Walk(request));
    }

    /// Conversations that a walk came by; `None` when the store could not be read.
    pub(super) fn walked(&mut self, rows: Option<Vec<Walked>>) {
        let limit = self.settings.retention.walk_conversations;
        let walk = &mut self.sweeper.walk;
        walk.under_way = false;
        let Some(rows) = rows else { return };
        match rows.last().filter(|_| rows.len() >= limit) {
            Some(last) => walk.after = Some(last.conversation),
            None => (walk.slot, walk.after) = (walk.slot.wrapping_add(1), None),
        }
        for row in rows {
            if self.may_expire(&row) && !self.home_by_id.contains_key(&row.conversation) {
                self.load(row.conversation);
                self.sweeper.waiting.push_back(row.conversation);
            }
        }
    }

    fn may_expire(&self, row: &Walked) -> bool {
        let Some(oldest) = row.oldest else { return false };
        match row.retention.unwrap_or(self.settings.retention.default) {
            Retention::Forever => false,
            Retention::Ttl { seconds } => oldest < self.before_ms(u64::from(seconds) * 1_000),
            Retention::UntilDelivered => true,
        }
    }
}
