//! Which sessions of this shard follow which conversations, and how far each has been sent.
//!
//! Both directions are plain vectors that know each other's positions, so that following, leaving and fan-out cost
//! no search and no hashing per session.

use crate::ids::{Conversation, LogId, Seq, ShardId};
use crate::message::Start;
use hashbrown::HashMap;
use slab::Slab;

/// Index of a [`Followed`] conversation.
pub(crate) type FollowedIndex = u32;

/// A conversation with sessions on this shard.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) id: Conversation,
    pub(crate) home: ShardId,
    pub(crate) subscriptions: Vec<Subscription>,
}

/// One session in one conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    /// Index of the session.
    pub(crate) session: u32,
    /// Where this subscription stands in the session's list.
    slot: u32,
    /// INVARIANT: `Cursor(seq, _)` means that everything this user may see up to `seq` has been sent.
    pub(crate) position: Start,
    /// Whether runs are sent as they come; else pages are pulled.
    pub(crate) live: bool,
    /// A page is under way.
    pub(crate) pulling: bool,
    /// A page is to be asked for when the session has fewer under way.
    pub(crate) queued: bool,
    /// Everything there will be was pushed; over once the edge has taken it.
    pub(crate) ended: bool,
}

impl Subscription {
    /// The seq up to which the session has been sent, when that is known.
    pub(crate) fn sent_up_to(&self) -> Option<Seq> {
        match self.position {
            Start::Cursor(seq, _) | Start::Since(seq) => Some(seq),
            Start::Delivered | Start::Tail => None,
        }
    }

    /// Goes back to an earlier position: that of the first of several pushes which were not queued.
    pub(crate) fn set_back_to(&mut self, position: Start) {
        (self.live, self.ended) = (false, false);
        let Start::Cursor(sent, _) = self.position else { return };
        if !matches!(position, Start::Cursor(earlier, _) if earlier > sent) {
            self.position = position;
        }
    }

    /// Moves `sent_up_to`, keeping the log's identity.
    pub(crate) fn move_to(&mut self, seq: Seq, log_id: LogId) {
        self.position = Start::Cursor(seq, log_id);
    }
}

/// A session's place in a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) followed: FollowedIndex,
    at: u32,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    followed: Slab<Followed>,
    by_id: HashMap<Conversation, FollowedIndex, foldhash::fast::RandomState>,
    /// By session index.
    places: Vec<Vec<Place>>,
}

impl Subscriptions {
    pub(crate) fn find(&self, conversation: &Conversation) -> Option<FollowedIndex> {
        self.by_id.get(conversation).copied()
    }

    pub(crate) fn followed(&mut self, index: FollowedIndex) -> &mut Followed {
        &mut self.followed[index as usize]
    }

    /// Conversations followed here.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (FollowedIndex, &Followed)> {
        self.followed.iter().map(|(index, followed)| (index as FollowedIndex, followed))
    }

    /// The places of a session.
    pub(crate) fn of_session(&self, session: u32) -> &[Place] {
        self.places.get(session as usize).map_or(&[], Vec::as_slice)
    }

    /// A session's subscription.
    pub(crate) fn get(&mut self, session: u32, followed: FollowedIndex) -> Option<&mut Subscription> {
        let at = self.at(session, followed)?;
        Some(&mut self.followed[followed as usize].subscriptions[at as usize])
    }

    fn at(&self, session: u32, followed: FollowedIndex) -> Option<u32> {
        let places = self.of_session(session);
        let subscriptions = &self.followed.get(followed as usize)?.subscriptions;
        // Few of either is the rule; walk the shorter list.
        if places.len() <= subscriptions.len() {
            places.iter().find(|place| place.followed == followed).map(|place| place.at)
        } else {
            subscriptions.iter().position(|sub| sub.session == session).map(|at| at as u32)
        }
    }

    /// Adds a subscription, or starts an existing one anew.
    pub(crate) fn follow(
        &mut self,
        session: u32,
        conversation: Conversation,
        home: ShardId,
        position: Start,
    ) -> FollowedIndex {
        let index = *self.by_id.entry(conversation).or_insert_with(|| {
            self.followed.insert(Followed { id: conversation, home, subscriptions: Vec::new() }) as FollowedIndex
        });
        if let Some(subscription) = self.get(session, index) {
            (subscription.position, subscription.live, subscription.ended) = (position, false, false);
            return index;
        }
        if self.places.len() <= session as usize {
            self.places.resize_with(session as usize + 1, Vec::new);
        }
        let places = &mut self.places[session as usize];
        let subscriptions = &mut self.followed[index as usize].subscriptions;
        let slot = places.len() as u32;
        places.push(Place { followed: index, at: subscriptions.len() as u32 });
        let (live, pulling, queued, ended) = (false, false, false, false);
        subscriptions.push(Subscription { session, slot, position, live, pulling, queued, ended });
        index
    }

    /// Removes a subscription, and the conversation with its last one: then tells which one is gone.
    pub(crate) fn unfollow(&mut self, session: u32, followed: FollowedIndex) -> Option<Conversation> {
        let at = self.at(session, followed)?;
        self.remove(followed, at)
    }

    /// Removes all subscriptions of a session; tells which conversations are gone with them.
    pub(crate) fn close(&mut self, session: u32) -> Vec<Conversation> {
        let mut gone = Vec::new();
        while let Some(place) = self.of_session(session).last().copied() {
            gone.extend(self.remove(place.followed, place.at));
        }
        if let Some(places) = self.places.get_mut(session as usize) {
            *places = Vec::new();
        }
        gone
    }

    fn remove(&mut self, followed: FollowedIndex, at: u32) -> Option<Conversation> {
        let subscriptions = &mut self.followed[followed as usize].subscriptions;
        let removed = subscriptions.swap_remove(at as usize);
        if let Some(moved) = subscriptions.get(at as usize) {
            self.places[moved.session as usize][moved.slot as usize].at = at;
        }
        let gone = subscriptions.is_empty().then(|| self.followed.remove(followed as usize).id);
        if let Some(gone) = &gone {
            self.by_id.remove(gone);
        }
        let places = &mut self.places[removed.session as usize];
        places.swap_remove(removed.slot as usize);
        if let Some(moved) = places.get(removed.slot as usize).copied() {
            self.followed[moved.followed as usize].subscriptions[moved.at as usize].slot = removed.slot;
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::GroupId;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// Both directions agree with a plain set of pairs after any sequence of changes.
        #[test]
        fn both_directions_agree(steps in proptest::collection::vec((0u8..3, 0u32..6, 0u64..5), 0..200)) {
            let mut subscriptions = Subscriptions::default();
            let mut model = BTreeSet::new();
            for (step, session, group) in steps {
                let conversation = Conversation::Group(GroupId(group));
                match step {
                    0 => {
                        subscriptions.follow(session, conversation, ShardId(0), Start::Tail);
                        model.insert((session, group));
                    }
                    1 => {
                        if let Some(index) = subscriptions.find(&conversation) {
                            subscriptions.unfollow(session, index);
                        }
                        model.remove(&(session, group));
                    }
                    _ => {
                        subscriptions.close(session);
                        model.retain(|(s, _)| *s != session);
                    }
                }
                let mut seen = BTreeSet::new();
                for (index, followed) in subscriptions.followed.iter() {
                    prop_assert!(!followed.subscriptions.is_empty());
                    let Conversation::Group(group) = followed.id else { unreachable!() };
                    for (at, subscription) in followed.subscriptions.iter().enumerate() {
                        let place = subscriptions.places[subscription.session as usize][subscription.slot as usize];
                        prop_assert_eq!((place.followed as usize, place.at as usize), (index, at));
                        seen.insert((subscription.session, group.0));
                    }
                }
                prop_assert_eq!(&seen, &model);
            }
        }
    }
}
